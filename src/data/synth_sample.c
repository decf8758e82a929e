/* synth_sample.c: who shows what in which sample of a set, and how it unfolds over a clip. */
#include "data/synth_set.h"

enum { PEOPLE = 10 }; /* a round of subjects: one of them val, one test */

/* The emotion at `place` among those that a subject shows, each once, in an order of its own. */
static enum mien_emotion turn_of(const struct mien_synth_params *params, uint64_t subject, uint32_t place)
{
    struct base_rng rng = base_rng_make(params->seed, "synth order", subject, 0);
    uint32_t order[MIEN_EMOTION_COUNT], count = params->contempt ? MIEN_EMOTION_COUNT : MIEN_CONTEMPT;
    for (uint32_t i = 0; i < count; i++)
        order[i] = i;
    base_rng_shuffle(&rng, order, count);
    return (enum mien_emotion)order[place];
}

/* Pairs that people are known to show at once (compound emotions, after Du, Tao and Martinez). */
static bool second_emotion(struct base_rng *rng, enum mien_emotion first, enum mien_emotion *second)
{
    static const enum mien_emotion partners[MIEN_EMOTION_COUNT][3] = {
        [MIEN_HAPPINESS] = {MIEN_SURPRISE, MIEN_DISGUST, MIEN_SURPRISE},
        [MIEN_SURPRISE] = {MIEN_HAPPINESS, MIEN_ANGER, MIEN_DISGUST},
        [MIEN_SADNESS] = {MIEN_ANGER, MIEN_DISGUST, MIEN_FEAR},
        [MIEN_ANGER] = {MIEN_SADNESS, MIEN_DISGUST, MIEN_SURPRISE},
        [MIEN_DISGUST] = {MIEN_ANGER, MIEN_SADNESS, MIEN_FEAR},
        [MIEN_FEAR] = {MIEN_SADNESS, MIEN_DISGUST, MIEN_ANGER},
    };
    *second = partners[first][base_rng_below(rng, 3)];
    return *second != MIEN_NEUTRAL;
}

static enum mien_status express(struct synth_sample *s, uint64_t seed)
{
    enum mien_status status = MIEN_OK;
    TRY(mien_synth_express(s->emotions[0], s->intensity, seed, s->index, &s->face));
    synth_affect(s->emotions[0], s->intensity, s->va);
    if (s->emotion_count == 2) {
        struct mien_synth_face other = s->face;
        double va[2];
        TRY(mien_synth_express(s->emotions[1], s->intensity, seed, s->index, &other));
        synth_affect(s->emotions[1], s->intensity, va);
        synth_blend(&s->face, &other, &s->face);
        s->va[0] = (s->va[0] + va[0]) / 2;
        s->va[1] = (s->va[1] + va[1]) / 2;
    }
fail:
    return status;
}

static enum data_split split_of(uint64_t subject)
{
    return subject % PEOPLE == 1 ? DATA_SPLIT_VAL : subject % PEOPLE == 2 ? DATA_SPLIT_TEST : DATA_SPLIT_TRAIN;
}

/* How the person of a clip moves. */
static void live(const struct mien_synth_params *params, struct synth_sample *s, double *strength)
{
    if (params->session_clips) {
        synth_session_draw(params->seed, s, strength);
    } else { /* a trait of the person */
        struct base_rng trait = base_rng_make(params->seed, "synth trait", s->subject, 0);
        s->flat = 6 * base_rng_uniform(&trait);
        s->course = (struct synth_course){.rise = 0.14 + 0.03 * s->flat, .fall = 0.2 + 0.025 * s->flat, .last = 1};
        *strength *= 1 - 0.1 * s->flat;
    }
    if (params->phases) {
        struct base_rng rng = base_rng_make(params->seed, "synth phases", s->index, 0);
        s->course.first = 0.35 * base_rng_uniform(&rng);
        s->course.last = 1 - 0.35 * base_rng_uniform(&rng);
    }
}

enum mien_status synth_sample_draw(const struct mien_synth_params *params, uint64_t index, struct synth_sample *out)
{
    enum mien_status status = MIEN_OK;
    uint32_t faces = params->contempt ? MIEN_EMOTION_COUNT : MIEN_CONTEMPT;
    struct base_rng rng = base_rng_make(params->seed, "synth sample", index, 0);
    struct synth_sample *s = out;
    uint64_t clips = params->session_clips ? params->session_clips : faces;
    *s = (struct synth_sample){.index = index, .subject = index / clips, .emotion_count = 1};
    s->split = params->session_clips ? synth_session_split(s->subject) : split_of(s->subject);
    s->emotions[0] = turn_of(params, s->subject, (uint32_t)(index % clips % faces));
    double strength = 0.4 + 0.6 * base_rng_uniform(&rng);
    bool blend = base_rng_uniform(&rng) * 8 < 1 && !params->single;
    if ((blend || params->compound) && second_emotion(&rng, s->emotions[0], &s->emotions[1]))
        s->emotion_count = 2;
    if (params->video)
        live(params, s, &strength);
    s->intensity = s->emotions[0] == MIEN_NEUTRAL ? 0 : strength;
    s->face =
        (struct mien_synth_face){.size = sizeof(s->face), .seed = params->seed, .subject = s->subject, .shot = index};
    TRY(express(s, params->seed));
fail:
    return status;
}

static double smooth(double x)
{
    x = synth_clamp(x, 0, 1);
    return x * x * (3 - 2 * x);
}

/* Onset, apex, offset of one unit at time t in 0..1 of the course; it reaches 1. */
static double envelope(struct base_rng *rng, const struct synth_course *course, double t)
{
    double lag = 0.06 * base_rng_uniform(rng), start = 0.08 + lag, end = 0.94 - lag;
    return BASE_MIN(smooth((t - start) / course->rise), smooth((end - t) / course->fall));
}

/* The units of a moment, before the eyes blink. */
static void move(const struct synth_sample *sample, struct base_rng *rng, double t, double *au)
{
    const struct synth_course *course = &sample->course;
    if (course->first > 0 || course->last < 1)
        t = (t - course->first) / (course->last - course->first);
    for (int i = 0; i < MIEN_AU_COUNT; i++)
        au[i] = sample->face.au[i] * envelope(rng, course, t);
}

bool synth_sample_phases(const struct synth_sample *sample, uint32_t count, struct synth_phases *out)
{
    double most = 0, least, amount[SYNTH_FRAMES_MAX];
    for (uint32_t f = 0; f < count; f++) {
        struct base_rng rng = base_rng_make(sample->face.seed, "synth motion", sample->index, 0);
        double au[MIEN_AU_COUNT];
        move(sample, &rng, (double)f / (count - 1), au);
        amount[f] = 0;
        for (int i = 0; i < MIEN_AU_COUNT; i++)
            amount[f] += sample->face.au[i] * 100 >= SYNTH_SAYS ? au[i] : 0;
        if (amount[f] > most)
            out->apex = f;
        most = BASE_MAX(most, amount[f]);
    }
    if (most <= 0)
        return false;
    least = most / 10;
    for (out->onset = 0; amount[out->onset] < least;)
        out->onset++;
    for (out->offset = count - 1; amount[out->offset] < least;)
        out->offset--;
    return true;
}

void synth_sample_frame(const struct synth_sample *sample, uint32_t frame, uint32_t count, struct mien_synth_face *face,
                        struct synth_scene *scene)
{
    struct base_rng rng = base_rng_make(sample->face.seed, "synth motion", sample->index, 0);
    double t = (double)frame / (count - 1), calm = 1 - 0.13 * sample->flat, pi = 3.14159265358979323846;
    *face = sample->face;
    move(sample, &rng, t, face->au);
    double phase = base_rng_uniform(&rng), turn = (0.03 + 0.07 * base_rng_uniform(&rng)) * calm;
    double nod = (0.02 + 0.05 * base_rng_uniform(&rng)) * calm, blink = base_rng_uniform(&rng);
    double lid = 1 - (t > blink ? t - blink : blink - t) * 14;
    face->au[MIEN_AU43] = BASE_MAX(face->au[MIEN_AU43], synth_clamp(lid, 0, 1));
    synth_scene_draw(sample->face.seed, sample->subject, sample->face.shot, scene);
    scene->yaw += turn * synth_sin(2 * pi * synth_clamp(t * 0.7 + phase * 0.3, 0, 1));
    scene->pitch += nod * synth_sin(2 * pi * synth_clamp(t * 0.5 + phase * 0.5, 0, 1));
}
