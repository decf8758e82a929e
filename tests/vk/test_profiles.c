/* test_profiles.c: capability profiles, embedded and from files, on a made-up device; every way a file can be wrong. */
#include "vk/made_up.h"

static char dir[] = "/tmp/mien-profiles-XXXXXX";

static const char *write_profile(const char *name, const char *text)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    CHECK_OK(base_file_write(path, text, strlen(text)));
    return path;
}

static struct vk_caps clamped(const char *list)
{
    struct vk_caps caps = rich();
    CHECK_OK(vk_caps_clamp(&caps, list));
    return caps;
}

/* Every profile that the headers name is there, takes something away and leaves a device that Mien runs on, but for
 * the one with four storage buffers, where kernels take up to eight. */
static void test_embedded(void)
{
    static const char *const names[] = {"floor", "android-2022", "android-2025", "android-15",
                                        "apple", "moltenvk",     "rdna",         "swiftshader"};
    for (size_t i = 0; i < BASE_COUNT(names); i++) {
        struct vk_caps caps = clamped(names[i]);
        CHECK(!is_rich(&caps));
        CHECK(!(caps.features & VK_CAP_COOPMAT));
        bool below = strcmp(names[i], "android-2022") == 0;
        CHECK(vk_caps_check_floor(&caps) == (below ? MIEN_ERR_UNSUPPORTED : MIEN_OK));
    }
    CHECK_LOGGED("maxPerStageDescriptorStorageBuffers): has 4, needs 8");
}

static void test_values(void)
{
    struct vk_caps caps = clamped("floor");
    CHECK(caps.features == 0 && caps.max_invocations == 128 && caps.max_shared == 16384 && caps.max_buffers == 8);
    CHECK(caps.max_push == 128 && caps.max_range == 134217728 && caps.max_groups[0] == 65535);
    CHECK(caps.class_ == rich().class_); /* the floor says nothing about tiles */
    caps = clamped("android-2022");
    CHECK(caps.max_buffers == 4 && caps.class_ == VK_CLASS_MOBILE && caps.features == 0);
    caps = clamped("android-2025");
    CHECK(caps.max_invocations == 256 && (caps.features & VK_CAP_F16) && !(caps.features & VK_CAP_STORAGE16));
    CHECK(caps.max_texels == 65536 && (caps.features & VK_CAP_TEXEL));
    caps = clamped("android-15");
    CHECK(caps.max_buffers == 12 && (caps.features & VK_CAP_STORAGE16) && (caps.features & VK_CAP_SUBGROUP_SHUFFLE));
    caps = clamped("apple");
    CHECK(caps.max_shared == 32768 && caps.max_buffers == 31 && caps.class_ == VK_CLASS_DESKTOP);
    CHECK((caps.features & VK_CAP_F16) && caps.subgroup_size == 32);
    CHECK(caps.least_barrier == 33);
    caps = clamped("moltenvk");
    CHECK(!(caps.features & VK_CAP_SUBGROUP) && caps.least_barrier == 65 && (caps.features & VK_CAP_F16));
    caps = clamped("rdna");
    CHECK(caps.max_allocation == 2147483648 && caps.max_shared == 32768 && caps.max_range == 2147483648);
    caps = clamped("swiftshader");
    CHECK(caps.max_invocations == 256 && caps.class_ == VK_CLASS_SOFTWARE && !(caps.features & VK_CAP_F16));
    caps = clamped("apple,shared=16384,class=mobile"); /* later words have the last say */
    CHECK(caps.max_shared == 16384 && caps.class_ == VK_CLASS_MOBILE);
    caps = clamped("rdna swiftshader");
    CHECK(caps.max_push == 128 && caps.max_invocations == 256 && caps.max_groups[0] == 65535);
}

static void test_file(void)
{
    struct vk_caps caps;
    char list[512];
    caps = clamped(write_profile("mine.json", "{\"about\": \"mine\", \"remove\": [\"f16\", \"unified\"], \"shared\": "
                                              "20000, \"memory\": 1000000000, \"class\": \"software\"}"));
    CHECK(!(caps.features & VK_CAP_F16) && !caps.unified && caps.max_shared == 20000);
    CHECK(caps.device_memory == 1000000000 && caps.class_ == VK_CLASS_SOFTWARE);
    snprintf(list, sizeof list, "-coopmat, %s ,push=128",
             write_profile("a path with spaces.json", "{\"invocations\": 200}"));
    caps = clamped(list);
    CHECK(caps.max_invocations == 200 && caps.max_push == 128 && !(caps.features & VK_CAP_COOPMAT));
    caps = clamped(write_profile("empty.json", "{}"));
    CHECK(is_rich(&caps));
}

static void check_list(const char *list, const char *part)
{
    struct vk_caps caps = rich();
    clear_log();
    CHECK(vk_caps_clamp(&caps, list) == MIEN_ERR_ARG);
    CHECK(logged_count == 1);
    CHECK_LOGGED(part);
    CHECK(is_rich(&caps));
}

static void check_bad(const char *text, const char *part)
{
    check_list(write_profile("bad.json", text), part);
    CHECK_LOGGED("bad.json");
}

static void test_errors(void)
{
    check_bad("{\"shard\": 16384}", "\"shared\"");
    CHECK_LOGGED("\"shard\"");
    check_bad("{\"remove\": [\"f61\"]}", "\"-f16\"");
    check_bad("{\"remove\": [\"floor\"]}", "\"-floor\"");
    check_bad("{\"remove\": [\"bad.json\"]}", "unknown word"); /* no profile inside a profile */
    check_bad("{\"remove\": \"f16\"}", "must be an array");
    check_bad("{\"remove\": [16]}", "names of features");
    check_bad("{\"remove\": [\"f16\"], \"shared\": \"16384\"}", "\"shared\" is a limit");
    check_bad("{\"shared\": 0}", "whole number above 0");
    check_bad("{\"shared\": -5}", "whole number above 0");
    check_bad("{\"shared\": 1.5}", "whole number above 0");
    check_bad("{\"class\": \"laptop\"}", "desktop, mobile or software");
    check_bad("{\"class\": 1}", "desktop, mobile or software");
    check_bad("{\"about\": 1}", "\"about\"");
    check_bad("[]", "a profile is a JSON object");
    check_bad("", "bad.json");
    check_bad("{\"shared\": 16384", "bad.json");
    check_bad("{\"shared\": 16384} x", "bad.json");
    check_bad("{\"shared\": 16384, \"shared\": 32768}", "shared");
    check_list("/nowhere/at/all.json", "/nowhere/at/all.json");
    check_list(dir, "unknown word");
    check_list("swiftshade", "\"swiftshader\"");
    check_list("qqqqqqqqqqqqqqqqqqq", "paths that end in .json");
}

int main(void)
{
    mien_log_set(keep_log, NULL, MIEN_LOG_WARN);
    if (!mkdtemp(dir))
        CHECK_SKIP("no directory for files can be made in /tmp");
    test_embedded();
    test_values();
    test_file();
    test_errors();
    CHECK_OK(base_dir_remove(dir));
    return check_result();
}
