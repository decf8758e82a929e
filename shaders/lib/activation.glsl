/* activation.glsl: y = act(x) and its derivative, for float and vec4. `kind` is enum op_activation (src/op/op.h), meant
 * to be a specialisation constant. Saturates without NaN for large |x|: where exp overflows, 1 / inf = 0. */
#ifndef LIB_ACTIVATION_GLSL
#define LIB_ACTIVATION_GLSL

#include "lib/erf.glsl"

const uint ACT_NONE = 0, ACT_QUICK_GELU = 1, ACT_GELU = 2, ACT_GELU_TANH = 3, ACT_RELU = 4;

#define ACTIVATION_FUNCTIONS(T)                                                                                        \
    T act_sigmoid(T x)                                                                                                 \
    {                                                                                                                  \
        return T(1) / (T(1) + exp(-x));                                                                                \
    }                                                                                                                  \
    T activation(uint kind, T x)                                                                                       \
    {                                                                                                                  \
        if (kind == ACT_QUICK_GELU)                                                                                    \
            return x * act_sigmoid(1.702 * x);                                                                         \
        if (kind == ACT_GELU)                                                                                          \
            return x * normal_cdf(x);                                                                                  \
        if (kind == ACT_GELU_TANH) /* (1 + tanh u) / 2 = sigmoid(2 u) */                                               \
            return x * act_sigmoid(1.5957691216057308 * (x + 0.044715 * x * x * x));                                   \
        if (kind == ACT_RELU)                                                                                          \
            return max(x, T(0));                                                                                       \
        return x;                                                                                                      \
    }                                                                                                                  \
    T activation_grad(uint kind, T x)                                                                                  \
    {                                                                                                                  \
        if (kind == ACT_QUICK_GELU) {                                                                                  \
            T s = act_sigmoid(1.702 * x);                                                                              \
            return s + 1.702 * x * s * (T(1) - s);                                                                     \
        }                                                                                                              \
        if (kind == ACT_GELU)                                                                                          \
            return normal_cdf(x) + x * normal_density(x);                                                              \
        if (kind == ACT_GELU_TANH) {                                                                                   \
            T s = act_sigmoid(1.5957691216057308 * (x + 0.044715 * x * x * x));                                        \
            return s + x * s * (T(1) - s) * 1.5957691216057308 * (T(1) + 0.134145 * x * x);                            \
        }                                                                                                              \
        if (kind == ACT_RELU)                                                                                          \
            return T(1) - step(x, T(0)); /* 0 at 0 */                                                                  \
        return T(1);                                                                                                   \
    }

ACTIVATION_FUNCTIONS(float)
ACTIVATION_FUNCTIONS(vec4)
#undef ACTIVATION_FUNCTIONS

#endif
