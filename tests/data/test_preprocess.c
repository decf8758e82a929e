/* Resize, crop and normalisation against Pillow's results (shared cases) and by hand. */
#include "data/preprocess.h"

#include "io/support.h"

static char dir[1024];

static double number(const cJSON *item, const char *key)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(item, key);
    return value ? value->valuedouble : -1;
}

static const char *word(const cJSON *item, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, key));
}

static const char *in_dir(const char *name)
{
    return support_path(dir, name);
}

static void compare(const unsigned char *pixels, const char *name, uint32_t n)
{
    struct data_image expected;
    CHECK_EQ(data_image_read(in_dir(name), NULL, &expected), MIEN_OK);
    CHECK(expected.width == n && expected.height == n && expected.channels == 3);
    size_t wrong = 0;
    for (size_t i = 0; expected.pixels && i < (size_t)n * n * 3; i++)
        wrong += pixels[i] != expected.pixels[i];
    if (wrong)
        fprintf(stderr, "%s: %zu of %u values differ\n", name, wrong, n * n * 3);
    CHECK_EQ(wrong, 0);
    data_image_free(&expected);
}

/* The float files, where there is one, must be equal bit for bit too. */
static void compare_floats(const struct data_image *image, const struct data_preprocess *p, const char *name)
{
    char path[1024], *data = NULL;
    size_t size, count = (size_t)p->crop * p->crop * 3;
    snprintf(path, sizeof(path), "%s", in_dir(name));
    strcpy(path + strlen(path) - 4, ".f32");
    if (!base_file_exists(path))
        return;
    float *values = malloc(count * sizeof(float));
    CHECK_EQ(base_file_read(path, 0, &data, &size), MIEN_OK);
    CHECK_EQ(size, count * sizeof(float));
    CHECK_EQ(data_preprocess_image(image, p, values), MIEN_OK);
    CHECK(data && memcmp(values, data, count * sizeof(float)) == 0);
    free(values);
    base_free(data);
}

static void run_case(const cJSON *item)
{
    struct data_image image, rgb;
    struct data_image_params alpha = {.keep_alpha = true};
    struct data_preprocess p;
    uint32_t n = (uint32_t)number(item, "n");
    data_preprocess_default(n, &p);
    p.rgb_first = false;
    CHECK_EQ(data_image_read(in_dir(word(item, "input")), &alpha, &image), MIEN_OK);
    CHECK_EQ(data_image_read(in_dir(word(item, "input")), NULL, &rgb), MIEN_OK);
    CHECK(image.channels == (strcmp(word(item, "mode"), "RGBA") == 0 ? 4 : 3) && rgb.channels == 3);
    unsigned char *pixels = malloc((size_t)n * n * 3);
    CHECK_EQ(data_preprocess_u8(&image, &p, NULL, pixels), MIEN_OK);
    compare(pixels, word(item, "output"), n);
    compare_floats(&image, &p, word(item, "output"));
    const char *first = word(item, "output_rgb_first");
    p.rgb_first = true;
    CHECK_EQ(data_preprocess_u8(&image, &p, NULL, pixels), MIEN_OK);
    compare(pixels, first ? first : word(item, "output"), n);
    CHECK_EQ(data_preprocess_u8(&rgb, &p, NULL, pixels), MIEN_OK);
    compare(pixels, first ? first : word(item, "output"), n);
    free(pixels);
    data_image_free(&image);
    data_image_free(&rgb);
}

static void test_cases(void)
{
    cJSON *json = NULL;
    const cJSON *item;
    int cases = 0;
    if (!base_file_exists(in_dir("cases.json"))) {
        printf("skipped: Pillow's cases: no %s\n", dir);
        return;
    }
    CHECK_EQ(base_json_read(in_dir("cases.json"), &json), MIEN_OK);
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(json, "cases"))
    {
        run_case(item);
        cases++;
    }
    CHECK(cases >= 38);
    cJSON_Delete(json);
}

/* A window of a resize equals the same part of the whole. */
static void test_window(void)
{
    unsigned char in[9 * 7 * 3], whole[20 * 5 * 3], part[4 * 2 * 3];
    struct base_rng rng = base_rng_make(1, "window", 0, 0);
    for (size_t i = 0; i < sizeof(in); i++)
        in[i] = (unsigned char)base_rng_below(&rng, 256);
    struct data_view view = {in, 9 * 3, 9, 7, 3, 3};
    CHECK_EQ(data_resize_pil(&view, 20, 5, (struct data_window){0, 0, 20, 5}, NULL, whole), MIEN_OK);
    CHECK_EQ(data_resize_pil(&view, 20, 5, (struct data_window){13, 2, 4, 2}, NULL, part), MIEN_OK);
    for (size_t y = 0; y < 2; y++)
        CHECK(memcmp(part + y * 12, whole + ((y + 2) * 20 + 13) * 3, 12) == 0);
    float one[3];
    CHECK_EQ(data_resize_pil(&view, 20, 5, (struct data_window){17, 0, 4, 2}, NULL, part), MIEN_ERR_ARG);
    CHECK_EQ(data_resize_pil(&view, 0, 5, (struct data_window){0, 0, 1, 1}, NULL, part), MIEN_ERR_ARG);
    CHECK_EQ(data_resize_torch(&view, 5, 5, (struct data_window){5, 0, 1, 1}, one), MIEN_ERR_ARG);
}

/* Pixels of three and four bytes go several rows and taps at a time where the processor can; single bytes, one by one.
 * `in` [height, width, step] is as long as its pixels, so that reading behind them shows under a sanitizer. */
static void compare_planes(const unsigned char *in, uint32_t width, uint32_t height, uint32_t step, uint32_t w,
                           uint32_t h, uint32_t channels)
{
    struct data_view view = {in, (size_t)width * step, width, height, channels, step};
    struct data_window whole = {0, 0, w, h};
    unsigned char *all = malloc((size_t)w * h * channels), *one = malloc((size_t)w * h);
    unsigned char *plane = malloc((size_t)width * height);
    size_t wrong = 0;
    CHECK_EQ(data_resize_pil(&view, w, h, whole, NULL, all), MIEN_OK);
    for (uint32_t c = 0; c < channels; c++) {
        for (size_t i = 0; i < (size_t)width * height; i++)
            plane[i] = in[i * step + c];
        struct data_view single = {plane, width, width, height, 1, 1};
        CHECK_EQ(data_resize_pil(&single, w, h, whole, NULL, one), MIEN_OK);
        for (size_t i = 0; i < (size_t)w * h; i++)
            wrong += one[i] != all[i * channels + c];
    }
    if (wrong)
        fprintf(stderr, "%ux%u of %u bytes to %ux%u: %zu values differ\n", width, height, step, w, h, wrong);
    CHECK_EQ(wrong, 0);
    free(all);
    free(one);
    free(plane);
}

static void test_planes(void)
{
    struct base_rng rng = base_rng_make(1, "planes", 0, 0);
    for (int i = 0; i < 200; i++) {
        uint32_t width = 1 + base_rng_below(&rng, i < 100 ? 8 : 150), height = 1 + base_rng_below(&rng, 60);
        uint32_t step = 3 + base_rng_below(&rng, 2), channels = 1 + base_rng_below(&rng, step);
        uint32_t w = 1 + base_rng_below(&rng, 40), h = 1 + base_rng_below(&rng, 40);
        size_t size = (size_t)width * height * step;
        unsigned char *in = malloc(size);
        for (size_t k = 0; k < size; k++) /* black and white: the largest sums */
            in[k] = (unsigned char)(i % 2 ? base_rng_below(&rng, 256) : 255 * base_rng_below(&rng, 2));
        compare_planes(in, width, height, step, w, h, channels);
        free(in);
    }
}

/* torch.nn.functional.interpolate of [[10, 200, 30, 90]] to 1x2 and 1x8, bicubic, no antialias (values from the
 * formula with exact weights: at fraction 1/2 the taps are -0.09375, 0.59375, 0.59375, -0.09375). */
static void test_torch(void)
{
    const unsigned char row[4 * 3] = {10, 10, 10, 200, 200, 200, 30, 30, 30, 90, 90, 90};
    struct data_view view = {row, 12, 4, 1, 3, 3};
    float out[8 * 3];
    CHECK_EQ(data_resize_torch(&view, 2, 1, (struct data_window){0, 0, 2, 1}, out), MIEN_OK);
    /* positions 0.5 and 2.5; the left border is repeated */
    CHECK_NEAR(out[0], -0.09375 * (10 + 30) + 0.59375 * (10 + 200), 1e-3);
    CHECK_NEAR(out[3], -0.09375 * (200 + 90) + 0.59375 * (30 + 90), 1e-3);
    struct data_image image = {4, 1, 3, (unsigned char *)row};
    struct data_preprocess p;
    data_preprocess_default(1, &p);
    p.resize = DATA_RESIZE_TORCH;
    float v[3];
    unsigned char u[3];
    CHECK_EQ(data_preprocess_image(&image, &p, v), MIEN_OK); /* crop starts at round(1.5) = 2 */
    CHECK_NEAR(v[1], (30 / 255.0 - p.mean[1]) / p.std[1], 1e-5);
    CHECK_EQ(data_preprocess_u8(&image, &p, NULL, u), MIEN_OK);
    CHECK_EQ(u[0], 30);
}

static void test_refusals(void)
{
    unsigned char pixels[4] = {1, 2, 3, 0}, out[12];
    struct data_image image = {1, 1, 3, pixels}, empty = {0}, long_ = {1 << 20, 1, 3, pixels};
    struct data_preprocess p;
    data_preprocess_default(2, &p);
    CHECK_EQ(data_preprocess_u8(&image, &p, NULL, out), MIEN_OK);
    CHECK(out[0] == 1 && out[11] == 3);
    CHECK_EQ(data_preprocess_u8(&empty, &p, NULL, out), MIEN_ERR_ARG);
    CHECK_EQ(data_preprocess_u8(&long_, &p, NULL, out), MIEN_ERR_DATA);
    p.crop = 3;
    CHECK_EQ(data_preprocess_u8(&image, &p, NULL, out), MIEN_ERR_ARG);
    p.crop = 2;
    p.rgb_first = false;
    image.channels = 4; /* fully transparent */
    CHECK_EQ(data_preprocess_u8(&image, &p, NULL, out), MIEN_OK);
    CHECK_EQ(out[0], 0);
    p.rgb_first = true;
    CHECK_EQ(data_preprocess_u8(&image, &p, NULL, out), MIEN_OK);
    CHECK_EQ(out[0], 1);
}

int main(void)
{
    support_capture();
    snprintf(dir, sizeof(dir), "%s", support_shared("preprocess"));
    test_cases();
    test_window();
    test_planes();
    test_torch();
    test_refusals();
    return check_result();
}
