/* unit.c: one unit: what can be said of its plan, then its runs. */
#include "check/check.h"

#include <stdio.h>
#include <string.h>

/* Two runs with the same inputs: both right, equal bit for bit. */
static bool run_twice(struct check_run *run, const struct op_call *call, const struct op_variant *variant,
                      struct check_row *row)
{
    void *first[OP_MAX_OUT] = {0};
    const void *outputs[OP_MAX_OUT] = {0};
    bool ok = check_run_once(run, call, outputs, row);
    for (uint32_t o = 0; o < call->out_count && ok; o++) {
        size_t size = tensor_shape_bytes(&call->out[o]);
        ok = check_compare(call, variant, o, outputs[o], row);
        first[o] = base_alloc(1, size);
        if (ok && !first[o])
            ok = check_fail(row, "out of host memory");
        else if (ok)
            memcpy(first[o], outputs[o], size);
    }
    ok = ok && check_run_once(run, call, outputs, row);
    for (uint32_t o = 0; o < call->out_count && ok; o++) {
        if (memcmp(first[o], outputs[o], tensor_shape_bytes(&call->out[o])) != 0)
            ok = check_fail(row, "output %u differs between two runs of the same inputs", o);
    }
    for (uint32_t o = 0; o < call->out_count; o++)
        base_free(first[o]);
    return ok;
}

/* Whether pathological inputs are tried too, and each pattern once more: what that costs depends on the device's speed,
 * or, where equal checks must do equal work, on the work alone. */
static bool is_cheap(const struct check_context *context, const struct op_call *call, double estimate)
{
    const struct check_options *options = context->options;
    if (options->quick || options->full)
        return op_call_flops(call) + 4 * op_call_bytes(call) <= 5e7;
    return estimate < 0.05;
}

/* Inputs of a pattern and their reference values, which for large tensors take longer than a device does. */
static enum mien_status fill(struct check_context *context, struct op_call *call, const struct check_case *c,
                             enum check_pattern pattern)
{
    if (pattern == CHECK_NORMAL && context->filled)
        return MIEN_OK;
    context->filled = false;
    enum mien_status status = check_call_fill(call, c, pattern, context->options->seed);
    if (status == MIEN_OK)
        op_reference(call);
    context->filled = status == MIEN_OK && pattern == CHECK_NORMAL;
    return status;
}

static bool run_patterns(struct check_context *context, struct op_call *call, const struct check_case *c,
                         const struct op_plan *plan, double estimate, struct check_row *row)
{
    struct check_run *run = NULL;
    uint32_t patterns = check_call_pathological(c) && is_cheap(context, call, estimate) ? CHECK_PATTERNS : 1;
    bool ok = true;
    if (check_run_create(context, call, plan, 1, &run) != MIEN_OK)
        return check_fail(row, "%s", context->error);
    for (uint32_t p = 0; p < patterns && ok; p++) {
        if (fill(context, call, c, (enum check_pattern)p) != MIEN_OK)
            ok = check_fail(row, "%s", context->error);
        ok = ok && run_twice(run, call, plan->variant, row);
        row->ms = check_run_seconds(run) * 1e3;
        if (!ok && p > 0) {
            size_t used = strlen(row->note);
            snprintf(row->note + used, sizeof(row->note) - used, " (inputs: %s)", check_pattern_name(p));
        }
    }
    check_run_destroy(&run);
    return ok;
}

/* What can be said without running. */
static bool check_static(struct check_context *context, const struct op_call *call, const struct op_plan *plan,
                         const struct vk_caps *caps, struct check_row *row)
{
    const struct op_desc *op = call->op;
    const double ceiling = op_tolerance_ceiling(call, plan->variant);
    const double nmse = op_tolerance_of(call, plan->variant)->nmse;
    const struct op_variant *last = op->variants;
    while (last[1].name)
        last++;
    if (last->needs || last->fits)
        return check_fail(row, "the last variant, %s, is not plain: it has needs or a predicate", last->name);
    if (nmse > ceiling)
        return check_fail(row, "the NMSE tolerance %.2g is above the ceiling %.2g", nmse, ceiling);
    for (size_t i = 0; i < plan->count; i++) {
        const struct op_dispatch *d = &plan->dispatch[i];
        const struct op_shader *shader = check_shader(context, d->shader);
        if (!shader)
            return check_fail(row, "shader %s is not embedded", d->shader);
        bool plain = !d->variant->needs && !d->variant->fits; /* a predicate may ask for limits */
        if (!check_spirv(shader, d, caps, plain, row))
            return false;
    }
    return true;
}

/* A software driver is up to 60 times slower with kernels of another class than with its own (tests/bench/LOG.md:
 * shared memory and barriers), which the device's rates were measured with. */
static double estimate_seconds(const struct check_context *context, const struct op_call *call,
                               const struct vk_caps *caps)
{
    bool foreign = context->caps.type == VK_TYPE_SOFTWARE && caps->class_ != context->caps.class_;
    return (op_call_flops(call) / context->flop_rate + op_call_bytes(call) / context->byte_rate) * (foreign ? 50 : 1);
}

/* Host memory for inputs, outputs and reference values, for two images of all tensors, for a copy of the outputs, and
 * where the device has no memory of its own for the tensors themselves and what carries them. */
static double bytes_wanted(const struct check_context *context, const struct op_call *call, const struct op_plan *plan)
{
    double bytes = 0;
    for (uint32_t i = 0; i < OP_MAX_IN; i++)
        bytes += call->in[i].rank ? (double)tensor_shape_bytes(&call->in[i]) : 0;
    for (uint32_t o = 0; o < call->out_count; o++)
        bytes += 2 * (double)tensor_shape_bytes(&call->out[o]);
    for (uint32_t s = 0; s < OP_MAX_SCRATCH; s++)
        bytes += (double)plan->scratch[s];
    return bytes * (context->caps.unified ? 5 : 4);
}

const char check_short_of_memory[] = "host memory is too short for this case";

/* Why it is not run, or NULL. Texts of --quick and --full hold no measured number: equal checks give equal rows. */
static const char *skip_reason(const struct check_context *context, const struct op_call *call,
                               const struct check_case *c, const struct op_plan *plan, double estimate)
{
    const struct check_options *options = context->options;
    uint64_t free_bytes;
    if (!options->full && c->given->slow && context->caps.type == VK_TYPE_SOFTWARE)
        return "marked slow; --full runs it";
    if (!options->full && call->attr.precision != MIEN_F32 && context->caps.type == VK_TYPE_SOFTWARE &&
        !(context->caps.features &
          (VK_CAP_COOPMAT | VK_CAP_COOPMAT_BF16))) /* others' kernels have cases of their own */
        return "for matrix units, which this driver has not; --full runs it";
    if (!options->full && !options->quick && estimate > 1)
        return "would take over a second a run on this driver; --full runs it";
    if (base_free_memory(&free_bytes) && bytes_wanted(context, call, plan) > (double)free_bytes / context->jobs)
        return check_short_of_memory;
    return NULL;
}

void check_unit(struct check_context *context, struct op_call *call, const struct check_case *c,
                const struct op_plan *plan, const struct vk_caps *caps, struct check_row *row)
{
    const struct check_options *options = context->options;
    double estimate = estimate_seconds(context, call, caps);
    const char *skip = skip_reason(context, call, c, plan, estimate);
    if (skip) {
        row->result = CHECK_SKIPPED;
        check_fail(row, "%s", skip);
        return;
    }
    uint32_t messages = vk_instance_validation_messages(context->instance);
    context->error[0] = '\0';
    bool ok = check_static(context, call, plan, caps, row) && run_patterns(context, call, c, plan, estimate, row);
    if (ok && options->bench && (c->given->bench || options->case_glob))
        ok = check_bench(context, call, plan, caps, row);
    if (ok && vk_instance_validation_messages(context->instance) > messages)
        ok = check_fail(row, "the validation layer objects: %s", context->error);
    row->result = ok ? CHECK_PASS : CHECK_FAIL;
}
