/* sum.c: sum of all elements, of columns, of squares. All in two stages with fixed partitions: equal bits each time. */
#include "op/sum.h"

#include "args/sum.h"

#include <math.h>

/* ---- sums of runs: sum, sum_squares ------------------------------------------------------------------------------ */

/* partial[SUM_PARTIALS] = sums of runs of x, in parts of whole runs, by one invocation or one workgroup each. */
static void plan_runs(struct op_plan *plan, const char *shader, bool serial, const char *partial)
{
    uint64_t count = tensor_shape_count(&plan->call->in[0]);
    uint64_t run = base_round_up(base_div_up(count, SUM_PARTIALS), 64); /* begins at a multiple of 256 bytes */
    uint64_t most = BASE_MIN(plan->caps->max_range / 4 / run, SUM_PARTIALS);
    if (op_plan_refuse(plan, most == 0, "a run of %llu elements does not fit into a binding", (unsigned long long)run))
        return;
    const uint32_t lanes = op_group_lanes(plan->caps);
    for (uint64_t first = 0; first < SUM_PARTIALS; first += most) {
        uint64_t rows = BASE_MIN(most, SUM_PARTIALS - first), begin = BASE_MIN(first * run, (count - 1) / 64 * 64);
        struct sum_args args = {.run = (uint32_t)run, .rows = (uint32_t)rows, .first = (uint32_t)first};
        struct op_dispatch *d =
            op_plan_items(plan, shader, serial ? op_vector_lanes(plan->caps) : lanes, serial ? rows : rows * lanes);
        if (first * run < count)
            args.count = (uint32_t)BASE_MIN(rows * run, count - first * run);
        /* a part past the end of x still writes its zeros; it binds something */
        op_dispatch_bind_range(d, OP_IN, 0, OP_READ, begin * 4, 4 * BASE_MAX(args.count, 1));
        op_plan_bind(plan, partial);
        op_dispatch_round(d, plan->caps, 8);
        OP_PUSH(d, args);
    }
}

/* lavapipe ends an invocation's loops after 65,535 rounds in all. */
static bool fits_serial_run(const struct vk_caps *caps, const struct op_call *call)
{
    return caps->class_ == VK_CLASS_SOFTWARE &&
           tensor_shape_count(&call->in[0]) <= (uint64_t)OP_SERIAL_RUN * SUM_PARTIALS;
}

static double sum_of(const struct op_call *call, uint64_t begin, uint64_t end, bool squares)
{
    const float *x = call->in_data[0];
    double sum = 0;
    for (uint64_t i = begin; i < end; i++)
        sum += squares ? (double)x[i] * x[i] : x[i];
    return sum;
}

static void sum_reference(const struct op_call *call)
{
    *(float *)call->out_data[0] = (float)sum_of(call, 0, tensor_shape_count(&call->in[0]), false);
}

static void expand_grad(struct op_recorder *recorder, const struct op_use *use, op_value *din)
{
    din[0] = op_record_like(recorder, OP_RECORD(recorder, &op_expand, NULL, use->dout[0], use->in[0]), use->in[0]);
}

static void sum_plan_as(struct op_plan *plan, const char *shader, bool serial)
{
    plan->scratch[0] = SUM_PARTIALS * 2 * sizeof(float);
    plan_runs(plan, shader, serial, ">$0");
    op_plan_items(plan, "sum_fwd_final", 1, 1);
    op_plan_bind(plan, "<$0 y");
}

static void sum_plan_row(struct op_plan *plan)
{
    sum_plan_as(plan, "sum_fwd_row", true);
}

static void sum_plan(struct op_plan *plan)
{
    sum_plan_as(plan, "sum_fwd", false);
}

static const struct op_variant sum_variants[] = {
    {.name = "sum_fwd_row", .fits = fits_serial_run, .steps = sum_plan_row},
    {.name = "sum_fwd", .steps = sum_plan},
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
    .signature = "x[...] -> y[1]",
    .summary = "y = the sum of all elements",
    .reference = sum_reference,
    .grad = expand_grad,
    .variants = sum_variants,
    .cases = sum_cases,
    /* carried as two floats: the last rounding, and something for sums that cancel to near nothing */
    .tolerance = {.abs = 1e-6, .rel = 2.4e-7, .nmse = 1e-12},
    .flops_per_element = 1,
};

/* ---- sum_squares ------------------------------------------------------------------------------------------------- */

static void squares_reference(const struct op_call *call)
{
    float *partial = call->out_data[0];
    uint64_t count = tensor_shape_count(&call->in[0]);
    uint64_t run = base_round_up(base_div_up(count, SUM_PARTIALS), 64);
    for (uint64_t k = 0; k < SUM_PARTIALS; k++)
        partial[k] = (float)sum_of(call, BASE_MIN(k * run, count), BASE_MIN(k * run + run, count), true);
}

static void squares_plan_row(struct op_plan *plan)
{
    plan_runs(plan, "sum_squares_fwd_row", true, "partials");
}

static void squares_plan(struct op_plan *plan)
{
    plan_runs(plan, "sum_squares_fwd", false, "partials");
}

static const struct op_variant squares_variants[] = {
    {.name = "sum_squares_fwd_row", .fits = fits_serial_run, .steps = squares_plan_row},
    {.name = "sum_squares_fwd", .steps = squares_plan},
    {0},
};

static const struct op_case squares_cases[] = {
    {.name = "one", .in = {{1}}},
    {.name = "127x33", .in = {{127, 33}}},
    {.name = "large", .in = {{512, 513}}, .bench = true},
    {.name = "table", .in = {{6001, 1024}}, .slow = true}, /* runs too long for one lavapipe invocation */
    {0},
};

const struct op_desc op_sum_squares = {
    .name = "sum_squares",
    .signature = "x[...] -> partials[64]",
    .summary = "sums of squares of 64 runs of x: partial sums of the square of its norm",
    .reference = squares_reference,
    .no_grad = "used on gradients only",
    .variants = squares_variants,
    .cases = squares_cases,
    /* each square is rounded once, the sum hardly */
    .tolerance = {.abs = 0, .rel = 4e-7, .nmse = 1e-13},
    .flops_per_element = 2,
};

/* ---- sum_squares_runs -------------------------------------------------------------------------------------------- */

static void runs_reference(const struct op_call *call)
{
    const int32_t *run = call->in_data[1];
    float *partial = call->out_data[0];
    for (uint32_t k = 0; k < call->in[1].dim[0]; k++, run += 2)
        partial[k] = (float)sum_of(call, (uint64_t)run[0], (uint64_t)run[0] + (uint64_t)run[1], true);
}

static void runs_plan_as(struct op_plan *plan, const char *shader, bool serial)
{
    const uint32_t lanes = op_group_lanes(plan->caps), rows = plan->call->in[1].dim[0];
    struct sum_args args = {.rows = rows};
    struct op_dispatch *d = op_plan_items(plan, shader, serial ? op_vector_lanes(plan->caps) : lanes,
                                          serial ? rows : (uint64_t)rows * lanes); /* where memory runs out, too */
    op_plan_bind(plan, "x partials runs");
    op_dispatch_round(d, plan->caps, 8);
    OP_PUSH(d, args);
}

static void runs_plan_row(struct op_plan *plan)
{
    runs_plan_as(plan, "sum_squares_runs_fwd_row", true);
}

static void runs_plan(struct op_plan *plan)
{
    runs_plan_as(plan, "sum_squares_runs_fwd", false);
}

static bool fits_serial_runs(const struct vk_caps *caps, const struct op_call *call)
{
    return caps->class_ == VK_CLASS_SOFTWARE && call->attr.count <= OP_SERIAL_RUN;
}

static const struct op_variant runs_variants[] = {
    {.name = "sum_squares_runs_fwd_row", .fits = fits_serial_runs, .steps = runs_plan_row},
    {.name = "sum_squares_runs_fwd", .steps = runs_plan},
    {0},
};

static const struct op_case runs_cases[] = {
    {.name = "one", .attr = {.count = 1}, .in = {{1}, {1, 2}}},
    {.name = "127x33", .attr = {.count = 64}, .in = {{4191}, {131, 2}}},
    {.name = "layer", .attr = {.count = 2304}, .in = {{149184}, {256, 2}}, .bench = true},
    {.name = "long", .attr = {.count = 65536}, .in = {{131077}, {3, 2}}},
    {0},
};

/* Runs one behind another, of all lengths; none, too. */
static void runs_prepare(struct op_call *call, struct base_rng *rng)
{
    int32_t *run = call->in_data[1];
    uint64_t count = tensor_shape_count(&call->in[0]), begin = 0;
    for (uint32_t k = 0; k < call->in[1].dim[0]; k++, run += 2) {
        uint64_t most = BASE_MIN(call->attr.count, count - begin);
        run[0] = (int32_t)begin;
        run[1] = (int32_t)(most - (k ? base_rng_below(rng, BASE_MIN((uint32_t)most + 1, 5)) : 0));
        begin = BASE_MIN(begin + base_round_up((uint64_t)run[1], 4), count / 4 * 4);
    }
}

const struct op_desc op_sum_squares_runs = {
    .name = "sum_squares_runs",
    .signature = "x[N] runs:i32[P,2] -> partials[P]",
    .summary = "sums of squares of P runs of x, each its first element, a multiple of 4, and its length, at most attr "
               "count: what sum_squares gives, of many tensors",
    .reference = runs_reference,
    .no_grad = "used on gradients only",
    .variants = runs_variants,
    .cases = runs_cases,
    .fill = {[1] = OP_FILL_PREPARE},
    .prepare = runs_prepare,
    .tolerance = {.abs = 0, .rel = 4e-7, .nmse = 1e-13}, /* as sum_squares */
    .flops_per_element = 2,
};

/* ---- columns ----------------------------------------------------------------------------------------------------- */

uint32_t op_column_block(uint64_t rows)
{
    return (uint32_t)base_round_up((uint64_t)ceil(sqrt((double)rows)), 64);
}

void op_column_groups(struct op_dispatch *d, const struct vk_caps *caps, uint32_t width, uint64_t rows, uint32_t block)
{
    bool quads = width % 4 == 0;
    uint32_t local = caps->class_ == VK_CLASS_SOFTWARE ? op_vector_lanes(caps) : 64;
    op_dispatch_spec(d, 0, local);
    op_dispatch_round(d, caps, quads ? 4 : 8);
    op_dispatch_spec(d, 8, quads);
    d->groups[0] = (uint32_t)base_div_up(quads ? width / 4 : width, local);
    d->groups[1] = (uint32_t)base_div_up(rows, block);
    d->groups[2] = 1;
}

bool op_strip_fits(const struct vk_caps *caps, uint64_t rows, uint32_t width)
{
    enum { MOST_ROWS = 16384 };
    return caps->class_ != VK_CLASS_SOFTWARE && rows <= MOST_ROWS && rows * width <= caps->max_range / 4;
}

struct op_dispatch *op_plan_strip(struct op_plan *plan, const char *shader, uint32_t width)
{
    /* 4 columns or quads side by side load 16 or 64 bytes of a row; narrow tensors want more workgroups */
    bool quads = width % 4 == 0;
    uint32_t columns = quads ? width / 4 : width, cols = columns >= 128 ? 4 : 2;
    struct op_dispatch *d = op_plan_kernel(plan, shader);
    op_dispatch_spec(d, 0, 128);
    op_dispatch_spec(d, 3, cols);
    op_dispatch_spec(d, 8, quads);
    op_dispatch_groups_1d(d, plan->caps, base_div_up(columns, cols));
    return d;
}

/* Bytes of one plane of partial sums. */
static uint64_t plane_bytes(uint64_t blocks, uint32_t width)
{
    return base_round_up(blocks * width * 4, 256);
}

static void add_columns(struct op_plan *plan, const char *shader, struct op_bind from, struct op_bind to,
                        struct sum_rows_args args)
{
    struct op_dispatch *d = op_plan_kernel(plan, shader);
    op_column_groups(d, plan->caps, args.width, args.rows, args.block);
    op_dispatch_bind_range(d, from.place, from.index, OP_READ, from.offset, from.size);
    op_dispatch_bind_range(d, to.place, to.index, OP_WRITE, to.offset, to.size);
    op_dispatch_formats(d, plan->call, 9);
    OP_PUSH(d, args);
}

void op_plan_column_merge(struct op_plan *plan, struct op_bind from, struct op_bind to, uint32_t rows, uint32_t width)
{
    struct sum_rows_args args = {
        .rows = rows, .width = width, .block = rows, .plane = (uint32_t)(plane_bytes(rows, width) / 4)};
    add_columns(plan, "sum_rows_fwd_merge", from, to, args);
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

static void plan_columns(struct op_plan *plan, const char *whole, const char *part)
{
    uint64_t rows = tensor_shape_rows(&plan->call->in[0]);
    uint32_t width = tensor_shape_width(&plan->call->in[0]), block = op_column_block(rows);
    uint64_t blocks = base_div_up(rows, block), bytes = width * mien_dtype_size(plan->call->in[0].dtype);
    struct op_parts parts = op_parts(plan, "x", rows, block);
    struct op_bind partial = {blocks == 1 ? OP_OUT : OP_SCRATCH, 0, 0, 0, 0}, out = {OP_OUT, 0, 0, 0, 0};
    plan->scratch[0] = blocks == 1 ? 0 : 2 * plane_bytes(blocks, width);
    while (op_parts_next(&parts)) {
        struct op_bind x = {OP_IN, 0, 0, parts.first * bytes, base_round_up(parts.rows * bytes, 4)};
        struct sum_rows_args args = {(uint32_t)parts.rows, (uint32_t)parts.first, width, block,
                                     (uint32_t)(plane_bytes(blocks, width) / 4)};
        add_columns(plan, blocks == 1 ? whole : part, x, partial, args);
    }
    if (blocks > 1)
        op_plan_column_merge(plan, partial, out, (uint32_t)blocks, width);
}

static void rows_plan(struct op_plan *plan)
{
    plan_columns(plan, "sum_rows_fwd", "sum_rows_fwd_part");
}

static bool rows_fit_texel(const struct vk_caps *caps, const struct op_call *call)
{
    return caps->class_ == VK_CLASS_SOFTWARE && op_fits_texels(caps, &call->in[0]);
}

static void rows_plan_texel(struct op_plan *plan)
{
    plan_columns(plan, "sum_rows_fwd_texel", "sum_rows_fwd_part_texel");
}

static bool rows_fit_strip(const struct vk_caps *caps, const struct op_call *call)
{
    return op_strip_fits(caps, tensor_shape_rows(&call->in[0]), tensor_shape_width(&call->in[0]));
}

static void rows_plan_strip(struct op_plan *plan)
{
    struct sum_rows_args args = {.rows = (uint32_t)tensor_shape_rows(&plan->call->in[0]),
                                 .width = tensor_shape_width(&plan->call->in[0])};
    struct op_dispatch *d = op_plan_strip(plan, "sum_rows_fwd_strip", args.width);
    op_plan_bind(plan, "x y");
    op_dispatch_formats(d, plan->call, 9);
    OP_PUSH(d, args);
}

static const struct op_variant rows_variants[] = {
    {.name = "sum_rows_fwd_strip", .fits = rows_fit_strip, .steps = rows_plan_strip},
    {.name = "sum_rows_fwd_texel", .needs = VK_CAP_TEXEL, .fits = rows_fit_texel, .steps = rows_plan_texel},
    {.name = "sum_rows_fwd", .steps = rows_plan},
    {0},
};

static const struct op_case rows_cases[] = {
    {.name = "1x1", .in = {{1, 1}}, .grad = true},
    {.name = "5x7", .in = {{5, 7}}, .grad = true},
    {.name = "64x33", .in = {{64, 33}}},
    {.name = "65x127", .in = {{65, 127}}},
    {.name = "5000x3", .in = {{5000, 3}}},
    {.name = "261x520", .in = {{9, 29, 520}}},
    {.name = "20000x4", .in = {{20000, 4}}},
    {.name = "bias", .in = {{32, 37, 128}}, .bench = true},
    {.name = "f16_5x7", .dtype = MIEN_F16, .in = {{5, 7}}},
    {.name = "bf16_65x127", .dtype = MIEN_BF16, .in = {{65, 127}}},
    {.name = "f16_261x520", .dtype = MIEN_F16, .in = {{9, 29, 520}}, .grad = true},
    {.name = "bf16_20000x4", .dtype = MIEN_BF16, .in = {{20000, 4}}},
    {.name = "f16_bias", .dtype = MIEN_F16, .in = {{32, 37, 128}}, .bench = true},
    {.name = "bf16_bias", .dtype = MIEN_BF16, .in = {{32, 37, 128}}, .bench = true},
    {0},
};

const struct op_desc op_sum_rows = {
    .name = "sum_rows",
    .signature = "x:half[...,D] -> y[D]",
    .summary = "y = sum over the rows: the gradient of a bias",
    .reference = rows_reference,
    .grad = expand_grad,
    .variants = rows_variants,
    .cases = rows_cases,
    /* carried as two floats, as sum */
    .tolerance = {.abs = 1e-6, .rel = 2.4e-7, .nmse = 1e-12},
    .flops_per_element = 1,
};
