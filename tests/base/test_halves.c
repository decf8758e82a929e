/* 16-bit floats against the numbers of their formats. */
#include "base/base.h"
#include "check.h"

#include <math.h>

struct format {
    int exponent_bits, fraction_bits;
};

static const struct format f16 = {5, 10}, bf16 = {8, 7};

static uint16_t encode(float x, struct format f)
{
    uint32_t sign = base_bits_of(x) >> 31 << 15, infinity = ((1u << f.exponent_bits) - 1) << f.fraction_bits;
    int bias = (1 << (f.exponent_bits - 1)) - 1, exponent;
    if (isnan(x)) /* quiet, with what fits of the payload */
        return (uint16_t)(sign | infinity | 1u << (f.fraction_bits - 1) |
                          (base_bits_of(x) & 0x7fffff) >> (23 - f.fraction_bits));
    if (isinf(x))
        return (uint16_t)(sign | infinity);
    frexp(x, &exponent); /* |x| in [2^(exponent-1), 2^exponent) */
    int unit = (x != 0 && exponent > 2 - bias ? exponent - 1 : 1 - bias) - f.fraction_bits;
    double units = nearbyint(ldexp(fabs((double)x), -unit)); /* ties to even */
    /* From the least normal number on, units count from 2^fraction_bits: the exponent's field begins at 1; a carry
     * moves on to the next exponent and at last to infinity. */
    uint32_t code = (uint32_t)(units + ldexp(unit + f.fraction_bits + bias - 1, f.fraction_bits));
    return (uint16_t)(sign | (code < infinity ? code : infinity));
}

static float decode(uint16_t h, struct format f)
{
    uint32_t fraction = h & ((1u << f.fraction_bits) - 1), all = (1u << f.exponent_bits) - 1;
    uint32_t exponent = h >> f.fraction_bits & all, sign = (uint32_t)(h >> 15) << 31;
    int bias = (1 << (f.exponent_bits - 1)) - 1;
    if (exponent == all)
        return base_float_of(sign | 0x7f800000 | (fraction ? 0x400000 | fraction << (23 - f.fraction_bits) : 0));
    double units = exponent ? fraction + ldexp(1, f.fraction_bits) : fraction;
    double value = ldexp(units, (exponent ? (int)exponent : 1) - bias - f.fraction_bits);
    return base_float_of(sign | base_bits_of((float)value));
}

/* Every half, the bits on either side of what it is, and halfway to the next. */
static void test_halves(void)
{
    uint32_t wrong = 0;
    for (uint32_t h = 0; h < 65536; h++) {
        uint32_t wide[] = {base_bits_of(base_f16_to_f32((uint16_t)h)), base_bits_of(base_bf16_to_f32((uint16_t)h))};
        wrong += wide[0] != base_bits_of(decode((uint16_t)h, f16));
        wrong += wide[1] != base_bits_of(decode((uint16_t)h, bf16));
        for (uint32_t i = 0; i < 2; i++) {
            static const uint32_t step[] = {0, 1, UINT32_MAX, 0xFFF, 0x1000, 0x1001, 0x7FFF, 0x8000, 0x8001};
            for (uint32_t s = 0; s < BASE_COUNT(step); s++) {
                float x = base_float_of(wide[i] + step[s]);
                wrong += base_f16_of(x) != encode(x, f16);
                wrong += base_bf16_of(x) != encode(x, bf16);
            }
        }
    }
    CHECK_EQ(wrong, 0);
}

static void test_any(void)
{
    struct base_rng rng = base_rng_make(1, "halves", 0, 0);
    uint32_t wrong = 0;
    for (uint32_t i = 0; i < 1000000; i++) {
        float x = base_float_of(base_rng_u32(&rng));
        wrong += base_f16_of(x) != encode(x, f16);
        wrong += base_bf16_of(x) != encode(x, bf16);
    }
    CHECK_EQ(wrong, 0);
}

int main(void)
{
    test_halves();
    test_any();
    CHECK_EQ(base_f16_of(65519.0f), 0x7BFF);
    CHECK_EQ(base_f16_of(65520.0f), 0x7C00);
    return check_result();
}
