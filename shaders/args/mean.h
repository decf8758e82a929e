/* mean.h: push constants of shaders/mean. */
#ifndef SHADERS_ARGS_MEAN_H
#define SHADERS_ARGS_MEAN_H

#include "args/types.h"

/* mean_fwd: of all elements */
struct mean_args {
    arg_u32 count; /* elements */
};

/* mean_tokens_fwd: x[B,T,D] -> y[B,blocks,D], means of T or sums of blocks of tokens */
struct mean_tokens_args {
    arg_u32 count;             /* elements of y in this part */
    arg_u32 width, tokens;     /* D, T */
    arg_u32 block, blocks;     /* tokens added by an invocation; blocks of y per sequence in this part */
    arg_u32 in_skip, out_skip; /* first element of either in its bound range */
    arg_f32 divisor;           /* T, or 1 for sums */
};

/* mean_tokens_bwd: dx[B*T,D] */
struct mean_tokens_bwd_args {
    arg_u32 count, first;  /* elements of this part (op_plan_rows) */
    arg_u32 width, tokens; /* D, T */
    arg_f32 divisor;       /* T */
};

#endif
