/* test_pipeline.c: the pipeline table, checks against the mask, subgroup sizes, checks of a dispatch. */
#include "vk/fixture.h"

static struct vk_instance *instance;
static struct vk_device *device;

static const uint32_t lanes_spirv[] = {
#include "lanes.inc"
};

static const uint32_t shared_spirv[] = {
#include "shared.inc"
};

static const uint32_t fixed_spirv[] = {
#include "fixed.inc"
};

static struct vk_kernel lanes_kernel(uint32_t local, uint32_t subgroup)
{
    return (struct vk_kernel){.name = "lanes",
                              .spirv = lanes_spirv,
                              .spirv_size = sizeof lanes_spirv,
                              .buffers = 1,
                              .spec_count = 3,
                              .spec = {local, 1, 1},
                              .subgroup_size = subgroup};
}

static void test_table(void)
{
    struct vk_kernel kernel = affine_kernel(64, 1), other = affine_kernel(64, 2), copy = kernel;
    struct vk_pipeline *a, *b, *c;
    CHECK_OK(vk_pipeline_get(device, &kernel, &a));
    CHECK_OK(vk_pipeline_get(device, &other, &b));
    CHECK_OK(vk_pipeline_get(device, &copy, &c));
    CHECK(a && b && a == c && a != b);
    copy.name = "another name";
    CHECK_OK(vk_pipeline_get(device, &copy, &c));
    CHECK(c != a);
}

static void check_refused(struct vk_kernel kernel, enum mien_status wanted, const char *part)
{
    struct vk_pipeline *pipeline = NULL;
    clear_log();
    CHECK(vk_pipeline_get(device, &kernel, &pipeline) == wanted);
    CHECK(pipeline == NULL);
    CHECK_LOGGED(part);
}

static void test_limits(void)
{
    struct vk_pipeline *pipeline;
    struct vk_kernel kernel = affine_kernel(128, 0);
    CHECK_OK(vk_device_clamp(device, "floor"));
    CHECK_OK(vk_pipeline_get(device, &kernel, &pipeline));
    kernel = affine_kernel(129, 0);
    check_refused(kernel, MIEN_ERR_UNSUPPORTED, "local size 129");
    kernel = affine_kernel(64, 0);
    kernel.spec[1] = 3;
    check_refused(kernel, MIEN_ERR_UNSUPPORTED, "192 invocations");
    kernel = affine_kernel(0, 0);
    check_refused(kernel, MIEN_ERR_UNSUPPORTED, "local size 0");
    kernel = affine_kernel(64, 0);
    kernel.buffers = 9;
    check_refused(kernel, MIEN_ERR_UNSUPPORTED, "9 storage buffers");
    kernel.buffers = VK_MAX_BUFFERS + 1;
    check_refused(kernel, MIEN_ERR_ARG, "13 buffers");
    kernel = affine_kernel(64, 0);
    kernel.push_size = 132;
    check_refused(kernel, MIEN_ERR_UNSUPPORTED, "pushes 132 bytes");
    kernel.push_size = 7;
    check_refused(kernel, MIEN_ERR_ARG, "multiple of 4");
    kernel = affine_kernel(64, 0);
    kernel.spirv_size = 3;
    check_refused(kernel, MIEN_ERR_ARG, "3 bytes are no SPIR-V");
    check_refused(lanes_kernel(64, 0), MIEN_ERR_UNSUPPORTED, "GroupNonUniform");
    CHECK_OK(vk_device_clamp(device, NULL));
}

/* What the module says is checked, not only what the plan says of it. */
static void test_module(void)
{
    struct vk_kernel kernel = {.name = "shared",
                               .spirv = shared_spirv,
                               .spirv_size = sizeof shared_spirv,
                               .buffers = 1,
                               .spec_count = 4,
                               .spec = {32, 1, 1, 16}};
    struct vk_pipeline *pipeline;
    CHECK_OK(vk_device_clamp(device, "shared=16384"));
    CHECK_OK(vk_pipeline_get(device, &kernel, &pipeline)); /* 4,368 bytes */
    kernel.spec[3] = 32;                                   /* 16,912 */
    check_refused(kernel, MIEN_ERR_UNSUPPORTED, "uses 16912 bytes of shared memory");
    kernel.spec[3] = 31; /* 15,888 */
    CHECK_OK(vk_pipeline_get(device, &kernel, &pipeline));
    kernel.spec_count = 3; /* the default, 2 */
    CHECK_OK(vk_pipeline_get(device, &kernel, &pipeline));
    CHECK_OK(vk_device_clamp(device, NULL));
    kernel.spec_count = 4;
    kernel.spec[3] = 5000; /* 400 MB, on any device */
    check_refused(kernel, MIEN_ERR_UNSUPPORTED, "uses 400080016 bytes of shared memory");
    kernel.buffers = 0;
    check_refused(kernel, MIEN_ERR_ARG, "uses binding 0, but has 0 buffers");
    kernel = (struct vk_kernel){.name = "fixed", .spirv = fixed_spirv, .spirv_size = sizeof fixed_spirv, .buffers = 1};
    CHECK_OK(vk_pipeline_get(device, &kernel, &pipeline));
    CHECK_OK(vk_device_clamp(device, "floor"));
    check_refused(kernel, MIEN_ERR_UNSUPPORTED, "256 invocations"); /* though it is made already */
    kernel.name = "another";
    check_refused(kernel, MIEN_ERR_UNSUPPORTED, "256 invocations");
    CHECK_OK(vk_device_clamp(device, NULL));
}

/* A workgroup of one subgroup whose barriers a driver is known to drop is refused; the same without barriers is not. */
static void test_barrier(void)
{
    struct vk_kernel kernel = {.name = "shared",
                               .spirv = shared_spirv,
                               .spirv_size = sizeof shared_spirv,
                               .buffers = 1,
                               .spec_count = 4,
                               .spec = {32, 1, 1, 2}};
    struct vk_kernel without = affine_kernel(32, 3);
    struct vk_pipeline *pipeline;
    CHECK_OK(vk_device_clamp(device, "barrier=33"));
    check_refused(kernel, MIEN_ERR_UNSUPPORTED, "kernel shared: 32 invocations per workgroup; barriers work on ");
    kernel.spec[0] = 33;
    CHECK_OK(vk_pipeline_get(device, &kernel, &pipeline));
    CHECK_OK(vk_pipeline_get(device, &without, &pipeline));
    CHECK_OK(vk_device_clamp(device, NULL));
}

/* Words that are no module, or a damaged one: refused before the driver sees them. */
static void test_damaged(void)
{
    uint32_t words[BASE_COUNT(shared_spirv)];
    struct vk_kernel kernel = {.name = "damaged",
                               .spirv = words,
                               .spirv_size = sizeof words,
                               .buffers = 1,
                               .spec_count = 4,
                               .spec = {32, 1, 1, 16}};
    memcpy(words, shared_spirv, sizeof words);
    words[0] ^= 1;
    check_refused(kernel, MIEN_ERR_ARG, "no SPIR-V module");
    words[0] ^= 1;
    words[1] = 0x00010400;
    check_refused(kernel, MIEN_ERR_UNSUPPORTED, "SPIR-V 1.4; drivers of Vulkan 1.1 take up to 1.3");
    words[1] = shared_spirv[1];
    words[6] = 22; /* the capability Int16, as what unpacks 16 or 8 bits by itself would declare */
    check_refused(kernel, MIEN_ERR_UNSUPPORTED, "SPIR-V capability 22 is not among those that Mien uses");
    words[6] = shared_spirv[6];
    words[3] = UINT32_MAX;
    check_refused(kernel, MIEN_ERR_ARG, "no SPIR-V module");
    words[3] = shared_spirv[3];
    kernel.spirv_size -= 12; /* without its end (OpReturn, OpFunctionEnd), and into the store before it */
    check_refused(kernel, MIEN_ERR_ARG, "is damaged");
    kernel.spirv_size = sizeof words;
    words[BASE_COUNT(words) - 1] = 0; /* an instruction of no words */
    check_refused(kernel, MIEN_ERR_ARG, "is damaged");
}

enum { LANES = 128 }; /* the floor's invocations, and the largest subgroup */

static void run_lanes(struct vk_pipeline *pipeline, uint32_t expected)
{
    struct vk_recording *recording = NULL;
    struct vk_range y;
    uint32_t out[LANES] = {0};
    uint64_t ticket = 0;
    CHECK_OK(vk_alloc(device, VK_MEMORY_DEVICE, sizeof out, "lanes", &y));
    CHECK_OK(vk_record_begin(device, "lanes", &recording));
    CHECK_OK(vk_record_dispatch(recording, pipeline, &y, 1, NULL, 0, (const uint32_t[]){1, 1, 1}));
    CHECK_OK(vk_record_end(recording));
    CHECK_OK(vk_submit(device, recording, &ticket));
    CHECK_OK(vk_wait(device, ticket));
    CHECK_OK(vk_download(device, y, 0, out, sizeof out));
    for (int i = 0; i < LANES; i++)
        CHECK(out[i] == expected);
    vk_recording_destroy(&recording);
    vk_free(device, &y);
}

/* The caps' promise holds: the size that they name is the one that a shader sees. */
static void test_subgroups(void)
{
    const struct vk_caps *caps = vk_device_caps(device);
    struct vk_kernel kernel = lanes_kernel(LANES, 0);
    struct vk_pipeline *pipeline;
    if (!(caps->features & VK_CAP_SUBGROUP))
        return;
    CHECK_OK(vk_pipeline_get(device, &kernel, &pipeline));
    run_lanes(pipeline, caps->subgroup_size);
    if (!(caps->features & VK_CAP_SUBGROUP_FULL))
        return;
    for (uint32_t size = caps->subgroup_min; size <= caps->subgroup_max; size *= 2) {
        kernel = lanes_kernel(LANES, size);
        CHECK_OK(vk_pipeline_get(device, &kernel, &pipeline));
        run_lanes(pipeline, size);
    }
    check_refused(lanes_kernel(LANES, caps->subgroup_max * 2), MIEN_ERR_UNSUPPORTED, "requires subgroups of");
    check_refused(lanes_kernel(LANES, 3), MIEN_ERR_UNSUPPORTED, "requires subgroups of 3");
    check_refused(lanes_kernel(caps->subgroup_min + 1, caps->subgroup_min), MIEN_ERR_ARG, "no multiple");
    CHECK_OK(vk_device_clamp(device, "-subgroup_full"));
    check_refused(lanes_kernel(LANES, caps->subgroup_size), MIEN_ERR_UNSUPPORTED, "");
    CHECK_OK(vk_device_clamp(device, NULL));
}

static void test_dispatch_checks(void)
{
    struct vk_recording *recording = NULL;
    struct vk_kernel kernel = affine_kernel(64, 0);
    struct vk_pipeline *pipeline;
    struct vk_range range, ranges[3] = {0};
    const struct affine_push push = {1, 1};
    const uint32_t one[3] = {1, 1, 1}, none[3] = {1, 0, 1};
    uint64_t ticket;
    CHECK_OK(vk_alloc(device, VK_MEMORY_DEVICE, 4096, "a test", &range));
    CHECK_OK(vk_pipeline_get(device, &kernel, &pipeline));
    CHECK_OK(vk_record_begin(device, "checks", &recording));
    ranges[0] = range;
    CHECK(vk_record_dispatch(recording, pipeline, ranges, 2, &push, 8, one) == MIEN_ERR_ARG);
    CHECK_LOGGED("buffer 1 is empty");
    ranges[1] = vk_subrange(range, 2048, 2048);
    CHECK(vk_record_dispatch(recording, pipeline, ranges, 3, &push, 8, one) == MIEN_ERR_ARG);
    CHECK(vk_record_dispatch(recording, pipeline, ranges, 2, &push, 4, one) == MIEN_ERR_ARG);
    CHECK(vk_record_dispatch(recording, pipeline, ranges, 2, &push, 8, none) == MIEN_ERR_UNSUPPORTED);
    CHECK_OK(vk_device_clamp(device, "groups=7,range=2000"));
    CHECK(vk_record_dispatch(recording, pipeline, ranges, 2, &push, 8, one) == MIEN_ERR_UNSUPPORTED);
    CHECK_LOGGED("split it by rows");
    ranges[0].size = ranges[1].size = 2000;
    CHECK(vk_record_dispatch(recording, pipeline, ranges, 2, &push, 8, (const uint32_t[]){1, 8, 1}) ==
          MIEN_ERR_UNSUPPORTED);
    CHECK_OK(vk_record_dispatch(recording, pipeline, ranges, 2, &push, 8, (const uint32_t[]){1, 7, 1}));
    CHECK_OK(vk_device_clamp(device, NULL));
    CHECK(vk_record_copy(recording, vk_subrange(range, 0, 512), vk_subrange(range, 256, 512)) == MIEN_ERR_ARG);
    CHECK(vk_submit(device, recording, &ticket) == MIEN_ERR_ARG);
    CHECK_OK(vk_record_end(recording));
    CHECK(vk_record_end(recording) == MIEN_ERR_ARG);
    CHECK(vk_record_barrier(recording) == MIEN_ERR_ARG);
    CHECK(vk_wait(device, 1000) == MIEN_ERR_ARG);
    vk_recording_destroy(&recording);
    vk_free(device, &range);
}

/* What the compiler says, where it does (tests/vendor); elsewhere it is said that it does not. */
static void test_statistics(void)
{
    struct vk_statistic list[64];
    struct vk_kernel kernel = affine_kernel(32, 77);
    struct vk_pipeline *before, *after;
    uint32_t count = 1;
    CHECK_OK(vk_pipeline_get(device, &kernel, &before));
    clear_log();
    CHECK(vk_pipeline_statistics(device, before, list, 64, &count) == MIEN_ERR_UNSUPPORTED && count == 0);
    CHECK_LOGGED("made without statistics");
    if (vk_device_keep_statistics(device) != MIEN_OK) {
        CHECK_LOGGED("gives no statistics");
        return;
    }
    kernel = affine_kernel(32, 78);
    CHECK_OK(vk_pipeline_get(device, &kernel, &after));
    CHECK_OK(vk_pipeline_statistics(device, after, list, 64, &count));
    CHECK(count > 1 && strcmp(list[0].name, "Subgroup size") == 0 && list[0].value > 0);
}

int main(void)
{
    uint32_t index = 0;
    mien_log_set(keep_log, NULL, MIEN_LOG_WARN);
    if (vk_instance_create(NULL, &instance) != MIEN_OK || vk_instance_choose(instance, NULL, &index) != MIEN_OK ||
        vk_device_create(instance, index, NULL, &device) != MIEN_OK)
        CHECK_SKIP("no device: %s", logged);
    test_table();
    test_limits();
    test_module();
    test_barrier();
    test_damaged();
    test_subgroups();
    clear_log();
    test_dispatch_checks();
    test_statistics();
    CHECK(vk_instance_validation_messages(instance) == 0);
    vk_device_destroy(&device);
    vk_instance_destroy(&instance);
    return check_result();
}
