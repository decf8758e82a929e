/* optim_adamw.c: AdamW, PyTorch's: decoupled decay, bias correction. */
#include "train/loss.h"

static op_value record(struct graph *graph, const struct op_attr *attr, op_value param, const op_value *moments,
                       op_value grad, op_value hyper, op_value clipping)
{
    return GRAPH_OP(graph, &op_adamw, attr, param, moments[0], moments[1], grad, hyper, clipping);
}

static op_value record_blocks(struct graph *graph, op_value params, const op_value *moments, op_value grads,
                              op_value blocks, op_value hyper, op_value clipping)
{
    return GRAPH_OP(graph, &op_adamw_blocks, NULL, params, moments[0], moments[1], grads, blocks, hyper, clipping);
}

const struct train_optimizer train_optimizer_adamw = {
    .word = {"adamw", "Adam with decoupled weight decay"},
    .moments = 2,
    .record = record,
    .record_blocks = record_blocks,
};
