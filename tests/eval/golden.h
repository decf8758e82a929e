/* golden.h: tests/golden/probes/probes.json, whose script says what it holds. */
#ifndef TESTS_EVAL_GOLDEN_H
#define TESTS_EVAL_GOLDEN_H

#include "base/base.h"

static cJSON *golden;

static inline bool golden_read(void)
{
    return base_json_read(MIEN_SOURCE_DIR "/tests/golden/probes/probes.json", &golden) == MIEN_OK;
}

static inline const cJSON *member(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

/* NaN for null. */
static inline double number(const cJSON *item)
{
    return cJSON_IsNumber(item) ? item->valuedouble : (double)NAN;
}

/* All numbers of a list, or of a list of lists, one after the other; how many. */
static inline size_t flatten(const cJSON *list, double *out)
{
    const cJSON *item;
    size_t n = 0;
    cJSON_ArrayForEach(item, list)
    {
        if (cJSON_IsArray(item))
            n += flatten(item, out + n);
        else
            out[n++] = number(item);
    }
    return n;
}

#endif
