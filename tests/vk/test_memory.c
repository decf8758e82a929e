/* test_memory.c: ranges, blocks, statistics and exhaustion; transfers of odd sizes, direct and staged. */
#include "vk/fixture.h"

static struct vk_instance *instance;
static struct vk_device *device;

static uint64_t in_use(enum vk_memory kind)
{
    struct vk_memory_stats stats;
    vk_memory_stats(device, &stats);
    return stats.in_use[kind];
}

static void test_ranges(void)
{
    struct vk_range a, b, c, d;
    CHECK_OK(vk_alloc(device, VK_MEMORY_DEVICE, 1, "a", &a));
    CHECK_OK(vk_alloc(device, VK_MEMORY_DEVICE, 257, "b", &b));
    CHECK_OK(vk_alloc(device, VK_MEMORY_DEVICE, 256, "c", &c));
    CHECK(a.size == 1 && b.size == 257 && c.size == 256);
    CHECK(a.block == b.block && b.block == c.block);
    CHECK(a.offset % 256 == 0 && b.offset == a.offset + 256 && c.offset == b.offset + 512);
    CHECK(in_use(VK_MEMORY_DEVICE) == 256 + 512 + 256);
    uint64_t offset = a.offset;
    vk_free(device, &a);
    vk_free(device, &b); /* joins a's hole */
    CHECK_OK(vk_alloc(device, VK_MEMORY_DEVICE, 768, "d", &d));
    CHECK(d.offset == offset);
    vk_free(device, &d);
    vk_free(device, &c);
    vk_free(device, &c);
    CHECK(in_use(VK_MEMORY_DEVICE) == 0);
    CHECK(vk_alloc(device, VK_MEMORY_DEVICE, 0, "nothing", &d) == MIEN_ERR_ARG);
    CHECK(d.block == NULL);
}

/* Many live ranges of random sizes, against a list of what is taken: none may overlap; all comes back. */
static void test_random(void)
{
    enum { LIVE = 200, STEPS = 20000 };
    static struct vk_range live[LIVE];
    struct base_rng rng = base_rng_make(1, "test_memory", 0, 0);
    struct vk_memory_stats stats;
    uint64_t taken = 0;
    for (int step = 0; step < STEPS; step++) {
        struct vk_range *r = &live[base_rng_below(&rng, LIVE)];
        if (r->block) {
            taken -= base_round_up(r->size, 256);
            vk_free(device, r);
            continue;
        }
        CHECK_OK(vk_alloc(device, VK_MEMORY_DEVICE, 1 + base_rng_below(&rng, 5000), "random", r));
        taken += base_round_up(r->size, 256);
        for (int i = 0; i < LIVE; i++)
            if (&live[i] != r && live[i].block == r->block)
                CHECK(live[i].offset + live[i].size <= r->offset || r->offset + r->size <= live[i].offset);
        CHECK(in_use(VK_MEMORY_DEVICE) == taken);
    }
    for (int i = 0; i < LIVE; i++)
        vk_free(device, &live[i]);
    vk_memory_stats(device, &stats);
    CHECK(stats.in_use[VK_MEMORY_DEVICE] == 0 && stats.peak[VK_MEMORY_DEVICE] > 0);
    CHECK(stats.blocks == 1); /* 200 x 5,000 bytes fit into the first */
}

static void test_blocks(void)
{
    struct vk_memory_stats before, during, after;
    struct vk_range small, large;
    CHECK_OK(vk_alloc(device, VK_MEMORY_DEVICE, 100, "small", &small));
    vk_memory_stats(device, &before);
    CHECK_OK(vk_alloc(device, VK_MEMORY_DEVICE, 80 << 20, "large", &large));
    vk_memory_stats(device, &during);
    CHECK(large.block != small.block && large.offset == 0);
    CHECK(during.blocks == before.blocks + 1);
    CHECK(during.reserved[VK_MEMORY_DEVICE] >= before.reserved[VK_MEMORY_DEVICE] + (80 << 20));
    vk_free(device, &large);
    vk_free(device, &small);
    vk_memory_stats(device, &after); /* one empty block is kept */
    CHECK(after.reserved[VK_MEMORY_DEVICE] > 0 && after.reserved[VK_MEMORY_DEVICE] < during.reserved[VK_MEMORY_DEVICE]);
}

static void test_exhaustion(void)
{
    struct vk_range range;
    clear_log();
    CHECK(vk_alloc(device, VK_MEMORY_DEVICE, (uint64_t)1 << 50, "the whole world", &range) == MIEN_ERR_DEVICE_MEMORY);
    CHECK(range.block == NULL && logged_count == 1);
    CHECK_LOGGED("the whole world");
    CHECK_LOGGED("1073741824.0 MiB wanted");
    CHECK(vk_alloc(device, VK_MEMORY_UPLOAD, UINT64_MAX, "overflow", &range) == MIEN_ERR_DEVICE_MEMORY);
    CHECK(!vk_device_lost(device));
    CHECK_OK(vk_alloc(device, VK_MEMORY_DEVICE, 1000, "after it", &range));
    vk_free(device, &range);
}

static void test_map(void)
{
    struct vk_range up, down;
    CHECK_OK(vk_alloc(device, VK_MEMORY_UPLOAD, 300, "up", &up));
    CHECK_OK(vk_alloc(device, VK_MEMORY_READBACK, 300, "down", &down));
    CHECK(vk_map(&up) && vk_map(&down));
    memset(vk_map(&up), 1, 300);
    struct vk_range part = vk_subrange(up, 256, 44);
    CHECK((unsigned char *)vk_map(&part) == (unsigned char *)vk_map(&up) + 256);
    vk_free(device, &up);
    vk_free(device, &down);
}

/* Bytes at every odd place, nothing beside them touched. */
static void test_transfer(uint64_t size, uint64_t offset, uint64_t part)
{
    struct vk_range range;
    unsigned char *data = base_alloc(size, 1), *out = base_alloc(size, 1);
    CHECK_OK(vk_alloc(device, VK_MEMORY_DEVICE, size, "transfer", &range));
    memset(data, 0xee, size);
    CHECK_OK(vk_upload(device, range, 0, data, size));
    for (uint64_t i = 0; i < part; i++)
        data[offset + i] = (unsigned char)(i * 31 + (i >> 8) + 1);
    CHECK_OK(vk_upload(device, range, offset, data + offset, part));
    CHECK_OK(vk_download(device, range, 0, out, size));
    CHECK(memcmp(data, out, size) == 0);
    memset(out, 0, size);
    CHECK_OK(vk_download(device, range, offset, out, part));
    CHECK(memcmp(data + offset, out, part) == 0);
    CHECK(part == size || out[part] == 0);
    CHECK(vk_upload(device, range, 1, data, size) == MIEN_ERR_ARG);
    CHECK(vk_download(device, range, size + 1, out, 0) == MIEN_ERR_ARG);
    vk_free(device, &range);
    base_free(data);
    base_free(out);
}

static void test_transfers(void)
{
    const uint64_t sizes[] = {1, 2, 3, 4, 5, 255, 256, 257, 1023, 4097};
    for (size_t i = 0; i < BASE_COUNT(sizes); i++)
        for (uint64_t offset = 0; offset < 5 && offset < sizes[i]; offset++)
            test_transfer(sizes[i], offset, sizes[i] - offset);
    test_transfer(1000, 13, 1);
    test_transfer((20 << 20) + 7, 3, (17 << 20) + 1);       /* several staging buffers long */
    for (uint64_t n = 8 << 20; n <= 32 << 20; n += 8 << 20) /* whole staging buffers, and a byte beside them */
        for (uint64_t size = n - 1; size <= n + 1; size++)
            test_transfer(size, 0, size);
}

/* A loss in the midst of a transfer ends it; the device is only to be destroyed. */
static void test_lost_transfer(void)
{
    struct vk_range range;
    size_t size = 30 << 20;
    char *data = base_alloc(size, 1);
    CHECK_OK(vk_alloc(device, VK_MEMORY_DEVICE, size, "transfer", &range));
    CHECK_OK(vk_upload(device, range, 0, data, size));
    vk_device_inject_loss(device);
    clear_log();
    if (vk_map(&range)) { /* nothing is submitted */
        CHECK_OK(vk_download(device, range, 0, data, size));
    } else {
        CHECK(vk_upload(device, range, 0, data, size) == MIEN_ERR_DEVICE_LOST);
        CHECK(logged_count == 1 && vk_device_lost(device));
        CHECK(vk_download(device, range, 0, data, size) == MIEN_ERR_DEVICE_LOST);
        CHECK(logged_count == 1);
    }
    base_free(data);
}

static void run(const char *caps)
{
    uint32_t index = 0;
    CHECK_OK(vk_instance_choose(instance, NULL, &index));
    CHECK_OK(vk_device_create(instance, index, &(struct mien_gpu_params){.caps = caps}, &device));
    if (!device)
        return;
    test_ranges();
    test_random();
    test_blocks();
    test_exhaustion();
    test_map();
    test_transfers();
    test_lost_transfer();
    vk_device_destroy(&device);
}

int main(void)
{
    const char *validate = getenv("MIEN_VALIDATE");
    mien_log_set(keep_log, NULL, MIEN_LOG_WARN);
    if (validate && strcmp(validate, "gpu") == 0)
        setenv("MIEN_VALIDATE", "1", 1); /* "gpu" gives every range a block of its own */
    if (vk_instance_create(NULL, &instance) != MIEN_OK)
        CHECK_SKIP("no device: %s", logged);
    run(NULL);
    run("-unified"); /* as on a device whose memory the host does not see */
    CHECK(vk_instance_validation_messages(instance) == 0);
    vk_instance_destroy(&instance);
    return check_result();
}
