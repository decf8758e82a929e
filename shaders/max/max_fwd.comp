#version 450
//! tech: group sg row
//! target: vulkan1.1
// Idea: the greatest of a row, or of a run of all elements, and where it stands; values are handled as bits.
// The row's owner is a workgroup, a subgroup or an invocation; its lanes own every lanes-th element (lib/row.glsl).
// Numerics: exact; the first of equals; a NaN is above everything.
#extension GL_GOOGLE_include_directive : require
#include "lib/row_max.glsl"
#include "args/max.h"

READ_BUFFER(0, uint, x);     // [R,D]
WRITE_BUFFER(1, uint, best); // [R]
WRITE_BUFFER(2, int, arg);   // [R]
PUSH(max_args, p);

void main()
{
    uint row = row_index();
    if (row >= p.rows)
        return;
    uint begin = row * p.width, end = p.runs != 0 ? min(begin + p.width, p.count) : begin + p.width;
    uint key = 0, at = 0xffffffffu;
    ROW_EACH(t, j, end - begin, take_greater(ordered(x[begin + j]), begin + j, key, at))
    uint top = row_max(key);
    at = row_min(key == top ? at : 0xffffffffu);
    if (row_lane() == 0) {
        uint out_row = p.runs != 0 ? p.first + row : row;
        best[out_row] = x[at];
        arg[out_row] = int(p.runs != 0 ? p.first * p.width + at : at - begin);
    }
}
