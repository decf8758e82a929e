/* grad.c: an op's gradient rule against central differences of its reference, without a device.
 *
 * The objective is L = sum over outputs o and elements i of weight[o][i] * y[o][i], weights random, in double. The rule
 * is run on the host (check_host.c). Inputs are rounded to multiples of 2^-12
 * and steps are powers of two, so that x + h and x - h are exact; a five-point stencil leaves an error of order h^4.
 *
 * Values in 16 bits take no such steps: there the rule is held against itself on the same values in f32. */
#include "check/check.h"

#include "op/half.h"

#include <math.h>
#include <string.h>

/* One check: the call, the weights of its outputs, the gradients by the rule. */
struct probe {
    struct op_call call;
    float *weight[OP_MAX_OUT]; /* NULL for by-products */
    const float *rule[OP_MAX_IN];
    double step, scale; /* finite-difference step; root mean square of all gradients */
};

static double objective(struct probe *p)
{
    double sum = 0;
    op_reference(&p->call);
    for (uint32_t o = 0; o < p->call.out_count; o++) {
        const float *y = p->call.out_data[o];
        uint64_t count = p->weight[o] ? tensor_shape_count(&p->call.out[o]) : 0;
        for (uint64_t i = 0; i < count; i++)
            sum += (double)p->weight[o][i] * y[i];
    }
    return sum;
}

static double difference(struct probe *p, float *x, double h)
{
    float x0 = *x;
    *x = (float)(x0 + h);
    double up = objective(p);
    *x = (float)(x0 - h);
    double down = objective(p);
    *x = x0;
    return up - down;
}

/* Rounds inputs to 2^-12 and keeps normal ones away from 0, where some ops have a kink. */
static void round_inputs(struct op_call *call)
{
    for (uint32_t i = 0; i < call->in_count; i++) {
        float *x = call->in_data[i];
        uint64_t count = call->in[i].dtype == MIEN_F32 ? tensor_shape_count(&call->in[i]) : 0;
        bool normal = call->op->fill[i] == OP_FILL_NORMAL;
        for (uint64_t k = 0; k < count; k++) {
            x[k] = roundf(x[k] * 4096) / 4096;
            if (normal)
                x[k] += copysignf(0.0625f, x[k]);
        }
    }
}

/* Runs the gradient rule; p->rule points into *host. */
static bool run_rule(struct probe *p, struct check_host *host, struct check_row *row)
{
    struct op_call *call = &p->call;
    op_value din[OP_MAX_IN];
    enum mien_status status = check_host_rule(host, call, p->weight, din);
    if (status != MIEN_OK)
        return check_fail(row, "the gradient rule could not be run: %s", mien_status_text(status));
    for (uint32_t i = 0; i < call->in_count; i++) {
        if (din[i] == OP_NONE)
            continue;
        if (!tensor_shape_equal(&host->value[din[i]].shape, &call->in[i]))
            return check_fail(row, "the gradient of input %u has another shape than the input", i);
        p->rule[i] = host->value[din[i]].data;
    }
    return true;
}

/* Central differences of every element of input i against the rule. */
static bool check_input(struct probe *p, uint32_t i, struct check_row *row)
{
    static const double tolerance = 2e-3; /* of max(|gradient|, rms): float outputs give about 1e-5, h^4 the rest */
    float *x = p->call.in_data[i];
    uint64_t count = tensor_shape_count(&p->call.in[i]);
    for (uint64_t k = 0; k < count; k++) {
        double h = p->step;
        double fd = (8 * difference(p, &x[k], h) - difference(p, &x[k], 2 * h)) / (12 * h);
        double rule = p->rule[i] ? p->rule[i][k] : 0;
        double error = fabs(fd - rule) / (tolerance * fmax(fabs(fd), p->scale));
        if (!(error <= 1))
            return check_fail(row, "gradient of input %u at index %llu: %.7g by differences, %.7g by the rule%s", i,
                              (unsigned long long)k, fd, rule, p->rule[i] ? "" : " (none recorded)");
        row->worst = fmax(row->worst, error);
    }
    return true;
}

static bool make_weights(struct probe *p, uint64_t seed)
{
    struct op_signature sig;
    op_signature(p->call.op, &sig);
    for (uint32_t o = 0; o < p->call.out_count; o++) {
        if (sig.aux_outputs >> o & 1)
            continue;
        uint64_t count = tensor_shape_count(&p->call.out[o]);
        struct base_rng rng = base_rng_make(seed, "weights", o, 0);
        p->weight[o] = base_alloc(count, sizeof(float));
        for (uint64_t k = 0; p->weight[o] && k < count; k++)
            p->weight[o][k] = (float)base_rng_normal(&rng);
        if (!p->weight[o])
            return false;
        op_narrow(p->weight[o], &p->call.out[o]);
    }
    return true;
}

static double gradient_scale(const struct probe *p)
{
    double sum = 0, n = 0;
    for (uint32_t i = 0; i < p->call.in_count; i++) {
        uint64_t count = p->rule[i] && p->call.in[i].dtype == MIEN_F32 ? tensor_shape_count(&p->call.in[i]) : 0;
        for (uint64_t k = 0; k < count; k++, n++)
            sum += (double)p->rule[i][k] * p->rule[i][k];
    }
    return n > 0 ? sqrt(sum / n) : 0;
}

/* ---- 16-bit values ----------------------------------------------------------------------------------------------- */

static void *widened(const void *data, struct tensor_shape *shape)
{
    enum mien_dtype dtype = shape->dtype;
    uint64_t count = tensor_shape_count(shape);
    float *x = base_alloc(count, sizeof(*x));
    if (x && dtype != MIEN_F16 && dtype != MIEN_BF16) {
        memcpy(x, data, tensor_shape_bytes(shape));
        return x;
    }
    shape->dtype = MIEN_F32;
    for (uint64_t k = 0; x && k < count; k++)
        x[k] = op_load(data, k, dtype);
    return x;
}

/* The probe on the same values in f32; false when memory ran out. */
static bool widen_probe(const struct probe *p, struct probe *wide)
{
    bool ok = true;
    *wide = (struct probe){.call = p->call};
    wide->call.attr.dtype = MIEN_F32;
    for (uint32_t i = 0; i < p->call.in_count; i++) {
        if (p->call.in[i].rank)
            ok = (wide->call.in_data[i] = widened(p->call.in_data[i], &wide->call.in[i])) && ok;
    }
    for (uint32_t o = 0; o < p->call.out_count; o++) {
        struct tensor_shape shape = p->call.out[o];
        ok = (wide->call.out_data[o] = widened(p->call.out_data[o], &wide->call.out[o])) && ok;
        if (p->weight[o])
            ok = (wide->weight[o] = widened(p->weight[o], &shape)) && ok;
    }
    return ok;
}

/* Every gradient of the rule on 16-bit values against that on f32 values: apart by some roundings at most. */
static bool compare_rules(const struct probe *p, const struct probe *wide, struct check_row *row)
{
    static const double limit = 1e-4; /* the ceiling of bf16: a few of its steps, each 2^-8 of a value */
    for (uint32_t i = 0; i < p->call.in_count; i++) {
        double error = 0, square = 0;
        if (!p->rule[i] && p->call.in[i].dtype != MIEN_F32) /* a 16-bit table has none */
            continue;
        if (!p->rule[i] != !wide->rule[i])
            return check_fail(row, "input %u has a gradient by one of the rules alone, in 16 bits or in f32", i);
        for (uint64_t k = 0; p->rule[i] && k < tensor_shape_count(&p->call.in[i]); k++) {
            double want = wide->rule[i][k], got = op_load(p->rule[i], k, p->call.in[i].dtype);
            error += (got - want) * (got - want);
            square += want * want;
        }
        row->worst = fmax(row->worst, square > 0 ? error / square / limit : error);
        if (error > limit * square)
            return check_fail(row, "gradient of input %u: NMSE %.3g beside the same rule in f32, above %.3g", i,
                              error / square, limit);
    }
    return true;
}

static bool check_halves(struct probe *p, struct check_row *row)
{
    struct probe wide;
    struct check_host host = {0}, other = {0};
    op_reference(&p->call);
    bool ok = widen_probe(p, &wide) || check_fail(row, "%s", check_short_of_memory);
    ok = ok && run_rule(p, &host, row) && run_rule(&wide, &other, row) && compare_rules(p, &wide, row);
    for (uint32_t o = 0; o < OP_MAX_OUT; o++)
        base_free(wide.weight[o]);
    check_call_clear(&wide.call);
    check_host_clear(&host);
    check_host_clear(&other);
    return ok;
}

static bool any_half(const struct tensor_shape *shape, uint32_t count)
{
    bool half = false;
    for (uint32_t i = 0; i < count; i++)
        half = half || (shape[i].rank && (shape[i].dtype == MIEN_F16 || shape[i].dtype == MIEN_BF16));
    return half;
}

/* ---- together ---------------------------------------------------------------------------------------------------- */

static bool check_differences(struct probe *p, struct check_row *row)
{
    struct check_host host = {0};
    objective(p);
    bool ok = run_rule(p, &host, row);
    p->scale = fmax(gradient_scale(p), 1e-6);
    for (uint32_t i = 0; i < p->call.in_count && ok; i++)
        ok = !check_wants(&p->call, i) || p->call.in[i].dtype != MIEN_F32 || check_input(p, i, row);
    check_host_clear(&host);
    return ok;
}

bool check_gradient(const struct check_options *options, const struct check_case *c, struct check_row *row)
{
    struct probe p = {.step = c->op->grad_eps > 0 ? c->op->grad_eps : 1.0 / 64};
    bool ok = check_call_make(c, &p.call) == MIEN_OK && make_weights(&p, options->seed) &&
              check_call_fill(&p.call, c, CHECK_NORMAL, options->seed) == MIEN_OK;
    if (!ok) {
        check_fail(row, "the call could not be made; see the log");
    } else {
        round_inputs(&p.call);
        if (any_half(p.call.in, p.call.in_count) || any_half(p.call.out, p.call.out_count))
            ok = check_halves(&p, row);
        if (!any_half(p.call.out, p.call.out_count))
            ok = ok && check_differences(&p, row);
    }
    for (uint32_t o = 0; o < OP_MAX_OUT; o++)
        base_free(p.weight[o]);
    check_call_clear(&p.call);
    return ok;
}
