/* shares.c: from samples to times, rates and shares of what the device can do. */
#include "bench/bench.h"

#include <math.h>
#include <stdlib.h>

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Between the two values around it, as numpy's quantile has it; sorted, count >= 1. */
static double quantile(const double *sorted, uint32_t count, double at)
{
    double place = at * (count - 1), below = floor(place);
    uint32_t i = (uint32_t)below;
    double next = sorted[i + 1 < count ? i + 1 : i];
    return sorted[i] + (place - below) * (next - sorted[i]);
}

static void put_times(struct bench_item *item)
{
    struct bench_row *row = bench_row_of(item);
    row->samples = item->samples;
    if (item->samples == 0)
        return;
    qsort(item->sample, item->samples, sizeof(item->sample[0]), by_value);
    double median = quantile(item->sample, item->samples, 0.5);
    row->ms = median * 1e3;
    row->least_ms = (item->peak ? item->bench->best[item - item->bench->items] : item->sample[0]) * 1e3;
    row->spread = (quantile(item->sample, item->samples, 0.75) - quantile(item->sample, item->samples, 0.25)) / median;
    row->gflops = row->flops / median * 1e-9;
    row->gbps = row->bytes / median * 1e-9;
}

/* What copies reached that move as many bytes, or more, or, being the next smaller ones measured, may lie in the same
 * cache. */
static double copy_rate(const struct bench_run *run, double bytes)
{
    double best = 0;
    for (size_t i = 1; i < run->peaks; i++) {
        bool last = i + 1 == run->peaks;
        if (run->best[i] > 0 && (last || bench_row_of(&run->items[i + 1])->bytes > bytes))
            best = fmax(best, bench_row_of(&run->items[i])->bytes / run->best[i]);
    }
    return best;
}

static void put_share(const struct bench_run *run, struct bench_row *row)
{
    double fma = run->best[0] > 0 ? bench_row_of(&run->items[0])->flops / run->best[0] : 0;
    double copy = copy_rate(run, row->bytes);
    double compute = fma > 0 ? row->flops / fma : 0, move = copy > 0 ? row->bytes / copy : 0;
    if (row->ms <= 0 || (compute <= 0 && move <= 0))
        return;
    row->bound = compute > move ? MIEN_BENCH_FMA : MIEN_BENCH_COPY;
    row->share = fmax(compute, move) / (row->ms * 1e-3);
}

void bench_finish(struct bench_run *run)
{
    struct bench_head *head = &run->out->head;
    for (size_t i = 0; i < run->count; i++)
        put_times(&run->items[i]);
    for (size_t i = 0; i < run->count; i++)
        put_share(run, bench_row_of(&run->items[i]));
    if (run->best[0] > 0)
        head->fma_gflops = bench_row_of(&run->items[0])->flops / run->best[0] * 1e-9;
    head->copy_gbps = copy_rate(run, 0) * 1e-9;
}
