/* losses.c: global and local branch, mining of positives. */
#include "train/losses.h"

enum { MATRIX_MOST = 4096 }; /* pairs whose scores are kept as a matrix; more are streamed */

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

static void count_positives(struct branch *b, op_value positives)
{
    b->positives = b->positives == OP_NONE ? positives : GRAPH_OP(b->graph, &op_add, NULL, b->positives, positives);
}

static op_value guide_image(const struct branch *b)
{
    return b->objective->frozen ? b->features->guide_u : b->features->u;
}

static op_value guide_text(const struct branch *b, uint32_t level)
{
    return b->objective->frozen ? b->features->guide_v[level] : b->features->v[level];
}

/* Row and column targets [B,B] of a level into out[2], OP_NONE for the identity. */
static void targets(struct branch *b, uint32_t level, op_value *out)
{
    const struct op_attr attr = {.mining = b->mining};
    op_value text = OP_NONE, image = OP_NONE, mined[OP_MAX_OUT];
    out[0] = out[1] = OP_NONE;
    if (b->mining.kind == OP_MINING_NONE && b->mining.same_text == OP_SAME_TEXT_NEGATIVE)
        return;
    if (guided_by(&b->mining, OP_GUIDE_TEXT))
        text = products(b, guide_text(b, level), guide_text(b, level), true);
    if (guided_by(&b->mining, OP_GUIDE_IMAGE)) {
        if (b->image_similarity == OP_NONE)
            b->image_similarity = products(b, guide_image(b), guide_image(b), true);
        image = b->image_similarity;
    }
    const op_value in[] = {text, image, b->features->same[level], b->features->weights[level]};
    graph_op(b->graph, &op_mine, &attr, in, BASE_COUNT(in), mined);
    out[0] = mined[0];
    out[1] = mined[1];
    if (level < b->objective->global_levels)
        count_positives(b, mined[2]);
}

/* A level's loss [1] from its scores [B,B]. */
static op_value matrix_loss(struct branch *b, uint32_t level, op_value scores)
{
    op_value target[2], scale = nn_param_value(b->scope, "logit_scale");
    targets(b, level, target);
    if (target[0] == OP_NONE && b->features->weights[level] == OP_NONE)
        return GRAPH_OP(b->graph, &op_infonce, NULL, scores, scale);
    return GRAPH_OP(b->graph, &op_infonce, NULL, scores, scale, target[0], target[1], b->features->weights[level]);
}

/* The same of many pairs, whose scores are never all in memory. */
static op_value streamed_loss(struct branch *b, uint32_t level)
{
    const struct op_attr attr = {.mining = b->mining};
    const struct train_features *f = b->features;
    op_value out[OP_MAX_OUT];
    const op_value in[] = {f->u,
                           f->v[level],
                           nn_param_value(b->scope, "logit_scale"),
                           guided_by(&b->mining, OP_GUIDE_TEXT) ? guide_text(b, level) : OP_NONE,
                           guided_by(&b->mining, OP_GUIDE_IMAGE) ? guide_image(b) : OP_NONE,
                           f->same[level],
                           f->weights[level]};
    graph_op(b->graph, &op_infonce_stream, &attr, in, BASE_COUNT(in), out);
    if (level < b->objective->global_levels)
        count_positives(b, out[3]);
    return out[0];
}

/* The loss of images as a whole with the texts of a level. */
static op_value whole_loss(struct branch *b, uint32_t level)
{
    if (b->pairs > MATRIX_MOST)
        return streamed_loss(b, level);
    return matrix_loss(b, level, products(b, b->features->u, b->features->v[level], false));
}

/* The loss of image regions with the sentences of a slot. */
static op_value local_loss(struct branch *b, uint32_t level)
{
    const struct op_attr attr = {.tau = b->objective->local_tau};
    if (b->objective->local == TRAIN_LOCAL_SENTENCE)
        return whole_loss(b, level);
    return matrix_loss(b, level,
                       GRAPH_OP(b->graph, &op_pool_scores, &attr, b->features->patches, b->features->v[level]));
}

/* The mean loss of levels [first, first + count). */
static op_value mean_loss(struct branch *b, uint32_t first, uint32_t count, op_value (*loss)(struct branch *, uint32_t))
{
    op_value sum = loss(b, first);
    for (uint32_t level = first + 1; level < first + count; level++)
        sum = GRAPH_OP(b->graph, &op_add, NULL, sum, loss(b, level));
    if (count > 1)
        sum = GRAPH_OP(b->graph, &op_scale, &(struct op_attr){.scale = 1.0f / (float)count}, sum);
    return sum;
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
    *out = (struct train_losses){.local = OP_NONE, .positives = OP_NONE};
    if (!mining)
        b.mining.kind = OP_MINING_NONE;
    graph_push(b.graph, "loss");
    out->global = out->total = mean_loss(&b, 0, levels, whole_loss);
    if (b.positives != OP_NONE)
        out->positives = GRAPH_OP(b.graph, &op_scale, &(struct op_attr){.scale = 1.0f / (float)levels}, b.positives);
    if (objective->slots > 0) {
        const struct op_attr weight = {.scale = objective->local_weight};
        out->local = mean_loss(&b, levels, objective->slots, local_loss);
        out->total = GRAPH_OP(b.graph, &op_add, NULL, out->global, GRAPH_OP(b.graph, &op_scale, &weight, out->local));
    }
    graph_pop(b.graph);
}
