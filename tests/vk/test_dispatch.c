/* test_dispatch.c: recording, dispatch, copies, slices, time stamps, replay; on the default device. */
#include "vk/fixture.h"

enum { N = 1000 };

static struct vk_instance *instance;
static struct vk_device *device;

static struct vk_range range_of(uint64_t size)
{
    struct vk_range range;
    CHECK_OK(vk_alloc(device, VK_MEMORY_DEVICE, size, "a test", &range));
    return range;
}

static void run(struct vk_recording *recording)
{
    uint64_t ticket = 0;
    CHECK_OK(vk_submit(device, recording, &ticket));
    CHECK_OK(vk_wait(device, ticket));
    CHECK(vk_done(device, ticket));
}

static void test_values(void)
{
    struct vk_recording *recording = NULL;
    struct vk_range x = range_of(N * 4), y = range_of(N * 4);
    float in[N], out[N];
    for (int i = 0; i < N; i++)
        in[i] = (float)i;
    CHECK_OK(vk_upload(device, x, 0, in, sizeof in));
    CHECK_OK(vk_record_begin(device, "values", &recording));
    CHECK_OK(record_affine(device, recording, x, y, N, 2, 3));
    CHECK_OK(vk_record_end(recording));
    run(recording);
    CHECK_OK(vk_download(device, y, 0, out, sizeof out));
    int wrong = 0;
    for (int i = 0; i < N; i++)
        wrong += out[i] != 2 * in[i] + 3;
    CHECK(wrong == 0);
    vk_recording_destroy(&recording);
    CHECK(recording == NULL);
    vk_free(device, &x);
    vk_free(device, &y);
    CHECK(x.block == NULL);
}

/* x -> y -> x in slices, replayed: x = 2 * (2 x + 1) + 1 each time. */
static void test_replay(void)
{
    enum { TIMES = 5 };
    struct vk_recording *recording = NULL;
    struct vk_record_stats stats;
    struct vk_memory_stats before, after;
    struct vk_range x = range_of(N * 4), y = range_of(N * 4);
    float out[N], expected = 0;
    uint64_t ticket = 0;
    CHECK_OK(vk_record_begin(device, "replay", &recording));
    CHECK_OK(record_affine(device, recording, x, y, N, 2, 1));
    CHECK_OK(vk_record_barrier(recording));
    CHECK_OK(vk_record_barrier(recording)); /* nothing between: no second one */
    CHECK_OK(record_affine(device, recording, y, x, N, 2, 1));
    CHECK_OK(vk_record_piece(recording));
    CHECK_OK(vk_record_barrier(recording)); /* for what stands in the piece before */
    CHECK_OK(vk_record_copy(recording, x, y));
    CHECK_OK(vk_record_end(recording));
    vk_recording_stats(recording, &stats);
    CHECK(stats.dispatches == 2 && stats.barriers == 2 && stats.copies == 1 && stats.pieces == 2);

    memset(out, 0, sizeof out);
    CHECK_OK(vk_upload(device, x, 0, out, sizeof out));
    run(recording); /* warm-up */
    expected = 3;
    uint64_t host = base_alloc_count();
    vk_memory_stats(device, &before);
    for (int i = 0; i < TIMES; i++) { /* in flight together */
        CHECK_OK(vk_submit(device, recording, &ticket));
        expected = 4 * expected + 3;
    }
    CHECK_OK(vk_wait(device, ticket));
    vk_memory_stats(device, &after);
    CHECK(base_alloc_count() == host);
    CHECK(memcmp(&before, &after, sizeof before) == 0);
    CHECK_OK(vk_download(device, y, 0, out, sizeof out));
    CHECK(out[0] == expected && out[N - 1] == expected);
    vk_recording_destroy(&recording);
    vk_free(device, &x);
    vk_free(device, &y);
}

static void test_fill(void)
{
    struct vk_recording *recording = NULL;
    struct vk_range range = range_of(1024);
    uint32_t out[256];
    CHECK_OK(vk_record_begin(device, "fill", &recording));
    CHECK_OK(vk_record_fill(recording, range, 7));
    CHECK_OK(vk_record_barrier(recording));
    CHECK_OK(vk_record_fill(recording, vk_subrange(range, 256, 4), 9));
    CHECK(vk_record_fill(recording, vk_subrange(range, 256, 3), 9) == MIEN_ERR_ARG);
    CHECK_OK(vk_record_end(recording));
    run(recording);
    CHECK_OK(vk_download(device, range, 0, out, sizeof out));
    CHECK(out[0] == 7 && out[63] == 7 && out[64] == 9 && out[65] == 7 && out[255] == 7);
    vk_recording_destroy(&recording);
    vk_free(device, &range);
}

static void test_times(void)
{
    enum { STAMPS = 600 }; /* more than one pool */
    struct vk_recording *recording = NULL;
    struct vk_range x = range_of(N * 4), y = range_of(N * 4);
    double ns[STAMPS];
    uint32_t index = 0;
    if (vk_device_caps(device)->timestamp_ns == 0)
        return;
    CHECK_OK(vk_record_begin(device, "times", &recording));
    for (uint32_t i = 0; i < STAMPS; i++) {
        if (i % 100 == 1)
            CHECK_OK(record_affine(device, recording, x, y, N, 2, 1));
        CHECK_OK(vk_record_timestamp(recording, &index));
        CHECK(index == i);
    }
    CHECK_OK(vk_record_end(recording));
    run(recording);
    run(recording);
    CHECK_OK(vk_recording_times(recording, ns, STAMPS));
    CHECK(ns[0] == 0);
    for (int i = 1; i < STAMPS; i++)
        CHECK(ns[i] >= ns[i - 1]);
    CHECK(ns[STAMPS - 1] > 0 && ns[STAMPS - 1] < 60e9);
    CHECK(vk_recording_times(recording, ns, STAMPS + 1) == MIEN_ERR_ARG);
    vk_recording_destroy(&recording);
    vk_free(device, &x);
    vk_free(device, &y);
}

/* More sets than the first descriptor pools hold, each with its own range. */
static void test_many(void)
{
    enum { MANY = 700 };
    struct vk_recording *recording = NULL;
    struct vk_range x = range_of(4), y = range_of(MANY * 256);
    float one = 1, out[MANY * 64];
    CHECK_OK(vk_upload(device, x, 0, &one, sizeof one));
    CHECK_OK(vk_record_begin(device, "many", &recording));
    for (uint32_t i = 0; i < MANY; i++)
        CHECK_OK(record_affine(device, recording, x, vk_subrange(y, i * 256, 4), 1, (float)i, 1));
    CHECK_OK(vk_record_end(recording));
    run(recording);
    CHECK_OK(vk_download(device, y, 0, out, sizeof out));
    int wrong = 0;
    for (uint32_t i = 0; i < MANY; i++)
        wrong += out[i * 64] != (float)i + 1;
    CHECK(wrong == 0);
    vk_recording_destroy(&recording);
    vk_free(device, &x);
    vk_free(device, &y);
}

/* A long recording cut into many pieces, each with its own work and time stamps, replayed in slices of all kinds. */
static void test_slices(void)
{
    enum { PIECES = 150 };
    static const double most[] = {1, 5, 0, 1};
    static const uint32_t slices[] = {PIECES, PIECES / 5, 1, PIECES};
    struct vk_recording *recording = NULL;
    struct vk_record_stats stats;
    struct vk_range range[2] = {range_of(N * 4), range_of(N * 4)};
    bool timed = vk_device_caps(device)->timestamp_ns > 0;
    double ns[2 * PIECES] = {0}, cost[PIECES];
    float out[N] = {0};
    uint32_t index = 0;
    CHECK_OK(vk_upload(device, range[0], 0, out, sizeof out));
    CHECK_OK(vk_record_begin(device, "slices", &recording));
    for (uint32_t i = 0; i < PIECES; i++) {
        cost[i] = 1;
        if (i)
            CHECK_OK(vk_record_piece(recording));
        CHECK_OK(vk_record_barrier(recording));
        if (timed)
            CHECK_OK(vk_record_timestamp(recording, &index));
        CHECK_OK(record_affine(device, recording, range[i % 2], range[1 - i % 2], N, 1, i));
        if (timed)
            CHECK_OK(vk_record_timestamp(recording, &index));
    }
    CHECK_OK(vk_record_end(recording));
    vk_recording_stats(recording, &stats);
    CHECK(stats.pieces == PIECES && stats.dispatches == PIECES && stats.barriers == PIECES - 1);
    run(recording);
    for (uint32_t i = 0; i < BASE_COUNT(most); i++) {
        CHECK(vk_recording_slice(recording, cost, most[i], NULL) == slices[i]);
        run(recording);
    }
    CHECK_OK(vk_download(device, range[PIECES % 2], 0, out, sizeof out));
    float sum = 5 * (PIECES * (PIECES - 1) / 2); /* each run adds 0 + 1 + ...: no piece overtakes another */
    CHECK(out[0] == sum && out[N - 1] == sum);
    if (timed) {
        CHECK_OK(vk_recording_times(recording, ns, 2 * PIECES));
        for (int i = 1; i < 2 * PIECES; i++)
            CHECK(ns[i] >= ns[i - 1]);
    }
    vk_recording_destroy(&recording);
    vk_free(device, &range[0]);
    vk_free(device, &range[1]);
}

/* Pieces are taken in order while they fit; one that is too long by itself stands alone. */
static void test_cuts(void)
{
    static const double cost[] = {3, 3, 4, 1, 12, 5, 5, 0.5};
    struct vk_recording *recording = NULL;
    CHECK_OK(vk_record_begin(device, "cuts", &recording));
    for (uint32_t i = 1; i < BASE_COUNT(cost); i++)
        CHECK_OK(vk_record_piece(recording));
    CHECK_OK(vk_record_end(recording));
    double longest = 0;
    CHECK(vk_recording_slice(recording, cost, 10, &longest) == 5 && longest == 12); /* 3 3 4, 1, 12, 5 5, 0.5 */
    CHECK(vk_recording_slice(recording, cost, 13, NULL) == 3);                      /* 3 3 4 1, 12, 5 5 0.5 */
    CHECK(vk_recording_slice(recording, cost, 34, NULL) == 1);
    CHECK(vk_recording_slice(recording, cost, 0.1, NULL) == 8);
    run(recording);
    vk_recording_destroy(&recording);
}

static void test_slice_limits(void)
{
    struct vk_caps caps = *vk_device_caps(device);
    caps.class_ = VK_CLASS_SOFTWARE;
    CHECK(vk_slice_limits(&caps).flops == 0 && vk_slice_limits(&caps).ms == 0);
    caps.class_ = VK_CLASS_MOBILE;
    struct vk_slice_limits mobile = vk_slice_limits(&caps);
    caps.class_ = VK_CLASS_DESKTOP;
    caps.type = VK_TYPE_INTEGRATED;
    struct vk_slice_limits integrated = vk_slice_limits(&caps);
    caps.type = VK_TYPE_DISCRETE;
    struct vk_slice_limits discrete = vk_slice_limits(&caps);
    CHECK(mobile.flops > 0 && mobile.flops < integrated.flops && integrated.flops < discrete.flops);
    CHECK(mobile.ms > 0 && mobile.ms < integrated.ms && integrated.ms < discrete.ms && discrete.ms <= 100);
}

int main(void)
{
    uint32_t index = 0;
    mien_log_set(keep_log, NULL, MIEN_LOG_WARN);
    if (vk_instance_create(NULL, &instance) != MIEN_OK || vk_instance_choose(instance, NULL, &index) != MIEN_OK ||
        vk_device_create(instance, index, NULL, &device) != MIEN_OK)
        CHECK_SKIP("no device: %s", logged);
    test_values();
    test_replay();
    test_fill();
    test_times();
    test_many();
    test_slices();
    test_cuts();
    test_slice_limits();
    CHECK(vk_instance_validation_messages(instance) == 0);
    vk_device_destroy(&device);
    vk_instance_destroy(&instance);
    CHECK(device == NULL && instance == NULL);
    return check_result();
}
