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

/* Where to load what stands at `place`, and whether it counts; `all`: it is known to stand before the end. */
uint round_place(bool all, uint place, uint end)
{
    return ROUND_FITS || all ? place : min(place, end - 1);
}

bool round_counts(bool all, uint place, uint end)
{
    return ROUND_FITS || all || place < end;
}

uint round_place(uint place, uint end)
{
    return round_place(false, place, end);
}

bool round_counts(uint place, uint end)
{
    return round_counts(false, place, end);
}

float round_value(bool counts, float value)
{
    return ROUND_FITS || counts ? value : 0.0;
}

vec4 round_value(bool counts, vec4 value)
{
    return mix(vec4(0), value, bvec4(ROUND_FITS || counts));
}

#define ROUND_EACH(t) [[unroll]] for (uint t = 0; t < ROUND; t++)

/* From `at` on, elements `step` apart: target = value, a T; both may name the element, `i`. A test before a store has
 * some compilers move the load behind it, so that each is waited for: rounds that fit go without. */
#define ROUND_SET(all, T, at, step, i, end, target, value)                                                             \
    {                                                                                                                  \
        T i##_values[ROUND];                                                                                           \
        ROUND_EACH(t)                                                                                                  \
        {                                                                                                              \
            uint i = round_place(all, at + t * step, end);                                                             \
            i##_values[t] = value;                                                                                     \
        }                                                                                                              \
        ROUND_EACH(t)                                                                                                  \
        {                                                                                                              \
            uint i = at + t * step;                                                                                    \
            if (round_counts(all, i, end))                                                                             \
                target = i##_values[t];                                                                                \
        }                                                                                                              \
    }

/* The same from `first` to the end. */
#define ROUNDS_SET(T, first, step, i, end, target, value)                                                              \
    uint i##_at = first;                                                                                               \
    for (; MANY != 0 && i##_at + (ROUND - 1) * step < (end); i##_at += ROUND * step)                                   \
        ROUND_SET(true, T, i##_at, step, i, end, target, value)                                                        \
    if (!ROUND_FITS && i##_at < (end))                                                                                 \
        ROUND_SET(false, T, i##_at, step, i, end, target, value)

#endif
