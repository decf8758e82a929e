/* host.c: gradient rules on the host: a recorder that runs the reference of each op that a rule records; and the
 * cases of gradient ops, which are what the rules of their forward ops record. */
#include "check/check.h"

#include <string.h>

static op_value add_value(struct check_host *host, const struct tensor_shape *shape, const void *data)
{
    struct check_value *v = &host->value[host->count];
    uint64_t bytes = tensor_shape_bytes(shape);
    if (host->count == CHECK_MAX_VALUES || (!host->shapes_only && !(v->data = base_alloc(1, bytes)))) {
        host->status = MIEN_ERR_NOMEM;
        return OP_NONE;
    }
    v->shape = *shape;
    if (data && v->data)
        memcpy(v->data, data, bytes);
    return host->count++;
}

static void host_record(struct op_recorder *recorder, const struct op_desc *op, const struct op_attr *attr,
                        const op_value *in, uint32_t in_count, op_value *out)
{
    struct check_host *host = (struct check_host *)recorder;
    struct op_call call = {.op = op, .attr = *attr, .in_count = in_count};
    if (host->status != MIEN_OK || host->found.op)
        return;
    for (uint32_t i = 0; i < in_count; i++) {
        if (in[i] != OP_NONE) {
            call.in[i] = host->value[in[i]].shape;
            call.in_data[i] = host->value[in[i]].data;
        }
    }
    host->status = op_call_shapes(&call, "a gradient rule");
    if (op == host->wanted)
        host->found = call;
    for (uint32_t o = 0; o < call.out_count && host->status == MIEN_OK; o++) {
        out[o] = add_value(host, &call.out[o], NULL);
        if (out[o] != OP_NONE)
            call.out_data[o] = host->value[out[o]].data;
    }
    if (host->status == MIEN_OK && !host->shapes_only && !host->found.op)
        op_reference(&call);
}

static struct tensor_shape host_shape(struct op_recorder *recorder, op_value value)
{
    return ((struct check_host *)recorder)->value[value].shape;
}

void check_host_clear(struct check_host *host)
{
    for (uint32_t i = 0; i < host->count; i++)
        base_free(host->value[i].data);
    memset(host, 0, sizeof(*host));
}

bool check_wants(const struct op_call *call, uint32_t i)
{
    return call->in[i].rank && call->in[i].dtype != MIEN_I32 && !(call->op->constants >> i & 1);
}

enum mien_status check_host_rule(struct check_host *host, const struct op_call *call,
                                 float *const dout_data[OP_MAX_OUT], op_value din[OP_MAX_IN])
{
    op_value in[OP_MAX_IN], out[OP_MAX_OUT], dout[OP_MAX_OUT];
    bool wants[OP_MAX_IN] = {false};
    struct op_signature sig;
    op_signature(call->op, &sig);
    host->recorder = (struct op_recorder){host_record, host_shape};
    for (uint32_t i = 0; i < OP_MAX_IN; i++) {
        in[i] = call->in[i].rank ? add_value(host, &call->in[i], call->in_data[i]) : OP_NONE;
        wants[i] = check_wants(call, i);
        din[i] = OP_NONE;
    }
    for (uint32_t o = 0; o < OP_MAX_OUT; o++) {
        bool flows = o < call->out_count && !(sig.aux_outputs >> o & 1);
        out[o] = o < call->out_count ? add_value(host, &call->out[o], call->out_data[o]) : OP_NONE;
        dout[o] = flows ? add_value(host, &call->out[o], dout_data ? dout_data[o] : NULL) : OP_NONE;
    }
    struct op_use use = {.attr = &call->attr,
                         .in = in,
                         .out = out,
                         .dout = dout,
                         .wants = wants,
                         .in_count = sig.in_count,
                         .out_count = call->out_count};
    if (host->status == MIEN_OK)
        call->op->grad(&host->recorder, &use, din);
    return host->status;
}

/* ---- cases ------------------------------------------------------------------------------------------------------- */

/* Shapes of a case as it stands. */
static enum mien_status plain_call(const struct op_desc *op, const struct op_case *c, struct op_call *call)
{
    struct op_signature sig;
    op_signature(op, &sig);
    *call = (struct op_call){.op = op, .attr = c->attr, .in_count = sig.in_count};
    for (uint32_t i = 0; i < sig.in_count; i++) {
        uint32_t dims[MIEN_MAX_RANK + 1] = {0};
        memcpy(dims, c->in[i], sizeof(c->in[i]));
        uint32_t half = sig.half_inputs & (c->half ? c->half : ~0u);
        enum mien_dtype dtype = sig.index_inputs >> i & 1 ? MIEN_I32 : half >> i & 1 ? c->dtype : MIEN_F32;
        if (dims[0])
            call->in[i] = tensor_shape_make(dtype, dims);
    }
    return op_call_shapes(call, c->name);
}

enum mien_status check_case_call(const struct check_case *c, struct op_call *call)
{
    static const struct op_call none;
    struct check_host host = {.wanted = c->op, .shapes_only = true};
    op_value din[OP_MAX_IN];
    enum mien_status status = plain_call(c->forward ? c->forward : c->op, c->given, call);
    if (status == MIEN_OK && c->forward) {
        status = check_host_rule(&host, call, NULL, din);
        *call = host.found.op ? host.found : none;
        check_host_clear(&host);
    }
    return status;
}

/* The next row of the lists, whether or not it gives a case. */
static bool next_row(struct check_case *c)
{
    const struct op_desc *const *forward = c->op->forward;
    if (c->given && c->given[1].name) {
        c->given++;
        return true;
    }
    if (!c->given && c->op->cases) {
        c->given = c->op->cases;
        return true;
    }
    c->forward = !c->forward ? forward[0] : c->forward == forward[0] ? forward[1] : NULL;
    c->given = c->forward ? c->forward->cases : NULL;
    return c->forward != NULL;
}

bool check_case_next(struct check_case *c)
{
    struct op_call call;
    while (next_row(c)) {
        if (!c->forward || (check_case_call(c, &call) == MIEN_OK && call.op))
            return true;
    }
    return false;
}

uint64_t check_case_elements(const struct check_case *c)
{
    struct op_call call;
    uint64_t sum = 0;
    if (check_case_call(c, &call) == MIEN_OK) {
        for (uint32_t i = 0; i < OP_MAX_IN; i++)
            sum += tensor_shape_count(&call.in[i]);
    }
    return sum;
}
