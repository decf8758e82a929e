/* suite.h: inside eval: what the list of a suite and its result share: the metric of an evaluation, and what others
 * have found by it (mien/eval.h). */
#ifndef EVAL_SUITE_H
#define EVAL_SUITE_H

#include "eval/eval.h"

enum { EVAL_MODELS_MAX = 8 }; /* that a suite compares with: a column and a line each */

/* The metric of an entry or a result: the one that its key "metric" names, else the usual one. MIEN_ERR_DATA, beginning
 * with `where`: the task has no such one. */
enum mien_status eval_metric_of(const struct eval_task *task, const cJSON *entry, const char *where,
                                const struct eval_metric **out);

/* The key "published". MIEN_ERR_DATA as above: no list of {"model", "value", "error", "source"}, a value that the
 * metric cannot have, or a model for the second time; MIEN_ERR_ARG: another key. */
enum mien_status eval_published_check(const cJSON *entry, const char *where, const struct eval_metric *metric);

/* The models that a list of entries or results names under "published", each once: how many there are, at most
 * EVAL_MODELS_MAX + 1. */
size_t eval_published_models(const cJSON *list, const char *models[EVAL_MODELS_MAX + 1]);
/* What is published of a model; NULL: nothing. */
const cJSON *eval_published_of(const cJSON *entry, const char *model);

/* What a table calls an entry or a result: its name, else its manifest. */
const char *eval_entry_name(const cJSON *entry);

/* A suite in the opening of a page: all its evaluations beside what is published. Its results are the chapters from
 * page->chapters + 1 on. */
void eval_suite_front(struct mien_page *page, const cJSON *result);

#endif
