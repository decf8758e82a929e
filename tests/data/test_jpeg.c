/* JPEG against Pillow's pixels (data/jpeg/make.py), by each decoder of this build; damage, limits, forms that are not
 * read. */
#include "data/image.h"
#include "data/image_check.h"
#include "data/libjpeg.h"

#include "io/support.h"

static const char folder[] = MIEN_SOURCE_DIR "/tests/data/jpeg";

static int worst_difference(const struct data_image *a, const struct data_image *b)
{
    int worst = 0;
    if (!a->pixels || !b->pixels || a->width != b->width || a->height != b->height)
        return 999;
    for (size_t i = 0; i < (size_t)a->width * a->height * 3; i++)
        worst = BASE_MAX(worst, abs(a->pixels[i] - b->pixels[i]));
    return worst;
}

/* libjpeg-turbo gives Pillow's bits; stb_image's arithmetic is its own. */
static void test_against_pillow(bool plain, int most)
{
    const struct data_image_params params = {.plain_jpeg = plain};
    char **names = NULL;
    size_t count = 0, compared = 0;
    int worst = 0;
    CHECK_EQ(base_dir_list(folder, &names, &count), MIEN_OK);
    for (size_t i = 0; i < count; i++) {
        size_t n = strlen(names[i]);
        struct data_image mine, pillow;
        char png[256];
        if (n < 4 || strcmp(names[i] + n - 4, ".jpg") != 0)
            continue;
        snprintf(png, sizeof(png), "%.*s.png", (int)n - 4, names[i]);
        CHECK_EQ(data_image_read(support_path(folder, names[i]), &params, &mine), MIEN_OK);
        CHECK_EQ(data_image_read(support_path(folder, png), NULL, &pillow), MIEN_OK);
        int difference = worst_difference(&mine, &pillow);
        if (difference > most)
            fprintf(stderr, "%s: off by %d\n", names[i], difference);
        CHECK(difference <= most);
        worst = BASE_MAX(worst, difference);
        compared++;
        data_image_free(&mine);
        data_image_free(&pillow);
    }
    base_dir_list_free(&names, &count);
    printf("%s: %zu pictures, off by %d at most\n", plain || !data_jpeg_library() ? "stb_image" : data_jpeg_library(),
           compared, worst);
    CHECK_EQ(compared, 25);
}

/* A vector, changed by the tests. */
static unsigned char file[200000];
static size_t load(const char *name, struct image_head *head)
{
    char *data = NULL;
    size_t size = 0;
    const char *why;
    CHECK_EQ(base_file_read(support_path(folder, name), 0, &data, &size), MIEN_OK);
    if (data)
        memcpy(file, data, size);
    base_free(data);
    CHECK(image_check(file, size, head, &why));
    return size;
}

static void refused(size_t size, const char *says)
{
    struct data_image image;
    support_last[0] = '\0';
    CHECK_EQ(data_image_decode("made.jpg", file, size, NULL, &image), MIEN_ERR_DATA);
    CHECK_SAYS(says);
    CHECK_SAYS("made.jpg");
    CHECK(image.pixels == NULL);
}

/* Data that end early, though the end marker is there: libjpeg would fill the rest with grey. */
static void test_missing_data(const char *name)
{
    struct image_head head;
    if (!data_jpeg_library()) {
        printf("skipped: data that end early (no libjpeg-turbo in this build)\n");
        return;
    }
    size_t size = load(name, &head), refusals = 0, tried = 0;
    for (size_t cut = 4; cut + head.first_scan + 20 < size; cut += 7) {
        struct data_image image;
        load(name, &head);
        memcpy(file + size - cut, "\xFF\xD9", 2);
        refusals += data_image_decode("cut.jpg", file, size - cut + 2, NULL, &image) == MIEN_ERR_DATA;
        data_image_free(&image);
        tried++;
    }
    CHECK(tried > 5);
    CHECK_EQ(refusals, tried);
}

/* Any byte changed: read or refused, never harm, by either decoder. */
static void test_damage(const char *name)
{
    struct image_head head;
    size_t size = load(name, &head);
    for (size_t at = 2; at < size; at++) {
        unsigned char kept = file[at];
        file[at] ^= (unsigned char)(1 << at % 8);
        for (int plain = 0; plain < 2; plain++) {
            const struct data_image_params params = {.plain_jpeg = plain};
            struct data_image image;
            enum mien_status status = data_image_decode("changed.jpg", file, size, &params, &image);
            CHECK(status == MIEN_OK || status == MIEN_ERR_DATA);
            CHECK((status == MIEN_OK) == (image.pixels != NULL));
            data_image_free(&image);
        }
        file[at] = kept;
    }
}

/* The offset of what follows a marker. */
static size_t segment(size_t size, unsigned marker)
{
    for (size_t at = 2; at + 4 < size; at += 2 + (size_t)(file[at + 2] << 8 | file[at + 3]))
        if (file[at + 1] == marker)
            return at + 2;
    CHECK(!"the marker is there");
    return 2;
}

static void test_forms(void)
{
    struct image_head head;
    size_t size = load("444.jpg", &head), frame = segment(size, 0xC0);
    file[frame + 2] = 12;
    refused(size, "12 bits per sample are not supported; save it with 8");
    file[frame + 2] = 8;
    file[frame - 1] = 0xC9;
    refused(size, "arithmetic coding");
    file[frame - 1] = 0xC3;
    refused(size, "lossless");
    file[frame - 1] = 0xC0;
    file[frame + 3] = file[frame + 4] = 0;
    refused(size, "DNL");
    size = load("444.jpg", &head);
    /* the scan has the first component only */
    size_t scan = head.first_scan + 2;
    memmove(file + scan + 5, file + scan + 9, size - scan - 9);
    file[scan + 1] -= 4;
    file[scan + 2] = 1;
    refused(size - 4, "the data of a colour are missing");
}

/* Scans each go over the whole picture, and take a few bytes of a file. */
static void test_scans(void)
{
    struct image_head head;
    size_t size = load("grey_progressive.jpg", &head), scan = head.first_scan, scans = 0;
    size_t length = (size_t)(file[scan + 2] << 8 | file[scan + 3]) + 2, at = scan;
    static unsigned char kept[64];
    memcpy(kept, file + scan, length);
    for (; scans < 501; scans++, at += length)
        memcpy(file + at, kept, length);
    memcpy(file + at, "\xFF\xD9", 2);
    CHECK(size > 0 && at < sizeof(file));
    refused(at + 2, "501 scans of 17x33 pixels");
    CHECK_SAYS("500 scans");
    CHECK_SAYS("save it as baseline JPEG");
    /* fewer scans of a picture of 59 megapixels */
    size_t frame = segment(scan, 0xC2);
    memcpy(file + frame + 3, "\x1E\x00\x1E\x00", 4);
    at = scan + 30 * length;
    memcpy(file + at, "\xFF\xD9", 2);
    refused(at + 2, "30 scans of 7680x7680 pixels are more than the limits");
}

int main(void)
{
    static const char *const damaged[] = {"420.jpg", "422_progressive.jpg", "cmyk_without_adobe.jpg", "restarts.jpg"};
    support_capture();
    if (data_jpeg_library())
        test_against_pillow(false, 0);
    else
        printf("skipped: Pillow's bits (no libjpeg-turbo in this build)\n");
    test_against_pillow(true, 3);
    test_missing_data("420_fine.jpg");
    test_missing_data("restarts.jpg");
    test_missing_data("grey.jpg");
    for (size_t i = 0; i < BASE_COUNT(damaged); i++)
        test_damage(damaged[i]);
    test_forms();
    test_scans();
    return check_result();
}
