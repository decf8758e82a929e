/* test_missing.c: a machine without any Vulkan driver. */
#include "mien/gpu.h"
#include "vk/fixture.h"

int main(void)
{
    struct vk_instance *instance = NULL;
    struct mien_gpu *gpu = NULL;
    uint32_t count = 99;
    setenv("VK_ICD_FILENAMES", "/nonexistent/driver.json", 1);
    setenv("VK_DRIVER_FILES", "/nonexistent/driver.json", 1);
    unsetenv("MIEN_VALIDATE");
    mien_log_set(keep_log, NULL, MIEN_LOG_WARN);
    CHECK(vk_instance_create(NULL, &instance) == MIEN_ERR_NO_DEVICE);
    CHECK(instance == NULL && logged_count == 1);
    CHECK_LOGGED("mesa-vulkan-drivers"); /* what to do about it */
    CHECK(mien_gpu_list(NULL, NULL, 0, &count) == MIEN_ERR_NO_DEVICE);
    CHECK(count == 0);
    CHECK(mien_gpu_create(NULL, &gpu) == MIEN_ERR_NO_DEVICE);
    CHECK(gpu == NULL);
    CHECK(mien_status_exit_code(MIEN_ERR_NO_DEVICE) == 3);
    return check_result();
}
