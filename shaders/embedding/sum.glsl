/* sum.glsl: sums of rows of dy, four columns to an invocation so that one index serves four loads. */
#ifndef EMBEDDING_SUM_GLSL
#define EMBEDDING_SUM_GLSL

layout(constant_id = 3) const uint BLOCK = 32; // sorted elements summed side by side

#define SUM_COLUMNS(c, width) for (uint c = gl_LocalInvocationID.x % SPAN; c < (width); c += 4 * SPAN)

/* Its columns; those past the end repeat the last and are not stored. */
uvec4 columns(uint first, uint width)
{
    return min(first + uvec4(0, 1, 2, 3) * SPAN, width - 1);
}

#endif
