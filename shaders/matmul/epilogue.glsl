// What happens to a sum before it is stored: y = act(sum + bias[n]) + residual[m,n], and pre = sum + bias[n]; or, in a
// gradient, y = (sum + bias[n]) * act'(slope[m,n]).
// T is float, or vec4 where four neighbouring columns are one element. Which parts exist is a specialisation constant:
// a run-time switch would cost a software driver the loads and stores of all parts.
#ifndef MATMUL_EPILOGUE_GLSL
#define MATMUL_EPILOGUE_GLSL

#include "lib/activation.glsl"

layout(constant_id = 10) const uint PARTS = 0; // HAS_*
layout(constant_id = 11) const uint ACT = 0;   // enum op_activation
const uint HAS_BIAS = 1, HAS_RESIDUAL = 2, HAS_PRE = 4, HAS_SLOPE = 8;

READ_BUFFER(3, T, bias);     // [N]
READ_BUFFER(4, T, residual); // [M,N]; or slope, where there is one
WRITE_BUFFER(5, T, pre);     // [M,N]

T bias_at(uint i)
{
    return (PARTS & HAS_BIAS) != 0 ? bias[i] : T(0);
}

void store(uint i, T sum, T bias_value)
{
    T v = sum + bias_value;
    if ((PARTS & HAS_PRE) != 0)
        pre[i] = v;
    if ((PARTS & HAS_SLOPE) != 0)
        v *= activation_grad(ACT, residual[i]);
    else
        v = activation(ACT, v);
    if ((PARTS & HAS_RESIDUAL) != 0)
        v += residual[i];
    y[i] = v;
}

#endif
