/* infonce_bwd.c: gradient of infonce.c from the saved lse of rows and columns. With P the softmaxes and
 * G_ij = dloss / (2 sum w) (w_i (Pr_ij - Qr_ij) + w_j (Pc_ij - Qc_ij)): dA = exp(q) G, dq = sum of G Z.
 * [N,N] tensors are each bound whole, as there. */
#include "op/infonce.h"

#include <math.h>

enum { SCORES, SCALE, ROW_LSE, COL_LSE, DLOSS, ROW_TARGETS, COL_TARGETS, WEIGHTS };

static enum mien_status shapes(struct op_call *call, const char *label)
{
    struct tensor_shape line = SHAPE_F32(call->in[0].dim[0]), scalar = SHAPE_F32(1);
    enum mien_status status = infonce_check(call, label, ROW_TARGETS, WEIGHTS);
    if (status != MIEN_OK)
        return status;
    for (uint32_t i = ROW_LSE; i <= COL_LSE; i++) {
        if (!tensor_shape_equal(&call->in[i], &line))
            return op_shape_error(call, label, i, "row_lse[N] and col_lse[N] of the forward pass");
    }
    if (!tensor_shape_equal(&call->in[DLOSS], &scalar))
        return op_shape_error(call, label, DLOSS, "dloss[1]");
    call->out[0] = call->in[0];
    call->out[1] = scalar;
    call->out_count = 2;
    return MIEN_OK;
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

/* w (P - Q) of a line; adds to *dq what it gives there: rows of P - Q sum to 0, so Z may be relative to the own one. */
static double line_gradient(const struct infonce_scores *scores, bool column, uint32_t anchor, uint32_t candidate,
                            double lse, double *dq)
{
    double w = infonce_weight(scores, anchor);
    if (anchor == candidate)
        return w * (expm1(-lse) + infonce_rest(scores, column, anchor));
    double q = infonce_target(scores, column, anchor, candidate), z = infonce_z(scores, column, anchor, candidate);
    double g = q < 0 ? 0 : w * (exp(z - lse) - q);
    *dq += g * z;
    return g;
}

static void reference(const struct op_call *call)
{
    struct infonce_scores scores = scores_of(call);
    const float *row_lse = call->in_data[ROW_LSE], *col_lse = call->in_data[COL_LSE];
    float *da = call->out_data[0];
    double weights = infonce_weight_sum(&scores), dq = 0;
    double scale = weights > 0 ? (double)*(const float *)call->in_data[DLOSS] / (2 * weights) : 0;
    for (uint32_t i = 0; i < scores.n; i++) {
        for (uint32_t j = 0; j < scores.n; j++) {
            double g = line_gradient(&scores, false, i, j, row_lse[i], &dq);
            g += line_gradient(&scores, true, j, i, col_lse[j], &dq);
            da[(size_t)i * scores.n + j] = (float)(scores.s * scale * g);
        }
    }
    *(float *)call->out_data[1] = (float)(scale * dq);
}

/* ---- plan -------------------------------------------------------------------------------------------------------- */

static void bind_identity(struct op_dispatch *d)
{
    for (uint32_t i = 0; i < 5; i++)
        op_dispatch_bind(d, OP_IN, i, OP_READ);
}

/* What the kernel reads of each pair (scratch 1) and of all (scratch 2), then the kernel itself. */
static struct op_dispatch *add_given(const struct vk_caps *caps, const struct op_call *call,
                                     const struct infonce_args *args, struct op_plan *plan)
{
    bool weights = call->in[WEIGHTS].rank != 0;
    plan->scratch[1] = (uint64_t)args->n * 16;
    plan->scratch[2] = 8;
    struct op_dispatch *d = infonce_add(caps, "infonce_bwd_lines", args, args->n, plan);
    if (!d)
        return NULL;
    op_dispatch_bind(d, OP_IN, SCORES, OP_READ);
    infonce_bind_optional(d, call, WEIGHTS, SCALE);
    op_dispatch_bind(d, OP_IN, ROW_LSE, OP_READ);
    op_dispatch_bind(d, OP_IN, COL_LSE, OP_READ);
    op_dispatch_bind(d, OP_SCRATCH, 1, OP_WRITE);
    op_dispatch_spec(d, 8, weights);
    d = infonce_add(caps, "infonce_bwd_scale", args, 0, plan);
    if (!d)
        return NULL;
    op_dispatch_bind(d, OP_IN, SCALE, OP_READ);
    op_dispatch_bind(d, OP_IN, DLOSS, OP_READ);
    infonce_bind_optional(d, call, WEIGHTS, SCALE);
    op_dispatch_bind(d, OP_SCRATCH, 2, OP_WRITE);
    op_dispatch_spec(d, 8, weights);
    d = infonce_add(caps, "infonce_bwd_given", args, args->count, plan);
    if (!d)
        return NULL;
    op_dispatch_bind(d, OP_IN, SCORES, OP_READ);
    op_dispatch_bind(d, OP_SCRATCH, 1, OP_READ);
    op_dispatch_bind(d, OP_SCRATCH, 2, OP_READ);
    infonce_bind_optional(d, call, ROW_TARGETS, SCORES);
    infonce_bind_optional(d, call, COL_TARGETS, SCORES);
    op_dispatch_spec(d, 8, call->in[ROW_TARGETS].rank != 0);
    op_dispatch_spec(d, 9, call->in[COL_TARGETS].rank != 0);
    return d;
}

static enum mien_status plan_bwd(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    enum mien_status status = MIEN_OK;
    bool given = call->in[ROW_TARGETS].rank || call->in[COL_TARGETS].rank || call->in[WEIGHTS].rank;
    struct infonce_args args = infonce_sizes(caps, call->in[0].dim[0]);
    args.count = (uint32_t)base_div_up(args.n, args.slice_rows) * args.n;
    plan->scratch[0] = (uint64_t)args.count * 4;
    struct op_dispatch *d =
        given ? add_given(caps, call, &args, plan) : infonce_add(caps, "infonce_bwd", &args, args.count, plan);
    FAIL_IF_NULL(d, "a plan");
    if (!given)
        bind_identity(d);
    op_dispatch_bind(d, OP_OUT, 0, OP_WRITE);
    op_dispatch_bind(d, OP_SCRATCH, 0, OP_WRITE);
    d = infonce_add(caps, "infonce_bwd_q", &args, 0, plan);
    FAIL_IF_NULL(d, "a plan");
    op_dispatch_bind(d, OP_SCRATCH, 0, OP_READ);
    op_dispatch_bind(d, OP_OUT, 1, OP_WRITE);
fail:
    return status;
}

/* ---- tests ------------------------------------------------------------------------------------------------------- */

static void prepare(struct op_call *call, struct base_rng *rng)
{
    float loss;
    infonce_fill(call, rng, ROW_TARGETS, WEIGHTS);
    struct infonce_scores scores = scores_of(call);
    infonce_forward(&scores, call->in_data[ROW_LSE], call->in_data[COL_LSE], &loss);
    *(float *)call->in_data[DLOSS] = 0.5f + (float)base_rng_uniform(rng);
}

static double flops(const struct op_call *call)
{
    return 8.0 * (double)tensor_shape_count(&call->in[0]);
}

static double bytes(const struct op_call *call)
{
    return 2.0 * (double)tensor_shape_bytes(&call->in[0]);
}

static const struct op_variant variants[] = {{.name = "infonce_bwd", .plan = plan_bwd}, {0}};

static const struct op_case cases[] = {
    {.name = "1", .in = {{1, 1}, {1}, {1}, {1}, {1}}},
    {.name = "2", .in = {{2, 2}, {1}, {2}, {2}, {1}}},
    {.name = "33", .in = {{33, 33}, {1}, {33}, {33}, {1}}},
    {.name = "64", .in = {{64, 64}, {1}, {64}, {64}, {1}}, .bench = true},
    {.name = "127", .in = {{127, 127}, {1}, {127}, {127}, {1}}},
    {.name = "513", .in = {{513, 513}, {1}, {513}, {513}, {1}}},
    {.name = "1024", .in = {{1024, 1024}, {1}, {1024}, {1024}, {1}}, .bench = true},
    {.name = "4096", .in = {{4096, 4096}, {1}, {4096}, {4096}, {1}}, .bench = true, .slow = true},
    {.name = "given_5", .in = {{5, 5}, {1}, {5}, {5}, {1}, {5, 5}, {5, 5}, {5}}},
    {.name = "rows_33", .in = {{33, 33}, {1}, {33}, {33}, {1}, {33, 33}}},
    {.name = "columns_33", .in = {{33, 33}, {1}, {33}, {33}, {1}, {0}, {33, 33}}},
    {.name = "weights_127", .in = {{127, 127}, {1}, {127}, {127}, {1}, {0}, {0}, {127}}},
    {.name = "given_127", .in = {{127, 127}, {1}, {127}, {127}, {1}, {127, 127}, {127, 127}, {127}}},
    {.name = "targets_513", .in = {{513, 513}, {1}, {513}, {513}, {1}, {513, 513}, {513, 513}}},
    {.name = "given_1024",
     .in = {{1024, 1024}, {1}, {1024}, {1024}, {1}, {1024, 1024}, {1024, 1024}, {1024}},
     .bench = true},
    {.name = "given_4096",
     .in = {{4096, 4096}, {1}, {4096}, {4096}, {1}, {4096, 4096}, {4096, 4096}, {4096}},
     .bench = true,
     .slow = true},
    {0},
};

const struct op_desc op_infonce_bwd = {
    .name = "infonce_bwd",
    .summary = "dA[N,N] = exp(q) G, dq[1] = sum of G Z, G = dloss (row softmax - targets + column softmax - targets) / "
               "2N, from A, q, row_lse, col_lse, dloss and optional targets and weights",
    .in_count = 8,
    .out_count = 2,
    .optional = 1u << ROW_TARGETS | 1u << COL_TARGETS | 1u << WEIGHTS,
    .shapes = shapes,
    .reference = reference,
    .no_grad = "a gradient itself; second derivatives are not used",
    .variants = variants,
    .cases = cases,
    .fill = {OP_FILL_PREPARE, OP_FILL_PREPARE, OP_FILL_PREPARE, OP_FILL_PREPARE, OP_FILL_PREPARE, OP_FILL_PREPARE,
             OP_FILL_PREPARE, OP_FILL_PREPARE},
    .prepare = prepare,
    /* softmax values carry their exponents' absolute error, up to 100 * 6e-8 * 2, as a relative one */
    .tolerance = {.abs = 2e-6, .rel = 3e-5, .nmse = 1e-10},
    .flops = flops,
    .bytes = bytes,
};
