/* positions.h: position embeddings for other sizes than a model was trained with. */
#ifndef IO_POSITIONS_H
#define IO_POSITIONS_H

#include "mien/common.h"

/* The image tower's [1+from*from, width] -> out [1+to*to, width]: the class token's row is copied, the grid is resized
 * as open_clip does (torch's interpolate: bicubic, antialias, align_corners false). from, to >= 1.
 * MIEN_ERR_NOMEM. */
enum mien_status io_positions_grid(const float *in, uint32_t from, uint32_t to, uint32_t width, float *out);

/* The text tower's [from, width] -> out [to, width]. to = 4 from - 60 (77 to 248) with from > 20: Long-CLIP's rule, the
 * first 20 rows stay and the rest is stretched four times; otherwise linear over all rows (align_corners false), as
 * open_clip does. */
void io_positions_text(const float *in, uint32_t from, uint32_t to, uint32_t width, float *out);

#endif
