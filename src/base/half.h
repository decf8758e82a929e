/* half.h: 16-bit floats to and from f32, without branches: weights are gigabytes. */
#ifndef BASE_HALF_H
#define BASE_HALF_H

#include <stdint.h>
#include <string.h>

static inline float base_float_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof(x));
    return x;
}

static inline uint32_t base_bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof(bits));
    return bits;
}

/* Exact; a NaN is quiet and keeps what else it says. */
static inline float base_f16_to_f32(uint16_t half)
{
    uint32_t rest = half & 0x7FFFu, sign = (half & 0x8000u) << 16;
    uint32_t number = base_bits_of(base_float_of(rest << 13) * 0x1p112f); /* a float 2^112 times too small */
    number = rest >= 0x7C00 ? rest << 13 | 0x7F800000 : number;
    return base_float_of(sign | number | (rest > 0x7C00 ? 0x400000u : 0));
}

static inline float base_bf16_to_f32(uint16_t half)
{
    return base_float_of((uint32_t)half << 16 | ((half & 0x7FFFu) > 0x7F80 ? 0x400000u : 0));
}

/* To nearest, ties to even, overflow to infinity; a NaN is quiet and keeps what fits of it. */
static inline uint16_t base_f16_of(float x)
{
    uint32_t bits = base_bits_of(x), rest = bits & 0x7FFFFFFF, sign = bits >> 16 & 0x8000;
    /* below 2^-14: adding 0.5 leaves the fraction in units of 2^-24, rounded to even */
    uint32_t small = base_bits_of(base_float_of(rest) + 0.5f) - 0x3F000000;
    uint32_t large = (rest + 0xFFF + (rest >> 13 & 1) - 0x38000000) >> 13;
    uint32_t number = rest < 0x38800000 ? small : large < 0x7C00 ? large : 0x7C00;
    return (uint16_t)(sign | (rest > 0x7F800000 ? 0x7E00 | (rest >> 13 & 0x1FF) : number));
}

static inline uint16_t base_bf16_of(float x)
{
    uint32_t bits = base_bits_of(x), nearest = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16;
    return (uint16_t)((bits & 0x7FFFFFFF) > 0x7F800000 ? bits >> 16 | 0x40 : nearest);
}

#endif
