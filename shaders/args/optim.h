/* optim.h: the hyper buffer, f32[HYPER_COUNT], and push constants of shaders/optim. What changes from step to step
 * lives in the buffer, written by the host, so that a recorded step can be replayed. */
#ifndef SHADERS_ARGS_OPTIM_H
#define SHADERS_ARGS_OPTIM_H

#include "args/types.h"

#define HYPER_LR 0
#define HYPER_BETA1 1
#define HYPER_BETA2 2
#define HYPER_ONE_MINUS_BETA1 3 /* computed in double: 1 - 0.999f has an error of 1e-5 */
#define HYPER_ONE_MINUS_BETA2 4
#define HYPER_EPS 5
#define HYPER_DECAY 6            /* weight decay */
#define HYPER_CORRECTION1 7      /* 1 - beta1^t, t the step counted from 1 */
#define HYPER_CORRECTION2_SQRT 8 /* sqrt(1 - beta2^t) */
#define HYPER_MAX_NORM 9         /* of the gradient; 0 = no clipping */
#define HYPER_MOMENTUM 10        /* sgd */
#define HYPER_COUNT 16           /* the rest is reserved, 0 */

struct adamw_args {       /* sgd too */
    arg_u32 count, first; /* elements of this part (src/op/plan.h) */
    arg_f32 lr_scale;     /* of this tensor */
    arg_f32 decay_scale;  /* of this tensor, 0 = no decay */
};

/* A row of the table of adamw_blocks and sgd_blocks, i32[B,OPTIM_BLOCK_WORDS]: where a block begins in the buffers of
 * parameters, moments and gradients (elements, multiples of 4), its elements, and as bits of floats the factor of the
 * rate and that of the decay. */
#define OPTIM_BLOCK_PARAM 0
#define OPTIM_BLOCK_MOMENT 1
#define OPTIM_BLOCK_GRAD 2
#define OPTIM_BLOCK_COUNT 3
#define OPTIM_BLOCK_LR_SCALE 4
#define OPTIM_BLOCK_DECAY 5
#define OPTIM_BLOCK_WORDS 6
#define OPTIM_BLOCK 2048 /* elements that suit a workgroup */

struct optim_blocks_args {
    arg_u32 blocks;
};

/* What loss scaling keeps from step to step, f32[SCALER_COUNT]: on the device, as a step that is left out is known
 * there alone. */
#define SCALER_SCALE 0       /* S, a power of two: the gradients of the next step are S times as large */
#define SCALER_GOOD 1        /* steps since S has changed */
#define SCALER_SKIPPED 2     /* steps left out in all: their gradients were not finite */
#define SCALER_CORRECTION1 3 /* 1 - beta1^t, t the updates done */
#define SCALER_CORRECTION2 4 /* 1 - beta2^t */
#define SCALER_USED 5        /* the last step's S */
#define SCALER_COUNT 8       /* the rest is reserved, 0 */
#define SCALER_FIRST 65536.0 /* S of the first step, its limits, and how many good steps double it */
#define SCALER_LEAST 1.0
#define SCALER_MOST 16777216.0
#define SCALER_EVERY 2000.0

struct clip_args {
    arg_u32 count; /* partial sums */
};

#endif
