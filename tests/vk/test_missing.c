/* test_missing.c: a machine without any Vulkan driver. */
#include "mien/gpu.h"
#include "vk/fixture.h"

#include <unistd.h>

/* Descriptions of drivers that cannot be used are named, and why; never the host's memory. */
static void test_damaged(void)
{
    static const char *const forms[][2] = {
        {"{", "line 1"},
        {"", "line 1"},
        {"{}", "library_path"},
        {"[1]", "library_path"},
        {"{\"ICD\":{\"api_version\":\"1.3\"},\"file_format_version\":\"1.0.0\"}", "library_path"},
        {"{\"ICD\":{\"api_version\":\"1.3\",\"library_path\":\"./none.so\"},\"file_format_version\":\"1.0.0\"}",
         "./none.so is not there"}};
    char path[64];
    snprintf(path, sizeof(path), "/tmp/mien-test-driver-%ld.json", (long)getpid());
    setenv("VK_DRIVER_FILES", path, 1);
    setenv("VK_ICD_FILENAMES", path, 1);
    for (size_t i = 0; i < BASE_COUNT(forms); i++) {
        struct vk_instance *instance = NULL;
        CHECK_EQ(base_file_write(path, forms[i][0], strlen(forms[i][0])), MIEN_OK);
        logged_count = 0;
        CHECK_EQ(vk_instance_create(NULL, &instance), MIEN_ERR_NO_DEVICE);
        CHECK(instance == NULL && logged_count == 1);
        CHECK_LOGGED(path);
        CHECK_LOGGED(forms[i][1]);
        CHECK_LOGGED("VK_DRIVER_FILES names");
    }
    remove(path);
}

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
    test_damaged();
    return check_result();
}
