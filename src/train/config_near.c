/* config_near.c: what was meant by a name that is no key. */
#include "train/config_keys.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { MOST_NAMES = 3 };

/* How far a key is from a name, in two halves of a letter; UINT_MAX = not near. By its last part ("lr", "optm.lr"), by
 * other names that people know it by ("learning_rate"), and as a whole ("optim_lr"). */
static unsigned cost_of(const struct train_key *key, const char *name)
{
    const char *last = train_key_last(name);
    unsigned cost = UINT_MAX, d = base_word_distance(last, train_key_last(key->name));
    if (d <= base_word_slip(last))
        cost = 2 * d;
    for (const char *word = key->also; word && *word; word += strspn(word, " ")) {
        char other[64];
        size_t length = strcspn(word, " ");
        snprintf(other, sizeof(other), "%.*s", (int)length, word);
        d = base_word_distance(last, other);
        if (d <= base_word_slip(last))
            cost = BASE_MIN(cost, 2 * d + 1);
        word += length;
    }
    d = base_word_distance(name, key->name);
    if (d <= base_word_slip(name))
        cost = BASE_MIN(cost, 2 * d + 1);
    return cost;
}

/* Letters of the sections, without the last parts, that differ. */
static unsigned section_distance(const char *key, const char *name)
{
    char a[64], b[64];
    snprintf(a, sizeof(a), "%.*s", (int)(train_key_last(key) - key), key);
    snprintf(b, sizeof(b), "%.*s", (int)(train_key_last(name) - name), name);
    return *b ? base_word_distance(a, b) : 0; /* a name without one may be of any */
}

/* The nearest keys, at most MOST_NAMES, in the table's order; how many. */
static uint32_t nearest_keys(const char *name, const char **out)
{
    unsigned least = UINT_MAX, least_section = UINT_MAX;
    uint32_t count = 0;
    for (const struct train_key *key = train_keys; key->name; key++) {
        unsigned cost = cost_of(key, name), section = section_distance(key->name, name);
        if (cost == UINT_MAX || cost > least || (cost == least && section > least_section))
            continue;
        if (cost < least || section < least_section)
            count = 0;
        least = cost;
        least_section = section;
        if (count < MOST_NAMES)
            out[count++] = key->name;
    }
    return count;
}

/* A section whose name is mistyped or stands elsewhere: "modle", "loss.locl", "mining"; NULL when none is near. */
static const char *nearest_section(const char *name, char *out, size_t size)
{
    unsigned least = base_word_slip(train_key_last(name));
    const char *found = NULL;
    for (const struct train_key *key = train_keys; key->name; key++) {
        for (const char *dot = strchr(key->name, '.'); dot; dot = strchr(dot + 1, '.')) {
            char section[64];
            snprintf(section, sizeof(section), "%.*s", (int)(dot - key->name), key->name);
            unsigned d = base_word_distance(name, section);
            d = BASE_MIN(d, base_word_distance(train_key_last(name), train_key_last(section)));
            if (d < least || (d == least && !found)) {
                least = d;
                snprintf(out, size, "%s", section);
                found = out;
            }
        }
    }
    return found;
}

/* As keys are written: "Batch-Size" and "batchSize" as "batch_size". */
static const char *plain(const char *name, char *out, size_t size)
{
    size_t used = 0;
    for (const char *c = name; *c && used + 2 < size; c++) {
        bool upper = *c >= 'A' && *c <= 'Z';
        if (upper && c > name && c[-1] >= 'a' && c[-1] <= 'z')
            out[used++] = '_';
        out[used++] = upper ? (char)(*c | 0x20) : (char)(*c == '-' ? '_' : *c);
    }
    out[used] = 0;
    return out;
}

enum mien_status train_key_unknown(const char *where, const char *name)
{
    const char *names[MOST_NAMES] = {0};
    char section[64], text[256] = "", asked[256];
    uint32_t count = nearest_keys(plain(name, asked, sizeof(asked)), names);
    size_t used = 0;
    if (count == 0 && nearest_section(asked, section, sizeof(section)))
        names[count++] = section;
    if (count == 0)
        return base_fail(MIEN_ERR_ARG, "%s: unknown key \"%s\"; mien train --help lists them all", where, name);
    for (uint32_t i = 0; i < count; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s\"%s\"",
                                 i == 0           ? ""
                                 : i + 1 == count ? " or "
                                                  : ", ",
                                 names[i]);
    return base_fail(MIEN_ERR_ARG, "%s: unknown key \"%s\"; did you mean %s?", where, name, text);
}
