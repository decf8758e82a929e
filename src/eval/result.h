/* result.h: inside eval: the result of an evaluation (mien/eval.h). */
#ifndef EVAL_RESULT_H
#define EVAL_RESULT_H

#include "eval/eval.h"

struct mien_result {
    cJSON *json;
    const struct eval_task *task;
    char *text, *summary; /* base_alloc'ed */
};

/* From an object, which is taken over, also on failure. `where` (a file, a task) is for
 * messages. MIEN_ERR_DATA as mien_result_read. */
enum mien_status eval_result_make(cJSON *json, const char *where, struct mien_result **out);

#endif
