/* test_software.c: when the software driver is told to use vectors of 512 bits. */
#include "mien/gpu.h"
#include "vk/fixture.h"

#include <unistd.h>

static char dir[64];

static const char *write_icd(const char *name, const char *library, const char *version)
{
    static char path[200];
    char text[300];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    snprintf(text, sizeof(text), "{\"ICD\": {\"library_path\": \"%s\", \"api_version\": \"%s\"}}", library, version);
    CHECK_EQ(base_file_write(path, text, strlen(text)), MIEN_OK);
    return path;
}

/* What is set of LP_NATIVE_VECTOR_WIDTH and GALLIVM_PERF, where the loader is to use `drivers`, with `first` set. */
static const char *prepared(const char *drivers, const char *first, const char *value)
{
    static char text[200];
    unsetenv("LP_NATIVE_VECTOR_WIDTH");
    unsetenv("GALLIVM_PERF");
    setenv("VK_DRIVER_FILES", drivers, 1);
    if (first)
        setenv(first, value, 1);
    mien_gpu_prepare();
    const char *width = getenv("LP_NATIVE_VECTOR_WIDTH"), *perf = getenv("GALLIVM_PERF");
    snprintf(text, sizeof(text), "%s %s", width ? width : "-", perf ? perf : "-");
    return text;
}

/* As the kernel says it. */
static bool has_512_bits(void)
{
    static const char *const words[] = {" avx512f ", " avx512bw ", " avx512dq ", " avx512vl "};
    char line[8192];
    bool all = false;
    FILE *file = fopen("/proc/cpuinfo", "r");
    while (file && !all && fgets(line, sizeof(line), file)) {
        all = strncmp(line, "flags", 5) == 0;
        for (size_t i = 0; i < BASE_COUNT(words); i++)
            all = all && strstr(line, words[i]);
    }
    if (file)
        fclose(file);
    return all;
}

int main(void)
{
    snprintf(dir, sizeof(dir), "/tmp/mien-test-software-%ld", (long)getpid());
    CHECK_EQ(base_dir_create(dir), MIEN_OK);
    unsetenv("VK_ADD_DRIVER_FILES");
    bool wide = has_512_bits();
    const char *set = wide ? "512 no_quad_lod" : "- -";

    const char *lvp = write_icd("lvp_icd.x86_64.json", "/usr/lib/libvulkan_lvp.so", "1.1.230");
    CHECK_STR(prepared(lvp, NULL, NULL), set);
    CHECK_STR(prepared(lvp, "LP_NATIVE_VECTOR_WIDTH", "256"), "256 -"); /* never over a user's setting */
    CHECK_STR(prepared(lvp, "LP_NATIVE_VECTOR_WIDTH", ""), " -");
    CHECK_STR(prepared(lvp, "GALLIVM_PERF", "nopt"), wide ? "512 nopt" : "- nopt");

    write_icd("radeon_icd.json", "libvulkan_radeon.so", "1.3.230");
    CHECK_STR(prepared(dir, NULL, NULL), set); /* a folder, with another driver in it */
    char two[300];
    snprintf(two, sizeof(two), "%s:%s/radeon_icd.json", dir, dir);
    CHECK_STR(prepared(two, NULL, NULL), set);

    write_icd("newer.json", "libvulkan_lvp.so", "1.4.354"); /* loses: then neither is told */
    CHECK_STR(prepared(dir, NULL, NULL), "- -");
    static const char *const others[][2] = {{"libvulkan_lvp.so", "1.4.354"},
                                            {"libvulkan_lvp.so", ""},
                                            {"libvk_swiftshader.so", "1.1.230"},
                                            {"libvulkan_radeon.so", "1.1.230"}};
    for (size_t i = 0; i < BASE_COUNT(others); i++)
        CHECK_STR(prepared(write_icd("other.json", others[i][0], others[i][1]), NULL, NULL), "- -");
    CHECK_STR(prepared("/nonexistent/driver.json", NULL, NULL), "- -");
    logged_count = 0;
    CHECK_EQ(base_file_write(lvp = write_icd("bad.json", "", ""), "{", 1), MIEN_OK);
    CHECK_STR(prepared(lvp, NULL, NULL), "- -");
    CHECK_EQ(logged_count, 0); /* told when a device is opened */
    return base_dir_remove(dir) == MIEN_OK ? check_result() : 1;
}
