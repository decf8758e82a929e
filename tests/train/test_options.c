/* The loss's and the optimiser's options in short runs against PyTorch in float64: tests/golden/train_reference.py,
 * train/options.json. */
#include "check.h"
#include "device.h"

#include "train/tiny_run.h"

#include <math.h>

#define GOLDEN MIEN_SOURCE_DIR "/tests/golden/train/"

/* Honest fp32 stays within 1e-6 of a loss; a gradient's norm sums larger cancellations. */
#define LOSS_MAX 1e-5
#define NORM_MAX 1e-4

enum { SETS_MAX = 9, COLUMNS = 8 };
enum { LOSS, LOSS_GLOBAL, LOSS_LOCAL, RATE, NORM, SCALE, TEXT, IMAGE };

static double number(const char *line, const char *key)
{
    double value = NAN;
    const char *at = line ? strstr(line, key) : NULL;
    if (at)
        (void)sscanf(at + strlen(key), "%lf", &value);
    return value;
}

/* How far a number of the log is off; a wrong or missing one is infinitely far. */
static double off(const char *line, const char *key, double want)
{
    double d = fabs(number(line, key) - want) / fmax(fabs(want), 1e-6);
    return isnan(d) ? INFINITY : d;
}

static void compare_step(const char *name, const char *line, const cJSON *row)
{
    static const struct {
        const char *key;
        double most;
    } columns[COLUMNS] = {{"\"loss\":", LOSS_MAX},
                          {"\"loss_global\":", LOSS_MAX},
                          {"\"loss_local\":", LOSS_MAX},
                          {"\"lr\":", 1e-6},
                          {"\"grad_norm\":", NORM_MAX},
                          {"\"logit_scale\":", LOSS_MAX},
                          {"\"positives\":{\"text\":", 1e-6},
                          {",\"image\":", 1e-6}};
    CHECK_EQ(cJSON_GetArraySize(row), COLUMNS);
    for (int c = 0; c < COLUMNS; c++) {
        double want = cJSON_GetNumberValue(cJSON_GetArrayItem(row, c));
        double error = off(line, columns[c].key, want);
        if (!(error <= columns[c].most))
            fprintf(stderr, "%s: %s %.9g, PyTorch %.9g\n", name, columns[c].key, number(line, columns[c].key), want);
        CHECK(error <= columns[c].most);
    }
}

static void run_case(const cJSON *item, uint32_t index)
{
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "name"));
    const cJSON *set, *row, *steps = cJSON_GetObjectItemCaseSensitive(item, "steps");
    const char *data = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "data"));
    char run[32], dir[64], rows[512];
    const char *sets[SETS_MAX] = {dir, rows, "run.dump_grads=grads"};
    size_t count = 3;
    snprintf(rows, sizeof(rows), "data.train=" GOLDEN "%s", data);
    snprintf(run, sizeof(run), "option-%u", index);
    snprintf(dir, sizeof(dir), "run.dir=%s", run);
    cJSON_ArrayForEach(set, cJSON_GetObjectItemCaseSensitive(item, "set"))
    {
        CHECK(count < SETS_MAX);
        if (count < SETS_MAX)
            sets[count++] = cJSON_GetStringValue(set);
    }
    struct mien_train_params params = {
        .size = sizeof params, .config = GOLDEN "train.json", .sets = sets, .set_count = count};
    capture_start();
    enum mien_status status = mien_train(gpu, &params, NULL);
    if (status != MIEN_OK)
        fprintf(stderr, "%s: %s\n", name, captured);
    CHECK_EQ(status, MIEN_OK);
    char *text = log_text(run), *line = text;
    cJSON_ArrayForEach(row, steps)
    {
        char *end = line ? strchr(line, '\n') : NULL;
        if (end)
            *end = 0;
        compare_step(name, line, row);
        line = end ? end + 1 : NULL;
    }
    printf("%s: loss %.7g\n", name, number(text, "\"loss\":"));
    CHECK(text && line && !*line);
    base_free(text);
}

int main(void)
{
    cJSON *cases = NULL;
    const cJSON *item;
    uint32_t index = 0;
    capture_start();
    if (!gpu_open_public(&gpu))
        CHECK_SKIP("no Vulkan device: %s", captured);
    if (!tiny_make())
        CHECK_SKIP("no temporary directory");
    CHECK_EQ(base_json_read(GOLDEN "options.json", &cases), MIEN_OK);
    cJSON_ArrayForEach(item, cases) run_case(item, index++);
    CHECK(index > 10);
    cJSON_Delete(cases);
    gpu_close_public(&gpu);
    tiny_remove();
    return check_result();
}
