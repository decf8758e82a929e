/* ranks.c: ranks opened and closed; what they exchange beside sums. */
#include "dist/dist.h"
#include "base/sha256.h"
#include "base/sized.h"
#include "dist/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum mien_status dist_done(const struct mien_ranks *ranks, int error, const char *what)
{
    char text[512];
    if (error == 0)
        return MIEN_OK;
    ranks->engine->explain(error, text, sizeof(text));
    return base_fail(MIEN_ERR_FAILED, "rank %u: MPI could not %s: %s", ranks->place.rank, what, text);
}

uint32_t dist_rank(const struct mien_ranks *ranks)
{
    return ranks ? ranks->place.rank : 0;
}

uint32_t dist_count(const struct mien_ranks *ranks)
{
    return ranks ? ranks->place.count : 1;
}

/* ---- opening ---- */

/* MPI's own numbers against the launcher's: where they differ another MPI has started this process. */
static enum mien_status start(struct mien_ranks *r)
{
    enum mien_status status = MIEN_OK;
    const struct dist_place *place = &r->place;
    int rank = 0, count = 0;
    TRY(dist_done(r, r->engine->start(&rank, &count, r->library, sizeof(r->library)), "start"));
    FAIL_IF((uint32_t)count != place->count || (uint32_t)rank != place->rank, MIEN_ERR_ARG,
            "%s says that this is rank %u of %u (%s), %s says rank %d of %d: start it by the mpirun of that MPI%s, or "
            "build mien with the MPI of the mpirun at hand",
            place->started_by, place->rank, place->count, place->count_name, r->library, rank, count,
            strcmp(place->started_by, "Slurm") == 0 ? ", by srun --mpi=pmix or pmi2" : "");
fail:
    return status;
}

enum mien_status mien_ranks_open(struct mien_ranks **out)
{
    enum mien_status status = MIEN_OK;
    struct mien_ranks *r = NULL;
    struct dist_place place;
    NEED(out);
    *out = NULL;
    TRY(dist_place_find(&place));
    if (place.count == 1)
        return MIEN_OK;
    r = base_alloc(1, sizeof(*r));
    FAIL_IF_NULL(r, "ranks");
    r->place = place;
    r->counts = base_alloc(place.count, sizeof(*r->counts));
    r->at = base_alloc(place.count, sizeof(*r->at));
    FAIL_IF(!r->counts || !r->at, MIEN_ERR_NOMEM, "out of host memory for %u ranks", place.count);
    TRY(dist_engine_load(&place, &r->engine));
    TRY(start(r));
    *out = r;
    return MIEN_OK;
fail:
    if (r) {
        base_free(r->counts);
        base_free(r->at);
        base_free(r);
    }
    return status;
}

void mien_ranks_describe(const struct mien_ranks *ranks, struct mien_ranks_info *info)
{
    struct mien_ranks_info own = {.size = sizeof(own), .count = 1};
    if (ranks) {
        own.rank = ranks->place.rank;
        own.count = ranks->place.count;
        own.local = ranks->place.local;
        snprintf(own.started_by, sizeof(own.started_by), "%s", ranks->place.started_by);
        snprintf(own.engine, sizeof(own.engine), "%s", ranks->library);
    }
    (void)SIZED_WRITE(info, &own);
}

void mien_ranks_abort(struct mien_ranks *ranks, int exit_status)
{
    if (ranks)
        ranks->engine->end_all(exit_status);
}

void mien_ranks_close(struct mien_ranks **ranks)
{
    if (!ranks || !*ranks)
        return;
    struct mien_ranks *r = *ranks;
    (void)dist_done(r, r->engine->finish(), "end");
    base_free(r->scratch);
    base_free(r->counts);
    base_free(r->at);
    base_free(r);
    *ranks = NULL;
}

/* ---- exchange ---- */

static enum mien_status words_of(const struct mien_ranks *ranks, size_t bytes, const char *what, int *words)
{
    if (bytes % 4 != 0 || bytes / 4 > INT32_MAX / ranks->place.count)
        return base_fail(MIEN_ERR_UNSUPPORTED, "ranks cannot %s %zu bytes at once; use a smaller batch", what, bytes);
    *words = (int)(bytes / 4);
    return MIEN_OK;
}

enum mien_status dist_gather(struct mien_ranks *ranks, const void *own, size_t bytes, void *all)
{
    enum mien_status status = MIEN_OK;
    int words = 0;
    if (!ranks) {
        memcpy(all, own, bytes);
        return MIEN_OK;
    }
    TRY(words_of(ranks, bytes, "gather", &words));
    TRY(base_grow(&ranks->scratch, &ranks->scratch_capacity, (size_t)words * (ranks->place.count + 1), sizeof(float)));
    memcpy(ranks->scratch, own, bytes);
    float *gathered = ranks->scratch + words; /* `all` may be slow to read: memory for a device */
    TRY(dist_done(ranks, ranks->engine->gather(ranks->scratch, words, gathered), "gather what all ranks have"));
    memcpy(all, gathered, bytes * ranks->place.count);
fail:
    return status;
}

enum mien_status dist_gather_shares(struct mien_ranks *ranks, const void *own, const uint32_t *counts, size_t unit,
                                    void *all)
{
    enum mien_status status = MIEN_OK;
    uint64_t at = 0, words = unit / 4;
    for (uint32_t r = 0; r < ranks->place.count; r++)
        at += counts[r] * words;
    FAIL_IF(unit % 4 != 0 || at > INT32_MAX, MIEN_ERR_UNSUPPORTED,
            "ranks cannot gather %llu bytes at once; use a smaller batch", (unsigned long long)at * 4);
    TRY(base_grow(&ranks->scratch, &ranks->scratch_capacity, at + 1, sizeof(float)));
    at = 0;
    for (uint32_t r = 0; r < ranks->place.count; r++) {
        ranks->at[r] = (int)at;
        ranks->counts[r] = (int)(counts[r] * words);
        at += counts[r] * words;
    }
    uint32_t rank = ranks->place.rank;
    memcpy(ranks->scratch + ranks->at[rank], own, counts[rank] * unit);
    TRY(dist_done(ranks, ranks->engine->collect(ranks->scratch, ranks->counts, ranks->at),
                  "gather what all ranks have"));
    memcpy(all, ranks->scratch, at * 4);
fail:
    return status;
}

enum mien_status dist_broadcast(struct mien_ranks *ranks, void *data, size_t bytes)
{
    enum mien_status status = MIEN_OK;
    int words = 0;
    if (!ranks)
        return MIEN_OK;
    TRY(words_of(ranks, bytes, "broadcast", &words));
    TRY(dist_done(ranks, ranks->engine->broadcast(data, words, 0), "tell all ranks"));
fail:
    return status;
}

enum mien_status dist_barrier(struct mien_ranks *ranks)
{
    return ranks ? dist_done(ranks, ranks->engine->barrier(), "wait for all ranks") : MIEN_OK;
}

enum mien_status dist_any(struct mien_ranks *ranks, bool *flag)
{
    enum mien_status status = MIEN_OK;
    uint32_t own = *flag, *all = NULL;
    if (!ranks)
        return MIEN_OK;
    all = base_alloc(ranks->place.count, sizeof(*all));
    FAIL_IF_NULL(all, "ranks");
    TRY(dist_gather(ranks, &own, sizeof(own), all));
    for (uint32_t r = 0; r < ranks->place.count; r++)
        *flag = *flag || all[r];
fail:
    base_free(all);
    return status;
}

enum mien_status dist_same(struct mien_ranks *ranks, const void *data, size_t size, uint32_t *other)
{
    enum mien_status status = MIEN_OK;
    uint8_t own[BASE_SHA256_SIZE], *all = NULL;
    uint32_t first = 0, count = dist_count(ranks);
    struct base_sha256 hash = base_sha256_begin();
    *other = 0;
    if (!ranks)
        return MIEN_OK;
    all = base_alloc(count, sizeof(own));
    FAIL_IF_NULL(all, "ranks");
    base_sha256_add(&hash, data, size);
    base_sha256_end(&hash, own);
    TRY(dist_gather(ranks, own, sizeof(own), all));
    while (first < count && memcmp(all + first * sizeof(own), all, sizeof(own)) == 0)
        first++;
    *other = first < count ? first : 0;
fail:
    base_free(all);
    return status;
}
