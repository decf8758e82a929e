/* layernorm.c: layer normalisation over the last dimension. Saves mean and 1/std of each row for the backward pass. */
#include "args/layernorm.h"
#include "op/half.h"
#include "op/sum.h"

#include <math.h>

/* Push constants of the row kernels. */
static void push_args(const struct op_call *call, struct op_dispatch *d)
{
    struct layernorm_args args = {.width = tensor_shape_width(&call->in[0]), .eps = call->attr.eps};
    OP_PUSH(d, args);
}

static void push_fwd_args(const struct op_call *call, struct op_dispatch *d)
{
    push_args(call, d);
    op_dispatch_formats(d, call, 9);
}

/* ---- layernorm --------------------------------------------------------------------------------------------------- */

/* The moments of row r of host data: mean and 1/std. */
static void row_moments(const void *x, enum mien_dtype dtype, uint64_t r, uint32_t width, double eps, double *mean,
                        double *rstd)
{
    double m = 0, v = 0;
    for (uint32_t j = 0; j < width; j++)
        m += op_load(x, r * width + j, dtype);
    m /= width;
    for (uint32_t j = 0; j < width; j++) {
        double d = op_load(x, r * width + j, dtype) - m;
        v += d * d;
    }
    *mean = m;
    *rstd = 1 / sqrt(v / width + eps);
}

static void reference(const struct op_call *call)
{
    const float *x = call->in_data[0], *w = call->in_data[1], *b = call->in_data[2];
    float *y = call->out_data[0], *mean = call->out_data[1], *rstd = call->out_data[2];
    uint64_t rows = tensor_shape_rows(&call->in[0]);
    uint32_t width = tensor_shape_width(&call->in[0]);
    for (uint64_t r = 0; r < rows; r++, x += width, y += width) {
        double m, s;
        row_moments(x, MIEN_F32, 0, width, (double)call->attr.eps, &m, &s);
        for (uint32_t j = 0; j < width; j++)
            y[j] = (float)((x[j] - m) * s * w[j] + b[j]);
        mean[r] = (float)m;
        rstd[r] = (float)s;
    }
}

static void grad(struct op_recorder *recorder, const struct op_use *use, op_value *din)
{
    struct op_attr attr = *use->attr;
    attr.dtype = recorder->shape(recorder, use->in[0]).dtype;
    OP_RECORD_INTO(din, 3, recorder, &op_layernorm_bwd, &attr, use->dout[0], use->in[0], use->in[1], use->out[1],
                   use->out[2]);
}

static bool fits_texels(const struct vk_caps *caps, const struct op_call *call)
{
    bool fits = op_fits_serial(caps, call);
    for (uint32_t i = 0; i < OP_MAX_IN; i++) /* others have one number for each row */
        if (call->in[i].rank && tensor_shape_width(&call->in[i]) == tensor_shape_width(&call->in[0]))
            fits = fits && op_fits_texels(caps, &call->in[i]);
    return fits;
}

#define ROW_TEXEL(shader, ...)                                                                                         \
    {                                                                                                                  \
        .name = shader "_row_texel", .needs = VK_CAP_TEXEL, .tech = OP_SERIAL, .fits = fits_texels, __VA_ARGS__        \
    }

static const struct op_variant variants[] = {
    ROW_TEXEL("layernorm_fwd", .bind = "x w* b* y mean rstd", .quads = true, .args = push_fwd_args),
    OP_ROW_VARIANTS("layernorm_fwd", .bind = "x w* b* y mean rstd", .quads = true, .args = push_fwd_args),
    {0},
};

#define EPS .attr = {.eps = 1e-5f}
#define STORED(kind) .attr = {.eps = 1e-5f, .dtype = kind}, .dtype = kind
static const struct op_case cases[] = {
    {.name = "1x1", EPS, .in = {{1, 1}, {1}, {1}}, .grad = true},
    {.name = "2x3", EPS, .in = {{2, 3}, {3}, {3}}, .grad = true},
    {.name = "5x17", EPS, .in = {{5, 17}, {17}, {17}}, .grad = true},
    {.name = "3x127", EPS, .in = {{3, 127}, {127}, {127}}},
    {.name = "130x64", EPS, .in = {{2, 65, 64}, {64}, {64}}},
    {.name = "130x65", EPS, .in = {{130, 65}, {65}, {65}}},
    {.name = "4x4099", EPS, .in = {{4, 4099}, {4099}, {4099}}},
    {.name = "long_1x171001", EPS, .in = {{1, 171001}, {171001}, {171001}}},
    {.name = "long_1x300007", EPS, .in = {{1, 300007}, {300007}, {300007}}, .slow = true},
    {.name = "vit_tiny", EPS, .in = {{32, 37, 128}, {128}, {128}}, .bench = true},
    {.name = "vit_b32", EPS, .in = {{2, 50, 768}, {768}, {768}}, .bench = true},
    {.name = "text_b32", EPS, .in = {{4, 77, 512}, {512}, {512}}},
    {.name = "vit_b16", EPS, .in = {{1, 197, 768}, {768}, {768}}},
    {.name = "vit_l14", EPS, .in = {{1, 257, 1024}, {1024}, {1024}}, .bench = true},
    /* y in 16 bits, with x in f32 as a transformer has it, and with x in 16 bits, too, or alone */
    {.name = "f16_5x20", .attr = {.eps = 1e-5f, .dtype = MIEN_F16}, .in = {{5, 20}, {20}, {20}}, .grad = true},
    {.name = "bf16_5x20", .attr = {.eps = 1e-5f, .dtype = MIEN_BF16}, .in = {{5, 20}, {20}, {20}}, .grad = true},
    {.name = "bf16_all_130x64", STORED(MIEN_BF16), .in = {{2, 65, 64}, {64}, {64}}, .grad = true},
    {.name = "f16_x_130x68", EPS, .dtype = MIEN_F16, .in = {{130, 68}, {68}, {68}}, .grad = true},
    {.name = "f16_all_4x4100", STORED(MIEN_F16), .in = {{4, 4100}, {4100}, {4100}}},
    {.name = "bf16_long_1x171004", .attr = {.eps = 1e-5f, .dtype = MIEN_BF16}, .in = {{1, 171004}, {171004}, {171004}}},
    {.name = "f16_vit_tiny",
     .attr = {.eps = 1e-5f, .dtype = MIEN_F16},
     .in = {{32, 37, 128}, {128}, {128}},
     .bench = true},
    {.name = "bf16_vit_tiny",
     .attr = {.eps = 1e-5f, .dtype = MIEN_BF16},
     .in = {{32, 37, 128}, {128}, {128}},
     .bench = true},
    {.name = "bf16_vit_l14",
     .attr = {.eps = 1e-5f, .dtype = MIEN_BF16},
     .in = {{1, 257, 1024}, {1024}, {1024}},
     .bench = true},
    {0},
};

const struct op_desc op_layernorm = {
    .name = "layernorm",
    .signature = "x:half[...,D] w[D] b[D] -> y:stored[...,D] (mean[R] rstd[R])",
    .summary = "y = (x - mean) * rstd * w + b over the last dimension; attr eps",
    .reference = reference,
    .grad = grad,
    .variants = variants,
    .cases = cases,
    /* about sqrt(D) units in the moments, 2 in the inverse root, 3 in the last line, which may cancel against b */
    .tolerance = {.abs = 4e-6, .rel = 4e-6, .nmse = 1e-12},
    .flops_per_element = 8,
};

/* ---- layernorm_bwd ----------------------------------------------------------------------------------------------- */

static void bwd_row(const struct op_call *call, uint64_t r, uint32_t width)
{
    const float *dy = (const float *)call->in_data[0] + r * width, *x = (const float *)call->in_data[1] + r * width;
    const float *w = call->in_data[2], *mean = call->in_data[3], *rstd = call->in_data[4];
    const float *residual = call->in[5].rank ? (const float *)call->in_data[5] + r * width : NULL;
    float *dx = (float *)call->out_data[0] + r * width;
    double first = 0, second = 0;
    for (uint32_t j = 0; j < width; j++) {
        double t = (double)dy[j] * w[j], n = ((double)x[j] - mean[r]) * rstd[r];
        first += t;
        second += t * n;
    }
    for (uint32_t j = 0; j < width; j++) {
        double t = (double)dy[j] * w[j], n = ((double)x[j] - mean[r]) * rstd[r];
        double d = rstd[r] * (t - first / width - n * (second / width));
        dx[j] = (float)(d + (residual ? (double)residual[j] : 0));
    }
}

static void bwd_reference(const struct op_call *call)
{
    const float *dy = call->in_data[0], *x = call->in_data[1], *mean = call->in_data[3], *rstd = call->in_data[4];
    float *dw = call->out_data[1], *db = call->out_data[2];
    uint64_t rows = tensor_shape_rows(&call->in[0]);
    uint32_t width = tensor_shape_width(&call->in[0]);
    for (uint64_t r = 0; r < rows; r++)
        bwd_row(call, r, width);
    for (uint32_t j = 0; j < width; j++) {
        double sw = 0, sb = 0;
        for (uint64_t r = 0; r < rows; r++) {
            sw += dy[r * width + j] * (((double)x[r * width + j] - mean[r]) * rstd[r]);
            sb += dy[r * width + j];
        }
        dw[j] = (float)sw;
        db[j] = (float)sb;
    }
}

static void plan_strip(struct op_plan *plan)
{
    struct layernorm_args args = {.rows = (uint32_t)tensor_shape_rows(&plan->call->in[0]),
                                  .width = tensor_shape_width(&plan->call->in[0])};
    struct op_dispatch *d = op_plan_strip(plan, "layernorm_bwd_w_strip", args.width);
    op_plan_bind(plan, "dy x mean rstd dw db");
    op_dispatch_formats(d, plan->call, 9);
    OP_PUSH(d, args);
}

/* dx comes from the row kernel; here dw and db: in one stage, or partial sums over blocks of rows in scratch,
 * [2][value, lost][blocks,D], then the sum of the blocks. */
static void plan_bwd_w(struct op_plan *plan)
{
    uint64_t rows = tensor_shape_rows(&plan->call->in[0]);
    uint32_t width = tensor_shape_width(&plan->call->in[0]), block = op_column_block(rows);
    uint64_t blocks = base_div_up(rows, block), bytes = blocks * width * 4, plane = base_round_up(bytes, 256);
    if (op_strip_fits(plan->caps, rows, width)) {
        plan_strip(plan);
        return;
    }
    struct op_parts parts = op_parts(plan, "dy x mean rstd >$0", rows, block);
    plan->scratch[0] = 4 * plane;
    while (op_parts_next(&parts)) {
        struct layernorm_args args = {.rows = (uint32_t)parts.rows,
                                      .first = (uint32_t)parts.first,
                                      .width = width,
                                      .block = block,
                                      .plane = (uint32_t)(plane / 4)};
        struct op_dispatch *d = op_plan_kernel(plan, "layernorm_bwd_w");
        op_column_groups(d, plan->caps, width, args.rows, block);
        op_parts_bind(&parts, d);
        op_dispatch_formats(d, plan->call, 9);
        OP_PUSH(d, args);
    }
    for (uint8_t o = 1; o <= 2; o++) {
        struct op_bind from = {OP_SCRATCH, 0, 0, (o - 1u) * 2 * plane, plane + bytes}, to = {OP_OUT, o, 0, 0, 0};
        op_plan_column_merge(plan, from, to, (uint32_t)blocks, width);
    }
}

static void push_bwd_args(const struct op_call *call, struct op_dispatch *d)
{
    push_args(call, d);
    op_dispatch_spec(d, 9, call->in[5].rank > 0);
    op_dispatch_formats(d, call, 10);
}

static const struct op_variant bwd_variants[] = {
    ROW_TEXEL("layernorm_bwd_x", .bind = "dy x w* mean rstd residual dx", .quads = true, .args = push_bwd_args,
              .steps = plan_bwd_w),
    OP_ROW_VARIANTS("layernorm_bwd_x", .bind = "dy x w* mean rstd residual dx", .quads = true, .args = push_bwd_args,
                    .steps = plan_bwd_w),
    {0},
};

/* Mean and 1/std are those of x. */
static void bwd_prepare(struct op_call *call, struct base_rng *rng)
{
    (void)rng;
    float *mean = call->in_data[3], *rstd = call->in_data[4];
    uint64_t rows = tensor_shape_rows(&call->in[1]);
    uint32_t width = tensor_shape_width(&call->in[1]);
    for (uint64_t r = 0; r < rows; r++) {
        double m, s;
        row_moments(call->in_data[1], call->in[1].dtype, r, width, (double)call->attr.eps, &m, &s);
        mean[r] = (float)m;
        rstd[r] = (float)s;
    }
}

/* Beside those of layernorm: with another gradient of x. */
static const struct op_case bwd_cases[] = {
    {.name = "18x20", EPS, .in = {{18, 20}, {18, 20}, {20}, {18}, {18}}}, /* fours, but not of rows */
    {.name = "residual_5x17", EPS, .in = {{5, 17}, {5, 17}, {17}, {5}, {5}, {5, 17}}},
    {.name = "residual_130x64", EPS, .in = {{2, 65, 64}, {2, 65, 64}, {64}, {130}, {130}, {2, 65, 64}}},
    {.name = "residual_vit_tiny",
     EPS,
     .in = {{32, 37, 128}, {32, 37, 128}, {128}, {1184}, {1184}, {32, 37, 128}},
     .bench = true},
    /* a 16-bit dy beside the residual stream's gradient in f32 */
    {.name = "bf16_residual_vit_tiny",
     EPS,
     .dtype = MIEN_BF16,
     .half = 1,
     .in = {{32, 37, 128}, {32, 37, 128}, {128}, {1184}, {1184}, {32, 37, 128}},
     .bench = true},
    {.name = "f16_residual_5x17", EPS, .dtype = MIEN_F16, .half = 1, .in = {{5, 17}, {5, 17}, {17}, {5}, {5}, {5, 17}}},
    {0},
};

const struct op_desc op_layernorm_bwd = {
    .name = "layernorm_bwd",
    .signature =
        "dy:half[...,D] x:half[...,D] w[D] mean[R] rstd[R] residual?:half[...,D] -> dx:stored[...,D] dw[D] db[D]",
    .summary = "the gradients of layernorm; residual, another gradient of x, is added to dx",
    .forward = {&op_layernorm},
    .reference = bwd_reference,
    .variants = bwd_variants,
    .cases = bwd_cases,
    .prepare = bwd_prepare,
    /* offsets of both dy and w would leave no digits of dx */
    .fill = {[2] = OP_FILL_POSITIVE, [3] = OP_FILL_PREPARE, [4] = OP_FILL_PREPARE},
    /* as forward; dx is a difference of terms of the size of rstd * dy * w; dw and db are carried as two floats */
    .tolerance = {.abs = 1e-5, .rel = 1e-5, .nmse = 1e-11},
    .flops_per_element = 17,
};
