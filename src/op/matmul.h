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
    enum mien_dtype dtype_a, dtype_b, dtype_c, dtype_y; /* c: of residual or slope, y: of pre, too; f32, f16 or bf16 */
    enum mien_dtype precision;                          /* op_attr.precision */
};

/* The sizes of a call that passed the shape rule. */
struct matmul_size matmul_size_of(const struct op_call *call);

extern const struct op_variant matmul_variants[];
extern const struct op_case matmul_cases[];

/* A kernel with the shape of its workgroup. Specialisation: local size, rows and cols per invocation, depth. */
struct matmul_tile {
    const char *shader;
    uint32_t local_x, local_y, rows, cols, depth;
    uint32_t m, n;  /* of C per workgroup; 0 = local size times rows and columns */
    uint32_t unit;  /* columns that are one element to the kernel: 4 for vec4 kernels, else 1 */
    uint32_t fill;  /* workgroups that fill the device: split k when there are fewer */
    uint32_t run;   /* steps of k that are summed by themselves before they are added to the sum; 0 = the kernel needs
                       no shorter parts of k for its digits */
    uint32_t chain; /* of a kernel that sums longer parts piece by piece: what `run` is of others */
    uint32_t least; /* steps of k below which a part is not worth while */
    uint32_t parts; /* of k, in place of what `fill` and `least` give; 0 = theirs */
    double flops;   /* most for one dispatch; 0 = any */
    /* matrix units (matmul_cm.c): lanes of the subgroups that it requires, 0 = it has none; subgroups side by side */
    uint32_t lanes, across;
    struct vk_matrix matrix;
};
/* What suits the device; local size, rows, cols, unit and the like are the caller's. */
struct matmul_tile matmul_tile_for(const struct op_plan *plan, const char *kernel);
void matmul_plan_tiles(struct op_plan *plan, struct matmul_tile t);

/* What lies along memory comes in fours: then all loads and stores may be vec4, and matrices begin at multiples of it.
 */
bool matmul_fits_vec4(const struct vk_caps *caps, const struct op_call *call);

/* On matrix units, operands rounded to f16 or to bf16. */
bool matmul_fits_cm(const struct vk_caps *caps, const struct op_call *call);
bool matmul_fits_cm_bf16(const struct vk_caps *caps, const struct op_call *call);
uint32_t matmul_tiles_cm(const struct vk_caps *caps, const struct op_call *call, struct op_tile out[OP_MAX_TILES]);
void matmul_plan_cm(struct op_plan *plan);
void matmul_cm_specialise(const struct op_plan *plan, const struct matmul_tile *t, struct op_dispatch *d);

/* Parts of k, each of `least` steps or more, for a device that `fill` workgroups keep busy, when there are so few
 * tiles: the nearest number, for a third too few workgroups cost about as much as sums to add. Software drivers: no
 * fewer. */
uint64_t matmul_parts_to_fill(const struct vk_caps *caps, const struct matmul_size *s, uint32_t fill, uint32_t least,
                              uint64_t tiles);

/* fill, least: as in matmul_tile; workgroups that come in turns of so many, the last of which may be short. */
struct matmul_load {
    uint32_t fill, least, turn;
};
/* What share of a device a tile of [m,n] keeps at work: by what of it lies outside the matrix, how many workgroups
 * there are, those of split sums included, and what the split costs. */
double matmul_used(const struct vk_caps *caps, const struct matmul_size *s, uint32_t m, uint32_t n,
                   const struct matmul_load *load);

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
uint32_t matmul_software_rows(const struct matmul_size *s, uint32_t lanes);
/* Fours of steps of k at once; they divide k, unless it is 1. */
uint32_t matmul_software_fours(uint32_t k, uint32_t lanes);
struct op_tile matmul_strip(const struct vk_caps *caps, uint32_t index);
uint32_t matmul_strip_lanes(const struct vk_caps *caps);
/* Adds a tile of m x n elements of C, and it with other numbers of parts than the rule's where an element's sum may
 * have any order: one, half and twice as many. rows 0 = the rule's tile, which is in the list already. */
uint32_t matmul_add_tiles(const struct vk_caps *caps, const struct matmul_size *s, struct op_tile tile, uint32_t m,
                          uint32_t n, struct op_tile *out);
/* op_variant.tiles */
uint32_t matmul_tiles_sg(const struct vk_caps *caps, const struct op_call *call, struct op_tile out[OP_MAX_TILES]);
uint32_t matmul_tiles_slice(const struct vk_caps *caps, const struct op_call *call, struct op_tile out[OP_MAX_TILES]);
uint32_t matmul_tiles_vec(const struct vk_caps *caps, const struct op_call *call, struct op_tile out[OP_MAX_TILES]);

#endif
