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
        .slope = call->in[MATMUL_SLOPE].rank != 0,
        .pre = call->attr.save_pre,
        .same_order = call->attr.same_order,
        .activation = call->attr.activation,
        .dtype_b = b->dtype,
        .precision = call->attr.precision,
    };
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
    if (size.residual && !tensor_shape_equal(&call->in[MATMUL_RESIDUAL], y))
        return op_shape_error(call, label, MATMUL_RESIDUAL, "shaped as the result");
    if (size.slope && (!tensor_shape_equal(&call->in[MATMUL_SLOPE], y) || size.residual || attr->save_pre))
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
    if (use->attr->activation == OP_ACT_NONE)
        return use->dout[0];
    if (use->in[MATMUL_SLOPE] != OP_NONE)
        return OP_RECORD(recorder, &op_activation_bwd, &(struct op_attr){.activation = use->attr->activation},
                         use->dout[0], use->in[MATMUL_SLOPE]);
    op_value pre = use->attr->save_pre ? use->out[1] : OP_NONE;
    if (pre == OP_NONE) { /* not saved: computed again */
        struct op_attr attr = *use->attr;
        attr.activation = OP_ACT_NONE;
        pre = OP_RECORD(recorder, &op_matmul, &attr, use->in[MATMUL_A], use->in[MATMUL_B], use->in[MATMUL_BIAS]);
    }
    struct op_attr attr = {.activation = use->attr->activation};
    return OP_RECORD(recorder, &op_activation_bwd, &attr, use->dout[0], pre);
}

static bool is_half(struct op_recorder *recorder, op_value value)
{
    return recorder->shape(recorder, value).dtype != MIEN_F32;
}

/* With g = the gradient of op(A) op(B): of op(A) it is g op(B)^T, of op(B) it is op(A)^T g; a transposed input gets the
 * transpose of that, by swapping the factors. */
static op_value grad_a(struct op_recorder *recorder, const struct op_use *use, op_value g)
{
    op_value b = use->in[MATMUL_B];
    bool ta = use->attr->trans_a, tb = use->attr->trans_b;
    struct op_attr attr = {.trans_a = ta && tb, .trans_b = ta || !tb, .precision = use->attr->precision};
    if (ta && is_half(recorder, b)) /* it comes first, where floats are wanted */
        b = OP_RECORD(recorder, &op_cast, &(struct op_attr){.dtype = MIEN_F32}, b);
    return ta ? OP_RECORD(recorder, &op_matmul, &attr, b, g) : OP_RECORD(recorder, &op_matmul, &attr, g, b);
}

static op_value grad_b(struct op_recorder *recorder, const struct op_use *use, op_value g)
{
    op_value a = use->in[MATMUL_A];
    bool ta = use->attr->trans_a, tb = use->attr->trans_b;
    struct op_attr attr = {.trans_a = tb || !ta, .trans_b = tb && ta, .precision = use->attr->precision};
    /* One B for all rows of an A of higher rank: its gradient sums over all of them. */
    bool shared = recorder->shape(recorder, a).rank > 2 && recorder->shape(recorder, use->in[MATMUL_B]).rank == 2;
    attr.flatten = shared && !use->attr->flatten;
    return tb ? OP_RECORD(recorder, &op_matmul, &attr, g, a) : OP_RECORD(recorder, &op_matmul, &attr, a, g);
}

static void grad(struct op_recorder *recorder, const struct op_use *use, op_value *din)
{
    bool bias = use->wants[MATMUL_BIAS];
    if (use->wants[MATMUL_RESIDUAL])
        din[MATMUL_RESIDUAL] = use->dout[0];
    /* A 16-bit B has no gradient: it is stored so for inference, what is trained is f32. */
    bool weight = use->wants[MATMUL_B] && !is_half(recorder, use->in[MATMUL_B]);
    if (!use->wants[MATMUL_A] && !weight && !bias)
        return;
    op_value g = grad_pre(recorder, use);
    if (use->wants[MATMUL_A])
        din[MATMUL_A] = grad_a(recorder, use, g);
    if (weight)
        din[MATMUL_B] = grad_b(recorder, use, g);
    if (bias)
        din[MATMUL_BIAS] = OP_RECORD(recorder, &op_sum_rows, NULL, g);
}

/* ---- cases ------------------------------------------------------------------------------------------------------- */

#define TA .trans_a = true
#define TB .trans_b = true
#define F16 .dtype = MIEN_F16
#define BF16 .dtype = MIEN_BF16
#define CM_F16 .precision = MIEN_F16
#define CM_BF16 .precision = MIEN_BF16
static const struct op_case cases[] = {
    /* finite differences: all forms, the epilogue, batches */
    {.name = "nn_3x5x7", .in = {{3, 7}, {7, 5}}, .grad = true},
    {.name = "nt_3x5x7", .attr = {TB}, .in = {{3, 7}, {5, 7}}, .grad = true},
    {.name = "tn_3x5x7", .attr = {TA}, .in = {{7, 3}, {7, 5}}, .grad = true},
    {.name = "tt_3x5x7", .attr = {TA, TB}, .in = {{7, 3}, {5, 7}}, .grad = true},
    {.name = "bias", .attr = {TB}, .in = {{4, 8}, {12, 8}, {12}}, .grad = true},
    {.name = "bias_rank3", .attr = {TB}, .in = {{2, 3, 8}, {4, 8}, {4}}, .grad = true},
    {.name = "rank3_nn", .in = {{2, 3, 5}, {5, 4}}, .grad = true},
    {.name = "quick_gelu", .attr = {TB, .activation = OP_ACT_QUICK_GELU}, .in = {{3, 8}, {4, 8}, {4}}, .grad = true},
    {.name = "gelu_pre_residual",
     .attr = {TB, .save_pre = true, .activation = OP_ACT_GELU},
     .in = {{3, 8}, {4, 8}, {4}, {3, 4}},
     .grad = true},
    {.name = "gelu_tanh", .attr = {.activation = OP_ACT_GELU_TANH}, .in = {{3, 5}, {5, 7}, {7}}, .grad = true},
    {.name = "residual", .in = {{3, 4}, {4, 8}, {0}, {3, 8}}, .grad = true},
    {.name = "batch_nn", .in = {{2, 3, 4}, {2, 4, 5}}, .grad = true},
    {.name = "batch_nt", .attr = {TB}, .in = {{2, 3, 4}, {2, 5, 4}, {5}}, .grad = true},
    {.name = "batch_tn", .attr = {TA}, .in = {{2, 4, 3}, {2, 4, 5}}, .grad = true},
    {.name = "batch_tt", .attr = {TA, TB}, .in = {{2, 4, 8}, {2, 12, 4}}, .grad = true},
    {.name = "flatten", .attr = {TA, .flatten = true}, .in = {{2, 3, 4}, {2, 3, 8}}, .grad = true},
    {.name = "slope",
     .attr = {.activation = OP_ACT_QUICK_GELU},
     .in = {{3, 7}, {7, 5}, {5}, {0}, {3, 5}},
     .grad = true},
    {.name = "slope_none", .in = {{3, 8}, {8, 4}, {0}, {0}, {3, 4}}},
    /* edges: sizes that fit no tile, single rows, columns and steps; each form once with vec4 and once without */
    {.name = "1x1x1", .in = {{1, 1}, {1, 1}}},
    {.name = "column", .in = {{127, 513}, {513, 1}}},
    {.name = "outer", .attr = {TA}, .in = {{1, 127}, {1, 36}}},
    {.name = "relu_127x130x513",
     .attr = {.activation = OP_ACT_RELU},
     .in = {{127, 513}, {513, 130}, {130}, {127, 130}}},
    {.name = "nn_127x132x516", .attr = {.save_pre = true}, .in = {{127, 516}, {516, 132}, {132}, {127, 132}}},
    {.name = "nt_127x132x516", .attr = {TB, .activation = OP_ACT_GELU}, .in = {{127, 516}, {132, 516}}},
    {.name = "tn_100x36x513", .attr = {TA}, .in = {{513, 100}, {513, 36}}},
    {.name = "tt_100x132x20", .attr = {TA, TB}, .in = {{20, 100}, {132, 20}}},
    {.name = "tt_65x67x33", .attr = {TA, TB, .save_pre = true}, .in = {{33, 65}, {67, 33}}},
    {.name = "batch_nt_37x37", .attr = {TB}, .in = {{6, 37, 64}, {6, 37, 64}}},
    {.name = "batch_nn_37x64", .in = {{5, 36, 36}, {5, 36, 64}}},
    {.name = "batch_tn_37x64", .attr = {TA}, .in = {{5, 37, 36}, {5, 37, 64}}},
    /* split k */
    {.name = "tn_split_20k", .attr = {TA}, .in = {{20003, 12}, {20003, 8}}},
    {.name = "nt_split_9k", .attr = {TB, .activation = OP_ACT_QUICK_GELU}, .in = {{3, 9001}, {5, 9001}, {5}, {3, 5}}},
    {.name = "slope_split_9k", .attr = {TB, .activation = OP_ACT_GELU}, .in = {{3, 9001}, {5, 9001}, {0}, {0}, {3, 5}}},
    {.name = "batch_split", .attr = {TA}, .in = {{3, 5000, 8}, {3, 5000, 12}}},
    {.name = "chains_nt",
     .attr = {TB, .activation = OP_ACT_GELU, .save_pre = true, .same_order = true},
     .in = {{9, 2308}, {12, 2308}, {12}, {9, 12}}},
    {.name = "chains_tn_odd", .attr = {TA, .same_order = true}, .in = {{1029, 35}, {1029, 33}}},
    {.name = "tn_100k", .attr = {TA}, .in = {{100000, 4}, {100000, 8}}, .slow = true},
    /* 16-bit B: gradients of A in all forms; rows and matrices that begin in the middle of a word; the epilogue; each
     * form with four halves at a time and one by one; parts of k */
    {.name = "f16_nn_3x5x7", F16, .in = {{3, 7}, {7, 5}}, .grad = true},
    {.name = "f16_nt_3x5x7", .attr = {TB}, F16, .in = {{3, 7}, {5, 7}, {5}}, .grad = true},
    {.name = "f16_tn_3x5x7", .attr = {TA}, F16, .in = {{7, 3}, {7, 5}}, .grad = true},
    {.name = "f16_tt_3x5x7", .attr = {TA, TB}, F16, .in = {{7, 3}, {5, 7}}, .grad = true},
    {.name = "bf16_gelu_pre_residual",
     .attr = {TB, .save_pre = true, .activation = OP_ACT_GELU},
     BF16,
     .in = {{3, 8}, {4, 8}, {4}, {3, 4}},
     .grad = true},
    {.name = "bf16_batch_nn", BF16, .in = {{3, 3, 5}, {3, 5, 3}}, .grad = true},
    {.name = "f16_batch_nt", .attr = {TB}, F16, .in = {{3, 2, 7}, {3, 5, 7}}},
    {.name = "f16_1x1x1", F16, .in = {{1, 1}, {1, 1}}},
    {.name = "bf16_relu_127x130x513",
     .attr = {.activation = OP_ACT_RELU},
     BF16,
     .in = {{127, 513}, {513, 130}, {130}, {127, 130}}},
    {.name = "f16_nn_127x129x513", F16, .in = {{127, 513}, {513, 129}, {129}}},
    {.name = "f16_nn_127x132x516", .attr = {.save_pre = true}, F16, .in = {{127, 516}, {516, 132}, {132}}},
    {.name = "bf16_nt_127x132x516", .attr = {TB, .activation = OP_ACT_GELU}, BF16, .in = {{127, 516}, {132, 516}}},
    {.name = "f16_nt_127x131x513", .attr = {TB}, F16, .in = {{127, 513}, {131, 513}}},
    {.name = "bf16_tn_100x36x513", .attr = {TA}, BF16, .in = {{513, 100}, {513, 36}}},
    {.name = "f16_tt_100x132x20", .attr = {TA, TB}, F16, .in = {{20, 100}, {132, 20}}},
    {.name = "bf16_tt_65x67x33", .attr = {TA, TB}, BF16, .in = {{33, 65}, {67, 33}}},
    {.name = "f16_batch_tn_37x64", .attr = {TA}, F16, .in = {{5, 37, 36}, {5, 37, 64}}},
    {.name = "bf16_batch_tt_13x11", .attr = {TA, TB}, BF16, .in = {{5, 7, 13}, {5, 11, 7}}},
    {.name = "f16_nt_split_9k", .attr = {TB}, F16, .in = {{3, 9001}, {5, 9001}, {5}, {3, 5}}},
    {.name = "bf16_tn_split_20k", .attr = {TA}, BF16, .in = {{20003, 12}, {20003, 8}}},
    {.name = "bf16_chains_nn", .attr = {.same_order = true}, BF16, .in = {{2, 33, 1028}, {1028, 36}}},
    {.name = "f16_chains_tt_odd", .attr = {TA, TB, .same_order = true}, F16, .in = {{2051, 34}, {35, 2051}}},
    {.name = "bf16_nn_split_9k", BF16, .in = {{3, 9001}, {9001, 5}}},
    /* operands rounded, on matrix units: each form with four neighbours at a time and one by one, B stored in either
     * type, the epilogue, batches, parts of k, single rows, columns and steps, sums that end anywhere */
    {.name = "cm_nn_3x5x7", .attr = {CM_F16}, .in = {{3, 7}, {7, 5}}, .grad = true},
    {.name = "cm_1x1x1", .attr = {CM_F16}, .in = {{1, 1}, {1, 1}}},
    {.name = "cm_nn_epilogue",
     .attr = {CM_F16, .save_pre = true, .activation = OP_ACT_GELU},
     .in = {{127, 516}, {516, 132}, {132}, {127, 132}}},
    {.name = "cm_nt_127x132x516", .attr = {CM_F16, TB}, .in = {{127, 516}, {132, 516}, {132}}},
    {.name = "cm_tn_100x36x513", .attr = {CM_F16, TA}, .in = {{513, 100}, {513, 36}}},
    {.name = "cm_tt_100x132x20", .attr = {CM_F16, TA, TB}, .in = {{20, 100}, {132, 20}}},
    {.name = "cm_nn_127x130x513",
     .attr = {CM_F16, .activation = OP_ACT_RELU},
     .in = {{127, 513}, {513, 130}, {130}, {127, 130}}},
    {.name = "cm_nt_130x67x33", .attr = {CM_F16, TB, .save_pre = true}, .in = {{130, 33}, {67, 33}}},
    {.name = "cm_tn_65x67x33", .attr = {CM_F16, TA}, .in = {{33, 65}, {33, 67}}},
    {.name = "cm_tt_65x67x33", .attr = {CM_F16, TA, TB}, .in = {{33, 65}, {67, 33}}},
    {.name = "cm_slope",
     .attr = {CM_F16, .activation = OP_ACT_QUICK_GELU},
     .in = {{37, 64}, {64, 36}, {36}, {0}, {37, 36}}},
    {.name = "cm_batch_nt", .attr = {CM_F16, TB}, .in = {{6, 37, 64}, {6, 37, 64}}},
    {.name = "cm_batch_nn_odd", .attr = {CM_F16}, .in = {{3, 3, 5}, {3, 5, 3}}},
    {.name = "cm_flatten", .attr = {CM_F16, TA, .flatten = true}, .in = {{2, 3, 4}, {2, 3, 8}}},
    {.name = "cm_tn_split_20k", .attr = {CM_F16, TA}, .in = {{20003, 12}, {20003, 8}}},
    {.name = "cm_nt_split_9k",
     .attr = {CM_F16, TB, .activation = OP_ACT_QUICK_GELU},
     .in = {{3, 9001}, {5, 9001}, {5}, {3, 5}}},
    {.name = "cm_f16_nn", .attr = {CM_F16}, F16, .in = {{37, 64}, {64, 36}, {36}}},
    {.name = "cm_f16_nt_odd", .attr = {CM_F16, TB}, F16, .in = {{35, 63}, {37, 63}}},
    {.name = "cm_f16_nn_odd", .attr = {CM_F16}, F16, .in = {{3, 33, 7}, {3, 7, 5}}},
    {.name = "cm_f16_nt", .attr = {CM_F16, TB}, F16, .in = {{37, 516}, {132, 516}}},
    {.name = "cm_bf16_tn", .attr = {CM_F16, TA}, BF16, .in = {{65, 36}, {65, 64}}},
    {.name = "cm_bf16_tt_odd", .attr = {CM_F16, TA, TB}, BF16, .in = {{7, 13}, {11, 7}}},
    {.name = "cmb_nn_127x132x516",
     .attr = {CM_BF16, .save_pre = true, .activation = OP_ACT_GELU},
     .in = {{127, 516}, {516, 132}, {132}, {127, 132}}},
    {.name = "cmb_nt_130x67x33", .attr = {CM_BF16, TB}, .in = {{130, 33}, {67, 33}}},
    {.name = "cmb_tn_split_20k", .attr = {CM_BF16, TA}, .in = {{20003, 12}, {20003, 8}}},
    {.name = "cmb_bf16_nn", .attr = {CM_BF16}, BF16, .in = {{37, 64}, {64, 36}, {36}}},
    {.name = "cmb_bf16_nt", .attr = {CM_BF16, TB}, BF16, .in = {{37, 516}, {132, 516}}},
    {.name = "cmb_f16_tn_odd", .attr = {CM_BF16, TA}, F16, .in = {{65, 35}, {65, 67}}},
    /* models: 16 images of 37 tokens, width 128, MLP x4; ViT-B/32; tests/bench/bench_matmul times many more */
    {.name = "mlp_up",
     .attr = {TB, .save_pre = true, .activation = OP_ACT_QUICK_GELU},
     .in = {{16, 37, 128}, {512, 128}, {512}},
     .bench = true},
    {.name = "mlp_down", .attr = {TB}, .in = {{16, 37, 512}, {128, 512}, {128}, {16, 37, 128}}, .bench = true},
    {.name = "mlp_up_dx", .in = {{16, 37, 512}, {512, 128}}, .bench = true},
    {.name = "mlp_up_dw", .attr = {TA, .flatten = true}, .in = {{16, 37, 512}, {16, 37, 128}}, .bench = true},
    {.name = "mlp_down_dx",
     .attr = {.activation = OP_ACT_QUICK_GELU},
     .in = {{16, 37, 128}, {128, 512}, {0}, {0}, {16, 37, 512}},
     .bench = true},
    {.name = "f16_mlp_up",
     .attr = {TB, .activation = OP_ACT_QUICK_GELU},
     F16,
     .in = {{16, 37, 128}, {512, 128}, {512}},
     .bench = true},
    {.name = "bf16_mlp_down",
     .attr = {TB},
     BF16,
     .in = {{16, 37, 512}, {128, 512}, {128}, {16, 37, 128}},
     .bench = true},
    {.name = "nn_768", .in = {{768, 768}, {768, 768}}, .bench = true},
    {.name = "text_out", .attr = {TB}, .in = {{2, 77, 512}, {512, 512}, {512}, {2, 77, 512}}},
    {.name = "b16_out", .attr = {TB}, .in = {{1, 197, 768}, {768, 768}, {768}, {1, 197, 768}}},
    {.name = "l14_out", .attr = {TB}, .in = {{1, 257, 1024}, {1024, 1024}, {1024}, {1, 257, 1024}}},
    {.name = "l14_out_dx", .in = {{1, 257, 1024}, {1024, 1024}}},
    {.name = "l14_out_dw", .attr = {TA, .flatten = true}, .in = {{1, 257, 1024}, {1, 257, 1024}}},
    {.name = "vit_b32_mlp",
     .attr = {TB, .activation = OP_ACT_QUICK_GELU},
     .in = {{50, 768}, {3072, 768}, {3072}},
     .bench = true},
    {.name = "f16_vit_b32_mlp",
     .attr = {TB, .activation = OP_ACT_QUICK_GELU},
     F16,
     .in = {{50, 768}, {3072, 768}, {3072}},
     .bench = true},
    {.name = "bf16_vit_b32_mlp",
     .attr = {TB, .activation = OP_ACT_QUICK_GELU},
     BF16,
     .in = {{50, 768}, {3072, 768}, {3072}},
     .bench = true},
    {.name = "bf16_one_text_l14", .attr = {TB}, BF16, .in = {{1, 768}, {3072, 768}, {3072}}},
    {0},
};

static double flops(const struct op_call *call)
{
    struct matmul_size s = matmul_size_of(call);
    return 2.0 * s.batch * s.m * s.n * s.k;
}

const struct op_desc op_matmul = {
    .name = "matmul",
    .signature = "A B:half bias? residual? slope? -> y (pre?)",
    .summary =
        "y[b,M,N] = act(op(A)[b,M,K] . op(B)[b,K,N] + bias[N]) + residual[b,M,N], or with slope (op(A) . op(B) + "
        "bias) * act'(slope[b,M,N]); with save_pre also the value before act; attr trans_a, trans_b, activation, "
        "save_pre, flatten",
    .constants = 1u << MATMUL_SLOPE,
    .shapes = shapes,
    .reference = reference,
    .grad = grad,
    .variants = matmul_variants,
    .cases = cases,
    /* A sum of L additions of random terms has NMSE near L/2 * E[rounding^2] = 3e-16 L; one of L equal terms rounds the
     * same way each time: near (L * 2^-24 / 4)^2, 2e-11 * (L / 256)^2 for a single element and about a fifth of it over
     * a matrix. Sums end at 256 additions (MAX_ADDS). An element that is small beside the others may be wrong by what
     * its terms lost: hence abs, in root mean squares of the output. A 16-bit B is exact once it is stored: the same.
     */
    .tolerance = {.abs = 1e-5, .rel = 1e-5, .nmse = 1e-11},
    /* Rounding to f16 is off by 2^-11 at most, 2^-12.3 in root mean square. A sum of random products is then off by
     * 3e-4 in root mean square of the output, one element in a million by five times that; one of products that are
     * rounded the same way by 2 * 2^-11 of itself: NMSE 1e-6, more where such sums cancel. A device that rounds toward
     * zero is twice as far off, too far. bf16 has three digits fewer: 8 times as far, about 64 times the NMSE. */
    .tolerance_f16 = {.abs = 2e-3, .rel = 2e-3, .nmse = 2e-6},
    .tolerance_bf16 = {.abs = 1.6e-2, .rel = 1.6e-2, .nmse = 1e-4},
    .flops = flops,
};
