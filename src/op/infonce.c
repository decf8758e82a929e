/* infonce.c: symmetric InfoNCE on a given score matrix, identity targets, learnable temperature, and its gradient.
 * Z = exp(q) A; row_nll[i] = logsumexp_j Z_ij - Z_ii = -ln softmax(row i)[i], col_nll[j] likewise; loss = their mean.
 * Everything is kept relative to the diagonal: a trained model's losses are small differences of large numbers, and
 * fp32 would lose them in Z and its logsumexp. */
#include "args/infonce.h"
#include "op/op.h"

#include <math.h>

enum { MOST_ROWS = 4096 };

static enum mien_status check_scores(const struct op_call *call, const char *label)
{
    const struct tensor_shape *a = &call->in[0], scalar = SHAPE_F32(1);
    if (a->rank != 2 || a->dim[0] != a->dim[1] || a->dim[0] > MOST_ROWS)
        return op_shape_error(call, label, 0, "scores A[N,N], N at most 4096");
    if (!tensor_shape_equal(&call->in[1], &scalar))
        return op_shape_error(call, label, 1, "the logarithm of the scale, q[1]");
    return MIEN_OK;
}

/* ---- infonce: A[N,N], q[1] -> loss[1], row_nll[N], col_nll[N] --------------------------------------------------- */

static enum mien_status shapes(struct op_call *call, const char *label)
{
    enum mien_status status = check_scores(call, label);
    if (status != MIEN_OK)
        return status;
    call->out[0] = SHAPE_F32(1);
    call->out[1] = call->out[2] = SHAPE_F32(call->in[0].dim[0]);
    call->out_count = 3;
    return MIEN_OK;
}

/* -ln softmax of a line at its own element; `stride` 1 for rows, N for columns. */
static double line_nll(const float *line, uint32_t n, uint32_t stride, uint32_t own, double s)
{
    double top = 0, total = 0;
    for (uint32_t j = 0; j < n; j++)
        top = fmax(top, s * ((double)line[(size_t)j * stride] - line[(size_t)own * stride]));
    for (uint32_t j = 0; j < n; j++) {
        if (j != own)
            total += exp(s * ((double)line[(size_t)j * stride] - line[(size_t)own * stride]) - top);
    }
    return top > 0 ? top + log(exp(-top) + total) : log1p(total);
}

static void nll_reference(const float *a, uint32_t n, double s, float *row_nll, float *col_nll, double *loss)
{
    double sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        double row = line_nll(a + (size_t)i * n, n, 1, i, s), col = line_nll(a + i, n, n, i, s);
        row_nll[i] = (float)row;
        col_nll[i] = (float)col;
        sum += row + col;
    }
    *loss = sum / (2.0 * n);
}

static void reference(const struct op_call *call)
{
    double loss;
    nll_reference(call->in_data[0], call->in[0].dim[0], exp((double)*(const float *)call->in_data[1]),
                  call->out_data[1], call->out_data[2], &loss);
    *(float *)call->out_data[0] = (float)loss;
}

static void grad(struct op_recorder *recorder, const struct op_use *use, op_value *din)
{
    const op_value in[] = {use->in[0], use->in[1], use->out[1], use->out[2], use->dout[0]};
    op_value out[OP_MAX_OUT] = {OP_NONE, OP_NONE, OP_NONE, OP_NONE};
    if (use->dout[0] != OP_NONE)
        recorder->record(recorder, &op_infonce_bwd, use->attr, in, BASE_COUNT(in), out);
    din[0] = out[0];
    din[1] = out[1];
}

/* A dispatch over `count` invocations; count 0 = one workgroup that reduces. */
static struct op_dispatch *add(const struct vk_caps *caps, const char *shader, const struct infonce_args *args,
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

/* How many partial sums share a line. On a GPU neighbours read a row side by side; columns are side by side anyway and
 * are cut to keep it busy, on a software driver to stay within the pages that its caches hold. */
static struct infonce_args sizes_of(const struct vk_caps *caps, uint32_t n)
{
    bool software = caps->class_ == VK_CLASS_SOFTWARE;
    return (struct infonce_args){.n = n,
                                 .row_slices = software ? 1 : BASE_MIN(32, (n + 7) / 8),
                                 .col_slices = (n + 63) / 64,
                                 .slice_rows = n > 1024 ? n / 32 : 32};
}

static enum mien_status plan_fwd(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    enum mien_status status = MIEN_OK;
    struct infonce_args args = sizes_of(caps, call->in[0].dim[0]);
    for (args.by_column = 0; args.by_column < 2; args.by_column++) {
        uint32_t slices = args.by_column ? args.col_slices : args.row_slices;
        struct op_dispatch *part = add(caps, "infonce_fwd_part", &args, (uint64_t)args.n * slices, plan);
        FAIL_IF_NULL(part, "a plan");
        op_dispatch_bind(part, OP_IN, 0, OP_READ);
        op_dispatch_bind(part, OP_IN, 1, OP_READ);
        op_dispatch_bind(part, OP_SCRATCH, args.by_column, OP_WRITE);
        plan->scratch[args.by_column] = (uint64_t)slices * args.n * 8;
    }
    struct op_dispatch *d = add(caps, "infonce_fwd_join", &args, 2 * (uint64_t)args.n, plan);
    FAIL_IF_NULL(d, "a plan");
    op_dispatch_bind(d, OP_SCRATCH, 0, OP_READ);
    op_dispatch_bind(d, OP_SCRATCH, 1, OP_READ);
    op_dispatch_bind(d, OP_OUT, 1, OP_WRITE);
    op_dispatch_bind(d, OP_OUT, 2, OP_WRITE);
    d = add(caps, "infonce_fwd", &args, 0, plan);
    FAIL_IF_NULL(d, "a plan");
    op_dispatch_bind(d, OP_OUT, 1, OP_READ);
    op_dispatch_bind(d, OP_OUT, 2, OP_READ);
    op_dispatch_bind(d, OP_OUT, 0, OP_WRITE);
fail:
    return status;
}

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
    {0},
};

const struct op_desc op_infonce = {
    .name = "infonce",
    .summary =
        "loss[1] = mean over rows and columns of -ln softmax(exp(q[1]) A[N,N]) at the diagonal; also row_nll[N], "
        "col_nll[N], N at most 4096",
    .in_count = 2,
    .out_count = 3,
    .aux_outputs = 1u << 1 | 1u << 2,
    .shapes = shapes,
    .reference = reference,
    .grad = grad,
    .variants = variants,
    .cases = cases,
    .fill = {OP_FILL_PREPARE, OP_FILL_PREPARE},
    .prepare = fill_scores,
    /* exp(q) (a_ij - a_ii) up to 100 in fp32: 100 * 6e-8 * 2 absolute; sums and logarithms add less */
    .tolerance = {.abs = 2e-5, .rel = 1e-5, .nmse = 1e-11},
    .flops = flops,
    .bytes = bytes,
};

/* ---- infonce_bwd: A[N,N], q[1], row_nll[N], col_nll[N], dloss[1] -> dA[N,N], dq[1] ------------------------------- */

static enum mien_status shapes_bwd(struct op_call *call, const char *label)
{
    struct tensor_shape line = SHAPE_F32(call->in[0].dim[0]), scalar = SHAPE_F32(1);
    enum mien_status status = check_scores(call, label);
    if (status != MIEN_OK)
        return status;
    for (uint32_t i = 2; i < 4; i++) {
        if (!tensor_shape_equal(&call->in[i], &line))
            return op_shape_error(call, label, i, "row_nll[N] and col_nll[N] of the forward pass");
    }
    if (!tensor_shape_equal(&call->in[4], &scalar))
        return op_shape_error(call, label, 4, "dloss[1]");
    call->out[0] = call->in[0];
    call->out[1] = scalar;
    call->out_count = 2;
    return MIEN_OK;
}

/* dq = sum_ij G_ij Z_ij = sum_ij Pr_ij (Z_ij - Z_ii) + Pc_ij (Z_ij - Z_jj), over 2N: rows of Pr sum to 1. */
static void reference_bwd(const struct op_call *call)
{
    const float *a = call->in_data[0], *row_nll = call->in_data[2], *col_nll = call->in_data[3];
    float *da = call->out_data[0];
    size_t n = call->in[0].dim[0];
    double s = exp((double)*(const float *)call->in_data[1]), sum = 0;
    double scale = (double)*(const float *)call->in_data[4] / (2.0 * (double)n);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) {
            double score = a[i * n + j], of_row = s * (score - a[i * n + i]), of_col = s * (score - a[j * n + j]);
            double pr = exp(of_row - row_nll[i]), pc = exp(of_col - col_nll[j]);
            double g = i == j ? expm1(-(double)row_nll[i]) + expm1(-(double)col_nll[i]) : pr + pc;
            da[i * n + j] = (float)(s * scale * g);
            sum += pr * of_row + pc * of_col;
        }
    }
    *(float *)call->out_data[1] = (float)(scale * sum);
}

static enum mien_status plan_bwd(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    struct infonce_args args = sizes_of(caps, call->in[0].dim[0]);
    args.count = (uint32_t)base_div_up(args.n, args.slice_rows) * args.n;
    plan->scratch[0] = (uint64_t)args.count * 4;
    struct op_dispatch *d = add(caps, "infonce_bwd", &args, args.count, plan);
    if (!d)
        return MIEN_ERR_NOMEM;
    for (uint32_t i = 0; i < 5; i++)
        op_dispatch_bind(d, OP_IN, i, OP_READ);
    op_dispatch_bind(d, OP_OUT, 0, OP_WRITE);
    op_dispatch_bind(d, OP_SCRATCH, 0, OP_WRITE);
    d = add(caps, "infonce_bwd_q", &args, 0, plan);
    if (!d)
        return MIEN_ERR_NOMEM;
    op_dispatch_bind(d, OP_SCRATCH, 0, OP_READ);
    op_dispatch_bind(d, OP_OUT, 1, OP_WRITE);
    return MIEN_OK;
}

static void prepare_bwd(struct op_call *call, struct base_rng *rng)
{
    double loss;
    fill_scores(call, rng);
    nll_reference(call->in_data[0], call->in[0].dim[0], exp((double)*(float *)call->in_data[1]), call->in_data[2],
                  call->in_data[3], &loss);
    *(float *)call->in_data[4] = 0.5f + (float)base_rng_uniform(rng);
}

static const struct op_variant variants_bwd[] = {{.name = "infonce_bwd", .plan = plan_bwd}, {0}};

#define INPUTS(n)                                                                                                      \
    {                                                                                                                  \
        {n, n}, {1}, {n}, {n},                                                                                         \
        {                                                                                                              \
            1                                                                                                          \
        }                                                                                                              \
    }

static const struct op_case cases_bwd[] = {
    {.name = "1", .in = INPUTS(1)},
    {.name = "2", .in = INPUTS(2)},
    {.name = "33", .in = INPUTS(33)},
    {.name = "64", .in = INPUTS(64), .bench = true},
    {.name = "127", .in = INPUTS(127)},
    {.name = "513", .in = INPUTS(513)},
    {.name = "1024", .in = INPUTS(1024), .bench = true},
    {.name = "4096", .in = INPUTS(4096), .bench = true, .slow = true},
    {0},
};

const struct op_desc op_infonce_bwd = {
    .name = "infonce_bwd",
    .summary =
        "dA[N,N] = exp(q) G, dq[1] = sum of G Z, G = dloss (row softmax + column softmax - 2 I) / 2N, from A, q, "
        "row_nll, col_nll, dloss",
    .in_count = 5,
    .out_count = 2,
    .shapes = shapes_bwd,
    .reference = reference_bwd,
    .no_grad = "a gradient itself; second derivatives are not used",
    .variants = variants_bwd,
    .cases = cases_bwd,
    .fill = {OP_FILL_PREPARE, OP_FILL_PREPARE, OP_FILL_PREPARE, OP_FILL_PREPARE, OP_FILL_PREPARE},
    .prepare = prepare_bwd,
    /* softmax values carry their exponents' absolute error, up to 100 * 6e-8 * 2, as a relative one */
    .tolerance = {.abs = 2e-6, .rel = 3e-5, .nmse = 1e-10},
    .flops = flops,
    .bytes = bytes,
};
