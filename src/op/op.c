/* op.c: the registry: finding ops, checking calls, choosing variants, recording. */
#include "op/op.h"

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

enum mien_status op_call_shapes(struct op_call *call, const char *label)
{
    const struct op_desc *op = call->op;
    memset(call->out, 0, sizeof(call->out));
    call->out_count = 0;
    if (call->in_count > op->in_count)
        return base_fail(MIEN_ERR_ARG, "%s%s%s: %u inputs given, it has at most %u", op->name, label ? " at " : "",
                         label ? label : "", call->in_count, op->in_count);
    for (uint32_t i = 0; i < op->in_count; i++) {
        if (i >= call->in_count)
            memset(&call->in[i], 0, sizeof(call->in[i]));
        if (!call->in[i].rank) {
            if (!(op->optional >> i & 1))
                return call_error(MIEN_ERR_ARG, call, label, i, "given");
            continue;
        }
        bool index = op->index_inputs >> i & 1;
        bool half = call->in[i].dtype == MIEN_F16 || call->in[i].dtype == MIEN_BF16;
        if (call->in[i].dtype != (index ? MIEN_I32 : MIEN_F32) && !(half && op->half_inputs >> i & 1))
            return call_error(MIEN_ERR_DTYPE, call, label, i, index ? "i32" : "f32");
        if (tensor_shape_count(&call->in[i]) == 0)
            return call_error(MIEN_ERR_SHAPE, call, label, i, "not empty");
    }
    enum mien_status status = op->shapes(call, label);
    if (status != MIEN_OK) {
        memset(call->out, 0, sizeof(call->out));
        call->out_count = 0;
    }
    return status;
}

const struct op_variant *op_choose(const struct vk_caps *caps, const struct op_call *call)
{
    for (const struct op_variant *v = call->op->variants; v && v->name; v++) {
        if ((v->needs & caps->features) == v->needs && (!v->fits || v->fits(caps, call)))
            return v;
    }
    return NULL;
}

double op_call_flops(const struct op_call *call)
{
    return call->op->flops ? call->op->flops(call) : (double)tensor_shape_count(&call->out[0]);
}

double op_call_bytes(const struct op_call *call)
{
    if (call->op->bytes)
        return call->op->bytes(call);
    double bytes = 0;
    for (uint32_t i = 0; i < call->in_count; i++)
        bytes += (double)tensor_shape_bytes(&call->in[i]);
    for (uint32_t o = 0; o < call->out_count; o++)
        bytes += (double)tensor_shape_bytes(&call->out[o]);
    return bytes;
}

op_value op_record(struct op_recorder *recorder, const struct op_desc *op, const struct op_attr *attr,
                   const op_value *in, uint32_t in_count)
{
    static const struct op_attr none = {0};
    op_value out[OP_MAX_OUT];
    for (uint32_t o = 0; o < OP_MAX_OUT; o++)
        out[o] = OP_NONE;
    recorder->record(recorder, op, attr ? attr : &none, in, in_count, out);
    return out[0];
}
