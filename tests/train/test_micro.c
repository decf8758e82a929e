/* Gradient caching, recomputation and losses in blocks: the gradients of the whole batch at once, in less memory. */
#include "check.h"
#include "device.h"

#include "train/step.h"

#include <math.h>
#include <stdlib.h>

enum { BATCH = 32, LENGTH = 16, LEVELS = 3, COUNT_MAX = 8192 };

static const struct train_hyper hyper = {
    .lr = 1e-3, .betas = {0.9, 0.98}, .eps = 1e-6, .weight_decay = 0.1, .clip_norm = 1};

struct outcome {
    uint64_t activations;
    float loss, local, scale_grad;
    uint32_t params;
    float **grads; /* [params] */
};

static void fill(const struct nn_model *model, const struct train_step *step)
{
    uint32_t side = model->config.vision.image, pixels = 3 * side * side;
    for (uint32_t i = 0; i < step->in.parts; i++) {
        const struct train_part *part = &step->in.part[i];
        float *to = graph_program_input(step->program, 0, part->pixels);
        int32_t *ids = graph_program_input(step->program, 0, part->ids);
        for (uint32_t b = 0; b < part->count; b++) {
            struct base_rng rng = base_rng_make(3, "image", part->first + b, 0);
            for (uint32_t p = 0; p < pixels; p++)
                to[b * pixels + p] = (float)base_rng_normal(&rng);
            for (uint32_t k = 0; k < LEVELS; k++) {
                int32_t *row = ids + (size_t)(k * part->count + b) * LENGTH;
                for (uint32_t t = 0; t < LENGTH; t++)
                    row[t] = t == LENGTH - 1 ? (int32_t)model->config.text.eos
                                             : (int32_t)base_rng_below(&rng, model->config.text.eos - 1);
            }
        }
        nn_eot_positions(&model->config, ids, LEVELS * part->count, LENGTH,
                         graph_program_input(step->program, 0, part->eot));
    }
    train_hyper_fill(&hyper, 1, graph_program_input(step->program, 0, step->hyper));
}

static float value(const struct train_step *step, op_value v)
{
    return *(const float *)graph_program_output(step->program, 0, v);
}

/* Local sentences against image regions, or (`sentence`) against images as a whole. */
static void run_branch(struct vk_device *device, uint32_t micro_batch, bool recompute, bool sentence,
                       uint32_t blocks_from, struct outcome *out)
{
    enum mien_status status = MIEN_OK;
    struct nn_model *model = NULL;
    struct train_moments moments = {0};
    struct train_param *rules = NULL;
    struct train_step *step = NULL;
    struct train_config none = {0};
    struct graph_program_stats stats;
    struct train_recipe recipe = {.optimizer = &train_optimizer_adamw,
                                  .micro_batch = micro_batch,
                                  .recompute = recompute,
                                  .blocks_from = blocks_from,
                                  .objective = {.loss = &train_loss_clip,
                                                .global_levels = 2,
                                                .slots = 1,
                                                .local = sentence ? &train_local_sentence : &train_local_pooled,
                                                .local_weight = 1,
                                                .local_tau = 0.1f}};
    recipe.objective.mining = (struct op_mining){.kind = OP_MINING_HARD, .text = 0.9f, .image = 0.9f, .top_k = 8};
    TRY(nn_model_load(device, MIEN_SOURCE_DIR "/tests/golden/train/start", NULL, &model));
    rules = base_alloc(model->count, sizeof(*rules));
    TRY(train_groups_resolve(model, &none, false, rules));
    TRY(train_moments_create(model, rules, &train_optimizer_adamw, &moments));
    recipe.model = model;
    recipe.rules = rules;
    recipe.moments = &moments;
    TRY(train_step_compile(&recipe, &(struct train_step_shape){BATCH, LENGTH, .mining = true, .grads = true}, NULL,
                           &step));
    fill(model, step);
    TRY(graph_program_run(step->program));
    graph_program_stats(step->program, &stats);
    out->activations = stats.activation_bytes;
    out->loss = value(step, step->losses.total);
    out->local = value(step, step->losses.local);
    out->params = model->count;
    out->grads = base_alloc(model->count, sizeof(*out->grads));
    for (uint32_t i = 0; i < model->count; i++) {
        const struct nn_param *param = &model->params[i];
        op_value grad = step->grads[param->stack];
        uint64_t bytes = tensor_shape_bytes(&param->value.shape);
        out->grads[i] = base_alloc(bytes, 1);
        CHECK(grad != OP_NONE && bytes <= COUNT_MAX * sizeof(float));
        memcpy(out->grads[i], (const float *)graph_program_output(step->program, 0, grad) + param->first, bytes);
    }
    out->scale_grad = out->grads[nn_param_find(model, "logit_scale")][0];
fail:
    CHECK_EQ(status, MIEN_OK);
    train_step_destroy(&step);
    train_moments_destroy(&moments);
    base_free(rules);
    nn_model_destroy(&model);
}

static void run(struct vk_device *device, uint32_t micro_batch, bool recompute, struct outcome *out)
{
    run_branch(device, micro_batch, recompute, false, 0, out);
}

/* NMSE at most 1e-9 where there is a gradient to speak of; elsewhere it is next to nothing of the largest. */
static void compare(struct vk_device *device, const struct outcome *a, const struct outcome *b, bool same_bits)
{
    struct nn_model *model = NULL;
    double worst = 0, most = 0;
    CHECK_EQ(nn_model_load(device, MIEN_SOURCE_DIR "/tests/golden/train/start", NULL, &model), MIEN_OK);
    for (int pass = 0; model && pass < 2; pass++) {
        for (uint32_t i = 0; i < model->count; i++) {
            double error = 0, energy = 0, off = 0;
            for (uint64_t j = 0; j < tensor_shape_count(&model->params[i].value.shape); j++) {
                double x = a->grads[i][j], y = b->grads[i][j];
                error += (x - y) * (x - y);
                energy += x * x;
                off = fmax(off, fabs(x - y));
                most = fmax(most, fabs(x));
            }
            bool nothing = strstr(model->params[i].name, "k_proj.bias") != NULL; /* exactly 0 but for rounding */
            if (pass == 1 && !nothing)
                worst = fmax(worst, error / energy);
            else if (pass == 1)
                CHECK(off <= 1e-6 * most);
        }
    }
    nn_model_destroy(&model);
    printf("NMSE %.1e, %llu -> %llu bytes of activations\n", worst, (unsigned long long)a->activations,
           (unsigned long long)b->activations);
    CHECK(worst <= (same_bits ? 0 : 1e-9));
    CHECK_NEAR(b->loss, a->loss, same_bits ? 0 : 1e-6 * (double)a->loss);
    CHECK_NEAR(b->scale_grad, a->scale_grad, 1e-5 * fabs((double)a->scale_grad));
    CHECK(b->local > 0);
}

static void clear(struct outcome *o)
{
    for (uint32_t i = 0; o->grads && i < o->params; i++)
        base_free(o->grads[i]);
    base_free(o->grads);
}

static void test(struct vk_device *device)
{
    struct outcome whole = {0}, quarter = {0}, micro = {0}, again = {0}, both = {0};
    run(device, 0, false, &whole);
    run(device, 8, false, &quarter);
    run(device, 4, false, &micro);
    run(device, 0, true, &again);
    run(device, 4, true, &both);
    compare(device, &whole, &quarter, false);
    compare(device, &whole, &micro, false);
    compare(device, &whole, &again, true);
    compare(device, &micro, &both, true);
    CHECK(micro.activations < 0.5 * (double)whole.activations && micro.activations < quarter.activations);
    CHECK(again.activations < 0.8 * (double)whole.activations);
    CHECK(both.activations <= micro.activations);
    clear(&whole);
    clear(&quarter);
    clear(&micro);
    clear(&again);
    clear(&both);
}

/* Blocks of 16 pairs, which are 256 bytes of 20 values each; of 8 there are none. */
static void test_blocks(struct vk_device *device)
{
    struct outcome whole = {0}, micro = {0}, blocks = {0}, odd = {0}, odd_micro = {0};
    run_branch(device, 0, false, true, BATCH, &whole);
    run_branch(device, 16, false, true, BATCH + 1, &micro);
    run_branch(device, 16, false, true, BATCH, &blocks);
    run_branch(device, 8, false, true, BATCH, &odd);
    run_branch(device, 8, false, true, BATCH + 1, &odd_micro);
    compare(device, &whole, &blocks, false);
    compare(device, &odd, &odd_micro, true);
    CHECK(blocks.activations != micro.activations);
    clear(&whole);
    clear(&micro);
    clear(&blocks);
    clear(&odd);
    clear(&odd_micro);
}

int main(void)
{
    struct gpu gpu;
    if (!gpu_open(&gpu))
        GPU_SKIP();
    test(gpu.device);
    test_blocks(gpu.device);
    gpu_close(&gpu);
    return check_result();
}
