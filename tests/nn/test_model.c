/* Models: initial values by their rules, weights through files unchanged, and the refusal of files that do not fit. */
#include "check.h"
#include "device.h"

#include "base/capture.h"
#include "io/positions.h"
#include "io/elements.h"
#include "io/safetensors.h"
#include "nn/encoder.h"

#include <stdlib.h>
#include <unistd.h>

static struct vk_device *device;
static char dir[256];

static const char *path_of(const char *name)
{
    static char path[512];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

static struct io_clip_config config_of(uint32_t width)
{
    struct io_clip_config c;
    io_clip_config_default(&c);
    c.vision.tower = (struct io_tower_config){width, 2 * width, 1, 2, IO_ACT_GELU, 1e-5};
    c.text.tower = (struct io_tower_config){width, 3 * width, 2, 2, IO_ACT_QUICK_GELU, 1e-5};
    c.vision.image = 16;
    c.vision.patch = 8;
    c.text.vocab = 300;
    c.text.context = 10;
    c.text.bos = 298;
    c.text.eos = c.text.pad = 299;
    c.embed = 24;
    return c;
}

/* Root mean square of a parameter. */
static double rms(const struct nn_model *model, const char *name)
{
    static float values[300 * 64];
    uint32_t index = nn_param_find(model, name);
    double sum = 0;
    CHECK(index != UINT32_MAX);
    if (index == UINT32_MAX)
        return NAN;
    const struct tensor *t = &model->params[index].value;
    CHECK_EQ(tensor_download(device, t, values), MIEN_OK);
    uint64_t count = tensor_shape_count(&t->shape);
    for (uint64_t i = 0; i < count; i++)
        sum += (double)values[i] * (double)values[i];
    return sqrt(sum / (double)count);
}

/* A normal's deviation is its RMS, a uniform's half width over sqrt(3); 6 % holds for some thousand values. */
#define CHECK_RMS(model, name, want) CHECK_NEAR(rms(model, name), want, 0.06 * (want))

static void test_init(void)
{
    struct io_clip_config c = config_of(64);
    struct nn_model *model = NULL;
    CHECK_EQ(nn_model_create(device, &c, MIEN_F32, &model), MIEN_OK);
    CHECK_EQ(nn_model_init(model, 1), MIEN_OK);
    CHECK_RMS(model, "text_model.embeddings.token_embedding.weight", 0.02);
    CHECK_RMS(model, "text_model.encoder.layers.1.self_attn.q_proj.weight", 0.125);
    CHECK_RMS(model, "text_model.encoder.layers.1.self_attn.out_proj.weight", 0.125 / 2);
    CHECK_RMS(model, "text_model.encoder.layers.0.mlp.fc1.weight", 1 / sqrt(128));
    CHECK_RMS(model, "text_model.encoder.layers.0.mlp.fc2.weight", 0.125 / 2);
    CHECK_RMS(model, "text_projection.weight", 0.125);
    CHECK_RMS(model, "visual_projection.weight", 0.125);
    CHECK_RMS(model, "vision_model.embeddings.patch_embedding.weight", 1 / sqrt(192.0 * 3));
    CHECK_RMS(model, "vision_model.encoder.layers.0.self_attn.k_proj.weight", sqrt(6.0 / 256 / 3));
    CHECK_RMS(model, "vision_model.encoder.layers.0.mlp.fc2.weight", 1 / sqrt(128.0 * 3));
    CHECK_NEAR(rms(model, "vision_model.encoder.layers.0.self_attn.k_proj.bias"), 0, 0);
    CHECK_NEAR(rms(model, "vision_model.pre_layrnorm.weight"), 1, 0);
    CHECK_NEAR(rms(model, "logit_scale"), 2.6592, 1e-6);
    nn_model_destroy(&model);
}

static bool same_files(const char *a, const char *b)
{
    char *x = NULL, *y = NULL;
    size_t n = 0, m = 0;
    bool same = base_file_read(a, 0, &x, &n) == MIEN_OK && base_file_read(b, 0, &y, &m) == MIEN_OK && n == m &&
                memcmp(x, y, n) == 0;
    base_free(x);
    base_free(y);
    return same;
}

static void test_files(void)
{
    struct io_clip_config c = config_of(8);
    struct nn_model *model = NULL, *again = NULL;
    char first[512];
    snprintf(first, sizeof(first), "%s", path_of("model.safetensors"));
    CHECK_EQ(nn_model_create(device, &c, MIEN_F32, &model), MIEN_OK);
    CHECK_EQ(nn_model_init(model, 5), MIEN_OK);
    CHECK_EQ(io_clip_config_write(dir, &c, NULL), MIEN_OK);
    CHECK_EQ(nn_model_save_weights(model, first), MIEN_OK);
    CHECK_EQ(nn_model_load(device, dir, NULL, &again), MIEN_OK);
    CHECK_EQ(nn_model_save_weights(again, path_of("again.safetensors")), MIEN_OK);
    CHECK(same_files(first, path_of("again.safetensors")));
    CHECK_EQ(nn_model_init(again, 6), MIEN_OK);
    CHECK_EQ(nn_model_save_weights(again, path_of("again.safetensors")), MIEN_OK);
    CHECK(!same_files(first, path_of("again.safetensors")));
    nn_model_destroy(&model);
    nn_model_destroy(&again);
}

/* Writes the tensors of `dir`'s model but `without`, plus one named `extra`, and tries to load them. */
static void refuse(const struct io_clip_config *c, const char *without, const char *extra, const char *says)
{
    struct io_safetensors *file = NULL;
    struct io_tensor_out out[128] = {0};
    struct nn_model *model = NULL;
    struct base_arena arena = {0};
    size_t count = 0;
    static const float zero;
    CHECK_EQ(io_safetensors_open(path_of("model.safetensors"), &file), MIEN_OK);
    for (size_t i = 0; i < io_safetensors_count(file); i++) {
        const struct io_tensor *t = io_safetensors_at(file, i);
        if (without && strcmp(t->name, without) == 0)
            continue;
        out[count] = (struct io_tensor_out){.name = t->name, .dtype = t->dtype, .rank = t->rank};
        out[count].data = elements_of(t, &arena);
        memcpy(out[count++].dims, t->dims, sizeof(t->dims));
    }
    if (extra)
        out[count++] = (struct io_tensor_out){.name = extra, .dtype = IO_F32, .rank = 1, .dims = {1}, .data = &zero};
    CHECK_EQ(io_safetensors_write(path_of("odd.safetensors"), out, count, NULL, NULL, NULL), MIEN_OK);
    base_arena_clear(&arena);
    io_safetensors_close(&file);
    CHECK_EQ(nn_model_create(device, c, MIEN_F32, &model), MIEN_OK);
    capture_start();
    CHECK_EQ(nn_model_load_weights(model, path_of("odd.safetensors")), says ? MIEN_ERR_DATA : MIEN_OK);
    if (says)
        CHECK(captured_once(says));
    nn_model_destroy(&model);
}

static void test_refusals(void)
{
    struct io_clip_config c = config_of(8), wider = config_of(8), broken = config_of(8);
    struct nn_model *model = NULL;
    refuse(&c, "text_projection.weight", NULL, "text_projection.weight f32[24,8] is missing");
    refuse(&c, NULL, "visual_projection.bias", "visual_projection.bias is not part");
    refuse(&c, NULL, "text_model.embeddings.position_ids", NULL);
    wider.embed = 25;
    refuse(&wider, NULL, NULL, "is F32[24,8], but config.json asks for f32[25,8]");
    broken.vision.tower.heads = 3;
    capture_start();
    CHECK(nn_model_create(device, &broken, MIEN_F32, &model) != MIEN_OK);
    CHECK(model == NULL);
}

/* What training has broken is not written. */
static void test_not_finite(void)
{
    struct io_clip_config c = config_of(8);
    struct nn_model *model = NULL;
    float values[8] = {0, 1, 2, INFINITY};
    CHECK_EQ(nn_model_create(device, &c, MIEN_F32, &model), MIEN_OK);
    CHECK_EQ(nn_model_init(model, 3), MIEN_OK);
    uint32_t i = nn_param_find(model, "vision_model.post_layernorm.bias");
    CHECK_EQ(tensor_shape_count(&model->params[i].value.shape), 8);
    CHECK_EQ(tensor_upload(device, &model->params[i].value, values), MIEN_OK);
    capture_start();
    CHECK_EQ(nn_model_save_weights(model, path_of("diverged.safetensors")), MIEN_ERR_FAILED);
    CHECK(captured_once("vision_model.post_layernorm.bias is no longer finite"));
    CHECK(!base_file_exists(path_of("diverged.safetensors")));
    nn_model_destroy(&model);
}

/* Weights of 2x2 patches in a model of 3x3: the position embedding is resized, and that is said. */
static void test_image_size(void)
{
    static const char name[] = "vision_model.embeddings.position_embedding.weight";
    struct io_clip_config c = config_of(8);
    struct io_safetensors *file = NULL;
    struct nn_model *model = NULL;
    float old[5 * 8], want[10 * 8], got[10 * 8];
    c.vision.image = 24;
    CHECK_EQ(nn_model_create(device, &c, MIEN_F32, &model), MIEN_OK);
    capture_start();
    CHECK_EQ(nn_model_load_weights(model, path_of("model.safetensors")), MIEN_OK);
    CHECK(captured_once("2 x 2 patches, config.json asks for 3 x 3"));
    CHECK_EQ(io_safetensors_open(path_of("model.safetensors"), &file), MIEN_OK);
    CHECK_EQ(io_tensor_read_f32(io_safetensors_find(file, name), 0, 5 * 8, old), MIEN_OK);
    CHECK_EQ(io_positions_grid(old, 2, 3, 8, want), MIEN_OK);
    CHECK_EQ(tensor_download(device, &model->params[nn_param_find(model, name)].value, got), MIEN_OK);
    CHECK(memcmp(want, got, sizeof(want)) == 0);
    io_safetensors_close(&file);
    nn_model_destroy(&model);
}

static struct io_clip_config temporal_config(void)
{
    struct io_clip_config c = config_of(8);
    c.temporal = (struct io_temporal_config){.layers = 2, .heads = 3, .head_dim = 20, .mlp = 40, .max_frames = 50};
    return c;
}

/* The directory of test_files has no temporal transformer: a new one beside its weights, which then goes through files
 * unchanged; a configuration that does not fit the files. */
static void test_temporal(void)
{
    struct io_clip_config c = temporal_config(), plain = config_of(8);
    struct nn_model *model = NULL, *again = NULL;
    char first[512];
    snprintf(first, sizeof(first), "%s", path_of("model.safetensors"));
    CHECK_EQ(nn_model_load(device, dir, &(struct nn_extras){.temporal = &c.temporal, .seed = 9}, &model), MIEN_OK);
    CHECK_RMS(model, "temporal.pos_embedding", 1.0);
    CHECK_RMS(model, "temporal.temporal_transformer.layers.1.0.fn.fn.to_qkv.weight", 1 / sqrt(24.0 * 3));
    CHECK_RMS(model, "temporal.temporal_transformer.layers.0.0.fn.fn.to_out.0.weight", 1 / sqrt(60.0 * 3));
    CHECK_RMS(model, "temporal.temporal_transformer.layers.0.1.fn.fn.net.3.weight", 1 / sqrt(40.0 * 3));
    CHECK_EQ(io_clip_config_write(dir, &c, NULL), MIEN_OK);
    CHECK_EQ(nn_model_save_weights(model, first), MIEN_OK);
    CHECK_EQ(nn_model_load(device, dir, NULL, &again), MIEN_OK);
    CHECK_EQ(nn_model_save_weights(again, path_of("again.safetensors")), MIEN_OK);
    CHECK(same_files(first, path_of("again.safetensors")));
    nn_model_destroy(&again);
    c.temporal.head_dim = 2048;
    capture_start();
    CHECK_EQ(nn_model_load(device, dir, &(struct nn_extras){.temporal = &c.temporal, .seed = 9}, &again), MIEN_ERR_ARG);
    CHECK(captured_once("3 heads of 2048"));
    refuse(&plain, NULL, NULL, "temporal.cls_token is of a temporal transformer");
    nn_model_destroy(&model);
}

/* A clip alone is what it is among others; the limit of its frames; the mean without a temporal transformer. */
static void test_clips(void)
{
    struct io_clip_config c = temporal_config();
    struct nn_model *model = NULL;
    struct nn_encoder *encoder = NULL;
    static float frames[3 * 4 * 24], many[3 * 24], one[24];
    struct base_rng rng = base_rng_make(1, "frames", 0, 0);
    for (size_t i = 0; i < BASE_COUNT(frames); i++)
        frames[i] = (float)base_rng_normal(&rng);
    CHECK_EQ(nn_model_create(device, &c, MIEN_F32, &model), MIEN_OK);
    CHECK_EQ(nn_model_init(model, 2), MIEN_OK);
    CHECK_EQ(nn_encoder_create(model, &encoder), MIEN_OK);
    CHECK_EQ(nn_encode_clips(encoder, frames, 3, 4, many), MIEN_OK);
    CHECK_EQ(nn_encode_clips(encoder, frames + 2 * 4 * 24, 1, 4, one), MIEN_OK);
    for (uint32_t k = 0; k < 24; k++)
        CHECK_NEAR(one[k], many[2 * 24 + k], 1e-5);
    capture_start();
    CHECK_EQ(nn_encode_clips(encoder, frames, 1, 50, one), MIEN_ERR_ARG);
    CHECK(captured_once("1 to 49"));
    nn_encoder_destroy(&encoder);
    nn_model_destroy(&model);
    c = config_of(8);
    CHECK_EQ(nn_model_create(device, &c, MIEN_F32, &model), MIEN_OK);
    CHECK_EQ(nn_encoder_create(model, &encoder), MIEN_OK);
    CHECK_EQ(nn_encode_clips(encoder, frames, 3, 4, many), MIEN_OK);
    CHECK_NEAR(many[24], (frames[96] + frames[120] + frames[144] + frames[168]) / 4, 1e-6);
    nn_encoder_destroy(&encoder);
    nn_model_destroy(&model);
}

static void test_text_rules(void)
{
    struct io_clip_config c = config_of(8);
    const int32_t row[] = {298, 7, 299, 12, 299};
    CHECK_EQ(nn_eot_position(&c, row, 5), 2); /* the first end token */
    CHECK_EQ(nn_eot_position(&c, row, 2), 1); /* none: the last position */
    c.text.eos = 2;                           /* legacy: the largest id */
    CHECK_EQ(nn_eot_position(&c, (const int32_t[]){5, 2, 40, 40, 1}, 5), 2);
    CHECK_EQ(nn_text_length(&c, 1), 8);
    CHECK_EQ(nn_text_length(&c, 8), 8);
    CHECK_EQ(nn_text_length(&c, 9), 10); /* the context */
}

/* What stands after the end token, and how many texts or images go together, changes nothing that matters. */
static void test_encoder(void)
{
    struct io_clip_config c = config_of(8);
    struct nn_model *model = NULL;
    struct nn_encoder *encoder = NULL;
    static float pixels[37 * 3 * 16 * 16], many[37 * 24], one[24];
    int32_t ids[37][10];
    struct nn_text texts[37];
    struct base_rng rng = base_rng_make(1, "pixels", 0, 0);
    for (size_t i = 0; i < BASE_COUNT(pixels); i++)
        pixels[i] = (float)base_rng_normal(&rng);
    for (uint32_t i = 0; i < 37; i++) {
        texts[i] = (struct nn_text){ids[i], 2 + i % 9};
        for (uint32_t t = 0; t < 10; t++)
            ids[i][t] = t == 0 ? 298 : t + 1 == texts[i].length ? 299 : (int32_t)(i + t);
    }
    CHECK_EQ(nn_model_create(device, &c, MIEN_F32, &model), MIEN_OK);
    CHECK_EQ(nn_model_init(model, 2), MIEN_OK);
    CHECK_EQ(nn_encoder_create(model, &encoder), MIEN_OK);
    CHECK_EQ(nn_encode_images(encoder, pixels, 37, many), MIEN_OK);
    CHECK_EQ(nn_encode_images(encoder, pixels + 36 * 768, 1, one), MIEN_OK);
    for (uint32_t k = 0; k < 24; k++)
        CHECK_NEAR(one[k], many[36 * 24 + k], 1e-5);
    CHECK_EQ(nn_encode_texts(encoder, texts, 37, many), MIEN_OK);
    for (uint32_t i = 0; i < 37; i += 9) {
        CHECK_EQ(nn_encode_texts(encoder, &texts[i], 1, one), MIEN_OK);
        for (uint32_t k = 0; k < 24; k++)
            CHECK_NEAR(one[k], many[i * 24 + k], 1e-5);
    }
    capture_start();
    ids[0][1] = 300;
    texts[0].length = 3;
    CHECK_EQ(nn_encode_texts(encoder, texts, 1, one), MIEN_ERR_ARG);
    CHECK(captured_once("outside the vocabulary"));
    texts[1].length = 11;
    CHECK_EQ(nn_encode_texts(encoder, &texts[1], 1, one), MIEN_ERR_ARG);
    nn_encoder_destroy(&encoder);
    nn_model_destroy(&model);
}

int main(void)
{
    struct gpu gpu;
    if (!gpu_open(&gpu))
        GPU_SKIP();
    device = gpu.device;
    snprintf(dir, sizeof(dir), "%s/mien-test-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    if (!mkdtemp(dir))
        CHECK_SKIP("no temporary directory");
    test_init();
    test_files();
    test_refusals();
    test_image_size();
    test_not_finite();
    test_temporal();
    test_clips();
    test_text_rules();
    test_encoder();
    gpu_close(&gpu);
    (void)base_dir_remove(dir);
    return check_result();
}
