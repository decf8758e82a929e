/* synth_mouth.c: nose, mouth, and what the action units do to the skin of cheeks, chin and forehead. */
#include "data/synth.h"

#include <math.h>

#define AU(n) (d->au[MIEN_AU##n])

enum { LIP = 25 }; /* points along a lip, from one corner to the other */

struct mouth {
    struct synth_point top[LIP], inner_top[LIP], inner_low[LIP], low[LIP];
    struct synth_point corner[2]; /* side -1, side 1 */
    double gap;                   /* between the lips at the middle */
    double centre;                /* height of the upper lip's lower edge there */
};

static void shape_corners(const struct synth_drawing *d, struct mouth *m)
{
    const struct synth_identity *id = d->id;
    for (int i = 0; i < 2; i++) {
        int s = 2 * i - 1;
        double smile = synth_side(d, MIEN_AU12, s), dimple = synth_side(d, MIEN_AU14, s);
        double x = id->mouth_width + 0.10 * smile + 0.11 * AU(20) + 0.045 * dimple - 0.075 * AU(23) - 0.035 * AU(24) -
                   0.07 * AU(27) - 0.04 * AU(17) + 0.01 * AU(15) - 0.02 * AU(26);
        double y = id->mouth_y - 0.155 * smile + 0.125 * AU(15) + 0.045 * AU(20) + 0.16 * AU(27) + 0.075 * AU(26) -
                   0.035 * dimple + 0.03 * AU(17);
        m->corner[i] = (struct synth_point){s * x, y};
    }
}

static void shape_mouth(const struct synth_drawing *d, struct mouth *m)
{
    const struct synth_identity *id = d->id;
    double thin = (1 - 0.55 * AU(23)) * (1 - 0.75 * AU(24)) * (1 - 0.25 * AU(12)) * (1 - 0.25 * AU(20));
    double upper = id->lip_upper * thin * (1 - 0.3 * AU(9)), lower = id->lip_lower * thin * (1 + 0.25 * AU(17));
    double open = synth_clamp(0.7 * AU(26) + 1.2 * AU(27) - 0.5 * AU(12) - 0.5 * AU(20), 0, 1); /* a round mouth */
    shape_corners(d, m);
    m->gap = 0.06 * AU(25) + 0.13 * AU(26) + 0.29 * AU(27) + 0.05 * AU(12) * AU(25) + 0.035 * AU(20) * AU(25) +
             0.04 * AU(10) * AU(25);
    m->centre = id->mouth_y + 0.012 + 0.02 * AU(12) - 0.055 * AU(10) - 0.045 * AU(9) - 0.05 * AU(17) - 0.03 * AU(15) -
                0.03 * AU(27) - 0.2 * (m->gap - 0.05) * (m->gap > 0.05);
    for (int i = 0; i < LIP; i++) {
        double t = -1 + 2.0 * i / (LIP - 1), a = t < 0 ? -t : t, b = 1 - t * t;
        int side = t < 0 ? -1 : 1;
        struct synth_point c = m->corner[side > 0];
        double square = 1 - a * a * a * a, oval = sqrt(b);
        double bow = synth_mix(t * t * (0.55 + 0.45 * a), 1 - oval, open);
        double x = a * c.x, raise = synth_side(d, MIEN_AU10, side) * 0.055 * 4 * a * (1 - a);
        double y = synth_mix(m->centre, c.y, bow) - raise - 0.02 * AU(9) * 4 * a * (1 - a);
        double dip = a < 0.22 ? 1 - 0.30 * (1 - a / 0.22) : 1; /* Cupid's bow */
        double gap = m->gap * synth_mix(synth_mix(b, square, 0.35 + 0.55 * AU(20)), oval, open);
        m->inner_top[i] = (struct synth_point){x, y};
        m->inner_low[i] = (struct synth_point){x, y + gap + 0.02 * AU(17) * AU(15) * b};
        m->top[i] = (struct synth_point){x, y - upper * (0.5 * b + 0.5 * square) * dip - 0.006};
        m->low[i] = (struct synth_point){x, m->inner_low[i].y + lower * b + 0.006};
    }
}

/* A closed band between two rows of points. */
static void band(const struct synth_drawing *d, const struct synth_point *a, const struct synth_point *b,
                 struct synth_colour c, double alpha)
{
    struct synth_point shape[2 * LIP];
    for (int i = 0; i < LIP; i++) {
        shape[i] = a[i];
        shape[2 * LIP - 1 - i] = b[i];
    }
    synth_shape(d, shape, 2 * LIP, c, alpha);
}

/* A row of teeth along a lip, `height` of it showing. */
static void draw_teeth(const struct synth_drawing *d, const struct synth_point *lip, double height)
{
    const struct synth_colour white = {0.95f, 0.93f, 0.88f}, gap = {0.62f, 0.55f, 0.52f};
    struct synth_point edge[LIP];
    for (int i = 0; i < LIP; i++) {
        double t = -1 + 2.0 * i / (LIP - 1);
        edge[i] = (struct synth_point){lip[i].x * 0.94, lip[i].y + height * (1 - t * t * t * t)};
    }
    band(d, lip, edge, white, 0.96);
    for (int i = 4; i < LIP - 4; i += 4) {
        struct synth_point line[] = {{edge[i].x, lip[i].y}, edge[i]};
        synth_line(d, line, 2, 0.003, 0.003, 0.003, gap, 0.35);
    }
}

static void draw_cavity(const struct synth_drawing *d, const struct mouth *m)
{
    const struct synth_colour dark = {0.16f, 0.05f, 0.05f}, tongue = {0.72f, 0.32f, 0.32f};
    struct synth_point curve[2 * LIP];
    double bared = synth_clamp(AU(12) + AU(10) + AU(9) + 0.9 * AU(20) + 0.5 * AU(25), 0, 1);
    for (int i = 0; i < LIP; i++) {
        curve[i] = synth_project(d, m->inner_top[i].x, m->inner_top[i].y, 0);
        curve[2 * LIP - 1 - i] = synth_project(d, m->inner_low[i].x, m->inner_low[i].y, 0);
    }
    synth_paint_clip(d->paint, 1, curve, 2 * LIP);
    synth_paint_fill(d->paint, curve, 2 * LIP, dark, 1);
    if (m->gap > 0.12)
        synth_patch(d, 0, m->centre + m->gap * 0.98, 0.26, 0.30 * m->gap + 0.03, 0, tongue, 0.9);
    draw_teeth(d, m->inner_top, BASE_MIN(0.02 + 0.085 * bared, m->gap * 0.75));
    if (AU(20) + 0.7 * AU(10) > 0.35)
        draw_teeth(d, m->inner_low, -BASE_MIN(0.045, m->gap * 0.3));
    d->paint->clip = d->paint->plane[0];
}

static void draw_lips(const struct synth_drawing *d, const struct mouth *m)
{
    const struct synth_identity *id = d->id;
    struct synth_colour upper = synth_mix_colour(id->lips, d->line, 0.22);
    struct synth_colour shine = synth_mix_colour(id->lips, (struct synth_colour){1, 0.9f, 0.88f}, 0.55);
    band(d, m->top, m->inner_top, upper, 0.95);
    band(d, m->inner_low, m->low, id->lips, 0.95);
    const struct synth_point *low = &m->low[LIP / 2];
    synth_patch(d, 0, low->y - 0.45 * (low->y - m->inner_low[LIP / 2].y), 0.13, 0.022, 0, shine, 0.6);
    synth_line(d, m->inner_top, LIP, 0.008, 0.010, 0.005,
               synth_mix_colour(d->line, (struct synth_colour){0.2f, 0.05f, 0.05f}, 0.6), m->gap > 0.03 ? 0.5 : 0.95);
}

/* Shades beside the corners, under the lower lip, and where lips are tightened, pressed or stretched. */
static void draw_mouth_shades(const struct synth_drawing *d, const struct mouth *m)
{
    for (int i = 0; i < 2; i++) {
        int s = 2 * i - 1;
        struct synth_point c = m->corner[i];
        double dimple = synth_side(d, MIEN_AU14, s), smile = synth_side(d, MIEN_AU12, s);
        double curl = 0.055 + 0.05 * dimple;
        struct synth_point pit[] = {
            {c.x + s * 0.035, c.y - curl}, {c.x + s * (0.055 + 0.02 * dimple), c.y}, {c.x + s * 0.03, c.y + curl}};
        synth_line(d, pit, 3, 0.004, 0.014 + 0.010 * dimple, 0.012 + 0.008 * dimple, d->line,
                   synth_clamp(0.15 + 0.85 * dimple + 0.3 * smile + 0.35 * AU(20) + 0.2 * AU(23), 0, 0.9));
        struct synth_point droop[] = {{c.x, c.y + 0.005}, {c.x + s * 0.025, c.y + 0.05}, {c.x + s * 0.03, c.y + 0.13}};
        synth_line(d, droop, 3, 0.004, 0.015, 0.014, d->line, 0.7 * AU(15));
        struct synth_point stretch[] = {
            {c.x + s * 0.09, c.y - 0.08}, {c.x + s * 0.12, c.y + 0.02}, {c.x + s * 0.10, c.y + 0.12}};
        synth_line(d, stretch, 3, 0.003, 0.012, 0.012, d->line, 0.6 * AU(20));
    }
    double low = m->low[LIP / 2].y;
    synth_patch(d, 0, low + 0.05, 0.20, 0.055, 0, d->dark, 0.7 + 0.3 * AU(17));
    double press = BASE_MAX(AU(23), AU(24));
    synth_patch(d, 0, low + 0.035, 0.26, 0.04, 0, d->line, 0.6 * press);
    synth_patch(d, 0, m->top[LIP / 2].y - 0.03, 0.26, 0.035, 0, d->line, 0.4 * press);
    for (int k = -2; k <= 2 && press > 0.1; k++) { /* the red of the lips drawn in */
        struct synth_point line[] = {{k * 0.065, m->top[LIP / 2].y - 0.045}, {k * 0.06, m->top[LIP / 2].y + 0.005}};
        synth_line(d, line, 2, 0.006, 0.006, 0.006, d->line, 0.4 * press);
    }
}

void synth_draw_mouth(const struct synth_drawing *d)
{
    struct mouth m;
    shape_mouth(d, &m);
    draw_mouth_shades(d, &m);
    if (m.gap > 0.012)
        draw_cavity(d, &m);
    draw_lips(d, &m);
    if (d->id->moustache) {
        struct synth_point tache[] = {{0, m.top[LIP / 2].y - 0.085},
                                      {0.16, m.top[LIP / 2].y - 0.08},
                                      {m.corner[1].x * 0.95, m.corner[1].y + 0.0},
                                      {0.14, m.top[LIP / 2].y - 0.005},
                                      {0, m.top[LIP / 2].y - 0.005},
                                      {-0.14, m.top[LIP / 2].y - 0.005},
                                      {m.corner[0].x * 0.95, m.corner[0].y + 0.0},
                                      {-0.16, m.top[LIP / 2].y - 0.08}};
        synth_shape(d, tache, BASE_COUNT(tache), synth_mix_colour(d->id->hair, d->line, 0.35), 0.9);
    }
}

void synth_draw_nose(const struct synth_drawing *d)
{
    const struct synth_identity *id = d->id;
    double up = 0.055 * AU(9) + 0.02 * AU(10), base = id->nose_length - up,
           w = id->nose_width * (1 + 0.12 * AU(9) + 0.08 * AU(20) + 0.06 * AU(12));
    double side = d->scene->light_x < 0 ? 1 : -1; /* the shadow lies away from the light */
    struct synth_point ridge[] = {{side * 0.09, -0.16}, {side * 0.06, 0.05}, {side * 0.085, base - 0.12}};
    struct synth_point shine[] = {{0, -0.1}, {-side * 0.01, 0.1}, {-side * 0.01, base - 0.08}};
    synth_line(d, ridge, 3, 0.008, 0.022, 0.03, d->dark, 0.55);
    synth_line(d, shine, 3, 0.01, 0.016, 0.03, d->light, 0.45);
    synth_patch(d, 0, base + 0.05, w * 1.15, 0.06, 0, d->dark, 0.75);
    synth_patch(d, -side * 0.01, base - 0.05, 0.07, 0.06, 0, d->light, 0.55);
    for (int s = -1; s <= 1; s += 2) {
        struct synth_point wing[] = {
            {s * w * 0.75, base - 0.10}, {s * w * 1.02, base - 0.03}, {s * w * 0.8, base + 0.03}};
        synth_line(d, wing, 3, 0.005, 0.013, 0.008, d->line, 0.7);
        synth_patch(d, s * w * 0.48, base + 0.015, 0.052, 0.033, s * 0.3,
                    synth_mix_colour(d->line, (struct synth_colour){0.1f, 0.03f, 0.03f}, 0.5), 1);
        for (int k = 0; k < 3; k++) { /* wrinkles across the root and down the sides */
            double y = -0.06 + 0.065 * k;
            struct synth_point line[] = {{s * 0.015, y - 0.02}, {s * 0.075, y}, {s * 0.13, y + 0.05}};
            synth_line(d, line, 3, 0.003, 0.014, 0.010, d->line, 0.9 * AU(9));
        }
    }
}

static void draw_cheeks(const struct synth_drawing *d)
{
    for (int s = -1; s <= 1; s += 2) {
        double smile = synth_side(d, MIEN_AU12, s), lift = synth_side(d, MIEN_AU10, s), w = d->id->nose_width;
        double fold = synth_clamp(d->id->folds + 0.75 * smile + 0.7 * lift + 0.65 * AU(9) + 0.25 * AU(6) +
                                      0.35 * AU(20) + 0.2 * AU(15),
                                  0, 0.9);
        double low = 0.70 - 0.03 * smile, out = d->id->mouth_width + 0.09 + 0.09 * smile + 0.05 * AU(20);
        struct synth_point line[] = {{s * (w + 0.03), 0.40 - 0.05 * AU(9) - 0.03 * lift},
                                     {s * (w + 0.12 + 0.03 * lift), 0.49 - 0.04 * lift},
                                     {s * out, low},
                                     {s * (out + 0.01), low + 0.10}};
        synth_line(d, line, smile > 0.25 ? 4 : 3, 0.004, 0.018, 0.014, d->line, fold);
        /* the cheek, pushed up: light on top, a shade below the eye */
        double ball = synth_clamp(0.7 * AU(6) + 0.5 * smile, 0, 1);
        synth_patch(d, s * 0.47, 0.36 - 0.05 * ball, 0.20, 0.13, 0, d->light, 0.55 * ball);
        struct synth_point under[] = {{s * 0.24, 0.20}, {s * 0.38, 0.235}, {s * 0.56, 0.16}};
        synth_line(d, under, 3, 0.004, 0.016, 0.016, d->line, 0.6 * AU(6));
        struct synth_point ball_edge[] = {{s * 0.30, 0.47}, {s * 0.48, 0.53}, {s * 0.64, 0.42}};
        synth_line(d, ball_edge, 3, 0.004, 0.02, 0.04, d->dark, 0.7 * ball);
    }
}

static void draw_forehead(const struct synth_drawing *d)
{
    double old = 0.35 * (d->id->age - 0.5), middle = AU(1), sides = AU(2);
    for (int k = 0; k < 3; k++) {
        double y = -0.40 - 0.085 * k - 0.03 * BASE_MAX(middle, sides), dip = 0.03 * sides - 0.02 * middle * (1 - sides);
        double reach = 0.16 + 0.30 * sides, strength = synth_clamp(0.75 * BASE_MAX(middle, sides) + old, 0, 0.8);
        struct synth_point line[] = {{-reach, y + 0.02},
                                     {-reach * 0.5, y - dip * 0.3},
                                     {0, y + dip},
                                     {reach * 0.5, y - dip * 0.3},
                                     {reach, y + 0.02}};
        synth_line(d, line, 5, 0.003, 0.012, 0.010, d->line, strength * (k == 2 ? 0.6 : 1));
    }
    double frown = synth_clamp(AU(4) + 0.45 * AU(9), 0, 1);
    for (int s = -1; s <= 1; s += 2) { /* furrows between the brows */
        struct synth_point line[] = {{s * 0.065, -0.34}, {s * 0.05, -0.25}, {s * 0.062, -0.13}};
        synth_line(d, line, 3, 0.004, 0.019, 0.010, d->line, 0.95 * frown);
    }
    synth_patch(d, 0, -0.22, 0.12, 0.14, 0, d->dark, 0.6 * frown);
}

static void draw_chin(const struct synth_drawing *d)
{
    double y = d->id->chin_length - 0.15 + d->jaw, boss = AU(17);
    synth_patch(d, 0, y, 0.17, 0.10, 0, d->light, 0.25 + 0.3 * boss);
    struct synth_point arch[] = {
        {-0.15, y - 0.0}, {-0.09, y - 0.085}, {0, y - 0.10}, {0.09, y - 0.085}, {0.15, y - 0.0}};
    synth_line(d, arch, 5, 0.004, 0.018, 0.014, d->line, 0.75 * boss);
    for (int k = 0; k < 7; k++) /* the dimpled skin of a raised chin */
        synth_patch(d, -0.09 + 0.03 * k, y - 0.03 + 0.035 * (k * 3 % 4 - 1), 0.022, 0.022, 0, d->line, 0.75 * boss);
}

void synth_draw_folds(const struct synth_drawing *d)
{
    draw_cheeks(d);
    draw_forehead(d);
    draw_chin(d);
}
