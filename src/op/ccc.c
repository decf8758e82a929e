/* ccc.c: loss 1 - concordance correlation coefficient, mean over columns (valence, arousal, scale items), with
 *   CCC = 2 cov / (var a + var b + (mean a - mean b)^2), population moments, predictions a[N,K], targets b[N,K].
 * Moments are taken about each column's first element, then about the means: a constant column has variance 0 exactly.
 * Where the denominator is next to 0 (constant and equal columns) the CCC is 0 and so is its gradient. */
#include "args/regression.h"
#include "op/op.h"

#include <math.h>

enum { MOST_ROWS = 1 << 20, MOST_ELEMENTS = 1 << 24 };

static enum mien_status check_pair(const struct op_call *call, const char *label)
{
    const struct tensor_shape *a = &call->in[0];
    if (a->rank != 2 || a->dim[0] > MOST_ROWS || tensor_shape_count(a) > MOST_ELEMENTS)
        return op_shape_error(call, label, 0, "predictions[N,K], N at most 1,048,576 and N*K at most 16,777,216");
    if (!tensor_shape_equal(&call->in[1], a))
        return op_shape_error(call, label, 1, "targets[N,K], of the shape of the predictions");
    return MIEN_OK;
}

/* ---- ccc: a[N,K], b[N,K] -> loss[1], mean_a[K], mean_b[K], stats[K,2] -------------------------------------------- */

static enum mien_status shapes(struct op_call *call, const char *label)
{
    uint32_t columns = tensor_shape_width(&call->in[0]);
    call->out[0] = SHAPE_F32(1);
    call->out[1] = call->out[2] = SHAPE_F32(columns);
    call->out[3] = SHAPE_F32(columns, 2);
    call->out_count = 4;
    return check_pair(call, label);
}

/* Means less the first element, CCC and 1 / denominator of column k of x and y. */
static void column_stats(const struct op_call *call, size_t k, double mean[2], double *ccc, double *inverse)
{
    const float *a = (const float *)call->in_data[0] + k, *b = (const float *)call->in_data[1] + k;
    size_t rows = call->in[0].dim[0], width = call->in[0].dim[1];
    double square = 0, both = 0, n = (double)rows;
    mean[0] = mean[1] = 0;
    for (size_t i = 0; i < rows; i++) {
        mean[0] += ((double)a[i * width] - a[0]) / n;
        mean[1] += ((double)b[i * width] - b[0]) / n;
    }
    for (size_t i = 0; i < rows; i++) {
        double x = ((double)a[i * width] - a[0]) - mean[0], y = ((double)b[i * width] - b[0]) - mean[1];
        square += (x * x + y * y) / n;
        both += x * y / n;
    }
    double apart = ((double)a[0] - b[0]) + (mean[0] - mean[1]), den = square + apart * apart;
    *ccc = den >= (double)CCC_LEAST ? 2 * both / den : 0;
    *inverse = den >= (double)CCC_LEAST ? 1 / den : 0;
}

static void reference(const struct op_call *call)
{
    float *mean_a = call->out_data[1], *mean_b = call->out_data[2], *stats = call->out_data[3];
    size_t columns = call->in[0].dim[1];
    double sum = 0;
    for (size_t k = 0; k < columns; k++) {
        double mean[2], ccc, inverse;
        column_stats(call, k, mean, &ccc, &inverse);
        mean_a[k] = (float)mean[0];
        mean_b[k] = (float)mean[1];
        stats[2 * k] = (float)ccc;
        stats[2 * k + 1] = (float)inverse;
        sum += 1 - ccc;
    }
    *(float *)call->out_data[0] = (float)(sum / (double)columns);
}

/* The CCC is symmetric: the gradient of the targets is that of predictions with the two exchanged. */
static void grad(struct op_recorder *recorder, const struct op_use *use, op_value *din)
{
    for (uint32_t i = 0; i < 2 && use->dout[0] != OP_NONE; i++) {
        if (use->wants[i])
            din[i] = OP_RECORD(recorder, &op_ccc_bwd, NULL, use->in[i], use->in[1 - i], use->out[2 - i], use->out[3],
                               use->dout[0]);
    }
}

static enum mien_status plan(const struct vk_caps *caps, const struct op_call *call, struct op_plan *out)
{
    enum mien_status status = MIEN_OK;
    struct ccc_args args = {.rows = call->in[0].dim[0], .width = call->in[0].dim[1]};
    for (uint32_t stage = 0; stage < 2; stage++) {
        struct op_dispatch *d = op_plan_add(out);
        FAIL_IF_NULL(d, "a plan");
        d->shader = stage == 0 ? "ccc_fwd" : "ccc_fwd_mean";
        op_dispatch_spec(d, 0, 64);
        op_dispatch_groups_1d(d, caps, stage == 0 ? args.width : 1);
        op_dispatch_push(d, &args, sizeof(args));
        if (stage == 0) {
            op_dispatch_bind(d, OP_IN, 0, OP_READ);
            op_dispatch_bind(d, OP_IN, 1, OP_READ);
            op_dispatch_bind(d, OP_OUT, 1, OP_WRITE);
            op_dispatch_bind(d, OP_OUT, 2, OP_WRITE);
        }
        op_dispatch_bind(d, OP_OUT, 3, stage == 0 ? OP_WRITE : OP_READ);
        if (stage == 1)
            op_dispatch_bind(d, OP_OUT, 0, OP_WRITE);
    }
fail:
    return status;
}

static const struct op_variant variants[] = {{.name = "ccc_fwd", .plan = plan}, {0}};

static const struct op_case cases[] = {
    {.name = "1x1", .in = {{1, 1}, {1, 1}}},
    {.name = "2x1", .in = {{2, 1}, {2, 1}}, .grad = true},
    {.name = "7x2", .in = {{7, 2}, {7, 2}}, .grad = true},
    {.name = "130x3", .in = {{130, 3}, {130, 3}}},
    {.name = "4097x1", .in = {{4097, 1}, {4097, 1}}},
    {.name = "5x127", .in = {{5, 127}, {5, 127}}},
    {.name = "constant", .attr = {.value = 1}, .in = {{33, 2}, {33, 2}}},
    {.name = "batch", .in = {{64, 2}, {64, 2}}, .bench = true},
    {.name = "epoch", .in = {{4096, 2}, {4096, 2}}, .bench = true},
    {0},
};

/* Case "constant" (its `value`; the op does not read it): column 0 constant and equal in both, column 1 in a only. */
static void prepare(struct op_call *call, struct base_rng *rng)
{
    float *a = call->in_data[0], *b = call->in_data[1];
    (void)rng;
    for (uint32_t i = 0; i < call->in[0].dim[0] && call->attr.value > 0; i++) {
        a[2 * i] = b[2 * i] = 3.3f;
        a[2 * i + 1] = 0.1f;
    }
}

static double flops(const struct op_call *call)
{
    return 10.0 * (double)tensor_shape_count(&call->in[0]);
}

const struct op_desc op_ccc = {
    .name = "ccc",
    .summary = "loss[1] = 1 - mean over columns of the CCC of a[N,K] and b[N,K]; also mean_a[K], mean_b[K] (less the "
               "first row), stats[K,2] (CCC, 1 / denominator)",
    .in_count = 2,
    .out_count = 4,
    .aux_outputs = 1u << 1 | 1u << 2 | 1u << 3,
    .shapes = shapes,
    .reference = reference,
    .grad = grad,
    .variants = variants,
    .cases = cases,
    .prepare = prepare,
    /* sums in lanes and blocks, about 20 units; products that cancel are small beside their denominator */
    .tolerance = {.abs = 2e-6, .rel = 2e-6, .nmse = 5e-12},
    .flops = flops,
};

/* ---- ccc_bwd: a, b, mean_b, stats, dloss -> da ------------------------------------------------------------------- */

static enum mien_status bwd_shapes(struct op_call *call, const char *label)
{
    enum mien_status status = check_pair(call, label);
    if (status != MIEN_OK)
        return status;
    const struct tensor_shape mean = SHAPE_F32(call->in[0].dim[1]), scalar = SHAPE_F32(1);
    const struct tensor_shape stats = SHAPE_F32(call->in[0].dim[1], 2);
    if (!tensor_shape_equal(&call->in[2], &mean))
        return op_shape_error(call, label, 2, "mean_b[K] of the forward pass");
    if (!tensor_shape_equal(&call->in[3], &stats))
        return op_shape_error(call, label, 3, "stats[K,2] of the forward pass");
    if (!tensor_shape_equal(&call->in[4], &scalar))
        return op_shape_error(call, label, 4, "dloss[1]");
    call->out[0] = call->in[0];
    call->out_count = 1;
    return MIEN_OK;
}

static void bwd_reference(const struct op_call *call)
{
    const float *a = call->in_data[0], *b = call->in_data[1], *mean = call->in_data[2], *stats = call->in_data[3];
    float *da = call->out_data[0];
    size_t count = tensor_shape_count(&call->in[0]), width = call->in[0].dim[1];
    double factor = -2.0 * *(const float *)call->in_data[4] / (double)count;
    for (size_t i = 0; i < count; i++) {
        size_t k = i % width;
        double of_b = ((double)b[i] - b[k]) - mean[k], of_a = ((double)a[i] - b[k]) - mean[k];
        da[i] = (float)(factor * stats[2 * k + 1] * (of_b - stats[2 * k] * of_a));
    }
}

static enum mien_status bwd_plan(const struct vk_caps *caps, const struct op_call *call, struct op_plan *out)
{
    static const struct op_row_bind bind[] = {{OP_IN, 0, OP_READ, 1}, {OP_IN, 1, OP_READ, 1}, {OP_IN, 2, OP_READ, 0},
                                              {OP_IN, 3, OP_READ, 0}, {OP_IN, 4, OP_READ, 0}, {OP_OUT, 0, OP_WRITE, 1}};
    struct ccc_args args = {.rows = call->in[0].dim[0], .width = call->in[0].dim[1]};
    return op_plan_rows(out, caps,
                        &(struct op_rows){.shader = "ccc_bwd",
                                          .tech = OP_ROW_ELEMENT,
                                          .rows = tensor_shape_count(&call->in[0]),
                                          .bind = bind,
                                          .bind_count = BASE_COUNT(bind),
                                          .args = &args,
                                          .args_size = sizeof(args)});
}

static const struct op_variant bwd_variants[] = {{.name = "ccc_bwd", .plan = bwd_plan}, {0}};

static const struct op_case bwd_cases[] = {
    {.name = "1x1", .in = {{1, 1}, {1, 1}, {1}, {1, 2}, {1}}},
    {.name = "130x3", .in = {{130, 3}, {130, 3}, {3}, {3, 2}, {1}}},
    {.name = "5x127", .in = {{5, 127}, {5, 127}, {127}, {127, 2}, {1}}},
    {.name = "constant", .attr = {.value = 1}, .in = {{33, 2}, {33, 2}, {2}, {2, 2}, {1}}},
    {.name = "batch", .in = {{64, 2}, {64, 2}, {2}, {2, 2}, {1}}, .bench = true},
    {.name = "epoch", .in = {{4096, 2}, {4096, 2}, {2}, {2, 2}, {1}}, .bench = true},
    {0},
};

static void bwd_prepare(struct op_call *call, struct base_rng *rng)
{
    float *mean_b = call->in_data[2], *stats = call->in_data[3];
    prepare(call, rng);
    for (size_t k = 0; k < call->in[0].dim[1]; k++) {
        double mean[2], ccc, inverse;
        column_stats(call, k, mean, &ccc, &inverse);
        mean_b[k] = (float)mean[1];
        stats[2 * k] = (float)ccc;
        stats[2 * k + 1] = (float)inverse;
    }
    *(float *)call->in_data[4] = 0.5f + (float)base_rng_uniform(rng);
}

static double bwd_flops(const struct op_call *call)
{
    return 7.0 * (double)tensor_shape_count(&call->in[0]);
}

const struct op_desc op_ccc_bwd = {
    .name = "ccc_bwd",
    .summary = "da[N,K] = -2 dloss ((b - mean b) - CCC (a - mean b)) / (N K denominator), from a, b, mean_b[K], "
               "stats[K,2], dloss[1]",
    .in_count = 5,
    .out_count = 1,
    .shapes = bwd_shapes,
    .reference = bwd_reference,
    .no_grad = "a gradient itself; second derivatives are not used",
    .variants = bwd_variants,
    .cases = bwd_cases,
    .fill = {OP_FILL_NORMAL, OP_FILL_NORMAL, OP_FILL_PREPARE, OP_FILL_PREPARE, OP_FILL_PREPARE},
    .prepare = bwd_prepare,
    /* differences of about unit size, a few units each, which may cancel */
    .tolerance = {.abs = 1e-6, .rel = 1e-6, .nmse = 1e-12},
    .flops = bwd_flops,
};
