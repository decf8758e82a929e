/* The gradient of every parameter of a model of 1.4 million, at shapes that take the kernels of real models (head
 * dimensions 64 and 32, 37 and 77 tokens, batch 16), against PyTorch's: up to 64 components of each, and its sum of
 * squares; in f32, and with activations in 16 bits. Weights and inputs come from a hash; tests/golden/make_sized.py. */
#include "check.h"
#include "device.h"

#include "io/safetensors.h"
#include "nn/hashed.h"

#include <stdlib.h>

#define ENERGY_MIN 1e-16

/* What is allowed by how blocks store their activations. f32: as in test_golden.c. 16 bits: each of the roundings on
 * the way, of 1.3e-6 (bf16) and 2e-8 (f16) in the mean square, counts once for each of some dozen values in a row of
 * the network, and more where a gradient is a small difference; `flat`: of a gradient that is 0 but for rounding, in
 * units of the largest one of the model. Matrix units round the weights, pixels and the stream's gradients as
 * well: 6.6e-6 in place of 2.2e-6 for f16 (Mesa 26's lavapipe as a desktop device). The sum of squares differs by twice
 * the relative error of the gradient. */
struct bound {
    enum mien_dtype stored;
    float scale; /* of the loss: what f16 needs of gradients of 1e-6 */
    double nmse, flat, loss;
};
static const struct bound bounds[] = {
    {MIEN_F32, 1, 1e-9, 1e-6, 1e-6},
    {MIEN_BF16, 1, 1e-3, 1e-3, 1e-3},
    {MIEN_F16, 4096, 1e-5, 1e-4, 1e-4},
};

enum { BATCH = 16, LENGTH = 77, SAMPLES = 64 };

struct run {
    const struct bound *bound;
    struct io_safetensors *file;
    struct nn_model *model;
    struct graph *graph;
    struct graph_program *program;
    op_value pixels, ids, eot, loss;
    op_value *grads; /* of the model's stacks */
};

static enum mien_status record(struct run *r)
{
    enum mien_status status = MIEN_OK;
    struct nn_scope scope = {0};
    uint32_t size = r->model->config.vision.image;
    TRY(graph_create(&r->graph));
    TRY(nn_scope_open(&scope, r->graph, r->model, true));
    scope.stored = r->bound->stored;
    r->pixels = graph_input(r->graph, "pixels", SHAPE_F32(BATCH, 3, size, size));
    r->ids = graph_input(r->graph, "ids", SHAPE_I32(BATCH, LENGTH));
    r->eot = graph_input(r->graph, "eot", SHAPE_I32(BATCH));
    op_value u = nn_unit_rows(&scope, nn_image_tower(&scope, r->pixels));
    op_value v = nn_unit_rows(&scope, nn_text_tower(&scope, r->ids, r->eot));
    r->loss = nn_clip_loss(&scope, u, v);
    r->grads = base_alloc(r->model->stack_count, sizeof(*r->grads));
    FAIL_IF_NULL(r->grads, "gradients");
    op_value scale = graph_constant(r->graph, "scale", graph_shape(r->graph, r->loss), &r->bound->scale);
    TRY(graph_backward_from(r->graph, &r->loss, &scale, 1, scope.values, r->model->stack_count, r->grads));
    graph_output(r->graph, r->loss);
    for (uint32_t i = 0; i < r->model->stack_count; i++)
        graph_output(r->graph, r->grads[i]);
    TRY(graph_compile(r->graph, r->model->device, NULL, &r->program));
fail:
    nn_scope_close(&scope);
    return status;
}

static enum mien_status fill_and_run(struct run *r)
{
    enum mien_status status = MIEN_OK;
    const struct io_clip_config *c = &r->model->config;
    int32_t *ids = graph_program_input(r->program, 0, r->ids);
    float *pixels = hashed_pixels(c->vision.image, BATCH);
    FAIL_IF_NULL(pixels, "pixels");
    memcpy(graph_program_input(r->program, 0, r->pixels), pixels,
           (size_t)BATCH * 3 * c->vision.image * c->vision.image * sizeof(*pixels));
    for (uint32_t row = 0; row < BATCH; row++) {
        for (uint32_t t = 0; t < LENGTH; t++)
            ids[row * LENGTH + t] = (int32_t)c->text.pad;
        hashed_text(c, row, LENGTH - 4 * row, ids + (size_t)row * LENGTH);
    }
    nn_eot_positions(c, ids, BATCH, LENGTH, graph_program_input(r->program, 0, r->eot));
    TRY(graph_program_run(r->program));
fail:
    base_free(pixels);
    return status;
}

static const struct io_tensor *need(const struct run *r, const char *prefix, const char *name)
{
    char full[200];
    snprintf(full, sizeof(full), "%s%s", prefix, name);
    const struct io_tensor *tensor = io_safetensors_find(r->file, full);
    CHECK(tensor && tensor->count <= SAMPLES);
    return tensor && tensor->count <= SAMPLES ? tensor : NULL;
}

static double largest_sample(struct run *r)
{
    double most = 0;
    for (uint32_t i = 0; i < r->model->count; i++) {
        float want[SAMPLES];
        const struct io_tensor *t = need(r, "grad.", r->model->params[i].name);
        if (!t)
            continue;
        io_tensor_read_f32(t, 0, t->count, want);
        for (uint64_t k = 0; k < t->count; k++)
            most = check_larger(most, fabs((double)want[k]));
    }
    return most;
}

/* Returns the NMSE, 0 for a gradient that is 0 but for rounding. */
static double check_gradient(struct run *r, const struct nn_param *param, const float *got, double largest)
{
    const struct io_tensor *samples = need(r, "grad.", param->name), *squares = need(r, "squares.", param->name);
    float want[SAMPLES], square = 0;
    double energy = 0, error = 0, most = 0, sum = 0, scale = (double)r->bound->scale;
    uint64_t count = tensor_shape_count(&param->value.shape);
    if (!samples || !squares)
        return INFINITY;
    CHECK_EQ(samples->count, BASE_MIN(count, (uint64_t)SAMPLES));
    io_tensor_read_f32(samples, 0, samples->count, want);
    io_tensor_read_f32(squares, 0, 1, &square);
    for (uint64_t i = 0; i < count; i++)
        sum += (double)got[i] * (double)got[i] / (scale * scale);
    for (uint64_t k = 0; k < samples->count; k++) {
        uint64_t at = count <= SAMPLES ? k : hashed_at(hashed_name(param->name), k) % count;
        double d = (double)got[at] / scale - (double)want[k];
        energy += (double)want[k] * (double)want[k];
        error += d * d;
        most = check_larger(most, isnan(d) ? INFINITY : fabs(d));
    }
    bool flat = (double)square <= ENERGY_MIN;
    bool good = flat ? most <= r->bound->flat * largest
                     : error <= r->bound->nmse * energy && fabs(sum / (double)square - 1) <= 2 * sqrt(r->bound->nmse);
    if (!good)
        fprintf(stderr, "%s: NMSE %g, largest difference %g, squares %g (PyTorch %g)\n", param->name, error / energy,
                most, sum, (double)square);
    CHECK(good);
    return flat ? 0 : error / energy;
}

static void compare(struct run *r)
{
    double worst = 0, largest = largest_sample(r);
    const struct io_tensor *t = need(r, "", "loss");
    float loss = *(const float *)graph_program_output(r->program, 0, r->loss), want = 0;
    if (t)
        io_tensor_read_f32(t, 0, 1, &want);
    CHECK_NEAR(loss, want, r->bound->loss * (double)want);
    for (uint32_t i = 0; i < r->model->count; i++) {
        const struct nn_param *param = &r->model->params[i];
        op_value grad = r->grads[param->stack];
        CHECK(grad != OP_NONE);
        if (grad == OP_NONE)
            continue;
        const float *got = graph_program_output(r->program, 0, grad);
        worst = fmax(worst, check_gradient(r, param, got + param->first, largest));
    }
    printf("%s: loss %.7f (PyTorch %.7f), worst NMSE of %u gradients %.2g\n", mien_dtype_name(r->bound->stored),
           (double)loss, (double)want, r->model->count, worst);
}

static void test_gradients(struct vk_device *device, const struct bound *bound)
{
    enum mien_status status = MIEN_OK;
    struct run r = {.bound = bound};
    TRY(io_safetensors_open(MIEN_SOURCE_DIR "/tests/golden/sized/gradients.safetensors", &r.file));
    TRY(hashed_model(device, MIEN_SOURCE_DIR "/tests/golden/sized/gradients.json", &r.model));
    TRY(record(&r));
    TRY(fill_and_run(&r));
    compare(&r);
fail:
    CHECK_EQ(status, MIEN_OK);
    graph_program_destroy(&r.program);
    graph_destroy(&r.graph);
    nn_model_destroy(&r.model);
    io_safetensors_close(&r.file);
    base_free(r.grads);
}

int main(void)
{
    struct gpu gpu;
    if (!gpu_open(&gpu))
        GPU_SKIP();
    for (size_t i = 0; i < BASE_COUNT(bounds); i++)
        test_gradients(gpu.device, &bounds[i]);
    gpu_close(&gpu);
    return check_result();
}
