#version 450
//! dtype: f32
//! tech: storage texel
//! target: vulkan1.1
// Idea: gradient of the queries, and delta = rowsum(do * o) for the other kernel. A workgroup is one subgroup; each
// lane owns one query row; keys and values come in blocks of one row per lane, handed round by constant-lane shuffles.
// Lane l of group (b, h, block) owns query row block * LANES + l; rows past the end repeat the last and are not stored.
// Numerics: fp32; probabilities are recomputed from the saved lse, so no maximum is needed.
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

READ_FOURS(0, qkv)          // [B,T,3D]
READ_FOURS(1, o)            // [B,T,D]
READ_BUFFER(2, float, lse); // [B,H,T]
READ_FOURS(3, g)            // [B,T,D] gradient of o
WRITE_STORED(4, dqkv)       // [B,T,3D]
WRITE_BUFFER(5, float, dt); // [B,H,T] delta
PUSH(attention_args, p);

void main()
{
    uint group = group_1d(p.begin);
    if (group >= p.groups)
        return;
    uint blocks = (p.tokens + LANES - 1) / LANES, pair = group / blocks;
    uint first = (group % blocks) * LANES, lane = gl_SubgroupInvocationID, row = first + lane;
    uint own = min(row, p.tokens - 1), of_row = p.skip + pair * p.tokens + own;
    uint batch = pair / p.heads * p.tokens, head = pair % p.heads * D4, wide = 3 * p.width4;
    uint queries = p.skip_qkv4 + batch * wide + head, keys = queries + p.width4;
    uint mine = queries + own * wide, at = p.skip4 + (batch + own) * p.width4 + head;

    vec4 query[D4], grad[D4], sum[D4];
    float delta = 0;
    [[unroll]] for (uint c = 0; c < D4; c++) {
        query[c] = qkv4(mine + c) * p.scale;
        grad[c] = g4(at + c);
        delta += dot(grad[c], o4(at + c));
        sum[c] = vec4(0);
    }
    float norm = lse[of_row];
    uint end = CAUSAL != 0 ? min(first + LANES, p.tokens) : p.tokens;
    uint last = CAUSAL != 0 ? own : p.tokens - 1; // the last key that this row sees
    for (uint j = 0; j < end; j += LANES) {
        uint from = keys + min(j + lane, p.tokens - 1) * wide, value = from + p.width4;
        vec4 key[D4];
        float score[LANES], part[LANES];
        [[unroll]] for (uint t = 0; t < LANES; t++)
            score[t] = part[t] = 0;
        [[unroll]] for (uint c = 0; c < D4; c++) {
            vec4 other = qkv4(value + c);
            key[c] = qkv4(from + c);
            [[unroll]] for (uint t = 0; t < LANES; t++) {
                score[t] += dot(query[c], subgroupShuffle(key[c], t));
                part[t] += dot(grad[c], subgroupShuffle(other, t));
            }
        }
        [[unroll]] for (uint t = 0; t < LANES; t++) {
            float weight = j + t <= last ? exp(score[t] - norm) : 0;
            score[t] = weight * (part[t] - delta);
        }
        [[unroll]] for (uint c = 0; c < D4; c++) {
            vec4 s = sum[c];
            [[unroll]] for (uint t = 0; t < LANES; t++)
                s += score[t] * subgroupShuffle(key[c], t);
            sum[c] = s;
        }
    }
    if (row >= p.tokens)
        return;
    [[unroll]] for (uint c = 0; c < D4; c++)
        store_dqkv(mine + c, sum[c] * p.scale);
    dt[of_row] = delta;
}
