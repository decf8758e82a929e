/* inputs.c: the host side of a call: shapes, memory, random and pathological values. */
#include "check/check.h"

#include "op/half.h"

#include <math.h>
#include <string.h>

const char *check_pattern_name(enum check_pattern pattern)
{
    static const char *const names[CHECK_PATTERNS] = {"normal", "offset", "constant rows", "zeros",
                                                      "tiny",   "large",  "sparse"};
    return names[pattern];
}

enum mien_status check_call_make(const struct check_case *c, struct op_call *call)
{
    enum mien_status status = MIEN_OK;
    TRY(check_case_call(c, call));
    for (uint32_t i = 0; i < call->in_count; i++) {
        if (call->in[i].rank) {
            /* as f32 first, which is then made narrower */
            call->in_data[i] = base_alloc(tensor_shape_count(&call->in[i]), sizeof(float));
            FAIL_IF_NULL(call->in_data[i], "an input");
        }
    }
    for (uint32_t o = 0; o < call->out_count; o++) {
        call->out_data[o] = base_alloc(1, tensor_shape_bytes(&call->out[o]));
        FAIL_IF_NULL(call->out_data[o], "an output");
    }
    return MIEN_OK;
fail:
    check_call_clear(call);
    return status;
}

void check_call_clear(struct op_call *call)
{
    for (uint32_t i = 0; i < OP_MAX_IN; i++)
        base_free(call->in_data[i]);
    for (uint32_t o = 0; o < OP_MAX_OUT; o++)
        base_free(call->out_data[o]);
    *call = (struct op_call){0};
}

bool check_call_pathological(const struct check_case *c)
{
    const struct op_desc *op = c->forward ? c->forward : c->op;
    struct op_signature sig;
    op_signature(op, &sig);
    for (uint32_t i = 0; i < sig.in_count; i++) {
        if (op->fill[i] == OP_FILL_NORMAL && !(sig.index_inputs >> i & 1))
            return true;
    }
    return false;
}

static float tiny_value(struct base_rng *rng)
{
    /* powers of two from 2^-149 (the least denormal) to 2^-110, and zeros of both signs */
    uint32_t draw = base_rng_u32(rng);
    float magnitude = draw & 1 ? ldexpf(1, -149 + (int)(draw >> 8 & 63) % 40) : 0;
    return draw & 2 ? -magnitude : magnitude;
}

/* What CHECK_LARGE multiplies by. Products of such numbers overflow an f16 y, whose row then does not tell any more how
 * large the terms were that cancelled in another place: there less. */
static float large_of(const struct op_call *call)
{
    return call->attr.dtype == MIEN_F16 ? 30 : 1e4f;
}

/* Constant rows are positive: elsewhere all elements of a row may be what is left of terms that cancel (of a product's,
 * or of an activation's slope near its root), and no larger one says how much rounding may have taken. */
static void fill_normal(float *x, uint64_t count, uint32_t width, enum check_pattern pattern, float large,
                        struct base_rng *rng)
{
    float row = 0;
    for (uint64_t i = 0; i < count; i++) {
        float v = pattern == CHECK_CONSTANT || pattern == CHECK_ZERO ? 0 : (float)base_rng_normal(rng);
        if (pattern == CHECK_CONSTANT && i % width == 0)
            row = fabsf((float)base_rng_normal(rng)) * 10;
        switch (pattern) {
        case CHECK_OFFSET:
            v += 100;
            break;
        case CHECK_CONSTANT:
            v = row;
            break;
        case CHECK_TINY:
            v = tiny_value(rng);
            break;
        case CHECK_LARGE:
            v *= large;
            break;
        case CHECK_SPARSE:
            v = base_rng_below(rng, 8) ? 0 : v;
            break;
        default:
            break;
        }
        x[i] = v;
    }
}

static void fill_unit(float *x, uint64_t rows, uint32_t width, struct base_rng *rng)
{
    for (uint64_t r = 0; r < rows; r++, x += width) {
        double sum = 0;
        for (uint32_t j = 0; j < width; j++) {
            x[j] = (float)base_rng_normal(rng);
            sum += (double)x[j] * x[j];
        }
        for (uint32_t j = 0; j < width; j++)
            x[j] = (float)(x[j] / sqrt(sum));
    }
}

static void fill_input(struct op_call *call, const struct op_case *c, uint32_t i, enum check_pattern pattern,
                       struct base_rng *rng)
{
    uint64_t count = tensor_shape_count(&call->in[i]);
    uint32_t width = tensor_shape_width(&call->in[i]);
    float *x = call->in_data[i];
    int32_t *index = call->in_data[i];
    enum op_fill fill = call->op->fill[i];
    if (call->in[i].dtype == MIEN_I32 && fill == OP_FILL_NORMAL)
        fill = OP_FILL_INDEX;
    switch (fill) {
    case OP_FILL_NORMAL:
        fill_normal(x, count, width, pattern, large_of(call), rng);
        break;
    case OP_FILL_SMALL:
        for (uint64_t k = 0; k < count; k++)
            x[k] = (float)(0.1 * base_rng_normal(rng));
        break;
    case OP_FILL_POSITIVE:
        for (uint64_t k = 0; k < count; k++)
            x[k] = (float)(0.1 + base_rng_uniform(rng));
        break;
    case OP_FILL_UNIT:
        fill_unit(x, count / width, width, rng);
        break;
    case OP_FILL_INDEX:
        for (uint64_t k = 0; k < count; k++)
            index[k] = (int32_t)base_rng_below(rng, BASE_MAX(c->index_limit, 1));
        break;
    case OP_FILL_PREPARE:
        memset(x, 0, tensor_shape_bytes(&call->in[i]));
        return;
    case OP_FILL_SAVED: /* fill_by_rule */
        return;
    }
    op_narrow(x, &call->in[i]);
}

/* As the case stands. */
static void fill_given(struct op_call *call, const struct op_case *c, enum check_pattern pattern, uint64_t seed)
{
    char name[96];
    snprintf(name, sizeof(name), "%s/%s", call->op->name, c->name);
    for (uint32_t i = 0; i < call->in_count; i++) {
        struct base_rng rng = base_rng_make(seed, name, i, pattern);
        if (call->in[i].rank)
            fill_input(call, c, i, pattern, &rng);
    }
    struct base_rng rng = base_rng_make(seed, name, OP_MAX_IN, pattern);
    if (call->op->prepare)
        call->op->prepare(call, &rng);
}

/* Gradients that flow into the forward op's outputs. */
static enum mien_status make_gradients(const struct op_call *forward, enum check_pattern pattern, uint64_t seed,
                                       float *dout[OP_MAX_OUT])
{
    enum mien_status status = MIEN_OK;
    for (uint32_t o = 0; o < forward->out_count; o++) {
        uint64_t count = tensor_shape_count(&forward->out[o]);
        struct base_rng rng = base_rng_make(seed, "gradient", o, pattern);
        dout[o] = base_alloc(count, sizeof(float));
        FAIL_IF_NULL(dout[o], "a gradient");
        fill_normal(dout[o], count, tensor_shape_width(&forward->out[o]), pattern, large_of(forward), &rng);
        op_narrow(dout[o], &forward->out[o]);
    }
fail:
    return status;
}

/* Whether pathological inputs of the forward op would leave no digits of the gradient. */
static bool wants_calm(const struct op_desc *op)
{
    bool calm = false;
    for (uint32_t i = 0; i < OP_MAX_IN; i++)
        calm = calm || op->fill[i] == OP_FILL_SAVED;
    return calm;
}

/* What the gradient rule of the forward op gives the call. */
static enum mien_status fill_by_rule(struct op_call *call, const struct check_case *c, enum check_pattern pattern,
                                     uint64_t seed)
{
    enum mien_status status = MIEN_OK;
    const struct check_case given = {.op = c->forward, .given = c->given};
    struct check_host host = {.wanted = c->op};
    struct op_call forward;
    float *dout[OP_MAX_OUT] = {NULL};
    op_value din[OP_MAX_IN];
    TRY(check_call_make(&given, &forward));
    fill_given(&forward, c->given, wants_calm(c->op) ? CHECK_NORMAL : pattern, seed);
    op_reference(&forward);
    TRY(make_gradients(&forward, check_call_pathological(c) ? pattern : CHECK_NORMAL, seed, dout));
    TRY(check_host_rule(&host, &forward, dout, din));
    for (uint32_t i = 0; i < call->in_count; i++) {
        struct base_rng own = base_rng_make(seed, c->given->name, i, pattern);
        bool given_by_rule = call->op->fill[i] == OP_FILL_NORMAL || call->op->fill[i] == OP_FILL_SAVED;
        if (call->in[i].rank && given_by_rule)
            memcpy(call->in_data[i], host.found.in_data[i], tensor_shape_bytes(&call->in[i]));
        else if (call->in[i].rank)
            fill_input(call, c->given, i, pattern, &own);
    }
    struct base_rng rng = base_rng_make(seed, c->given->name, OP_MAX_IN, pattern);
    if (call->op->prepare)
        call->op->prepare(call, &rng);
fail:
    for (uint32_t o = 0; o < OP_MAX_OUT; o++)
        base_free(dout[o]);
    check_host_clear(&host);
    check_call_clear(&forward);
    return status;
}

enum mien_status check_call_fill(struct op_call *call, const struct check_case *c, enum check_pattern pattern,
                                 uint64_t seed)
{
    if (c->forward)
        return fill_by_rule(call, c, pattern, seed);
    fill_given(call, c->given, pattern, seed);
    return MIEN_OK;
}
