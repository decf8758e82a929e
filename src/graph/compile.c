/* compile.c: from recorded nodes to a program. Stages: which nodes live; fuse.c: which become one; how
 * each runs (op plans); place.c: where every
 * memory lies; then record.c puts it into command buffers. graph_plan stops before anything touches a device. */
#include "graph/compile.h"

#include "check/selftest.h"

#include <string.h>

/* ---- which nodes live ---- */

/* The node that makes a value, or the nodes that make the parts of a join; through views. */
static void need(struct compile *c, op_value value)
{
    const struct graph_value *v = value == OP_NONE ? NULL : &c->graph->value[value];
    while (v && v->base != OP_NONE)
        v = &c->graph->value[v->base];
    if (v && v->node != OP_NONE)
        c->live[v->node] = true;
    for (uint32_t i = 0; v && i < v->part_count; i++)
        need(c, v->part[i]); /* as deep as joins are nested */
}

static bool writes_bound(const struct graph *graph, const struct graph_node *node)
{
    for (uint32_t o = 0; o < node->out_count; o++) {
        if (graph->memory[graph->value[node->out[o]].memory].kind == GRAPH_BOUND)
            return true;
    }
    return false;
}

static void find_live(struct compile *c)
{
    const struct graph *graph = c->graph;
    for (size_t i = 0; i < graph->output_count; i++)
        need(c, graph->output[i]);
    for (size_t i = 0; i < graph->store_count; i++)
        need(c, graph->store[i].value);
    for (size_t n = graph->node_count; n-- > 0;) {
        const struct graph_node *node = &graph->node[n];
        c->live[n] = c->live[n] || writes_bound(graph, node);
        for (uint32_t i = 0; i < node->in_count && c->live[n]; i++)
            need(c, node->in[i]);
    }
    for (uint32_t n = 0; n < graph->node_count; n++) {
        if (!c->live[n])
            continue;
        c->node[c->steps] = graph->node[n];
        c->number[c->steps++] = n;
    }
}

/* Outputs and stores are read when all has run: nothing may have overwritten them by then. */
static enum mien_status check_leaving(const struct compile *c, op_value value, const char *what)
{
    const struct graph_write *lost = graph_value_lost(c->graph, value);
    if (!lost || !c->live[lost->node])
        return MIEN_OK;
    const char *name = c->graph->value[value].name;
    return base_fail(MIEN_ERR_ARG, "%s of %s: it was overwritten in place by %s in \"%s\"; take that op's output", what,
                     name ? name : "a result", c->graph->node[lost->node].op->name, c->graph->node[lost->node].label);
}

bool compile_ranges_meet(const struct vk_range *a, uint64_t a_bytes, const struct vk_range *b, uint64_t b_bytes)
{
    return a->block == b->block && a->offset < b->offset + b_bytes && b->offset < a->offset + a_bytes;
}

/* Whether the value lies in memory that the store overwrites at the end of a run. */
static bool store_hits(const struct graph *graph, const struct graph_store *store, op_value value)
{
    const struct graph_value *v = &graph->value[value];
    struct vk_range range = {.block = graph->memory[v->memory].block, .offset = v->offset};
    const struct vk_range *into = &store->into.range;
    bool itself = store->value == value && range.offset == into->offset;
    return range.block && !itself &&
           compile_ranges_meet(into, tensor_shape_bytes(&store->into.shape), &range, tensor_shape_bytes(&v->shape));
}

/* Stores are the last to write: no output and no other store may read what they have written. */
static enum mien_status check_stored_over(const struct compile *c, op_value value, const char *what)
{
    const struct graph *graph = c->graph;
    for (size_t i = 0; i < graph->store_count; i++) {
        if (store_hits(graph, &graph->store[i], value))
            return base_fail(MIEN_ERR_ARG, "%s of %s: another graph_store overwrites its memory at the end of a run",
                             what, graph->value[value].name ? graph->value[value].name : "a result");
    }
    return MIEN_OK;
}

static enum mien_status check_all_leaving(const struct compile *c)
{
    enum mien_status status = MIEN_OK;
    for (size_t i = 0; i < c->graph->output_count; i++) {
        TRY(check_leaving(c, c->graph->output[i], "graph_output"));
        TRY(check_stored_over(c, c->graph->output[i], "graph_output"));
    }
    for (size_t i = 0; i < c->graph->store_count; i++) {
        TRY(check_leaving(c, c->graph->store[i].value, "graph_store"));
        TRY(check_stored_over(c, c->graph->store[i].value, "graph_store"));
    }
fail:
    return status;
}

/* ---- how each runs ---- */

/* The plan of each step; those that are to run here prove their kernels. *again: one has failed, and its variant serves
 * no more, so that plans made before may be others now. */
static enum mien_status try_plans(struct compile *c, bool *again)
{
    enum mien_status status = MIEN_OK;
    *again = false;
    for (uint32_t s = 0; s < c->steps && !*again; s++) {
        struct op_call call;
        graph_node_call(c->graph, &c->node[s], &call);
        TRY(op_make_plan(c->caps, &call, NULL, &c->plan[s]));
        if (c->device)
            TRY(check_selftest(c->device, &call, &c->plan[s], again));
    }
fail:
    return status;
}

static enum mien_status make_plans(struct compile *c)
{
    enum mien_status status = MIEN_OK;
    struct graph_program *program = c->program;
    bool again = false;
    if (c->device)
        TRY(check_selftest_begin(c->device));
    do
        TRY(try_plans(c, &again));
    while (again);
    for (uint32_t s = 0; s < c->steps; s++) {
        struct op_call call;
        graph_node_call(c->graph, &c->node[s], &call);
        program->node[s] = (struct program_node){.flops = op_call_flops(&call),
                                                 .bytes = op_call_bytes(&call),
                                                 .dispatches = (uint32_t)c->plan[s].count,
                                                 .op = c->node[s].op->name,
                                                 .text = compile_step_text(c, s)};
        FAIL_IF_NULL(program->node[s].text, "a program's node names");
        program->stats.dispatches += program->node[s].dispatches;
        program->stats.flops += program->node[s].flops;
        program->stats.bytes += program->node[s].bytes;
    }
    program->stats.nodes = c->steps;
fail:
    if (c->device)
        check_selftest_end(c->device);
    return status;
}

/* ---- all together ---- */

static enum mien_status allocate(struct compile *c)
{
    enum mien_status status = MIEN_OK;
    const struct graph *graph = c->graph;
    size_t nodes = BASE_MAX(graph->node_count, 1), memories = BASE_MAX(graph->memory_count, 1);
    c->program = c->whole = base_alloc(1, sizeof(*c->program));
    c->live = base_alloc(nodes, sizeof(*c->live));
    c->node = base_alloc(nodes, sizeof(*c->node));
    c->number = base_alloc(nodes, sizeof(*c->number));
    c->plan = base_alloc(nodes, sizeof(*c->plan));
    c->scratch_of = base_alloc(nodes * OP_MAX_SCRATCH, sizeof(*c->scratch_of));
    c->place = base_alloc(memories, sizeof(*c->place));
    c->item_of = base_alloc(memories, sizeof(*c->item_of));
    c->direct = base_alloc(BASE_MAX(graph->store_count, 1), sizeof(*c->direct));
    FAIL_IF(!c->program || !c->live || !c->node || !c->number || !c->plan || !c->scratch_of || !c->place ||
                !c->item_of || !c->direct,
            MIEN_ERR_NOMEM, "out of host memory for compiling %zu nodes", graph->node_count);
    c->program->device = c->device;
    bool trace = c->device && vk_device_trace(c->device);
    c->program->traced = trace && c->caps->timestamp_ns > 0;
    c->program->profile = c->program->traced || (c->params.profile && c->caps->timestamp_ns > 0);
    c->program->timed = c->params.slice_flops > 0 && c->caps->timestamp_ns > 0;
    c->program->limit = (struct vk_slice_limits){c->params.slice_flops, c->params.slice_ms};
    c->program->measures = c->program->timed ? PROGRAM_MEASURES : 0;
    c->program->label = base_arena_strdup(&c->program->arena, c->params.label);
    c->program->node = base_arena_array(&c->program->arena, nodes, sizeof(*c->program->node));
    c->program->stamp = base_arena_array(&c->program->arena, nodes + 1, sizeof(uint32_t));
    FAIL_IF(!c->program->label || !c->program->node || !c->program->stamp, MIEN_ERR_NOMEM,
            "out of host memory for a program of %zu nodes", graph->node_count);
fail:
    return status;
}

static void compile_clear(struct compile *c)
{
    for (uint32_t s = 0; s < c->steps; s++)
        op_plan_clear(&c->plan[s]);
    op_hazards_clear(&c->hazards);
    base_free(c->live);
    base_free(c->node);
    base_free(c->number);
    base_free(c->plan);
    base_free(c->scratch_of);
    base_free(c->place);
    base_free(c->item_of);
    base_free(c->direct);
    base_free(c->pipeline);
    base_free(c->item);
    base_free(c->stage_end);
    base_free(c->input_stage);
    base_free(c->input_end);
}

/* Takes over the graph and the parameters; *c may be cleared whatever comes. */
static enum mien_status compile_open(struct compile *c, const struct graph_compile_params *params)
{
    if (params)
        c->params = *params;
    if (!c->params.label)
        c->params.label = "graph program";
    struct vk_slice_limits limits = vk_slice_limits(c->caps);
    if (c->params.slice_flops <= 0)
        c->params.slice_flops = limits.flops;
    if (c->params.slice_ms <= 0)
        c->params.slice_ms = limits.ms;
    return c->graph->status == MIEN_OK ? allocate(c) : c->graph->status;
}

/* All that needs no device. */
static enum mien_status compile_plan(struct compile *c)
{
    enum mien_status status = MIEN_OK;
    find_live(c);
    TRY(check_all_leaving(c));
    if (!c->params.no_fuse)
        TRY(compile_fuse(c));
    TRY(compile_stages(c));
    TRY(make_plans(c));
    TRY(place_plan(c));
fail:
    return status;
}

enum mien_status compile_ahead(const struct compile *c, struct graph *graph, struct compile_kernels *out)
{
    enum mien_status status = MIEN_OK;
    struct compile later = {.graph = graph, .device = c->device, .caps = c->caps};
    TRY(compile_open(&later, NULL));
    TRY(compile_plan(&later));
    TRY(compile_list_kernels(&later, out));
fail:
    graph_program_destroy(&later.program);
    compile_clear(&later);
    return status;
}

static enum mien_status dump(const struct compile *c)
{
    if (c->params.dump && c->params.dump_dot)
        return compile_dot(c);
    if (c->params.dump)
        compile_dump(c);
    return MIEN_OK;
}

enum mien_status graph_plan(struct graph *graph, const struct vk_caps *caps, const struct graph_compile_params *params,
                            struct graph_program_stats *out)
{
    enum mien_status status = MIEN_OK;
    struct compile c = {.graph = graph, .caps = caps};
    memset(out, 0, sizeof(*out));
    TRY(compile_open(&c, params));
    TRY(compile_plan(&c));
    TRY(dump(&c));
    *out = c.program->stats;
fail:
    graph_program_destroy(&c.program);
    compile_clear(&c);
    return status;
}

static enum mien_status record_stages(struct compile *c)
{
    enum mien_status status = MIEN_OK;
    c->whole->nodes = c->stage_end[0];
    TRY(compile_pipelines(c));
    TRY(compile_list_exchanged(c));
    for (c->stage = 0; c->stage < c->stages; c->stage++) {
        if (c->stage > 0)
            TRY(compile_next_stage(c));
        TRY(compile_record(c));
        TRY(compile_record_io(c));
    }
    for (const struct graph_program *p = c->whole->next; p; p = p->next) {
        c->whole->stats.dispatches += p->stats.dispatches;
        c->whole->stats.barriers += p->stats.barriers;
        c->whole->stats.copies += p->stats.copies;
    }
fail:
    c->program = c->whole;
    return status;
}

enum mien_status graph_compile(struct graph *graph, struct vk_device *device, const struct graph_compile_params *params,
                               struct graph_program **out)
{
    enum mien_status status = MIEN_OK;
    struct compile c = {.graph = graph, .device = device, .caps = vk_device_caps(device)};
    uint64_t began = base_trace_now(vk_device_trace(device));
    *out = NULL;
    FAIL_IF(graph->planned, MIEN_ERR_ARG, "the graph is for graph_plan only: %s has a shape, but no memory",
            graph->planned);
    TRY(compile_open(&c, params));
    TRY(compile_plan(&c));
    TRY(place_allocate(&c));
    TRY(dump(&c));
    TRY(record_stages(&c));
    base_trace_span(vk_device_trace(device), BASE_TRACK_HOST, "compile", c.params.label, began);
    *out = c.program;
    c.program = NULL;
fail:
    graph_program_destroy(&c.program);
    compile_clear(&c);
    return status;
}
