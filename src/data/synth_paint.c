/* synth_paint.c: polygons by scan lines with exact coverage along x, strokes and patches by distance. */
#include "data/synth_paint.h"

#include <math.h>
#include <string.h>

enum { SUB_ROWS = 5, CROSSINGS = 64 };

struct box {
    int x0, y0, x1, y1; /* pixels, the second pair beyond the last */
};

enum mien_status synth_paint_begin(struct synth_paint *p, uint32_t size)
{
    size_t pixels = (size_t)size * size;
    *p = (struct synth_paint){.size = size,
                              .rgb = base_alloc(pixels * 3, sizeof(float)),
                              .cover = base_alloc(pixels, sizeof(float)),
                              .plane = {base_alloc(pixels, sizeof(float)), base_alloc(pixels, sizeof(float))}};
    if (p->rgb && p->cover && p->plane[0] && p->plane[1])
        return MIEN_OK;
    synth_paint_end(p);
    return base_fail(MIEN_ERR_NOMEM, "out of host memory for a face of %u x %u pixels; ask for a smaller one", size,
                     size);
}

void synth_paint_end(struct synth_paint *p)
{
    base_free(p->rgb);
    base_free(p->cover);
    base_free(p->plane[0]);
    base_free(p->plane[1]);
    *p = (struct synth_paint){0};
}

static int bound(const struct synth_paint *p, double x)
{
    return (int)synth_clamp(x, 0, (double)p->size);
}

/* The pixels that points with `margin` around them touch. */
static struct box bounds(const struct synth_paint *p, const struct synth_point *points, int count, double margin)
{
    double x0 = 1e9, y0 = 1e9, x1 = -1e9, y1 = -1e9;
    for (int i = 0; i < count; i++) {
        x0 = BASE_MIN(x0, points[i].x);
        y0 = BASE_MIN(y0, points[i].y);
        x1 = BASE_MAX(x1, points[i].x);
        y1 = BASE_MAX(y1, points[i].y);
    }
    return (struct box){bound(p, x0 - margin), bound(p, y0 - margin), bound(p, x1 + margin + 1),
                        bound(p, y1 + margin + 1)};
}

/* Lays colour over the box by its coverage, which becomes 0 again. */
static void blend(struct synth_paint *p, struct box b, struct synth_colour c, double alpha)
{
    for (int y = b.y0; y < b.y1; y++) {
        for (int x = b.x0; x < b.x1; x++) {
            size_t i = (size_t)y * p->size + (size_t)x;
            float a = p->cover[i] * (float)alpha;
            p->cover[i] = 0;
            if (a <= 0)
                continue;
            if (p->clip)
                a *= p->clip[i];
            float *rgb = p->rgb + i * 3;
            rgb[0] += (c.r - rgb[0]) * a;
            rgb[1] += (c.g - rgb[1]) * a;
            rgb[2] += (c.b - rgb[2]) * a;
        }
    }
}

struct crossing {
    double x;
    int turn;
};

/* Where the polygon's edges meet the line y, sorted by x. */
static int crossings(const struct synth_point *points, int count, double y, struct crossing *out)
{
    int n = 0;
    for (int i = 0; i < count && n < CROSSINGS; i++) {
        struct synth_point a = points[i], b = points[i + 1 == count ? 0 : i + 1];
        if ((a.y <= y) == (b.y <= y))
            continue;
        struct crossing c = {a.x + (y - a.y) / (b.y - a.y) * (b.x - a.x), a.y < b.y ? 1 : -1};
        int at = n++;
        for (; at > 0 && out[at - 1].x > c.x; at--)
            out[at] = out[at - 1];
        out[at] = c;
    }
    return n;
}

/* Adds the part of each pixel that lies between x0 and x1. */
static void add_span(float *row, int size, double x0, double x1)
{
    x0 = synth_clamp(x0, 0, size);
    x1 = synth_clamp(x1, 0, size);
    int first = (int)x0, last = (int)x1;
    if (first == last) {
        if (first < size)
            row[first] += (float)((x1 - x0) / SUB_ROWS);
        return;
    }
    row[first] += (float)((first + 1 - x0) / SUB_ROWS);
    for (int x = first + 1; x < last; x++)
        row[x] += 1.0f / SUB_ROWS;
    if (last < size)
        row[last] += (float)((x1 - last) / SUB_ROWS);
}

static struct box cover_polygon(struct synth_paint *p, const struct synth_point *points, int count)
{
    struct box b = bounds(p, points, count, 1);
    struct crossing c[CROSSINGS];
    for (int y = b.y0; y < b.y1; y++) {
        for (int sub = 0; sub < SUB_ROWS; sub++) {
            int n = crossings(points, count, y + (sub + 0.5) / SUB_ROWS, c), winding = 0;
            for (int i = 0; i + 1 < n; i++) {
                winding += c[i].turn;
                if (winding != 0)
                    add_span(p->cover + (size_t)y * p->size, (int)p->size, c[i].x, c[i + 1].x);
            }
        }
    }
    return b;
}

void synth_paint_fill(struct synth_paint *p, const struct synth_point *points, int count, struct synth_colour c,
                      double alpha)
{
    if (alpha > 0 && count > 2)
        blend(p, cover_polygon(p, points, count), c, alpha);
}

/* Coverage of one piece of a line, by each pixel's distance to it. */
static void cover_segment(struct synth_paint *p, struct synth_point a, struct synth_point b, double wa, double wb,
                          double edge)
{
    struct synth_point ends[2] = {a, b};
    struct box box = bounds(p, ends, 2, BASE_MAX(wa, wb) + edge);
    double dx = b.x - a.x, dy = b.y - a.y, length = dx * dx + dy * dy;
    double inverse = length > 1e-12 ? 1 / length : 0;
    for (int y = box.y0; y < box.y1; y++) {
        for (int x = box.x0; x < box.x1; x++) {
            double px = x + 0.5 - a.x, py = y + 0.5 - a.y;
            double t = synth_clamp((px * dx + py * dy) * inverse, 0, 1);
            double ex = px - t * dx, ey = py - t * dy, w = synth_mix(wa, wb, t);
            double wide = BASE_MAX(w, 0.5), reach = wide + edge, square = ex * ex + ey * ey;
            if (square >= reach * reach)
                continue; /* too far: no root is needed */
            float c = (float)(synth_clamp((wide - sqrt(square)) / (2 * edge) + 0.5, 0, 1) * w / wide);
            float *cover = p->cover + (size_t)y * p->size + (size_t)x;
            *cover = BASE_MAX(*cover, c);
        }
    }
}

void synth_paint_stroke(struct synth_paint *p, const struct synth_point *points, int count, double ends, double middle,
                        double soft, struct synth_colour c, double alpha)
{
    double edge = BASE_MAX(soft, 0.5), last = ends;
    if (alpha <= 0 || count < 2)
        return;
    for (int i = 0; i + 1 < count; i++) {
        double t = (double)(i + 1) / (count - 1), next = ends + (middle - ends) * 4 * t * (1 - t);
        cover_segment(p, points[i], points[i + 1], last, next, edge);
        last = next;
    }
    blend(p, bounds(p, points, count, BASE_MAX(ends, middle) + edge + 1), c, alpha);
}

void synth_paint_blob(struct synth_paint *p, struct synth_point centre, double rx, double ry, double cs, double sn,
                      struct synth_colour c, double alpha)
{
    double reach = BASE_MAX(rx, ry);
    if (alpha <= 0 || rx <= 0 || ry <= 0)
        return;
    struct box b = bounds(p, &centre, 1, reach);
    for (int y = b.y0; y < b.y1; y++) {
        for (int x = b.x0; x < b.x1; x++) {
            double dx = x + 0.5 - centre.x, dy = y + 0.5 - centre.y;
            double u = (dx * cs + dy * sn) / rx, v = (dy * cs - dx * sn) / ry, q = 1 - u * u - v * v;
            if (q > 0)
                p->cover[(size_t)y * p->size + (size_t)x] = (float)(q * q);
        }
    }
    blend(p, b, c, alpha);
}

void synth_paint_clip(struct synth_paint *p, int plane, const struct synth_point *points, int count)
{
    cover_polygon(p, points, count);
    memcpy(p->plane[plane], p->cover, sizeof(float) * p->size * p->size);
    memset(p->cover, 0, sizeof(float) * p->size * p->size);
    p->clip = p->plane[plane];
}

/* One direction: `stride` floats lie between neighbours, `lines` lines begin `step` floats apart. */
static void blur_lines(float *rgb, int size, size_t stride, size_t step, const float *kernel, int reach, float *line)
{
    for (int l = 0; l < size; l++) {
        for (size_t ch = 0; ch < 3; ch++) {
            float *at = rgb + (size_t)l * step + ch;
            for (int i = 0; i < size; i++)
                line[i] = at[(size_t)i * stride];
            for (int i = 0; i < size; i++) {
                float sum = 0;
                for (int k = -reach; k <= reach; k++) {
                    int from = i + k < 0 ? 0 : i + k >= size ? size - 1 : i + k;
                    sum += line[from] * kernel[k + reach];
                }
                at[(size_t)i * stride] = sum;
            }
        }
    }
}

enum mien_status synth_paint_blur(struct synth_paint *p, double radius)
{
    enum mien_status status = MIEN_OK;
    int reach = (int)radius, size = (int)p->size;
    float *work = NULL, total = 0;
    if (radius <= 1)
        return MIEN_OK;
    work = base_alloc((size_t)(2 * reach + 1 + size), sizeof(*work));
    FAIL_IF_NULL(work, "blurring a face");
    for (int k = -reach; k <= reach; k++) { /* near a Gaussian, and without exp() */
        double q = 1 - (k / radius) * (k / radius);
        work[k + reach] = (float)(q * q);
        total += work[k + reach];
    }
    for (int k = 0; k <= 2 * reach; k++)
        work[k] /= total;
    blur_lines(p->rgb, size, 3, (size_t)size * 3, work, reach, work + 2 * reach + 1);
    blur_lines(p->rgb, size, (size_t)size * 3, 3, work, reach, work + 2 * reach + 1);
fail:
    base_free(work);
    return status;
}

int synth_curve(const struct synth_point *points, int count, bool closed, int steps, struct synth_point *out)
{
    int n = 0, pieces = closed ? count : count - 1;
    for (int i = 0; i < pieces; i++) {
        struct synth_point b = points[i], c = points[(i + 1) % count];
        struct synth_point a = i > 0 || closed ? points[(i + count - 1) % count] : b;
        struct synth_point d = i + 2 < count || closed ? points[(i + 2) % count] : c;
        for (int k = 0; k < steps && n < SYNTH_POINTS - 1; k++) {
            double t = (double)k / steps, s = t * t, u = s * t;
            double wa = (-u + 2 * s - t) / 2, wb = (3 * u - 5 * s + 2) / 2, wc = (-3 * u + 4 * s + t) / 2,
                   wd = (u - s) / 2;
            out[n++] = (struct synth_point){wa * a.x + wb * b.x + wc * c.x + wd * d.x,
                                            wa * a.y + wb * b.y + wc * c.y + wd * d.y};
        }
    }
    if (!closed)
        out[n++] = points[count - 1];
    return n;
}

double synth_sin(double x)
{
    const double pi = 3.14159265358979323846;
    while (x > pi)
        x -= 2 * pi;
    while (x < -pi)
        x += 2 * pi;
    x = x > pi / 2 ? pi - x : x < -pi / 2 ? -pi - x : x;
    double s = x * x, term = x, sum = x;
    for (int k = 1; k < 8; k++) {
        term = -term * s / (2 * k * (2 * k + 1));
        sum += term;
    }
    return sum;
}

double synth_cos(double x)
{
    return synth_sin(x + 1.57079632679489661923);
}
