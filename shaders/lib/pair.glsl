/* pair.glsl: sums carried as two floats, value and what rounding took from it: for long sums that cancel. `precise`
 * keeps the compiler from simplifying the error term away. */
#ifndef LIB_PAIR_GLSL
#define LIB_PAIR_GLSL

/* s + v, exactly, as value and error (Knuth's two-sum) */
vec2 pair_add(vec2 s, float v)
{
    precise float t = s.x + v;
    precise float back = t - s.x;
    precise float lost = (s.x - (t - back)) + (v - back);
    return vec2(t, s.y + lost);
}

vec2 pair_add_pair(vec2 a, vec2 b)
{
    vec2 s = pair_add(a, b.x);
    return vec2(s.x, s.y + b.y);
}

#endif
