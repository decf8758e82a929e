/* video.c: a video as a row of pictures: ffmpeg writes each frame as PPM (a line of sizes, then the pixels) into a
 * pipe. Nothing is kept on the disk, and nothing of ffmpeg is linked. */
#include "data/video.h"

#include "base/base.h"
#include "data/frames.h"

#include <stdlib.h>
#include <string.h>

struct data_video {
    struct base_process *process;
    struct data_image_params params;
    uint64_t expected, done; /* frames; expected 0: not known */
    char path[];             /* for messages */
};

enum { FILTER = 176 };

/* Of its own accord ffmpeg makes PPM of 16 bits from all that has more than 8: ProRes, what telephones call HDR. */
#define EIGHT_BITS "format=rgb24"

/* ---- ffmpeg ---- */

/* Starts it on a file: each frame that `filter` lets through goes as `format` to our pipe. */
static enum mien_status start(const char *path, const char *filter, const char *format, const char *codec,
                              struct base_process **out)
{
    enum mien_status status = MIEN_OK;
    size_t size = strlen(path) + sizeof("file:");
    char *url = base_alloc(size, 1);
    FAIL_IF_NULL(url, path);
    snprintf(url, size, "file:%s", path); /* a name is no option, no pattern and no protocol */
    /* a playlist must not lead out of the machine; frames as they are stored, none twice, none dropped, also where the
     * sizes change on the way; no pictures of covers */
    const char *const argv[] = {"ffmpeg",
                                "-nostdin",
                                "-hide_banner",
                                "-v",
                                "error",
                                "-xerror",
                                "-protocol_whitelist",
                                "file",
                                "-reinit_filter",
                                "0",
                                "-i",
                                url,
                                "-map",
                                "0:V:0",
                                "-vf",
                                filter,
                                "-fps_mode",
                                "passthrough",
                                "-f",
                                format,
                                "-c:v",
                                codec,
                                "pipe:1",
                                NULL};
    TRY(base_process_start(argv, out));
    FAIL_IF(!*out, MIEN_ERR_DATA,
            "%s: a video is decoded by the program ffmpeg, which is not on PATH; install it (apt-get install ffmpeg), "
            "or make a folder of frames elsewhere (ffmpeg -i FILE FRAMES/%%06d.png)",
            path);
fail:
    base_free(url);
    return status;
}

/* "[mov @ 0x55d0c8]" becomes "[mov]": one damage, one message. */
static void drop_addresses(const char *from, char *to, size_t size)
{
    size_t at = 0;
    while (*from && at + 1 < size) {
        if (strncmp(from, " @ 0x", 5) == 0)
            from += 5 + strspn(from + 5, "0123456789abcdef");
        else
            to[at++] = *from++;
    }
    to[at] = 0;
}

/* After the last byte: all went well only when ffmpeg ended well and had nothing to say; where a file is cut off it
 * says so and ends with 0. */
static enum mien_status finish(struct base_process *process, const char *path)
{
    enum mien_status status = MIEN_OK;
    char said[512];
    int code = 0;
    TRY(base_process_wait(process, &code));
    drop_addresses(base_process_said(process), said, sizeof(said));
    FAIL_IF(strstr(said, "matches no streams"), MIEN_ERR_DATA,
            "%s: no pictures in it (sound alone?); give the video itself, or a folder of frames", path);
    FAIL_IF(said[0], MIEN_ERR_DATA, "%s: no whole, sound video; ffmpeg says: %s; repair it or leave it out", path,
            said);
    FAIL_IF(code, MIEN_ERR_DATA, "%s: ffmpeg ended with status %d and said nothing; try ffmpeg -i on it", path, code);
fail:
    return status;
}

/* Each frame as one grey pixel, which is one byte. */
static enum mien_status count_frames(const char *path, uint64_t *count)
{
    enum mien_status status = MIEN_OK;
    struct base_process *process = NULL;
    char bytes[4096];
    size_t got = 0;
    *count = 0;
    TRY(start(path, "scale=1:1,format=gray", "rawvideo", "rawvideo", &process));
    do {
        TRY(base_process_read(process, bytes, sizeof(bytes), &got));
        *count += got;
    } while (got == sizeof(bytes));
    TRY(finish(process, path));
    FAIL_IF(*count == 0, MIEN_ERR_DATA, "%s: the video has no frame", path);
fail:
    base_process_close(&process);
    return status;
}

/* data_frames_pick as a condition on frame n: it is the last one for which the count of picks up to it grows. Frame
 * floor((2i+1) T / 2W) of pick i is at most n when i < W (n+1) / T - 1/2; ffmpeg's numbers are doubles, so that the
 * quotients are never rounded across a whole number. */
static void write_select(uint64_t total, uint64_t want, char filter[FILTER])
{
    unsigned long long t = total, w = 2 * want;
    snprintf(filter, FILTER, "select='gt(ceil((%llu*(n+1)-%llu)/%llu),ceil((%llu*n-%llu)/%llu))'," EIGHT_BITS, w, t,
             2 * t, w, t, 2 * t);
}

/* What opens a file twice cannot read from a pipe. */
static enum mien_status check_file(const char *path)
{
    enum mien_status status = MIEN_OK;
    struct base_in *in = NULL;
    TRY(base_in_open(path, &in));
    bool empty = base_in_size(in) == 0;
    base_in_close(&in);
    FAIL_IF(empty, MIEN_ERR_DATA, "%s: the file is empty", path);
fail:
    return status;
}

enum mien_status data_video_open(const char *path, size_t most, const struct data_image_params *params,
                                 struct data_video **out)
{
    enum mien_status status = MIEN_OK;
    char filter[FILTER] = EIGHT_BITS;
    uint64_t total = 0;
    struct data_video *video = base_alloc(1, sizeof(*video) + strlen(path) + 1);
    *out = NULL;
    FAIL_IF_NULL(video, path);
    strcpy(video->path, path);
    if (params)
        video->params = *params;
    TRY(check_file(path));
    if (most != SIZE_MAX) {
        TRY(count_frames(path, &total));
        video->expected = BASE_MIN(total, (uint64_t)most);
        if (total > most)
            write_select(total, most, filter);
    }
    TRY(start(path, filter, "image2pipe", "ppm", &video->process));
    *out = video;
    video = NULL;
fail:
    data_video_close(&video);
    return status;
}

void data_video_close(struct data_video **video)
{
    if (!video || !*video)
        return;
    base_process_close(&(*video)->process);
    base_free(*video);
    *video = NULL;
}

/* ---- frames ---- */

/* "P6\n640 360\n255\n"; *end when there is no byte any more. */
static enum mien_status read_head(struct data_video *v, uint32_t *width, uint32_t *height, bool *end)
{
    enum mien_status status = MIEN_OK;
    char head[40] = "";
    size_t at = 0, got = 0;
    char after;
    for (int lines = 0; lines < 3 && at + 1 < sizeof(head); at++) {
        TRY(base_process_read(v->process, head + at, 1, &got));
        if (got == 0)
            break;
        lines += head[at] == '\n';
    }
    *end = at == 0;
    if (*end)
        return MIEN_OK;
    if (got)
        FAIL_IF(sscanf(head, "P6\n%u %u\n255%c", width, height, &after) != 3 || after != '\n', MIEN_ERR_DATA,
                "%s: what ffmpeg writes is no PPM picture; is the ffmpeg on PATH the real one?", v->path);
    else
        *width = *height = 0;
fail:
    return status;
}

/* The output has ended: *whole says whether between two frames. */
static enum mien_status end_of(struct data_video *v, bool whole)
{
    enum mien_status status = MIEN_OK;
    TRY(finish(v->process, v->path));
    FAIL_IF(!whole, MIEN_ERR_DATA, "%s: ffmpeg's output broke off in frame %llu", v->path,
            (unsigned long long)v->done + 1);
    FAIL_IF(v->done == 0, MIEN_ERR_DATA, "%s: the video has no frame", v->path);
    FAIL_IF(v->expected && v->done != v->expected, MIEN_ERR_DATA,
            "%s: %llu frames came, %llu were counted before; did the file change?", v->path,
            (unsigned long long)v->done, (unsigned long long)v->expected);
fail:
    return status;
}

enum mien_status data_video_next(struct data_video *video, struct data_image *out)
{
    enum mien_status status = MIEN_OK;
    struct data_video *v = video;
    struct data_image image = {.channels = 3};
    uint64_t most = v->params.max_pixels ? v->params.max_pixels : DATA_MOST_PIXELS;
    size_t size, got;
    bool end = false;
    *out = (struct data_image){0};
    TRY(read_head(v, &image.width, &image.height, &end));
    if (end)
        return end_of(v, true);
    FAIL_IF((uint64_t)image.width * image.height > most, MIEN_ERR_DATA,
            "%s: frames of %ux%u pixels are more than the limit of %llu; make the video smaller", v->path, image.width,
            image.height, (unsigned long long)most);
    size = (size_t)image.width * image.height * 3;
    image.pixels = malloc(size + 1); /* data_image_free gives it back */
    FAIL_IF_NULL(image.pixels, v->path);
    TRY(base_process_read(v->process, image.pixels, size, &got));
    if (size == 0 || got < size) {
        status = end_of(v, false);
        goto fail;
    }
    if (v->params.has_box)
        TRY(data_image_cut(v->path, &image, v->params.box));
    v->done++;
    *out = image;
    return MIEN_OK;
fail:
    data_image_free(&image);
    return status;
}
