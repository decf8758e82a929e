/* recompute.c: segments whose results are made a second time for the backward pass. The second recording stands right
 * before the first gradient op of the segment, and rules read its values: the first ones die where the forward pass
 * last needs them. What of it no rule reads is removed by graph_compile. */
#include "graph/backward.h"

static const size_t OPEN = SIZE_MAX;

void graph_recompute_begin(struct graph *graph)
{
    enum mien_status status =
        base_grow(&graph->segment, &graph->segment_capacity, graph->segment_count + 1, sizeof(*graph->segment));
    if (status == MIEN_OK)
        graph->segment[graph->segment_count++] = (struct graph_segment){.first = graph->value_count, .last = OPEN};
    else
        graph_stick(graph, status);
}

void graph_recompute_end(struct graph *graph)
{
    for (size_t s = graph->segment_count; s-- > 0;) {
        if (graph->segment[s].last != OPEN)
            continue;
        graph->segment[s].last = graph->value_count;
        return;
    }
    if (graph->status == MIEN_OK)
        GRAPH_FAIL(graph, MIEN_ERR_ARG, "graph_recompute_end without a matching graph_recompute_begin in \"%s\"",
                   graph_label_text(graph));
}

enum mien_status backward_check_segments(struct graph *graph)
{
    for (size_t s = 0; s < graph->segment_count; s++) {
        if (graph->segment[s].last == OPEN)
            return base_fail(MIEN_ERR_ARG, "graph_backward inside a segment: graph_recompute_end is missing");
    }
    return MIEN_OK;
}

/* An op that writes in place must write to what the segment itself has made: that is made anew. */
static bool repeatable(struct backward *b, const struct graph_node *node)
{
    struct op_signature sig;
    op_signature(node->op, &sig);
    for (uint32_t o = 0; o < node->out_count; o++) {
        op_value in = node->in[o];
        if (!(sig.in_place >> o & 1) || in == OP_NONE || b->again[in] != in)
            continue;
        GRAPH_FAIL(b->graph, MIEN_ERR_UNSUPPORTED,
                   "%s in \"%s\" writes in place to memory from outside its segment and cannot be repeated; end the "
                   "segment (graph_recompute_end) before it",
                   node->op->name, node->label);
        return false;
    }
    return true;
}

static void repeat_node(struct backward *b, const struct graph_node *node)
{
    op_value in[OP_MAX_IN], out[OP_MAX_OUT];
    if (!repeatable(b, node))
        return;
    for (uint32_t i = 0; i < node->in_count; i++)
        in[i] = node->in[i] == OP_NONE ? OP_NONE : b->again[node->in[i]];
    b->graph->label = backward_label(b->graph, node->label, ":again");
    graph_op(b->graph, node->op, &node->attr, in, node->in_count, out);
    for (uint32_t o = 0; o < node->out_count; o++)
        b->again[node->out[o]] = out[o];
}

static op_value repeat_join(struct backward *b, const struct graph_value *join)
{
    op_value *part = base_alloc(join->part_count, sizeof(*part));
    if (!part) {
        GRAPH_FAIL(b->graph, MIEN_ERR_NOMEM, "out of host memory for a join of %u values", join->part_count);
        return OP_NONE;
    }
    for (uint32_t i = 0; i < join->part_count; i++)
        part[i] = b->again[join->part[i]];
    op_value made = graph_join(b->graph, part, join->part_count, join->shape);
    base_free(part);
    return made;
}

/* Copies of values and nodes: recording moves the arrays. */
static void repeat_value(struct backward *b, op_value v)
{
    struct graph *graph = b->graph;
    struct graph_value value = graph->value[v];
    if (value.node != OP_NONE && graph->node[value.node].out[0] == v) {
        struct graph_node node = graph->node[value.node];
        repeat_node(b, &node);
    } else if (value.part_count) {
        b->again[v] = repeat_join(b, &value);
    } else if (value.base != OP_NONE && b->again[value.base] != value.base) {
        uint64_t skip = value.offset - graph->value[value.base].offset;
        b->again[v] = graph_view(graph, b->again[value.base], value.shape, skip / mien_dtype_size(value.shape.dtype));
    }
}

void backward_enter(struct backward *b, op_value value)
{
    struct graph *graph = b->graph;
    const struct graph_label *outer = graph->label;
    for (size_t s = 0; s < graph->segment_count; s++) {
        struct graph_segment segment = graph->segment[s];
        if (b->entered[s] || value < segment.first || value >= segment.last)
            continue;
        b->entered[s] = true;
        for (size_t v = segment.first; v < segment.last && graph->status == MIEN_OK; v++)
            repeat_value(b, (op_value)v);
    }
    graph->label = outer;
}
