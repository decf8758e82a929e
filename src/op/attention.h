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

/* op_desc.shapes of both: checks the heads. */
enum mien_status attention_check(struct op_call *call, const char *label);

/* Multiply-adds of one T x T x d product over all heads, a causal mask counted, times two. */
double attention_product_flops(const struct op_call *call);

/* Plans (attention_plan.c); fits of the variants that are not plain. */
bool attention_fits_sg(const struct vk_caps *caps, const struct op_call *call);
bool attention_fits_row(const struct vk_caps *caps, const struct op_call *call);
bool attention_fits_bwd_row(const struct vk_caps *caps, const struct op_call *call);
bool attention_fits_kept(const struct vk_caps *caps, const struct op_call *call);
bool attention_fits_tile(const struct vk_caps *caps, const struct op_call *call);
void attention_plan_fwd_sg(struct op_plan *plan);
void attention_plan_fwd_row(struct op_plan *plan);
void attention_plan_fwd_tile(struct op_plan *plan);
void attention_plan_fwd(struct op_plan *plan);
void attention_plan_bwd_sg(struct op_plan *plan);
void attention_plan_bwd_row(struct op_plan *plan);
void attention_plan_bwd_kept(struct op_plan *plan);
void attention_plan_bwd_tile(struct op_plan *plan);
void attention_plan_bwd(struct op_plan *plan);

#endif
