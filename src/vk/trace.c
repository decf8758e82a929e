/* trace.c: the device's clock beside the host's, so that a trace shows both on one line of time. */
#include "vk/vk_internal.h"

#include <math.h>

enum { TRIES = 4 };

/* One time stamp, taken by the device between two readings of the host's clock; it counts as their middle. */
static enum mien_status align_once(struct vk_device *device, struct vk_recording *recording, uint64_t *shortest)
{
    enum mien_status status = MIEN_OK;
    uint64_t ticket, ticks, began = base_clock_ns();
    TRY(vk_submit(device, recording, &ticket));
    TRY(vk_wait(device, ticket));
    uint64_t took = base_clock_ns() - began;
    TRY(vk_recording_tick(recording, &ticks));
    if (took < *shortest) {
        *shortest = took;
        device->trace_ticks = ticks;
        device->trace_ns = (double)began + (double)took / 2;
    }
fail:
    return status;
}

/* The shortest of a few round trips: the first ones wake the device up. */
static enum mien_status align(struct vk_device *device)
{
    enum mien_status status = MIEN_OK;
    struct vk_recording *recording = NULL;
    uint64_t shortest = UINT64_MAX;
    uint32_t index;
    TRY(vk_record_begin(device, "clock", &recording));
    TRY(vk_record_timestamp(recording, &index));
    TRY(vk_record_end(recording));
    for (int i = 0; i < TRIES; i++)
        TRY(align_once(device, recording, &shortest));
fail:
    vk_recording_destroy(&recording);
    return status;
}

enum mien_status vk_device_set_trace(struct vk_device *device, struct base_trace *trace)
{
    enum mien_status status = MIEN_OK;
    device->trace = NULL;
    if (trace && device->caps.timestamp_ns > 0)
        TRY(align(device));
    device->trace = trace;
fail:
    return status;
}

struct base_trace *vk_device_trace(const struct vk_device *device)
{
    return device->trace;
}

double vk_trace_host_ns(const struct vk_device *device, uint64_t ticks)
{
    const uint64_t mask = device->physical->timestamp_mask;
    const double tick_ns = (double)device->caps.timestamp_ns;
    double ns = device->trace_ns + (double)((ticks - device->trace_ticks) & mask) * tick_ns;
    /* a counter of 36 bits comes round within the hour: of the times that it may mean, the one nearest to now */
    double round = ((double)mask + 1) * tick_ns;
    return ns + floor(((double)base_clock_ns() - ns) / round + 0.5) * round;
}
