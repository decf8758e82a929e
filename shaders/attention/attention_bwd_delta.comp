#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: delta = rowsum(g * o) per query row and head, where the softmax's gradient is centred.
// Invocation i owns one (batch, head, row).
// Numerics: fp32, summed as attention_bwd sums g v^T: where one key has all the weight the two cancel exactly.
#extension GL_GOOGLE_include_directive : require
#include "lib/common.glsl"
#include "args/attention.h"

#define FORMATS_ID 10
#include "lib/stored.glsl"

READ_STORED(0, o)           // [B,T,D]
READ_STORED(1, g)           // [B,T,D] gradient of o
WRITE_BUFFER(2, float, dt); // [B,H,T]
PUSH(attention_rows_args, p);

const uint RUN = 32;

void main()
{
    uint index = invocation_1d();
    if (index >= p.count)
        return;
    uint row = index % p.tokens, pair = index / p.tokens;
    uint at = p.skip + ((pair / p.heads * p.tokens + row) * p.heads + pair % p.heads) * p.dim;
    float sum = 0;
    for (uint begin = 0; begin < p.dim; begin += RUN) {
        float run = 0;
        for (uint c = begin; c < min(begin + RUN, p.dim); c++)
            run += g1(at + c) * o1(at + c);
        sum += run;
    }
    dt[p.skip_lse + index] = sum;
}
