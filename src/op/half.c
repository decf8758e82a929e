/* half.c: 16-bit floats by their dtype, and references on tensors of them. */
#include "op/half.h"
#include "op/signature.h"

uint16_t op_half_of(float x, enum mien_dtype dtype)
{
    return dtype == MIEN_F16 ? base_f16_of(x) : base_bf16_of(x);
}

float op_load(const void *data, uint64_t i, enum mien_dtype dtype)
{
    if (dtype == MIEN_F32)
        return ((const float *)data)[i];
    uint16_t half = ((const uint16_t *)data)[i];
    return dtype == MIEN_F16 ? base_f16_to_f32(half) : base_bf16_to_f32(half);
}

/* ---- references -------------------------------------------------------------------------------------------------- */

static bool is_half(const struct tensor_shape *shape)
{
    return shape->rank && (shape->dtype == MIEN_F16 || shape->dtype == MIEN_BF16);
}

void op_narrow(float *x, const struct tensor_shape *shape)
{
    uint64_t count = is_half(shape) ? tensor_shape_count(shape) : 0;
    for (uint64_t k = 0; k < count; k++) {
        uint16_t bits = op_half_of(x[k], shape->dtype);
        memcpy((char *)x + 2 * k, &bits, 2);
    }
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
