/* grad.c: an op's gradient rule against central differences of its reference, without a device.
 *
 * The objective is L = sum over outputs o and elements i of weight[o][i] * y[o][i], weights random, in double. The rule
 * is run on the host (check_host.c). Inputs are rounded to multiples of 2^-12
 * and steps are powers of two, so that x + h and x - h are exact; a five-point stencil leaves an error of order h^4. */
#include "check/check.h"

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
    }
    return true;
}

static double gradient_scale(const struct probe *p)
{
    double sum = 0, n = 0;
    for (uint32_t i = 0; i < p->call.in_count; i++) {
        uint64_t count = p->rule[i] ? tensor_shape_count(&p->call.in[i]) : 0;
        for (uint64_t k = 0; k < count; k++, n++)
            sum += (double)p->rule[i][k] * p->rule[i][k];
    }
    return n > 0 ? sqrt(sum / n) : 0;
}

bool check_gradient(const struct check_options *options, const struct check_case *c, struct check_row *row)
{
    struct probe p = {.step = c->op->grad_eps > 0 ? c->op->grad_eps : 1.0 / 64};
    struct check_host host = {0};
    bool ok = check_call_make(c, &p.call) == MIEN_OK && make_weights(&p, options->seed) &&
              check_call_fill(&p.call, c, CHECK_NORMAL, options->seed) == MIEN_OK;
    if (!ok) {
        check_fail(row, "the call could not be made; see the log");
    } else {
        round_inputs(&p.call);
        objective(&p);
        ok = run_rule(&p, &host, row);
        p.scale = fmax(gradient_scale(&p), 1e-6);
        for (uint32_t i = 0; i < p.call.in_count && ok; i++)
            ok = !check_wants(&p.call, i) || check_input(&p, i, row);
    }
    for (uint32_t o = 0; o < OP_MAX_OUT; o++)
        base_free(p.weight[o]);
    check_call_clear(&p.call);
    check_host_clear(&host);
    return ok;
}
