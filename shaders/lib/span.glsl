/* span.glsl: kernels that move rows of any width without reductions. SPAN neighbouring invocations own a row and stride
 * through its columns side by side, in rounds (lib/round.glsl); of a row that is too long for one loop they own SLAB
 * columns, and others the next ones. The workgroup is one-dimensional: some drivers make subgroups of x alone. */
#ifndef LIB_SPAN_GLSL
#define LIB_SPAN_GLSL

#include "lib/common.glsl"
#include "lib/round.glsl"

const uint SPAN_WHOLE = 0xffffffffu;

layout(constant_id = 4) const uint SPAN = 32;         // divides the local size
layout(constant_id = 5) const uint SLAB = SPAN_WHOLE; // as op_plan_span chooses it

uint span_slabs(uint width)
{
    return (width - 1) / SLAB + 1;
}

uint span_row(uint width)
{
    uint unit = invocation_1d() / SPAN;
    return SLAB == SPAN_WHOLE ? unit : unit / span_slabs(width);
}

// The first column of this invocation's slab, and the end of the slab.
uint span_begin(uint width)
{
    return SLAB == SPAN_WHOLE ? 0 : invocation_1d() / SPAN % span_slabs(width) * SLAB;
}
uint span_end(uint width)
{
    return SLAB == SPAN_WHOLE ? width : min(width, span_begin(width) + SLAB);
}

#define SPAN_COLUMNS_BY(c, width, step)                                                                                \
    for (uint c = span_begin(width) + gl_LocalInvocationID.x % SPAN, c##_end = span_end(width); c < c##_end; c += step)

/* target = value, a float, for each column c. */
#define SPAN_SET(c, width, target, value)                                                                              \
    uint c##_end = span_end(width);                                                                                    \
    ROUNDS_SET(float, span_begin(width) + gl_LocalInvocationID.x % SPAN, SPAN, c, c##_end, target, value)

#endif
