/* map.h: embeddings in the plane: the two principal directions, as data and in a chapter. */
#ifndef EVAL_MAP_H
#define EVAL_MAP_H

#include "eval/eval.h"

/* rows f32 [count, width] -> xy f32 [count, 2]: coordinates along the two directions of largest variance, each scaled
 * to [-1, 1]; signs such that the first row that is off an axis is on its positive side. Power iteration on the
 * covariance. */
enum mien_status eval_map(const float *rows, size_t count, uint32_t width, float *xy);

/* Samples to show: embeds f32 [count, width]. */
struct eval_points {
    const float *embeds;
    const bool *ok;             /* [count] has an embedding */
    const int32_t *truth;       /* [count] classes */
    const uint32_t *prediction; /* [count] */
    size_t count;
    uint32_t width;
};
/* The key `map`: up to 600 of them, evenly spaced, as [x, y, truth, prediction]. */
enum mien_status eval_put_map(struct base_json *out, const struct eval_points *points);
/* Draws it; classes are named by the key `classes`. Nothing for fewer than three points. */
void eval_chapter_map(struct mien_page *page, const cJSON *result);

#endif
