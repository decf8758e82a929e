/* Numbers that are none: nothing that is not finite passes from a file to a result in silence. Weights, whatever their
 * tensor, type and way in, are refused by tensor and file; finite ones that make an embedding that is none are refused
 * by the name of the input. */
#include "check.h"
#include "device.h"

#include "base/capture.h"
#include "io/clip_tensors.h"
#include "io/weights.h"
#include "mien/data.h"
#include "mien/eval.h"
#include "use/use.h"

#include <stdlib.h>
#include <unistd.h>

#define GOLDEN MIEN_SOURCE_DIR "/tests/golden/train"
enum { FILES = 5, WEIGHTS = 1 };

static const char *const names[FILES] = {"config.json", "model.safetensors", "vocab.json", "merges.txt",
                                         "preprocessor_config.json"};
static char dir[64]; /* an fp32 copy on the disk, whose weights are written anew each time */
static struct mien_file files[FILES];
static struct io_safetensors *whole; /* of files[WEIGHTS] */

static const char *in_dir(const char *name)
{
    static char path[4][256];
    static int next;
    char *to = path[next++ % 4];
    snprintf(to, sizeof(path[0]), "%s/%s", dir, name);
    return to;
}

static bool make_copy(void)
{
    const struct mien_convert_params params = {.size = sizeof params, .source = GOLDEN "/start", .directory = dir};
    snprintf(dir, sizeof(dir), "/tmp/mien-test-finite-%ld", (long)getpid());
    if (mien_convert(&params, NULL) != MIEN_OK)
        return false;
    for (int i = 0; i < FILES; i++) {
        char *data = NULL;
        size_t size = 0;
        if (base_file_read(in_dir(names[i]), 0, &data, &size) != MIEN_OK)
            return false;
        files[i] = (struct mien_file){.name = names[i], .bytes = data, .size = size};
    }
    struct base_source source = {.files = files, .file_count = FILES};
    return io_safetensors_open_from(&source, "memory: model.safetensors", &whole) == MIEN_OK;
}

/* Elements of the weights; undone by `restore`. */
static unsigned char kept[4];
static unsigned char *place_of(const struct io_tensor *tensor, uint64_t index)
{
    return (unsigned char *)(uintptr_t)files[WEIGHTS].bytes + tensor->offset + index * 4;
}

static void plant(const char *tensor, uint64_t index, float value)
{
    unsigned char *at = place_of(io_safetensors_find(whole, tensor), index);
    memcpy(kept, at, 4);
    memcpy(at, &value, 4);
    CHECK_EQ(base_file_write(in_dir(names[WEIGHTS]), files[WEIGHTS].bytes, files[WEIGHTS].size), MIEN_OK);
}

static void restore(const char *tensor, uint64_t index)
{
    memcpy(place_of(io_safetensors_find(whole, tensor), index), kept, 4);
}

static enum mien_status open_memory(struct mien_gpu *gpu, enum mien_dtype precision)
{
    const struct mien_model_params params = {
        .size = sizeof params, .files = files, .file_count = FILES, .precision = precision};
    struct mien_model *model = NULL;
    enum mien_status status = mien_model_open(gpu, NULL, &params, &model);
    CHECK((model != NULL) == (status == MIEN_OK));
    mien_model_destroy(&model);
    return status;
}

static enum mien_status convert(const char *dtype)
{
    const struct mien_convert_params params = {
        .size = sizeof params, .source = dir, .directory = in_dir("converted"), .dtype = dtype};
    enum mien_status status = mien_convert(&params, NULL);
    CHECK_EQ(base_file_exists(in_dir("converted")), status == MIEN_OK);
    base_dir_remove(in_dir("converted"));
    return status;
}

/* The last message names both. */
static void check_named(const char *file, const char *tensor)
{
    CHECK(captured_once(file) && strstr(captured, tensor));
}

/* ---- weights ---- */

/* Every tensor of a model, its last element. */
static void test_each_tensor(struct mien_gpu *gpu)
{
    const float bad[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < io_safetensors_count(whole); i++) {
        const struct io_tensor *t = io_safetensors_at(whole, i);
        plant(t->name, t->count - 1, bad[i % 3]);
        capture_start();
        CHECK_EQ(convert(NULL), MIEN_ERR_DATA);
        check_named(in_dir(names[WEIGHTS]), t->name);
        if (gpu) {
            capture_start();
            CHECK_EQ(open_memory(gpu, MIEN_F32), MIEN_ERR_DATA);
            check_named("memory: model.safetensors", t->name);
            capture_start();
            CHECK_EQ(open_memory(gpu, i % 2 ? MIEN_F16 : MIEN_BF16), MIEN_ERR_DATA);
            check_named("memory: model.safetensors", t->name);
        }
        restore(t->name, t->count - 1);
    }
}

/* What is finite, but not in the type that it is stored as. */
static void test_overflow(struct mien_gpu *gpu)
{
    static const char name[] = "visual_projection.weight";
    plant(name, 7, 65520);
    capture_start();
    CHECK_EQ(convert("f16"), MIEN_ERR_DATA);
    check_named(names[WEIGHTS], name);
    CHECK_EQ(convert("bf16"), MIEN_OK);
    restore(name, 7);
    plant(name, 7, 3.4e38f);
    capture_start();
    CHECK_EQ(convert("bf16"), MIEN_ERR_DATA);
    check_named(names[WEIGHTS], name);
    CHECK_EQ(convert("f32"), MIEN_OK);
    capture_start();
    if (gpu) {
        CHECK_EQ(open_memory(gpu, MIEN_BF16), MIEN_ERR_DATA);
        check_named(names[WEIGHTS], name);
    }
    restore(name, 7);
}

/* A scale whose exponential is no use. */
static void test_logit_scale(struct mien_gpu *gpu)
{
    const float absurd[] = {100, -1000, 1e30f};
    for (size_t i = 0; i < BASE_COUNT(absurd); i++) {
        struct mien_model_report *report = NULL;
        plant("logit_scale", 0, absurd[i]);
        capture_start();
        CHECK_EQ(convert(NULL), MIEN_ERR_DATA);
        check_named(names[WEIGHTS], "logit_scale");
        CHECK_EQ(mien_model_inspect(dir, &report), MIEN_OK);
        CHECK(report && report->problem_count == 1 && strstr(report->problems[0], "logit_scale"));
        mien_model_report_destroy(&report);
        capture_start();
        if (gpu) {
            CHECK_EQ(open_memory(gpu, MIEN_F32), MIEN_ERR_DATA);
            check_named(names[WEIGHTS], "logit_scale");
        }
        restore("logit_scale", 0);
    }
}

/* Sizes that are not the weights' own are found before memory is asked for. */
static void test_absurd_sizes(struct mien_gpu *gpu)
{
    static const char huge[] =
        "{\"projection_dim\":65536,\"text_config\":{\"hidden_size\":65536,\"intermediate_size\":65536,\"vocab_size\":"
        "16000000,\"num_attention_heads\":64},\"vision_config\":{\"image_size\":24,\"patch_size\":8}}";
    const struct mien_file was = files[0];
    files[0].bytes = huge;
    files[0].size = strlen(huge);
    capture_start();
    CHECK_EQ(open_memory(gpu, MIEN_F32), MIEN_ERR_DATA);
    CHECK(captured_once("memory: model.safetensors: tensor"));
    files[0] = was;
}

/* ---- results ---- */

static void test_results(struct mien_gpu *gpu)
{
    static const char *const texts[] = {"a joyful face", "anger"}, *const labels[] = {"joy", "anger"};
    static const struct {
        const char *tensor;
        bool images;
    } where[] = {{"visual_projection.weight", true}, {"text_projection.weight", false}};
    for (size_t k = 0; k < BASE_COUNT(where); k++) {
        const struct io_tensor *t = io_safetensors_find(whole, where[k].tensor);
        const struct mien_input input = {.path = GOLDEN "/00.png"};
        struct mien_model *model = NULL;
        struct mien_search *found = NULL;
        struct mien_result *result = NULL;
        const struct mien_search_params search = {
            .size = sizeof search, .manifest = GOLDEN "/missing.jsonl", .texts = texts, .text_count = 1};
        const struct mien_eval_params eval = {
            .size = sizeof eval, .manifest = GOLDEN "/missing.jsonl", .task = "retrieval", .split = "all"};
        float out[2 * 20], *saved = malloc(t->bytes);
        enum mien_status image = where[k].images ? MIEN_ERR_FAILED : MIEN_OK;
        enum mien_status text = where[k].images ? MIEN_OK : MIEN_ERR_FAILED;
        if (!saved)
            return;
        memcpy(saved, place_of(t, 0), t->bytes);
        for (uint64_t i = 0; i < t->count; i++) {
            float huge = i % 2 ? 3e38f : -3e38f;
            memcpy(place_of(t, i), &huge, 4);
        }
        const struct mien_model_params params = {.size = sizeof params, .files = files, .file_count = FILES};
        CHECK_EQ(mien_model_open(gpu, NULL, &params, &model), MIEN_OK);
        memcpy(place_of(t, 0), saved, t->bytes);
        free(saved);
        capture_start();
        CHECK_EQ(mien_model_embed(model, &input, 1, NULL, out), image);
        CHECK(image == MIEN_OK || captured_once(GOLDEN "/00.png: its embedding is not finite"));
        capture_start();
        CHECK_EQ(mien_model_embed_texts(model, texts, 2, 0, out), text);
        CHECK(text == MIEN_OK || captured_once("text 0 (\"a joyful face\"): its embedding is not finite"));
        capture_start();
        CHECK_EQ(mien_model_embed_labels(model, labels, 2, NULL, 0, out), text);
        CHECK_EQ(mien_search(model, &search, &found), MIEN_ERR_FAILED);
        CHECK(found == NULL);
        CHECK_EQ(mien_eval(model, &eval, &result), MIEN_ERR_FAILED);
        CHECK(result == NULL);
        mien_model_destroy(&model);
    }
}

/* Embeddings from elsewhere. */
static void test_scores(struct mien_gpu *gpu)
{
    const struct mien_model_params params = {.size = sizeof params, .files = files, .file_count = FILES};
    struct mien_model *model = NULL;
    float image[20] = {1}, label[40] = {[0] = 1, [21] = 1}, out[2];
    CHECK_EQ(mien_model_open(gpu, NULL, &params, &model), MIEN_OK);
    if (!model)
        return;
    CHECK_EQ(mien_model_scores(model, image, label, 2, out), MIEN_OK);
    CHECK(out[0] > out[1]);
    label[25] = NAN;
    image[5] = 1;
    capture_start();
    CHECK_EQ(mien_model_scores(model, image, label, 2, out), MIEN_ERR_FAILED);
    CHECK(captured_once("label 1 is not finite"));
    mien_model_destroy(&model);
}

static void test_file_of_embeddings(void)
{
    const float rows[6] = {0, 1, 2, 3, INFINITY, 5};
    const struct mien_embeds set = {"made_embeds", rows, 3, 2};
    capture_start();
    CHECK_EQ(mien_embeds_write(in_dir("made.st"), &set, 1), MIEN_ERR_FAILED);
    CHECK(captured_once("made.st: not written: row 2 of made_embeds is not finite"));
    CHECK(!base_file_exists(in_dir("made.st")));
}

/* ---- configuration ---- */

static void check_json(const char *name, const char *text, const char *says)
{
    char *was = NULL;
    size_t size = 0;
    CHECK_EQ(base_file_read(in_dir(name), 0, &was, &size), MIEN_OK);
    CHECK_EQ(base_file_write(in_dir(name), text, strlen(text)), MIEN_OK);
    capture_start();
    CHECK_EQ(convert(NULL), MIEN_ERR_DATA);
    check_named(in_dir(name), says);
    CHECK_EQ(base_file_write(in_dir(name), was, size), MIEN_OK);
    base_free(was);
}

static void test_numbers_of_configurations(void)
{
    static const char pre[] = "preprocessor_config.json", config[] = "config.json";
    check_json(pre, "{\"size\":24,\"image_std\":[0.2,0,0.2]}", "image_std");
    check_json(pre, "{\"size\":24,\"image_std\":[0.2,-0.2,0.2]}", "image_std");
    check_json(pre, "{\"size\":24,\"image_std\":[1e-40,0.2,0.2]}", "image_std");
    check_json(pre, "{\"size\":24,\"image_std\":[1e39,0.2,0.2]}", "image_std");
    check_json(pre, "{\"size\":24,\"image_std\":[0.2,NaN,0.2]}", "line 1, column");
    check_json(pre, "{\"size\":24,\"image_mean\":[1e39,0.2,0.2]}", "image_mean");
    check_json(pre, "{\"size\":24,\"image_mean\":[123.7,116.3,103.5]}", "image_mean 123.7");
    check_json(pre, "{\"size\":24,\"image_mean\":[-0.5,0.2,0.2]}", "image_mean");
    check_json(pre, "{\"size\":24,\"rescale_factor\":0}", "rescale_factor");
    check_json(pre, "{\"size\":24,\"rescale_factor\":1}", "rescale_factor");
    check_json(config, "{\"vision_config\":{\"layer_norm_eps\":1e-50}}", "layer_norm_eps");
    check_json(config, "{\"text_config\":{\"layer_norm_eps\":0}}", "layer_norm_eps");
    check_json(config, "{\"text_config\":{\"hidden_size\":4000000000}}", "hidden_size");
    check_json(config, "{\"logit_scale_init_value\":1e308}", "logit_scale");
    check_json(config, "{\"vision_config\":{\"image_size\":0}}", "image_size");
}

int main(void)
{
    struct mien_gpu *gpu = NULL;
    mien_log_set(NULL, NULL, MIEN_LOG_ERROR);
    if (!make_copy())
        CHECK_SKIP("no temporary directory");
    if (!gpu_open_public(&gpu))
        printf("no Vulkan device: only conversions were tested\n");
    test_numbers_of_configurations();
    test_file_of_embeddings();
    test_each_tensor(gpu);
    test_overflow(gpu);
    test_logit_scale(gpu);
    if (gpu) {
        test_absurd_sizes(gpu);
        test_results(gpu);
        test_scores(gpu);
        gpu_close_public(&gpu);
    }
    io_safetensors_close(&whole);
    for (int i = 0; i < FILES; i++)
        base_free((void *)(uintptr_t)files[i].bytes);
    base_dir_remove(dir);
    return check_result();
}
