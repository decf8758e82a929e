#version 450
//! dtype: f32
//! tech: storage texel
//! target: vulkan1.1
// Idea: a workgroup is one subgroup; each lane owns one query row with its output in registers. Keys and values come
// in blocks of one row per lane and are handed round by constant-lane shuffles: one load serves all lanes, no shared
// memory, no barrier.
// Lane l of group (b, h, block) owns query row block * LANES + l; rows past the end repeat the last and are not stored.
// Numerics: fp32 online softmax, rescaled once per block of keys; the running maximum keeps every exponent <= 0.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#include "lib/cut.glsl"
#include "args/attention.h"

#define FORMATS_ID 10
#include "lib/stored.glsl"

layout(constant_id = 3) const uint D4 = 8;    // head dim / 4
layout(constant_id = 4) const uint LANES = 8; // subgroup size
layout(constant_id = 8) const uint CAUSAL = 0;

READ_FOURS(0, qkv)           // [B,T,3D]
WRITE_STORED(1, o)           // [B,T,D]
WRITE_BUFFER(2, float, lse); // [B,H,T]
PUSH(attention_args, p);

const float HIDDEN = -3.0e38; // the score of a key that is not seen

void main()
{
    uint group = group_1d(p.begin);
    if (group >= p.groups)
        return;
    uint blocks = (p.tokens + LANES - 1) / LANES, pair = group / blocks;
    uint first = (group % blocks) * LANES, lane = gl_SubgroupInvocationID, row = first + lane;
    uint batch = pair / p.heads * p.tokens, head = pair % p.heads * D4, wide = 3 * p.width4;
    uint queries = p.skip_qkv4 + batch * wide + head, keys = queries + p.width4;
    uint own = min(row, p.tokens - 1), mine = queries + own * wide, at = p.skip4 + (batch + own) * p.width4 + head;

    vec4 query[D4], sum[D4];
    [[unroll]] for (uint c = 0; c < D4; c++) {
        query[c] = qkv4(mine + c) * p.scale;
        sum[c] = vec4(0);
    }
    float top = HIDDEN, total = 0;
    uint end = CAUSAL != 0 ? min(first + LANES, p.tokens) : p.tokens;
    uint last = CAUSAL != 0 ? own : p.tokens - 1; // the last key that this row sees
    for (uint j = 0; j < end; j += LANES) {
        uint key = keys + min(j + lane, p.tokens - 1) * wide, value = key + p.width4;
        float score[LANES];
        [[unroll]] for (uint t = 0; t < LANES; t++)
            score[t] = 0;
        [[unroll]] for (uint c = 0; c < D4; c++) {
            vec4 part = qkv4(key + c);
            [[unroll]] for (uint t = 0; t < LANES; t++)
                score[t] += dot(query[c], subgroupShuffle(part, t));
        }
        float peak = top;
        [[unroll]] for (uint t = 0; t < LANES; t++) {
            score[t] = j + t <= last ? score[t] : HIDDEN;
            peak = max(peak, score[t]);
        }
        float keep = exp(top - peak);
        top = peak;
        total *= keep;
        [[unroll]] for (uint t = 0; t < LANES; t++) {
            score[t] = exp(score[t] - peak);
            total += score[t];
        }
        [[unroll]] for (uint c = 0; c < D4; c++) {
            vec4 part = qkv4(value + c);
            vec4 s = sum[c] * keep;
            [[unroll]] for (uint t = 0; t < LANES; t++)
                s += score[t] * subgroupShuffle(part, t);
            sum[c] = s;
        }
    }
    if (row >= p.tokens)
        return;
    float inverse = 1 / total;
    [[unroll]] for (uint c = 0; c < D4; c++)
        store_o(at + c, sum[c] * inverse);
    lse[p.skip + pair * p.tokens + row] = top + log(total);
}
