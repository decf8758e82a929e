/* synth_paint.h: inside data: a small painter with anti-aliasing for the synthetic faces. Points are in pixels, y down.
 * Only + - * / and sqrt are used, so that every compiler and processor gives the same bits. */
#ifndef DATA_SYNTH_PAINT_H
#define DATA_SYNTH_PAINT_H

#include "base/base.h"

struct synth_point {
    double x, y;
};

struct synth_colour {
    float r, g, b; /* 0..1 */
};

enum { SYNTH_POINTS = 200 }; /* the most a shape may have */

struct synth_paint {
    uint32_t size;
    float *rgb;        /* [size, size, 3] */
    float *cover;      /* [size, size], 0 between calls */
    float *plane[2];   /* [size, size]: two restrictions, 0 = the head, 1 = a part of it */
    const float *clip; /* the one that multiplies coverage now, or NULL */
};

enum mien_status synth_paint_begin(struct synth_paint *p, uint32_t size);
void synth_paint_end(struct synth_paint *p);

/* The inside (non-zero winding) of a closed polygon. */
void synth_paint_fill(struct synth_paint *p, const struct synth_point *points, int count, struct synth_colour c,
                      double alpha);
/* A line through the points whose half width goes from `ends` at both ends to `middle`; its edge is `soft` wide. */
void synth_paint_stroke(struct synth_paint *p, const struct synth_point *points, int count, double ends, double middle,
                        double soft, struct synth_colour c, double alpha);
/* A patch that fades from `alpha` in the middle to nothing at the ellipse; cs, sn: cosine and sine of its turn. */
void synth_paint_blob(struct synth_paint *p, struct synth_point centre, double rx, double ry, double cs, double sn,
                      struct synth_colour c, double alpha);
/* Restricts what follows to a polygon, kept as restriction `plane`. */
void synth_paint_clip(struct synth_paint *p, int plane, const struct synth_point *points, int count);
/* Blurs everything; radius in pixels (0 = nothing). */
enum mien_status synth_paint_blur(struct synth_paint *p, double radius);

/* A smooth curve through `count` points (Catmull-Rom), `steps` parts to each piece; returns the number of points. */
int synth_curve(const struct synth_point *points, int count, bool closed, int steps, struct synth_point *out);

double synth_sin(double radians); /* |radians| <= 2 pi; within 1e-9 */
double synth_cos(double radians);

static inline double synth_clamp(double x, double low, double high)
{
    return x < low ? low : x > high ? high : x;
}

static inline double synth_mix(double a, double b, double t)
{
    return a + (b - a) * t;
}

static inline struct synth_colour synth_mix_colour(struct synth_colour a, struct synth_colour b, double t)
{
    float k = (float)t;
    return (struct synth_colour){a.r + (b.r - a.r) * k, a.g + (b.g - a.g) * k, a.b + (b.b - a.b) * k};
}

#endif
