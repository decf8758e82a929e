/* round.glsl: loads in flight. A GPU waits hundreds of cycles for a load, and as long for ROUND of them: so loops take
 * ROUND elements a round, load them all, and use them then, in their order. Places past the end are clamped to it
 * instead of being branched around, and what was loaded there counts nothing. A software driver waits for nothing: it
 * takes one at a time (ROUND 1). The plan sets both constants (op_dispatch_round). */
#ifndef LIB_ROUND_GLSL
#define LIB_ROUND_GLSL

#extension GL_EXT_control_flow_attributes : require

layout(constant_id = 6) const uint ROUND = 1;
layout(constant_id = 7) const uint MANY = 1; // 0: one round is all there is; only for kernels over lib/row.glsl

const bool ROUND_FITS = ROUND == 1 && MANY != 0; // a round ends where its loop does

/* Where to load what stands at `place`, and whether it counts. */
uint round_place(uint place, uint end)
{
    return ROUND_FITS ? place : min(place, end - 1);
}

bool round_counts(uint place, uint end)
{
    return ROUND_FITS || place < end;
}

float round_value(bool counts, float value)
{
    return ROUND_FITS || counts ? value : 0.0;
}

vec4 round_value(bool counts, vec4 value)
{
    return mix(vec4(0), value, bvec4(ROUND_FITS || counts));
}

/* for (...) over elements, a round at a time; `t` counts within a round. */
#define ROUND_EACH(t) [[unroll]] for (uint t = 0; t < ROUND; t++)

#endif
