/* The file of tuned kernels, for one device: whatever it holds is taken or refused; what is taken is written and read
 * again to the same. */
#include "vk/vk_internal.h"

#include "fuzz/fuzz.h"

static const struct vk_caps caps = {.name = "a device",
                                    .driver = "a driver",
                                    .vendor_id = 0x10005,
                                    .device_id = 0xc0de,
                                    .driver_version = 7,
                                    .uuid = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};

static bool same(const struct vk_choice *a, const struct vk_choice *b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(a[i].call, b[i].call) != 0 || strcmp(a[i].variant, b[i].variant) != 0 ||
            strcmp(a[i].tile, b[i].tile) != 0 || strcmp(a[i].why, b[i].why) != 0 || a[i].key != b[i].key)
            return false;
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vk_tuned table, again;
    mien_log_set(fuzz_silent, NULL, MIEN_LOG_SILENT);
    fuzz_file("tuned.json", data, size);
    if (vk_tuned_read(&caps, "tuned.json", &table) != MIEN_OK)
        return 0;
    if (vk_tuned_write(&caps, "again.json", &table) == MIEN_OK) {
        if (vk_tuned_read(&caps, "again.json", &again) != MIEN_OK || again.count != table.count ||
            again.lost_count != table.lost_count || !same(table.row, again.row, table.count) ||
            !same(table.lost, again.lost, table.lost_count)) {
            fprintf(stderr, "what was read is not what is written\n");
            __builtin_trap();
        }
        vk_tuned_clear(&again);
    }
    vk_tuned_clear(&table);
    return 0;
}
