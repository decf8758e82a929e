/* Which frames of a clip a sample uses, against the published rule written out step by step; clips, features and
 * pictures as a loader gives them. */
#include "data/frames.h"
#include "data/loader.h"

#include "data/png.h"
#include "io/support.h"

enum { MOST = 64, SIDE = 4 };

/* ---- places ---- */

/* DataLoaders/utils.py of EmoCLIP with its start given: list, slice, concatenate, np.pad(mode="reflect"). */
static void published(uint32_t total, uint32_t stride, uint32_t start, uint32_t count, uint32_t *out)
{
    uint32_t kept[1024], n = 0, list[1024], m = 0;
    for (uint32_t i = 0; i < total; i++)
        if (i % stride == 0)
            kept[n++] = i;
    uint32_t end = start + count;
    for (uint32_t i = start; i < (end < n ? end : n); i++)
        list[m++] = kept[i];
    for (uint32_t i = 0; end >= n && i < n && i < end - n; i++)
        list[m++] = kept[i];
    int step = 1;
    for (uint32_t k = m, at = m - 1; k < count; k++) { /* mirrored at the end, then at the beginning, and so on */
        if (m > 1 && (step > 0 ? at == m - 1 : at == 0))
            step = -step;
        if (k == m)
            step = -1;
        at = m > 1 ? (uint32_t)((int)at + step) : 0;
        list[k] = list[at];
    }
    memcpy(out, list, count * sizeof(*out));
}

static void test_emoclip(void)
{
    static const uint32_t totals[] = {1, 2, 3, 5, 7, 8, 9, 16, 17, 40, 129}, strides[] = {1, 2, 4},
                          counts[] = {1, 2, 5, 8, 32};
    uint32_t different = 0;
    for (size_t a = 0; a < BASE_COUNT(totals); a++)
        for (size_t b = 0; b < BASE_COUNT(strides); b++)
            for (size_t c = 0; c < BASE_COUNT(counts); c++)
                for (uint32_t seed = 0; seed < 8; seed++) {
                    const struct data_clips clips = {counts[c], strides[b], DATA_SAMPLING_EMOCLIP};
                    struct base_rng rng = base_rng_make(seed, "frames", 0, 0), again = rng;
                    uint32_t got[MOST], want[MOST], kept = (totals[a] - 1) / strides[b] + 1;
                    data_clips_sample(&clips, totals[a], &rng, got);
                    published(totals[a], strides[b], base_rng_below(&again, kept), counts[c], want);
                    CHECK(memcmp(got, want, counts[c] * sizeof(*got)) == 0);
                    different += got[0] != 0;
                }
    CHECK(different > 100); /* starts are drawn */
}

static void test_uniform_and_random(void)
{
    const struct data_clips uniform = {4, 1, DATA_SAMPLING_UNIFORM}, any = {4, 1, DATA_SAMPLING_RANDOM};
    uint32_t got[MOST], seen[9] = {0};
    for (uint32_t total = 4; total < 40; total++) {
        data_clips_sample(&uniform, total, NULL, got);
        for (uint32_t i = 0; i < 4; i++)
            CHECK_EQ(got[i], data_frames_pick(total, 4, i)); /* as evaluation has them */
    }
    data_clips_sample(&uniform, 3, NULL, got);
    CHECK(got[0] == 0 && got[1] == 0 && got[2] == 1 && got[3] == 2);
    for (uint32_t seed = 0; seed < 900; seed++) {
        struct base_rng rng = base_rng_make(seed, "frames", 0, 0);
        data_clips_sample(&any, 9, &rng, got);
        for (uint32_t i = 0; i < 4; i++) {
            CHECK(got[i] < 9 && (i == 0 || got[i] > got[i - 1]));
            seen[got[i] % 9]++;
        }
    }
    for (uint32_t i = 0; i < 9; i++)
        CHECK(seen[i] > 320 && seen[i] < 480); /* 400 each; 5.5 deviations */
    struct base_rng rng = base_rng_make(1, "frames", 0, 0);
    data_clips_sample(&any, 2, &rng, got);
    CHECK(got[0] == 0 && got[1] == 0 && got[2] == 1 && got[3] == 1);
}

/* ---- a loader ---- */

static struct data_manifest *manifest;
static struct data_tokenizer *tokenizer;
static const uint32_t rows[] = {0, 1, 2, 3};

/* Frame k of clip c is of one grey: 10 c + k. Clip 0 has 12 frames in a directory, clip 1 two in
 * a list; row 2 is a picture; row 3's directory has nothing. */
static void make_data(void)
{
    static const char text[] = "{\"frames\":\"c0\",\"caption\":\"one\"}\n"
                               "{\"frames\":[\"c1/b.png\",\"c1/a.png\"],\"caption\":\"two\"}\n"
                               "{\"image\":\"p.png\",\"caption\":\"three\"}\n"
                               "{\"frames\":\"c3\",\"caption\":\"four\"}\n";
    static const char *const names[] = {"c1/b.png", "c1/a.png", "p.png"};
    static const unsigned char greys[] = {10, 11, 20};
    const char *words[] = {"one two three four"};
    unsigned char pixels[SIDE * SIDE * 3], file[1024];
    CHECK(base_dir_create(support_file("c0")) == MIEN_OK && base_dir_create(support_file("c1")) == MIEN_OK &&
          base_dir_create(support_file("c3")) == MIEN_OK);
    for (uint32_t i = 0; i < 15; i++) {
        char name[32];
        snprintf(name, sizeof(name), "c0/%02u.png", i + 1);
        memset(pixels, i < 12 ? (int)i : greys[i - 12], sizeof(pixels));
        size_t size = png_make(SIDE, SIDE, 3, pixels, 0, file);
        CHECK_EQ(base_file_write(support_file(i < 12 ? name : names[i - 12]), file, size), MIEN_OK);
    }
    CHECK_EQ(base_file_write(support_file("m.jsonl"), text, sizeof(text) - 1), MIEN_OK);
    CHECK_EQ(data_manifest_read(support_file("m.jsonl"), &manifest), MIEN_OK);
    CHECK_EQ(data_bpe_train(words, 1, 540, &tokenizer), MIEN_OK);
}

static struct data_loader_params params_of(size_t count)
{
    struct data_loader_params p = {.manifest = manifest,
                                   .rows = rows,
                                   .row_count = count,
                                   .tokenizer = tokenizer,
                                   .clips = {.count = 4, .stride = 1},
                                   .context = 8,
                                   .batch = (uint32_t)count,
                                   .max_bad = 0.5};
    data_preprocess_default(SIDE, &p.preprocess);
    for (int i = 0; i < 3; i++) {
        p.preprocess.mean[i] = 0;
        p.preprocess.std[i] = 1;
    }
    return p;
}

/* The grey of a frame of sample i. */
static int grey_of(const struct data_batch *b, uint32_t i, uint32_t frame)
{
    return (int)(b->images[((size_t)i * 4 + frame) * 3 * SIDE * SIDE] * 255 + 0.5f);
}

static void test_frames(void)
{
    static const int want[3][4] = {{1, 4, 7, 10}, {10, 10, 11, 11}, {20, 20, 20, 20}};
    struct data_loader_params p = params_of(3);
    struct data_loader *l = NULL;
    const struct data_batch *b = NULL;
    CHECK_EQ(data_loader_create(&p, &l), MIEN_OK);
    CHECK_EQ(data_loader_next(l, &b), MIEN_OK);
    for (uint32_t i = 0; b && i < 3; i++) {
        for (uint32_t k = 0; k < 4; k++)
            CHECK_EQ(grey_of(b, i, k), want[i][k]);
        CHECK_EQ(b->kinds[i], i == 2);
    }
    CHECK(b && b->images && !b->features);
    data_batch_release(l, &b);
    data_loader_destroy(&l);
    p = params_of(4); /* the last is bad, and replaced */
    CHECK_EQ(data_loader_create(&p, &l), MIEN_OK);
    CHECK_EQ(data_loader_next(l, &b), MIEN_OK);
    CHECK(b && b->rows[3] != 3 && data_loader_bad(l) == 1);
    data_batch_release(l, &b);
    data_loader_destroy(&l);
    p.clips.count = 0;
    CHECK_EQ(data_loader_create(&p, &l), MIEN_ERR_DATA);
    CHECK(strstr(support_last, "m.jsonl:1") && strstr(support_last, "frames"));
}

/* One draw for all frames of a clip: frames that are equal stay equal, whatever is changed. */
static void test_augmented_alike(void)
{
    struct data_loader_params p = params_of(3);
    struct data_loader *l = NULL;
    const struct data_batch *b = NULL;
    data_augment_default(&p.augment);
    p.augment.jitter = 0.5;
    CHECK_EQ(data_loader_create(&p, &l), MIEN_OK);
    CHECK_EQ(data_loader_next(l, &b), MIEN_OK);
    size_t frame = (size_t)3 * SIDE * SIDE;
    const float *picture = b ? b->images + 2 * 4 * frame : NULL;
    CHECK(b && memcmp(picture, picture + 3 * frame, frame * sizeof(float)) == 0);
    CHECK(b && grey_of(b, 2, 0) != 20);
    data_batch_release(l, &b);
    data_loader_destroy(&l);
}

static void test_features(void)
{
    static const uint64_t first[] = {0, 5, 7, 8};
    static const float values[] = {0, 1, 2, 3, 4, 10, 11, 20};
    static const float want[] = {0, 1, 3, 4, 10, 10, 11, 11, 20, 20, 20, 20}; /* middles of four parts of five */
    const struct data_features features = {1, first, values};
    struct data_loader_params p = params_of(3);
    struct data_loader *l = NULL;
    const struct data_batch *b = NULL;
    p.features = &features;
    CHECK_EQ(data_loader_create(&p, &l), MIEN_OK);
    CHECK_EQ(data_loader_next(l, &b), MIEN_OK);
    CHECK(b && !b->images && memcmp(b->features, want, sizeof(want)) == 0);
    data_batch_release(l, &b);
    data_loader_destroy(&l);
}

int main(void)
{
    support_capture();
    test_emoclip();
    test_uniform_and_random();
    make_data();
    test_frames();
    test_augmented_alike();
    test_features();
    data_manifest_destroy(&manifest);
    data_tokenizer_destroy(&tokenizer);
    support_clean();
    return check_result();
}
