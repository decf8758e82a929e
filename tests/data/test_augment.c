/* Augmentation of one picture: turns, light, crops; the ways of resizing. */
#include "check.h"
#include "data/augment.h"

#include <math.h>
#include <string.h>

/* resize torch: {} in a configuration (no crop, all else 0) is the picture as in evaluation, unrounded; a random crop
 * is resized that way too, then rounded. */
static void test_torch_resize(const struct data_image *image, const struct data_preprocess *form,
                              struct data_augment_work *work)
{
    enum { N = 11 };
    static float plain[3 * N * N], out[3 * N * N], pil[3 * N * N];
    struct data_preprocess p = *form;
    struct data_augment a = {.crop_scale = {1, 1}};
    struct base_rng rng = base_rng_make(1, "a", 0, 0);
    double most = 0;
    p.size = p.crop = N;
    p.resize = DATA_RESIZE_TORCH;
    CHECK_EQ(data_preprocess_image(image, &p, plain), MIEN_OK);
    CHECK_EQ(data_augment_image(image, &p, &a, true, &rng, work, out), MIEN_OK);
    CHECK(memcmp(out, plain, sizeof(out)) == 0);
    a.crop_scale[0] = 0.999; /* sides 3:4 to 4:3 of nearly the whole of a square: no try fits, the whole is taken */
    rng = base_rng_make(1, "a", 0, 0);
    CHECK_EQ(data_augment_image(image, &p, &a, true, &rng, work, out), MIEN_OK);
    p.resize = DATA_RESIZE_PIL;
    rng = base_rng_make(1, "a", 0, 0);
    CHECK_EQ(data_augment_image(image, &p, &a, true, &rng, work, pil), MIEN_OK);
    for (size_t i = 0; i < BASE_COUNT(out); i++) {
        CHECK_NEAR(out[i], plain[i], 0.51 / 255);
        most = BASE_MAX(most, fabs((double)(out[i] - pil[i])));
    }
    CHECK(most > 0.9 / 255); /* the two ways differ */
}

/* Geometry and light of the augmentation on a picture with known content. */
static void test_augment(void)
{
    enum { N = 32 };
    static unsigned char pixels[N * N * 3];
    static float out[3 * N * N], plain[3 * N * N];
    struct data_image image = {N, N, 3, pixels};
    struct data_augment_work work = {0};
    struct data_augment a = {.rotate = 0};
    struct data_preprocess p;
    data_preprocess_default(N, &p);
    for (int c = 0; c < 3; c++) {
        p.mean[c] = 0;
        p.std[c] = 1;
    }
    for (size_t i = 0; i < N * N; i++) /* a ramp to the right */
        memset(pixels + 3 * i, (int)(100 + 2 * (i % N)), 3);
    struct base_rng rng = base_rng_make(1, "a", 0, 0);
    CHECK_EQ(data_augment_image(&image, &p, &a, true, &rng, &work, plain), MIEN_OK);
    CHECK_NEAR(plain[5], 110 / 255.0, 1e-6);
    uint64_t draws = rng.next;
    a.rotate = 6;
    double most = 0;
    for (uint64_t i = 0; i < 50; i++) { /* the middle row turns into one of slope 2 cos(angle) */
        rng = base_rng_make(1, "a", i, 0);
        CHECK_EQ(data_augment_image(&image, &p, &a, true, &rng, &work, out), MIEN_OK);
        CHECK_EQ(rng.next, draws); /* draws do not depend on the options */
        double down = (out[24 * N + 15] - out[8 * N + 15]) * 255 / 16 / 2;
        most = BASE_MAX(most, fabs(down));
        CHECK(fabs(down) < sin(6.2 * 3.14159265 / 180) + 0.04);
        CHECK_NEAR(out[16 * N + 16], plain[16 * N + 16], 3 / 255.0);
    }
    CHECK(most > sin(4 * 3.14159265 / 180));
    a = (struct data_augment){.jitter = 0.25};
    double low = 1, high = 0;
    for (uint64_t i = 0; i < 50; i++) {
        rng = base_rng_make(1, "a", i, 0);
        CHECK_EQ(data_augment_image(&image, &p, &a, true, &rng, &work, out), MIEN_OK);
        low = BASE_MIN(low, (double)out[16]);
        high = BASE_MAX(high, (double)out[16]);
    }
    CHECK(low > 0.7 * plain[16] && low < 0.85 * plain[16] && high < 1.3 * plain[16] && high > 1.15 * plain[16]);
    a = (struct data_augment){.crop_scale = {0.25, 0.3}};
    rng = base_rng_make(1, "a", 0, 0);
    CHECK_EQ(data_augment_image(&image, &p, &a, true, &rng, &work, out), MIEN_OK);
    double slope = (out[N - 3] - out[2]) / (plain[N - 3] - plain[2]); /* about half the width is stretched */
    CHECK(slope > 0.4 && slope < 0.66);
    test_torch_resize(&image, &p, &work);
    image.height = 1; /* no crop of that shape: the centre */
    CHECK_EQ(data_augment_image(&image, &p, &a, true, &rng, &work, out), MIEN_OK);
    data_augment_work_free(&work);
}

int main(void)
{
    test_augment();
    return check_result();
}
