/* Training on clips against PyTorch in float64 (tests/golden/clips_reference.py): frozen and tuned towers, heads with
 * each of their losses, beside the contrastive loss and alone: losses of 30 steps, gradients of the first. */
#include "check.h"
#include "device.h"

#include "io/safetensors.h"
#include "mien/model.h"
#include "train/tiny_run.h"

#include <math.h>

#define GOLDEN MIEN_SOURCE_DIR "/tests/golden/clips/"

/* The project's bar for 30 steps; fp32 stays within 2e-5, the most with ccc. */
#define LOSS_MAX 1e-4
#define GRAD_NMSE_MAX 1e-9

enum { STEPS = 30, COLUMNS = 5 };
enum { LOSS, LOSS_GLOBAL, LOSS_HEAD, RATE, NORM };

static struct io_safetensors *golden;

static double number(const char *line, const char *key)
{
    double value = 0; /* a loss that is not there */
    const char *end = strchr(line, '\n'), *at = strstr(line, key);
    if (at && at < end)
        (void)sscanf(at + strlen(key), "%lf", &value);
    return value;
}

static double off(double value, double want)
{
    return fabs(value - want) / fmax(fabs(want), 1e-3);
}

static void compare_log(const char *name)
{
    char key[64], *text = log_text(name), *line = text;
    float want[STEPS * COLUMNS];
    double worst = 0, worst_norm = 0;
    snprintf(key, sizeof(key), "%s.steps", name);
    const struct io_tensor *steps = io_safetensors_find(golden, key);
    CHECK(steps && steps->count == BASE_COUNT(want));
    CHECK_EQ(io_tensor_read_f32(steps, 0, BASE_COUNT(want), want), MIEN_OK);
    for (uint32_t s = 0; s < STEPS && line && *line; s++) {
        const float *row = want + (size_t)s * COLUMNS;
        worst = fmax(worst, off(number(line, "\"loss\":"), row[LOSS]));
        worst = fmax(worst, off(number(line, "\"loss_global\":"), row[LOSS_GLOBAL]));
        worst = fmax(worst, off(number(line, "\"loss_head\":"), row[LOSS_HEAD]));
        worst_norm = fmax(worst_norm, off(number(line, "\"grad_norm\":"), row[NORM]));
        CHECK(off(number(line, "\"lr\":"), row[RATE]) <= 1e-6);
        line = strchr(line, '\n');
        line += line != NULL;
    }
    printf("%s: loss within %.1e, gradient norm within %.1e\n", name, worst, worst_norm);
    CHECK(line && !*line && worst <= LOSS_MAX && worst_norm <= 1e-3);
    base_free(text);
}

static void compare_grads(const char *name, const char *path)
{
    struct io_safetensors *file = NULL;
    char prefix[64];
    double worst = 0;
    uint32_t compared = 0;
    snprintf(prefix, sizeof(prefix), "%s.grad.", name);
    CHECK_EQ(io_safetensors_open(path, &file), MIEN_OK);
    for (size_t i = 0; file && i < io_safetensors_count(golden); i++) {
        const struct io_tensor *want = io_safetensors_at(golden, i), *got;
        double error = 0, energy = 0;
        if (strncmp(want->name, prefix, strlen(prefix)) != 0)
            continue;
        got = io_safetensors_find(file, want->name + strlen(prefix));
        CHECK(got && got->count == want->count);
        for (uint64_t k = 0; got && k < got->count; k++) {
            float a = 0, b = 0;
            CHECK(io_tensor_read_f32(got, k, 1, &a) == MIEN_OK && io_tensor_read_f32(want, k, 1, &b) == MIEN_OK);
            error += ((double)a - (double)b) * ((double)a - (double)b);
            energy += (double)b * (double)b;
        }
        compared++;
        if (strstr(want->name, "k_proj.bias")) /* its exact gradient is 0 */
            CHECK(error <= 1e-12);
        else
            worst = fmax(worst, error / fmax(energy, 1e-30));
    }
    printf("%s: %u gradients, NMSE %.1e\n", name, compared, worst);
    CHECK(compared > 0 && worst <= GRAD_NMSE_MAX);
    io_safetensors_close(&file);
}

static void compare(const char *name, const char *extra)
{
    char config[512], dir[96], grads[128];
    const char *sets[] = {dir, grads, extra};
    snprintf(config, sizeof(config), GOLDEN "%s.json", name);
    snprintf(dir, sizeof(dir), "run.dir=%s", name);
    snprintf(grads, sizeof(grads), "run.dump_grads=%s.grads", name);
    const struct mien_train_params params = {
        .size = sizeof params, .config = config, .sets = sets, .set_count = extra ? 3 : 2};
    CHECK_EQ(base_dir_remove(name), MIEN_OK);
    CHECK_EQ(mien_train(gpu, &params, NULL), MIEN_OK);
    compare_log(name);
    compare_grads(name, strchr(grads, '=') + 1);
}

/* Two rows of these many frames, of the same five pictures in order, and six more alike in both. */
static void write_dealt(const char *name, uint32_t first)
{
    static const char *const words[] = {"plain anger", "faint calm", "strong fear"};
    char text[16384];
    size_t at = 0;
    for (uint32_t i = 0, next = 0; i < 8; i++) {
        uint32_t count = i == 0 ? first : i == 1 ? 5 - first : 2;
        at += (size_t)snprintf(text + at, sizeof(text) - at, "{\"frames\":[");
        for (uint32_t j = 0; j < count; j++, next++)
            at +=
                (size_t)snprintf(text + at, sizeof(text) - at, "%s\"%s../train/%02u.png\"", j ? "," : "", GOLDEN, next);
        at += (size_t)snprintf(text + at, sizeof(text) - at, "],\"caption\":\"a face of %s\",\"label\":%s}\n",
                               words[i % 3], i == 0 ? "[\"joy\",\"fear\"]" : "\"anger\"");
    }
    CHECK(tiny_write(name, text, at));
}

static void train_dealt(const char *run, const char *data)
{
    char dir[96], train[96];
    const char *const sets[] = {dir, train, "run.steps=1", "loss.text=caption"};
    const struct mien_train_params params = {
        .size = sizeof params, .config = GOLDEN "frozen.json", .sets = sets, .set_count = BASE_COUNT(sets)};
    snprintf(dir, sizeof(dir), "run.dir=%s", run);
    snprintf(train, sizeof(train), "data.train=%s", data);
    capture_start();
    CHECK_EQ(mien_train(gpu, &params, NULL), MIEN_OK);
}

/* The image tower's features are made once, and made again where the same pictures are dealt out to other rows. */
static void test_features_kept(void)
{
    char *kept = NULL;
    size_t size = 0;
    CHECK(base_file_exists("frozen/features.safetensors") && !base_file_exists("tuned/features.safetensors"));
    write_dealt("three.jsonl", 3);
    write_dealt("two.jsonl", 2);
    train_dealt("three", "three.jsonl");
    train_dealt("two", "two.jsonl");
    CHECK(!equal_files("three/model/model.safetensors", "two/model/model.safetensors"));
    CHECK_EQ(base_file_read("three/features.safetensors", 0, &kept, &size), MIEN_OK);
    CHECK_EQ(base_dir_create(tiny_path("reused")), MIEN_OK);
    CHECK(kept && tiny_write("reused/features.safetensors", kept, size));
    train_dealt("reused", "two.jsonl");
    CHECK(equal_files("reused/model/model.safetensors", "two/model/model.safetensors"));
    base_free(kept);
}

/* A compound is left out by its name, in either order: of eight rows seven are too few for a batch. */
static void test_compound_left_out(void)
{
    const char *const sets[] = {"run.dir=left", "data.train=two.jsonl", "run.steps=1", "loss.text=caption",
                                "data.leave_out=joy and fear"};
    const struct mien_train_params params = {
        .size = sizeof params, .config = GOLDEN "frozen.json", .sets = sets, .set_count = BASE_COUNT(sets)};
    capture_start();
    CHECK(mien_train(gpu, &params, NULL) != MIEN_OK && strstr(captured, "7 samples are fewer than one batch"));
}

/* What the trained head says of the clips, in the targets' units: its error is the loss of the last step, after which
 * the rate had come down to nearly nothing. */
static void test_predict(void)
{
    enum { CLIPS = 8, FRAMES = 4, TARGETS = 2, E = 4 };
    char paths[FRAMES][512];
    struct mien_input frames[FRAMES] = {{0}};
    const struct mien_embed_params params = {.size = sizeof params, .flags = MIEN_RAW};
    struct mien_model *model = NULL;
    float raw[CLIPS * E], said[CLIPS * TARGETS];
    double truth[CLIPS][TARGETS], mean[TARGETS] = {0}, square[TARGETS] = {0}, error = 0;
    CHECK_EQ(mien_model_open(gpu, "rmse-alone/model", NULL, &model), MIEN_OK);
    for (uint32_t i = 0; model && i < CLIPS; i++) {
        for (uint32_t j = 0; j < FRAMES; j++) {
            snprintf(paths[j], sizeof(paths[j]), GOLDEN "../train/%02u.png", (i + 9 * j) % 32);
            frames[j].path = paths[j];
        }
        const struct mien_input clip = {.frames = frames, .frame_count = FRAMES};
        CHECK_EQ(mien_model_embed(model, &clip, 1, &params, raw + (size_t)i * E), MIEN_OK);
        truth[i][0] = round((sin(1.7 * i) * 3 + 2) * 1000) / 1000; /* as clips_reference.py has them */
        truth[i][1] = round((cos(0.9 * i * i) - 0.4) * 1000) / 1000;
        for (uint32_t k = 0; k < TARGETS; k++)
            mean[k] += truth[i][k] / CLIPS;
    }
    CHECK_EQ(mien_model_predict(model, raw, CLIPS, said), MIEN_OK);
    CHECK_STR(mien_model_target(model, 0), "calm");
    CHECK_STR(mien_model_target(model, 1), "tension");
    CHECK(mien_model_target(model, 2) == NULL);
    for (uint32_t i = 0; i < CLIPS * TARGETS; i++)
        square[i % TARGETS] += pow(truth[i / TARGETS][i % TARGETS] - mean[i % TARGETS], 2) / CLIPS;
    for (uint32_t i = 0; i < CLIPS * TARGETS; i++)
        error += pow((double)said[i] - truth[i / TARGETS][i % TARGETS], 2) / square[i % TARGETS] / (CLIPS * TARGETS);
    char *text = log_text("rmse-alone"), *last = strstr(text, "\"step\":30,");
    CHECK(last && off(sqrt(error), number(last, "\"loss\":")) < 1e-3);
    base_free(text);
    mien_model_destroy(&model);
}

int main(void)
{
    static const char *const names[] = {"frozen", "tuned", "mse", "rmse-alone", "ccc", "ce", "ce-alone"};
    capture_start();
    if (!gpu_open_public(&gpu))
        CHECK_SKIP("no Vulkan device: %s", captured);
    if (!tiny_make())
        CHECK_SKIP("no temporary directory");
    CHECK_EQ(io_safetensors_open(GOLDEN "clips.safetensors", &golden), MIEN_OK);
    for (size_t i = 0; golden && i < BASE_COUNT(names); i++)
        compare(names[i], NULL);
    if (golden) {
        test_features_kept();
        test_compound_left_out();
        test_predict();
        compare("tuned", "run.micro_batch=3");
        compare("ccc", "run.recompute=true");
    }
    io_safetensors_close(&golden);
    gpu_close_public(&gpu);
    tiny_remove();
    return check_result();
}
