/* map.h: embeddings in the plane: the two principal directions. */
#ifndef EVAL_MAP_H
#define EVAL_MAP_H

#include "base/base.h"

/* rows f32 [count, width] -> xy f32 [count, 2]: coordinates along the two directions of largest variance, each scaled
 * to [-1, 1]; signs such that the first row that is off an axis is on its positive side. Power iteration on the
 * covariance. */
enum mien_status eval_map(const float *rows, size_t count, uint32_t width, float *xy);

#endif
