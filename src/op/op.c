/* op.c: the registry: finding ops, checking calls, choosing variants, recording. */
#include "op/signature.h"

#include <stdio.h>
#include <string.h>

#define OP_ENTRY(name) &op_##name,
const struct op_desc *const op_list[] = {OP_LIST(OP_ENTRY) NULL};
#undef OP_ENTRY

const struct op_desc *op_find(const char *name)
{
    for (const struct op_desc *const *op = op_list; *op; op++) {
        if (strcmp((*op)->name, name) == 0)
            return *op;
    }
    return NULL;
}

/* "f32[2,3] i32[2] -" for a message. */
static void inputs_text(const struct op_call *call, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < call->in_count && used < size; i++) {
        char shape[64] = "-";
        if (call->in[i].rank)
            tensor_shape_text(&call->in[i], shape, sizeof(shape));
        int n = snprintf(text + used, size - used, "%s%s", i ? " " : "", shape);
        used += n > 0 ? (size_t)n : 0;
    }
}

static enum mien_status call_error(enum mien_status code, const struct op_call *call, const char *label, uint32_t input,
                                   const char *expected)
{
    char inputs[OP_MAX_IN * 64];
    inputs_text(call, inputs, sizeof(inputs));
    return base_fail(code, "%s%s%s: input %u should be %s; the inputs are %s", call->op->name, label ? " at " : "",
                     label ? label : "", input, expected, inputs[0] ? inputs : "none");
}

enum mien_status op_shape_error(const struct op_call *call, const char *label, uint32_t input, const char *expected)
{
    return call_error(MIEN_ERR_SHAPE, call, label, input, expected);
}

/* Input i is there where it must be, of a dtype that the op takes, and not empty. */
static enum mien_status check_input(const struct op_call *call, const struct op_signature *sig, const char *label,
                                    uint32_t i)
{
    const struct tensor_shape *in = &call->in[i];
    bool index = sig->index_inputs >> i & 1, half = sig->half_inputs >> i & 1;
    if (!in->rank)
        return sig->optional >> i & 1 ? MIEN_OK : call_error(MIEN_ERR_ARG, call, label, i, "given");
    if (in->dtype != (index ? MIEN_I32 : MIEN_F32) && !(half && (in->dtype == MIEN_F16 || in->dtype == MIEN_BF16)))
        return call_error(MIEN_ERR_DTYPE, call, label, i, index ? "i32" : half ? "f32, f16 or bf16" : "f32");
    if (tensor_shape_count(in) == 0)
        return call_error(MIEN_ERR_SHAPE, call, label, i, "not empty");
    return MIEN_OK;
}

static bool is_half(enum mien_dtype dtype)
{
    return dtype == MIEN_F16 || dtype == MIEN_BF16;
}

/* Gives the stored outputs attr dtype, and sees that 16-bit tensors are of one kind and written in whole words. */
static enum mien_status store_outputs(struct op_call *call, const struct op_signature *sig, const char *label)
{
    enum mien_status status = MIEN_OK;
    enum mien_dtype dtype = sig->stored_outputs ? call->attr.dtype : MIEN_F32;
    const char *at = label ? " at " : "";
    label = label ? label : "";
    FAIL_IF(dtype != MIEN_F32 && !is_half(dtype), MIEN_ERR_DTYPE, "%s%s%s: attr dtype should be f32, f16 or bf16",
            call->op->name, at, label);
    for (uint32_t i = 0; i < sig->in_count; i++) {
        if (!call->in[i].rank || !is_half(call->in[i].dtype))
            continue;
        FAIL_IF(is_half(dtype) && dtype != call->in[i].dtype, MIEN_ERR_DTYPE,
                "%s%s%s: input %u is %s beside %s; 16-bit tensors of one op should be of one dtype", call->op->name, at,
                label, i, mien_dtype_name(call->in[i].dtype), mien_dtype_name(dtype));
        dtype = call->in[i].dtype;
    }
    for (uint32_t o = 0; o < call->out_count; o++) {
        if (!(sig->stored_outputs >> o & 1))
            continue;
        uint32_t width = tensor_shape_width(&call->out[o]);
        call->out[o].dtype = call->attr.dtype;
        FAIL_IF(is_half(call->attr.dtype) && width % 4 != 0, MIEN_ERR_SHAPE,
                "%s%s%s: output %u has rows of %u elements; rows stored as %s should be multiples of 4", call->op->name,
                at, label, o, width, mien_dtype_name(call->attr.dtype));
    }
fail:
    return status;
}

static enum mien_status run_shapes(struct op_call *call, const struct op_signature *sig, const char *label)
{
    enum mien_status status = MIEN_OK;
    for (uint32_t i = 0; i < sig->in_count; i++) {
        if (i >= call->in_count)
            memset(&call->in[i], 0, sizeof(call->in[i]));
        TRY(check_input(call, sig, label, i));
    }
    TRY(op_signature_apply(sig, call, label));
    if (call->op->shapes)
        TRY(call->op->shapes(call, label));
    TRY(store_outputs(call, sig, label));
fail:
    return status;
}

enum mien_status op_call_shapes(struct op_call *call, const char *label)
{
    struct op_signature sig;
    op_signature(call->op, &sig);
    memset(call->out, 0, sizeof(call->out));
    call->out_count = 0;
    if (call->in_count > sig.in_count)
        return base_fail(MIEN_ERR_ARG, "%s%s%s: %u inputs given, it has at most %u", call->op->name,
                         label ? " at " : "", label ? label : "", call->in_count, sig.in_count);
    enum mien_status status = run_shapes(call, &sig, label);
    if (status != MIEN_OK) {
        memset(call->out, 0, sizeof(call->out));
        call->out_count = 0;
    }
    return status;
}

const char *op_no_grad(const struct op_desc *op)
{
    return op->no_grad ? op->no_grad : op->forward[0] ? "it is a gradient itself" : "no reason given";
}

double op_call_flops(const struct op_call *call)
{
    uint64_t in = tensor_shape_count(&call->in[0]), out = tensor_shape_count(&call->out[0]);
    return call->op->flops ? call->op->flops(call) : call->op->flops_per_element * (double)BASE_MAX(in, out);
}

double op_call_bytes(const struct op_call *call)
{
    struct op_signature sig;
    double bytes = 0;
    if (call->op->bytes)
        return call->op->bytes(call);
    op_signature(call->op, &sig);
    for (uint32_t i = 0; i < sig.in_count; i++)
        bytes += op_tensor_named(&sig.in[i], "like", 4) ? 0 : (double)tensor_shape_bytes(&call->in[i]);
    for (uint32_t o = 0; o < call->out_count; o++)
        bytes += (double)tensor_shape_bytes(&call->out[o]);
    return bytes;
}

static void record(struct op_recorder *recorder, const struct op_desc *op, const struct op_attr *attr,
                   const op_value *in, uint32_t in_count, op_value out[OP_MAX_OUT])
{
    static const struct op_attr none = {0};
    for (uint32_t o = 0; o < OP_MAX_OUT; o++)
        out[o] = OP_NONE;
    recorder->record(recorder, op, attr ? attr : &none, in, in_count, out);
}

op_value op_record(struct op_recorder *recorder, const struct op_desc *op, const struct op_attr *attr,
                   const op_value *in, uint32_t in_count)
{
    op_value out[OP_MAX_OUT];
    record(recorder, op, attr, in, in_count, out);
    return out[0];
}

void op_record_into(op_value *din, uint32_t count, struct op_recorder *recorder, const struct op_desc *op,
                    const struct op_attr *attr, const op_value *in, uint32_t in_count)
{
    op_value out[OP_MAX_OUT];
    record(recorder, op, attr, in, in_count, out);
    memcpy(din, out, count * sizeof(*din));
}

op_value op_record_like(struct op_recorder *recorder, op_value value, op_value like)
{
    struct op_attr attr = {.dtype = recorder->shape(recorder, like).dtype};
    if (value == OP_NONE || recorder->shape(recorder, value).dtype == attr.dtype)
        return value;
    return OP_RECORD(recorder, &op_cast, &attr, value);
}

/* ---- tolerances -------------------------------------------------------------------------------------------------- */

const struct op_tolerance *op_tolerance_of(const struct op_call *call, const struct op_variant *variant)
{
    if (!variant->rounds)
        return &call->op->tolerance;
    return call->attr.precision == MIEN_F16 ? &call->op->tolerance_f16 : &call->op->tolerance_bf16;
}

double op_tolerance_ceiling(const struct op_call *call, const struct op_variant *variant)
{
    if (variant->rounds)
        return call->attr.precision == MIEN_F16 ? 1e-5 : 1e-4;
    return strstr(call->op->name, "_bwd") ? 1e-10 : 1e-11;
}
