/* siglip.h: push constants of shaders/siglip. Kernels see rows first .. first + rows of the scores [N,N] at a time. */
#ifndef SHADERS_ARGS_SIGLIP_H
#define SHADERS_ARGS_SIGLIP_H

#include "args/types.h"

struct siglip_args {
    arg_u32 n;     /* N */
    arg_u32 first; /* rows of the scores that are bound */
    arg_u32 rows;
    arg_u32 slice_rows; /* rows that an invocation walks */
    arg_u32 count;      /* siglip_sum: partial sums */
    arg_f32 scale;      /* siglip_stream_*: as in mine_args */
};

#endif
