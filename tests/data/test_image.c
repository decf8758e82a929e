/* Decoding: made pictures, EXIF, boxes, damage; PngSuite and JPEG references where they are at hand. */
#include "data/image.h"
#include "data/image_check.h"

#include "data/png.h"
#include "io/support.h"

static unsigned char file[70000];

static enum mien_status decode(size_t size, const struct data_image_params *params, struct data_image *out)
{
    support_last[0] = '\0';
    return data_image_decode("made.png", file, size, params, out);
}

static void test_channels(void)
{
    const unsigned char grey[4] = {0, 100, 200, 255}, rgba[8] = {1, 2, 3, 0, 5, 6, 7, 128};
    struct data_image image;
    struct data_image_params alpha = {.keep_alpha = true};
    CHECK_EQ(decode(png_make(2, 2, 1, grey, 0, file), NULL, &image), MIEN_OK);
    CHECK(image.width == 2 && image.height == 2 && image.channels == 3);
    CHECK(image.pixels && image.pixels[3] == 100 && image.pixels[5] == 100);
    data_image_free(&image);
    CHECK(image.pixels == NULL);
    data_image_free(&image);
    data_image_free(NULL);
    size_t size = png_make(2, 1, 4, rgba, 0, file);
    CHECK_EQ(decode(size, NULL, &image), MIEN_OK);
    CHECK(image.channels == 3 && memcmp(image.pixels, "\1\2\3\5\6\7", 6) == 0); /* colours are kept as they are */
    data_image_free(&image);
    CHECK_EQ(decode(size, &alpha, &image), MIEN_OK);
    CHECK(image.channels == 4 && memcmp(image.pixels, rgba, 8) == 0);
    data_image_free(&image);
}

/* Stored 3x2: a b c / d e f. What each EXIF orientation shows. */
static void test_orientation(void)
{
    static const char *const shown[9] = {"abcdef", "abcdef", "cbafed", "fedcba", "defabc",
                                         "adbecf", "daebfc", "fcebda", "cfbead"};
    struct data_image_params stored = {.ignore_exif = true};
    for (int o = 0; o <= 8; o++) {
        struct data_image image;
        size_t size = png_make(3, 2, 1, (const unsigned char *)"abcdef", o, file);
        CHECK_EQ(decode(size, NULL, &image), MIEN_OK);
        CHECK_EQ(image.width, o >= 5 ? 2 : 3);
        CHECK_EQ(image.height, o >= 5 ? 3 : 2);
        for (size_t i = 0; image.pixels && i < 6; i++)
            CHECK_EQ(image.pixels[3 * i + 1], shown[o][i]);
        data_image_free(&image);
        CHECK_EQ(decode(size, &stored, &image), MIEN_OK);
        CHECK(image.width == 3 && image.pixels && image.pixels[0] == 'a');
        data_image_free(&image);
    }
}

static void test_exif_forms(void)
{
    unsigned char jpeg[64] = {0xFF, 0xD8, 0xFF, 0xE1, 0, 34};
    unsigned char little[] = "II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0";
    struct image_head head;
    const char *why;
    memcpy(jpeg + 6, "Exif\0\0", 6);
    memcpy(jpeg + 12, little, sizeof(little) - 1);
    image_check(jpeg, sizeof(jpeg), &head, &why);
    CHECK_EQ(head.orientation, 6);
    for (int at = 12; at < 34; at++) { /* no damage of the block does harm */
        for (int bit = 0; bit < 8; bit++) {
            jpeg[at] ^= (unsigned char)(1 << bit);
            image_check(jpeg, sizeof(jpeg), &head, &why);
            CHECK(head.orientation >= 1 && head.orientation <= 8);
            jpeg[at] ^= (unsigned char)(1 << bit);
        }
    }
}

/* Huffman tables whose counts are too many, or more than the segment holds: older stb_image would write past its own.
 */
static void test_tables(void)
{
    unsigned char jpeg[600] = {0xFF, 0xD8, 0xFF, 0xC4, 2, 60, 0x10};
    struct image_head head;
    const char *why;
    memset(jpeg + 7, 20, 16); /* 320 symbols; the segment is long enough */
    CHECK(!image_check(jpeg, sizeof(jpeg), &head, &why));
    CHECK_STR(why, "JPEG: broken Huffman table");
    memset(jpeg + 7, 16, 16); /* 256 */
    jpeg[4] = 1;
    jpeg[5] = 19;
    CHECK(!image_check(jpeg, sizeof(jpeg), &head, &why));
    CHECK(strcmp(why, "JPEG: broken Huffman table") != 0);
    jpeg[5] = 18; /* one symbol is missing */
    CHECK(!image_check(jpeg, sizeof(jpeg), &head, &why));
    CHECK_STR(why, "JPEG: broken Huffman table");
}

static void test_box(void)
{
    struct data_image image;
    struct data_image_params params = {.has_box = true, .box = {1, 0, 2, 1}};
    size_t size = png_make(3, 2, 1, (const unsigned char *)"abcdef", 3, file); /* shows fed / cba */
    CHECK_EQ(decode(size, &params, &image), MIEN_OK);
    CHECK(image.width == 2 && image.height == 1 && image.pixels[0] == 'e' && image.pixels[3] == 'd');
    data_image_free(&image);
    static const struct {
        int32_t box[4];
        uint32_t width, height;
        const char *pixels;
    } clipped[] = {{{-1, 0, 2, 1}, 1, 1, "f"},
                   {{2, -5, 2, 6}, 1, 1, "d"},
                   {{0, 1, 1, 2}, 1, 1, "c"},
                   {{1, 0, 2147483647, 2147483647}, 2, 2, "edba"},
                   {{-9, -9, 99, 99}, 3, 2, "fedcba"}};
    for (size_t i = 0; i < BASE_COUNT(clipped); i++) {
        memcpy(params.box, clipped[i].box, sizeof(params.box));
        CHECK_EQ(decode(size, &params, &image), MIEN_OK);
        CHECK(image.width == clipped[i].width && image.height == clipped[i].height);
        for (size_t k = 0; image.pixels && clipped[i].pixels[k]; k++)
            CHECK_EQ(image.pixels[3 * k], clipped[i].pixels[k]);
        data_image_free(&image);
    }
    static const int32_t outside[][4] = {{-1, 0, 1, 1}, {3, 0, 4, 1},  {0, 2, 1, 2},
                                         {0, 0, 0, 1},  {0, 0, 1, -1}, {2147483647, 0, 2147483647, 1}};
    for (size_t i = 0; i < BASE_COUNT(outside); i++) {
        memcpy(params.box, outside[i], sizeof(params.box));
        CHECK_EQ(decode(size, &params, &image), MIEN_ERR_DATA);
        CHECK_SAYS("box");
        CHECK(image.pixels == NULL);
    }
}

static void refused(size_t size, const char *says)
{
    struct data_image image;
    CHECK_EQ(decode(size, NULL, &image), MIEN_ERR_DATA);
    CHECK_SAYS(says);
    CHECK_SAYS("made.png");
    CHECK(image.pixels == NULL);
}

/* A PNG with any one bit flipped, or cut anywhere, is refused. */
static void test_damage(void)
{
    unsigned char pixels[5 * 4 * 3];
    struct base_rng rng = base_rng_make(3, "damage", 0, 0);
    for (size_t i = 0; i < sizeof(pixels); i++)
        pixels[i] = (unsigned char)base_rng_below(&rng, 256);
    size_t size = png_make(5, 4, 3, pixels, 0, file);
    struct data_image image;
    int passed = 0;
    for (size_t bit = 0; bit < size * 8; bit++) {
        file[bit / 8] ^= (unsigned char)(1 << bit % 8);
        passed += decode(size, NULL, &image) == MIEN_OK;
        data_image_free(&image);
        file[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    CHECK_EQ(passed, 0);
    for (size_t n = 0; n < size; n++)
        passed += decode(n, NULL, &image) == MIEN_OK;
    CHECK_EQ(passed, 0);
    CHECK_EQ(decode(size, NULL, &image), MIEN_OK);
    data_image_free(&image);
    refused(0, "empty");
    struct data_image_params few = {.max_pixels = 19};
    CHECK_EQ(decode(size, &few, &image), MIEN_ERR_DATA);
    CHECK_SAYS("limit of 19");
    memcpy(file, "not\0an\1image", 12);
    refused(12, "not a PNG");
    memcpy(file, "\xFF\xD8\xFF\xD9", 4);
    refused(4, "no image data");
    CHECK_EQ(data_image_read("/nonexistent.png", NULL, &image), MIEN_ERR_DATA);
    CHECK_EQ(data_image_read("/tmp", NULL, &image), MIEN_ERR_DATA);
}

/* A zlib stream of `room` bytes whose matches unpack to 160 times as much; its size. */
static size_t make_bomb(unsigned char *out, size_t room)
{
    /* fixed Huffman block: header 1,1,0; literal 0 = 00110000; length 258 = 11000101; distance 1 = 00000 */
    static const char first[] = "11000110000", match[] = "1100010100000";
    size_t at = 2;
    unsigned filled = 0, bits = 0;
    memcpy(out, "\x78\x01", 2);
    for (int i = 0; at + 2 < room; i++) {
        for (const char *c = i == 0 ? first : match; *c; c++) {
            bits |= (unsigned)(*c - '0') << filled++;
            if (filled == 8) {
                out[at++] = (unsigned char)bits;
                bits = filled = 0;
            }
        }
    }
    return at;
}

/* A PNG of 8 pixels that unpacks to 10 MB: refused when the limit of its size is passed, without the memory. */
static void test_bomb(void)
{
    static unsigned char idat[60000];
    const unsigned char head[13] = {0, 0, 0, 8, 0, 0, 0, 1, 8, 0, 0, 0, 0};
    size_t n = 8;
    memcpy(file, "\x89PNG\r\n\x1a\n", 8);
    n += png_chunk(file + n, "IHDR", head, 13);
    n += png_chunk(file + n, "IDAT", idat, (uint32_t)make_bomb(idat, sizeof(idat)));
    n += png_chunk(file + n, "IEND", NULL, 0);
    refused(n, "unpack to more than 8x1 pixels take");
}

/* A PNG of one IDAT chunk whose zlib stream is one stored block; returns its size. */
static size_t make_png(const unsigned char head[13], const unsigned char *rows, uint32_t length)
{
    unsigned char stream[300] = {0x78, 0x01, 0x01, (unsigned char)length, 0, (unsigned char)~length, 0xFF};
    uint32_t a = 1, b = 0;
    for (uint32_t i = 0; i < length; i++) {
        stream[7 + i] = rows[i];
        a = (a + rows[i]) % 65521;
        b = (b + a) % 65521;
    }
    png_be32(stream + 7 + length, b << 16 | a);
    size_t n = 8;
    memcpy(file, "\x89PNG\r\n\x1a\n", 8);
    n += png_chunk(file + n, "IHDR", head, 13);
    n += png_chunk(file + n, "IDAT", stream, length + 11);
    return n + png_chunk(file + n, "IEND", NULL, 0);
}

/* 16 bits a channel are cut to 8; alpha is dropped, not blended, wherever it comes from. */
static void test_forms(void)
{
    static const unsigned char grey_alpha[13] = {0, 0, 0, 2, 0, 0, 0, 1, 16, 4}, one[13] = {0, 0, 0, 1, 0, 0, 0, 1, 1};
    static const unsigned char row[9] = {0, 0x12, 0xFF, 0, 0, 0xAB, 0x80, 0x80, 0}, bit[2] = {0, 0x80};
    struct data_image image;
    struct data_image_params alpha = {.keep_alpha = true};
    size_t size = make_png(grey_alpha, row, 9);
    CHECK_EQ(decode(size, NULL, &image), MIEN_OK);
    CHECK(image.channels == 3 && memcmp(image.pixels, "\x12\x12\x12\xAB\xAB\xAB", 6) == 0);
    data_image_free(&image);
    CHECK_EQ(decode(size, &alpha, &image), MIEN_OK);
    CHECK(image.channels == 4 && memcmp(image.pixels, "\x12\x12\x12\0\xAB\xAB\xAB\x80", 8) == 0);
    data_image_free(&image);
    size = make_png(one, bit, 2);
    CHECK_EQ(decode(size, NULL, &image), MIEN_OK);
    CHECK(image.width == 1 && image.height == 1 && memcmp(image.pixels, "\xFF\xFF\xFF", 3) == 0);
    data_image_free(&image);
    /* an animation: its chunks are passed over, the picture is the one for programs that know none */
    unsigned char tail[200];
    size_t at = 33, n = at;
    memcpy(tail, file + at, size - at);
    n += png_chunk(file + n, "acTL", "\0\0\0\1\0\0\0", 8);
    memcpy(file + n, tail, size - at - 12);
    n += size - at - 12;
    n += png_chunk(file + n, "fdAT", "\0\0\0\1xyz", 7);
    n += png_chunk(file + n, "IEND", NULL, 0);
    CHECK_EQ(decode(n, NULL, &image), MIEN_OK);
    CHECK(image.width == 1 && image.pixels && image.pixels[0] == 0xFF);
    data_image_free(&image);
}

/* A pixel may name a colour that its palette does not have: black, whatever the memory held before. */
static void test_short_palette(void)
{
    static const unsigned char head[13] = {0, 0, 0, 4, 0, 0, 0, 1, 8, 3}, row[5] = {0, 1, 2, 7, 255};
    static const unsigned char colours[6] = {9, 8, 7, 60, 50, 40};
    static const unsigned char want[12] = {60, 50, 40};
    unsigned char tail[200];
    struct data_image image;
    size_t size = make_png(head, row, 5), at = 33;
    memcpy(tail, file + at, size - at);
    CHECK_EQ(decode(size, NULL, &image), MIEN_ERR_DATA);
    CHECK_SAYS("the palette is missing");
    size_t n = at + png_chunk(file + at, "PLTE", colours, sizeof(colours));
    memcpy(file + n, tail, size - at);
    CHECK_EQ(decode(n + size - at, NULL, &image), MIEN_OK);
    CHECK(image.pixels && image.channels == 3 && memcmp(image.pixels, want, sizeof(want)) == 0);
    data_image_free(&image);
}

/* What decoding takes is told by the header, and refused before it is taken; with room for it, it goes on to the data.
 */
static void test_memory(void)
{
    static const struct {
        unsigned char bits, colour, interlaced;
        uint32_t side;
        const char *says;
    } cases[] = {
        {16, 6, 0, 8000,
         "8000x8000 pixels of this form takes 1024 MB, more than the limit of 512; save it with 8 bits"},
        {16, 6, 1, 6000, "MB, more than the limit of 512; save it with 8 bits a channel and without interlacing"},
        {16, 6, 0, 8001, "8001x8001 pixels are more than the limit of 64000000"},
        {8, 6, 0, 7999, "cannot be decoded"},
        {16, 6, 0, 5000, "cannot be decoded"},
        {3, 6, 0, 8, "header is broken"},
        {16, 3, 0, 8, "header is broken"},
        {8, 6, 2, 8, "header is broken"},
        {8, 6, 0, 0, "header is broken"},
    };
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        unsigned char head[13] = {0};
        png_be32(head, cases[i].side);
        png_be32(head + 4, cases[i].side);
        head[8] = cases[i].bits;
        head[9] = cases[i].colour;
        head[12] = cases[i].interlaced;
        refused(make_png(head, (const unsigned char *)"\0", 1), cases[i].says);
    }
}

/* Opaque pixels of a picture against PngSuite's BMP of it (32 bits, BGRA, rows from the bottom); -1 = another form. */
static int worst_against_bmp(const struct data_image *png, const char *path)
{
    char *data;
    size_t size;
    int worst = 0;
    CHECK_EQ(base_file_read(path, 0, &data, &size), MIEN_OK);
    const unsigned char *p = (const unsigned char *)data;
    size_t offset = data ? p[10] : 0, pixels = (size_t)png->width * png->height;
    if (!data || size < offset + 4 * pixels || p[28] != 32 || p[18] != png->width || p[22] != png->height)
        worst = -1;
    for (size_t i = 0; worst >= 0 && i < pixels; i++) {
        size_t x = i % png->width, y = png->height - 1 - i / png->width;
        const unsigned char *q = p + offset + 4 * i, *mine = png->pixels + 3 * (y * png->width + x);
        for (int c = 0; c < 3 && q[3] == 255; c++)
            worst = BASE_MAX(worst, abs(mine[c] - q[2 - c]));
    }
    base_free(data);
    return worst;
}

/* Every picture of PngSuite decodes as its BMP says; names with x are refused. */
static void test_pngsuite(void)
{
    char **names = NULL;
    size_t count = 0, compared = 0, refusals = 0;
    if (!base_file_is_dir(support_shared("fixtures/pngsuite/png"))) {
        printf("skipped: PngSuite, JPEG references, damaged files: no %s\n", MIEN_SHARED_DIR);
        return;
    }
    CHECK_EQ(base_dir_list(support_shared("fixtures/pngsuite/png"), &names, &count), MIEN_OK);
    for (size_t i = 0; i < count; i++) {
        struct data_image png;
        char path[256];
        snprintf(path, sizeof(path), "fixtures/pngsuite/png/%s", names[i]);
        enum mien_status status = data_image_read(support_shared(path), NULL, &png);
        CHECK_EQ(status, names[i][0] == 'x' ? MIEN_ERR_DATA : MIEN_OK);
        refusals += status != MIEN_OK;
        snprintf(path, sizeof(path), "fixtures/pngsuite/bmp/%.*s.bmp", (int)strlen(names[i]) - 4, names[i]);
        int worst = status == MIEN_OK && base_file_exists(support_shared(path))
                        ? worst_against_bmp(&png, support_shared(path))
                        : -1;
        if (worst > 1)
            fprintf(stderr, "%s: off by %d\n", names[i], worst);
        CHECK(worst <= 1); /* 16 bits are cut here, rounded there */
        compared += worst >= 0;
        data_image_free(&png);
    }
    printf("%zu pictures equal PngSuite's, %zu refused\n", compared, refusals);
    CHECK(compared >= 40 && refusals >= 7);
    base_dir_list_free(&names, &count);
}

/* No file of a folder crashes; `all_bad`: each is refused. Returns how many were read. */
static size_t sweep(const char *folder, bool all_bad)
{
    char **names = NULL;
    size_t count = 0, read = 0;
    CHECK_EQ(base_dir_list(support_shared(folder), &names, &count), MIEN_OK);
    CHECK(count > 0);
    for (size_t i = 0; i < count; i++) {
        char path[512];
        struct data_image image;
        snprintf(path, sizeof(path), "%s/%s", support_shared(folder), names[i]);
        if (base_file_is_dir(path))
            continue;
        support_last[0] = '\0';
        enum mien_status status = data_image_read(path, NULL, &image);
        CHECK(status == MIEN_ERR_DATA || (status == MIEN_OK && !all_bad && image.pixels));
        if (status != MIEN_OK)
            CHECK_SAYS(names[i]);
        read += status == MIEN_OK;
        data_image_free(&image);
    }
    base_dir_list_free(&names, &count);
    return read;
}

/* JPEG against the references beside them: within 3 levels. */
static void test_jpeg(const char *folder, size_t at_least)
{
    char **names = NULL;
    size_t count = 0, compared = 0;
    CHECK_EQ(base_dir_list(support_shared(folder), &names, &count), MIEN_OK);
    for (size_t i = 0; i < count; i++) {
        char jpg[512], png[512];
        size_t n = strlen(names[i]);
        struct data_image a, b;
        if (n < 4 || strcmp(names[i] + n - 4, ".jpg") != 0)
            continue;
        snprintf(jpg, sizeof(jpg), "%s/%s", support_shared(folder), names[i]);
        snprintf(png, sizeof(png), "%.*s.png", (int)strlen(jpg) - 4, jpg);
        if (data_image_read(jpg, NULL, &a) != MIEN_OK)
            continue; /* Motion-JPEG without tables: refused, see sweep */
        CHECK_EQ(data_image_read(png, NULL, &b), MIEN_OK);
        int worst = a.width == b.width && a.height == b.height ? 0 : 999;
        for (size_t k = 0; worst < 999 && k < (size_t)a.width * a.height * 3; k++)
            worst = BASE_MAX(worst, abs(a.pixels[k] - b.pixels[k]));
        bool cmyk = strstr(names[i], "ycck") != NULL; /* its reference went through a colour profile */
        if (worst > 3 && !cmyk)
            fprintf(stderr, "%s: off by %d\n", names[i], worst);
        CHECK(worst <= 3 || cmyk);
        compared++;
        data_image_free(&a);
        data_image_free(&b);
    }
    CHECK(compared >= at_least);
    base_dir_list_free(&names, &count);
}

/* A JPEG cut anywhere is refused; with one byte changed it may be read, but harms nothing. */
static void test_jpeg_damage(void)
{
    char *data;
    size_t size;
    struct data_image image;
    CHECK_EQ(base_file_read(support_shared("fixtures/jpeg_reftest/mozilla/jpg-size-33x33.jpg"), 0, &data, &size),
             MIEN_OK);
    if (!data)
        return;
    int passed = 0;
    for (size_t n = 0; n < size - 1; n += 1 + n / 64) {
        char *part = malloc(n + 1); /* exact size: reading past the end shows */
        memcpy(part, data, n);
        passed += data_image_decode("cut.jpg", part, n, NULL, &image) == MIEN_OK;
        data_image_free(&image);
        free(part);
    }
    CHECK_EQ(passed, 0);
    for (size_t at = 2; at < size; at++) {
        char kept = data[at];
        data[at] = (char)(kept ^ (1 << at % 8));
        data_image_decode("changed.jpg", data, size, NULL, &image);
        data_image_free(&image);
        data[at] = kept;
    }
    base_free(data);
}

int main(void)
{
    support_capture();
    test_channels();
    test_orientation();
    test_exif_forms();
    test_tables();
    test_box();
    test_damage();
    test_bomb();
    test_forms();
    test_short_palette();
    test_memory();
    test_pngsuite();
    if (base_file_is_dir(support_shared("fixtures"))) {
        sweep("fixtures/png_corrupt/corrupt", true);
        sweep("fixtures/png_corrupt/iphone", true);
        sweep("fixtures/jpeg_corrupt", false);
        sweep("fixtures/jpeg_corrupt/imagetestsuite", false);
        sweep("fixtures/jpeg_turbo", true);
        test_jpeg("fixtures/jpeg_reftest", 8);
        test_jpeg("fixtures/jpeg_reftest/mozilla", 10);
        test_jpeg_damage();
    }
    return check_result();
}
