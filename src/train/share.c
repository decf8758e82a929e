/* share.c: a step of which this process does a share: what stands between its towers and the losses over all features,
 * on the way there and on the way back. */
#include "train/step.h"

/* ---- features ---------------------------------------------------------------------------------------------------- */

/* A value of the share becomes that of the batch, which the host gathers. */
static void gather(const struct train_recipe *recipe, struct graph *graph, struct train_exchange *x, op_value *feature)
{
    struct tensor_shape shape = graph_shape(graph, *feature);
    if (*feature == OP_NONE)
        return;
    uint32_t each = shape.dim[0] / train_share_of(recipe, x->batch, recipe->rank).count; /* rows of an image */
    size_t bytes = tensor_shape_bytes(&shape), unit = bytes / shape.dim[0] * each;
    shape.dim[0] = each * x->batch;
    graph_output(graph, *feature);
    struct train_gather *made = &x->gather[x->gathers++];
    made->own = *feature;
    made->round = x->rounds;
    made->bytes = bytes;
    made->unit = unit;
    made->all = *feature = graph_input(graph, "gathered", shape);
}

void train_gather_record(const struct train_recipe *recipe, struct graph *graph, struct train_features *features,
                         struct train_exchange *out)
{
    op_value own[TRAIN_GATHER_MAX];
    gather(recipe, graph, out, &features->u);
    gather(recipe, graph, out, &features->raw);
    gather(recipe, graph, out, &features->patches);
    gather(recipe, graph, out, &features->guide_u);
    for (uint32_t k = 0; k < TRAIN_LEVELS_MAX; k++) {
        gather(recipe, graph, out, &features->v[k]);
        gather(recipe, graph, out, &features->guide_v[k]);
    }
    for (uint32_t i = 0; i < out->gathers; i++)
        own[i] = out->gather[i].own;
    graph_stage_end(graph, own, out->gathers);
    out->features = out->gathers;
    out->rounds = 1;
}

void train_gather_values(const struct train_recipe *recipe, struct graph *graph, op_value *values, uint32_t count,
                         struct train_exchange *out)
{
    uint32_t first = out->gathers;
    op_value own[TRAIN_GATHER_MAX];
    for (uint32_t i = 0; i < count; i++)
        gather(recipe, graph, out, &values[i]);
    for (uint32_t i = first; i < out->gathers; i++)
        own[i - first] = out->gather[i].own;
    graph_stage_end(graph, own, out->gathers - first);
    out->rounds++;
}

/* ---- gradients --------------------------------------------------------------------------------------------------- */

/* This rank's rows of x [B,...], in the shape of what it has. */
static op_value own_rows(const struct train_recipe *recipe, struct graph *graph, uint32_t batch, op_value x,
                         op_value own)
{
    struct tensor_shape shape = graph_shape(graph, own);
    struct train_range share = train_share_of(recipe, batch, recipe->rank);
    uint32_t row = share.first * (shape.dim[0] / share.count);
    uint64_t first = row * (tensor_shape_count(&shape) / shape.dim[0]);
    if (first * sizeof(float) % 256 == 0)
        return graph_view(graph, x, shape, first);
    const struct op_attr rows = {.first = row, .count = shape.dim[0]};
    return GRAPH_OP(graph, &op_slice, &rows, x);
}

/* Gradients of `of` and, behind them, of the gathered features. */
static void through_losses(struct graph *graph, op_value loss, op_value scale, const op_value *of, uint32_t count,
                           op_value *found)
{
    if (scale == OP_NONE)
        graph_backward(graph, loss, of, count, found);
    else
        graph_backward_from(graph, &loss, &scale, 1, of, count, found);
}

void train_share_backward(const struct train_recipe *recipe, struct graph *graph, struct train_exchange *x,
                          op_value loss, op_value scale, const op_value *of, uint32_t count, op_value *found)
{
    uint32_t all = count + x->features, seeds = 0;
    op_value *wanted = base_alloc(2 * (size_t)all, sizeof(*wanted)), *made = wanted + all;
    op_value own[TRAIN_GATHER_MAX], seed[TRAIN_GATHER_MAX];
    if (!wanted) {
        graph_stick(graph, base_fail(MIEN_ERR_NOMEM, "out of host memory for recording a step"));
        return;
    }
    for (uint32_t i = 0; i < all; i++)
        wanted[i] = i < count ? of[i] : x->gather[i - count].all;
    through_losses(graph, loss, scale, wanted, all, made);
    for (uint32_t i = 0; i < x->features && graph_status(graph) == MIEN_OK; i++) {
        if (made[count + i] == OP_NONE)
            continue;
        own[seeds] = x->gather[i].own;
        seed[seeds++] = own_rows(recipe, graph, x->batch, made[count + i], x->gather[i].own);
    }
    graph_backward_from(graph, own, seed, seeds, of, count, found);
    for (uint32_t i = 0; i < count; i++) {
        x->whole[i] = found[i] == OP_NONE;
        if (!x->whole[i] && made[i] != OP_NONE)
            graph_stick(graph, base_fail(MIEN_ERR_UNSUPPORTED,
                                         "a parameter of towers and losses alike cannot be trained by several ranks"));
        found[i] = x->whole[i] ? made[i] : found[i];
    }
    base_free(wanted);
}
