/* view.c: values that share memory: a view lies in the memory of what it views; a join is a memory in which its parts
 * are made. */
#include "graph/graph_internal.h"

#include <assert.h>
#include <string.h>

op_value graph_view(struct graph *graph, op_value value, struct tensor_shape shape, uint64_t first)
{
    char from[64], to[64];
    if (value == OP_NONE && graph->status == MIEN_OK)
        GRAPH_FAIL(graph, MIEN_ERR_ARG, "graph_view of no value in \"%s\"", graph_label_text(graph));
    if (graph->status != MIEN_OK || !graph_shape_ok(graph, "view in", graph_label_text(graph), &shape))
        return OP_NONE;
    assert(value < graph->value_count);
    struct graph_value view = graph->value[value];
    uint64_t skip = first * mien_dtype_size(shape.dtype);
    tensor_shape_text(&view.shape, from, sizeof(from));
    tensor_shape_text(&shape, to, sizeof(to));
    if (shape.dtype != view.shape.dtype || first > tensor_shape_count(&view.shape) ||
        tensor_shape_count(&shape) > tensor_shape_count(&view.shape) - first) {
        GRAPH_FAIL(graph, MIEN_ERR_SHAPE, "a view as %s from element %llu does not fit into %s in \"%s\"", to,
                   (unsigned long long)first, from, graph_label_text(graph));
        return OP_NONE;
    }
    if (skip % PLAN_ALIGN != 0) {
        GRAPH_FAIL(graph, MIEN_ERR_SHAPE, "a view of %s from element %llu does not start at a multiple of %d bytes",
                   from, (unsigned long long)first, PLAN_ALIGN);
        return OP_NONE;
    }
    view.shape = shape;
    view.base = value;
    view.node = OP_NONE;
    view.offset += skip;
    op_value result = graph_add_value(graph, &view);
    if (result != OP_NONE) /* a view of a lost value is lost too */
        graph->value[result].version = view.version;
    return result;
}

/* ---- joins ---- */

/* Whether the value is the whole of an activation's memory, which can then be moved with all that lies in it. */
static bool movable(const struct graph *graph, op_value value)
{
    const struct graph_value *v = &graph->value[value];
    const struct graph_memory *memory = &graph->memory[v->memory];
    return memory->kind == GRAPH_RESULT && !memory->writes && v->offset == 0 &&
           memory->bytes == tensor_shape_bytes(&v->shape);
}

/* Moves all values of the part's memory to an offset of another. */
static void move(struct graph *graph, op_value part, uint32_t memory, uint64_t offset)
{
    uint32_t from = graph->value[part].memory;
    for (size_t v = 0; v < graph->value_count; v++) {
        if (graph->value[v].memory != from)
            continue;
        graph->value[v].memory = memory;
        graph->value[v].offset += offset;
    }
}

static bool parts_ok(struct graph *graph, const op_value *parts, uint32_t count, const struct tensor_shape *shape)
{
    uint64_t elements = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct tensor_shape part = graph_shape(graph, parts[i]);
        uint64_t bytes = tensor_shape_bytes(&part);
        char text[64];
        elements += tensor_shape_count(&part);
        if (part.rank && part.dtype == shape->dtype && (i + 1 == count || bytes % PLAN_ALIGN == 0))
            continue;
        GRAPH_FAIL(graph, MIEN_ERR_SHAPE,
                   "part %u of a join in \"%s\" is %s; it must be %s and, unless the last, a "
                   "multiple of %d bytes",
                   i, graph_label_text(graph), part.rank ? tensor_shape_text(&part, text, sizeof(text)) : "no value",
                   mien_dtype_name(shape->dtype), PLAN_ALIGN);
        return false;
    }
    if (elements == tensor_shape_count(shape))
        return true;
    GRAPH_FAIL(graph, MIEN_ERR_SHAPE, "the parts of a join in \"%s\" have %llu elements, its shape has %llu",
               graph_label_text(graph), (unsigned long long)elements, (unsigned long long)tensor_shape_count(shape));
    return false;
}

/* The value once more, in memory of its own. */
static op_value copy_of(struct graph *graph, op_value value)
{
    const struct op_attr same = {.dtype = graph_shape(graph, value).dtype};
    return same.dtype == MIEN_F32 ? GRAPH_OP(graph, &op_copy, NULL, value) : GRAPH_OP(graph, &op_cast, &same, value);
}

/* The parts, each at the next multiple of PLAN_ALIGN bytes, in a memory of that shape. */
static op_value lay_parts(struct graph *graph, const op_value *parts, uint32_t count, struct tensor_shape shape)
{
    op_value *part = base_arena_array(&graph->arena, count, sizeof(*part));
    if (!part) {
        GRAPH_FAIL(graph, MIEN_ERR_NOMEM, "out of host memory for a join of %u values", count);
        return OP_NONE;
    }
    struct graph_memory memory = {.kind = GRAPH_RESULT, .bytes = tensor_shape_bytes(&shape)};
    struct graph_value join = {.kind = GRAPH_RESULT, .shape = shape, .base = OP_NONE, .node = OP_NONE, .part = part};
    join.memory = graph_add_memory(graph, &memory);
    join.part_count = count;
    uint64_t offset = 0;
    for (uint32_t i = 0; i < count && graph->status == MIEN_OK; i++) {
        part[i] = movable(graph, parts[i]) ? parts[i] : copy_of(graph, parts[i]);
        if (graph->status == MIEN_OK)
            move(graph, part[i], join.memory, offset);
        struct tensor_shape size = graph_shape(graph, parts[i]);
        offset += base_round_up(tensor_shape_bytes(&size), PLAN_ALIGN);
    }
    return graph->status == MIEN_OK ? graph_add_value(graph, &join) : OP_NONE;
}

op_value graph_join(struct graph *graph, const op_value *parts, uint32_t count, struct tensor_shape shape)
{
    if (graph->status != MIEN_OK || !graph_shape_ok(graph, "join in", graph_label_text(graph), &shape) ||
        !parts_ok(graph, parts, count, &shape))
        return OP_NONE;
    return lay_parts(graph, parts, count, shape);
}

op_value graph_pack(struct graph *graph, const op_value *parts, uint32_t count)
{
    uint64_t elements = 0;
    for (uint32_t i = 0; i < count && graph->status == MIEN_OK; i++) {
        struct tensor_shape part = graph_shape(graph, parts[i]);
        if (!part.rank || part.dtype != MIEN_F32)
            GRAPH_FAIL(graph, MIEN_ERR_ARG, "part %u of a pack in \"%s\" is no f32 value", i, graph_label_text(graph));
        elements = base_round_up(elements, PLAN_ALIGN / 4) + tensor_shape_count(&part);
    }
    if (graph->status == MIEN_OK && (!elements || elements > UINT32_MAX))
        GRAPH_FAIL(graph, MIEN_ERR_ARG, "a pack of %llu elements in \"%s\"", (unsigned long long)elements,
                   graph_label_text(graph));
    return graph->status == MIEN_OK ? lay_parts(graph, parts, count, SHAPE_F32((uint32_t)elements)) : OP_NONE;
}
