#version 450
//! dtype: f32 f16 bf16
//! target: vulkan1.1
// Idea: y[i] = table[ids[i]]; a table larger than one range is visited in parts, each storing its own rows only.
// Row r of the dispatch belongs to SPAN neighbouring invocations (lib/span.glsl).
// Numerics: exact, also of a 16-bit table (lib/half.glsl); an id outside the table is clamped to its ends.
#extension GL_GOOGLE_include_directive : require
#include "lib/span.glsl"
#include "args/rows.h"

#ifdef DTYPE_F32
READ_BUFFER(0, float, table); // [in_rows,D] of [V,D]

float entry(uint i)
{
    return table[i];
}
#else
#include "lib/half.glsl"
READ_BUFFER(0, uint, table); // [in_rows,D] of [V,D], two in a word

float entry(uint i)
{
    uint bits = table[i / 2] >> i % 2 * 16 & 0xffffu;
#ifdef DTYPE_F16
    return uintBitsToFloat(f32_of_f16(bits));
#else
    return uintBitsToFloat(f32_of_bf16(bits));
#endif
}
#endif
READ_BUFFER(1, int, ids);     // [n]
WRITE_BUFFER(2, float, y);    // [rows,D] of [n,D]
PUSH(rows_args, p);

void main()
{
    uint row = span_row(p.width);
    if (row >= p.rows)
        return;
    uint id = uint(clamp(ids[p.first + row], 0, int(p.limit) - 1)) - p.in_first;
    if (id >= p.in_rows) // also below in_first: the difference wraps
        return;
    uint from = p.in_skip + id * p.width, to = p.out_skip + row * p.width;
    SPAN_SET(c, p.width, y[to + c], entry(from + c))
}
