/* dist.h: what ranks do together. All ranks call the same functions in the same order. Ranks NULL is one rank, to which
 * everything is trivial. Failures are MIEN_ERR_FAILED with MPI's own words; after one the ranks can only end
 * (mien_ranks_abort). The thread that has opened the ranks calls. */
#ifndef DIST_DIST_H
#define DIST_DIST_H

#include "base/base.h"
#include "mien/ranks.h"

uint32_t dist_rank(const struct mien_ranks *ranks);
uint32_t dist_count(const struct mien_ranks *ranks);

/* Each rank's bytes, a multiple of 4, one rank's after another's, into all [count * bytes], which may hold `own`. */
enum mien_status dist_gather(struct mien_ranks *ranks, const void *own, size_t bytes, void *all);
/* The same of unequal shares: counts[r] units of `unit` bytes, a multiple of 4, of rank r. */
enum mien_status dist_gather_shares(struct mien_ranks *ranks, const void *own, const uint32_t *counts, size_t unit,
                                    void *all);
/* Rank 0's bytes, a multiple of 4, to all. */
enum mien_status dist_broadcast(struct mien_ranks *ranks, void *data, size_t bytes);
/* Until all have come here. */
enum mien_status dist_barrier(struct mien_ranks *ranks);
/* *flag becomes whether any rank has it set. */
enum mien_status dist_any(struct mien_ranks *ranks, bool *flag);
/* The first rank whose data are not rank 0's, 0 = all have the same. Sizes may differ. */
enum mien_status dist_same(struct mien_ranks *ranks, const void *data, size_t size, uint32_t *other);

/* values[i] becomes ((v0 + v1) + v2) + ... over the ranks in their order, each sum rounded to f32: the same bits on all
 * ranks, by any MPI. `flush`: as a device adds that takes numbers below the smallest normal one as 0. Collective memory
 * of count * 4 bytes is kept until the ranks are closed. */
enum mien_status dist_sum(struct mien_ranks *ranks, float *values, uint64_t count, bool flush);
/* What one rank does of it: y += x. */
void dist_add(float *y, const float *x, size_t count, bool flush);

/* ---- what it takes (link.c) ---- */

/* What lies between ranks, as one of them sees it: seconds a message, bytes a second in sums (with the additions) and
 * in gathering. */
struct dist_link {
    double latency, summing, gathering;
};
/* dist_gather of `bytes` of each rank; dist_sum of `bytes`. */
double dist_gather_seconds(const struct dist_link *link, uint32_t ranks, double bytes);
double dist_sum_seconds(const struct dist_link *link, uint32_t ranks, double bytes);
/* By messages of a 16th of `bytes` (64 KiB at least) and of all of them; the same on all ranks. */
enum mien_status dist_measure(struct mien_ranks *ranks, size_t bytes, struct dist_link *out);

/* ---- inside dist ---- */

/* Which rank this process is, by the environment. */
struct dist_place {
    uint32_t rank, count, local;
    const char *started_by; /* static storage */
    const char *count_name; /* the variable that says how many */
};
/* count is 1 where the environment names no ranks. MIEN_ERR_ARG: its numbers make no sense. */
enum mien_status dist_place_find(struct dist_place *out);

struct mien_gpu_info;
/* The device of the local-th rank of a machine: of the best one's type, in turn. Warns where earlier ranks have them
 * all and they are no software. MIEN_ERR_NO_DEVICE: none can be used. */
enum mien_status dist_device_choose(const struct mien_gpu_info *infos, uint32_t count, uint32_t best, uint32_t rank,
                                    uint32_t local, uint32_t *index);

struct dist_engine;
/* The engine for ranks that were started so. MIEN_ERR_ARG: there is none; the message says why. */
enum mien_status dist_engine_load(const struct dist_place *place, const struct dist_engine **out);

struct mien_ranks {
    struct dist_place place;
    const struct dist_engine *engine;
    char library[128];
    float *scratch;
    size_t scratch_capacity; /* words */
    int *counts, *at;        /* [count] */
};
/* MIEN_OK, or a failure with MPI's explanation. */
enum mien_status dist_done(const struct mien_ranks *ranks, int error, const char *what);

#endif
