/* JPEG decoded smaller (data_image_params.draft) against the whole picture: how far the results are apart, and that
 * errors, orientation and boxes are the same. */
#include "data/image_check.h"
#include "data/libjpeg.h"
#include "data/loader.h"
#include "data/png.h"

#include "io/support.h"

static const char folder[] = MIEN_SOURCE_DIR "/tests/data/jpeg_draft";
static const char small[] = MIEN_SOURCE_DIR "/tests/data/jpeg";
static const char *const photos[] = {"420.jpg", "444_progressive.jpg", "grey.jpg", "cmyk.jpg"};

struct apart {
    double mean;
    int most;
};

/* What a draft may differ by, in levels of 255, of the picture that the model is given: it is resized from at least
 * twice that picture's size. Photographs of 128x160 to 32 and 16 pixels were off by 16 at most and by 2.9 in the mean
 * of the worst, the files here by 9 and 1.6; half a pixel of a draft left out at an edge is 37 and 6. */
static const struct apart of_photographs = {3.5, 20}, of_made = {2, 12};

/* [R,R,3] of a picture by `params`, and by the same without a draft. */
static struct apart compare(const char *path, struct data_image_params params, uint32_t side, uint32_t shrink)
{
    struct data_image draft = {0}, exact = {0};
    struct data_preprocess p;
    struct apart apart = {0};
    size_t count = (size_t)side * side * 3;
    unsigned char *a = malloc(count), *b = malloc(count);
    data_preprocess_default(side, &p);
    params.draft = data_preprocess_draft(&p);
    CHECK_EQ(data_image_read(path, &params, &draft), MIEN_OK);
    params.draft = 0;
    CHECK_EQ(data_image_read(path, &params, &exact), MIEN_OK);
    CHECK_EQ(draft.shrink, data_jpeg_library() ? shrink : 0);
    CHECK_EQ(exact.shrink, 0);
    CHECK(draft.width == exact.width && draft.height == exact.height && draft.channels == exact.channels);
    CHECK_EQ(data_preprocess_u8(&draft, &p, NULL, a), MIEN_OK);
    CHECK_EQ(data_preprocess_u8(&exact, &p, NULL, b), MIEN_OK);
    for (size_t i = 0; i < count; i++) {
        apart.mean += abs(a[i] - b[i]) / (double)count;
        apart.most = BASE_MAX(apart.most, abs(a[i] - b[i]));
    }
    data_image_free(&draft);
    data_image_free(&exact);
    free(a);
    free(b);
    return apart;
}

static void within(const struct apart *allowed, const char *path, struct data_image_params params, uint32_t side,
                   uint32_t shrink, struct apart *worst)
{
    struct apart apart = compare(path, params, side, shrink);
    if (apart.most > allowed->most || apart.mean > allowed->mean)
        fprintf(stderr, "%s to %u pixels: off by %d, %.2f in the mean\n", path, side, apart.most, apart.mean);
    CHECK(apart.most <= allowed->most && apart.mean <= allowed->mean);
    CHECK(shrink == 0 || !data_jpeg_library() || apart.most > 0);
    worst->most = BASE_MAX(worst->most, apart.most);
    worst->mean = BASE_MAX(worst->mean, apart.mean);
}

/* Shorter sides from 214 to 221: 8 times smaller for 13 pixels, 4 for 26, 2 for 53; whole for 54 of 214. */
static void test_photos(void)
{
    static const uint32_t sides[][2] = {{13, 8}, {14, 4}, {26, 4}, {28, 2}, {53, 2}, {56, 0}};
    struct apart worst = {0};
    for (size_t i = 0; i < BASE_COUNT(photos); i++)
        for (size_t k = 0; k < BASE_COUNT(sides); k++)
            within(&of_made, support_path(folder, photos[i]), (struct data_image_params){0}, sides[k][0], sides[k][1],
                   &worst);
    printf("made: off by %d at most, %.2f in the mean of the worst\n", worst.most, worst.mean);
}

static void test_shared(void)
{
    char **names = NULL, path[1024];
    size_t count = 0;
    struct apart worst[2] = {{0}, {0}};
    snprintf(path, sizeof(path), "%s", support_shared("va_images/img"));
    if (!base_file_exists(path)) {
        printf("skipped: photographs: no %s\n", path);
        return;
    }
    CHECK_EQ(base_dir_list(path, &names, &count), MIEN_OK);
    CHECK(count >= 80);
    for (size_t i = 0; i < count; i++) {
        within(&of_photographs, support_path(path, names[i]), (struct data_image_params){0}, 32, 2, &worst[0]);
        within(&of_photographs, support_path(path, names[i]), (struct data_image_params){0}, 16, 4, &worst[1]);
    }
    base_dir_list_free(&names, &count);
    for (int i = 0; i < 2; i++)
        printf("photographs, 1/%d: off by %d at most, %.2f in the mean of the worst\n", 2 << i, worst[i].most,
               worst[i].mean);
}

/* The file with EXIF's orientation put in. */
static const char *turned(const char *name, int orientation)
{
    unsigned char exif[36] = "\xFF\xE1\0\x22"
                             "Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01";
    char *data = NULL, *file;
    size_t size = 0;
    exif[29] = (unsigned char)orientation;
    CHECK_EQ(base_file_read(support_path(folder, name), 0, &data, &size), MIEN_OK);
    file = malloc(size + sizeof(exif));
    memcpy(file, data, 2);
    memcpy(file + 2, exif, sizeof(exif));
    memcpy(file + 2 + sizeof(exif), data + 2, size - 2);
    CHECK_EQ(base_file_write(support_file("turned.jpg"), file, size + sizeof(exif)), MIEN_OK);
    base_free(data);
    free(file);
    return support_file("turned.jpg");
}

/* Sizes that 8 does not divide, turned each way, and parts of them whose edges lie inside of a draft's pixels. */
static void test_turned_and_cut(void)
{
    static const int32_t boxes[][4] = {{3, 5, 150, 130}, {70, 61, 99, 142}, {-40, -9, 163, 147}, {117, 7, 500, 200}};
    static const uint32_t sides[] = {8, 16, 24};
    struct apart worst = {0};
    for (int orientation = 1; orientation <= 8; orientation++) {
        const char *path = turned("420.jpg", orientation);
        within(&of_made, path, (struct data_image_params){0}, 13, 8, &worst);
        within(&of_made, path, (struct data_image_params){.ignore_exif = true}, 13, 8, &worst);
        for (size_t i = 0; i < BASE_COUNT(boxes); i++)
            for (size_t k = 0; k < BASE_COUNT(sides); k++) {
                struct data_image_params params = {.has_box = true};
                memcpy(params.box, boxes[i], sizeof(params.box));
                int64_t w =
                    BASE_MIN(boxes[i][0] + boxes[i][2], orientation >= 5 ? 221 : 301) - BASE_MAX(boxes[i][0], 0);
                int64_t h =
                    BASE_MIN(boxes[i][1] + boxes[i][3], orientation >= 5 ? 301 : 221) - BASE_MAX(boxes[i][1], 0);
                int64_t ratio = BASE_MIN(w, h) / (2 * sides[k]);
                within(&of_made, path, params, sides[k], ratio >= 8 ? 8 : ratio >= 4 ? 4 : ratio >= 2 ? 2 : 0, &worst);
            }
    }
    printf("turned and cut: off by %d at most, %.2f in the mean of the worst\n", worst.most, worst.mean);
}

/* The same bytes by both ways: the same status and, where it is an error, the same words. */
static bool same_fate(const char *name, const void *file, size_t size)
{
    struct data_image image;
    char said[sizeof(support_last)];
    bool same;
    support_last[0] = '\0';
    enum mien_status exact = data_image_decode(name, file, size, NULL, &image);
    data_image_free(&image);
    memcpy(said, support_last, sizeof(said));
    support_last[0] = '\0';
    enum mien_status draft = data_image_decode(name, file, size, &(struct data_image_params){.draft = 1}, &image);
    same = exact == draft && strcmp(said, support_last) == 0 && (draft == MIEN_OK) == (image.pixels != NULL);
    if (!same)
        fprintf(stderr, "%s: %d \"%s\", but as a draft %d \"%s\"\n", name, exact, said, draft, support_last);
    data_image_free(&image);
    return same;
}

/* Every picture of test_jpeg.c whole, with each byte changed, and cut off before an end marker. */
static void test_damage(void)
{
    char **names = NULL;
    size_t count = 0, tried = 0, differ = 0;
    CHECK_EQ(base_dir_list(small, &names, &count), MIEN_OK);
    for (size_t i = 0; i < count; i++) {
        char *file = NULL;
        size_t size = 0, n = strlen(names[i]);
        if (strcmp(names[i] + n - 4, ".jpg") != 0)
            continue;
        CHECK_EQ(base_file_read(support_path(small, names[i]), 0, &file, &size), MIEN_OK);
        for (size_t at = 2; at < size; at++, tried++) {
            file[at] = (char)(file[at] ^ 1 << at % 8);
            differ += !same_fate(names[i], file, size);
            file[at] = (char)(file[at] ^ 1 << at % 8);
        }
        differ += !same_fate(names[i], file, size);
        for (size_t cut = size - 2; cut > 4; cut -= 3, tried++) {
            memcpy(file + cut - 2, "\xFF\xD9", 2);
            differ += !same_fate(names[i], file, cut);
        }
        base_free(file);
    }
    base_dir_list_free(&names, &count);
    CHECK(tried > 25000);
    CHECK_EQ(differ, 0);
}

/* Where it does not apply: PNG, a resize without antialiasing. */
static void test_others(void)
{
    unsigned char pixels[64 * 64 * 3], file[20000];
    struct data_image image;
    struct data_preprocess p;
    for (size_t i = 0; i < sizeof(pixels); i++)
        pixels[i] = (unsigned char)(i * 7);
    size_t size = png_make(64, 64, 3, pixels, 0, file);
    CHECK_EQ(data_image_decode("made.png", file, size, &(struct data_image_params){.draft = 1}, &image), MIEN_OK);
    CHECK(image.shrink == 0 && image.width == 64 && memcmp(image.pixels, pixels, sizeof(pixels)) == 0);
    data_image_free(&image);
    data_preprocess_default(16, &p);
    CHECK_EQ(data_preprocess_draft(&p), 16);
    p.resize = DATA_RESIZE_TORCH;
    CHECK_EQ(data_preprocess_draft(&p), 0);
}

enum { R = 12, COUNT = BASE_COUNT(photos) * 3 * R * R };

/* Batches [4,3,R,R] of a loader, the first epoch's. */
static void load(const struct data_manifest *manifest, struct data_tokenizer *tokenizer, bool draft, bool crop,
                 float *out)
{
    static const uint32_t rows[BASE_COUNT(photos)] = {0, 1, 2, 3};
    struct data_loader_params p = {.manifest = manifest,
                                   .rows = rows,
                                   .row_count = BASE_COUNT(photos),
                                   .tokenizer = tokenizer,
                                   .text = DATA_TEXT_NONE,
                                   .context = 8,
                                   .batch = BASE_COUNT(photos),
                                   .jpeg_draft = draft,
                                   .seed = 5};
    struct data_loader *l = NULL;
    const struct data_batch *b = NULL;
    data_preprocess_default(R, &p.preprocess);
    if (crop)
        p.augment = (struct data_augment){.crop_scale = {0.3, 1}, .flip = 0.5, .rotate = 6};
    CHECK_EQ(data_loader_create(&p, &l), MIEN_OK);
    CHECK_EQ(data_loader_next(l, &b), MIEN_OK);
    if (b)
        memcpy(out, b->images, COUNT * sizeof(float));
    data_batch_release(l, &b);
    data_loader_destroy(&l);
}

/* A batch is that of the whole pictures, with the same crops, turns and mirrors. Levels are about 1/68 here. */
static void test_loader(void)
{
    static float exact[COUNT], draft[COUNT];
    char text[4096];
    size_t n = 0;
    struct data_manifest *manifest = NULL;
    struct data_tokenizer *tokenizer = NULL;
    const char *word = "face";
    CHECK_EQ(data_bpe_train(&word, 1, 520, &tokenizer), MIEN_OK);
    for (size_t i = 0; i < BASE_COUNT(photos); i++)
        n += (size_t)sprintf(text + n, "{\"image\":\"%s\"}\n", support_path(folder, photos[i]));
    CHECK_EQ(base_file_write(support_file("m.jsonl"), text, n), MIEN_OK);
    CHECK_EQ(data_manifest_read(support_file("m.jsonl"), &manifest), MIEN_OK);
    for (int crop = 0; crop < 2; crop++) {
        double mean = 0, most = 0;
        load(manifest, tokenizer, false, crop, exact);
        load(manifest, tokenizer, true, crop, draft);
        for (size_t i = 0; i < COUNT; i++) {
            double d = 68 * fabs(exact[i] - draft[i]);
            mean += d / COUNT;
            most = BASE_MAX(most, d);
        }
        printf("loader, crop %d: off by %.1f levels at most, %.2f in the mean\n", crop, most, mean);
        CHECK(mean <= of_made.mean && most <= of_made.most);
        CHECK((most > 0) == (data_jpeg_library() != NULL));
    }
    data_manifest_destroy(&manifest);
    data_tokenizer_destroy(&tokenizer);
}

int main(void)
{
    support_capture();
    if (!data_jpeg_library())
        printf("no libjpeg-turbo in this build: all pictures are decoded whole\n");
    test_photos();
    test_shared();
    test_turned_and_cut();
    test_damage();
    test_others();
    test_loader();
    support_clean();
    return check_result();
}
