/* nfc.c: Unicode's normalisation form C (Unicode Standard Annex 15): characters are taken apart as far as they go,
 * combining marks are put into the order of their classes, and what belongs together is put together. */
#include "base/base.h"
#include "data/unicode.h"

#include <string.h>

/* Below this no character takes part in anything. */
enum { FIRST = 0x300 };
/* Hangul: syllables are counted through, and have no tables. */
enum { L_BASE = 0x1100, V_BASE = 0x1161, T_BASE = 0x11A7, S_BASE = 0xAC00, L_COUNT = 19, V_COUNT = 21, T_COUNT = 28 };
enum { S_COUNT = L_COUNT * V_COUNT * T_COUNT };

struct mark {
    uint32_t code, class;
};

struct marks {
    struct mark *list;
    size_t count, capacity;
};

static uint32_t class_of(uint32_t code)
{
    size_t low = 0, high = unicode_classes_count;
    if (code < FIRST)
        return 0;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct unicode_class *run = &unicode_classes[middle];
        if (code > run->last)
            low = middle + 1;
        else if (code < run->first)
            high = middle;
        else
            return run->order;
    }
    return 0;
}

/* ---- taking apart ---- */

static enum mien_status add(struct marks *m, uint32_t code)
{
    enum mien_status status = base_grow(&m->list, &m->capacity, m->count + 1, sizeof(*m->list));
    if (status == MIEN_OK)
        m->list[m->count++] = (struct mark){code, class_of(code)};
    return status;
}

static uint32_t find_single(uint32_t code)
{
    size_t low = 0, high = unicode_singles_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (unicode_singles[middle].code == code)
            return unicode_singles[middle].to;
        if (unicode_singles[middle].code < code)
            low = middle + 1;
        else
            high = middle;
    }
    return code;
}

static const struct unicode_pair *find_pair(uint32_t code)
{
    size_t low = 0, high = unicode_pairs_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (unicode_pairs[middle].code == code)
            return &unicode_pairs[middle];
        if (unicode_pairs[middle].code < code)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static enum mien_status add_apart(struct marks *m, uint32_t code)
{
    enum { DEEPEST = 8 };
    enum mien_status status = MIEN_OK;
    uint32_t behind[DEEPEST], count = 0, hangul = code - S_BASE;
    const struct unicode_pair *pair;
    if (hangul < S_COUNT) {
        TRY(add(m, L_BASE + hangul / (V_COUNT * T_COUNT)));
        TRY(add(m, V_BASE + hangul % (V_COUNT * T_COUNT) / T_COUNT));
        return hangul % T_COUNT ? add(m, T_BASE + hangul % T_COUNT) : MIEN_OK;
    }
    code = code < 0xC0 ? code : find_single(code);
    while (code >= 0xC0 && count < DEEPEST && (pair = find_pair(code))) { /* the second halves go no further */
        behind[count++] = pair->second;
        code = find_single(pair->first);
    }
    TRY(add(m, code));
    while (count > 0)
        TRY(add(m, behind[--count]));
fail:
    return status;
}

/* ---- order ---- */

/* Sorts a run of marks by class, equal ones staying as they are; long runs by counting, so that no text takes long. */
static enum mien_status sort_run(struct mark *run, size_t count)
{
    enum { SHORT = 32, CLASSES = 256 };
    enum mien_status status = MIEN_OK;
    size_t place[CLASSES + 1] = {0};
    if (count <= SHORT) {
        for (size_t i = 1; i < count; i++) {
            struct mark mark = run[i];
            size_t at = i;
            for (; at > 0 && run[at - 1].class > mark.class; at--)
                run[at] = run[at - 1];
            run[at] = mark;
        }
        return MIEN_OK;
    }
    struct mark *copy = base_alloc(count, sizeof(*copy));
    FAIL_IF_NULL(copy, "a text");
    memcpy(copy, run, count * sizeof(*copy));
    for (size_t i = 0; i < count; i++)
        place[copy[i].class + 1]++;
    for (size_t c = 1; c <= CLASSES; c++)
        place[c] += place[c - 1];
    for (size_t i = 0; i < count; i++)
        run[place[copy[i].class]++] = copy[i];
    base_free(copy);
fail:
    return status;
}

static enum mien_status sort_marks(struct marks *m)
{
    enum mien_status status = MIEN_OK;
    for (size_t at = 0, end; at < m->count; at = end) {
        end = at + 1;
        if (m->list[at].class == 0)
            continue;
        while (end < m->count && m->list[end].class != 0)
            end++;
        TRY(sort_run(m->list + at, end - at));
    }
fail:
    return status;
}

/* ---- putting together ---- */

/* The character that two make, or 0. */
static uint32_t compose(uint32_t a, uint32_t b)
{
    size_t low = 0, high = unicode_composed_count;
    if (a - L_BASE < L_COUNT && b - V_BASE < V_COUNT)
        return S_BASE + ((a - L_BASE) * V_COUNT + (b - V_BASE)) * T_COUNT;
    if (a - S_BASE < S_COUNT && (a - S_BASE) % T_COUNT == 0 && b - T_BASE - 1 < T_COUNT - 1)
        return a + (b - T_BASE);
    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct unicode_pair *pair = &unicode_pairs[unicode_composed[middle]];
        if (pair->first == a && pair->second == b)
            return pair->code;
        if (pair->first < a || (pair->first == a && pair->second < b))
            low = middle + 1;
        else
            high = middle;
    }
    return 0;
}

/* A character joins the last one of class 0 unless one between them has its class, a higher one, or none. */
static void compose_marks(struct marks *m)
{
    size_t kept = 0, starter = SIZE_MAX;
    uint32_t last = 0; /* the class of what was kept last, 256 where nothing stands between */
    enum { NOTHING = 256 };
    for (size_t i = 0; i < m->count; i++) {
        struct mark mark = m->list[i];
        bool open = starter != SIZE_MAX && (last == NOTHING || last < mark.class);
        uint32_t joint = open ? compose(m->list[starter].code, mark.code) : 0;
        if (joint) {
            m->list[starter].code = joint;
            continue;
        }
        if (mark.class == 0)
            starter = kept;
        last = mark.class == 0 ? NOTHING : mark.class;
        m->list[kept++] = mark;
    }
    m->count = kept;
}

/* ---- texts ---- */

/* Nothing in it that could change. */
static bool is_plain(const char *text, size_t size)
{
    for (size_t at = 0; at < size; at++)
        if ((unsigned char)text[at] >= 0xCC) /* the first byte of U+0300 */
            return false;
    return true;
}

enum mien_status unicode_nfc(const char *text, size_t size, struct unicode_text *out)
{
    enum mien_status status = MIEN_OK;
    struct marks m = {0};
    size_t length;
    if (is_plain(text, size))
        return unicode_append(out, text, size);
    for (size_t at = 0; at < size; at += length)
        TRY(add_apart(&m, unicode_decode(text + at, size - at, &length)));
    TRY(sort_marks(&m));
    compose_marks(&m);
    for (size_t i = 0; i < m.count; i++)
        TRY(unicode_append_code(out, m.list[i].code));
fail:
    base_free(m.list);
    return status;
}
