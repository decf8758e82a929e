/* backward.c: reverse differentiation. Values are numbered in topological order, so one walk upwards finds what
 * depends on the wanted values, and one walk downwards meets every value after all of its uses: its gradient is then
 * complete. Fan-out adds in the order met, which makes the sum's rounding a function of the graph alone. */
#include "graph/backward.h"

#include <assert.h>
#include <string.h>

static bool node_wants(const struct backward *b, const struct graph_node *node)
{
    for (uint32_t i = 0; i < node->in_count; i++) {
        if (node->in[i] != OP_NONE && b->wants[node->in[i]])
            return true;
    }
    return false;
}

static bool part_wants(const struct backward *b, const struct graph_value *join)
{
    for (uint32_t i = 0; i < join->part_count; i++) {
        if (b->wants[join->part[i]])
            return true;
    }
    return false;
}

static void mark_wants(struct backward *b, const op_value *of, uint32_t count)
{
    const struct graph *graph = b->graph;
    for (uint32_t i = 0; i < count; i++) {
        if (of[i] < b->values)
            b->wants[of[i]] = true;
    }
    for (op_value v = 0; v < b->values; v++) {
        const struct graph_value *value = &graph->value[v];
        if (value->base != OP_NONE && b->wants[value->base])
            b->wants[v] = true;
        else if (value->node != OP_NONE && node_wants(b, &graph->node[value->node]))
            b->wants[v] = true;
        else if (part_wants(b, value))
            b->wants[v] = true;
    }
}

void backward_accumulate(struct backward *b, op_value value, op_value din)
{
    struct op_attr attr = {.dtype = graph_shape(b->graph, value).dtype};
    if (b->grad[value] == OP_NONE)
        b->grad[value] = din;
    else
        b->grad[value] = GRAPH_OP(b->graph, &op_add, &attr, b->grad[value], din);
}

/* Adds what the op's rule gave to the gradients of the node's inputs. The node is a copy: recording moves the array. */
static void spread(struct backward *b, const struct graph_node *node, const bool *wants, const op_value *din)
{
    for (uint32_t i = 0; i < node->in_count; i++) {
        if (!wants[i] || din[i] == OP_NONE)
            continue;
        struct tensor_shape want = graph_shape(b->graph, node->in[i]), have = graph_shape(b->graph, din[i]);
        if (tensor_shape_equal(&want, &have)) {
            backward_accumulate(b, node->in[i], din[i]);
            continue;
        }
        char want_text[64], have_text[64];
        GRAPH_FAIL(b->graph, MIEN_ERR_SHAPE, "the gradient rule of %s in \"%s\" gives %s for input %u of shape %s",
                   node->op->name, node->label, tensor_shape_text(&have, have_text, sizeof(have_text)), i,
                   tensor_shape_text(&want, want_text, sizeof(want_text)));
        return;
    }
}

/* A gradient that reaches a by-product would silently be lost. */
static bool aux_flows(struct backward *b, const struct graph_node *node, const op_value *dout)
{
    struct op_signature sig;
    op_signature(node->op, &sig);
    for (uint32_t o = 0; o < node->out_count; o++) {
        if (dout[o] == OP_NONE || !(sig.aux_outputs >> o & 1))
            continue;
        GRAPH_FAIL(b->graph, MIEN_ERR_UNSUPPORTED,
                   "the loss depends on output %u of %s in \"%s\", a by-product through which no gradient flows", o,
                   node->op->name, node->label);
        return true;
    }
    return false;
}

static void through_node(struct backward *b, const struct graph_node *node)
{
    struct graph *graph = b->graph;
    op_value dout[OP_MAX_OUT], din[OP_MAX_IN], in[OP_MAX_IN], out[OP_MAX_OUT];
    bool wants[OP_MAX_IN] = {false}, flows = false;
    for (uint32_t o = 0; o < node->out_count; o++) {
        dout[o] = b->grad[node->out[o]];
        flows = flows || dout[o] != OP_NONE;
    }
    if (!flows || !node_wants(b, node) || aux_flows(b, node, dout))
        return;
    for (uint32_t i = 0; i < OP_MAX_IN; i++) {
        wants[i] = node->in[i] != OP_NONE && b->wants[node->in[i]] && graph_shape(graph, node->in[i]).dtype != MIEN_I32;
        din[i] = OP_NONE;
    }
    if (!node->op->grad) {
        GRAPH_FAIL(graph, MIEN_ERR_UNSUPPORTED, "the gradient has to flow through %s in \"%s\", which has none: %s",
                   node->op->name, node->label, op_no_grad(node->op));
        return;
    }
    backward_enter(b, node->out[0]);
    for (uint32_t i = 0; i < OP_MAX_IN; i++)
        in[i] = node->in[i] == OP_NONE ? OP_NONE : b->again[node->in[i]];
    for (uint32_t o = 0; o < OP_MAX_OUT; o++)
        out[o] = node->out[o] == OP_NONE ? OP_NONE : b->again[node->out[o]];
    struct op_use use = {.attr = &node->attr,
                         .in = in,
                         .out = out,
                         .dout = dout,
                         .wants = wants,
                         .in_count = node->in_count,
                         .out_count = node->out_count};
    node->op->grad(graph_recorder(graph), &use, din);
    if (graph->status == MIEN_OK)
        spread(b, node, wants, din);
}

const struct graph_label *backward_label(struct graph *graph, const char *label, const char *tail)
{
    struct graph_label *made = base_arena_alloc(&graph->arena, sizeof(*made));
    const char *text = base_arena_printf(&graph->arena, "%s%s", label, tail);
    if (!made || !text) {
        GRAPH_FAIL(graph, MIEN_ERR_NOMEM, "out of host memory for the gradient of \"%s\"", label);
        return graph->label;
    }
    *made = (struct graph_label){.text = text};
    return made;
}

static void walk(struct backward *b)
{
    struct graph *graph = b->graph;
    const struct graph_label *outer = graph->label;
    const char *label = NULL;
    for (op_value v = (op_value)b->values; v-- > 0 && graph->status == MIEN_OK;) {
        struct graph_value value = graph->value[v];
        if (b->piece[v])
            backward_pieces(b, v);
        bool flows = b->grad[v] != OP_NONE && b->wants[v];
        if (flows && value.base != OP_NONE)
            backward_view(b, v);
        if (flows && value.part_count)
            backward_join(b, v);
        /* the first output is the lowest: all uses of all outputs have been met */
        if (value.node == OP_NONE || graph->node[value.node].out[0] != v)
            continue;
        struct graph_node node = graph->node[value.node];
        if (node.label != label)
            graph->label = backward_label(graph, node.label, ":grad");
        label = node.label;
        through_node(b, &node);
    }
    graph->label = outer;
}

/* Where differentiation begins: the gradients of outputs, kept in one list. */
struct seeds {
    const op_value *output, *grad;
    uint32_t count;
};

static enum mien_status check_seeds(struct graph *graph, const struct seeds *seeds)
{
    enum mien_status status = MIEN_OK;
    for (uint32_t i = 0; i < seeds->count; i++) {
        struct tensor_shape want = graph_shape(graph, seeds->output[i]), have = graph_shape(graph, seeds->grad[i]);
        char want_text[64], have_text[64];
        FAIL_IF(!want.rank || !have.rank, MIEN_ERR_ARG, "graph_backward_from: %s %u of %u is no value",
                want.rank ? "the gradient of output" : "output", i, seeds->count);
        FAIL_IF(want.dtype == MIEN_I32 || !tensor_shape_equal(&want, &have), MIEN_ERR_SHAPE,
                "graph_backward_from wants a gradient of its output's shape: output %u is %s, its gradient %s", i,
                tensor_shape_text(&want, want_text, sizeof(want_text)),
                tensor_shape_text(&have, have_text, sizeof(have_text)));
    }
fail:
    return status;
}

static enum mien_status backward_open(struct backward *b)
{
    b->values = b->graph->value_count;
    b->wants = base_alloc(BASE_MAX(b->values, 1), sizeof(*b->wants));
    b->grad = base_alloc(BASE_MAX(b->values, 1), sizeof(*b->grad));
    b->piece = base_alloc(BASE_MAX(b->values, 1), sizeof(*b->piece));
    b->again = base_alloc(BASE_MAX(b->values, 1), sizeof(*b->again));
    b->entered = base_alloc(BASE_MAX(b->graph->segment_count, 1), sizeof(*b->entered));
    if (!b->wants || !b->grad || !b->piece || !b->again || !b->entered)
        return base_fail(MIEN_ERR_NOMEM, "out of host memory for the gradients of %zu values", b->values);
    for (size_t v = 0; v < b->values; v++)
        b->again[v] = (op_value)v;
    memset(b->grad, 0xff, b->values * sizeof(*b->grad)); /* OP_NONE */
    return MIEN_OK;
}

static void backward_close(struct backward *b)
{
    base_free(b->wants);
    base_free(b->grad);
    base_free(b->piece);
    base_free(b->again);
    base_free(b->entered);
}

static void collect(const struct backward *b, const op_value *of, uint32_t count, op_value *grads)
{
    for (uint32_t i = 0; i < count && b->graph->status == MIEN_OK; i++) {
        if (of[i] < b->values)
            grads[i] = b->grad[of[i]];
        if (grads[i] == OP_NONE)
            LOG_DEBUG("graph_backward: nothing differentiated depends on value %u of the %u asked for (%s)", i, count,
                      of[i] < b->values && b->graph->value[of[i]].name ? b->graph->value[of[i]].name : "unnamed");
    }
}

enum mien_status graph_backward_from(struct graph *graph, const op_value *outputs, const op_value *output_grads,
                                     uint32_t output_count, const op_value *of, uint32_t count, op_value *grads)
{
    enum mien_status status = graph->status;
    const struct seeds seeds = {.output = outputs, .grad = output_grads, .count = output_count};
    struct backward b = {.graph = graph};
    for (uint32_t i = 0; i < count; i++)
        grads[i] = OP_NONE;
    TRY(status);
    TRY(backward_check_segments(graph));
    TRY(check_seeds(graph, &seeds));
    TRY(backward_open(&b));
    mark_wants(&b, of, count);
    for (uint32_t i = 0; i < output_count; i++)
        backward_accumulate(&b, outputs[i], output_grads[i]);
    walk(&b);
    collect(&b, of, count, grads);
fail:
    backward_close(&b);
    graph_stick(graph, status);
    return graph->status;
}

/* d loss / d loss */
static op_value one(struct graph *graph, op_value loss)
{
    const float data = 1.0f;
    return graph_constant(graph, "d loss", graph_shape(graph, loss), &data);
}

enum mien_status graph_backward(struct graph *graph, op_value loss, const op_value *of, uint32_t count, op_value *grads)
{
    struct tensor_shape shape = graph_shape(graph, loss);
    char text[64];
    for (uint32_t i = 0; i < count; i++)
        grads[i] = OP_NONE;
    if (graph->status == MIEN_OK && (shape.dtype != MIEN_F32 || tensor_shape_count(&shape) != 1))
        GRAPH_FAIL(graph, MIEN_ERR_SHAPE, "graph_backward wants a loss of one f32 element, not %s",
                   tensor_shape_text(&shape, text, sizeof(text)));
    if (graph->status != MIEN_OK)
        return graph->status;
    op_value seed = one(graph, loss);
    return graph_backward_from(graph, &loss, &seed, 1, of, count, grads);
}
