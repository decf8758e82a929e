/* on_device.h: one call of an op on the device, for test programs that look at more than one call's results. */
#ifndef TESTS_OP_ON_DEVICE_H
#define TESTS_OP_ON_DEVICE_H

#include "check.h"
#include "op/hazard.h"
#include "op/op.h"

#include <string.h>

struct on_device {
    struct vk_instance *instance;
    struct vk_device *device;
    const struct vk_caps *as; /* plans are made for this device; NULL = for the one that runs them */
};

/* False when there is no device. */
static inline bool on_device_open(struct on_device *gpu)
{
    uint32_t index;
    const struct mien_gpu_params params = {.size = sizeof(params), .tune = MIEN_OFF};
    *gpu = (struct on_device){0};
    if (vk_instance_create(NULL, &gpu->instance) != MIEN_OK ||
        vk_instance_choose(gpu->instance, NULL, &index) != MIEN_OK ||
        vk_device_create(gpu->instance, index, &params, &gpu->device) != MIEN_OK) {
        vk_instance_destroy(&gpu->instance);
        return false;
    }
    printf("device: %s\n", vk_device_caps(gpu->device)->name);
    return true;
}

static inline void on_device_close(struct on_device *gpu)
{
    vk_device_destroy(&gpu->device);
    CHECK_EQ(vk_instance_validation_messages(gpu->instance), 0);
    vk_instance_destroy(&gpu->instance);
}

/* The memory of one call: [0] inputs, [1] outputs, [2] scratch. */
struct on_device_memory {
    struct vk_range range[3][OP_MAX_IN];
};

static inline enum mien_status on_device_alloc(struct vk_device *device, const struct op_call *call,
                                               const struct op_plan *plan, struct on_device_memory *m)
{
    enum mien_status status = MIEN_OK;
    for (uint32_t i = 0; i < call->in_count; i++) {
        if (call->in[i].rank) {
            TRY(vk_alloc(device, VK_MEMORY_DEVICE, tensor_shape_bytes(&call->in[i]), "input", &m->range[0][i]));
            TRY(vk_upload(device, m->range[0][i], 0, call->in_data[i], tensor_shape_bytes(&call->in[i])));
        }
    }
    for (uint32_t o = 0; o < call->out_count; o++)
        TRY(vk_alloc(device, VK_MEMORY_DEVICE, tensor_shape_bytes(&call->out[o]), "output", &m->range[1][o]));
    for (uint32_t s = 0; s < OP_MAX_SCRATCH; s++) {
        if (plan->scratch[s])
            TRY(vk_alloc(device, VK_MEMORY_DEVICE, plan->scratch[s], "scratch", &m->range[2][s]));
    }
fail:
    return status;
}

static inline enum mien_status on_device_record(struct vk_device *device, const struct op_plan *plan,
                                                const struct on_device_memory *m, struct vk_recording *recording)
{
    enum mien_status status = MIEN_OK;
    struct op_hazards hazards = {0};
    double flops = 0;
    for (size_t i = 0; i < plan->count; i++) {
        const struct op_dispatch *d = &plan->dispatch[i];
        const struct op_shader *shader = op_shader_find(d->shader);
        struct vk_kernel kernel = op_dispatch_kernel(d, shader);
        struct vk_pipeline *pipeline;
        struct vk_range range[VK_MAX_BUFFERS];
        uint8_t access[VK_MAX_BUFFERS];
        bool barrier;
        TRY(vk_pipeline_get(device, &kernel, &pipeline));
        for (uint32_t b = 0; b < d->bind_count; b++) {
            const struct op_bind *bind = &d->bind[b];
            struct vk_range whole = m->range[bind->place][bind->index];
            range[b] = vk_subrange(whole, bind->offset, bind->size ? bind->size : whole.size - bind->offset);
            access[b] = bind->access;
        }
        TRY(op_hazards_step(&hazards, range, access, d->bind_count, &barrier));
        if (barrier)
            TRY(vk_record_barrier(recording));
        TRY(vk_record_dispatch(recording, pipeline, range, d->bind_count, d->push, d->push_size, d->groups));
        flops += d->flops;
        if (flops > 4e9) { /* keeps the waits of a software driver within bounds */
            TRY(vk_record_piece(recording));
            flops = 0;
        }
    }
    TRY(vk_record_end(recording));
fail:
    op_hazards_clear(&hazards);
    return status;
}

/* Runs a call whose shapes and in_data are set; fills out and the out_data that are not NULL. *extra (may be NULL) is
 * the allocator's peak beyond the call's inputs and outputs, in bytes. */
static inline enum mien_status on_device_run(struct on_device *gpu, struct op_call *call, uint64_t *extra)
{
    enum mien_status status = MIEN_OK;
    struct op_plan plan = {0};
    struct on_device_memory memory = {0};
    struct vk_recording *recording = NULL;
    struct vk_memory_stats before, after;
    uint64_t ticket, own = 0;
    TRY(op_call_shapes(call, "a test"));
    TRY(op_make_plan(gpu->as ? gpu->as : vk_device_caps(gpu->device), call, NULL, &plan));
    vk_memory_stats(gpu->device, &before);
    TRY(on_device_alloc(gpu->device, call, &plan, &memory));
    TRY(vk_record_begin(gpu->device, call->op->name, &recording));
    TRY(on_device_record(gpu->device, &plan, &memory, recording));
    TRY(vk_submit(gpu->device, recording, &ticket));
    TRY(vk_wait(gpu->device, ticket));
    for (uint32_t o = 0; o < call->out_count; o++) {
        own += memory.range[1][o].size;
        if (call->out_data[o])
            TRY(vk_download(gpu->device, memory.range[1][o], 0, call->out_data[o], tensor_shape_bytes(&call->out[o])));
    }
    for (uint32_t i = 0; i < call->in_count; i++)
        own += memory.range[0][i].size;
    vk_memory_stats(gpu->device, &after);
    if (extra)
        *extra = after.in_use[VK_MEMORY_DEVICE] - before.in_use[VK_MEMORY_DEVICE] - own;
fail:
    vk_recording_destroy(&recording);
    for (uint32_t i = 0; i < 3 * OP_MAX_IN; i++) {
        struct vk_range *range = &memory.range[i / OP_MAX_IN][i % OP_MAX_IN];
        if (range->block)
            vk_free(gpu->device, range);
    }
    op_plan_clear(&plan);
    return status;
}

#endif
