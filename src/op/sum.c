/* sum.c: sum of all elements, of columns, of squares. All in two stages with fixed partitions: equal bits each time. */
#include "op/sum.h"

#include "args/sum.h"

#include <math.h>

/* ---- sums of runs: sum, sum_squares --------------------------------------------------------------------------------
 */

/* partial[SUM_PARTIALS] = sums of runs of x, in parts of whole runs. */
static enum mien_status plan_runs(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan,
                                  const char *shader, enum op_row_tech tech, enum op_place place)
{
    uint64_t count = tensor_shape_count(&call->in[0]);
    uint64_t run = base_round_up(base_div_up(count, SUM_PARTIALS), 64); /* begins at a multiple of 256 bytes */
    uint64_t most = BASE_MIN(caps->max_range / 4 / run, SUM_PARTIALS);
    if (most == 0)
        return base_fail(MIEN_ERR_UNSUPPORTED, "%s: a run of %llu elements does not fit into a binding", shader,
                         (unsigned long long)run);
    for (uint64_t first = 0; first < SUM_PARTIALS; first += most) {
        uint64_t rows = BASE_MIN(most, SUM_PARTIALS - first), begin = BASE_MIN(first * run, (count - 1) / 64 * 64);
        struct sum_args args = {.run = (uint32_t)run, .rows = (uint32_t)rows, .first = (uint32_t)first};
        struct op_dispatch *d = op_plan_add(plan);
        if (!d)
            return MIEN_ERR_NOMEM;
        if (first * run < count)
            args.count = (uint32_t)BASE_MIN(rows * run, count - first * run);
        d->shader = shader;
        op_dispatch_spec(d, 0, tech == OP_ROW_SERIAL ? 8 : 64);
        op_dispatch_groups_1d(d, caps, tech == OP_ROW_SERIAL ? base_div_up(rows, 8) : rows);
        /* a part past the end of x still writes its zeros; it binds something */
        op_dispatch_bind_range(d, OP_IN, 0, OP_READ, begin * 4, 4 * BASE_MAX(args.count, 1));
        op_dispatch_bind(d, place, 0, OP_WRITE);
        op_dispatch_push(d, &args, sizeof(args));
    }
    return MIEN_OK;
}

/* lavapipe ends an invocation's loops after 65,535 rounds in all. */
static bool fits_serial_run(const struct vk_caps *caps, const struct op_call *call)
{
    return caps->class_ == VK_CLASS_SOFTWARE && tensor_shape_count(&call->in[0]) <= 32768ull * SUM_PARTIALS;
}

static double sum_of(const struct op_call *call, uint64_t begin, uint64_t end, bool squares)
{
    const float *x = call->in_data[0];
    double sum = 0;
    for (uint64_t i = begin; i < end; i++)
        sum += squares ? (double)x[i] * x[i] : x[i];
    return sum;
}

static enum mien_status sum_shapes(struct op_call *call, const char *label)
{
    (void)label;
    call->out[0] = SHAPE_F32(1);
    call->out_count = 1;
    return MIEN_OK;
}

static void sum_reference(const struct op_call *call)
{
    *(float *)call->out_data[0] = (float)sum_of(call, 0, tensor_shape_count(&call->in[0]), false);
}

static void expand_grad(struct op_recorder *recorder, const struct op_use *use, op_value *din)
{
    if (use->dout[0] != OP_NONE)
        din[0] = OP_RECORD(recorder, &op_expand, NULL, use->dout[0], use->in[0]);
}

static enum mien_status sum_plan_as(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan,
                                    const char *shader, enum op_row_tech tech)
{
    plan->scratch[0] = SUM_PARTIALS * 2 * sizeof(float);
    enum mien_status status = plan_runs(caps, call, plan, shader, tech, OP_SCRATCH);
    struct op_dispatch *d = status == MIEN_OK ? op_plan_add(plan) : NULL;
    if (!d)
        return status == MIEN_OK ? MIEN_ERR_NOMEM : status;
    d->shader = "sum_fwd_final";
    op_dispatch_groups_1d(d, caps, 1);
    op_dispatch_bind(d, OP_SCRATCH, 0, OP_READ);
    op_dispatch_bind(d, OP_OUT, 0, OP_WRITE);
    return MIEN_OK;
}

static enum mien_status sum_plan_row(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    return sum_plan_as(caps, call, plan, "sum_fwd_row", OP_ROW_SERIAL);
}

static enum mien_status sum_plan(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    return sum_plan_as(caps, call, plan, "sum_fwd", OP_ROW_GROUP);
}

static const struct op_variant sum_variants[] = {
    {.name = "sum_fwd_row", .fits = fits_serial_run, .plan = sum_plan_row},
    {.name = "sum_fwd", .plan = sum_plan},
    {0},
};

static const struct op_case sum_cases[] = {
    {.name = "one", .in = {{1}}},
    {.name = "3x127", .in = {{3, 127}}, .grad = true},
    {.name = "4097", .in = {{4097}}},
    {.name = "large", .in = {{512, 513}}, .bench = true},
    {.name = "table", .in = {{6001, 1024}}, .slow = true}, /* runs too long for one lavapipe invocation */
    {0},
};

const struct op_desc op_sum = {
    .name = "sum",
    .summary = "y[1] = sum of x[...]",
    .in_count = 1,
    .out_count = 1,
    .shapes = sum_shapes,
    .reference = sum_reference,
    .grad = expand_grad,
    .variants = sum_variants,
    .cases = sum_cases,
    /* carried as two floats: the last rounding, and something for sums that cancel to near nothing */
    .tolerance = {.abs = 1e-6, .rel = 2.4e-7, .nmse = 1e-12},
};

/* ---- sum_squares: x[...] -> partials[64]
 * ----------------------------------------------------------------------------- */

static enum mien_status squares_shapes(struct op_call *call, const char *label)
{
    (void)label;
    call->out[0] = SHAPE_F32(SUM_PARTIALS);
    call->out_count = 1;
    return MIEN_OK;
}

static void squares_reference(const struct op_call *call)
{
    float *partial = call->out_data[0];
    uint64_t count = tensor_shape_count(&call->in[0]);
    uint64_t run = base_round_up(base_div_up(count, SUM_PARTIALS), 64);
    for (uint64_t k = 0; k < SUM_PARTIALS; k++)
        partial[k] = (float)sum_of(call, BASE_MIN(k * run, count), BASE_MIN(k * run + run, count), true);
}

static enum mien_status squares_plan_row(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    return plan_runs(caps, call, plan, "sum_squares_fwd_row", OP_ROW_SERIAL, OP_OUT);
}

static enum mien_status squares_plan(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    return plan_runs(caps, call, plan, "sum_squares_fwd", OP_ROW_GROUP, OP_OUT);
}

static const struct op_variant squares_variants[] = {
    {.name = "sum_squares_fwd_row", .fits = fits_serial_run, .plan = squares_plan_row},
    {.name = "sum_squares_fwd", .plan = squares_plan},
    {0},
};

static const struct op_case squares_cases[] = {
    {.name = "one", .in = {{1}}},
    {.name = "127x33", .in = {{127, 33}}},
    {.name = "large", .in = {{512, 513}}, .bench = true},
    {.name = "table", .in = {{6001, 1024}}, .slow = true}, /* runs too long for one lavapipe invocation */
    {0},
};

static double squares_flops(const struct op_call *call)
{
    return 2.0 * (double)tensor_shape_count(&call->in[0]);
}

const struct op_desc op_sum_squares = {
    .name = "sum_squares",
    .summary = "y[64] = sums of squares of 64 runs of x[...]: partial sums of the square of its norm",
    .in_count = 1,
    .out_count = 1,
    .shapes = squares_shapes,
    .reference = squares_reference,
    .no_grad = "used on gradients only",
    .variants = squares_variants,
    .cases = squares_cases,
    /* each square is rounded once, the sum hardly */
    .tolerance = {.abs = 0, .rel = 4e-7, .nmse = 1e-13},
    .flops = squares_flops,
};

/* ---- columns -------------------------------------------------------------------------------------------------------
 */

uint32_t op_column_block(uint64_t rows)
{
    return (uint32_t)base_round_up((uint64_t)ceil(sqrt((double)rows)), 64);
}

void op_column_groups(struct op_dispatch *d, const struct vk_caps *caps, uint32_t width, uint64_t rows, uint32_t block)
{
    bool quads = width % 4 == 0;
    uint32_t local = caps->class_ == VK_CLASS_SOFTWARE ? 8 : 64;
    op_dispatch_spec(d, 0, local);
    op_dispatch_spec(d, 8, quads);
    d->groups[0] = (uint32_t)base_div_up(quads ? width / 4 : width, local);
    d->groups[1] = (uint32_t)base_div_up(rows, block);
    d->groups[2] = 1;
}

/* Bytes of one plane of partial sums. */
static uint64_t plane_bytes(uint64_t blocks, uint32_t width)
{
    return base_round_up(blocks * width * 4, 256);
}

static enum mien_status add_column_dispatch(struct op_plan *plan, const struct vk_caps *caps, const char *shader,
                                            struct op_bind from, struct op_bind to, struct sum_rows_args args)
{
    struct op_dispatch *d = op_plan_add(plan);
    if (!d)
        return MIEN_ERR_NOMEM;
    d->shader = shader;
    op_column_groups(d, caps, args.width, args.rows, args.block);
    op_dispatch_bind_range(d, from.place, from.index, OP_READ, from.offset, from.size);
    op_dispatch_bind_range(d, to.place, to.index, OP_WRITE, to.offset, to.size);
    op_dispatch_push(d, &args, sizeof(args));
    return MIEN_OK;
}

enum mien_status op_plan_column_merge(struct op_plan *plan, const struct vk_caps *caps, struct op_bind from,
                                      struct op_bind to, uint32_t rows, uint32_t width)
{
    struct sum_rows_args args = {
        .rows = rows, .width = width, .block = rows, .plane = (uint32_t)(plane_bytes(rows, width) / 4)};
    return add_column_dispatch(plan, caps, "sum_rows_fwd_merge", from, to, args);
}

static enum mien_status rows_shapes(struct op_call *call, const char *label)
{
    (void)label;
    call->out[0] = SHAPE_F32(tensor_shape_width(&call->in[0]));
    call->out_count = 1;
    return MIEN_OK;
}

static void rows_reference(const struct op_call *call)
{
    const float *x = call->in_data[0];
    float *sum = call->out_data[0];
    uint64_t rows = tensor_shape_rows(&call->in[0]);
    uint32_t width = tensor_shape_width(&call->in[0]);
    for (uint32_t j = 0; j < width; j++) {
        double s = 0;
        for (uint64_t r = 0; r < rows; r++)
            s += x[r * width + j];
        sum[j] = (float)s;
    }
}

static enum mien_status rows_plan(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    enum mien_status status = MIEN_OK;
    uint64_t rows = tensor_shape_rows(&call->in[0]);
    uint32_t width = tensor_shape_width(&call->in[0]), block = op_column_block(rows);
    uint64_t blocks = base_div_up(rows, block), bytes = (uint64_t)width * 4;
    const struct op_row_bind bind = {OP_IN, 0, OP_READ, width};
    uint64_t limit = op_part_limit(caps, &bind, 1, rows);
    if (limit < rows)
        limit = limit / block * block;
    FAIL_IF(limit == 0, MIEN_ERR_UNSUPPORTED, "sum_rows: %u rows of %u do not fit into a binding", block, width);
    struct op_bind partial = {blocks == 1 ? OP_OUT : OP_SCRATCH, 0, 0, 0, 0}, out = {OP_OUT, 0, 0, 0, 0};
    plan->scratch[0] = blocks == 1 ? 0 : 2 * plane_bytes(blocks, width);
    for (uint64_t first = 0; first < rows; first += limit) {
        uint64_t part = BASE_MIN(limit, rows - first);
        struct op_bind x = {OP_IN, 0, 0, first * bytes, part * bytes};
        struct sum_rows_args args = {(uint32_t)part, (uint32_t)first, width, block,
                                     (uint32_t)(plane_bytes(blocks, width) / 4)};
        TRY(add_column_dispatch(plan, caps, blocks == 1 ? "sum_rows_fwd" : "sum_rows_fwd_part", x, partial, args));
    }
    if (blocks > 1)
        TRY(op_plan_column_merge(plan, caps, partial, out, (uint32_t)blocks, width));
    return MIEN_OK;
fail:
    return status;
}

static const struct op_variant rows_variants[] = {{.name = "sum_rows_fwd", .plan = rows_plan}, {0}};

static const struct op_case rows_cases[] = {
    {.name = "1x1", .in = {{1, 1}}, .grad = true},
    {.name = "5x7", .in = {{5, 7}}, .grad = true},
    {.name = "64x33", .in = {{64, 33}}},
    {.name = "65x127", .in = {{65, 127}}},
    {.name = "5000x3", .in = {{5000, 3}}},
    {.name = "bias", .in = {{32, 37, 128}}, .bench = true},
    {0},
};

const struct op_desc op_sum_rows = {
    .name = "sum_rows",
    .summary = "y[D] = sum over the rows of x[R,D]: the gradient of a bias",
    .in_count = 1,
    .out_count = 1,
    .shapes = rows_shapes,
    .reference = rows_reference,
    .grad = expand_grad,
    .variants = rows_variants,
    .cases = rows_cases,
    /* carried as two floats, as sum */
    .tolerance = {.abs = 1e-6, .rel = 2.4e-7, .nmse = 1e-12},
};
