/* trainer.c: the loop: batches go to the device while earlier steps run; losses are read one step behind. */
#include "train/trainer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- steps in flight ---- */

/* Over the last steps, as single ones end in pairs: two are in flight. */
static double rate_of(struct trainer *t, const struct train_flight *flight)
{
    double now = base_clock_seconds(), *ended = t->ended;
    uint64_t back = BASE_MIN(flight->step, (uint64_t)TRAIN_RATE_STEPS);
    double then = back == flight->step ? t->began : ended[(flight->step - back) % TRAIN_RATE_STEPS];
    ended[flight->step % TRAIN_RATE_STEPS] = now;
    return (double)(back * flight->program->shape.batch) / fmax(now - then, 1e-9);
}

static enum mien_status report(struct trainer *t, const struct train_flight *flight)
{
    const struct train_step *p = flight->program;
    const struct mien_train_params *params = t->params;
    struct train_log_step row = {.step = flight->step, .lr = flight->lr};
    row.loss = (double)*(const float *)graph_program_output(p->program, flight->slot, p->loss);
    row.grad_norm = (double)*(const float *)graph_program_output(p->program, flight->slot, p->clipping);
    row.logit_scale = (double)*(const float *)graph_program_output(p->program, flight->slot, p->logit_scale);
    row.samples_per_s = rate_of(t, flight);
    if (!isfinite(row.loss) || !isfinite(row.grad_norm))
        return base_fail(MIEN_ERR_FAILED,
                         "step %llu: the loss is %g and the gradient norm %g; training stops. Lower optim.lr, or check "
                         "the data of that step",
                         (unsigned long long)row.step, row.loss, row.grad_norm);
    t->summary.steps = row.step;
    t->summary.last_loss = row.loss;
    if (row.step == 1)
        t->summary.first_loss = row.loss;
    if (params->progress)
        params->progress(params->user, &(struct mien_train_progress){row.step, t->steps, row.loss, row.samples_per_s});
    if (row.step % t->config->run.log_every != 0 && row.step != t->steps)
        return MIEN_OK;
    return train_log_write(t->log, &row);
}

/* Waits for the oldest step and reports it. */
static enum mien_status land_one(struct trainer *t)
{
    struct train_flight flight = t->flight[0];
    t->in_flight--;
    memmove(&t->flight[0], &t->flight[1], t->in_flight * sizeof(t->flight[0]));
    enum mien_status status = graph_program_wait(flight.program->program, flight.slot);
    if (status == MIEN_OK && flight.program->shape.grads)
        status = train_save_grads(t, &flight, t->config->run.dump_grads);
    return status == MIEN_OK ? report(t, &flight) : status;
}

static enum mien_status land_until(struct trainer *t, uint32_t most)
{
    enum mien_status status = MIEN_OK;
    while (status == MIEN_OK && t->in_flight > most)
        status = land_one(t);
    return status;
}

/* Until a program's slot is free. */
static enum mien_status land_slot(struct trainer *t, const struct train_step *program, uint32_t slot)
{
    for (uint32_t i = t->in_flight; i > 0; i--) {
        if (t->flight[i - 1].program == program && t->flight[i - 1].slot == slot)
            return land_until(t, t->in_flight - i);
    }
    return MIEN_OK;
}

/* ---- programs by shape ---- */

static enum mien_status add_program(struct trainer *t, const struct train_step_shape *shape, struct train_step **out)
{
    enum mien_status status = MIEN_OK;
    uint32_t oldest = 0;
    if (t->program_count == TRAIN_PROGRAMS_MAX) { /* the least recently used one gives way */
        TRY(land_until(t, 0));
        for (uint32_t i = 1; i < t->program_count; i++) {
            if (t->programs[i].used < t->programs[oldest].used)
                oldest = i;
        }
        train_step_destroy(&t->programs[oldest]);
        t->programs[oldest] = t->programs[--t->program_count];
    }
    TRY(train_step_compile(t->model, &t->moments, shape, &t->programs[t->program_count]));
    *out = &t->programs[t->program_count++];
fail:
    return status;
}

static enum mien_status get_program(struct trainer *t, const struct data_batch *batch, uint64_t step,
                                    struct train_step **out)
{
    struct train_step_shape shape = {.batch = batch->count, .levels = batch->levels, .length = batch->length};
    shape.grads = step == 1 && t->config->run.dump_grads;
    *out = NULL;
    for (uint32_t i = 0; i < t->program_count; i++) {
        const struct train_step_shape *s = &t->programs[i].shape;
        if (s->batch == shape.batch && s->levels == shape.levels && s->length == shape.length &&
            s->grads == shape.grads)
            *out = &t->programs[i];
    }
    return *out ? MIEN_OK : add_program(t, &shape, out);
}

/* ---- a step ---- */

static void fill_inputs(struct trainer *t, struct train_step *p, uint32_t slot, const struct data_batch *batch,
                        uint64_t step, double lr)
{
    size_t side = t->model->config.vision.image, texts = (size_t)batch->levels * batch->count;
    struct train_hyper hyper = t->hyper;
    hyper.lr = lr;
    memcpy(graph_program_input(p->program, slot, p->pixels), batch->images,
           batch->count * 3 * side * side * sizeof(float));
    memcpy(graph_program_input(p->program, slot, p->ids), batch->tokens, texts * batch->length * sizeof(int32_t));
    memcpy(graph_program_input(p->program, slot, p->eot), batch->eot, texts * sizeof(int32_t));
    train_hyper_fill(&hyper, step, graph_program_input(p->program, slot, p->hyper));
}

static enum mien_status submit_batch(struct trainer *t, const struct data_batch *batch, uint64_t step)
{
    enum mien_status status = MIEN_OK;
    struct train_step *p;
    double lr = train_rate_at(&t->rate, step - 1);
    TRY(get_program(t, batch, step, &p));
    uint32_t slot = p->next_slot;
    TRY(land_until(t, TRAIN_IN_FLIGHT_MAX - 1));
    TRY(land_slot(t, p, slot));
    fill_inputs(t, p, slot, batch, step, lr);
    TRY(graph_program_submit(p->program, slot));
    p->next_slot = (slot + 1) % GRAPH_SLOTS;
    p->used = step;
    t->flight[t->in_flight++] = (struct train_flight){.program = p, .slot = slot, .step = step, .lr = lr};
fail:
    return status;
}

enum mien_status train_loop(struct trainer *t)
{
    enum mien_status status = MIEN_OK;
    const struct data_batch *batch = NULL;
    t->began = base_clock_seconds();
    for (uint64_t step = 1; step <= t->steps; step++) {
        if (t->params->stop && *t->params->stop) {
            t->summary.stopped = true;
            break;
        }
        TRY(data_loader_next(t->loader, &batch));
        TRY(submit_batch(t, batch, step));
        data_batch_release(t->loader, &batch);
    }
    TRY(land_until(t, 0));
    t->summary.seconds = base_clock_seconds() - t->began;
fail:
    if (batch)
        data_batch_release(t->loader, &batch);
    return status;
}

/* ---- the whole ---- */

enum mien_status mien_train(struct mien_gpu *gpu, const struct mien_train_params *params,
                            struct mien_train_summary *summary)
{
    enum mien_status status = MIEN_OK;
    struct trainer trainer = {0};
    char *dir = NULL;
    if (summary)
        *summary = (struct mien_train_summary){0};
    FAIL_IF(!gpu || !params || !params->config, MIEN_ERR_ARG, "mien_train: a gpu and a configuration file are needed");
    TRY(train_prepare(vk_gpu_device(gpu), params, &trainer));
    TRY(train_loop(&trainer));
    dir = base_path_join(trainer.config->run.dir, "model");
    FAIL_IF_NULL(dir, "a path");
    TRY(train_save_model(&trainer, trainer.summary.steps, dir));
    snprintf(trainer.summary.model, sizeof(trainer.summary.model), "%s", dir);
    if (summary)
        *summary = trainer.summary;
fail:
    base_free(dir);
    train_clear(&trainer);
    return status;
}
