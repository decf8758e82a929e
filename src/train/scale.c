/* scale.c: what a step of several ranks takes: one rank's own part, timed here without the others, and a model of what
 * is between them. Gradients go out bucket by bucket, each once it has been made and the one before it has gone. */
#include "train/trainer.h"

#include <math.h>

enum { STEPS = 4, EXCHANGES = 24, MOST_RANKS = 1 << 16 };
static const double most_seconds = 20, least_cost = 0.1;

struct scale {
    struct trainer *t;
    const struct train_step *step;
    struct dist_link link;
    struct train_timing *timing;
    uint32_t stages;
    double flops_per_second; /* of the step as timed */
};

struct prediction {
    double compute, gather, sum, exposed, losses; /* losses: of compute, what is more than was timed */
};

static double gathered_bytes(const struct train_exchange *x)
{
    double bytes = 0;
    for (uint32_t i = 0; i < x->gathers; i++)
        bytes += (double)x->gather[i].bytes;
    return bytes;
}

/* The losses of one rank, B pairs: whole 6 B^2 E operations a level; in blocks rows and columns are each made again for
 * the gradients, 12 b B E. */
static double losses_of(const struct scale *s, uint32_t ranks)
{
    struct train_split split;
    struct train_recipe recipe = s->t->recipe;
    uint32_t share = s->t->config->run.batch / recipe.ranks;
    double pairs = (double)share * ranks, levels = (double)recipe.model->config.embed * train_levels(&recipe.objective);
    recipe.ranks = ranks;
    recipe.shares = NULL;
    bool blocks = train_split_of(&recipe, (uint32_t)fmin(pairs, UINT32_MAX), &split);
    return levels * (blocks ? 12 * share * pairs : 6 * pairs * pairs);
}

/* What they take more for other ranks. */
static double more_losses(const struct scale *s, uint32_t ranks)
{
    return fmax((losses_of(s, ranks) - losses_of(s, s->t->recipe.ranks)) / s->flops_per_second, 0);
}

static struct prediction predict(const struct scale *s, uint32_t ranks)
{
    const struct train_exchange *x = &s->step->exchange;
    struct prediction p = {0};
    for (uint32_t round = 0; round < x->rounds; round++)
        p.compute += s->timing->stage[round];
    for (uint32_t i = 0; i < x->gathers; i++)
        p.gather += dist_gather_seconds(&s->link, ranks, (double)x->gather[i].bytes);
    p.losses = more_losses(s, ranks);
    double ready = p.losses, sent = 0; /* since the features were there */
    for (uint32_t stage = x->rounds; stage + 1 < s->stages; stage++) {
        ready += s->timing->stage[stage];
        for (uint32_t b = 0; b < x->buckets; b++) {
            uint32_t made;
            (void)graph_program_exchanged(s->step->program, x->bucket[b].grads, &made);
            if (made != stage)
                continue;
            double takes = dist_sum_seconds(&s->link, ranks, 4.0 * (double)x->bucket[b].count);
            sent = fmax(sent, ready) + takes;
            p.sum += takes;
        }
    }
    p.exposed = p.gather + fmax(sent - ready, 0);
    p.compute += ready + s->timing->stage[s->stages - 1];
    return p;
}

static uint32_t hidden_ranks(const struct scale *s)
{
    uint32_t most = 1;
    for (uint32_t ranks = 2; ranks <= MOST_RANKS; ranks *= 2) {
        struct prediction p = predict(s, ranks);
        if (p.exposed + p.losses > least_cost * (p.compute + p.exposed))
            break;
        most = ranks;
    }
    return most;
}

/* ---- measuring --------------------------------------------------------------------------------------------------- */

static enum mien_status allocate(struct scale *s)
{
    const struct train_exchange *x = &s->step->exchange;
    s->stages = graph_program_stages(s->step->program);
    s->timing->stage = base_alloc(s->stages, sizeof(double));
    s->timing->bucket = base_alloc(x->buckets + 1, sizeof(double));
    for (uint32_t round = 0; round < x->rounds; round++)
        s->timing->gather[round] = INFINITY;
    for (uint32_t i = 0; s->timing->stage && i < s->stages; i++)
        s->timing->stage[i] = INFINITY;
    for (uint32_t i = 0; s->timing->bucket && i < x->buckets; i++)
        s->timing->bucket[i] = INFINITY;
    return s->timing->stage && s->timing->bucket ? MIEN_OK : base_fail(MIEN_ERR_NOMEM, "out of host memory for times");
}

/* Steps that are timed; those that run a program of another text length are not this one's. */
static enum mien_status time_steps(struct scale *s, bool exchange)
{
    struct trainer *t = s->t;
    t->pretends = !exchange;
    t->timing = s->timing;
    t->timing->exchange = exchange;
    enum mien_status status = train_some(t, t->state.step + (exchange ? EXCHANGES : STEPS), most_seconds);
    t->timing = NULL;
    return status;
}

static enum mien_status find_link(struct scale *s)
{
    const struct mien_train_params *given = s->t->params;
    const struct train_exchange *x = &s->step->exchange;
    size_t largest = 0;
    for (uint32_t b = 0; b < x->buckets; b++)
        largest = BASE_MAX(largest, (size_t)x->bucket[b].count * sizeof(float));
    if (given->bandwidth > 0) {
        s->link = (struct dist_link){given->latency, given->bandwidth, given->bandwidth};
        return MIEN_OK;
    }
    if (!s->t->ranks)
        return base_fail(MIEN_ERR_ARG, "planned ranks need what is between them: give bandwidth and latency, or start "
                                       "the dry run by mpirun, which measures them");
    return dist_measure(s->t->ranks, largest, &s->link);
}

static void put(const struct scale *s, struct mien_train_scaling *out)
{
    const struct train_exchange *x = &s->step->exchange;
    struct prediction p = predict(s, s->t->recipe.ranks);
    *out = (struct mien_train_scaling){.ranks = s->t->recipe.ranks,
                                       .share = train_ranks_own(s->t).count,
                                       .bandwidth = s->link.summing,
                                       .latency = s->link.latency,
                                       .gather_bytes = gathered_bytes(x),
                                       .compute_seconds = p.compute,
                                       .gather_seconds = p.gather,
                                       .sum_seconds = p.sum,
                                       .exposed_seconds = p.exposed,
                                       .step_seconds = p.compute + p.exposed,
                                       .hidden_ranks = hidden_ranks(s)};
    for (uint32_t b = 0; b < x->buckets; b++) {
        out->gradient_bytes += 4.0 * (double)x->bucket[b].count;
        out->measured_sum_seconds += s->t->ranks ? s->timing->bucket[b] : 0;
    }
    for (uint32_t round = 0; round < x->rounds && s->t->ranks; round++)
        out->measured_gather_seconds += s->timing->gather[round];
}

enum mien_status train_scale(struct trainer *t)
{
    enum mien_status status = MIEN_OK;
    struct train_timing timing = {0};
    struct scale s = {.t = t, .timing = &timing};
    struct graph_program_stats stats;
    double seconds = 0;
    TRY(train_some(t, t->state.step + 1, most_seconds));
    s.step = t->last;
    TRY(allocate(&s));
    TRY(time_steps(&s, false));
    for (uint32_t i = 0; i < s.stages; i++)
        seconds += timing.stage[i];
    graph_program_stats(s.step->program, &stats);
    s.flops_per_second = stats.flops / fmax(seconds, 1e-9);
    if (t->ranks)
        TRY(time_steps(&s, true));
    TRY(find_link(&s));
    put(&s, &t->summary.scaling);
fail:
    base_free(timing.stage);
    base_free(timing.bucket);
    return status;
}
