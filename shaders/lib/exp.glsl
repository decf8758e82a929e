/* exp.glsl: what the drivers' own functions do not promise closely enough (they may err by 3 + 2|x| units in the last
 * place in exp, and lose what is added to 1 in log). */
#ifndef LIB_EXP_GLSL
#define LIB_EXP_GLSL

/* exp(x) within about one unit in the last place: every score is multiplied by it. */
float exp_close(float x)
{
    x = clamp(x, -87.0, 88.0);
    float n = floor(x * 1.44269504 + 0.5);
    float r = (x - n * 0.693145752) - n * 1.42860677e-6; // ln 2 in two parts; |r| <= 0.35
    float e = 1.0 / 720.0 + r * (1.0 / 5040.0 + r * (1.0 / 40320.0));
    e = r + r * r * (0.5 + r * (1.0 / 6.0 + r * (1.0 / 24.0 + r * (1.0 / 120.0 + r * e))));
    return (1.0 + e) * uintBitsToFloat(uint(int(n) + 127) << 23);
}

/* ln(1 + x), x >= 0, without loss for small x: 2 atanh(x / (2 + x)). */
float log1p_close(float x)
{
    float t = x / (2.0 + x), u = t * t;
    float series = 1.0 / 7.0 + u * (1.0 / 9.0 + u * (1.0 / 11.0 + u * (1.0 / 13.0)));
    return x > 1.0 ? log(1.0 + x) : 2.0 * t * (1.0 + u * (1.0 / 3.0 + u * (1.0 / 5.0 + u * series)));
}

/* exp(-x) - 1, x >= 0, without loss for small x. */
float expm1_minus(float x)
{
    float series = 1.0 / 24.0 - x * (1.0 / 120.0 - x * (1.0 / 720.0 - x * (1.0 / 5040.0)));
    return x > 0.5 ? exp(-x) - 1.0 : -x * (1.0 - x * (0.5 - x * (1.0 / 6.0 - x * series)));
}

#endif
