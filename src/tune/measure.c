/* measure.c: the choices of a call against the rule's, by turns. What is timed has passed the self-test in the form in
 * which it runs, gives the rule's results at full size, and does not spill more. */
#include "check/selftest.h"
#include "tune/tune.h"

#include <stdlib.h>
#include <string.h>

/* What is enough, and what is too slow to go on with after two rounds. */
static const double gain_enough = 1.05, gain_hopeless = 0.8;
/* What a sample should take, and at most a run of a software device, in seconds; bytes of a call's tensors. */
static const double sample_seconds = 3e-3, most_software = 0.1;
static const uint64_t most_bytes = 512u << 20;
enum { ROUNDS = 7, MOST_REPEATS = 64, MOST_STATISTICS = 64 };

/* ---- choices ----------------------------------------------------------------------------------------------------- */

void tune_choices_make(const struct vk_caps *caps, const struct op_call *call, struct tune_choices *out)
{
    struct op_choice all[OP_MAX_CHOICES];
    char said[300];
    struct vk_caps rules = *caps;
    rules.tuned = NULL;
    memset(out, 0, sizeof(*out));
    uint32_t count = op_choices(&rules, call, all);
    base_log_divert(said, sizeof(said));
    for (uint32_t i = 0; i < count; i++) {
        struct op_plan *plan = &out->plan[out->count];
        bool known = false, planned = op_make_plan_by(&rules, call, all[i], plan) == MIEN_OK;
        for (uint32_t k = 0; k < out->count && planned; k++)
            known = known || check_plan_equal(&out->plan[k], plan);
        if (planned && !known)
            out->choice[out->count++] = all[i];
        else
            op_plan_clear(plan);
        if (i == 0 && out->count == 0) /* without the rule's there is nothing to measure against */
            break;
    }
    base_log_divert(NULL, 0);
}

void tune_choices_clear(struct tune_choices *choices)
{
    for (uint32_t i = 0; i < choices->count; i++)
        op_plan_clear(&choices->plan[i]);
    choices->count = 0;
}

/* ---- one call ---------------------------------------------------------------------------------------------------- */

struct measured {
    struct tune_child *child;
    size_t index;
    struct check_problem problem; /* the call with data; in out_data what the rule's choice gives */
    struct tune_choices choices;
    struct check_run *rule, *other;
    double rule_seconds; /* of one run */
    uint32_t repeat;
    double rule_spills;
    uint32_t lost;
    double until; /* on base_clock_seconds */
};

static struct vk_choice row_of(const struct measured *m, uint32_t c)
{
    struct vk_choice row = {.gain = 1};
    const struct op_choice *choice = &m->choices.choice[c];
    snprintf(row.call, sizeof(row.call), "%s", m->child->options.calls[m->index]);
    snprintf(row.variant, sizeof(row.variant), "%s", choice->variant->name);
    op_tile_text(choice->tile, row.tile);
    row.key = op_choices_key(&m->child->context.caps, &m->problem.call);
    return row;
}

/* "TAG CALL KEY VARIANT TILE" */
static void say_choice(const struct measured *m, const char *tag, uint32_t c, const char *more)
{
    struct vk_choice row = row_of(m, c);
    tune_say(m->child, "%s\t%zu\t%016llx\t%s\t%s%s", tag, m->index, (unsigned long long)row.key, row.variant, row.tile,
             more);
}

static void skip(const struct measured *m, const char *fmt, ...) MIEN_PRINTF(2, 3);
static void skip(const struct measured *m, const char *fmt, ...)
{
    char why[160];
    va_list args;
    va_start(args, fmt);
    vsnprintf(why, sizeof(why), fmt, args);
    va_end(args);
    tune_say(m->child, "@skip\t%zu\t%s", m->index, why);
}

/* The sum of what the compiler says of registers that went to memory; 0 where it says nothing. */
static double spills_of(const struct measured *m, const struct op_plan *plan)
{
    double sum = 0;
    char said[300];
    base_log_divert(said, sizeof(said));
    for (size_t i = 0; i < plan->count; i++) {
        struct vk_statistic list[MOST_STATISTICS];
        struct vk_kernel kernel = op_dispatch_kernel(&plan->dispatch[i], op_shader_find(plan->dispatch[i].shader));
        struct vk_pipeline *pipeline;
        uint32_t count = 0;
        if (vk_pipeline_get(m->child->device, &kernel, &pipeline) != MIEN_OK ||
            vk_pipeline_statistics(m->child->device, pipeline, list, MOST_STATISTICS, &count) != MIEN_OK)
            count = 0;
        for (uint32_t k = 0; k < count && k < MOST_STATISTICS; k++)
            sum += vk_statistic_is_spill(&list[k]) ? list[k].value : 0;
    }
    base_log_divert(NULL, 0);
    return sum;
}

/* Of the rule's variant and another the one whose results may be further from exact ones. */
static const struct op_variant *rounder(const struct measured *m, uint32_t c)
{
    const struct op_call *call = &m->problem.call;
    const struct op_variant *rule = m->choices.choice[0].variant, *other = m->choices.choice[c].variant;
    return op_tolerance_of(call, other)->nmse > op_tolerance_of(call, rule)->nmse ? other : rule;
}

/* Runs once and holds the results against the rule's, which the first choice sets; false and a note where they are
 * wrong, or, where rows must not depend on their number, not the same to the bit. */
static bool run_once(struct measured *m, uint32_t c, struct check_run *run, struct check_row *row)
{
    struct op_call *call = &m->problem.call;
    const void *outputs[OP_MAX_OUT];
    bool right = check_run_once(run, call, outputs, row);
    for (uint32_t o = 0; o < call->out_count && right; o++) {
        uint64_t bytes = tensor_shape_bytes(&call->out[o]);
        if (c == 0)
            memcpy(call->out_data[o], outputs[o], bytes);
        else if (call->attr.same_order && memcmp(call->out_data[o], outputs[o], bytes) != 0)
            right = check_fail(row, "other bits");
        else
            right = check_compare(call, rounder(m, c), o, outputs[o], row);
    }
    return right;
}

/* A lost device ends the child; all else is the choice's own. */
static enum mien_status fatal(const struct measured *m, enum mien_status status)
{
    return status == MIEN_ERR_TIMEOUT || vk_device_lost(m->child->device) ? MIEN_ERR_DEVICE_LOST : MIEN_OK;
}

/* Makes a choice ready to be timed; *good stays false where it cannot serve. */
static enum mien_status prepare(struct measured *m, uint32_t c, struct check_run **run, bool *good)
{
    enum mien_status status = MIEN_OK;
    struct check_row row = {.note = ""};
    const struct op_plan *plan = &m->choices.plan[c];
    struct vk_device *device = m->child->device;
    bool again = false;
    *good = false;
    say_choice(m, "@begin", c, "");
    TRY(check_selftest_begin(device));
    if (vk_caps_refuse(vk_device_caps(device), m->problem.call.op->name, plan->variant->name)) {
        m->lost++;
        check_selftest_end(device);
        return MIEN_OK;
    }
    status = check_selftest(device, &m->problem.call, plan, &again);
    check_selftest_end(device);
    TRY(status);
    if (again) {
        m->lost++;
        return MIEN_OK;
    }
    if (c == 0)
        m->rule_spills = spills_of(m, plan);
    else if (spills_of(m, plan) > m->rule_spills)
        return MIEN_OK;
    TRY(check_run_create(&m->child->context, &m->problem.call, plan, m->repeat, run));
    *good = run_once(m, c, *run, &row);
    TRY(check_run_status(*run));
    if (!*good)
        m->lost += !m->problem.call.attr.same_order;
fail:
    return fatal(m, status);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* How many times as fast the other is, the median over rounds in which the two take turns; 0 = hopeless, or it spreads
 * so that it says nothing: in more than one of the rounds it was slower. */
static enum mien_status duel(struct measured *m, double *gain)
{
    enum mien_status status = MIEN_OK;
    double ratio[ROUNDS], rule = 0, other = 0;
    *gain = 0;
    for (uint32_t r = 0; r < ROUNDS; r++) {
        bool first = r % 2;
        TRY(check_run_time(first ? m->rule : m->other, first ? &rule : &other));
        TRY(check_run_time(first ? m->other : m->rule, first ? &other : &rule));
        ratio[r] = rule / other;
        if (r == 1 && ratio[0] < gain_hopeless && ratio[1] < gain_hopeless)
            return MIEN_OK;
    }
    qsort(ratio, ROUNDS, sizeof(ratio[0]), by_value);
    *gain = ratio[1] > 1 ? ratio[ROUNDS / 2] : 0;
fail:
    return status;
}

/* The rule's choice, timed as often as makes a sample; false where the call cannot be measured, which has been said. */
static enum mien_status prepare_rule(struct measured *m, bool *good)
{
    enum mien_status status = MIEN_OK;
    m->repeat = 1;
    TRY(prepare(m, 0, &m->rule, good));
    if (*good)
        TRY(check_run_time(m->rule, &m->rule_seconds));
    double want = m->rule_seconds > 0 ? sample_seconds / m->rule_seconds : MOST_REPEATS;
    m->repeat = want < 1 ? 1 : want > MOST_REPEATS ? MOST_REPEATS : (uint32_t)want;
    if (*good && m->repeat > 1) {
        check_run_destroy(&m->rule);
        struct check_row row = {.note = ""};
        TRY(check_run_create(&m->child->context, &m->problem.call, &m->choices.plan[0], m->repeat, &m->rule));
        *good = run_once(m, 0, m->rule, &row);
        TRY(check_run_status(m->rule));
        TRY(check_run_time(m->rule, &m->rule_seconds));
    }
    if (!*good)
        skip(m, "what the rules choose cannot be measured");
fail:
    return status == MIEN_OK ? status : fatal(m, status);
}

/* One choice against the rule's; its run stays in m->other. */
static enum mien_status try_choice(struct measured *m, uint32_t c, double *gain)
{
    enum mien_status status = MIEN_OK;
    bool good;
    *gain = 0;
    check_run_destroy(&m->other);
    TRY(prepare(m, c, &m->other, &good));
    if (good && (status = duel(m, gain)) != MIEN_OK)
        status = fatal(m, status);
fail:
    return status;
}

/* All choices; the best of them once more. *best 0 = the rule's; *out: time is over before all were looked at. */
static enum mien_status try_all(struct measured *m, uint32_t *best, double *gain, bool *out)
{
    enum mien_status status = MIEN_OK;
    double most = gain_enough, now;
    *best = 0;
    for (uint32_t c = 1; c < m->choices.count && !*out; c++) {
        struct vk_choice row = row_of(m, c);
        if (vk_tuned_lost(&m->child->known, &row)) {
            m->lost++;
            continue;
        }
        TRY(try_choice(m, c, &now));
        if (now >= most) {
            most = now;
            *best = c;
        }
        *out = base_clock_seconds() > m->until;
    }
    *gain = 1;
    if (*best && !*out) {
        TRY(try_choice(m, *best, &now));
        if (now >= gain_enough)
            *gain = BASE_MIN(now, most);
        else
            *best = 0;
    }
fail:
    return status;
}

static bool fits(struct measured *m, const struct op_call *call)
{
    const struct check_context *context = &m->child->context;
    double seconds = op_call_flops(call) / context->flop_rate + op_call_bytes(call) / context->byte_rate;
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < call->in_count; i++)
        bytes += tensor_shape_bytes(&call->in[i]);
    for (uint32_t o = 0; o < call->out_count; o++)
        bytes += tensor_shape_bytes(&call->out[o]);
    if (context->caps.type == VK_TYPE_SOFTWARE && seconds > most_software)
        skip(m, "a run would take about %.2g s on this driver", seconds);
    else if (bytes > BASE_MIN(most_bytes, context->caps.device_memory / 8))
        skip(m, "its tensors take %.0f MiB", (double)bytes / (1 << 20));
    else
        return true;
    return false;
}

static enum mien_status measure_whole(struct measured *m, bool *out)
{
    enum mien_status status = MIEN_OK;
    struct vk_choice rule = row_of(m, 0);
    uint32_t best = 0;
    double gain = 1;
    char more[96];
    bool good = false;
    if (vk_tuned_lost(&m->child->known, &rule)) {
        skip(m, "what the rules choose came to no end");
        return MIEN_OK;
    }
    TRY(prepare_rule(m, &good));
    if (!good)
        return MIEN_OK;
    TRY(try_all(m, &best, &gain, out));
    if (*out)
        return MIEN_OK;
    snprintf(more, sizeof(more), "\t%.3f\t%.6g\t%u", gain, m->rule_seconds * 1e3, m->lost);
    say_choice(m, "@best", best, more);
fail:
    return status;
}

static enum mien_status measure_call(struct tune_child *child, size_t index, double until, bool *out)
{
    enum mien_status status = MIEN_OK;
    struct measured *m = base_alloc(1, sizeof(*m));
    struct op_call call;
    char said[300];
    FAIL_IF_NULL(m, "a measurement");
    m->child = child;
    m->index = index;
    m->until = until;
    TRY(op_call_parse(child->options.calls[index], &call));
    if (!fits(m, &call))
        goto fail;
    base_log_divert(said, sizeof(said));
    status = check_problem_whole(&call, &m->problem);
    base_log_divert(NULL, 0);
    if (status != MIEN_OK) {
        skip(m, "no problem of this size can be made");
        status = MIEN_OK;
        goto fail;
    }
    tune_choices_make(&child->context.caps, &m->problem.call, &m->choices);
    if (m->choices.count > 1)
        TRY(measure_whole(m, out));
    else
        skip(m, "there is one choice");
fail:
    if (m) {
        check_run_destroy(&m->rule);
        check_run_destroy(&m->other);
        tune_choices_clear(&m->choices);
        check_problem_clear(&m->problem);
    }
    base_free(m);
    return status;
}

enum mien_status tune_measure(struct tune_child *child)
{
    enum mien_status status = MIEN_OK;
    const struct tune_options *o = &child->options;
    double until = base_clock_seconds() + o->seconds;
    bool out = false;
    for (size_t i = o->from; i < o->call_count && !out; i++) {
        out = base_clock_seconds() > until;
        if (!out)
            TRY(measure_call(child, i, until, &out));
    }
    if (out)
        tune_say(child, "@out");
fail:
    return status;
}
