/* Stacks of parameters: q, k and v of a layer lie one behind another and are trained as one, or each by the rule that a
 * group has for it. */
#include "check.h"
#include "device.h"

#include "train/step.h"

#include <math.h>
#include <string.h>

enum { BATCH = 5, LENGTH = 8, MOST = 12 * 12 };

static struct io_clip_config config_of(uint32_t width)
{
    struct io_clip_config c;
    io_clip_config_default(&c);
    c.vision.tower = c.text.tower = (struct io_tower_config){
        .width = width, .mlp = 20, .layers = 2, .heads = 3, .act = IO_ACT_QUICK_GELU, .eps = 1e-5};
    c.vision.image = 12;
    c.vision.patch = 4;
    c.text.vocab = 50;
    c.text.context = 16;
    c.text.bos = 48;
    c.text.eos = c.text.pad = 49;
    c.embed = 8;
    return c;
}

static void test_layout(struct vk_device *device, uint32_t width)
{
    struct io_clip_config config = config_of(width);
    struct nn_model *model = NULL;
    uint32_t parts = 0;
    CHECK_EQ(nn_model_create(device, &config, MIEN_F32, &model), MIEN_OK);
    for (uint32_t s = 0; model && s < model->stack_count; s++) {
        const struct nn_stack *stack = &model->stacks[s];
        uint64_t end = 0;
        bool joined = strstr(stack->name, "qkv_proj") != NULL;
        CHECK_EQ(stack->count, joined ? 3 : 1);
        CHECK_EQ(stack->begin, parts);
        CHECK_EQ(stack->value.range.offset % 256, 0);
        for (uint32_t i = 0; i < stack->count; i++) {
            const struct nn_param *param = &model->params[model->order[parts++]];
            CHECK_EQ(param->stack, s);
            CHECK_EQ(param->first, end);
            CHECK_EQ(param->value.range.offset, stack->value.range.offset + 4 * end);
            CHECK(!joined || strchr(param->name, "qkv"[i]) != NULL);
            end += tensor_shape_count(&param->value.shape);
        }
        CHECK_EQ(end, tensor_shape_count(&stack->value.shape));
    }
    CHECK(model && parts == model->count && model->stack_count == model->count - 2 * 2 * 2 * 2);
    nn_model_destroy(&model);
}

/* What a step leaves of q, k and v, and the squares of its gradients. */
struct outcome {
    float weight[3][MOST], bias[3][MOST];
    double norm, values; /* all, and those of v_proj */
};

static void fill(const struct nn_model *model, const struct train_step *step)
{
    static const struct train_hyper hyper = {.lr = 1e-3, .betas = {0.9, 0.98}, .eps = 1e-6, .weight_decay = 0.1};
    struct base_rng rng = base_rng_make(1, "inputs", 0, 0);
    float *pixels = graph_program_input(step->program, 0, step->in.part->pixels);
    int32_t *ids = graph_program_input(step->program, 0, step->in.part->ids);
    for (uint32_t i = 0; i < BATCH * 3 * 12 * 12; i++)
        pixels[i] = (float)base_rng_normal(&rng);
    for (uint32_t i = 0; i < BATCH * LENGTH; i++)
        ids[i] = i % LENGTH == LENGTH - 1 ? 49 : (int32_t)base_rng_below(&rng, 48);
    nn_eot_positions(&model->config, ids, BATCH, LENGTH, graph_program_input(step->program, 0, step->in.part->eot));
    train_hyper_fill(&hyper, 1, graph_program_input(step->program, 0, step->hyper));
}

static void read_back(const struct nn_model *model, const struct train_step *step, struct outcome *out)
{
    for (uint32_t i = 0; step && i < model->count; i++) {
        const struct nn_param *param = &model->params[i];
        if (!strstr(param->name, "v_proj") || step->grads[param->stack] == OP_NONE)
            continue;
        const float *grad = graph_program_output(step->program, 0, step->grads[param->stack]);
        for (uint64_t e = 0; e < tensor_shape_count(&param->value.shape); e++)
            out->values += (double)grad[param->first + e] * (double)grad[param->first + e];
    }
    for (uint32_t i = 0; i < 3; i++) {
        char name[96];
        snprintf(name, sizeof(name), "vision_model.encoder.layers.1.self_attn.%c_proj.weight", "qkv"[i]);
        CHECK_EQ(nn_model_values(model, &model->params[nn_param_find(model, name)], out->weight[i]), MIEN_OK);
        snprintf(name, sizeof(name), "vision_model.encoder.layers.1.self_attn.%c_proj.bias", "qkv"[i]);
        CHECK_EQ(nn_model_values(model, &model->params[nn_param_find(model, name)], out->bias[i]), MIEN_OK);
    }
}

/* One step, or none without a configuration, from the same weights. */
static enum mien_status train(struct vk_device *device, uint32_t width, const struct train_config *config,
                              struct outcome *out)
{
    struct io_clip_config clip = config_of(width);
    struct nn_model *model = NULL;
    struct train_moments moments = {0};
    struct train_step *step = NULL;
    struct train_param *rules = NULL;
    struct train_recipe recipe = {.optimizer = &train_optimizer_adamw,
                                  .objective = {.loss = &train_loss_clip, .global_levels = 1}};
    enum mien_status status = MIEN_OK;
    memset(out, 0, sizeof(*out));
    TRY(nn_model_create(device, &clip, MIEN_F32, &model));
    TRY(nn_model_init(model, 7));
    rules = base_alloc(model->count, sizeof(*rules));
    if (config) {
        TRY(train_groups_resolve(model, config, false, rules));
        TRY(train_moments_create(model, rules, &train_optimizer_adamw, &moments));
        recipe.model = model;
        recipe.rules = rules;
        recipe.moments = &moments;
        TRY(train_step_compile(&recipe, &(struct train_step_shape){BATCH, LENGTH, .grads = true}, NULL, &step));
        fill(model, step);
        TRY(graph_program_run(step->program));
        out->norm = (double)*(const float *)graph_program_output(step->program, 0, step->clipping);
    }
    read_back(model, step, out);
fail:
    train_step_destroy(&step);
    train_moments_destroy(&moments);
    base_free(rules);
    nn_model_destroy(&model);
    return status;
}

/* Frozen is untouched, at half the rate it moves half as far, and the rest is as it is without groups. */
static void check_parts(float before[3][MOST], float all[3][MOST], float some[3][MOST], uint32_t count)
{
    for (uint32_t e = 0; e < count; e++) {
        double whole = (double)all[0][e] - (double)before[0][e], half = (double)some[0][e] - (double)before[0][e];
        CHECK(whole != 0 && fabs(half - whole / 2) <= 1e-7);
        CHECK(some[1][e] == all[1][e] && all[1][e] != before[1][e]);
        CHECK(some[2][e] == before[2][e] && all[2][e] != before[2][e]);
    }
}

static void test_groups(struct vk_device *device)
{
    static struct outcome before, all, some;
    struct train_group group[] = {{.match = "*q_proj*", .lr_scale = 0.5}, {.match = "*v_proj*", .freeze = true}};
    struct train_config none = {0}, groups = {.optim = {.group = group, .groups = 2}};
    CHECK_EQ(train(device, 12, NULL, &before), MIEN_OK);
    CHECK_EQ(train(device, 12, &none, &all), MIEN_OK);
    CHECK_EQ(train(device, 12, &groups, &some), MIEN_OK);
    check_parts(before.weight, all.weight, some.weight, 12 * 12);
    check_parts(before.bias, all.bias, some.bias, 12);
    CHECK_NEAR(some.norm * some.norm, all.norm * all.norm - all.values, 1e-5 * all.norm * all.norm);
    CHECK(all.values > 1e-3 * all.norm * all.norm);
}

/* Thirds that begin in the middle of four elements cannot be told apart by the update. */
static void test_uneven(struct vk_device *device)
{
    static struct outcome out;
    struct train_group group[] = {{.match = "*.k_proj.*", .freeze = true}};
    struct train_config groups = {.optim = {.group = group, .groups = 1}}, none = {0};
    CHECK_EQ(train(device, 6, &groups, &out), MIEN_ERR_ARG);
    CHECK(strstr(mien_last_error(), "q_proj, k_proj and v_proj") && strstr(mien_last_error(), "6 elements"));
    group[0].match = "*_proj.*";
    CHECK_EQ(train(device, 6, &groups, &out), MIEN_OK);
    CHECK_EQ(train(device, 6, &none, &out), MIEN_OK);
}

int main(void)
{
    struct gpu gpu;
    if (!gpu_open(&gpu))
        GPU_SKIP();
    test_layout(gpu.device, 12);
    test_layout(gpu.device, 6);
    test_groups(gpu.device);
    test_uneven(gpu.device);
    gpu_close(&gpu);
    return check_result();
}
