/* use.c: what the subcommands that use a model share. */
#include "command.h"

#include "base/system.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Four numbers as a detector gives them; false when they are not, or nothing can be in such a box. */
static bool read_box(const char *text, int32_t out[4])
{
    double box[4];
    for (int i = 0; i < 4; i++) {
        char *end;
        box[i] = strtod(text, &end);
        if (!strchr("-+.0123456789", *text) || !isfinite(box[i]) || *end != (i < 3 ? ',' : 0))
            return false;
        text = end + 1;
    }
    return box[2] > 0 && box[3] > 0 && mien_box_round(box, out) == MIEN_OK;
}

int looking_check(const struct command *command, struct looking *l)
{
    if (l->frame_count >= UINT32_MAX && l->frame_count != LOOKING_USUAL)
        return complain(command, 2, "--frame-count is beyond reason; 0 means all frames");
    if (!l->box_text)
        return 0;
    if (!read_box(l->box_text, l->box))
        return complain(command, 2, "--box %s: x,y,width,height in pixels are wanted, numbers such as 12.5,0,40,40",
                        l->box_text);
    l->has_box = true;
    return 0;
}

uint32_t looking_frames(const struct looking *l)
{
    return l->frame_count == LOOKING_USUAL ? 0 : l->frame_count ? (uint32_t)l->frame_count : MIEN_ALL_FRAMES;
}

struct mien_embed_params looking_params(const struct looking *l)
{
    return (struct mien_embed_params){.size = sizeof(struct mien_embed_params),
                                      .flags =
                                          (l->no_exif ? MIEN_NO_EXIF : 0u) | (l->jpeg_draft ? MIEN_JPEG_DRAFT : 0u),
                                      .frames = looking_frames(l)};
}

static bool same_letters(const char *a, const char *b)
{
    for (; *a && (*a | 0x20) == (*b | 0x20); a++)
        b++;
    return *a == *b;
}

/* By the name's ending. */
static bool is_video(const char *path)
{
    static const char *const endings[] = {".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg",
                                          ".wmv", ".flv", ".ts",  ".mts", ".3gp",  ".ogv", ".y4m"};
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < sizeof(endings) / sizeof(endings[0]); i++)
        if (same_letters(dot, endings[i]))
            return true;
    return false;
}

struct mien_input looking_input(const struct looking *l, const char *path)
{
    struct mien_input input = {.has_box = l->has_box};
    memcpy(input.box, l->box, sizeof(input.box));
    if (base_file_is_dir(path))
        input.directory = path;
    else if (is_video(path))
        input.video = path;
    else
        input.path = path;
    return input;
}

enum mien_status gpu_open(const struct common *common, struct mien_gpu **gpu)
{
    const struct mien_gpu_params wanted = {
        .size = sizeof wanted, .device = common->device, .caps = common->caps, .trace = common->trace};
    return mien_gpu_create(&wanted, gpu);
}

enum mien_status gpu_close(struct mien_gpu **gpu, enum mien_status status)
{
    enum mien_status traced = mien_gpu_trace_end(*gpu);
    mien_gpu_destroy(gpu);
    return status == MIEN_OK ? traced : status;
}

enum mien_status model_open(const struct common *common, struct mien_gpu *gpu, const char *dir,
                            struct mien_model **model)
{
    return mien_model_open(gpu, dir,
                           &(struct mien_model_params){.size = sizeof(struct mien_model_params),
                                                       .precision = common->precision,
                                                       .ranks = common->ranks},
                           model);
}

enum mien_status use_open(struct use *use, const struct common *common, const char *dir)
{
    *use = (struct use){.info = {sizeof use->info}};
    enum mien_status status = gpu_open(common, &use->gpu);
    if (status == MIEN_OK)
        status = model_open(common, use->gpu, dir, &use->model);
    if (status == MIEN_OK)
        mien_model_describe(use->model, &use->info);
    return status;
}

enum mien_status use_close(struct use *use, enum mien_status status)
{
    mien_model_destroy(&use->model);
    return gpu_close(&use->gpu, status);
}
