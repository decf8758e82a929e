#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: gradients of keys and values from the weights and their gradients that attention_bwd_q_row has kept. An
// invocation owns one key row in registers, and walks over the queries, whose addresses depend on nothing but the
// workgroup and the loop (see attention_fwd_row.comp); the weights of the next ROUND queries are fetched while it
// works on these. Neighbours own neighbouring keys. No atomics: deterministic. Invocation l of group (b, h, block) owns
// key row block * ROWS + l; of the last block as tail.glsl says.
// Numerics: fp32; each sum runs over the queries in order, or in that of tail.glsl.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "lib/cut.glsl"
#include "args/attention.h"

#define FORMATS_ID 10
#include "lib/stored.glsl"

layout(constant_id = 3) const uint D4 = 8;    // head dim / 4
layout(constant_id = 4) const uint ROWS = 64; // of a workgroup
layout(constant_id = 8) const uint CAUSAL = 0;

READ_STORED(0, qkv)         // [B,T,3D]
READ_STORED(1, g)           // [B,T,D] gradient of o
READ_BUFFER(2, vec2, kept); // [pairs,T,keys] (weight, gradient of q k^T before scaling)
WRITE_STORED(3, dqkv)       // [B,T,3D]
PUSH(attention_pairs_args, p);

#define TAIL_BLOCK ROWS
#define TAIL_LANES ROWS
#define TAIL_RUN D4
#define KEPT(at) kept[at]
#include "attention/tail_bwd_kv.glsl"

const uint ROUND = 4;                  // queries at a time
const uint FARTHEST = 0x10000000 - D4; // see attention_fwd_row.comp

void main()
{
    uint group = group_1d(p.begin), blocks = (p.tokens + ROWS - 1) / ROWS, pair = p.pair0 + group / blocks;
    uint first = (group % blocks) * ROWS, row = first + gl_LocalInvocationID.x;
    if (group >= p.groups)
        return;
    uint batch = pair / p.heads * p.tokens, head = pair % p.heads * D4, wide = 3 * p.width4;
    uint base = p.skip4 + batch * p.width4 + head, queries = p.skip_qkv4 + batch * wide + head;
    uint start = CAUSAL != 0 ? first : 0; // earlier queries see none of the workgroup's keys
    uint weights = group / blocks * p.tokens * p.keys, of_key = weights + row;
    if (is_tail(first, p.tokens))
        for (uint row0 = first; row0 < p.tokens; row0 += TAIL)
            tail_bwd_kv(row0, start, queries, base, weights);
    if (is_tail(first, p.tokens) || row >= p.tokens)
        return;

    vec4 key_sum[D4], value_sum[D4];
    [[unroll]] for (uint c = 0; c < D4; c++)
        key_sum[c] = value_sum[c] = vec4(0);
    uint last_query = min(queries + (p.tokens - 1) * wide, FARTHEST);
    uint last_grad = min(base + (p.tokens - 1) * p.width4, FARTHEST);
    vec2 next[ROUND];
    [[unroll]] for (uint t = 0; t < ROUND; t++)
        next[t] = kept[of_key + min(start + t, p.tokens - 1) * p.keys];
    for (uint i = start; i < p.tokens; i += ROUND) {
        vec2 query[ROUND];
        [[unroll]] for (uint t = 0; t < ROUND; t++)
            query[t] = i + t < p.tokens ? next[t] : vec2(0);
        [[unroll]] for (uint t = 0; t < ROUND; t++)
            next[t] = kept[of_key + min(i + ROUND + t, p.tokens - 1) * p.keys];
        uint query_at = queries + i * wide, grad_at = base + i * p.width4;
        [[unroll]] for (uint t = 0; t < ROUND; t++) {
            uint from = min(query_at + t * wide, last_query), of_grad = min(grad_at + t * p.width4, last_grad);
            [[unroll]] for (uint c = 0; c < D4; c++)
                key_sum[c] += query[t].y * qkv4(from + c);
            [[unroll]] for (uint c = 0; c < D4; c++)
                value_sum[c] += query[t].x * g4(of_grad + c);
        }
    }
    uint key = queries + row * wide + p.width4, value = key + p.width4;
    [[unroll]] for (uint c = 0; c < D4; c++) {
        store_dqkv(key + c, key_sum[c] * p.scale);
        store_dqkv(value + c, value_sum[c]);
    }
}
