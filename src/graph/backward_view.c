/* backward_view.c: gradients through views and joins. A view of the whole passes its gradient on in another shape.
 * Views of parts give pieces, which are joined once all of them are known: where they cover the value, nothing is
 * copied or filled. */
#include "graph/backward.h"

static uint64_t count_of(const struct graph *graph, op_value value)
{
    struct tensor_shape shape = graph_shape(graph, value);
    return tensor_shape_count(&shape);
}

/* [count] zeros */
static op_value zeros(struct graph *graph, uint64_t count, enum mien_dtype dtype)
{
    op_value made = GRAPH_OP(graph, &op_fill, &(struct op_attr){.rows = (uint32_t)count}, OP_NONE);
    return dtype == MIEN_F32 ? made : GRAPH_OP(graph, &op_cast, &(struct op_attr){.dtype = dtype}, made);
}

/* The value's gradient from a list of pieces. */
static op_value assemble(struct graph *graph, op_value value, const struct backward_piece *pieces)
{
    struct tensor_shape shape = graph_shape(graph, value);
    uint64_t total = tensor_shape_count(&shape), at = 0;
    uint32_t count = 0, most = 1;
    for (const struct backward_piece *p = pieces; p; p = p->next)
        most += 2;
    op_value *part = base_arena_array(&graph->arena, most, sizeof(*part));
    if (!part) {
        GRAPH_FAIL(graph, MIEN_ERR_NOMEM, "out of host memory for a gradient of %u pieces", most);
        return OP_NONE;
    }
    for (const struct backward_piece *p = pieces; p; at = p->first + p->count, p = p->next) {
        if (p->first > at)
            part[count++] = zeros(graph, p->first - at, shape.dtype);
        part[count++] = p->grad;
    }
    if (at < total)
        part[count++] = zeros(graph, total - at, shape.dtype);
    return graph_join(graph, part, count, shape);
}

void backward_pieces(struct backward *b, op_value value)
{
    if (b->graph->status == MIEN_OK)
        backward_accumulate(b, value, assemble(b->graph, value, b->piece[value]));
}

/* A piece that overlaps others without being equal to one: widened with zeros to the whole value. */
static void widen(struct backward *b, op_value value, struct backward_piece *piece)
{
    piece->next = NULL;
    backward_accumulate(b, value, assemble(b->graph, value, piece));
}

static void add_piece(struct backward *b, op_value value, struct backward_piece *piece)
{
    struct backward_piece **at = &b->piece[value];
    while (*at && (*at)->first + (*at)->count <= piece->first)
        at = &(*at)->next;
    struct backward_piece *next = *at;
    if (!next || piece->first + piece->count <= next->first) {
        piece->next = next;
        *at = piece;
    } else if (next->first == piece->first && next->count == piece->count) {
        struct op_attr attr = {.dtype = graph_shape(b->graph, next->grad).dtype};
        next->grad = GRAPH_OP(b->graph, &op_add, &attr, next->grad, piece->grad);
    } else {
        widen(b, value, piece);
    }
}

static bool ends_well(struct graph *graph, op_value base, uint64_t end)
{
    struct tensor_shape shape = graph_shape(graph, base);
    char text[64];
    if (end == tensor_shape_count(&shape) || end * mien_dtype_size(shape.dtype) % PLAN_ALIGN == 0)
        return true;
    GRAPH_FAIL(
        graph, MIEN_ERR_UNSUPPORTED,
        "no gradient flows through a view of %s that ends at element %llu, not at a multiple of %d bytes; select "
        "rows by an op instead",
        tensor_shape_text(&shape, text, sizeof(text)), (unsigned long long)end, PLAN_ALIGN);
    return false;
}

void backward_view(struct backward *b, op_value view)
{
    struct graph *graph = b->graph;
    op_value base = graph->value[view].base, din = b->grad[view];
    struct tensor_shape shape = graph_shape(graph, base), part = graph_shape(graph, view);
    uint64_t count = tensor_shape_count(&part);
    if (count == tensor_shape_count(&shape)) {
        bool same = tensor_shape_equal(&shape, &part);
        backward_accumulate(b, base, same ? din : graph_view(graph, din, shape, 0));
        return;
    }
    uint64_t bytes = graph->value[view].offset - graph->value[base].offset;
    struct backward_piece *piece = base_arena_alloc(&graph->arena, sizeof(*piece));
    if (!piece) {
        GRAPH_FAIL(graph, MIEN_ERR_NOMEM, "out of host memory for a piece of a gradient");
        return;
    }
    piece->first = bytes / mien_dtype_size(shape.dtype);
    piece->count = count;
    if (!ends_well(graph, base, piece->first + count))
        return;
    /* flat, so that pieces of one range fit each other whatever the views' shapes */
    struct tensor_shape flat = {.dtype = part.dtype, .rank = 1, .dim = {(uint32_t)count}};
    piece->grad = part.rank == 1 ? din : graph_view(graph, din, flat, 0);
    add_piece(b, base, piece);
}

void backward_join(struct backward *b, op_value join)
{
    struct graph *graph = b->graph;
    struct tensor_shape shape = graph_shape(graph, join);
    uint64_t first = 0;
    for (uint32_t i = 0; i < graph->value[join].part_count && graph->status == MIEN_OK; i++) {
        op_value part = graph->value[join].part[i];
        if (b->wants[part])
            backward_accumulate(b, part, graph_view(graph, b->grad[join], graph_shape(graph, part), first));
        /* no gap but in a pack */
        first = base_round_up(first + count_of(graph, part), PLAN_ALIGN / mien_dtype_size(shape.dtype));
    }
}
