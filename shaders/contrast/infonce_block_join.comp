#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: what a block of anchors gives to all, from the partial sums of infonce_fwd_part_block: lse as in
// infonce_fwd_join.comp, loss = lse - sum of q z, slope = the mean of z by the softmax - sum of q z (of dloss/dq).
// Invocation i owns anchor first + i.
// Numerics: fp32; slices in order; the anchor's own share, of z = 0, joins last. One of weight 0 has no loss.
#extension GL_GOOGLE_include_directive : require
#include "lib/common.glsl"
#include "lib/round.glsl"
#include "args/contrast.h"
#include "lib/exp.glsl"

READ_BUFFER(0, vec4, part);  // [row_slices,N] maximum, sum, target's sum, sum of exp(z) z
READ_BUFFER(1, vec4, lines); // [2,N,2]
WRITE_BUFFER(2, vec4, sums); // [rows] lse, loss, slope, 0
PUSH(contrast_args, p);

void main()
{
    uint i = invocation_1d();
    if (i >= p.rows)
        return;
    float top = 0, total = 0, aim = 0, turn = 0;
    for (uint k = 0; k < p.row_slices; k += ROUND) {
        vec4 of[ROUND];
        ROUND_EACH(t) of[t] = part[round_place(k + t, p.row_slices) * p.n + p.first + i];
        ROUND_EACH(t)
        {
            vec4 one = round_counts(k + t, p.row_slices) ? of[t] : vec4(top, 0, 0, 0);
            float peak = max(top, one.x), shrink = exp(top - peak), grow = exp(one.x - peak);
            total = total * shrink + one.y * grow;
            turn = turn * shrink + one.w * grow;
            top = peak;
            aim += one.z;
        }
    }
    float rest = exp(-top), whole = top > 0 ? top + log(rest + total) : log1p_close(total);
    bool there = lines[2 * (p.line + p.first + i)].y > 0;
    sums[i] = vec4(whole, there ? vec2(whole - aim, turn / (rest + total) - aim) : vec2(0), 0);
}
