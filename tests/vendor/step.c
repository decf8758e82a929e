/* step.c: records whole training steps (forward, backward, clipping, optimiser) on a device under core and
 * synchronisation validation, and submits them: no message may come. What the device computes is not looked at, so that
 * one that only pretends to be there will do: its driver's compiler, memory, recording and limits are real, the
 * submissions are discarded.
 *
 * vendor_step [--step GLOB] [--all]: says which steps are not as they should be; --all names the others too. Ends with
 * 1 when there was a message or a step cannot be made, with 77 where there is no device or no validation layer.
 * vendor_step --planted: leaves a barrier out, and ends with 0 when that is told. */
#include "check/check.h"
#include "train/step.h"
#include "vk/fixture.h"

#include <stdio.h>

enum { SUBMISSIONS = 3 }; /* both slots, and the first one again */

/* ---- what is trained --------------------------------------------------------------------------------------------- */

/* Ragged everywhere; the widths, heads and tokens of ViT-B/32, cut to two layers and a small vocabulary. */
enum size { SMALL, WIDE };

struct trial {
    const char *name;
    enum size size;
    uint32_t batch, length;
    const struct train_loss *loss; /* NULL: the head alone */
    uint32_t levels, slots;
    const struct train_local *local;
    struct op_mining mining;
    bool guided_by_initial, missing; /* mining by the initial weights; some rows lack texts or targets */
    struct train_look look;
    enum io_head_kind head;
    uint32_t head_loss, targets;
    const struct train_optimizer *optimizer; /* NULL: adamw */
    uint32_t micro_batch;
    enum mien_dtype stored; /* of activations: run.precision */
    bool recompute, frozen_towers, grads;
    double slice_flops; /* 0 = the device's own */
};

static const struct trial trials[] = {
    {.name = "clip", .batch = 5, .length = 8, .loss = &train_loss_clip, .levels = 1, .grads = true},
    {.name = "clip-wide", .size = WIDE, .batch = 16, .length = 77, .loss = &train_loss_clip, .levels = 1},
    {.name = "clip-wide-bf16",
     .size = WIDE,
     .batch = 16,
     .length = 77,
     .loss = &train_loss_clip,
     .levels = 1,
     .stored = MIEN_BF16},
    {.name = "clip-wide-f16",
     .size = WIDE,
     .batch = 12,
     .length = 24,
     .loss = &train_loss_clip,
     .levels = 1,
     .micro_batch = 5,
     .recompute = true,
     .stored = MIEN_F16},
    {.name = "clip-wide-recompute",
     .size = WIDE,
     .batch = 12,
     .length = 24,
     .loss = &train_loss_clip,
     .levels = 1,
     .micro_batch = 5,
     .recompute = true},
    {.name = "clip-sliced", .batch = 6, .length = 8, .loss = &train_loss_clip, .levels = 2, .slice_flops = 1e4},
    {.name = "clip-streamed", .batch = TRAIN_MATRIX_MOST + 3, .length = 8, .loss = &train_loss_clip, .levels = 1},
    {.name = "mined-sentences",
     .batch = 9,
     .length = 16,
     .loss = &train_loss_clip,
     .levels = 2,
     .slots = 2,
     .local = &train_local_sentence,
     .mining = {.kind = OP_MINING_HARD, .guide = OP_GUIDE_BOTH, .top_k = 2, .text = 0.3F, .image = 0.3F},
     .guided_by_initial = true,
     .missing = true},
    {.name = "mined-pooled",
     .batch = 9,
     .length = 16,
     .loss = &train_loss_clip,
     .levels = 1,
     .slots = 3,
     .local = &train_local_pooled,
     .mining = {.kind = OP_MINING_SOFT,
                .guide = OP_GUIDE_CROSSMODAL,
                .same_text = OP_SAME_TEXT_POSITIVE,
                .text = 0.3F,
                .image = 0.3F,
                .weight = 0.5F,
                .tau = 0.1F},
     .micro_batch = 4,
     .recompute = true},
    {.name = "siglip-filip",
     .batch = 9,
     .length = 16,
     .loss = &train_loss_siglip,
     .levels = 2,
     .slots = 3,
     .local = &train_local_filip,
     .mining = {.kind = OP_MINING_IGNORE, .guide = OP_GUIDE_TEXT, .same_text = OP_SAME_TEXT_IGNORE, .text = 0.3F},
     .missing = true},
    {.name = "siglip-streamed",
     .batch = TRAIN_MATRIX_MOST + 3,
     .length = 8,
     .loss = &train_loss_siglip,
     .levels = 1,
     .mining = {.kind = OP_MINING_HARD, .guide = OP_GUIDE_BOTH, .text = 0.3F, .image = 0.3F}},
    {.name = "sgd", .batch = 5, .length = 8, .loss = &train_loss_clip, .levels = 1, .optimizer = &train_optimizer_sgd},
    {.name = "clips",
     .batch = 5,
     .length = 8,
     .loss = &train_loss_clip,
     .levels = 1,
     .look = {.frames = 3, .mixed = true},
     .head = IO_HEAD_REGRESSION,
     .head_loss = TRAIN_HEAD_CCC,
     .targets = 2,
     .missing = true},
    {.name = "clips-frozen",
     .size = WIDE,
     .batch = 16,
     .length = 77,
     .loss = &train_loss_clip,
     .levels = 1,
     .look = {.frames = 32, .features = true},
     .head = IO_HEAD_CLASSES,
     .head_loss = TRAIN_HEAD_CE,
     .targets = 7,
     .frozen_towers = true},
    {.name = "head-alone",
     .batch = 7,
     .look = {.features = true},
     .head = IO_HEAD_REGRESSION,
     .head_loss = TRAIN_HEAD_RMSE,
     .targets = 3,
     .frozen_towers = true},
};

static enum mien_status config_of(const struct trial *t, struct io_clip_config *c)
{
    bool wide = t->size == WIDE;
    io_clip_config_default(c); /* ViT-B/32 */
    c->vision.tower.layers = c->text.tower.layers = 2;
    c->text.vocab = 1000;
    c->text.bos = 998;
    c->text.eos = c->text.pad = 999;
    if (!wide) {
        c->vision.tower.width = c->text.tower.width = 12;
        c->vision.tower.mlp = c->text.tower.mlp = 20;
        c->vision.tower.heads = c->text.tower.heads = 3;
        c->vision.image = 12;
        c->vision.patch = 4;
        c->text.context = 16;
        c->embed = 8;
    }
    if (t->look.frames)
        c->temporal = (struct io_temporal_config){2, wide ? 8 : 2, wide ? 64 : 5, wide ? 1024 : 20, t->look.frames + 1};
    if (t->head) {
        c->head = (struct io_head_config){.kind = t->head, .hidden = wide ? 256 : 11, .targets = t->targets};
        for (uint32_t i = 0; i < t->targets; i++) {
            snprintf(c->head.name[i], sizeof c->head.name[i], "target%u", i);
            c->head.std[i] = 1;
        }
    }
    return io_clip_scalars_add(c, t->loss ? t->loss->scalars : NULL);
}

/* ---- a step ------------------------------------------------------------------------------------------------------ */

struct made {
    struct nn_model *model, *initial;
    struct train_moments moments;
    struct train_param *rules;
    struct train_config *config;
    struct train_step *step;
};

static void made_clear(struct made *m)
{
    train_step_destroy(&m->step);
    train_moments_destroy(&m->moments);
    base_free(m->rules);
    train_config_destroy(&m->config);
    nn_model_destroy(&m->initial);
    nn_model_destroy(&m->model);
}

static struct train_recipe recipe_of(const struct trial *t, struct made *m)
{
    const uint32_t all = (1u << TRAIN_LEVELS_MAX) - 1;
    return (struct train_recipe){
        .model = m->model,
        .initial = m->initial,
        .rules = m->rules,
        .moments = &m->moments,
        .optimizer = t->optimizer ? t->optimizer : &train_optimizer_adamw,
        .objective = {.loss = t->loss,
                      .config = m->config,
                      .global_levels = t->levels,
                      .slots = t->slots,
                      .local = t->local,
                      .local_weight = 0.5F,
                      .local_tau = 0.1F,
                      .mining = t->mining,
                      .frozen = t->guided_by_initial,
                      .missing = t->missing ? all : 0},
        .look = t->look,
        .head = {.kind = t->head, .targets = t->targets, .loss = t->head_loss, .weight = 1, .missing = t->missing},
        .micro_batch = t->micro_batch,
        .recompute = t->recompute,
        .stored = t->stored,
    };
}

static enum mien_status make(struct vk_device *device, const struct trial *t, struct made *m)
{
    enum mien_status status = MIEN_OK;
    struct io_clip_config config;
    const struct train_step_shape shape = {
        .batch = t->batch, .length = t->length, .mining = t->mining.kind != OP_MINING_NONE, .grads = t->grads};
    const struct graph_compile_params params = {.slice_flops = t->slice_flops};
    TRY(config_of(t, &config));
    TRY(train_config_default(&m->config));
    TRY(nn_model_create(device, &config, MIEN_F32, &m->model));
    if (t->size == SMALL) /* uploads; contents matter to nobody */
        TRY(nn_model_init(m->model, 7));
    if (t->guided_by_initial)
        TRY(nn_model_create(device, &config, MIEN_F32, &m->initial));
    m->rules = base_alloc(m->model->count, sizeof *m->rules);
    FAIL_IF_NULL(m->rules, "rules");
    TRY(train_groups_resolve(m->model, m->config, t->frozen_towers, m->rules));
    const struct train_recipe recipe = recipe_of(t, m);
    TRY(train_moments_create(m->model, m->rules, recipe.optimizer, &m->moments));
    if (t->stored == MIEN_F16)
        TRY(train_scaler_create(&m->moments));
    TRY(train_step_compile(&recipe, &shape, &params, &m->step));
fail:
    return status;
}

static void zero(const struct train_step *step, uint32_t slot, op_value value, size_t count)
{
    if (value != OP_NONE)
        memset(graph_program_input(step->program, slot, value), 0, count * sizeof(int32_t));
}

/* Indices must be valid where the device does compute. */
static void fill(const struct trial *t, const struct train_step *step, uint32_t slot)
{
    size_t levels = t->levels + t->slots;
    for (uint32_t i = 0; i < step->in.parts; i++) {
        const struct train_part *part = &step->in.part[i];
        zero(step, slot, part->ids, levels * part->count * t->length);
        zero(step, slot, part->eot, levels * part->count);
        zero(step, slot, part->kinds, part->count);
    }
    for (uint32_t k = 0; k < TRAIN_LEVELS_MAX; k++)
        zero(step, slot, step->in.same[k], t->batch);
    zero(step, slot, step->in.head.classes, t->batch);
    train_hyper_fill(&(struct train_hyper){.lr = 1e-3, .betas = {0.9, 0.98}, .eps = 1e-6, .clip_norm = 1}, 1,
                     graph_program_input(step->program, slot, step->hyper));
}

struct watch {
    struct vk_instance *instance;
    struct vk_device *device;
    bool all; /* names steps without a message */
    uint32_t steps, failed;
    uint64_t dispatches;
};

static void run_trial(struct watch *w, const struct trial *t)
{
    enum mien_status status = MIEN_OK;
    struct made m = {0};
    struct graph_program_stats stats = {0};
    uint32_t before = vk_instance_validation_messages(w->instance);
    TRY(make(w->device, t, &m));
    for (uint32_t i = 0; i < SUBMISSIONS; i++) {
        TRY(graph_program_wait(m.step->program, i % GRAPH_SLOTS));
        fill(t, m.step, i % GRAPH_SLOTS);
        TRY(graph_program_submit(m.step->program, i % GRAPH_SLOTS));
    }
    for (uint32_t slot = 0; slot < GRAPH_SLOTS; slot++)
        TRY(graph_program_wait(m.step->program, slot));
    graph_program_stats(m.step->program, &stats);
fail:
    made_clear(&m);
    uint32_t messages = vk_instance_validation_messages(w->instance) - before;
    if (w->all || status || messages)
        printf("%s step %s: %u dispatches, %u barriers, %u slices submitted %d times, %u messages\n",
               status || messages ? "FAIL" : "well:", t->name, stats.dispatches, stats.barriers, stats.slices,
               SUBMISSIONS, messages);
    w->steps++;
    w->failed += status || messages;
    w->dispatches += stats.dispatches;
}

/* ---- what must be told ------------------------------------------------------------------------------------------- */

/* y = f(x), z = f(y), with the barrier between and without. */
static enum mien_status chain(struct vk_device *device, bool barrier)
{
    enum { N = 256 };
    enum mien_status status = MIEN_OK;
    struct vk_recording *recording = NULL;
    struct vk_range range[3] = {{0}};
    uint64_t ticket = 0;
    for (int i = 0; i < 3; i++)
        TRY(vk_alloc(device, VK_MEMORY_DEVICE, N * sizeof(float), "planted", &range[i]));
    TRY(vk_record_begin(device, "planted", &recording));
    TRY(record_affine(device, recording, range[0], range[1], N, 2, 1));
    if (barrier)
        TRY(vk_record_barrier(recording));
    TRY(record_affine(device, recording, range[1], range[2], N, 2, 1));
    TRY(vk_record_end(recording));
    TRY(vk_submit(device, recording, &ticket));
    TRY(vk_wait(device, ticket));
fail:
    vk_recording_destroy(&recording);
    for (int i = 0; i < 3; i++)
        vk_free(device, &range[i]);
    return status;
}

static void no_line(void *user, enum mien_log_level level, const char *message)
{
    (void)user;
    (void)level;
    (void)message;
}

static enum mien_status run_planted(struct watch *w)
{
    enum mien_status status = MIEN_OK;
    mien_log_set(no_line, NULL, MIEN_LOG_ERROR);
    TRY(chain(w->device, true));
    if (vk_instance_validation_messages(w->instance)) {
        printf("FAIL a message where all is well\n");
        return MIEN_ERR_FAILED;
    }
    TRY(chain(w->device, false));
    if (!vk_instance_validation_messages(w->instance)) {
        printf("FAIL the missing barrier is not told\n");
        return MIEN_ERR_FAILED;
    }
fail:
    return status;
}

/* ---- the program ------------------------------------------------------------------------------------------------- */

static void log_line(void *user, enum mien_log_level level, const char *message)
{
    (void)user;
    (void)level;
    printf("  %s\n", message);
}

static enum mien_status run(struct watch *w, const char *wanted)
{
    for (size_t i = 0; i < BASE_COUNT(trials) && !vk_device_lost(w->device); i++)
        if (check_glob(wanted, trials[i].name))
            run_trial(w, &trials[i]);
    const struct vk_caps *caps = vk_device_caps(w->device);
    printf("%s (%s): %u training steps of %llu dispatches submitted under validation, %u not as they should be%s\n",
           caps->name, caps->driver, w->steps, (unsigned long long)w->dispatches, w->failed,
           vk_device_lost(w->device) ? "; the device is lost" : "");
    return w->failed || !w->steps || vk_device_lost(w->device) ? MIEN_ERR_FAILED : MIEN_OK;
}

int main(int argc, char **argv)
{
    struct watch w = {0};
    const struct mien_gpu_params params = {.size = sizeof params, .validation = MIEN_VALIDATION_CORE};
    const char *wanted = "*";
    uint32_t index = 0;
    bool planted = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--planted") == 0) {
            planted = true;
        } else if (strcmp(argv[i], "--all") == 0) {
            w.all = true;
        } else if (strcmp(argv[i], "--step") == 0 && i + 1 < argc) {
            wanted = argv[++i];
        } else {
            fprintf(stderr, "usage: vendor_step [--step GLOB] [--all] [--planted]\n");
            return 2;
        }
    }
    mien_log_set(log_line, NULL, MIEN_LOG_WARN);
    if (vk_instance_create(&params, &w.instance) != MIEN_OK ||
        vk_instance_choose(w.instance, NULL, &index) != MIEN_OK ||
        vk_device_create(w.instance, index, NULL, &w.device) != MIEN_OK) {
        printf("skipped: no device, or no validation layer\n");
        return 77;
    }
    enum mien_status status = planted ? run_planted(&w) : run(&w, wanted);
    vk_device_destroy(&w.device);
    vk_instance_destroy(&w.instance);
    return status ? 1 : 0;
}
