/* max.h: push constants of shaders/max. */
#ifndef SHADERS_ARGS_MAX_H
#define SHADERS_ARGS_MAX_H

#include "args/types.h"

/* max_fwd: rows of x[R,D], or runs of all its elements */
struct max_args {
    arg_u32 rows, first; /* of this part (src/op/plan.h) */
    arg_u32 width;       /* elements per row or run */
    arg_u32 runs;        /* 1 = runs: the last one may be short, arg counts from the tensor's first element */
    arg_u32 count;       /* runs: elements in this part */
};

/* max_all_fwd: partial maxima */
struct max_all_args {
    arg_u32 count;
};

/* max_bwd: dx[R,D] */
struct max_bwd_args {
    arg_u32 count, first; /* elements of this part (src/op/plan.h) */
    arg_u32 width;        /* D, or all elements */
};

#endif
