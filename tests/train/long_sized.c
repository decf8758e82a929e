/* Two training steps of a whole ViT-B/32, batch 8, against PyTorch in float64: losses, and components of five
 * gradients. Weights, pixels and tokens come from a hash; the rules are those of tests/golden/make_sized.py. Some 800
 * GFLOP. */
#include "check.h"
#include "device.h"

#include "io/safetensors.h"
#include "nn/hashed.h"
#include "train/step.h"

#include <stdlib.h>

#define SIZED MIEN_SOURCE_DIR "/tests/golden/sized/"

/* fp32 gives some 3e-7, of sums of squares 2e-7. */
#define LOSS_MAX 1e-4
#define GRAD_NMSE_MAX 1e-9

enum { BATCH = 8, LENGTH = 77, SAMPLES = 64, STEPS = 2 };

static const char *const names[] = {"visual_projection.weight", "vision_model.embeddings.patch_embedding.weight",
                                    "vision_model.encoder.layers.6.mlp.fc1.weight",
                                    "text_model.encoder.layers.11.self_attn.q_proj.weight",
                                    "text_model.embeddings.token_embedding.weight"};

static const struct train_hyper hyper = {
    .lr = 1e-4, .betas = {0.9, 0.98}, .eps = 1e-6, .weight_decay = 0.2, .clip_norm = 1};

static void fill(const struct nn_model *model, const struct train_step *step, uint64_t number)
{
    const struct io_clip_config *c = &model->config;
    float *pixels = hashed_pixels(c->vision.image, BATCH);
    int32_t *ids = graph_program_input(step->program, 0, step->in.part->ids);
    CHECK(pixels != NULL);
    if (pixels)
        memcpy(graph_program_input(step->program, 0, step->in.part->pixels), pixels,
               (size_t)BATCH * 3 * c->vision.image * c->vision.image * sizeof(*pixels));
    for (uint32_t row = 0; row < BATCH; row++) {
        for (uint32_t t = 0; t < LENGTH; t++)
            ids[row * LENGTH + t] = (int32_t)c->text.eos;
        hashed_text(c, row, 77 - 8 * row, ids + (size_t)row * LENGTH);
    }
    nn_eot_positions(c, ids, BATCH, LENGTH, graph_program_input(step->program, 0, step->in.part->eot));
    train_hyper_fill(&hyper, number, graph_program_input(step->program, 0, step->hyper));
    base_free(pixels);
}

static void read(const struct io_safetensors *file, const char *prefix, const char *name, float *out, uint64_t count)
{
    char full[128];
    snprintf(full, sizeof(full), "%s%s", prefix, name);
    const struct io_tensor *tensor = io_safetensors_find(file, full);
    CHECK(tensor && tensor->count == count && io_tensor_read_f32(tensor, 0, count, out) == MIEN_OK);
}

static void compare_grad(const struct nn_model *model, const struct train_step *step,
                         const struct io_safetensors *golden, const char *name)
{
    uint32_t index = nn_param_find(model, name), hash = hashed_name(name);
    uint64_t count = tensor_shape_count(&model->params[index].value.shape);
    const float *got = graph_program_output(step->program, 0, step->grads[index]);
    float want[SAMPLES] = {0}, squares = 0;
    double error = 0, energy = 0, all = 0;
    read(golden, "grad.", name, want, SAMPLES);
    read(golden, "squares.", name, &squares, 1);
    for (uint32_t i = 0; i < SAMPLES; i++) {
        double d = (double)got[hashed_at(hash, i) % count] - (double)want[i];
        error += d * d;
        energy += (double)want[i] * (double)want[i];
    }
    for (uint64_t i = 0; i < count; i++)
        all += (double)got[i] * (double)got[i];
    printf("%s: NMSE %.1e, sum of squares off by %.1e\n", name, error / fmax(energy, 1e-30),
           fabs(all / (double)squares - 1));
    CHECK(error <= GRAD_NMSE_MAX * fmax(energy, 1e-30) && fabs(all / (double)squares - 1) <= 1e-5);
}

static enum mien_status run(struct vk_device *device, const struct io_safetensors *golden)
{
    enum mien_status status = MIEN_OK;
    struct nn_model *model = NULL;
    struct train_moments moments = {0};
    struct train_step *step = NULL;
    struct train_param *rules = NULL;
    struct train_config none = {0};
    float losses[STEPS] = {0};
    read(golden, "", "loss", losses, STEPS);
    TRY(hashed_model(device, SIZED "vit-b-32.json", &model));
    rules = base_alloc(model->count, sizeof(*rules));
    FAIL_IF_NULL(rules, "rules");
    TRY(train_groups_resolve(model, &none, false, rules));
    TRY(train_moments_create(model, rules, &train_optimizer_adamw, &moments));
    const struct train_recipe recipe = {.model = model,
                                        .rules = rules,
                                        .moments = &moments,
                                        .optimizer = &train_optimizer_adamw,
                                        .objective = {.loss = &train_loss_clip, .global_levels = 1}};
    const struct train_step_shape shape = {.batch = BATCH, .length = LENGTH, .grads = true};
    TRY(train_step_compile(&recipe, &shape, NULL, &step));
    for (uint32_t i = 0; i < STEPS; i++) {
        fill(model, step, i + 1);
        TRY(graph_program_submit(step->program, 0));
        TRY(graph_program_wait(step->program, 0));
        double loss = (double)*(const float *)graph_program_output(step->program, 0, step->losses.total);
        printf("step %u: loss %.6f, off by %.1e\n", i + 1, loss, fabs(loss / (double)losses[i] - 1));
        CHECK(fabs(loss / (double)losses[i] - 1) <= LOSS_MAX);
        for (size_t k = 0; i == 0 && k < BASE_COUNT(names); k++)
            compare_grad(model, step, golden, names[k]);
    }
fail:
    train_step_destroy(&step);
    train_moments_destroy(&moments);
    base_free(rules);
    nn_model_destroy(&model);
    return status;
}

int main(void)
{
    struct gpu gpu;
    struct io_safetensors *golden = NULL;
    if (!gpu_open(&gpu))
        GPU_SKIP();
    CHECK_EQ(io_safetensors_open(SIZED "steps.safetensors", &golden), MIEN_OK);
    if (golden)
        CHECK_EQ(run(gpu.device, golden), MIEN_OK);
    io_safetensors_close(&golden);
    gpu_close(&gpu);
    return check_result();
}
