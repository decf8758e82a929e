/* ablation.h: inside eval: trainings that differ in one thing each, as tools/recipes/ablation writes them. */
#ifndef EVAL_ABLATION_H
#define EVAL_ABLATION_H

#include "eval/eval.h"

/* Whether an object is one: it has a key "ablation". */
bool ablation_is(const cJSON *json);
/* MIEN_ERR_DATA, beginning with `where`, when what is shown of it is not there. */
enum mien_status ablation_check(const char *where, const cJSON *json);
/* A table a data set, and the best of each in the page's opening. It has been checked. */
void ablation_chapter(struct mien_page *page, const cJSON *json);

#endif
