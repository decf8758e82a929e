/* stages.c: runs that the host takes part in. A cut is the number of the node with which another stage begins; each
 * stage is a program of its own over the memory of the first. */
#include "graph/compile.h"

#include <stdio.h>

/* The last node that has a part in a value; OP_NONE where there is none. */
static uint32_t last_node(const struct graph *graph, op_value value)
{
    const struct graph_value *v = &graph->value[value];
    uint32_t last = OP_NONE;
    while (v->base != OP_NONE)
        v = &graph->value[v->base];
    if (v->node != OP_NONE)
        return v->node;
    for (uint32_t i = 0; i < v->part_count; i++) {
        uint32_t node = last_node(graph, v->part[i]);
        if (node != OP_NONE && (last == OP_NONE || node > last))
            last = node;
    }
    return last;
}

void graph_stage_end(struct graph *graph, const op_value *values, uint32_t count)
{
    uint32_t cut = 0;
    size_t at = 0;
    for (uint32_t i = 0; i < count && graph->status == MIEN_OK; i++) {
        uint32_t node = values[i] < graph->value_count ? last_node(graph, values[i]) : OP_NONE;
        cut = node == OP_NONE ? cut : BASE_MAX(cut, node + 1);
    }
    while (at < graph->cut_count && graph->cut[at] < cut)
        at++;
    if (cut == 0 || (at < graph->cut_count && graph->cut[at] == cut))
        return;
    enum mien_status status = base_grow(&graph->cut, &graph->cut_capacity, graph->cut_count + 1, sizeof(*graph->cut));
    if (status != MIEN_OK) {
        graph_stick(graph, status);
        return;
    }
    for (size_t i = graph->cut_count++; i > at; i--)
        graph->cut[i] = graph->cut[i - 1];
    graph->cut[at] = cut;
}

void graph_through_host(struct graph *graph, op_value value)
{
    if (graph->status != MIEN_OK)
        return;
    if (value >= graph->value_count || last_node(graph, value) == OP_NONE) {
        GRAPH_FAIL(graph, MIEN_ERR_ARG, "graph_through_host: value %u is no result", value);
        return;
    }
    enum mien_status status =
        base_grow(&graph->exchanged, &graph->exchanged_capacity, graph->exchanged_count + 1, sizeof(*graph->exchanged));
    if (status == MIEN_OK)
        graph->exchanged[graph->exchanged_count++] = value;
    else
        graph_stick(graph, status);
}

/* ---- compiling --------------------------------------------------------------------------------------------------- */

static uint32_t stage_of_node(const struct graph *graph, uint32_t node)
{
    uint32_t stage = 0;
    while (stage < graph->cut_count && graph->cut[stage] <= node)
        stage++;
    return stage;
}

bool compile_same_stage(const struct compile *c, uint32_t a, uint32_t b)
{
    return stage_of_node(c->graph, c->number[a]) == stage_of_node(c->graph, c->number[b]);
}

uint32_t compile_stage_of(const struct compile *c, uint32_t step)
{
    uint32_t stage = 0;
    while (stage + 1 < c->stages && c->stage_end[stage] <= step)
        stage++;
    return stage;
}

/* Steps of each stage. Stages whose nodes are all dead, and a last one without any, are none. */
static enum mien_status cut_steps(struct compile *c)
{
    const struct graph *graph = c->graph;
    c->stage_end = base_alloc(graph->cut_count + 1, sizeof(*c->stage_end));
    c->input_end = base_alloc(graph->cut_count + 1, sizeof(*c->input_end));
    c->input_stage = base_alloc(BASE_MAX(graph->memory_count, 1), sizeof(*c->input_stage));
    if (!c->stage_end || !c->input_end || !c->input_stage)
        return base_fail(MIEN_ERR_NOMEM, "out of host memory for stages");
    for (uint32_t s = 1; s < c->steps; s++) {
        if (!compile_same_stage(c, s - 1, s))
            c->stage_end[c->stages++] = s;
    }
    c->stage_end[c->stages++] = c->steps;
    return MIEN_OK;
}

/* The stage whose steps make a value, by the step that stands for its last node or comes before it. */
static uint32_t made_in(const struct compile *c, op_value value)
{
    uint32_t node = last_node(c->graph, value), step = 0;
    if (node == OP_NONE)
        return 0;
    while (step + 1 < c->steps && c->number[step + 1] <= node)
        step++;
    return compile_stage_of(c, step);
}

static bool goes_through_host(const struct graph *graph, op_value value)
{
    for (size_t i = 0; i < graph->exchanged_count; i++) {
        if (graph->value[graph->exchanged[i]].memory == graph->value[value].memory)
            return true;
    }
    return false;
}

uint32_t compile_output_stage(const struct compile *c, op_value value)
{
    return goes_through_host(c->graph, value) ? c->stages - 1 : made_in(c, value);
}

/* Between its stage and the last one nobody may read what the host is changing. */
static enum mien_status check_exchanged(const struct compile *c, op_value value)
{
    enum mien_status status = MIEN_OK;
    const struct graph *graph = c->graph;
    uint32_t from = made_in(c, value), memory = graph->value[value].memory;
    FAIL_IF(from + 1 >= c->stages, MIEN_ERR_ARG,
            "graph_through_host of a value of the last stage: nothing could come back; end a stage with it");
    for (uint32_t s = c->stage_end[from]; s < c->steps; s++) {
        const struct graph_node *node = &c->node[s];
        for (uint32_t i = 0; i < node->in_count && compile_stage_of(c, s) + 1 < c->stages; i++)
            FAIL_IF(node->in[i] != OP_NONE && graph->value[node->in[i]].memory == memory, MIEN_ERR_ARG,
                    "%s in \"%s\" reads a value that is on its way through the host; let the last stage read it",
                    node->op->name, node->label);
    }
fail:
    return status;
}

enum mien_status compile_stages(struct compile *c)
{
    enum mien_status status = MIEN_OK;
    const struct graph *graph = c->graph;
    TRY(cut_steps(c));
    for (uint32_t s = c->steps; s-- > 0;) {
        for (uint32_t i = 0; i < c->node[s].in_count; i++) {
            op_value in = c->node[s].in[i];
            if (in != OP_NONE && graph->memory[graph->value[in].memory].kind == GRAPH_INPUT)
                c->input_stage[graph->value[in].memory] = compile_stage_of(c, s);
        }
    }
    for (size_t i = 0; i < graph->exchanged_count; i++)
        TRY(check_exchanged(c, graph->exchanged[i]));
fail:
    return status;
}

/* ---- recording --------------------------------------------------------------------------------------------------- */

enum mien_status compile_list_exchanged(struct compile *c)
{
    enum mien_status status = MIEN_OK;
    struct graph_program *program = c->program;
    uint64_t size = 0;
    program->exchanged_count = (uint32_t)c->graph->exchanged_count;
    if (program->exchanged_count == 0)
        return MIEN_OK;
    program->exchanged = base_arena_array(&program->arena, program->exchanged_count, sizeof(*program->exchanged));
    FAIL_IF_NULL(program->exchanged, "values that go through the host");
    for (uint32_t i = 0; i < program->exchanged_count; i++) {
        op_value value = c->graph->exchanged[i];
        program->exchanged[i] = (struct program_io){
            .value = value, .shape = c->graph->value[value].shape, .offset = size, .stage = made_in(c, value)};
        size += base_round_up(tensor_shape_bytes(&program->exchanged[i].shape), PLAN_ALIGN);
    }
    TRY(vk_alloc(c->device, VK_MEMORY_READBACK, size, "gradients on the host", &program->exchange));
fail:
    return status;
}

enum mien_status compile_record_exchange(struct compile *c, struct vk_recording *recording, bool back, uint32_t *count)
{
    enum mien_status status = MIEN_OK;
    const struct graph_program *owner = c->whole;
    *count = 0;
    for (uint32_t i = 0; i < owner->exchanged_count; i++) {
        const struct program_io *io = &owner->exchanged[i];
        if (back ? c->stage + 1 != c->stages : io->stage != c->stage)
            continue;
        struct vk_range there = compile_range(c, io->value), here = owner->exchange;
        here.offset += io->offset;
        here.size = there.size;
        if (recording)
            TRY(vk_record_copy(recording, back ? here : there, back ? there : here));
        ++*count;
    }
fail:
    return status;
}

enum mien_status compile_next_stage(struct compile *c)
{
    enum mien_status status = MIEN_OK;
    struct graph_program *before = c->program, *whole = c->whole, *next = base_alloc(1, sizeof(*next));
    char label[128];
    FAIL_IF_NULL(next, "a stage of a program");
    c->first = c->stage_end[c->stage - 1];
    before->next = next;
    next->device = c->device;
    next->later = true;
    next->traced = whole->traced;
    next->profile = whole->profile;
    next->timed = whole->timed;
    next->limit = whole->limit;
    next->measures = next->timed ? PROGRAM_MEASURES : 0;
    snprintf(label, sizeof(label), "%s %u/%u", c->params.label, c->stage + 1, c->stages);
    next->label = base_arena_strdup(&next->arena, label);
    next->node = whole->node + c->first;
    next->stats.nodes = next->nodes = c->stage_end[c->stage] - c->first;
    next->stamp = base_arena_array(&next->arena, (size_t)next->nodes + 1, sizeof(uint32_t));
    FAIL_IF(!next->label || !next->stamp, MIEN_ERR_NOMEM, "out of host memory for a stage of a program");
    next->inputs = whole->inputs;
    for (uint32_t s = 0; s < next->nodes; s++) {
        next->stats.dispatches += next->node[s].dispatches;
        next->stats.flops += next->node[s].flops;
        next->stats.bytes += next->node[s].bytes;
    }
    c->program = next;
fail:
    return status;
}
