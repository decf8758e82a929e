/* tokens.c: the class token and the position embeddings of a sequence, and their gradients. */
#include "args/rows.h"
#include "args/tokens.h"
#include "op/part.h"

#include <string.h>

/* Sequences that one invocation adds: lavapipe ends all loops of one after 65,535 rounds. */
enum { MAX_BATCHES = 32768 };

/* A run of sequences of at most T tokens whose ranges can be bound. */
static uint64_t sequences_per_part(const struct vk_caps *caps, uint32_t tokens, uint32_t width)
{
    return op_part_rows(caps, (uint64_t)tokens * width);
}

/* dpos[P,D] = sum over the batch of dy[B,T,D], T <= P, into output `index`. */
static enum mien_status plan_sum(const struct vk_caps *caps, const struct op_call *call, uint32_t positions,
                                 uint32_t index, struct op_plan *plan)
{
    const uint32_t *dim = call->in[0].dim;
    uint32_t local = caps->class_ == VK_CLASS_SOFTWARE ? 32 : 64;
    uint64_t sequence = (uint64_t)dim[1] * dim[2], most = sequences_per_part(caps, dim[1], dim[2]);
    most = BASE_MIN(most, MAX_BATCHES);
    if (most == 0 || op_part_rows(caps, (uint64_t)positions * dim[2]) == 0)
        return op_part_too_large(caps, call, (uint64_t)positions * dim[2]);
    for (uint64_t first = 0; first < dim[0]; first += most) {
        uint32_t batches = (uint32_t)BASE_MIN(most, dim[0] - first);
        struct op_part in = op_part_of(first * sequence, batches * sequence);
        struct tokens_sum_args args = {
            .count = positions * dim[2], .used = (uint32_t)sequence, .batches = batches, .skip = in.skip};
        struct op_dispatch *d = op_plan_add(plan);
        if (!d)
            return MIEN_ERR_NOMEM;
        d->shader = first ? "tokens_bwd_pos_add" : "tokens_bwd_pos";
        op_dispatch_spec(d, 0, local);
        op_dispatch_groups_1d(d, caps, base_div_up(args.count, local));
        op_part_bind(d, OP_IN, 0, OP_READ, in);
        op_dispatch_bind(d, OP_OUT, index, first ? OP_READ | OP_WRITE : OP_WRITE);
        op_dispatch_push(d, &args, sizeof(args));
    }
    return MIEN_OK;
}

/* The same in double, on host data. */
static void sum_reference(const float *dy, uint32_t batches, uint64_t used, uint64_t count, float *dpos)
{
    for (uint64_t i = 0; i < count; i++) {
        double sum = 0;
        for (uint32_t b = 0; i < used && b < batches; b++)
            sum += dy[b * used + i];
        dpos[i] = (float)sum;
    }
}

/* ---- tokens_class: patches[B,G,D], class[D], pos[G+1,D] -> y[B,G+1,D] ------------------------------------------ */

static enum mien_status class_shapes(struct op_call *call, const char *label)
{
    const uint32_t *dim = call->in[0].dim;
    if (call->in[0].rank != 3)
        return op_shape_error(call, label, 0, "patches[B,G,D]");
    struct tensor_shape token = SHAPE_F32(dim[2]), pos = SHAPE_F32(dim[1] + 1, dim[2]);
    if (!tensor_shape_equal(&call->in[1], &token))
        return op_shape_error(call, label, 1, "class[D]");
    if (!tensor_shape_equal(&call->in[2], &pos))
        return op_shape_error(call, label, 2, "pos[G+1,D]");
    call->out[0] = SHAPE_F32(dim[0], dim[1] + 1, dim[2]);
    call->out_count = 1;
    return MIEN_OK;
}

static void class_reference(const struct op_call *call)
{
    const float *patches = call->in_data[0], *token = call->in_data[1], *pos = call->in_data[2];
    float *y = call->out_data[0];
    const uint32_t *dim = call->out[0].dim;
    for (size_t b = 0; b < dim[0]; b++) {
        for (size_t t = 0; t < dim[1]; t++) {
            const float *x = t ? patches + (b * (dim[1] - 1) + t - 1) * dim[2] : token;
            for (size_t c = 0; c < dim[2]; c++)
                *y++ = (float)((double)x[c] + pos[t * dim[2] + c]);
        }
    }
}

static void class_grad(struct op_recorder *recorder, const struct op_use *use, op_value *din)
{
    op_value out[OP_MAX_OUT] = {OP_NONE, OP_NONE, OP_NONE, OP_NONE};
    if (use->dout[0] != OP_NONE)
        recorder->record(recorder, &op_tokens_class_bwd, use->attr, &use->dout[0], 1, out);
    for (uint32_t i = 0; i < 3; i++)
        din[i] = out[i];
}

static enum mien_status class_plan(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    const uint32_t *dim = call->out[0].dim;
    uint64_t sequence = (uint64_t)dim[1] * dim[2], most = sequences_per_part(caps, dim[1], dim[2]);
    if (most == 0)
        return op_part_too_large(caps, call, sequence);
    for (uint64_t first = 0; first < dim[0]; first += most) {
        uint64_t batches = BASE_MIN(most, dim[0] - first);
        struct op_part out = op_part_of(first * sequence, batches * sequence);
        struct op_part in = op_part_of(first * (sequence - dim[2]), batches * (sequence - dim[2]));
        struct rows_args args = {.rows = (uint32_t)(batches * dim[1]),
                                 .width = dim[2],
                                 .tokens = dim[1],
                                 .in_skip = in.skip,
                                 .out_skip = out.skip};
        struct op_dispatch *d = op_plan_span(plan, caps, "tokens_class_fwd", args.rows, args.width, 1, 1);
        if (!d)
            return MIEN_ERR_NOMEM;
        op_part_bind(d, OP_IN, 0, OP_READ, in);
        op_dispatch_bind(d, OP_IN, 1, OP_READ);
        op_dispatch_bind(d, OP_IN, 2, OP_READ);
        op_part_bind(d, OP_OUT, 0, OP_WRITE, out);
        op_dispatch_push(d, &args, sizeof(args));
    }
    return MIEN_OK;
}

static const struct op_variant class_variants[] = {{.name = "tokens_class_fwd", .plan = class_plan}, {0}};

static const struct op_case class_cases[] = {
    {.name = "one", .in = {{1, 1, 1}, {1}, {2, 1}}, .grad = true},
    {.name = "3x4x5", .in = {{3, 4, 5}, {5}, {5, 5}}, .grad = true},
    {.name = "2x126x513", .in = {{2, 126, 513}, {513}, {127, 513}}},
    {.name = "long_1x1x600011", .in = {{1, 1, 600011}, {600011}, {2, 600011}}, .slow = true},
    {.name = "small", .in = {{64, 36, 96}, {96}, {37, 96}}, .bench = true},
    {.name = "b32", .in = {{4, 49, 768}, {768}, {50, 768}}, .bench = true},
    {.name = "b16", .in = {{1, 196, 768}, {768}, {197, 768}}},
    {.name = "l14", .in = {{1, 256, 1024}, {1024}, {257, 1024}}},
    {0},
};

const struct op_desc op_tokens_class = {
    .name = "tokens_class",
    .summary = "y[B,G+1,D]: y[b,0] = class[D] + pos[0], y[b,g+1] = patches[B,G,D] + pos[G+1,D][g+1]",
    .in_count = 3,
    .out_count = 1,
    .shapes = class_shapes,
    .reference = class_reference,
    .grad = class_grad,
    .variants = class_variants,
    .cases = class_cases,
    /* one correctly rounded addition */
    .tolerance = {.abs = 0, .rel = 1.2e-7, .nmse = 1e-14},
};

/* ---- tokens_class_bwd: dy[B,T,D] -> dpatches[B,T-1,D], dclass[D], dpos[T,D] ------------------------------------- */

static enum mien_status class_bwd_shapes(struct op_call *call, const char *label)
{
    const uint32_t *dim = call->in[0].dim;
    if (call->in[0].rank != 3 || dim[1] < 2)
        return op_shape_error(call, label, 0, "dy[B,T,D], T above 1");
    call->out[0] = SHAPE_F32(dim[0], dim[1] - 1, dim[2]);
    call->out[1] = SHAPE_F32(dim[2]);
    call->out[2] = SHAPE_F32(dim[1], dim[2]);
    call->out_count = 3;
    return MIEN_OK;
}

static void class_bwd_reference(const struct op_call *call)
{
    const uint32_t *dim = call->in[0].dim;
    const float *dy = call->in_data[0];
    float *dpatches = call->out_data[0];
    size_t sequence = (size_t)dim[1] * dim[2], patches = sequence - dim[2];
    for (size_t b = 0; b < dim[0]; b++)
        memcpy(dpatches + b * patches, dy + b * sequence + dim[2], patches * sizeof(*dy));
    sum_reference(dy, dim[0], sequence, sequence, call->out_data[2]);
    memcpy(call->out_data[1], call->out_data[2], dim[2] * sizeof(*dy));
}

static enum mien_status plan_patches(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    const uint32_t *dim = call->in[0].dim;
    uint64_t sequence = (uint64_t)dim[1] * dim[2], most = sequences_per_part(caps, dim[1], dim[2]);
    if (most == 0)
        return op_part_too_large(caps, call, sequence);
    for (uint64_t first = 0; first < dim[0]; first += most) {
        uint64_t batches = BASE_MIN(most, dim[0] - first);
        struct op_part in = op_part_of(first * sequence, batches * sequence);
        struct op_part out = op_part_of(first * (sequence - dim[2]), batches * (sequence - dim[2]));
        struct rows_args args = {.rows = (uint32_t)(batches * (dim[1] - 1)),
                                 .width = dim[2],
                                 .tokens = dim[1],
                                 .in_skip = in.skip,
                                 .out_skip = out.skip};
        struct op_dispatch *d = op_plan_span(plan, caps, "tokens_class_bwd", args.rows, args.width, 1, 1);
        if (!d)
            return MIEN_ERR_NOMEM;
        op_part_bind(d, OP_IN, 0, OP_READ, in);
        op_part_bind(d, OP_OUT, 0, OP_WRITE, out);
        op_dispatch_push(d, &args, sizeof(args));
    }
    return MIEN_OK;
}

static enum mien_status class_bwd_plan(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    enum mien_status status = MIEN_OK;
    struct tokens_sum_args args = {.count = call->in[0].dim[2]};
    TRY(plan_patches(caps, call, plan));
    TRY(plan_sum(caps, call, call->in[0].dim[1], 2, plan));
    struct op_dispatch *d = op_plan_add(plan);
    FAIL_IF_NULL(d, "a plan");
    d->shader = "tokens_bwd_class";
    op_dispatch_spec(d, 0, 32);
    op_dispatch_groups_1d(d, caps, base_div_up(args.count, 32));
    op_dispatch_bind(d, OP_OUT, 2, OP_READ);
    op_dispatch_bind(d, OP_OUT, 1, OP_WRITE);
    op_dispatch_push(d, &args, sizeof(args));
fail:
    return status;
}

static const struct op_variant class_bwd_variants[] = {{.name = "tokens_class_bwd", .plan = class_bwd_plan}, {0}};

static const struct op_case class_bwd_cases[] = {
    {.name = "one", .in = {{1, 2, 1}}},
    {.name = "3x5x5", .in = {{3, 5, 5}}},
    {.name = "2x127x513", .in = {{2, 127, 513}}},
    {.name = "long_1x2x600011", .in = {{1, 2, 600011}}, .slow = true},
    {.name = "513x2x3", .in = {{513, 2, 3}}},
    {.name = "small", .in = {{64, 37, 96}}, .bench = true},
    {.name = "b32", .in = {{4, 50, 768}}, .bench = true},
    {.name = "b16", .in = {{2, 197, 768}}},
    {.name = "l14", .in = {{2, 257, 1024}}},
    {0},
};

const struct op_desc op_tokens_class_bwd = {
    .name = "tokens_class_bwd",
    .summary = "dpatches[B,T-1,D] = dy[B,T,D] without row 0; dpos[T,D] = sum over B of dy; dclass[D] = dpos[0]",
    .in_count = 1,
    .out_count = 3,
    .shapes = class_bwd_shapes,
    .reference = class_bwd_reference,
    .no_grad = "a gradient itself; second derivatives are not used",
    .variants = class_bwd_variants,
    .cases = class_bwd_cases,
    /* sums of B terms of either sign in fp32: 6e-8 sqrt(B) of the largest partial sum */
    .tolerance = {.abs = 2e-5, .rel = 4e-6, .nmse = 1e-11},
};

/* ---- tokens_pos: x[B,L,D], pos[P,D], P >= L -> y[B,L,D] ---------------------------------------------------------- */

static enum mien_status pos_shapes(struct op_call *call, const char *label)
{
    const uint32_t *dim = call->in[0].dim;
    if (call->in[0].rank != 3)
        return op_shape_error(call, label, 0, "x[B,L,D]");
    if (call->in[1].rank != 2 || call->in[1].dim[0] < dim[1] || call->in[1].dim[1] != dim[2])
        return op_shape_error(call, label, 1, "pos[P,D], P at least L");
    call->out[0] = call->in[0];
    call->out_count = 1;
    return MIEN_OK;
}

static void pos_reference(const struct op_call *call)
{
    const float *x = call->in_data[0], *pos = call->in_data[1];
    float *y = call->out_data[0];
    uint64_t sequence = (uint64_t)call->in[0].dim[1] * call->in[0].dim[2], count = tensor_shape_count(&call->in[0]);
    for (uint64_t i = 0; i < count; i++)
        y[i] = (float)((double)x[i] + pos[i % sequence]);
}

static void pos_grad(struct op_recorder *recorder, const struct op_use *use, op_value *din)
{
    struct op_attr attr = {.rows = recorder->shape(recorder, use->in[1]).dim[0]};
    din[0] = use->dout[0];
    din[1] = OP_NONE;
    if (use->wants[1] && use->dout[0] != OP_NONE)
        din[1] = OP_RECORD(recorder, &op_tokens_pos_bwd, &attr, use->dout[0]);
}

static enum mien_status pos_plan(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    const uint32_t *dim = call->in[0].dim;
    uint64_t sequence = (uint64_t)dim[1] * dim[2], most = sequences_per_part(caps, dim[1], dim[2]);
    if (most == 0)
        return op_part_too_large(caps, call, sequence);
    for (uint64_t first = 0; first < dim[0]; first += most) {
        uint64_t batches = BASE_MIN(most, dim[0] - first);
        struct op_part part = op_part_of(first * sequence, batches * sequence);
        struct rows_args args = {
            .rows = (uint32_t)(batches * dim[1]), .width = dim[2], .tokens = dim[1], .out_skip = part.skip};
        struct op_dispatch *d = op_plan_span(plan, caps, "tokens_pos_fwd", args.rows, args.width, 1, 1);
        if (!d)
            return MIEN_ERR_NOMEM;
        op_part_bind(d, OP_IN, 0, OP_READ, part);
        op_dispatch_bind(d, OP_IN, 1, OP_READ);
        op_part_bind(d, OP_OUT, 0, OP_WRITE, part);
        op_dispatch_push(d, &args, sizeof(args));
    }
    return MIEN_OK;
}

static const struct op_variant pos_variants[] = {{.name = "tokens_pos_fwd", .plan = pos_plan}, {0}};

static const struct op_case pos_cases[] = {
    {.name = "one", .in = {{1, 1, 1}, {1, 1}}, .grad = true},
    {.name = "3x4x5", .in = {{3, 4, 5}, {7, 5}}, .grad = true},
    {.name = "2x127x513", .in = {{2, 127, 513}, {127, 513}}},
    {.name = "long_1x2x600011", .in = {{1, 2, 600011}, {2, 600011}}, .slow = true},
    {.name = "text_small", .in = {{64, 32, 128}, {64, 128}}, .bench = true},
    {.name = "text_b32", .in = {{8, 56, 512}, {77, 512}}, .bench = true},
    {.name = "text_l14", .in = {{2, 77, 768}, {77, 768}}},
    {0},
};

const struct op_desc op_tokens_pos = {
    .name = "tokens_pos",
    .summary = "y[B,L,D] = x[B,L,D] + pos[P,D][:L], P at least L",
    .in_count = 2,
    .out_count = 1,
    .shapes = pos_shapes,
    .reference = pos_reference,
    .grad = pos_grad,
    .variants = pos_variants,
    .cases = pos_cases,
    /* one correctly rounded addition */
    .tolerance = {.abs = 0, .rel = 1.2e-7, .nmse = 1e-14},
};

/* ---- tokens_pos_bwd: dy[B,L,D], attr.rows = P -> dpos[P,D] --------------------------------------------------------
 */

static enum mien_status pos_bwd_shapes(struct op_call *call, const char *label)
{
    const uint32_t *dim = call->in[0].dim;
    if (call->in[0].rank != 3 || dim[1] > call->attr.rows)
        return op_shape_error(call, label, 0, "dy[B,L,D], L at most attr.rows");
    call->out[0] = SHAPE_F32(call->attr.rows, dim[2]);
    call->out_count = 1;
    return MIEN_OK;
}

static void pos_bwd_reference(const struct op_call *call)
{
    const uint32_t *dim = call->in[0].dim;
    sum_reference(call->in_data[0], dim[0], (uint64_t)dim[1] * dim[2], tensor_shape_count(&call->out[0]),
                  call->out_data[0]);
}

static enum mien_status pos_bwd_plan(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    return plan_sum(caps, call, call->attr.rows, 0, plan);
}

static const struct op_variant pos_bwd_variants[] = {{.name = "tokens_bwd_pos", .plan = pos_bwd_plan}, {0}};

static const struct op_case pos_bwd_cases[] = {
    {.name = "one", .attr = {.rows = 1}, .in = {{1, 1, 1}}},
    {.name = "3x4x5", .attr = {.rows = 7}, .in = {{3, 4, 5}}},
    {.name = "2x127x513", .attr = {.rows = 127}, .in = {{2, 127, 513}}},
    {.name = "long_2x1x600011", .attr = {.rows = 1}, .in = {{2, 1, 600011}}, .slow = true},
    {.name = "513x1x3", .attr = {.rows = 2}, .in = {{513, 1, 3}}},
    {.name = "text_small", .attr = {.rows = 64}, .in = {{64, 32, 128}}, .bench = true},
    {.name = "text_b32", .attr = {.rows = 77}, .in = {{8, 56, 512}}, .bench = true},
    {.name = "text_l14", .attr = {.rows = 77}, .in = {{2, 77, 768}}},
    {.name = "66000x1x4", .attr = {.rows = 2}, .in = {{66000, 1, 4}}},
    {0},
};

const struct op_desc op_tokens_pos_bwd = {
    .name = "tokens_pos_bwd",
    .summary = "dpos[P,D] = sum over B of dy[B,L,D], zeros from row L on; attr rows = P",
    .in_count = 1,
    .out_count = 1,
    .shapes = pos_bwd_shapes,
    .reference = pos_bwd_reference,
    .no_grad = "a gradient itself; second derivatives are not used",
    .variants = pos_bwd_variants,
    .cases = pos_bwd_cases,
    /* sums of B terms of either sign in fp32: 6e-8 sqrt(B) of the largest partial sum */
    .tolerance = {.abs = 2e-5, .rel = 4e-6, .nmse = 1e-11},
};
