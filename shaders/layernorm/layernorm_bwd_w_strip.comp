#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: dw and db in one stage (lib/strip.glsl): dw[j] = sum of dy * n, db[j] = sum of dy, n = (x - mean) * rstd.
// A workgroup owns a strip of columns, its invocations take the rows in turn.
// Numerics: sums carried as two floats (lib/pair.glsl): a column that cancels keeps its digits.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "lib/strip.glsl"
#include "args/layernorm.h"

#define FORMATS_ID 9
#include "lib/stored.glsl"

READ_STORED(0, dy)           // [R,D]
READ_STORED(1, x)            // [R,D]
READ_BUFFER(2, float, mean); // [R]
READ_BUFFER(3, float, rstd); // [R]
WRITE_ELEMENTS(4, dw);       // [D]
WRITE_ELEMENTS(5, db);       // [D]
PUSH(layernorm_args, p);

#define V 1
#include "layernorm/bwd_w_strip.glsl"
#undef V
#define V 4
#include "layernorm/bwd_w_strip.glsl"

void main()
{
    if (QUADS != 0)
        sum_strip4();
    else
        sum_strip1();
}
