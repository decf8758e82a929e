/* Weights in 16 bits: embeddings near those of f32 weights, and equal to those of weights rounded on the host; memory
 * by the allocator's count; weights through files; what is refused. */
#include "check.h"
#include "device.h"

#include "base/capture.h"
#include "io/elements.h"
#include "io/safetensors.h"
#include "nn/encoder.h"

#include <stdlib.h>
#include <unistd.h>

enum { ITEMS = 3, FRAMES = 3, MOST = 3 * ITEMS * 64 };

static struct vk_device *device;

static const enum mien_dtype halves[] = {MIEN_F16, MIEN_BF16};

static float round_to(float value, enum mien_dtype dtype)
{
    return dtype == MIEN_F16 ? base_f16_to_f32(base_f16_of(value)) : base_bf16_to_f32(base_bf16_of(value));
}

/* Odd sizes: rows, and whole matrices, that end in the middle of a word. */
static struct io_clip_config odd_config(void)
{
    struct io_clip_config c;
    io_clip_config_default(&c);
    c.vision.tower = (struct io_tower_config){15, 9, 2, 3, IO_ACT_GELU, 1e-5};
    c.text.tower = (struct io_tower_config){21, 11, 2, 3, IO_ACT_QUICK_GELU, 1e-5};
    c.vision.image = 15;
    c.vision.patch = 5;
    c.text.vocab = 301;
    c.text.context = 9;
    c.text.bos = 299;
    c.text.eos = c.text.pad = 300;
    c.embed = 7;
    return c;
}

/* Of a directory's configuration, or (NULL) the one above; weights from a seed: the goldens' have few digits. */
static struct nn_model *model_in(const char *from, enum mien_dtype precision)
{
    struct nn_model *model = NULL;
    struct io_clip_config c = odd_config();
    if (from)
        CHECK_EQ(io_clip_config_read(from, &c, NULL), MIEN_OK);
    CHECK_EQ(nn_model_create(device, &c, precision, &model), MIEN_OK);
    if (model)
        CHECK_EQ(nn_model_init(model, 3), MIEN_OK);
    return model;
}

/* Unit embeddings of some images, texts and, with a temporal transformer, clips; how many numbers. */
static uint32_t embed(struct nn_model *model, float *out)
{
    const struct io_clip_config *c = &model->config;
    struct nn_encoder *encoder = NULL;
    struct nn_text texts[ITEMS];
    int32_t ids[ITEMS][16];
    uint32_t e = c->embed, rows = 2 * ITEMS, length = BASE_MIN(c->text.context, 9u);
    size_t pixel_count = (size_t)ITEMS * 3 * c->vision.image * c->vision.image;
    float *pixels = calloc(pixel_count, sizeof(*pixels)), frames[FRAMES * 64];
    struct base_rng rng = base_rng_make(1, "inputs", 0, 0);
    for (size_t i = 0; i < pixel_count; i++)
        pixels[i] = (float)base_rng_normal(&rng);
    for (uint32_t i = 0; i < ITEMS; i++) {
        texts[i] = (struct nn_text){ids[i], length - i};
        for (uint32_t t = 0; t < length - i; t++)
            ids[i][t] = (int32_t)base_rng_below(&rng, c->text.vocab - 2);
        ids[i][0] = (int32_t)c->text.bos;
        ids[i][length - i - 1] = (int32_t)c->text.eos;
    }
    CHECK_EQ(nn_encoder_create(model, &encoder), MIEN_OK);
    CHECK_EQ(nn_encode_images(encoder, pixels, ITEMS, out), MIEN_OK);
    CHECK_EQ(nn_encode_texts(encoder, texts, ITEMS, out + (size_t)ITEMS * e), MIEN_OK);
    if (c->temporal.layers) {
        for (uint32_t i = 0; i < FRAMES * e; i++)
            frames[i] = (float)base_rng_normal(&rng);
        CHECK_EQ(nn_encode_clips(encoder, frames, 1, FRAMES, out + (size_t)rows++ * e), MIEN_OK);
    }
    nn_normalise_rows(out, rows, e);
    nn_encoder_destroy(&encoder);
    free(pixels);
    return rows * e;
}

/* Whether products with weights of that type go to matrix units. */
static bool on_units(enum mien_dtype dtype)
{
    const struct vk_caps *caps = vk_device_caps(device);
    return caps->class_ == VK_CLASS_DESKTOP &&
           caps->features & (dtype == MIEN_F16 ? VK_CAP_COOPMAT : VK_CAP_COOPMAT_BF16);
}

static double furthest(const float *a, const float *b, uint32_t count)
{
    double most = 0;
    for (uint32_t i = 0; i < count; i++) {
        CHECK(isfinite(a[i]));
        most = check_larger(most, fabs((double)a[i] - (double)b[i]));
    }
    return most;
}

/* Gives an f32 model's weights the values that `like` stores. */
static void round_on_host(struct nn_model *model, const struct nn_model *like)
{
    for (uint32_t i = 0; i < model->count; i++) {
        const struct tensor *t = &model->params[i].value;
        enum mien_dtype dtype = like->params[i].value.shape.dtype;
        uint64_t count = dtype == MIEN_F32 ? 0 : tensor_shape_count(&t->shape);
        float *values = calloc(count + 1, sizeof(*values));
        if (count)
            CHECK_EQ(tensor_download(device, t, values), MIEN_OK);
        for (uint64_t k = 0; k < count; k++)
            values[k] = round_to(values[k], dtype);
        if (count)
            CHECK_EQ(tensor_upload(device, t, values), MIEN_OK);
        free(values);
    }
}

/* What the model's weights take, by rule: matrices of the two towers and of clips in two bytes, all else in four. */
static uint64_t bytes_by_rule(const struct nn_model *model, enum mien_dtype precision)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < model->stack_count; i++) {
        const char *name = model->stacks[i].name;
        const struct tensor_shape *shape = &model->stacks[i].value.shape;
        bool whole = shape->rank == 1 || strstr(name, "position_embedding") || strstr(name, "cls_token") ||
                     strstr(name, "pos_embedding") ||
                     (strstr(name, "qkv_proj") && tensor_shape_count(shape) / 3 % 2 != 0);
        sum += base_round_up(tensor_shape_count(shape) * (whole || precision == MIEN_F32 ? 4 : 2), 256);
    }
    return sum;
}

/* Rounding of one weight is 2^-11 of it in f16, 2^-8 in bf16, at most, and of either sign: the sum of many weighs no
 * more, and a unit embedding's component moves by about as much, in a few layers by little more. Nearer than a
 * hundredth would mean that nothing was rounded. On matrix units what weights are multiplied with is rounded as well,
 * which weights rounded on the host leave out. */
static void test_near(const char *name, const char *from)
{
    static float whole[MOST], half[MOST], rounded[MOST];
    struct nn_model *model = model_in(from, MIEN_F32);
    if (!model)
        return;
    uint32_t count = embed(model, whole);
    for (size_t p = 0; p < BASE_COUNT(halves); p++) {
        struct vk_memory_stats before, after;
        double unit = halves[p] == MIEN_F16 ? 0x1p-11 : 0x1p-8;
        vk_memory_stats(device, &before);
        struct nn_model *narrow = model_in(from, halves[p]), *on_host = model_in(from, MIEN_F32);
        if (!narrow || !on_host)
            return;
        vk_memory_stats(device, &after);
        CHECK_EQ(after.in_use[VK_MEMORY_DEVICE] - before.in_use[VK_MEMORY_DEVICE],
                 bytes_by_rule(narrow, halves[p]) + bytes_by_rule(on_host, MIEN_F32));
        CHECK_EQ(embed(narrow, half), count);
        double off = furthest(half, whole, count);
        CHECK(off < 2 * unit && off > 0.01 * unit);
        round_on_host(on_host, narrow);
        CHECK_EQ(embed(on_host, rounded), count);
        double same = furthest(half, rounded, count);
        CHECK(same <= (on_units(halves[p]) ? unit : 1e-6));
        printf("%-12s %-4s off by %.2g, and by %.2g from weights rounded on the host\n", name,
               mien_dtype_name(halves[p]), off, same);
        nn_model_destroy(&narrow);
        nn_model_destroy(&on_host);
    }
    nn_model_destroy(&model);
}

/* ---- files ---- */

static char dir[256];

static const char *path_of(const char *name)
{
    static char path[512];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

/* A 16-bit model saved is the rounded one; loaded again it is the same. Its tensors in a file of the same type reach
 * the device to the bit, the smallest number among them; a NaN there is refused. */
static void test_files(enum mien_dtype precision)
{
    static const char name[] = "visual_projection.weight";
    struct io_clip_config c = odd_config();
    struct nn_model *model = model_in(NULL, precision), *again = NULL;
    struct io_safetensors *file = NULL;
    uint16_t bits[7 * 15], got[7 * 15];
    CHECK_EQ(nn_model_save_weights(model, path_of("model.safetensors")), MIEN_OK);
    CHECK_EQ(io_clip_config_write(dir, &c, NULL), MIEN_OK);
    CHECK_EQ(nn_model_load(device, dir, &(struct nn_extras){.precision = precision}, &again), MIEN_OK);
    CHECK_EQ(io_safetensors_open(path_of("model.safetensors"), &file), MIEN_OK);
    if (!again || !file)
        return;
    struct tensor *t = &again->params[nn_param_find(again, name)].value;
    struct base_arena arena = {0};
    const float *saved = elements_of(io_safetensors_find(file, name), &arena);
    CHECK_EQ(t->shape.dtype, precision);
    CHECK_EQ(tensor_download(device, t, bits), MIEN_OK);
    CHECK_EQ(tensor_download(device, &model->params[nn_param_find(model, name)].value, got), MIEN_OK);
    CHECK(memcmp(bits, got, sizeof(bits)) == 0);
    for (size_t i = 0; i < BASE_COUNT(bits); i++)
        CHECK(saved[i] == (precision == MIEN_F16 ? base_f16_to_f32(bits[i]) : base_bf16_to_f32(bits[i])));
    struct io_tensor_out out[80];
    size_t count = io_safetensors_count(file);
    CHECK(count <= BASE_COUNT(out));
    for (size_t i = 0; i < count; i++) {
        const struct io_tensor *from = io_safetensors_at(file, i);
        out[i] = (struct io_tensor_out){.name = from->name, .dtype = from->dtype, .rank = from->rank};
        memcpy(out[i].dims, from->dims, sizeof(from->dims));
        out[i].data = elements_of(from, &arena);
        if (strcmp(from->name, name) == 0) {
            bits[1] = 0x8001;
            out[i].dtype = precision == MIEN_F16 ? IO_F16 : IO_BF16;
            out[i].data = bits;
        }
    }
    CHECK_EQ(io_safetensors_write(path_of("short.safetensors"), out, count, NULL, NULL, NULL), MIEN_OK);
    CHECK_EQ(nn_model_load_weights(again, path_of("short.safetensors")), MIEN_OK);
    CHECK_EQ(tensor_download(device, t, got), MIEN_OK);
    CHECK(memcmp(bits, got, sizeof(bits)) == 0);
    bits[1] = precision == MIEN_F16 ? 0x7c01 : 0x7f81;
    CHECK_EQ(io_safetensors_write(path_of("short.safetensors"), out, count, NULL, NULL, NULL), MIEN_OK);
    capture_start();
    CHECK_EQ(nn_model_load_weights(again, path_of("short.safetensors")), MIEN_ERR_DATA);
    CHECK(captured_once("short.safetensors: tensor visual_projection.weight: element 1 is NaN"));
    io_safetensors_close(&file);
    base_arena_clear(&arena);
    nn_model_destroy(&model);
    nn_model_destroy(&again);
}

static void test_refusals(void)
{
    static float large[7 * 15];
    struct nn_model *model = model_in(NULL, MIEN_F32), *narrow = NULL;
    struct io_clip_config c = odd_config();
    large[20] = 65505;
    CHECK_EQ(tensor_upload(device, &model->params[nn_param_find(model, "visual_projection.weight")].value, large),
             MIEN_OK);
    CHECK_EQ(nn_model_save_weights(model, path_of("model.safetensors")), MIEN_OK);
    capture_start();
    CHECK_EQ(nn_model_load(device, dir, &(struct nn_extras){.precision = MIEN_F16}, &narrow), MIEN_ERR_DATA);
    CHECK(captured_once("tensor visual_projection.weight: the value 65505 is beyond what f16 holds"));
    CHECK(narrow == NULL);
    CHECK_EQ(nn_model_load(device, dir, &(struct nn_extras){.precision = MIEN_BF16}, &narrow), MIEN_OK);
    nn_model_destroy(&narrow);
    capture_start();
    CHECK_EQ(nn_model_create(device, &c, MIEN_I32, &narrow), MIEN_ERR_ARG);
    CHECK(captured_once("cannot be stored as i32; f32, bf16 and f16"));
    mien_log_set(NULL, NULL, MIEN_LOG_WARN);
    nn_model_destroy(&model);
}

int main(void)
{
    static const char *const goldens[] = {"tiny-gelu", "tiny-quick", "tiny-clips", "tiny-clips-odd"};
    struct gpu gpu;
    if (!gpu_open(&gpu))
        GPU_SKIP();
    device = gpu.device;
    snprintf(dir, sizeof(dir), "%s/mien-test-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    if (!mkdtemp(dir))
        CHECK_SKIP("no temporary directory");
    test_near("odd sizes", NULL);
    for (size_t i = 0; i < BASE_COUNT(goldens); i++) {
        char path[512];
        snprintf(path, sizeof(path), "%s/tests/golden/%s", MIEN_SOURCE_DIR, goldens[i]);
        test_near(goldens[i], path);
    }
    for (size_t p = 0; p < BASE_COUNT(halves); p++)
        test_files(halves[p]);
    test_refusals();
    (void)base_dir_remove(dir);
    gpu_close(&gpu);
    return check_result();
}
