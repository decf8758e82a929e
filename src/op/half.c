/* half.c: 16-bit floats by the numbers of their formats, and references on tensors of them. */
#include "op/half.h"
#include "op/signature.h"

#include <math.h>
#include <string.h>

struct format {
    int exponent_bits, fraction_bits;
};

static const struct format format_f16 = {5, 10}, format_bf16 = {8, 7};

static uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, 4);
    return bits;
}

static float float_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, 4);
    return x;
}

static uint16_t encode(float x, struct format f)
{
    uint32_t sign = bits_of(x) >> 31 << 15, infinity = ((1u << f.exponent_bits) - 1) << f.fraction_bits;
    int bias = (1 << (f.exponent_bits - 1)) - 1, exponent;
    if (isnan(x)) /* quiet, with what fits of the payload */
        return (uint16_t)(sign | infinity | 1u << (f.fraction_bits - 1) |
                          (bits_of(x) & 0x7fffff) >> (23 - f.fraction_bits));
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
        return float_of(sign | 0x7f800000 | (fraction ? 0x400000 | fraction << (23 - f.fraction_bits) : 0));
    double units = exponent ? fraction + ldexp(1, f.fraction_bits) : fraction;
    double value = ldexp(units, (exponent ? (int)exponent : 1) - bias - f.fraction_bits);
    return float_of(sign | bits_of((float)value));
}

uint16_t op_half_of(float x, enum mien_dtype dtype)
{
    return encode(x, dtype == MIEN_F16 ? format_f16 : format_bf16);
}

float op_load(const void *data, uint64_t i, enum mien_dtype dtype)
{
    if (dtype == MIEN_F32)
        return ((const float *)data)[i];
    return decode(((const uint16_t *)data)[i], dtype == MIEN_F16 ? format_f16 : format_bf16);
}

/* ---- references -------------------------------------------------------------------------------------------------- */

static bool is_half(const struct tensor_shape *shape)
{
    return shape->rank && (shape->dtype == MIEN_F16 || shape->dtype == MIEN_BF16);
}

static float *new_floats(struct tensor_shape *shape)
{
    shape->dtype = MIEN_F32;
    return base_alloc(tensor_shape_count(shape), sizeof(float));
}

/* The call on floats: 16-bit inputs widened, room for 16-bit outputs; false when memory ran out. */
static bool widen(const struct op_call *call, struct op_call *floats)
{
    bool ok = true;
    floats->attr.dtype = MIEN_F32;
    for (uint32_t i = 0; i < call->in_count; i++) {
        if (!is_half(&call->in[i]))
            continue;
        float *x = floats->in_data[i] = new_floats(&floats->in[i]);
        uint64_t count = x ? tensor_shape_count(&call->in[i]) : 0;
        for (uint64_t k = 0; k < count; k++)
            x[k] = op_load(call->in_data[i], k, call->in[i].dtype);
        ok = ok && x;
    }
    for (uint32_t o = 0; o < call->out_count; o++) {
        if (is_half(&call->out[o]))
            ok = (floats->out_data[o] = new_floats(&floats->out[o])) && ok;
    }
    return ok;
}

void op_reference(const struct op_call *call)
{
    struct op_call floats = *call;
    bool ok = widen(call, &floats);
    if (ok)
        call->op->reference(&floats);
    for (uint32_t o = 0; o < call->out_count; o++) {
        uint64_t count = is_half(&call->out[o]) && ok ? tensor_shape_count(&call->out[o]) : 0;
        for (uint64_t k = 0; k < count; k++)
            ((uint16_t *)call->out_data[o])[k] = op_half_of(((float *)floats.out_data[o])[k], call->out[o].dtype);
        if (floats.out_data[o] != call->out_data[o])
            base_free(floats.out_data[o]);
    }
    for (uint32_t i = 0; i < call->in_count; i++) {
        if (floats.in_data[i] != call->in_data[i])
            base_free(floats.in_data[i]);
    }
}
