/* ranks.c: a run of several processes: what they must agree in, and a step that they do together. Rank 0 alone writes
 * the run directory, evaluates and decides when to stop. */
#include "train/config_keys.h"
#include "train/trainer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

bool train_leads(const struct trainer *t)
{
    return dist_rank(t->ranks) == 0;
}

uint32_t train_ranks_count(const struct trainer *t)
{
    bool planned = t->params->dry_run && t->params->planned_ranks && !t->ranks;
    return planned ? t->params->planned_ranks : dist_count(t->ranks);
}

/* ---- before the first step ---- */

/* run.shares as whole images: the sums up to each rank, rounded. */
static enum mien_status weigh_shares(struct trainer *t, uint32_t ranks)
{
    enum mien_status status = MIEN_OK;
    const struct train_config *c = t->config;
    double all = 0, sum = 0;
    uint32_t given = 0;
    FAIL_IF(ranks == 1, MIEN_ERR_ARG,
            "run.shares says what each of %u ranks takes, and this is one process alone; start it by mpirun -n %u or "
            "srun, or say --set run.shares=[]",
            c->run.shares, c->run.shares);
    FAIL_IF(!t->ranks, MIEN_ERR_ARG, "planned ranks take equal shares; say --set run.shares=[]");
    FAIL_IF(ranks != c->run.shares, MIEN_ERR_ARG,
            "run.shares has %u numbers, and there are %u ranks; give one for each", c->run.shares, ranks);
    if (t->params->resume) /* the run was begun with equal shares, or in parts: see train_check_agrees */
        t->config->run.micro_batch = 0;
    FAIL_IF(c->run.micro_batch, MIEN_ERR_ARG,
            "run.micro_batch %u: with run.shares each rank does its share of run.batch at once; set it to 0",
            c->run.micro_batch);
    t->shares = base_alloc(ranks, sizeof(*t->shares));
    FAIL_IF_NULL(t->shares, "shares");
    for (uint32_t r = 0; r < ranks; r++)
        all += c->run.share[r];
    for (uint32_t r = 0; r < ranks; r++) {
        sum += c->run.share[r];
        uint32_t end = r + 1 == ranks ? c->run.batch : (uint32_t)floor(c->run.batch * (sum / all) + 0.5);
        t->shares[r] = end - given;
        given = end;
        FAIL_IF(t->shares[r] == 0, MIEN_ERR_ARG,
                "run.shares: of run.batch %u nothing is left for rank %u, by %g of %g; raise either", c->run.batch, r,
                c->run.share[r], all);
    }
fail:
    return status;
}

struct train_range train_ranks_own(const struct trainer *t)
{
    const struct train_recipe recipe = {.ranks = train_ranks_count(t), .shares = t->shares};
    return train_share_of(&recipe, t->config->run.batch, dist_rank(t->ranks));
}

/* Parts that are no rank's equal share. */
static enum mien_status refuse_part(const struct trainer *t, uint32_t ranks)
{
    uint32_t part = t->config->run.micro_batch, batch = t->config->run.batch, share = batch / ranks;
    char start[48] = "";
    if (batch % part == 0 && batch / part > 1)
        snprintf(start, sizeof(start), "start %u ranks", batch / part);
    if (t->params->resume)
        return base_fail(MIEN_ERR_ARG,
                         "run.micro_batch %u, with which the run was begun, is not the share of each of %u ranks, %u "
                         "of run.batch %u; %s%sgo on alone, or give run.shares, a number for each rank, which "
                         "promises no bits",
                         part, ranks, share, batch, start, *start ? ", " : "");
    return base_fail(MIEN_ERR_ARG,
                     "run.micro_batch %u: each of %u ranks does its share of run.batch %u at once, %u images; set "
                     "run.micro_batch to 0 or %u%s%s",
                     part, ranks, batch, share, share, *start ? ", or " : "", start);
}

enum mien_status train_ranks_shares(struct trainer *t)
{
    enum mien_status status = MIEN_OK;
    uint32_t ranks = train_ranks_count(t), *part = &t->config->run.micro_batch, batch = t->config->run.batch;
    if (t->config->run.shares)
        return weigh_shares(t, ranks);
    if (ranks == 1)
        return MIEN_OK;
    FAIL_IF(batch % ranks != 0, MIEN_ERR_ARG,
            "run.batch %u cannot be shared equally by %u ranks; make it a multiple of their number, "
            "or give run.shares",
            batch, ranks);
    if (*part && *part != batch / ranks)
        return refuse_part(t, ranks);
    *part = batch / ranks; /* one rank gives the same bits with it, and config.json says so */
fail:
    return status;
}

/* What must be the same on all ranks: MIEN_ERR_ARG with what it is. */
static enum mien_status agree(struct trainer *t, const char *what, const char *text)
{
    uint32_t other;
    enum mien_status status = dist_same(t->ranks, text, strlen(text), &other);
    if (status == MIEN_OK && other)
        status =
            base_fail(MIEN_ERR_ARG,
                      "rank %u has %s than rank 0; give all ranks the same files, configuration and version of mien",
                      other, what);
    return status;
}

enum mien_status train_ranks_agree(struct trainer *t)
{
    enum mien_status status = MIEN_OK;
    char text[1024], *config = NULL, *table = NULL;
    cJSON *tuned = NULL;
    uint32_t other = 0;
    const struct vk_caps *caps = vk_device_caps(t->device);
    if (!t->ranks)
        return MIEN_OK;
    TRY(train_config_resolve(t->config));
    config = base_json_print(t->config->json, false);
    FAIL_IF_NULL(config, "a configuration");
    snprintf(text, sizeof(text), "%s %llu %llu %u", mien_version(), (unsigned long long)t->row_count,
             (unsigned long long)t->state.step, t->recipe.blocks_from);
    TRY(agree(t, "another version, number of samples or step", text));
    TRY(agree(t, "other texts, labels or numbers", t->data_key));
    TRY(agree(t, "another configuration", config));
    tuned = vk_tuned_list(&t->tuned);
    table = tuned ? base_json_print(tuned, false) : NULL;
    FAIL_IF_NULL(table, "tuned kernels");
    snprintf(text, sizeof(text), "%s, %s, %.100s", caps->name, caps->driver, table);
    TRY(dist_same(t->ranks, text, strlen(text), &other));
    if (other && train_leads(t))
        LOG_WARN("train: rank %u has another device or driver, or other tuned kernels, than rank 0: the run's weights "
                 "are those of no other number of ranks bit for bit",
                 other);
fail:
    cJSON_Delete(tuned);
    base_free(table);
    base_free(config);
    return status;
}

/* ---- a step ---- */

enum mien_status train_ranks_samples(void *trainer, uint32_t *samples)
{
    const struct trainer *t = trainer;
    struct train_range own = train_ranks_own(t);
    if (t->shares)
        return dist_gather_shares(t->ranks, samples + own.first, t->shares, sizeof(*samples), samples);
    return dist_gather(t->ranks, samples + own.first, own.count * sizeof(*samples), samples);
}

/* What has passed since `at`, where it is asked for; `at` is now. */
static void lap(double *least, double *at)
{
    double now = base_clock_seconds();
    if (least)
        *least = fmin(*least, now - *at);
    *at = now;
}

/* Exchange is timed from when all ranks have come to it. */
static enum mien_status exchange_begins(struct trainer *t, double *at)
{
    enum mien_status status = t->timing && t->timing->exchange ? dist_barrier(t->ranks) : MIEN_OK;
    lap(NULL, at);
    return status;
}

/* A rank that pretends to be one of many takes its own for the others'. */
static enum mien_status gather_one(struct trainer *t, const struct train_gather *g, const void *own, void *all)
{
    size_t whole = g->unit * t->config->run.batch;
    if (!t->pretends && t->shares)
        return dist_gather_shares(t->ranks, own, t->shares, g->unit, all);
    if (!t->pretends)
        return dist_gather(t->ranks, own, g->bytes, all);
    for (size_t at = 0; at < whole; at += g->bytes)
        memcpy((char *)all + at, own, BASE_MIN(g->bytes, whole - at));
    return MIEN_OK;
}

/* What round r's stage has made of the share: features, then what blocks of losses give to all. */
static enum mien_status gather_round(struct trainer *t, struct train_step *p, uint32_t round, uint32_t slot)
{
    enum mien_status status = MIEN_OK;
    const struct train_exchange *x = &p->exchange;
    struct base_trace *trace = vk_device_trace(t->device);
    uint64_t began = base_trace_now(trace);
    double at = 0;
    TRY(exchange_begins(t, &at));
    for (uint32_t i = 0; i < x->gathers; i++) {
        const struct train_gather *g = &x->gather[i];
        if (g->round != round)
            continue;
        TRY(gather_one(t, g, graph_program_output(p->program, slot, g->own),
                       graph_program_input(p->program, slot, g->all)));
    }
    lap(t->timing && t->timing->exchange ? &t->timing->gather[round] : NULL, &at);
    base_trace_span(trace, BASE_TRACK_HOST, round ? "gather blocks" : "gather features", NULL, began);
fail:
    return status;
}

/* What every rank has whole of a bucket, to where it is kept meanwhile, or back. */
static enum mien_status keep(struct trainer *t, const struct train_exchange *x, uint32_t bucket, float *values,
                             bool back)
{
    enum mien_status status = MIEN_OK;
    uint64_t at = 0;
    for (uint32_t i = 0; i < x->kepts; i++) {
        const struct train_kept *kept = &x->kept[i];
        if (kept->bucket != bucket)
            continue;
        TRY(base_grow(&t->kept, &t->kept_capacity, at + kept->count, sizeof(*t->kept)));
        float *there = values + kept->first, *here = t->kept + at;
        memcpy(back ? there : here, back ? here : there, kept->count * sizeof(*values));
        at += kept->count;
    }
fail:
    return status;
}

/* Sums of a bucket over the ranks. */
static enum mien_status sum_bucket(struct trainer *t, struct train_step *p, uint32_t bucket, float *values)
{
    enum mien_status status = MIEN_OK;
    const struct train_exchange *x = &p->exchange;
    struct base_trace *trace = vk_device_trace(t->device);
    uint64_t began = base_trace_now(trace);
    char detail[64];
    double at = 0;
    if (t->pretends)
        return MIEN_OK;
    TRY(keep(t, x, bucket, values, false));
    TRY(exchange_begins(t, &at));
    TRY(dist_sum(t->ranks, values, x->bucket[bucket].count, t->flushes));
    lap(t->timing && t->timing->exchange ? &t->timing->bucket[bucket] : NULL, &at);
    TRY(keep(t, x, bucket, values, true));
    snprintf(detail, sizeof(detail), "bucket %u: %.3f MB", bucket, 4e-6 * (double)x->bucket[bucket].count);
    base_trace_span(trace, BASE_TRACK_HOST, "exchange gradients", detail, began);
fail:
    return status;
}

/* The buckets that a stage has made; the stages behind it run meanwhile. */
static enum mien_status sum_stage(struct trainer *t, struct train_step *p, uint32_t stage)
{
    enum mien_status status = MIEN_OK;
    for (uint32_t b = 0; b < p->exchange.buckets; b++) {
        uint32_t made;
        float *values = graph_program_exchanged(p->program, p->exchange.bucket[b].grads, &made);
        if (made == stage)
            TRY(sum_bucket(t, p, b, values));
    }
fail:
    return status;
}

enum mien_status train_ranks_step(struct trainer *t, struct train_step *p, uint32_t slot)
{
    enum mien_status status = MIEN_OK;
    struct graph_program *program = p->program;
    uint32_t last = graph_program_stages(program) - 1, rounds = p->exchange.rounds;
    double at = base_clock_seconds(), *times = t->timing && !t->timing->exchange ? t->timing->stage : NULL;
    for (uint32_t round = 0; round < rounds; round++) {
        TRY(graph_program_submit_stage(program, round, slot));
        TRY(graph_program_wait_stage(program, round, slot));
        lap(times ? times + round : NULL, &at);
        TRY(gather_round(t, p, round, slot));
        lap(NULL, &at);
    }
    for (uint32_t stage = rounds; stage < last; stage++)
        TRY(graph_program_submit_stage(program, stage, slot));
    if (t->timing && t->timing->exchange && last > rounds) /* timed alone: software drivers want the same cores */
        TRY(graph_program_wait_stage(program, last - 1, slot));
    for (uint32_t stage = rounds; stage < last; stage++) {
        TRY(graph_program_wait_stage(program, stage, slot));
        lap(times ? times + stage : NULL, &at);
        TRY(sum_stage(t, p, stage));
    }
    TRY(graph_program_submit_stage(program, last, slot));
    if (times)
        TRY(graph_program_wait_stage(program, last, slot));
    lap(times ? times + last : NULL, &at);
fail:
    return status;
}

/* ---- between steps ---- */

enum mien_status train_ranks_state(struct trainer *t)
{
    return dist_broadcast(t->ranks, &t->state, sizeof(t->state));
}

enum mien_status train_ranks_start(struct trainer *t)
{
    enum mien_status status = MIEN_OK;
    char from[1200] = "";
    if (!t->ranks)
        return MIEN_OK;
    if (t->from)
        snprintf(from, sizeof(from), "%s", t->from);
    TRY(dist_broadcast(t->ranks, from, sizeof(from)));
    if (!train_leads(t) && *from) {
        t->from = base_path_join("", from);
        FAIL_IF_NULL(t->from, "a path");
    }
    TRY(train_ranks_state(t));
fail:
    return status;
}
