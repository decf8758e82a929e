#version 450
//! tech: f16 bf16
//! target: vulkan1.1
//! spirv: kept
// Idea: gradients of keys and values on matrix units, of tensors stored in their operands' type. A subgroup owns key
// rows whose keys, values and sums are matrices in registers, and walks over the queries and output gradients
// (attention/cm.glsl: who owns what; cm_bwd.glsl: who makes the weights), which stand in shared memory as they are and
// turned over. Weights are made again: to fetch kept ones takes longer than two products. No atomics: deterministic.
// Numerics: fp32 scores, weights from the saved lse, sums; weights and gradients of scores are rounded to nearest in
// the tensors' type before they multiply gradients and queries.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_shader_subgroup_basic : require
#define SHARED_PARTS (2 * PLAIN_SIZE + 2 * TURNED_SIZE + BLOCK / 2)
#include "attention/cm_bwd.glsl"

READ_BUFFER(0, uvec4, qkv);   // [B,T,3D]
READ_BUFFER(1, float, lse);   // [B,H,T]
READ_BUFFER(2, uvec4, g);     // [B,T,D] gradient of o
READ_BUFFER(3, float, delta); // [B,H,T]
WRITE_BUFFER(4, uvec4, dqkv); // [B,T,3D]
PUSH(attention_args, p);

// Behind two blocks as they are and two turned over: lse and delta of the block's queries.
const uint TURNS = 2 * PLAIN_SIZE, NORMS = TURNS + 2 * TURNED_SIZE, MEANS = NORMS + BLOCK / 4;
const uint NUMBERS = (BLOCK + THREADS - 1) / THREADS; // of an invocation
#define FETCH_NUMBERS(held, x, from, first)                                                                            \
    [[unroll]] for (uint n_ = 0; n_ < NUMBERS; n_++)                                                                   \
        held[n_] = x[(from) + min((first) + (gl_LocalInvocationIndex + n_ * THREADS) % BLOCK, p.tokens - 1)];
#define PUT_NUMBERS(held, base)                                                                                        \
    [[unroll]] for (uint n_ = 0; n_ < NUMBERS; n_++) {                                                                 \
        uint i_ = gl_LocalInvocationIndex + n_ * THREADS;                                                              \
        if (i_ < BLOCK)                                                                                                \
            tile[(base) + i_ / 4][i_ % 4] = floatBitsToUint(held[n_]);                                                 \
    }

SUMS(key_sum, R *DN);
SUMS(value_sum, R *DN);
uvec4 query[2 * SHARE], grad[2 * SHARE]; // of the next block
float norm[NUMBERS], mean[NUMBERS];

void main()
{
    uint group = group_1d(p.begin);
    if (group >= p.groups)
        return;
    uint blocks = (p.tokens + SUBGROUPS * ROWS - 1) / (SUBGROUPS * ROWS), pair = group / blocks;
    uint first = group % blocks * SUBGROUPS * ROWS, row = first + gl_SubgroupID * ROWS, own = row + OWN_ROW;
    uint batch = pair / p.heads * p.tokens, head = pair % p.heads * D8, line = p.width4 / 2, wide = 3 * line;
    uint queries = p.skip_qkv4 / 2 + batch * wide + head, keys = queries + line, values = keys + line;
    uint grads = p.skip4 / 2 + batch * line + head, numbers = p.skip + pair * p.tokens;
    uint start = CAUSAL != 0 ? first / BLOCK * BLOCK : 0; // earlier queries see none of the workgroup's keys
    uint from = CAUSAL != 0 ? own : 0;                    // nor of this lane's
    uint begin = row >= p.tokens ? 0xffffffff : CAUSAL != 0 ? row / BLOCK * BLOCK : 0;

    LEFTS(key, R *DK);
    LEFTS(value, R *DK);
    LOAD_OWN(key, qkv, keys, wide, row)
    LOAD_OWN(value, qkv, values, wide, row)
    [[unroll]] for (uint i = 0; i < R * DN; i++)
        key_sum[i] = value_sum[i] = ZERO;
    FETCH(query, qkv, queries, wide, start)
    FETCH(grad, g, grads, line, start)
    FETCH_NUMBERS(norm, lse, numbers, start)
    FETCH_NUMBERS(mean, delta, numbers, start)
    for (uint i = start; i < p.tokens; i += BLOCK) {
        PUT_PLAIN(query, 0)
        PUT_TURNED(query, TURNS)
        PUT_PLAIN(grad, PLAIN_SIZE)
        PUT_TURNED(grad, TURNS + TURNED_SIZE)
        PUT_NUMBERS(norm, NORMS)
        PUT_NUMBERS(mean, MEANS)
        barrier();
        FETCH(query, qkv, queries, wide, i + BLOCK)
        FETCH(grad, g, grads, line, i + BLOCK)
        FETCH_NUMBERS(norm, lse, numbers, i + BLOCK)
        FETCH_NUMBERS(mean, delta, numbers, i + BLOCK)
        if (i >= begin)
            MULTIPLY_SCORES(key, 0)
        subgroupBarrier();
        if (i >= begin)
            READ_WEIGHTS(scores4(NORMS + OWN_COL / 4 + t_), i, from, p.tokens)
        subgroupBarrier();
        if (i >= begin)
            MULTIPLY_SCORES(value, PLAIN_SIZE)
        subgroupBarrier();
        if (i >= begin)
            READ_PARTS(scores4(MEANS + OWN_COL / 4 + t_))
        subgroupBarrier();
        if (i >= begin) {
            WRITE_OWN(weight, 0)
            WRITE_OWN(part, BLOCK / 8)
        }
        subgroupBarrier();
        if (i >= begin) {
            MULTIPLY_SUM(value_sum, 0, TURNS + TURNED_SIZE)
            MULTIPLY_SUM(key_sum, BLOCK / 8, TURNS)
        }
        barrier();
    }
    STORE_OWN(dqkv, key_sum, keys, wide, row, p.scale)
    STORE_OWN(dqkv, value_sum, values, wide, row, 1)
}
