/* Models as large as published ones: embeddings against PyTorch's. Weights, pixels and tokens come from a hash, so that
 * only the embeddings are kept; the rules are those of tests/golden/make_sized.py. */
#include "check.h"
#include "device.h"

#include "io/safetensors.h"
#include "nn/encoder.h"
#include "nn/hashed.h"

#include <stdlib.h>

/* In any component of a row of unit length: the project's bar. fp32 gives 1e-7, tanh in place of exact GELU 3e-5. */
#define EMBED_MAX 1e-5

enum { ITEMS = 2 };

static enum mien_status embed_images(struct nn_encoder *encoder, uint32_t size, float *out)
{
    enum mien_status status = MIEN_OK;
    float *pixels = hashed_pixels(size, ITEMS);
    FAIL_IF_NULL(pixels, "pixels");
    TRY(nn_encode_images(encoder, pixels, ITEMS, out));
fail:
    base_free(pixels);
    return status;
}

/* Two texts: one fills the context, one has nine tokens. */
static enum mien_status embed_texts(struct nn_encoder *encoder, const struct io_clip_config *c, float *out)
{
    static int32_t ids[ITEMS][77];
    const uint32_t length[ITEMS] = {77, 9};
    struct nn_text texts[ITEMS];
    CHECK_EQ(c->text.context, 77);
    for (uint32_t row = 0; row < ITEMS; row++) {
        hashed_text(c, row, length[row], ids[row]);
        texts[row] = (struct nn_text){ids[row], length[row]};
    }
    return nn_encode_texts(encoder, texts, ITEMS, out);
}

/* Two clips of frames [2,8,E]. */
static enum mien_status embed_clips(struct nn_encoder *encoder, uint32_t embed, float *out)
{
    enum { FRAMES = 8 };
    static float frames[ITEMS * FRAMES * 768];
    hashed_fill("frames", (uint64_t)ITEMS * FRAMES * embed, 2, 0, frames);
    return nn_encode_clips(encoder, frames, ITEMS, FRAMES, out);
}

static void compare(const struct io_safetensors *file, const char *name, float *got, uint32_t embed)
{
    const struct io_tensor *tensor = io_safetensors_find(file, name);
    float want[ITEMS * 768];
    double most = 0;
    CHECK(tensor && tensor->count == (uint64_t)ITEMS * embed && tensor->count <= BASE_COUNT(want));
    if (!tensor || tensor->count > BASE_COUNT(want))
        return;
    io_tensor_read_f32(tensor, 0, tensor->count, want);
    nn_normalise_rows(got, ITEMS, embed);
    for (uint64_t i = 0; i < tensor->count; i++) {
        double d = fabs((double)got[i] - (double)want[i]);
        most = check_larger(most, isnan(d) ? INFINITY : d);
    }
    printf("  %s: largest difference %.2g\n", name, most);
    CHECK(most <= EMBED_MAX);
}

/* What nn_encoder_plan says is what the allocator counted, to the byte. */
static void compare_memory(struct vk_device *device, const struct io_clip_config *c)
{
    struct nn_memory plan;
    struct vk_memory_stats stats;
    CHECK_EQ(nn_encoder_plan(c, MIEN_F32, vk_device_caps(device), ITEMS, ITEMS, 77, &plan), MIEN_OK);
    vk_memory_stats(device, &stats);
    printf("  memory: device %.1f MiB, host %.1f MiB\n", (double)plan.device / 1048576, (double)plan.host / 1048576);
    CHECK_EQ(plan.device, stats.peak[VK_MEMORY_DEVICE]);
    CHECK_EQ(plan.host, stats.host_peak);
}

/* On a device of its own: peaks are of all that was ever made there. */
static void test_case(const struct gpu *gpu, const char *name)
{
    enum mien_status status = MIEN_OK;
    struct vk_device *device = NULL;
    struct io_safetensors *file = NULL;
    struct nn_model *model = NULL;
    struct nn_encoder *encoder = NULL;
    char path[512];
    float out[ITEMS * 768];
    printf("%s\n", name);
    snprintf(path, sizeof(path), "%s/tests/golden/sized/%s.safetensors", MIEN_SOURCE_DIR, name);
    TRY(io_safetensors_open(path, &file));
    TRY(vk_device_create(gpu->instance, gpu->index, NULL, &device));
    snprintf(path, sizeof(path), "%s/tests/golden/sized/%s.json", MIEN_SOURCE_DIR, name);
    TRY(hashed_model(device, path, &model));
    TRY(nn_encoder_create(model, &encoder));
    TRY(embed_images(encoder, model->config.vision.image, out));
    compare(file, "image_embeds", out, model->config.embed);
    TRY(embed_texts(encoder, &model->config, out));
    compare(file, "text_embeds", out, model->config.embed);
    if (!model->config.temporal.layers) {
        compare_memory(device, &model->config);
    } else {
        TRY(embed_clips(encoder, model->config.embed, out));
        compare(file, "clip_embeds", out, model->config.embed);
    }
fail:
    CHECK_EQ(status, MIEN_OK);
    nn_encoder_destroy(&encoder);
    nn_model_destroy(&model);
    vk_device_destroy(&device);
    io_safetensors_close(&file);
}

int main(void)
{
    struct gpu gpu;
    if (!gpu_find(&gpu))
        GPU_SKIP();
    test_case(&gpu, "emoclip");
    test_case(&gpu, "vit-b-16");
    test_case(&gpu, "vit-l-14");
    test_case(&gpu, "vit-l-14-336");
    test_case(&gpu, "vit-b-32");
    gpu_close(&gpu);
    return check_result();
}
