/* pool.h: push constants of shaders/pool. Kernels see some images at a time. */
#ifndef SHADERS_ARGS_POOL_H
#define SHADERS_ARGS_POOL_H

#include "args/types.h"

/* The least length of a pooled feature. */
#define POOL_LEAST 1e-6f

struct pool_args {
    arg_u32 count;   /* pairs (image, sentence) of this part */
    arg_u32 patches; /* G */
    arg_u32 texts;   /* M */
    arg_f32 sharp;   /* 1 / tau */
    arg_u32 begin;   /* op_plan_cut */
};

#endif
