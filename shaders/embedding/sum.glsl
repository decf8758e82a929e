/* sum.glsl: sums of rows of dy, four columns to an invocation so that one index serves four loads. */
#ifndef EMBEDDING_SUM_GLSL
#define EMBEDDING_SUM_GLSL

layout(constant_id = 3) const uint BLOCK = 32; // sorted elements summed side by side

#define SUM_COLUMNS(c, width) SPAN_COLUMNS_BY(c, width, 4 * SPAN) // SLAB is a multiple of 4 SPAN

/* Its columns; those past the end repeat the last and are not stored. */
uvec4 columns(uint first, uint width)
{
    return min(first + uvec4(0, 1, 2, 3) * SPAN, width - 1);
}

/* sum += rows begin .. end of the sorted list, in their order: the kernel declares sorted and dy. */
#define SUM_SORTED(sum, begin, end, c)                                                                                 \
    for (uint i = begin; i < end; i += ROUND) {                                                                        \
        uint rows[ROUND];                                                                                              \
        ROUND_EACH(t)                                                                                                  \
            rows[t] = sorted[round_place(i + t, end)].y;                                                               \
        ROUND_EACH(t)                                                                                                  \
        {                                                                                                              \
            uvec4 at = p.dy_skip + rows[t] * p.width + c;                                                              \
            vec4 term = vec4(dy[at.x], dy[at.y], dy[at.z], dy[at.w]);                                                  \
            sum += round_value(round_counts(i + t, end), term);                                                        \
        }                                                                                                              \
    }

#endif
