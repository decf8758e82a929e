/* mean.c: mean of all elements, and over the tokens (or frames) of sequences. */
#include "args/mean.h"
#include "op/part.h"

/* ---- mean: x[...] -> y[1] ---------------------------------------------------------------------------------------- */

static enum mien_status mean_shapes(struct op_call *call, const char *label)
{
    (void)label;
    call->out[0] = SHAPE_F32(1);
    call->out_count = 1;
    return MIEN_OK;
}

static void mean_reference(const struct op_call *call)
{
    const float *x = call->in_data[0];
    uint64_t count = tensor_shape_count(&call->in[0]);
    double sum = 0;
    for (uint64_t i = 0; i < count; i++)
        sum += x[i];
    *(float *)call->out_data[0] = (float)(sum / (double)count);
}

static void mean_grad(struct op_recorder *recorder, const struct op_use *use, op_value *din)
{
    struct tensor_shape x = recorder->shape(recorder, use->in[0]);
    struct op_attr attr = {.scale = 1.0f / (float)tensor_shape_count(&x)};
    if (use->dout[0] == OP_NONE)
        return;
    op_value share = OP_RECORD(recorder, &op_scale, &attr, use->dout[0]);
    din[0] = OP_RECORD(recorder, &op_expand, NULL, share, use->in[0]);
}

/* The plan of sum, whose last dispatch adds the partial sums, with a last dispatch that divides as well. */
static enum mien_status mean_plan(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    enum mien_status status = MIEN_OK;
    struct mean_args args = {.count = (uint32_t)tensor_shape_count(&call->in[0])};
    struct op_call sum = *call;
    sum.op = &op_sum;
    TRY(op_choose(caps, &sum)->plan(caps, &sum, plan));
    struct op_dispatch *last = &plan->dispatch[plan->count - 1];
    last->shader = "mean_fwd";
    op_dispatch_push(last, &args, sizeof(args));
fail:
    return status;
}

static const struct op_variant mean_variants[] = {{.name = "mean_fwd", .plan = mean_plan}, {0}};

static const struct op_case mean_cases[] = {
    {.name = "one", .in = {{1}}, .grad = true},
    {.name = "3x127", .in = {{3, 127}}, .grad = true},
    {.name = "4097", .in = {{4097}}},
    {.name = "large", .in = {{512, 513}}, .bench = true},
    {0},
};

const struct op_desc op_mean = {
    .name = "mean",
    .summary = "y[1] = mean of x[...]",
    .in_count = 1,
    .out_count = 1,
    .shapes = mean_shapes,
    .reference = mean_reference,
    .grad = mean_grad,
    .variants = mean_variants,
    .cases = mean_cases,
    /* the sum is carried as two floats: its rounding and that of the division (2.5 units) */
    .tolerance = {.abs = 1e-8, .rel = 4e-7, .nmse = 1e-12},
};

/* ---- mean_tokens: x[B,T,D] -> y[B,D] ----------------------------------------------------------------------------- */

enum { BLOCK = 1024 }; /* most tokens that one invocation adds */

static enum mien_status tokens_shapes(struct op_call *call, const char *label)
{
    const uint32_t *dim = call->in[0].dim;
    if (call->in[0].rank != 3)
        return op_shape_error(call, label, 0, "x[B,T,D]");
    call->out[0] = SHAPE_F32(dim[0], dim[2]);
    call->out_count = 1;
    return MIEN_OK;
}

static void tokens_reference(const struct op_call *call)
{
    const uint32_t *dim = call->in[0].dim;
    const float *x = call->in_data[0];
    float *y = call->out_data[0];
    for (size_t i = 0; i < (size_t)dim[0] * dim[2]; i++) {
        const float *column = x + i / dim[2] * dim[1] * dim[2] + i % dim[2];
        double sum = 0;
        for (size_t t = 0; t < dim[1]; t++)
            sum += column[t * dim[2]];
        y[i] = (float)(sum / dim[1]);
    }
}

static void tokens_grad(struct op_recorder *recorder, const struct op_use *use, op_value *din)
{
    struct op_attr attr = {.rows = recorder->shape(recorder, use->in[0]).dim[1]};
    if (use->dout[0] != OP_NONE)
        din[0] = OP_RECORD(recorder, &op_mean_tokens_bwd, &attr, use->dout[0]);
}

/* Forward: sums (divisor 1) of blocks of x[B,T,D] into y[B,blocks,D], or means (divisor T) into y[B,D].
 * Backward: y[B,D] divided and repeated into x[B,T,D]. */
struct stage {
    enum op_place x, y;
    uint32_t batch, tokens, width;
    float divisor;
    bool backward;
};

/* Sequences [first, first + count) of a stage, of each its blocks [block, block + blocks). */
static enum mien_status add_part(struct op_plan *plan, const struct vk_caps *caps, const struct stage *s,
                                 uint32_t first, uint32_t count, uint32_t block, uint32_t blocks)
{
    uint64_t width = s->width, all = base_div_up(s->tokens, BLOCK), begin = (uint64_t)block * BLOCK;
    uint64_t tokens = BASE_MIN(s->tokens - begin, (uint64_t)blocks * BLOCK), units = (uint64_t)count * blocks;
    struct op_part x =
        op_part_of((first * (uint64_t)s->tokens + begin) * width, ((count - 1) * (uint64_t)s->tokens + tokens) * width);
    struct op_part y = s->backward ? op_part_of(first * width, count * width)
                                   : op_part_of((first * all + block) * width, units * width);
    struct mean_tokens_args args = {.count = (uint32_t)(units * width),
                                    .width = s->width,
                                    .tokens = count > 1 ? s->tokens : (uint32_t)tokens,
                                    .block = BLOCK,
                                    .blocks = blocks,
                                    .x_skip = x.skip,
                                    .y_skip = y.skip,
                                    .divisor = s->divisor};
    struct op_dispatch *d = op_plan_add(plan);
    if (!d)
        return MIEN_ERR_NOMEM;
    uint32_t local = caps->class_ == VK_CLASS_SOFTWARE ? 8 : 64;
    d->shader = s->backward ? "mean_tokens_bwd" : "mean_tokens_fwd";
    op_dispatch_spec(d, 0, local);
    op_dispatch_groups_1d(d, caps, base_div_up(args.count, local));
    op_part_bind(d, s->backward ? s->y : s->x, 0, OP_READ, s->backward ? y : x);
    op_part_bind(d, s->backward ? s->x : s->y, 0, OP_WRITE, s->backward ? x : y);
    op_dispatch_push(d, &args, sizeof(args));
    return MIEN_OK;
}

/* In parts that fit into a binding: of sequences, or where one does not fit, of its blocks. */
static enum mien_status add_stage(struct op_plan *plan, const struct vk_caps *caps, const struct op_call *call,
                                  const struct stage *s)
{
    enum mien_status status = MIEN_OK;
    uint64_t most = op_part_rows(caps, (uint64_t)s->tokens * s->width);
    uint64_t blocks = base_div_up(s->tokens, BLOCK), most_blocks = op_part_rows(caps, (uint64_t)BLOCK * s->width);
    if (most == 0 && most_blocks == 0)
        return op_part_too_large(caps, call, (uint64_t)BASE_MIN(s->tokens, BLOCK) * s->width);
    if (most > 0)
        most_blocks = blocks;
    most = BASE_MAX(most, 1);
    for (uint64_t b = 0; b < s->batch; b += most) {
        uint32_t count = (uint32_t)BASE_MIN(most, s->batch - b);
        for (uint64_t k = 0; k < blocks; k += most_blocks)
            TRY(add_part(plan, caps, s, (uint32_t)b, count, (uint32_t)k, (uint32_t)BASE_MIN(most_blocks, blocks - k)));
    }
fail:
    return status;
}

static enum mien_status tokens_plan(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    enum mien_status status = MIEN_OK;
    const uint32_t *dim = call->in[0].dim;
    uint64_t blocks = base_div_up(dim[1], BLOCK);
    struct stage last = {OP_IN, OP_OUT, dim[0], dim[1], dim[2], (float)dim[1], false};
    if (blocks > 1) {
        if (blocks > BLOCK)
            return op_shape_error(call, NULL, 0, "x[B,T,D], T at most 1,048,576");
        struct stage sums = {OP_IN, OP_SCRATCH, dim[0], dim[1], dim[2], 1, false};
        plan->scratch[0] = dim[0] * blocks * dim[2] * 4;
        TRY(add_stage(plan, caps, call, &sums));
        last.x = OP_SCRATCH;
        last.tokens = (uint32_t)blocks;
    }
    TRY(add_stage(plan, caps, call, &last));
fail:
    return status;
}

static const struct op_variant tokens_variants[] = {{.name = "mean_tokens_fwd", .plan = tokens_plan}, {0}};

static const struct op_case tokens_cases[] = {
    {.name = "one", .in = {{1, 1, 1}}, .grad = true},
    {.name = "2x3x5", .in = {{2, 3, 5}}, .grad = true},
    {.name = "7x127x3", .in = {{7, 127, 3}}},
    {.name = "1x1x513", .in = {{1, 1, 513}}},
    {.name = "long", .in = {{2, 2049, 3}}},
    {.name = "vit_b32", .in = {{2, 50, 768}}, .bench = true},
    {.name = "vit_l14", .in = {{1, 257, 1024}}},
    {.name = "frames", .in = {{8, 32, 512}}, .bench = true},
    {0},
};

const struct op_desc op_mean_tokens = {
    .name = "mean_tokens",
    .summary = "y[B,D] = mean over the tokens or frames of x[B,T,D], T at most 1,048,576",
    .in_count = 1,
    .out_count = 1,
    .shapes = tokens_shapes,
    .reference = tokens_reference,
    .grad = tokens_grad,
    .variants = tokens_variants,
    .cases = tokens_cases,
    /* sums carried as two floats, rounded once per block; a division of 2.5 units */
    .tolerance = {.abs = 2e-7, .rel = 4e-7, .nmse = 1e-12},
};

/* ---- mean_tokens_bwd: dy[B,D], attr.rows = T -> dx[B,T,D] -------------------------------------------------------- */

static enum mien_status bwd_shapes(struct op_call *call, const char *label)
{
    const uint32_t *dim = call->in[0].dim;
    if (call->attr.rows == 0)
        return base_fail(MIEN_ERR_ARG, "mean_tokens_bwd%s%s: attr.rows should be the tokens of a sequence",
                         label ? " at " : "", label ? label : "");
    if (call->in[0].rank != 2)
        return op_shape_error(call, label, 0, "dy[B,D]");
    call->out[0] = SHAPE_F32(dim[0], call->attr.rows, dim[1]);
    call->out_count = 1;
    return MIEN_OK;
}

static void bwd_reference(const struct op_call *call)
{
    const float *dy = call->in_data[0];
    float *dx = call->out_data[0];
    uint64_t rows = tensor_shape_rows(&call->out[0]);
    uint32_t width = call->in[0].dim[1];
    for (uint64_t r = 0; r < rows; r++) {
        for (uint32_t d = 0; d < width; d++)
            dx[r * width + d] = (float)((double)dy[r / call->attr.rows * width + d] / call->attr.rows);
    }
}

static enum mien_status bwd_plan(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    const uint32_t *dim = call->out[0].dim;
    struct stage stage = {OP_OUT, OP_IN, dim[0], dim[1], dim[2], (float)dim[1], true};
    return add_stage(plan, caps, call, &stage);
}

static const struct op_variant bwd_variants[] = {{.name = "mean_tokens_bwd", .plan = bwd_plan}, {0}};

static const struct op_case bwd_cases[] = {
    {.name = "one", .attr = {.rows = 1}, .in = {{1, 1}}},
    {.name = "2x3x5", .attr = {.rows = 3}, .in = {{2, 5}}},
    {.name = "7x127x3", .attr = {.rows = 127}, .in = {{7, 3}}},
    {.name = "3x7x513", .attr = {.rows = 7}, .in = {{3, 513}}},
    {.name = "long", .attr = {.rows = 2049}, .in = {{2, 3}}},
    {.name = "vit_b32", .attr = {.rows = 50}, .in = {{2, 768}}, .bench = true},
    {.name = "vit_l14", .attr = {.rows = 257}, .in = {{2, 1024}}},
    {.name = "frames", .attr = {.rows = 32}, .in = {{8, 512}}, .bench = true},
    {0},
};

const struct op_desc op_mean_tokens_bwd = {
    .name = "mean_tokens_bwd",
    .summary = "dx[B,T,D] = dy[B,D] / T; attr rows = T",
    .in_count = 1,
    .out_count = 1,
    .shapes = bwd_shapes,
    .reference = bwd_reference,
    .no_grad = "second derivatives are not used",
    .variants = bwd_variants,
    .cases = bwd_cases,
    .tolerance = {.abs = 0, .rel = 3e-7, .nmse = 1e-13}, /* a division: 2.5 units */
};
