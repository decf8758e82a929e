/* slabs.c: activation memory that programs use in turn. A run leaves nothing in it that a later one reads, and the
 * device runs submissions in order with a barrier between them, so programs may share it without any care. */
#include "graph/graph_internal.h"

static void free_unused(struct vk_device *device, struct graph_slab *slab)
{
    if (slab->users || slab->newest)
        return;
    vk_free(device, &slab->range);
    base_free(slab);
}

static enum mien_status slab_make(struct vk_device *device, uint64_t bytes, const char *what, struct graph_slab **out)
{
    enum mien_status status = MIEN_OK;
    struct graph_slab *slab = base_alloc(1, sizeof(*slab));
    *out = NULL;
    FAIL_IF_NULL(slab, what);
    TRY(vk_alloc(device, VK_MEMORY_DEVICE, bytes, what, &slab->range));
    slab->newest = true;
    *out = slab;
    return MIEN_OK;
fail:
    base_free(slab);
    return status;
}

enum mien_status slab_take(struct graph_slabs *slabs, uint32_t index, uint64_t bytes, const char *what,
                           struct graph_slab **out)
{
    enum mien_status status = MIEN_OK;
    struct graph_slab *old = slabs->newest[index];
    *out = NULL;
    if (!old || old->range.size < bytes) {
        TRY(slab_make(slabs->device, bytes, what, &slabs->newest[index]));
        if (old) {
            old->newest = false;
            free_unused(slabs->device, old);
        }
    }
    *out = slabs->newest[index];
    (*out)->users++;
    return MIEN_OK;
fail:
    slabs->newest[index] = old;
    return status;
}

void slab_release(struct vk_device *device, struct graph_slab **slab)
{
    if (!*slab)
        return;
    (*slab)->users--;
    free_unused(device, *slab);
    *slab = NULL;
}

void slabs_clear(struct graph_slabs *slabs)
{
    for (uint32_t s = 0; s < PLAN_MAX_SLABS; s++) {
        if (!slabs->newest[s])
            continue;
        slabs->newest[s]->newest = false;
        free_unused(slabs->device, slabs->newest[s]);
        slabs->newest[s] = NULL;
    }
}
