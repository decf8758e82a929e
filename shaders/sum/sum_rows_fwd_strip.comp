#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: column sums of x[R,D] in one stage (lib/strip.glsl).
// A workgroup owns a strip of columns, its invocations take the rows in turn.
// Numerics: sums carried as two floats (lib/pair.glsl): a column that cancels keeps its digits.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "lib/strip.glsl"
#include "args/sum.h"

#define FORMATS_ID 9
#include "lib/stored.glsl"

READ_STORED(0, x)       // [R,D]
WRITE_ELEMENTS(1, sum); // [D]
PUSH(sum_rows_args, p);

#define V 1
#include "sum/rows_strip.glsl"
#undef V
#define V 4
#include "sum/rows_strip.glsl"

void main()
{
    if (QUADS != 0)
        sum_strip4();
    else
        sum_strip1();
}
