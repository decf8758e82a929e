/* Whole training runs on a tiny data set: equal runs give equal bytes, the loss falls, and what must stop a run stops
 * it.
 */
#include "check.h"
#include "device.h"

#include "io/elements.h"
#include "io/safetensors.h"
#include "mien/data.h"
#include "train/tiny_run.h"

static void test_equal_runs(void)
{
    static const char *const files[] = {"model.safetensors", "config.json", "vocab.json", "merges.txt",
                                        "preprocessor_config.json"};
    struct mien_train_summary summary = {sizeof summary};
    CHECK_EQ(train("a", NULL, NULL, &summary), MIEN_OK);
    CHECK_EQ(summary.steps, 6);
    CHECK_EQ(train("b", NULL, NULL, NULL), MIEN_OK);
    CHECK_EQ(train("workers", "data.workers=0", NULL, NULL), MIEN_OK);
    CHECK_EQ(train("seed", "run.seed=4", NULL, NULL), MIEN_OK);
    for (size_t i = 0; i < BASE_COUNT(files); i++) {
        char a[64], b[64];
        snprintf(a, sizeof(a), "a/model/%s", files[i]);
        snprintf(b, sizeof(b), "b/model/%s", files[i]);
        CHECK(equal_files(a, b));
    }
    CHECK(equal_files("a/model/model.safetensors", "workers/model/model.safetensors"));
    CHECK(!equal_files("a/model/model.safetensors", "seed/model/model.safetensors"));
    char *a = log_text("a"), *b = log_text("b"), *other = log_text("seed");
    CHECK(a && b && other && strlen(a) > 100);
    CHECK_STR(a, b);
    CHECK(a && other && strcmp(a, other) != 0);
    base_free(a);
    base_free(b);
    base_free(other);
}

/* Drafts are of JPEG, and other pixels; of PNG they change nothing. */
static void test_drafts(void)
{
    static const char *const names[] = {"420", "444_progressive", "grey", "cmyk"};
    char text[2048];
    size_t n = 0;
    for (size_t i = 0; i < BASE_COUNT(names); i++)
        n += (size_t)sprintf(text + n, "{\"image\":\"%s/tests/data/jpeg_draft/%s.jpg\",\"caption\":\"%s\"}\n",
                             MIEN_SOURCE_DIR, names[i], names[i]);
    CHECK_EQ(base_file_write(tiny_path("photos.jsonl"), text, n), MIEN_OK);
    CHECK_EQ(train("png", "data.jpeg_draft=true", NULL, NULL), MIEN_OK);
    CHECK(equal_files("a/model/model.safetensors", "png/model/model.safetensors"));
    const char *whole[] = {"run.dir=whole", "data.train=photos.jsonl", "run.batch=4"};
    const char *draft[] = {"run.dir=draft", "data.train=photos.jsonl", "run.batch=4", "data.jpeg_draft=true"};
    CHECK_EQ(train_sets(whole, BASE_COUNT(whole), NULL), MIEN_OK);
    CHECK_EQ(train_sets(draft, BASE_COUNT(draft), NULL), MIEN_OK);
    bool scales = strstr(mien_picture_decoders(), "libjpeg-turbo") != NULL;
    CHECK(scales != equal_files("whole/model/model.safetensors", "draft/model/model.safetensors"));
}

/* Colours and words are learnt: what is left is the numbers, which no picture shows. */
static void test_learns(void)
{
    struct mien_train_summary summary = {sizeof summary};
    CHECK_EQ(train("learn", "run.steps=60", "optim.lr=0.01", &summary), MIEN_OK);
    printf("60 steps: loss %.3f -> %.3f\n", summary.first_loss, summary.last_loss);
    CHECK(summary.last_loss < 0.6 * summary.first_loss);
    CHECK_EQ(summary.fresh, 60);
}

/* One pair a batch has no loss: an image is told from no other. */
static void test_no_loss(void)
{
    CHECK_EQ(train("single", "run.steps=2", "run.batch=1", NULL), MIEN_ERR_ARG);
    CHECK(captured_once("run.batch is 1") && !base_file_exists(tiny_path("single")));
}

/* The gradients of step 1: every parameter once, and their norm is the logged one. Asking for them changes nothing. */
static void test_dump_grads(void)
{
    struct io_safetensors *file = NULL;
    double sum = 0, logged = 0;
    CHECK_EQ(train("dump", "run.dump_grads=grads.safetensors", NULL, NULL), MIEN_OK);
    CHECK(equal_files("a/model/model.safetensors", "dump/model/model.safetensors"));
    CHECK_EQ(io_safetensors_open(tiny_path("grads.safetensors"), &file), MIEN_OK);
    for (size_t i = 0; file && i < io_safetensors_count(file); i++) {
        const struct io_tensor *t = io_safetensors_at(file, i);
        for (uint64_t j = 0; j < t->count; j++) {
            float value = 0;
            CHECK_EQ(io_tensor_read_f32(t, j, 1, &value), MIEN_OK);
            sum += (double)value * (double)value;
        }
    }
    CHECK(file && io_safetensors_count(file) == 46);
    char *log = log_text("dump");
    CHECK(log && sscanf(strstr(log, "\"grad_norm\":") + 12, "%lf", &logged) == 1);
    CHECK_NEAR(sqrt(sum), logged, 1e-6 * logged);
    base_free(log);
    io_safetensors_close(&file);
}

/* From given weights: a run of rate 0 leaves every byte as it was. */
static void test_given_weights(void)
{
    char init[400];
    snprintf(init, sizeof(init),
             "{\"model\":{\"init\":\"a/model\"},\"data\":{\"train\":\"t.jsonl\"},\"optim\":"
             "{\"lr\":0},\"run\":{\"dir\":\"x\",\"steps\":2,\"batch\":4}}");
    CHECK(tiny_write("given.json", init, strlen(init)));
    struct mien_train_params params = {.size = sizeof params, .config = tiny_path("given.json")};
    CHECK_EQ(mien_train(gpu, &params, NULL), MIEN_OK);
    CHECK(equal_files("a/model/model.safetensors", "x/model/model.safetensors"));
    CHECK(equal_files("a/model/vocab.json", "x/model/vocab.json"));
}

/* Where the configuration is silent pictures are resized as the given directory says; what was used is saved. */
static void test_given_resize(void)
{
    static const char init[] = "{\"model\":{\"init\":\"a/model\"},\"data\":{\"train\":\"t.jsonl\"},\"run\":"
                               "{\"dir\":\"x\",\"steps\":1,\"batch\":4}}";
    static const char torch[] = "x-torch/model/preprocessor_config.json";
    char from[300];
    const char *sets[3] = {"run.dir=x-torch", "data.resize=torch"};
    CHECK(tiny_write("given.json", init, strlen(init)));
    struct mien_train_params params = {
        .size = sizeof params, .config = tiny_path("given.json"), .sets = sets, .set_count = 2};
    CHECK_EQ(mien_train(gpu, &params, NULL), MIEN_OK);
    char *text = NULL;
    size_t size;
    CHECK_EQ(base_file_read(tiny_path(torch), 0, &text, &size), MIEN_OK);
    CHECK(text && strstr(text, "\"mien_resize\""));
    base_free(text);
    snprintf(from, sizeof(from), "model.init=%s", tiny_path("x-torch/model"));
    sets[0] = "run.dir=x-again";
    sets[1] = from;
    CHECK_EQ(mien_train(gpu, &params, NULL), MIEN_OK);
    CHECK(equal_files(torch, "x-again/model/preprocessor_config.json"));
    sets[0] = "run.dir=x-pil";
    sets[2] = "data.resize=pil";
    params = (struct mien_train_params){
        .size = sizeof(struct mien_train_params), .config = tiny_path("given.json"), .sets = sets, .set_count = 3};
    CHECK_EQ(mien_train(gpu, &params, NULL), MIEN_OK);
    CHECK(equal_files("a/model/preprocessor_config.json", "x-pil/model/preprocessor_config.json"));
}

static void test_refusals(void)
{
    CHECK_EQ(train("a", NULL, NULL, NULL), MIEN_ERR_ARG);
    CHECK(captured_once("holds a run"));
    CHECK_EQ(train("r1", "run.batch=25", NULL, NULL), MIEN_ERR_ARG);
    CHECK_EQ(train("r1", "data.train=none.jsonl", NULL, NULL), MIEN_ERR_DATA);
    CHECK(!base_file_exists(tiny_path("r1")));
    CHECK(tiny_write("bad.jsonl", "{\"image\":\"0.png\"\n", 17));
    CHECK_EQ(train("r2", "data.train=bad.jsonl", NULL, NULL), MIEN_ERR_DATA);
    CHECK(captured_once("bad.jsonl:1"));
    CHECK_EQ(train("r3", "data.val=bad.jsonl", NULL, NULL), MIEN_ERR_DATA);
    static const char plain[] = "{\"image\":\"0.png\",\"caption\":\"One.\"}\n";
    CHECK(tiny_write("plain.jsonl", plain, strlen(plain)));
    CHECK_EQ(train("r4", "data.train=plain.jsonl", "loss.local.kind=pooled", NULL), MIEN_ERR_DATA);
    CHECK(captured_once("loss.local.kind"));
    static const char blank[] = "{\"image\":\"0.png\"}\n{\"image\":\"1.png\"}\n";
    CHECK(tiny_write("blank.jsonl", blank, strlen(blank)));
    CHECK_EQ(train("r7", "data.train=blank.jsonl", "run.batch=2", NULL), MIEN_ERR_DATA);
    CHECK(captured_once("blank.jsonl"));
    CHECK_EQ(train("r6", "data.train=plain.jsonl", "run.batchs=1", NULL), MIEN_ERR_ARG);
    CHECK(captured_once("\"run.batch\""));
}

/* The first parameters named keep every bit; the others move. */
static void test_frozen(void)
{
    static const char groups[] = "optim.groups=[{\"match\":\"vision_model.*\",\"freeze\":true}]";
    struct io_safetensors *was = NULL, *is = NULL, *grads = NULL;
    const char *sets[] = {"run.dir=frozen", groups, "run.steps=2", "run.dump_grads=frozen.safetensors"};
    CHECK_EQ(train_sets(sets, BASE_COUNT(sets), NULL), MIEN_OK);
    sets[0] = "run.dir=rate0";
    sets[1] = "optim.lr=0";
    CHECK_EQ(train_sets(sets, 3, NULL), MIEN_OK); /* the weights as they began */
    CHECK_EQ(io_safetensors_open(tiny_path("frozen.safetensors"), &grads), MIEN_OK);
    CHECK_EQ(io_safetensors_open(tiny_path("rate0/model/model.safetensors"), &was), MIEN_OK);
    CHECK_EQ(io_safetensors_open(tiny_path("frozen/model/model.safetensors"), &is), MIEN_OK);
    struct base_arena arena = {0};
    for (size_t i = 0; was && is && grads && i < io_safetensors_count(was); i++) {
        const struct io_tensor *a = io_safetensors_at(was, i), *b = io_safetensors_at(is, i);
        bool frozen = strncmp(a->name, "vision_model.", 13) == 0;
        bool key_bias = strstr(a->name, "k_proj.bias") != NULL; /* its gradient is nothing but rounding */
        bool rare = strstr(a->name, "token_embedding") != NULL;
        if (!key_bias && !rare)
            CHECK((memcmp(elements_of(a, &arena), elements_of(b, &arena), a->bytes) == 0) == frozen);
        CHECK((io_safetensors_find(grads, a->name) == NULL) == frozen);
    }
    base_arena_clear(&arena);
    io_safetensors_close(&was);
    io_safetensors_close(&is);
    io_safetensors_close(&grads);
    CHECK(!base_file_exists(tiny_path("frozen/checkpoints/step-1")));
    CHECK_EQ(io_safetensors_open(tiny_path("frozen/checkpoints/step-2/optimizer.safetensors"), &is), MIEN_OK);
    CHECK(is && !io_safetensors_find(is, "first.vision_model.embeddings.class_embedding"));
    CHECK(is && io_safetensors_find(is, "second.text_projection.weight"));
    io_safetensors_close(&is);
    CHECK_EQ(train("g1", "optim.groups=[{\"match\":\"vison*\"}]", NULL, NULL), MIEN_ERR_ARG);
    CHECK(captured_once("vison*"));
    CHECK_EQ(train("g2", "optim.groups=[{\"match\":\"*\",\"freeze\":true}]", NULL, NULL), MIEN_ERR_ARG);
    CHECK(!base_file_exists(tiny_path("g2")));
}

/* Two texts of each image: global and summary. */
static void test_two_levels(void)
{
    char manifest[TINY_IMAGES * 128];
    size_t at = 0;
    for (uint32_t i = 0; i < 6; i++)
        at += (size_t)snprintf(manifest + at, sizeof(manifest) - at,
                               "{\"image\":\"%u.png\",\"caption\":\"A face number %u. So it is.\"}\n", i, i % 3);
    CHECK(tiny_write("two.jsonl", manifest, at));
    CHECK_EQ(train("two", "data.train=two.jsonl", NULL, NULL), MIEN_OK);
}

/* Missing images are passed over up to the limit, and fail the run above it. */
static void test_bad_images(void)
{
    char manifest[TINY_IMAGES * 128];
    size_t at = 0;
    for (uint32_t i = 0; i < 12; i++)
        at += (size_t)snprintf(manifest + at, sizeof(manifest) - at,
                               "{\"image\":\"%u.%s\",\"caption\":\"a face %u\"}\n", i, i == 5 ? "none" : "png", i);
    CHECK(tiny_write("holes.jsonl", manifest, at));
    CHECK_EQ(train("holes", "data.train=holes.jsonl", NULL, NULL), MIEN_ERR_DATA);
    CHECK(!base_file_exists(tiny_path("holes/model")));
    CHECK_EQ(train("holes2", "data.train=holes.jsonl", "data.max_bad=0.2", NULL), MIEN_OK);
}

/* Starts from the weights of test_equal_runs, whose last values (of visual_projection, the last tensor by name) are
 * `value`. */
static enum mien_status train_from(float value, size_t values)
{
    char *data = NULL;
    size_t size = 0;
    static const char *const copies[] = {"config.json",
                                         "vocab.json",
                                         "merges.txt",
                                         "preprocessor_config.json",
                                         "tokenizer_config.json",
                                         "special_tokens_map.json",
                                         "model.safetensors"};
    CHECK_EQ(base_dir_create(tiny_path("nan")), MIEN_OK);
    for (size_t i = 0; i < BASE_COUNT(copies); i++) {
        char from[64], to[64];
        snprintf(from, sizeof(from), "a/model/%s", copies[i]);
        snprintf(to, sizeof(to), "nan/%s", copies[i]);
        CHECK_EQ(base_file_read(tiny_path(from), 0, &data, &size), MIEN_OK);
        if (!data)
            return MIEN_OK;
        for (size_t k = 1; i == BASE_COUNT(copies) - 1 && k <= values; k++)
            memcpy(data + size - 4 * k, &value, 4);
        CHECK(tiny_write(to, data, size));
        base_free(data);
        data = NULL;
    }
    static const char config[] = "{\"model\":{\"init\":\"nan\"},\"data\":{\"train\":\"t.jsonl\"},"
                                 "\"run\":{\"dir\":\"nanrun\",\"steps\":3,\"batch\":4,\"dump_grads\":\"bad.st\"}}";
    CHECK(tiny_write("nan.json", config, strlen(config)));
    struct mien_train_params params = {.size = sizeof params, .config = tiny_path("nan.json"), .resume = true};
    capture_start();
    return mien_train(gpu, &params, NULL);
}

/* Weights with a NaN are none; with finite ones that are no use the first loss is a NaN, and nothing is written. */
static void test_nan(void)
{
    CHECK_EQ(train_from(NAN, 1), MIEN_ERR_DATA);
    CHECK(captured_once("nan/model.safetensors: tensor visual_projection.weight: element "));
    CHECK_EQ(train_from(3e38f, 60), MIEN_ERR_FAILED);
    CHECK(captured_once("step 1"));
    CHECK(strstr(captured, "the first bad tensor is the gradient of ") != NULL);
    CHECK(!base_file_exists(tiny_path("nanrun/model")) && !base_file_exists(tiny_path("nanrun/checkpoints")));
    CHECK(!base_file_exists(tiny_path("bad.st")));
}

static void test_stop(void)
{
    const char *const many = "run.steps=100000";
    stopped_run("stopped", 3, &many, 1);
}

static bool cancel_after(void *user, uint64_t step, uint64_t steps)
{
    const struct mien_train_now *now = user;
    CHECK(now->loss > 0 && now->samples_per_s > 0 && steps == 100000);
    return step < 3;
}

/* Cancelled: another status, but the same checkpoint and summary. */
static void test_cancel(void)
{
    const char *sets[] = {"run.dir=cancelled", "run.steps=100000"};
    struct mien_train_now now = {0};
    struct mien_train_summary summary = {sizeof summary};
    struct mien_train_params params = {
        .size = sizeof params, .config = tiny_path("c.json"), .sets = sets, .set_count = 2, .now = &now};
    params.progress = cancel_after;
    params.user = &now;
    capture_start();
    CHECK_EQ(mien_train(gpu, &params, &summary), MIEN_ERR_CANCELLED);
    CHECK(captured_count == 0 && summary.stopped && summary.steps >= 3 && summary.steps < 8);
    CHECK(!base_file_exists(tiny_path("cancelled/model")) && base_file_is_dir(summary.checkpoint));
}

int main(void)
{
    capture_start();
    if (!gpu_open_public(&gpu))
        CHECK_SKIP("no Vulkan device: %s", captured);
    if (!tiny_make())
        CHECK_SKIP("no temporary directory");
    test_equal_runs();
    test_drafts();
    test_learns();
    test_no_loss();
    test_dump_grads();
    test_given_weights();
    test_given_resize();
    test_frozen();
    test_two_levels();
    test_bad_images();
    test_refusals();
    test_nan();
    test_stop();
    test_cancel();
    gpu_close_public(&gpu);
    tiny_remove();
    return check_result();
}
