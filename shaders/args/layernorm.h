/* layernorm.h: push constants of shaders/layernorm. */
#ifndef SHADERS_ARGS_LAYERNORM_H
#define SHADERS_ARGS_LAYERNORM_H

#include "args/types.h"

struct layernorm_args {
    arg_u32 rows, width; /* R, D */
    arg_f32 eps;
    arg_u32 block; /* layernorm_bwd_w: rows per partial sum */
};

#endif
