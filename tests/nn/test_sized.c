/* Models as large as published ones: embeddings against PyTorch's. Weights, pixels and tokens come from a hash, so that
 * only the embeddings are kept; the rules are those of tests/golden/make_sized.py. */
#include "check.h"

#include "io/safetensors.h"
#include "nn/encoder.h"

#include <stdlib.h>

/* In any component of a row of unit length: the project's bar. fp32 gives 1e-7, tanh in place of exact GELU 3e-5. */
#define EMBED_MAX 1e-5

enum { ITEMS = 2, RUN = 3000 };

static uint32_t name_hash(const char *name)
{
    uint32_t h = 0x811C9DC5u;
    for (; *name; name++)
        h = (h ^ (unsigned char)*name) * 0x01000193u;
    return h;
}

static uint32_t hashed(uint32_t name, uint64_t i)
{
    uint32_t x = (uint32_t)i * 0x9E3779B1u + name;
    x = (x ^ x >> 16) * 0x85EBCA6Bu;
    x = (x ^ x >> 13) * 0xC2B2AE35u;
    return x ^ x >> 16;
}

static void fill(const char *name, uint64_t count, double spread, float offset, float *out)
{
    uint32_t h = name_hash(name);
    float factor = (float)(spread / (1 << 23));
    for (uint64_t i = 0; i < count; i++) {
        float scaled = (float)((int32_t)(hashed(h, i) >> 8) - (1 << 23)) * factor;
        out[i] = scaled + offset;
    }
}

static bool ends(const char *name, const char *end)
{
    size_t length = strlen(name), tail = strlen(end);
    return length >= tail && strcmp(name + length - tail, end) == 0;
}

static void fill_param(const struct nn_param *param, float *out)
{
    const struct tensor_shape *shape = &param->value.shape;
    const char *name = param->name;
    uint64_t count = tensor_shape_count(shape);
    if (strstr(name, "norm") && ends(name, ".weight"))
        fill(name, count, 0.2, 1, out);
    else if (ends(name, "position_embedding.weight") || ends(name, "token_embedding.weight") ||
             ends(name, "_embedding") || ends(name, "cls_token"))
        fill(name, count, 0.5, 0, out);
    else if (shape->rank == 1)
        fill(name, count, 0.1, 0, out);
    else
        fill(name, count, 1.5 / sqrt((double)(count / shape->dim[0])), 0, out);
}

static enum mien_status make_model(struct vk_device *device, const char *path, struct nn_model **model)
{
    enum mien_status status = MIEN_OK;
    struct io_clip_config config;
    float *values = NULL;
    cJSON *json = NULL;
    uint64_t largest = 0;
    TRY(base_json_read(path, &json));
    TRY(io_clip_config_parse(json, path, true, &config));
    TRY(nn_model_create(device, &config, model));
    for (uint32_t i = 0; i < (*model)->count; i++)
        largest = BASE_MAX(largest, tensor_shape_count(&(*model)->params[i].value.shape));
    values = base_alloc(largest, sizeof(*values));
    FAIL_IF_NULL(values, "weights");
    for (uint32_t i = 0; i < (*model)->count; i++) {
        fill_param(&(*model)->params[i], values);
        TRY(tensor_upload(device, &(*model)->params[i].value, values));
    }
fail:
    base_free(values);
    cJSON_Delete(json);
    return status;
}

/* Two images [2,3,R,R] in runs of one value. */
static enum mien_status embed_images(struct nn_encoder *encoder, uint32_t size, float *out)
{
    enum mien_status status = MIEN_OK;
    uint64_t count = (uint64_t)ITEMS * 3 * size * size;
    float *runs = base_alloc(count / RUN + 1, sizeof(*runs)), *pixels = base_alloc(count, sizeof(*pixels));
    FAIL_IF(!runs || !pixels, MIEN_ERR_NOMEM, "out of host memory for pixels");
    fill("pixels", count / RUN + 1, 2, 0, runs);
    for (uint64_t i = 0; i < count; i++)
        pixels[i] = runs[i / RUN];
    TRY(nn_encode_images(encoder, pixels, ITEMS, out));
fail:
    base_free(runs);
    base_free(pixels);
    return status;
}

/* Two texts: one fills the context, one has nine tokens. */
static enum mien_status embed_texts(struct nn_encoder *encoder, const struct io_clip_config *c, float *out)
{
    static int32_t ids[ITEMS][77];
    const uint32_t length[ITEMS] = {c->text.context, 9};
    struct nn_text texts[ITEMS];
    CHECK_EQ(c->text.context, BASE_COUNT(ids[0]));
    for (uint32_t row = 0; row < ITEMS; row++) {
        char name[16];
        snprintf(name, sizeof(name), "text %u", row);
        for (uint32_t t = 0; t < length[row]; t++)
            ids[row][t] = (int32_t)(hashed(name_hash(name), t) % (c->text.vocab - 2));
        ids[row][0] = (int32_t)c->text.bos;
        ids[row][length[row] - 1] = (int32_t)c->text.eos;
        texts[row] = (struct nn_text){ids[row], length[row]};
    }
    return nn_encode_texts(encoder, texts, ITEMS, out);
}

/* Two clips of frames [2,8,E]. */
static enum mien_status embed_clips(struct nn_encoder *encoder, uint32_t embed, float *out)
{
    enum { FRAMES = 8 };
    static float frames[ITEMS * FRAMES * 768];
    fill("frames", (uint64_t)ITEMS * FRAMES * embed, 2, 0, frames);
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
        most = fmax(most, isnan(d) ? INFINITY : d);
    }
    printf("  %s: largest difference %.2g\n", name, most);
    CHECK(most <= EMBED_MAX);
}

static void test_case(struct vk_device *device, const char *name)
{
    enum mien_status status = MIEN_OK;
    struct io_safetensors *file = NULL;
    struct nn_model *model = NULL;
    struct nn_encoder *encoder = NULL;
    char path[512];
    float out[ITEMS * 768];
    printf("%s\n", name);
    snprintf(path, sizeof(path), "%s/tests/golden/sized/%s.safetensors", MIEN_SOURCE_DIR, name);
    TRY(io_safetensors_open(path, &file));
    snprintf(path, sizeof(path), "%s/tests/golden/sized/%s.json", MIEN_SOURCE_DIR, name);
    TRY(make_model(device, path, &model));
    TRY(nn_encoder_create(model, &encoder));
    TRY(embed_images(encoder, model->config.vision.image, out));
    compare(file, "image_embeds", out, model->config.embed);
    TRY(embed_texts(encoder, &model->config, out));
    compare(file, "text_embeds", out, model->config.embed);
    if (model->config.temporal.layers) {
        TRY(embed_clips(encoder, model->config.embed, out));
        compare(file, "clip_embeds", out, model->config.embed);
    }
fail:
    CHECK_EQ(status, MIEN_OK);
    nn_encoder_destroy(&encoder);
    nn_model_destroy(&model);
    io_safetensors_close(&file);
}

int main(void)
{
    struct vk_instance *instance = NULL;
    struct vk_device *device = NULL;
    uint32_t index = 0;
    if (vk_instance_create(&instance) != MIEN_OK || vk_instance_choose(instance, NULL, &index) != MIEN_OK)
        CHECK_SKIP("no Vulkan device");
    CHECK_EQ(vk_device_create(instance, index, NULL, &device), MIEN_OK);
    if (device) {
        printf("%s\n", vk_device_caps(device)->name);
        test_case(device, "emoclip");
        test_case(device, "vit-b-16");
        test_case(device, "vit-l-14");
        test_case(device, "vit-l-14-336");
        test_case(device, "vit-b-32");
    }
    vk_device_destroy(&device);
    vk_instance_destroy(&instance);
    return check_result();
}
