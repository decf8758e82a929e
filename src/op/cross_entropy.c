/* cross_entropy.c: cross-entropy of logits against hard (i32) or soft targets, mean over rows, and its gradients.
 * With top the greatest logit of a row and rest = ln(1 + sum of exp(z - top) over all but the top),
 * -ln softmax(z)_j = (top - z_j) + rest: nothing cancels, so that small losses keep their digits. */
#include "args/cross_entropy.h"
#include "op/op.h"

#include <math.h>

enum { MOST_ROWS = 1 << 21, IGNORED = -1 };

static bool is_soft(const struct op_call *call)
{
    return call->in[2].rank > 0;
}

static enum mien_status shapes(struct op_call *call, const char *label)
{
    if (call->in[0].dim[0] > MOST_ROWS)
        return op_shape_error(call, label, 0, "logits z[N,C], N at most 2,097,152");
    if (!is_soft(call) && !call->in[1].rank)
        return op_shape_error(call, label, 1, "targets[N], or absent with soft targets");
    if (is_soft(call) && call->in[1].rank)
        return op_shape_error(call, label, 2, "soft targets[N,C], or absent with targets[N]");
    return MIEN_OK;
}

/* ---- cross_entropy ----------------------------------------------------------------------------------------------- */

/* The class of row r, C or more clamped; negative = ignored. */
static int64_t target_of(const struct op_call *call, size_t r)
{
    const int32_t *target = call->in_data[1];
    return BASE_MIN((int64_t)target[r], (int64_t)call->in[0].dim[1] - 1);
}

static void row_stats(const float *z, uint32_t classes, double *top, double *rest)
{
    uint32_t at = 0;
    double others = 0;
    for (uint32_t j = 1; j < classes; j++)
        at = z[j] > z[at] ? j : at;
    for (uint32_t j = 0; j < classes; j++)
        others += j == at ? 0 : exp((double)z[j] - z[at]);
    *top = z[at];
    *rest = log1p(others);
}

/* The loss of row r; its stats into stats[3]. */
static double row_loss(const struct op_call *call, size_t r, float *stats)
{
    uint32_t classes = call->in[0].dim[1];
    const float *z = (const float *)call->in_data[0] + r * classes;
    double top, rest, weight = 0, loss = 0;
    row_stats(z, classes, &top, &rest);
    if (is_soft(call)) {
        const float *q = (const float *)call->in_data[2] + r * classes;
        for (uint32_t j = 0; j < classes; j++) {
            weight += q[j];
            loss += q[j] * (top - z[j]);
        }
        loss += weight * rest;
    } else if (target_of(call, r) >= 0) {
        weight = 1;
        loss = (top - z[target_of(call, r)]) + rest;
    }
    stats[0] = (float)top;
    stats[1] = (float)rest;
    stats[2] = (float)weight;
    return loss;
}

/* The loss; stats[N,3]; *share. */
static double whole_loss(const struct op_call *call, float *stats, float *share)
{
    double sum = 0, counted = 0;
    for (size_t r = 0; r < call->in[0].dim[0]; r++) {
        sum += row_loss(call, r, stats + 3 * r);
        counted += is_soft(call) || target_of(call, r) >= 0;
    }
    *share = (float)(1 / fmax(counted, 1));
    return sum / fmax(counted, 1);
}

static void reference(const struct op_call *call)
{
    *(float *)call->out_data[0] = (float)whole_loss(call, call->out_data[1], call->out_data[2]);
}

static void grad(struct op_recorder *recorder, const struct op_use *use, op_value *din)
{
    op_value z = use->in[0], hard = use->in[1], soft = use->in[2];
    op_value stats = use->out[1], share = use->out[2], dloss = use->dout[0];
    if (use->wants[0])
        din[0] = OP_RECORD(recorder, &op_cross_entropy_bwd, NULL, z, hard, soft, stats, share, dloss);
    if (soft != OP_NONE && use->wants[2])
        din[2] = OP_RECORD(recorder, &op_cross_entropy_bwd_q, NULL, z, stats, share, dloss);
}

static void push_args(const struct op_call *call, struct op_dispatch *d)
{
    struct cross_entropy_args args = {.width = call->in[0].dim[1]};
    OP_PUSH(d, args);
    op_dispatch_spec(d, 8, is_soft(call));
}

static void plan_mean(struct op_plan *plan)
{
    struct cross_entropy_args args = {.rows = plan->call->in[0].dim[0], .width = plan->call->in[0].dim[1]};
    struct op_dispatch *d = op_plan_items(plan, "cross_entropy_fwd_mean", op_group_lanes(plan->caps), 1);
    op_dispatch_round(d, plan->caps, 8);
    op_plan_bind(plan, "<$0 targets loss share");
    OP_PUSH(d, args);
    op_dispatch_spec(d, 8, is_soft(plan->call));
}

static const struct op_variant variants[] = {
    OP_ROW_VARIANTS("cross_entropy_fwd", .bind = "z targets soft >$0[1] stats", .args = push_args, .steps = plan_mean),
    {0},
};

static const struct op_case cases[] = {
    {.name = "1x1", .in = {{1, 1}, {1}}},
    {.name = "3x5", .in = {{3, 5}, {3}}, .grad = true},
    {.name = "soft_1x1", .in = {{1, 1}, {0}, {1, 1}}},
    {.name = "soft_3x5", .in = {{3, 5}, {0}, {3, 5}}, .grad = true},
    {.name = "70x127", .in = {{70, 127}, {70}}},
    {.name = "soft_70x127", .in = {{70, 127}, {0}, {70, 127}}},
    {.name = "2x8193", .in = {{2, 8193}, {2}}},
    {.name = "long_1x200003", .in = {{1, 200003}, {1}}},
    {.name = "long_soft_1x200003", .in = {{1, 200003}, {0}, {1, 200003}}},
    {.name = "1x513", .in = {{1, 513}, {1}}},
    {.name = "faces", .in = {{256, 8}, {256}}, .bench = true},
    {.name = "soft_faces", .in = {{256, 8}, {0}, {256, 8}}, .bench = true},
    {.name = "scores", .in = {{256, 256}, {256}}, .bench = true},
    {0},
};

/* Classes, one row in eight ignored; or distributions, one row in four not summing to 1. */
static void fill_targets(struct op_call *call, struct base_rng *rng)
{
    uint32_t rows = call->in[0].dim[0], classes = call->in[0].dim[1];
    int32_t *hard = call->in_data[1];
    float *soft = call->in_data[2];
    for (uint32_t r = 0; r < rows && !is_soft(call); r++)
        hard[r] = r % 8 == 5 ? IGNORED : (int32_t)base_rng_below(rng, classes);
    for (uint32_t r = 0; r < rows && is_soft(call); r++, soft += classes) {
        double sum = 0;
        for (uint32_t j = 0; j < classes; j++) {
            soft[j] = (float)exp(2 * base_rng_normal(rng));
            sum += soft[j];
        }
        for (uint32_t j = 0; j < classes; j++)
            soft[j] = (float)(soft[j] / sum * (r % 4 == 3 ? 0.5 : 1));
    }
}

const struct op_desc op_cross_entropy = {
    .name = "cross_entropy",
    .signature = "z[N,C] targets?:i32[N] soft?[N,C] -> loss[1] (stats[N,3] share[1])",
    .summary = "loss = mean of -sum q ln softmax(z), q one-hot of targets (rows with a negative one do not count) or "
               "soft; 0 when no row counts",
    .shapes = shapes,
    .reference = reference,
    .grad = grad,
    .variants = variants,
    .cases = cases,
    .fill = {OP_FILL_NORMAL, OP_FILL_PREPARE, OP_FILL_PREPARE},
    .prepare = fill_targets,
    /* exponentials of 3 + 2|x| units, summed where they matter at |x| below 10; the loss is a mean over rows */
    .tolerance = {.abs = 1e-6, .rel = 4e-6, .nmse = 5e-12},
    .flops_per_element = 6,
};

/* ---- cross_entropy_bwd ------------------------------------------------------------------------------------------- */

static void bwd_reference(const struct op_call *call)
{
    const float *z = call->in_data[0], *soft = call->in_data[2], *stats = call->in_data[3];
    float *dz = call->out_data[0];
    double factor = (double)*(const float *)call->in_data[4] * *(const float *)call->in_data[5];
    size_t rows = call->in[0].dim[0], classes = call->in[0].dim[1];
    for (size_t r = 0; r < rows; r++, stats += 3) {
        for (size_t j = 0; j < classes; j++) {
            size_t i = r * classes + j;
            double d = ((double)stats[0] - z[i]) + stats[1], g = exp(-d);
            if (is_soft(call))
                g = g * stats[2] - soft[i];
            else if (target_of(call, r) < 0)
                g = 0;
            else if (target_of(call, r) == (int64_t)j)
                g = expm1(-d);
            dz[i] = (float)(factor * g);
        }
    }
}

static void bwd_args(const struct op_call *call, struct op_dispatch *d)
{
    struct cross_entropy_bwd_args args = {.width = call->in[0].dim[1]};
    OP_PUSH(d, args);
    if (call->op == &op_cross_entropy_bwd)
        op_dispatch_spec(d, 8, is_soft(call));
}

static const struct op_variant bwd_variants[] = {
    {.name = "cross_entropy_bwd", .bind = "z targets* soft stats* share* dloss* dz", .args = bwd_args},
    {0},
};

/* dloss is the number of rows: gradients of unit size, as the tolerance wants them. */
static void bwd_prepare(struct op_call *call, struct base_rng *rng)
{
    uint32_t dloss = call->op == &op_cross_entropy_bwd ? 5 : 3;
    *(float *)call->in_data[dloss] = (float)call->in[0].dim[0] * (0.5f + (float)base_rng_uniform(rng));
}

const struct op_desc op_cross_entropy_bwd = {
    .name = "cross_entropy_bwd",
    .signature = "z[N,C] targets?:i32[N] soft?[N,C] stats[N,3] share[1] dloss[1] -> dz[N,C]",
    .summary = "the gradient of cross_entropy: dloss share (softmax(z) weight - target)",
    .forward = {&op_cross_entropy},
    .shapes = shapes,
    .reference = bwd_reference,
    .variants = bwd_variants,
    /* probabilities at distance d err by 3 + 2d units of exp and by d's rounding: 2e-5 of what is vanishing at d = 88
     */
    .tolerance = {.abs = 1e-6, .rel = 2e-5, .nmse = 1e-11},
    .flops_per_element = 5,
    .prepare = bwd_prepare,
};

/* ---- cross_entropy_bwd_q ----------------------------------------------------------------------------------------- */

static void q_reference(const struct op_call *call)
{
    const float *z = call->in_data[0], *stats = call->in_data[1];
    float *dq = call->out_data[0];
    double factor = (double)*(const float *)call->in_data[2] * *(const float *)call->in_data[3];
    uint64_t count = tensor_shape_count(&call->in[0]);
    for (uint64_t i = 0; i < count; i++) {
        const float *row = stats + i / call->in[0].dim[1] * 3;
        dq[i] = (float)(factor * (((double)row[0] - z[i]) + row[1]));
    }
}

static const struct op_variant q_variants[] = {
    {.name = "cross_entropy_bwd_q", .bind = "z stats* share* dloss* dq", .args = bwd_args},
    {0},
};

const struct op_desc op_cross_entropy_bwd_q = {
    .name = "cross_entropy_bwd_q",
    .signature = "z[N,C] stats[N,3] share[1] dloss[1] -> dq[N,C]",
    .summary = "the gradient of cross_entropy's soft targets: -dloss share ln softmax(z)",
    .forward = {&op_cross_entropy},
    .reference = q_reference,
    .variants = q_variants,
    .tolerance = {.abs = 1e-7, .rel = 4e-7, .nmse = 1e-12}, /* four roundings */
    .flops_per_element = 3,
    .prepare = bwd_prepare,
};
