/* half.glsl: 16-bit floats as bits, by integer operations: the same result on every device, for denormals, infinities
 * and NaN too, and no feature needed. To nearest, ties to even; a NaN keeps its sign and what fits of its payload, and
 * becomes quiet. What is called f32 here are the bits of a float. */
#ifndef LIB_HALF_GLSL
#define LIB_HALF_GLSL

uint bf16_of_f32(uint f)
{
    if ((f & 0x7fffffffu) > 0x7f800000u)
        return f >> 16 | 0x40u;
    return (f + 0x7fffu + (f >> 16 & 1u)) >> 16;
}

uint f32_of_bf16(uint h)
{
    return (h & 0x7fffu) > 0x7f80u ? h << 16 | 0x400000u : h << 16;
}

uint f16_of_f32(uint f)
{
    uint sign = f >> 16 & 0x8000u, a = f & 0x7fffffffu;
    if (a > 0x7f800000u)
        return sign | 0x7e00u | (a >> 13 & 0x1ffu);
    if (a >= 0x47800000u) // 2^16
        return sign | 0x7c00u;
    if (a >= 0x38800000u) { // 2^-14: another bias, 13 bits less; a carry may reach the exponent, up to infinity
        a -= 0x38000000u;
        return sign | (a + 0xfffu + (a >> 13 & 1u)) >> 13;
    }
    uint shift = 126u - min(a >> 23, 126u); // in units of 2^-24
    if (shift > 24u)
        return sign;
    uint m = (a & 0x7fffffu) | 0x800000u, kept = m >> shift, rest = m & ((1u << shift) - 1u), tie = 1u << (shift - 1u);
    return sign | (kept + (rest > tie || (rest == tie && (kept & 1u) != 0u) ? 1u : 0u));
}

uint f32_of_f16(uint h)
{
    uint sign = (h & 0x8000u) << 16, e = h >> 10 & 0x1fu, m = h & 0x3ffu;
    if (e == 31u)
        return sign | 0x7f800000u | m << 13 | (m != 0u ? 0x400000u : 0u);
    if (e != 0u)
        return sign | (e + 112u) << 23 | m << 13;
    if (m == 0u)
        return sign;
    uint top = uint(findMSB(m));
    return sign | (top + 103u) << 23 | (m << (23u - top) & 0x7fffffu);
}

#endif
