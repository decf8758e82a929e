/* transpose.h: push constants of shaders/transpose: a box [batch,m,n] of x[B,M,N] becomes a box [batch,n,m] of y. */
#ifndef SHADERS_ARGS_TRANSPOSE_H
#define SHADERS_ARGS_TRANSPOSE_H

#include "args/types.h"

struct transpose_args {
    arg_u32 count;                 /* elements of the box */
    arg_u32 m, n;                  /* its rows and columns in x */
    arg_u32 in_stride, out_stride; /* N and M */
    arg_u32 in_skip, out_skip;     /* the box's first element in either bound range */
};

#endif
