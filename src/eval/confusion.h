/* confusion.h: what tasks that classify share: their keys, lines and parts of a chapter. */
#ifndef EVAL_CONFUSION_H
#define EVAL_CONFUSION_H

#include "eval/eval.h"
#include "use/metrics.h"

/* war, uar, present, classes, confusion, recall and the intervals. names [confusion->classes]; one seed gives one
 * result. */
enum mien_status eval_put_confusion(struct base_json *out, const char *const *names,
                                    const struct use_confusion *confusion, uint64_t seed);

/* MIEN_ERR_DATA, beginning with `where`: classes and confusion are not there or do not fit together. */
enum mien_status eval_check_confusion(const char *where, const cJSON *result);

/* A line a class, then split, n and the intervals. */
void eval_print_confusion(struct base_text *out, const cJSON *result);

/* UAR, WAR and chance. */
void eval_headline_confusion(struct mien_page *page, const cJSON *result);
/* Matrix and bars; of many classes what is most often taken for what. */
void eval_chapter_confusion(struct mien_page *page, const cJSON *result);

#endif
