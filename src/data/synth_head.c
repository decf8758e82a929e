/* synth_head.c: background, head, hair, glasses. */
#include "data/synth.h"

#define AU(n) (d->au[MIEN_AU##n])

static struct synth_point at(double x, double y)
{
    return (struct synth_point){x, y};
}

/* A closed shape on the head's outline, not on its front. */
static void rim_shape(const struct synth_drawing *d, const struct synth_point *points, int count, struct synth_colour c,
                      double alpha)
{
    struct synth_point curve[SYNTH_POINTS];
    int n = synth_curve(points, count, true, 8, curve);
    for (int i = 0; i < n; i++)
        curve[i] = synth_project_rim(d, curve[i].x, curve[i].y);
    synth_paint_fill(d->paint, curve, n, c, alpha);
}

/* Points of one half, from top to bottom, and their mirror images upwards. */
static int mirrored(const struct synth_point *half, int count, struct synth_point *out)
{
    int n = 0;
    for (int i = 0; i < count; i++)
        out[n++] = half[i];
    for (int i = count - 1; i >= 0; i--)
        if (half[i].x > 0)
            out[n++] = at(-half[i].x, half[i].y);
    return n;
}

static struct synth_colour darker(struct synth_colour c, double k)
{
    return (struct synth_colour){c.r * (float)k, c.g * (float)k, c.b * (float)k};
}

static void draw_wall(const struct synth_drawing *d)
{
    const struct synth_scene *s = d->scene;
    uint32_t size = d->paint->size;
    for (uint32_t y = 0; y < size; y++) {
        struct synth_colour c = synth_mix_colour(s->back, s->back_low, (y + 0.5) / size);
        float *row = d->paint->rgb + (size_t)y * size * 3;
        for (uint32_t x = 0; x < size; x++) {
            row[x * 3] = c.r;
            row[x * 3 + 1] = c.g;
            row[x * 3 + 2] = c.b;
        }
    }
    struct base_rng rng = base_rng_make(s->back_seed, "synth wall", 0, 0);
    for (int i = 0; i < 5 && s->back_seed; i++) {
        double x = base_rng_uniform(&rng) * size, y = base_rng_uniform(&rng) * size;
        double rx = (0.2 + 0.5 * base_rng_uniform(&rng)) * size, k = 0.6 + 0.8 * base_rng_uniform(&rng);
        synth_paint_blob(d->paint, at(x, y), rx, rx * (0.5 + base_rng_uniform(&rng)), 1, 0, darker(s->back, k), 0.7);
    }
}

static void draw_neck(const struct synth_drawing *d)
{
    const struct synth_identity *id = d->id;
    struct synth_colour cloth = synth_mix_colour(id->iris, d->scene->back_low, 0.5);
    double w = 0.40 + 0.08 * (1 - id->soft);
    struct synth_point neck[] = {at(w, 0.6),        at(w, 1.3),        at(w + 0.1, 1.6), at(w + 0.1, 2.2),
                                 at(-w - 0.1, 2.2), at(-w - 0.1, 1.6), at(-w, 1.3),      at(-w, 0.6)};
    struct synth_point shirt[] = {at(0, 1.78),   at(0.45, 1.5), at(1.0, 1.62),  at(1.6, 2.0),  at(1.4, 2.6),
                                  at(-1.4, 2.6), at(-1.6, 2.0), at(-1.0, 1.62), at(-0.45, 1.5)};
    rim_shape(d, neck, BASE_COUNT(neck), darker(id->skin, 0.72), 1);
    rim_shape(d, shirt, BASE_COUNT(shirt), cloth, 1);
}

static void draw_hair_behind(const struct synth_drawing *d)
{
    const struct synth_identity *id = d->id;
    double w = id->head_width;
    struct synth_colour c = darker(id->hair, 0.8);
    struct synth_point out[40];
    if (id->hair_style == SYNTH_LONG || id->hair_style == SYNTH_FRINGE) {
        struct synth_point half[] = {at(0, -1.22),      at(0.62, -1.08), at(w + 0.14, -0.5), at(w + 0.18, 0.4),
                                     at(w + 0.12, 1.2), at(0.6, 1.75),   at(0, 1.6)};
        rim_shape(d, out, mirrored(half, BASE_COUNT(half), out), c, 1);
    } else if (id->hair_style == SYNTH_CURLY) {
        for (int i = 0; i < 15; i++) {
            double a = -3.6 + 4.06 * i / 14, r = 0.24 + 0.05 * (i % 3);
            struct synth_point p = synth_project_rim(d, (w + 0.05) * synth_cos(a), -0.28 + 0.86 * synth_sin(a));
            synth_paint_blob(d->paint, p, r * 1.5 * d->unit, r * 1.5 * d->unit, 1, 0, c, 1.0);
            synth_paint_blob(d->paint, p, r * 1.3 * d->unit, r * 1.3 * d->unit, 1, 0, c, 1.0);
        }
    } else if (id->hair_style == SYNTH_BUN) {
        struct synth_point half[] = {at(0, -1.55), at(0.3, -1.42), at(0.32, -1.1), at(0, -1.0)};
        rim_shape(d, out, mirrored(half, BASE_COUNT(half), out), c, 1);
    }
}

void synth_draw_back(const struct synth_drawing *d)
{
    draw_wall(d);
    draw_hair_behind(d);
    draw_neck(d);
}

/* The head's outline, closed: [count] points in `out`. */
static int outline(const struct synth_drawing *d, struct synth_point *out)
{
    const struct synth_identity *id = d->id;
    double w = id->head_width, j = d->jaw, chin = id->chin_length + j;
    struct synth_point half[] = {at(0, -1.14),
                                 at(0.44, -1.05),
                                 at(w - 0.08, -0.66),
                                 at(w, -0.15),
                                 at(w - 0.02, 0.30 + 0.2 * j),
                                 at(id->jaw_width + 0.04 * AU(20), 0.78 + 0.6 * j),
                                 at((id->jaw_width + id->chin_width) / 2 + 0.02, 1.04 + 0.9 * j),
                                 at(id->chin_width, chin - 0.05),
                                 at(0, chin)};
    return mirrored(half, BASE_COUNT(half), out);
}

static void draw_ears(const struct synth_drawing *d)
{
    double w = d->id->head_width;
    for (int s = -1; s <= 1; s += 2) {
        struct synth_point ear[] = {at(s * (w - 0.06), -0.12), at(s * (w + 0.06), -0.16), at(s * (w + 0.11), 0.02),
                                    at(s * (w + 0.06), 0.26),  at(s * (w - 0.02), 0.34),  at(s * (w - 0.08), 0.2)};
        struct synth_point inner[] = {at(s * (w - 0.02), -0.04), at(s * (w + 0.05), -0.06), at(s * (w + 0.04), 0.14),
                                      at(s * (w - 0.02), 0.2)};
        rim_shape(d, ear, BASE_COUNT(ear), darker(d->id->skin, 0.92), 1);
        rim_shape(d, inner, BASE_COUNT(inner), d->dark, 0.6);
    }
}

/* Light from one side: each skin pixel by a normal of the head's ellipsoid. */
static void shade(const struct synth_drawing *d)
{
    const struct synth_scene *s = d->scene;
    struct synth_point c = synth_project_rim(d, 0.15 * d->yaw[1], 0.1);
    double rx = 0.95 * d->unit, ry = 1.3 * d->unit;
    uint32_t size = d->paint->size;
    for (uint32_t y = 0; y < size; y++) {
        for (uint32_t x = 0; x < size; x++) {
            size_t i = (size_t)y * size + x;
            float cover = d->paint->plane[0][i];
            if (cover <= 0)
                continue;
            double u = (x + 0.5 - c.x) / rx, v = (y + 0.5 - c.y) / ry, edge = u * u + v * v;
            double k = 1 + s->light * (u * s->light_x + v * s->light_y) - 0.22 * edge * edge;
            float gain = 1 + (float)(synth_clamp(k, 0.35, 1.4) - 1) * cover;
            for (int ch = 0; ch < 3; ch++)
                d->paint->rgb[i * 3 + (size_t)ch] *= gain;
        }
    }
}

static void draw_beard(const struct synth_drawing *d)
{
    const struct synth_identity *id = d->id;
    double j = d->jaw, chin = id->chin_length + j, w = id->head_width;
    struct synth_colour c = synth_mix_colour(id->hair, id->skin, id->beard ? 0.12 : 0.45);
    struct synth_point jaw[] = {at(w, 0.1),          at(w + 0.05, 0.7),   at(0.55, chin),  at(0, chin + 0.1),
                                at(-0.55, chin),     at(-w - 0.05, 0.7),  at(-w, 0.1),     at(-w + 0.1, 0.45),
                                at(-0.55, 0.82 + j), at(-0.24, 0.99 + j), at(0, 0.96 + j), at(0.24, 0.99 + j),
                                at(0.55, 0.82 + j),  at(w - 0.1, 0.45)};
    rim_shape(d, jaw, BASE_COUNT(jaw), c, id->beard ? 0.92 : 0.22);
}

static void draw_marks(const struct synth_drawing *d)
{
    const struct synth_identity *id = d->id;
    const struct synth_colour blush = {0.85f, 0.42f, 0.38f};
    for (int s = -1; s <= 1; s += 2) {
        synth_patch(d, s * 0.5, 0.42, 0.34, 0.28, 0, synth_mix_colour(id->skin, blush, 0.5), 0.35);
        for (int i = 0; i < 7 && id->freckles; i++)
            synth_patch(d, s * (0.22 + 0.055 * i), 0.26 + 0.05 * (i * 5 % 4), 0.022, 0.022, 0, d->line, 0.55);
    }
    if (id->mole)
        synth_patch(d, id->mole_x, id->mole_y, 0.04, 0.04, 0, d->line, 1);
}

void synth_draw_head(const struct synth_drawing *d)
{
    struct synth_point half[40], curve[SYNTH_POINTS];
    int n = synth_curve(half, outline(d, half), true, 8, curve);
    draw_ears(d);
    for (int i = 0; i < n; i++)
        curve[i] = synth_project_rim(d, curve[i].x, curve[i].y);
    synth_paint_fill(d->paint, curve, n, d->id->skin, 1);
    synth_paint_clip(d->paint, 0, curve, n); /* until the hair: features stay on the head */
    draw_marks(d);
    if (d->id->beard || d->id->stubble)
        draw_beard(d);
    shade(d);
}

/* Hair above a hairline that runs from ear to ear; `dip`: how far it comes down at the parting. */
static void draw_cap(const struct synth_drawing *d, double side_low, double dip)
{
    const struct synth_identity *id = d->id;
    double w = id->head_width, h = id->hairline, p = id->parting;
    struct synth_point cap[] = {at(w + 0.03, side_low),
                                at(w + 0.06, -0.5),
                                at(w - 0.1, -0.98),
                                at(0.35, -1.24),
                                at(-0.35, -1.24),
                                at(-w + 0.1, -0.98),
                                at(-w - 0.06, -0.5),
                                at(-w - 0.03, side_low),
                                at(-w + 0.07, -0.30),
                                at(-w + 0.13, h + 0.14),
                                at(-0.35 + p * 0.3, h + dip),
                                at(p, h - 0.05),
                                at(0.35 + p * 0.3, h + dip),
                                at(w - 0.13, h + 0.14),
                                at(w - 0.07, -0.30)};
    rim_shape(d, cap, BASE_COUNT(cap), id->hair, 1);
}

static void draw_strands(const struct synth_drawing *d)
{
    struct synth_colour shine = synth_mix_colour(d->id->hair, (struct synth_colour){1, 0.95f, 0.85f}, 0.25);
    for (int i = 0; i < 7; i++) {
        double x = -0.66 + 0.22 * i;
        struct synth_point a[] = {synth_project_rim(d, d->id->parting * 0.6 + x * 0.3, -1.18),
                                  synth_project_rim(d, x * 0.9, -1.02), synth_project_rim(d, x * 1.1, -0.82)};
        synth_paint_stroke(d->paint, a, 3, 0.004 * d->unit, 0.02 * d->unit, 0.02 * d->unit, shine, 0.35);
    }
}

void synth_draw_hair(const struct synth_drawing *d)
{
    const struct synth_identity *id = d->id;
    d->paint->clip = NULL;
    if (id->hair_style == SYNTH_BALD) {
        for (int s = -1; s <= 1; s += 2) {
            double w = s * id->head_width;
            struct synth_point tuft[] = {at(w * 1.03, 0.12), at(w * 1.08, -0.3), at(w * 0.98, -0.62),
                                         at(w * 0.9, -0.3)};
            rim_shape(d, tuft, BASE_COUNT(tuft), id->hair, 0.85);
        }
        return;
    }
    if (id->hair_style == SYNTH_LONG || id->hair_style == SYNTH_FRINGE) {
        for (int s = -1; s <= 1; s += 2) {
            double w = s * id->head_width;
            struct synth_point lock[] = {at(w * 0.93, -0.7), at(w * 1.15, -0.4), at(w * 1.2, 0.5),
                                         at(w * 1.1, 1.3),   at(w * 0.92, 1.0),  at(w * 1.0, 0.3)};
            rim_shape(d, lock, BASE_COUNT(lock), id->hair, 1);
        }
    }
    draw_cap(d, id->hair_style == SYNTH_SHORT ? -0.05 : 0.1,
             id->hair_style == SYNTH_FRINGE   ? 0.14
             : id->hair_style == SYNTH_PARTED ? 0.06
                                              : 0.0);
    draw_strands(d);
}

void synth_draw_glasses(const struct synth_drawing *d)
{
    const struct synth_identity *id = d->id;
    struct synth_point ring[SYNTH_POINTS], bridge[3];
    for (int s = -1; s <= 1; s += 2) {
        double x = s * (id->eye_x + 0.01), w = 0.245, h = 0.19;
        struct synth_point lens[] = {at(x - w, -0.02),   at(x - w * 0.8, h),         at(x, h + 0.02),
                                     at(x + w * 0.8, h), at(x + w, -0.02),           at(x + w * 0.85, -h + 0.02),
                                     at(x, -h),          at(x - w * 0.85, -h + 0.02)};
        int n = synth_curve(lens, BASE_COUNT(lens), true, 6, ring);
        for (int i = 0; i < n; i++)
            ring[i] = synth_project(d, ring[i].x, ring[i].y + 0.03, 0.06);
        ring[n] = ring[0];
        synth_paint_fill(d->paint, ring, n, (struct synth_colour){0.9f, 0.95f, 1.0f}, 0.08);
        synth_paint_stroke(d->paint, ring, n + 1, 0.017 * d->unit, 0.017 * d->unit, 0, id->frame, 0.95);
        struct synth_point arm[2] = {synth_project(d, x + s * w, -0.04, 0.06),
                                     synth_project_rim(d, s * id->head_width, -0.08)};
        synth_paint_stroke(d->paint, arm, 2, 0.017 * d->unit, 0.017 * d->unit, 0, id->frame, 0.9);
    }
    for (int i = 0; i < 3; i++)
        bridge[i] = synth_project(d, (i - 1) * 0.13, i == 1 ? -0.05 : -0.02, 0.08);
    synth_paint_stroke(d->paint, bridge, 3, 0.017 * d->unit, 0.017 * d->unit, 0, id->frame, 0.95);
}
