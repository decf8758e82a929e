#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: the sums of a block's anchors from the partial sums of siglip_block. Invocation i owns anchor first + i.
// Numerics: fp32, as two floats; slices in order.
#extension GL_GOOGLE_include_directive : require
#include "lib/common.glsl"
#include "lib/pair.glsl"
#include "lib/round.glsl"
#include "args/contrast.h"

READ_BUFFER(0, vec4, part);  // [row_slices,N]
WRITE_BUFFER(1, vec4, sums); // [rows]
PUSH(contrast_args, p);

void main()
{
    uint i = invocation_1d();
    if (i >= p.rows)
        return;
    vec4 sum = vec4(0), lost = vec4(0);
    for (uint k = 0; k < p.row_slices; k += ROUND) {
        vec4 of[ROUND];
        ROUND_EACH(t) of[t] = part[round_place(k + t, p.row_slices) * p.n + p.first + i];
        ROUND_EACH(t) pair_add(sum, lost, round_counts(k + t, p.row_slices) ? of[t] : vec4(0));
    }
    sums[i] = sum + lost;
}
