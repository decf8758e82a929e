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
    CHECK_EQ(data_pack_write(manifest, NULL, NULL, &s), MIEN_OK);
    CHECK_EQ(s.pictures, SAMPLES - 1);
    CHECK_EQ(s.bad, 1);
    CHECK_EQ(s.bytes, (SAMPLES - 2) * 192 + 60 + SAMPLES * 48 + 32);
    for (uint32_t i = 0; i < SAMPLES; i++) { /* nothing is read from them any more */
        snprintf(name, sizeof(name), "%u.png", i);
        unlink(support_file(name));
    }
    read_epoch(packed);
    CHECK(memcmp(files, packed, sizeof(files)) == 0);
}

/* data_pack_image, of which only the size stays. */
static bool serve(const struct data_pack *pack, uint32_t row, struct data_image *image)
{
    bool served = data_pack_image(pack, row, image);
    if (served) {
        struct data_image kept = *image;
        data_image_free(&kept);
        image->pixels = NULL;
    }
    return served;
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
    for (size_t at = size - 32 - SAMPLES * 48; at < size; at += 5) { /* table and end: a damaged byte is seen */
        data[at] ^= 4;
        CHECK(!is_used(data, size));
        data[at] ^= 4;
    }
    data[200] ^= 1; /* a pixel of picture 1 */
    CHECK(is_used(data, size));
    CHECK_EQ(data_pack_open(manifest, &pack), MIEN_OK);
    CHECK(serve(pack, 0, &image) && image.width == 8);
    CHECK(!serve(pack, 1, &image));
    CHECK(serve(pack, 2, &image) && image.width == 5 && image.height == 4);
    CHECK(!serve(pack, 4, &image) && !serve(pack, SAMPLES, &image));
    data_pack_close(&pack);
    base_free(data);
}

static void test_stale(void)
{
    struct data_pack *pack = NULL;
    struct data_pack_summary s;
    char *text = NULL;
    size_t size = 0;
    CHECK_EQ(data_pack_write(manifest, NULL, NULL, &s), MIEN_OK);
    CHECK_EQ(base_file_read(support_file("m.jsonl"), 0, &text, &size), MIEN_OK);
    text[size - 5] = 'x'; /* a letter of the last caption */
    CHECK_EQ(base_file_write(support_file("m.jsonl"), text, size), MIEN_OK);
    int warnings = support_warnings;
    CHECK_EQ(data_pack_open(manifest, &pack), MIEN_OK);
    CHECK(pack == NULL && support_warnings == warnings + 1);
    base_free(text);
}

/* ---- numbers that somebody has written on purpose: the checksums are right ---- */

static void put(char *to, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        to[i] = (char)(value >> (8 * i));
}

/* The first entry of a pack says this; whether its picture is served. */
static bool serves(char *data, size_t size, uint64_t at, uint64_t width, uint64_t height, uint64_t channels)
{
    char *table = data + size - 32 - (size_t)SAMPLES * 48;
    size_t bytes = (size_t)(width * height * channels), room = (size_t)(table - data);
    struct data_pack *pack = NULL;
    struct data_image image;
    put(table, at, 8);
    put(table + 8, width, 4);
    put(table + 12, height, 4);
    put(table + 16, channels, 4);
    put(table + 20, at <= room && bytes <= room - at ? base_crc32(0, data + at, bytes) : 0, 4);
    put(data + size - 4, base_crc32(0, table, (size_t)SAMPLES * 48), 4);
    CHECK_EQ(base_file_write(support_file("m.jsonl.pack"), data, size), MIEN_OK);
    CHECK_EQ(data_pack_open(manifest, &pack), MIEN_OK);
    CHECK(pack != NULL);
    bool served = serve(pack, 0, &image);
    data_pack_close(&pack);
    return served;
}

static void test_crafted(void)
{
    static const uint64_t big = 1u << 31, top = UINT32_MAX;
    char *data = NULL;
    size_t size = 0;
    struct data_pack_summary s;
    CHECK_EQ(data_pack_write(manifest, NULL, NULL, &s), MIEN_OK);
    CHECK_EQ(base_file_read(support_file("m.jsonl.pack"), 0, &data, &size), MIEN_OK);
    CHECK(serves(data, size, 0, 8, 8, 3) && serves(data, size, 0, 8, 6, 4));
    CHECK(!serves(data, size, 0, big, big, 4)); /* 2^64 bytes: none, by the wrong count */
    CHECK(!serves(data, size, 0, 1u << 20, 1u << 22, 1u << 22));
    CHECK(!serves(data, size, 0, top, top, top) && !serves(data, size, 0, top, 1, 4));
    CHECK(!serves(data, size, 0, 8, 8, 1) && !serves(data, size, 0, 8, 8, 2)); /* fewer than are read of a pixel */
    CHECK(!serves(data, size, 0, 4, 4, 0) && !serves(data, size, 0, 1, 1, 192) && !serves(data, size, 0, 8, 4, 6));
    CHECK(!serves(data, size, 0, 0, 5, 3) && !serves(data, size, 0, 5, 0, 3));
    CHECK(!serves(data, size, UINT64_MAX, 8, 8, 3) && !serves(data, size, UINT64_MAX - 100, 8, 8, 3));
    CHECK(!serves(data, size, size - 32, 1, 1, 3) && !serves(data, size, size, 1, 1, 3));
    CHECK(!serves(data, size, size - 32 - (size_t)SAMPLES * 48 - 2, 1, 1, 3)); /* into the table */
    put(data + size - 32 + 12, top, 4);                                        /* rows */
    CHECK(!is_used(data, size));
    base_free(data);
}

/* A picture that was written again is read again; one with other pixels of the same size and name, too. */
static void test_changed(void)
{
    static unsigned char pixels[8 * 8 * 3], file[1024];
    struct data_pack_summary s;
    struct data_pack *pack = NULL;
    struct data_image image;
    char *kept = NULL;
    size_t kept_size = 0;
    CHECK_EQ(base_file_read(support_file("5.png"), 0, &kept, &kept_size), MIEN_OK);
    CHECK_EQ(data_pack_write(manifest, NULL, NULL, &s), MIEN_OK);
    CHECK_EQ(data_pack_open(manifest, &pack), MIEN_OK);
    CHECK(serve(pack, 3, &image) && serve(pack, 5, &image));
    size_t size = png_make(8, 8, 3, pixels, 0, file);
    CHECK_EQ(base_file_write(support_file("3.png"), file, size), MIEN_OK);
    CHECK(!serve(pack, 3, &image) && serve(pack, 5, &image));
    unlink(support_file("5.png")); /* gone: the pack is all there is */
    CHECK(serve(pack, 5, &image));
    CHECK_EQ(base_file_write(support_file("5.png"), kept, kept_size), MIEN_OK);
    CHECK(!data_pack_image(pack, 5, &image)); /* as long as before, but written later */
    base_free(kept);
    data_pack_close(&pack);
}

/* A pack that becomes shorter while it is open: no signal; what is cut off is read from the pictures' files. */
static void test_cut_while_open(void)
{
    struct data_pack_summary s;
    struct data_pack *pack = NULL;
    struct data_image image;
    CHECK_EQ(data_pack_write(manifest, NULL, NULL, &s), MIEN_OK);
    CHECK_EQ(data_pack_open(manifest, &pack), MIEN_OK);
    CHECK(serve(pack, 0, &image) && serve(pack, 5, &image));
    CHECK_EQ(truncate(support_file("m.jsonl.pack"), 300), 0);
    int warnings = support_warnings;
    CHECK(serve(pack, 0, &image) && image.width == 8); /* its 192 bytes are still there */
    CHECK_EQ(support_warnings, warnings);
    CHECK(!serve(pack, 5, &image) && support_warnings > warnings);
    CHECK_EQ(truncate(support_file("m.jsonl.pack"), 0), 0);
    CHECK(!serve(pack, 0, &image));
    data_pack_close(&pack);
}

/* A pack of an older version is left alone, with a warning. */
static void test_older(void)
{
    char *data = NULL;
    size_t size = 0;
    CHECK_EQ(base_file_read(support_file("m.jsonl.pack"), 0, &data, &size), MIEN_OK);
    put(data + size - 32 + 8, 1, 4);
    int warnings = support_warnings;
    CHECK(!is_used(data, size));
    CHECK_EQ(support_warnings, warnings + 1);
    base_free(data);
}

int main(void)
{
    support_capture();
    make_data();
    if (manifest && tokenizer) {
        test_crafted();
        test_changed();
        test_older();
        test_cut_while_open(); /* leaves no pack */
        test_same();
        test_damage();
        test_stale();
    }
    data_manifest_destroy(&manifest);
    data_tokenizer_destroy(&tokenizer);
    support_clean();
    return check_result();
}
