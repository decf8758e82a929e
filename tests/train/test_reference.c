/* Whole runs against PyTorch in float64 (tests/golden/train_reference.py): global and summary captions, pooled local
 * branch, hard mining; losses of every step, gradients of the first, weights after the last. */
#include "check.h"
#include "device.h"

#include "io/safetensors.h"
#include "train/tiny_run.h"

#include <math.h>

#define GOLDEN MIEN_SOURCE_DIR "/tests/golden/train/"

/* What the issue of such a run is judged by: honest fp32 stays within some 3e-7 of the loss; forgetting weight decay
 * gives 3e-4. */
#define FIRST_LOSS_MAX 1e-5
#define LOSS_MAX 1e-4
#define WEIGHT_MAX 1e-3
#define GRAD_NMSE_MAX 1e-9

enum { COLUMNS = 12, STEPS_MAX = 30 };
enum { LOSS, LOSS_GLOBAL, LOSS_LOCAL, RATE, NORM, SCALE, GLOBAL_TEXT, GLOBAL_IMAGE, SUMMARY_TEXT, SUMMARY_IMAGE };

static double number(const char *line, const char *key)
{
    double value = NAN;
    const char *at = strstr(line, key);
    if (at)
        (void)sscanf(at + strlen(key), "%lf", &value);
    return value;
}

static double off(double value, double want)
{
    return fabs(value - want) / fmax(fabs(want), 1e-30);
}

static void compare_log(const char *run, const float *want, uint32_t steps)
{
    char *text = log_text(run), *line = text;
    double worst = 0, worst_norm = 0;
    for (uint32_t s = 0; s < steps && line; s++) {
        const float *row = want + (size_t)s * COLUMNS;
        double texts = ((double)row[GLOBAL_TEXT] + (double)row[SUMMARY_TEXT]) / 2;
        double images = ((double)row[GLOBAL_IMAGE] + (double)row[SUMMARY_IMAGE]) / 2;
        double loss = off(number(line, "\"loss\":"), row[LOSS]);
        CHECK(loss <= (s == 0 ? FIRST_LOSS_MAX : LOSS_MAX));
        CHECK(off(number(line, "\"loss_global\":"), row[LOSS_GLOBAL]) <= LOSS_MAX);
        CHECK(off(number(line, "\"loss_local\":"), row[LOSS_LOCAL]) <= LOSS_MAX);
        CHECK(off(number(line, "\"lr\":"), row[RATE]) <= 1e-6);
        CHECK(off(number(line, "\"logit_scale\":"), row[SCALE]) <= LOSS_MAX);
        CHECK(off(number(line, "\"positives\":{\"text\":"), texts) <= 1e-6);
        CHECK(off(number(line, ",\"image\":"), images) <= 1e-6);
        worst = fmax(worst, loss);
        worst_norm = fmax(worst_norm, off(number(line, "\"grad_norm\":"), row[NORM]));
        line = strchr(line, '\n');
        line += line != NULL;
    }
    printf("%s: %u steps, loss within %.1e, gradient norm within %.1e\n", run, steps, worst, worst_norm);
    CHECK(line && !*line && worst_norm <= 1e-3);
    base_free(text);
}

static float *values_of(const struct io_safetensors *file, const char *prefix, const char *name, uint64_t *count)
{
    char full[256];
    snprintf(full, sizeof(full), "%s%s", prefix, name);
    const struct io_tensor *tensor = file ? io_safetensors_find(file, full) : NULL;
    float *values = tensor ? base_alloc(tensor->count, sizeof(*values)) : NULL;
    CHECK(values != NULL);
    *count = values ? tensor->count : 0;
    if (values)
        CHECK_EQ(io_tensor_read_f32(tensor, 0, tensor->count, values), MIEN_OK);
    return values;
}

struct distance {
    double error, energy, most; /* sums of squares; the largest difference */
};

static struct distance distance_of(const struct io_safetensors *golden, const char *prefix, const struct io_tensor *t)
{
    struct distance d = {0};
    uint64_t count;
    float value, *want = values_of(golden, prefix, t->name, &count);
    CHECK_EQ(count, t->count);
    for (uint64_t i = 0; i < count && io_tensor_read_f32(t, i, 1, &value) == MIEN_OK; i++) {
        double error = (double)value - (double)want[i];
        d.error += error * error;
        d.energy += (double)want[i] * (double)want[i];
        d.most = fmax(d.most, fabs(error));
    }
    base_free(want);
    return d;
}

/* A key projection's bias adds the same to all of a query's scores: its exact gradient is 0. */
static bool is_key_bias(const char *name)
{
    return strstr(name, "k_proj.bias") != NULL;
}

static void compare_weights(const struct io_safetensors *golden, const char *path)
{
    struct io_safetensors *file = NULL;
    double worst = 0;
    CHECK_EQ(io_safetensors_open(path, &file), MIEN_OK);
    for (size_t i = 0; file && i < io_safetensors_count(file); i++) {
        const struct io_tensor *t = io_safetensors_at(file, i);
        struct distance d = distance_of(golden, "final.", t);
        if (is_key_bias(t->name))
            continue;
        if (sqrt(d.error) > WEIGHT_MAX * sqrt(d.energy))
            fprintf(stderr, "%s: off by %.2g\n", t->name, sqrt(d.error / d.energy));
        CHECK(sqrt(d.error) <= WEIGHT_MAX * sqrt(d.energy));
        worst = fmax(worst, sqrt(d.error / fmax(d.energy, 1e-30)));
    }
    printf("weights within %.1e\n", worst);
    io_safetensors_close(&file);
}

static double largest_grad(const struct io_safetensors *golden)
{
    double most = 0;
    for (size_t i = 0; i < io_safetensors_count(golden); i++) {
        const struct io_tensor *t = io_safetensors_at(golden, i);
        float value;
        for (uint64_t j = 0; strncmp(t->name, "grad.", 5) == 0 && j < t->count; j++) {
            if (io_tensor_read_f32(t, j, 1, &value) == MIEN_OK)
                most = fmax(most, fabs((double)value));
        }
    }
    return most;
}

static void compare_grads(const struct io_safetensors *golden, const char *path)
{
    struct io_safetensors *file = NULL;
    double worst = 0, most = largest_grad(golden);
    CHECK_EQ(io_safetensors_open(path, &file), MIEN_OK);
    for (size_t i = 0; file && i < io_safetensors_count(file); i++) {
        struct distance d = distance_of(golden, "grad.", io_safetensors_at(file, i));
        if (d.energy > 1e-16)
            worst = fmax(worst, d.error / d.energy);
        else
            CHECK(d.most <= 1e-6 * most);
    }
    printf("gradients: NMSE %.1e\n", worst);
    CHECK(worst <= GRAD_NMSE_MAX);
    io_safetensors_close(&file);
}

static void compare_run(const char *name, uint32_t steps, const char *extra)
{
    char config[512], file[512], dir[64], grads[128];
    const char *sets[] = {dir, grads, extra};
    struct io_safetensors *golden = NULL;
    uint64_t count = 0;
    snprintf(config, sizeof(config), GOLDEN "%s.json", name);
    snprintf(file, sizeof(file), GOLDEN "%s.safetensors", name);
    snprintf(dir, sizeof(dir), "run.dir=%s%s", name, extra ? "-parts" : "");
    snprintf(grads, sizeof(grads), "run.dump_grads=%s.grads", dir + 8);
    struct mien_train_params params = {
        .size = sizeof params, .config = config, .sets = sets, .set_count = extra ? 3 : 2};
    CHECK_EQ(mien_train(gpu, &params, NULL), MIEN_OK);
    CHECK_EQ(io_safetensors_open(file, &golden), MIEN_OK);
    float *want = values_of(golden, "", "steps", &count);
    CHECK_EQ(count, (uint64_t)steps * COLUMNS);
    if (want)
        compare_log(dir + 8, want, steps);
    if (golden && io_safetensors_find(golden, "final.logit_scale")) {
        char weights[128];
        snprintf(weights, sizeof(weights), "%s/model/model.safetensors", dir + 8);
        compare_grads(golden, grads + 15);
        compare_weights(golden, weights);
    }
    base_free(want);
    io_safetensors_close(&golden);
}

int main(void)
{
    capture_start();
    if (!gpu_open_public(&gpu))
        CHECK_SKIP("no Vulkan device: %s", captured);
    if (!tiny_make())
        CHECK_SKIP("no temporary directory");
    compare_run("train", 30, NULL);
    compare_run("missing", 10, NULL);
    compare_run("train", 30, "run.micro_batch=5"); /* the last part is one image */
    gpu_close_public(&gpu);
    tiny_remove();
    return check_result();
}
