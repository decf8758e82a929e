/* elements.h: push constants of elementwise kernels. The first two members are set for each part (src/op/plan.h). */
#ifndef SHADERS_ARGS_ELEMENTS_H
#define SHADERS_ARGS_ELEMENTS_H

#include "args/types.h"

struct elements_args {
    arg_u32 count, first; /* elements of this part; the first of them in the whole */
    arg_f32 value;        /* fill: the value; scale: the factor */
    arg_u32 period;       /* expand: elements of v */
};

#endif
