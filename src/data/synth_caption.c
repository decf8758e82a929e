/* synth_caption.c: sentences about a synthetic face, from the action units that were drawn. In a form, $d is a degree
 * of movement ("slightly"), $i one of feeling ("mild"), $g one of looking ("a little"), $n the emotion as a noun, $a as
 * an adjective, $q the cues. No sentence names a side: a mirrored picture keeps its caption. */
#include "data/synth_set.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { TEXT = 512, CUES = 3 };

struct writer {
    struct base_rng rng;
    const struct synth_sample *sample;
    double strength; /* of the movement that is being described */
    char cues[TEXT];
    char text[TEXT];
    size_t size;
};

struct clause {
    uint32_t with, without; /* sets of action units */
    const char *forms[3];
};

#define HAS(n) (1u << MIEN_AU##n)

static const struct clause brow_clauses[] = {
    {HAS(1) | HAS(2) | HAS(4),
     0,
     {"the brows are $d raised and drawn together", "raised brows are pulled together $d",
      "brow raisers and brow lowerer act together $d"}},
    {HAS(1) | HAS(4),
     0,
     {"the inner brows are drawn up and together $d", "the brows slant up $d towards the middle",
      "the inner brow raiser pulls the brows $d into a slant"}},
    {HAS(1) | HAS(2),
     HAS(4),
     {"both brows are $d raised", "the brows arch $d upward", "inner and outer brow raisers lift the brows $d"}},
    {HAS(2) | HAS(4),
     HAS(1),
     {"the outer brows rise $d while the middle is pulled down", "the brows are bent $d, low inside and high outside",
      "outer brow raiser and brow lowerer act $d"}},
    {HAS(1),
     HAS(2) | HAS(4),
     {"the inner brows are $d raised", "the inner ends of the brows rise $d", "the inner brow raiser is $d active"}},
    {HAS(2),
     HAS(1) | HAS(4),
     {"the outer brows are $d raised", "the outer ends of the brows rise $d", "the outer brow raiser is $d active"}},
    {HAS(4),
     HAS(1) | HAS(2),
     {"the brows are $d lowered and drawn together", "the brows knit $d into a frown",
      "the brow lowerer pulls the brows down $d"}},
    {0, HAS(1) | HAS(2) | HAS(4), {"the brows rest level", "the brows are relaxed", "no movement shows in the brows"}},
};
static const struct clause eye_clauses[] = {
    {HAS(43), 0, {"the lids are $d lowered", "the upper lids droop $d over the eyes", "the eyes are $d closed"}},
    {HAS(5) | HAS(7),
     HAS(43),
     {"the eyes stare, upper lids raised and lower lids tight",
      "raised upper lids and tight lower lids make the stare $d hard",
      "the upper lid raiser and the lid tightener act $d"}},
    {HAS(5),
     HAS(7) | HAS(43),
     {"the eyes are $d widened", "the upper lids are $d raised and show the white above the iris",
      "the upper lid raiser opens the eyes $d"}},
    {HAS(6),
     HAS(5) | HAS(43),
     {"the cheeks rise $d and crease the corners of the eyes", "raised cheeks narrow the eyes $d",
      "the cheek raiser pushes up the lower lids $d"}},
    {HAS(7),
     HAS(5) | HAS(6) | HAS(43),
     {"the lids are $d tightened", "the eyes narrow $d", "the lid tightener makes the gaze $d hard"}},
    {0,
     HAS(5) | HAS(6) | HAS(7) | HAS(43),
     {"the eyes are open as at rest", "the eyes look on calmly", "the lids are relaxed"}},
};
static const struct clause nose_clauses[] = {
    {HAS(9) | HAS(10),
     0,
     {"the nose wrinkles $d and the upper lip is raised", "nose wrinkler and upper lip raiser act together $d",
      "the $d wrinkled nose lifts the upper lip"}},
    {HAS(9),
     HAS(10),
     {"the nose is $d wrinkled", "wrinkles run $d across the root of the nose", "the nose wrinkler is $d active"}},
    {HAS(10),
     HAS(9),
     {"the upper lip is $d raised", "the upper lip curls up $d and deepens the folds of the cheeks",
      "the upper lip raiser is $d active"}},
};
static const struct clause corner_clauses[] = {
    {HAS(12) | HAS(14),
     0,
     {"one lip corner is tightened and pulled up $d", "a corner of the mouth is $d dimpled and raised",
      "the mouth is drawn up $d into a tight corner"}},
    {HAS(12),
     HAS(14),
     {"the lip corners are pulled up $d", "the mouth curves $d into a smile",
      "the lip corner puller lifts the mouth $d"}},
    {HAS(14),
     HAS(12),
     {"the corner of the mouth is $d dimpled", "the dimpler tightens the mouth corner $d",
      "a lip corner is $d pressed in"}},
    {HAS(15),
     HAS(12) | HAS(14),
     {"the lip corners are pulled down $d", "the mouth curves $d downward", "the lip corner depressor is $d active"}},
    {HAS(20),
     HAS(12) | HAS(14) | HAS(15),
     {"the lips are $d stretched to the sides", "the lip stretcher pulls the mouth $d wide",
      "the mouth is $d drawn out sideways"}},
    {HAS(23),
     HAS(12) | HAS(14) | HAS(15) | HAS(20),
     {"the lips are $d tightened", "the mouth is $d narrow with tight lips", "the lip tightener is $d active"}},
    {HAS(24),
     HAS(12) | HAS(14) | HAS(15) | HAS(20) | HAS(23),
     {"the lips are $d pressed together", "the mouth is $d pressed shut", "the lip pressor is $d active"}},
};
static const struct clause mouth_clauses[] = {
    {HAS(27),
     0,
     {"the mouth is stretched $d open", "the jaw is pulled $d down in a wide open mouth", "the mouth gapes $d"}},
    {HAS(26), HAS(27), {"the jaw drops $d and the lips part", "the mouth hangs $d open", "the jaw is $d dropped"}},
    {HAS(25),
     HAS(26) | HAS(27),
     {"the lips are $d parted", "the lips part $d and show the teeth", "the mouth is $d open"}},
    {HAS(24) | HAS(23),
     HAS(25) | HAS(26) | HAS(27),
     {"the lips are $d pressed and thin", "tight lips are pressed $d together",
      "lip tightener and lip pressor act $d"}},
    {HAS(17),
     HAS(25) | HAS(26) | HAS(27),
     {"the chin is $d pushed up", "the chin boss rises $d and dimples", "the chin raiser pushes up the lower lip $d"}},
};
static const struct clause calm_mouth[] = {
    {0,
     HAS(12) | HAS(14) | HAS(15) | HAS(17) | HAS(20) | HAS(23) | HAS(24) | HAS(25) | HAS(26) | HAS(27),
     {"the mouth is closed and relaxed", "the lips rest together", "the mouth is at rest"}},
};

static const struct region {
    const struct clause *clauses;
    uint32_t count;
} regions[] = {
    {brow_clauses, BASE_COUNT(brow_clauses)},   {eye_clauses, BASE_COUNT(eye_clauses)},
    {nose_clauses, BASE_COUNT(nose_clauses)},   {corner_clauses, BASE_COUNT(corner_clauses)},
    {mouth_clauses, BASE_COUNT(mouth_clauses)}, {calm_mouth, BASE_COUNT(calm_mouth)},
};
enum { REGIONS = sizeof(regions) / sizeof(regions[0]) };

static const char *const cue_words[] = {
    [MIEN_AU1] = "raised inner brows",
    [MIEN_AU2] = "raised outer brows",
    [MIEN_AU4] = "brows drawn together",
    [MIEN_AU5] = "wide eyes",
    [MIEN_AU6] = "raised cheeks",
    [MIEN_AU7] = "tight lids",
    [MIEN_AU9] = "a wrinkled nose",
    [MIEN_AU10] = "a raised upper lip",
    [MIEN_AU12] = "lip corners pulled up",
    [MIEN_AU14] = "a dimpled mouth corner",
    [MIEN_AU15] = "lip corners pulled down",
    [MIEN_AU17] = "a raised chin",
    [MIEN_AU20] = "stretched lips",
    [MIEN_AU23] = "tightened lips",
    [MIEN_AU24] = "pressed lips",
    [MIEN_AU25] = "parted lips",
    [MIEN_AU26] = "a dropped jaw",
    [MIEN_AU27] = "a gaping mouth",
    [MIEN_AU43] = "lowered lids",
};

/* The label's own word first: it is chosen two times in three. */
static const struct words {
    const char *nouns[3], *adjectives[3];
} words[MIEN_EMOTION_COUNT] = {
    {{"neutral", "calm", "composure"}, {"neutral", "calm", "composed"}},
    {{"happiness", "joy", "delight"}, {"happy", "joyful", "cheerful"}},
    {{"surprise", "amazement", "astonishment"}, {"surprised", "amazed", "astonished"}},
    {{"sadness", "sorrow", "grief"}, {"sad", "sorrowful", "downcast"}},
    {{"anger", "annoyance", "rage"}, {"angry", "annoyed", "furious"}},
    {{"disgust", "distaste", "revulsion"}, {"disgusted", "repelled", "revolted"}},
    {{"fear", "fright", "alarm"}, {"fearful", "frightened", "scared"}},
    {{"contempt", "disdain", "scorn"}, {"contemptuous", "disdainful", "scornful"}},
};

static const char *const neutral_global[] = {"A neutral face",
                                             "The face is neutral and shows no emotion",
                                             "The person looks $a",
                                             "The expression on this face is neutral",
                                             "A face at rest, neutral and without emotion",
                                             "This person seems $a"};
static const char *const global_forms[] = {
    "A face showing $i $n",    "The person looks $g $a",  "The expression on this face is $i $n",
    "$i $n shows on the face", "This person seems $g $a", "Somebody who is $g $a",
    "A picture of $i $n"};
static const char *const neutral_clip[] = {"The face stays neutral throughout the clip",
                                           "In this clip the person remains $a"};
static const char *const clip_forms[] = {"The face moves from rest to $i $n", "In this clip the person becomes $g $a",
                                         "$i $n rises on the face and fades", "The clip shows $i $n"};
static const char *const neutral_summary[] = {"Overall, the face is neutral",
                                              "In sum, nothing but a neutral expression",
                                              "Taken together, the features stay $a and at rest"};
static const char *const summary_forms[] = {"Overall, $i $n, seen in $q", "In sum, the face reads as $n, with $q",
                                            "Taken together, $q speak of $i $n", "The whole face says $n: $q"};
static const char *const meanings[] = {", as in $n", ", a sign of $n", ", which goes with $n",
                                       ", and this suggests $n"};

static const char *any(struct base_rng *rng, const char *const *forms, uint32_t count)
{
    return forms[base_rng_below(rng, count)];
}

static void put(struct writer *w, const char *text)
{
    size_t n = strlen(text);
    if (w->size + n >= sizeof(w->text))
        n = sizeof(w->text) - 1 - w->size;
    memcpy(w->text + w->size, text, n);
    w->size += n;
    w->text[w->size] = 0;
}

static void put_emotion(struct writer *w, bool adjective)
{
    for (uint32_t i = 0; i < w->sample->emotion_count; i++) {
        const struct words *e = &words[w->sample->emotions[i]];
        uint32_t draw = base_rng_below(&w->rng, 6);
        put(w, i > 0 ? " and " : "");
        put(w, (adjective ? e->adjectives : e->nouns)[draw > 2 ? 0 : draw]);
    }
}

static uint32_t level_of(double strength)
{
    return strength < 0.35 ? 0 : strength < 0.6 ? 1 : strength < 0.8 ? 2 : 3;
}

static void put_field(struct writer *w, char field)
{
    static const char *const degrees[4][3] = {{"slightly", "a little", "faintly"},
                                              {"somewhat", "visibly", "moderately"},
                                              {"clearly", "markedly", "distinctly"},
                                              {"strongly", "greatly", "extremely"}};
    static const char *const feelings[4][3] = {{"slight", "mild", "faint"},
                                               {"moderate", "visible", "some"},
                                               {"strong", "clear", "marked"},
                                               {"intense", "extreme", "overwhelming"}};
    static const char *const looks[4][3] = {{"a little", "slightly", "faintly"},
                                            {"fairly", "rather", "moderately"},
                                            {"very", "clearly", "quite"},
                                            {"extremely", "intensely", "utterly"}};
    uint32_t moved = level_of(w->strength), felt = level_of(w->sample->intensity);
    switch (field) {
    case 'd':
        put(w, any(&w->rng, degrees[moved], 3));
        break;
    case 'i':
        put(w, any(&w->rng, feelings[felt], 3));
        break;
    case 'g':
        put(w, any(&w->rng, looks[felt], 3));
        break;
    case 'q':
        put(w, w->cues);
        break;
    default:
        put_emotion(w, field == 'a');
    }
}

static void put_form(struct writer *w, const char *form)
{
    char one[2] = "";
    for (const char *p = form; *p; p++) {
        if (*p == '$') {
            put_field(w, *++p);
            continue;
        }
        one[0] = *p;
        put(w, one);
    }
}

static const char *finish(struct writer *w, struct base_arena *arena)
{
    w->text[0] = (char)toupper((unsigned char)w->text[0]);
    put(w, ".");
    const char *kept = base_arena_strndup(arena, w->text, w->size);
    w->size = 0;
    return kept;
}

static const char *sentence(struct writer *w, const char *form, struct base_arena *arena)
{
    put_form(w, form);
    return finish(w, arena);
}

static uint32_t seen_units(const struct synth_sample *s)
{
    uint32_t set = 0;
    for (int i = 0; i < MIEN_AU_COUNT; i++)
        set |= s->face.au[i] * 100 >= SYNTH_SAYS ? 1u << i : 0;
    return set;
}

/* The strongest of a set, and whether one of them leads in an emotion that is shown. */
static double strongest(const struct synth_sample *s, uint32_t set, bool *belongs)
{
    double most = 0;
    *belongs = false;
    for (int i = 0; i < MIEN_AU_COUNT; i++) {
        if (!(set >> i & 1))
            continue;
        most = BASE_MAX(most, s->face.au[i]);
        for (uint32_t e = 0; e < s->emotion_count; e++)
            *belongs = *belongs || synth_belongs(s->emotions[e], (enum mien_au)i);
    }
    return most;
}

/* The first clause of a region that fits, as a sentence; NULL when none does. */
static const char *describe(struct writer *w, const struct region *region, uint32_t seen, struct base_arena *arena)
{
    for (uint32_t i = 0; i < region->count; i++) {
        const struct clause *c = &region->clauses[i];
        bool belongs;
        if ((seen & c->with) != c->with || (seen & c->without))
            continue;
        if (c->with == 0 && w->sample->emotions[0] != MIEN_NEUTRAL && base_rng_below(&w->rng, 2) == 0)
            return NULL; /* not every feature at rest is worth a sentence */
        w->strength = strongest(w->sample, c->with, &belongs);
        put_form(w, any(&w->rng, c->forms, 3));
        if (belongs && base_rng_below(&w->rng, 5) < 2)
            put_form(w, any(&w->rng, meanings, BASE_COUNT(meanings)));
        return finish(w, arena);
    }
    return NULL;
}

/* "a, b and c": the strongest units that are seen. */
static void list_cues(struct writer *w, uint32_t seen)
{
    const double *au = w->sample->face.au;
    int order[CUES], n = 0;
    for (; n < CUES; n++) {
        int best = -1;
        for (int i = 0; i < MIEN_AU_COUNT; i++)
            if ((seen >> i & 1) && (best < 0 || au[i] > au[best]))
                best = i;
        if (best < 0)
            break;
        seen &= ~(1u << best);
        order[n] = best;
    }
    w->cues[0] = 0;
    for (int i = 0; i < n; i++) {
        strcat(w->cues, i == 0 ? "" : i + 1 < n ? ", " : " and ");
        strcat(w->cues, cue_words[order[i]]);
    }
}

enum mien_status synth_caption(const struct synth_sample *sample, bool video, uint64_t seed, struct base_arena *arena,
                               struct data_caption *out)
{
    enum mien_status status = MIEN_OK;
    struct writer w = {.rng = base_rng_make(seed, "synth caption", sample->index, video), .sample = sample};
    uint32_t seen = seen_units(sample), count = 0;
    bool neutral = sample->emotions[0] == MIEN_NEUTRAL;
    const char **local = base_arena_array(arena, REGIONS, sizeof(*local));
    *out = (struct data_caption){0};
    FAIL_IF_NULL(local, "captions");
    w.strength = sample->intensity;
    const char *still = neutral ? any(&w.rng, neutral_global, BASE_COUNT(neutral_global))
                                : any(&w.rng, global_forms, BASE_COUNT(global_forms));
    const char *moving =
        neutral ? any(&w.rng, neutral_clip, BASE_COUNT(neutral_clip)) : any(&w.rng, clip_forms, BASE_COUNT(clip_forms));
    out->global = sentence(&w, video ? moving : still, arena);
    for (uint32_t r = 0; r < REGIONS; r++) {
        const char *text = describe(&w, &regions[r], seen, arena);
        if (text)
            local[count++] = text;
    }
    list_cues(&w, seen);
    const char *summary = any(&w.rng, summary_forms, BASE_COUNT(summary_forms));
    if (neutral)
        summary = any(&w.rng, neutral_summary, BASE_COUNT(neutral_summary));
    out->summary = sentence(&w, neutral || *w.cues ? summary : "Overall, $i $n", arena);
    FAIL_IF(!out->global || !out->summary, MIEN_ERR_NOMEM, "out of host memory for captions");
    out->local = local;
    out->local_count = count;
fail:
    return status;
}
