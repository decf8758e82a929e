/* A file of compiled kernels, for one device: as it is, and with a head and a checksum that are right, so that what
 * only they keep away is reached. What passes is what a driver gets: it must begin with that driver's own head. */
#include "vk/vk_internal.h"

#include "fuzz/fuzz.h"

static const struct vk_caps caps = {.vendor_id = 0x10005,
                                    .device_id = 0xc0de,
                                    .driver_version = 7,
                                    .uuid = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};

static void look(const unsigned char *file, size_t size)
{
    enum { DRIVER_HEAD = 32 };
    if (!vk_cache_damage(&caps, file, size) &&
        (size < VK_CACHE_HEAD + DRIVER_HEAD || memcmp(file + VK_CACHE_HEAD + 16, caps.uuid, 16) != 0)) {
        fprintf(stderr, "a cache of %zu bytes without its driver's head was taken\n", size);
        __builtin_trap();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char *sealed = base_alloc(VK_CACHE_HEAD + size, 1);
    look(data, size);
    if (sealed) {
        memcpy(sealed + VK_CACHE_HEAD, data, size);
        vk_cache_seal(&caps, sealed, VK_CACHE_HEAD + size);
        look(sealed, VK_CACHE_HEAD + size);
    }
    base_free(sealed);
    return 0;
}
