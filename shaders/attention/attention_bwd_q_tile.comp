#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: gradient of the queries. A workgroup owns 32 query rows of one head and walks over the keys and values in tiles
// of 32 held in shared memory. With KEEP the weights and their gradients are kept for attention_bwd_kv_kept, which then
// recomputes nothing.
// Ownership within the workgroup: attention/tile.glsl.
// Numerics: fp32; probabilities are recomputed from the saved lse, so no maximum is needed.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "attention/tile.glsl"

READ_STORED(0, qkv)          // [B,T,3D]
READ_BUFFER(1, float, lse);  // [B,H,T]
READ_STORED(2, g)            // [B,T,D] gradient of o
READ_BUFFER(3, float, dt);   // [B,H,T] delta = rowsum(g * o)
WRITE_STORED(4, dqkv)        // [B,T,3D]
WRITE_BUFFER(5, vec2, kept); // KEEP: [pairs,T,keys] (weight, gradient of q k^T before scaling), whole tiles of keys
PUSH(attention_pairs_args, p);

layout(constant_id = 9) const uint KEEP = 0;

void keep_two(uint at, vec4 v)
{
    if (KEEP != 0) {
        kept[2 * at] = v.xy;
        kept[2 * at + 1] = v.zw;
    }
}

#define KEEP_TWO(at, v) keep_two(at, v)
#include "attention/tail_bwd_q.glsl"

void tail(uint first, uint pair, uint queries, uint base, uint keep)
{
    for (uint row0 = first; row0 < p.tokens; row0 += TAIL) {
        float norm[TAIL], delta[TAIL];
        [[unroll]] for (uint r = 0; r < TAIL; r++) {
            norm[r] = lse[p.skip + pair * p.tokens + TAIL_ROW(r)];
            delta[r] = dt[p.skip + pair * p.tokens + TAIL_ROW(r)];
        }
        tail_bwd_q(row0, queries, base, keep, norm, delta);
    }
}

void main()
{
    uint group = group_1d(p.begin);
    if (group >= p.groups)
        return;
    uint blocks = (p.tokens + SIDE - 1) / SIDE, pair = p.pair0 + group / blocks, first = (group % blocks) * SIDE;
    uint batch = pair / p.heads * p.tokens, head = pair % p.heads * D4, wide = 3 * p.width4;
    uint base = p.skip4 + batch * p.width4 + head, queries = p.skip_qkv4 + batch * wide + head;
    if (is_tail(first, p.tokens)) {
        tail(first, pair, queries, base, group / blocks * p.tokens * p.keys);
        return;
    }
    uint end = CAUSAL != 0 ? min(first + SIDE, p.tokens) : p.tokens;

    vec4 sum[2 * N4];
    [[unroll]] for (uint n = 0; n < 2 * N4; n++)
        sum[n] = vec4(0);
    float norms[2], deltas[2];
    [[unroll]] for (uint r = 0; r < 2; r++) {
        uint at = p.skip + pair * p.tokens + min(first + 2 * DOWN + r, p.tokens - 1);
        norms[r] = lse[at];
        deltas[r] = dt[at];
    }
    for (uint j = 0; j < end; j += SIDE) {
        float score[8] = float[8](0, 0, 0, 0, 0, 0, 0, 0), part[8] = float[8](0, 0, 0, 0, 0, 0, 0, 0);
        TILE_SCORES(score, QUERY, first, KEY, j)
        TILE_SCORES(part, GRAD, first, VALUE, j)
        [[unroll]] for (uint r = 0; r < 2; r++) {
            uint row = min(first + 2 * DOWN + r, p.tokens - 1), last = CAUSAL != 0 ? row : p.tokens - 1;
            [[unroll]] for (uint n = 4 * r; n < 4 * r + 4; n++) {
                float w = j + OVER + 8 * (n - 4 * r) <= last ? exp(score[n] * p.scale - norms[r]) : 0;
                score[n] = w * (part[n] - deltas[r]);
                part[n] = w;
            }
            if (KEEP != 0 && first + 2 * DOWN + r < p.tokens) {
                uint at = (group / blocks * p.tokens + row) * p.keys + j + OVER;
                [[unroll]] for (uint n = 0; n < 4; n++)
                    kept[at + 8 * n] = vec2(part[4 * r + n], score[4 * r + n]);
            }
        }
        tile_put(score);
        TILE_APPLY(sum, KEY, j)
    }
    vec2 factor = vec2(p.scale);
    TILE_STORE(QUERY_GRAD, sum, factor, first)
}
