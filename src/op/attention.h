/* attention.h: what attention.c, attention_bwd.c and attention_plan.c share. */
#ifndef OP_ATTENTION_H
#define OP_ATTENTION_H

#include "op/op.h"

/* Sizes of a call; all of q, k, v, o and their gradients are [B,T,D], head h owns columns h*d .. (h+1)*d, d = D/H. */
struct attention_size {
    uint32_t batch, tokens, width, heads, dim; /* B, T, D, H, d */
    double scale;
    bool causal;
};

struct attention_size attention_size_of(const struct op_call *call);

/* Checks q, k, v [B,T,D] (inputs 0-2) and the heads. */
enum mien_status attention_check(const struct op_call *call, const char *label);

/* Tests: q, k and v of unit scale, with some rows that score far above the rest. */
void attention_fill_qkv(struct op_call *call, struct base_rng *rng);

/* Forward reference on host data, for the backward op's tests too. */
void attention_forward(const struct attention_size *size, const float *q, const float *k, const float *v, float *o,
                       float *lse);

/* Multiply-adds of one T x T x d product over all heads, a causal mask counted, times two. */
double attention_product_flops(const struct op_call *call);

/* Plans (attention_plan.c); fits of the variants that are not plain. */
bool attention_fits_sg(const struct vk_caps *caps, const struct op_call *call);
bool attention_fits_tile(const struct vk_caps *caps, const struct op_call *call);
enum mien_status attention_plan_fwd_sg(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan);
enum mien_status attention_plan_fwd_tile(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan);
enum mien_status attention_plan_fwd(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan);
enum mien_status attention_plan_bwd_sg(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan);
enum mien_status attention_plan_bwd_tile(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan);
enum mien_status attention_plan_bwd(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan);

#endif
