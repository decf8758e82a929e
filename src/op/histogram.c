/* histogram.c: how many elements fall into each of `count` equal bins from attr low to attr high: what a threshold on
 * similarities is chosen by. Bin of x = floor((x - low) * (count / (high - low))), each step rounded to fp32; what lies
 * beyond an end counts in its bin, NaN nowhere. */
#include "args/histogram.h"
#include "op/op.h"

#include <math.h>

enum { MOST_SLICES = 1024, MOST_PART = 1 << 28 /* elements: short loops */ };

static enum mien_status shapes(struct op_call *call, const char *label)
{
    const struct op_attr *attr = &call->attr;
    if (attr->count < 1 || attr->count > HISTOGRAM_MOST)
        return op_shape_error(call, label, 0, "with attr count, the number of bins, from 1 to 64");
    if (!(attr->low < attr->high) || !isfinite(attr->high - attr->low))
        return op_shape_error(call, label, 0, "with attr low below attr high, both finite");
    if (tensor_shape_count(&call->in[0]) > UINT32_MAX)
        return op_shape_error(call, label, 0, "of less than 2^32 elements");
    return MIEN_OK;
}

static float factor_of(const struct op_attr *attr)
{
    return (float)attr->count / (attr->high - attr->low);
}

static void reference(const struct op_call *call)
{
    const float *x = call->in_data[0];
    float *y = call->out_data[0], factor = factor_of(&call->attr), last = (float)call->attr.count - 1;
    uint64_t count = tensor_shape_count(&call->in[0]), bins[HISTOGRAM_MOST] = {0};
    for (uint64_t i = 0; i < count; i++) {
        float from_low = x[i] - call->attr.low, at = from_low * factor;
        if (!isnan(x[i]))
            bins[(uint32_t)fminf(fmaxf(floorf(at), 0), last)]++;
    }
    for (uint32_t k = 0; k < call->attr.count; k++)
        y[k] = (float)bins[k];
}

static struct op_dispatch *add(struct op_plan *plan, const char *shader, const struct histogram_args *args,
                               uint32_t bins, uint32_t count)
{
    struct op_dispatch *d = op_plan_items(plan, shader, 0, count);
    op_dispatch_round(d, plan->caps, 4);
    op_dispatch_spec(d, 8, bins);
    OP_PUSH(d, *args);
    return d;
}

static void plan(struct op_plan *plan)
{
    const struct op_call *call = plan->call;
    uint32_t bins = call->attr.count;
    uint64_t count = tensor_shape_count(&call->in[0]), max_range = plan->caps->max_range;
    uint64_t limit = BASE_MIN(max_range / 4 / 64 * 64, MOST_PART);
    struct histogram_args args = {.slices = (uint32_t)BASE_MIN(base_div_up(count, 64), MOST_SLICES),
                                  .low = call->attr.low,
                                  .factor = factor_of(&call->attr)};
    if (4ull * args.slices * bins > max_range) /* only where a binding is made tiny */
        args.slices = (uint32_t)(max_range / 4 / bins);
    plan->scratch[0] = 4ull * args.slices * bins;
    for (uint64_t first = 0; first < count; first += args.count) {
        args.first = (uint32_t)first;
        args.count = (uint32_t)BASE_MIN(limit, count - first);
        struct op_dispatch *d = add(plan, "histogram_fwd_part", &args, bins, args.slices);
        op_dispatch_bind_range(d, OP_IN, 0, OP_READ, first * 4, args.count * 4ull);
        op_plan_bind(plan, "<>$0");
    }
    add(plan, "histogram_fwd", &args, bins, bins);
    op_plan_bind(plan, "<$0 y");
}

static double flops(const struct op_call *call)
{
    return (double)tensor_shape_count(&call->in[0]) * (4 + call->attr.count);
}

static const struct op_variant variants[] = {{.name = "histogram_fwd_part", .steps = plan}, {0}};

#define BINS(count_, low_, high_) .attr = {.count = count_, .low = low_, .high = high_}

static const struct op_case cases[] = {
    {.name = "1", BINS(20, -1, 1), .in = {{1}}},
    {.name = "one_bin", BINS(1, 0, 1), .in = {{37}}},
    {.name = "127x127", BINS(20, -1, 1), .in = {{127, 127}}},
    {.name = "thirds_513", BINS(3, -0.1f, 0.2f), .in = {{513, 5}}},
    {.name = "64_bins", BINS(64, -3, 3), .in = {{40963}}},
    {.name = "1024x1024", BINS(20, -1, 1), .in = {{1024, 1024}}, .bench = true},
    {.name = "4096x4096", BINS(20, -1, 1), .in = {{4096, 4096}}, .bench = true, .slow = true},
    {0},
};

const struct op_desc op_histogram = {
    .name = "histogram",
    .signature = "x[...] -> y[count]",
    .summary = "y = numbers of the elements in `count` equal bins from attr low to attr high; beyond the ends in the "
               "end's bin",
    .shapes = shapes,
    .reference = reference,
    .no_grad = "counts are whole numbers",
    .variants = variants,
    .cases = cases,
    .fill = {OP_FILL_NORMAL},
    .tolerance = {0}, /* exact */
    .flops = flops,
};
