/* test_pipeline_cache.c: the pipeline cache on disk: written, read, and every sort of damage survived. */
#include "vk/vk_internal.h"

#include "vk/fixture.h"

#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/mien-cache-XXXXXX";
static struct vk_instance *instance;
static uint32_t index_;
static char *path; /* of the device's file */
static unsigned char *sound;
static size_t sound_size;

static const struct vk_caps *caps(void)
{
    return vk_instance_caps(instance, index_);
}

/* A device makes a pipeline and runs it; true when the results are right. */
static bool use_device(void)
{
    struct vk_device *device = NULL;
    struct vk_recording *recording = NULL;
    struct vk_range x = {0}, y = {0};
    float in[100], out[100];
    uint64_t ticket = 0;
    bool right = true;
    for (int i = 0; i < 100; i++)
        in[i] = (float)i;
    CHECK_OK(vk_device_create(instance, index_, &(struct mien_gpu_params){.caps = ""}, &device));
    if (!device)
        return false;
    CHECK_OK(vk_alloc(device, VK_MEMORY_DEVICE, sizeof in, "x", &x));
    CHECK_OK(vk_alloc(device, VK_MEMORY_DEVICE, sizeof in, "y", &y));
    CHECK_OK(vk_upload(device, x, 0, in, sizeof in));
    CHECK_OK(vk_record_begin(device, "cache", &recording));
    CHECK_OK(record_affine(device, recording, x, y, 100, 2, 3));
    CHECK_OK(vk_record_end(recording));
    CHECK_OK(vk_submit(device, recording, &ticket));
    CHECK_OK(vk_wait(device, ticket));
    CHECK_OK(vk_download(device, y, 0, out, sizeof out));
    for (int i = 0; i < 100; i++)
        right = right && out[i] == 2 * in[i] + 3;
    vk_recording_destroy(&recording);
    vk_device_destroy(&device);
    return right;
}

static void read_file(unsigned char **data, size_t *size)
{
    *data = NULL;
    *size = 0;
    CHECK_OK(base_file_read(path, 0, (char **)data, size));
}

/* Puts a file there that cannot be used: one message that says so, right results, and a sound file afterwards. */
static void check_damaged(const unsigned char *data, size_t size, const char *part)
{
    unsigned char *after;
    size_t after_size;
    CHECK_OK(base_file_write(path, data, size));
    clear_log();
    CHECK(use_device());
    CHECK(logged_count == 1);
    CHECK_LOGGED(part);
    CHECK_LOGGED("compiled anew");
    read_file(&after, &after_size);
    CHECK(after && vk_cache_damage(caps(), after, after_size) == NULL);
    base_free(after);
}

/* The first device writes one file, the second reads it and has nothing to say. */
static void test_kept(void)
{
    char **names = NULL;
    size_t count = 0;
    clear_log();
    CHECK(use_device());
    CHECK_OK(base_dir_list(dir, &names, &count));
    CHECK(count == 1 && strncmp(names[0], "pipelines-", 10) == 0); /* and no temporary file */
    path = count ? base_path_join(dir, names[0]) : NULL;
    base_dir_list_free(&names, &count);
    if (!path)
        return;
    read_file(&sound, &sound_size);
    CHECK(vk_cache_damage(caps(), sound, sound_size) == NULL);
    CHECK(use_device());
    CHECK(logged_count == 0);
}

/* What the check itself says, of every byte and every length. */
static void test_check(void)
{
    unsigned char *copy = base_alloc(sound_size + 1, 1);
    size_t step = sound_size < 4096 ? 1 : sound_size / 4096, unseen = 0;
    memcpy(copy, sound, sound_size);
    for (size_t at = 0; at < sound_size; at += at < 200 ? 1 : step)
        for (int bit = 0; bit < 8; bit++) {
            copy[at] ^= (unsigned char)(1 << bit);
            unseen += vk_cache_damage(caps(), copy, sound_size) == NULL;
            copy[at] ^= (unsigned char)(1 << bit);
        }
    for (size_t size = 0; size < sound_size; size += size < 200 ? 1 : step)
        unseen += vk_cache_damage(caps(), copy, size) == NULL;
    unseen += vk_cache_damage(caps(), copy, sound_size + 1) == NULL;
    CHECK(unseen == 0);
    CHECK(vk_cache_damage(caps(), copy, sound_size) == NULL);
    base_free(copy);
}

/* Files that are whole, but not this device's; and one whose own head hides another driver's data. */
static void test_foreign(void)
{
    unsigned char *copy = base_alloc(sound_size, 1);
    struct vk_caps other[4] = {*caps(), *caps(), *caps(), *caps()};
    memcpy(copy, sound, sound_size);
    other[0].vendor_id++;
    other[1].device_id++;
    other[2].driver_version++;
    other[3].uuid[15] ^= 1;
    for (int i = 0; i < 4; i++) {
        vk_cache_seal(&other[i], copy, sound_size);
        check_damaged(copy, sound_size, "belongs to another device");
    }
    for (int at = 0; at < 32; at += 4) { /* size, version, vendor, device, uuid */
        memcpy(copy, sound, sound_size);
        copy[VK_CACHE_HEAD + at] ^= 0x5a;
        vk_cache_seal(caps(), copy, sound_size);
        check_damaged(copy, sound_size, "the driver did not make");
    }
    base_free(copy);
}

static void test_damage(void)
{
    unsigned char *copy = base_alloc(sound_size + 4096, 1);
    memcpy(copy, sound, sound_size);
    check_damaged(copy, 0, "is no pipeline cache");
    check_damaged((const unsigned char *)"garbage", 7, "is no pipeline cache");
    check_damaged(copy, 20, "is no pipeline cache");
    check_damaged(copy, VK_CACHE_HEAD, "cut off");
    check_damaged(copy, sound_size - 1, "cut off");
    check_damaged(copy, sound_size + 4096, "added to");
    copy[sound_size - 1] ^= 0x80;
    check_damaged(copy, sound_size, "checksum");
    memset(copy, 0xff, sound_size);
    check_damaged(copy, sound_size, "is no pipeline cache");
    vk_cache_seal(caps(), copy, sound_size);
    check_damaged(copy, sound_size, "the driver did not make");
    vk_cache_seal(caps(), copy, VK_CACHE_HEAD); /* a sound head over nothing */
    check_damaged(copy, VK_CACHE_HEAD, "the driver did not make");
    base_free(copy);
}

static void test_directory(void)
{
    CHECK(unlink(path) == 0);
    CHECK_OK(base_dir_create(path));
    clear_log();
    CHECK(use_device());
    CHECK(logged_count == 1);
    CHECK_LOGGED("is a directory");
    CHECK(base_file_is_dir(path));
    CHECK_OK(base_dir_remove(path));
}

/* Directories that cannot be made or written: quiet at the usual level, said at the level below. */
static void test_unwritable(void)
{
    char *file = base_path_join(dir, "a file"), *below = base_path_join(file, "below/it");
    CHECK_OK(base_file_write(file, "x", 1));
    const char *const places[] = {file, below, "/proc/nowhere"};
    for (size_t i = 0; i < BASE_COUNT(places); i++) {
        setenv("MIEN_CACHE_DIR", places[i], 1);
        clear_log();
        CHECK(use_device());
        CHECK(logged_count == 0);
        mien_log_set(keep_log, NULL, MIEN_LOG_INFO);
        CHECK(use_device());
        CHECK_LOGGED("is not kept");
        mien_log_set(keep_log, NULL, MIEN_LOG_WARN);
    }
    setenv("MIEN_CACHE_DIR", dir, 1);
    base_free(below);
    base_free(file);
}

static void test_switch(void)
{
    struct vk_device *device = NULL;
    setenv("MIEN_PIPELINE_CACHE", "off", 1);
    clear_log();
    CHECK(use_device());
    CHECK(!base_file_exists(path) && logged_count == 0);
    setenv("MIEN_PIPELINE_CACHE", "of", 1);
    CHECK(vk_device_create(instance, index_, &(struct mien_gpu_params){.caps = ""}, &device) == MIEN_ERR_ARG &&
          !device);
    CHECK_LOGGED("it takes on or off");
    setenv("MIEN_PIPELINE_CACHE", "on", 1);
    CHECK(use_device());
    CHECK(base_file_exists(path));
    unsetenv("MIEN_PIPELINE_CACHE");
}

/* Where it lies without MIEN_CACHE_DIR. */
static void test_places(void)
{
    const char *name = strrchr(path, '/') + 1;
    char *home = base_path_join(dir, "home"), *xdg = base_path_join(dir, "xdg");
    char *in_home = base_path_join(home, ".cache/mien"), *in_xdg = base_path_join(xdg, "mien");
    char *file_home = base_path_join(in_home, name), *file_xdg = base_path_join(in_xdg, name);
    unsetenv("MIEN_CACHE_DIR");
    setenv("HOME", home, 1);
    setenv("XDG_CACHE_HOME", xdg, 1);
    CHECK(use_device());
    CHECK(base_file_exists(file_xdg) && !base_file_exists(in_home));
    setenv("XDG_CACHE_HOME", "relative", 1);
    CHECK(use_device());
    CHECK(base_file_exists(file_home) && !base_file_exists("relative"));
    unsetenv("XDG_CACHE_HOME");
    unsetenv("HOME");
    clear_log();
    CHECK(use_device());
    CHECK(logged_count == 0);
    char *all[] = {home, xdg, in_home, in_xdg, file_home, file_xdg};
    for (size_t i = 0; i < BASE_COUNT(all); i++)
        base_free(all[i]);
}

/* A lost device leaves the file as it is. */
static void test_loss(void)
{
    struct vk_device *device = NULL;
    struct vk_recording *recording = NULL;
    uint64_t ticket;
    setenv("MIEN_CACHE_DIR", dir, 1);
    CHECK_OK(base_file_write(path, "garbage", 7));
    CHECK_OK(vk_device_create(instance, index_, &(struct mien_gpu_params){.caps = ""}, &device));
    CHECK_OK(vk_record_begin(device, "lost", &recording));
    CHECK_OK(vk_record_end(recording));
    vk_device_inject_loss(device);
    CHECK(vk_submit(device, recording, &ticket) == MIEN_ERR_DEVICE_LOST);
    vk_recording_destroy(&recording);
    vk_device_destroy(&device);
    struct stat info;
    CHECK(stat(path, &info) == 0 && info.st_size == 7);
}

int main(void)
{
    const char *validate = getenv("MIEN_VALIDATE");
    mien_log_set(keep_log, NULL, MIEN_LOG_WARN);
    if (validate && strcmp(validate, "gpu") == 0)
        CHECK_SKIP("GPU-assisted validation rewrites kernels, so no cache is kept");
    if (!mkdtemp(dir))
        CHECK_SKIP("no directory for files can be made in /tmp");
    setenv("MIEN_CACHE_DIR", dir, 1);
    unsetenv("MIEN_PIPELINE_CACHE");
    if (vk_instance_create(NULL, &instance) != MIEN_OK || vk_instance_choose(instance, NULL, &index_) != MIEN_OK)
        CHECK_SKIP("no device: %s", logged);
    test_kept();
    if (path) {
        test_check();
        test_damage();
        test_foreign();
        test_directory();
        test_unwritable();
        test_switch();
        test_places();
        test_loss();
    }
    CHECK(vk_instance_validation_messages(instance) == 0);
    vk_instance_destroy(&instance);
    CHECK_OK(base_dir_remove(dir));
    base_free(sound);
    base_free(path);
    return check_result();
}
