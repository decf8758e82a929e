/* models.c: the models whose towers and steps are timed, and their parts as graphs. */
#include "bench/models.h"

/* The towers of widths that recipes use; small: 64 pixels in patches of 8, 65 tokens, and texts of 77;
 * 49k: of CLIP's own vocabulary. */
const struct bench_model bench_models[] = {
    {"tiny-b8", 8, true, {64, 256, 2, 2, IO_ACT_QUICK_GELU, 1e-5}, 32, 8, 512, 24, 64},
    {"small-b8", 8, false, {192, 768, 6, 3, IO_ACT_QUICK_GELU, 1e-5}, 64, 8, 2048, 77, 192},
    {"small-b64", 64, true, {192, 768, 6, 3, IO_ACT_QUICK_GELU, 1e-5}, 64, 8, 2048, 77, 192},
    {"small-49k-b64", 64, false, {192, 768, 6, 3, IO_ACT_QUICK_GELU, 1e-5}, 64, 8, 49408, 77, 192},
    {"vit-b32-b1", 1, false, {0}, 0, 0, 0, 0, 0},
    {"vit-b32-b32", 32, false, {0}, 0, 0, 0, 0, 0},
    {"vit-b32-b64", 64, false, {0}, 0, 0, 0, 0, 0},
};
const size_t bench_model_count = BASE_COUNT(bench_models);

void bench_model_config(const struct bench_model *m, struct io_clip_config *c)
{
    io_clip_config_default(c);
    if (m->tower.width == 0)
        return;
    c->vision.tower = c->text.tower = m->tower;
    c->vision.image = m->image;
    c->vision.patch = m->patch;
    c->text.vocab = m->vocab;
    c->text.context = m->context;
    c->text.bos = m->vocab - 2;
    c->text.eos = c->text.pad = m->vocab - 1;
    c->embed = m->embed;
}

/* The gradients of all parameters, into their tensors. */
static enum mien_status record_gradients(struct nn_scope *scope, struct bench_record *r)
{
    enum mien_status status = MIEN_OK;
    uint32_t count = scope->model->stack_count;
    op_value *grads = base_alloc(count, sizeof(*grads));
    FAIL_IF_NULL(grads, "gradients");
    TRY(graph_backward(scope->graph, r->out, scope->values, count, grads));
    for (uint32_t i = 0; i < count; i++) {
        if (grads[i] != OP_NONE && r->grads)
            graph_store(scope->graph, grads[i], &r->grads[i]);
        else if (grads[i] != OP_NONE)
            graph_output(scope->graph, grads[i]);
    }
fail:
    base_free(grads);
    return status;
}

enum mien_status bench_record(struct graph *graph, const struct nn_model *model, struct bench_record *r)
{
    enum mien_status status = MIEN_OK;
    const struct io_clip_config *c = &model->config;
    struct nn_scope scope = {0};
    op_value u = OP_NONE, v = OP_NONE;
    bool both = r->part == BENCH_CLIP || r->part == BENCH_STEP;
    r->pixels = r->ids = r->eot = OP_NONE;
    TRY(nn_scope_open(&scope, graph, model, both));
    scope.stored = r->stored;
    if (r->part != BENCH_TEXT) {
        r->pixels = graph_input(graph, "pixels", SHAPE_F32(r->batch, 3, c->vision.image, c->vision.image));
        r->out = u = nn_image_tower(&scope, r->pixels);
    }
    if (r->part != BENCH_IMAGE) {
        r->ids = graph_input(graph, "ids", SHAPE_I32(r->batch, c->text.context));
        r->eot = graph_input(graph, "eot", SHAPE_I32(r->batch));
        r->out = v = nn_text_tower(&scope, r->ids, r->eot);
    }
    if (both) {
        r->out = nn_clip_loss(&scope, nn_unit_rows(&scope, u), nn_unit_rows(&scope, v));
        TRY(record_gradients(&scope, r));
    }
    graph_output(graph, r->out);
    status = graph_status(graph);
fail:
    nn_scope_close(&scope);
    return status;
}

void bench_fill_pixels(const struct io_clip_config *c, uint32_t batch, float *pixels)
{
    struct base_rng rng = base_rng_make(1, "bench", 0, 0);
    for (uint64_t i = 0; i < (uint64_t)batch * 3 * c->vision.image * c->vision.image; i++)
        pixels[i] = (float)base_rng_normal(&rng);
}

void bench_fill_ids(const struct io_clip_config *c, uint32_t batch, int32_t *ids, int32_t *eot)
{
    struct base_rng rng = base_rng_make(1, "bench", 1, 0);
    uint32_t length = c->text.context;
    for (uint32_t i = 0; i < batch * length; i++)
        ids[i] = (int32_t)(i % length == length - 1 ? c->text.eos : base_rng_below(&rng, c->text.bos));
    nn_eot_positions(c, ids, batch, length, eot);
}
