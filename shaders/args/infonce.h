/* infonce.h: push constants of shaders/infonce. Kernels see rows first .. first + rows of the scores [N,N] at a time.
 */
#ifndef SHADERS_ARGS_INFONCE_H
#define SHADERS_ARGS_INFONCE_H

#include "args/types.h"

struct infonce_args {
    arg_u32 n;     /* N */
    arg_u32 first; /* rows of the scores that are bound */
    arg_u32 rows;
    arg_u32 by_column;  /* infonce_fwd_part: lines are columns */
    arg_u32 row_slices; /* partial sums of each row */
    arg_u32 col_slices; /* partial sums of each column */
    arg_u32 slice_rows; /* infonce_bwd: rows that an invocation walks */
    arg_u32 count;      /* infonce_bwd_q: partial sums */
    arg_f32 scale;      /* infonce_stream_*: as in mine_args */
    arg_f32 tau;
};

#endif
