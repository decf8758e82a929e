/* features.c: a batch through the towers, in parts. With several parts each is a segment whose activations are made
 * again for its gradients (gradient caching): the losses see all features, memory holds one part's activations. */
#include "train/step.h"

uint32_t train_parts(const struct train_recipe *recipe, uint32_t batch)
{
    uint32_t size = recipe->micro_batch ? BASE_MIN(recipe->micro_batch, batch) : batch;
    return (uint32_t)base_div_up(batch, size);
}

void train_inputs_record(const struct train_recipe *recipe, struct graph *graph, const struct train_step_shape *shape,
                         struct train_inputs *out)
{
    const struct train_objective *objective = &recipe->objective;
    uint32_t side = recipe->model->config.vision.image, levels = train_levels(objective), batch = shape->batch;
    out->parts = train_parts(recipe, batch);
    uint32_t size = recipe->micro_batch ? BASE_MIN(recipe->micro_batch, batch) : batch;
    for (uint32_t i = 0; i < out->parts; i++) {
        struct train_part *part = &out->part[i];
        part->first = i * size;
        part->count = BASE_MIN(size, batch - part->first);
        part->pixels = graph_input(graph, "pixels", SHAPE_F32(part->count, 3, side, side));
        part->ids = graph_input(graph, "ids", SHAPE_I32(levels * part->count, shape->length));
        part->eot = graph_input(graph, "eot", SHAPE_I32(levels * part->count));
    }
    for (uint32_t k = 0; k < TRAIN_LEVELS_MAX; k++) {
        bool weighted = k < levels && (objective->missing >> k & 1), same = k < levels && train_needs_same(objective);
        out->weights[k] = weighted ? graph_input(graph, "weights", SHAPE_F32(batch)) : OP_NONE;
        out->same[k] = same ? graph_input(graph, "same", SHAPE_I32(batch)) : OP_NONE;
    }
}

/* ---- one part ---- */

/* Features of one part's b images: u, patches and v[K]. */
enum { FEATURE_U, FEATURE_PATCHES, FEATURE_V, FEATURES = FEATURE_V + TRAIN_LEVELS_MAX };

/* Rows [level*b, (level+1)*b) of x [K*b,E]: a view where one can be (it ends at a multiple of 256 bytes). */
static op_value level_rows(struct graph *graph, op_value x, uint32_t levels, uint32_t level)
{
    struct tensor_shape shape = graph_shape(graph, x);
    uint32_t count = shape.dim[0] / levels, width = shape.dim[1];
    if (levels == 1)
        return x;
    if ((uint64_t)count * width % 64 == 0)
        return graph_view(graph, x, SHAPE_F32(count, width), (uint64_t)level * count * width);
    const struct op_attr rows = {.first = level * count, .count = count};
    return GRAPH_OP(graph, &op_slice, &rows, x);
}

static void record_part(struct nn_scope *scope, const struct train_part *part, uint32_t levels, bool patches,
                        op_value *out)
{
    for (uint32_t f = 0; f < FEATURES; f++)
        out[f] = OP_NONE;
    if (patches) {
        op_value raw;
        out[FEATURE_U] = nn_unit_rows(scope, nn_image_tower_patches(scope, part->pixels, &raw));
        out[FEATURE_PATCHES] = nn_unit_rows(scope, raw);
    } else {
        out[FEATURE_U] = nn_unit_rows(scope, nn_image_tower(scope, part->pixels));
    }
    op_value texts = nn_unit_rows(scope, nn_text_tower(scope, part->ids, part->eot));
    for (uint32_t k = 0; k < levels; k++)
        out[FEATURE_V + k] = level_rows(scope->graph, texts, levels, k);
}

/* ---- all of them ---- */

/* x[0], x[stride], ... one after another, four at a time: a batch's features from its parts'. */
static op_value join(struct graph *graph, const op_value *x, uint32_t stride, uint32_t count)
{
    enum { AT_ONCE = 4 };
    op_value part[AT_ONCE] = {OP_NONE, OP_NONE, OP_NONE, OP_NONE};
    uint32_t share = 1, n = 0;
    if (count == 1 || x[0] == OP_NONE)
        return x[0];
    while (share * AT_ONCE < count)
        share *= AT_ONCE;
    for (uint32_t first = 0; first < count; first += share)
        part[n++] = join(graph, x + (size_t)first * stride, stride, BASE_MIN(share, count - first));
    return GRAPH_OP(graph, &op_concat, NULL, part[0], part[1], part[2], part[3]);
}

/* out [FEATURES] of the whole batch. */
static void record_parts(struct nn_scope *scope, const struct train_inputs *in, uint32_t levels, bool patches,
                         op_value *out)
{
    op_value *each = base_alloc((size_t)in->parts * FEATURES, sizeof(*each));
    for (uint32_t f = 0; f < FEATURES; f++)
        out[f] = OP_NONE;
    if (!each)
        return; /* reported by the op that misses its input */
    for (uint32_t i = 0; i < in->parts; i++) {
        bool segment = in->parts > 1 && scope->training;
        if (segment)
            graph_recompute_begin(scope->graph);
        record_part(scope, &in->part[i], levels, patches, each + (size_t)i * FEATURES);
        if (segment)
            graph_recompute_end(scope->graph);
    }
    for (uint32_t f = 0; f < FEATURES; f++)
        out[f] = join(scope->graph, each + f, FEATURES, in->parts);
    base_free(each);
}

void train_features_record(const struct train_recipe *recipe, struct nn_scope *scope, const struct train_inputs *in,
                           struct train_features *out)
{
    op_value all[FEATURES];
    scope->recompute = recipe->recompute;
    record_parts(scope, in, train_levels(&recipe->objective), train_needs_patches(&recipe->objective), all);
    *out = (struct train_features){.u = all[FEATURE_U], .patches = all[FEATURE_PATCHES], .guide_u = OP_NONE};
    for (uint32_t k = 0; k < TRAIN_LEVELS_MAX; k++) {
        out->v[k] = all[FEATURE_V + k];
        out->guide_v[k] = OP_NONE;
        out->weights[k] = in->weights[k];
        out->same[k] = in->same[k];
    }
}

void train_guides_record(const struct train_recipe *recipe, struct nn_scope *initial, const struct train_inputs *in,
                         struct train_features *out)
{
    op_value all[FEATURES];
    graph_push(initial->graph, "initial");
    record_parts(initial, in, train_levels(&recipe->objective), false, all);
    graph_pop(initial->graph);
    out->guide_u = all[FEATURE_U];
    for (uint32_t k = 0; k < TRAIN_LEVELS_MAX; k++)
        out->guide_v[k] = all[FEATURE_V + k];
}
