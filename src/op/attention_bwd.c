/* attention_bwd.c: gradient of attention.c from the saved output and lse: the weights are recomputed, no atomics. With
 * P = exp(scale q k^T - lse), delta = rowsum(do * o), dS = P (do v^T - delta):
 * dq = scale dS k, dk = scale dS^T q, dv = P^T do. */
#include "op/attention.h"

#include <math.h>

/* q, k, v, o [B,T,D], lse [B,H,T], do [B,T,D] -> dq, dk, dv [B,T,D] */
static enum mien_status shapes(struct op_call *call, const char *label)
{
    enum mien_status status = attention_check(call, label);
    if (status != MIEN_OK)
        return status;
    const uint32_t *dim = call->in[0].dim;
    struct tensor_shape lse = SHAPE_F32(dim[0], BASE_MAX(call->attr.heads, 1), dim[1]);
    if (!tensor_shape_equal(&call->in[3], &call->in[0]))
        return op_shape_error(call, label, 3, "o[B,T,D], of q's shape");
    if (!tensor_shape_equal(&call->in[4], &lse))
        return op_shape_error(call, label, 4, "lse[B,H,T] of the forward pass");
    if (!tensor_shape_equal(&call->in[5], &call->in[0]))
        return op_shape_error(call, label, 5, "do[B,T,D], of q's shape");
    for (uint32_t o = 0; o < 3; o++)
        call->out[o] = call->in[0];
    call->out_count = 3;
    return MIEN_OK;
}

/* One (batch, head) pair; pointers at its first element. */
struct pair {
    const struct attention_size *size;
    const float *q, *k, *v, *o, *g, *lse;
    float *dq, *dk, *dv;
};

static double dot(const float *a, const float *b, uint32_t count)
{
    double sum = 0;
    for (uint32_t c = 0; c < count; c++)
        sum += (double)a[c] * b[c];
    return sum;
}

/* P_ij, and dS_ij by *ds. delta is D_i. */
static double weight_of(const struct pair *p, uint32_t i, uint32_t j, double delta, double *ds)
{
    const struct attention_size *s = p->size;
    size_t row = (size_t)i * s->width, key = (size_t)j * s->width;
    double weight = exp(s->scale * dot(p->q + row, p->k + key, s->dim) - p->lse[i]);
    *ds = weight * (dot(p->g + row, p->v + key, s->dim) - delta);
    return weight;
}

enum { SLAB = 128 }; /* columns summed at a time; the weights are recomputed per slab */

static void query_gradient(const struct pair *p, uint32_t i, uint32_t first, uint32_t columns)
{
    const struct attention_size *s = p->size;
    double sum[SLAB] = {0}, ds;
    size_t row = (size_t)i * s->width;
    double delta = dot(p->g + row, p->o + row, s->dim);
    for (uint32_t j = 0; j < (s->causal ? i + 1 : s->tokens); j++) {
        weight_of(p, i, j, delta, &ds);
        for (uint32_t c = 0; c < columns; c++)
            sum[c] += ds * p->k[(size_t)j * s->width + first + c];
    }
    for (uint32_t c = 0; c < columns; c++)
        p->dq[row + first + c] = (float)(s->scale * sum[c]);
}

static void key_gradient(const struct pair *p, uint32_t j, uint32_t first, uint32_t columns)
{
    const struct attention_size *s = p->size;
    double key[SLAB] = {0}, value[SLAB] = {0}, ds;
    for (uint32_t i = s->causal ? j : 0; i < s->tokens; i++) {
        size_t row = (size_t)i * s->width;
        double weight = weight_of(p, i, j, dot(p->g + row, p->o + row, s->dim), &ds);
        for (uint32_t c = 0; c < columns; c++) {
            key[c] += ds * p->q[row + first + c];
            value[c] += weight * p->g[row + first + c];
        }
    }
    for (uint32_t c = 0; c < columns; c++) {
        p->dk[(size_t)j * s->width + first + c] = (float)(s->scale * key[c]);
        p->dv[(size_t)j * s->width + first + c] = (float)value[c];
    }
}

static void reference(const struct op_call *call)
{
    struct attention_size s = attention_size_of(call);
    for (size_t pair = 0; pair < (size_t)s.batch * s.heads; pair++) {
        size_t base = pair / s.heads * s.tokens * s.width + pair % s.heads * s.dim;
        struct pair p = {.size = &s,
                         .q = (const float *)call->in_data[0] + base,
                         .k = (const float *)call->in_data[1] + base,
                         .v = (const float *)call->in_data[2] + base,
                         .o = (const float *)call->in_data[3] + base,
                         .lse = (const float *)call->in_data[4] + pair * s.tokens,
                         .g = (const float *)call->in_data[5] + base,
                         .dq = (float *)call->out_data[0] + base,
                         .dk = (float *)call->out_data[1] + base,
                         .dv = (float *)call->out_data[2] + base};
        for (uint32_t first = 0; first < s.dim; first += SLAB) {
            uint32_t columns = BASE_MIN(s.dim - first, (uint32_t)SLAB);
            for (uint32_t i = 0; i < s.tokens; i++) {
                query_gradient(&p, i, first, columns);
                key_gradient(&p, i, first, columns);
            }
        }
    }
}

/* o and lse as the forward pass would leave them. */
static void prepare(struct op_call *call, struct base_rng *rng)
{
    struct attention_size s = attention_size_of(call);
    attention_fill_qkv(call, rng);
    attention_forward(&s, call->in_data[0], call->in_data[1], call->in_data[2], call->in_data[3], call->in_data[4]);
    float *g = call->in_data[5];
    for (uint64_t i = 0; i < tensor_shape_count(&call->in[5]); i++)
        g[i] = (float)base_rng_normal(rng);
}

/* Five products, the recomputed scores included; what a kernel recomputes beyond that is its own affair. */
static double flops(const struct op_call *call)
{
    return 5 * attention_product_flops(call);
}

static const struct op_variant variants[] = {
    {.name = "attention_bwd_kv_sg",
     .needs = VK_CAP_SUBGROUP | VK_CAP_SUBGROUP_SHUFFLE,
     .fits = attention_fits_sg,
     .plan = attention_plan_bwd_sg},
    {.name = "attention_bwd_kv_tile", .fits = attention_fits_tile, .plan = attention_plan_bwd_tile},
    {.name = "attention_bwd", .plan = attention_plan_bwd},
    {0},
};

#define INPUTS(b, t, d, h)                                                                                             \
    {                                                                                                                  \
        {b, t, d}, {b, t, d}, {b, t, d}, {b, t, d}, {b, h, t},                                                         \
        {                                                                                                              \
            b, t, d                                                                                                    \
        }                                                                                                              \
    }

static const struct op_case cases[] = {
    {.name = "one", .in = INPUTS(1, 1, 1, 1)},
    {.name = "one_key", .attr = {.heads = 3}, .in = INPUTS(2, 1, 12, 3)},
    {.name = "odd_dim", .attr = {.heads = 3}, .in = INPUTS(1, 5, 9, 3)},
    {.name = "odd_causal", .attr = {.heads = 1, .causal = true}, .in = INPUTS(2, 7, 5, 1)},
    {.name = "quads", .attr = {.heads = 2}, .in = INPUTS(2, 9, 16, 2)},
    {.name = "scaled", .attr = {.heads = 1, .scale = 0.5f}, .in = INPUTS(1, 3, 8, 1)},
    {.name = "3x96", .attr = {.heads = 3}, .in = INPUTS(2, 3, 96, 3)},
    {.name = "127x96", .attr = {.heads = 3}, .in = INPUTS(1, 127, 96, 3)},
    {.name = "127x96_causal", .attr = {.heads = 3, .causal = true}, .in = INPUTS(1, 127, 96, 3)},
    {.name = "64x128", .attr = {.heads = 1}, .in = INPUTS(2, 64, 128, 1)},
    {.name = "33x513", .attr = {.heads = 3}, .in = INPUTS(1, 33, 513, 3)},
    {.name = "17x36", .attr = {.heads = 1, .causal = true}, .in = INPUTS(3, 17, 36, 1)},
    {.name = "131x6_causal", .attr = {.heads = 2, .causal = true}, .in = INPUTS(2, 131, 6, 2)},
    {.name = "temporal", .attr = {.heads = 1}, .in = INPUTS(1, 33, 2048, 1)},
    {.name = "image_b32", .attr = {.heads = 12}, .in = INPUTS(2, 50, 768, 12), .bench = true},
    {.name = "image_b16", .attr = {.heads = 12}, .in = INPUTS(1, 197, 768, 12), .bench = true},
    {.name = "text_b32", .attr = {.heads = 8, .causal = true}, .in = INPUTS(2, 77, 512, 8), .bench = true},
    {.name = "text_l14", .attr = {.heads = 12, .causal = true}, .in = INPUTS(1, 77, 768, 12)},
    {.name = "image_l14", .attr = {.heads = 16}, .in = INPUTS(1, 257, 1024, 16), .bench = true},
    {.name = "image_small", .attr = {.heads = 3}, .in = INPUTS(64, 37, 96, 3), .bench = true},
    {.name = "image_medium", .attr = {.heads = 6}, .in = INPUTS(64, 37, 192, 6), .bench = true},
    {.name = "text_small", .attr = {.heads = 2, .causal = true}, .in = INPUTS(64, 24, 96, 2), .bench = true},
    {.name = "text_medium", .attr = {.heads = 4, .causal = true}, .in = INPUTS(64, 32, 128, 4), .bench = true},
    {0},
};

const struct op_desc op_attention_bwd = {
    .name = "attention_bwd",
    .summary = "dq, dk, dv [B,T,D] of attention from q, k, v, o [B,T,D], lse[B,H,T] and do[B,T,D]; attr as attention's",
    .in_count = 6,
    .out_count = 3,
    .shapes = shapes,
    .reference = reference,
    .no_grad = "a gradient itself; second derivatives are not used",
    .variants = variants,
    .cases = cases,
    .fill = {OP_FILL_PREPARE, OP_FILL_PREPARE, OP_FILL_PREPARE, OP_FILL_PREPARE, OP_FILL_PREPARE, OP_FILL_PREPARE},
    .prepare = prepare,
    /* as attention's weights; the sums over T queries are larger (large queries enter dk), hence abs */
    .tolerance = {.abs = 1e-3, .rel = 1e-4, .nmse = 1e-10},
    .flops = flops,
};
