/* software.c: settings of Mesa's software driver, which it reads once, when it is loaded. */
#include "vk/vk_internal.h"

#include <string.h>

/* How wide its vectors are. By itself it takes 256 bits also where the processor has 512. */
#define WIDTH "LP_NATIVE_VECTOR_WIDTH"
/* One of its switches, about sampling, which no kernel does: Mesa's cache of compiled kernels knows them, but not the
 * width, and would give kernels of the other width, which are right, but slow. */
#define SWITCH "GALLIVM_PERF"

/* Mesa says its version to no one before it is loaded; its description has the last number of the Vulkan version that
 * it was written for. Of Mesa 22.3: measured 1.5 times as fast with 512 bits as with 256, where Mesa 26 loses several
 * times (tests/bench/LOG.md). */
static bool gains(const char *version)
{
    return version && (strcmp(version, "1.1.230") == 0 || strcmp(version, "1.3.230") == 0);
}

struct found {
    bool some, slower;
};

static bool visit(const char *path, void *user)
{
    struct found *found = user;
    cJSON *json = NULL;
    char why[300];
    base_log_divert(why, sizeof(why)); /* what cannot be read is told when a device is opened */
    enum mien_status status = base_json_read(path, &json);
    base_log_divert(NULL, 0);
    const cJSON *icd = status == MIEN_OK ? cJSON_GetObjectItemCaseSensitive(json, "ICD") : NULL;
    const char *library = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(icd, "library_path"));
    if (library && strstr(library, "libvulkan_lvp")) {
        found->some = true;
        if (!gains(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(icd, "api_version"))))
            found->slower = true;
    }
    cJSON_Delete(json);
    return found->slower;
}

static bool has_512_bits(void)
{
#if defined(__x86_64__) && defined(__GNUC__)
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#else
    return false;
#endif
}

void mien_gpu_prepare(void)
{
    struct found found = {0};
    if (base_env(WIDTH) || !has_512_bits())
        return;
    vk_driver_find(visit, &found);
    if (!found.some || found.slower) /* one setting for all that there are */
        return;
    base_set_env(WIDTH, "512");
    if (!base_env(SWITCH))
        base_set_env(SWITCH, "no_quad_lod");
}
