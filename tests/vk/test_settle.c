/* test_settle.c: modules in which the specialisation constants' values stand, as a driver without them gets. */
#include "vk/fixture.h"

static const uint32_t shared_spirv[] = {
#include "shared.inc"
};

enum { N = 500, LANES = 32 };
enum { DECORATE = 71, SPEC_ID = 1, SPEC_FIRST = 48, SPEC_LAST = 52, CONSTANT = 43, TYPE_ARRAY = 28 };

static struct vk_instance *instance;
static struct vk_device *device;

static struct vk_kernel shared_kernel(uint32_t n)
{
    return (struct vk_kernel){.name = "shared",
                              .spirv = shared_spirv,
                              .spirv_size = sizeof shared_spirv,
                              .buffers = 1,
                              .spec_count = 4,
                              .spec = {LANES, 1, 1, n}};
}

/* The value of an integer constant; 0 when there is none of this id. */
static uint32_t constant(const uint32_t *words, size_t count, uint32_t id)
{
    for (size_t at = 5; at < count; at += words[at] >> 16)
        if ((words[at] & 0xffff) == CONSTANT && words[at + 2] == id)
            return words[at + 3];
    return 0;
}

/* Nothing is left to specialise; the arrays are N (N + 1) and 4 long. */
static void check_words(uint32_t n, uint32_t given)
{
    struct vk_kernel kernel = shared_kernel(n);
    uint32_t *words = NULL, longest = 0;
    size_t size = 0;
    kernel.spec_count = given;
    CHECK_OK(vk_kernel_settle(&kernel, &words, &size));
    CHECK(words && size < sizeof shared_spirv && size % 4 == 0);
    for (size_t at = 5; words && at < size / 4; at += words[at] >> 16) {
        uint32_t op = words[at] & 0xffff;
        CHECK(op < SPEC_FIRST || op > SPEC_LAST);
        CHECK(op != DECORATE || words[at + 2] != SPEC_ID);
        if (op == TYPE_ARRAY)
            longest = BASE_MAX(longest, constant(words, size / 4, words[at + 3]));
    }
    CHECK(longest == (given == 4 ? n * (n + 1) : 6));
    base_free(words);
}

static void check_damaged(void)
{
    uint32_t copy[BASE_COUNT(shared_spirv)], *words = NULL;
    struct vk_kernel kernel = shared_kernel(2);
    size_t size = 1;
    memcpy(copy, shared_spirv, sizeof copy);
    copy[BASE_COUNT(copy) - 1] = 0; /* an instruction of no words */
    kernel.spirv = copy;
    CHECK(vk_kernel_settle(&kernel, &words, &size) == MIEN_ERR_ARG && !words && size == 0);
    CHECK_LOGGED("is damaged");
    copy[0] = 0;
    CHECK(vk_kernel_settle(&kernel, &words, &size) == MIEN_ERR_ARG);
}

static void run(struct vk_recording *recording)
{
    uint64_t ticket = 0;
    CHECK_OK(vk_record_end(recording));
    CHECK_OK(vk_submit(device, recording, &ticket));
    CHECK_OK(vk_wait(device, ticket));
}

/* Two values of one kernel give two pipelines, each with its own. */
static void check_affine(void)
{
    struct vk_recording *recording = NULL;
    struct vk_range x, y, z;
    float in[N], two[N], seven[N];
    for (int i = 0; i < N; i++)
        in[i] = (float)i;
    CHECK_OK(vk_alloc(device, VK_MEMORY_DEVICE, sizeof in, "a test", &x));
    CHECK_OK(vk_alloc(device, VK_MEMORY_DEVICE, sizeof in, "a test", &y));
    CHECK_OK(vk_alloc(device, VK_MEMORY_DEVICE, sizeof in, "a test", &z));
    CHECK_OK(vk_upload(device, x, 0, in, sizeof in));
    CHECK_OK(vk_record_begin(device, "affine", &recording));
    CHECK_OK(record_affine(device, recording, x, y, N, 3, 2));
    CHECK_OK(record_affine(device, recording, x, z, N, 3, 7));
    run(recording);
    CHECK_OK(vk_download(device, y, 0, two, sizeof two));
    CHECK_OK(vk_download(device, z, 0, seven, sizeof seven));
    for (int i = 0; i < N; i++)
        CHECK(two[i] == 3 * in[i] + 2 && seven[i] == 3 * in[i] + 7);
    vk_recording_destroy(&recording);
    vk_free(device, &x);
    vk_free(device, &y);
    vk_free(device, &z);
}

/* With the default array of 6 the 32 invocations would overwrite each other's element. */
static void check_shared(void)
{
    struct vk_kernel kernel = shared_kernel(6);
    struct vk_recording *recording = NULL;
    struct vk_pipeline *pipeline = NULL;
    struct vk_range y;
    uint32_t out[LANES] = {0};
    CHECK_OK(vk_alloc(device, VK_MEMORY_DEVICE, sizeof out, "a test", &y));
    CHECK_OK(vk_pipeline_get(device, &kernel, &pipeline));
    CHECK_OK(vk_record_begin(device, "shared", &recording));
    CHECK_OK(vk_record_dispatch(recording, pipeline, &y, 1, NULL, 0, (const uint32_t[]){1, 1, 1}));
    run(recording);
    CHECK_OK(vk_download(device, y, 0, out, sizeof out));
    for (uint32_t i = 0; i < LANES; i++)
        CHECK(out[i] == i);
    vk_recording_destroy(&recording);
    vk_free(device, &y);
}

int main(void)
{
    uint32_t index = 0;
    mien_log_set(keep_log, NULL, MIEN_LOG_WARN);
    check_words(6, 4);
    check_words(3, 4);
    check_words(6, 3);
    check_damaged();
    clear_log();
    if (vk_instance_create(NULL, &instance) != MIEN_OK || vk_instance_choose(instance, NULL, &index) != MIEN_OK ||
        vk_device_create(instance, index, &(struct mien_gpu_params){.caps = "-specialisation"}, &device) != MIEN_OK)
        CHECK_SKIP("no device: %s", logged);
    CHECK(!vk_device_caps(device)->specialises);
    check_affine();
    check_shared();
    CHECK(vk_instance_validation_messages(instance) == 0);
    vk_device_destroy(&device);
    vk_instance_destroy(&instance);
    return check_result();
}
