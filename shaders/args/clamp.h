/* clamp.h: push constants of shaders/clamp. */
#ifndef SHADERS_ARGS_CLAMP_H
#define SHADERS_ARGS_CLAMP_H

#include "args/types.h"

struct clamp_args {
    arg_u32 count, first; /* elements of this part (src/op/plan.h) */
    arg_f32 low, high;
};

#endif
