#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: gradients of keys and values from the weights and their gradients that attention_bwd_q_tile has kept. A
// workgroup owns 32 key rows of one head and walks over the queries and output gradients in tiles of 32 held in shared
// memory. No atomics: deterministic.
// Ownership within the workgroup: attention/tile.glsl (its own rows are the keys, the scores' tile is transposed).
// Numerics: fp32; each sum runs over the queries in order.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "attention/tile.glsl"

READ_STORED(0, qkv)         // [B,T,3D]
READ_STORED(1, g)           // [B,T,D] gradient of o
READ_BUFFER(2, vec4, kept); // [pairs,T,keys] (weight, gradient of q k^T before scaling) of two keys
WRITE_STORED(3, dqkv)       // [B,T,3D]
PUSH(attention_pairs_args, p);

vec2 kept_at(uint at)
{
    vec4 two = kept[at / 2];
    return at % 2 == 0 ? two.xy : two.zw;
}

#define KEPT(at) kept_at(at)
#include "attention/tail_bwd_kv.glsl"

void main()
{
    uint group = group_1d(p.begin);
    if (group >= p.groups)
        return;
    uint blocks = (p.tokens + SIDE - 1) / SIDE, pair = p.pair0 + group / blocks, first = (group % blocks) * SIDE;
    uint batch = pair / p.heads * p.tokens, head = pair % p.heads * D4, wide = 3 * p.width4;
    uint base = p.skip4 + batch * p.width4 + head, queries = p.skip_qkv4 + batch * wide + head;

    if (is_tail(first, p.tokens)) {
        for (uint row0 = first; row0 < p.tokens; row0 += TAIL)
            tail_bwd_kv(row0, CAUSAL != 0 ? first : 0, queries, base, group / blocks * p.tokens * p.keys);
        return;
    }
    vec4 key_sum[2 * N4], value_sum[2 * N4];
    [[unroll]] for (uint n = 0; n < 2 * N4; n++)
        key_sum[n] = value_sum[n] = vec4(0);
    for (uint i = CAUSAL != 0 ? first : 0; i < p.tokens; i += SIDE) {
        float weights[8], parts[8];
        [[unroll]] for (uint n = 0; n < 4; n++) {
            uint row = i + OVER + 8 * n, own = min(row, p.tokens - 1);
            vec4 two = kept[((group / blocks * p.tokens + own) * p.keys + first) / 2 + DOWN]; // of two keys
            two = row < p.tokens ? two : vec4(0);
            weights[n] = two.x;
            weights[4 + n] = two.z;
            parts[n] = two.y;
            parts[4 + n] = two.w;
        }
        barrier(); // all have read the gradients before
        tile_put(weights);
        TILE_APPLY(value_sum, GRAD, i)
        barrier(); // all have read the weights
        tile_put(parts);
        TILE_APPLY(key_sum, QUERY, i)
    }
    vec2 one = vec2(1), factor = vec2(p.scale);
    TILE_STORE(VALUE_GRAD, value_sum, one, first)
    TILE_STORE(KEY_GRAD, key_sum, factor, first)
}
