/* losses.c: global and local branch, mining of positives. */
#include "train/losses.h"

/* Texts of one level, one for each image. */
struct level {
    op_value v, guide;      /* [B,E]; what mining compares them by */
    op_value same, weights; /* may be OP_NONE */
    bool local;
};

struct branch {
    struct nn_scope *scope;
    struct graph *graph;
    const struct train_objective *objective;
    const struct train_features *features;
    struct op_mining mining; /* of this step: without mining while it warms up */
    uint32_t pairs;
    op_value image_similarity; /* [B,B] */
    op_value positives;        /* sum over the levels so far */
};

uint32_t train_levels(const struct train_objective *objective)
{
    return objective->global_levels + objective->slots;
}

bool train_needs_patches(const struct train_objective *objective)
{
    return objective->slots > 0 && (objective->local == TRAIN_LOCAL_POOLED || objective->local == TRAIN_LOCAL_FILIP);
}

bool train_needs_same(const struct train_objective *objective)
{
    return objective->mining.same_text != OP_SAME_TEXT_NEGATIVE;
}

static bool guided_by(const struct op_mining *mining, enum op_mining_guide guide)
{
    return mining->kind != OP_MINING_NONE &&
           (mining->guide == guide || mining->guide == OP_GUIDE_BOTH || mining->guide == OP_GUIDE_CROSSMODAL);
}

/* a b^T [B,B] of unit rows */
static op_value products(struct branch *b, op_value x, op_value y, bool same_order)
{
    const struct op_attr attr = {.trans_b = true, .same_order = same_order};
    return GRAPH_OP(b->graph, &op_matmul, &attr, x, y, OP_NONE, OP_NONE);
}

static op_value guide_image(const struct branch *b)
{
    return b->objective->frozen ? b->features->guide_u : b->features->u;
}

/* ---- mining ---- */

/* Similarities of a level's texts [B,B]. */
static op_value text_similarity(struct branch *b, const struct level *level)
{
    if (!guided_by(&b->mining, OP_GUIDE_TEXT))
        return OP_NONE;
    return products(b, level->guide, level->guide, true);
}

static op_value image_similarity(struct branch *b)
{
    if (guided_by(&b->mining, OP_GUIDE_IMAGE) && b->image_similarity == OP_NONE)
        b->image_similarity = products(b, guide_image(b), guide_image(b), true);
    return b->image_similarity;
}

/* The sum of the levels' positives, for the mean over the global ones. */
static void count_positives(struct branch *b, const struct level *level, op_value positives)
{
    if (level->local)
        return;
    b->positives = b->positives == OP_NONE ? positives : GRAPH_OP(b->graph, &op_add, NULL, b->positives, positives);
}

/* Row and column targets [B,B] of a level into out[2], or the sigmoid loss's signs into out[0]; OP_NONE for the pairs
 * alone. */
static void targets(struct branch *b, const struct level *level, op_value *out)
{
    struct op_attr attr = {.mining = b->mining};
    op_value mined[OP_MAX_OUT];
    out[0] = out[1] = OP_NONE;
    if (b->mining.kind == OP_MINING_NONE && b->mining.same_text == OP_SAME_TEXT_NEGATIVE)
        return;
    attr.mining.signs = b->objective->kind == TRAIN_LOSS_SIGLIP;
    const op_value in[] = {text_similarity(b, level), image_similarity(b), level->same, level->weights};
    graph_op(b->graph, &op_mine, &attr, in, BASE_COUNT(in), mined);
    out[0] = mined[0];
    out[1] = attr.mining.signs ? OP_NONE : mined[1];
    count_positives(b, level, mined[attr.mining.signs ? 1 : 2]);
}

/* ---- losses ---- */

/* A level's loss [1] from its scores [B,B]. */
static op_value matrix_loss(struct branch *b, const struct level *level, op_value scores)
{
    op_value target[2], scale = nn_param_value(b->scope, "logit_scale");
    targets(b, level, target);
    if (b->objective->kind == TRAIN_LOSS_SIGLIP)
        return GRAPH_OP(b->graph, &op_siglip, NULL, scores, scale, nn_param_value(b->scope, "logit_bias"), target[0],
                        level->weights);
    if (target[0] == OP_NONE && level->weights == OP_NONE)
        return GRAPH_OP(b->graph, &op_infonce, NULL, scores, scale);
    return GRAPH_OP(b->graph, &op_infonce, NULL, scores, scale, target[0], target[1], level->weights);
}

/* The same of many pairs, whose scores are never all in memory. */
static op_value streamed_loss(struct branch *b, const struct level *level)
{
    const struct op_attr attr = {.mining = b->mining};
    bool siglip = b->objective->kind == TRAIN_LOSS_SIGLIP;
    op_value out[OP_MAX_OUT], in[OP_MAX_IN];
    uint32_t n = 0;
    in[n++] = b->features->u;
    in[n++] = level->v;
    in[n++] = nn_param_value(b->scope, "logit_scale");
    if (siglip)
        in[n++] = nn_param_value(b->scope, "logit_bias");
    in[n++] = guided_by(&b->mining, OP_GUIDE_TEXT) ? level->guide : OP_NONE;
    in[n++] = guided_by(&b->mining, OP_GUIDE_IMAGE) ? guide_image(b) : OP_NONE;
    in[n++] = level->same;
    in[n++] = level->weights;
    graph_op(b->graph, siglip ? &op_siglip_stream : &op_infonce_stream, &attr, in, n, out);
    count_positives(b, level, out[siglip ? 2 : 3]);
    return out[0];
}

/* The loss of images as a whole with the texts of a level. */
static op_value whole_loss(struct branch *b, const struct level *level)
{
    if (b->pairs > TRAIN_MATRIX_MOST)
        return streamed_loss(b, level);
    return matrix_loss(b, level, products(b, b->features->u, level->v, false));
}

/* The loss of image regions with one sentence of each image. */
static op_value pooled_loss(struct branch *b, const struct level *level)
{
    const struct op_attr attr = {.tau = b->objective->local_tau};
    return matrix_loss(b, level, GRAPH_OP(b->graph, &op_pool_scores, &attr, b->features->patches, level->v));
}

/* ---- lists of sentences (filip) ---- */

/* x[0..count) [B,D] as [B,count,D]. */
static op_value side_by_side(struct branch *b, const op_value *x, uint32_t count, uint32_t width)
{
    op_value part[4] = {OP_NONE, OP_NONE, OP_NONE, OP_NONE};
    for (uint32_t k = 0; k < count; k++)
        part[k] = graph_view(b->graph, x[k], SHAPE_F32(b->pairs, 1, width), 0);
    if (count == 1)
        return part[0];
    return GRAPH_OP(b->graph, &op_concat, &(struct op_attr){.axis = 1}, part[0], part[1], part[2], part[3]);
}

static op_value ones(struct branch *b, uint32_t count)
{
    const struct op_attr attr = {.rows = count, .value = 1};
    return GRAPH_OP(b->graph, &op_fill, &attr, OP_NONE);
}

/* Which sentences there are, [B,K]; OP_NONE when all are. */
static op_value list_weights(struct branch *b, uint32_t first)
{
    op_value part[4], one = OP_NONE;
    bool missing = false;
    for (uint32_t k = 0; k < b->objective->slots; k++)
        missing = missing || b->features->weights[first + k] != OP_NONE;
    if (!missing)
        return OP_NONE;
    for (uint32_t k = 0; k < b->objective->slots; k++) {
        part[k] = b->features->weights[first + k];
        if (part[k] == OP_NONE && one == OP_NONE)
            one = ones(b, b->pairs);
        if (part[k] == OP_NONE)
            part[k] = one;
    }
    return graph_view(b->graph, side_by_side(b, part, b->objective->slots, 1), SHAPE_F32(b->pairs, b->objective->slots),
                      0);
}

/* What lists are compared by for mining: the mean of an image's sentences, to unit length [B,E]. */
static op_value list_guide(struct branch *b, uint32_t first, op_value weights, uint32_t width)
{
    const op_value *v = b->objective->frozen ? b->features->guide_v : b->features->v;
    uint32_t count = b->objective->slots;
    if (!guided_by(&b->mining, OP_GUIDE_TEXT) || count == 1)
        return v[first];
    op_value list = side_by_side(b, v + first, count, width);
    if (weights == OP_NONE)
        weights = ones(b, b->pairs * count);
    weights = graph_view(b->graph, weights, SHAPE_F32(b->pairs, 1, count), 0);
    op_value mean = GRAPH_OP(b->graph, &op_matmul, NULL, weights, list, OP_NONE, OP_NONE); /* [B,1,E] */
    return nn_unit_rows(b->scope, graph_view(b->graph, mean, SHAPE_F32(b->pairs, width), 0));
}

/* The loss of image regions with all sentences drawn for an image: one score for the list of them. */
static op_value list_loss(struct branch *b, uint32_t first)
{
    uint32_t width = graph_shape(b->graph, b->features->u).dim[1];
    op_value weights = list_weights(b, first), out[OP_MAX_OUT];
    const struct level level = {.guide = list_guide(b, first, weights, width),
                                .same = b->features->same[first],
                                .weights = b->features->weights[first], /* slots are filled from the first on */
                                .local = true};
    const op_value in[] = {b->features->patches, side_by_side(b, b->features->v + first, b->objective->slots, width),
                           weights};
    graph_op(b->graph, &op_filip_scores, NULL, in, BASE_COUNT(in), out);
    return matrix_loss(b, &level, out[0]);
}

/* ---- branches ---- */

/* The mean loss of levels [first, first + count). */
static op_value mean_loss(struct branch *b, uint32_t first, uint32_t count,
                          op_value (*loss)(struct branch *, const struct level *))
{
    op_value sum = OP_NONE;
    for (uint32_t k = first; k < first + count; k++) {
        const struct level level = {.v = b->features->v[k],
                                    .guide = b->objective->frozen ? b->features->guide_v[k] : b->features->v[k],
                                    .same = b->features->same[k],
                                    .weights = b->features->weights[k],
                                    .local = k >= b->objective->global_levels};
        op_value one = loss(b, &level);
        sum = k == first ? one : GRAPH_OP(b->graph, &op_add, NULL, sum, one);
    }
    if (count > 1)
        sum = GRAPH_OP(b->graph, &op_scale, &(struct op_attr){.scale = 1.0f / (float)count}, sum);
    return sum;
}

static op_value local_loss(struct branch *b)
{
    const struct train_objective *o = b->objective;
    if (o->local == TRAIN_LOCAL_FILIP)
        return list_loss(b, o->global_levels);
    return mean_loss(b, o->global_levels, o->slots, o->local == TRAIN_LOCAL_POOLED ? pooled_loss : whole_loss);
}

/* What thresholds are chosen by; also while mining warms up. */
static void record_similarities(struct branch *b, struct train_losses *out)
{
    const struct op_attr attr = {.count = TRAIN_BINS, .low = -1, .high = 1};
    const op_value text =
        b->objective->frozen && b->features->guide_v[0] != OP_NONE ? b->features->guide_v[0] : b->features->v[0];
    const op_value image =
        b->objective->frozen && b->features->guide_u != OP_NONE ? b->features->guide_u : b->features->u;
    if (b->objective->mining.kind == OP_MINING_NONE || b->pairs > TRAIN_MATRIX_MOST)
        return;
    if (b->image_similarity == OP_NONE)
        b->image_similarity = products(b, image, image, true);
    out->similarity[0] = GRAPH_OP(b->graph, &op_histogram, &attr, products(b, text, text, true));
    out->similarity[1] = GRAPH_OP(b->graph, &op_histogram, &attr, b->image_similarity);
}

void train_losses_record(struct nn_scope *scope, const struct train_objective *objective, bool mining,
                         const struct train_features *features, struct train_losses *out)
{
    struct branch b = {.scope = scope,
                       .graph = scope->graph,
                       .objective = objective,
                       .features = features,
                       .mining = objective->mining,
                       .pairs = graph_shape(scope->graph, features->u).dim[0],
                       .image_similarity = OP_NONE,
                       .positives = OP_NONE};
    uint32_t levels = objective->global_levels;
    *out = (struct train_losses){.local = OP_NONE, .positives = OP_NONE, .similarity = {OP_NONE, OP_NONE}};
    if (!mining)
        b.mining.kind = OP_MINING_NONE;
    graph_push(b.graph, "loss");
    out->global = out->total = mean_loss(&b, 0, levels, whole_loss);
    if (b.positives != OP_NONE)
        out->positives = GRAPH_OP(b.graph, &op_scale, &(struct op_attr){.scale = 1.0f / (float)levels}, b.positives);
    if (objective->slots > 0) {
        const struct op_attr weight = {.scale = objective->local_weight};
        out->local = local_loss(&b);
        out->total = GRAPH_OP(b.graph, &op_add, NULL, out->global, GRAPH_OP(b.graph, &op_scale, &weight, out->local));
    }
    record_similarities(&b, out);
    graph_pop(b.graph);
}
