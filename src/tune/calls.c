/* calls.c: which calls there are: those that a model in use or in training asks the chooser of kernels for. The graphs
 * are planned, or, of a training, compiled; nothing is run. */
#include "bench/models.h"
#include "nn/encoder.h"
#include "train/trainer.h"
#include "tune/tune.h"

#include <string.h>

/* One of them, as text, and how often it was asked for. */
struct asked {
    char text[OP_CALL_TEXT];
    uint32_t times;
};

struct asking {
    struct asked *call;
    size_t count, capacity;
    enum mien_status status;
};

static void ask(void *user, const char *text)
{
    struct asking *a = user;
    for (size_t i = 0; i < a->count; i++) {
        if (strcmp(a->call[i].text, text) == 0) {
            a->call[i].times++;
            return;
        }
    }
    if (a->status == MIEN_OK)
        a->status = base_grow(&a->call, &a->capacity, a->count + 1, sizeof(*a->call));
    if (a->status != MIEN_OK)
        return;
    a->call[a->count] = (struct asked){.times = 1};
    snprintf(a->call[a->count++].text, OP_CALL_TEXT, "%s", text);
}

/* ---- a model in use ---- */

/* Batches as an encoder makes them: single ones, small and full ones. */
static enum mien_status ask_model(const struct io_clip_config *config, enum mien_dtype precision,
                                  const struct vk_caps *caps)
{
    static const uint32_t counts[] = {32, 8, 1};
    enum mien_status status = MIEN_OK;
    struct nn_memory memory;
    for (size_t i = 0; i < BASE_COUNT(counts); i++)
        TRY(nn_encoder_plan(config, precision, caps, counts[i], counts[i], config->text.context, &memory));
fail:
    return status;
}

static enum mien_dtype precision_of(const struct tune_options *options)
{
    for (uint32_t d = 0; d < MIEN_DTYPE_COUNT && options->precision; d++) {
        if (strcmp(mien_dtype_name((enum mien_dtype)d), options->precision) == 0)
            return (enum mien_dtype)d;
    }
    return MIEN_F32;
}

static enum mien_status ask_model_dir(const struct tune_options *options, const struct vk_caps *caps)
{
    enum mien_status status = MIEN_OK;
    struct base_source source;
    struct io_clip_config config;
    TRY(base_source_make(options->model, NULL, 0, &source));
    TRY(io_clip_config_read_from(&source, &config, NULL));
    TRY(ask_model(&config, precision_of(options), caps));
fail:
    return status;
}

/* ---- a training ---- */

static enum mien_status ask_training(struct tune_child *child, const struct vk_tuned *asking)
{
    enum mien_status status = MIEN_OK;
    const struct tune_options *o = &child->options;
    struct trainer *t = base_alloc(1, sizeof(*t));
    const struct mien_train_params params = {
        .size = sizeof(params), .config = o->config, .sets = o->sets, .set_count = o->set_count, .dry_run = true};
    FAIL_IF_NULL(t, "a training");
    TRY(train_begin(&params, t));
    vk_device_tune(child->device, asking);
    TRY(train_prepare(child->device, t));
    TRY(train_plan_steps(t));
fail:
    if (t)
        train_clear(t);
    vk_device_tune(child->device, NULL);
    base_free(t);
    return status;
}

/* ---- those of mien bench ---- */

/* A tower, or both with their loss and its gradient. */
static enum mien_status ask_bench(const struct bench_model *of, enum bench_part part, const struct vk_caps *caps)
{
    enum mien_status status = MIEN_OK;
    struct io_clip_config config;
    struct nn_model *model = NULL;
    struct graph *graph = NULL;
    struct graph_program_stats stats;
    struct bench_record record = {.part = part, .batch = of->batch};
    bench_model_config(of, &config);
    TRY(nn_model_create(NULL, &config, MIEN_F32, &model));
    TRY(graph_create(&graph));
    TRY(bench_record(graph, model, &record));
    TRY(graph_plan(graph, caps, NULL, &stats));
fail:
    graph_destroy(&graph);
    nn_model_destroy(&model);
    return status;
}

static enum mien_status ask_benches(const struct tune_options *options, const struct vk_caps *caps)
{
    enum mien_status status = MIEN_OK;
    for (size_t i = 0; i < bench_model_count; i++) {
        struct io_clip_config config;
        bench_model_config(&bench_models[i], &config);
        if (bench_models[i].batch > 1) /* one pair is no batch */
            TRY(ask_bench(&bench_models[i], BENCH_CLIP, caps));
        TRY(ask_model(&config, precision_of(options), caps));
    }
fail:
    return status;
}

/* ---- together ---- */

/* Of a call that has several choices; others are nothing to measure. */
static enum mien_status say_call(struct tune_child *child, const struct asked *asked)
{
    enum mien_status status = MIEN_OK;
    const struct check_context *context = &child->context;
    struct tune_choices choices;
    struct op_call call;
    TRY(op_call_parse(asked->text, &call));
    if (!check_glob(child->options.only, call.op->name))
        return MIEN_OK;
    tune_choices_make(&context->caps, &call, &choices);
    double seconds = op_call_flops(&call) / context->flop_rate + op_call_bytes(&call) / context->byte_rate;
    if (choices.count > 1)
        tune_say(child, "@call\t%.6g\t%u\t%016llx\t%s\t%s", seconds * asked->times, choices.count,
                 (unsigned long long)op_choices_key(&context->caps, &call), choices.choice[0].variant->name,
                 asked->text);
    tune_choices_clear(&choices);
fail:
    return status;
}

enum mien_status tune_calls(struct tune_child *child)
{
    enum mien_status status = MIEN_OK;
    const struct tune_options *o = &child->options;
    struct asking asking = {0};
    const struct vk_tuned table = {.asked = ask, .user = &asking};
    struct vk_caps caps = child->context.caps;
    caps.tuned = &table;
    if (o->model)
        TRY(ask_model_dir(o, &caps));
    if (o->config)
        TRY(ask_training(child, &table));
    if (!o->model && !o->config)
        TRY(ask_benches(o, &caps));
    FAIL_IF(asking.status != MIEN_OK, MIEN_ERR_NOMEM, "out of host memory for a list of calls");
    for (size_t i = 0; i < asking.count; i++)
        TRY(say_call(child, &asking.call[i]));
fail:
    base_free(asking.call);
    return status;
}
