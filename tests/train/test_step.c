/* The step as a program: a replay allocates nothing, equal runs give equal bits, the two slots see their own inputs. */
#include "check.h"
#include "device.h"

#include "train/step.h"

#include <stdlib.h>

static const struct io_tower_config tower = {
    .width = 12, .mlp = 20, .layers = 2, .heads = 3, .act = IO_ACT_QUICK_GELU, .eps = 1e-5};

static struct io_clip_config small_config(void)
{
    struct io_clip_config c;
    io_clip_config_default(&c);
    c.vision.tower = c.text.tower = tower;
    c.vision.image = 12;
    c.vision.patch = 4;
    c.text.vocab = 50;
    c.text.context = 16;
    c.text.bos = 48;
    c.text.eos = c.text.pad = 49;
    c.embed = 8;
    return c;
}

static uint32_t graph_levels; /* of the step under test */

static const struct train_hyper hyper = {
    .lr = 1e-3, .betas = {0.9, 0.98}, .eps = 1e-6, .weight_decay = 0.1, .clip_norm = 1};

static void fill(const struct nn_model *model, const struct train_step *step, uint32_t slot, uint64_t number)
{
    const struct train_step_shape *s = &step->shape;
    struct base_rng rng = base_rng_make(number, "inputs", 0, 0);
    float *pixels = graph_program_input(step->program, slot, step->in.part->pixels);
    int32_t *ids = graph_program_input(step->program, slot, step->in.part->ids);
    for (uint32_t i = 0; i < s->batch * 3 * 12 * 12; i++)
        pixels[i] = (float)base_rng_normal(&rng);
    uint32_t texts = graph_levels * s->batch;
    for (uint32_t i = 0; i < texts * s->length; i++)
        ids[i] = i % s->length == s->length - 1 ? 49 : (int32_t)base_rng_below(&rng, 48);
    nn_eot_positions(&model->config, ids, texts, s->length,
                     graph_program_input(step->program, slot, step->in.part->eot));
    train_hyper_fill(&hyper, number, graph_program_input(step->program, slot, step->hyper));
}

struct outcome {
    float loss[8], weights[64];
};

static void check_no_allocation(struct vk_device *device, uint64_t host, const struct vk_memory_stats *before)
{
    struct vk_memory_stats after;
    vk_memory_stats(device, &after);
    CHECK_EQ(base_alloc_count(), host);
    CHECK_EQ(after.allocations, before->allocations);
    CHECK_EQ(after.blocks, before->blocks);
}

/* Eight steps, two in flight; the first two warm up. */
static void run_steps(struct vk_device *device, const struct nn_model *model, struct train_step *step,
                      struct outcome *out)
{
    struct vk_memory_stats before = {0};
    uint64_t host = 0;
    for (uint32_t i = 0; i < 8; i++) {
        uint32_t slot = i % 2;
        CHECK_EQ(graph_program_wait(step->program, slot), MIEN_OK);
        if (i >= 2)
            out->loss[i - 2] = *(const float *)graph_program_output(step->program, slot, step->losses.total);
        if (i == 2) {
            host = base_alloc_count();
            vk_memory_stats(device, &before);
        }
        fill(model, step, slot, i + 1);
        CHECK_EQ(graph_program_submit(step->program, slot), MIEN_OK);
    }
    for (uint32_t i = 6; i < 8; i++) {
        CHECK_EQ(graph_program_wait(step->program, i % 2), MIEN_OK);
        out->loss[i] = *(const float *)graph_program_output(step->program, i % 2, step->losses.total);
    }
    check_no_allocation(device, host, &before);
}

static void train(struct vk_device *device, uint32_t levels, struct outcome *out)
{
    struct io_clip_config config = small_config();
    struct nn_model *model = NULL;
    struct train_moments moments = {0};
    struct train_step *step = NULL;
    struct train_param *rules = NULL;
    struct train_config none = {0};
    float values[64 * 64];
    enum mien_status status = MIEN_OK;
    memset(out, 0, sizeof(*out));
    TRY(nn_model_create(device, &config, MIEN_F32, &model));
    TRY(nn_model_init(model, 7));
    rules = base_alloc(model->count, sizeof(*rules));
    TRY(train_groups_resolve(model, &none, false, rules));
    TRY(train_moments_create(model, rules, &train_optimizer_adamw, &moments));
    const struct train_recipe recipe = {.model = model,
                                        .rules = rules,
                                        .moments = &moments,
                                        .optimizer = &train_optimizer_adamw,
                                        .objective = {.loss = &train_loss_clip, .global_levels = levels}};
    graph_levels = levels;
    TRY(train_step_compile(&recipe, &(struct train_step_shape){5, 8}, NULL, &step));
    run_steps(device, model, step, out);
    TRY(tensor_download(device, &model->params[nn_param_find(model, "visual_projection.weight")].value, values));
    memcpy(out->weights, values, sizeof(out->weights));
fail:
    CHECK_EQ(status, MIEN_OK);
    train_step_destroy(&step);
    train_moments_destroy(&moments);
    base_free(rules);
    nn_model_destroy(&model);
}

static void test_decay(struct vk_device *device)
{
    struct io_clip_config config = small_config();
    struct nn_model *model = NULL;
    CHECK_EQ(nn_model_create(device, &config, MIEN_F32, &model), MIEN_OK);
    for (uint32_t i = 0; model && i < model->count; i++) {
        const struct nn_param *p = &model->params[i];
        bool want = p->value.shape.rank > 1 && !strstr(p->name, "position");
        CHECK_EQ(train_decays(p), want);
    }
    nn_model_destroy(&model);
}

int main(void)
{
    struct gpu gpu;
    struct outcome a, b, two;
    if (!gpu_open(&gpu))
        GPU_SKIP();
    train(gpu.device, 1, &a);
    train(gpu.device, 1, &b);
    CHECK(memcmp(&a, &b, sizeof(a)) == 0);
    CHECK(a.loss[0] > 0 && a.loss[0] != a.loss[1]);
    train(gpu.device, 2, &two);
    CHECK(two.loss[0] > 0 && two.loss[0] != a.loss[0]);
    test_decay(gpu.device);
    gpu_close(&gpu);
    return check_result();
}
