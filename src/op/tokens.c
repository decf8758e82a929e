/* tokens.c: the class token and the position embeddings of a sequence, and their gradients. */
#include "args/tokens.h"
#include "op/part.h"

#include <string.h>

/* Sequences that one invocation adds: lavapipe ends all loops of one after 65,535 rounds. */
enum { MAX_BATCHES = 32768 };

/* dpos[P,D] = sum over the batch of dy[B,T,D], T <= P, into output `index`. */
static void plan_sum(struct op_plan *plan, uint32_t positions, uint32_t index)
{
    const uint32_t *dim = plan->call->in[0].dim;
    uint32_t local = plan->caps->class_ == VK_CLASS_SOFTWARE ? 32 : 64;
    uint64_t sequence = (uint64_t)dim[1] * dim[2], all = (uint64_t)positions * dim[2];
    uint64_t most = BASE_MIN(op_part_rows(plan->caps, sequence), MAX_BATCHES);
    if (op_plan_too_large(plan, most == 0 || op_part_rows(plan->caps, all) == 0, all))
        return;
    for (uint64_t first = 0; first < dim[0]; first += most) {
        uint32_t batches = (uint32_t)BASE_MIN(most, dim[0] - first);
        struct op_part in = op_part_of(first * sequence, batches * sequence);
        struct tokens_sum_args args = {
            .count = (uint32_t)all, .used = (uint32_t)sequence, .batches = batches, .skip = in.skip};
        struct op_dispatch *d = op_plan_items(plan, first ? "tokens_bwd_pos_add" : "tokens_bwd_pos", local, args.count);
        op_dispatch_round(d, plan->caps, 8);
        op_part_bind(d, OP_IN, 0, OP_READ, in);
        op_dispatch_bind(d, OP_OUT, index, first ? OP_READ | OP_WRITE : OP_WRITE);
        OP_PUSH(d, args);
    }
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

/* ---- tokens_class ------------------------------------------------------------------------------------------------ */

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
    OP_RECORD_INTO(din, 3, recorder, &op_tokens_class_bwd, use->attr, use->dout[0]);
}

static const struct op_variant class_variants[] = {
    {.name = "tokens_class_fwd", .tech = OP_SPAN, .bind = "patches class* pos* y"},
    {0},
};

static const struct op_case class_cases[] = {
    {.name = "one", .in = {{1, 1, 1}, {1}, {2, 1}}, .grad = true},
    {.name = "3x4x5", .in = {{3, 4, 5}, {5}, {5, 5}}, .grad = true},
    {.name = "2x126x513", .in = {{2, 126, 513}, {513}, {127, 513}}},
    {.name = "long_1x1x600011", .in = {{1, 1, 600011}, {600011}, {2, 600011}}, .slow = true},
    {.name = "small", .in = {{64, 36, 96}, {96}, {37, 96}}, .bench = true},
    {.name = "b32", .in = {{4, 49, 768}, {768}, {50, 768}}, .bench = true},
    {.name = "b16", .in = {{2, 196, 768}, {768}, {197, 768}}},
    {.name = "l14", .in = {{2, 256, 1024}, {1024}, {257, 1024}}},
    {.name = "513x1x3", .in = {{513, 1, 3}, {3}, {2, 3}}},
    {0},
};

const struct op_desc op_tokens_class = {
    .name = "tokens_class",
    .signature = "patches[B,G,D] class[D] pos[G+1,D] -> y[B,G+1,D]",
    .summary = "y[b,0] = class + pos[0], y[b,g+1] = patches[b,g] + pos[g+1]",
    .reference = class_reference,
    .grad = class_grad,
    .variants = class_variants,
    .cases = class_cases,
    /* one correctly rounded addition */
    .tolerance = {.abs = 0, .rel = 1.2e-7, .nmse = 1e-14},
    .flops_per_element = 1,
};

/* ---- tokens_class_bwd -------------------------------------------------------------------------------------------- */

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

/* Behind dpatches: dpos, and dclass, which is its first row. */
static void plan_class_bwd(struct op_plan *plan)
{
    struct tokens_sum_args args = {.count = plan->call->in[0].dim[2]};
    plan_sum(plan, plan->call->in[0].dim[1], 2);
    struct op_dispatch *d = op_plan_items(plan, "tokens_bwd_class", 32, args.count);
    op_plan_bind(plan, "<dpos dclass");
    OP_PUSH(d, args);
}

static const struct op_variant class_bwd_variants[] = {
    {.name = "tokens_class_bwd", .tech = OP_SPAN, .bind = "dy dpatches", .steps = plan_class_bwd},
    {0},
};

const struct op_desc op_tokens_class_bwd = {
    .name = "tokens_class_bwd",
    .signature = "dy[B,T,D] -> dpatches[B,T-1,D] dclass[D] dpos[T,D]",
    .summary = "the gradients of tokens_class: dy without row 0; its sum over the batch, and the row 0 of that",
    .forward = {&op_tokens_class},
    .reference = class_bwd_reference,
    .variants = class_bwd_variants,
    /* sums of B terms of either sign in fp32: 6e-8 sqrt(B) of the largest partial sum */
    .tolerance = {.abs = 2e-5, .rel = 4e-6, .nmse = 1e-11},
    .flops_per_element = 1,
};

/* ---- tokens_pos -------------------------------------------------------------------------------------------------- */

static enum mien_status pos_shapes(struct op_call *call, const char *label)
{
    if (call->in[1].dim[0] < call->in[0].dim[1])
        return op_shape_error(call, label, 1, "pos[P,D], P at least L");
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
    if (use->wants[1])
        din[1] = OP_RECORD(recorder, &op_tokens_pos_bwd, &attr, use->dout[0]);
}

static const struct op_variant pos_variants[] = {
    {.name = "tokens_pos_fwd", .tech = OP_SPAN, .bind = "x pos* y"},
    {0},
};

static const struct op_case pos_cases[] = {
    {.name = "one", .in = {{1, 1, 1}, {1, 1}}, .grad = true},
    {.name = "3x4x5", .in = {{3, 4, 5}, {7, 5}}, .grad = true},
    {.name = "2x127x513", .in = {{2, 127, 513}, {127, 513}}},
    {.name = "long_1x2x600011", .in = {{1, 2, 600011}, {2, 600011}}, .slow = true},
    {.name = "text_small", .in = {{64, 32, 128}, {64, 128}}, .bench = true},
    {.name = "text_b32", .in = {{8, 56, 512}, {77, 512}}, .bench = true},
    {.name = "text_l14", .in = {{2, 77, 768}, {77, 768}}},
    /* sums over long batches */
    {.name = "513x1x3", .in = {{513, 1, 3}, {2, 3}}},
    {.name = "66000x1x4", .in = {{66000, 1, 4}, {2, 4}}},
    {.name = "long_2x1x600011", .in = {{2, 1, 600011}, {1, 600011}}, .slow = true},
    {0},
};

const struct op_desc op_tokens_pos = {
    .name = "tokens_pos",
    .signature = "x[B,L,D] pos[P,D] -> y[B,L,D]",
    .summary = "y = x + the first L rows of pos; P at least L",
    .shapes = pos_shapes,
    .reference = pos_reference,
    .grad = pos_grad,
    .variants = pos_variants,
    .cases = pos_cases,
    /* one correctly rounded addition */
    .tolerance = {.abs = 0, .rel = 1.2e-7, .nmse = 1e-14},
    .flops_per_element = 1,
};

/* ---- tokens_pos_bwd ---------------------------------------------------------------------------------------------- */

static enum mien_status pos_bwd_shapes(struct op_call *call, const char *label)
{
    if (call->in[0].dim[1] > call->attr.rows)
        return op_shape_error(call, label, 0, "dy[B,L,D], L at most attr rows");
    return MIEN_OK;
}

static void pos_bwd_reference(const struct op_call *call)
{
    const uint32_t *dim = call->in[0].dim;
    sum_reference(call->in_data[0], dim[0], (uint64_t)dim[1] * dim[2], tensor_shape_count(&call->out[0]),
                  call->out_data[0]);
}

static void pos_bwd_plan(struct op_plan *plan)
{
    plan_sum(plan, plan->call->attr.rows, 0);
}

static const struct op_variant pos_bwd_variants[] = {{.name = "tokens_bwd_pos", .steps = pos_bwd_plan}, {0}};

const struct op_desc op_tokens_pos_bwd = {
    .name = "tokens_pos_bwd",
    .signature = "dy[B,L,D] -> dpos[rows,D]",
    .summary = "the gradient of tokens_pos: the sum of dy over the batch, zeros from row L on; attr rows = P",
    .forward = {&op_tokens_pos},
    .shapes = pos_bwd_shapes,
    .reference = pos_bwd_reference,
    .variants = pos_bwd_variants,
    /* sums of B terms of either sign in fp32: 6e-8 sqrt(B) of the largest partial sum */
    .tolerance = {.abs = 2e-5, .rel = 4e-6, .nmse = 1e-11},
    .flops_per_element = 1,
};
