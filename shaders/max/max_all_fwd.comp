#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: the greatest of partial maxima and where it stands.
// One workgroup owns all; lane l owns partial maxima l, l + local size, ...
// Numerics: exact; the first of equals, as runs stand in order; a NaN is above everything.
#extension GL_GOOGLE_include_directive : require
#include "lib/row_max.glsl"
#include "args/max.h"

READ_BUFFER(0, uint, partial);    // [count]
READ_BUFFER(1, int, partial_arg); // [count]
WRITE_BUFFER(2, uint, best);      // [1]
WRITE_BUFFER(3, int, arg);        // [1]
PUSH(max_all_args, p);

void main()
{
    uint key = 0, at = 0xffffffffu;
    ROW_EACH(t, j, p.count, take_greater(ordered(partial[j]), j, key, at))
    uint top = row_max(key);
    at = row_min(key == top ? at : 0xffffffffu);
    if (row_lane() == 0) {
        best[0] = partial[at];
        arg[0] = partial_arg[at];
    }
}
