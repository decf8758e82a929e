/* Ten training steps of a tiny CLIP against PyTorch's AdamW on the same batch: loss, gradient norm and logit_scale of
 * every step, and some weights at the end. The goldens: tests/golden/make_golden.py. */
#include "check.h"
#include "device.h"

#include "io/safetensors.h"
#include "train/schedule.h"
#include "train/step.h"

#include <stdlib.h>

/* Rounding compounds from step to step, and AdamW divides small gradients by their own size. On lavapipe and
 * SwiftShader the largest relative differences seen are 4e-6 (norm) and NMSE 2e-14 (weights). */
#define STEP_MAX 2e-5
#define WEIGHT_NMSE_MAX 1e-11

static const struct train_hyper hyper_base = {
    .lr = 2e-3, .betas = {0.9, 0.98}, .eps = 1e-6, .weight_decay = 0.2, .clip_norm = 1.0};

static float buffer[65536];

static const float *values(const struct io_safetensors *file, const char *name, size_t *count)
{
    const struct io_tensor *tensor = io_safetensors_find(file, name);
    CHECK(tensor != NULL && tensor->count <= 65536);
    *count = tensor ? (size_t)tensor->count : 0;
    if (tensor)
        io_tensor_read_f32(tensor, 0, tensor->count, buffer);
    return buffer;
}

static void fill_inputs(const struct nn_model *model, struct train_step *step, const struct io_safetensors *file,
                        uint32_t slot, uint64_t number)
{
    const struct io_tensor *pixels = io_safetensors_find(file, "pixels"), *ids = io_safetensors_find(file, "ids");
    struct train_config config = {.optim = {.lr = hyper_base.lr, .warmup_steps = 3}};
    struct train_rate rate = train_rate_make(&config, 10, 10);
    struct train_hyper hyper = hyper_base;
    int32_t *row = graph_program_input(step->program, slot, step->in.part->ids);
    hyper.lr = train_rate_at(&rate, number - 1);
    io_tensor_read_f32(pixels, 0, pixels->count, graph_program_input(step->program, slot, step->in.part->pixels));
    CHECK_EQ(io_tensor_read(ids, 0, ids->count, row), MIEN_OK);
    nn_eot_positions(&model->config, row, step->shape.batch, step->shape.length,
                     graph_program_input(step->program, slot, step->in.part->eot));
    train_hyper_fill(&hyper, number, graph_program_input(step->program, slot, step->hyper));
}

static void compare_step(struct train_step *step, uint32_t slot, const float *want, uint64_t number)
{
    float loss = *(const float *)graph_program_output(step->program, slot, step->losses.total);
    float norm = *(const float *)graph_program_output(step->program, slot, step->clipping);
    float scale = *(const float *)graph_program_output(step->program, slot, step->logit_scale);
    printf("step %llu: loss %.6f (%.6f), gradient norm %.5f (%.5f), logit_scale %.6f (%.6f)\n",
           (unsigned long long)number, (double)loss, (double)want[0], (double)norm, (double)want[2], (double)scale,
           (double)want[3]);
    CHECK_NEAR(loss, want[0], STEP_MAX * fabs((double)want[0]) + STEP_MAX);
    CHECK_NEAR(norm, want[2], 4 * STEP_MAX * fabs((double)want[2]));
    CHECK_NEAR(scale, want[3], STEP_MAX);
}

static void compare_weight(const struct nn_model *model, const struct io_safetensors *file, const char *name)
{
    char full[200];
    size_t count;
    double error = 0, energy = 0;
    static float got[65536];
    snprintf(full, sizeof(full), "train.%s", name);
    const float *want = values(file, full, &count);
    uint32_t index = nn_param_find(model, name);
    CHECK(index != UINT32_MAX);
    CHECK_EQ(tensor_download(model->device, &model->params[index].value, got), MIEN_OK);
    for (size_t i = 0; i < count; i++) {
        error += pow((double)got[i] - (double)want[i], 2);
        energy += pow((double)want[i], 2);
    }
    printf("%s: NMSE %.2g\n", name, error / energy);
    CHECK(error <= WEIGHT_NMSE_MAX * energy);
}

static void run(struct vk_device *device)
{
    static const char *const names[] = {"visual_projection.weight", "text_model.encoder.layers.1.mlp.fc1.weight",
                                        "text_model.embeddings.position_embedding.weight",
                                        "vision_model.pre_layrnorm.weight", "logit_scale"};
    enum mien_status status = MIEN_OK;
    struct nn_model *model = NULL;
    struct io_safetensors *file = NULL;
    struct train_moments moments = {0};
    struct train_step *step = NULL;
    struct train_param *rules = NULL;
    struct train_config config = {0};
    float want[64];
    size_t count;
    TRY(nn_model_load(device, MIEN_SOURCE_DIR "/tests/golden/tiny-quick", NULL, &model));
    TRY(io_safetensors_open(MIEN_SOURCE_DIR "/tests/golden/tiny-quick/golden.safetensors", &file));
    memcpy(want, values(file, "train.steps", &count), sizeof(want));
    CHECK_EQ(count, 40);
    rules = base_alloc(model->count, sizeof(*rules));
    TRY(train_groups_resolve(model, &config, false, rules));
    TRY(train_moments_create(model, rules, &train_optimizer_adamw, &moments));
    const struct train_recipe recipe = {.model = model,
                                        .rules = rules,
                                        .moments = &moments,
                                        .optimizer = &train_optimizer_adamw,
                                        .objective = {.loss = &train_loss_clip, .global_levels = 1}};
    TRY(train_step_compile(&recipe, &(struct train_step_shape){5, 11}, NULL, &step));
    for (uint64_t number = 1; number <= 10; number++) { /* both slots, one step in flight */
        uint32_t slot = number % 2;
        fill_inputs(model, step, file, slot, number);
        TRY(graph_program_submit(step->program, slot));
        if (number > 1) {
            TRY(graph_program_wait(step->program, !slot));
            compare_step(step, !slot, want + (number - 2) * 4, number - 1);
        }
    }
    TRY(graph_program_wait(step->program, 0));
    compare_step(step, 0, want + 36, 10);
    for (size_t i = 0; i < BASE_COUNT(names); i++)
        compare_weight(model, file, names[i]);
fail:
    CHECK_EQ(status, MIEN_OK);
    train_step_destroy(&step);
    train_moments_destroy(&moments);
    base_free(rules);
    io_safetensors_close(&file);
    nn_model_destroy(&model);
}

int main(void)
{
    struct gpu gpu;
    if (!gpu_open(&gpu))
        GPU_SKIP();
    run(gpu.device);
    gpu_close(&gpu);
    return check_result();
}
