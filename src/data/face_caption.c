/* face_caption.c: sentences from labels, votes, valence and arousal, action units. The wording is our own. A sentence
 * names the emotion by noun or adjective, its intensity where it is known, and a second emotion. The global sentence
 * keeps to the plainest words, so that a small model learns them from a few thousand images; the others vary. */
#include "data/face_caption.h"

#include "data/face_words.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

enum { LEVELS = 4, CUES = 3, MOST_LABELS = 4, TEXT = 512 };
static const double second_weak = 0.2, second_strong = 0.3; /* shares from which a second emotion is named */
static const double seen_from = 0.2;                        /* of a unit's range */

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
/* How far a unit has moved. */
static const char *const movements[LEVELS][4] = {{"slightly", "a little", "faintly"},
                                                 {"somewhat", "visibly", "moderately"},
                                                 {"clearly", "markedly", "distinctly"},
                                                 {"strongly", "greatly", "fully"}};

/* $a adverb, $j adjective, $d degree, $n noun, $m mixture after an adjective or a face, $M after an emotion's noun, $v
 * mood, $q the units that are seen, $r a region's clause. */
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
enum { GLOBAL_NOUNS = 6 }; /* the last of them need no adjective */
static const char *const mood_forms[] = {"the mood of this face is $v", "this face looks $v",
                                         "someone whose mood is $v", "a person whose expression is $v"};
static const char *const unit_forms[] = {"a face with $q", "this face shows $q", "a person with $q",
                                         "a close view of a face: $q"};
static const char *const rest_forms[] = {"a face at rest", "this face does not move", "a person whose face is at rest"};
static const char *const summary_forms[] = {
    "overall, the expression is one of $d $n$M",
    "taken together, the face looks $a $j$m",
    "in short, $n$M",
    "the main emotion is $n$M",
    "all in all, the mood is $a $j$m",
};
static const char *const named_summaries[] = {"in short, $n$M", "the main emotion is $n$M",
                                              "overall, the expression is one of $n$M"};
static const char *const cue_summaries[] = {"overall, $n$M, seen in $q", "in sum, the face reads as $n$M, with $q",
                                            "the whole face says $n$M: $q", "$n$M shows in $q"};
static const char *const mood_summaries[] = {"in short, the mood is $v", "all in all, a state that is $v",
                                             "overall, the face speaks of a mood that is $v"};
static const char *const unit_summaries[] = {"in short, $q", "overall, what moves is this: $q",
                                             "taken together, the face has $q"};
static const char *const rest_summaries[] = {"in short, nothing moves", "overall, no movement shows"};
static const char *const mood_sentences[] = {"the mood is $v", "the feeling behind the face seems $v",
                                             "the state of mind looks $v"};
/* What raters would say, by their agreement. */
static const char *const agreement_forms[LEVELS][2] = {
    {"viewers disagree, yet $n comes first$M", "opinions differ, with $n slightly ahead$M"},
    {"many viewers would call this $n$M", "more viewers see $n than anything else$M"},
    {"most viewers would call this $n$M", "a large majority sees $n$M"},
    {"nearly every viewer would call this $n$M", "viewers agree on $n$M"},
};
static const char *const region_forms[] = {"in $n, $r", "when people are $j, $r", "on a $j face, $r"};

struct writer {
    const struct face_facts *facts;
    struct base_rng *rng;
    struct face_words words[MOST_LABELS];
    uint32_t count;
    int level, moved; /* of the emotion, of a unit; -1: not known */
    bool plain;       /* the plainest words only */
    const char *region;
    char mood[128], cues[TEXT / 2];
    char text[TEXT];
    size_t size;
};

/* ---- words ---- */

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
    while (count < FACE_WORDS && list[count])
        count++;
    if (w->plain || base_rng_below(w->rng, 2) == 0)
        return list[0];
    return list[base_rng_below(w->rng, w->level >= 2 || count < 2 ? count : count - 1)];
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

/* The second emotion, as far as votes name it: a weak one by its plainest noun. */
static void put_voted(struct writer *w, bool after_noun)
{
    static const char *const weak[] = {" with a hint of ", " with a touch of ", " with a trace of "};
    static const char *const strong[] = {", partly ", ", but also "};
    const struct face_words *second = &w->words[1];
    double share = w->facts->second_share;
    if (share < second_weak)
        return;
    if (second->calm) {
        put(w, share < second_strong ? ", not far from neutral" : ", close to neutral");
    } else if (share < second_strong) {
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

/* The further emotions of a compound, all named. */
static void put_compound(struct writer *w, bool after_noun)
{
    for (uint32_t i = 1; i < w->count; i++) {
        bool noun = after_noun || !w->words[i].adjectives[0];
        put(w, i > 1 ? " and " : noun ? " mixed with " : ", and also ");
        put(w, word_of(w, noun ? w->words[i].nouns : w->words[i].adjectives));
    }
}

/* A word that may not be known: the blank around it goes with it. */
static void put_degree(struct writer *w, const char **form, const char *word)
{
    if (word)
        put_after_article(w, word);
    else if ((*form)[1] == ' ')
        ++*form;
    else if (w->size && w->text[w->size - 1] == ' ')
        w->size--;
}

static const char *emotion_degree(struct writer *w, bool adverb)
{
    bool calm = w->words[0].calm;
    if (w->level < 0)
        return NULL;
    return any(w->rng, (adverb ? calm ? calm_adverbs : adverbs : calm ? calm_degrees : degrees)[w->level], 4);
}

/* *form points to the field's letter. */
static void put_field(struct writer *w, const char **form)
{
    char field = **form;
    switch (field) {
    case 'a':
    case 'd':
        put_degree(w, form,
                   w->count       ? emotion_degree(w, field == 'a')
                   : w->moved < 0 ? NULL
                                  : any(w->rng, movements[w->moved], 4));
        break;
    case 'j':
        put_after_article(w, word_of(w, w->words[0].adjectives));
        break;
    case 'n':
        put(w, word_of(w, w->words[0].nouns));
        break;
    case 'r':
        put(w, w->region);
        break;
    case 'v':
        put(w, w->mood);
        break;
    case 'q':
        put(w, w->cues);
        break;
    default:
        (w->facts->share > 0 ? put_voted : put_compound)(w, field == 'M');
    }
}

/* A form with its fields filled in, as a sentence in the arena. */
static const char *write_form(struct writer *w, const char *form, struct base_arena *arena)
{
    char one[2] = "";
    w->size = 0;
    for (const char *p = form; *p; p++) {
        if (*p == '$') {
            p++;
            put_field(w, &p);
            continue;
        }
        one[0] = *p;
        put(w, one);
    }
    w->text[0] = (char)toupper((unsigned char)w->text[0]);
    w->text[w->size++] = '.';
    return base_arena_strndup(arena, w->text, w->size);
}

/* ---- what is known ---- */

static void write_mood(struct writer *w)
{
    static const char *const valences[] = {"very unpleasant", "unpleasant", "neither pleasant nor unpleasant",
                                           "pleasant", "very pleasant"};
    static const char *const arousals[] = {"very still", "calm", "even", "lively", "highly aroused"};
    const double *va = w->facts->va;
    int at[2];
    for (int i = 0; i < 2; i++)
        at[i] = va[i] < -0.6 ? 0 : va[i] < -0.2 ? 1 : va[i] <= 0.2 ? 2 : va[i] <= 0.6 ? 3 : 4;
    snprintf(w->mood, sizeof(w->mood), "%s and %s", valences[at[0]], arousals[at[1]]);
}

/* A unit's place in its range, by which it is seen or not. */
static double strength_of(const struct data_value *unit)
{
    return fmin(1, unit->value > 1 ? unit->value / 5 : unit->value);
}

static bool is_seen(const struct data_value *unit)
{
    return face_unit_find(unit->name) && strength_of(unit) >= seen_from;
}

/* "a, b and c": the strongest units that are seen; "" where none is. */
static void list_cues(struct writer *w)
{
    const struct face_facts *f = w->facts;
    uint32_t order[CUES], n = 0;
    for (; n < CUES; n++) {
        const struct data_value *best = NULL;
        for (uint32_t i = 0; i < f->au_count; i++) {
            bool taken = !is_seen(&f->aus[i]);
            for (uint32_t k = 0; k < n; k++)
                taken = taken || order[k] == i;
            if (!taken && (!best || strength_of(&f->aus[i]) > strength_of(best)))
                best = &f->aus[i];
        }
        if (!best)
            break;
        order[n] = (uint32_t)(best - f->aus);
    }
    for (uint32_t i = 0; i < n; i++) {
        strcat(w->cues, i == 0 ? "" : i + 1 < n ? ", " : " and ");
        strcat(w->cues, face_unit_find(f->aus[order[i]].name)->cue);
    }
}

static struct writer writer_of(const struct face_facts *facts, struct base_rng *rng)
{
    struct writer w = {.facts = facts, .rng = rng, .level = -1, .moved = -1};
    for (; w.count < facts->label_count && w.count < MOST_LABELS; w.count++)
        face_words_find(facts->labels[w.count], &w.words[w.count]);
    double share = facts->share, felt = hypot(facts->va[0], facts->va[1]);
    if (share > 0)
        w.level = share < 0.5 ? 0 : share < 0.7 ? 1 : share < 0.9 ? 2 : 3;
    else if (facts->has_va)
        w.level = felt < 0.25 ? 0 : felt < 0.5 ? 1 : felt < 0.75 ? 2 : 3;
    if (share <= 0 && w.level >= 0 && w.words[0].calm)
        w.level = 3 - w.level; /* the less is felt, the more complete it is */
    if (facts->has_va)
        write_mood(&w);
    list_cues(&w);
    return w;
}

/* ---- levels ---- */

static const char *global_of(struct writer *w)
{
    bool named = w->count && !w->words[0].adjectives[0];
    if (w->count)
        return any(w->rng, global_forms + (named ? BASE_COUNT(global_forms) - GLOBAL_NOUNS : 0),
                   named ? GLOBAL_NOUNS : BASE_COUNT(global_forms));
    if (w->facts->has_va)
        return any(w->rng, mood_forms, BASE_COUNT(mood_forms));
    return *w->cues ? any(w->rng, unit_forms, BASE_COUNT(unit_forms)) : any(w->rng, rest_forms, BASE_COUNT(rest_forms));
}

static const char *summary_of(struct writer *w)
{
    if (w->facts->share > 0) { /* agreement counts as two forms */
        uint32_t form = base_rng_below(w->rng, BASE_COUNT(summary_forms) + 2);
        return form < 2 ? agreement_forms[w->level][form] : summary_forms[form - 2];
    }
    if (w->count && *w->cues)
        return any(w->rng, cue_summaries, BASE_COUNT(cue_summaries));
    if (w->count)
        return w->words[0].adjectives[0] ? any(w->rng, summary_forms, BASE_COUNT(summary_forms))
                                         : any(w->rng, named_summaries, BASE_COUNT(named_summaries));
    if (w->facts->has_va)
        return any(w->rng, mood_summaries, BASE_COUNT(mood_summaries));
    return *w->cues ? any(w->rng, unit_summaries, BASE_COUNT(unit_summaries))
                    : any(w->rng, rest_summaries, BASE_COUNT(rest_summaries));
}

static const char *unit_sentence(struct writer *w, const struct data_value *unit, struct base_arena *arena)
{
    double strength = strength_of(unit);
    uint32_t labels = w->count;
    w->moved = unit->value == 1 ? -1 : strength < 0.35 ? 0 : strength < 0.6 ? 1 : strength < 0.8 ? 2 : 3;
    w->count = 0; /* the degree is the movement's */
    const char *text = write_form(w, any(w->rng, face_unit_find(unit->name)->forms, 3), arena);
    w->count = labels;
    return text;
}

static enum mien_status write_local(struct writer *w, struct base_arena *arena, struct data_caption *out)
{
    enum mien_status status = MIEN_OK;
    const struct face_facts *f = w->facts;
    const char **list = base_arena_array(arena, (size_t)f->au_count + FACE_REGIONS + 1, sizeof(*list));
    uint32_t n = 0;
    FAIL_IF_NULL(list, "captions");
    for (uint32_t i = 0; i < f->au_count; i++)
        if (is_seen(&f->aus[i]))
            list[n++] = unit_sentence(w, &f->aus[i], arena);
    for (int r = 0; !f->aus && w->count && r < FACE_REGIONS && w->words[0].regions[r]; r++) {
        w->region = w->words[0].regions[r];
        list[n++] = write_form(w, any(w->rng, region_forms, BASE_COUNT(region_forms)), arena);
    }
    if (f->has_va)
        list[n++] = write_form(w, any(w->rng, mood_sentences, BASE_COUNT(mood_sentences)), arena);
    TRY(base_arena_status(arena));
    out->local = list;
    out->local_count = n;
fail:
    return status;
}

enum mien_status face_caption(const struct face_facts *facts, bool local, struct base_rng *rng,
                              struct base_arena *arena, struct data_caption *out)
{
    enum mien_status status = MIEN_OK;
    struct writer w = writer_of(facts, rng);
    *out = (struct data_caption){0};
    if (!facts->label_count && !facts->has_va && !facts->aus)
        return MIEN_OK;
    w.plain = true;
    out->global = write_form(&w, global_of(&w), arena);
    w.plain = false;
    out->summary = write_form(&w, summary_of(&w), arena);
    FAIL_IF(!out->global || !out->summary, MIEN_ERR_NOMEM, "out of host memory for captions");
    if (local)
        TRY(write_local(&w, arena, out));
fail:
    return status;
}
