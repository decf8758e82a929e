/* What mien_model_plan says of memory is what the allocator counts when the model is used. */
#include "check.h"

#include "base/capture.h"
#include "use/use.h"

#define START MIEN_SOURCE_DIR "/tests/golden/train/start"
enum { MOST = 96, E = 20 };

/* On a device of its own: peaks are of all that was ever made there. */
static void test_use(uint32_t images, uint32_t texts, const struct mien_model_params *params)
{
    static const unsigned char pixels[24 * 24 * 3];
    static char text[1000];
    static float out[MOST * E];
    struct mien_input all[MOST];
    const char *lines[MOST];
    struct mien_gpu *gpu = NULL;
    struct mien_model *model = NULL;
    struct mien_model_plan plan = {sizeof plan};
    struct vk_memory_stats stats;
    for (size_t i = 0; i + 5 < sizeof(text); i += 4)
        memcpy(text + i, "joy ", 5);
    for (uint32_t i = 0; i < MOST; i++) {
        all[i] = (struct mien_input){.pixels = pixels, .width = 24, .height = 24};
        lines[i] = text;
    }
    CHECK_EQ(mien_gpu_create(NULL, &gpu), MIEN_OK);
    CHECK_EQ(mien_model_plan(START, gpu, params, images, texts, &plan), MIEN_OK);
    CHECK_EQ(mien_model_open(gpu, START, params, &model), MIEN_OK);
    if (!model)
        return;
    CHECK_EQ(mien_model_embed(model, all, images, NULL, out), MIEN_OK);
    CHECK_EQ(mien_model_embed_texts(model, lines, texts, 0, out), MIEN_OK);
    vk_memory_stats(vk_gpu_device(gpu), &stats);
    CHECK_EQ(plan.device_peak, stats.peak[VK_MEMORY_DEVICE]);
    CHECK_EQ(plan.host_peak, stats.host_peak);
    CHECK_EQ(plan.device_peak, plan.weights + plan.image_run + plan.text_run);
    CHECK((plan.image_flops > 0) == (images > 0) && (plan.text_flops > 0) == (texts > 0));
    mien_model_destroy(&model);
    mien_gpu_destroy(&gpu);
}

int main(void)
{
    struct mien_model_plan plan = {sizeof plan}, half = {sizeof half};
    struct mien_gpu *gpu = NULL;
    CHECK_EQ(mien_model_plan(START, NULL, NULL, 32, 32, &plan), MIEN_OK); /* no device is asked */
    CHECK(plan.device_peak > 0 && plan.pixels == 32ull * 2 * 3 * 24 * 24 * 4);
    CHECK_EQ(
        mien_model_plan(START, NULL,
                        &(struct mien_model_params){.size = sizeof(struct mien_model_params), .precision = MIEN_F16},
                        32, 32, &half),
        MIEN_OK);
    /* half, but for biases, norms and positions, and 256 bytes a tensor at least */
    CHECK(half.weights < plan.weights * 3 / 4 && half.weights > plan.weights / 2);
    CHECK(plan.device_peak - half.device_peak == plan.weights - half.weights);
    capture_start();
    CHECK_EQ(
        mien_model_plan(START, NULL,
                        &(struct mien_model_params){.size = sizeof(struct mien_model_params), .precision = MIEN_I32}, 1,
                        1, &half),
        MIEN_ERR_ARG);
    CHECK(captured_once("cannot be stored as i32") && half.device_peak == 0);
    capture_start();
    CHECK_EQ(mien_model_plan(MIEN_SOURCE_DIR "/nowhere", NULL, NULL, 1, 1, &plan), MIEN_ERR_DATA);
    CHECK(captured_once("nowhere") && plan.device_peak == 0);
    capture_start();
    if (mien_gpu_create(NULL, &gpu) != MIEN_OK) {
        printf("no Vulkan device (%s): only a typical one was planned for\n", captured);
        return check_result();
    }
    mien_gpu_destroy(&gpu);
    test_use(1, 1, NULL);
    test_use(32, 0, NULL);
    test_use(MOST, MOST, NULL); /* three runs of each in the memory of one */
    test_use(32, 0, &(struct mien_model_params){.size = sizeof(struct mien_model_params), .precision = MIEN_F16});
    test_use(5, 3, &(struct mien_model_params){.size = sizeof(struct mien_model_params), .precision = MIEN_BF16});
    return check_result();
}
