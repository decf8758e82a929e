/* Videos: with a stand-in for ffmpeg that does as told, and, where it is installed, with the real one. */
#include "data/frames.h"
#include "data/video.h"

#include "io/support.h"

#include <sys/stat.h>

static char old_path[4096];

/* PATH: our scratch directory, which holds `script` as ffmpeg or, for NULL, none; then the usual one for the shell. */
static void stand_in(const char *script)
{
    char path[4600];
    const char *program = support_file("bin/ffmpeg");
    unlink(program);
    if (script) {
        CHECK_EQ(base_file_write(program, script, strlen(script)), MIEN_OK);
        CHECK(chmod(program, 0755) == 0);
    }
    snprintf(path, sizeof(path), "%s%s%s", support_file("bin"), script ? ":" : "", script ? old_path : "");
    setenv("PATH", path, 1);
    support_last[0] = 0;
}

/* Reads the whole video; the sum of its first bytes is kept in *sum. */
static enum mien_status read_all(const char *path, size_t most, const struct data_image_params *params, size_t *count,
                                 uint32_t *sum)
{
    enum mien_status status = MIEN_OK;
    struct data_video *v = NULL;
    struct data_image image = {0};
    *count = *sum = 0;
    TRY(data_video_open(path, most, params, &v));
    for (;;) {
        TRY(data_video_next(v, &image));
        if (!image.pixels)
            break;
        *sum += image.pixels[0] + image.width * 1000 + image.height * 100000;
        ++*count;
        data_image_free(&image);
    }
fail:
    data_video_close(&v);
    CHECK(v == NULL && image.pixels == NULL);
    return status;
}

static void check_bad(const char *path, const struct data_image_params *params, const char *says)
{
    size_t count;
    uint32_t sum;
    support_last[0] = 0;
    CHECK_EQ(read_all(path, 2, params, &count, &sum), MIEN_ERR_DATA);
    if (!strstr(support_last, says) || !strstr(support_last, path)) {
        CHECK(!"the message");
        fprintf(stderr, "%s: \"%s\" does not say \"%s\"\n", path, support_last, says);
    }
}

#define COUNTS "#!/bin/sh\ncase \"$*\" in *rawvideo*) printf ab; exit 0;; esac\n"
#define FRAME "P6\\n2 1\\n255\\n"

static void test_stand_in(void)
{
    char script[512], *args = NULL;
    const char *file = strcpy((char[600]){0}, support_file("-a %d: b.mp4"));
    struct data_image_params box = {.has_box = true, .box = {1, 0, 1, 1}}, small = {.max_pixels = 1};
    size_t count, size;
    uint32_t sum;
    CHECK_EQ(base_file_write(file, "x", 1), MIEN_OK);
    snprintf(script, sizeof(script), "#!/bin/sh\nprintf '%%s\\n' \"$@\" >%s\nprintf '" FRAME "abcdef" FRAME "ghijkl'\n",
             support_file("args"));
    stand_in(script);
    CHECK_EQ(read_all(file, SIZE_MAX, NULL, &count, &sum), MIEN_OK); /* all: no counting before */
    CHECK_EQ(count, 2);
    CHECK_EQ(sum, 'a' + 'g' + 2 * 102000);
    CHECK_EQ(base_file_read(support_file("args"), 0, &args, &size), MIEN_OK);
    snprintf(script, sizeof(script), "\n-i\nfile:%s\n", file);
    CHECK(args && strstr(args, script)); /* one argument, neither option nor protocol */
    base_free(args);
    CHECK_EQ(read_all(file, SIZE_MAX, &box, &count, &sum), MIEN_OK);
    CHECK_EQ(sum, 'd' + 'j' + 2 * 101000);
    box.box[2] = 2; /* sticks out */
    CHECK_EQ(read_all(file, SIZE_MAX, &box, &count, &sum), MIEN_OK);
    CHECK_EQ(sum, 'd' + 'j' + 2 * 101000);
    box.box[0] = 2;
    stand_in(COUNTS "printf '" FRAME "abcdef" FRAME "ghijkl'\n"); /* two counted, two come */
    CHECK_EQ(read_all(file, 2, NULL, &count, &sum), MIEN_OK);
    check_bad(file, &box, "box 2,0,2,1 does not lie inside");
    check_bad(file, &small, "frames of 2x1 pixels are more than the limit of 1");
    stand_in(COUNTS "printf '" FRAME "abcdef'\n");
    check_bad(file, NULL, "1 frames came, 2 were counted before");
    stand_in(COUNTS "printf '" FRAME "abcdef" FRAME "gh'\n");
    check_bad(file, NULL, "broke off in frame 2");
    stand_in(COUNTS "printf '" FRAME "abcdefP6\\n2'\n");
    check_bad(file, NULL, "broke off in frame 2");
    stand_in(COUNTS "printf '" FRAME "abcdef" FRAME "gh'; echo 'disk gone' >&2; exit 1\n");
    check_bad(file, NULL, "ffmpeg says: disk gone");
    stand_in(COUNTS "printf '" FRAME "abcdef" FRAME "ghijkl'; echo '[mkv @ 0x12ef] ended early' >&2\n");
    check_bad(file, NULL, "ffmpeg says: [mkv] ended early;"); /* and yet its status is 0 */
    stand_in(COUNTS "printf 'P5\\n2 1\\n255\\n......................................'\n");
    check_bad(file, NULL, "no PPM picture");
    stand_in("#!/bin/sh\necho 'bad things' >&2\necho 'worse things' >&2\nexit 1\n");
    check_bad(file, NULL, "ffmpeg says: bad things; worse things");
    stand_in("#!/bin/sh\nexit 9\n");
    check_bad(file, NULL, "status 9");
    stand_in("#!/bin/sh\nexit 0\n");
    check_bad(file, NULL, "no frame");
    CHECK_EQ(read_all(file, SIZE_MAX, NULL, &count, &sum), MIEN_ERR_DATA);
    stand_in(NULL);
    check_bad(file, NULL, "not on PATH; install it");
    stand_in("#!/bin/sh\necho 'must not be called' >&2\n");
    CHECK(chmod(support_file("bin/ffmpeg"), 0644) == 0);
    setenv("PATH", support_file("bin"), 1);
    check_bad(file, NULL, "not on PATH; install it");
    setenv("PATH", file, 1);
    check_bad(file, NULL, "not on PATH; install it");
}

static void test_no_file(void)
{
    const char *empty = strcpy((char[600]){0}, support_file("empty.mp4"));
    CHECK_EQ(base_file_write(empty, "", 0), MIEN_OK);
    stand_in("#!/bin/sh\necho 'must not be called' >&2\n");
    check_bad(empty, NULL, "the file is empty");
    check_bad(support_scratch(), NULL, "is a directory");
    check_bad(support_file("nowhere.mp4"), NULL, "cannot open");
    check_bad("/dev/null", NULL, "is a device; a regular file is needed");
}

/* ---- the real one ---- */

static bool real(const char *command)
{
    char line[1024];
    setenv("PATH", old_path, 1);
    snprintf(line, sizeof(line), "ffmpeg -nostdin -v error -y %s >/dev/null 2>&1", command);
    return system(line) == 0;
}

/* Frame n of a grey video has the value n % 251: which frames are taken must be those that data_frames_pick names. */
static void check_picks(const char *path, size_t total, size_t want)
{
    struct data_video *v = NULL;
    struct data_image image = {0};
    size_t n = want < total ? want : total, wrong = 0;
    CHECK_EQ(data_video_open(path, want, NULL, &v), MIEN_OK);
    for (size_t i = 0; v && i < n; i++) {
        if (data_video_next(v, &image) != MIEN_OK || !image.pixels)
            break;
        wrong += image.pixels[0] != data_frames_pick(total, n, i) % 251;
        data_image_free(&image);
    }
    CHECK_EQ(wrong, 0);
    if (v)
        CHECK_EQ(data_video_next(v, &image), MIEN_OK);
    CHECK(!image.pixels);
    data_video_close(&v);
}

static void test_real(void)
{
    static unsigned char grey[4 * 2 * 3 * 300];
    static const size_t wants[] = {1, 32, 150, 299, 300}, few[] = {3, 5, 16, 18};
    char line[1024];
    const char *raw = strcpy((char[600]){0}, support_file("raw")),
               *video = strcpy((char[600]){0}, support_file("v.mkv"));
    for (size_t i = 0; i < sizeof(grey); i++)
        grey[i] = (unsigned char)(i / 24 % 251);
    CHECK_EQ(base_file_write(raw, grey, sizeof(grey)), MIEN_OK);
    snprintf(line, sizeof(line), "-f rawvideo -pix_fmt rgb24 -s 4x2 -r 30 -i %s -c:v ffv1 -pix_fmt bgr0 %s", raw,
             video);
    CHECK(real(line));
    for (size_t i = 0; i < BASE_COUNT(wants); i++)
        check_picks(video, 300, wants[i]);
    snprintf(line, sizeof(line), "-f rawvideo -pix_fmt rgb24 -s 4x2 -r 30 -i %s -c:v ffv1 -pix_fmt rgb48le %s", raw,
             video);
    CHECK(real(line)); /* more than 8 bits, as many a camera has them: 8 are taken */
    check_picks(video, 300, 32);
    check_picks(video, 300, SIZE_MAX);
    snprintf(line, sizeof(line),
             "-f rawvideo -pix_fmt rgb24 -s 4x2 -r 30 -i %s -frames:v 17 -c:v ffv1 -pix_fmt bgr0 %s", raw, video);
    CHECK(real(line));
    for (size_t i = 0; i < BASE_COUNT(few); i++)
        check_picks(video, 17, few[i]);
}

int main(void)
{
    support_capture();
    snprintf(old_path, sizeof(old_path), "%s", getenv("PATH") ? getenv("PATH") : "");
    CHECK_EQ(base_dir_create(support_file("bin")), MIEN_OK);
    test_stand_in();
    test_no_file();
    if (real("-version"))
        test_real();
    else
        printf("skipped: frames of real videos (no ffmpeg)\n");
    support_clean();
    return check_result();
}
