/* test_validate.c: the validation layers are heard: a planted hazard is reported, correct work is not. */
#include "vk/fixture.h"

enum { N = 256 };

/* The validation layers 1.3.239 leak some 36 kB of their own under GPU-assisted validation. */
const char *__lsan_default_options(void);
const char *__lsan_default_options(void)
{
    return "detect_leaks=0";
}

static struct vk_instance *instance;
static struct vk_device *device;

/* x -> y -> z, with or without the barrier between; the number of messages that it caused. */
static uint32_t run(bool barrier)
{
    struct vk_recording *recording = NULL;
    struct vk_range x, y, z;
    uint64_t ticket = 0;
    uint32_t before = vk_instance_validation_messages(instance);
    CHECK_OK(vk_alloc(device, VK_MEMORY_DEVICE, N * 4, "x", &x));
    CHECK_OK(vk_alloc(device, VK_MEMORY_DEVICE, N * 4, "y", &y));
    CHECK_OK(vk_alloc(device, VK_MEMORY_DEVICE, N * 4, "z", &z));
    CHECK_OK(vk_record_begin(device, "planted", &recording));
    CHECK_OK(record_affine(device, recording, x, y, N, 2, 1));
    if (barrier)
        CHECK_OK(vk_record_barrier(recording));
    CHECK_OK(record_affine(device, recording, y, z, N, 2, 1));
    CHECK_OK(vk_record_end(recording));
    for (int i = 0; i < 3; i++) /* between submissions too */
        CHECK_OK(vk_submit(device, recording, &ticket));
    CHECK_OK(vk_wait(device, ticket));
    vk_recording_destroy(&recording);
    vk_free(device, &x);
    vk_free(device, &y);
    vk_free(device, &z);
    return vk_instance_validation_messages(instance) - before;
}

/* Two recordings that hand memory to each other, and pieces of one. */
static uint32_t run_chain(void)
{
    struct vk_recording *recording[2] = {NULL, NULL};
    struct vk_range x, y;
    uint64_t ticket = 0;
    float data[N] = {0};
    uint32_t before = vk_instance_validation_messages(instance);
    CHECK_OK(vk_alloc(device, VK_MEMORY_DEVICE, N * 4, "x", &x));
    CHECK_OK(vk_alloc(device, VK_MEMORY_DEVICE, N * 4, "y", &y));
    CHECK_OK(vk_upload(device, x, 0, data, sizeof data));
    for (int i = 0; i < 2; i++) {
        CHECK_OK(vk_record_begin(device, "chain", &recording[i]));
        CHECK_OK(record_affine(device, recording[i], x, y, N, 2, 1));
        CHECK_OK(vk_record_piece(recording[i]));
        CHECK_OK(vk_record_barrier(recording[i]));
        CHECK_OK(record_affine(device, recording[i], y, x, N, 2, 1));
        CHECK_OK(vk_record_end(recording[i]));
    }
    for (int i = 0; i < 6; i++)
        CHECK_OK(vk_submit(device, recording[i % 2], &ticket));
    CHECK_OK(vk_download(device, x, 0, data, sizeof data));
    CHECK(data[0] == 4095); /* 12 times v -> 2 v + 1, from 0 */
    for (int i = 0; i < 2; i++)
        vk_recording_destroy(&recording[i]);
    vk_free(device, &x);
    vk_free(device, &y);
    return vk_instance_validation_messages(instance) - before;
}

/* A dispatch that writes `excess` elements past the end of what is bound; the number of messages. */
static uint32_t run_past_end(uint32_t excess)
{
    struct vk_recording *recording = NULL;
    struct vk_range x, y;
    uint64_t ticket = 0;
    uint32_t before = vk_instance_validation_messages(instance);
    CHECK_OK(vk_alloc(device, VK_MEMORY_DEVICE, 2 * N * 4, "x", &x));
    CHECK_OK(vk_alloc(device, VK_MEMORY_DEVICE, N * 4, "y", &y));
    CHECK_OK(vk_record_begin(device, "past the end", &recording));
    CHECK_OK(record_affine(device, recording, x, y, N + excess, 2, 1));
    CHECK_OK(vk_record_end(recording));
    CHECK_OK(vk_submit(device, recording, &ticket));
    CHECK_OK(vk_wait(device, ticket));
    vk_recording_destroy(&recording);
    vk_free(device, &x);
    vk_free(device, &y);
    return vk_instance_validation_messages(instance) - before;
}

/* MIEN_VALIDATE=gpu sees accesses beyond a range. */
static void test_gpu_assisted(void)
{
    uint32_t index = 0;
    setenv("MIEN_VALIDATE", "gpu", 1);
    CHECK_OK(vk_instance_create(NULL, &instance));
    CHECK_OK(vk_instance_choose(instance, NULL, &index));
    CHECK_OK(vk_device_create(instance, index, NULL, &device));
    if (!device)
        return;
    clear_log();
    CHECK(run_past_end(0) == 0);
    CHECK(run_past_end(1) > 0);
    CHECK_LOGGED("1027"); /* the last byte of element 256 */
    vk_device_destroy(&device);
    vk_instance_destroy(&instance);
}

int main(void)
{
    uint32_t index = 0;
    setenv("MIEN_VALIDATE", "1", 1);
    /* hazards between command buffers too, which these layers check only when asked to by this variable */
    setenv("VK_LAYER_ENABLES", "VALIDATION_CHECK_ENABLE_SYNCHRONIZATION_VALIDATION_QUEUE_SUBMIT", 1);
    mien_log_set(keep_log, NULL, MIEN_LOG_WARN);
    enum mien_status status = vk_instance_create(NULL, &instance);
    if (status == MIEN_ERR_UNSUPPORTED || status == MIEN_ERR_NO_DEVICE)
        CHECK_SKIP("no validation: %s", logged);
    CHECK_OK(status);
    CHECK(vk_instance_validating(instance));
    CHECK_OK(vk_instance_choose(instance, NULL, &index));
    CHECK_OK(vk_device_create(instance, index, &(struct mien_gpu_params){.caps = "-unified"}, &device));
    CHECK(run(true) == 0);
    CHECK(run_chain() == 0);
    if (check_failures)
        fprintf(stderr, "%s\n", logged);
    clear_log();
    CHECK(run(false) > 0);
    CHECK_LOGGED("SYNC-HAZARD-READ-AFTER-WRITE");
    vk_device_destroy(&device);
    vk_instance_destroy(&instance);
    test_gpu_assisted();
    return check_result();
}
