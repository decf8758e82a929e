/* test_oom.c: device memory that runs out: by the mask's limit, by injected failures, and really. On a device with
 * memory of its own (also one without arithmetic) what does not fit goes to host memory. */
#include "vk/fixture.h"

static struct vk_instance *instance;
static struct vk_device *device;

enum { MIB = 1 << 20, MANY = 64 };

static struct vk_memory_stats stats(void)
{
    struct vk_memory_stats s;
    vk_memory_stats(device, &s);
    return s;
}

/* A block of the usual size cannot be had: then another type of memory, or one of exactly the size that is wanted. */
static void test_smaller(void)
{
    struct vk_range range;
    for (int kind = 0; kind < VK_MEMORY_KINDS; kind++) {
        vk_device_inject_oom(device, 1);
        clear_log();
        CHECK_OK(vk_alloc(device, (enum vk_memory)kind, 5 * MIB, "five", &range));
        CHECK(logged_count == 0);
        vk_free(device, &range);
    }
}

/* Room for the range, but not for a block of the usual size. */
static void test_tight(void)
{
    struct vk_range range;
    CHECK_OK(vk_device_clamp(device, "memory=10485760"));
    clear_log();
    CHECK_OK(vk_alloc(device, VK_MEMORY_DEVICE, 5 * MIB, "five", &range));
    CHECK(stats().reserved[VK_MEMORY_DEVICE] == 5 * MIB && stats().host_backed == 0 && logged_count == 0);
    vk_free(device, &range);
    CHECK_OK(vk_device_clamp(device, NULL));
}

/* Nothing at all can be had: one message, nothing taken, and the device goes on when memory is there again. */
static void test_none(enum vk_memory kind)
{
    struct vk_range range, kept;
    struct vk_memory_stats before;
    CHECK_OK(vk_alloc(device, kind, 3 * MIB, "kept", &kept));
    before = stats();
    vk_device_inject_oom(device, UINT32_MAX);
    clear_log();
    CHECK(vk_alloc(device, kind, 300 * MIB, "the text tower's activations", &range) == MIEN_ERR_DEVICE_MEMORY);
    CHECK(range.block == NULL && logged_count == 1);
    CHECK_LOGGED("for the text tower's activations on ");
    CHECK_LOGGED("300.0 MiB wanted, 3.0 MiB in use");
    CHECK_LOGGED("use a smaller batch");
    CHECK(stats().in_use[kind] == before.in_use[kind] && stats().reserved[kind] == before.reserved[kind]);
    CHECK(!vk_device_lost(device));
    vk_device_inject_oom(device, 0);
    CHECK_OK(vk_alloc(device, kind, 300 * MIB, "again", &range));
    vk_free(device, &range);
    vk_free(device, &kept);
}

/* A transfer that needs staging says so when there is none. */
static void test_staging(void)
{
    struct vk_range range;
    char data[100] = {0};
    CHECK_OK(vk_device_clamp(device, "-unified"));
    CHECK_OK(vk_alloc(device, VK_MEMORY_DEVICE, 100, "a tensor", &range));
    vk_device_inject_oom(device, UINT32_MAX);
    clear_log();
    CHECK(vk_upload(device, range, 0, data, sizeof data) == MIEN_ERR_DEVICE_MEMORY);
    CHECK_LOGGED("staging");
    vk_device_inject_oom(device, 0);
    CHECK_OK(vk_upload(device, range, 0, data, sizeof data));
    vk_free(device, &range);
    CHECK_OK(vk_device_clamp(device, NULL));
}

/* Fills the device up to the mask's limit. What exceeds it lies in host memory where there is other memory than the
 * device's, and is refused where there is none. */
static void test_limit(void)
{
    struct vk_range ranges[MANY];
    enum mien_status status = MIEN_OK;
    uint32_t count = 0;
    clear_log();
    CHECK_OK(vk_device_clamp(device, "memory=268435456"));
    CHECK(vk_memory_left(device) <= 256 * MIB);
    for (; count < MANY && status == MIEN_OK; count++)
        status = vk_alloc(device, VK_MEMORY_DEVICE, 8 * MIB, "a slab", &ranges[count]);
    struct vk_memory_stats s = stats();
    CHECK(s.reserved[VK_MEMORY_DEVICE] - s.host_backed <= 256 * MIB);
    CHECK(vk_memory_left(device) < 8 * MIB);
    CHECK(logged_count == 1);
    if (status != MIEN_OK) {
        CHECK(status == MIEN_ERR_DEVICE_MEMORY && s.host_backed == 0);
        CHECK(count > 200 / 8 && s.in_use[VK_MEMORY_DEVICE] <= 256 * MIB); /* most of it could be used */
        CHECK_LOGGED("256.0 MiB on the device");
        count--;
    } else {
        CHECK(s.host_backed > 0 && s.in_use[VK_MEMORY_DEVICE] == (uint64_t)MANY * 8 * MIB);
        CHECK_LOGGED("lie in host memory");
    }
    printf("%s: %u slabs of 8 MiB under a limit of 256, %.0f MiB in host memory\n", vk_device_caps(device)->name, count,
           (double)s.host_backed / MIB);
    for (uint32_t i = 0; i < count; i++)
        vk_free(device, &ranges[i]);
    CHECK(stats().in_use[VK_MEMORY_DEVICE] == 0);
    CHECK_OK(vk_device_clamp(device, NULL));
}

/* One piece larger than the device gives. */
static void test_piece(void)
{
    struct vk_range range;
    CHECK_OK(vk_device_clamp(device, "allocation=1048576"));
    clear_log();
    CHECK(vk_alloc(device, VK_MEMORY_DEVICE, 1048577, "a table", &range) == MIEN_ERR_DEVICE_MEMORY);
    CHECK_LOGGED("1.0 MiB at most in one piece");
    CHECK_OK(vk_alloc(device, VK_MEMORY_DEVICE, 1048576, "a table", &range));
    vk_free(device, &range);
    CHECK_OK(vk_device_clamp(device, NULL));
}

int main(void)
{
    const char *validate = getenv("MIEN_VALIDATE");
    uint32_t index = 0;
    mien_log_set(keep_log, NULL, MIEN_LOG_WARN);
    if (validate && strcmp(validate, "gpu") == 0)
        setenv("MIEN_VALIDATE", "1", 1); /* "gpu" gives every range a block of its own */
    if (vk_instance_create(NULL, &instance) != MIEN_OK || vk_instance_choose(instance, NULL, &index) != MIEN_OK ||
        vk_device_create(instance, index, NULL, &device) != MIEN_OK)
        CHECK_SKIP("no device: %s", logged);
    test_tight();
    test_smaller();
    test_none(VK_MEMORY_DEVICE);
    test_none(VK_MEMORY_READBACK);
    test_staging();
    test_limit();
    test_piece();
    CHECK(vk_instance_validation_messages(instance) == 0);
    vk_device_destroy(&device);
    vk_instance_destroy(&instance);
    return check_result();
}
