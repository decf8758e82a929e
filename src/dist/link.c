/* link.c: what exchanges between ranks take, by a model of two numbers; and those numbers, measured. */
#include "dist/dist.h"

#include <math.h>
#include <string.h>

/* All-gather as a ring: n - 1 messages of what a rank has. */
double dist_gather_seconds(const struct dist_link *link, uint32_t ranks, double bytes)
{
    return ranks > 1 ? (ranks - 1) * (link->latency + bytes / link->gathering) : 0;
}

/* Blocks to all ranks and back: 2 (n - 1) messages of an n-th. */
double dist_sum_seconds(const struct dist_link *link, uint32_t ranks, double bytes)
{
    return ranks > 1 ? 2.0 * (ranks - 1) * (link->latency + bytes / ranks / link->summing) : 0;
}

enum { TRIES = 40, COLD_BYTES = 32 << 20 };

/* The shortest of some tries, each begun by all ranks at once: of gathering, or (all NULL) of a sum. */
static enum mien_status time_one(struct mien_ranks *ranks, float *values, float *all, size_t count, void *cold,
                                 double *seconds)
{
    enum mien_status status = MIEN_OK;
    *seconds = INFINITY;
    for (uint32_t i = 0; i < TRIES; i++) {
        memset(cold, (int)i, COLD_BYTES); /* gradients come from a device: no cache has them */
        TRY(dist_barrier(ranks));
        double began = base_clock_seconds();
        TRY(all ? dist_gather(ranks, values, count * sizeof(float), all) : dist_sum(ranks, values, count, false));
        *seconds = fmin(*seconds, base_clock_seconds() - began);
    }
fail:
    return status;
}

enum mien_status dist_measure(struct mien_ranks *ranks, size_t bytes, struct dist_link *out)
{
    enum mien_status status = MIEN_OK;
    uint32_t n = dist_count(ranks);
    size_t large = BASE_MAX(bytes / sizeof(float), (size_t)1 << 14), small = large / 16;
    float *values = base_alloc(large, sizeof(*values)), *all = base_alloc(large, sizeof(*all));
    double sum[2], gather, steps = 2.0 * (n - 1);
    void *cold = base_alloc(COLD_BYTES, 1);
    FAIL_IF(!values || !all || !cold, MIEN_ERR_NOMEM, "out of host memory for measuring ranks");
    TRY(time_one(ranks, values, NULL, small, cold, &sum[0]));
    TRY(time_one(ranks, values, NULL, large, cold, &sum[1]));
    TRY(time_one(ranks, values, all, large / n, cold, &gather));
    double per_byte = fmax(sum[1] - sum[0], 1e-9) / ((double)(large - small) * sizeof(float));
    out->summing = steps / n / per_byte;
    out->latency = fmax(sum[0] - per_byte * (double)small * sizeof(float), 0) / steps;
    out->gathering = (double)(large / n) * sizeof(float) / fmax(gather / (n - 1) - out->latency, 1e-9);
    TRY(dist_broadcast(ranks, out, sizeof(*out)));
fail:
    base_free(values);
    base_free(all);
    base_free(cold);
    return status;
}
