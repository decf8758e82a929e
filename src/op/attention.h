/* attention.h: what attention.c, attention_bwd.c and the plans share. */
#ifndef OP_ATTENTION_H
#define OP_ATTENTION_H

#include "op/part.h"

/* Sizes of a call. o and its gradient are [B,T,D], head h owns columns h*d .. (h+1)*d, d = D/H; q, k and v stand one
 * behind another in the rows of one [B,T,3D], as one product makes them, and so do their gradients. */
struct attention_size {
    uint32_t batch, tokens, width, heads, dim; /* B, T, D, H, d */
    enum mien_dtype dtype;                     /* of qkv and o and of their gradients */
    double scale;
    bool causal;
};

struct attention_size attention_size_of(const struct op_call *call);
/* Where the queries of a (batch, head) pair begin in qkv; its keys stand `width` behind them, its values 2 width, and
 * the next row 3 width. */
size_t attention_first(const struct attention_size *s, size_t pair);

/* op_desc.shapes of both: checks heads and dtypes. */
enum mien_status attention_check(struct op_call *call, const char *label);

/* Multiply-adds of one T x T x d product over all heads, a causal mask counted, times two. */
double attention_product_flops(const struct op_call *call);

/* The inputs of the gradient; of attention itself the first is the same. */
enum { ATTENTION_QKV, ATTENTION_O, ATTENTION_LSE, ATTENTION_DO };

/* A run of batches whose ranges can be bound. */
struct attention_part {
    uint32_t batches;
    struct op_part qkv;  /* of the [B,T,3D] tensors */
    struct op_part rows; /* of the [B,T,D] tensors */
    struct op_part lse;  /* of the [B,H,T] tensors */
};

/* Behind the binds of any kernel here: how they are stored (op_dispatch_formats). */
static inline void attention_formats(struct op_dispatch *d, const struct op_call *call)
{
    op_dispatch_formats(d, call, 10);
}

/* Operations of so many products of T x T x d. A causal mask leaves out some of them, none in the last block. */
double attention_flops(const struct attention_size *s, uint32_t pairs, double products);

/* The part that begins at batch `first`; batches 0 when not even one fits. */
struct attention_part attention_part_at(const struct vk_caps *caps, const struct attention_size *s, uint32_t first);

/* Query rows row0.. of the (batch, head) pairs pair0.. of a part: what scratch matrices hold at a time. */
struct attention_chunk {
    struct op_plan *plan;
    struct attention_size size;
    struct attention_part part;
    uint32_t pair0, pairs, row0, rows;
};

/* Binds what kernels of the gradient read, in their order: qkv, lse, do and delta, which is scratch `delta`. */
void attention_bind_with_delta(struct op_dispatch *d, const struct attention_part *part, uint32_t delta);
/* A dispatch for delta = rowsum(do * o) of all pairs of a part, into scratch `index`. */
void attention_plan_delta(const struct attention_chunk *c, uint32_t index);

/* Plans (attention_plan.c, attention_cm.c, attention_plain.c); fits of the variants that are not plain. */
bool attention_fits_cm(const struct vk_caps *caps, const struct op_call *call);
bool attention_fits_cm_bf16(const struct vk_caps *caps, const struct op_call *call);
bool attention_fits_bwd_cm(const struct vk_caps *caps, const struct op_call *call);
bool attention_fits_bwd_cm_bf16(const struct vk_caps *caps, const struct op_call *call);
bool attention_fits_sg(const struct vk_caps *caps, const struct op_call *call);
bool attention_fits_sg_texel(const struct vk_caps *caps, const struct op_call *call);
bool attention_fits_row(const struct vk_caps *caps, const struct op_call *call);
bool attention_fits_bwd_row(const struct vk_caps *caps, const struct op_call *call);
bool attention_fits_kept(const struct vk_caps *caps, const struct op_call *call);
bool attention_fits_tile(const struct vk_caps *caps, const struct op_call *call);
uint32_t attention_tiles_row(const struct vk_caps *caps, const struct op_call *call, struct op_tile out[OP_MAX_TILES]);
void attention_plan_fwd_cm(struct op_plan *plan);
void attention_plan_fwd_sg(struct op_plan *plan);
void attention_plan_fwd_sg_texel(struct op_plan *plan);
void attention_plan_fwd_row(struct op_plan *plan);
void attention_plan_fwd_tile(struct op_plan *plan);
void attention_plan_fwd(struct op_plan *plan);
void attention_plan_bwd_cm(struct op_plan *plan);
void attention_plan_bwd_sg(struct op_plan *plan);
void attention_plan_bwd_sg_texel(struct op_plan *plan);
void attention_plan_bwd_row(struct op_plan *plan);
void attention_plan_bwd_kept(struct op_plan *plan);
void attention_plan_bwd_tile(struct op_plan *plan);
void attention_plan_bwd(struct op_plan *plan);

#endif
