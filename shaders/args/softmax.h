/* softmax.h: push constants of shaders/softmax. */
#ifndef SHADERS_ARGS_SOFTMAX_H
#define SHADERS_ARGS_SOFTMAX_H

#include "args/types.h"

struct softmax_args {
    arg_u32 rows, first; /* of this part (src/op/plan.h) */
    arg_u32 width;       /* D */
    arg_u32 tokens;      /* causal: T = D, row r sees elements 0..r % T; 0 = every row sees all */
};

#endif
