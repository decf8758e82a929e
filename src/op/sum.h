/* sum.h: column sums, for other ops' plans. */
#ifndef OP_SUM_H
#define OP_SUM_H

#include "op/op.h"

/* The longest run of sum_squares and sum_squares_runs that one invocation of a software driver adds up; longer ones are
 * a workgroup's, in another order. */
enum { OP_SERIAL_RUN = 32768 };

/* Rows per block of a two-stage column sum over `rows` rows, a multiple of 64: about sqrt(rows), so that both stages
 * have as much to do. */
uint32_t op_column_block(uint64_t rows);
/* Local size, grid and QUADS (spec id 8) of a kernel that owns one column, or four, of one block of rows per
 * invocation. */
void op_column_groups(struct op_dispatch *d, const struct vk_caps *caps, uint32_t width, uint64_t rows, uint32_t block);
/* Whether a GPU adds up the columns of `tensors` [rows,D] in one stage (shaders/lib/strip.glsl) as fast as in two: not
 * so many rows that a workgroup for some columns takes long over them. */
bool op_strip_fits(const struct vk_caps *caps, uint64_t rows, uint32_t width);
/* Appends its dispatch, without binds and push constants. */
struct op_dispatch *op_plan_strip(struct op_plan *plan, const char *shader, uint32_t width);
/* Appends: to[D] = sum over the rows of from[2][rows,D]: sums and, one plane further, what rounding took from them. A
 * plane is rounded up to 256 bytes. */
void op_plan_column_merge(struct op_plan *plan, struct op_bind from, struct op_bind to, uint32_t rows, uint32_t width);

#endif
