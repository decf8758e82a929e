/* How many dispatches and barriers a training step takes: a small CLIP under the tile shapes of each class of devices.
 * What a dispatch costs beside its work, some microseconds, is the same on small and large models. */
#include "check.h"
#include "device.h"

#include "train/step.h"

/* For each class, a little above what it takes; software drivers run what is recorded in its order. */
static const struct {
    const char *caps;
    uint32_t dispatches, barriers;
} most[] = {{"class=desktop", 450, 230}, {"class=mobile", 900, 265}, {"class=software", 555, 335}};

/* 64 px, patch 8, width 192, 6 + 6 layers, 77 tokens, batch 64. */
static struct io_clip_config small_clip(void)
{
    static const struct io_tower_config tower = {
        .width = 192, .mlp = 768, .layers = 6, .heads = 3, .act = IO_ACT_QUICK_GELU, .eps = 1e-5};
    struct io_clip_config c;
    io_clip_config_default(&c);
    c.vision.tower = c.text.tower = tower;
    c.vision.image = 64;
    c.vision.patch = 8;
    c.text.vocab = 1000;
    c.text.context = 77;
    c.text.bos = 998;
    c.text.eos = c.text.pad = 999;
    c.embed = 192;
    return c;
}

static struct graph_program_stats count(struct vk_device *device, const char *caps)
{
    struct io_clip_config config = small_clip();
    struct nn_model *model = NULL;
    struct train_moments moments = {0};
    struct train_step *step = NULL;
    struct train_param *rules = NULL;
    struct train_config none = {0};
    struct graph_program_stats stats = {0};
    enum mien_status status = MIEN_OK;
    TRY(vk_device_clamp(device, caps));
    TRY(nn_model_create(device, &config, MIEN_F32, &model));
    rules = base_alloc(model->count, sizeof(*rules));
    TRY(train_groups_resolve(model, &none, false, rules));
    TRY(train_moments_create(model, rules, &train_optimizer_adamw, &moments));
    const struct train_recipe recipe = {.model = model,
                                        .rules = rules,
                                        .moments = &moments,
                                        .optimizer = &train_optimizer_adamw,
                                        .objective = {.loss = &train_loss_clip, .global_levels = 1}};
    TRY(train_step_compile(&recipe, &(struct train_step_shape){.batch = 64, .length = 77}, NULL, &step));
    graph_program_stats(step->program, &stats);
    printf("%s: %u parameters, %u nodes, %u dispatches, %u barriers, %u pieces, %u slices, %.1f MiB of activations, "
           "%.1f alive\n",
           caps, model->count, stats.nodes, stats.dispatches, stats.barriers, stats.pieces, stats.slices,
           (double)stats.activation_bytes / 1048576.0, (double)stats.live_bytes / 1048576.0);
fail:
    CHECK_EQ(status, MIEN_OK);
    train_step_destroy(&step);
    train_moments_destroy(&moments);
    base_free(rules);
    nn_model_destroy(&model);
    return stats;
}

int main(void)
{
    struct gpu gpu;
    if (!gpu_open(&gpu))
        GPU_SKIP();
    for (uint32_t i = 0; i < BASE_COUNT(most); i++) {
        struct graph_program_stats stats = count(gpu.device, most[i].caps);
        CHECK(stats.dispatches > 100 && stats.dispatches <= most[i].dispatches);
        CHECK(stats.barriers > 50 && stats.barriers <= most[i].barriers);
    }
    gpu_close(&gpu);
    return check_result();
}
