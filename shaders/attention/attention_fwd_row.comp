#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: an invocation owns one query row with its output in registers, and walks over the keys one by one. A key's or
// value's address depends on nothing but the workgroup and the loop, so that compilers may fetch it once per subgroup
// (AMD: into scalar registers, operands of the multiply-adds); elsewhere all lanes read one address. No shared memory,
// no barrier, no whole tile of keys.
// Invocation l of group (b, h, block) owns query row block * ROWS + l; of the last block as tail.glsl says.
// Numerics: fp32 online softmax, rescaled at most once per ROUND keys; the running maximum keeps every exponent <= 0.
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
WRITE_STORED(1, o)           // [B,T,D]
WRITE_BUFFER(2, float, lse); // [B,H,T]
PUSH(attention_args, p);

#define TAIL_BLOCK ROWS
#define TAIL_LANES ROWS
#define TAIL_RUN D4
#include "attention/tail_fwd.glsl"

const uint ROUND = 8;         // keys at a time
const float HIDDEN = -3.0e38; // the score of a key that is not seen
// No row begins behind this one, in ranges of up to 4 GiB: compilers that see it know that adding a column overflows
// nowhere, and put it into the load (RADV: in place of an addition for each load).
const uint FARTHEST = 0x10000000 - D4;

void main()
{
    uint group = group_1d(p.begin), blocks = (p.tokens + ROWS - 1) / ROWS, pair = group / blocks;
    uint first = (group % blocks) * ROWS, row = first + gl_LocalInvocationID.x;
    if (group >= p.groups)
        return;
    uint batch = pair / p.heads * p.tokens, head = pair % p.heads * D4, wide = 3 * p.width4;
    uint queries = p.skip_qkv4 + batch * wide + head, keys = queries + p.width4;
    if (is_tail(first, p.tokens))
        for (uint row0 = first; row0 < p.tokens; row0 += TAIL)
            tail_fwd(row0, pair, queries, p.skip4 + batch * p.width4 + head);
    if (is_tail(first, p.tokens) || row >= p.tokens)
        return;
    uint mine = queries + row * wide, at = p.skip4 + (batch + row) * p.width4 + head;
    uint end = CAUSAL != 0 ? min(first + ROWS, p.tokens) : p.tokens;
    uint last = CAUSAL != 0 ? row : p.tokens - 1; // the last key that this row sees

    vec4 query[D4], sum[D4];
    [[unroll]] for (uint c = 0; c < D4; c++) {
        query[c] = qkv4(mine + c) * p.scale;
        sum[c] = vec4(0);
    }
    float top = HIDDEN, total = 0;
    uint last_key = keys + (end - 1) * wide, last_value = min(last_key + p.width4, FARTHEST);
    last_key = min(last_key, FARTHEST);
    for (uint j = 0; j < end; j += ROUND) {
        uint key = keys + j * wide;
        float score[ROUND], peak = top;
        [[unroll]] for (uint t = 0; t < ROUND; t++) {
            uint from = min(key + t * wide, last_key);
            vec4 s = vec4(0);
            [[unroll]] for (uint c = 0; c < D4; c++)
                s += query[c] * qkv4(from + c);
            score[t] = j + t <= last ? (s.x + s.y) + (s.z + s.w) : HIDDEN;
            peak = max(peak, score[t]);
        }
        float keep = exp(top - peak);
        top = peak;
        total *= keep;
        [[unroll]] for (uint t = 0; t < ROUND; t++) {
            score[t] = exp(score[t] - peak);
            total += score[t];
        }
        [[unroll]] for (uint c = 0; c < D4; c++)
            sum[c] *= keep;
        [[unroll]] for (uint t = 0; t < ROUND; t++) {
            uint from = min(key + (t * wide + p.width4), last_value);
            [[unroll]] for (uint c = 0; c < D4; c++)
                sum[c] += score[t] * qkv4(from + c);
        }
    }
    float inverse = 1 / total;
    [[unroll]] for (uint c = 0; c < D4; c++)
        store_o(at + c, sum[c] * inverse);
    lse[p.skip + pair * p.tokens + row] = top + log(total);
}
