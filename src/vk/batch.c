/* batch.c: the driver's compiler over many pipelines, on all cores. Who asks for them takes part until his own are
 * made; those that he needs later are made by other threads while he goes on. */
#include "vk/vk_internal.h"

enum mien_status vk_batch_create(struct vk_device *device, struct vk_batch **out)
{
    enum mien_status status = MIEN_OK;
    struct vk_batch *batch = *out = base_alloc(1, sizeof *batch);
    FAIL_IF_NULL(batch, "pipelines");
    batch->device = device;
    atomic_store(&batch->failed, UINT32_MAX);
    TRY(base_mutex_create(&batch->mutex));
    TRY(base_cond_create(&batch->cond));
fail:
    return status;
}

/* On any thread: says nothing and touches nothing of the device's own. Vulkan lets threads share the cache. */
static void compile(struct vk_batch *batch, uint32_t i)
{
    struct vk_device *device = batch->device;
    struct vk_making *making = &batch->making[i];
    struct vk_pipeline *pipeline = making->pipeline;
    uint32_t first = atomic_load(&batch->failed);
    if (i > first)
        return;
    making->result = device->fn.vkCreateComputePipelines(device->handle, device->cache, 1, &making->infos->pipeline,
                                                         NULL, &pipeline->handle);
    if (making->result == VK_SUCCESS && !pipeline->handle) /* compilers that fail in part have said so */
        making->result = VK_ERROR_UNKNOWN;
    if (making->result == VK_SUCCESS)
        return;
    pipeline->handle = VK_NULL_HANDLE; /* what a driver leaves there */
    while (i < first && !atomic_compare_exchange_weak(&batch->failed, &first, i))
        ;
}

/* Takes pipelines in their order, as long as there are some before `end`. */
static void work(struct vk_batch *batch, uint32_t end)
{
    uint32_t i = atomic_load(&batch->next);
    while (i < end) {
        if (!atomic_compare_exchange_weak(&batch->next, &i, i + 1))
            continue;
        compile(batch, i);
        if (i < batch->own) {
            base_mutex_lock(batch->mutex);
            if (++batch->done == batch->own)
                base_cond_signal(batch->cond);
            base_mutex_unlock(batch->mutex);
        }
        i = atomic_load(&batch->next);
    }
}

static void work_off(void *user, uint32_t thread)
{
    struct vk_batch *batch = user;
    (void)thread;
    work(batch, (uint32_t)batch->count);
}

static uint32_t threads_for(size_t count)
{
    return (uint32_t)BASE_MIN(count, (size_t)base_cpu_count());
}

/* All cores but the caller's. */
static void help(void *user)
{
    struct vk_batch *batch = user;
    uint32_t threads = threads_for(batch->count - 1);
    base_parallel_for(threads, BASE_MIN(threads, base_cpu_count() - 1), work_off, batch);
}

/* With somebody to go on when the caller's own are made; where there is nobody, those for later are left out. */
static void run_ahead(struct vk_batch *batch)
{
    enum mien_log_level before = base_log_soften(MIEN_LOG_DEBUG);
    if (base_thread_start(&batch->helper, help, batch) != MIEN_OK)
        atomic_store(&batch->failed, batch->own);
    base_log_soften(before);
    work(batch, batch->own);
    base_mutex_lock(batch->mutex);
    while (batch->done < batch->own)
        base_cond_wait(batch->cond, batch->mutex);
    base_mutex_unlock(batch->mutex);
}

enum mien_status vk_batch_run(struct vk_batch **pointer)
{
    struct vk_batch *batch = *pointer;
    struct vk_device *device = batch->device;
    bool ahead = batch->count > batch->own;
    uint32_t threads = threads_for(batch->count);
    if (ahead) {
        vk_batch_settle(device, true);
        run_ahead(batch);
    } else {
        base_parallel_for(threads, threads, work_off, batch);
    }
    uint32_t first = atomic_load(&batch->failed);
    if (first >= batch->own) {
        if (batch->helper)
            device->ahead = batch;
        else
            vk_batch_end(pointer);
        *pointer = NULL;
        return MIEN_OK;
    }
    LOG_ERROR("kernel %s does not compile on %s", batch->making[first].pipeline->name, device->caps.name);
    return vk_result_fail(device, batch->making[first].result, "vkCreateComputePipelines(", __FILE__, __LINE__);
}

/* Those before the first that failed stay, as when they are made one by one. */
void vk_batch_end(struct vk_batch **pointer)
{
    struct vk_batch *batch = *pointer;
    struct vk_device *device = batch->device;
    base_thread_join(&batch->helper);
    uint32_t failed = atomic_load(&batch->failed);
    for (size_t i = 0; i < batch->count; i++) {
        struct vk_making *making = &batch->making[i];
        making->pipeline->batch = NULL;
        if (making->module)
            device->fn.vkDestroyShaderModule(device->handle, making->module, NULL);
        if (making->infos)
            vk_pipeline_infos_clear(making->infos);
        base_free(making->infos);
        if (i >= failed || !making->pipeline->handle)
            vk_pipeline_drop(device, making->pipeline);
    }
    base_cond_destroy(&batch->cond);
    base_mutex_destroy(&batch->mutex);
    base_free(batch->making);
    base_free(batch);
    *pointer = NULL;
}

void vk_batch_settle(struct vk_device *device, bool all)
{
    if (!device->ahead)
        return;
    if (all)
        work(device->ahead, (uint32_t)device->ahead->count);
    else
        atomic_store(&device->ahead->next, (uint32_t)device->ahead->count);
    vk_batch_end(&device->ahead);
}
