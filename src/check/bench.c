/* bench.c: how fast the driver is, and how fast a plan is. */
#include "check/check.h"

#include <stdlib.h>

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Seconds per run, the median or the least, over about `budget` seconds (5 to 31 samples) after one warm-up (drivers
 * compile then). */
static enum mien_status time_plan(struct check_context *context, struct op_call *call, const struct op_plan *plan,
                                  double budget, bool least, double *seconds)
{
    enum mien_status status = MIEN_OK;
    struct check_run *run = NULL;
    struct check_row row = {0};
    const void *outputs[OP_MAX_OUT];
    double sample[31];
    double flops = op_call_flops(call), guess = context->flop_rate > 0 ? flops / context->flop_rate : 0.1;
    uint32_t repeat = guess < 1e-4 ? 16 : guess < 1e-3 ? 8 : 2; /* short kernels hide under the cost of a submission */
    TRY(check_run_create(context, call, plan, repeat, &run));
    FAIL_IF(!check_run_once(run, call, outputs, &row), MIEN_ERR_FAILED, "%s", row.note);
    double start = base_clock_seconds();
    uint32_t count = 0;
    while (count < BASE_COUNT(sample) && (count < 5 || base_clock_seconds() - start < budget))
        TRY(check_run_time(run, &sample[count++]));
    qsort(sample, count, sizeof(sample[0]), by_value);
    *seconds = sample[least ? 0 : count / 2];
fail:
    check_run_destroy(&run);
    return status;
}

/* FLOPs or bytes per second of one op on one shape; 0 when the op is not there. */
static enum mien_status rate(struct check_context *context, const char *name, const struct op_case *c,
                             double (*work)(const struct op_call *), double *per_second)
{
    enum mien_status status = MIEN_OK;
    struct op_call call = {0};
    struct op_plan plan = {0};
    double seconds = 0;
    const struct op_desc *op = op_find(name);
    *per_second = 0;
    if (!op)
        return MIEN_OK;
    const struct check_case given = {.op = op, .given = c};
    TRY(check_call_make(&given, &call));
    TRY(check_call_fill(&call, &given, CHECK_NORMAL, 1));
    TRY(op_make_plan(&context->caps, &call, NULL, &plan));
    /* the least: a busy machine is not a slow driver */
    TRY(time_plan(context, &call, &plan, 0.05, true, &seconds));
    *per_second = work(&call) / seconds;
fail:
    op_plan_clear(&plan);
    check_call_clear(&call);
    return status;
}

void check_calibrate(struct check_context *context)
{
    static const struct op_case product = {.name = "calibration", .in = {{96, 96}, {96, 96}}};
    static const struct op_case sum = {.name = "calibration", .in = {{1 << 16}, {1 << 16}}};
    enum mien_status status = rate(context, "matmul", &product, op_call_flops, &context->flop_rate);
    if (status == MIEN_OK)
        status = rate(context, "add", &sum, op_call_bytes, &context->byte_rate);
    if (status != MIEN_OK || context->flop_rate <= 0 || context->byte_rate <= 0) {
        context->flop_rate = CHECK_SLOW_FLOPS;
        context->byte_rate = CHECK_SLOW_BYTES;
    }
}

bool check_bench(struct check_context *context, struct op_call *call, const struct op_plan *plan,
                 const struct vk_caps *caps, struct check_row *row)
{
    double seconds = 0, plain = 0;
    struct op_plan last = {0};
    const struct op_variant *v = call->op->variants;
    while (v[1].name)
        v++;
    bool ok = time_plan(context, call, plan, 0.5, false, &seconds) == MIEN_OK;
    if (ok && v == plan->variant)
        plain = seconds;
    else if (ok)
        ok = op_make_plan(caps, call, v, &last) == MIEN_OK &&
             time_plan(context, call, &last, 0.5, false, &plain) == MIEN_OK;
    op_plan_clear(&last);
    if (!ok)
        return check_fail(row, "could not be timed: %s", context->error);
    row->microseconds = seconds * 1e6;
    row->gflops = op_call_flops(call) / seconds * 1e-9;
    row->gbytes = op_call_bytes(call) / seconds * 1e-9;
    row->vs_plain = plain / seconds;
    return true;
}
