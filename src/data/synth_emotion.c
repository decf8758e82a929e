/* synth_emotion.c: emotions as distributions over action units. Which units belong to which emotion follows the
 * prototypes of Ekman and Friesen's FACS (EMFACS); shares and weights are ours. */
#include "data/synth_set.h"

static const char *const au_keys[] = {
#define KEY(number, name) "AU" #number,
    MIEN_AU_LIST(KEY)
#undef KEY
};
static const char *const au_names[] = {
#define NAME(number, name) name,
    MIEN_AU_LIST(NAME)
#undef NAME
};
static const char *const emotion_names[MIEN_EMOTION_COUNT] = {"neutral", "happiness", "surprise", "sadness",
                                                              "anger",   "disgust",   "fear",     "contempt"};

const char *synth_au_key(enum mien_au au)
{
    return au_keys[au];
}

const char *synth_au_name(enum mien_au au)
{
    return au_names[au];
}

const char *mien_emotion_name(enum mien_emotion emotion)
{
    return (unsigned)emotion < MIEN_EMOTION_COUNT ? emotion_names[emotion] : NULL;
}

/* One unit of a prototype: how often it appears, how strong it is then at full intensity. */
struct part {
    enum mien_au au;
    double share, weight;
};

enum { PARTS = 12 };

static const struct part prototypes[MIEN_EMOTION_COUNT][PARTS] = {
    [MIEN_HAPPINESS] = {{MIEN_AU12, 1, 1},
                        {MIEN_AU6, 0.85, 0.9},
                        {MIEN_AU25, 0.65, 0.9},
                        {MIEN_AU26, 0.25, 0.5},
                        {MIEN_AU7, 0.15, 0.4}},
    [MIEN_SURPRISE] = {{MIEN_AU1, 0.97, 1},
                       {MIEN_AU2, 0.97, 1},
                       {MIEN_AU5, 0.85, 0.9},
                       {MIEN_AU25, 0.95, 0.7},
                       {MIEN_AU26, 0.75, 0.9},
                       {MIEN_AU27, 0.35, 0.9}},
    [MIEN_SADNESS] = {{MIEN_AU1, 0.92, 1},
                      {MIEN_AU4, 0.8, 0.7},
                      {MIEN_AU15, 0.9, 1},
                      {MIEN_AU17, 0.45, 0.7},
                      {MIEN_AU43, 0.4, 0.4},
                      {MIEN_AU7, 0.1, 0.4},
                      {MIEN_AU25, 0.1, 0.4}},
    [MIEN_ANGER] = {{MIEN_AU4, 1, 1},
                    {MIEN_AU5, 0.5, 0.7},
                    {MIEN_AU7, 0.75, 0.8},
                    {MIEN_AU23, 0.65, 0.9},
                    {MIEN_AU24, 0.45, 0.9},
                    {MIEN_AU17, 0.35, 0.6},
                    {MIEN_AU10, 0.15, 0.5},
                    {MIEN_AU25, 0.2, 0.8}},
    [MIEN_DISGUST] = {{MIEN_AU9, 0.75, 1},
                      {MIEN_AU10, 0.7, 1},
                      {MIEN_AU4, 0.4, 0.5},
                      {MIEN_AU7, 0.35, 0.5},
                      {MIEN_AU15, 0.25, 0.5},
                      {MIEN_AU17, 0.4, 0.7},
                      {MIEN_AU25, 0.35, 0.6},
                      {MIEN_AU6, 0.15, 0.4}},
    [MIEN_FEAR] = {{MIEN_AU1, 0.97, 1},
                   {MIEN_AU2, 0.85, 0.7},
                   {MIEN_AU4, 0.9, 0.8},
                   {MIEN_AU5, 0.95, 1},
                   {MIEN_AU20, 0.9, 1},
                   {MIEN_AU25, 0.85, 0.8},
                   {MIEN_AU26, 0.35, 0.5},
                   {MIEN_AU7, 0.15, 0.4}},
    [MIEN_CONTEMPT] = {{MIEN_AU12, 0.85, 0.6}, {MIEN_AU14, 0.95, 1}, {MIEN_AU10, 0.15, 0.4}, {MIEN_AU43, 0.15, 0.25}},
};

bool synth_belongs(enum mien_emotion emotion, enum mien_au au)
{
    for (int i = 0; i < PARTS; i++) {
        const struct part *p = &prototypes[emotion][i];
        if (p->share >= 0.4 && p->au == au)
            return true;
    }
    return false;
}

/* valence, arousal at full intensity: places on Russell's circle, ours by eye */
static const double circle[MIEN_EMOTION_COUNT][2] = {{0, 0},        {0.85, 0.45}, {0.15, 0.8},  {-0.7, -0.35},
                                                     {-0.65, 0.65}, {-0.7, 0.3},  {-0.6, 0.75}, {-0.5, 0.15}};

void synth_affect(enum mien_emotion emotion, double intensity, double va[2])
{
    va[0] = circle[emotion][0] * intensity;
    va[1] = circle[emotion][1] * intensity;
}

/* The prototype's leading units never stay away together: without one of them the emotion could not be seen. */
static void keep_core(enum mien_emotion emotion, double intensity, double *au)
{
    if (emotion == MIEN_DISGUST && au[MIEN_AU9] + au[MIEN_AU10] <= 0)
        au[MIEN_AU9] = intensity;
    if (emotion == MIEN_ANGER && au[MIEN_AU23] + au[MIEN_AU24] + au[MIEN_AU7] <= 0)
        au[MIEN_AU23] = intensity;
}

/* Lips that are pressed do not part, a jaw that hangs parts them, closed eyes are not wide. */
static void reconcile(double *au)
{
    if (au[MIEN_AU24] > 0)
        au[MIEN_AU25] = au[MIEN_AU26] = au[MIEN_AU27] = 0;
    if (au[MIEN_AU27] > 0)
        au[MIEN_AU26] = 0;
    if (au[MIEN_AU26] > 0 || au[MIEN_AU27] > 0)
        au[MIEN_AU25] = BASE_MAX(au[MIEN_AU25], 0.3);
    if (au[MIEN_AU5] > 0)
        au[MIEN_AU43] = 0;
    if (au[MIEN_AU43] > 0.9)
        au[MIEN_AU7] = 0;
}

enum mien_status mien_synth_express(enum mien_emotion emotion, double intensity, uint64_t seed, uint64_t index,
                                    struct mien_synth_face *face)
{
    enum mien_status status = MIEN_OK;
    struct mien_synth_face own;
    NEED(face);
    TRY(SIZED_READ(&own, face));
    FAIL_IF((unsigned)emotion >= MIEN_EMOTION_COUNT, MIEN_ERR_ARG, "emotion %d; there are %d", (int)emotion,
            MIEN_EMOTION_COUNT);
    FAIL_IF(!(intensity >= 0 && intensity <= 1), MIEN_ERR_ARG, "intensity %g; 0 to 1 was expected", intensity);
    struct base_rng rng = base_rng_make(seed, "synth units", index, (uint64_t)emotion);
    for (int i = 0; i < MIEN_AU_COUNT; i++) /* faces are never quite at rest */
        own.au[i] = base_rng_uniform(&rng) < 0.06 && i != MIEN_AU27 ? 0.12 * base_rng_uniform(&rng) : 0;
    for (int i = 0; i < PARTS; i++) {
        const struct part *p = &prototypes[emotion][i];
        double draw = base_rng_uniform(&rng), vary = 0.75 + 0.4 * base_rng_uniform(&rng);
        if (draw < p->share)
            own.au[p->au] = synth_clamp(intensity * p->weight * vary, 0, 1);
    }
    keep_core(emotion, intensity, own.au);
    reconcile(own.au);
    own.one_sided = emotion == MIEN_CONTEMPT ? 1 : 0;
    TRY(SIZED_WRITE(face, &own));
fail:
    return status;
}

void synth_blend(const struct mien_synth_face *a, const struct mien_synth_face *b, struct mien_synth_face *out)
{
    for (int i = 0; i < MIEN_AU_COUNT; i++)
        out->au[i] = BASE_MAX(a->au[i], b->au[i]);
    out->one_sided = a->one_sided * b->one_sided;
    reconcile(out->au);
}
