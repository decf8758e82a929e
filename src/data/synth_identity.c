/* synth_identity.c: people and the circumstances under which they are seen, by random draws. */
#include "data/synth.h"

static double between(struct base_rng *rng, double low, double high)
{
    return low + (high - low) * base_rng_uniform(rng);
}

/* Near the middle of low..high more often than at its ends. */
static double around(struct base_rng *rng, double low, double high)
{
    return low + (high - low) * (base_rng_uniform(rng) + base_rng_uniform(rng)) / 2;
}

static bool chance(struct base_rng *rng, double share)
{
    return base_rng_uniform(rng) < share;
}

/* A colour somewhere between two neighbours of a palette. */
static struct synth_colour pick(struct base_rng *rng, const struct synth_colour *palette, uint32_t count)
{
    uint32_t i = base_rng_below(rng, count - 1);
    return synth_mix_colour(palette[i], palette[i + 1], base_rng_uniform(rng));
}

static const struct synth_colour skins[] = {
    {0.98f, 0.86f, 0.78f}, {0.95f, 0.79f, 0.68f}, {0.90f, 0.71f, 0.57f}, {0.80f, 0.60f, 0.45f},
    {0.67f, 0.47f, 0.34f}, {0.52f, 0.35f, 0.25f}, {0.40f, 0.27f, 0.20f},
};
static const struct synth_colour hairs[] = {
    {0.08f, 0.07f, 0.07f}, {0.14f, 0.10f, 0.08f}, {0.25f, 0.16f, 0.10f},
    {0.42f, 0.27f, 0.15f}, {0.62f, 0.44f, 0.24f}, {0.82f, 0.68f, 0.42f},
};
static const struct synth_colour irises[] = {
    {0.16f, 0.09f, 0.05f}, {0.30f, 0.18f, 0.09f}, {0.38f, 0.30f, 0.14f},
    {0.30f, 0.42f, 0.28f}, {0.28f, 0.42f, 0.52f}, {0.32f, 0.48f, 0.66f},
};
static const struct synth_colour walls[] = {
    {0.20f, 0.22f, 0.26f}, {0.42f, 0.48f, 0.55f}, {0.68f, 0.70f, 0.68f}, {0.86f, 0.84f, 0.80f},
    {0.55f, 0.45f, 0.36f}, {0.34f, 0.45f, 0.36f}, {0.52f, 0.38f, 0.40f}, {0.30f, 0.34f, 0.50f},
};

static void draw_colours(struct base_rng *rng, struct synth_identity *id)
{
    const struct synth_colour grey = {0.72f, 0.71f, 0.69f}, red = {0.72f, 0.30f, 0.28f};
    double tone = base_rng_uniform(rng) * (BASE_COUNT(skins) - 1.001);
    uint32_t i = (uint32_t)tone;
    id->skin = synth_mix_colour(skins[i], skins[i + 1], tone - i);
    /* dark skin seldom comes with fair hair or eyes */
    id->hair = pick(rng, hairs, tone > 3 ? 3 : BASE_COUNT(hairs));
    id->iris = pick(rng, irises, tone > 3 ? 3 : BASE_COUNT(irises));
    double greying = synth_clamp((id->age - 0.55) * 2.4 + between(rng, -0.3, 0.2), 0, 1);
    id->brow = synth_mix_colour(id->hair, (struct synth_colour){0.1f, 0.07f, 0.06f}, 0.35);
    id->brow = synth_mix_colour(id->brow, grey, greying * 0.5);
    id->hair = synth_mix_colour(id->hair, grey, greying);
    id->lips = synth_mix_colour(id->skin, red, between(rng, 0.3, 0.5) + 0.3 * id->soft * base_rng_uniform(rng));
    id->frame = synth_mix_colour((struct synth_colour){0.08f, 0.08f, 0.1f}, (struct synth_colour){0.5f, 0.3f, 0.15f},
                                 base_rng_uniform(rng));
}

static void draw_features(struct base_rng *rng, struct synth_identity *id)
{
    double hard = 1 - id->soft;
    id->head_width = around(rng, 0.79, 0.93);
    id->jaw_width = id->head_width * (around(rng, 0.73, 0.84) + 0.07 * hard);
    id->chin_width = around(rng, 0.20, 0.30) + 0.06 * hard;
    id->chin_length = around(rng, 1.17, 1.32);
    id->eye_x = around(rng, 0.345, 0.395);
    id->eye_width = around(rng, 0.165, 0.205);
    id->eye_height = around(rng, 0.85, 1.15);
    id->eye_tilt = around(rng, -0.025, 0.04);
    id->lash = 0.4 * base_rng_uniform(rng) + 0.6 * id->soft;
    id->brow_height = around(rng, 0.235, 0.29);
    id->brow_arch = around(rng, 0.02, 0.07);
    id->brow_tilt = around(rng, -0.03, 0.025);
    id->brow_thick = around(rng, 0.022, 0.036) + 0.014 * hard;
    id->nose_length = around(rng, 0.40, 0.50);
    id->nose_width = around(rng, 0.125, 0.18);
    id->mouth_y = around(rng, 0.76, 0.82);
    id->mouth_width = around(rng, 0.25, 0.32);
    id->lip_upper = around(rng, 0.035, 0.065) + 0.015 * id->soft;
    id->lip_lower = around(rng, 0.055, 0.085) + 0.02 * id->soft;
    id->folds = synth_clamp(0.05 + 0.35 * (id->age - 0.3) + between(rng, -0.05, 0.05), 0.02, 0.35);
}

static void draw_marks(struct base_rng *rng, struct synth_identity *id)
{
    static const uint32_t angular[] = {SYNTH_SHORT, SYNTH_SHORT, SYNTH_PARTED, SYNTH_CURLY, SYNTH_BALD, SYNTH_LONG};
    static const uint32_t rounded[] = {SYNTH_LONG, SYNTH_LONG, SYNTH_FRINGE, SYNTH_BUN, SYNTH_CURLY, SYNTH_PARTED};
    uint32_t style = base_rng_below(rng, BASE_COUNT(angular));
    id->hair_style = id->soft > 0.5 ? rounded[style] : angular[style];
    id->hairline = around(rng, -0.74, -0.60);
    id->parting = between(rng, -0.4, 0.4);
    bool hairy = id->soft < 0.45 && id->age > 0.12;
    id->glasses = chance(rng, 0.18);
    id->beard = chance(rng, 0.18) && hairy && id->hair_style != SYNTH_LONG;
    id->moustache = (chance(rng, 0.10) && hairy) || (id->beard && chance(rng, 0.7));
    id->stubble = chance(rng, 0.3) && hairy;
    id->freckles = chance(rng, 0.12) && id->skin.r > 0.8f;
    id->mole = chance(rng, 0.12);
    id->mole_x = between(rng, -0.5, 0.5);
    id->mole_y = between(rng, 0.3, 0.95);
}

void synth_identity_draw(uint64_t seed, uint64_t subject, struct synth_identity *out)
{
    struct base_rng rng = base_rng_make(seed, "synth identity", subject, 0);
    *out = (struct synth_identity){.age = base_rng_uniform(&rng), .soft = base_rng_uniform(&rng)};
    draw_colours(&rng, out);
    draw_features(&rng, out);
    draw_marks(&rng, out);
}

void synth_scene_draw(uint64_t seed, uint64_t subject, uint64_t shot, struct synth_scene *out)
{
    struct base_rng rng = base_rng_make(seed, "synth scene", subject, shot);
    struct synth_scene *s = out;
    s->yaw = around(&rng, -0.28, 0.28);
    s->pitch = around(&rng, -0.12, 0.12);
    s->roll = around(&rng, -0.10, 0.10);
    s->shift_x = around(&rng, -0.04, 0.04);
    s->shift_y = around(&rng, -0.04, 0.04);
    s->zoom = around(&rng, 0.96, 1.05);
    s->light_x = between(&rng, -1, 1);
    s->light_y = between(&rng, -0.9, 0.1);
    s->light = between(&rng, 0.06, 0.32);
    s->warmth = around(&rng, -0.06, 0.08);
    s->exposure = around(&rng, 0.80, 1.12);
    s->gaze_x = around(&rng, -0.03, 0.03);
    s->gaze_y = around(&rng, -0.015, 0.015);
    s->blur = chance(&rng, 0.25) ? between(&rng, 0.014, 0.026) : 0;
    s->noise = between(&rng, 0.004, 0.022);
    s->back = pick(&rng, walls, BASE_COUNT(walls));
    s->back_low = synth_mix_colour(s->back, pick(&rng, walls, BASE_COUNT(walls)), 0.6);
    s->back_seed = base_rng_u32(&rng);
}
