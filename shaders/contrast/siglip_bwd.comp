#version 450
//! tech: given stream
//! target: vulkan1.1
// Idea: the scores' gradient exp(q) G, G = -weight sign sigmoid(-sign Z), and partial sums of dq = sum of G (Z - b) and
// of db = sum of G: walk.glsl. Signs are given, or mined (stream): there the gradient takes the scores' place.
// Invocation (slice, column) walks slice_rows rows of one column; neighbours own neighbouring columns.
// Numerics: fp32; sigmoid from exp(-|x|).
#extension GL_GOOGLE_include_directive : require
#include "contrast/signs.glsl"

#ifdef TECH_STREAM
UPDATE_BUFFER(0, float, a); // [rows,N]
#define da a
#else
READ_BUFFER(0, float, a);   // [rows,N]
WRITE_BUFFER(5, float, da); // [rows,N]
#endif

seen see(uint row, uint column, uint at)
{
    return seen(a[at], pair_at(row, at));
}

vec2 visit(seen s, uint row, uint column, uint at)
{
    float z = scales.x * s.score;
    vec2 pair = sign_and_weight(s.pair, row, column);
    float x = -pair.x * (z + scales.z), e = exp(-abs(x));
    float sigmoid = (x > 0 ? 1 : e) / (1 + e);
    float g = -scales.y * pair.y * pair.x * sigmoid;
    g = pair.y > 0 ? g : 0;
    da[at] = scales.x * g;
    return pair.y > 0 ? vec2(g * z, g) : vec2(0);
}

#include "contrast/walk.glsl"
