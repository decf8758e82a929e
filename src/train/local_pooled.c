/* local_pooled.c: local sentences against image regions, pooled by their attention to the sentence. */
#include "train/branch.h"

static op_value level_loss(struct train_branch *b, const struct train_level *level)
{
    const struct op_attr attr = {.tau = b->objective->local_tau};
    return train_regions_loss(b, level, GRAPH_OP(b->graph, &op_pool_scores, &attr, b->features->patches, level->v));
}

static op_value record(struct train_branch *b)
{
    return train_mean_loss(b, b->objective->global_levels, b->objective->slots, level_loss);
}

const struct train_local train_local_pooled = {
    .word = {"pooled", "each sentence against image regions, pooled by attention of temperature loss.local.tau"},
    .patches = true,
    .record = record,
};
