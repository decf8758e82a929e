/* compile.c: from recorded nodes to a program. Stages: which nodes live; how each runs (op plans); where every memory
 * lies; then record.c puts it into command buffers. */
#include "graph/compile.h"

#include <assert.h>
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
        if (c->live[n])
            c->order[c->steps++] = n;
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

static bool ranges_meet(const struct vk_range *a, uint64_t a_bytes, const struct vk_range *b, uint64_t b_bytes)
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
           ranges_meet(into, tensor_shape_bytes(&store->into.shape), &range, tensor_shape_bytes(&v->shape));
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

static enum mien_status make_plans(struct compile *c)
{
    enum mien_status status = MIEN_OK;
    struct graph_program *program = c->program;
    for (uint32_t s = 0; s < c->steps; s++) {
        struct op_call call;
        graph_node_call(c->graph, &c->graph->node[c->order[s]], &call);
        TRY(op_make_plan(c->caps, &call, NULL, &c->plan[s]));
        program->node[s] = (struct program_node){.flops = op_call_flops(&call),
                                                 .bytes = op_call_bytes(&call),
                                                 .dispatches = (uint32_t)c->plan[s].count,
                                                 .text = compile_step_text(c, s)};
        FAIL_IF_NULL(program->node[s].text, "a program's node names");
        program->stats.flops += program->node[s].flops;
        program->stats.bytes += program->node[s].bytes;
    }
    program->stats.nodes = c->steps;
fail:
    return status;
}

/* ---- where everything lies ---- */

static enum mien_status add_item(struct compile *c, uint64_t bytes, uint32_t step, uint32_t *index)
{
    enum mien_status status = base_grow(&c->item, &c->item_capacity, c->item_count + 1, sizeof(*c->item));
    if (status != MIEN_OK)
        return status;
    *index = (uint32_t)c->item_count;
    c->item[c->item_count++] = (struct plan_item){.bytes = bytes, .first = step, .last = step};
    return MIEN_OK;
}

/* Extends the life of an activation to a step. */
static enum mien_status touch(struct compile *c, op_value value, uint32_t step)
{
    if (value == OP_NONE)
        return MIEN_OK;
    uint32_t m = c->graph->value[value].memory;
    const struct graph_memory *memory = &c->graph->memory[m];
    if (memory->kind != GRAPH_RESULT || c->place[m].block)
        return MIEN_OK;
    if (c->item_of[m] == OP_NONE)
        return add_item(c, memory->bytes, step, &c->item_of[m]);
    c->item[c->item_of[m]].last = step;
    return MIEN_OK;
}

static enum mien_status find_lives(struct compile *c)
{
    enum mien_status status = MIEN_OK;
    for (uint32_t s = 0; s < c->steps; s++) {
        const struct graph_node *node = &c->graph->node[c->order[s]];
        for (uint32_t i = 0; i < node->in_count; i++)
            TRY(touch(c, node->in[i], s));
        for (uint32_t o = 0; o < node->out_count; o++)
            TRY(touch(c, node->out[o], s));
        for (uint32_t i = 0; i < OP_MAX_SCRATCH; i++) {
            if (c->plan[s].scratch[i])
                TRY(add_item(c, c->plan[s].scratch[i], s, &c->scratch_of[s * OP_MAX_SCRATCH + i]));
        }
    }
    for (size_t i = 0; i < c->graph->output_count; i++)
        TRY(touch(c, c->graph->output[i], c->steps));
    for (size_t i = 0; i < c->graph->store_count; i++)
        TRY(touch(c, c->graph->store[i].value, c->steps));
fail:
    return status;
}

/* Whether the range is anything to the graph but the target of store `self`. */
static bool range_shared(const struct graph *graph, size_t self, const struct vk_range *range, uint64_t bytes)
{
    for (size_t v = 0; v < graph->value_count; v++) {
        const struct graph_value *value = &graph->value[v];
        struct vk_range other = {.block = graph->memory[value->memory].block, .offset = value->offset};
        if (other.block && ranges_meet(range, bytes, &other, tensor_shape_bytes(&value->shape)))
            return true;
    }
    for (size_t i = 0; i < graph->store_count; i++) {
        const struct tensor *into = &graph->store[i].into;
        if (i != self && ranges_meet(range, bytes, &into->range, tensor_shape_bytes(&into->shape)))
            return true;
    }
    return false;
}

/* A stored activation is made in its final place when that memory serves nothing else: no copy, no slab. */
static void place_stores(struct compile *c)
{
    const struct graph *graph = c->graph;
    for (size_t i = 0; i < graph->store_count; i++) {
        const struct graph_store *store = &graph->store[i];
        const struct graph_value *value = &graph->value[store->value];
        const struct graph_memory *memory = &graph->memory[value->memory];
        uint64_t bytes = tensor_shape_bytes(&value->shape);
        if (memory->kind != GRAPH_RESULT || memory->bytes != bytes || c->place[value->memory].block ||
            store->into.range.offset % PLAN_ALIGN != 0 || range_shared(graph, i, &store->into.range, bytes))
            continue;
        c->place[value->memory] = store->into.range;
        c->direct[i] = true;
    }
}

static bool memory_used(const struct compile *c, uint32_t memory)
{
    const struct graph *graph = c->graph;
    for (uint32_t s = 0; s < c->steps; s++) {
        const struct graph_node *node = &graph->node[c->order[s]];
        for (uint32_t i = 0; i < node->in_count; i++) {
            if (node->in[i] != OP_NONE && graph->value[node->in[i]].memory == memory)
                return true;
        }
    }
    for (size_t i = 0; i < graph->output_count; i++) {
        if (graph->value[graph->output[i]].memory == memory)
            return true;
    }
    for (size_t i = 0; i < graph->store_count; i++) {
        if (graph->value[graph->store[i].value].memory == memory)
            return true;
    }
    return false;
}

/* Offsets of all memories of a kind in one region; offset is kept in place[].offset until the region exists. */
static uint64_t lay_region(struct compile *c, enum graph_kind kind, bool *used)
{
    uint64_t size = 0;
    for (uint32_t m = 0; m < c->graph->memory_count; m++) {
        const struct graph_memory *memory = &c->graph->memory[m];
        used[m] = memory->kind == kind && (kind == GRAPH_INPUT || memory_used(c, m));
        if (!used[m])
            continue;
        c->place[m] = (struct vk_range){.offset = size, .size = memory->bytes};
        size += base_round_up(memory->bytes, PLAN_ALIGN);
    }
    return size;
}

/* Allocates the region of a kind and moves its memories there. */
static enum mien_status make_region(struct compile *c, enum graph_kind kind, const char *what, struct vk_range *out)
{
    enum mien_status status = MIEN_OK;
    bool *used = base_alloc(BASE_MAX(c->graph->memory_count, 1), sizeof(*used));
    FAIL_IF_NULL(used, what);
    uint64_t size = lay_region(c, kind, used);
    if (size)
        TRY(vk_alloc(c->device, VK_MEMORY_DEVICE, size, what, out));
    for (uint32_t m = 0; m < c->graph->memory_count; m++) {
        if (!used[m])
            continue;
        c->place[m].block = out->block;
        c->place[m].offset += out->offset;
        const void *data = c->graph->memory[m].data;
        if (data)
            TRY(vk_upload(c->device, c->place[m], 0, data, c->graph->memory[m].bytes));
    }
    c->program->stats.io_bytes += size;
fail:
    base_free(used);
    return status;
}

static enum mien_status make_slab(struct compile *c, uint32_t s, uint64_t bytes)
{
    struct graph_program *program = c->program;
    if (!c->params.slabs)
        return vk_alloc(c->device, VK_MEMORY_DEVICE, bytes, c->params.label, &program->slab[s]);
    enum mien_status status = slab_take(c->params.slabs, s, bytes, c->params.label, &program->shared[s]);
    if (status == MIEN_OK)
        program->slab[s] = program->shared[s]->range;
    return status;
}

static enum mien_status make_slabs(struct compile *c)
{
    enum mien_status status = MIEN_OK;
    struct graph_program *program = c->program;
    struct plan_result plan;
    TRY(plan_memory(c->item, c->item_count, c->caps->max_allocation, c->params.no_alias, &plan));
    for (uint32_t s = 0; s < plan.slab_count; s++)
        TRY(make_slab(c, s, plan.slab_bytes[s]));
    for (uint32_t m = 0; m < c->graph->memory_count; m++) {
        if (c->item_of[m] == OP_NONE)
            continue;
        const struct plan_item *item = &c->item[c->item_of[m]];
        c->place[m] = program->slab[item->slab];
        c->place[m].offset += item->offset;
        c->place[m].size = item->bytes;
    }
    program->stats.activation_bytes = plan.total;
    program->stats.unaliased_bytes = plan.unaliased;
    program->stats.live_bytes = plan.live_peak;
fail:
    return status;
}

static enum mien_status place_all(struct compile *c)
{
    enum mien_status status = MIEN_OK;
    memset(c->item_of, 0xff, c->graph->memory_count * sizeof(*c->item_of)); /* OP_NONE */
    for (uint32_t m = 0; m < c->graph->memory_count; m++) {
        if (c->graph->memory[m].kind == GRAPH_BOUND)
            c->place[m].block = c->graph->memory[m].block;
    }
    place_stores(c);
    TRY(find_lives(c));
    TRY(make_slabs(c));
    TRY(make_region(c, GRAPH_INPUT, "program inputs", &c->program->inputs));
    TRY(make_region(c, GRAPH_CONSTANT, "program constants", &c->program->constants));
fail:
    return status;
}

/* Ranges are copied and bound in whole words. */
static struct vk_range part(struct vk_range whole, uint64_t offset, uint64_t bytes)
{
    assert(whole.block);
    return (struct vk_range){.block = whole.block, .offset = whole.offset + offset, .size = base_round_up(bytes, 4)};
}

struct vk_range compile_range(const struct compile *c, op_value value)
{
    const struct graph_value *v = &c->graph->value[value];
    return part(c->place[v->memory], v->offset, tensor_shape_bytes(&v->shape));
}

struct vk_range compile_scratch(const struct compile *c, uint32_t step, uint32_t index)
{
    const struct plan_item *item = &c->item[c->scratch_of[step * OP_MAX_SCRATCH + index]];
    return part(c->program->slab[item->slab], item->offset, item->bytes);
}

/* ---- all together ---- */

static enum mien_status allocate(struct compile *c)
{
    enum mien_status status = MIEN_OK;
    const struct graph *graph = c->graph;
    size_t nodes = BASE_MAX(graph->node_count, 1), memories = BASE_MAX(graph->memory_count, 1);
    c->program = base_alloc(1, sizeof(*c->program));
    c->live = base_alloc(nodes, sizeof(*c->live));
    c->order = base_alloc(nodes, sizeof(*c->order));
    c->plan = base_alloc(nodes, sizeof(*c->plan));
    c->scratch_of = base_alloc(nodes * OP_MAX_SCRATCH, sizeof(*c->scratch_of));
    c->place = base_alloc(memories, sizeof(*c->place));
    c->item_of = base_alloc(memories, sizeof(*c->item_of));
    c->direct = base_alloc(BASE_MAX(graph->store_count, 1), sizeof(*c->direct));
    FAIL_IF(!c->program || !c->live || !c->order || !c->plan || !c->scratch_of || !c->place || !c->item_of ||
                !c->direct,
            MIEN_ERR_NOMEM, "out of host memory for compiling %zu nodes", graph->node_count);
    c->program->device = c->device;
    c->program->profile = c->params.profile && c->caps->timestamp_ns > 0;
    c->program->label = base_arena_strdup(&c->program->arena, c->params.label);
    c->program->node = base_arena_array(&c->program->arena, nodes, sizeof(*c->program->node));
    c->program->times = base_arena_array(&c->program->arena, nodes + 1, sizeof(double));
    FAIL_IF(!c->program->label || !c->program->node || !c->program->times, MIEN_ERR_NOMEM,
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
    base_free(c->order);
    base_free(c->plan);
    base_free(c->scratch_of);
    base_free(c->place);
    base_free(c->item_of);
    base_free(c->direct);
    base_free(c->item);
}

/* Work (see graph_compile_params) that the slowest device of a class meant for Mien does in a tenth of a second: an
 * integrated desktop GPU at 20 GFLOP/s, a mobile one at 5. Software drivers have no watchdog. */
static double default_slice(const struct vk_caps *caps)
{
    switch (caps->class_) {
    case VK_CLASS_SOFTWARE:
        return 0;
    case VK_CLASS_MOBILE:
        return 5e8;
    default:
        return 2e9;
    }
}

enum mien_status graph_compile(struct graph *graph, struct vk_device *device, const struct graph_compile_params *params,
                               struct graph_program **out)
{
    enum mien_status status = MIEN_OK;
    struct compile c = {.graph = graph, .device = device, .caps = vk_device_caps(device)};
    *out = NULL;
    TRY(graph->status);
    if (params)
        c.params = *params;
    if (!c.params.label)
        c.params.label = "graph program";
    if (c.params.slice_flops <= 0)
        c.params.slice_flops = default_slice(c.caps);
    TRY(allocate(&c));
    find_live(&c);
    TRY(check_all_leaving(&c));
    TRY(make_plans(&c));
    TRY(place_all(&c));
    if (c.params.dump)
        compile_dump(&c);
    TRY(compile_record(&c));
    TRY(compile_record_io(&c));
    *out = c.program;
    c.program = NULL;
fail:
    graph_program_destroy(&c.program);
    compile_clear(&c);
    return status;
}
