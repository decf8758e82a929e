/* timelines.h: what a classifier says of the parts of a clip, one after the other, as data and in a chapter. */
#ifndef EVAL_TIMELINES_H
#define EVAL_TIMELINES_H

#include "eval/eval.h"
#include "use/scorer.h"

/* The key `timelines`, where there are clips: up to 6 of them, evenly spaced among those that could be read, each cut
 * into up to 16 equal parts, which are scored as clips of their own. samples [rows->count], of class prediction[i];
 * params as use_embed_rows, which takes the same frames. */
enum mien_status eval_put_timelines(struct base_json *out, struct mien_model *model, const struct use_rows *rows,
                                    const struct use_scorer *scorer, const struct use_scored *samples,
                                    const uint32_t *prediction, const struct mien_embed_params *params);

/* Scores over frames, and some of the frames. Nothing where the result has no such key. */
void eval_chapter_timelines(struct mien_page *page, const cJSON *result);

#endif
