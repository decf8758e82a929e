/* local_filip.c: all sentences drawn for an image as one list, against image regions, FILIP's way. */
#include "train/branch.h"

/* x[0..count) [B,D] as [B,count,D]. */
static op_value side_by_side(struct train_branch *b, const op_value *x, uint32_t count, uint32_t width)
{
    op_value part[4] = {OP_NONE, OP_NONE, OP_NONE, OP_NONE};
    for (uint32_t k = 0; k < count; k++)
        part[k] = graph_view(b->graph, x[k], SHAPE_F32(b->pairs, 1, width), 0);
    if (count == 1)
        return part[0];
    return GRAPH_OP(b->graph, &op_concat, &(struct op_attr){.axis = 1}, part[0], part[1], part[2], part[3]);
}

static op_value ones(struct train_branch *b, uint32_t count)
{
    const struct op_attr attr = {.rows = count, .value = 1};
    return GRAPH_OP(b->graph, &op_fill, &attr, OP_NONE);
}

/* Which sentences there are, [B,K]; OP_NONE when all are. */
static op_value list_weights(struct train_branch *b, uint32_t first)
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
static op_value list_guide(struct train_branch *b, uint32_t first, op_value weights, uint32_t width)
{
    const op_value *v = b->objective->frozen ? b->features->guide_v : b->features->v;
    uint32_t count = b->objective->slots;
    if (!train_guided(b, OP_GUIDE_TEXT) || count == 1)
        return v[first];
    op_value list = side_by_side(b, v + first, count, width);
    if (weights == OP_NONE)
        weights = ones(b, b->pairs * count);
    weights = graph_view(b->graph, weights, SHAPE_F32(b->pairs, 1, count), 0);
    op_value mean = GRAPH_OP(b->graph, &op_matmul, NULL, weights, list, OP_NONE, OP_NONE); /* [B,1,E] */
    return nn_unit_rows(b->scope, graph_view(b->graph, mean, SHAPE_F32(b->pairs, width), 0));
}

/* The loss of image regions with all sentences drawn for an image: one score for the list of them. */
static op_value record(struct train_branch *b)
{
    uint32_t first = b->objective->global_levels;
    uint32_t width = graph_shape(b->graph, b->features->u).dim[1];
    op_value weights = list_weights(b, first), out[OP_MAX_OUT];
    const struct train_level level = {.v = OP_NONE,
                                      .guide = list_guide(b, first, weights, width),
                                      .same = b->features->same[first],
                                      .weights = b->features->weights[first], /* slots are filled from the first on */
                                      .local = true};
    const op_value in[] = {b->features->patches, side_by_side(b, b->features->v + first, b->objective->slots, width),
                           weights};
    graph_op(b->graph, &op_filip_scores, NULL, in, BASE_COUNT(in), out);
    return train_regions_loss(b, &level, out[0]);
}

const struct train_local train_local_filip = {
    .word = {"filip", "all sentences of an image against image regions: each finds its best match (FILIP)"},
    .patches = true,
    .lists = true,
    .record = record,
};
