/* clamp.h: push constants of shaders/clamp. */
#ifndef SHADERS_ARGS_CLAMP_H
#define SHADERS_ARGS_CLAMP_H

#include "args/types.h"

struct clamp_args {
    arg_u32 count, first; /* elements of this part (op_plan_rows) */
    arg_f32 low, high;
};

#endif
