/* mean.c: mean of all elements, and over the tokens (or frames) of sequences. */
#include "args/mean.h"
#include "op/part.h"

/* ---- mean -------------------------------------------------------------------------------------------------------- */

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
    op_value share = OP_RECORD(recorder, &op_scale, &attr, use->dout[0]);
    din[0] = OP_RECORD(recorder, &op_expand, NULL, share, use->in[0]);
}

/* The plan of sum, whose last dispatch adds the partial sums, with a last dispatch that divides as well. */
static void mean_plan(struct op_plan *plan)
{
    struct mean_args args = {.count = (uint32_t)tensor_shape_count(&plan->call->in[0])};
    struct op_call sum = *plan->call;
    sum.op = &op_sum;
    op_plan_call(plan, &sum);
    if (plan->status != MIEN_OK)
        return;
    struct op_dispatch *last = &plan->dispatch[plan->count - 1];
    last->shader = "mean_fwd";
    OP_PUSH(last, args);
}

static const struct op_variant mean_variants[] = {{.name = "mean_fwd", .steps = mean_plan}, {0}};

static const struct op_case mean_cases[] = {
    {.name = "one", .in = {{1}}, .grad = true},
    {.name = "3x127", .in = {{3, 127}}, .grad = true},
    {.name = "4097", .in = {{4097}}},
    {.name = "large", .in = {{512, 513}}, .bench = true},
    {0},
};

const struct op_desc op_mean = {
    .name = "mean",
    .signature = "x[...] -> y[1]",
    .summary = "y = the mean of all elements",
    .reference = mean_reference,
    .grad = mean_grad,
    .variants = mean_variants,
    .cases = mean_cases,
    /* the sum is carried as two floats: its rounding and that of the division (2.5 units) */
    .tolerance = {.abs = 1e-8, .rel = 4e-7, .nmse = 1e-12},
    .flops_per_element = 1,
};

/* ---- mean_tokens ------------------------------------------------------------------------------------------------- */

enum { BLOCK = 1024 }; /* most tokens that one invocation adds */

static enum mien_status tokens_shapes(struct op_call *call, const char *label)
{
    if (call->in[0].dim[1] > BLOCK * BLOCK)
        return op_shape_error(call, label, 0, "x[B,T,D], T at most 1,048,576");
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
static void add_part(struct op_plan *plan, const struct stage *s, uint32_t first, uint32_t count, uint32_t block,
                     uint32_t blocks)
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
    struct op_dispatch *d = op_plan_items(plan, s->backward ? "mean_tokens_bwd" : "mean_tokens_fwd", 0, args.count);
    if (!s->backward)
        op_dispatch_round(d, plan->caps, 8);
    op_part_bind(d, s->backward ? s->y : s->x, 0, OP_READ, s->backward ? y : x);
    op_part_bind(d, s->backward ? s->x : s->y, 0, OP_WRITE, s->backward ? x : y);
    OP_PUSH(d, args);
}

/* In parts that fit into a binding: of sequences, or where one does not fit, of its blocks. */
static void add_stage(struct op_plan *plan, const struct stage *s)
{
    uint64_t most = op_part_rows(plan->caps, (uint64_t)s->tokens * s->width);
    uint64_t blocks = base_div_up(s->tokens, BLOCK), most_blocks = op_part_rows(plan->caps, (uint64_t)BLOCK * s->width);
    if (op_plan_too_large(plan, most == 0 && most_blocks == 0, (uint64_t)BASE_MIN(s->tokens, BLOCK) * s->width))
        return;
    if (most > 0)
        most_blocks = blocks;
    most = BASE_MAX(most, 1);
    for (uint64_t b = 0; b < s->batch; b += most) {
        uint32_t count = (uint32_t)BASE_MIN(most, s->batch - b);
        for (uint64_t k = 0; k < blocks; k += most_blocks)
            add_part(plan, s, (uint32_t)b, count, (uint32_t)k, (uint32_t)BASE_MIN(most_blocks, blocks - k));
    }
}

static void tokens_plan(struct op_plan *plan)
{
    const uint32_t *dim = plan->call->in[0].dim;
    uint64_t blocks = base_div_up(dim[1], BLOCK);
    struct stage last = {OP_IN, OP_OUT, dim[0], dim[1], dim[2], (float)dim[1], false};
    if (blocks > 1) {
        struct stage sums = {OP_IN, OP_SCRATCH, dim[0], dim[1], dim[2], 1, false};
        plan->scratch[0] = dim[0] * blocks * dim[2] * 4;
        add_stage(plan, &sums);
        last.x = OP_SCRATCH;
        last.tokens = (uint32_t)blocks;
    }
    add_stage(plan, &last);
}

static const struct op_variant tokens_variants[] = {{.name = "mean_tokens_fwd", .steps = tokens_plan}, {0}};

static const struct op_case tokens_cases[] = {
    {.name = "one", .in = {{1, 1, 1}}, .grad = true},
    {.name = "2x3x5", .in = {{2, 3, 5}}, .grad = true},
    {.name = "7x127x3", .in = {{7, 127, 3}}},
    {.name = "1x1x513", .in = {{1, 1, 513}}},
    {.name = "3x7x513", .in = {{3, 7, 513}}},
    {.name = "long", .in = {{2, 2049, 3}}},
    {.name = "vit_b32", .in = {{2, 50, 768}}, .bench = true},
    {.name = "vit_l14", .in = {{1, 257, 1024}}},
    {.name = "frames", .in = {{8, 32, 512}}, .bench = true},
    {0},
};

const struct op_desc op_mean_tokens = {
    .name = "mean_tokens",
    .signature = "x[B,T,D] -> y[B,D]",
    .summary = "y = the mean over tokens or frames; T at most 1,048,576",
    .shapes = tokens_shapes,
    .reference = tokens_reference,
    .grad = tokens_grad,
    .variants = tokens_variants,
    .cases = tokens_cases,
    /* sums carried as two floats, rounded once per block; a division of 2.5 units */
    .tolerance = {.abs = 2e-7, .rel = 4e-7, .nmse = 1e-12},
    .flops_per_element = 1,
};

/* ---- mean_tokens_bwd --------------------------------------------------------------------------------------------- */

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

static void bwd_plan(struct op_plan *plan)
{
    const uint32_t *dim = plan->call->out[0].dim;
    struct stage stage = {OP_OUT, OP_IN, dim[0], dim[1], dim[2], (float)dim[1], true};
    add_stage(plan, &stage);
}

static const struct op_variant bwd_variants[] = {{.name = "mean_tokens_bwd", .steps = bwd_plan}, {0}};

const struct op_desc op_mean_tokens_bwd = {
    .name = "mean_tokens_bwd",
    .signature = "dy[B,D] -> dx[B,rows,D]",
    .summary = "the gradient of mean_tokens: dy / T; attr rows = T",
    .forward = {&op_mean_tokens},
    .reference = bwd_reference,
    .variants = bwd_variants,
    .tolerance = {.abs = 0, .rel = 3e-7, .nmse = 1e-13}, /* a division: 2.5 units */
    .flops_per_element = 1,
};
