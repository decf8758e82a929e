/* kernel.c: one op on one shape by the variant that the device is given: held against its reference, then timed. */
#include "bench/bench.h"

#include <math.h>
#include <string.h>

/* Seconds that a run may take: on a software device, and where it is to be quick. */
static const double most_seconds = 1, most_quick = 0.06;
/* Operations that the host's reference may take, at about 10^9 a second: a product of 4096^3. */
static const double most_reference = 1.4e11, most_reference_quick = 4e9;
/* What a sample should take, so that a submission is little of it. */
static const double sample_seconds = 2e-3;
enum { MOST_REPEATS = 64 };

struct kernel_state {
    struct op_call call;
    struct op_plan plan;
    struct check_run *run;
};

static double estimate(const struct check_context *context, const struct op_call *call)
{
    return op_call_flops(call) / context->flop_rate + op_call_bytes(call) / context->byte_rate;
}

/* Whether it fits into the time that there is; of peaks, always. */
static bool quick_enough(struct bench_item *item, const struct op_call *call)
{
    const struct bench_run *run = item->bench;
    bool software = run->context.caps.type == VK_TYPE_SOFTWARE, quick = run->params.quick;
    double seconds = estimate(&run->context, call), flops = op_call_flops(call);
    double limit = quick ? most_quick : most_seconds;
    if (item->peak)
        return true;
    if (software && item->c.given->slow && !run->params.slow)
        return bench_give_up(item, MIEN_BENCH_SKIPPED, "too much for a software device");
    if (software && seconds > limit && !run->params.slow)
        return bench_give_up(item, MIEN_BENCH_SKIPPED, "would take about %.2g s a run on this driver%s", seconds,
                             quick ? "; left out of a quick run" : "");
    if (flops > (quick ? most_reference_quick : most_reference))
        return bench_give_up(item, MIEN_BENCH_SKIPPED, "its reference would take about %.0f s%s", flops * 1e-9,
                             quick ? "; left out of a quick run" : "");
    return true;
}

/* Bytes of all tensors and scratch. */
static uint64_t memory_of(const struct kernel_state *k)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < k->call.in_count; i++)
        bytes += tensor_shape_bytes(&k->call.in[i]);
    for (uint32_t o = 0; o < k->call.out_count; o++)
        bytes += tensor_shape_bytes(&k->call.out[o]);
    for (uint32_t s = 0; s < OP_MAX_SCRATCH; s++)
        bytes += k->plan.scratch[s];
    return bytes;
}

/* A run made from nothing; seconds until its outputs are on the host. */
static bool run_once(struct bench_item *item, struct check_run **run, const void *outputs[OP_MAX_OUT],
                     struct check_row *row, double *seconds)
{
    struct check_context *context = &item->bench->context;
    struct kernel_state *k = item->kernel;
    double begin = base_clock_seconds();
    if (check_run_create(context, &k->call, &k->plan, 1, run) != MIEN_OK)
        return check_fail(row, "%s", context->error);
    bool ok = check_run_once(*run, &k->call, outputs, row);
    *seconds = base_clock_seconds() - begin;
    return ok;
}

/* The first run's outputs, right and copied into `kept`. */
static bool first_run(struct bench_item *item, void *kept[OP_MAX_OUT], struct check_row *row, double *seconds)
{
    struct kernel_state *k = item->kernel;
    struct check_run *run = NULL;
    const void *outputs[OP_MAX_OUT];
    bool ok = run_once(item, &run, outputs, row, seconds);
    for (uint32_t o = 0; o < k->call.out_count && ok; o++) {
        size_t size = tensor_shape_bytes(&k->call.out[o]);
        ok = check_compare(&k->call, k->plan.variant, o, outputs[o], row);
        kept[o] = base_alloc(1, size);
        ok = ok && (kept[o] || check_fail(row, "out of host memory"));
        if (ok)
            memcpy(kept[o], outputs[o], size);
    }
    check_run_destroy(&run);
    return ok;
}

/* A second one, of the same bits; *kernel is how long a run takes on the device. */
static bool second_run(struct bench_item *item, void *const kept[OP_MAX_OUT], struct check_row *row, double *seconds,
                       double *kernel)
{
    struct kernel_state *k = item->kernel;
    struct check_run *run = NULL;
    const void *outputs[OP_MAX_OUT];
    bool ok = run_once(item, &run, outputs, row, seconds);
    for (uint32_t o = 0; o < k->call.out_count && ok; o++) {
        if (memcmp(kept[o], outputs[o], tensor_shape_bytes(&k->call.out[o])) != 0)
            ok = check_fail(row, "output %u differs between two runs of the same inputs", o);
    }
    ok = ok && (check_run_time(run, kernel) == MIEN_OK || check_fail(row, "%s", item->bench->context.error));
    check_run_destroy(&run);
    return ok;
}

/* Two right runs; what the first took beyond the second is the compiler's. */
static bool verify(struct bench_item *item, double *kernel)
{
    struct bench_row *row = bench_row_of(item);
    struct check_row checked = {0};
    void *kept[OP_MAX_OUT] = {0};
    double cold = 0, warm = 0;
    bool ok = first_run(item, kept, &checked, &cold) && second_run(item, kept, &checked, &warm, kernel);
    for (uint32_t o = 0; o < OP_MAX_OUT; o++)
        base_free(kept[o]);
    if (!ok)
        return bench_give_up(item, MIEN_BENCH_FAILED, "%s", checked.note);
    row->compile_ms = fmax(0, cold - warm) * 1e3;
    row->error = checked.worst;
    return true;
}

/* The recording that is timed; it has run once with the inputs that were checked. */
static bool make_timed(struct bench_item *item, double seconds)
{
    struct check_row checked = {0};
    struct kernel_state *k = item->kernel;
    struct bench_row *row = bench_row_of(item);
    const void *outputs[OP_MAX_OUT];
    double want = seconds > 0 ? sample_seconds / seconds : MOST_REPEATS;
    uint32_t repeat = seconds > 0.1 ? 1 : want < 2 ? 2 : want > MOST_REPEATS ? MOST_REPEATS : (uint32_t)want;
    if (check_run_create(&item->bench->context, &k->call, &k->plan, repeat, &k->run) != MIEN_OK)
        return bench_failed(item);
    if (!check_run_once(k->run, &k->call, outputs, &checked))
        return bench_give_up(item, MIEN_BENCH_FAILED, "%s", checked.note);
    row->dispatches = (uint32_t)k->plan.count;
    row->memory = memory_of(k);
    return true;
}

static void free_host(struct kernel_state *k)
{
    struct op_call shapes = k->call;
    check_call_clear(&k->call);
    k->call = shapes;
    memset(k->call.in_data, 0, sizeof(k->call.in_data));
    memset(k->call.out_data, 0, sizeof(k->call.out_data));
}

static bool prepare(struct bench_item *item)
{
    struct bench_run *run = item->bench;
    struct bench_row *row = bench_row_of(item);
    struct op_call shapes = {0};
    double seconds = 0;
    if (check_case_call(&item->c, &shapes) != MIEN_OK)
        return bench_failed(item);
    if (!quick_enough(item, &shapes))
        return false;
    item->kernel = base_alloc(1, sizeof(*item->kernel));
    if (!item->kernel)
        return bench_give_up(item, MIEN_BENCH_FAILED, "out of host memory");
    struct kernel_state *k = item->kernel;
    if (check_call_make(&item->c, &k->call) != MIEN_OK ||
        check_call_fill(&k->call, &item->c, CHECK_NORMAL, 1) != MIEN_OK ||
        op_make_plan(&run->context.caps, &k->call, NULL, &k->plan) != MIEN_OK)
        return bench_failed(item);
    op_reference(&k->call);
    snprintf(row->variant, sizeof(row->variant), "%s", k->plan.variant->name);
    row->flops = op_call_flops(&k->call);
    row->bytes = op_call_bytes(&k->call);
    if (!verify(item, &seconds) || !make_timed(item, seconds))
        return false;
    free_host(k);
    return true;
}

static enum mien_status sample(struct bench_item *item, double *seconds)
{
    return check_run_time(item->kernel->run, seconds);
}

static void release(struct bench_item *item)
{
    struct kernel_state *k = item->kernel;
    if (!k)
        return;
    check_run_destroy(&k->run);
    op_plan_clear(&k->plan);
    check_call_clear(&k->call);
    base_free(k);
    item->kernel = NULL;
}

const struct bench_kind bench_peak = {"peak", prepare, sample, release};
const struct bench_kind bench_kernel = {"kernel", prepare, sample, release};
