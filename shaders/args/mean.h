/* mean.h: push constants of shaders/mean. */
#ifndef SHADERS_ARGS_MEAN_H
#define SHADERS_ARGS_MEAN_H

#include "args/types.h"

/* mean_fwd: of all elements */
struct mean_args {
    arg_u32 count; /* elements */
};

/* mean_tokens_fwd: x[B,T,D] -> y[B,blocks,D], means of T or sums of blocks of tokens.
 * mean_tokens_bwd: y[B,D] -> x[B,T,D] */
struct mean_tokens_args {
    arg_u32 count;          /* elements of [B,blocks,D] in this part */
    arg_u32 width, tokens;  /* D; T, or the tokens of this part where it has one sequence */
    arg_u32 block, blocks;  /* tokens per invocation; blocks of a sequence in this part */
    arg_u32 x_skip, y_skip; /* first element of either in its bound range */
    arg_f32 divisor;        /* T, or 1 for sums */
};

#endif
