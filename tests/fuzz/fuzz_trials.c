/* The file of what kernels have shown, for one device: whatever it holds is taken or refused; what is taken is printed
 * and read again to the same. */
#include "vk/vk_internal.h"

#include "fuzz/fuzz.h"

static const struct vk_caps caps = {.name = "a device",
                                    .driver = "a driver",
                                    .vendor_id = 0x10005,
                                    .device_id = 0xc0de,
                                    .driver_version = 7,
                                    .uuid = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};

static bool same(const struct vk_trials_file *a, const struct vk_trials_file *b)
{
    return a->proven.count == b->proven.count && a->failed_count == b->failed_count &&
           (!a->proven.count || memcmp(a->proven.key, b->proven.key, a->proven.count * sizeof *a->proven.key) == 0) &&
           (!a->failed_count || memcmp(a->failed, b->failed, a->failed_count * sizeof *a->failed) == 0) &&
           memcmp(&a->trying, &b->trying, sizeof a->trying) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vk_trials_file file, again;
    mien_log_set(fuzz_silent, NULL, MIEN_LOG_SILENT);
    if (vk_trials_parse(&caps, (const char *)data, size, "a file", &file) != MIEN_OK)
        return 0;
    char *text = vk_trials_print(&caps, &file);
    if (text && (vk_trials_parse(&caps, text, strlen(text), "a file", &again) != MIEN_OK || !same(&file, &again))) {
        fprintf(stderr, "what was read is not what is written:\n%s\n", text);
        __builtin_trap();
    }
    if (text)
        vk_trials_clear(&again);
    base_free(text);
    vk_trials_clear(&file);
    return 0;
}
