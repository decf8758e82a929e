#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: the plain attention's softmax weights again, and the gradient of its scores; matmuls do the rest.
// Invocation i owns 4 query rows x 4 keys of one pair of the chunk; neighbours own neighbouring keys.
// Numerics: fp32; weights from the saved lse; keys that are not seen get 0 exactly.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "lib/cut.glsl"
#include "args/attention.h"

#define FORMATS_ID 10
#include "lib/stored.glsl"

READ_STORED(0, qkv)             // [B,T,3D]
READ_BUFFER(1, float, lse);     // [B,H,T]
READ_STORED(2, g)               // [B,T,D] gradient of o
READ_BUFFER(3, float, dt);      // [B,H,T] delta
WRITE_BUFFER(4, float, weight); // [pairs, rows, T]
WRITE_BUFFER(5, float, ds);     // [pairs, rows, T] gradient of q k^T, before scaling
PUSH(attention_rows_args, p);

const uint RUN = 32; // terms summed before they join: the error grows with RUN + dim / RUN, not with dim

void main()
{
    uint index = invocation_1d(p.begin);
    if (index >= p.count)
        return;
    uint across = (p.tokens + 3) / 4, down = (p.rows + 3) / 4, width = p.heads * p.dim;
    uint j = index % across * 4, i = index / across % down * 4, chunk = index / across / down;
    uint pair = p.pair0 + chunk;
    uint batch = pair / p.heads * p.tokens, head = pair % p.heads * p.dim;
    uint base = p.skip + batch * width + head, queries = p.skip_qkv + batch * width * 3 + head;
    uvec4 rows = p.row0 + min(i + uvec4(0, 1, 2, 3), p.rows - 1);
    uvec4 at_row = queries + rows * width * 3, at_grad = base + rows * width;
    uvec4 at_key = queries + min(j + uvec4(0, 1, 2, 3), p.tokens - 1) * width * 3 + width, at_value = at_key + width;

    vec4 score[4], part[4];
    [[unroll]] for (uint y = 0; y < 4; y++)
        score[y] = part[y] = vec4(0);
    for (uint begin = 0; begin < p.dim; begin += RUN) {
        vec4 score_run[4], part_run[4];
        [[unroll]] for (uint y = 0; y < 4; y++)
            score_run[y] = part_run[y] = vec4(0);
        for (uint c = begin; c < min(begin + RUN, p.dim); c++) {
            uvec4 ik = at_key + c, iv = at_value + c;
            vec4 key = vec4(qkv1(ik.x), qkv1(ik.y), qkv1(ik.z), qkv1(ik.w));
            vec4 value = vec4(qkv1(iv.x), qkv1(iv.y), qkv1(iv.z), qkv1(iv.w));
            [[unroll]] for (uint y = 0; y < 4; y++) {
                score_run[y] += qkv1(at_row[y] + c) * key;
                part_run[y] += g1(at_grad[y] + c) * value;
            }
        }
        [[unroll]] for (uint y = 0; y < 4; y++) {
            score[y] += score_run[y];
            part[y] += part_run[y];
        }
    }
    [[unroll]] for (uint y = 0; y < 4; y++) {
        uint of_row = p.skip_lse + pair * p.tokens + rows[y];
        float norm = lse[of_row], delta = dt[of_row];
        [[unroll]] for (uint x = 0; x < 4; x++) {
            if (i + y >= p.rows || j + x >= p.tokens)
                continue;
            bool seen = p.causal == 0 || j + x <= rows[y];
            float w = seen ? exp(score[y][x] * p.scale - norm) : 0;
            uint at = (chunk * p.rows + i + y) * p.tokens + j + x;
            weight[at] = w;
            ds[at] = w * (part[y][x] - delta) * p.scale;
        }
    }
}
