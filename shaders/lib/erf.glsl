/* erf.glsl: the normal distribution function, for exact GELU; GLSL has no erf. For float and vec4.
 *
 * With z = |x|, t = 1 / (1 + 0.35 z) and a polynomial R of degree 8:
 *   normal_tail(z) = erfc(z / sqrt 2) / 2 = t * R(t) * exp(-z^2 / 2).
 * R is a minimax fit of our own in relative error over z in [0, 15]: 3.2e-8, and 1.4e-7 when evaluated in fp32; the
 * tail keeps its digits, and Phi(x) = 1 - tail for x > 0 has an absolute error below 1e-7. */
#ifndef LIB_ERF_GLSL
#define LIB_ERF_GLSL

#define NORMAL_FUNCTIONS(T)                                                                                            \
    T normal_tail(T z) /* z >= 0 */                                                                                    \
    {                                                                                                                  \
        T t = T(1) / (T(1) + 0.35 * z);                                                                                \
        T r = -0.0291643993 * t + 0.144063065;                                                                         \
        r = r * t - 0.255906437;                                                                                       \
        r = r * t + 0.159398;                                                                                          \
        r = r * t - 0.0232672282;                                                                                      \
        r = r * t + 0.105576184;                                                                                       \
        r = r * t + 0.119815164;                                                                                       \
        r = r * t + 0.13986438;                                                                                        \
        r = r * t + 0.139621256;                                                                                       \
        return t * r * exp(-0.5 * z * z);                                                                              \
    }                                                                                                                  \
    T normal_cdf(T x)                                                                                                  \
    {                                                                                                                  \
        T tail = normal_tail(abs(x));                                                                                  \
        return mix(tail, T(1) - tail, step(T(0), x));                                                                  \
    }                                                                                                                  \
    T normal_density(T x)                                                                                              \
    {                                                                                                                  \
        return 0.3989422804 * exp(-0.5 * x * x);                                                                       \
    }

NORMAL_FUNCTIONS(float)
NORMAL_FUNCTIONS(vec4)
#undef NORMAL_FUNCTIONS

#endif
