/* program.c: running a compiled graph. A run is three submissions in order: inputs in, the work, outputs out. */
#include "graph/graph_internal.h"

#include <stdio.h>

void graph_program_destroy(struct graph_program **program)
{
    struct graph_program *p = program ? *program : NULL;
    if (!p)
        return;
    for (uint32_t slot = 0; slot < GRAPH_SLOTS; slot++)
        graph_program_wait(p, slot);
    graph_program_destroy(&p->next);
    for (uint32_t slot = 0; slot < GRAPH_SLOTS; slot++) {
        vk_recording_destroy(&p->main[slot]);
        vk_recording_destroy(&p->upload[slot]);
        vk_recording_destroy(&p->fetch[slot]);
        vk_free(p->device, &p->staging[slot]);
        vk_free(p->device, &p->readback[slot]);
    }
    for (uint32_t s = 0; s < PLAN_MAX_SLABS; s++) {
        if (!p->shared[s])
            vk_free(p->device, &p->slab[s]);
        slab_release(p->device, &p->shared[s]);
    }
    vk_free(p->device, &p->constants);
    if (!p->later)
        vk_free(p->device, &p->inputs);
    vk_free(p->device, &p->exchange);
    base_arena_clear(&p->arena);
    base_free(p);
    *program = NULL;
}

static const struct program_io *find_io(const struct program_io *io, uint32_t count, op_value value)
{
    for (uint32_t i = 0; i < count; i++) {
        if (io[i].value == value)
            return &io[i];
    }
    return NULL;
}

void *graph_program_input(struct graph_program *program, uint32_t slot, op_value value)
{
    for (struct graph_program *p = program; p && slot < GRAPH_SLOTS; p = p->next) {
        const struct program_io *io = find_io(p->input, p->input_count, value);
        if (io)
            return (char *)vk_map(&p->staging[slot]) + io->offset;
    }
    base_fail(MIEN_ERR_ARG, "%s: value %u in slot %u is no input", program->label, value, slot);
    return NULL;
}

const void *graph_program_output(struct graph_program *program, uint32_t slot, op_value value)
{
    for (struct graph_program *p = program; p && slot < GRAPH_SLOTS; p = p->next) {
        const struct program_io *io = find_io(p->output, p->output_count, value);
        if (io)
            return (const char *)vk_map(&p->readback[slot]) + io->offset;
    }
    base_fail(MIEN_ERR_ARG, "%s: value %u in slot %u is no output; name it with graph_output", program->label, value,
              slot);
    return NULL;
}

void *graph_program_exchanged(struct graph_program *program, op_value value, uint32_t *stage)
{
    const struct program_io *io = find_io(program->exchanged, program->exchanged_count, value);
    if (!io) {
        base_fail(MIEN_ERR_ARG, "%s: value %u does not go through the host", program->label, value);
        return NULL;
    }
    *stage = io->stage;
    return (char *)vk_map(&program->exchange) + io->offset;
}

/* ---- running ---- */

struct vk_recording *program_main(const struct graph_program *program, uint32_t slot)
{
    return program->main[slot] ? program->main[slot] : program->main[0];
}

/* Submits a recording; what has been submitted must be waited for even when a later one fails. */
static enum mien_status submit(struct graph_program *program, uint32_t slot, struct vk_recording *recording)
{
    uint64_t ticket;
    if (!recording)
        return MIEN_OK;
    enum mien_status status = vk_submit(program->device, recording, &ticket);
    if (status == MIEN_OK) {
        program->ticket[slot] = ticket;
        program->in_flight[slot] = true;
    }
    return status;
}

static enum mien_status submit_one(struct graph_program *program, uint32_t slot)
{
    enum mien_status status = MIEN_OK;
    uint64_t began = base_trace_now(vk_device_trace(program->device));
    FAIL_IF(slot >= GRAPH_SLOTS, MIEN_ERR_ARG, "%s: there is no slot %u, only 0 to %d", program->label, slot,
            GRAPH_SLOTS - 1);
    FAIL_IF(program->in_flight[slot], MIEN_ERR_ARG, "%s: slot %u is still in flight; wait for it first", program->label,
            slot);
    bool measure = program->measures > 0 && program->pieces > 1;
    if (measure)
        TRY(vk_wait_idle(program->device));
    uint64_t clock = base_clock_ns();
    TRY(submit(program, slot, program->upload[slot]));
    TRY(submit(program, slot, program_main(program, slot)));
    TRY(submit(program, slot, program->fetch[slot]));
    program->ran = true;
    program->last = slot;
    if (measure)
        TRY(program_measure(program, slot, clock));
    base_trace_span(vk_device_trace(program->device), BASE_TRACK_HOST, "submit", program->label, began);
fail:
    return status;
}

/* The GPU's spans of a slot's run: the program, and its nodes inside. A trace is no part of the work: where the time
 * stamps cannot be read the program goes on without. */
static void program_trace(struct graph_program *program, uint32_t slot, struct base_trace *trace)
{
    const double *ns = program->times;
    const uint32_t *stamp = program->stamp;
    uint32_t nodes = program->nodes;
    char detail[512];
    uint64_t began = base_trace_now(trace);
    if (vk_recording_host_times(program_main(program, slot), program->times, program->stamps) != MIEN_OK) {
        program->traced = false;
        return;
    }
    snprintf(detail, sizeof(detail), "slices: %u%s", program->stats.slices, program->by_time ? "" : ", not timed");
    if (program->by_time)
        snprintf(detail, sizeof(detail), "slices: %u, the longest of %.3f ms", program->stats.slices,
                 program->stats.slice_ms);
    base_trace_span_at(trace, BASE_TRACK_GPU, program->label, detail, ns[stamp[0]], ns[stamp[nodes]]);
    for (uint32_t n = 0; n < nodes; n++) {
        const struct program_node *node = &program->node[n];
        snprintf(detail, sizeof(detail), "%s  %.6f GFLOP  %.6f GB", node->text, node->flops * 1e-9, node->bytes * 1e-9);
        base_trace_span_at(trace, BASE_TRACK_GPU, node->op, detail, ns[stamp[n]], ns[stamp[n + 1]]);
    }
    base_trace_span(trace, BASE_TRACK_HOST, "read time stamps", program->label, began); /* tracing's own cost */
}

static enum mien_status wait_one(struct graph_program *program, uint32_t slot)
{
    if (!program->in_flight[slot])
        return MIEN_OK;
    struct base_trace *trace = vk_device_trace(program->device);
    uint64_t began = base_trace_now(trace);
    program->in_flight[slot] = false; /* also when the device is lost: there is nothing left to wait for */
    enum mien_status status = vk_wait(program->device, program->ticket[slot]);
    base_trace_span(trace, BASE_TRACK_HOST, "wait", program->label, began);
    program->untold[slot] = status == MIEN_OK && trace && program->traced;
    return status;
}

uint32_t graph_program_stages(const struct graph_program *program)
{
    uint32_t count = 0;
    for (; program; program = program->next)
        count++;
    return count;
}

static struct graph_program *stage_of(struct graph_program *program, uint32_t stage)
{
    struct graph_program *p = program;
    for (uint32_t i = 0; p && i < stage; i++)
        p = p->next;
    if (!p)
        base_fail(MIEN_ERR_ARG, "%s: there is no stage %u", program->label, stage);
    return p;
}

enum mien_status graph_program_submit_stage(struct graph_program *program, uint32_t stage, uint32_t slot)
{
    struct graph_program *p = stage_of(program, stage);
    return p ? submit_one(p, slot) : MIEN_ERR_ARG;
}

enum mien_status graph_program_wait_stage(struct graph_program *program, uint32_t stage, uint32_t slot)
{
    struct graph_program *p = stage_of(program, stage);
    return p && slot < GRAPH_SLOTS ? wait_one(p, slot) : MIEN_ERR_ARG;
}

enum mien_status graph_program_submit(struct graph_program *program, uint32_t slot)
{
    if (program->next)
        return base_fail(MIEN_ERR_ARG, "%s: is in stages; submit them one by one", program->label);
    return submit_one(program, slot);
}

enum mien_status graph_program_wait(struct graph_program *program, uint32_t slot)
{
    enum mien_status status = MIEN_OK;
    for (struct graph_program *p = program; p && slot < GRAPH_SLOTS; p = p->next) {
        enum mien_status one = wait_one(p, slot);
        status = status == MIEN_OK ? one : status;
    }
    for (struct graph_program *p = program; p && slot < GRAPH_SLOTS; p = p->next) {
        if (p->untold[slot])
            program_trace(p, slot, vk_device_trace(p->device));
        p->untold[slot] = false;
    }
    return status;
}

enum mien_status graph_program_run(struct graph_program *program)
{
    enum mien_status status = graph_program_submit(program, 0);
    return status == MIEN_OK ? graph_program_wait(program, 0) : status;
}

void graph_program_stats(const struct graph_program *program, struct graph_program_stats *out)
{
    *out = program->stats;
}

static enum mien_status profile_stage(struct graph_program *program, void (*line)(void *user, const char *line),
                                      void *user)
{
    enum mien_status status = MIEN_OK;
    bool times = program->profile && program->ran;
    char text[512];
    if (times)
        TRY(vk_recording_times(program_main(program, program->last), program->times, program->stamps));
    for (uint32_t n = 0; n < program->nodes; n++) {
        const struct program_node *node = &program->node[n];
        const uint32_t *stamp = &program->stamp[n];
        double ns = times ? program->times[stamp[1]] - program->times[stamp[0]] : 0;
        if (times)
            snprintf(text, sizeof(text), "%s  %.6f GFLOP  %.6f GB  %.4f ms  %.2f GFLOP/s  %.2f GB/s", node->text,
                     node->flops * 1e-9, node->bytes * 1e-9, ns * 1e-6, ns > 0 ? node->flops / ns : 0,
                     ns > 0 ? node->bytes / ns : 0);
        else
            snprintf(text, sizeof(text), "%s  %.6f GFLOP  %.6f GB", node->text, node->flops * 1e-9, node->bytes * 1e-9);
        line(user, text);
    }
fail:
    return status;
}

enum mien_status graph_program_profile(struct graph_program *program, void (*line)(void *user, const char *line),
                                       void *user)
{
    enum mien_status status = MIEN_OK;
    for (; program && status == MIEN_OK; program = program->next)
        status = profile_stage(program, line, user);
    return status;
}
