/* inner.h: an op planned as a part of another op's plan: its dispatches, with its tensors found among the other's. */
#ifndef OP_INNER_H
#define OP_INNER_H

#include "op/op.h"

/* A tensor from `offset` (bytes, a multiple of 256) on in one of the outer op's. */
struct op_where {
    enum op_place place;
    uint32_t index;
    uint64_t offset;
};

/* The next `bytes` of scratch 0. */
struct op_where op_plan_scratch(struct op_plan *plan, uint64_t bytes);
/* Binds elements [first, first + count) of such a tensor, of 4 bytes each. */
void op_bind_at(struct op_dispatch *d, struct op_where where, uint64_t first, uint64_t count, uint32_t access);

/* Plans `inner` (op, attr and input shapes set) by its best variant and appends the dispatches. in[] and out[]
 * say where its tensors lie (absent inputs' are not read); its own scratch begins at `scratch`, a scratch of the outer
 * plan, which is made large enough. An output may lie where an input of the same shape lies when the op reads and
 * writes such elements in one go (matmul's residual). */
void op_plan_inner(struct op_plan *plan, const struct op_call *inner, const struct op_where *in,
                   const struct op_where *out, struct op_where scratch);

/* y = a . b, or y += a . b with `add`: matmul as a part of another op. */
struct op_product {
    struct op_attr attr; /* matmul's */
    struct tensor_shape a_shape, b_shape;
    struct op_where a, b, y;
    bool add;
};
void op_plan_product(struct op_plan *plan, const struct op_product *product, struct op_where scratch);

#endif
