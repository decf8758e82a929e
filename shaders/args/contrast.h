/* contrast.h: push constants of the kernels of infonce and siglip. They see rows first .. first + rows of the scores
 * [N,N] at a time. */
#ifndef SHADERS_ARGS_CONTRAST_H
#define SHADERS_ARGS_CONTRAST_H

#include "args/types.h"

struct contrast_args {
    arg_u32 n;     /* N */
    arg_u32 first; /* rows of the scores that are bound */
    arg_u32 rows;
    arg_u32 by_column;  /* infonce_fwd_part: lines are columns */
    arg_u32 row_slices; /* infonce_fwd*: partial sums of each row */
    arg_u32 col_slices; /* partial sums of each column */
    arg_u32 slice_rows; /* walk.glsl: rows that an invocation walks */
    arg_u32 count;      /* its partial sums */
    arg_f32 scale;      /* mined targets: as in mine_args */
    arg_f32 tau;
    arg_u32 line;  /* blocks: where the lines of the anchors begin whose rows are bound, 0 or N, */
    arg_u32 line2; /* and those of the others */
    arg_u32 begin; /* op_plan_cut */
};

#endif
