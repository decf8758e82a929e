#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: a workgroup owns 32 query rows of one head and walks over the keys in tiles of 32 held in shared memory.
// Ownership within the workgroup: attention/tile.glsl.
// Numerics: fp32 online softmax, rescaled once per tile; the running maximum keeps every exponent <= 0.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "attention/tile.glsl"

READ_STORED(0, qkv)          // [B,T,3D]
WRITE_STORED(1, o)           // [B,T,D]
WRITE_BUFFER(2, float, lse); // [B,H,T]
PUSH(attention_args, p);

#include "attention/tail_fwd.glsl"

const float HIDDEN = -3.0e38; // the score of a key that is not seen

shared float joined[SIDE * 8]; // one value of each owner of a row

void main()
{
    uint group = group_1d(p.begin);
    if (group >= p.groups)
        return;
    uint blocks = (p.tokens + SIDE - 1) / SIDE, pair = group / blocks, first = (group % blocks) * SIDE;
    uint batch = pair / p.heads * p.tokens, head = pair % p.heads * D4, wide = 3 * p.width4;
    uint base = p.skip4 + batch * p.width4 + head, queries = p.skip_qkv4 + batch * wide + head;
    if (is_tail(first, p.tokens)) {
        for (uint row0 = first; row0 < p.tokens; row0 += TAIL)
            tail_fwd(row0, pair, queries, base);
        return;
    }
    uint end = CAUSAL != 0 ? min(first + SIDE, p.tokens) : p.tokens;

    vec4 sum[2 * N4];
    [[unroll]] for (uint n = 0; n < 2 * N4; n++)
        sum[n] = vec4(0);
    vec2 top = vec2(HIDDEN), total = vec2(0); // total: of this invocation's keys only
    for (uint j = 0; j < end; j += SIDE) {
        float score[8] = float[8](0, 0, 0, 0, 0, 0, 0, 0);
        TILE_SCORES(score, QUERY, first, KEY, j)
        [[unroll]] for (uint r = 0; r < 2; r++) {
            uint row = min(first + 2 * DOWN + r, p.tokens - 1), last = CAUSAL != 0 ? row : p.tokens - 1;
            float peak = HIDDEN;
            [[unroll]] for (uint n = 0; n < 4; n++) {
                score[4 * r + n] = j + OVER + 8 * n <= last ? score[4 * r + n] * p.scale : HIDDEN;
                peak = max(peak, score[4 * r + n]);
            }
            joined[(2 * DOWN + r) * 8 + OVER] = peak;
        }
        barrier();
        [[unroll]] for (uint r = 0; r < 2; r++) {
            float peak = top[r];
            [[unroll]] for (uint n = 0; n < 8; n++)
                peak = max(peak, joined[(2 * DOWN + r) * 8 + n]);
            float keep = exp(top[r] - peak), part = 0;
            top[r] = peak;
            [[unroll]] for (uint n = 0; n < 4; n++) {
                score[4 * r + n] = exp(score[4 * r + n] - peak);
                part += score[4 * r + n];
            }
            total[r] = total[r] * keep + part;
            [[unroll]] for (uint n = 0; n < N4; n++)
                sum[r * N4 + n] *= keep;
        }
        tile_put(score);
        TILE_APPLY(sum, VALUE, j)
    }
    joined[2 * DOWN * 8 + OVER] = total.x;
    joined[(2 * DOWN + 1) * 8 + OVER] = total.y;
    barrier();
    total = vec2(0);
    [[unroll]] for (uint n = 0; n < 8; n++)
        total += vec2(joined[2 * DOWN * 8 + n], joined[(2 * DOWN + 1) * 8 + n]);
    vec2 inverse = 1 / total;
    TILE_STORE(OUTPUT, sum, inverse, first)
    [[unroll]] for (uint r = 0; r < 2; r++) {
        uint row = first + 2 * DOWN + r;
        if (OVER == 0 && row < p.tokens)
            lse[p.skip + pair * p.tokens + row] = top[r] + log(total[r]);
    }
}
