#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: of a block of anchors, whose scores are rows of Z = exp(q) A + b, sums over the candidates of the pairs'
// losses, weight softplus(-sign Z), of G (Z - b) and of G, G = dloss/dZ. Signs are mined.
// Partial sums, so that no barrier is needed.
// Invocation (line, slice) owns candidates slice, slice + slices, ... of its line.
// Numerics: fp32, as two floats; softplus as max(x, 0) + log1p(exp(-|x|)), sigmoid from exp(-|x|).
#extension GL_GOOGLE_include_directive : require
#include "lib/cut.glsl"
#include "lib/pair.glsl"
#include "lib/round.glsl"
#include "args/contrast.h"
#include "lib/exp.glsl"

READ_BUFFER(0, float, a);     // [rows,N]
READ_BUFFER(1, float, scale); // [3] exp(q), 1 / (2 sum of weights), b
UPDATE_BUFFER(5, vec4, part); // [slices,N] losses, G (Z - b), G
PUSH(contrast_args, p);

#include "contrast/mined.glsl"

void main()
{
    uint i = invocation_1d(p.begin);
    if (i >= p.rows * p.row_slices)
        return;
    uint line = i / p.row_slices, slice = i % p.row_slices, row = p.first + line;
    mine_line me = line_at(p.line + row);
    float steep = scale[0], half_share = scale[1], rise = scale[2]; // before the loop, where each would be waited for
    vec4 sum = vec4(0), lost = vec4(0);
    for (uint begin = slice; begin < p.n; begin += ROUND * p.row_slices) {
        float score[ROUND];
        mine_line other[ROUND];
        vec2 value[ROUND];
        ROUND_EACH(t)
        {
            uint column = min(begin + t * p.row_slices, p.n - 1), at = line * p.n + column;
            score[t] = a[at];
            other[t] = line_at(p.line2 + column);
            value[t] = similarities(at);
        }
        ROUND_EACH(t)
        {
            uint column = begin + t * p.row_slices;
            float sign_of = mine_sign(me, row, other[t], column, value[t]), kind = column < p.n ? sign_of : 0;
            float z = steep * score[t], x = -kind * (z + rise), e = exp(-abs(x));
            float both = half_share * (me.weight + other[t].weight), share = kind != 0 ? both : 0;
            float g = -share * kind * ((x > 0 ? 1 : e) / (1 + e));
            pair_add(sum, lost, vec4(share * (max(x, 0) + log1p_close(e)), g * z, g, 0));
        }
    }
    part[slice * p.n + row] = sum + lost;
}
