/* infonce.c: symmetric InfoNCE on a given score matrix, with a learnable temperature. Z = exp(q) A.
 * Row i is an anchor and its candidates are the columns: lse_i = logsumexp_j Z_ij, loss_i = lse_i - sum_j Qr_ij Z_ij;
 * columns likewise with Qc [N,N], whose columns are targets. loss = sum_i w_i (row's + column's) / (2 sum w).
 * Absent targets are the identity, absent weights 1. A target's line sums to 1; below 0 it leaves the candidate out of
 * the denominator (never the anchor itself). A pair of weight 0 is left out altogether: the loss is that of the batch
 * without it. Targets and weights count as constants.
 * Everything is kept relative to the diagonal: a trained model's losses are small differences of large numbers, and
 * fp32 would lose them in Z and its logsumexp. With the identity given as targets and weights of 1 the bits are those
 * without. A and the targets are each bound whole, 64 MiB at the most N, 4,096; beyond it: infonce_stream.c. */
#include "op/infonce.h"

#include <math.h>

enum { MOST_ROWS = 4096 };
enum { SCORES, SCALE, ROW_TARGETS, COL_TARGETS, WEIGHTS };

enum mien_status infonce_check(const struct op_call *call, const char *label, uint32_t targets, uint32_t weights)
{
    const struct tensor_shape *a = &call->in[0], scalar = SHAPE_F32(1), line = SHAPE_F32(a->dim[0]);
    if (a->rank != 2 || a->dim[0] != a->dim[1] || a->dim[0] > MOST_ROWS)
        return op_shape_error(call, label, 0, "scores A[N,N], N at most 4096");
    if (!tensor_shape_equal(&call->in[1], &scalar))
        return op_shape_error(call, label, 1, "the logarithm of the scale, q[1]");
    for (uint32_t i = targets; i < targets + 2; i++) {
        if (call->in[i].rank && !tensor_shape_equal(&call->in[i], a))
            return op_shape_error(call, label, i, "targets [N,N], like the scores");
    }
    if (call->in[weights].rank && !tensor_shape_equal(&call->in[weights], &line))
        return op_shape_error(call, label, weights, "weights of the pairs, w[N]");
    return MIEN_OK;
}

static enum mien_status shapes(struct op_call *call, const char *label)
{
    enum mien_status status = infonce_check(call, label, ROW_TARGETS, WEIGHTS);
    if (status != MIEN_OK)
        return status;
    call->out[0] = SHAPE_F32(1);
    call->out[1] = call->out[2] = SHAPE_F32(call->in[0].dim[0]);
    call->out_count = 3;
    return MIEN_OK;
}

/* ---- reference --------------------------------------------------------------------------------------------------- */

double infonce_weight(const struct infonce_scores *scores, uint32_t pair)
{
    return scores->w ? fmax((double)scores->w[pair], 0) : 1;
}

double infonce_weight_sum(const struct infonce_scores *scores)
{
    double sum = 0;
    for (uint32_t i = 0; i < scores->n; i++)
        sum += infonce_weight(scores, i);
    return sum;
}

static size_t place(const struct infonce_scores *scores, bool column, uint32_t anchor, uint32_t candidate)
{
    return column ? (size_t)candidate * scores->n + anchor : (size_t)anchor * scores->n + candidate;
}

double infonce_target(const struct infonce_scores *scores, bool column, uint32_t anchor, uint32_t candidate)
{
    const float *targets = column ? scores->qc : scores->qr;
    if (infonce_weight(scores, candidate) == 0)
        return -1;
    return targets ? (double)targets[place(scores, column, anchor, candidate)] : 0;
}

double infonce_rest(const struct infonce_scores *scores, bool column, uint32_t anchor)
{
    const float *targets = column ? scores->qc : scores->qr;
    return targets ? 1 - (double)targets[place(scores, column, anchor, anchor)] : 0;
}

double infonce_z(const struct infonce_scores *scores, bool column, uint32_t anchor, uint32_t candidate)
{
    double own = scores->a[place(scores, column, anchor, anchor)];
    return scores->s * (scores->a[place(scores, column, anchor, candidate)] - own);
}

/* The line's lse relative to its own element; *aim = sum of q z. */
static double line_lse(const struct infonce_scores *scores, bool column, uint32_t anchor, double *aim)
{
    double top = 0, total = 0;
    *aim = 0;
    for (uint32_t j = 0; j < scores->n; j++) {
        double q = j != anchor ? infonce_target(scores, column, anchor, j) : -1;
        double z = q >= 0 ? infonce_z(scores, column, anchor, j) : 0, peak = fmax(top, z);
        if (q < 0)
            continue;
        *aim += q * z;
        total = total * exp(top - peak) + exp(z - peak);
        top = peak;
    }
    return top > 0 ? top + log(exp(-top) + total) : log1p(total);
}

void infonce_forward(const struct infonce_scores *scores, float *row_lse, float *col_lse, float *loss)
{
    double sum = 0, weights = infonce_weight_sum(scores), aim[2];
    for (uint32_t i = 0; i < scores->n; i++) {
        double row = line_lse(scores, false, i, &aim[0]), col = line_lse(scores, true, i, &aim[1]);
        row_lse[i] = (float)row;
        col_lse[i] = (float)col;
        sum += infonce_weight(scores, i) * (row - aim[0] + (col - aim[1]));
    }
    *loss = weights > 0 ? (float)(sum / (2 * weights)) : 0;
}

static struct infonce_scores scores_of(const struct op_call *call)
{
    return (struct infonce_scores){.n = call->in[0].dim[0],
                                   .s = exp((double)*(const float *)call->in_data[SCALE]),
                                   .a = call->in_data[SCORES],
                                   .qr = call->in_data[ROW_TARGETS],
                                   .qc = call->in_data[COL_TARGETS],
                                   .w = call->in_data[WEIGHTS]};
}

static void reference(const struct op_call *call)
{
    struct infonce_scores scores = scores_of(call);
    infonce_forward(&scores, call->out_data[1], call->out_data[2], call->out_data[0]);
}

static op_value input(const struct op_use *use, uint32_t i)
{
    return i < use->in_count ? use->in[i] : OP_NONE;
}

static void grad(struct op_recorder *recorder, const struct op_use *use, op_value *din)
{
    const op_value in[] = {
        use->in[SCORES],         use->in[SCALE],          use->out[1],        use->out[2], use->dout[0],
        input(use, ROW_TARGETS), input(use, COL_TARGETS), input(use, WEIGHTS)};
    op_value out[OP_MAX_OUT] = {OP_NONE, OP_NONE, OP_NONE, OP_NONE};
    if (use->dout[0] != OP_NONE)
        recorder->record(recorder, &op_infonce_bwd, use->attr, in, BASE_COUNT(in), out);
    din[SCORES] = out[0];
    din[SCALE] = out[1];
}

/* ---- plans ------------------------------------------------------------------------------------------------------- */

struct op_dispatch *infonce_add(const struct vk_caps *caps, const char *shader, const struct infonce_args *args,
                                uint64_t count, struct op_plan *plan)
{
    uint32_t local = caps->class_ == VK_CLASS_SOFTWARE ? 8 : 64;
    struct op_dispatch *d = op_plan_add(plan);
    if (!d)
        return NULL;
    d->shader = shader;
    op_dispatch_spec(d, 0, local);
    op_dispatch_push(d, args, sizeof(*args));
    op_dispatch_groups_1d(d, caps, count ? base_div_up(count, local) : 1);
    return d;
}

void infonce_bind_optional(struct op_dispatch *d, const struct op_call *call, uint32_t input, uint32_t instead)
{
    op_dispatch_bind(d, OP_IN, call->in[input].rank ? input : instead, OP_READ);
}

/* How many partial sums share a line. On a GPU neighbours read a row side by side; columns are side by side anyway and
 * are cut to keep it busy, on a software driver to stay within the pages that its caches hold. */
struct infonce_args infonce_sizes(const struct vk_caps *caps, uint32_t n)
{
    bool software = caps->class_ == VK_CLASS_SOFTWARE;
    return (struct infonce_args){.n = n,
                                 .rows = n,
                                 .row_slices = software ? 1 : BASE_MIN(32, (n + 7) / 8),
                                 .col_slices = (n + 63) / 64,
                                 .slice_rows = n > 1024 ? n / 32 : 32};
}

/* The rows' (scratch 0) or columns' (scratch 1) partial sums. */
static enum mien_status add_parts(const struct vk_caps *caps, const struct op_call *call, struct infonce_args args,
                                  bool column, bool given, struct op_plan *plan)
{
    uint32_t slices = column ? args.col_slices : args.row_slices, targets = column ? COL_TARGETS : ROW_TARGETS;
    const char *shader = given ? "infonce_fwd_part_given" : "infonce_fwd_part";
    args.by_column = column;
    struct op_dispatch *d = infonce_add(caps, shader, &args, (uint64_t)args.n * slices, plan);
    if (!d)
        return MIEN_ERR_NOMEM;
    op_dispatch_bind(d, OP_IN, SCORES, OP_READ);
    op_dispatch_bind(d, OP_IN, SCALE, OP_READ);
    if (given) {
        infonce_bind_optional(d, call, targets, SCORES);
        infonce_bind_optional(d, call, WEIGHTS, SCALE);
        op_dispatch_spec(d, 8, call->in[targets].rank != 0);
        op_dispatch_spec(d, 9, call->in[WEIGHTS].rank != 0);
    }
    op_dispatch_bind(d, OP_SCRATCH, column, OP_WRITE);
    plan->scratch[column] = (uint64_t)slices * args.n * (given ? 16 : 8);
    return MIEN_OK;
}

static enum mien_status plan_fwd(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    enum mien_status status = MIEN_OK;
    bool given = call->in[ROW_TARGETS].rank || call->in[COL_TARGETS].rank || call->in[WEIGHTS].rank;
    struct infonce_args args = infonce_sizes(caps, call->in[0].dim[0]);
    TRY(add_parts(caps, call, args, false, given, plan));
    TRY(add_parts(caps, call, args, true, given, plan));
    struct op_dispatch *d =
        infonce_add(caps, given ? "infonce_fwd_join_given" : "infonce_fwd_join", &args, 2 * (uint64_t)args.n, plan);
    FAIL_IF_NULL(d, "a plan");
    op_dispatch_bind(d, OP_SCRATCH, 0, OP_READ);
    op_dispatch_bind(d, OP_SCRATCH, 1, OP_READ);
    op_dispatch_bind(d, OP_OUT, 1, OP_WRITE);
    op_dispatch_bind(d, OP_OUT, 2, OP_WRITE);
    if (given) {
        op_dispatch_bind(d, OP_SCRATCH, 2, OP_WRITE);
        plan->scratch[2] = (uint64_t)args.n * 8;
    }
    d = infonce_add(caps, given ? "infonce_fwd_given" : "infonce_fwd", &args, 0, plan);
    FAIL_IF_NULL(d, "a plan");
    op_dispatch_bind(d, given ? OP_SCRATCH : OP_OUT, given ? 2 : 1, OP_READ);
    if (given) {
        infonce_bind_optional(d, call, WEIGHTS, SCALE);
        op_dispatch_spec(d, 8, call->in[WEIGHTS].rank != 0);
    } else {
        op_dispatch_bind(d, OP_OUT, 2, OP_READ);
    }
    op_dispatch_bind(d, OP_OUT, 0, OP_WRITE);
fail:
    return status;
}

/* ---- tests ------------------------------------------------------------------------------------------------------- */

/* Cosines: noise of width 0.2, the diagonal higher by up to 0.6 (some lines saturated, some wrong); exp(q) from 10 to
 * its upper bound 100, 1 for very small N, where finite differences want a curved loss. */
static void fill_scores(struct op_call *call, struct base_rng *rng)
{
    uint32_t n = call->in[0].dim[0];
    float *a = call->in_data[0], *q = call->in_data[1];
    for (size_t i = 0; i < (size_t)n * n; i++) {
        double value = 0.2 * base_rng_normal(rng) + (i % (n + 1) == 0 ? 0.6 * base_rng_uniform(rng) : 0);
        a[i] = (float)fmin(fmax(value, -1), 1);
    }
    q[0] = n < 8 ? 0.2f : (float)(2.3 + 2.3 * base_rng_uniform(rng));
}

/* Lines of some eighths that sum to 1, with one candidate in 16 left out; none at a pair of weight 0. */
static void fill_targets(float *targets, uint32_t n, bool column, const float *w, struct base_rng *rng)
{
    for (uint32_t i = 0; i < n; i++) {
        float own = 1;
        for (uint32_t j = 0; j < n; j++) {
            float *q = &targets[column ? (size_t)j * n + i : (size_t)i * n + j];
            uint32_t draw = base_rng_below(rng, BASE_MAX(n, 16));
            bool positive = draw % 16 < 4 && draw < 16 && own > 0.25f && !(w && w[j] <= 0);
            *q = positive ? 0.125f : draw % 16 == 5 ? -1 : 0;
            own -= positive && i != j ? 0.125f : 0;
        }
        targets[(size_t)i * n + i] = own;
    }
}

void infonce_fill(struct op_call *call, struct base_rng *rng, uint32_t targets, uint32_t weights)
{
    uint32_t n = call->in[0].dim[0];
    float *w = call->in_data[weights];
    fill_scores(call, rng);
    for (uint32_t i = 0; w && i < n; i++)
        w[i] = i == n / 2 ? 1 : 0.5f * (float)base_rng_below(rng, 4);
    for (uint32_t t = 0; t < 2; t++) {
        if (call->in_data[targets + t])
            fill_targets(call->in_data[targets + t], n, t == 1, w, rng);
    }
}

static void prepare(struct op_call *call, struct base_rng *rng)
{
    infonce_fill(call, rng, ROW_TARGETS, WEIGHTS);
}

static double flops(const struct op_call *call)
{
    return 8.0 * (double)tensor_shape_count(&call->in[0]);
}

static double bytes(const struct op_call *call)
{
    return 2.0 * (double)tensor_shape_bytes(&call->in[0]);
}

static const struct op_variant variants[] = {{.name = "infonce_fwd", .plan = plan_fwd}, {0}};

static const struct op_case cases[] = {
    {.name = "1", .in = {{1, 1}, {1}}},
    {.name = "2", .in = {{2, 2}, {1}}, .grad = true},
    {.name = "5", .in = {{5, 5}, {1}}, .grad = true},
    {.name = "33", .in = {{33, 33}, {1}}},
    {.name = "64", .in = {{64, 64}, {1}}, .bench = true},
    {.name = "127", .in = {{127, 127}, {1}}},
    {.name = "513", .in = {{513, 513}, {1}}},
    {.name = "1024", .in = {{1024, 1024}, {1}}, .bench = true},
    {.name = "4096", .in = {{4096, 4096}, {1}}, .bench = true, .slow = true},
    {.name = "given_1", .in = {{1, 1}, {1}, {1, 1}, {1, 1}, {1}}},
    {.name = "given_5", .in = {{5, 5}, {1}, {5, 5}, {5, 5}, {5}}, .grad = true},
    {.name = "rows_7", .in = {{7, 7}, {1}, {7, 7}}, .grad = true},
    {.name = "columns_6", .in = {{6, 6}, {1}, {0}, {6, 6}}, .grad = true},
    {.name = "weights_7", .in = {{7, 7}, {1}, {0}, {0}, {7}}, .grad = true},
    {.name = "weights_127", .in = {{127, 127}, {1}, {0}, {0}, {127}}},
    {.name = "given_127", .in = {{127, 127}, {1}, {127, 127}, {127, 127}, {127}}},
    {.name = "targets_513", .in = {{513, 513}, {1}, {513, 513}, {513, 513}}},
    {.name = "given_1024", .in = {{1024, 1024}, {1}, {1024, 1024}, {1024, 1024}, {1024}}, .bench = true},
    {.name = "given_4096", .in = {{4096, 4096}, {1}, {4096, 4096}, {4096, 4096}, {4096}}, .bench = true, .slow = true},
    {0},
};

const struct op_desc op_infonce = {
    .name = "infonce",
    .summary = "loss[1] = mean over rows and columns of logsumexp(Z) - sum of target Z, Z = exp(q[1]) A[N,N]; optional "
               "row and column targets [N,N] and weights w[N]; also row_lse[N], col_lse[N] relative to the diagonal; "
               "N at most 4096",
    .in_count = 5,
    .out_count = 3,
    .optional = 1u << ROW_TARGETS | 1u << COL_TARGETS | 1u << WEIGHTS,
    .constants = 1u << ROW_TARGETS | 1u << COL_TARGETS | 1u << WEIGHTS,
    .aux_outputs = 1u << 1 | 1u << 2,
    .shapes = shapes,
    .reference = reference,
    .grad = grad,
    .variants = variants,
    .cases = cases,
    .fill = {OP_FILL_PREPARE, OP_FILL_PREPARE, OP_FILL_PREPARE, OP_FILL_PREPARE, OP_FILL_PREPARE},
    .prepare = prepare,
    /* exp(q) (a_ij - a_ii) up to 100 in fp32: 100 * 6e-8 * 2 absolute; sums and logarithms add less */
    .tolerance = {.abs = 2e-5, .rel = 1e-5, .nmse = 1e-11},
    .flops = flops,
    .bytes = bytes,
};
