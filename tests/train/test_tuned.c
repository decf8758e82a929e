/* test_tuned.c: a run goes by the table of tuned kernels with which it was begun, whatever the device's says when it is
 * resumed; on another device it takes that one's, and says so. */
#include "check.h"
#include "device.h"

#include "op/choice.h"
#include "train/tiny_run.h"
#include "train/trainer.h"

enum { MOST = 256 };
static char asked[MOST][OP_CALL_TEXT];
static uint32_t asked_count;

static void note(void *user, const char *call)
{
    (void)user;
    for (uint32_t i = 0; i < asked_count; i++)
        if (strcmp(asked[i], call) == 0)
            return;
    if (asked_count < MOST)
        snprintf(asked[asked_count++], OP_CALL_TEXT, "%s", call);
}

static enum mien_status resume(const char *run, struct mien_train_summary *summary)
{
    char dir[128];
    const char *sets[] = {dir, "run.checkpoint_every=3"};
    const struct mien_train_params params = {
        .size = sizeof params, .config = tiny_path("c.json"), .sets = sets, .set_count = 2, .resume = true};
    snprintf(dir, sizeof(dir), "run.dir=%s", run);
    capture_start();
    return mien_train(gpu, &params, summary);
}

/* A run of six steps with a checkpoint behind the third; the later ones are taken away. */
static void broken_run(const char *run)
{
    char name[128];
    CHECK_EQ(train(run, "run.checkpoint_every=3", NULL, NULL), MIEN_OK);
    snprintf(name, sizeof(name), "%s/checkpoints/step-6", run);
    CHECK_EQ(base_dir_remove(tiny_path(name)), MIEN_OK);
    snprintf(name, sizeof(name), "%s/model", run);
    CHECK_EQ(base_dir_remove(tiny_path(name)), MIEN_OK);
}

/* For each product that the run asks for, the last choice: the plain kernel. */
static void make_table(struct vk_device *device, struct vk_tuned *table)
{
    const struct vk_tuned noting = {.asked = note};
    vk_device_tune(device, &noting);
    CHECK_EQ(train("asked", "run.checkpoint_every=3", NULL, NULL), MIEN_OK);
    CHECK(asked_count > 10 && asked_count < MOST);
    for (uint32_t i = 0; i < asked_count; i++) {
        struct op_choice choices[OP_MAX_CHOICES];
        struct op_call call;
        CHECK_EQ(op_call_parse(asked[i], &call), MIEN_OK);
        uint32_t count = op_choices(vk_device_caps(device), &call, choices);
        if (call.op != &op_matmul || count < 2)
            continue;
        struct vk_choice row = {.key = op_choices_key(vk_device_caps(device), &call), .gain = 2};
        snprintf(row.call, sizeof(row.call), "%s", asked[i]);
        snprintf(row.variant, sizeof(row.variant), "%s", choices[count - 1].variant->name);
        op_tile_text(choices[count - 1].tile, row.tile);
        CHECK_EQ(vk_tuned_put(table, &row), MIEN_OK);
    }
    CHECK(table->count > 5);
}

/* The bits of a run, whether or not it was broken off and went on under another table. */
static void test_table_stays(struct vk_device *device, const struct vk_tuned *table)
{
    struct mien_train_summary summary = {sizeof summary};
    vk_device_tune(device, table);
    CHECK_EQ(train("tuned", "run.checkpoint_every=3", NULL, NULL), MIEN_OK);
    CHECK(vk_device_caps(device)->tuned != table);                                         /* the device's own again */
    CHECK(!equal_files("asked/model/model.safetensors", "tuned/model/model.safetensors")); /* or this shows nothing */
    vk_device_tune(device, table);
    broken_run("measured_since");
    vk_device_tune(device, NULL);
    CHECK_EQ(resume("measured_since", &summary), MIEN_OK);
    CHECK(summary.fresh == 3 && captured_count == 0);
    CHECK(equal_files("tuned/model/model.safetensors", "measured_since/model/model.safetensors"));
    CHECK(equal_files("tuned/checkpoints/step-6/state.json", "measured_since/checkpoints/step-6/state.json"));
    broken_run("untuned");
    vk_device_tune(device, table);
    CHECK_EQ(resume("untuned", &summary), MIEN_OK);
    CHECK(summary.fresh == 3 && captured_count == 0);
    CHECK(equal_files("asked/model/model.safetensors", "untuned/model/model.safetensors"));
    CHECK(equal_files("asked/checkpoints/step-6/state.json", "untuned/checkpoints/step-6/state.json"));
}

static void change_state(const char *key, cJSON *value)
{
    cJSON *json = NULL;
    CHECK_EQ(base_json_read(tiny_path("moved/checkpoints/step-3/state.json"), &json), MIEN_OK);
    CHECK(value && base_json_replace(json, key, value));
    char *text = base_json_print(json, true);
    CHECK(text && tiny_write("moved/checkpoints/step-3/state.json", text, strlen(text)));
    CHECK_EQ(base_sums_write(tiny_path("moved/checkpoints/step-3")), MIEN_OK);
    base_free(text);
    cJSON_Delete(json);
}

/* A checkpoint of another driver: the present device's own table serves, with the warnings that this brings. */
static void test_other_device(struct vk_device *device, const struct vk_tuned *table)
{
    vk_device_tune(device, NULL);
    broken_run("moved");
    change_state("driver", cJSON_CreateString("another driver 1.2"));
    vk_device_tune(device, table);
    CHECK_EQ(resume("moved", NULL), MIEN_OK);
    CHECK_EQ(captured_count, 2); /* the driver, then the kernels */
    CHECK(strstr(captured, "other kernels than before") != NULL);
    CHECK(!equal_files("asked/model/model.safetensors", "moved/model/model.safetensors"));
    vk_device_tune(device, NULL);
    CHECK_EQ(base_dir_remove(tiny_path("moved/checkpoints/step-6")), MIEN_OK);
    change_state("tuned", cJSON_Parse("[{\"call\":7}]"));
    change_state("driver", cJSON_CreateString(vk_device_caps(device)->driver));
    CHECK_EQ(resume("moved", NULL), MIEN_ERR_DATA);
    CHECK(strstr(captured, "state.json") && strstr(captured, "call"));
}

int main(void)
{
    struct vk_tuned table = {0};
    if (!gpu_open_public(&gpu))
        GPU_SKIP();
    if (!tiny_make())
        CHECK_SKIP("no temporary directory");
    struct vk_device *device = vk_gpu_device(gpu);
    make_table(device, &table);
    test_table_stays(device, &table);
    test_other_device(device, &table);
    vk_tuned_clear(&table);
    gpu_close_public(&gpu);
    tiny_remove();
    return check_result();
}
