/* test_texel.c: uniform texel buffers: what a kernel reads through them is what is in the range, to the bit; the module
 * alone says which bindings are some; ranges that are none; dispatches with and without them in one recording. */
#include "vk/fixture.h"
#include "vk/vk_internal.h"

static const uint32_t texels_spirv[] = {
#include "texels.inc"
};

enum { QUADS = 300, WORDS = 4 * QUADS };

static struct vk_instance *instance;
static struct vk_device *device;

static const struct vk_kernel texels_kernel = {.name = "texels",
                                               .spirv = texels_spirv,
                                               .spirv_size = sizeof texels_spirv,
                                               .buffers = 4,
                                               .push_size = 4,
                                               .spec_count = 3,
                                               .spec = {64, 1, 1}};

static struct vk_range range_of(uint64_t size)
{
    struct vk_range range;
    CHECK_OK(vk_alloc(device, VK_MEMORY_DEVICE, size, "a test", &range));
    return range;
}

static enum mien_status record_texels(struct vk_recording *recording, struct vk_range quads, struct vk_range pairs,
                                      struct vk_range y, struct vk_range z, uint32_t n)
{
    struct vk_pipeline *pipeline = NULL;
    const struct vk_range ranges[] = {y, quads, pairs, z};
    const uint32_t groups[3] = {(n + 63) / 64, 1, 1};
    enum mien_status status = vk_pipeline_get(device, &texels_kernel, &pipeline);
    return status ? status : vk_record_dispatch(recording, pipeline, ranges, 4, &n, 4, groups);
}

static void run(struct vk_recording *recording)
{
    uint64_t ticket = 0;
    CHECK_OK(vk_submit(device, recording, &ticket));
    CHECK_OK(vk_wait(device, ticket));
}

/* Numbers of all sizes; no NaN and no denormals, which a format of floats need not keep. */
static void fill(uint32_t words[], uint32_t count, uint32_t seed)
{
    for (uint32_t i = 0; i < count; i++)
        words[i] = (i * 2654435761u + seed) % 0x7f000000u + 0x00800000u;
}

/* Views of the whole and of a part; through a second kernel's writes, in a recording that is run twice. */
static void test_values(void)
{
    enum { AT = 64, PART = QUADS - AT };
    struct vk_recording *recording = NULL;
    struct vk_range x = range_of(WORDS * 4), copy = range_of(WORDS * 4), y = range_of(WORDS * 4),
                    z = range_of(WORDS * 4);
    static uint32_t in[WORDS], out[WORDS], words[WORDS];
    CHECK_OK(vk_record_begin(device, "texels", &recording));
    CHECK_OK(record_affine(device, recording, x, copy, WORDS, 1, 0));
    CHECK_OK(vk_record_barrier(recording));
    CHECK_OK(record_texels(recording, vk_subrange(x, AT * 16, PART * 16), copy, y, z, PART));
    CHECK_OK(vk_record_end(recording));
    for (uint32_t turn = 0; turn < 2; turn++) {
        fill(in, WORDS, turn);
        CHECK_OK(vk_upload(device, x, 0, in, sizeof in));
        run(recording);
        CHECK_OK(vk_download(device, y, 0, out, PART * 16));
        CHECK_OK(vk_download(device, z, 0, words, PART * 16));
        CHECK(memcmp(out, in + AT * 4, PART * 16) == 0);
        CHECK(memcmp(words, in, PART * 16) == 0);
    }
    vk_recording_destroy(&recording);
    vk_free(device, &x);
    vk_free(device, &copy);
    vk_free(device, &y);
    vk_free(device, &z);
}

/* More sets than one pool holds, of two kinds; the last of them is what counts. */
static void test_many(void)
{
    enum { TIMES = 400 };
    struct vk_recording *recording = NULL;
    struct vk_range x = range_of(WORDS * 4), y = range_of(WORDS * 4), z = range_of(WORDS * 4);
    static uint32_t in[WORDS], out[WORDS];
    fill(in, WORDS, 7);
    CHECK_OK(vk_upload(device, x, 0, in, sizeof in));
    CHECK_OK(vk_record_begin(device, "many", &recording));
    for (uint32_t i = 0; i < TIMES; i++) {
        CHECK_OK(record_affine(device, recording, x, y, WORDS, 3, 1));
        CHECK_OK(vk_record_barrier(recording));
        CHECK_OK(record_texels(recording, x, x, y, z, QUADS));
        CHECK_OK(vk_record_barrier(recording));
    }
    CHECK_OK(vk_record_end(recording));
    run(recording);
    CHECK_OK(vk_download(device, y, 0, out, sizeof out));
    CHECK(memcmp(out, in, sizeof in) == 0);
    vk_recording_destroy(&recording);
    vk_free(device, &x);
    vk_free(device, &y);
    vk_free(device, &z);
}

static void test_module(void)
{
    struct vk_pipeline_form form;
    struct vk_kernel affine = affine_kernel(64, 0);
    CHECK_OK(vk_pipeline_form(device, &texels_kernel, &form));
    CHECK(form.texels == 6 && (form.features & VK_CAP_TEXEL));
    CHECK_OK(vk_pipeline_form(device, &affine, &form));
    CHECK(form.texels == 0 && !(form.features & VK_CAP_TEXEL));
}

static void test_refused(void)
{
    struct vk_recording *recording = NULL;
    struct vk_range x = range_of(WORDS * 4), y = range_of(WORDS * 4);
    const struct vk_caps caps = device->caps;
    CHECK_OK(vk_record_begin(device, "refused", &recording));
    clear_log();
    CHECK(record_texels(recording, vk_subrange(x, 0, 24), x, y, y, 1) == MIEN_ERR_ARG);
    CHECK_LOGGED("texel buffer 1 has 24 bytes, no multiple of 16");
    CHECK(record_texels(recording, x, vk_subrange(x, 0, 28), y, y, 1) == MIEN_ERR_ARG);
    CHECK_LOGGED("texel buffer 2 has 28 bytes, no multiple of 8");
    device->caps.max_texels = QUADS;
    CHECK(record_texels(recording, x, x, y, y, 1) == MIEN_ERR_UNSUPPORTED);
    CHECK_LOGGED("texel buffer 2 has 600 texels");
    device->caps = caps;
    CHECK_OK(vk_device_clamp(device, "-texel"));
    clear_log();
    CHECK(record_texels(recording, x, x, y, y, 1) == MIEN_ERR_UNSUPPORTED);
    CHECK_LOGGED("SampledBuffer");
    CHECK_OK(vk_device_clamp(device, NULL));
    vk_recording_destroy(&recording);
    vk_free(device, &x);
    vk_free(device, &y);
}

static PFN_vkCreateBufferView create_view;
static uint32_t views_left;

static VKAPI_ATTR VkResult VKAPI_CALL few_views(VkDevice handle, const VkBufferViewCreateInfo *info,
                                                const VkAllocationCallbacks *callbacks, VkBufferView *out)
{
    if (views_left--)
        return create_view(handle, info, callbacks, out);
    *out = (VkBufferView)(uintptr_t)0xdead;
    return VK_ERROR_OUT_OF_HOST_MEMORY;
}

/* What a driver leaves where it made no view is not destroyed; the one before it is. */
static void test_no_view(void)
{
    struct vk_recording *recording = NULL;
    struct vk_range x = range_of(WORDS * 4);
    create_view = device->fn.vkCreateBufferView;
    device->fn.vkCreateBufferView = few_views;
    views_left = 1;
    CHECK_OK(vk_record_begin(device, "no view", &recording));
    CHECK(record_texels(recording, x, x, x, x, 1) == MIEN_ERR_NOMEM);
    vk_recording_destroy(&recording);
    device->fn.vkCreateBufferView = create_view;
    vk_free(device, &x);
}

int main(void)
{
    uint32_t index = 0;
    mien_log_set(keep_log, NULL, MIEN_LOG_WARN);
    if (vk_instance_create(NULL, &instance) != MIEN_OK || vk_instance_choose(instance, NULL, &index) != MIEN_OK ||
        vk_device_create(instance, index, NULL, &device) != MIEN_OK)
        CHECK_SKIP("no device: %s", logged);
    if (!(vk_device_caps(device)->features & VK_CAP_TEXEL))
        CHECK_SKIP("no texel buffers on %s", vk_device_caps(device)->name);
    test_module();
    test_values();
    test_many();
    test_refused();
    test_no_view();
    if (vk_instance_validation_messages(instance))
        fprintf(stderr, "%s\n", logged);
    CHECK(vk_instance_validation_messages(instance) == 0);
    vk_device_destroy(&device);
    vk_instance_destroy(&instance);
    return check_result();
}
