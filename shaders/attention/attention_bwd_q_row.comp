#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: gradient of the queries, and the weights and their gradients for the other kernel, which then recomputes
// nothing. An invocation owns one query row in registers, and walks over the keys, whose addresses depend on nothing
// but the workgroup and the loop (see attention_fwd_row.comp).
// Invocation l of group (b, h, block) owns query row block * ROWS + l; of the last block as tail.glsl says.
// Numerics: fp32; weights are recomputed from the saved lse, so no maximum is needed. delta = rowsum(g * o) is summed
// as g v^T is: where one key has all the weight the two cancel exactly. Keys that are not seen get 0 exactly.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "lib/cut.glsl"
#include "args/attention.h"

#define FORMATS_ID 10
#include "lib/stored.glsl"

layout(constant_id = 3) const uint D4 = 8;    // head dim / 4
layout(constant_id = 4) const uint ROWS = 64; // of a workgroup
layout(constant_id = 8) const uint CAUSAL = 0;

READ_STORED(0, qkv)          // [B,T,3D]
READ_STORED(1, o)            // [B,T,D]
READ_BUFFER(2, float, lse);  // [B,H,T]
READ_STORED(3, g)            // [B,T,D] gradient of o
WRITE_STORED(4, dqkv)        // [B,T,3D]
WRITE_BUFFER(5, vec4, kept); // [pairs,T,keys] (weight, gradient of q k^T before scaling) of two keys
PUSH(attention_pairs_args, p);

#define TAIL_BLOCK ROWS
#define TAIL_LANES ROWS
#define TAIL_RUN D4
#define KEEP_TWO(at, v) kept[at] = v
#include "attention/tail_bwd_q.glsl"

// see attention_fwd_row.comp; short heads have less to add than the bound takes
const uint FARTHEST = D4 > 2 ? 0x10000000 - D4 : 0xffffffff;

void tail(uint first, uint pair, uint queries, uint outputs, uint keep)
{
    for (uint row0 = first; row0 < p.tokens; row0 += TAIL) {
        float norm[TAIL], delta[TAIL];
        [[unroll]] for (uint r = 0; r < TAIL; r++) {
            vec4 d = vec4(0);
            [[unroll]] for (uint c = 0; c < D4; c++)
                d += g4(outputs + TAIL_ROW(r) * p.width4 + c) * o4(outputs + TAIL_ROW(r) * p.width4 + c);
            norm[r] = lse[p.skip + pair * p.tokens + TAIL_ROW(r)];
            delta[r] = tail_across(d);
        }
        tail_bwd_q(row0, queries, outputs, keep, norm, delta);
    }
}

void main()
{
    uint group = group_1d(p.begin), blocks = (p.tokens + ROWS - 1) / ROWS, pair = p.pair0 + group / blocks;
    uint first = (group % blocks) * ROWS, row = first + gl_LocalInvocationID.x;
    if (group >= p.groups)
        return;
    uint batch = pair / p.heads * p.tokens, head = pair % p.heads * D4, wide = 3 * p.width4;
    uint queries = p.skip_qkv4 + batch * wide + head, keys = queries + p.width4;
    if (is_tail(first, p.tokens))
        tail(first, pair, queries, p.skip4 + batch * p.width4 + head, group / blocks * p.tokens * p.keys);
    if (is_tail(first, p.tokens) || row >= p.tokens)
        return;
    uint mine = queries + row * wide, at = p.skip4 + (batch + row) * p.width4 + head;
    uint keep = (group / blocks * p.tokens + row) * p.keys / 2;
    uint end = CAUSAL != 0 ? min(first + ROWS, p.tokens) : p.tokens;
    uint last = CAUSAL != 0 ? row : p.tokens - 1; // the last key that this row sees

    vec4 query[D4], grad[D4], sum[D4], d = vec4(0);
    [[unroll]] for (uint c = 0; c < D4; c++) {
        query[c] = qkv4(mine + c) * p.scale;
        grad[c] = g4(at + c);
        d += grad[c] * o4(at + c);
        sum[c] = vec4(0);
    }
    float norm = lse[p.skip + pair * p.tokens + row], delta = (d.x + d.y) + (d.z + d.w);
    uint last_key = min(keys + (end - 1) * wide, FARTHEST);
    for (uint j = 0; j < end; j += ATTENTION_KEYS) {
        uint key_at = keys + j * wide;
        vec2 key[ATTENTION_KEYS]; // weight, gradient
        [[unroll]] for (uint t = 0; t < ATTENTION_KEYS; t++) {
            uint from = min(key_at + t * wide, last_key), value = min(from + p.width4, FARTHEST);
            vec4 s = vec4(0), m = vec4(0);
            [[unroll]] for (uint c = 0; c < D4; c++)
                s += query[c] * qkv4(from + c);
            [[unroll]] for (uint c = 0; c < D4; c++)
                m += grad[c] * qkv4(value + c);
            float weight = j + t <= last ? exp((s.x + s.y) + (s.z + s.w) - norm) : 0;
            key[t] = vec2(weight, weight * ((m.x + m.y) + (m.z + m.w) - delta));
            [[unroll]] for (uint c = 0; c < D4; c++)
                sum[c] += key[t].y * qkv4(from + c);
        }
        [[unroll]] for (uint t = 0; t < ATTENTION_KEYS; t += 2)
            kept[keep + (j + t) / 2] = vec4(key[t], key[t + 1]);
    }
    [[unroll]] for (uint c = 0; c < D4; c++)
        store_dqkv(mine + c, sum[c] * p.scale);
}
