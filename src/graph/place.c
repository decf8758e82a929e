/* place.c: where every memory of a program lies: first as numbers (place_plan), then on the device (place_allocate). */
#include "graph/compile.h"

#include <assert.h>
#include <string.h>

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
    struct plan_item *item = &c->item[c->item_of[m]];
    item->last = BASE_MAX(item->last, step);
    return MIEN_OK;
}

/* The last step that leaves a step's scratch alone. Where dispatches overtake each other (record.c) it is some steps
 * later: the steps behind then need not wait for this one's end. */
static uint32_t scratch_end(const struct compile *c, uint32_t step, uint64_t bytes)
{
    enum { HELD_STEPS = 2, HELD_BYTES = 16 << 20 };
    bool held = bytes <= HELD_BYTES && compile_window(c) > 0;
    return held ? BASE_MIN(step + HELD_STEPS, c->steps - 1) : step;
}

static enum mien_status find_lives(struct compile *c)
{
    enum mien_status status = MIEN_OK;
    for (uint32_t s = 0; s < c->steps; s++) {
        const struct graph_node *node = &c->node[s];
        for (uint32_t i = 0; i < node->in_count; i++)
            TRY(touch(c, node->in[i], s));
        for (uint32_t o = 0; o < node->out_count; o++)
            TRY(touch(c, node->out[o], s));
        for (uint32_t i = 0; i < OP_MAX_SCRATCH; i++) {
            if (!c->plan[s].scratch[i])
                continue;
            TRY(add_item(c, c->plan[s].scratch[i], s, &c->scratch_of[s * OP_MAX_SCRATCH + i]));
            c->item[c->item_count - 1].last = scratch_end(c, s, c->plan[s].scratch[i]);
        }
    }
    for (size_t i = 0; i < c->graph->output_count; i++) {
        uint32_t stage = compile_output_stage(c, c->graph->output[i]);
        TRY(touch(c, c->graph->output[i], stage + 1 < c->stages ? c->stage_end[stage] - 1 : c->steps));
    }
    for (size_t i = 0; i < c->graph->exchanged_count; i++)
        TRY(touch(c, c->graph->exchanged[i], c->steps));
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
        if (other.block && compile_ranges_meet(range, bytes, &other, tensor_shape_bytes(&value->shape)))
            return true;
    }
    for (size_t i = 0; i < graph->store_count; i++) {
        const struct tensor *into = &graph->store[i].into;
        if (i != self && compile_ranges_meet(range, bytes, &into->range, tensor_shape_bytes(&into->shape)))
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
        const struct graph_node *node = &c->node[s];
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

/* Gives all memories of a kind an offset in one region, inputs stage by stage; place[].size tells that they are in it.
 */
static uint64_t lay_region(struct compile *c, enum graph_kind kind)
{
    uint64_t size = 0;
    for (uint32_t stage = 0; stage < c->stages; stage++) {
        for (uint32_t m = 0; m < c->graph->memory_count; m++) {
            const struct graph_memory *memory = &c->graph->memory[m];
            if (memory->kind != kind || (kind != GRAPH_INPUT && !memory_used(c, m)) || c->input_stage[m] != stage)
                continue;
            c->place[m] = (struct vk_range){.offset = size, .size = memory->bytes};
            size += base_round_up(memory->bytes, PLAN_ALIGN);
        }
        if (kind == GRAPH_INPUT)
            c->input_end[stage] = size;
    }
    return size;
}

static bool is_source(const struct graph_value *value, enum graph_kind kind)
{
    return value->kind == kind && value->base == OP_NONE;
}

/* Whether the bytes of a bound value are those of another one that counts. */
static bool counted_elsewhere(const struct graph *graph, op_value v)
{
    const struct graph_value *value = &graph->value[v];
    uint64_t bytes = tensor_shape_bytes(&value->shape);
    for (op_value o = 0; o < graph->value_count; o++) {
        const struct graph_value *other = &graph->value[o];
        uint64_t other_bytes = tensor_shape_bytes(&other->shape);
        if (o == v || !is_source(other, GRAPH_BOUND) || other->memory != value->memory ||
            other->offset > value->offset || other->offset + other_bytes < value->offset + bytes)
            continue;
        if (other_bytes > bytes || o < v)
            return true;
    }
    return false;
}

static uint64_t bound_bytes(const struct graph *graph)
{
    uint64_t sum = 0;
    for (op_value v = 0; v < graph->value_count; v++) {
        if (is_source(&graph->value[v], GRAPH_BOUND) && !counted_elsewhere(graph, v))
            sum += base_round_up(tensor_shape_bytes(&graph->value[v].shape), PLAN_ALIGN);
    }
    return sum;
}

static uint64_t output_bytes(const struct graph *graph)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < graph->output_count; i++)
        sum += base_round_up(tensor_shape_bytes(&graph->value[graph->output[i]].shape), PLAN_ALIGN);
    return sum;
}

static void count_memory(struct compile *c)
{
    struct graph_program_stats *stats = &c->program->stats;
    uint64_t inputs = c->region_bytes[GRAPH_INPUT], constants = c->region_bytes[GRAPH_CONSTANT];
    uint64_t outputs = output_bytes(c->graph);
    stats->activation_bytes = c->slabs.total;
    stats->unaliased_bytes = c->slabs.unaliased;
    stats->live_bytes = c->slabs.live_peak;
    stats->io_bytes = inputs + constants + outputs;
    stats->device_bytes = c->slabs.total + inputs + constants;
    stats->host_bytes = GRAPH_SLOTS * (inputs + outputs);
    stats->bound_bytes = bound_bytes(c->graph);
}

enum mien_status place_plan(struct compile *c)
{
    enum mien_status status = MIEN_OK;
    memset(c->item_of, 0xff, c->graph->memory_count * sizeof(*c->item_of)); /* OP_NONE */
    for (uint32_t m = 0; m < c->graph->memory_count; m++) {
        if (c->graph->memory[m].kind == GRAPH_BOUND)
            c->place[m].block = c->graph->memory[m].block;
    }
    place_stores(c);
    TRY(find_lives(c));
    TRY(plan_memory(c->item, c->item_count, c->caps->max_allocation, c->params.no_alias, &c->slabs));
    c->region_bytes[GRAPH_INPUT] = lay_region(c, GRAPH_INPUT);
    c->region_bytes[GRAPH_CONSTANT] = lay_region(c, GRAPH_CONSTANT);
    count_memory(c);
fail:
    return status;
}

/* ---- on the device ---- */

/* Allocates the region of a kind and moves its memories there. */
static enum mien_status make_region(struct compile *c, enum graph_kind kind, const char *what, struct vk_range *out)
{
    enum mien_status status = MIEN_OK;
    if (c->region_bytes[kind])
        TRY(vk_alloc(c->device, VK_MEMORY_DEVICE, c->region_bytes[kind], what, out));
    for (uint32_t m = 0; m < c->graph->memory_count; m++) {
        if (c->graph->memory[m].kind != kind || !c->place[m].size)
            continue;
        c->place[m].block = out->block;
        c->place[m].offset += out->offset;
        const void *data = c->graph->memory[m].data;
        if (data)
            TRY(vk_upload(c->device, c->place[m], 0, data, c->graph->memory[m].bytes));
    }
fail:
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

enum mien_status place_allocate(struct compile *c)
{
    enum mien_status status = MIEN_OK;
    struct graph_program *program = c->program;
    for (uint32_t s = 0; s < c->slabs.slab_count; s++)
        TRY(make_slab(c, s, c->slabs.slab_bytes[s]));
    for (uint32_t m = 0; m < c->graph->memory_count; m++) {
        if (c->item_of[m] == OP_NONE)
            continue;
        const struct plan_item *item = &c->item[c->item_of[m]];
        c->place[m] = program->slab[item->slab];
        c->place[m].offset += item->offset;
        c->place[m].size = item->bytes;
    }
    TRY(make_region(c, GRAPH_INPUT, "program inputs", &program->inputs));
    TRY(make_region(c, GRAPH_CONSTANT, "program constants", &program->constants));
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
    return part(c->whole->slab[item->slab], item->offset, item->bytes);
}
