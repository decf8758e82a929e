/* matmul.h: inside the op: a call as plain numbers, shared by its descriptor (matmul.c) and its plans (matmul_plan.c,
 * matmul_slice.c). */
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

/* Parts of k, each of `least` steps or more, for a device that `fill` workgroups keep busy, when there are so few
 * tiles: the nearest number, for a third too few workgroups cost about as much as sums to add. Software drivers: no
 * fewer. */
uint64_t matmul_parts_to_fill(const struct vk_caps *caps, const struct matmul_size *s, uint32_t fill, uint32_t least,
                              uint64_t tiles);

/* The tile of matmul_fwd_slice: slices of SIDE x SIDE invocations, each with rows and groups of four columns; m, n: of
 * C per workgroup. */
enum { MATMUL_SLICES = 4, MATMUL_SLICE_SIDE = 8, MATMUL_SLICE_THREADS = 4 * 8 * 8 };
struct matmul_shape {
    uint32_t rows, cols, m, n;
};
struct matmul_shape matmul_slice_shape(const struct vk_caps *caps, const struct matmul_size *s, uint32_t fill,
                                       uint32_t least);

#endif
