/* attention_bwd.c: gradient of attention.c from the saved output and lse: the weights are recomputed, no atomics. With
 * P = exp(scale q k^T - lse), delta = rowsum(do * o), dS = P (do v^T - delta):
 * dq = scale dS k, dk = scale dS^T q, dv = P^T do. */
#include "op/attention.h"

#include <math.h>

/* One (batch, head) pair; pointers at its first element. Rows of the first line's are 3 * width long. */
struct pair {
    const struct attention_size *size;
    const float *q, *k, *v;
    float *dq, *dk, *dv;
    const float *o, *g, *lse;
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
    size_t row = (size_t)i * s->width, key = (size_t)j * s->width * 3;
    double weight = exp(s->scale * dot(p->q + 3 * row, p->k + key, s->dim) - p->lse[i]);
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
            sum[c] += ds * p->k[(size_t)j * s->width * 3 + first + c];
    }
    for (uint32_t c = 0; c < columns; c++)
        p->dq[3 * row + first + c] = (float)(s->scale * sum[c]);
}

static void key_gradient(const struct pair *p, uint32_t j, uint32_t first, uint32_t columns)
{
    const struct attention_size *s = p->size;
    double key[SLAB] = {0}, value[SLAB] = {0}, ds;
    for (uint32_t i = s->causal ? j : 0; i < s->tokens; i++) {
        size_t row = (size_t)i * s->width;
        double weight = weight_of(p, i, j, dot(p->g + row, p->o + row, s->dim), &ds);
        for (uint32_t c = 0; c < columns; c++) {
            key[c] += ds * p->q[3 * row + first + c];
            value[c] += weight * p->g[row + first + c];
        }
    }
    size_t at = (size_t)j * s->width * 3 + first;
    for (uint32_t c = 0; c < columns; c++) {
        p->dk[at + c] = (float)(s->scale * key[c]);
        p->dv[at + c] = (float)value[c];
    }
}

static void reference(const struct op_call *call)
{
    struct attention_size s = attention_size_of(call);
    for (size_t pair = 0; pair < (size_t)s.batch * s.heads; pair++) {
        size_t base = pair / s.heads * s.tokens * s.width + pair % s.heads * s.dim;
        const float *q = (const float *)call->in_data[0] + attention_first(&s, pair);
        float *dq = (float *)call->out_data[0] + attention_first(&s, pair);
        struct pair p = {.size = &s,
                         .q = q,
                         .k = q + s.width,
                         .v = q + 2 * (size_t)s.width,
                         .dq = dq,
                         .dk = dq + s.width,
                         .dv = dq + 2 * (size_t)s.width,
                         .o = (const float *)call->in_data[1] + base,
                         .lse = (const float *)call->in_data[2] + pair * s.tokens,
                         .g = (const float *)call->in_data[3] + base};
        for (uint32_t first = 0; first < s.dim; first += SLAB) {
            uint32_t columns = BASE_MIN(s.dim - first, (uint32_t)SLAB);
            for (uint32_t i = 0; i < s.tokens; i++) {
                query_gradient(&p, i, first, columns);
                key_gradient(&p, i, first, columns);
            }
        }
    }
}

/* Five products, the recomputed scores included; what a kernel recomputes beyond that is its own affair. */
static double flops(const struct op_call *call)
{
    return 5 * attention_product_flops(call);
}

static const struct op_variant variants[] = {
    {.name = "attention_bwd_kv_cm",
     .needs = OP_MATRIX_UNITS | VK_CAP_F16,
     .rounds = true,
     .fits = attention_fits_bwd_cm,
     .steps = attention_plan_bwd_cm},
    {.name = "attention_bwd_kv_cm_bf16",
     .needs = OP_MATRIX_UNITS | VK_CAP_COOPMAT_BF16,
     .rounds = true,
     .fits = attention_fits_bwd_cm_bf16,
     .steps = attention_plan_bwd_cm},
    {.name = "attention_bwd_kv_sg_texel",
     .needs = VK_CAP_SUBGROUP | VK_CAP_SUBGROUP_SHUFFLE | VK_CAP_TEXEL,
     .fits = attention_fits_sg_texel,
     .steps = attention_plan_bwd_sg_texel},
    {.name = "attention_bwd_kv_sg",
     .needs = VK_CAP_SUBGROUP | VK_CAP_SUBGROUP_SHUFFLE,
     .fits = attention_fits_sg,
     .steps = attention_plan_bwd_sg},
    {.name = "attention_bwd_kv_row",
     .fits = attention_fits_bwd_row,
     .steps = attention_plan_bwd_row,
     .tiles = attention_tiles_row},
    {.name = "attention_bwd_kv_kept", .fits = attention_fits_kept, .steps = attention_plan_bwd_kept},
    {.name = "attention_bwd_kv_tile", .fits = attention_fits_tile, .steps = attention_plan_bwd_tile},
    {.name = "attention_bwd", .steps = attention_plan_bwd},
    {0},
};

const struct op_desc op_attention_bwd = {
    .name = "attention_bwd",
    .signature = "qkv:half[B,T,3D] o:half[B,T,D] lse[B,heads,T] do:half[B,T,D] -> dqkv:stored[B,T,3D]",
    .summary = "the gradient of attention; attr as it",
    .forward = {&op_attention},
    .shapes = attention_check,
    .reference = reference,
    .variants = variants,
    /* as attention's weights; the sums over T queries are larger (large queries enter dk), hence abs */
    .tolerance = {.abs = 1e-3, .rel = 1e-4, .nmse = 1e-10},
    /* weights and gradients of scores, rounded to f16 by 2^-11 of themselves, then summed over all rows in fp32: NMSE
     * 2^-24 where nothing cancels. bf16 has three digits fewer */
    .tolerance_f16 = {.abs = 2e-3, .rel = 2e-3, .nmse = 1e-5},
    .tolerance_bf16 = {.abs = 1.6e-2, .rel = 1.6e-2, .nmse = 1e-4},
    .flops = flops,
};
