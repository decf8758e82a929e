#version 450
//! tech: f16 bf16
//! target: vulkan1.1
//! spirv: kept
// Idea: scores and output on matrix units, of tensors stored in their operands' type. A subgroup owns as many query
// rows as it has lanes, with its queries and output in registers; a lane has one row's maximum and sum, and makes its
// weights (attention/cm.glsl: who owns what). Keys stand in shared memory as they are, values turned over.
// Numerics: fp32 scores and online softmax, rescaled once a block; weights, at most 1, are rounded to nearest in the
// tensors' type before they multiply the values, and summed before that.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_shader_subgroup_basic : require
#define SHARED_PARTS (PLAIN_SIZE + TURNED_SIZE)
#include "attention/cm.glsl"

READ_BUFFER(0, uvec4, qkv);  // [B,T,3D]
WRITE_BUFFER(1, uvec4, o);   // [B,T,D]
WRITE_BUFFER(2, float, lse); // [B,H,T]
PUSH(attention_args, p);

const float HIDDEN = -3.0e38; // the score of a key that is not seen
const float LOG2E = 1.44269504, LN2 = 0.69314718;

float top = HIDDEN, total = 0; // of this lane's row

// This lane's weights in place of its scores, and behind them, for a matrix, what becomes of the sums before.
void weigh(uint first, uint seen)
{
    uint at = WORK + LANE * SCORES;
    vec4 score[BLOCK / 4], part = vec4(0);
    float peak = top;
    [[unroll]] for (uint t = 0; t < BLOCK / 4; t++) {
        score[t] = scores4(at + t) * (p.scale * LOG2E);
        [[unroll]] for (uint u = 0; u < 4; u++) {
            score[t][u] = first + 4 * t + u < seen ? score[t][u] : HIDDEN;
            peak = max(peak, score[t][u]);
        }
    }
    float keep = exp2(top - peak);
    [[unroll]] for (uint t = 0; t < BLOCK / 4; t++) {
        score[t] = exp2(score[t] - peak);
        part += score[t];
    }
    top = peak;
    total = total * keep + ((part.x + part.y) + (part.z + part.w));
    [[unroll]] for (uint t = 0; t < BLOCK / 8; t++)
        tile[at + t] = pack8(score[2 * t], score[2 * t + 1]);
    [[unroll]] for (uint t = 0; t < MN / 4; t++)
        tile[at + BLOCK / 8 + t] = floatBitsToUint(vec4(keep));
}

void main()
{
    uint group = group_1d(p.begin);
    if (group >= p.groups)
        return;
    uint blocks = (p.tokens + SUBGROUPS * ROWS - 1) / (SUBGROUPS * ROWS), pair = group / blocks;
    uint first = group % blocks * SUBGROUPS * ROWS, row = first + gl_SubgroupID * ROWS, own = row + LANE;
    uint batch = pair / p.heads * p.tokens, head = pair % p.heads * D8, line = p.width4 / 2, wide = 3 * line;
    uint queries = p.skip_qkv4 / 2 + batch * wide + head, keys = queries + line, values = keys + line;
    uint end = CAUSAL != 0 ? min(first + SUBGROUPS * ROWS, p.tokens) : p.tokens;
    uint stop = row >= p.tokens ? 0 : CAUSAL != 0 ? row + ROWS : p.tokens; // of this subgroup's keys
    uint seen = CAUSAL != 0 ? min(own + 1, p.tokens) : p.tokens;           // of this lane's

    LEFTS(query, R *DK);
    SUMS(sum, R *DN);
    LOAD_OWN(query, qkv, queries, wide, row)
    [[unroll]] for (uint i = 0; i < R * DN; i++)
        sum[i] = ZERO;
    uvec4 key[2 * SHARE], value[2 * SHARE];
    FETCH(key, qkv, keys, wide, 0)
    FETCH(value, qkv, values, wide, 0)
    for (uint j = 0; j < end; j += BLOCK) {
        PUT_PLAIN(key, 0)
        PUT_TURNED(value, PLAIN_SIZE)
        barrier();
        FETCH(key, qkv, keys, wide, j + BLOCK)
        FETCH(value, qkv, values, wide, j + BLOCK)
        if (j < stop)
            MULTIPLY_SCORES(query, 0)
        subgroupBarrier();
        if (j < stop)
            weigh(j, seen);
        subgroupBarrier();
        if (j < stop) {
            [[unroll]] for (uint r = 0; r < R; r++) {
                SUMS(keep, 1);
                coopMatLoad(keep[0], tile, WORK + r * MM * SCORES + BLOCK / 8, SCORES,
                            gl_CooperativeMatrixLayoutRowMajor);
                [[unroll]] for (uint n = 0; n < DN; n++)
                    sum[r * DN + n] = sum[r * DN + n] * keep[0];
            }
            MULTIPLY_SUM(sum, 0, PLAIN_SIZE)
        }
        barrier();
    }
    uint to = p.skip4 / 2 + batch * line + head;
    GAP(LANE) = floatBitsToUint(1 / total);
    STORE_OWN(o, sum, to, line, row, uintBitsToFloat(GAP(own_)))
    if (own < p.tokens)
        lse[p.skip + pair * p.tokens + own] = (top + log2(total)) * LN2;
}
