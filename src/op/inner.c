/* inner.c: see inner.h. */
#include "op/inner.h"

struct inner {
    const struct op_call *call;
    const struct op_plan *plan;
    const struct op_where *in, *out;
    struct op_where scratch[OP_MAX_SCRATCH];
};

static uint64_t bytes_of(const struct inner *inner, const struct op_bind *bind)
{
    if (bind->place == OP_SCRATCH)
        return inner->plan->scratch[bind->index];
    return tensor_shape_bytes(bind->place == OP_IN ? &inner->call->in[bind->index] : &inner->call->out[bind->index]);
}

static void rename_bind(const struct inner *inner, struct op_bind *bind)
{
    const struct op_where *where = bind->place == OP_IN    ? &inner->in[bind->index]
                                   : bind->place == OP_OUT ? &inner->out[bind->index]
                                                           : &inner->scratch[bind->index];
    if (bind->size == 0)
        bind->size = bytes_of(inner, bind) - bind->offset;
    bind->place = where->place;
    bind->index = (uint8_t)where->index;
    bind->offset += where->offset;
}

struct op_where op_plan_scratch(struct op_plan *plan, uint64_t bytes)
{
    struct op_where where = {OP_SCRATCH, 0, plan->scratch[0]};
    plan->scratch[0] += base_round_up(bytes, 256);
    return where;
}

void op_bind_at(struct op_dispatch *d, struct op_where where, uint64_t first, uint64_t count, uint32_t access)
{
    op_dispatch_bind_range(d, where.place, where.index, access, where.offset + first * 4, count * 4);
}

void op_plan_inner(struct op_plan *plan, const struct op_call *call, const struct op_where *in,
                   const struct op_where *out, struct op_where scratch)
{
    struct op_call shaped = *call;
    struct op_plan part = {0};
    struct inner inner = {.call = &shaped, .plan = &part, .in = in, .out = out};
    if (plan->status == MIEN_OK)
        plan->status = op_call_shapes(&shaped, "a part of another op");
    if (plan->status == MIEN_OK)
        plan->status = op_make_plan(plan->caps, &shaped, NULL, &part);
    for (uint32_t s = 0; s < OP_MAX_SCRATCH; s++) {
        inner.scratch[s] = scratch;
        scratch.offset += base_round_up(part.scratch[s], 256);
    }
    plan->scratch[scratch.index] = BASE_MAX(plan->scratch[scratch.index], scratch.offset);
    for (size_t i = 0; i < part.count; i++) {
        struct op_dispatch *d = op_plan_kernel(plan, part.dispatch[i].shader);
        *d = part.dispatch[i];
        d->needs |= part.variant->needs;
        for (uint32_t b = 0; b < d->bind_count; b++)
            rename_bind(&inner, &d->bind[b]);
    }
    op_plan_clear(&part);
}

void op_plan_product(struct op_plan *plan, const struct op_product *p, struct op_where scratch)
{
    struct op_call call = {.op = &op_matmul, .attr = p->attr, .in_count = 4, .in = {p->a_shape, p->b_shape}};
    const struct op_where in[4] = {p->a, p->b, p->y, p->y}; /* no bias; the residual is what y holds */
    if (p->add && plan->status == MIEN_OK) {
        plan->status = op_call_shapes(&call, "a product of another op");
        call.in[3] = call.out[0];
    }
    op_plan_inner(plan, &call, in, &p->y, scratch);
}
