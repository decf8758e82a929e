/* trainer.c: the loop: batches go to the device while earlier steps run; losses are read one step behind. */
#include "train/trainer.h"

#include "args/optim.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- what a step was ---- */

/* Over the last steps, as single ones end in pairs: two are in flight. */
static double rate_of(struct trainer *t, const struct train_flight *flight)
{
    double now = base_clock_seconds(), *ended = t->ended;
    uint64_t done = flight->step - t->began_at, back = BASE_MIN(done, (uint64_t)TRAIN_RATE_STEPS);
    double then = back == done ? t->began : ended[(flight->step - back) % TRAIN_RATE_STEPS];
    ended[flight->step % TRAIN_RATE_STEPS] = now;
    return (double)(back * flight->program->shape.batch) / fmax(now - then, 1e-9);
}

static double number(const struct train_flight *flight, op_value value)
{
    return value == OP_NONE
               ? 0
               : (double)*(const float *)graph_program_output(flight->program->program, flight->slot, value);
}

/* The first parameter whose gradient is infinite or not a number. */
static const char *first_bad(const struct trainer *t, const struct train_flight *flight)
{
    const struct train_step *p = flight->program;
    const float *norms = graph_program_output(p->program, flight->slot, p->norms);
    struct train_trained *trained = base_alloc(t->model->count, sizeof(*trained));
    const char *bad = NULL;
    uint32_t row = 0, count = trained ? train_trained_list(t->model, t->rules, trained) : 0;
    for (uint32_t i = 0; i < count && !bad; i++) {
        if (p->grads[trained[i].stack] == OP_NONE)
            continue;
        for (uint32_t k = 0; k < 64 && !bad; k++)
            bad = isfinite(norms[(size_t)row * 64 + k]) ? NULL : trained[i].name;
        row++;
    }
    base_free(trained);
    return bad;
}

/* Whether the step has been left out, and its loss will be scaled by less next time. */
static bool left_out(const struct train_flight *flight, const struct train_log_step *row)
{
    const struct train_step *p = flight->program;
    const float *clipping = graph_program_output(p->program, flight->slot, p->clipping);
    return clipping[1] == 0 && row->loss_scale > SCALER_LEAST;
}

static enum mien_status check_finite(const struct trainer *t, const struct train_flight *flight,
                                     const struct train_log_step *row)
{
    if ((isfinite(row->loss) && isfinite(row->grad_norm)) || left_out(flight, row))
        return MIEN_OK;
    const char *bad = first_bad(t, flight);
    return base_fail(MIEN_ERR_FAILED,
                     "step %llu: the loss is %g and the gradient norm %g%s%s; training stops. Lower optim.lr%s, or "
                     "check the data and weights of that step",
                     (unsigned long long)row->step, row->loss, row->grad_norm,
                     bad ? "; the first bad tensor is the gradient of " : "", bad ? bad : "",
                     row->loss_scale > 0 ? ", use run.precision bf16" : "");
}

/* Mining that finds positives everywhere has collapsed, or its thresholds are too low. */
static void watch_mining(struct trainer *t, const struct train_log_step *row)
{
    enum { STEPS = 20 };
    double most = fmax(row->positives[0], row->positives[1]);
    t->state.collapsing = most > 0.25 * t->config->run.batch ? t->state.collapsing + 1 : 0;
    if (t->state.collapsing < STEPS || t->state.collapse_warned || !train_leads(t))
        return;
    t->state.collapse_warned = true;
    LOG_WARN("step %llu: mining is collapsing: %.1f positives on average in a batch of %u for %d steps; raise "
             "loss.mining.threshold or warmup_steps, lower top_k, or use source frozen",
             (unsigned long long)row->step, most, t->config->run.batch, STEPS);
}

/* The first and the last loss, of steps that have one: those that are left out may not. */
static void note_loss(struct trainer *t, const struct train_log_step *row)
{
    if (!isfinite(row->loss))
        return;
    t->summary.last_loss = row->loss;
    if (t->state.first_loss == 0)
        t->summary.first_loss = t->state.first_loss = row->loss;
}

static enum mien_status report(struct trainer *t, const struct train_flight *flight)
{
    enum mien_status status = MIEN_OK;
    const struct train_step *p = flight->program;
    const struct mien_train_params *params = t->params;
    struct train_log_step row = {.step = flight->step, .lr = flight->lr, .positives = {1, 1}};
    row.loss = number(flight, p->losses.total);
    row.loss_global = number(flight, p->losses.global);
    row.loss_local = number(flight, p->losses.local);
    row.has_head = p->losses.head != OP_NONE;
    row.loss_head = number(flight, p->losses.head);
    row.grad_norm = number(flight, p->clipping);
    row.logit_scale = number(flight, p->logit_scale);
    if (p->losses.positives != OP_NONE) {
        const float *positives = graph_program_output(p->program, flight->slot, p->losses.positives);
        row.positives[0] = (double)positives[0];
        row.positives[1] = (double)positives[1];
    }
    for (uint32_t i = 0; i < 2 && p->losses.similarity[i] != OP_NONE; i++)
        row.similarity[i] = graph_program_output(p->program, flight->slot, p->losses.similarity[i]);
    if (p->scaler != OP_NONE) {
        const float *scaler = graph_program_output(p->program, flight->slot, p->scaler);
        row.loss_scale = (double)scaler[SCALER_USED];
        row.skipped = (uint64_t)scaler[SCALER_SKIPPED];
    }
    row.bins = TRAIN_BINS;
    row.samples_per_s = rate_of(t, flight);
    TRY(check_finite(t, flight, &row));
    t->summary.steps = t->state.step = row.step;
    t->summary.fresh = row.step - t->began_at;
    note_loss(t, &row);
    if (p->shape.mining)
        watch_mining(t, &row);
    if (params->now)
        *params->now = (struct mien_train_now){row.loss, row.samples_per_s};
    t->cancelled = base_progress(params->progress, params->user, row.step, BASE_MAX(t->steps, row.step)) != MIEN_OK ||
                   t->cancelled;
    if (t->log && (row.step % t->config->run.log_every == 0 || row.step == t->steps))
        TRY(train_log_write(t->log, &row));
fail:
    return status;
}

/* ---- steps in flight ---- */

/* Waits for the oldest step and reports it. */
static enum mien_status land_one(struct trainer *t)
{
    struct train_flight flight = t->flight[0];
    t->in_flight--;
    memmove(&t->flight[0], &t->flight[1], t->in_flight * sizeof(t->flight[0]));
    enum mien_status status = graph_program_wait(flight.program->program, flight.slot);
    status = status == MIEN_OK ? report(t, &flight) : status; /* which refuses what is not finite */
    if (status == MIEN_OK && flight.program->shape.grads && train_leads(t))
        status = train_save_grads(t, &flight, t->config->run.dump_grads);
    return status;
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

static enum mien_status make_program(void *context, const uint32_t *key, struct graph_compile_params params,
                                     struct graph_program **program, void **user)
{
    struct trainer *t = context;
    const struct train_step_shape shape = {.batch = key[0], .length = key[1], .mining = key[2], .grads = key[3]};
    struct train_step *step;
    enum mien_status status = train_step_compile(&t->recipe, &shape, &params, &step);
    if (status != MIEN_OK)
        return status;
    *program = step->program;
    *user = step;
    t->made++;
    return train_note_variants(t, step->program);
}

enum mien_status train_program_of(struct trainer *t, const struct data_batch *batch, uint64_t step,
                                  struct train_step **out)
{
    struct graph_program *program;
    void *user = NULL;
    const uint32_t key[] = {batch->count, batch->length, step > t->mining_from, step == 1 && t->config->run.dump_grads};
    enum mien_status status = graph_cache_get(t->programs, key, BASE_COUNT(key), make_program, t, &program, &user);
    t->last = *out = user;
    return status;
}

static enum mien_status submit_batch(struct trainer *t, const struct data_batch *batch, uint64_t step)
{
    enum mien_status status = MIEN_OK;
    struct train_step *p;
    double lr = train_rate_at(&t->rate, step - 1);
    struct train_hyper hyper = t->hyper;
    hyper.lr = lr;
    TRY(land_until(t, TRAIN_IN_FLIGHT_MAX - 1)); /* a new program may drop any but the last */
    TRY(train_program_of(t, batch, step, &p));
    uint32_t slot = p->next_slot;
    TRY(land_slot(t, p, slot));
    train_watch_texts(t, batch, step);
    train_fill_inputs(t, p, slot, batch);
    train_hyper_fill(&hyper, step, graph_program_input(p->program, slot, p->hyper));
    TRY(t->recipe.ranks > 1 ? train_ranks_step(t, p, slot) : graph_program_submit(p->program, slot));
    p->next_slot = (slot + 1) % GRAPH_SLOTS;
    t->flight[t->in_flight++] = (struct train_flight){.program = p, .slot = slot, .step = step, .lr = lr};
fail:
    return status;
}

/* ---- the loop ---- */

static bool checkpoint_due(const struct trainer *t, uint64_t step)
{
    uint32_t every = t->config->run.checkpoint_every;
    double minutes = t->config->run.checkpoint_minutes;
    return (every && step % every == 0) || (minutes > 0 && base_clock_seconds() - t->saved > 60 * minutes);
}

/* What follows the submission of a step. */
static enum mien_status between(struct trainer *t, uint64_t step)
{
    enum mien_status status = MIEN_OK;
    bool evaluates = train_evaluates(t, step), saves = train_leads(t) && checkpoint_due(t, step);
    if (step == t->steps || (!evaluates && !saves))
        return MIEN_OK;
    TRY(land_until(t, 0));
    if (evaluates)
        TRY(train_evaluate(t));
    if (saves)
        TRY(train_checkpoint(t));
fail:
    return status;
}

/* The next step, submitted. */
static enum mien_status one_step(struct trainer *t, uint64_t step)
{
    enum mien_status status = MIEN_OK;
    const struct data_batch *batch = NULL;
    struct base_trace *trace = vk_device_trace(t->device);
    uint64_t began = base_trace_now(trace);
    TRY(data_loader_next(t->loader, &batch));
    base_trace_span(trace, BASE_TRACK_HOST, "next batch", NULL, began);
    TRY(submit_batch(t, batch, step));
fail:
    if (batch)
        data_batch_release(t->loader, &batch);
    return status;
}

enum mien_status train_some(struct trainer *t, uint64_t last, double seconds)
{
    enum mien_status status = MIEN_OK;
    t->began = base_clock_seconds();
    t->began_at = t->state.step;
    for (uint64_t step = t->state.step + 1; step <= last; step++) {
        bool over = t->cancelled || base_clock_seconds() - t->began >= seconds;
        TRY(dist_any(t->ranks, &over));
        if (over)
            break;
        TRY(one_step(t, step));
    }
    TRY(land_until(t, 0));
    t->summary.seconds = base_clock_seconds() - t->began;
    status = t->cancelled ? MIEN_ERR_CANCELLED : MIEN_OK;
fail:
    return status;
}

enum mien_status train_loop(struct trainer *t)
{
    enum mien_status status = MIEN_OK;
    t->began = t->saved = base_clock_seconds();
    t->began_at = t->state.step;
    for (uint64_t step = t->state.step + 1; step <= t->steps; step++) {
        bool stop = t->cancelled || (t->params->stop && *t->params->stop);
        TRY(dist_any(t->ranks, &stop));
        if (stop) {
            t->summary.stopped = true;
            break;
        }
        if (train_is_out_of_patience(t)) {
            t->summary.early = true;
            break;
        }
        TRY(one_step(t, step));
        TRY(between(t, step));
    }
    TRY(land_until(t, 0));
    t->summary.seconds = base_clock_seconds() - t->began;
fail:
    return status;
}

/* ---- the whole ---- */

/* The checkpoint of the end, and the model when all steps are done. */
static enum mien_status finish(struct trainer *t)
{
    enum mien_status status = MIEN_OK;
    char *dir = base_path_join(t->config->run.dir, "model");
    FAIL_IF_NULL(dir, "a path");
    if (!t->summary.stopped)
        TRY(train_evaluate(t));
    if (train_leads(t) && t->state.step > 0 && t->saved_at != t->state.step)
        TRY(train_checkpoint(t));
    train_tell_best(t);
    if (t->summary.stopped || !train_leads(t))
        goto fail;
    TRY(train_save_model(t, t->state.step, dir));
    snprintf(t->summary.model, sizeof(t->summary.model), "%s", dir);
fail:
    base_free(dir);
    return status;
}

struct mien_training {
    struct mien_train_params params;
    struct trainer trainer;
};

enum mien_status mien_training_open(const struct mien_train_params *given, struct mien_training **out)
{
    enum mien_status status = MIEN_OK;
    struct mien_training *training = NULL;
    const struct mien_train_params *params;
    NEED(out);
    *out = NULL;
    NEED(given);
    training = base_alloc(1, sizeof(*training));
    FAIL_IF_NULL(training, "a training");
    TRY(SIZED_READ(&training->params, given));
    params = &training->params;
    FAIL_IF(!params->config && !params->run_dir, MIEN_ERR_ARG,
            "mien_training_open: a configuration file, or a run directory to go on with, is needed");
    FAIL_IF(params->run_dir && (params->config || !params->resume), MIEN_ERR_ARG,
            "mien_training_open: run_dir is for resuming without a configuration file");
    for (size_t i = 0; i < params->set_count; i++)
        FAIL_IF(!params->sets || !params->sets[i], MIEN_ERR_ARG, "mien_training_open: setting %zu of %zu is NULL", i,
                params->set_count);
    TRY(train_begin(params, &training->trainer));
    *out = training;
    return MIEN_OK;
fail:
    mien_training_close(&training);
    return status;
}

enum mien_status mien_training_run(struct mien_training *training, struct mien_gpu *gpu,
                                   struct mien_train_summary *summary)
{
    enum mien_status status = MIEN_OK;
    struct trainer *t = training ? &training->trainer : NULL;
    TRY(SIZED_CLEAR(summary));
    NEED(training && gpu);
    FAIL_IF(t->device, MIEN_ERR_ARG, "mien_training_run: this training has been run; open another to go on");
    TRY(train_prepare(vk_gpu_device(gpu), t));
    if (t->params->dry_run) {
        TRY(train_measure(t));
    } else {
        TRY(train_loop(t));
        TRY(finish(t));
    }
    t->summary.size = sizeof(t->summary);
    TRY(SIZED_WRITE(summary, &t->summary));
    if (t->cancelled && t->summary.stopped)
        status = MIEN_ERR_CANCELLED;
fail:
    return vk_gpu_ended(gpu, status);
}

void mien_training_close(struct mien_training **training)
{
    if (!training || !*training)
        return;
    train_clear(&(*training)->trainer);
    base_free(*training);
    *training = NULL;
}

enum mien_status mien_train(struct mien_gpu *gpu, const struct mien_train_params *params,
                            struct mien_train_summary *summary)
{
    enum mien_status status = MIEN_OK;
    struct mien_training *training = NULL;
    TRY(SIZED_CLEAR(summary));
    NEED(gpu && params);
    TRY(mien_training_open(params, &training));
    TRY(mien_training_run(training, gpu, summary));
fail:
    mien_training_close(&training);
    return vk_gpu_ended(gpu, status);
}
