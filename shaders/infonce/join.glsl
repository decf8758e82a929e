/* join.glsl: partial sums of part.glsl into one; -ln P(own | line) from the whole. */
#ifndef INFONCE_JOIN_GLSL
#define INFONCE_JOIN_GLSL

#include "infonce/math.glsl"

struct line_sums {
    float top, total, aim;
};

void add_part(inout line_sums sums, vec3 part)
{
    float peak = max(sums.top, part.x);
    sums.total = sums.total * exp(sums.top - peak) + part.y * exp(part.x - peak);
    sums.top = peak;
    sums.aim += part.z;
}

/* The logarithm of the line's softmax denominator, relative to its own element, which joins last: by log1p where
 * nothing exceeds it. */
float line_lse(line_sums sums)
{
    return sums.top > 0 ? sums.top + log(exp(-sums.top) + sums.total) : log1p_close(sums.total);
}

#endif
