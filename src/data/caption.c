/* caption.c: one text into levels, and what the text says about sides. */
#include "data/manifest.h"
#include "data/unicode.h"

#include <string.h>

/* After these a full stop ends no sentence; lower case. `mien manifest` lists them. */
static const char *const abbreviations[] = {
    "al",   "approx", "ca",   "capt", "cf",  "col", "dept",   "dr", "eq",  "eqs", "esp",  "etc", "excl", "fig",
    "figs", "gen",    "hon",  "incl", "jr",  "lt",  "messrs", "mr", "mrs", "ms",  "mt",   "mx",  "no",   "nos",
    "nr",   "pp",     "prof", "resp", "rev", "sgt", "sr",     "st", "viz", "vol", "vols", "vs",
};

enum { LONGEST = 6 }; /* of them */

static bool is_blank(uint32_t code)
{
    return unicode_is_space(code);
}

static bool is_stop(uint32_t code)
{
    return code == '.' || code == '!' || code == '?';
}

/* Stops of full width (and the half-width ideographic one): no blank follows them. */
static bool is_wide_stop(uint32_t code)
{
    return code == 0x3002 || code == 0xFF01 || code == 0xFF0E || code == 0xFF1F || code == 0xFF61;
}

/* Quotes and brackets that may close a sentence. */
static bool closes(uint32_t code)
{
    static const uint32_t wide[] = {0xBB,   0x2018, 0x2019, 0x201C, 0x201D, 0x203A, 0x3009,
                                    0x300B, 0x300D, 0x300F, 0x3011, 0x3015, 0x3017, 0x301E,
                                    0x301F, 0xFF02, 0xFF07, 0xFF09, 0xFF3D, 0xFF5D, 0xFF63};
    for (size_t i = 0; i < BASE_COUNT(wide); i++)
        if (code == wide[i])
            return true;
    return code == '"' || code == '\'' || code == ')' || code == ']' || code == '}';
}

static bool is_apostrophe(uint32_t code)
{
    return code == '\'' || code == 0x2019;
}

/* The character before `at` in text [begin, at), and where it begins; 0 at the beginning. */
static uint32_t before(const char *begin, const char *at, const char **start)
{
    size_t length;
    *start = at;
    if (at == begin)
        return 0;
    while (--at > begin && (*at & 0xC0) == 0x80)
        ;
    *start = at;
    return unicode_decode(at, 4, &length);
}

static bool is_wordy(uint32_t code)
{
    return unicode_is_letter(code) || unicode_is_number(code);
}

/* Whether the word that ends at `stop` is a listed abbreviation. */
static bool is_abbreviation(const char *word, const char *stop)
{
    char low[LONGEST + 1];
    size_t size = (size_t)(stop - word);
    if (size > LONGEST)
        return false;
    for (size_t i = 0; i < size; i++)
        low[i] = (char)(word[i] >= 'A' && word[i] <= 'Z' ? word[i] + 32 : word[i]);
    for (size_t i = 0; i < BASE_COUNT(abbreviations); i++)
        if (strlen(abbreviations[i]) == size && memcmp(abbreviations[i], low, size) == 0)
            return true;
    return false;
}

/* Whether a single full stop at `stop` belongs to the word before it: "approx.", "J.", "e.g.", but not "isn't.". */
static bool belongs_to_word(const char *begin, const char *stop)
{
    const char *word = stop, *start, *further;
    size_t letters = 0;
    while (unicode_is_letter(before(begin, word, &start)) && letters <= LONGEST) {
        word = start;
        letters++;
    }
    uint32_t code = before(begin, word, &start); /* what stands before the word */
    if (letters == 0 || is_wordy(code) || (is_apostrophe(code) && is_wordy(before(begin, start, &further))))
        return false;
    return letters == 1 || is_abbreviation(word, stop);
}

/* After the stops, quotes and brackets from p on; *wide says whether a stop of full width is among them. */
static const char *pass_stops(const char *p, bool *wide)
{
    size_t length;
    uint32_t code;
    for (; *p; p += length) {
        code = unicode_decode(p, 4, &length);
        *wide |= is_wide_stop(code);
        if (!is_stop(code) && !is_wide_stop(code) && !closes(code))
            break;
    }
    return p;
}

/* Whether a full stop of full width stands between two digits. */
static bool is_point(const char *begin, const char *stop, const char *next)
{
    const char *start;
    size_t length;
    return unicode_is_number(before(begin, stop, &start)) && *next &&
           unicode_is_number(unicode_decode(next, 4, &length));
}

/* End of the sentence that begins at p in a text: after its stops and the quotes or brackets that close it. */
static const char *sentence_end(const char *begin, const char *p)
{
    for (size_t length, next; *p; p += length) {
        uint32_t code = unicode_decode(p, 4, &length);
        bool wide = is_wide_stop(code);
        if (!is_stop(code) && !wide)
            continue;
        if (wide ? is_point(begin, p, p + length) : strspn(p, ".!?") == 1 && code == '.' && belongs_to_word(begin, p))
            continue;
        const char *after = pass_stops(p + length, &wide);
        if (wide || !*after || is_blank(unicode_decode(after, 4, &next)))
            return after;
        length = (size_t)(after - p);
    }
    return p;
}

static const char *skip_blanks(const char *p)
{
    size_t length;
    while (*p && is_blank(unicode_decode(p, 4, &length)))
        p += length;
    return p;
}

enum mien_status data_caption_split(struct base_arena *arena, const char *text, struct data_caption *out)
{
    enum mien_status status = MIEN_OK;
    const char **sentences = NULL;
    size_t count = 0, capacity = 0;
    *out = (struct data_caption){0};
    for (const char *p = text;;) {
        p = skip_blanks(p);
        if (!*p)
            break;
        const char *end = sentence_end(text, p), *last = end, *start;
        while (last > p && is_blank(before(p, last, &start)))
            last = start;
        TRY(base_grow(&sentences, &capacity, count + 1, sizeof(*sentences)));
        sentences[count] = base_arena_strndup(arena, p, (size_t)(last - p));
        FAIL_IF_NULL(sentences[count], "a caption");
        count++;
        p = end;
    }
    if (count == 0)
        goto fail; /* no text, no levels; status is MIEN_OK */
    const char **local = base_arena_array(arena, count, sizeof(*local));
    FAIL_IF_NULL(local, "a caption");
    for (size_t i = 1; i + 1 < count; i++)
        local[i - 1] = sentences[i];
    *out = (struct data_caption){text, sentences[0], count > 1 ? sentences[count - 1] : NULL, local,
                                 count > 2 ? (uint32_t)(count - 2) : 0};
fail:
    base_free(sentences);
    return status;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* `word` (lower case) at the beginning of a word of the text. */
static bool begins_word(const char *text, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = text; *p; p++) {
        size_t i = 0;
        while (i < n && (p[i] | 0x20) == word[i])
            i++;
        if (i == n && (p == text || !is_letter(p[-1])))
            return true;
    }
    return false;
}

static bool text_has_side(const char *text)
{
    return text && (begins_word(text, "left") || begins_word(text, "right"));
}

bool data_caption_has_side(const struct data_caption *caption)
{
    bool side = text_has_side(caption->whole) || text_has_side(caption->global) || text_has_side(caption->summary);
    for (uint32_t i = 0; i < caption->local_count; i++)
        side = side || text_has_side(caption->local[i]);
    return side;
}

const char *data_caption_text(struct base_arena *arena, const struct data_caption *caption)
{
    if (caption->whole)
        return caption->whole;
    size_t size = 1;
    uint32_t parts = caption->local_count + 2;
    char *text = NULL, *at = NULL;
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < parts; i++) {
            const char *part = i == 0 ? caption->global : i < parts - 1 ? caption->local[i - 1] : caption->summary;
            if (!part)
                continue;
            if (pass == 0)
                size += strlen(part) + 1;
            else
                at += sprintf(at, "%s%s", at > text ? " " : "", part);
        }
        if (pass == 0)
            text = at = size > 1 ? base_arena_alloc(arena, size) : NULL;
        if (!text)
            return NULL;
    }
    return text;
}
