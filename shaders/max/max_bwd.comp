#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: dx is dy where the maximum stood, zeros elsewhere.
// Each workgroup owns a run of elements of dx (lib/cells.glsl).
// Numerics: exact.
#extension GL_GOOGLE_include_directive : require
#include "lib/cells.glsl"
#include "args/max.h"

READ_BUFFER(0, float, dy);  // [R]
READ_BUFFER(1, int, arg);   // [R]
WRITE_BUFFER(2, float, dx); // [R,D]
PUSH(max_bwd_args, p);

float value_at(cell_place c)
{
    float value = dy[c.row];
    return int(c.col) == arg[c.row] ? value : 0;
}

void main()
{
    SET_CELLS(float, c, p.count, p.first, p.width, dx[c.i], value_at(c))
}
