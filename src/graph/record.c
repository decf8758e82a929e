/* record.c: command buffers of a program. The main recording holds the dispatches with barriers where ranges of memory
 * conflict, whichever values lie there; each slot has two small ones that copy its inputs in and its outputs out. */
#include "graph/compile.h"

#include <assert.h>
#include <string.h>

/* 4 bytes moved take about as long as 10 operations (vk_slice_limits). */
static const double BYTE_WORK = 2.5;

/* Pieces of a slice that is cut by work: so that one cut by time can be shorter, where the device is slower. */
enum { PIECES = 4 };

static enum mien_status barrier(struct compile *c, struct vk_recording *recording)
{
    op_hazards_barrier(&c->hazards);
    return vk_record_barrier(recording);
}

/* The range that a bind of a step means. */
static enum mien_status bind_range(const struct compile *c, uint32_t step, const struct op_bind *bind,
                                   struct vk_range *out)
{
    enum mien_status status = MIEN_OK;
    const struct graph_node *node = &c->node[step];
    op_value value = bind->place == OP_IN ? node->in[bind->index] : node->out[bind->index];
    FAIL_IF(bind->place != OP_SCRATCH && value == OP_NONE, MIEN_ERR_FAILED, "%s in \"%s\" binds an absent tensor %u",
            node->op->name, node->label, bind->index);
    FAIL_IF(bind->place == OP_SCRATCH && !c->plan[step].scratch[bind->index], MIEN_ERR_FAILED,
            "%s in \"%s\" binds scratch %u of no bytes", node->op->name, node->label, bind->index);
    *out = bind->place == OP_SCRATCH ? compile_scratch(c, step, bind->index) : compile_range(c, value);
    uint64_t whole = base_round_up(out->size, 4); /* kernels read words; no memory ends inside one */
    uint64_t size = bind->size ? bind->size : whole - BASE_MIN(bind->offset, whole);
    FAIL_IF(size == 0 || bind->offset + size > whole, MIEN_ERR_FAILED,
            "%s in \"%s\" binds bytes %llu to %llu of a tensor of %llu", node->op->name, node->label,
            (unsigned long long)bind->offset, (unsigned long long)(bind->offset + size), (unsigned long long)out->size);
    FAIL_IF(size > c->caps->max_range, MIEN_ERR_UNSUPPORTED,
            "%s in \"%s\" binds %.1f MiB at once; the device allows %.1f MiB: use a smaller batch", node->op->name,
            node->label, (double)size / 1048576.0, (double)c->caps->max_range / 1048576.0);
    out->offset += bind->offset;
    out->size = size;
fail:
    return status;
}

enum mien_status compile_list_kernels(const struct compile *c, struct compile_kernels *out)
{
    enum mien_status status = MIEN_OK;
    for (uint32_t s = 0; s < c->steps; s++) {
        for (size_t i = 0; i < c->plan[s].count; i++) {
            const struct op_dispatch *d = &c->plan[s].dispatch[i];
            const struct op_shader *shader = op_shader_find(d->shader);
            FAIL_IF(!shader, MIEN_ERR_FAILED, "shader %s is not in this build", d->shader);
            TRY(base_grow(&out->kernel, &out->capacity, out->count + 1, sizeof(*out->kernel)));
            out->kernel[out->count++] = op_dispatch_kernel(d, shader);
        }
    }
fail:
    return status;
}

/* At once, so that the driver's compiler has work for all cores. */
enum mien_status compile_pipelines(struct compile *c)
{
    enum mien_status status = MIEN_OK;
    struct base_trace *trace = vk_device_trace(c->device);
    uint64_t began = base_trace_now(trace);
    struct compile_kernels kernels = {0};
    TRY(compile_list_kernels(c, &kernels));
    size_t own = kernels.count;
    c->pipeline = base_alloc(own + 1, sizeof(struct vk_pipeline *));
    FAIL_IF_NULL(c->pipeline, "a program's pipelines");
    for (uint32_t i = 0; i < c->params.ahead_count; i++)
        TRY(compile_ahead(c, c->params.ahead[i], &kernels));
    TRY(vk_pipelines_get(c->device, kernels.kernel, (uint32_t)own, (uint32_t)(kernels.count - own), c->pipeline));
    base_trace_span(trace, BASE_TRACK_HOST, "pipelines", c->params.label, began);
fail:
    base_free(kernels.kernel);
    return status;
}

/* Of the first dispatch of the stage that is being recorded. */
static struct vk_pipeline **first_pipeline(const struct compile *c)
{
    struct vk_pipeline **first = c->pipeline;
    for (uint32_t s = 0; s < c->first; s++)
        first += c->plan[s].count;
    return first;
}

/* ---- pieces ---- */

/* A time stamp at a piece's beginning or end, where they are to be timed. */
static enum mien_status piece_stamp(struct compile *c, uint32_t *index)
{
    struct graph_program *program = c->program;
    if (!program->timed)
        return MIEN_OK;
    program->stamps++;
    return vk_record_timestamp(c->main, index);
}

/* Asked before a dispatch, so that no piece is empty. */
static bool piece_full(const struct compile *c, double work)
{
    const struct graph_program *program = c->program;
    double now = program->piece[program->pieces - 1].work;
    return c->params.slice_flops > 0 && now > 0 && now + work > c->params.slice_flops / PIECES;
}

static enum mien_status piece_begin(struct compile *c)
{
    struct graph_program *program = c->program;
    program->piece[program->pieces] = (struct program_piece){0};
    return piece_stamp(c, &program->piece[program->pieces++].begin);
}

static enum mien_status piece_end(struct compile *c)
{
    return piece_stamp(c, &c->program->piece[c->program->pieces - 1].end);
}

/* No barrier: what is recorded does not depend on where pieces end. */
static enum mien_status next_piece(struct compile *c)
{
    enum mien_status status = MIEN_OK;
    TRY(piece_end(c));
    TRY(vk_record_piece(c->main));
    TRY(piece_begin(c));
fail:
    return status;
}

/* A software driver gains nothing from fewer barriers, and has warm caches when it does what was recorded next. */
uint32_t compile_window(const struct compile *c)
{
    return c->caps->class_ == VK_CLASS_SOFTWARE || c->program->profile ? 0 : COMPILE_WINDOW;
}

/* ---- order ------------------------------------------------------------------------------------------------------- */

/* A dispatch that needs a barrier waits, and later ones that need none overtake it, until so many wait that one barrier
 * serves many of them. */

static bool conflict(const struct compile_dispatch *a, const struct compile_dispatch *b)
{
    for (uint32_t i = 0; i < a->dispatch->bind_count; i++) {
        for (uint32_t j = 0; j < b->dispatch->bind_count; j++) {
            const struct vk_range *x = &a->ranges[i], *y = &b->ranges[j];
            if (((a->access[i] | b->access[j]) & OP_WRITE) && compile_ranges_meet(x, x->size, y, y->size))
                return true;
        }
    }
    return false;
}

/* Whether it needs a barrier, or one of the first `before` that wait. */
static bool must_wait(const struct compile *c, const struct compile_dispatch *d, uint32_t before)
{
    bool wait = op_hazards_meet(&c->hazards, d->ranges, d->access, d->dispatch->bind_count);
    for (uint32_t i = 0; i < before && !wait; i++)
        wait = conflict(&c->waiting[i], d);
    return wait;
}

static enum mien_status emit(struct compile *c, const struct compile_dispatch *d)
{
    enum mien_status status = MIEN_OK;
    const struct op_dispatch *dispatch = d->dispatch;
    bool barrier;
    if (piece_full(c, d->work))
        TRY(next_piece(c));
    c->program->piece[c->program->pieces - 1].work += d->work;
    TRY(op_hazards_step(&c->hazards, d->ranges, d->access, dispatch->bind_count, &barrier));
    assert(!barrier);
    TRY(vk_record_dispatch(c->main, d->pipeline, d->ranges, dispatch->bind_count, dispatch->push, dispatch->push_size,
                           dispatch->groups));
fail:
    return status;
}

/* A barrier, and of those that wait all that need no other: the first one, at least. */
static enum mien_status release(struct compile *c)
{
    enum mien_status status = MIEN_OK;
    uint32_t kept = 0;
    TRY(barrier(c, c->main));
    for (uint32_t i = 0; i < c->waiting_count; i++) {
        if (must_wait(c, &c->waiting[i], kept))
            c->waiting[kept++] = c->waiting[i];
        else
            TRY(emit(c, &c->waiting[i]));
    }
    c->waiting_count = kept;
fail:
    return status;
}

static enum mien_status record_dispatch(struct compile *c, uint32_t step, const struct op_dispatch *d,
                                        struct vk_pipeline *pipeline)
{
    enum mien_status status = MIEN_OK;
    const struct program_node *node = &c->program->node[step - c->first];
    struct compile_dispatch made = {.dispatch = d, .pipeline = pipeline};
    double flops = d->flops > 0 ? d->flops : node->flops / node->dispatches;
    made.work = flops + BYTE_WORK * node->bytes / node->dispatches;
    for (uint32_t i = 0; i < d->bind_count; i++) {
        TRY(bind_range(c, step, &d->bind[i], &made.ranges[i]));
        made.access[i] = d->bind[i].access;
    }
    if (!must_wait(c, &made, c->waiting_count)) {
        TRY(emit(c, &made));
        return MIEN_OK;
    }
    c->waiting[c->waiting_count++] = made;
    if (c->waiting_count > compile_window(c))
        TRY(release(c));
fail:
    return status;
}

/* With profile, a barrier and a timestamp end every step, so that its time is its own. */
static enum mien_status step_end(struct compile *c, uint32_t step)
{
    enum mien_status status = MIEN_OK;
    if (!c->program->profile)
        return MIEN_OK;
    if (step > c->first)
        TRY(barrier(c, c->main));
    c->program->stamps++;
    TRY(vk_record_timestamp(c->main, &c->program->stamp[step - c->first]));
fail:
    return status;
}

/* Stores that no producer writes itself. */
static enum mien_status record_stores(struct compile *c)
{
    enum mien_status status = MIEN_OK;
    for (size_t i = 0; i < c->graph->store_count; i++) {
        const struct graph_store *store = &c->graph->store[i];
        if (c->direct[i])
            continue;
        struct vk_range ranges[2] = {compile_range(c, store->value), store->into.range};
        const uint8_t access[2] = {OP_READ, OP_WRITE};
        bool conflict;
        /* to the byte: the neighbours of a part of a tensor are another's */
        ranges[0].size = ranges[1].size = tensor_shape_bytes(&store->into.shape);
        if (ranges[0].block == ranges[1].block && ranges[0].offset == ranges[1].offset)
            continue; /* a bound value stored where it lies */
        TRY(op_hazards_step(&c->hazards, ranges, access, 2, &conflict));
        if (conflict)
            TRY(vk_record_barrier(c->main));
        TRY(vk_record_copy(c->main, ranges[0], ranges[1]));
    }
fail:
    return status;
}

static enum mien_status record_main(struct compile *c, struct vk_recording **out)
{
    enum mien_status status = MIEN_OK;
    struct vk_pipeline **pipeline = first_pipeline(c);
    TRY(vk_record_begin(c->device, c->program->label, out));
    c->main = *out;
    op_hazards_barrier(&c->hazards); /* a full barrier stands between submissions */
    c->waiting_count = 0;
    c->program->pieces = c->program->stamps = 0;
    TRY(piece_begin(c));
    TRY(step_end(c, c->first));
    for (uint32_t s = c->first; s < c->stage_end[c->stage]; s++) {
        for (size_t i = 0; i < c->plan[s].count; i++)
            TRY(record_dispatch(c, s, &c->plan[s].dispatch[i], *pipeline++));
        TRY(step_end(c, s + 1));
    }
    while (c->waiting_count)
        TRY(release(c));
    if (c->stage + 1 == c->stages)
        TRY(record_stores(c));
    TRY(piece_end(c));
    TRY(vk_record_end(c->main));
fail:
    return status;
}

enum mien_status compile_record(struct compile *c)
{
    enum mien_status status = MIEN_OK;
    struct graph_program *program = c->program;
    struct vk_record_stats stats;
    size_t dispatches = BASE_MAX(program->stats.dispatches, 1);
    program->piece = base_arena_array(&program->arena, dispatches, sizeof(*program->piece));
    program->cost = base_arena_array(&program->arena, dispatches, sizeof(*program->cost));
    FAIL_IF(!program->piece || !program->cost, MIEN_ERR_NOMEM, "out of host memory for a program's pieces");
    for (uint32_t slot = 0; slot < (program->traced ? GRAPH_SLOTS : 1); slot++)
        TRY(record_main(c, &program->main[slot]));
    program->times = base_arena_array(&program->arena, BASE_MAX(program->stamps, 1), sizeof(double));
    FAIL_IF_NULL(program->times, "a program's times");
    vk_recording_stats(program->main[0], &stats);
    program->stats.dispatches = stats.dispatches;
    program->stats.barriers = stats.barriers;
    program->stats.copies = stats.copies;
    program->stats.pieces = stats.pieces;
    program_slice(program);
fail:
    return status;
}

/* ---- inputs and outputs ---- */

static enum mien_status add_io(struct compile *c, struct program_io *io, op_value value, uint64_t offset)
{
    const struct graph_value *v = &c->graph->value[value];
    *io = (struct program_io){.value = value, .shape = v->shape, .offset = offset};
    io->name = base_arena_strdup(&c->program->arena, v->name ? v->name : "");
    return io->name ? MIEN_OK : base_fail(MIEN_ERR_NOMEM, "out of host memory for a program's input names");
}

/* Lists inputs by their offset in the staging memory, which is the one in the device region. */
static enum mien_status list_inputs(struct compile *c)
{
    enum mien_status status = MIEN_OK;
    struct graph_program *program = c->program;
    const struct graph *graph = c->graph;
    program->input = base_arena_array(&program->arena, BASE_MAX(graph->memory_count, 1), sizeof(*program->input));
    FAIL_IF_NULL(program->input, "a program's inputs");
    for (op_value v = 0; v < graph->value_count; v++) {
        const struct graph_value *value = &graph->value[v];
        if (value->kind != GRAPH_INPUT || value->base != OP_NONE || c->input_stage[value->memory] != c->stage)
            continue;
        TRY(add_io(c, &program->input[program->input_count], v, c->place[value->memory].offset - program->sent.offset));
        program->input_count++;
    }
fail:
    return status;
}

/* *size = bytes of one slot's outputs. */
static enum mien_status list_outputs(struct compile *c, uint64_t *size)
{
    enum mien_status status = MIEN_OK;
    struct graph_program *program = c->program;
    const struct graph *graph = c->graph;
    *size = 0;
    program->output = base_arena_array(&program->arena, BASE_MAX(graph->output_count, 1), sizeof(*program->output));
    FAIL_IF_NULL(program->output, "a program's outputs");
    for (size_t i = 0; i < graph->output_count; i++) {
        struct program_io *io = &program->output[program->output_count];
        if (compile_output_stage(c, graph->output[i]) != c->stage)
            continue;
        TRY(add_io(c, io, graph->output[i], *size));
        *size += base_round_up(tensor_shape_bytes(&io->shape), PLAN_ALIGN);
        program->output_count++;
    }
fail:
    return status;
}

static enum mien_status record_upload(struct compile *c, uint32_t slot)
{
    enum mien_status status = MIEN_OK;
    struct graph_program *program = c->program;
    uint64_t size = program->sent.size;
    uint32_t back;
    TRY(compile_record_exchange(c, NULL, true, &back));
    if (!program->input_count && !back)
        return MIEN_OK;
    if (program->input_count) {
        TRY(vk_alloc(c->device, VK_MEMORY_UPLOAD, size, "program input staging", &program->staging[slot]));
        program->staging[slot].size = size;
        memset(vk_map(&program->staging[slot]), 0, size);
    }
    TRY(vk_record_begin(c->device, program->label, &program->upload[slot]));
    if (program->input_count)
        TRY(vk_record_copy(program->upload[slot], program->staging[slot], program->sent));
    TRY(compile_record_exchange(c, program->upload[slot], true, &back));
    TRY(vk_record_end(program->upload[slot]));
fail:
    return status;
}

static enum mien_status record_fetch(struct compile *c, uint32_t slot, uint64_t size)
{
    enum mien_status status = MIEN_OK;
    struct graph_program *program = c->program;
    uint32_t exchanged;
    TRY(compile_record_exchange(c, NULL, false, &exchanged));
    if (!program->output_count && !exchanged)
        return MIEN_OK;
    if (program->output_count)
        TRY(vk_alloc(c->device, VK_MEMORY_READBACK, size, "program output readback", &program->readback[slot]));
    TRY(vk_record_begin(c->device, program->label, &program->fetch[slot]));
    for (uint32_t i = 0; i < program->output_count; i++) {
        struct vk_range from = compile_range(c, program->output[i].value), to = program->readback[slot];
        to.offset += program->output[i].offset;
        to.size = from.size;
        TRY(vk_record_copy(program->fetch[slot], from, to));
    }
    TRY(compile_record_exchange(c, program->fetch[slot], false, &exchanged));
    TRY(vk_record_end(program->fetch[slot]));
fail:
    return status;
}

enum mien_status compile_record_io(struct compile *c)
{
    enum mien_status status = MIEN_OK;
    uint64_t size, begin = c->stage ? c->input_end[c->stage - 1] : 0;
    c->program->sent = c->program->inputs;
    c->program->sent.offset += begin;
    if (c->stages > 1)
        c->program->sent.size = c->input_end[c->stage] - begin;
    TRY(list_inputs(c));
    TRY(list_outputs(c, &size));
    for (uint32_t slot = 0; slot < GRAPH_SLOTS; slot++) {
        TRY(record_upload(c, slot));
        TRY(record_fetch(c, slot, size));
    }
fail:
    return status;
}
