/* Runs whose transformer blocks store activations in bf16 and f16: losses near those of f32, equal runs, stops and
 * resumes bit for bit, and the scale of the loss where it is f16. */
#include "check.h"
#include "device.h"

#include "args/optim.h"
#include "io/safetensors.h"
#include "train/tiny_run.h"
#include "train/trainer.h"

#include <math.h>

enum { STEPS = 30 };
#define HEADS_OF_4 "model.config.vision_config.num_attention_heads=3"

static const char *const halves[] = {"bf16", "f16"};

struct row {
    double loss, scale, skipped; /* scale 0: the loss is not scaled */
};

/* Steps in the log; rows [STEPS]. */
static uint32_t read_log(const char *run, struct row *rows)
{
    uint32_t count = 0;
    char *text = log_text(run);
    for (const char *line = text; line && *line && count < STEPS; line = strchr(line, '\n') + 1) {
        cJSON *json = cJSON_ParseWithOpts(line, NULL, false);
        const cJSON *loss = cJSON_GetObjectItem(json, "loss"), *scale = cJSON_GetObjectItem(json, "loss_scale"),
                    *skipped = cJSON_GetObjectItem(json, "skipped");
        CHECK(loss && (scale == NULL) == (skipped == NULL));
        rows[count++] = (struct row){cJSON_IsNumber(loss) ? loss->valuedouble : NAN, scale ? scale->valuedouble : 0,
                                     skipped ? skipped->valuedouble : 0};
        cJSON_Delete(json);
    }
    base_free(text);
    return count;
}

/* A rate that does not depend on the length of the run. */
static enum mien_status train_in(const char *run, const char *precision, uint32_t steps, const char *more, bool resume)
{
    char dir[64], word[64], length[64];
    const char *sets[] = {dir, word, length, "optim.schedule=constant", "optim.warmup_steps=0", HEADS_OF_4, more};
    struct mien_train_params params = {.size = sizeof params,
                                       .config = tiny_path("c.json"),
                                       .sets = sets,
                                       .set_count = more ? 7 : 6,
                                       .resume = resume};
    snprintf(length, sizeof(length), "run.steps=%u", steps);
    snprintf(dir, sizeof(dir), "run.dir=%s", run);
    snprintf(word, sizeof(word), "run.precision=%s", precision);
    capture_start();
    return mien_train(gpu, &params, NULL);
}

static void test_losses(const char *precision)
{
    struct row exact[STEPS], rows[STEPS];
    double worst = 0, sum = 0;
    CHECK_EQ(train_in(precision, precision, STEPS, NULL, false), MIEN_OK);
    CHECK_EQ(read_log("f32", exact), STEPS);
    CHECK_EQ(read_log(precision, rows), STEPS);
    for (uint32_t i = 0; i < STEPS; i++) {
        double off = fabs(rows[i].loss / exact[i].loss - 1);
        worst = fmax(worst, off);
        sum += off;
        CHECK(exact[i].scale == 0 && (rows[i].scale > 0) == (strcmp(precision, "f16") == 0));
    }
    printf("%s: losses of %d steps off by %.2g on average, %.2g at most; %.0f steps left out\n", precision, STEPS,
           sum / STEPS, worst, rows[STEPS - 1].skipped);
    /* the loss falls by half meanwhile: what rounding moves the weights by adds up */
    CHECK(worst <= 0.03 && sum <= 0.005 * STEPS && sum > 0);
}

/* Equal runs, one of them in two parts; one whose activations are made again has the same bits. */
static void test_resume(const char *precision)
{
    char whole[160], parts[160];
    CHECK_EQ(train_in("whole", precision, 6, NULL, false), MIEN_OK);
    CHECK_EQ(train_in("parts", precision, 3, NULL, false), MIEN_OK);
    CHECK_EQ(base_dir_remove(tiny_path("parts/model")), MIEN_OK);
    CHECK_EQ(train_in("parts", "auto", 5, NULL, true), MIEN_OK); /* goes on as the run was begun, here and elsewhere */
    CHECK_EQ(base_dir_remove(tiny_path("parts/model")), MIEN_OK);
    CHECK_EQ(train_in("parts", precision, 6, NULL, true), MIEN_OK);
    static const char *const files[] = {"model/model.safetensors", "checkpoints/step-6/optimizer.safetensors",
                                        "checkpoints/step-6/state.json"};
    for (size_t i = 0; i < BASE_COUNT(files); i++) {
        snprintf(whole, sizeof(whole), "whole/%s", files[i]);
        snprintf(parts, sizeof(parts), "parts/%s", files[i]);
        CHECK(equal_files(whole, parts));
    }
    CHECK_EQ(train_in("again", precision, 6, "run.recompute=true", false), MIEN_OK);
    CHECK(equal_files("whole/model/model.safetensors", "again/model/model.safetensors"));
    CHECK_EQ(train_in("parts", "f32", 6, NULL, true), MIEN_ERR_ARG);
    CHECK(strstr(captured, "run.precision") != NULL);
    CHECK_EQ(base_dir_remove(tiny_path("whole")), MIEN_OK);
    CHECK_EQ(base_dir_remove(tiny_path("parts")), MIEN_OK);
    CHECK_EQ(base_dir_remove(tiny_path("again")), MIEN_OK);
}

/* The scale in the checkpoint of step 3, made another; *was as it stands there. */
static void set_scale(const char *run, float scale, float *was)
{
    char name[192], dir[128];
    struct io_safetensors *file = NULL;
    char *bytes = NULL;
    size_t size = 0;
    snprintf(dir, sizeof(dir), "%s/checkpoints/step-3", run);
    snprintf(name, sizeof(name), "%s/optimizer.safetensors", dir);
    CHECK_EQ(io_safetensors_open(tiny_path(name), &file), MIEN_OK);
    const struct io_tensor *tensor = io_safetensors_find(file, "loss_scale");
    CHECK(tensor && tensor->count == SCALER_COUNT);
    CHECK_EQ(base_file_read(tiny_path(name), 0, &bytes, &size), MIEN_OK);
    if (tensor && bytes) {
        char *at = bytes + tensor->offset + SCALER_SCALE * sizeof(scale);
        memcpy(was, at, sizeof(scale));
        memcpy(at, &scale, sizeof(scale));
    }
    io_safetensors_close(&file);
    CHECK(tiny_write(name, bytes, size));
    CHECK_EQ(base_sums_write(tiny_path(dir)), MIEN_OK);
    base_free(bytes);
}

/* Gradients that f16 does not hold: steps are left out until they fit again, and the run goes on. */
static void test_overflow(void)
{
    struct row rows[STEPS];
    float was = 0;
    CHECK_EQ(train_in("over", "f16", 3, NULL, false), MIEN_OK);
    CHECK_EQ(base_dir_remove(tiny_path("over/model")), MIEN_OK);
    set_scale("over", (float)SCALER_MOST * 1024, &was);
    CHECK_EQ(train_in("over", "f16", STEPS, NULL, true), MIEN_OK);
    CHECK_EQ(read_log("over", rows), STEPS);
    printf("a scale of 2^34 in place of %.0f: %.0f steps left out, %.0f at the end\n", (double)was,
           rows[STEPS - 1].skipped, rows[STEPS - 1].scale);
    CHECK(rows[3].skipped == rows[2].skipped + 1 && rows[4].scale == rows[3].scale / 2);
    CHECK(rows[STEPS - 1].skipped > rows[2].skipped && rows[STEPS - 1].skipped < 25);
    CHECK(isfinite(rows[STEPS - 1].loss));
}

/* Weights of some thousands, whose products f16 does not hold: no scale helps, and the run says so. */
static void test_no_scale_helps(void)
{
    struct row rows[STEPS];
    CHECK_EQ(train_in("useless", "f16", STEPS, "optim.lr=1000", false), MIEN_ERR_FAILED);
    CHECK(strstr(captured, "run.precision bf16") != NULL);
    uint32_t count = read_log("useless", rows);
    CHECK(count > 16 && count < STEPS && isnan(rows[count - 1].loss) && rows[count - 1].scale == 2);
}

static uint64_t planned_activations(const char *precision)
{
    char word[64];
    const char *const sets[] = {"run.dir=dry", word, HEADS_OF_4};
    const struct mien_train_params params = {
        .size = sizeof params, .config = tiny_path("c.json"), .sets = sets, .set_count = 3, .dry_run = true};
    struct mien_train_summary summary = {sizeof summary};
    snprintf(word, sizeof(word), "run.precision=%s", precision);
    CHECK_EQ(mien_train(gpu, &params, &summary), MIEN_OK);
    CHECK_EQ(summary.plan.weight_bytes, 4 * summary.parameters);
    return summary.plan.activation_bytes;
}

/* Dry runs tell what it saves; widths that do not go into words are refused before the first step. */
static void test_plan(const char *precision)
{
    CHECK(planned_activations(precision) < 0.9 * (double)planned_activations("f32"));
    CHECK_EQ(train_in("odd", precision, 6, "model.config.vision_config.intermediate_size=22", false), MIEN_ERR_ARG);
    CHECK(captured_once("vision_config.intermediate_size is 22"));
    CHECK_EQ(train_in("odd", precision, 6, "model.config.text_config.num_attention_heads=2", false), MIEN_ERR_ARG);
    CHECK(captured_once("text_config.hidden_size / num_attention_heads is 6"));
    CHECK(!base_file_exists(tiny_path("odd/checkpoints")));
}

/* Only a GPU with matrix units gains by 16 bits in time; a software driver that has them does not. */
static void test_auto_rule(void)
{
    struct vk_caps caps;
    vk_caps_typical(VK_CLASS_DESKTOP, &caps);
    caps.type = VK_TYPE_DISCRETE;
    caps.features &= ~(uint32_t)(VK_CAP_COOPMAT | VK_CAP_COOPMAT_BF16);
    caps.features |= VK_CAP_F16;
    CHECK_EQ(train_precision_auto(&caps), TRAIN_PRECISION_F32);
    caps.features |= VK_CAP_COOPMAT;
    CHECK_EQ(train_precision_auto(&caps), TRAIN_PRECISION_F16);
    caps.features |= VK_CAP_COOPMAT_BF16;
    CHECK_EQ(train_precision_auto(&caps), TRAIN_PRECISION_BF16);
    caps.type = VK_TYPE_INTEGRATED;
    CHECK_EQ(train_precision_auto(&caps), TRAIN_PRECISION_BF16);
    CHECK_EQ(vk_caps_clamp(&caps, "-coopmat_bf16,-f16"), MIEN_OK);
    CHECK_EQ(train_precision_auto(&caps), TRAIN_PRECISION_F32);
    for (enum vk_class class_ = VK_CLASS_MOBILE; class_ <= VK_CLASS_SOFTWARE; class_++) {
        vk_caps_typical(class_, &caps);
        caps.features |= VK_CAP_F16 | VK_CAP_COOPMAT | VK_CAP_COOPMAT_BF16;
        CHECK_EQ(train_precision_auto(&caps), TRAIN_PRECISION_F32);
    }
    vk_caps_typical(VK_CLASS_DESKTOP, &caps);
    caps.features |= VK_CAP_F16 | VK_CAP_COOPMAT | VK_CAP_COOPMAT_BF16;
    caps.type = VK_TYPE_SOFTWARE; /* with the tiles of a GPU */
    CHECK_EQ(train_precision_auto(&caps), TRAIN_PRECISION_F32);
}

/* The run keeps what it comes to: resumed by its directory it stays so, whatever the device. */
static void test_auto(void)
{
    cJSON *json = NULL;
    const char *word = NULL;
    const struct vk_caps *caps = vk_device_caps(vk_gpu_device(gpu));
    static const char *const words[] = {"f32", "bf16", "f16"};
    CHECK_EQ(train_in("auto", "auto", 3, NULL, false), MIEN_OK);
    CHECK_EQ(base_json_read(tiny_path("auto/config.json"), &json), MIEN_OK);
    word = cJSON_GetStringValue(cJSON_GetObjectItem(cJSON_GetObjectItem(json, "run"), "precision"));
    CHECK(word && strcmp(word, words[train_precision_auto(caps)]) == 0);
    cJSON_Delete(json);
    /* widths that 16 bits do not take: f32, not a refusal */
    CHECK_EQ(train_in("auto-odd", "auto", 1, "model.config.vision_config.intermediate_size=22", false), MIEN_OK);
}

int main(void)
{
    test_auto_rule();
    capture_start();
    if (!gpu_open_public(&gpu))
        CHECK_SKIP("no Vulkan device: %s", captured);
    if (!tiny_make())
        CHECK_SKIP("no temporary directory");
    CHECK_EQ(train_in("f32", "f32", STEPS, NULL, false), MIEN_OK);
    for (size_t i = 0; i < BASE_COUNT(halves); i++) {
        test_losses(halves[i]);
        test_resume(halves[i]);
        test_plan(halves[i]);
    }
    test_auto();
    test_overflow();
    test_no_scale_helps();
    gpu_close_public(&gpu);
    tiny_remove();
    return check_result();
}
