/* head.c: what a model's head says of embeddings: a hidden layer with ReLU, then the targets (EmoCLIP's downstream
 * head). */
#include "nn/internal.h"

op_value nn_head(struct nn_scope *s, op_value raw)
{
    graph_push(s->graph, "head");
    op_value x = nn_linear(s, raw, "head.0", true, OP_ACT_RELU, OP_NONE, MIEN_F32);
    x = nn_linear(s, x, "head.2", true, OP_ACT_NONE, OP_NONE, MIEN_F32);
    graph_pop(s->graph);
    return x;
}
