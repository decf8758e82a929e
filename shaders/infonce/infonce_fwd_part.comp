#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: softmax denominators of rows or columns ("lines") of Z = exp(q) A, relative to the line's diagonal element and
// without it, as partial (maximum, sum) pairs, so that no barrier is needed and both directions read side by side.
// Invocation (line, slice) owns elements slice, slice + slices, ... of its line.
// Numerics: fp32, online; a maximum starts at the diagonal's 0, so that a saturated line loses nothing.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "lib/common.glsl"
#include "args/infonce.h"
#include "infonce/math.glsl"

const uint BLOCK = 8; // elements per rescaling

READ_BUFFER(0, float, a);    // [N,N]
READ_BUFFER(1, float, q);    // [1]
WRITE_BUFFER(2, vec2, part); // [slices,N] maximum, sum
PUSH(infonce_args, p);

void main()
{
    uint i = invocation_1d(), slices = p.by_column != 0 ? p.col_slices : p.row_slices;
    if (i >= p.n * slices)
        return;
    uint line = p.by_column != 0 ? i % p.n : i / slices, slice = p.by_column != 0 ? i / p.n : i % slices;
    uint base = p.by_column != 0 ? line : line * p.n, stride = p.by_column != 0 ? p.n : 1;
    float s = exp_close(q[0]), own = a[line * p.n + line], top = 0, total = 0;
    for (uint first = slice; first < p.n; first += slices * BLOCK) {
        float z[BLOCK];
        float peak = top;
        [[unroll]] for (uint t = 0; t < BLOCK; t++) {
            uint at = first + t * slices;
            // the diagonal and what is past the end count nothing
            bool counts = at < p.n && at != line;
            z[t] = counts ? s * (a[base + min(at, p.n - 1) * stride] - own) : -3.0e38;
            peak = max(peak, z[t]);
        }
        total *= exp(top - peak);
        top = peak;
        [[unroll]] for (uint t = 0; t < BLOCK; t++)
            total += exp(z[t] - peak);
    }
    part[slice * p.n + line] = vec2(top, total);
}
