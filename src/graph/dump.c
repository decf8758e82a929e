/* dump.c: graphs and memory plans as text, for people. */
#include "graph/compile.h"
#include "op/choice.h"

#include <stdio.h>
#include <string.h>

/* Appends to text [size] at *used; truncates. */
static void append(char *text, size_t size, size_t *used, const char *word)
{
    size_t length = strlen(word);
    if (*used + length + 1 > size)
        length = size - *used - 1;
    memcpy(text + *used, word, length);
    *used += length;
    text[*used] = '\0';
}

/* " %3 f32[2,3]" for each value, " -" for absent ones. */
static void append_values(const struct graph *graph, const op_value *values, uint32_t count, bool number, char *text,
                          size_t size, size_t *used)
{
    for (uint32_t i = 0; i < count; i++) {
        char shape_text[64] = "-", word[96];
        struct tensor_shape shape = graph_shape(graph, values[i]);
        if (shape.rank)
            tensor_shape_text(&shape, shape_text, sizeof(shape_text));
        if (number && shape.rank)
            snprintf(word, sizeof(word), " %%%u %s", values[i], shape_text);
        else
            snprintf(word, sizeof(word), " %s", shape_text);
        append(text, size, used, word);
    }
}

const char *compile_step_text(const struct compile *c, uint32_t step)
{
    char text[400] = "", tile[OP_TILE_TEXT];
    size_t used = 0;
    const struct graph_node *node = &c->node[step];
    append(text, sizeof(text), &used, node->label[0] ? node->label : "-");
    append(text, sizeof(text), &used, " ");
    append(text, sizeof(text), &used, node->op->name);
    append(text, sizeof(text), &used, " ");
    append(text, sizeof(text), &used, c->plan[step].variant->name);
    op_tile_text(c->plan[step].tile, tile);
    append(text, sizeof(text), &used, tile[0] ? ":" : "");
    append(text, sizeof(text), &used, tile);
    append_values(c->graph, node->in, node->in_count, false, text, sizeof(text), &used);
    append(text, sizeof(text), &used, " ->");
    append_values(c->graph, node->out, node->out_count, false, text, sizeof(text), &used);
    return base_arena_strdup(&c->program->arena, text);
}

static const char *kind_name(enum graph_kind kind)
{
    static const char *const names[] = {"input", "bound", "constant", "result"};
    return names[kind];
}

static void dump_source(const struct graph *graph, op_value v, void (*line)(void *user, const char *line), void *user)
{
    const struct graph_value *value = &graph->value[v];
    char text[256], shape[64];
    tensor_shape_text(&value->shape, shape, sizeof(shape));
    if (value->base != OP_NONE)
        snprintf(text, sizeof(text), "%%%u = view %%%u as %s", v, value->base, shape);
    else if (value->part_count)
        snprintf(text, sizeof(text), "%%%u = join of %u as %s", v, value->part_count, shape);
    else
        snprintf(text, sizeof(text), "%%%u = %s %s %s", v, kind_name(value->kind), value->name, shape);
    line(user, text);
}

static void dump_node(const struct graph *graph, const struct graph_node *node,
                      void (*line)(void *user, const char *line), void *user)
{
    char text[512] = "";
    size_t used = 0;
    append_values(graph, node->out, node->out_count, true, text, sizeof(text), &used);
    append(text, sizeof(text), &used, " = ");
    append(text, sizeof(text), &used, node->op->name);
    append_values(graph, node->in, node->in_count, true, text, sizeof(text), &used);
    if (node->label[0]) {
        append(text, sizeof(text), &used, "  # ");
        append(text, sizeof(text), &used, node->label);
    }
    line(user, text + 1); /* without the first blank */
}

void graph_dump(const struct graph *graph, void (*line)(void *user, const char *line), void *user)
{
    for (op_value v = 0; v < graph->value_count; v++) {
        const struct graph_value *value = &graph->value[v];
        if (value->node == OP_NONE)
            dump_source(graph, v, line, user);
        else if (graph->node[value->node].out[0] == v)
            dump_node(graph, &graph->node[value->node], line, user);
    }
    for (size_t i = 0; i < graph->output_count; i++) {
        char text[64];
        snprintf(text, sizeof(text), "output %%%u", graph->output[i]);
        line(user, text);
    }
    for (size_t i = 0; i < graph->store_count; i++) {
        char text[64];
        snprintf(text, sizeof(text), "store %%%u", graph->store[i].value);
        line(user, text);
    }
}

void compile_dump(const struct compile *c)
{
    char text[512];
    for (uint32_t s = 0; s < c->steps; s++) {
        snprintf(text, sizeof(text), "step %u: %s", s, c->program->node[s].text);
        c->params.dump(c->params.dump_user, text);
    }
    for (size_t i = 0; i < c->item_count; i++) {
        const struct plan_item *item = &c->item[i];
        snprintf(text, sizeof(text), "memory: slab %u at %llu, %llu bytes, steps %u to %u", item->slab,
                 (unsigned long long)item->offset, (unsigned long long)item->bytes, item->first, item->last);
        c->params.dump(c->params.dump_user, text);
    }
}
