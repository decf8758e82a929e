/* pair.glsl: sums carried as two floats, the value and what rounding took from it: for long sums that may cancel.
 * `precise` keeps the compiler from simplifying the error term away. */
#ifndef LIB_PAIR_GLSL
#define LIB_PAIR_GLSL

/* value + lost += v, without error in value + lost but for lost's own rounding (Knuth's two-sum) */
#define PAIR_ADD(T)                                                                                                    \
    void pair_add(inout T value, inout T lost, T v)                                                                    \
    {                                                                                                                  \
        precise T sum = value + v;                                                                                     \
        precise T back = sum - value;                                                                                  \
        precise T error = (value - (sum - back)) + (v - back);                                                         \
        value = sum;                                                                                                   \
        lost += error;                                                                                                 \
    }

PAIR_ADD(float)
PAIR_ADD(vec4)
#undef PAIR_ADD

/* the same for a pair (x: value, y: lost) and a float, and for two pairs */
vec2 pair_add(vec2 a, float v)
{
    pair_add(a.x, a.y, v);
    return a;
}

vec2 pair_add(vec2 a, vec2 b)
{
    pair_add(a.x, a.y, b.x);
    return vec2(a.x, a.y + b.y);
}

#endif
