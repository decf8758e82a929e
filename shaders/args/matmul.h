/* matmul.h: push constants of shaders/matmul. Offsets and strides count elements of the bound ranges. */
#ifndef SHADERS_ARGS_MATMUL_H
#define SHADERS_ARGS_MATMUL_H

#include "args/types.h"

/* Steps of k that matmul_fwd sums before it adds them to the total. */
#define RUN 128

struct matmul_args {
    arg_u32 m, n, k; /* of this dispatch: C[m,n] = A[m,k] . B[k,n] per matrix of the batch */
    arg_u32 lda, ldb, ldc;
    arg_u32 a, b, c, bias;             /* where the first matrix, or the bias, starts */
    arg_u32 a_batch, b_batch, c_batch; /* from one matrix of the batch to the next; b_batch 0 = one B for all */
    arg_u32 splits;                    /* parts into which k is cut; the dispatch's z = matrix * splits + part */
    arg_u32 part;                      /* length of a part, a multiple of 4 */
    arg_u32 c_part;                    /* from one part's C to the next part's */
};

struct matmul_sum_args {
    arg_u32 rows, n; /* of C */
    arg_u32 parts;   /* partial matrices to add */
    arg_u32 stride;  /* from one partial matrix to the next */
    arg_u32 ldc;
    arg_u32 from, first, c, bias; /* where the partial matrices, the earlier sum, C and the bias start */
    arg_u32 earlier;              /* 1: add the sum of earlier rounds, too; only very large products have any */
};

#endif
