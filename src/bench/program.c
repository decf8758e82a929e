/* program.c: towers and whole training steps as programs: planned, checked, then timed. */
#include "bench/models.h"

#include "train/config.h"

#include <math.h>
#include <string.h>

/* Seconds that a run may take on a software device, and where it is to be quick. */
static const double most_seconds = 3, most_quick = 0.4;

static const struct train_hyper hyper = {
    .lr = 1e-4, .betas = {0.9, 0.98}, .eps = 1e-6, .weight_decay = 0.1, .clip_norm = 1};

struct program_state {
    struct graph_program *program; /* of a tower; of a step, its own */
    struct train_step *step;
    struct bench_record record;
    uint64_t number;      /* of the step to come */
    struct tensor *grads; /* [model->stack_count] */
    float *first;         /* the outputs of the first run */
    uint64_t outputs;     /* of them */
};

enum mien_status bench_programs_add(struct bench_run *run)
{
    /* Steps with 16-bit activations stand beside those of f32: what they gain is the ratio of the two. */
    static const struct {
        const char *kind, *word;
        enum bench_part part;
        enum mien_dtype stored;
    } rows[] = {{"tower", "/image", BENCH_IMAGE, MIEN_F32},   {"tower", "/text", BENCH_TEXT, MIEN_F32},
                {"tower", "/clip_bwd", BENCH_CLIP, MIEN_F32}, {"step", "", BENCH_STEP, MIEN_F32},
                {"step", "/bf16", BENCH_STEP, MIEN_BF16},     {"step", "/f16", BENCH_STEP, MIEN_F16}};
    enum mien_status status = MIEN_OK;
    struct bench_item *item;
    for (size_t m = 0; m < bench_model_count; m++) {
        for (size_t r = 0; r < BASE_COUNT(rows); r++) {
            char name[64];
            bool step = rows[r].part == BENCH_STEP, alone = bench_models[m].batch == 1;
            if ((run->params.quick && !bench_models[m].quick) ||
                (alone && rows[r].part > BENCH_TEXT)) /* one pair is no batch */
                continue;
            snprintf(name, sizeof(name), "%s/%s%s", rows[r].kind, bench_models[m].name, rows[r].word);
            TRY(bench_item_add(run, step ? &bench_step : &bench_tower, name, &item));
            if (!item)
                continue;
            item->model = &bench_models[m];
            item->part = rows[r].part;
            item->stored = rows[r].stored;
        }
    }
fail:
    return status;
}

/* ---- the model --------------------------------------------------------------------------------------------------- */

void bench_fixture_clear(struct bench_fixture *f)
{
    if (f->scaled.scaler.range.block)
        tensor_destroy(f->scaled.device, &f->scaled.scaler);
    train_moments_destroy(&f->moments);
    base_free(f->rules);
    nn_model_destroy(&f->model);
    *f = (struct bench_fixture){0};
}

static enum mien_status fixture_open(struct bench_run *run, const struct bench_model *of)
{
    enum mien_status status = MIEN_OK;
    struct bench_fixture *f = &run->fixture;
    struct io_clip_config config;
    if (f->of == of)
        return MIEN_OK;
    bench_fixture_clear(f);
    bench_model_config(of, &config);
    TRY(nn_model_create(run->device, &config, MIEN_F32, &f->model));
    TRY(nn_model_init(f->model, 1));
    f->of = of;
    return MIEN_OK;
fail:
    bench_fixture_clear(f);
    return status;
}

static enum mien_status moments_open(struct bench_fixture *f)
{
    enum mien_status status = MIEN_OK;
    static const struct train_config none = {0};
    if (f->rules)
        return MIEN_OK;
    f->rules = base_alloc(f->model->count, sizeof(*f->rules));
    FAIL_IF_NULL(f->rules, "an optimiser");
    TRY(train_groups_resolve(f->model, &none, false, f->rules));
    TRY(train_moments_create(f->model, f->rules, &train_optimizer_adamw, &f->moments));
fail:
    return status;
}

/* What a step that stores activations so keeps. */
static enum mien_status moments_of(struct bench_fixture *f, enum mien_dtype stored, const struct train_moments **out)
{
    enum mien_status status = MIEN_OK;
    TRY(moments_open(f));
    *out = stored == MIEN_F16 ? &f->scaled : &f->moments;
    if (stored != MIEN_F16 || f->scaled.scaler.range.block)
        return MIEN_OK;
    f->scaled = f->moments;
    TRY(train_scaler_create(&f->scaled));
fail:
    return status;
}

/* ---- what it will take ------------------------------------------------------------------------------------------- */

/* From a model without a device; a step's backward pass is nearly all of it. */
static enum mien_status plan(const struct bench_item *item, struct graph_program_stats *stats)
{
    enum mien_status status = MIEN_OK;
    struct io_clip_config config;
    struct nn_model *model = NULL;
    struct graph *graph = NULL;
    struct bench_record record = {.part = item->part, .batch = item->model->batch, .stored = item->stored};
    bench_model_config(item->model, &config);
    TRY(nn_model_create(NULL, &config, MIEN_F32, &model));
    TRY(graph_create(&graph));
    TRY(bench_record(graph, model, &record));
    TRY(graph_plan(graph, &item->bench->context.caps, NULL, stats));
fail:
    graph_destroy(&graph);
    nn_model_destroy(&model);
    return status;
}

/* Whether there are time and memory for it. */
static bool can_run(struct bench_item *item, const struct graph_program_stats *stats)
{
    const struct bench_run *run = item->bench;
    const struct vk_caps *caps = &run->context.caps;
    bool quick = run->params.quick;
    double seconds = stats->flops / run->context.flop_rate;
    uint64_t room = caps->unified ? caps->device_memory / 2 : caps->device_memory / 5 * 4;
    /* gradients, moments */
    uint64_t copies = item->part == BENCH_STEP ? 4 : item->part == BENCH_CLIP ? 2 : 1;
    uint64_t need = stats->device_bytes + stats->host_bytes + copies * stats->bound_bytes;
    room = BASE_MIN(room, vk_memory_left(run->device));
    if (caps->type == VK_TYPE_SOFTWARE && !run->params.slow && seconds > (quick ? most_quick : most_seconds))
        return bench_give_up(item, MIEN_BENCH_SKIPPED, "would take about %.2g s a run on this driver%s", seconds,
                             quick ? "; left out of a quick run" : "");
    if (need > room)
        return bench_give_up(item, MIEN_BENCH_SKIPPED, "would take about %.0f MiB of device memory; there are %.0f",
                             (double)need / (1 << 20), (double)room / (1 << 20));
    return true;
}

/* ---- making ------------------------------------------------------------------------------------------------------ */

static enum mien_status make_grads(struct bench_item *item)
{
    enum mien_status status = MIEN_OK;
    struct program_state *p = item->program;
    const struct nn_model *model = item->bench->fixture.model;
    p->grads = base_alloc(model->stack_count, sizeof(*p->grads));
    FAIL_IF_NULL(p->grads, "gradients");
    for (uint32_t i = 0; i < model->stack_count; i++)
        TRY(tensor_create(item->bench->device, &model->stacks[i].value.shape, "a gradient", &p->grads[i]));
    p->record.grads = p->grads;
fail:
    return status;
}

static enum mien_status make_tower(struct bench_item *item)
{
    enum mien_status status = MIEN_OK;
    struct program_state *p = item->program;
    struct graph *graph = NULL;
    struct tensor_shape shape;
    p->record = (struct bench_record){.part = item->part, .batch = item->model->batch};
    if (item->part == BENCH_CLIP)
        TRY(make_grads(item));
    TRY(graph_create(&graph));
    TRY(bench_record(graph, item->bench->fixture.model, &p->record));
    TRY(graph_compile(graph, item->bench->device, &(struct graph_compile_params){.label = bench_row_of(item)->name},
                      &p->program));
    shape = graph_shape(graph, p->record.out);
    p->outputs = tensor_shape_count(&shape);
fail:
    graph_destroy(&graph);
    return status;
}

static enum mien_status make_step(struct bench_item *item)
{
    enum mien_status status = MIEN_OK;
    struct program_state *p = item->program;
    struct bench_fixture *f = &item->bench->fixture;
    const struct train_moments *moments = NULL;
    TRY(moments_of(f, item->stored, &moments));
    const struct train_recipe recipe = {.model = f->model,
                                        .rules = f->rules,
                                        .moments = moments,
                                        .stored = item->stored,
                                        .optimizer = &train_optimizer_adamw,
                                        .objective = {.loss = &train_loss_clip, .global_levels = 1}};
    TRY(train_step_compile(&recipe, &(struct train_step_shape){item->model->batch, f->model->config.text.context},
                           &(struct graph_compile_params){.label = bench_row_of(item)->name}, &p->step));
    p->program = p->step->program;
    p->record = (struct bench_record){.pixels = p->step->in.part->pixels,
                                      .ids = p->step->in.part->ids,
                                      .eot = p->step->in.part->eot,
                                      .out = p->step->losses.total};
    p->outputs = 1;
fail:
    return status;
}

static void fill_inputs(struct bench_item *item)
{
    struct program_state *p = item->program;
    const struct io_clip_config *config = &item->bench->fixture.model->config;
    uint32_t batch = item->model->batch;
    if (p->record.pixels != OP_NONE)
        bench_fill_pixels(config, batch, graph_program_input(p->program, 0, p->record.pixels));
    if (p->record.ids != OP_NONE)
        bench_fill_ids(config, batch, graph_program_input(p->program, 0, p->record.ids),
                       graph_program_input(p->program, 0, p->record.eot));
}

static enum mien_status run_once(struct program_state *p, double *seconds)
{
    enum mien_status status = MIEN_OK;
    if (p->step)
        train_hyper_fill(&hyper, ++p->number, graph_program_input(p->program, 0, p->step->hyper));
    double begin = base_clock_seconds();
    TRY(graph_program_run(p->program));
    *seconds = base_clock_seconds() - begin;
fail:
    return status;
}

/* ---- checking ---------------------------------------------------------------------------------------------------- */

static bool all_finite(const float *values, uint64_t count)
{
    double sum = 0;
    for (uint64_t i = 0; i < count; i++)
        sum += fabs((double)values[i]);
    return isfinite(sum) && sum > 0;
}

/* A gradient that all of the backward pass has gone into: of the first layer's norm. */
static enum mien_status check_grads(struct bench_item *item)
{
    static const char name[] = "vision_model.pre_layrnorm.weight";
    enum mien_status status = MIEN_OK;
    struct program_state *p = item->program;
    const struct nn_model *model = item->bench->fixture.model;
    uint32_t at = model->params[nn_param_find(model, name)].stack;
    float *values = base_alloc(1, tensor_shape_bytes(&p->grads[at].shape));
    FAIL_IF_NULL(values, "a gradient");
    TRY(tensor_download(item->bench->device, &p->grads[at], values));
    FAIL_IF(!all_finite(values, tensor_shape_count(&p->grads[at].shape)), MIEN_ERR_FAILED,
            "the gradient of %s is not finite, or 0", name);
fail:
    base_free(values);
    return status;
}

/* The second run: of a tower the same bits, of a step a lower loss by the third. */
static enum mien_status check_again(struct bench_item *item, double *seconds)
{
    enum mien_status status = MIEN_OK;
    struct program_state *p = item->program;
    const float *out;
    double more;
    TRY(run_once(p, seconds));
    out = graph_program_output(p->program, 0, p->record.out);
    if (!p->step) {
        FAIL_IF(memcmp(out, p->first, p->outputs * sizeof(*out)) != 0, MIEN_ERR_FAILED,
                "two runs of the same inputs differ");
        return item->part == BENCH_CLIP ? check_grads(item) : MIEN_OK;
    }
    TRY(run_once(p, &more));
    out = graph_program_output(p->program, 0, p->record.out);
    FAIL_IF(!(*out < *p->first), MIEN_ERR_FAILED, "the loss of one batch went from %g to %g in two steps",
            (double)*p->first, (double)*out);
fail:
    return status;
}

static enum mien_status make(struct bench_item *item)
{
    enum mien_status status = MIEN_OK;
    struct bench_row *row = bench_row_of(item);
    struct program_state *p = item->program = base_alloc(1, sizeof(*p));
    struct graph_program_stats stats;
    double begin, first, second, cold;
    FAIL_IF_NULL(p, "a program");
    TRY(fixture_open(item->bench, item->model));
    begin = base_clock_seconds();
    TRY(item->part == BENCH_STEP ? make_step(item) : make_tower(item));
    cold = base_clock_seconds() - begin;
    fill_inputs(item);
    TRY(run_once(p, &first));
    p->first = base_alloc(p->outputs, sizeof(*p->first));
    FAIL_IF_NULL(p->first, "outputs");
    memcpy(p->first, graph_program_output(p->program, 0, p->record.out), p->outputs * sizeof(*p->first));
    FAIL_IF(!all_finite(p->first, p->outputs), MIEN_ERR_FAILED, "the results are not finite, or all 0");
    TRY(check_again(item, &second));
    graph_program_stats(p->program, &stats);
    row->compile_ms = fmax(0, cold + first - second) * 1e3;
    row->flops = stats.flops;
    row->bytes = stats.bytes;
    row->dispatches = stats.dispatches;
    row->barriers = stats.barriers;
    row->memory = stats.device_bytes + stats.host_bytes + stats.bound_bytes;
fail:
    return status;
}

static bool prepare(struct bench_item *item)
{
    struct graph_program_stats stats;
    if (plan(item, &stats) != MIEN_OK)
        return bench_failed(item);
    return can_run(item, &stats) && (make(item) == MIEN_OK || bench_failed(item));
}

static enum mien_status sample(struct bench_item *item, double *seconds)
{
    return run_once(item->program, seconds);
}

static void release(struct bench_item *item)
{
    struct program_state *p = item->program;
    if (!p)
        return;
    if (p->step)
        train_step_destroy(&p->step);
    else
        graph_program_destroy(&p->program);
    for (uint32_t i = 0; p->grads && i < item->bench->fixture.model->stack_count; i++)
        tensor_destroy(item->bench->device, &p->grads[i]);
    base_free(p->grads);
    base_free(p->first);
    base_free(p);
    item->program = NULL;
}

const struct bench_kind bench_tower = {"tower", prepare, sample, release};
const struct bench_kind bench_step = {"step", prepare, sample, release};
