/* attention.h: push constants of shaders/attention. A range may hold a part of the batch; `skip` says where it begins.
 */
#ifndef SHADERS_ARGS_ATTENTION_H
#define SHADERS_ARGS_ATTENTION_H

#include "args/types.h"

/* The fused kernels: o and its gradient are [B,T,D] read as vec4, D = heads * head dim; qkv and its gradient [B,T,3D].
 */
struct attention_args {
    arg_u32 groups;                 /* workgroups that have work */
    arg_u32 tokens, heads;          /* T, H */
    arg_u32 width4;                 /* D / 4 */
    arg_u32 skip4, skip_qkv4, skip; /* first element: vec4s in [B,T,D] and [B,T,3D], floats in [B,H,T] */
    arg_f32 scale;
    arg_u32 begin; /* op_plan_cut */
};

/* The row and the tile form's gradient, of a chunk of (batch, head) pairs: their scratch holds (weight, gradient of the
 * score) for each [pair, query, key], with room for `keys`; the row form works on ATTENTION_KEYS at a time. */
#define ATTENTION_KEYS 4
struct attention_pairs_args {
    arg_u32 groups;                 /* workgroups that have work */
    arg_u32 tokens, heads;          /* T, H */
    arg_u32 keys;                   /* a multiple of 4, T or more */
    arg_u32 width4;                 /* D / 4 */
    arg_u32 pair0;                  /* the chunk's first pair, counted from the bound part's first batch */
    arg_u32 skip4, skip_qkv4, skip; /* first element: vec4s in [B,T,D] and [B,T,3D], floats in [B,H,T] */
    arg_f32 scale;
    arg_u32 begin; /* op_plan_cut */
};

/* attention_mm: C[m,n] (+)= sum_k A[m,k] B[k,n] for each (batch, head) pair; strides in elements. A model tensor is
 * addressed by batch and head, a scratch matrix by the pair's place in the chunk (its other strides are 0). */
struct attention_mm_args {
    arg_u32 count;             /* invocations that have work */
    arg_u32 rows, cols, depth; /* M, N, K */
    arg_u32 heads, pair0;      /* H; the chunk's first pair, counted from the bound part's first batch */
    arg_u32 a_first, a_batch, a_head, a_chunk, a_row, a_col;
    arg_u32 b_first, b_batch, b_head, b_chunk, b_row, b_col;
    arg_u32 c_first, c_batch, c_head, c_chunk, c_row;
    arg_u32 begin; /* op_plan_cut */
};

/* attention_fwd, attention_bwd, attention_bwd_delta: query rows row0.. of a chunk of pairs; the scratch matrices are
 * [pairs, rows, T]. */
struct attention_rows_args {
    arg_u32 count; /* invocations that have work */
    arg_u32 tokens, heads, dim;
    arg_u32 pair0;
    arg_u32 row0, rows;
    arg_u32 causal;
    arg_u32 skip, skip_qkv, skip_lse; /* first element of [B,T,D], [B,T,3D] and [B,H,T] */
    arg_f32 scale;
    arg_u32 begin; /* op_plan_cut */
};

#endif
