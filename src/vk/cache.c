/* cache.c: the pipeline cache on disk: one file per device and driver, so that kernels are compiled once and not at
 * every start.
 *
 * A file is a head of ours and what the driver gave. No byte of it reaches a driver before the head, the checksum over
 * all of it and the driver's own head have been found to fit: drivers are known to crash on damaged caches. Whatever is
 * wrong with a file costs a compilation, never a run. */
#include "vk/vk_internal.h"

#include <stdlib.h>
#include <string.h>

enum {
    FORMAT = 1,
    HEAD = VK_CACHE_HEAD, /* magic 8, format 4, vendor 4, device 4, driver 4, uuid 16, size 8, checksum 8 */
    SIZE_AT = 40,
    CHECKSUM_AT = 48,
    DRIVER_HEAD = 32, /* VkPipelineCacheHeaderVersionOne: size 4, version 4, vendor 4, device 4, uuid 16 */
};
static const char magic[] = "MIENPIPE";
#define FILE_MOST ((size_t)1 << 30)

/* ---- the form of a file ------------------------------------------------------------------------------------------ */

static void put(unsigned char *to, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        to[i] = (unsigned char)(value >> 8 * i);
}

static uint64_t get(const unsigned char *from, int bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++)
        value |= (uint64_t)from[i] << 8 * i;
    return value;
}

/* FNV-1a of the head without its checksum, then the data: each step is a bijection, so any one wrong byte shows. */
static uint64_t checksum(const unsigned char *file, size_t size)
{
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < size; i++)
        if (i < CHECKSUM_AT || i >= HEAD)
            hash = (hash ^ file[i]) * 1099511628211u;
    return hash;
}

/* The head that a file for this device begins with, but for size and checksum. */
static void put_identity(unsigned char head[SIZE_AT], const struct vk_caps *caps)
{
    memcpy(head, magic, 8);
    put(head + 8, FORMAT, 4);
    put(head + 12, caps->vendor_id, 4);
    put(head + 16, caps->device_id, 4);
    put(head + 20, caps->driver_version, 4);
    memcpy(head + 24, caps->uuid, 16);
}

void vk_cache_seal(const struct vk_caps *caps, unsigned char *file, size_t size)
{
    put_identity(file, caps);
    put(file + SIZE_AT, size - HEAD, 8);
    put(file + CHECKSUM_AT, checksum(file, size), 8);
}

const char *vk_cache_damage(const struct vk_caps *caps, const unsigned char *file, size_t size)
{
    unsigned char identity[SIZE_AT];
    const unsigned char *driver = file + HEAD;
    put_identity(identity, caps);
    if (size < HEAD || memcmp(file, magic, 8) != 0)
        return "is no pipeline cache";
    if (get(file + SIZE_AT, 8) != size - HEAD)
        return "has been cut off or added to";
    if (get(file + CHECKSUM_AT, 8) != checksum(file, size))
        return "is damaged: its checksum is wrong";
    if (memcmp(file, identity, SIZE_AT) != 0)
        return "belongs to another device, driver or version of Mien";
    if (size < HEAD + DRIVER_HEAD || get(driver, 4) < DRIVER_HEAD || get(driver, 4) > size - HEAD ||
        get(driver + 4, 4) != VK_PIPELINE_CACHE_HEADER_VERSION_ONE || get(driver + 8, 4) != caps->vendor_id ||
        get(driver + 12, 4) != caps->device_id || memcmp(driver + 16, caps->uuid, 16) != 0)
        return "holds what the driver did not make";
    return NULL;
}

/* ---- where it lies ----------------------------------------------------------------------------------------------- */

enum mien_status vk_cache_read_switch(const char *variable, enum mien_switch choice, bool *off)
{
    const char *value = choice == MIEN_DEFAULT ? base_env(variable) : choice == MIEN_OFF ? "off" : "on";
    *off = value && (strcmp(value, "off") == 0 || strcmp(value, "0") == 0);
    if (*off || !value || !*value || strcmp(value, "on") == 0 || strcmp(value, "1") == 0)
        return MIEN_OK;
    return base_fail(MIEN_ERR_ARG, "%s is \"%s\"; it takes on or off", variable, value);
}

/* $MIEN_CACHE_DIR, $XDG_CACHE_HOME/mien or ~/.cache/mien; NULL when there is none of them. */
static char *cache_dir(void)
{
    const char *own = base_env("MIEN_CACHE_DIR"), *xdg = base_env("XDG_CACHE_HOME"), *home = base_env("HOME");
    if (own && *own)
        return base_path_join(own, "");
    if (xdg && *xdg == '/') /* its specification: a relative one is to be ignored */
        return base_path_join(xdg, "mien");
    return home && *home ? base_path_join(home, ".cache/mien") : NULL;
}

void vk_cache_place(const struct vk_caps *caps, const char *own, const char *kind, const char *ending, char **dir,
                    char **path)
{
    char name[128], uuid[33];
    *path = NULL;
    *dir = own ? base_path_join(own, "") : cache_dir();
    if (!*dir)
        return;
    for (int i = 0; i < 16; i++)
        snprintf(uuid + 2 * i, 3, "%02x", caps->uuid[i]);
    snprintf(name, sizeof name, "%s-%04x-%04x-%08x-%s%s", kind, caps->vendor_id, caps->device_id, caps->driver_version,
             uuid, ending);
    *path = base_path_join(*dir, name);
}

/* Directory and file; both NULL when no cache is kept. */
static void find_place(const struct vk_device *device, char **dir, char **path)
{
    *dir = *path = NULL;
    if (!device->cache_off)
        vk_cache_place(&device->physical->caps, device->cache_dir, "pipelines", ".bin", dir, path);
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

/* The whole file; NULL where there is none or none of use. */
static unsigned char *read_file(const struct vk_device *device, const char *path, size_t *size)
{
    char *file = NULL;
    if (!base_file_exists(path))
        return NULL;
    enum mien_log_level before = base_log_soften(MIEN_LOG_WARN);
    enum mien_status status = base_file_read(path, FILE_MOST, &file, size);
    base_log_soften(before);
    const char *damage =
        status == MIEN_OK ? vk_cache_damage(&device->physical->caps, (unsigned char *)file, *size) : NULL;
    if (damage)
        LOG_WARN("pipeline cache %s %s; kernels are compiled anew", path, damage);
    if (status == MIEN_OK && !damage)
        return (unsigned char *)file;
    base_free(file);
    return NULL;
}

enum mien_status vk_cache_create(struct vk_device *device)
{
    enum mien_status status = MIEN_OK;
    size_t size = 0;
    char *dir, *path;
    find_place(device, &dir, &path);
    unsigned char *file = path ? read_file(device, path, &size) : NULL;
    VkPipelineCacheCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO,
        .initialDataSize = file ? size - HEAD : 0,
        .pInitialData = file ? file + HEAD : NULL,
    };
    VkResult result = device->fn.vkCreatePipelineCache(device->handle, &info, NULL, &device->cache);
    if (result == VK_SUCCESS) {
        device->cache_read = info.initialDataSize;
        LOG_DEBUG("pipeline cache %s: %zu bytes read", path ? path : "off", info.initialDataSize);
    } else if (file) {
        LOG_WARN("pipeline cache %s: the driver refuses it (%s); kernels are compiled anew", path,
                 vk_result_name(result));
        info.initialDataSize = 0;
        info.pInitialData = NULL;
        result = device->fn.vkCreatePipelineCache(device->handle, &info, NULL, &device->cache);
    }
    base_free(file);
    base_free(dir);
    base_free(path);
    VK_MAKE(device, device->cache, result);
fail:
    return status;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

/* What the driver has to keep, behind room for our head; NULL when it is no more than what was read. */
static unsigned char *take_data(struct vk_device *device, size_t *size)
{
    size_t data = 0;
    unsigned char *file = NULL;
    if (device->fn.vkGetPipelineCacheData(device->handle, device->cache, &data, NULL) != VK_SUCCESS ||
        data <= device->cache_read || data > FILE_MOST - HEAD)
        return NULL;
    file = base_alloc(1, data + HEAD);
    if (file && device->fn.vkGetPipelineCacheData(device->handle, device->cache, &data, file + HEAD) == VK_SUCCESS) {
        *size = data + HEAD;
        return file;
    }
    base_free(file);
    return NULL;
}

/* Two processes that end together write one after the other, each a whole file: the last one stays. */
static void write_file(const char *dir, const char *path, const unsigned char *file, size_t size)
{
    enum mien_log_level before = base_log_soften(MIEN_LOG_INFO);
    enum mien_status status = base_dir_create(dir);
    if (status == MIEN_OK)
        status = base_file_write_own(path, file, size);
    if (status == MIEN_OK)
        LOG_DEBUG("pipeline cache %s: %zu bytes written", path, size);
    else
        LOG_INFO("pipeline cache %s is not kept; kernels are compiled at every start (MIEN_CACHE_DIR names another "
                 "directory, MIEN_PIPELINE_CACHE=off gives it up)",
                 path);
    base_log_soften(before);
}

void vk_cache_save(struct vk_device *device)
{
    size_t size = 0;
    char *dir, *path;
    if (!device->cache || device->cache_off || device->lost || !vk_device_may_destroy(device))
        return;
    unsigned char *file = take_data(device, &size);
    find_place(device, &dir, &path);
    if (file && path) {
        vk_cache_seal(&device->physical->caps, file, size);
        write_file(dir, path, file, size);
    }
    base_free(file);
    base_free(dir);
    base_free(path);
}
