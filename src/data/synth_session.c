/* synth_session.c: sessions of clips: what ails a made-up subject, and what raters make of it. */
#include "data/synth_set.h"

enum { PEOPLE = 10, WORST = 6 };

/* Mean 0, standard deviation 1; a sum of 12 needs no logarithm, whose bits are not everywhere the same. */
static double bell(struct base_rng *rng)
{
    double sum = -6;
    for (int i = 0; i < 12; i++)
        sum += base_rng_uniform(rng);
    return sum;
}

/* Two raters, whole points each. */
static double rate(struct base_rng *rng, double truth)
{
    double sum = 0;
    for (int i = 0; i < 2; i++)
        sum += (int)synth_clamp(truth + 0.7 * bell(rng) + 0.5, 0, WORST + 0.5);
    return sum / 2;
}

enum data_split synth_session_split(uint64_t subject)
{
    static const enum data_split splits[PEOPLE] = {
        DATA_SPLIT_TRAIN, DATA_SPLIT_VAL,   DATA_SPLIT_TEST,  DATA_SPLIT_TRAIN, DATA_SPLIT_TRAIN,
        DATA_SPLIT_TEST,  DATA_SPLIT_TRAIN, DATA_SPLIT_TRAIN, DATA_SPLIT_TEST,  DATA_SPLIT_TRAIN};
    return splits[subject % PEOPLE];
}

void synth_session_draw(uint64_t seed, struct synth_sample *s, double *strength)
{
    struct base_rng rng = base_rng_make(seed, "synth session", s->subject, 0);
    double flat = WORST * base_rng_uniform(&rng);
    double slow = WORST * base_rng_uniform(&rng);
    s->flat = flat;
    s->course = (struct synth_course){.rise = 0.08 + 0.045 * slow, .fall = 0.12 + 0.04 * slow, .last = 1};
    *strength *= (1 - 0.13 * flat) * (0.9 + 0.2 * base_rng_uniform(&rng));
    *strength = BASE_MIN(*strength, 1);
    s->rated[0] = rate(&rng, flat);
    s->rated[1] = rate(&rng, slow);
}
