/* loss_siglip.c: SigLIP's loss: whether an image and a text are a pair is decided for every two of them alone. */
#include "train/loss.h"

#include <math.h>

static void record_streamed(const struct train_term *t, op_value scale, op_value bias, struct train_recorded *out)
{
    const struct op_attr attr = {.mining = *t->mining};
    const op_value in[] = {t->u, t->v, scale, bias, t->text_guide, t->image_guide, t->same, t->weights};
    op_value made[OP_MAX_OUT];
    graph_op(t->scope->graph, &op_siglip_stream, &attr, in, BASE_COUNT(in), made);
    out->loss = made[0];
    out->positives = made[2];
}

/* Each pair counts once, in its image's row. */
static op_value block(const struct train_term *t, const struct op_attr *attr)
{
    if (attr->axis == 1)
        return OP_NONE;
    return GRAPH_OP(t->scope->graph, &op_siglip_block, attr, t->u, t->v, nn_param_value(t->scope, "logit_scale"),
                    nn_param_value(t->scope, "logit_bias"), t->text_guide, t->image_guide, t->lines);
}

static void record_blocks(const struct train_term *t, op_value scale, op_value bias, struct train_recorded *out)
{
    const op_value in[] = {t->u, t->v, scale, bias, t->text_guide, t->image_guide, t->lines, t->sums};
    op_value made[OP_MAX_OUT];
    graph_op(t->scope->graph, &op_siglip_blocks, t->block, in, BASE_COUNT(in), made);
    out->loss = made[0];
    out->positives = made[1];
}

static void record(const struct train_term *t, struct train_recorded *out)
{
    op_value scale = nn_param_value(t->scope, "logit_scale"), bias = nn_param_value(t->scope, "logit_bias");
    if (t->block) {
        record_blocks(t, scale, bias, out);
        return;
    }
    if (t->scores == OP_NONE) {
        record_streamed(t, scale, bias, out);
        return;
    }
    struct train_targets targets = train_mine(t, true);
    out->positives = targets.positives;
    out->loss = GRAPH_OP(t->scope->graph, &op_siglip, NULL, t->scores, scale, bias, targets.rows, t->weights);
}

static double on_host(const struct train_host_term *t)
{
    double sum = 0;
    for (uint32_t i = 0; i < t->count; i++) {
        for (uint32_t j = 0; j < t->count; j++) {
            double z = t->score(t, i, j) + t->scalars[0], x = i == j ? -z : z;
            sum += fmax(x, 0) + log1p(exp(-fabs(x)));
        }
    }
    return sum;
}

/* open_clip's initial values: a bias of -10, a scale of ln 10. */
static const struct io_scalar scalars[] = {{"logit_bias", -10}, {"", 0}};

const struct train_loss train_loss_siglip = {
    .word = {"siglip", "a sigmoid for every image and text: pairs or not; adds the parameter logit_bias"},
    .scalars = scalars,
    .logit_scale = 2.302585092994046,
    .least_batch = 2,
    .record = record,
    .block = block,
    .on_host = on_host,
};
