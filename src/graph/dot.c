/* dot.c: graphs, and programs with their memory plan, for Graphviz: `dot -Tsvg`. */
#include "graph/compile.h"

#include <stdarg.h>
#include <stdio.h>

struct writer {
    void (*line)(void *user, const char *line);
    void *user;
};

static void put(const struct writer *w, const char *fmt, ...) MIEN_PRINTF(2, 3);

static void put(const struct writer *w, const char *fmt, ...)
{
    char text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    w->line(w->user, text);
}

/* The inside of a quoted string; cut at the buffer's end. */
static const char *escaped(const char *text, char *buffer, size_t size)
{
    size_t at = 0;
    for (; *text && at + 3 < size; text++) {
        if (*text == '"' || *text == '\\')
            buffer[at++] = '\\';
        buffer[at++] = *text;
    }
    buffer[at] = '\0';
    return buffer;
}

static op_value root_of(const struct graph *graph, op_value value)
{
    while (graph->value[value].base != OP_NONE)
        value = graph->value[value].base;
    return value;
}

static bool is_source(const struct graph_value *value)
{
    return value->node == OP_NONE && value->base == OP_NONE && !value->part_count;
}

static void put_source(const struct writer *w, const struct graph *graph, op_value v)
{
    static const char *const kinds[] = {"input", "bound", "constant", "result"};
    const struct graph_value *value = &graph->value[v];
    char name[160], shape[64];
    put(w, "  v%u [shape=ellipse, label=\"%s %s\\n%s\"];", v, kinds[value->kind],
        escaped(value->name, name, sizeof(name)), tensor_shape_text(&value->shape, shape, sizeof(shape)));
}

/* ---- graphs ---- */

/* "n3" of a result, "v7" of a source or a join. */
static const char *id_of(const struct graph *graph, op_value value, char *buffer, size_t size)
{
    op_value root = root_of(graph, value);
    uint32_t node = graph->value[root].node;
    snprintf(buffer, size, "%c%u", node == OP_NONE ? 'v' : 'n', node == OP_NONE ? root : node);
    return buffer;
}

/* An edge from where a value comes from; dashed when it is seen under another shape. */
static void put_edge(const struct writer *w, const struct graph *graph, op_value from, const char *to)
{
    char id[16], shape[64];
    const struct graph_value *value = &graph->value[from];
    put(w, "  %s -> %s [label=\"%s\"%s];", id_of(graph, from, id, sizeof(id)), to,
        tensor_shape_text(&value->shape, shape, sizeof(shape)), value->base != OP_NONE ? ", style=dashed" : "");
}

static void put_join(const struct writer *w, const struct graph *graph, op_value v)
{
    char id[16];
    snprintf(id, sizeof(id), "v%u", v);
    put(w, "  %s [shape=hexagon, label=\"join\"];", id);
    for (uint32_t i = 0; i < graph->value[v].part_count; i++)
        put_edge(w, graph, graph->value[v].part[i], id);
}

static void put_node(const struct writer *w, const struct graph *graph, uint32_t n)
{
    const struct graph_node *node = &graph->node[n];
    char id[16], label[256];
    snprintf(id, sizeof(id), "n%u", n);
    put(w, "  %s [label=\"%s\\n%s\"];", id, node->op->name, escaped(node->label, label, sizeof(label)));
    for (uint32_t i = 0; i < node->in_count; i++) {
        if (node->in[i] != OP_NONE)
            put_edge(w, graph, node->in[i], id);
    }
}

static void put_begin(const struct writer *w, const char *name)
{
    put(w, "digraph \"%s\" {", name);
    put(w, "  node [shape=box, fontname=\"sans-serif\", fontsize=10];");
    put(w, "  edge [fontname=\"sans-serif\", fontsize=8];");
}

void graph_dot(const struct graph *graph, void (*line)(void *user, const char *line), void *user)
{
    const struct writer w = {line, user};
    char id[32];
    put_begin(&w, "graph");
    for (op_value v = 0; v < graph->value_count; v++) {
        if (graph->value[v].part_count)
            put_join(&w, graph, v);
        else if (is_source(&graph->value[v]))
            put_source(&w, graph, v);
    }
    for (uint32_t n = 0; n < graph->node_count; n++)
        put_node(&w, graph, n);
    for (size_t i = 0; i < graph->output_count; i++) {
        snprintf(id, sizeof(id), "output%zu", i);
        put(&w, "  %s [shape=doubleoctagon, label=\"output\"];", id);
        put_edge(&w, graph, graph->output[i], id);
    }
    for (size_t i = 0; i < graph->store_count; i++) {
        snprintf(id, sizeof(id), "store%zu", i);
        put(&w, "  %s [shape=cylinder, label=\"store\"];", id);
        put_edge(&w, graph, graph->store[i].value, id);
    }
    line(user, "}");
}

/* ---- programs: steps, and the pieces of memory between them ---- */

static void put_slab(const struct writer *w, const struct compile *c, uint32_t slab)
{
    put(w, "  subgraph cluster_slab%u {", slab);
    put(w, "    label=\"slab %u: %llu bytes\";", slab, (unsigned long long)c->slabs.slab_bytes[slab]);
    for (size_t i = 0; i < c->item_count; i++) {
        const struct plan_item *item = &c->item[i];
        if (item->slab == slab)
            put(w, "    m%zu [shape=note, label=\"at %llu\\n%llu bytes\\nsteps %u to %u\"];", i,
                (unsigned long long)item->offset, (unsigned long long)item->bytes, item->first, item->last);
    }
    put(w, "  }");
}

/* The memory of a value: a piece of a slab, or "b" and the memory's number for all that lies elsewhere. */
static const char *memory_id(const struct compile *c, op_value value, char *buffer, size_t size)
{
    uint32_t memory = c->graph->value[value].memory;
    bool piece = c->item_of[memory] != OP_NONE;
    snprintf(buffer, size, "%c%u", piece ? 'm' : 'b', piece ? c->item_of[memory] : memory);
    return buffer;
}

/* Memory outside the slabs, named by its first value; a block of bound tensors is one. */
static void put_outside(const struct writer *w, const struct compile *c, uint32_t memory)
{
    const struct graph *graph = c->graph;
    char name[160];
    op_value first = 0;
    while (first < graph->value_count && graph->value[first].memory != memory)
        first++;
    if (first == graph->value_count)
        return;
    const char *text = graph->value[first].name;
    put(w, "  b%u [shape=ellipse, label=\"%s%s\"];", memory, escaped(text ? text : "stored", name, sizeof(name)),
        graph->memory[memory].kind == GRAPH_BOUND ? " (bound)" : "");
}

static void put_outsides(const struct writer *w, const struct compile *c, bool *seen)
{
    for (uint32_t s = 0; s < c->steps; s++) {
        const struct graph_node *node = &c->node[s];
        for (uint32_t i = 0; i < node->in_count + node->out_count; i++) {
            op_value v = i < node->in_count ? node->in[i] : node->out[i - node->in_count];
            uint32_t memory = v == OP_NONE ? 0 : c->graph->value[v].memory;
            if (v == OP_NONE || c->item_of[memory] != OP_NONE || seen[memory])
                continue;
            seen[memory] = true;
            put_outside(w, c, memory);
        }
    }
}

static void put_step(const struct writer *w, const struct compile *c, uint32_t s)
{
    const struct graph_node *node = &c->node[s];
    char text[512], id[16];
    put(w, "  s%u [label=\"%u: %s\"];", s, s, escaped(c->program->node[s].text, text, sizeof(text)));
    if (s > 0) /* time runs downwards */
        put(w, "  s%u -> s%u [style=bold, color=grey, weight=10];", s - 1, s);
    for (uint32_t i = 0; i < node->in_count; i++) {
        if (node->in[i] != OP_NONE)
            put(w, "  %s -> s%u;", memory_id(c, node->in[i], id, sizeof(id)), s);
    }
    for (uint32_t o = 0; o < node->out_count; o++)
        put(w, "  s%u -> %s;", s, memory_id(c, node->out[o], id, sizeof(id)));
    for (uint32_t i = 0; i < OP_MAX_SCRATCH; i++) {
        if (c->plan[s].scratch[i])
            put(w, "  s%u -> m%u [dir=both, style=dotted];", s, c->scratch_of[s * OP_MAX_SCRATCH + i]);
    }
}

enum mien_status compile_dot(const struct compile *c)
{
    const struct writer w = {c->params.dump, c->params.dump_user};
    char label[256];
    bool *seen = base_alloc(BASE_MAX(c->graph->memory_count, 1), sizeof(*seen));
    if (!seen)
        return base_fail(MIEN_ERR_NOMEM, "out of host memory for a drawing of %u steps", c->steps);
    put_begin(&w, escaped(c->params.label, label, sizeof(label)));
    for (uint32_t s = 0; s < c->slabs.slab_count; s++)
        put_slab(&w, c, s);
    put_outsides(&w, c, seen);
    for (uint32_t s = 0; s < c->steps; s++)
        put_step(&w, c, s);
    put(&w, "}");
    base_free(seen);
    return MIEN_OK;
}
