/* Batches of every size: each computes what is asked for and no more, gives each picture, text and clip the bits that
 * it has alone, and programs of many sizes do not add up to more memory than two of the largest. */
#include "check.h"
#include "device.h"

#include "nn/encoder.h"

enum { MOST = 40, SIDE = 16, PIXELS = 3 * SIDE * SIDE, E = 24, LENGTH = 7, FRAMES = 3 };

static struct vk_device *device;
static struct nn_model *model;
static struct nn_encoder *encoder;
static float input[MOST * PIXELS], alone[MOST * E], out[MOST * E];
static int32_t ids[MOST][LENGTH];
static struct nn_text texts[MOST];

static struct io_clip_config small_config(void)
{
    struct io_clip_config c;
    io_clip_config_default(&c);
    c.vision.tower = (struct io_tower_config){12, 24, 1, 2, IO_ACT_GELU, 1e-5};
    c.text.tower = (struct io_tower_config){12, 36, 2, 2, IO_ACT_QUICK_GELU, 1e-5};
    c.vision.image = SIDE;
    c.vision.patch = 8;
    c.text.vocab = 300;
    c.text.context = 10;
    c.text.bos = 298;
    c.text.eos = c.text.pad = 299;
    c.embed = E;
    c.temporal = (struct io_temporal_config){.layers = 1, .heads = 2, .head_dim = 12, .mlp = 24, .max_frames = 8};
    return c;
}

static enum mien_status encode_images(uint32_t first, uint32_t count, float *to)
{
    return nn_encode_images(encoder, input + (size_t)first * PIXELS, count, to);
}

static enum mien_status encode_texts(uint32_t first, uint32_t count, float *to)
{
    return nn_encode_texts(encoder, texts + first, count, to);
}

static enum mien_status encode_clips(uint32_t first, uint32_t count, float *to)
{
    return nn_encode_clips(encoder, input + (size_t)first * FRAMES * E, count, FRAMES, to);
}

static void test_sizes(const char *what, enum mien_status (*encode)(uint32_t first, uint32_t count, float *to))
{
    for (uint32_t i = 0; i < MOST; i++)
        CHECK_EQ(encode(i, 1, alone + i * E), MIEN_OK);
    for (uint32_t count = 1; count <= MOST; count++) {
        uint64_t before = nn_encoder_rows(encoder);
        memset(out, 0, sizeof(out));
        CHECK_EQ(encode(MOST - count, count, out), MIEN_OK);
        CHECK_EQ(nn_encoder_rows(encoder) - before, count);
        bool same = memcmp(out, alone + (MOST - count) * E, count * E * sizeof(*out)) == 0;
        if (!same)
            fprintf(stderr, "%u %s together are not what they are alone\n", count, what);
        CHECK(same);
    }
}

static void test_memory(const struct io_clip_config *c)
{
    struct nn_memory plan;
    struct vk_memory_stats stats;
    vk_memory_stats(device, &stats);
    CHECK_EQ(nn_encoder_plan(c, MIEN_F32, vk_device_caps(device), 32, 0, 0, &plan), MIEN_OK);
    uint64_t weights = stats.in_use[VK_MEMORY_DEVICE], most = 0;
    for (uint32_t count = 1; count <= 32; count++) {
        CHECK_EQ(encode_images(0, count, out), MIEN_OK);
        vk_memory_stats(device, &stats);
        most = BASE_MAX(most, stats.in_use[VK_MEMORY_DEVICE] - weights);
    }
    printf("programs of 1 to 32 images: at most %.2f of one of 32\n", (double)most / (double)plan.images);
    CHECK(most > plan.images && most < plan.images * 9 / 4); /* each tensor begins at a multiple of 256 */
}

int main(void)
{
    const struct io_clip_config c = small_config();
    struct base_rng rng = base_rng_make(1, "batches", 0, 0);
    struct gpu gpu;
    if (!gpu_open(&gpu))
        GPU_SKIP();
    device = gpu.device;
    for (size_t i = 0; i < BASE_COUNT(input); i++)
        input[i] = (float)base_rng_normal(&rng);
    for (uint32_t i = 0; i < MOST; i++) {
        texts[i] = (struct nn_text){ids[i], LENGTH};
        for (uint32_t t = 0; t < LENGTH; t++)
            ids[i][t] = t == 0 ? 298 : t + 1 == LENGTH ? 299 : (int32_t)(i + 7 * t);
    }
    CHECK_EQ(nn_model_create(device, &c, MIEN_F32, &model), MIEN_OK);
    CHECK_EQ(nn_model_init(model, 2), MIEN_OK);
    CHECK_EQ(nn_encoder_create(model, &encoder), MIEN_OK);
    if (encoder) {
        test_memory(&c);
        test_sizes("images", encode_images);
        test_sizes("texts", encode_texts);
        test_sizes("clips", encode_clips);
    }
    nn_encoder_destroy(&encoder);
    nn_model_destroy(&model);
    gpu_close(&gpu);
    return check_result();
}
