/* l2norm.h: push constants of shaders/l2norm. */
#ifndef SHADERS_ARGS_L2NORM_H
#define SHADERS_ARGS_L2NORM_H

#include "args/types.h"

#define L2NORM_LEAST 1e-12f /* rows shorter than this are divided by it */

struct l2norm_args {
    arg_u32 rows, first; /* of this part (src/op/plan.h) */
    arg_u32 width;       /* D */
};

#endif
