/* resize_pass.h: inside data: the two passes of a resize, along rows and down columns. */
#ifndef DATA_RESIZE_PASS_H
#define DATA_RESIZE_PASS_H

#include "data/resize.h"

enum { RESIZE_BITS = 22 }; /* of a weight, after the point */

/* Weights of one axis: result position first+i reads inputs start[i] .. start[i]+length[i]-1. */
struct resize_axis {
    uint32_t *start, *length;
    int32_t *weights; /* [count, taps], fixed point; 0 behind the length */
    uint32_t taps;    /* a multiple of 4 */
    bool identity;
};

/* Bytes of working memory for the passes, of rows of `count` results. */
size_t resize_room(const struct data_view *in, uint32_t count);

/* Rows first .. first+rows-1 of `in` to out [rows, count, channels]. */
void resize_rows(const struct data_view *in, uint32_t first, uint32_t rows, const struct resize_axis *axis,
                 uint32_t count, void *room, unsigned char *out);

/* Rows [*, width] to one row of the result: position i of the axis. */
void resize_column(const unsigned char *rows, size_t width, const struct resize_axis *axis, uint32_t i, void *room,
                   unsigned char *out);

#endif
