// operands.glsl: A and B of a product, as they are stored (lib/stored.glsl); WIDTH = floats in a T. With TECH_TEXEL
// both come through the texture cache: A is f32 then, and so is B, or with TECH_TEXEL_HALF one of the 16-bit types.
#ifndef MATMUL_OPERANDS_GLSL
#define MATMUL_OPERANDS_GLSL

#ifdef TECH_TEXEL
READ_QUADS(0, A)

vec4 a_at(uint i)
{
    return A_quad(i);
}

#ifdef TECH_TEXEL_HALF
READ_PAIRS(1, B)

vec4 b_at(uint i)
{
    return four(STORED_AS(1), B_pair(i));
}
#else
READ_QUADS(1, B)

vec4 b_at(uint i)
{
    return B_quad(i);
}
#endif
#else
READ_STORED(0, A)
READ_STORED(1, B)

T a_at(uint i)
{
#if WIDTH == 4
    return A4(i);
#else
    return A1(i);
#endif
}

T b_at(uint i)
{
#if WIDTH == 4
    return B4(i);
#else
    return B1(i);
#endif
}
#endif

#endif
