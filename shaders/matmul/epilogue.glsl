// What happens to a sum before it is stored: y = act(sum + bias[n]) + residual[m,n], and pre = sum + bias[n]; or, in a
// gradient, y = (sum + bias[n]) * act'(slope[m,n]).
// T is float, or vec4 where four neighbouring columns are one element. Which parts exist is a specialisation constant:
// a run-time switch would cost a software driver the loads and stores of all parts; so is how each tensor is stored:
// y, pre, residual and slope may be 16-bit (lib/stored.glsl), what is stored by vec4 alone.
#ifndef MATMUL_EPILOGUE_GLSL
#define MATMUL_EPILOGUE_GLSL

#ifndef FORMATS_ID
#define FORMATS_ID 12
#endif
#include "lib/activation.glsl"
#include "lib/stored.glsl"

layout(constant_id = 10) const uint PARTS = 0; // HAS_*
layout(constant_id = 11) const uint ACT = 0;   // enum op_activation
const uint HAS_BIAS = 1, HAS_RESIDUAL = 2, HAS_PRE = 4, HAS_SLOPE = 8;

#ifndef Y_BUFFER // UPDATE_BUFFER in a kernel that reads what it has stored
#define Y_BUFFER WRITE_BUFFER
#endif

READ_BUFFER(3, T, bias); // [N]
#if WIDTH == 4
READ_FOURS(4, residual) // [M,N]; or slope, where there is one
#else
READ_STORED(4, residual)
#endif
WRITE_BUFFER(5, T, pre); // [M,N]
#if WIDTH == 4
Y_BUFFER(2, uvec2, y_four);
WRITE_BUFFER(5, uvec2, pre_four);
#endif

T bias_at(uint i)
{
    return (PARTS & HAS_BIAS) != 0 ? bias[i] : T(0);
}

T residual_at(uint i)
{
#if WIDTH == 4
    return residual4(i);
#else
    return residual1(i);
#endif
}

void store_pre(uint i, T v)
{
#if WIDTH == 4
    if (STORED_AS(5) != FORMAT_F32)
        pre_four[i] = halves(STORED_AS(5), v);
    else
#endif
        pre[i] = v;
}

void store(uint i, T sum, T bias_value)
{
    T v = sum + bias_value;
    if ((PARTS & HAS_PRE) != 0)
        store_pre(i, v);
    if ((PARTS & HAS_SLOPE) != 0)
        v *= activation_grad(ACT, residual_at(i));
    else
        v = activation(ACT, v);
    if ((PARTS & HAS_RESIDUAL) != 0)
        v += residual_at(i);
#if WIDTH == 4
    if (STORED_AS(2) != FORMAT_F32)
        y_four[i] = halves(STORED_AS(2), v);
    else
#endif
        y[i] = v;
}

#endif
