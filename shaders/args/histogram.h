/* histogram.h: push constants of shaders/histogram. */
#ifndef SHADERS_ARGS_HISTOGRAM_H
#define SHADERS_ARGS_HISTOGRAM_H

#include "args/types.h"

#define HISTOGRAM_MOST 64 /* bins, each in a register */

struct histogram_args {
    arg_u32 count, first; /* elements of this part, and before it */
    arg_u32 slices;
    arg_f32 low;
    arg_f32 factor; /* bins / (high - low) */
};

#endif
