#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: gradients of keys and values. A workgroup owns 32 key rows of one head and walks over the queries and output
// gradients in tiles of 32 held in shared memory. No atomics: deterministic.
// Ownership within the workgroup: attention/tile.glsl (its own rows are the keys, the scores' tile is transposed).
// Numerics: fp32; probabilities are recomputed from the saved lse; each sum runs over the queries in order.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "attention/tile.glsl"

READ_STORED(0, qkv)         // [B,T,3D]
READ_BUFFER(1, float, lse); // [B,H,T]
READ_STORED(2, g)           // [B,T,D] gradient of o
READ_BUFFER(3, float, dt);  // [B,H,T] delta = rowsum(g * o)
WRITE_STORED(4, dqkv)       // [B,T,3D]
PUSH(attention_args, p);

void main()
{
    uint group = group_1d(p.begin);
    if (group >= p.groups)
        return;
    uint blocks = (p.tokens + SIDE - 1) / SIDE, pair = group / blocks, first = (group % blocks) * SIDE;
    uint batch = pair / p.heads * p.tokens, head = pair % p.heads * D4, wide = 3 * p.width4;
    uint base = p.skip4 + batch * p.width4 + head, queries = p.skip_qkv4 + batch * wide + head;

    vec4 key_sum[2 * N4], value_sum[2 * N4];
    [[unroll]] for (uint n = 0; n < 2 * N4; n++)
        key_sum[n] = value_sum[n] = vec4(0);
    for (uint i = CAUSAL != 0 ? first : 0; i < p.tokens; i += SIDE) {
        float score[8] = float[8](0, 0, 0, 0, 0, 0, 0, 0), part[8] = float[8](0, 0, 0, 0, 0, 0, 0, 0);
        TILE_SCORES(score, KEY, first, QUERY, i)
        TILE_SCORES(part, VALUE, first, GRAD, i)
        [[unroll]] for (uint n = 0; n < 4; n++) {
            uint row = i + OVER + 8 * n, own = min(row, p.tokens - 1);
            float norm = lse[p.skip + pair * p.tokens + own], delta = dt[p.skip + pair * p.tokens + own];
            [[unroll]] for (uint r = 0; r < 2; r++) {
                bool seen = row < p.tokens && (CAUSAL == 0 || first + 2 * DOWN + r <= row);
                float w = seen ? exp(score[4 * r + n] * p.scale - norm) : 0;
                score[4 * r + n] = w;
                part[4 * r + n] = w * (part[4 * r + n] - delta);
            }
        }
        tile_put(score);
        TILE_APPLY(value_sum, GRAD, i)
        barrier(); // all have read the weights
        tile_put(part);
        TILE_APPLY(key_sum, QUERY, i)
    }
    vec2 one = vec2(1), factor = vec2(p.scale);
    TILE_STORE(VALUE_GRAD, value_sum, one, first)
    TILE_STORE(KEY_GRAD, key_sum, factor, first)
}
