/* test_devices.c: devices side by side: two instances, two devices in turn, two threads with a device each. */
#include "vk/fixture.h"

enum { N = 5000, ROUNDS = 20 };

struct work {
    struct vk_device *device;
    struct vk_recording *recording;
    struct vk_range x, y;
    uint32_t b;
    bool right;
};

static void prepare(struct work *work)
{
    float in[N];
    for (int i = 0; i < N; i++)
        in[i] = (float)i;
    CHECK_OK(vk_alloc(work->device, VK_MEMORY_DEVICE, sizeof in, "x", &work->x));
    CHECK_OK(vk_alloc(work->device, VK_MEMORY_DEVICE, sizeof in, "y", &work->y));
    CHECK_OK(vk_upload(work->device, work->x, 0, in, sizeof in));
    CHECK_OK(vk_record_begin(work->device, "work", &work->recording));
    CHECK_OK(record_affine(work->device, work->recording, work->x, work->y, N, 3, work->b));
    CHECK_OK(vk_record_end(work->recording));
}

static void finish(struct work *work)
{
    vk_recording_destroy(&work->recording);
    vk_free(work->device, &work->x);
    vk_free(work->device, &work->y);
    vk_device_destroy(&work->device);
}

/* No CHECK here: it counts without a lock. */
static bool run_once(struct work *work)
{
    static const float zero[N];
    float out[N];
    uint64_t ticket = 0;
    if (vk_upload(work->device, work->y, 0, zero, sizeof out) || vk_submit(work->device, work->recording, &ticket) ||
        vk_wait(work->device, ticket) || vk_download(work->device, work->y, 0, out, sizeof out))
        return false;
    for (int i = 0; i < N; i++)
        if (out[i] != 3 * (float)i + (float)work->b)
            return false;
    return true;
}

static void run_thread(void *user)
{
    struct work *work = user;
    work->right = true;
    for (int i = 0; i < ROUNDS; i++)
        work->right = run_once(work) && work->right;
}

static void test_foreign(struct work *a, struct work *b)
{
    struct vk_recording *recording = NULL;
    uint64_t ticket;
    CHECK(vk_submit(b->device, a->recording, &ticket) == MIEN_ERR_ARG);
    CHECK_OK(vk_record_begin(a->device, "foreign", &recording));
    CHECK(record_affine(a->device, recording, a->x, b->y, N, 1, 0) == MIEN_ERR_ARG);
    vk_recording_destroy(&recording);
}

int main(void)
{
    struct vk_instance *instance = NULL, *second = NULL;
    struct work work[2] = {{.b = 1}, {.b = 2}};
    struct base_thread *threads[2] = {NULL, NULL};
    mien_log_set(keep_log, NULL, MIEN_LOG_WARN);
    if (vk_instance_create(NULL, &instance) != MIEN_OK)
        CHECK_SKIP("no device: %s", logged);
    CHECK_OK(vk_instance_create(NULL, &second));
    uint32_t other = vk_instance_device_count(instance) > 1 ? 1 : 0;
    CHECK_OK(vk_device_create(instance, 0, NULL, &work[0].device));
    CHECK_OK(vk_device_create(second, other, NULL, &work[1].device));
    prepare(&work[0]);
    prepare(&work[1]);
    for (int i = 0; i < 4; i++)
        CHECK(run_once(&work[i % 2]));
    test_foreign(&work[0], &work[1]);
    for (int i = 0; i < 2; i++)
        CHECK_OK(base_thread_start(&threads[i], run_thread, &work[i]));
    for (int i = 0; i < 2; i++)
        base_thread_join(&threads[i]);
    CHECK(work[0].right && work[1].right);
    CHECK(vk_instance_validation_messages(instance) + vk_instance_validation_messages(second) == 0);
    finish(&work[0]);
    CHECK(run_once(&work[1])); /* not disturbed by the other's end */
    vk_instance_destroy(&instance);
    CHECK(run_once(&work[1]));
    finish(&work[1]);
    vk_instance_destroy(&second);
    return check_result();
}
