/* layernorm.h: push constants of shaders/layernorm. */
#ifndef SHADERS_ARGS_LAYERNORM_H
#define SHADERS_ARGS_LAYERNORM_H

#include "args/types.h"

struct layernorm_args {
    arg_u32 rows, first; /* of this part (src/op/plan.h) */
    arg_u32 width;       /* D */
    arg_f32 eps;         /* layernorm_fwd */
    arg_u32 block;       /* layernorm_bwd_w: rows per partial sum */
    arg_u32 plane;       /* layernorm_bwd_w: elements from one plane of partial sums to the next */
};

#endif
