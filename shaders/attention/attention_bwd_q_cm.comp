#version 450
//! tech: f16 bf16
//! target: vulkan1.1
//! spirv: kept
// Idea: gradient of the queries on matrix units, of tensors stored in their operands' type. A subgroup owns query rows
// whose queries, output gradients and sums are matrices in registers, and walks over the keys (attention/cm.glsl: who
// owns what; cm_bwd.glsl: who makes the weights). Keys stand in shared memory as they are and turned over, values as
// they are.
// Numerics: fp32 scores, weights from the saved lse, sums; gradients of scores are rounded to nearest in the tensors'
// type before they multiply the keys.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_shader_subgroup_basic : require
#define SHARED_PARTS (2 * PLAIN_SIZE + TURNED_SIZE)
#include "attention/cm_bwd.glsl"

READ_BUFFER(0, uvec4, qkv);   // [B,T,3D]
READ_BUFFER(1, float, lse);   // [B,H,T]
READ_BUFFER(2, uvec4, g);     // [B,T,D] gradient of o
READ_BUFFER(3, float, delta); // [B,H,T]
WRITE_BUFFER(4, uvec4, dqkv); // [B,T,3D]
PUSH(attention_args, p);

void main()
{
    uint group = group_1d(p.begin);
    if (group >= p.groups)
        return;
    uint blocks = (p.tokens + SUBGROUPS * ROWS - 1) / (SUBGROUPS * ROWS), pair = group / blocks;
    uint first = group % blocks * SUBGROUPS * ROWS, row = first + gl_SubgroupID * ROWS, own = row + OWN_ROW;
    uint batch = pair / p.heads * p.tokens, head = pair % p.heads * D8, line = p.width4 / 2, wide = 3 * line;
    uint queries = p.skip_qkv4 / 2 + batch * wide + head, keys = queries + line, values = keys + line;
    uint grads = p.skip4 / 2 + batch * line + head, of_row = p.skip + pair * p.tokens + min(own, p.tokens - 1);
    uint end = CAUSAL != 0 ? min(first + SUBGROUPS * ROWS, p.tokens) : p.tokens;
    uint stop = row >= p.tokens ? 0 : CAUSAL != 0 ? row + ROWS : p.tokens; // of this subgroup's keys
    uint seen = CAUSAL != 0 ? min(own + 1, p.tokens) : p.tokens;           // of this lane's
    float norm = lse[of_row], mean = delta[of_row];

    LEFTS(query, R *DK);
    LEFTS(grad, R *DK);
    SUMS(sum, R *DN);
    LOAD_OWN(query, qkv, queries, wide, row)
    LOAD_OWN(grad, g, grads, line, row)
    [[unroll]] for (uint i = 0; i < R * DN; i++)
        sum[i] = ZERO;
    uvec4 key[2 * SHARE], value[2 * SHARE];
    FETCH(key, qkv, keys, wide, 0)
    FETCH(value, qkv, values, wide, 0)
    for (uint j = 0; j < end; j += BLOCK) {
        PUT_PLAIN(key, 0)
        PUT_PLAIN(value, PLAIN_SIZE)
        PUT_TURNED(key, 2 * PLAIN_SIZE)
        barrier();
        FETCH(key, qkv, keys, wide, j + BLOCK)
        FETCH(value, qkv, values, wide, j + BLOCK)
        if (j < stop)
            MULTIPLY_SCORES(query, 0)
        subgroupBarrier();
        if (j < stop)
            READ_WEIGHTS(norm, j, 0, seen)
        subgroupBarrier();
        if (j < stop)
            MULTIPLY_SCORES(grad, PLAIN_SIZE)
        subgroupBarrier();
        if (j < stop)
            READ_PARTS(mean)
        subgroupBarrier();
        if (j < stop)
            WRITE_OWN(part, 0)
        subgroupBarrier();
        if (j < stop) {
            MULTIPLY_SUM(sum, 0, 2 * PLAIN_SIZE)
        }
        barrier();
    }
    STORE_OWN(dqkv, sum, queries, wide, row, p.scale)
}
