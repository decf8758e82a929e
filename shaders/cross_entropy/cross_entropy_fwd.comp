#version 450
//! tech: group sg row
//! target: vulkan1.1
// Idea: -ln softmax(z)_j = (top - z_j) + rest, rest = ln(1 + sum of exp(z - top) over all but the top): neither term is
// negative, so that small losses keep their digits.
// The row's owner is a workgroup, a subgroup or an invocation; its lanes own every lanes-th element (lib/row.glsl).
// Numerics: fp32; exponents relative to the maximum, whose own 1 is kept apart.
#extension GL_GOOGLE_include_directive : require
#include "lib/row_max.glsl"
#include "lib/exp.glsl"
#include "args/cross_entropy.h"

layout(constant_id = 8) const uint SOFT = 0; // targets are distributions

READ_BUFFER(0, float, z);      // [N,C]
READ_BUFFER(1, int, target);   // [N]; another tensor with SOFT
READ_BUFFER(2, float, soft);   // [N,C]; another tensor without SOFT
WRITE_BUFFER(3, float, nll);   // [N]
WRITE_BUFFER(4, float, stats); // [N,3]: top, rest, sum of the row's targets
PUSH(cross_entropy_args, p);

void take(float v, uint j, inout float top, inout uint at)
{
    at = v > top ? j : at;
    top = max(top, v);
}

/* A parameter is there before it is chosen from: no branch around its load. */
float but(bool left_out, float x)
{
    return left_out ? 0 : exp(x);
}

#define Z (MANY == 0 ? kept[t] : z[base + j])

void main()
{
    uint row = row_index();
    if (row >= p.rows)
        return;
    uint base = row * p.width, at = 0;
    float own_top = -3.4e38;
    ROW_KEEP(float, kept, j, p.width, z[base + j])
    ROW_EACH(t, j, p.width, take(Z, j, own_top, at))
    float top = row_max(own_top);
    at = row_min(own_top == top ? at : 0xffffffffu);

    ROW_SUM(others, j, p.width, but(j == at, Z - top), 0);
    float rest = log1p_close(others.x), weight = 1, loss = 0;
    if (SOFT != 0) {
        ROW_SUM(expected, j, p.width, soft[base + j] * (top - Z), soft[base + j]);
        weight = expected.y;
        loss = expected.x + weight * rest;
    } else {
        int t = target[row];
        weight = t < 0 ? 0 : 1;
        loss = t < 0 ? 0 : (top - z[base + min(uint(t), p.width - 1)]) + rest;
    }
    if (row_lane() == 0) {
        nll[row] = loss;
        stats[row * 3] = top;
        stats[row * 3 + 1] = rest;
        stats[row * 3 + 2] = weight;
    }
}
