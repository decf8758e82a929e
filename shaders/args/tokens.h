/* tokens.h: push constants of shaders/tokens/tokens_bwd_pos*. */
#ifndef SHADERS_ARGS_TOKENS_H
#define SHADERS_ARGS_TOKENS_H

#include "args/types.h"

struct tokens_sum_args {
    arg_u32 count;   /* P * D: elements of dpos */
    arg_u32 used;    /* T * D: those that have a gradient */
    arg_u32 batches; /* in the bound range of dy */
    arg_u32 skip;    /* first element of dy in it */
};

#endif
