/* mistakes.h: what was taken for what: the samples on which a classifier was wrong, as data and in a chapter. */
#ifndef EVAL_MISTAKES_H
#define EVAL_MISTAKES_H

#include "eval/eval.h"
#include "use/scorer.h"

/* The key `mistakes`: up to 24 samples of other classes than predicted, the surest mistakes first (by how much the
 * prediction's probability exceeds the truth's; ties: the earlier row). names [scorer->classes->count]; samples
 * [rows->count], of class prediction[i]. */
enum mien_status eval_put_mistakes(struct base_json *out, struct mien_model *model, const struct use_rows *rows,
                                   const struct use_scorer *scorer, const struct use_scored *samples,
                                   const uint32_t *prediction);

/* Their faces and scores. Nothing where the result has no such key. */
void eval_chapter_mistakes(struct mien_page *page, const cJSON *result);

#endif
