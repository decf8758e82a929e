/* plan.c: what a run will take: counted from its programs, and timed by a few steps of it. */
#include "train/trainer.h"

enum { TIMED_STEPS = 5 };
static const double most_seconds = 20;

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

enum mien_status train_measure(struct trainer *t)
{
    enum mien_status status = MIEN_OK;
    struct mien_train_plan *plan = &t->summary.plan;
    struct graph_program_stats stats;
    uint64_t warm = t->state.step + 2, last = t->steps;
    count_weights(t, plan);
    plan->steps = last;
    if (t->mining_from < last && t->mining_from > t->state.step)
        t->mining_from = 0;                                     /* what costs more */
    TRY(train_some(t, BASE_MIN(warm, last), 2 * most_seconds)); /* kernels are compiled */
    uint64_t from = t->state.step;
    TRY(train_some(t, BASE_MIN(from + TIMED_STEPS, last), most_seconds));
    if (t->state.step > from)
        plan->seconds_per_step = t->summary.seconds / (double)(t->state.step - from);
    graph_program_stats(t->last->program, &stats);
    plan->flops_per_step = stats.flops;
    plan->activation_bytes = stats.activation_bytes;
    plan->batch_bytes = stats.io_bytes;
fail:
    return status;
}
