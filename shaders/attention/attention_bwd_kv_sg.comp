#version 450
//! dtype: f32
//! tech: storage texel
//! target: vulkan1.1
// Idea: gradients of keys and values. A workgroup is one subgroup; each lane owns one key row; queries and output
// gradients come in blocks of one row per lane, handed round by constant-lane shuffles. No atomics: deterministic.
// Lane l of group (b, h, block) owns key row block * LANES + l; rows past the end repeat the last and are not stored.
// Numerics: fp32; probabilities are recomputed from the saved lse; each sum runs over the queries in order.
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
READ_BUFFER(1, float, lse); // [B,H,T]
READ_FOURS(2, g)            // [B,T,D] gradient of o
READ_BUFFER(3, float, dt);  // [B,H,T] delta = rowsum(g * o)
WRITE_STORED(4, dqkv)       // [B,T,3D]
PUSH(attention_args, p);

void main()
{
    uint group = group_1d(p.begin);
    if (group >= p.groups)
        return;
    uint blocks = (p.tokens + LANES - 1) / LANES, pair = group / blocks;
    uint first = (group % blocks) * LANES, lane = gl_SubgroupInvocationID, row = first + lane;
    uint of_pair = p.skip + pair * p.tokens;
    uint batch = pair / p.heads * p.tokens, head = pair % p.heads * D4, wide = 3 * p.width4;
    uint base = p.skip4 + batch * p.width4 + head, queries = p.skip_qkv4 + batch * wide + head;
    uint of_key = queries + min(row, p.tokens - 1) * wide + p.width4, of_value = of_key + p.width4;

    vec4 key[D4], value[D4], key_sum[D4], value_sum[D4];
    [[unroll]] for (uint c = 0; c < D4; c++) {
        key[c] = qkv4(of_key + c) * p.scale;
        value[c] = qkv4(of_value + c);
        key_sum[c] = value_sum[c] = vec4(0);
    }
    for (uint i = CAUSAL != 0 ? first : 0; i < p.tokens; i += LANES) {
        uint own = min(i + lane, p.tokens - 1), from = queries + own * wide, of_grad = base + own * p.width4;
        float norm = lse[of_pair + own], delta = dt[of_pair + own];
        vec4 query[D4], grad[D4];
        float score[LANES], part[LANES];
        [[unroll]] for (uint t = 0; t < LANES; t++)
            score[t] = part[t] = 0;
        [[unroll]] for (uint c = 0; c < D4; c++) {
            query[c] = qkv4(from + c);
            grad[c] = g4(of_grad + c);
            [[unroll]] for (uint t = 0; t < LANES; t++) {
                score[t] += dot(key[c], subgroupShuffle(query[c], t));
                part[t] += dot(value[c], subgroupShuffle(grad[c], t));
            }
        }
        [[unroll]] for (uint t = 0; t < LANES; t++) {
            bool seen = i + t < p.tokens && (CAUSAL == 0 || row <= i + t);
            score[t] = seen ? exp(score[t] - subgroupShuffle(norm, t)) : 0;
            part[t] = score[t] * (part[t] - subgroupShuffle(delta, t));
        }
        [[unroll]] for (uint c = 0; c < D4; c++) {
            vec4 ks = key_sum[c], vs = value_sum[c];
            [[unroll]] for (uint t = 0; t < LANES; t++) {
                ks += part[t] * subgroupShuffle(query[c], t);
                vs += score[t] * subgroupShuffle(grad[c], t);
            }
            key_sum[c] = ks;
            value_sum[c] = vs;
        }
    }
    if (row >= p.tokens)
        return;
    [[unroll]] for (uint c = 0; c < D4; c++) {
        store_dqkv(of_key + c, key_sum[c] * p.scale);
        store_dqkv(of_value + c, value_sum[c]);
    }
}
