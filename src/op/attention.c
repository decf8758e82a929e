/* attention.c: softmax(scale q k^T + mask) v per head, without permutes; q, k and v are thirds of one tensor's rows.
 * Saves lse [B,H,T], the logarithm of each row's softmax denominator, for the backward pass; the T x T scores are never
 * kept. With a causal mask row i sees keys and values 0 .. i, so far as all are finite: kernels give a later key the
 * weight 0 and multiply, so that an infinity or NaN in a later value reaches earlier rows as NaN (backward: a later key
 * or value dq, an earlier query or gradient dk and dv). A choice in place of the product would cost one for each
 * column.
 */
#include "op/attention.h"
#include "op/half.h"

#include <float.h>
#include <math.h>

struct attention_size attention_size_of(const struct op_call *call)
{
    const uint32_t *dim = call->in[0].dim;
    uint32_t heads = BASE_MAX(call->attr.heads, 1), width = dim[2] / 3;
    struct attention_size s = {.batch = dim[0],
                               .tokens = dim[1],
                               .width = width,
                               .heads = heads,
                               .dim = width / heads,
                               .dtype = call->in[0].dtype,
                               .scale = (double)call->attr.scale,
                               .causal = call->attr.causal};
    if (s.scale == 0)
        s.scale = 1 / sqrt((double)s.dim);
    return s;
}

/* 16-bit tensors are all so: one range begins where the other does. Whole words are one head's. */
enum mien_status attention_check(struct op_call *call, const char *label)
{
    uint32_t heads = BASE_MAX(call->attr.heads, 1), width = call->in[0].dim[2] / 3;
    bool half = call->attr.dtype != MIEN_F32;
    if (width % heads != 0)
        return op_shape_error(call, label, 0, "qkv[B,T,3D] with D a multiple of the heads");
    for (uint32_t i = 0; i < call->in_count; i++) {
        half = half || call->in[i].dtype != MIEN_F32;
        if (i != ATTENTION_LSE && call->in[i].dtype != call->attr.dtype)
            return op_shape_error(call, label, i, "of attr dtype, as all tensors of heads are");
    }
    if (half && width / heads % 4 != 0)
        return op_shape_error(call, label, 0, "f32, where the columns of a head are no multiple of 4");
    return MIEN_OK;
}

size_t attention_first(const struct attention_size *s, size_t pair)
{
    return pair / s->heads * s->tokens * s->width * 3 + pair % s->heads * s->dim;
}

static double dot(const float *a, const float *b, uint32_t count)
{
    double sum = 0;
    for (uint32_t c = 0; c < count; c++)
        sum += (double)a[c] * b[c];
    return sum;
}

/* o of one row, in slabs of columns so that sums of any head dim are double; the weights are recomputed per slab. */
static void row_output(const struct attention_size *s, const float *q, const float *k, const float *v, uint32_t seen,
                       double lse, float *o)
{
    enum { SLAB = 128 };
    for (uint32_t first = 0; first < s->dim; first += SLAB) {
        double sum[SLAB] = {0};
        uint32_t columns = BASE_MIN(s->dim - first, (uint32_t)SLAB);
        for (uint32_t j = 0; j < seen; j++) {
            size_t at = (size_t)j * s->width * 3;
            double weight = exp(s->scale * dot(q, k + at, s->dim) - lse);
            for (uint32_t c = 0; c < columns; c++)
                sum[c] += weight * v[at + first + c];
        }
        for (uint32_t c = 0; c < columns; c++)
            o[first + c] = (float)sum[c];
    }
}

static void reference(const struct op_call *call)
{
    struct attention_size size = attention_size_of(call), *s = &size;
    float *o = call->out_data[0], *lse = call->out_data[1];
    for (size_t pair = 0; pair < (size_t)s->batch * s->heads; pair++) {
        const float *first = (const float *)call->in_data[0] + attention_first(s, pair);
        const float *k = first + s->width, *v = k + s->width;
        for (uint32_t i = 0; i < s->tokens; i++) {
            const float *q = first + (size_t)i * s->width * 3;
            size_t at = (pair / s->heads * s->tokens + i) * s->width + pair % s->heads * s->dim;
            uint32_t seen = s->causal ? i + 1 : s->tokens;
            double top = -DBL_MAX, total = 0;
            for (uint32_t j = 0; j < seen; j++) {
                double score = s->scale * dot(q, k + (size_t)j * s->width * 3, s->dim);
                double peak = BASE_MAX(top, score);
                total = total * exp(top - peak) + exp(score - peak);
                top = peak;
            }
            double norm = top + log(total);
            row_output(s, q, k, v, seen, norm, o + at);
            lse[pair * s->tokens + i] = (float)norm;
        }
    }
}

static void grad(struct op_recorder *recorder, const struct op_use *use, op_value *din)
{
    din[0] = OP_RECORD(recorder, &op_attention_bwd, use->attr, use->in[0], use->out[0], use->out[1], use->dout[0]);
}

/* A score of 40 weighs its rounding error 40 times: every fifth query is large, so that the maximum must be subtracted,
 * and the rest of unit scale, where the weights are spread. Every seventh key repeats its neighbour (ties). */
static void prepare(struct op_call *call, struct base_rng *rng)
{
    struct attention_size s = attention_size_of(call);
    ptrdiff_t row_width = 3 * (ptrdiff_t)s.width;
    float *q = call->in_data[0];
    for (size_t row = 0; row < (size_t)s.batch * s.tokens; row++, q += row_width) {
        float size = row % 5 == 3 ? 20 : 1, *k = q + s.width, *v = k + s.width;
        for (uint32_t c = 0; c < s.width; c++) {
            q[c] = size * (float)base_rng_normal(rng);
            k[c] = row % 7 == 6 ? k[(ptrdiff_t)c - row_width] : (float)base_rng_normal(rng);
            v[c] = (float)base_rng_normal(rng);
        }
    }
    op_narrow(call->in_data[0], &call->in[0]);
}

double attention_product_flops(const struct op_call *call)
{
    struct attention_size s = attention_size_of(call);
    double pairs = s.causal ? 0.5 * s.tokens * (s.tokens + 1.0) : (double)s.tokens * s.tokens;
    return 2 * pairs * s.width * s.batch;
}

static double flops(const struct op_call *call)
{
    return 2 * attention_product_flops(call);
}

static const struct op_variant variants[] = {
    {.name = "attention_fwd_cm",
     .needs = OP_MATRIX_UNITS | VK_CAP_F16,
     .rounds = true,
     .fits = attention_fits_cm,
     .steps = attention_plan_fwd_cm},
    {.name = "attention_fwd_cm_bf16",
     .needs = OP_MATRIX_UNITS | VK_CAP_COOPMAT_BF16,
     .rounds = true,
     .fits = attention_fits_cm_bf16,
     .steps = attention_plan_fwd_cm},
    {.name = "attention_fwd_sg_texel",
     .needs = VK_CAP_SUBGROUP | VK_CAP_SUBGROUP_SHUFFLE | VK_CAP_TEXEL,
     .fits = attention_fits_sg_texel,
     .steps = attention_plan_fwd_sg_texel},
    {.name = "attention_fwd_sg",
     .needs = VK_CAP_SUBGROUP | VK_CAP_SUBGROUP_SHUFFLE,
     .fits = attention_fits_sg,
     .steps = attention_plan_fwd_sg},
    {.name = "attention_fwd_row",
     .fits = attention_fits_row,
     .steps = attention_plan_fwd_row,
     .tiles = attention_tiles_row},
    {.name = "attention_fwd_tile", .fits = attention_fits_tile, .steps = attention_plan_fwd_tile},
    {.name = "attention_fwd", .steps = attention_plan_fwd},
    {0},
};

#define QKV(batch, tokens, width)                                                                                      \
    {                                                                                                                  \
        {                                                                                                              \
            batch, tokens, 3 * (width)                                                                                 \
        }                                                                                                              \
    }

#define F16 .dtype = MIEN_F16
#define BF16 .dtype = MIEN_BF16
#define CM_F16 .precision = MIEN_F16, F16
#define CM_BF16 .precision = MIEN_BF16, BF16
static const struct op_case cases[] = {
    {.name = "one", .in = QKV(1, 1, 1), .grad = true},
    {.name = "one_key", .attr = {.heads = 3}, .in = QKV(2, 1, 12), .grad = true},
    {.name = "odd_dim", .attr = {.heads = 3}, .in = QKV(1, 5, 9), .grad = true},
    {.name = "odd_causal", .attr = {.heads = 1, .causal = true}, .in = QKV(2, 7, 5), .grad = true},
    {.name = "quads", .attr = {.heads = 2}, .in = QKV(2, 9, 16), .grad = true},
    {.name = "quads_causal", .attr = {.heads = 2, .causal = true}, .in = QKV(1, 11, 24), .grad = true},
    {.name = "scaled", .attr = {.heads = 1, .scale = 0.5f}, .in = QKV(1, 3, 8), .grad = true},
    {.name = "3x96", .attr = {.heads = 3}, .in = QKV(2, 3, 96)},
    {.name = "127x96", .attr = {.heads = 3}, .in = QKV(1, 127, 96)},
    {.name = "127x96_causal", .attr = {.heads = 3, .causal = true}, .in = QKV(1, 127, 96)},
    {.name = "64x128", .attr = {.heads = 1}, .in = QKV(2, 64, 128)},
    {.name = "33x513", .attr = {.heads = 3}, .in = QKV(1, 33, 513)},
    {.name = "33x64", .attr = {.heads = 1}, .in = QKV(1, 33, 64)},
    {.name = "50x64", .attr = {.heads = 16}, .in = QKV(1, 50, 64)},
    {.name = "65x128_causal", .attr = {.heads = 2, .causal = true}, .in = QKV(1, 65, 128)},
    {.name = "65x64", .attr = {.heads = 2}, .in = QKV(2, 65, 64)},
    {.name = "69x48", .attr = {.heads = 4}, .in = QKV(1, 69, 48)},
    {.name = "79x64_causal", .attr = {.heads = 2, .causal = true}, .in = QKV(2, 79, 64)},
    {.name = "45x96", .attr = {.heads = 1}, .in = QKV(1, 45, 96)},
    {.name = "77x24_causal", .attr = {.heads = 2, .causal = true}, .in = QKV(1, 77, 24)},
    {.name = "17x36", .attr = {.heads = 1, .causal = true}, .in = QKV(3, 17, 36)},
    {.name = "131x6_causal", .attr = {.heads = 2, .causal = true}, .in = QKV(2, 131, 6)},
    {.name = "temporal", .attr = {.heads = 1}, .in = QKV(1, 33, 2048)},
    {.name = "image_b32", .attr = {.heads = 12}, .in = QKV(2, 50, 768), .bench = true},
    {.name = "image_b16", .attr = {.heads = 12}, .in = QKV(1, 197, 768), .bench = true},
    {.name = "text_b32", .attr = {.heads = 8, .causal = true}, .in = QKV(2, 77, 512), .bench = true},
    {.name = "text_l14", .attr = {.heads = 12, .causal = true}, .in = QKV(1, 77, 768)},
    {.name = "image_l14", .attr = {.heads = 16}, .in = QKV(1, 257, 1024), .bench = true},
    {.name = "image_small", .attr = {.heads = 3}, .in = QKV(64, 37, 96), .bench = true},
    {.name = "image_medium", .attr = {.heads = 6}, .in = QKV(64, 37, 192), .bench = true},
    {.name = "text_small", .attr = {.heads = 2, .causal = true}, .in = QKV(64, 24, 96), .bench = true},
    {.name = "text_medium", .attr = {.heads = 4, .causal = true}, .in = QKV(64, 32, 128), .bench = true},
    /* 16-bit: a few keys, rows past the end, causal, one long head and one of more columns than the fused forms take */
    {.name = "f16_quads", .attr = {.heads = 2, F16}, F16, .in = QKV(2, 9, 16), .grad = true},
    {.name = "bf16_quads_causal", .attr = {.heads = 2, .causal = true, BF16}, BF16, .in = QKV(1, 11, 24), .grad = true},
    {.name = "f16_127x96_causal", .attr = {.heads = 3, .causal = true, F16}, F16, .in = QKV(1, 127, 96)},
    {.name = "bf16_64x128", .attr = {.heads = 1, BF16}, BF16, .in = QKV(2, 64, 128)},
    {.name = "bf16_33x64", .attr = {.heads = 1, BF16}, BF16, .in = QKV(1, 33, 64)},
    {.name = "f16_66x64", .attr = {.heads = 2, F16}, F16, .in = QKV(1, 66, 64)},
    {.name = "bf16_67x48_causal", .attr = {.heads = 2, .causal = true, BF16}, BF16, .in = QKV(1, 67, 48)},
    {.name = "f16_17x36", .attr = {.heads = 1, .causal = true, F16}, F16, .in = QKV(3, 17, 36)},
    {.name = "bf16_temporal", .attr = {.heads = 1, BF16}, BF16, .in = QKV(1, 33, 2048)},
    {.name = "f16_33x516", .attr = {.heads = 3, F16}, F16, .in = QKV(1, 33, 516)},
    {.name = "f16_image_small", .attr = {.heads = 3, F16}, F16, .in = QKV(64, 37, 96), .bench = true},
    {.name = "bf16_image_small", .attr = {.heads = 3, BF16}, BF16, .in = QKV(64, 37, 96), .bench = true},
    {.name = "bf16_image_b32", .attr = {.heads = 12, BF16}, BF16, .in = QKV(2, 50, 768), .bench = true},
    {.name = "bf16_text_b32", .attr = {.heads = 8, .causal = true, BF16}, BF16, .in = QKV(2, 77, 512), .bench = true},
    /* on matrix units: fewer rows than a matrix, rows past the end, exact ones; heads of 16 to 64; several workgroups
     * of a head, causal ones that end early; subgroups without rows */
    {.name = "cm_one", .attr = {.heads = 1, CM_F16}, F16, .in = QKV(1, 1, 16), .grad = true},
    {.name = "cm_7x16_causal", .attr = {.heads = 2, .causal = true, CM_F16}, F16, .in = QKV(1, 7, 32), .grad = true},
    {.name = "cm_9x32", .attr = {.heads = 1, CM_F16}, F16, .in = QKV(2, 9, 32), .grad = true},
    {.name = "cm_scaled", .attr = {.heads = 1, .scale = -0.1f, CM_F16}, F16, .in = QKV(2, 33, 48)},
    {.name = "cm_32x64", .attr = {.heads = 3, CM_F16}, F16, .in = QKV(2, 32, 192)},
    {.name = "cm_64x64_causal", .attr = {.heads = 1, .causal = true, CM_F16}, F16, .in = QKV(2, 64, 64)},
    {.name = "cm_65x32_causal", .attr = {.heads = 2, .causal = true, CM_F16}, F16, .in = QKV(1, 65, 64)},
    {.name = "cm_image_small", .attr = {.heads = 3, CM_F16}, F16, .in = QKV(64, 37, 96), .bench = true},
    {.name = "cm_image_b32", .attr = {.heads = 12, CM_F16}, F16, .in = QKV(2, 50, 768), .bench = true},
    {.name = "cm_text_b32", .attr = {.heads = 8, .causal = true, CM_F16}, F16, .in = QKV(2, 77, 512), .bench = true},
    {.name = "cm_image_b16", .attr = {.heads = 12, CM_F16}, F16, .in = QKV(1, 197, 768), .bench = true},
    {.name = "cm_257x64", .attr = {.heads = 2, CM_F16}, F16, .in = QKV(1, 257, 128)},
    {.name = "cm_40_heads_of_40",
     .attr = {.heads = 2, CM_F16},
     F16,
     .in = QKV(1, 40, 80)}, /* no matrix: another form */
    {.name = "cmb_9x32", .attr = {.heads = 1, CM_BF16}, BF16, .in = QKV(2, 9, 32), .grad = true},
    {.name = "cmb_65x48_causal", .attr = {.heads = 2, .causal = true, CM_BF16}, BF16, .in = QKV(1, 65, 96)},
    {.name = "cmb_image_b32", .attr = {.heads = 12, CM_BF16}, BF16, .in = QKV(2, 50, 768), .bench = true},
    {0},
};

const struct op_desc op_attention = {
    .name = "attention",
    .signature = "qkv:half[B,T,3D] -> o:stored[B,T,D] (lse[B,heads,T])",
    .summary = "o = softmax(scale q k^T + mask) v per head; attr heads, scale, causal",
    .shapes = attention_check,
    .reference = reference,
    .grad = grad,
    .variants = variants,
    .cases = cases,
    .fill = {OP_FILL_PREPARE},
    .prepare = prepare,
    /* a weight's relative error is its score's absolute one: 60 (the largest score drawn) * 6e-8 * a few */
    .tolerance = {.abs = 4e-5, .rel = 4e-5, .nmse = 1e-11},
    /* weights rounded to f16 before they meet the values, each by 2^-11 of itself at most, as operands of matmul are:
     * but sums of them come to 1, so that o is off by 2^-11 of the largest value at most. bf16 has three digits fewer
     */
    .tolerance_f16 = {.abs = 2e-3, .rel = 2e-3, .nmse = 2e-6},
    .tolerance_bf16 = {.abs = 1.6e-2, .rel = 1.6e-2, .nmse = 1e-4},
    .flops = flops,
};
