/* slices.c: how a program's pieces are submitted. What is submitted at once should not be long, where a watchdog looks
 * or a display waits; what is submitted often costs time by itself. Before a program has run, slices are cut by the
 * work of their pieces, for the slowest devices; then by the time that the pieces have taken. What is recorded stays as
 * it is. */
#include "graph/graph_internal.h"

#include "base/log.h"

/* A device whose clock tells less than a quarter of what the host has seen is not believed: drivers may tell anything,
 * and a slice that is thought short, but is not, costs the device. No watchdog bites within the second. */
static const double LEAST_SHARE = 0.25, SAFE_MS = 1000;

void program_slice(struct graph_program *program)
{
    double longest = 0;
    bool known = program->by_time;
    for (uint32_t i = 0; i < program->pieces; i++)
        program->cost[i] = known ? program->piece[i].ms : program->piece[i].work;
    for (uint32_t slot = 0; slot < GRAPH_SLOTS; slot++) {
        if (program->main[slot])
            program->stats.slices = vk_recording_slice(program->main[slot], program->cost,
                                                       known ? program->limit.ms : program->limit.flops, &longest);
    }
    program->stats.slice_ms = known ? longest : 0;
}

/* The times of the pieces, in a run that the host has seen take so long; false when they cannot be. */
static bool read_times(struct graph_program *program, uint32_t slot, double host_ms)
{
    double sum = 0;
    enum mien_log_level before = base_log_soften(MIEN_LOG_DEBUG); /* the run itself has ended well */
    enum mien_status status = vk_recording_times(program_main(program, slot), program->times, program->stamps);
    base_log_soften(before);
    for (uint32_t i = 0; i < program->pieces && status == MIEN_OK; i++) {
        struct program_piece *piece = &program->piece[i];
        piece->ms = (program->times[piece->end] - program->times[piece->begin]) * 1e-6;
        sum += piece->ms;
    }
    return status == MIEN_OK && sum > 0 && sum >= LEAST_SHARE * (host_ms - SAFE_MS);
}

enum mien_status program_measure(struct graph_program *program, uint32_t slot, uint64_t began)
{
    enum mien_status status = MIEN_OK;
    TRY(vk_wait(program->device, program->ticket[slot]));
    double host_ms = (double)(base_clock_ns() - began) * 1e-6;
    program->by_time = read_times(program, slot, host_ms);
    program->measures = program->by_time ? program->measures - 1 : 0;
    program_slice(program);
    if (program->by_time)
        LOG_DEBUG("%s: %u slices, the longest of %.1f ms", program->label, program->stats.slices,
                  program->stats.slice_ms);
    else
        LOG_DEBUG("%s: %s tells no times that can be: %u slices by their work", program->label,
                  vk_device_caps(program->device)->name, program->stats.slices);
fail:
    return status;
}
