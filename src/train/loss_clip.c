/* loss_clip.c: CLIP's loss, symmetric InfoNCE: each image picks its text among the batch's, and each text its image. */
#include "train/loss.h"

#include <math.h>

/* Pairs whose scores are never all in memory. */
static void record_streamed(const struct train_term *t, op_value scale, struct train_recorded *out)
{
    const struct op_attr attr = {.mining = *t->mining};
    const op_value in[] = {t->u, t->v, scale, t->text_guide, t->image_guide, t->same, t->weights};
    op_value made[OP_MAX_OUT];
    graph_op(t->scope->graph, &op_infonce_stream, &attr, in, BASE_COUNT(in), made);
    out->loss = made[0];
    out->positives = made[3];
}

static op_value block(const struct train_term *t, const struct op_attr *attr)
{
    return GRAPH_OP(t->scope->graph, &op_infonce_block, attr, t->u, t->v, nn_param_value(t->scope, "logit_scale"),
                    t->text_guide, t->image_guide, t->lines);
}

static void record_blocks(const struct train_term *t, op_value scale, struct train_recorded *out)
{
    const op_value in[] = {t->u, t->v, scale, t->text_guide, t->image_guide, t->lines, t->sums};
    op_value made[OP_MAX_OUT];
    graph_op(t->scope->graph, &op_infonce_blocks, t->block, in, BASE_COUNT(in), made);
    out->loss = made[0];
    out->positives = made[1];
}

static void record(const struct train_term *t, struct train_recorded *out)
{
    struct graph *graph = t->scope->graph;
    op_value scale = nn_param_value(t->scope, "logit_scale");
    if (t->block) {
        record_blocks(t, scale, out);
        return;
    }
    if (t->scores == OP_NONE) {
        record_streamed(t, scale, out);
        return;
    }
    struct train_targets targets = train_mine(t, false);
    out->positives = targets.positives;
    if (targets.rows == OP_NONE && t->weights == OP_NONE)
        out->loss = GRAPH_OP(graph, &op_infonce, NULL, t->scores, scale);
    else
        out->loss = GRAPH_OP(graph, &op_infonce, NULL, t->scores, scale, targets.rows, targets.columns, t->weights);
}

/* Of one anchor: log-sum-exp of its scores less its own pair's. */
static double anchor_loss(const struct train_host_term *t, uint32_t i, bool text)
{
    double own = t->score(t, i, i), total = 0;
    for (uint32_t j = 0; j < t->count; j++)
        total += exp((text ? t->score(t, j, i) : t->score(t, i, j)) - own);
    return log(total);
}

static double on_host(const struct train_host_term *t)
{
    double images = 0, texts = 0;
    for (uint32_t i = 0; i < t->count; i++) {
        images += anchor_loss(t, i, false);
        texts += anchor_loss(t, i, true);
    }
    return (images + texts) / 2;
}

const struct train_loss train_loss_clip = {
    .word = {"clip", "symmetric InfoNCE: each image picks its text among the batch's, each text its image"},
    .least_batch = 2,
    .record = record,
    .block = block,
    .on_host = on_host,
};
