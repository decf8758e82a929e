/* synth_draw.c: one face from its parts, and what a camera does to it. */
#include "data/synth.h"

#define VIEW 2.08 /* face units across a picture: from hairline to chin, with a dropped jaw */

double synth_side(const struct synth_drawing *d, enum mien_au au, int side)
{
    return side < 0 ? d->au[au] * (1 - d->one_sided) : d->au[au];
}

/* The head is an ellipsoid, 0.8 deep, that turns about its middle. */
struct synth_point synth_project(const struct synth_drawing *d, double x, double y, double lift)
{
    double u = x / 1.05, v = (y - 0.15) / 1.6, q = 1 - u * u - v * v;
    double z = 0.8 * q + lift; /* a paraboloid: as good, and without a root */
    double x1 = x * d->yaw[0] + z * d->yaw[1];
    double z1 = z * d->yaw[0] - x * d->yaw[1];
    double y1 = (y - 0.15) * d->pitch[0] + z1 * d->pitch[1] + 0.15;
    x1 -= 0.55 * d->yaw[1]; /* the neck turns with the head: the face stays nearly where it is */
    y1 -= 0.55 * d->pitch[1];
    return (struct synth_point){d->cx + d->unit * (x1 * d->roll[0] - y1 * d->roll[1]),
                                d->cy + d->unit * (x1 * d->roll[1] + y1 * d->roll[0])};
}

struct synth_point synth_project_rim(const struct synth_drawing *d, double x, double y)
{
    double x1 = x - 0.28 * d->yaw[1], y1 = y - 0.25 * d->pitch[1];
    if (y > 0) /* the chin stands before the neck and goes with the face */
        x1 += 0.30 * d->yaw[1] * y * (1 - 0.3 * (x < 0 ? -x : x));
    return (struct synth_point){d->cx + d->unit * (x1 * d->roll[0] - y1 * d->roll[1]),
                                d->cy + d->unit * (x1 * d->roll[1] + y1 * d->roll[0])};
}

void synth_line(const struct synth_drawing *d, const struct synth_point *points, int count, double ends, double middle,
                double soft, struct synth_colour c, double alpha)
{
    struct synth_point curve[SYNTH_POINTS];
    int n = synth_curve(points, count, false, count > 8 ? 1 : 5, curve);
    for (int i = 0; i < n; i++)
        curve[i] = synth_project(d, curve[i].x, curve[i].y, 0);
    synth_paint_stroke(d->paint, curve, n, ends * d->unit, middle * d->unit, soft * d->unit, c, alpha);
}

void synth_shape(const struct synth_drawing *d, const struct synth_point *points, int count, struct synth_colour c,
                 double alpha)
{
    struct synth_point curve[SYNTH_POINTS];
    int n = synth_curve(points, count, true, count > 14 ? 1 : 5, curve);
    for (int i = 0; i < n; i++)
        curve[i] = synth_project(d, curve[i].x, curve[i].y, 0);
    synth_paint_fill(d->paint, curve, n, c, alpha);
}

void synth_patch(const struct synth_drawing *d, double x, double y, double rx, double ry, double turn,
                 struct synth_colour c, double alpha)
{
    double cs = d->roll[0] * synth_cos(turn) - d->roll[1] * synth_sin(turn);
    double sn = d->roll[1] * synth_cos(turn) + d->roll[0] * synth_sin(turn);
    synth_paint_blob(d->paint, synth_project(d, x, y, 0), rx * d->unit, ry * d->unit, cs, sn, c, alpha);
}

static void set_angle(double radians, double out[2])
{
    out[0] = synth_cos(radians);
    out[1] = synth_sin(radians);
}

static struct synth_colour scaled(struct synth_colour c, double r, double g, double b)
{
    return (struct synth_colour){c.r * (float)r, c.g * (float)g, c.b * (float)b};
}

static void prepare(struct synth_drawing *d, uint32_t size)
{
    const struct synth_scene *s = d->scene;
    d->unit = size / VIEW * s->zoom;
    d->cx = size * (0.5 + s->shift_x / VIEW);
    d->cy = size * (0.5 + s->shift_y / VIEW) - 0.26 * d->unit;
    set_angle(s->yaw, d->yaw);
    set_angle(s->pitch, d->pitch);
    set_angle(s->roll, d->roll);
    d->jaw = 0.10 * d->au[MIEN_AU26] + 0.20 * d->au[MIEN_AU27] - 0.03 * d->au[MIEN_AU17];
    d->line = scaled(d->id->skin, 0.46, 0.36, 0.34);
    d->dark = scaled(d->id->skin, 0.66, 0.56, 0.54);
    d->light = synth_mix_colour(d->id->skin, (struct synth_colour){1, 0.97f, 0.92f}, 0.5);
}

static void paint(const struct synth_drawing *d)
{
    synth_draw_back(d);
    synth_draw_head(d);
    synth_draw_folds(d);
    synth_draw_eyes(d);
    synth_draw_nose(d);
    synth_draw_mouth(d);
    synth_draw_brows(d);
    synth_draw_hair(d);
    if (d->id->glasses)
        synth_draw_glasses(d);
}

/* Exposure, warmth and noise, to 8 bits. */
static void develop(const struct synth_drawing *d, struct base_rng *rng, unsigned char *out)
{
    const struct synth_scene *s = d->scene;
    size_t pixels = (size_t)d->paint->size * d->paint->size;
    const float gain[3] = {(float)(s->exposure * (1 + s->warmth)), (float)s->exposure,
                           (float)(s->exposure * (1 - s->warmth))};
    for (size_t i = 0; i < pixels; i++) {
        float grain = 0;
        if (s->noise > 0) { /* the sum of four even draws is nearly normal */
            uint32_t bits = base_rng_u32(rng);
            int sum = (int)((bits & 255) + (bits >> 8 & 255) + (bits >> 16 & 255) + (bits >> 24)) - 510;
            grain = (float)sum * (float)(s->noise / 148);
        }
        for (size_t ch = 0; ch < 3; ch++) {
            float v = d->paint->rgb[i * 3 + ch] * gain[ch] + grain;
            v = v < 0 ? 0 : v > 1 ? 1 : v;
            out[i * 3 + ch] = (unsigned char)(v * 255.0f + 0.5f);
        }
    }
}

static void studio_scene(const struct mien_synth_face *face, struct synth_scene *s)
{
    *s = (struct synth_scene){.yaw = face->yaw,
                              .pitch = face->pitch,
                              .roll = face->roll,
                              .zoom = 1,
                              .light_x = -0.4,
                              .light_y = -0.6,
                              .light = 0.2,
                              .exposure = 1,
                              .back = {0.78f, 0.80f, 0.82f},
                              .back_low = {0.70f, 0.72f, 0.75f}};
}

static enum mien_status check_face(const struct mien_synth_face *face, uint32_t side)
{
    enum mien_status status = MIEN_OK;
    FAIL_IF(side < 16 || side > 1024, MIEN_ERR_ARG, "a face of %u pixels a side; 16 to 1024 can be drawn", side);
    for (int i = 0; i < MIEN_AU_COUNT; i++)
        FAIL_IF(!(face->au[i] >= 0 && face->au[i] <= 1), MIEN_ERR_ARG, "action unit %s is %g; 0 to 1 was expected",
                synth_au_key((enum mien_au)i), face->au[i]);
    for (int i = MIEN_AU_COUNT; i < MIEN_AU_MOST; i++)
        FAIL_IF(face->au[i] != 0, MIEN_ERR_ARG, "action unit %d of %d that there are is set", i, MIEN_AU_COUNT);
    FAIL_IF(!(face->one_sided >= 0 && face->one_sided <= 1), MIEN_ERR_ARG, "one_sided is %g; 0 to 1 was expected",
            face->one_sided);
    const double angles[] = {face->yaw, face->pitch, face->roll};
    for (int i = 0; i < 3; i++)
        FAIL_IF(!(angles[i] >= -0.6 && angles[i] <= 0.6), MIEN_ERR_ARG,
                "yaw, pitch and roll are radians from -0.6 to 0.6; %g is not", angles[i]);
fail:
    return status;
}

enum mien_status synth_draw(const struct mien_synth_face *face, const struct synth_scene *scene, uint64_t grain,
                            uint32_t size, unsigned char *rgb)
{
    enum mien_status status = MIEN_OK;
    struct synth_paint p;
    struct synth_identity id;
    struct base_rng rng = base_rng_make(face->seed, "synth grain", face->subject, grain);
    TRY(synth_paint_begin(&p, size));
    synth_identity_draw(face->seed, face->subject, &id);
    struct synth_drawing d = {.paint = &p, .id = &id, .scene = scene, .au = face->au, .one_sided = face->one_sided};
    prepare(&d, size);
    paint(&d);
    TRY(synth_paint_blur(&p, scene->blur * size));
    develop(&d, &rng, rgb);
fail:
    synth_paint_end(&p);
    return status;
}

enum mien_status mien_synth_draw(const struct mien_synth_face *face, uint32_t side, unsigned char *rgb)
{
    enum mien_status status = MIEN_OK;
    struct mien_synth_face own;
    struct synth_scene scene;
    NEED(face && rgb);
    TRY(SIZED_READ(&own, face));
    TRY(check_face(&own, side));
    if (own.studio)
        studio_scene(&own, &scene);
    else
        synth_scene_draw(own.seed, own.subject, own.shot, &scene);
    TRY(synth_draw(&own, &scene, own.shot, side, rgb));
fail:
    return status;
}
