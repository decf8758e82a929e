/* matmul.c: matrix product with an epilogue: y = act(A . B + bias) + residual, or (A . B + bias) * act'(slope). The
 * kernels' plans: matmul_plan.c. */
#include "op/matmul.h"
#include "op/activation.h"

#include <string.h>

/* All dims but the last, and the last. */
static uint32_t rows_of(const struct tensor_shape *shape)
{
    return (uint32_t)tensor_shape_rows(shape);
}

/* Whether leading dims fold into one matrix: one B for all rows of A, or a sum over all rows of both. */
static bool folds(const struct op_call *call)
{
    return call->attr.flatten || call->in[MATMUL_B].rank == 2;
}

struct matmul_size matmul_size_of(const struct op_call *call)
{
    const struct tensor_shape *a = &call->in[MATMUL_A], *b = &call->in[MATMUL_B];
    bool fold = folds(call);
    uint32_t a_rows = fold ? rows_of(a) : a->dim[a->rank - 2], a_width = tensor_shape_width(a);
    bool slope = call->in[MATMUL_SLOPE].rank != 0;
    uint32_t b_rows = fold ? rows_of(b) : b->dim[b->rank - 2], b_width = tensor_shape_width(b);
    return (struct matmul_size){
        .batch = fold ? 1 : a->dim[0],
        .m = call->attr.trans_a ? a_width : a_rows,
        .n = call->attr.trans_b ? b_rows : b_width,
        .k = call->attr.trans_a ? a_rows : a_width,
        .trans_a = call->attr.trans_a,
        .trans_b = call->attr.trans_b,
        .bias = call->in[MATMUL_BIAS].rank != 0,
        .residual = call->in[MATMUL_RESIDUAL].rank != 0,
        .slope = slope,
        .pre = call->attr.save_pre,
        .same_order = call->attr.same_order,
        .activation = call->attr.activation,
        .dtype_a = a->dtype,
        .dtype_b = b->dtype,
        .precision = call->attr.precision,
        .dtype_c = call->in[slope ? MATMUL_SLOPE : MATMUL_RESIDUAL].dtype,
        .dtype_y = call->attr.dtype,
    };
}

static bool shaped_as(const struct tensor_shape *shape, const struct tensor_shape *like)
{
    return shape->rank == like->rank && memcmp(shape->dim, like->dim, like->rank * sizeof(*like->dim)) == 0;
}

/* a, b [, bias[N]] [, residual like y] [, slope like y] -> y [, pre like y]. Ranks: A 2 to 4 with B 2 (A's leading dims
 * are rows), both 3 (one dim of batch), any with flatten (leading dims of both are rows, summed over). */
static enum mien_status shapes(struct op_call *call, const char *label)
{
    const struct op_attr *attr = &call->attr;
    const struct tensor_shape *a = &call->in[MATMUL_A], *b = &call->in[MATMUL_B];
    bool fold = folds(call);
    if (a->rank < 2)
        return op_shape_error(call, label, MATMUL_A, "of rank 2 at least");
    if (b->rank < 2)
        return op_shape_error(call, label, MATMUL_B, "of rank 2 at least");
    if (attr->flatten && (!attr->trans_a || attr->trans_b))
        return op_shape_error(call, label, MATMUL_A, "with trans_a and without trans_b when flatten is set");
    if (!fold && (a->rank != 3 || b->rank != 3 || a->dim[0] != b->dim[0]))
        return op_shape_error(call, label, MATMUL_B, "of rank 2, or of rank 3 with input 0's batch");
    if (fold && !attr->flatten && attr->trans_a && a->rank != 2)
        return op_shape_error(call, label, MATMUL_A, "of rank 2 when it is transposed and input 1 has rank 2");
    if (tensor_shape_rows(a) > UINT32_MAX || tensor_shape_rows(b) > UINT32_MAX)
        return op_shape_error(call, label, MATMUL_A, "of less than 2^32 rows");
    struct matmul_size size = matmul_size_of(call);
    if (size.k != (attr->trans_b ? tensor_shape_width(b) : fold ? rows_of(b) : b->dim[1]))
        return op_shape_error(call, label, MATMUL_B, "as long along k as input 0 (attr trans_a, trans_b)");
    struct tensor_shape bias = SHAPE_F32(size.n);
    if (size.bias && !tensor_shape_equal(&call->in[MATMUL_BIAS], &bias))
        return op_shape_error(call, label, MATMUL_BIAS, "bias[N], N the columns of the result");

    struct tensor_shape *y = &call->out[0];
    *y = SHAPE_F32(size.m, size.n);
    if (!attr->flatten && !attr->trans_a)
        *y = *a;
    else if (!fold)
        *y = SHAPE_F32(size.batch, size.m, size.n);
    y->dim[y->rank - 1] = size.n;
    if (size.residual && !shaped_as(&call->in[MATMUL_RESIDUAL], y))
        return op_shape_error(call, label, MATMUL_RESIDUAL, "shaped as the result");
    if (size.slope && (!shaped_as(&call->in[MATMUL_SLOPE], y) || size.residual || attr->save_pre))
        return op_shape_error(call, label, MATMUL_SLOPE, "shaped as the result, without residual and save_pre");
    call->out[1] = *y;
    call->out_count = attr->save_pre ? 2 : 1;
    return MIEN_OK;
}

enum { BLOCK = 64, LANES = 8 }; /* columns, and steps of k, at a time; independent sums in a dot product */

/* The reference's inner loops walk B along its memory and leave the compiler independent sums to make vectors of. */
static double dot(const float *a, const float *b, uint32_t count)
{
    double lane[LANES] = {0}, sum = 0;
    uint32_t k = 0;
    for (; k + LANES <= count; k += LANES)
        for (uint32_t l = 0; l < LANES; l++)
            lane[l] += (double)a[k + l] * b[k + l];
    for (; k < count; k++)
        sum += (double)a[k] * b[k];
    for (uint32_t l = 0; l < LANES; l++)
        sum += lane[l];
    return sum;
}

/* sum[j] = sum over k of op(A)[i,k] op(B)[k,first+j] for count <= BLOCK columns of one matrix of the batch. */
static void sum_columns(const struct matmul_size *s, const float *a, const float *b, uint32_t i, uint32_t first,
                        uint32_t count, double sum[BLOCK])
{
    memset(sum, 0, count * sizeof(*sum));
    for (uint64_t k = 0; k < s->k; k += BLOCK) {
        float run[BLOCK]; /* of A's row i */
        uint32_t steps = (uint32_t)BASE_MIN(BLOCK, s->k - k);
        for (uint32_t l = 0; l < steps; l++)
            run[l] = a[s->trans_a ? (k + l) * s->m + i : (uint64_t)i * s->k + k + l];
        for (uint32_t j = 0; s->trans_b && j < count; j++)
            sum[j] += dot(run, b + (uint64_t)(first + j) * s->k + k, steps);
        for (uint32_t l = 0; !s->trans_b && l < steps; l++) {
            const float *row = b + (k + l) * s->n + first;
            for (uint32_t j = 0; j < count; j++)
                sum[j] += (double)run[l] * row[j];
        }
    }
}

static void reference(const struct op_call *call)
{
    struct matmul_size s = matmul_size_of(call);
    const float *a = call->in_data[MATMUL_A], *b = call->in_data[MATMUL_B], *bias = call->in_data[MATMUL_BIAS];
    const float *residual = call->in_data[MATMUL_RESIDUAL];
    const float *slope = call->in_data[MATMUL_SLOPE];
    float *y = call->out_data[0], *pre = call->out_data[1];
    double sum[BLOCK];
    for (uint32_t z = 0; z < s.batch; z++, a += (uint64_t)s.m * s.k, b += (uint64_t)s.k * s.n) {
        for (uint32_t i = 0; i < s.m; i++) {
            for (uint32_t j = 0; j < s.n; j++) {
                uint64_t at = ((uint64_t)z * s.m + i) * s.n + j;
                if (j % BLOCK == 0)
                    sum_columns(&s, a, b, i, j, BASE_MIN(BLOCK, s.n - j), sum);
                double v = sum[j % BLOCK] + (s.bias ? (double)bias[j] : 0);
                if (s.pre)
                    pre[at] = (float)v;
                v = s.slope ? v * op_activation_slope(s.activation, slope[at]) : op_activation_value(s.activation, v);
                y[at] = (float)(v + (s.residual ? (double)residual[at] : 0));
            }
        }
    }
}

/* ---- gradient ---------------------------------------------------------------------------------------------------- */

/* The gradient of the value before the activation. */
static op_value grad_pre(struct op_recorder *recorder, const struct op_use *use)
{
    struct op_attr back = {.activation = use->attr->activation, .dtype = use->attr->dtype};
    if (use->attr->activation == OP_ACT_NONE)
        return use->dout[0];
    if (use->in[MATMUL_SLOPE] != OP_NONE)
        return OP_RECORD(recorder, &op_activation_bwd, &back, use->dout[0], use->in[MATMUL_SLOPE]);
    op_value pre = use->attr->save_pre ? use->out[1] : OP_NONE;
    if (pre == OP_NONE) { /* not saved: computed again */
        struct op_attr attr = *use->attr;
        attr.activation = OP_ACT_NONE;
        pre = OP_RECORD(recorder, &op_matmul, &attr, use->in[MATMUL_A], use->in[MATMUL_B], use->in[MATMUL_BIAS]);
    }
    return OP_RECORD(recorder, &op_activation_bwd, &back, use->dout[0], pre);
}

/* With g = the gradient of op(A) op(B): of op(A) it is g op(B)^T, of op(B) it is op(A)^T g; a transposed input gets the
 * transpose of that, by swapping the factors. */
static op_value grad_a(struct op_recorder *recorder, const struct op_use *use, op_value g)
{
    op_value b = use->in[MATMUL_B];
    bool ta = use->attr->trans_a, tb = use->attr->trans_b;
    struct op_attr attr = {.trans_a = ta && tb,
                           .trans_b = ta || !tb,
                           .precision = use->attr->precision,
                           .dtype = recorder->shape(recorder, use->in[MATMUL_A]).dtype};
    return ta ? OP_RECORD(recorder, &op_matmul, &attr, b, g) : OP_RECORD(recorder, &op_matmul, &attr, g, b);
}

static op_value grad_b(struct op_recorder *recorder, const struct op_use *use, op_value g)
{
    op_value a = use->in[MATMUL_A];
    bool ta = use->attr->trans_a, tb = use->attr->trans_b;
    struct op_attr attr = {.trans_a = tb || !ta,
                           .trans_b = tb && ta,
                           .precision = use->attr->precision,
                           .dtype = recorder->shape(recorder, use->in[MATMUL_B]).dtype};
    /* One B for all rows of an A of higher rank: its gradient sums over all of them. */
    bool shared = recorder->shape(recorder, a).rank > 2 && recorder->shape(recorder, use->in[MATMUL_B]).rank == 2;
    attr.flatten = shared && !use->attr->flatten;
    return tb ? OP_RECORD(recorder, &op_matmul, &attr, g, a) : OP_RECORD(recorder, &op_matmul, &attr, a, g);
}

static void grad(struct op_recorder *recorder, const struct op_use *use, op_value *din)
{
    bool bias = use->wants[MATMUL_BIAS];
    if (use->wants[MATMUL_RESIDUAL])
        din[MATMUL_RESIDUAL] = op_record_like(recorder, use->dout[0], use->in[MATMUL_RESIDUAL]);
    if (!use->wants[MATMUL_A] && !use->wants[MATMUL_B] && !bias)
        return;
    op_value g = grad_pre(recorder, use);
    if (use->wants[MATMUL_A])
        din[MATMUL_A] = grad_a(recorder, use, g);
    if (use->wants[MATMUL_B])
        din[MATMUL_B] = grad_b(recorder, use, g);
    if (bias)
        din[MATMUL_BIAS] = OP_RECORD(recorder, &op_sum_rows, NULL, g);
}

static double flops(const struct op_call *call)
{
    struct matmul_size s = matmul_size_of(call);
    return 2.0 * s.batch * s.m * s.n * s.k;
}

const struct op_desc op_matmul = {
    .name = "matmul",
    .signature = "A:half B:half bias? residual?:half slope?:half -> y:stored (pre?:stored)",
    .summary =
        "y[b,M,N] = act(op(A)[b,M,K] . op(B)[b,K,N] + bias[N]) + residual[b,M,N], or with slope (op(A) . op(B) + "
        "bias) * act'(slope[b,M,N]); with save_pre also the value before act; attr trans_a, trans_b, activation, "
        "save_pre, flatten",
    .constants = 1u << MATMUL_SLOPE,
    .shapes = shapes,
    .reference = reference,
    .grad = grad,
    .variants = matmul_variants,
    .cases = matmul_cases,
    /* A sum of L additions of random terms has NMSE near L/2 * E[rounding^2] = 3e-16 L; one of L equal terms rounds the
     * same way each time: near (L * 2^-24 / 4)^2, 2e-11 * (L / 256)^2 for a single element and about a fifth of it over
     * a matrix. Sums end at 256 additions (MAX_ADDS). An element that is small beside the others may be wrong by what
     * its terms lost: hence abs, in root mean squares of the output. A 16-bit input is exact once it is stored: the
     * same. Sums that are stored in 16 bits end at 1,024 additions: 1.5e-5 of a sum of equal terms, where an f16's
     * digits end at 5e-4. */
    .tolerance = {.abs = 1e-5, .rel = 1e-5, .nmse = 1e-11},
    /* Rounding to f16 is off by 2^-11 at most, 2^-12.3 in root mean square. A sum of random products is then off by
     * 3e-4 in root mean square of the output, one element in a million by five times that; one of products that are
     * rounded the same way by 2 * 2^-11 of itself: NMSE 1e-6, more where such sums cancel. A device that rounds toward
     * zero is twice as far off, too far. bf16 has three digits fewer: 8 times as far, about 64 times the NMSE. */
    .tolerance_f16 = {.abs = 2e-3, .rel = 2e-3, .nmse = 2e-6},
    .tolerance_bf16 = {.abs = 1.6e-2, .rel = 1.6e-2, .nmse = 1e-4},
    .flops = flops,
};
