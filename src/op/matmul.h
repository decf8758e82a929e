/* matmul.h: inside the op: a call as plain numbers, shared by its descriptor (matmul.c) and its plans (matmul_plan.c).
 */
#ifndef OP_MATMUL_H
#define OP_MATMUL_H

#include "op/op.h"

enum { MATMUL_A, MATMUL_B, MATMUL_BIAS, MATMUL_RESIDUAL, MATMUL_SLOPE };

/* C[batch,m,n] = op(A)[batch,m,k] . op(B)[batch,k,n]. */
struct matmul_size {
    uint32_t batch, m, n, k;
    bool trans_a, trans_b;
    bool bias, residual, slope, pre, same_order;
    enum op_activation activation;
    enum mien_dtype dtype_b; /* f32, f16 or bf16 */
};

/* The sizes of a call that passed the shape rule. */
struct matmul_size matmul_size_of(const struct op_call *call);

extern const struct op_variant matmul_variants[];

#endif
