/* plan.c: what a run will take: counted from its programs, and timed by a few steps of it. */
#include "train/trainer.h"

#include <math.h>

enum { WARM_STEPS = 3, TIMED_STEPS = 5 };
static const double most_seconds = 20;
/* What a software driver does in about a minute: a step of more is counted there, and not timed. */
static const double most_software_flops = 5e11;

static uint64_t tensor_bytes(const struct tensor *tensor)
{
    return tensor->range.block ? tensor_shape_bytes(&tensor->shape) : 0;
}

/* Bytes of weights and of what the optimiser keeps. */
static void count_weights(const struct trainer *t, struct mien_train_plan *plan)
{
    for (uint32_t i = 0; i < t->model->count; i++) {
        uint64_t bytes = tensor_bytes(&t->model->params[i].value);
        plan->weight_bytes += t->initial ? 2 * bytes : bytes;
        plan->optimizer_bytes += tensor_bytes(&t->moments.first[i]) + tensor_bytes(&t->moments.second[i]);
        plan->trained += t->rules[i].frozen ? 0 : bytes / 4;
    }
}

/* Times whole steps that run with what is compiled: where a new program was made among them (another text length), they
 * are timed again, as long as there is time. They may be more than the run has. */
static enum mien_status time_steps(struct trainer *t, double *seconds_per_step)
{
    enum mien_status status = MIEN_OK;
    double until = base_clock_seconds() + most_seconds;
    uint32_t made;
    do {
        uint64_t from = t->state.step;
        made = t->made;
        TRY(train_some(t, from + TIMED_STEPS, most_seconds));
        *seconds_per_step = t->summary.seconds / (double)(t->state.step - from);
    } while (t->made != made && base_clock_seconds() < until);
fail:
    return status;
}

/* The first step's program, which is then what the steps run. */
static enum mien_status count_step(struct trainer *t, struct graph_program_stats *stats)
{
    enum mien_status status = MIEN_OK;
    const struct data_batch *batch = NULL;
    struct train_step *step;
    TRY(data_loader_next(t->loader, &batch));
    TRY(train_program_of(t, batch, t->state.step + 1, &step));
    graph_program_stats(step->program, stats);
    data_batch_release(t->loader, &batch);
    TRY(data_loader_seek(t->loader, t->state.step));
fail:
    if (batch)
        data_batch_release(t->loader, &batch);
    return status;
}

/* A run that mines later is planned as it is then: that costs more. */
static void mine_at_once(struct trainer *t)
{
    if (t->mining_from < t->steps && t->mining_from > t->state.step)
        t->mining_from = 0;
}

enum mien_status train_plan_steps(struct trainer *t)
{
    enum { BATCHES = 4 }; /* their texts may be of several lengths */
    enum mien_status status = MIEN_OK;
    const struct data_batch *batch = NULL;
    struct train_step *step;
    mine_at_once(t);
    for (uint32_t i = 0; i < BATCHES; i++) {
        TRY(data_loader_next(t->loader, &batch));
        TRY(train_program_of(t, batch, t->state.step + 1, &step));
        data_batch_release(t->loader, &batch);
    }
fail:
    if (batch)
        data_batch_release(t->loader, &batch);
    return status;
}

static void put_stats(const struct graph_program_stats *stats, struct mien_train_plan *plan)
{
    plan->flops_per_step = stats->flops;
    plan->activation_bytes = stats->activation_bytes;
    plan->batch_bytes = stats->io_bytes;
}

enum mien_status train_measure(struct trainer *t)
{
    enum mien_status status = MIEN_OK;
    struct mien_train_plan *plan = &t->summary.plan;
    struct graph_program_stats stats;
    count_weights(t, plan);
    plan->steps = t->steps;
    t->rate =
        (struct train_rate){.schedule = TRAIN_CONSTANT}; /* 0: the weights stay, whatever the run would make of them */
    mine_at_once(t);
    TRY(count_step(t, &stats));
    put_stats(&stats, plan);
    plan->seconds_per_step = NAN;
    if (vk_device_caps(t->device)->type == VK_TYPE_SOFTWARE && stats.flops > most_software_flops)
        return MIEN_OK;
    TRY(train_some(t, t->state.step + WARM_STEPS, 2 * most_seconds)); /* kernels are compiled, slices cut */
    if (t->recipe.ranks > 1) {
        TRY(train_scale(t));
        plan->seconds_per_step = t->summary.scaling.step_seconds;
    } else {
        TRY(time_steps(t, &plan->seconds_per_step));
    }
    graph_program_stats(t->last->program, &stats);
    put_stats(&stats, plan);
fail:
    return status;
}
