/* features.c: a batch through the towers, in parts. With several parts each is a segment whose activations are made
 * again for its gradients (gradient caching): the losses see all features, memory holds one part's activations. */
#include "train/step.h"

struct train_range train_share_of(const struct train_recipe *recipe, uint32_t batch, uint32_t rank)
{
    uint32_t equal = recipe->ranks > 1 ? batch / recipe->ranks : batch, first = 0;
    if (!recipe->shares)
        return (struct train_range){rank * equal, equal};
    for (uint32_t r = 0; r < rank; r++)
        first += recipe->shares[r];
    return (struct train_range){first, recipe->shares[rank]};
}

/* Images of a batch that this rank takes. */
static struct train_range own_share(const struct train_recipe *recipe, uint32_t batch)
{
    return train_share_of(recipe, batch, recipe->rank);
}

static uint32_t part_size(const struct train_recipe *recipe, uint32_t share)
{
    return recipe->micro_batch ? BASE_MIN(recipe->micro_batch, share) : share;
}

bool train_split_of(const struct train_recipe *recipe, uint32_t batch, struct train_split *out)
{
    struct train_range own = own_share(recipe, batch);
    uint32_t part = part_size(recipe, own.count), embed = recipe->model->config.embed;
    uint32_t from = recipe->blocks_from ? recipe->blocks_from : TRAIN_BLOCKS_FROM;
    bool can = batch >= from && part < batch;
    *out = (struct train_split){.first = own.first, .count = own.count, .part = part};
    for (uint32_t rank = 0; can && recipe->shares && rank < recipe->ranks; rank++)
        can = train_can_split(&recipe->objective, train_share_of(recipe, batch, rank).first, embed);
    return can && (recipe->shares || train_can_split(&recipe->objective, part, embed));
}

uint32_t train_parts(const struct train_recipe *recipe, uint32_t batch)
{
    uint32_t share = own_share(recipe, batch).count;
    return (uint32_t)base_div_up(share, part_size(recipe, share));
}

/* The images of a part. */
static void look_record(const struct train_recipe *recipe, struct graph *graph, struct train_part *part)
{
    const struct train_look *look = &recipe->look;
    uint32_t side = recipe->model->config.vision.image, embed = recipe->model->config.embed, b = part->count;
    part->pixels = part->frames = part->kinds = OP_NONE;
    if (!look->features)
        part->pixels = graph_input(graph, "pixels", SHAPE_F32(b * BASE_MAX(look->frames, 1u), 3, side, side));
    else if (look->frames)
        part->frames = graph_input(graph, "frames", SHAPE_F32(b, look->frames, embed));
    else
        part->frames = graph_input(graph, "frames", SHAPE_F32(b, embed));
    if (look->mixed)
        part->kinds = graph_input(graph, "kinds", SHAPE_I32(b));
}

void train_inputs_record(const struct train_recipe *recipe, struct graph *graph, const struct train_step_shape *shape,
                         struct train_inputs *out)
{
    const struct train_objective *objective = &recipe->objective;
    uint32_t levels = train_levels(objective), batch = shape->batch;
    out->parts = train_parts(recipe, batch);
    struct train_range own = own_share(recipe, batch);
    uint32_t share = own.count, size = part_size(recipe, share), first = own.first;
    for (uint32_t i = 0; i < out->parts; i++) {
        struct train_part *part = &out->part[i];
        part->first = first + i * size;
        part->count = BASE_MIN(size, first + share - part->first);
        look_record(recipe, graph, part);
        part->ids = part->eot = OP_NONE;
        if (levels == 0)
            continue;
        part->ids = graph_input(graph, "ids", SHAPE_I32(levels * part->count, shape->length));
        part->eot = graph_input(graph, "eot", SHAPE_I32(levels * part->count));
    }
    train_head_inputs(&recipe->head, graph, batch, &out->head);
    for (uint32_t k = 0; k < TRAIN_LEVELS_MAX; k++) {
        bool weighted = k < levels && (objective->missing >> k & 1), same = k < levels && train_needs_same(objective);
        out->weights[k] = weighted ? graph_input(graph, "weights", SHAPE_F32(batch)) : OP_NONE;
        out->same[k] = same ? graph_input(graph, "same", SHAPE_I32(batch)) : OP_NONE;
    }
}

/* ---- one part ---- */

/* Features of one part's b images: u, patches and v[K]. */
enum { FEATURE_U, FEATURE_RAW, FEATURE_PATCHES, FEATURE_V, FEATURES = FEATURE_V + TRAIN_LEVELS_MAX };

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

/* The clips' raw embeddings [b,E]; of those that are pictures, the image tower's. */
static op_value clip_features(const struct train_recipe *recipe, struct nn_scope *scope, const struct train_part *part)
{
    struct graph *graph = scope->graph;
    const struct op_attr first = {.axis = 1, .count = 1}, along = {.axis = 1};
    uint32_t b = part->count, embed = recipe->model->config.embed;
    op_value frames = part->frames;
    if (frames == OP_NONE)
        frames = graph_view(graph, nn_image_tower(scope, part->pixels), SHAPE_F32(b, recipe->look.frames, embed), 0);
    op_value clips = nn_temporal_tower(scope, frames);
    if (part->kinds == OP_NONE)
        return clips;
    clips = graph_view(graph, clips, SHAPE_F32(b, 1, embed), 0);
    op_value pictures = GRAPH_OP(graph, &op_slice, &first, frames);
    op_value both = GRAPH_OP(graph, &op_concat, &along, clips, pictures, OP_NONE, OP_NONE);
    return GRAPH_OP(graph, &op_select, NULL, both, part->kinds);
}

static void record_part(const struct train_recipe *recipe, struct nn_scope *scope, const struct train_part *part,
                        uint32_t levels, bool patches, op_value *out)
{
    for (uint32_t f = 0; f < FEATURES; f++)
        out[f] = OP_NONE;
    if (patches) {
        op_value raw;
        out[FEATURE_RAW] = nn_image_tower_patches(scope, part->pixels, &raw);
        out[FEATURE_U] = nn_unit_rows(scope, out[FEATURE_RAW]);
        out[FEATURE_PATCHES] = nn_unit_rows(scope, raw);
    } else {
        out[FEATURE_RAW] = recipe->look.frames       ? clip_features(recipe, scope, part)
                           : part->frames != OP_NONE ? part->frames
                                                     : nn_image_tower(scope, part->pixels);
        out[FEATURE_U] = nn_unit_rows(scope, out[FEATURE_RAW]);
    }
    if (recipe->head.kind == IO_HEAD_NONE) /* nobody looks at it */
        out[FEATURE_RAW] = OP_NONE;
    if (levels == 0)
        return;
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

/* out [FEATURES] of the whole batch. The backward pass comes to what was recorded last first, and parameters' gradients
 * add up as it goes: recorded from the last part on, they are ((g0 + g1) + g2) + ..., as ranks with a part each add
 * theirs up. */
static void record_parts(const struct train_recipe *recipe, struct nn_scope *scope, const struct train_inputs *in,
                         bool patches, op_value *out)
{
    uint32_t levels = train_levels(&recipe->objective);
    op_value *each = base_alloc((size_t)in->parts * FEATURES, sizeof(*each));
    for (uint32_t f = 0; f < FEATURES; f++)
        out[f] = OP_NONE;
    if (!each) {
        graph_stick(scope->graph, base_fail(MIEN_ERR_NOMEM, "out of host memory for recording a step"));
        return;
    }
    for (uint32_t i = in->parts; i-- > 0;) {
        bool segment = in->parts > 1 && scope->training;
        if (segment)
            graph_recompute_begin(scope->graph);
        record_part(recipe, scope, &in->part[i], levels, patches, each + (size_t)i * FEATURES);
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
    scope->stored = recipe->stored;
    record_parts(recipe, scope, in, train_needs_patches(&recipe->objective), all);
    *out = (struct train_features){
        .u = all[FEATURE_U], .raw = all[FEATURE_RAW], .patches = all[FEATURE_PATCHES], .guide_u = OP_NONE};
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
    initial->stored = recipe->stored;
    graph_push(initial->graph, "initial");
    record_parts(recipe, initial, in, false, all);
    graph_pop(initial->graph);
    out->guide_u = all[FEATURE_U];
    for (uint32_t k = 0; k < TRAIN_LEVELS_MAX; k++)
        out->guide_v[k] = all[FEATURE_V + k];
}
