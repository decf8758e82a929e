/* matmul.h: inside the op: a call as plain numbers, shared by its descriptor (matmul.c) and its plans (matmul_plan.c,
 * matmul_slice.c, matmul_tiles.c). */
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
struct matmul_shape matmul_slice_of(uint32_t rows, uint32_t cols);
/* Tile number `index` of those that the device's registers hold; false behind the last. */
bool matmul_slice_tile(const struct vk_caps *caps, uint32_t index, struct matmul_shape *out);
struct matmul_shape matmul_slice_shape(const struct vk_caps *caps, const struct matmul_size *s, uint32_t fill,
                                       uint32_t least);

/* matmul_tiles.c: of a class of devices: steps of k below which a part is not worth while; rows of an invocation of the
 * kernels over subgroups; rows and groups of four columns of an invocation of matmul_fwd_vec, the rule's at index 0,
 * and how many such invocations stand above each other in a workgroup. */
uint32_t matmul_least_steps(const struct vk_caps *caps);
uint32_t matmul_software_rows(uint32_t m, uint32_t lanes);
struct op_tile matmul_strip(const struct vk_caps *caps, uint32_t index);
uint32_t matmul_strip_lanes(const struct vk_caps *caps);
/* op_variant.tiles */
uint32_t matmul_tiles_sg(const struct vk_caps *caps, const struct op_call *call, struct op_tile out[OP_MAX_TILES]);
uint32_t matmul_tiles_slice(const struct vk_caps *caps, const struct op_call *call, struct op_tile out[OP_MAX_TILES]);
uint32_t matmul_tiles_vec(const struct vk_caps *caps, const struct op_call *call, struct op_tile out[OP_MAX_TILES]);

#endif
