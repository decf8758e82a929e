/* regression.h: push constants of shaders/regression. */
#ifndef SHADERS_ARGS_REGRESSION_H
#define SHADERS_ARGS_REGRESSION_H

#include "args/types.h"

#define RMSE_LEAST 1e-18f /* below it the square of an RMSE is no fp32 number: no gradient */
#define CCC_LEAST 1e-30f  /* least denominator; below it (constant, equal columns) the CCC is 0, without gradient */

/* mse_fwd_part: partial sums, each of elements one stride apart */
struct mse_part_args {
    arg_u32 count;  /* elements of this part */
    arg_u32 stride; /* partial sums of this part */
    arg_u32 first;  /* the first of them */
};

/* mse_fwd */
struct mse_args {
    arg_u32 partials; /* partial sums */
    arg_u32 count;    /* elements */
};

/* mse_bwd */
struct mse_bwd_args {
    arg_u32 part, first; /* elements of this part (src/op/plan.h) */
    arg_u32 count;       /* elements in all */
};

/* ccc_fwd, ccc_bwd: predictions and targets [N,K] */
struct ccc_args {
    arg_u32 count, first; /* ccc_bwd: elements of this part (src/op/plan.h: one part) */
    arg_u32 rows, width;  /* N, K */
};

#endif
