/* ferplus_caption.c: sentences from votes. The wording is our own. A sentence names the emotion by noun or adjective,
 * its share of the votes as intensity, and a second emotion with a fair share. The global sentence keeps to the
 * plainest words, so that a small model learns them from a few thousand images; the others vary. */
#include "data/ferplus.h"

#include <ctype.h>
#include <string.h>

enum { LEVELS = 4, REGIONS = 4, WORDS = 6 };
static const double second_weak = 0.2, second_strong = 0.3; /* shares from which a second emotion is named */

struct words { /* the plainest first, the strongest last, ended by NULL */
    const char *nouns[WORDS], *adjectives[WORDS];
};

static const struct words words[FERPLUS_EMOTIONS] = {
    [FERPLUS_NEUTRAL] = {{"neutrality", "calm", "composure"}, {"neutral", "calm", "composed", "blank", "impassive"}},
    [FERPLUS_HAPPINESS] = {{"happiness", "joy", "cheerfulness", "delight"},
                           {"happy", "joyful", "cheerful", "glad", "delighted"}},
    [FERPLUS_SURPRISE] = {{"surprise", "amazement", "astonishment"}, {"surprised", "amazed", "startled", "astonished"}},
    [FERPLUS_SADNESS] = {{"sadness", "sorrow", "grief"}, {"sad", "sorrowful", "downcast", "gloomy"}},
    [FERPLUS_ANGER] = {{"anger", "annoyance", "irritation", "rage"}, {"angry", "annoyed", "irritated", "furious"}},
    [FERPLUS_DISGUST] = {{"disgust", "distaste", "revulsion"}, {"disgusted", "repelled", "revolted"}},
    [FERPLUS_FEAR] = {{"fear", "fright", "alarm", "dread"}, {"fearful", "afraid", "scared", "frightened"}},
    [FERPLUS_CONTEMPT] = {{"contempt", "disdain", "scorn"}, {"contemptuous", "disdainful", "scornful"}},
};

/* By intensity: below half of the votes, up to 0.7, up to 0.9, above. */
static const char *const adverbs[LEVELS][4] = {{"slightly", "faintly", "a little"},
                                               {"somewhat", "rather", "moderately"},
                                               {"quite", "visibly", "distinctly"},
                                               {"very", "clearly", "unmistakably", "plainly"}};
static const char *const degrees[LEVELS][4] = {{"slight", "faint", "a little"},
                                               {"some", "moderate", "mild"},
                                               {"visible", "definite", "plain"},
                                               {"strong", "clear", "intense", "unmistakable"}};
/* Neutrality is not more or less strong, it is more or less complete. */
static const char *const calm_adverbs[LEVELS][4] = {
    {"more or less", "nearly"}, {"mostly", "rather"}, {"quite", "evidently"}, {"completely", "entirely", "perfectly"}};
static const char *const calm_degrees[LEVELS][4] = {
    {"uncertain", "partial"}, {"relative", "some"}, {"evident", "clear"}, {"complete", "perfect"}};

/* $a adverb, $j adjective, $d degree, $n noun, $m mixture after an adjective or a face, $M after an emotion's noun. */
static const char *const global_forms[] = {
    "a $a $j face$m",
    "this person looks $a $j$m",
    "someone who appears $a $j$m",
    "a person with a $a $j expression$m",
    "a photo of a $a $j face$m",
    "the face of a $a $j person$m",
    "a face showing $d $n$M",
    "an expression of $d $n$M",
    "this face expresses $d $n$M",
    "a portrait that shows $d $n$M",
    "a close view of a face with $d $n$M",
    "a human face that conveys $d $n$M",
};
static const char *const summary_forms[] = {
    "overall, the expression is one of $d $n$M",
    "taken together, the face looks $a $j$m",
    "in short, $n$M",
    "the main emotion is $n$M",
    "all in all, the mood is $a $j$m",
};
/* What raters would say, by their agreement. */
static const char *const agreement_forms[LEVELS][2] = {
    {"viewers disagree, yet $n comes first$M", "opinions differ, with $n slightly ahead$M"},
    {"many viewers would call this $n$M", "more viewers see $n than anything else$M"},
    {"most viewers would call this $n$M", "a large majority sees $n$M"},
    {"nearly every viewer would call this $n$M", "viewers agree on $n$M"},
};

/* What a face tends to show: clauses on eyes, brows, mouth and the rest. */
static const char *const regions[FERPLUS_EMOTIONS][REGIONS] = {
    [FERPLUS_NEUTRAL] = {"the eyes are usually neither wide nor narrow", "the brows usually lie level",
                         "the lips tend to stay closed and at rest", "the cheeks tend to stay smooth"},
    [FERPLUS_HAPPINESS] = {"the eyes tend to narrow above a smile", "the brows usually stay relaxed",
                           "the corners of the mouth tend to rise", "the cheeks tend to lift and round"},
    [FERPLUS_SURPRISE] = {"the eyes tend to open wide", "the brows tend to rise in an arch",
                          "the jaw often drops and leaves the mouth open", "lines often run across the forehead"},
    [FERPLUS_SADNESS] = {"the upper eyelids tend to droop", "the inner ends of the brows tend to rise",
                         "the corners of the mouth tend to sink", "the chin often puckers"},
    [FERPLUS_ANGER] = {"the eyes tend to stare from tense lids", "the brows tend to come down and together",
                       "the lips are often pressed tight or bare the teeth", "the nostrils often flare"},
    [FERPLUS_DISGUST] = {"the eyes tend to narrow from below", "the brows tend to lower",
                         "the upper lip tends to curl up", "the nose tends to wrinkle"},
    [FERPLUS_FEAR] = {"the eyes tend to widen until white shows above the iris",
                      "the brows tend to rise and draw together", "the lips often stretch sideways",
                      "short lines often mark the middle of the forehead"},
    [FERPLUS_CONTEMPT] = {"the gaze often comes from under heavy lids", "one brow may stand above the other",
                          "one corner of the mouth tends to tighten and lift", "the chin often tips up"},
};
static const char *const region_forms[] = {"in $n, $r", "when people are $j, $r", "on a $j face, $r"};

const char *const ferplus_names[FERPLUS_EMOTIONS + 1] = {"neutral", "happiness", "surprise", "sadness", "anger",
                                                         "disgust", "fear",      "contempt", NULL};

struct writer {
    const struct ferplus_rating *rating;
    struct base_rng *rng;
    enum ferplus_emotion second;
    double share, second_share;
    int level;
    bool plain; /* the plainest words only */
    const char *region;
    char text[512];
    size_t size;
};

/* One of a list that may end with NULL before `most`. */
static const char *any(struct base_rng *rng, const char *const *list, uint32_t most)
{
    uint32_t count = 0;
    while (count < most && list[count])
        count++;
    return list[base_rng_below(rng, count)];
}

/* The plainest word always or half of the time; the strongest only from level 2 on. */
static const char *word_of(const struct writer *w, const char *const *list)
{
    uint32_t count = 0;
    while (count < WORDS && list[count])
        count++;
    if (w->plain || base_rng_below(w->rng, 2) == 0)
        return list[0];
    return list[base_rng_below(w->rng, w->level >= 2 ? count : count - 1)];
}

static void put(struct writer *w, const char *text)
{
    size_t n = strlen(text);
    if (w->size + n + 2 <= sizeof(w->text)) {
        memcpy(w->text + w->size, text, n);
        w->size += n;
    }
}

/* "a" before a vowel becomes "an"; a degree that brings its own article takes its place. */
static void put_after_article(struct writer *w, const char *text)
{
    bool article =
        w->size >= 2 && memcmp(w->text + w->size - 2, "a ", 2) == 0 && (w->size == 2 || w->text[w->size - 3] == ' ');
    if (article && strncmp(text, "a ", 2) == 0)
        w->size -= 2;
    else if (article && strchr("aeiou", text[0]))
        memcpy(w->text + w->size++ - 1, "n ", 2);
    put(w, text);
}

/* The second emotion. A weak one by its plainest noun. */
static void put_mixture(struct writer *w, bool after_noun)
{
    static const char *const weak[] = {" with a hint of ", " with a touch of ", " with a trace of "};
    static const char *const strong[] = {", partly ", ", but also "};
    const struct words *second = &words[w->second];
    if (w->second_share < second_weak)
        return;
    if (w->second == FERPLUS_NEUTRAL) {
        put(w, w->second_share < second_strong ? ", not far from neutral" : ", close to neutral");
    } else if (w->second_share < second_strong) {
        put(w, any(w->rng, weak, BASE_COUNT(weak)));
        put(w, second->nouns[0]);
    } else if (after_noun) {
        put(w, " mixed with ");
        put(w, word_of(w, second->nouns));
    } else {
        put(w, any(w->rng, strong, BASE_COUNT(strong)));
        put(w, word_of(w, second->adjectives));
    }
}

static void put_field(struct writer *w, char field)
{
    enum ferplus_emotion top = w->rating->top;
    bool calm = top == FERPLUS_NEUTRAL;
    switch (field) {
    case 'a':
        put_after_article(w, any(w->rng, (calm ? calm_adverbs : adverbs)[w->level], 4));
        break;
    case 'd':
        put_after_article(w, any(w->rng, (calm ? calm_degrees : degrees)[w->level], 4));
        break;
    case 'j':
        put_after_article(w, word_of(w, words[top].adjectives));
        break;
    case 'n':
        put(w, word_of(w, words[top].nouns));
        break;
    case 'r':
        put(w, w->region);
        break;
    default:
        put_mixture(w, field == 'M');
    }
}

/* A form with its fields filled in, as a sentence in the arena. */
static const char *write_form(struct writer *w, const char *form, struct base_arena *arena)
{
    char one[2] = "";
    w->size = 0;
    for (const char *p = form; *p; p++) {
        if (*p == '$') {
            put_field(w, *++p);
            continue;
        }
        one[0] = *p;
        put(w, one);
    }
    w->text[0] = (char)toupper((unsigned char)w->text[0]);
    w->text[w->size++] = '.';
    return base_arena_strndup(arena, w->text, w->size);
}

static struct writer writer_of(const struct ferplus_rating *rating, struct base_rng *rng)
{
    struct writer w = {.rating = rating, .rng = rng, .share = (double)rating->votes[rating->top] / rating->total};
    w.level = w.share < 0.5 ? 0 : w.share < 0.7 ? 1 : w.share < 0.9 ? 2 : 3;
    uint32_t most = 0;
    for (int e = 0; e < FERPLUS_EMOTIONS; e++) {
        if (e != (int)rating->top && rating->votes[e] > most) {
            most = rating->votes[e];
            w.second = (enum ferplus_emotion)e;
        }
    }
    w.second_share = (double)most / rating->total;
    return w;
}

enum mien_status ferplus_caption(const struct ferplus_rating *rating, bool local, struct base_rng *rng,
                                 struct base_arena *arena, struct data_caption *out)
{
    enum mien_status status = MIEN_OK;
    struct writer w = writer_of(rating, rng);
    *out = (struct data_caption){0};
    w.plain = true;
    out->global = write_form(&w, any(rng, global_forms, BASE_COUNT(global_forms)), arena);
    w.plain = false;
    uint32_t form = base_rng_below(rng, BASE_COUNT(summary_forms) + 2);
    out->summary = write_form(&w, form < 2 ? agreement_forms[w.level][form] : summary_forms[form - 2], arena);
    FAIL_IF(!out->global || !out->summary, MIEN_ERR_NOMEM, "out of host memory for captions");
    if (local) {
        const char **sentences = base_arena_array(arena, REGIONS, sizeof(*sentences));
        FAIL_IF_NULL(sentences, "captions");
        for (int r = 0; r < REGIONS; r++) {
            w.region = regions[rating->top][r];
            sentences[r] = write_form(&w, any(rng, region_forms, BASE_COUNT(region_forms)), arena);
            FAIL_IF_NULL(sentences[r], "captions");
        }
        out->local = sentences;
        out->local_count = REGIONS;
    }
fail:
    return status;
}
