/* Loss scaling inside a step, in f32, where no gradient overflows by itself: a scaled step's weights, steps left out
 * where gradients are not finite, the scale from step to step. */
#include "check.h"
#include "device.h"

#include "args/optim.h"
#include "train/step.h"

#include <math.h>
#include <stdlib.h>

enum { BATCH = 6, LENGTH = 8, SIDE = 12, BAD = 1000 };

static struct vk_device *device;

static const struct train_hyper hyper = {
    .lr = 1e-3, .betas = {0.9, 0.98}, .eps = 1e-6, .weight_decay = 0.1, .momentum = 0.9, .clip_norm = 1};

static struct io_clip_config small_config(void)
{
    struct io_clip_config c;
    io_clip_config_default(&c);
    c.vision.tower = c.text.tower = (struct io_tower_config){
        .width = 12, .mlp = 20, .layers = 2, .heads = 3, .act = IO_ACT_QUICK_GELU, .eps = 1e-5};
    c.vision.image = SIDE;
    c.vision.patch = 4;
    c.text.vocab = 50;
    c.text.context = 16;
    c.text.bos = 48;
    c.text.eos = c.text.pad = 49;
    c.embed = 8;
    return c;
}

/* A model under training. */
struct run {
    struct nn_model *model;
    struct train_moments moments;
    struct train_param *rules;
    struct train_step *step;
    uint32_t steps;
    float scaler[SCALER_COUNT], loss, norm;
};

static void run_open(struct run *r, const struct train_optimizer *optimizer, uint32_t micro_batch, bool scaled)
{
    struct io_clip_config config = small_config();
    struct train_config none = {0};
    enum mien_status status = MIEN_OK;
    memset(r, 0, sizeof(*r));
    TRY(nn_model_create(device, &config, MIEN_F32, &r->model));
    TRY(nn_model_init(r->model, 7));
    r->rules = base_alloc(r->model->count, sizeof(*r->rules));
    TRY(train_groups_resolve(r->model, &none, false, r->rules));
    TRY(train_moments_create(r->model, r->rules, optimizer, &r->moments));
    if (scaled)
        TRY(train_scaler_create(&r->moments));
    const struct train_recipe recipe = {.model = r->model,
                                        .rules = r->rules,
                                        .moments = &r->moments,
                                        .optimizer = optimizer,
                                        .micro_batch = micro_batch,
                                        .objective = {.loss = &train_loss_clip, .global_levels = 1}};
    TRY(train_step_compile(&recipe, &(struct train_step_shape){BATCH, LENGTH}, NULL, &r->step));
fail:
    CHECK_EQ(status, MIEN_OK);
}

static void run_close(struct run *r)
{
    train_step_destroy(&r->step);
    train_moments_destroy(&r->moments);
    base_free(r->rules);
    nn_model_destroy(&r->model);
}

/* One step on the images and texts of a number; of BAD, with one picture that no gradient comes back from. */
static void one_step(struct run *r, uint32_t number)
{
    struct graph_program *program = r->step->program;
    struct base_rng rng = base_rng_make(number, "inputs", 0, 0);
    for (uint32_t p = 0; p < r->step->in.parts; p++) {
        const struct train_part *part = &r->step->in.part[p];
        float *pixels = graph_program_input(program, 0, part->pixels);
        int32_t *ids = graph_program_input(program, 0, part->ids);
        for (uint32_t i = 0; i < part->count * 3 * SIDE * SIDE; i++)
            pixels[i] = (float)base_rng_normal(&rng);
        if (number == BAD && p + 1 == r->step->in.parts)
            pixels[0] = INFINITY;
        for (uint32_t i = 0; i < part->count * LENGTH; i++)
            ids[i] = i % LENGTH == LENGTH - 1 ? 49 : (int32_t)base_rng_below(&rng, 48);
        nn_eot_positions(&r->model->config, ids, part->count, LENGTH, graph_program_input(program, 0, part->eot));
    }
    train_hyper_fill(&hyper, ++r->steps, graph_program_input(program, 0, r->step->hyper));
    CHECK_EQ(graph_program_submit(program, 0), MIEN_OK);
    CHECK_EQ(graph_program_wait(program, 0), MIEN_OK);
    r->loss = *(const float *)graph_program_output(program, 0, r->step->losses.total);
    r->norm = *(const float *)graph_program_output(program, 0, r->step->clipping);
    if (r->step->scaler != OP_NONE)
        memcpy(r->scaler, graph_program_output(program, 0, r->step->scaler), sizeof(r->scaler));
}

/* Weights and moments as they lie on the device; free with base_free. */
static float *state_of(const struct run *r, size_t *count)
{
    size_t at = 0;
    *count = 3 * (size_t)r->model->elements;
    float *out = base_alloc(*count, sizeof(*out));
    for (uint32_t i = 0; out && i < r->model->count; i++) {
        const struct tensor *all[] = {&r->model->params[i].value, &r->moments.first[i], &r->moments.second[i]};
        for (size_t k = 0; k < BASE_COUNT(all); k++) {
            if (!all[k]->range.block)
                continue;
            CHECK_EQ(tensor_download(device, all[k], out + at), MIEN_OK);
            at += tensor_shape_count(&all[k]->shape);
        }
    }
    return out;
}

static bool same_state(const struct run *a, const struct run *b)
{
    size_t count;
    float *x = state_of(a, &count), *y = state_of(b, &count);
    bool same = x && y && memcmp(x, y, count * sizeof(*x)) == 0;
    base_free(x);
    base_free(y);
    return same;
}

/* A power of two scales gradients without rounding: SGD's weights are those of the plain run, bit for bit. AdamW's
 * corrections differ by a rounding a step, of some 1e-7; where the gradient is 0 but for noise, as of the keys' biases,
 * its step is of noise too: a hundredth of the rate. */
static void test_scaled(const struct train_optimizer *optimizer)
{
    struct run plain, scaled;
    size_t count;
    double worst = 0;
    run_open(&plain, optimizer, 0, false);
    run_open(&scaled, optimizer, 0, true);
    for (uint32_t i = 1; i <= 5; i++) {
        one_step(&plain, i);
        one_step(&scaled, i);
        CHECK_NEAR(scaled.norm, plain.norm, 1e-4 * plain.norm);
    }
    float *x = state_of(&plain, &count), *y = state_of(&scaled, &count);
    for (size_t i = 0; x && y && i < count; i++)
        worst = fmax(worst, fabs((double)x[i] - y[i]));
    printf("%s: greatest difference %.3g, loss %.9g %.9g\n", optimizer->word.name, worst, (double)plain.loss,
           (double)scaled.loss);
    CHECK(optimizer == &train_optimizer_sgd ? same_state(&plain, &scaled) : worst < 1e-5);
    CHECK(scaled.scaler[SCALER_SCALE] == (float)SCALER_FIRST && scaled.scaler[SCALER_GOOD] == 5);
    if (optimizer == &train_optimizer_adamw) {
        CHECK_NEAR(scaled.scaler[SCALER_CORRECTION1], 1 - pow(0.9, 5), 1e-6);
        CHECK_NEAR(scaled.scaler[SCALER_CORRECTION2], 1 - pow(0.98, 5), 1e-6);
    }
    base_free(x);
    base_free(y);
    run_close(&plain);
    run_close(&scaled);
}

/* A run with a step left out is the run without that step, bit for bit. */
static void test_left_out(const struct train_optimizer *optimizer, uint32_t micro_batch)
{
    struct run with, without;
    run_open(&with, optimizer, micro_batch, true);
    run_open(&without, optimizer, micro_batch, true);
    for (uint32_t i = 1; i <= 2; i++) {
        one_step(&with, i);
        one_step(&without, i);
    }
    one_step(&with, BAD);
    CHECK(!isfinite(with.norm));
    CHECK(same_state(&with, &without));
    CHECK(with.scaler[SCALER_USED] == (float)SCALER_FIRST && with.scaler[SCALER_SCALE] == (float)SCALER_FIRST / 2);
    CHECK(with.scaler[SCALER_SKIPPED] == 1 && with.scaler[SCALER_GOOD] == 0);
    for (uint32_t i = 3; i <= 4; i++) {
        one_step(&with, i);
        one_step(&without, i);
        CHECK(isfinite(with.norm) && with.loss == without.loss);
    }
    CHECK(same_state(&with, &without));
    CHECK(with.scaler[SCALER_SKIPPED] == 1 && with.scaler[SCALER_GOOD] == 2);
    run_close(&with);
    run_close(&without);
}

static void test_doubles(void)
{
    struct run r;
    float scaler[SCALER_COUNT] = {[SCALER_SCALE] = 4, [SCALER_GOOD] = (float)SCALER_EVERY - 2};
    run_open(&r, &train_optimizer_sgd, 0, true);
    CHECK_EQ(tensor_upload(device, &r.moments.scaler, scaler), MIEN_OK);
    one_step(&r, 1);
    CHECK(r.scaler[SCALER_SCALE] == 4 && r.scaler[SCALER_GOOD] == (float)SCALER_EVERY - 1);
    one_step(&r, 2);
    CHECK(r.scaler[SCALER_USED] == 4 && r.scaler[SCALER_SCALE] == 8 && r.scaler[SCALER_GOOD] == 0);
    one_step(&r, BAD);
    one_step(&r, BAD);
    CHECK(r.scaler[SCALER_SCALE] == 2 && r.scaler[SCALER_SKIPPED] == 2);
    run_close(&r);
}

int main(void)
{
    struct gpu gpu;
    if (!gpu_open(&gpu))
        GPU_SKIP();
    device = gpu.device;
    test_scaled(&train_optimizer_sgd);
    test_scaled(&train_optimizer_adamw);
    test_left_out(&train_optimizer_adamw, 0);
    test_left_out(&train_optimizer_adamw, 2);
    test_left_out(&train_optimizer_sgd, 0);
    test_doubles();
    gpu_close(&gpu);
    return check_result();
}
