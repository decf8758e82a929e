/* modules.c: writes the SPIR-V of every kernel with the values of its specialisation constants in it, as a driver
 * without them is given it (vk_kernel_settle), but for those on matrix units, which have no such driver: of each
 * dispatch that any variant plans for any case on a typical desktop or mobile device; of kernels that none plans, with
 * their defaults. Needs no device.
 *
 * vendor_modules DIR CAPS...: DIR gets KERNEL@CONSTANT-CONSTANT-....spv; KERNEL@.spv has defaults. CAPS are words of
 * MIEN_CAPS, "apple" say; with several a device as each. */
#include "base/file.h"
#include "check/check.h"

#include <stdio.h>
#include <string.h>

enum { KERNELS_MOST = 1024 };

struct writing {
    const char *dir;
    bool seen[KERNELS_MOST]; /* of op_shaders, in its order */
    uint32_t files;
};

static enum mien_status write_module(struct writing *w, const struct vk_kernel *kernel)
{
    enum mien_status status = MIEN_OK;
    char constants[VK_MAX_SPEC * 11 + 1] = "", path[1024];
    uint32_t *words = NULL;
    size_t size = 0;
    for (uint32_t i = 0, at = 0; i < kernel->spec_count; i++)
        at += (uint32_t)snprintf(constants + at, sizeof constants - at, "%s%u", i ? "-" : "", kernel->spec[i]);
    snprintf(path, sizeof path, "%s/%s@%s.spv", w->dir, kernel->name, constants);
    if (base_file_exists(path))
        return MIEN_OK;
    TRY(vk_kernel_settle(kernel, &words, &size));
    TRY(base_file_write_part(path, words, size));
    w->files++;
fail:
    base_free(words);
    return status;
}

static enum mien_status visit(void *user, const struct check_pipeline *p)
{
    struct writing *w = user;
    for (size_t i = 0; op_shaders[i].name && i < KERNELS_MOST; i++)
        w->seen[i] = w->seen[i] || strcmp(op_shaders[i].name, p->kernel.name) == 0;
    return write_module(w, &p->kernel);
}

static enum mien_status write_planned(struct writing *w, const char *words)
{
    enum mien_status status = MIEN_OK;
    static const enum vk_class classes[] = {VK_CLASS_DESKTOP, VK_CLASS_MOBILE};
    struct check_pipeline_counts counts;
    struct vk_caps caps;
    for (size_t i = 0; i < BASE_COUNT(classes); i++) {
        vk_caps_typical(classes[i], &caps);
        TRY(vk_caps_clamp(&caps, words));
        TRY(check_pipelines(&caps, "*", visit, w, &counts));
    }
fail:
    return status;
}

static bool has_matrices(const struct op_shader *s)
{
    enum { HEAD = 5, OP_CAPABILITY = 17, MATRIX = 6022 };
    for (const uint32_t *w = s->words + HEAD; (*w & 0xffff) == OP_CAPABILITY; w += *w >> 16)
        if (w[1] == MATRIX)
            return true;
    return false;
}

static enum mien_status write_others(struct writing *w)
{
    enum mien_status status = MIEN_OK;
    for (size_t i = 0; op_shaders[i].name; i++) {
        const struct op_shader *s = &op_shaders[i];
        FAIL_IF(i >= KERNELS_MOST, MIEN_ERR_ARG, "more than %d kernels", KERNELS_MOST);
        if (!w->seen[i] && !has_matrices(s))
            TRY(write_module(w, &(struct vk_kernel){.name = s->name, .spirv = s->words, .spirv_size = s->size}));
    }
fail:
    return status;
}

static void log_line(void *user, enum mien_log_level level, const char *message)
{
    (void)user;
    (void)level;
    fprintf(stderr, "%s\n", message);
}

int main(int argc, char **argv)
{
    struct writing w = {.dir = argc > 1 ? argv[1] : NULL};
    enum mien_status status = MIEN_OK;
    mien_log_set(log_line, NULL, MIEN_LOG_ERROR);
    if (argc < 3) {
        fprintf(stderr, "usage: vendor_modules DIR CAPS...\n");
        return 2;
    }
    for (int i = 2; i < argc && status == MIEN_OK; i++)
        status = write_planned(&w, argv[i]);
    if (status || write_others(&w) != MIEN_OK)
        return 1;
    printf("%u modules\n", w.files);
    return 0;
}
