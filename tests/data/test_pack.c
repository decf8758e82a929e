/* The packed cache: the same batches as from the files, even when those have gone; damage and staleness. */
#include "data/loader.h"
#include "data/pack.h"

#include "data/png.h"
#include "io/support.h"

enum { SAMPLES = 9, SIDE = 6 };

static struct data_manifest *manifest;
static struct data_tokenizer *tokenizer;

/* Pictures of 8x8; number 4 is broken, number 2 has a box. */
static void make_data(void)
{
    static unsigned char pixels[8 * 8 * 3], file[1024];
    char text[2048], name[32];
    const char *corpus[] = {"a face", "face a"};
    size_t n = 0;
    for (uint32_t i = 0; i < SAMPLES; i++) {
        struct base_rng rng = base_rng_make(3, "picture", i, 0);
        for (size_t k = 0; k < sizeof(pixels); k++)
            pixels[k] = (unsigned char)base_rng_below(&rng, 256);
        size_t size = png_make(8, 8, 3, pixels, 0, file);
        snprintf(name, sizeof(name), "%u.png", i);
        CHECK_EQ(base_file_write(support_file(name), file, i == 4 ? 20 : size), MIEN_OK);
        n += (size_t)sprintf(text + n, "{\"image\":\"%u.png\",\"caption\":\"a face\"%s}\n", i,
                             i == 2 ? ",\"box\":[1,2,5,4]" : "");
    }
    CHECK_EQ(base_file_write(support_file("m.jsonl"), text, n), MIEN_OK);
    CHECK_EQ(data_manifest_read(support_file("m.jsonl"), &manifest), MIEN_OK);
    CHECK_EQ(data_bpe_train(corpus, 2, 520, &tokenizer), MIEN_OK);
}

/* All pixels of an epoch. */
static void read_epoch(float *out)
{
    static uint32_t rows[SAMPLES];
    struct data_loader *l = NULL;
    const struct data_batch *b = NULL;
    for (uint32_t i = 0; i < SAMPLES; i++)
        rows[i] = i;
    struct data_loader_params p = {.manifest = manifest, .rows = rows, .row_count = SAMPLES, .tokenizer = tokenizer};
    p.context = 8;
    p.batch = SAMPLES;
    p.max_bad = 0.5;
    data_preprocess_default(SIDE, &p.preprocess);
    data_augment_default(&p.augment);
    CHECK_EQ(data_loader_create(&p, &l), MIEN_OK);
    if (l && data_loader_next(l, &b) == MIEN_OK)
        memcpy(out, b->images, sizeof(float) * SAMPLES * 3 * SIDE * SIDE);
    CHECK(b != NULL);
    if (b)
        data_batch_release(l, &b);
    data_loader_destroy(&l);
}

static void test_same(void)
{
    static float files[SAMPLES * 3 * SIDE * SIDE], packed[SAMPLES * 3 * SIDE * SIDE];
    struct data_pack_summary s;
    char name[32];
    read_epoch(files);
    CHECK_EQ(data_pack_write(manifest, &s), MIEN_OK);
    CHECK_EQ(s.pictures, SAMPLES - 1);
    CHECK_EQ(s.bad, 1);
    CHECK_EQ(s.bytes, (SAMPLES - 2) * 192 + 60 + SAMPLES * 24 + 32);
    for (uint32_t i = 0; i < SAMPLES; i++) { /* nothing is read from them any more */
        snprintf(name, sizeof(name), "%u.png", i);
        unlink(support_file(name));
    }
    read_epoch(packed);
    CHECK(memcmp(files, packed, sizeof(files)) == 0);
}

/* Opens a pack whose bytes are these; whether it is used. */
static bool is_used(const char *data, size_t size)
{
    struct data_pack *pack = NULL;
    CHECK_EQ(base_file_write(support_file("m.jsonl.pack"), data, size), MIEN_OK);
    CHECK_EQ(data_pack_open(manifest, &pack), MIEN_OK);
    bool used = pack != NULL;
    data_pack_close(&pack);
    return used;
}

static void test_damage(void)
{
    char *data = NULL;
    size_t size = 0;
    struct data_image image;
    struct data_pack *pack = NULL;
    CHECK_EQ(base_file_read(support_file("m.jsonl.pack"), 0, &data, &size), MIEN_OK);
    for (size_t cut = 0; cut < size; cut += 61)
        CHECK(!is_used(data, cut));
    for (size_t at = size - 32 - SAMPLES * 24; at < size; at += 5) { /* table and end: a damaged byte is seen */
        data[at] ^= 4;
        CHECK(!is_used(data, size));
        data[at] ^= 4;
    }
    data[200] ^= 1; /* a pixel of picture 1 */
    CHECK(is_used(data, size));
    CHECK_EQ(data_pack_open(manifest, &pack), MIEN_OK);
    CHECK(data_pack_image(pack, 0, &image) && image.width == 8);
    CHECK(!data_pack_image(pack, 1, &image));
    CHECK(data_pack_image(pack, 2, &image) && image.width == 5 && image.height == 4);
    CHECK(!data_pack_image(pack, 4, &image) && !data_pack_image(pack, SAMPLES, &image));
    data_pack_close(&pack);
    base_free(data);
}

static void test_stale(void)
{
    struct data_pack *pack = NULL;
    struct data_pack_summary s;
    char *text = NULL;
    size_t size = 0;
    CHECK_EQ(data_pack_write(manifest, &s), MIEN_OK);
    CHECK_EQ(base_file_read(support_file("m.jsonl"), 0, &text, &size), MIEN_OK);
    text[size - 5] = 'x'; /* a letter of the last caption */
    CHECK_EQ(base_file_write(support_file("m.jsonl"), text, size), MIEN_OK);
    int warnings = support_warnings;
    CHECK_EQ(data_pack_open(manifest, &pack), MIEN_OK);
    CHECK(pack == NULL && support_warnings == warnings + 1);
    base_free(text);
}

int main(void)
{
    support_capture();
    make_data();
    if (manifest && tokenizer) {
        test_same();
        test_damage();
        test_stale();
    }
    data_manifest_destroy(&manifest);
    data_tokenizer_destroy(&tokenizer);
    support_clean();
    return check_result();
}
