/* fma.h: push constants of fma. The first two members are set for each part (src/op/plan.h). */
#ifndef SHADERS_ARGS_FMA_H
#define SHADERS_ARGS_FMA_H

#include "args/types.h"

#define FMA_STEPS 32 /* multiply-adds of an element in a round */

struct fma_args {
    arg_u32 count, first; /* elements of this part; the first of them in the whole */
    arg_u32 rounds;
    arg_f32 factor; /* 1, which the compiler does not know */
    arg_f32 value;  /* what a step adds */
};

#endif
