/* cross_entropy.h: push constants of shaders/cross_entropy. */
#ifndef SHADERS_ARGS_CROSS_ENTROPY_H
#define SHADERS_ARGS_CROSS_ENTROPY_H

#include "args/types.h"

struct cross_entropy_args {
    arg_u32 rows, first; /* of this part (src/op/plan.h) */
    arg_u32 width;       /* C */
};

/* gradients: elements of [N,C] */
struct cross_entropy_bwd_args {
    arg_u32 count, first; /* of this part (src/op/plan.h) */
    arg_u32 width;        /* C */
};

#endif
