/* synth_eyes.c: eyes, brows, and the skin around them. */
#include "data/synth.h"

#define AU(n) (d->au[MIEN_AU##n])

enum { LID = 11 }; /* points along a lid */

struct eye {
    int side;
    struct synth_point upper[LID], lower[LID]; /* inner corner to outer */
    double open;                               /* height of the opening at its middle */
    double x, y;                               /* of the eyeball */
};

static void shape_eye(const struct synth_drawing *d, int side, struct eye *e)
{
    const struct synth_identity *id = d->id;
    double w = id->eye_width, h = id->eye_height, sorrow = AU(1) * (0.4 + 0.6 * AU(4));
    double up =
        0.088 * h * (1 + 0.75 * AU(5) - 0.42 * AU(7) - 0.35 * AU(9) - 0.20 * AU(6) - 0.22 * AU(4) * (1 - AU(5)));
    double low = 0.066 * h * (1 + 0.25 * AU(5) - 0.75 * AU(7) - 0.85 * AU(6) - 0.45 * AU(9));
    double shut = AU(43);
    up = synth_mix(BASE_MAX(up, 0.018), -0.028, shut);
    low = synth_mix(BASE_MAX(low, -0.012), 0.03, shut);
    *e = (struct eye){.side = side, .open = up + low, .x = side * id->eye_x, .y = -0.006};
    for (int i = 0; i < LID; i++) {
        double t = -1 + 2.0 * i / (LID - 1), b = 1 - t * t;
        double x = side * (id->eye_x + t * w), y = -id->eye_tilt * t + 0.012 * (1 - t) / 2;
        double lift = b * (1.3 - 0.3 * b); /* fuller than a parabola */
        e->upper[i] = (struct synth_point){x, y - up * lift + sorrow * 0.035 * b * t};
        e->lower[i] = (struct synth_point){x, y + low * b};
    }
}

static void shifted(const struct synth_point *from, double dy, double arch, struct synth_point *out)
{
    for (int i = 0; i < LID; i++) {
        double t = -1 + 2.0 * i / (LID - 1);
        out[i] = (struct synth_point){from[i].x, from[i].y + dy + arch * (1 - t * t)};
    }
}

static void draw_socket(const struct synth_drawing *d, const struct eye *e)
{
    struct synth_point line[LID];
    double tired = 0.1 + 0.35 * d->id->age;
    synth_patch(d, e->x, -0.10, 0.30, 0.17, 0, d->dark, 0.45);
    synth_patch(d, e->side * 0.16, 0.0, 0.13, 0.16, 0, d->dark, 0.5);
    /* the pouch under the eye: deeper when cheeks or lids are raised */
    shifted(e->lower, 0.055 - 0.01 * AU(6), 0.02, line);
    synth_line(d, line + 1, LID - 2, 0.002, 0.012, 0.02, d->line,
               synth_clamp(0.25 * tired + 0.6 * AU(6) + 0.45 * AU(7) + 0.3 * AU(9), 0, 0.75));
    shifted(e->upper, -0.04 - 0.01 * AU(5) + 0.012 * AU(4), -0.012, line);
    synth_line(d, line, LID, 0.003, 0.010, 0.008, d->line, synth_mix(0.65, 0.3, AU(43)));
}

/* Lines that fan out from the outer corner. */
static void draw_crows_feet(const struct synth_drawing *d, const struct eye *e)
{
    struct synth_point corner = e->upper[LID - 1];
    double strength = synth_clamp(0.85 * AU(6) + 0.25 * AU(7) + 0.3 * (d->id->age - 0.6), 0, 0.85);
    for (int k = -1; k <= 1; k++) {
        double x = corner.x + e->side * 0.045, y = corner.y + 0.03 * k, far = e->side * 0.12;
        struct synth_point line[] = {{x, y}, {x + far * 0.6, y + 0.035 * k + 0.004}, {x + far, y + 0.075 * k + 0.012}};
        synth_line(d, line, 3, 0.003, 0.011, 0.008, d->line, strength);
    }
}

static void draw_ball(const struct synth_drawing *d, const struct eye *e, const struct synth_point *lid, int count)
{
    const struct synth_colour white = {0.95f, 0.94f, 0.92f}, black = {0.03f, 0.02f, 0.02f}, spark = {1, 1, 1};
    struct synth_point curve[SYNTH_POINTS], iris[16], centre;
    struct synth_colour ring = synth_mix_colour(d->id->iris, black, 0.5);
    for (int i = 0; i < count; i++)
        curve[i] = synth_project(d, lid[i].x, lid[i].y, 0);
    synth_paint_clip(d->paint, 1, curve, count);
    synth_paint_fill(d->paint, curve, count, white, 1);
    double gx = e->x + d->scene->gaze_x * 1.5 - 0.05 * d->yaw[1], gy = e->y + d->scene->gaze_y, r = 0.088;
    for (int part = 0; part < 3; part++) {
        double radius = part == 0 ? r : part == 1 ? r * 0.84 : r * 0.42;
        for (int i = 0; i < 16; i++)
            iris[i] =
                synth_project(d, gx + radius * synth_cos(i * 0.39269908), gy + radius * synth_sin(i * 0.39269908), 0);
        synth_paint_fill(d->paint, iris, 16, part == 0 ? ring : part == 1 ? d->id->iris : black, 1);
    }
    centre = synth_project(d, gx - 0.03, gy - 0.032, 0);
    synth_paint_blob(d->paint, centre, 0.036 * d->unit, 0.036 * d->unit, 1, 0, spark, 0.95);
    /* the upper lid's shadow on the ball */
    struct synth_point shadow[LID];
    for (int i = 0; i < LID; i++)
        shadow[i] = synth_project(d, e->upper[i].x, e->upper[i].y + 0.012, 0);
    synth_paint_stroke(d->paint, shadow, LID, 0.01 * d->unit, 0.018 * d->unit, 0.02 * d->unit, black, 0.35);
    d->paint->clip = d->paint->plane[0];
}

static void draw_eye(const struct synth_drawing *d, int side)
{
    struct eye e;
    struct synth_point lid[2 * LID];
    int n = 0;
    shape_eye(d, side, &e);
    draw_socket(d, &e);
    draw_crows_feet(d, &e);
    if (e.open > 0.012) {
        for (int i = 0; i < LID; i++)
            lid[n++] = e.upper[i];
        for (int i = LID - 2; i > 0; i--)
            lid[n++] = e.lower[i];
        draw_ball(d, &e, lid, n);
    }
    const struct synth_colour black = {0.06f, 0.04f, 0.04f};
    struct synth_colour lash = synth_mix_colour(d->line, black, 0.5 + 0.4 * d->id->lash);
    synth_line(d, e.upper, LID, 0.006, 0.013 + 0.009 * d->id->lash, 0.004, lash, 0.95);
    synth_line(d, e.lower, LID, 0.003, 0.007, 0.006, d->line, 0.6);
}

void synth_draw_eyes(const struct synth_drawing *d)
{
    draw_eye(d, -1);
    draw_eye(d, 1);
}

void synth_draw_brows(const struct synth_drawing *d)
{
    const struct synth_identity *id = d->id;
    double y = -id->brow_height, down = AU(4) * (1 - 0.8 * AU(1)) * (1 - 0.3 * AU(2)), in = 0.055 * AU(4);
    for (int s = -1; s <= 1; s += 2) {
        double a = id->brow_arch, t = id->brow_tilt;
        struct synth_point top[4] = {
            {s * (0.145 - in), y + t - 0.015 - 0.185 * AU(1) + 0.145 * down + 0.07 * AU(9)},
            {s * (0.275 - in * 0.8), y + t / 3 - a * 0.8 - 0.13 * AU(1) - 0.05 * AU(2) + 0.105 * down + 0.05 * AU(9)},
            {s * (0.43 - in * 0.5), y - t / 3 - a - 0.03 * AU(1) - 0.13 * AU(2) + 0.055 * down + 0.02 * AU(9)},
            {s * (0.585 - in * 0.2), y - t + 0.035 + 0.02 * AU(1) * AU(4) - 0.10 * AU(2) + 0.03 * AU(4) + 0.02 * AU(6)},
        };
        struct synth_point curve[SYNTH_POINTS], shape[SYNTH_POINTS];
        int n = synth_curve(top, 4, false, 5, curve), m = 0;
        for (int i = 0; i < n; i++)
            shape[m++] = curve[i];
        for (int i = n - 1; i >= 0; i--) { /* thick inside, a point outside */
            double k = (double)i / (n - 1), thick = id->brow_thick * 2 * (1.15 - k) * (k < 0.2 ? 0.55 + k * 2.25 : 1);
            shape[m++] = (struct synth_point){curve[i].x, curve[i].y + BASE_MAX(thick, 0.012)};
        }
        synth_shape(d, shape, m, id->brow, 0.9);
    }
}
