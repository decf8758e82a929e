/* test_gpu.c: the public device. */
#include "mien/gpu.h"
#include "vk/fixture.h"
#include "vk/vk_internal.h"

/* What the environment says is only read where the parameters leave the choice. */
static void test_choices(void)
{
    struct mien_gpu *gpu = NULL;
    struct mien_gpu_params p = {.size = sizeof p, .device = "0", .wait_seconds = -1};
    CHECK(mien_gpu_create(&p, &gpu) == MIEN_ERR_ARG && !gpu);
    CHECK(strstr(mien_last_error(), "wait_seconds is -1") != NULL);
    p.wait_seconds = 7;
    setenv("MIEN_WAIT_SECONDS", "soon", 1);
    setenv("MIEN_PIPELINE_CACHE", "perhaps", 1);
    p.pipeline_cache = MIEN_ON;
    p.cache_dir = "test_gpu_cache";
    CHECK_OK(mien_gpu_create(&p, &gpu));
    CHECK(vk_gpu_device(gpu)->wait_ns == 7000000000u);
    CHECK_STR(vk_gpu_device(gpu)->cache_dir, "test_gpu_cache/");
    mien_gpu_destroy(&gpu);
    p.pipeline_cache = MIEN_DEFAULT;
    CHECK(mien_gpu_create(&p, &gpu) == MIEN_ERR_ARG && !gpu);
    p.pipeline_cache = MIEN_OFF;
    p.selftest = (enum mien_switch)3;
    CHECK(mien_gpu_create(&p, &gpu) == MIEN_ERR_ARG && !gpu);
    setenv("MIEN_SELFTEST", "perhaps", 1);
    p.selftest = MIEN_DEFAULT;
    CHECK(mien_gpu_create(&p, &gpu) == MIEN_ERR_ARG && !gpu);
    p.selftest = MIEN_ON;
    CHECK_OK(mien_gpu_create(&p, &gpu));
    CHECK_EQ(vk_device_trials(vk_gpu_device(gpu)), VK_TRIALS_ON);
    mien_gpu_destroy(&gpu);
    p.selftest = MIEN_OFF;
    CHECK_OK(mien_gpu_create(&p, &gpu));
    CHECK_EQ(vk_device_trials(vk_gpu_device(gpu)), VK_TRIALS_OFF);
    mien_gpu_destroy(&gpu);
    unsetenv("MIEN_SELFTEST");
    p.validation = (enum mien_validation)9;
    CHECK(mien_gpu_create(&p, &gpu) == MIEN_ERR_ARG && !gpu);
    setenv("MIEN_VALIDATE", "maybe", 1);
    p.validation = MIEN_VALIDATION_DEFAULT;
    CHECK(mien_gpu_create(&p, &gpu) == MIEN_ERR_ARG && !gpu);
    p.validation = MIEN_VALIDATION_OFF;
    CHECK_OK(mien_gpu_create(&p, &gpu));
    mien_gpu_destroy(&gpu);
    unsetenv("MIEN_WAIT_SECONDS");
    unsetenv("MIEN_PIPELINE_CACHE");
    unsetenv("MIEN_VALIDATE");
}

int main(void)
{
    struct mien_gpu_info infos[8] = {{sizeof infos[0]}}, info = {sizeof info};
    struct mien_gpu *gpu = NULL;
    uint32_t count = 0;
    mien_log_set(keep_log, NULL, MIEN_LOG_WARN);
    if (mien_gpu_list("", infos, BASE_COUNT(infos), &count) != MIEN_OK)
        CHECK_SKIP("no device: %s", logged);
    CHECK(count >= 1);
    for (uint32_t i = 0; i < count && i < BASE_COUNT(infos); i++) {
        CHECK(infos[i].name[0] && infos[i].type[0] && infos[i].tiles[0] && infos[i].memory > 0);
        CHECK(infos[i].api[0] == '1' && strchr(infos[i].api, '.'));
        CHECK(infos[i].masked[0] == 0);
        CHECK(strstr(infos[i].disabled, "coopmat: ") != NULL);
    }
    CHECK_OK(mien_gpu_list("floor", &info, 1, &count));
    CHECK(info.features[0] == 0);
    CHECK_STR(info.masked, infos[0].features);
    CHECK_OK(mien_gpu_list(NULL, NULL, 0, &count));
    infos[0].size = 0;
    CHECK(mien_gpu_list(NULL, infos, 1, &count) == MIEN_ERR_ARG && count == 0);
    infos[0].size = offsetof(struct mien_gpu_info, type); /* an older application's: the next one begins there */
    memset(&infos[0].type, 'x', sizeof infos[0] - offsetof(struct mien_gpu_info, type));
    CHECK_OK(mien_gpu_list(NULL, infos, 1, &count));
    CHECK(infos[0].name[0] && infos[0].type[0] == 'x');
    infos[0].size = sizeof infos[0];
    CHECK_OK(mien_gpu_list("", infos, BASE_COUNT(infos), &count));
    CHECK(mien_gpu_list("floo", infos, 1, &count) == MIEN_ERR_ARG && count == 0);
    CHECK(mien_gpu_list(NULL, NULL, 1, &count) == MIEN_ERR_ARG);
    CHECK_OK(mien_gpu_list("invocations=64", &info, 1, &count)); /* listed, with the reason */
    CHECK(strstr(info.missing, "invocations") != NULL);
    uint32_t index = 7;
    CHECK_OK(mien_gpu_find("0", &index));
    CHECK_EQ(index, 0);
    CHECK_OK(mien_gpu_find(infos[count - 1].name, &index));
    CHECK_STR(infos[index].name, infos[count - 1].name);
    CHECK(mien_gpu_find("nothing", &index) == MIEN_ERR_NO_DEVICE && index == 0);
    CHECK(mien_gpu_find(NULL, NULL) == MIEN_ERR_ARG);

    CHECK_OK(mien_gpu_create(
        &(struct mien_gpu_params){.size = sizeof(struct mien_gpu_params), .device = "0", .caps = "-f16"}, &gpu));
    CHECK_STR(mien_gpu_name(gpu), infos[0].name);
    mien_gpu_describe(gpu, &info);
    CHECK(strstr(info.features, "f16") == NULL && info.missing[0] == 0);
    CHECK(!mien_gpu_lost(gpu) && mien_gpu_validation_messages(gpu) == 0);
    CHECK(vk_gpu_device(gpu) != NULL);
    mien_gpu_destroy(&gpu);
    CHECK(gpu == NULL);
    mien_gpu_destroy(&gpu);
    mien_gpu_destroy(NULL);
    mien_log_set(keep_log, NULL, MIEN_LOG_SILENT);
    CHECK(mien_gpu_create(&(struct mien_gpu_params){.size = sizeof(struct mien_gpu_params), .device = "nothing"},
                          &gpu) == MIEN_ERR_NO_DEVICE &&
          !gpu);
    CHECK(strstr(mien_last_error(), "\"nothing\"; there are: 0 ") != NULL);
    mien_log_set(keep_log, NULL, MIEN_LOG_WARN);
    CHECK(mien_gpu_create(&(struct mien_gpu_params){.size = sizeof(struct mien_gpu_params), .caps = "shared=1"},
                          &gpu) == MIEN_ERR_UNSUPPORTED &&
          !gpu);
    CHECK(mien_gpu_create(NULL, NULL) == MIEN_ERR_ARG);
    test_choices();
    return check_result();
}
