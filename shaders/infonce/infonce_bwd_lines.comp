#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: what infonce_bwd_given reads of each pair, side by side. Invocation i owns pair i.
// Numerics: copies.
#extension GL_GOOGLE_include_directive : require
#include "lib/common.glsl"
#include "args/infonce.h"

layout(constant_id = 8) const uint WEIGHTS = 0; // 1: pairs are weighted

READ_BUFFER(0, float, a);       // [N,N]
READ_BUFFER(1, float, w);       // [N]
READ_BUFFER(2, float, row_lse); // [N]
READ_BUFFER(3, float, col_lse); // [N]
WRITE_BUFFER(4, vec4, lines);   // [N]
PUSH(infonce_args, p);

void main()
{
    uint i = invocation_1d();
    if (i < p.n)
        lines[i] = vec4(a[i * p.n + i], WEIGHTS != 0 ? max(w[i], 0) : 1, row_lse[i], col_lse[i]);
}
