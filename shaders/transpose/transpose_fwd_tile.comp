#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: y[b,n,m] = x[b,m,n] by way of a tile in shared memory: both sides move whole rows of it.
// A workgroup of 128 owns a tile of 32 x 32, 8 elements per invocation; the pad column spreads columns over banks.
// Numerics: exact.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "lib/common.glsl"
#include "args/transpose.h"

const uint TILE = 32, STEP = 4, ROWS = TILE / STEP; // 128 invocations: STEP rows at a time

READ_BUFFER(0, float, x);  // [B,M,N]
WRITE_BUFFER(1, float, y); // [B,N,M]
PUSH(transpose_args, p);

shared float tile[TILE][TILE + 1];

void main()
{
    uint across = (p.n + TILE - 1) / TILE, down = (p.m + TILE - 1) / TILE, group = group_1d();
    uint batch = group / (across * down), n0 = group % across * TILE, m0 = group / across % down * TILE;
    if (batch >= p.count / (p.m * p.n))
        return;
    uint size = p.in_stride * p.out_stride, lane = gl_LocalInvocationID.x % TILE;
    uint first = gl_LocalInvocationID.x / TILE;
    float loaded[ROWS];
    [[unroll]] for (uint t = 0; t < ROWS; t++) { // what lies outside is loaded from the edge, and never stored
        uint m = min(m0 + first + t * STEP, p.m - 1), n = min(n0 + lane, p.n - 1);
        loaded[t] = x[p.in_skip + batch * size + m * p.in_stride + n];
    }
    [[unroll]] for (uint t = 0; t < ROWS; t++)
        tile[first + t * STEP][lane] = loaded[t];
    barrier();
    for (uint r = first; r < TILE; r += STEP) {
        if (n0 + r < p.n && m0 + lane < p.m)
            y[p.out_skip + batch * size + (n0 + r) * p.out_stride + m0 + lane] = tile[lane][r];
    }
}
