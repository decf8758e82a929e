/* overhead.c: what a dispatch, a barrier and a submission cost by themselves. */
#include "bench/bench.h"

#include <math.h>
#include <string.h>

enum { FEW = 16, MANY = 272, TRIES = 15 };

/* `count` dispatches that write one element, alone or with a barrier before each. */
static enum mien_status record(struct bench_run *run, struct vk_pipeline *pipeline, const struct op_dispatch *d,
                               struct vk_range range, uint32_t count, bool barriers, struct vk_recording **out)
{
    enum mien_status status = MIEN_OK;
    static const uint32_t groups[3] = {1, 1, 1};
    TRY(vk_record_begin(run->device, "overhead", out));
    for (uint32_t i = 0; i < count; i++) {
        if (barriers)
            TRY(vk_record_barrier(*out));
        TRY(vk_record_dispatch(*out, pipeline, &range, 1, d->push, d->push_size, groups));
    }
    TRY(vk_record_end(*out));
fail:
    return status;
}

/* The least of some submissions, from each to the end of the wait for it. */
static enum mien_status least(struct bench_run *run, struct vk_recording *recording, double *seconds)
{
    enum mien_status status = MIEN_OK;
    *seconds = INFINITY;
    for (uint32_t i = 0; i < TRIES; i++) {
        uint64_t ticket;
        double begin = base_clock_seconds();
        TRY(vk_submit(run->device, recording, &ticket));
        TRY(vk_wait(run->device, ticket));
        *seconds = fmin(*seconds, base_clock_seconds() - begin);
    }
fail:
    return status;
}

static enum mien_status time_one(struct bench_run *run, struct vk_pipeline *pipeline, const struct op_dispatch *d,
                                 struct vk_range range, uint32_t count, bool barriers, double *seconds)
{
    struct vk_recording *recording = NULL;
    enum mien_status status = record(run, pipeline, d, range, count, barriers, &recording);
    if (status == MIEN_OK)
        status = least(run, recording, seconds);
    vk_recording_destroy(&recording);
    return status;
}

static enum mien_status pipeline_of(struct bench_run *run, const struct op_dispatch *d, struct vk_pipeline **out)
{
    const struct op_shader *shader = op_shader_find(d->shader);
    struct vk_kernel kernel = op_dispatch_kernel(d, shader);
    return vk_pipeline_get(run->device, &kernel, out);
}

enum mien_status bench_measure_overhead(struct bench_run *run)
{
    enum mien_status status = MIEN_OK;
    struct bench_head *head = &run->out->head;
    struct op_call call = {.op = &op_fill, .attr = {.rows = 1}, .in_count = 1};
    struct op_plan plan = {0};
    struct vk_range range = {0};
    struct vk_pipeline *pipeline;
    double one, few, many, apart_few, apart_many;
    TRY(op_call_shapes(&call, "overhead"));
    TRY(op_make_plan(&run->context.caps, &call, NULL, &plan));
    TRY(vk_alloc(run->device, VK_MEMORY_DEVICE, sizeof(float), "overhead", &range));
    TRY(pipeline_of(run, plan.dispatch, &pipeline));
    TRY(time_one(run, pipeline, plan.dispatch, range, 1, false, &one));
    TRY(time_one(run, pipeline, plan.dispatch, range, FEW, false, &few));
    TRY(time_one(run, pipeline, plan.dispatch, range, MANY, false, &many));
    TRY(time_one(run, pipeline, plan.dispatch, range, FEW, true, &apart_few));
    TRY(time_one(run, pipeline, plan.dispatch, range, MANY, true, &apart_many));
    head->submit_us = one * 1e6;
    head->dispatch_us = fmax(0, (many - few) / (MANY - FEW)) * 1e6;
    head->barrier_us = fmax(0, (apart_many - apart_few) / (MANY - FEW) * 1e6 - head->dispatch_us);
fail:
    if (range.block)
        vk_free(run->device, &range);
    op_plan_clear(&plan);
    return status;
}
