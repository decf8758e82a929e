/* Tiny CLIP models against PyTorch: embeddings, loss, and the gradient of every parameter. The goldens and what they
 * hold: tests/golden/make_golden.py. */
#include "check.h"
#include "device.h"

#include "io/elements.h"
#include "io/safetensors.h"
#include "nn/nn.h"

#include <stdlib.h>

/* Tolerances. NMSE: rounding of fp32 (2^-24) accumulates over some dozen layers to about 1e-12 of the energy; 1e-9 is
 * the project's bar. FLAT: where the exact gradient is 0 (a key's bias: softmax does not see it) only rounding is left,
 * which is compared with the largest gradient of the model. */
#define NMSE_MAX 1e-9
#define ENERGY_MIN 1e-16
#define FLAT_MAX 1e-6
#define EMBED_MAX 1e-5
#define LOSS_MAX 1e-6

struct golden {
    struct io_safetensors *file;
    struct nn_model *model;
    struct graph *graph;
    struct graph_program *program;
    op_value pixels, ids, eot, image, text, loss;
    op_value patches; /* OP_NONE where the golden has none */
    bool recompute;
    op_value *grads; /* of the model's stacks */
    float *buffer;
};

static const struct io_tensor *need(const struct golden *g, const char *prefix, const char *name)
{
    char full[200];
    snprintf(full, sizeof(full), "%s%s", prefix, name);
    const struct io_tensor *tensor = io_safetensors_find(g->file, full);
    if (!tensor)
        fprintf(stderr, "golden has no tensor %s\n", full);
    CHECK(tensor != NULL);
    return tensor;
}

static struct tensor_shape shape_of(const struct io_tensor *tensor, enum mien_dtype dtype)
{
    struct tensor_shape shape = {.dtype = dtype, .rank = tensor->rank};
    for (uint32_t i = 0; i < tensor->rank; i++)
        shape.dim[i] = (uint32_t)tensor->dims[i];
    return shape;
}

/* pixels [B*T,3,R,R] -> embeddings of clips [B,E] */
static op_value record_clips(struct golden *g, struct nn_scope *scope)
{
    uint32_t images = graph_shape(g->graph, g->pixels).dim[0], batch = graph_shape(g->graph, g->ids).dim[0];
    struct tensor_shape clips = SHAPE_F32(batch, images / batch, g->model->config.embed);
    return nn_temporal_tower(scope, graph_view(g->graph, nn_image_tower(scope, g->pixels), clips, 0));
}

/* The image embedding; with a probe, the patches and + sum(patches probe) for the loss in *more. */
static op_value record_image(struct golden *g, struct nn_scope *scope, op_value *more)
{
    const struct io_tensor *probe = io_safetensors_find(g->file, "probe");
    g->patches = *more = OP_NONE;
    if (g->model->config.temporal.layers)
        return record_clips(g, scope);
    if (!probe)
        return nn_image_tower(scope, g->pixels);
    op_value image = nn_image_tower_patches(scope, g->pixels, &g->patches);
    struct base_arena arena = {0};
    op_value by = graph_constant(g->graph, "probe", shape_of(probe, MIEN_F32), elements_of(probe, &arena));
    base_arena_clear(&arena);
    *more = GRAPH_OP(g->graph, &op_sum, NULL, GRAPH_OP(g->graph, &op_multiply, NULL, g->patches, by));
    graph_output(g->graph, g->patches);
    return image;
}

static enum mien_status record(struct golden *g)
{
    enum mien_status status = MIEN_OK;
    struct nn_scope scope;
    op_value more;
    const struct io_tensor *pixels = need(g, "", "pixels"), *ids = need(g, "", "ids");
    TRY(graph_create(&g->graph));
    TRY(nn_scope_open(&scope, g->graph, g->model, true));
    scope.recompute = g->recompute;
    g->pixels = graph_input(g->graph, "pixels", shape_of(pixels, MIEN_F32));
    g->ids = graph_input(g->graph, "ids", shape_of(ids, MIEN_I32));
    g->eot = graph_input(g->graph, "eot", SHAPE_I32((uint32_t)ids->dims[0]));
    g->image = nn_unit_rows(&scope, record_image(g, &scope, &more));
    g->text = nn_unit_rows(&scope, nn_text_tower(&scope, g->ids, g->eot));
    g->loss = nn_clip_loss(&scope, g->image, g->text);
    if (more != OP_NONE)
        g->loss = GRAPH_OP(g->graph, &op_add, NULL, g->loss, more);
    g->grads = calloc(g->model->stack_count, sizeof(*g->grads));
    TRY(graph_backward(g->graph, g->loss, scope.values, g->model->stack_count, g->grads));
    graph_output(g->graph, g->image);
    graph_output(g->graph, g->text);
    graph_output(g->graph, g->loss);
    for (uint32_t i = 0; i < g->model->stack_count; i++)
        graph_output(g->graph, g->grads[i]);
    TRY(graph_compile(g->graph, g->model->device, NULL, &g->program));
fail:
    nn_scope_close(&scope);
    return status;
}

static enum mien_status run(struct golden *g)
{
    const struct io_tensor *pixels = need(g, "", "pixels"), *ids = need(g, "", "ids");
    uint32_t batch = (uint32_t)ids->dims[0], length = (uint32_t)ids->dims[1];
    int32_t *row = graph_program_input(g->program, 0, g->ids);
    if (io_tensor_read(ids, 0, ids->count, row) != MIEN_OK)
        return MIEN_ERR_DATA;
    nn_eot_positions(&g->model->config, row, batch, length, graph_program_input(g->program, 0, g->eot));
    enum mien_status status =
        io_tensor_read_f32(pixels, 0, pixels->count, graph_program_input(g->program, 0, g->pixels));
    return status == MIEN_OK ? graph_program_run(g->program) : status;
}

static double largest_gradient(struct golden *g)
{
    double most = 0;
    for (uint32_t i = 0; i < g->model->count; i++) {
        const struct io_tensor *t = need(g, "grad.", g->model->params[i].name);
        io_tensor_read_f32(t, 0, t->count, g->buffer);
        for (uint64_t j = 0; j < t->count; j++)
            most = check_larger(most, fabs((double)g->buffer[j]));
    }
    return most;
}

/* NMSE, or, for a gradient that is 0 up to rounding, the largest difference as a share of `largest`. */
static void check_gradient(struct golden *g, const struct nn_param *param, const float *got, double largest,
                           double *worst)
{
    const struct io_tensor *t = need(g, "grad.", param->name);
    double energy = 0, error = 0, most = 0;
    CHECK_EQ(t->count, tensor_shape_count(&param->value.shape));
    io_tensor_read_f32(t, 0, t->count, g->buffer);
    for (uint64_t j = 0; j < t->count; j++) {
        double d = (double)got[j] - (double)g->buffer[j];
        energy += (double)g->buffer[j] * g->buffer[j];
        error += d * d;
        most = check_larger(most, isnan(d) ? INFINITY : fabs(d));
    }
    bool flat = energy <= ENERGY_MIN;
    bool good = flat ? most <= FLAT_MAX * largest : error / energy <= NMSE_MAX;
    if (!flat)
        *worst = fmax(*worst, error / energy);
    if (!good)
        fprintf(stderr, "%s: energy %g, NMSE %g, largest difference %g (largest gradient of the model %g)\n",
                param->name, energy, error / energy, most, largest);
    CHECK(good);
}

static void check_near(struct golden *g, const char *name, const float *got, double tolerance)
{
    const struct io_tensor *t = need(g, "", name);
    double most = 0;
    io_tensor_read_f32(t, 0, t->count, g->buffer);
    for (uint64_t j = 0; j < t->count; j++) {
        double d = fabs((double)got[j] - (double)g->buffer[j]);
        most = check_larger(most, isnan(d) ? INFINITY : d);
    }
    printf("  %s: largest difference %.2g\n", name, most);
    CHECK(most <= tolerance);
}

static void compare(struct golden *g)
{
    double worst = 0, largest = largest_gradient(g), want = 0;
    const float *loss = graph_program_output(g->program, 0, g->loss);
    check_near(g, "image_embeds", graph_program_output(g->program, 0, g->image), EMBED_MAX);
    check_near(g, "text_embeds", graph_program_output(g->program, 0, g->text), EMBED_MAX);
    if (g->patches != OP_NONE)
        check_near(g, "patches", graph_program_output(g->program, 0, g->patches), EMBED_MAX);
    io_tensor_read_f32(need(g, "", "loss"), 0, 1, g->buffer);
    want = g->buffer[0];
    CHECK_NEAR(*loss, want, LOSS_MAX * (1 + want)); /* + 1: a probe's terms cancel */
    for (uint32_t i = 0; i < g->model->count; i++) {
        const struct nn_param *param = &g->model->params[i];
        op_value grad = g->grads[param->stack];
        CHECK(grad != OP_NONE);
        if (grad == OP_NONE)
            continue;
        const float *got = graph_program_output(g->program, 0, grad);
        check_gradient(g, param, got + param->first, largest, &worst);
    }
    printf("  loss %.7f (PyTorch %.7f), worst NMSE of %u gradients %.2g\n", (double)*loss, want, g->model->count,
           worst);
}

static void test_case(struct vk_device *device, const char *name, bool recompute)
{
    struct golden g = {.recompute = recompute};
    char path[512];
    enum mien_status status = MIEN_OK;
    printf("%s%s\n", name, recompute ? ", blocks recomputed" : "");
    snprintf(path, sizeof(path), "%s/tests/golden/%s/golden.safetensors", MIEN_SOURCE_DIR, name);
    TRY(io_safetensors_open(path, &g.file));
    *strrchr(path, '/') = 0;
    TRY(nn_model_load(device, path, NULL, &g.model));
    g.buffer = malloc(sizeof(float) * (g.model->elements + 1000000));
    TRY(record(&g));
    TRY(run(&g));
    compare(&g);
fail:
    CHECK_EQ(status, MIEN_OK);
    graph_program_destroy(&g.program);
    graph_destroy(&g.graph);
    nn_model_destroy(&g.model);
    io_safetensors_close(&g.file);
    free(g.grads);
    free(g.buffer);
}

int main(void)
{
    struct gpu gpu;
    if (!gpu_open(&gpu))
        GPU_SKIP();
    test_case(gpu.device, "tiny-one", false);
    test_case(gpu.device, "tiny-gelu", false);
    test_case(gpu.device, "tiny-quick", false);
    test_case(gpu.device, "tiny-patches", false);
    test_case(gpu.device, "tiny-clips", false);
    test_case(gpu.device, "tiny-clips-odd", false);
    test_case(gpu.device, "tiny-quick", true);
    gpu_close(&gpu);
    return check_result();
}
