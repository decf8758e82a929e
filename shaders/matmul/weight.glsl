// weight.glsl: B, the weight of a matmul, as DTYPE stores it: floats; or 16-bit floats, two in a word, the first in its
// lower half, which become floats where they are loaded. No 16-bit storage is needed. WIDTH = floats in a T.
// f16 numbers below 2^-14 may count as 0: whether unpackHalf2x16 keeps them is the device's choice.
#ifndef MATMUL_WEIGHT_GLSL
#define MATMUL_WEIGHT_GLSL

#if defined(DTYPE_F32) && WIDTH == 4
READ_QUADS(1, B)

vec4 load_weight(uint i)
{
    return B_quad(i);
}
#elif defined(DTYPE_F32)
READ_BUFFER(1, T, B);

T load_weight(uint i)
{
    return B[i];
}
#else
vec2 two(uint word)
{
#ifdef DTYPE_F16
    return unpackHalf2x16(word);
#else
    return vec2(uintBitsToFloat(word << 16), uintBitsToFloat(word & 0xffff0000u));
#endif
}

#if WIDTH == 4
READ_PAIRS(1, B)

vec4 load_weight(uint i)
{
    uvec2 words = B_pair(i);
    return vec4(two(words.x), two(words.y));
}
#else
READ_BUFFER(1, uint, B);

float load_weight(uint i) // rows may begin in the middle of a word
{
    return two(B[i / 2] >> i % 2 * 16).x;
}
#endif
#endif

#endif
