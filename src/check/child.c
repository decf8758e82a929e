/* child.c: the device's side: walks the units and reports each. */
#include "check/check.h"

#include "base/system.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

bool check_glob(const char *pattern, const char *name)
{
    if (!pattern)
        return true;
    if (*pattern == '*')
        return check_glob(pattern + 1, name) || (*name && check_glob(pattern, name + 1));
    if (!*pattern || !*name)
        return *pattern == *name;
    return (*pattern == '?' || *pattern == *name) && check_glob(pattern + 1, name + 1);
}

bool check_fail(struct check_row *row, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(row->note, sizeof(row->note), fmt, args);
    va_end(args);
    return false;
}

const struct op_shader *check_shader(const struct check_context *context, const char *name)
{
    for (const struct op_shader *s = context->suite->shaders; s && s->name; s++) {
        if (strcmp(s->name, name) == 0)
            return s;
    }
    return op_shader_find(name);
}

/* The last error goes into the note of the row it belongs to; with --verbose all go to standard error as well. */
static void keep_message(void *user, enum mien_log_level level, const char *message)
{
    struct check_context *context = user;
    if (level >= MIEN_LOG_ERROR)
        snprintf(context->error, sizeof(context->error), "%s", message);
    if (context->options->verbose)
        fprintf(context->report, "%s\n", message); /* the parent shows what is no row */
}

/* ---- one unit ---------------------------------------------------------------------------------------------------- */

/* Two runs with the same inputs: both right, equal bit for bit. */
static bool run_twice(struct check_run *run, const struct op_call *call, struct check_row *row)
{
    void *first[OP_MAX_OUT] = {0};
    const void *outputs[OP_MAX_OUT] = {0};
    bool ok = check_run_once(run, call, outputs, row);
    for (uint32_t o = 0; o < call->out_count && ok; o++) {
        size_t size = tensor_shape_bytes(&call->out[o]);
        ok = check_compare(call, o, outputs[o], row);
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

static bool run_patterns(struct check_context *context, struct op_call *call, const struct check_case *c,
                         const struct op_plan *plan, double estimate, struct check_row *row)
{
    struct check_run *run = NULL;
    uint32_t patterns = check_call_pathological(c) && estimate < 0.05 ? CHECK_PATTERNS : 1;
    bool ok = true;
    if (check_run_create(context, call, plan, 1, &run) != MIEN_OK)
        return check_fail(row, "%s", context->error);
    for (uint32_t p = 0; p < patterns && ok; p++) {
        if (check_call_fill(call, c, (enum check_pattern)p, context->options->seed) != MIEN_OK)
            ok = check_fail(row, "%s", context->error);
        else
            call->op->reference(call);
        ok = ok && run_twice(run, call, row);
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
    double ceiling = strstr(op->name, "_bwd") ? 1e-10 : 1e-11;
    const struct op_variant *last = op->variants;
    while (last[1].name)
        last++;
    if (last->needs || last->fits)
        return check_fail(row, "the last variant, %s, is not plain: it has needs or a predicate", last->name);
    if (op->tolerance.nmse > ceiling)
        return check_fail(row, "the NMSE tolerance %.2g is above the ceiling %.2g", op->tolerance.nmse, ceiling);
    for (size_t i = 0; i < plan->count; i++) {
        const struct op_dispatch *d = &plan->dispatch[i];
        const struct op_shader *shader = check_shader(context, d->shader);
        if (!shader)
            return check_fail(row, "shader %s is not embedded", d->shader);
        if (!check_spirv(shader, d, caps, (plan->variant->needs | d->needs) == 0, row))
            return false;
    }
    return true;
}

static double estimate_seconds(const struct check_context *context, const struct op_call *call)
{
    return op_call_flops(call) / context->flop_rate + op_call_bytes(call) / context->byte_rate;
}

static void run_unit(struct check_context *context, struct op_call *call, const struct check_case *c,
                     const struct op_plan *plan, const struct vk_caps *caps, struct check_row *row)
{
    const struct check_options *options = context->options;
    double estimate = estimate_seconds(context, call);
    bool slow = c->given->slow && context->caps.type == VK_TYPE_SOFTWARE;
    if (!options->full && (estimate > 1 || slow)) {
        row->result = CHECK_SKIPPED;
        if (slow)
            check_fail(row, "marked slow; --full runs it");
        else
            check_fail(row, "would take about %.1f s on this driver; --full runs it", estimate);
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

/* ---- the walk ---------------------------------------------------------------------------------------------------- */

struct walk {
    struct check_context *context;
    struct check_mask masks[CHECK_MAX_MASKS];
    uint32_t mask_count, unit;
};

static void begin_unit(const struct walk *walk, struct check_row *row, const struct op_desc *op,
                       const struct op_case *c, const char *variant, const char *mask)
{
    *row = (struct check_row){.unit = walk->unit, .result = CHECK_FAIL};
    snprintf(row->op, sizeof(row->op), "%s", op->name);
    snprintf(row->case_name, sizeof(row->case_name), "%s", c->name);
    snprintf(row->variant, sizeof(row->variant), "%s", variant);
    snprintf(row->mask, sizeof(row->mask), "%s", mask);
    fprintf(walk->context->report, "@begin");
    check_row_send(row, walk->context->report); /* what the parent reports when nothing more comes */
}

/* Whether the device still answers: after a loss the parent starts a new child. */
static bool end_unit(struct walk *walk, struct check_row *row)
{
    check_row_send(row, walk->context->report);
    walk->unit++;
    return !walk->context->device || !vk_device_lost(walk->context->device);
}

/* The distinct plans of one case under all masks. */
static bool walk_case(struct walk *walk, const struct check_case *c)
{
    struct check_context *context = walk->context;
    struct op_plan plans[CHECK_MAX_MASKS] = {0};
    struct op_call call = {0};
    struct check_row row;
    uint32_t count = 0;
    bool alive = true;
    if (check_call_make(c, &call) != MIEN_OK) {
        begin_unit(walk, &row, c->op, c->given, "", "");
        check_fail(&row, "the case is wrong: %s", context->error);
        return end_unit(walk, &row);
    }
    for (uint32_t m = 0; m < walk->mask_count && alive; m++) {
        const struct check_mask *mask = &walk->masks[m];
        bool planned = op_make_plan(&mask->caps, &call, NULL, &plans[count]) == MIEN_OK, known = false;
        for (uint32_t k = 0; k < count && planned; k++)
            known = known || check_plan_equal(&plans[k], &plans[count]);
        if (known || (!planned && m > 0)) {
            op_plan_clear(&plans[count]);
            continue;
        }
        if (walk->unit < context->options->from) {
            walk->unit++;
            count++;
            continue;
        }
        begin_unit(walk, &row, c->op, c->given, planned ? plans[count].variant->name : "", mask->text);
        if (planned)
            run_unit(context, &call, c, &plans[count], &mask->caps, &row);
        else
            check_fail(&row, "%s", context->error);
        alive = end_unit(walk, &row);
        count++;
    }
    for (uint32_t k = 0; k < count; k++)
        op_plan_clear(&plans[k]);
    check_call_clear(&call);
    return alive;
}

static bool gradient_case(struct walk *walk, const struct op_desc *op, const struct op_case *c)
{
    struct check_row row;
    if (walk->unit < walk->context->options->from) {
        walk->unit++;
        return true;
    }
    begin_unit(walk, &row, op, c, "gradient rule", "");
    row.result = check_gradient(walk->context->options, &(struct check_case){.op = op, .given = c}, &row) ? CHECK_PASS
                                                                                                          : CHECK_FAIL;
    return end_unit(walk, &row);
}

/* Ops that say neither how nor why not, or that have no case for it, fail. */
static bool gradient_op(struct walk *walk, const struct op_desc *op)
{
    bool any = false, alive = true;
    for (const struct op_case *c = op->cases; op->grad && c->name && alive; c++) {
        any = any || c->grad;
        if (c->grad && check_glob(walk->context->options->case_glob, c->name))
            alive = gradient_case(walk, op, c);
    }
    const char *missing =
        op->grad ? (any ? NULL : "no case is marked for the gradient check")
                 : (op->no_grad || op->forward[0] ? NULL : "has neither a gradient rule nor a reason why not");
    if (!missing || walk->unit++ < walk->context->options->from)
        return alive;
    struct check_row row;
    walk->unit--;
    begin_unit(walk, &row, op, &(struct op_case){.name = "-"}, "", "");
    check_fail(&row, "%s", missing);
    return end_unit(walk, &row);
}

/* 77 = skipped: nothing to run on, or no validation layer to run with. */
static int exit_status(enum mien_status status)
{
    const char *validate = base_env("MIEN_VALIDATE");
    bool no_layer = status == MIEN_ERR_UNSUPPORTED && validate && strcmp(validate, "0") != 0;
    return status == MIEN_ERR_NO_DEVICE || no_layer ? 77 : mien_status_exit_code(status);
}

static bool case_wanted(const struct check_options *options, const struct check_case *c)
{
    uint64_t elements = options->max_elements || options->smallest ? check_case_elements(c) : 0;
    bool behind = false; /* `other` stands behind c */
    if (!check_glob(options->case_glob, c->given->name))
        return false;
    if (options->max_elements && elements > options->max_elements)
        return false;
    for (struct check_case other = {.op = c->op}; options->smallest && check_case_next(&other);) {
        behind = behind || other.given == c->given;
        if (check_glob(options->case_glob, other.given->name) &&
            (check_case_elements(&other) < elements || (check_case_elements(&other) == elements && !behind)))
            return false;
    }
    return true;
}

static bool walk_ops(struct walk *walk)
{
    const struct check_options *options = walk->context->options;
    for (const struct op_desc *const *op = walk->context->suite->ops; *op; op++) {
        if (!check_glob(options->op_glob, (*op)->name))
            continue;
        if (options->grad && !gradient_op(walk, *op))
            return false;
        for (struct check_case c = {.op = *op}; !options->grad && check_case_next(&c);) {
            if (case_wanted(options, &c) && !walk_case(walk, &c))
                return false;
        }
    }
    return true;
}

/* ---- set-up ------------------------------------------------------------------------------------------------------ */

static enum mien_status open_device(struct check_context *context, struct walk *walk)
{
    enum mien_status status = MIEN_OK;
    const struct check_options *options = context->options;
    uint32_t index;
    TRY(vk_instance_create(NULL, &context->instance));
    TRY(vk_instance_choose(context->instance, options->device, &index));
    TRY(vk_device_create(context->instance, index, NULL, &context->device));
    context->caps = *vk_device_caps(context->device);
    walk->mask_count = options->mask ? 1 : check_masks_make(&context->caps, walk->masks);
    if (options->mask)
        TRY(check_mask_parse(&context->caps, options->mask, &walk->masks[0]));
    FAIL_IF(walk->mask_count == 0, MIEN_ERR_FAILED, "no capability mask could be made");
    context->flop_rate = options->flop_rate;
    context->byte_rate = options->byte_rate;
    if (context->flop_rate <= 0) {
        check_calibrate(context);
        fprintf(context->report, "@rates %.17g %.17g %s\n", context->flop_rate, context->byte_rate, context->caps.name);
        fflush(context->report);
    }
    return MIEN_OK;
fail:
    return status;
}

int check_child(const struct check_options *options, const struct check_suite *suite, FILE *report)
{
    struct check_context context = {.options = options, .suite = suite, .report = report};
    struct walk *walk = base_alloc(1, sizeof(*walk));
    if (!walk)
        return 1;
    walk->context = &context;
    mien_log_set(keep_message, &context, MIEN_LOG_WARN);
    enum mien_status status = options->grad ? MIEN_OK : open_device(&context, walk);
    bool finished = status == MIEN_OK && walk_ops(walk);
    if (status != MIEN_OK)
        fprintf(report, "@broken %d %s\n", exit_status(status), context.error);
    else if (finished)
        fprintf(report, "@done\n");
    fflush(report);
    vk_device_destroy(&context.device);
    vk_instance_destroy(&context.instance);
    mien_log_set(NULL, NULL, MIEN_LOG_WARN);
    base_free(walk);
    return status == MIEN_OK ? 0 : mien_status_exit_code(status);
}
