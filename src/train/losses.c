/* losses.c: the objective: global and local branch over the levels of texts, mining of positives. */
#include "train/branch.h"

uint32_t train_levels(const struct train_objective *objective)
{
    return objective->global_levels + objective->slots;
}

bool train_needs_patches(const struct train_objective *objective)
{
    return objective->slots > 0 && objective->local->patches;
}

bool train_needs_same(const struct train_objective *objective)
{
    return objective->mining.same_text != OP_SAME_TEXT_NEGATIVE;
}

bool train_guided(const struct train_branch *b, enum op_mining_guide guide)
{
    const struct op_mining *mining = &b->mining;
    return mining->kind != OP_MINING_NONE &&
           (mining->guide == guide || mining->guide == OP_GUIDE_BOTH || mining->guide == OP_GUIDE_CROSSMODAL);
}

/* a b^T [B,B] of unit rows */
static op_value products(struct train_branch *b, op_value x, op_value y, bool same_order)
{
    const struct op_attr attr = {.trans_b = true, .same_order = same_order};
    return GRAPH_OP(b->graph, &op_matmul, &attr, x, y, OP_NONE, OP_NONE);
}

static op_value guide_image(const struct train_branch *b)
{
    return b->objective->frozen ? b->features->guide_u : b->features->u;
}

/* ---- mining ---- */

/* Similarities of a level's texts [B,B]. */
static op_value text_similarity(struct train_branch *b, const struct train_level *level)
{
    if (!train_guided(b, OP_GUIDE_TEXT))
        return OP_NONE;
    return products(b, level->guide, level->guide, true);
}

static op_value image_similarity(struct train_branch *b)
{
    if (train_guided(b, OP_GUIDE_IMAGE) && b->image_similarity == OP_NONE)
        b->image_similarity = products(b, guide_image(b), guide_image(b), true);
    return b->image_similarity;
}

struct train_targets train_mine(const struct train_term *t, bool signs)
{
    struct op_attr attr = {.mining = *t->mining};
    const op_value in[] = {t->text_similarity, t->image_similarity, t->same, t->weights};
    op_value mined[OP_MAX_OUT];
    if (t->mining->kind == OP_MINING_NONE && t->mining->same_text == OP_SAME_TEXT_NEGATIVE)
        return (struct train_targets){OP_NONE, OP_NONE, OP_NONE};
    attr.mining.signs = signs;
    graph_op(t->scope->graph, &op_mine, &attr, in, BASE_COUNT(in), mined);
    return (struct train_targets){mined[0], signs ? OP_NONE : mined[1], mined[signs ? 1 : 2]};
}

/* ---- levels ---- */

/* What a loss records; the sum of the levels' positives is kept for the mean over the global ones. */
static op_value record_term(struct train_branch *b, const struct train_level *level, const struct train_term *term)
{
    struct train_recorded made = {OP_NONE, OP_NONE};
    b->objective->loss->record(term, &made);
    if (!level->local && made.positives != OP_NONE)
        b->positives =
            b->positives == OP_NONE ? made.positives : GRAPH_OP(b->graph, &op_add, NULL, b->positives, made.positives);
    return made.loss;
}

struct train_term train_term_of(const struct train_branch *b, const struct train_level *level)
{
    return (struct train_term){.scope = b->scope,
                               .config = b->objective->config,
                               .mining = &b->mining,
                               .u = b->features->u,
                               .v = level->v,
                               .scores = OP_NONE,
                               .text_similarity = OP_NONE,
                               .image_similarity = OP_NONE,
                               .text_guide = OP_NONE,
                               .image_guide = OP_NONE,
                               .same = level->same,
                               .weights = level->weights,
                               .lines = level->lines,
                               .sums = level->sums};
}

static op_value scores_loss(struct train_branch *b, const struct train_level *level, op_value scores, bool regions)
{
    struct train_term term = train_term_of(b, level);
    if (regions)
        term.u = term.v = OP_NONE;
    term.scores = scores;
    term.text_similarity = text_similarity(b, level);
    term.image_similarity = image_similarity(b);
    return record_term(b, level, &term);
}

op_value train_regions_loss(struct train_branch *b, const struct train_level *level, op_value scores)
{
    return scores_loss(b, level, scores, true);
}

op_value train_whole_loss(struct train_branch *b, const struct train_level *level)
{
    struct train_term term = train_term_of(b, level);
    const struct op_attr block = b->split ? (struct op_attr){.mining = b->mining,
                                                             .first = b->split->first,
                                                             .count = b->split->count,
                                                             .rows = b->split->part}
                                          : (struct op_attr){0};
    term.block = b->split ? &block : NULL;
    if (b->pairs <= TRAIN_MATRIX_MOST && !b->split)
        return scores_loss(b, level, products(b, b->features->u, level->v, false), false);
    term.text_guide = train_guided(b, OP_GUIDE_TEXT) ? level->guide : OP_NONE;
    term.image_guide = train_guided(b, OP_GUIDE_IMAGE) ? guide_image(b) : OP_NONE;
    return record_term(b, level, &term);
}

struct train_level train_level_of(const struct train_branch *b, uint32_t k)
{
    return (struct train_level){.v = b->features->v[k],
                                .guide = b->objective->frozen ? b->features->guide_v[k] : b->features->v[k],
                                .same = b->features->same[k],
                                .weights = b->features->weights[k],
                                .lines = b->lines[k],
                                .sums = b->sums[k],
                                .local = k >= b->objective->global_levels};
}

op_value train_mean_loss(struct train_branch *b, uint32_t first, uint32_t count,
                         op_value (*loss)(struct train_branch *, const struct train_level *))
{
    op_value sum = OP_NONE;
    for (uint32_t k = first; k < first + count; k++) {
        const struct train_level level = train_level_of(b, k);
        op_value one = loss(b, &level);
        sum = k == first ? one : GRAPH_OP(b->graph, &op_add, NULL, sum, one);
    }
    if (count > 1)
        sum = GRAPH_OP(b->graph, &op_scale, &(struct op_attr){.scale = 1.0f / (float)count}, sum);
    return sum;
}

/* ---- the objective ---- */

/* What thresholds are chosen by; also while mining warms up. */
static void record_similarities(struct train_branch *b, struct train_losses *out)
{
    const struct op_attr attr = {.count = TRAIN_BINS, .low = -1, .high = 1};
    const op_value text =
        b->objective->frozen && b->features->guide_v[0] != OP_NONE ? b->features->guide_v[0] : b->features->v[0];
    const op_value image =
        b->objective->frozen && b->features->guide_u != OP_NONE ? b->features->guide_u : b->features->u;
    if (b->objective->mining.kind == OP_MINING_NONE || b->pairs > TRAIN_MATRIX_MOST || b->split)
        return;
    if (b->image_similarity == OP_NONE)
        b->image_similarity = products(b, image, image, true);
    out->similarity[0] = GRAPH_OP(b->graph, &op_histogram, &attr, products(b, text, text, true));
    out->similarity[1] = GRAPH_OP(b->graph, &op_histogram, &attr, b->image_similarity);
}

void train_losses_record(struct nn_scope *scope, const struct train_objective *objective, bool mining,
                         const struct train_features *features, const struct train_split *split,
                         struct train_losses *out)
{
    struct train_branch b = {.scope = scope,
                             .graph = scope->graph,
                             .objective = objective,
                             .features = features,
                             .mining = objective->mining,
                             .pairs = graph_shape(scope->graph, features->u).dim[0],
                             .image_similarity = OP_NONE,
                             .positives = OP_NONE,
                             .split = split};
    uint32_t levels = objective->global_levels;
    *out = (struct train_losses){.total = OP_NONE,
                                 .global = OP_NONE,
                                 .local = OP_NONE,
                                 .head = OP_NONE,
                                 .positives = OP_NONE,
                                 .similarity = {OP_NONE, OP_NONE}};
    if (!mining)
        b.mining.kind = OP_MINING_NONE;
    if (levels == 0)
        return;
    graph_push(b.graph, "loss");
    train_blocks_record(&b);
    out->global = out->total = train_mean_loss(&b, 0, levels, train_whole_loss);
    if (b.positives != OP_NONE)
        out->positives = GRAPH_OP(b.graph, &op_scale, &(struct op_attr){.scale = 1.0f / (float)levels}, b.positives);
    if (objective->slots > 0) {
        const struct op_attr weight = {.scale = objective->local_weight};
        out->local = objective->local->record(&b);
        out->total = GRAPH_OP(b.graph, &op_add, NULL, out->global, GRAPH_OP(b.graph, &op_scale, &weight, out->local));
    }
    record_similarities(&b, out);
    graph_pop(b.graph);
}
