/* sum.c: sums in the order of the ranks. Block r of the values goes from all ranks to rank r, which adds the blocks up
 * in their ranks' order; the sums then go to all. */
#include "dist/dist.h"
#include "dist/engine.h"

#include <math.h>

enum { BLOCK_WORDS = 16 }; /* blocks begin at lines of a cache */

static float flushed(float x)
{
    return fabsf(x) < 1.17549435e-38f ? copysignf(0, x) : x;
}

void dist_add(float *y, const float *x, size_t count, bool flush)
{
    for (size_t i = 0; i < count && !flush; i++)
        y[i] += x[i];
    for (size_t i = 0; i < count && flush; i++)
        y[i] = flushed(flushed(y[i]) + flushed(x[i]));
}

/* Blocks of nearly one size; the last ones may be short or empty. */
static void cut(struct mien_ranks *r, uint64_t count)
{
    uint64_t block = base_round_up(base_div_up(count, r->place.count), BLOCK_WORDS);
    for (uint32_t i = 0; i < r->place.count; i++) {
        uint64_t from = BASE_MIN(i * block, count), to = BASE_MIN(from + block, count);
        r->at[i] = (int)from;
        r->counts[i] = (int)(to - from);
    }
}

enum mien_status dist_sum(struct mien_ranks *ranks, float *values, uint64_t count, bool flush)
{
    enum mien_status status = MIEN_OK;
    if (!ranks || count == 0)
        return MIEN_OK;
    FAIL_IF(count > INT32_MAX, MIEN_ERR_UNSUPPORTED, "ranks cannot add up %llu values at once",
            (unsigned long long)count);
    cut(ranks, count);
    size_t own = (size_t)ranks->counts[ranks->place.rank], words = own * ranks->place.count;
    TRY(base_grow(&ranks->scratch, &ranks->scratch_capacity, words + 1, sizeof(float)));
    TRY(dist_done(ranks, ranks->engine->scatter(values, ranks->counts, ranks->at, ranks->scratch, (int)own),
                  "exchange gradients"));
    float *sum = values + ranks->at[ranks->place.rank];
    for (size_t i = 0; i < own; i++)
        sum[i] = ranks->scratch[i];
    for (uint32_t r = 1; r < ranks->place.count; r++)
        dist_add(sum, ranks->scratch + r * own, own, flush);
    TRY(dist_done(ranks, ranks->engine->collect(values, ranks->counts, ranks->at), "exchange sums of gradients"));
fail:
    return status;
}
