/* ccc.c: loss 1 - concordance correlation coefficient, mean over columns (valence, arousal, scale items), with
 *   CCC = 2 cov / (var a + var b + (mean a - mean b)^2), population moments, predictions a[N,K], targets b[N,K].
 * Moments are taken about each column's first element, then about the means: a constant column has variance 0 exactly.
 * Where the denominator is next to 0 (constant and equal columns) the CCC is 0 and so is its gradient. */
#include "args/regression.h"
#include "op/op.h"

#include <math.h>

enum { MOST_ROWS = 1 << 20, MOST_ELEMENTS = 1 << 24 };

static enum mien_status shapes(struct op_call *call, const char *label)
{
    const struct tensor_shape *a = &call->in[0];
    if (a->dim[0] > MOST_ROWS || tensor_shape_count(a) > MOST_ELEMENTS)
        return op_shape_error(call, label, 0, "predictions a[N,K], N at most 1,048,576 and N*K at most 16,777,216");
    return MIEN_OK;
}

/* Both kernels of ccc, and ccc_bwd. */
static void push_args(const struct op_call *call, struct op_dispatch *d)
{
    struct ccc_args args = {.rows = call->in[0].dim[0], .width = call->in[0].dim[1]};
    OP_PUSH(d, args);
}

/* ---- ccc --------------------------------------------------------------------------------------------------------- */

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
    for (uint32_t i = 0; i < 2; i++) {
        if (use->wants[i])
            din[i] = OP_RECORD(recorder, &op_ccc_bwd, NULL, use->in[i], use->in[1 - i], use->out[2 - i], use->out[3],
                               use->dout[0]);
    }
}

static void plan(struct op_plan *plan)
{
    const uint32_t lanes = op_group_lanes(plan->caps); /* of a workgroup for each column */
    struct op_dispatch *d = op_plan_items(plan, "ccc_fwd", lanes, (uint64_t)lanes * plan->call->in[0].dim[1]);
    op_dispatch_round(d, plan->caps, 4);
    push_args(plan->call, d);
    op_plan_bind(plan, "a b mean_a mean_b stats");
    d = op_plan_items(plan, "ccc_fwd_mean", lanes, 1);
    op_dispatch_round(d, plan->caps, 4);
    push_args(plan->call, d);
    op_plan_bind(plan, "<stats loss");
}

static const struct op_variant variants[] = {{.name = "ccc_fwd", .steps = plan}, {0}};

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

const struct op_desc op_ccc = {
    .name = "ccc",
    .signature = "a[N,K] b[N,K] -> loss[1] (mean_a[K] mean_b[K] stats[K,2])",
    .summary =
        "loss = 1 - mean over columns of the CCC of a and b; means less the first row; stats: CCC, 1 / denominator",
    .shapes = shapes,
    .reference = reference,
    .grad = grad,
    .variants = variants,
    .cases = cases,
    .prepare = prepare,
    /* sums in lanes and blocks, about 20 units; products that cancel are small beside their denominator */
    .tolerance = {.abs = 2e-6, .rel = 2e-6, .nmse = 5e-12},
    .flops_per_element = 10,
};

/* ---- ccc_bwd ----------------------------------------------------------------------------------------------------- */

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

static const struct op_variant bwd_variants[] = {
    {.name = "ccc_bwd", .bind = "a b mean_b* stats* dloss* da", .args = push_args},
    {0},
};

const struct op_desc op_ccc_bwd = {
    .name = "ccc_bwd",
    .signature = "a[N,K] b[N,K] mean_b[K] stats[K,2] dloss[1] -> da[N,K]",
    .summary = "the gradient of ccc: -2 dloss ((b - mean b) - CCC (a - mean b)) / (N K denominator)",
    .forward = {&op_ccc},
    .shapes = shapes,
    .reference = bwd_reference,
    .variants = bwd_variants,
    /* differences of about unit size, a few units each, which may cancel */
    .tolerance = {.abs = 1e-6, .rel = 1e-6, .nmse = 1e-12},
    .flops_per_element = 7,
};
