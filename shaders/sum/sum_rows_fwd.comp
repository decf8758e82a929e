#version 450
//! tech: whole part merge texel part_texel
//! target: vulkan1.1
// Idea: column sums of x[R,D] in one stage; part: those of blocks of rows, the first of two stages; merge: the second.
// An invocation owns one column, or four, of one block of rows. texel: x is read through the texture cache, by fours.
// Numerics: sums carried as two floats (lib/pair.glsl): a column that cancels keeps its digits.
#extension GL_GOOGLE_include_directive : require
#ifdef TECH_PART_TEXEL
#define TECH_PART
#define TECH_TEXEL
#endif
#include "lib/pair.glsl"
#include "lib/quads.glsl"
#include "lib/round.glsl"
#include "args/sum.h"

#define FORMATS_ID 9
#include "lib/stored.glsl"

layout(constant_id = 8) const uint QUADS = 0;

#ifdef TECH_MERGE
const bool PAIRS_IN = true; // x has a second plane, what rounding took from the first
#else
const bool PAIRS_IN = false;
#endif
#ifdef TECH_PART
const bool PAIRS_OUT = true; // the sums get one
#else
const bool PAIRS_OUT = false;
#endif

READ_FOURS(0, x)        // [R,D], PAIRS_IN: [2][R,D], the second plane at p.plane
WRITE_ELEMENTS(1, sum); // [blocks,D], PAIRS_OUT: [2][blocks,D], the second plane at p.plane
PUSH(sum_rows_args, p);

#ifndef TECH_TEXEL // texels are of four
#define V 1
#include "sum/rows_column.glsl"
#undef V
#endif
#define V 4
#include "sum/rows_column.glsl"

void main()
{
#ifndef TECH_TEXEL
    if (QUADS == 0)
        column1(gl_GlobalInvocationID.x);
    else
#endif
        column4(gl_GlobalInvocationID.x);
}
