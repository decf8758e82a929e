/* half.glsl: 16-bit floats as bits, by integer operations: the same result on every device, for denormals, infinities
 * and NaN too, and no feature needed. To nearest, ties to even; a NaN keeps its sign and what fits of its payload, and
 * becomes quiet. What is called f32 here are the bits of a float. All cases are worked out and one is chosen: branches
 * would keep the next number's load waiting. */
#ifndef LIB_HALF_GLSL
#define LIB_HALF_GLSL

uint bf16_of_f32(uint f)
{
    uint nan = f >> 16 | 0x40u, number = (f + 0x7fffu + (f >> 16 & 1u)) >> 16;
    return (f & 0x7fffffffu) > 0x7f800000u ? nan : number;
}

uint f32_of_bf16(uint h)
{
    uint number = h << 16, nan = number | 0x400000u;
    return (h & 0x7fffu) > 0x7f80u ? nan : number;
}

uint f16_of_f32(uint f)
{
    uint sign = f >> 16 & 0x8000u, a = f & 0x7fffffffu;
    uint nan = 0x7e00u | (a >> 13 & 0x1ffu);
    // another bias, 13 bits less; a carry may reach the exponent, up to infinity
    uint normal = min((a - 0x38000000u + 0xfffu + (a >> 13 & 1u)) >> 13, 0x7c00u);
    // in units of 2^-24; of 25 bits nothing is left
    uint m = (a & 0x7fffffu) | 0x800000u, s = clamp(126u - (a >> 23), 1u, 25u);
    uint denormal = (m + (1u << (s - 1u)) - 1u + (m >> s & 1u)) >> s;
    uint number = a >= 0x38800000u ? normal : denormal; // 2^-14
    return sign | (a > 0x7f800000u ? nan : number);
}

uint f32_of_f16(uint h)
{
    uint sign = (h & 0x8000u) << 16, e = h >> 10 & 0x1fu, m = h & 0x3ffu;
    uint top = uint(findMSB(m | 1u)); // of m, but 0 has none
    uint denormal = (top + 103u) << 23 | (m << (23u - top) & 0x7fffffu), normal = (e + 112u) << 23 | m << 13;
    uint low = m == 0u ? 0u : denormal, quiet = m != 0u ? 0x400000u : 0u;
    uint beyond = 0x7f800000u | m << 13 | quiet, finite = e != 0u ? normal : low;
    return sign | (e == 31u ? beyond : finite);
}

#endif
