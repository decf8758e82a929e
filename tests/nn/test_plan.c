/* Memory planned without a device is what the device's allocator counts once model and encoder are there. */
#include "check.h"
#include "device.h"

#include "base/capture.h"
#include "nn/encoder.h"

#include <stdlib.h>

static struct io_clip_config small_config(void)
{
    struct io_clip_config c;
    io_clip_config_default(&c);
    c.vision.tower = (struct io_tower_config){40, 96, 3, 2, IO_ACT_GELU, 1e-5};
    c.text.tower = (struct io_tower_config){36, 72, 2, 3, IO_ACT_QUICK_GELU, 1e-5};
    c.vision.image = 33;
    c.vision.patch = 11;
    c.text.vocab = 70001; /* a table of 10 MB: more than one staging buffer */
    c.text.context = 21;
    c.text.bos = 298;
    c.text.eos = c.text.pad = 299;
    c.embed = 24;
    return c;
}

static void encode(struct nn_encoder *encoder, uint32_t images, uint32_t texts, uint32_t length)
{
    int32_t ids[21];
    struct nn_text text[8];
    float *pixels = calloc(images ? images : 1, 3 * 33 * 33 * sizeof(float)), out[8 * 24];
    for (uint32_t t = 0; t < length; t++)
        ids[t] = t + 1 == length ? 299 : 298;
    for (uint32_t i = 0; i < texts; i++)
        text[i] = (struct nn_text){ids, length};
    if (images)
        CHECK_EQ(nn_encode_images(encoder, pixels, images, out), MIEN_OK);
    if (texts)
        CHECK_EQ(nn_encode_texts(encoder, text, texts, out), MIEN_OK);
    free(pixels);
}

/* On a device of its own: peaks are of all that was ever made there. */
static void test_allocator(const struct gpu *gpu, uint32_t images, uint32_t texts, uint32_t length,
                           enum mien_dtype precision)
{
    struct io_clip_config c = small_config();
    struct vk_device *device = NULL;
    struct nn_model *model = NULL;
    struct nn_encoder *encoder = NULL;
    struct nn_memory plan;
    struct vk_memory_stats stats;
    CHECK_EQ(vk_device_create(gpu->instance, gpu->index, NULL, &device), MIEN_OK);
    if (!device)
        return;
    CHECK_EQ(nn_encoder_plan(&c, precision, vk_device_caps(device), images, texts, length, &plan), MIEN_OK);
    CHECK_EQ(nn_model_create(device, &c, precision, &model), MIEN_OK);
    CHECK_EQ(nn_model_init(model, 1), MIEN_OK);
    CHECK_EQ(nn_encoder_create(model, &encoder), MIEN_OK);
    encode(encoder, images, texts, length);
    vk_memory_stats(device, &stats);
    printf("%u images, %u texts, %s: device %llu, host %llu\n", images, texts, mien_dtype_name(precision),
           (unsigned long long)plan.device, (unsigned long long)plan.host);
    CHECK_EQ(stats.peak[VK_MEMORY_DEVICE], plan.device);
    CHECK_EQ(stats.host_peak, plan.host);
    CHECK_EQ(plan.device, plan.parameters + plan.images + plan.texts);
    CHECK((plan.images > 0) == (images > 0) && (plan.texts > 0) == (texts > 0));
    nn_encoder_destroy(&encoder);
    nn_model_destroy(&model);
    vk_device_destroy(&device);
}

static struct io_clip_config vit_b32(void)
{
    struct io_clip_config c;
    io_clip_config_default(&c);
    c.vision.tower = (struct io_tower_config){768, 3072, 12, 12, IO_ACT_QUICK_GELU, 1e-5};
    c.text.tower = (struct io_tower_config){512, 2048, 12, 8, IO_ACT_QUICK_GELU, 1e-5};
    c.vision.image = 224;
    c.vision.patch = 32;
    c.text.vocab = 49408;
    c.text.context = 77;
    c.embed = 512;
    return c;
}

/* No driver is needed: ViT-B/32 on a typical device of each class. */
static void test_classes(void)
{
    const struct io_clip_config c = vit_b32();
    struct nn_memory one, many, half;
    for (enum vk_class class_ = VK_CLASS_DESKTOP; class_ <= VK_CLASS_SOFTWARE; class_++) {
        struct vk_caps caps;
        vk_caps_typical(class_, &caps);
        CHECK_EQ(vk_caps_check_floor(&caps), MIEN_OK);
        CHECK_EQ(nn_encoder_plan(&c, MIEN_F32, &caps, 1, 1, 77, &one), MIEN_OK);
        CHECK_EQ(nn_encoder_plan(&c, MIEN_F32, &caps, 32, 32, 77, &many), MIEN_OK);
        printf("ViT-B/32, %s: weights %.1f MiB, one image and text %.2f MiB, 32 of each %.1f MiB; host %.1f and %.1f "
               "MiB; %.2f GFLOP an image\n",
               caps.name, (double)one.parameters / 1048576, (double)(one.images + one.texts) / 1048576,
               (double)(many.images + many.texts) / 1048576, (double)one.host / 1048576, (double)many.host / 1048576,
               one.image_flops * 1e-9);
        /* 151,277,313 weights, of which each tensor begins at a multiple of 256 bytes */
        CHECK(one.parameters >= 151277313ull * 4 && one.parameters < 151277313ull * 4 + 400 * 256);
        /* an MLP's inner rows and the rows beside them are the least that is alive at once: [50, 3072 + 2 * 768] */
        CHECK(one.images > 50 * (3072 + 2 * 768) * 4ull && one.images < (4 << 20));
        CHECK(many.images > 16 * (one.images - (600 << 10)) && many.images < 32 * one.images);
        CHECK(one.image_flops > 8e9 && one.image_flops < 9.5e9);
        /* half of it, but for 0.28 million numbers of biases, norms and positions */
        CHECK_EQ(nn_encoder_plan(&c, MIEN_F16, &caps, 1, 1, 77, &half), MIEN_OK);
        CHECK(half.parameters > one.parameters / 2 && half.parameters < one.parameters / 2 + 300000 * 2);
        CHECK(half.images == one.images && half.texts == one.texts && half.image_flops == one.image_flops);
        CHECK_EQ(half.device, half.parameters + half.images + half.texts);
    }
}

static void test_refusals(void)
{
    struct io_clip_config c = small_config();
    struct nn_memory plan;
    struct vk_caps caps;
    vk_caps_typical(VK_CLASS_DESKTOP, &caps);
    capture_start();
    CHECK_EQ(nn_encoder_plan(&c, MIEN_F32, &caps, 1, 1, 22, &plan), MIEN_ERR_ARG);
    CHECK(captured_once("the model takes 1 to 21"));
    capture_start();
    CHECK_EQ(nn_encoder_plan(&c, MIEN_I32, &caps, 1, 1, 21, &plan), MIEN_ERR_ARG);
    CHECK(captured_once("cannot be stored as i32"));
    mien_log_set(NULL, NULL, MIEN_LOG_WARN);
}

int main(void)
{
    struct gpu gpu;
    test_classes();
    test_refusals();
    if (!gpu_find(&gpu)) {
        printf("no Vulkan device: only the plans were made\n");
        return check_result();
    }
    test_allocator(&gpu, 1, 0, 0, MIEN_F32);
    test_allocator(&gpu, 5, 3, 9, MIEN_F32);
    test_allocator(&gpu, 0, 8, 21, MIEN_F32);
    test_allocator(&gpu, 5, 3, 9, MIEN_F16);
    test_allocator(&gpu, 0, 8, 21, MIEN_BF16);
    gpu_close(&gpu);
    return check_result();
}
