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

static enum mien_status check_inputs(const struct op_call *call, const char *label)
{
    const struct tensor_shape *z = &call->in[0];
    if (z->rank != 2 || z->dim[0] > MOST_ROWS)
        return op_shape_error(call, label, 0, "logits[N,C], N at most 2,097,152");
    if (!is_soft(call) && (call->in[1].rank != 1 || call->in[1].dim[0] != z->dim[0]))
        return op_shape_error(call, label, 1, "targets[N], or absent with soft targets");
    if (is_soft(call) && (call->in[1].rank || !tensor_shape_equal(&call->in[2], z)))
        return op_shape_error(call, label, 2, "soft targets[N,C], or absent with targets[N]");
    return MIEN_OK;
}

/* ---- cross_entropy: logits[N,C], targets[N] or soft[N,C] -> loss[1], stats[N,3], share[1] ------------------------ */

static enum mien_status shapes(struct op_call *call, const char *label)
{
    enum mien_status status = check_inputs(call, label);
    if (status != MIEN_OK)
        return status;
    call->out[0] = call->out[2] = SHAPE_F32(1);
    call->out[1] = SHAPE_F32(call->in[0].dim[0], 3);
    call->out_count = 3;
    return MIEN_OK;
}

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
    op_value z = use->in[0], hard = use->in[1], soft = use->in_count > 2 ? use->in[2] : OP_NONE;
    op_value stats = use->out[1], share = use->out[2], dloss = use->dout[0];
    if (dloss == OP_NONE)
        return;
    if (use->wants[0])
        din[0] = OP_RECORD(recorder, &op_cross_entropy_bwd, NULL, z, hard, soft, stats, share, dloss);
    if (soft != OP_NONE && use->wants[2])
        din[2] = OP_RECORD(recorder, &op_cross_entropy_bwd_q, NULL, z, stats, share, dloss);
}

static enum mien_status plan_as(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan,
                                const char *shader, enum op_row_tech tech)
{
    enum mien_status status = MIEN_OK;
    bool soft = is_soft(call);
    uint32_t width = call->in[0].dim[1];
    struct cross_entropy_args args = {.rows = call->in[0].dim[0], .width = width};
    const struct op_row_bind logits = {OP_IN, 0, OP_READ, width}, hard = {OP_IN, 1, OP_READ, 1};
    const struct op_row_bind bind[] = {logits,
                                       soft ? logits : hard,
                                       soft ? (struct op_row_bind){OP_IN, 2, OP_READ, width} : logits,
                                       {OP_SCRATCH, 0, OP_WRITE, 1},
                                       {OP_OUT, 1, OP_WRITE, 3}};
    plan->scratch[0] = args.rows * 4ull;
    TRY(op_plan_rows(plan, caps,
                     &(struct op_rows){.shader = shader,
                                       .tech = tech,
                                       .rows = args.rows,
                                       .bind = bind,
                                       .bind_count = BASE_COUNT(bind),
                                       .args = &args,
                                       .args_size = sizeof(args),
                                       .option = {soft},
                                       .option_count = 1}));
    struct op_dispatch *d = op_plan_add(plan);
    FAIL_IF_NULL(d, "a plan");
    d->shader = "cross_entropy_fwd_mean";
    op_dispatch_spec(d, 0, 64);
    op_dispatch_spec(d, 8, soft);
    op_dispatch_groups_1d(d, caps, 1);
    op_dispatch_bind(d, OP_SCRATCH, 0, OP_READ);
    op_dispatch_bind(d, OP_IN, soft ? 0 : 1, OP_READ);
    op_dispatch_bind(d, OP_OUT, 0, OP_WRITE);
    op_dispatch_bind(d, OP_OUT, 2, OP_WRITE);
    op_dispatch_push(d, &args, sizeof(args));
fail:
    return status;
}

static enum mien_status plan_sg(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    return plan_as(caps, call, plan, "cross_entropy_fwd_sg", OP_ROW_SUBGROUP);
}

static enum mien_status plan_row(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    return plan_as(caps, call, plan, "cross_entropy_fwd_row", OP_ROW_SERIAL);
}

static enum mien_status plan_group(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    return plan_as(caps, call, plan, "cross_entropy_fwd", OP_ROW_GROUP);
}

static const struct op_variant variants[] = {
    {.name = "cross_entropy_fwd_row", .fits = op_fits_serial, .plan = plan_row},
    {.name = "cross_entropy_fwd_sg", .needs = VK_CAP_SUBGROUP_ARITH, .fits = op_fits_subgroup, .plan = plan_sg},
    {.name = "cross_entropy_fwd", .plan = plan_group},
    {0},
};

static const struct op_case cases[] = {
    {.name = "1x1", .in = {{1, 1}, {1}}},
    {.name = "3x5", .in = {{3, 5}, {3}}, .grad = true},
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

static double flops(const struct op_call *call)
{
    return 6.0 * (double)tensor_shape_count(&call->in[0]);
}

const struct op_desc op_cross_entropy = {
    .name = "cross_entropy",
    .summary = "loss[1] = mean of -sum q ln softmax(z[N,C]), q one-hot of targets[N] (i32; rows with a negative one do "
               "not count) or soft[N,C]; also stats[N,3], share[1] of a row; 0 when no row counts",
    .in_count = 3,
    .out_count = 3,
    .optional = 1u << 1 | 1u << 2,
    .index_inputs = 1u << 1,
    .aux_outputs = 1u << 1 | 1u << 2,
    .shapes = shapes,
    .reference = reference,
    .grad = grad,
    .variants = variants,
    .cases = cases,
    .fill = {OP_FILL_NORMAL, OP_FILL_PREPARE, OP_FILL_PREPARE},
    .prepare = fill_targets,
    /* exponentials of 3 + 2|x| units, summed where they matter at |x| below 10; the loss is a mean over rows */
    .tolerance = {.abs = 1e-6, .rel = 4e-6, .nmse = 5e-12},
    .flops = flops,
};

/* ---- gradients ----------------------------------------------------------------------------------------------------
 */

static enum mien_status check_saved(const struct op_call *call, const char *label, uint32_t first)
{
    const struct tensor_shape stats = SHAPE_F32(call->in[0].dim[0], 3), scalar = SHAPE_F32(1);
    if (!tensor_shape_equal(&call->in[first], &stats))
        return op_shape_error(call, label, first, "stats[N,3] of the forward pass");
    for (uint32_t i = first + 1; i < first + 3; i++) {
        if (!tensor_shape_equal(&call->in[i], &scalar))
            return op_shape_error(call, label, i, "share[1] of the forward pass, then dloss[1]");
    }
    return MIEN_OK;
}

/* Elementwise over [N,C]; `bind` in the order of the shader's bindings. */
static enum mien_status plan_cells(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan,
                                   const char *shader, const struct op_row_bind *bind, uint32_t count, bool soft)
{
    struct cross_entropy_bwd_args args = {.width = call->in[0].dim[1]};
    return op_plan_rows(plan, caps,
                        &(struct op_rows){.shader = shader,
                                          .tech = OP_ROW_ELEMENT,
                                          .rows = tensor_shape_count(&call->in[0]),
                                          .bind = bind,
                                          .bind_count = count,
                                          .args = &args,
                                          .args_size = sizeof(args),
                                          .option = {soft},
                                          .option_count = soft});
}

static double bwd_flops(const struct op_call *call)
{
    return 5.0 * (double)tensor_shape_count(&call->in[0]);
}

/* ---- cross_entropy_bwd: logits, targets, soft, stats, share, dloss -> dz ----------------------------------------- */

static enum mien_status bwd_shapes(struct op_call *call, const char *label)
{
    enum mien_status status = check_inputs(call, label);
    if (status == MIEN_OK)
        status = check_saved(call, label, 3);
    call->out[0] = call->in[0];
    call->out_count = 1;
    return status;
}

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

static enum mien_status bwd_plan(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    bool soft = is_soft(call);
    const struct op_row_bind logits = {OP_IN, 0, OP_READ, 1}, hard = {OP_IN, 1, OP_READ, 0};
    const struct op_row_bind bind[] = {logits,
                                       soft ? logits : hard,
                                       soft ? (struct op_row_bind){OP_IN, 2, OP_READ, 1} : logits,
                                       {OP_IN, 3, OP_READ, 0},
                                       {OP_IN, 4, OP_READ, 0},
                                       {OP_IN, 5, OP_READ, 0},
                                       {OP_OUT, 0, OP_WRITE, 1}};
    return plan_cells(caps, call, plan, "cross_entropy_bwd", bind, BASE_COUNT(bind), soft);
}

static const struct op_variant bwd_variants[] = {{.name = "cross_entropy_bwd", .plan = bwd_plan}, {0}};

static const struct op_case bwd_cases[] = {
    {.name = "1x1", .in = {{1, 1}, {1}, {0}, {1, 3}, {1}, {1}}},
    {.name = "3x5", .in = {{3, 5}, {3}, {0}, {3, 3}, {1}, {1}}},
    {.name = "70x127", .in = {{70, 127}, {70}, {0}, {70, 3}, {1}, {1}}},
    {.name = "soft_70x127", .in = {{70, 127}, {0}, {70, 127}, {70, 3}, {1}, {1}}},
    {.name = "faces", .in = {{256, 8}, {256}, {0}, {256, 3}, {1}, {1}}, .bench = true},
    {.name = "scores", .in = {{256, 256}, {256}, {0}, {256, 3}, {1}, {1}}, .bench = true},
    {0},
};

/* dloss is the number of rows: gradients of unit size, as the tolerance wants them. */
static void bwd_prepare(struct op_call *call, struct base_rng *rng)
{
    fill_targets(call, rng);
    whole_loss(call, call->in_data[3], call->in_data[4]);
    *(float *)call->in_data[5] = (float)call->in[0].dim[0] * (0.5f + (float)base_rng_uniform(rng));
}

const struct op_desc op_cross_entropy_bwd = {
    .name = "cross_entropy_bwd",
    .summary = "dz[N,C] = dloss share (softmax(z) weight - target), from z, targets[N] or soft[N,C], stats[N,3] and "
               "share[1] of the forward pass, dloss[1]",
    .in_count = 6,
    .out_count = 1,
    .optional = 1u << 1 | 1u << 2,
    .index_inputs = 1u << 1,
    .shapes = bwd_shapes,
    .reference = bwd_reference,
    .no_grad = "a gradient itself; second derivatives are not used",
    .variants = bwd_variants,
    .cases = bwd_cases,
    .fill = {OP_FILL_NORMAL, OP_FILL_PREPARE, OP_FILL_PREPARE, OP_FILL_PREPARE, OP_FILL_PREPARE, OP_FILL_PREPARE},
    .prepare = bwd_prepare,
    /* probabilities at distance d err by 3 + 2d units of exp and by d's rounding: 2e-5 of what is vanishing at d = 88
     */
    .tolerance = {.abs = 1e-6, .rel = 2e-5, .nmse = 1e-11},
    .flops = bwd_flops,
};

/* ---- cross_entropy_bwd_q: logits, stats, share, dloss -> dq -------------------------------------------------------
 */

static enum mien_status q_shapes(struct op_call *call, const char *label)
{
    if (call->in[0].rank != 2)
        return op_shape_error(call, label, 0, "logits[N,C]");
    call->out[0] = call->in[0];
    call->out_count = 1;
    return check_saved(call, label, 1);
}

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

static enum mien_status q_plan(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    static const struct op_row_bind bind[] = {{OP_IN, 0, OP_READ, 1},
                                              {OP_IN, 1, OP_READ, 0},
                                              {OP_IN, 2, OP_READ, 0},
                                              {OP_IN, 3, OP_READ, 0},
                                              {OP_OUT, 0, OP_WRITE, 1}};
    return plan_cells(caps, call, plan, "cross_entropy_bwd_q", bind, BASE_COUNT(bind), false);
}

static const struct op_variant q_variants[] = {{.name = "cross_entropy_bwd_q", .plan = q_plan}, {0}};

static const struct op_case q_cases[] = {
    {.name = "1x1", .in = {{1, 1}, {1, 3}, {1}, {1}}},
    {.name = "70x127", .in = {{70, 127}, {70, 3}, {1}, {1}}},
    {.name = "faces", .in = {{256, 8}, {256, 3}, {1}, {1}}, .bench = true},
    {0},
};

static void q_prepare(struct op_call *call, struct base_rng *rng)
{
    float *stats = call->in_data[1];
    uint32_t rows = call->in[0].dim[0], classes = call->in[0].dim[1];
    for (uint32_t r = 0; r < rows; r++) {
        double top, rest;
        row_stats((const float *)call->in_data[0] + (size_t)r * classes, classes, &top, &rest);
        stats[3 * r] = (float)top;
        stats[3 * r + 1] = (float)rest;
        stats[3 * r + 2] = 1;
    }
    *(float *)call->in_data[2] = 1 / (float)rows;
    *(float *)call->in_data[3] = (float)rows * (0.5f + (float)base_rng_uniform(rng));
}

static double q_flops(const struct op_call *call)
{
    return 3.0 * (double)tensor_shape_count(&call->in[0]);
}

const struct op_desc op_cross_entropy_bwd_q = {
    .name = "cross_entropy_bwd_q",
    .summary =
        "dq[N,C] = -dloss share ln softmax(z): the gradient of cross_entropy's soft targets, from z, stats[N,3], "
        "share[1], dloss[1]",
    .in_count = 4,
    .out_count = 1,
    .shapes = q_shapes,
    .reference = q_reference,
    .no_grad = "a gradient itself; second derivatives are not used",
    .variants = q_variants,
    .cases = q_cases,
    .fill = {OP_FILL_NORMAL, OP_FILL_PREPARE, OP_FILL_PREPARE, OP_FILL_PREPARE},
    .prepare = q_prepare,
    .tolerance = {.abs = 1e-7, .rel = 4e-7, .nmse = 1e-12}, /* four roundings */
    .flops = q_flops,
};
