/* look.h: values of a result, for tests. */
#ifndef TESTS_EVAL_LOOK_H
#define TESTS_EVAL_LOOK_H

#include "mien/eval.h"

/* NaN where there is no number. */
static inline double look(const struct mien_result *result, const char *place)
{
    double value;
    mien_result_number(result, place, &value);
    return value;
}

/* "" where there is no text. */
static inline const char *look_text(const struct mien_result *result, const char *place)
{
    const char *text = mien_result_text(result, place);
    return text ? text : "";
}

#endif
