/* graph.c: recording. Every call appends to flat arrays; nothing touches a device. */
#include "graph/graph_internal.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void recorder_record(struct op_recorder *recorder, const struct op_desc *op, const struct op_attr *attr,
                            const op_value *in, uint32_t in_count, op_value *out)
{
    graph_op((struct graph *)recorder, op, attr, in, in_count, out);
}

static struct tensor_shape recorder_shape(struct op_recorder *recorder, op_value value)
{
    return graph_shape((struct graph *)recorder, value);
}

enum mien_status graph_create(struct graph **out)
{
    struct graph *graph = base_alloc(1, sizeof(*graph));
    *out = NULL;
    if (!graph)
        return base_fail(MIEN_ERR_NOMEM, "out of host memory for a graph");
    graph->recorder.record = recorder_record;
    graph->recorder.shape = recorder_shape;
    *out = graph;
    return MIEN_OK;
}

void graph_destroy(struct graph **graph)
{
    struct graph *g = graph ? *graph : NULL;
    if (!g)
        return;
    base_free(g->value);
    base_free(g->node);
    base_free(g->memory);
    base_free(g->store);
    base_free(g->output);
    base_free(g->segment);
    base_free(g->cut);
    base_free(g->exchanged);
    base_arena_clear(&g->arena);
    base_free(g);
    *graph = NULL;
}

struct op_recorder *graph_recorder(struct graph *graph)
{
    return &graph->recorder;
}

enum mien_status graph_status(const struct graph *graph)
{
    return graph->status;
}

void graph_stick(struct graph *graph, enum mien_status status)
{
    if (graph->status == MIEN_OK)
        graph->status = status;
}

/* ---- labels ---- */

void graph_push(struct graph *graph, const char *fmt, ...)
{
    char name[128];
    va_list args;
    va_start(args, fmt);
    vsnprintf(name, sizeof(name), fmt, args);
    va_end(args);
    struct graph_label *label = base_arena_alloc(&graph->arena, sizeof(*label));
    const char *text = graph->label ? base_arena_printf(&graph->arena, "%s.%s", graph->label->text, name)
                                    : base_arena_strdup(&graph->arena, name);
    if (!label || !text) {
        GRAPH_FAIL(graph, MIEN_ERR_NOMEM, "out of host memory for a graph label");
        return;
    }
    label->text = text;
    label->up = graph->label;
    graph->label = label;
}

void graph_pop(struct graph *graph)
{
    if (graph->label)
        graph->label = graph->label->up;
    else if (graph->status == MIEN_OK)
        GRAPH_FAIL(graph, MIEN_ERR_ARG, "graph_pop without a matching graph_push");
}

const char *graph_label_text(const struct graph *graph)
{
    return graph->label ? graph->label->text : "";
}

/* ---- values ---- */

uint32_t graph_add_memory(struct graph *graph, const struct graph_memory *memory)
{
    enum mien_status status =
        base_grow(&graph->memory, &graph->memory_capacity, graph->memory_count + 1, sizeof(*graph->memory));
    if (status != MIEN_OK) {
        graph_stick(graph, status);
        return OP_NONE;
    }
    graph->memory[graph->memory_count] = *memory;
    return (uint32_t)graph->memory_count++;
}

op_value graph_add_value(struct graph *graph, const struct graph_value *value)
{
    if (value->memory == OP_NONE)
        return OP_NONE;
    enum mien_status status =
        base_grow(&graph->value, &graph->value_capacity, graph->value_count + 1, sizeof(*graph->value));
    if (status != MIEN_OK) {
        graph_stick(graph, status);
        return OP_NONE;
    }
    graph->value[graph->value_count] = *value;
    graph->value[graph->value_count].version = graph->memory[value->memory].write_count;
    return (op_value)graph->value_count++;
}

/* A named value that no node makes. */
static op_value add_source(struct graph *graph, enum graph_kind kind, const char *name, struct tensor_shape shape,
                           uint32_t memory, uint64_t offset)
{
    struct graph_value value = {
        .kind = kind, .shape = shape, .base = OP_NONE, .node = OP_NONE, .memory = memory, .offset = offset};
    value.name = base_arena_strdup(&graph->arena, name);
    if (!value.name) {
        GRAPH_FAIL(graph, MIEN_ERR_NOMEM, "out of host memory for the name of %s", name);
        return OP_NONE;
    }
    return graph_add_value(graph, &value);
}

bool graph_shape_ok(struct graph *graph, const char *what, const char *name, const struct tensor_shape *shape)
{
    if (graph->status != MIEN_OK)
        return false;
    if (shape->rank >= 1 && shape->rank <= MIEN_MAX_RANK && tensor_shape_count(shape) > 0)
        return true;
    GRAPH_FAIL(graph, MIEN_ERR_SHAPE, "%s %s has no elements; give 1 to %d dimensions of at least 1", what, name,
               MIEN_MAX_RANK);
    return false;
}

op_value graph_input(struct graph *graph, const char *name, struct tensor_shape shape)
{
    if (!graph_shape_ok(graph, "graph input", name, &shape))
        return OP_NONE;
    struct graph_memory memory = {.kind = GRAPH_INPUT, .bytes = tensor_shape_bytes(&shape)};
    return add_source(graph, GRAPH_INPUT, name, shape, graph_add_memory(graph, &memory), 0);
}

/* The memory that stands for a device block; all tensors bound from one block share it. */
static uint32_t block_memory(struct graph *graph, struct vk_block *block)
{
    for (uint32_t i = 0; i < graph->memory_count; i++) {
        if (graph->memory[i].kind == GRAPH_BOUND && graph->memory[i].block == block)
            return i;
    }
    return graph_add_memory(graph, &(struct graph_memory){.kind = GRAPH_BOUND, .block = block});
}

static bool tensor_ok(struct graph *graph, const char *name, const struct tensor *tensor)
{
    uint64_t bytes = tensor_shape_bytes(&tensor->shape);
    if (!graph_shape_ok(graph, "bound tensor", name, &tensor->shape))
        return false;
    if (tensor->range.block && tensor->range.size >= bytes)
        return true;
    GRAPH_FAIL(graph, MIEN_ERR_ARG, "bound tensor %s has %llu bytes of device memory, its shape needs %llu", name,
               (unsigned long long)tensor->range.size, (unsigned long long)bytes);
    return false;
}

op_value graph_bound(struct graph *graph, const char *name, const struct tensor *tensor)
{
    if (!tensor_ok(graph, name, tensor))
        return OP_NONE;
    if (tensor->range.offset % PLAN_ALIGN != 0) {
        GRAPH_FAIL(graph, MIEN_ERR_ARG,
                   "bound tensor %s begins at byte %llu of its memory, which is no multiple of %d; bind the whole and "
                   "take the part by an op (slice)",
                   name, (unsigned long long)tensor->range.offset, PLAN_ALIGN);
        return OP_NONE;
    }
    uint32_t memory = block_memory(graph, tensor->range.block);
    return add_source(graph, GRAPH_BOUND, name, tensor->shape, memory, tensor->range.offset);
}

op_value graph_bound_planned(struct graph *graph, const char *name, struct tensor_shape shape)
{
    if (!graph_shape_ok(graph, "bound tensor", name, &shape))
        return OP_NONE;
    struct graph_memory memory = {.kind = GRAPH_BOUND, .bytes = tensor_shape_bytes(&shape)};
    op_value value = add_source(graph, GRAPH_BOUND, name, shape, graph_add_memory(graph, &memory), 0);
    if (value != OP_NONE && !graph->planned)
        graph->planned = graph->value[value].name;
    return value;
}

op_value graph_constant(struct graph *graph, const char *name, struct tensor_shape shape, const void *data)
{
    if (!graph_shape_ok(graph, "graph constant", name, &shape))
        return OP_NONE;
    uint64_t bytes = tensor_shape_bytes(&shape);
    void *copy = base_arena_alloc(&graph->arena, bytes);
    if (!copy) {
        GRAPH_FAIL(graph, MIEN_ERR_NOMEM, "out of host memory for the constant %s", name);
        return OP_NONE;
    }
    if (data)
        memcpy(copy, data, bytes);
    struct graph_memory memory = {.kind = GRAPH_CONSTANT, .bytes = bytes, .data = copy};
    return add_source(graph, GRAPH_CONSTANT, name, shape, graph_add_memory(graph, &memory), 0);
}

struct tensor_shape graph_shape(const struct graph *graph, op_value value)
{
    if (value >= graph->value_count)
        return (struct tensor_shape){0};
    return graph->value[value].shape;
}

static bool overlap(uint64_t a, uint64_t a_bytes, uint64_t b, uint64_t b_bytes)
{
    return a < b + b_bytes && b < a + a_bytes;
}

const struct graph_write *graph_value_lost(const struct graph *graph, op_value value)
{
    const struct graph_value *v = &graph->value[value];
    const struct graph_write *write = graph->memory[v->memory].writes;
    for (; write && write->serial >= v->version; write = write->older) {
        if (overlap(write->offset, write->bytes, v->offset, tensor_shape_bytes(&v->shape)))
            return write;
    }
    return NULL;
}

/* ---- nodes ---- */

void graph_node_call(const struct graph *graph, const struct graph_node *node, struct op_call *call)
{
    memset(call, 0, sizeof(*call));
    call->op = node->op;
    call->attr = node->attr;
    call->in_count = node->in_count;
    call->out_count = node->out_count;
    for (uint32_t i = 0; i < node->in_count; i++)
        call->in[i] = graph_shape(graph, node->in[i]);
    for (uint32_t o = 0; o < node->out_count; o++)
        call->out[o] = graph_shape(graph, node->out[o]);
}

/* Every input must exist and still hold what was recorded. */
static bool inputs_ok(struct graph *graph, const struct op_desc *op, const op_value *in, uint32_t in_count)
{
    const char *label = graph_label_text(graph);
    struct op_signature sig;
    op_signature(op, &sig);
    if (in_count > sig.in_count) {
        GRAPH_FAIL(graph, MIEN_ERR_ARG, "%s takes %u inputs, not %u, in \"%s\"", op->name, sig.in_count, in_count,
                   label);
        return false;
    }
    for (uint32_t i = 0; i < in_count; i++) {
        if (in[i] == OP_NONE)
            continue;
        assert(in[i] < graph->value_count);
        const struct graph_write *lost = graph_value_lost(graph, in[i]);
        if (!lost)
            continue;
        const char *name = graph->value[in[i]].name;
        GRAPH_FAIL(graph, MIEN_ERR_ARG,
                   "input %u (%s) of %s in \"%s\" was overwritten in place by %s in \"%s\"; read it before, or use the "
                   "value which that op gave",
                   i, name ? name : "a result", op->name, label, graph->node[lost->node].op->name,
                   graph->node[lost->node].label);
        return false;
    }
    return true;
}

/* The value of an in-place output: a new version of the input's memory. */
static op_value overwrite(struct graph *graph, uint32_t node, op_value in, const struct tensor_shape *shape)
{
    struct graph_value value = graph->value[in];
    struct graph_memory *memory = &graph->memory[value.memory];
    const char *op = graph->node[node].op->name, *label = graph->node[node].label;
    if (memory->kind == GRAPH_CONSTANT || !tensor_shape_equal(&value.shape, shape)) {
        GRAPH_FAIL(graph, MIEN_ERR_ARG, "%s in \"%s\" writes in place to %s", op, label,
                   memory->kind == GRAPH_CONSTANT ? "a constant; bind a tensor instead" : "an input of another shape");
        return OP_NONE;
    }
    struct graph_write *write = base_arena_alloc(&graph->arena, sizeof(*write));
    if (!write) {
        GRAPH_FAIL(graph, MIEN_ERR_NOMEM, "out of host memory for %s in \"%s\"", op, label);
        return OP_NONE;
    }
    *write = (struct graph_write){.offset = value.offset,
                                  .bytes = tensor_shape_bytes(shape),
                                  .serial = memory->write_count++,
                                  .node = node,
                                  .older = memory->writes};
    memory->writes = write;
    value.kind = GRAPH_RESULT;
    value.base = OP_NONE;
    value.node = node;
    return graph_add_value(graph, &value);
}

static op_value add_result(struct graph *graph, uint32_t node, const struct tensor_shape *shape)
{
    struct graph_memory memory = {.kind = GRAPH_RESULT, .bytes = tensor_shape_bytes(shape)};
    struct graph_value value = {.kind = GRAPH_RESULT, .shape = *shape, .base = OP_NONE, .node = node};
    value.memory = graph_add_memory(graph, &memory);
    return graph_add_value(graph, &value);
}

static struct graph_node *add_node(struct graph *graph)
{
    enum mien_status status =
        base_grow(&graph->node, &graph->node_capacity, graph->node_count + 1, sizeof(*graph->node));
    if (status != MIEN_OK) {
        graph_stick(graph, status);
        return NULL;
    }
    struct graph_node *node = &graph->node[graph->node_count++];
    memset(node, 0, sizeof(*node));
    for (uint32_t i = 0; i < OP_MAX_IN; i++)
        node->in[i] = OP_NONE;
    for (uint32_t o = 0; o < OP_MAX_OUT; o++)
        node->out[o] = OP_NONE;
    return node;
}

void graph_op(struct graph *graph, const struct op_desc *op, const struct op_attr *attr, const op_value *in,
              uint32_t in_count, op_value *out)
{
    struct op_call call;
    struct op_signature sig;
    op_signature(op, &sig);
    for (uint32_t o = 0; o < OP_MAX_OUT; o++)
        out[o] = OP_NONE;
    if (graph->status != MIEN_OK || !inputs_ok(graph, op, in, in_count))
        return;
    struct graph_node *node = add_node(graph);
    if (!node)
        return;
    uint32_t index = (uint32_t)graph->node_count - 1;
    node->op = op;
    node->label = graph_label_text(graph);
    node->in_count = sig.in_count; /* trailing optional inputs may be left out by the caller */
    if (attr)
        node->attr = *attr;
    memcpy(node->in, in, in_count * sizeof(*in));
    graph_node_call(graph, node, &call);
    enum mien_status status = op_call_shapes(&call, node->label);
    if (status != MIEN_OK) {
        graph_stick(graph, status);
        return;
    }
    for (uint32_t o = 0; o < call.out_count && graph->status == MIEN_OK; o++) {
        bool in_place = (sig.in_place >> o & 1) && graph->node[index].in[o] != OP_NONE;
        out[o] = in_place ? overwrite(graph, index, graph->node[index].in[o], &call.out[o])
                          : add_result(graph, index, &call.out[o]);
    }
    graph->node[index].out_count = call.out_count;
    memcpy(graph->node[index].out, out, OP_MAX_OUT * sizeof(*out));
}

/* ---- what leaves a run ---- */

static bool leaving_ok(struct graph *graph, op_value value, const char *what)
{
    if (graph->status != MIEN_OK)
        return false;
    if (value < graph->value_count)
        return true;
    GRAPH_FAIL(graph, MIEN_ERR_ARG, "%s of no value; a gradient that does not exist is OP_NONE", what);
    return false;
}

void graph_output(struct graph *graph, op_value value)
{
    if (!leaving_ok(graph, value, "graph_output"))
        return;
    for (size_t i = 0; i < graph->output_count; i++) {
        if (graph->output[i] == value)
            return;
    }
    enum mien_status status =
        base_grow(&graph->output, &graph->output_capacity, graph->output_count + 1, sizeof(*graph->output));
    if (status == MIEN_OK)
        graph->output[graph->output_count++] = value;
    else
        graph_stick(graph, status);
}

void graph_store(struct graph *graph, op_value value, const struct tensor *into)
{
    if (!leaving_ok(graph, value, "graph_store") || !tensor_ok(graph, "of graph_store", into))
        return;
    if (graph->value[value].shape.dtype != into->shape.dtype ||
        tensor_shape_count(&graph->value[value].shape) != tensor_shape_count(&into->shape)) {
        char from[64], to[64];
        GRAPH_FAIL(graph, MIEN_ERR_SHAPE, "graph_store of %s into %s",
                   tensor_shape_text(&graph->value[value].shape, from, sizeof(from)),
                   tensor_shape_text(&into->shape, to, sizeof(to)));
        return;
    }
    enum mien_status status =
        base_grow(&graph->store, &graph->store_capacity, graph->store_count + 1, sizeof(*graph->store));
    if (status == MIEN_OK)
        graph->store[graph->store_count++] = (struct graph_store){.value = value, .into = *into};
    else
        graph_stick(graph, status);
}
