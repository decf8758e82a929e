/* PyTorch's zip form: the shared fixtures, damaged copies, refusals by name, and no harm from any byte. */
#include "io/weights.h"

#include "io/support.h"

static char *bytes;
static size_t size;

static bool load(const char *path)
{
    base_free(bytes);
    bytes = NULL;
    return base_file_read(path, 0, &bytes, &size) == MIEN_OK;
}

static const char *small(const char *name)
{
    return support_path(MIEN_SOURCE_DIR "/tests/io/pt", name);
}

static enum mien_status open_bytes(const char *data, size_t length, struct io_weights **w)
{
    const char *path = support_file("made.pt");
    FILE *f = fopen(path, "wb"); /* thousands of them: base_file_write would wait for the disk each time */
    CHECK(f && fwrite(data, 1, length, f) == length);
    CHECK(f && fclose(f) == 0);
    support_last[0] = '\0';
    return io_weights_open(path, w);
}

/* rank and dims, then count values */
static void check_tensor(const struct io_weights *w, const char *name, enum io_dtype dtype, const uint64_t *dims,
                         uint32_t rank, const float *values)
{
    const struct io_tensor *t = io_weights_find(w, name);
    float got[64] = {0};
    CHECK(t != NULL);
    if (!t || t->count > 64)
        return;
    CHECK_EQ(t->dtype, dtype);
    CHECK_EQ(t->rank, rank);
    for (uint32_t i = 0; i < rank; i++)
        CHECK_EQ(t->dims[i], dims[i]);
    if (!values)
        return;
    CHECK_EQ(io_tensor_read_f32(t, 0, t->count, got), MIEN_OK);
    for (uint64_t i = 0; i < t->count; i++)
        CHECK(got[i] == values[i]);
}

/* views.pt of make_pt.py: slices and transposes of shared storages, f32, f16, bf16, nested under "state_dict". */
static void test_views(void)
{
    struct io_weights *w;
    float a[12], turned[12], part[2] = {6, 9}, half[3] = {0.5f, -2, 65504}, brain[2] = {1, -3.0e38f}, three[3];
    for (int i = 0; i < 12; i++) {
        a[i] = (float)i;
        turned[i % 4 * 3 + i / 4] = (float)i;
    }
    three[0] = three[1] = three[2] = 7;
    brain[1] = base_bf16_to_f32(base_bf16_of(-3.0e38f));
    CHECK_EQ(io_weights_open(small("views.pt"), &w), MIEN_OK);
    if (!w)
        return;
    CHECK_EQ(io_weights_form(w), IO_WEIGHTS_TORCH);
    CHECK_EQ(io_weights_count(w), 9);
    check_tensor(w, "state_dict.a", IO_F32, (uint64_t[]){3, 4}, 2, a);
    check_tensor(w, "state_dict.turned", IO_F32, (uint64_t[]){4, 3}, 2, turned);
    check_tensor(w, "state_dict.part", IO_F32, (uint64_t[]){2, 1}, 2, part);
    check_tensor(w, "state_dict.half", IO_F16, (uint64_t[]){3}, 1, half);
    check_tensor(w, "state_dict.brain", IO_BF16, (uint64_t[]){2}, 1, brain);
    check_tensor(w, "state_dict.three", IO_F32, (uint64_t[]){3}, 1, three);
    check_tensor(w, "state_dict.none", IO_F32, (uint64_t[]){0, 2}, 2, a);
    check_tensor(w, "state_dict.parameter", IO_F32, NULL, 0, (float[]){2.5f});
    check_tensor(w, "optimizer.state.0.step", IO_I64, NULL, 0, NULL);
    CHECK(io_tensor_read_f32(io_weights_find(w, "optimizer.state.0.step"), 0, 1, a) == MIEN_ERR_DATA);
    io_weights_close(&w);
}

/* script.pt of make_pt.py: parameters and buffers are the attributes of modules. */
static void test_script(void)
{
    struct io_weights *w;
    CHECK_EQ(io_weights_open(small("script.pt"), &w), MIEN_OK);
    if (!w)
        return;
    CHECK_EQ(io_weights_form(w), IO_WEIGHTS_TORCHSCRIPT);
    check_tensor(w, "blocks.0.weight", IO_F16, (uint64_t[]){2, 3}, 2, (float[]){0, 1, 2, 3, 4, 5});
    check_tensor(w, "blocks.0.bias", IO_F32, (uint64_t[]){2}, 1, (float[]){-1, 1});
    check_tensor(w, "size", IO_I64, NULL, 0, NULL);
    CHECK_EQ(io_weights_count(w), 3);
    io_weights_close(&w);
}

/* opaque2.pt and opaque5.pt of make_opaque.py: what is no weight is passed over, whatever it would be made of. */
static void test_opaque(void)
{
    static const char *const files[] = {"opaque2.pt", "opaque5.pt"};
    for (size_t i = 0; i < BASE_COUNT(files); i++) {
        struct io_weights *w;
        support_last[0] = '\0';
        CHECK_EQ(io_weights_open(small(files[i]), &w), MIEN_OK);
        CHECK_STR(support_last, "");
        if (!w)
            continue;
        CHECK_EQ(io_weights_count(w), 3);
        check_tensor(w, "state_dict.a", IO_F32, (uint64_t[]){2}, 1, (float[]){1, 2});
        check_tensor(w, "state_dict.b", IO_F32, (uint64_t[]){1}, 1, (float[]){3});
        check_tensor(w, "state_dict.c", IO_F32, (uint64_t[]){3}, 1, (float[]){4, 5, 6});
        CHECK_STR(io_weights_opaque(w, "state_dict.odd"), "numpy.core.multiarray._reconstruct");
        CHECK_STR(io_weights_opaque(w, "state_dict.wave"), "torch.ComplexFloatStorage");
        CHECK_STR(io_weights_opaque(w, "epoch"), "numpy.core.multiarray.scalar");
        CHECK(!io_weights_opaque(w, "state_dict.a") && !io_weights_opaque(w, "state_dict.none"));
        io_weights_close(&w);
    }
}

/* A line of fixtures.csv: file, tensor, dtype, dims joined by 'x', CRC-32 of the elements row by row. */
static void check_line(struct io_weights *w, const char *line)
{
    char file[64], name[128], dtype[16], dims[64], want[64] = "";
    unsigned crc;
    unsigned char element[8];
    CHECK_EQ(sscanf(line, "%63[^,],%127[^,],%15[^,],%63[^,],%x", file, name, dtype, dims, &crc), 5);
    const struct io_tensor *t = w ? io_weights_find(w, name) : NULL;
    if (!t)
        fprintf(stderr, "no tensor: %s (%s)\n", line, support_last);
    CHECK(t != NULL);
    if (!t)
        return;
    for (uint32_t i = 0; i < t->rank; i++)
        snprintf(want + strlen(want), sizeof(want) - strlen(want), "%s%u", i ? "x" : "", (unsigned)t->dims[i]);
    CHECK_STR(dims, t->rank ? want : "-");
    CHECK_STR(io_dtype_name(t->dtype), dtype);
    uint32_t got = 0;
    size_t bytes_each = io_dtype_size(t->dtype);
    for (uint64_t i = 0; i < t->count; i++) {
        CHECK_EQ(io_tensor_read(t, i, 1, element), MIEN_OK);
        got = base_crc32(got, element, bytes_each);
    }
    unsigned char *all = malloc((size_t)t->count * bytes_each + 1); /* at once: the same */
    CHECK_EQ(io_tensor_read(t, 0, t->count, all), MIEN_OK);
    CHECK_EQ(base_crc32(0, all, (size_t)t->count * bytes_each), crc);
    free(all);
    CHECK_EQ(got, crc);
}

/* Files of other people, judged by what PyTorch read from them (make_pt.py --fixtures). */
static void test_fixtures(void)
{
    struct io_weights *w = NULL;
    char *csv = NULL, *save = NULL, before[64] = "";
    size_t length, tensors = 0, count = 0;
    const char *dir = support_shared("fixtures/pt");
    if (!base_file_is_dir(dir)) {
        printf("skipped: fixtures: no %s\n", MIEN_SHARED_DIR);
        return;
    }
    CHECK_EQ(base_file_read(small("fixtures.csv"), 0, &csv, &length), MIEN_OK);
    for (char *line = csv ? strtok_r(csv, "\n", &save) : NULL; line; line = strtok_r(NULL, "\n", &save)) {
        char file[64] = "", path[1024];
        sscanf(line, "%63[^,]", file);
        if (strcmp(file, before) != 0) {
            CHECK_EQ(w ? io_weights_count(w) : 0, tensors); /* no tensor more than PyTorch saw */
            io_weights_close(&w);
            snprintf(path, sizeof(path), "%s/%s", dir, file);
            CHECK_EQ(io_weights_open(path, &w), MIEN_OK);
            snprintf(before, sizeof(before), "%s", file);
            tensors = 0;
        }
        check_line(w, line);
        tensors++;
        count++;
    }
    CHECK_EQ(w ? io_weights_count(w) : 0, tensors);
    io_weights_close(&w);
    base_free(csv);
    CHECK(count > 80);
    static const char *const bad[] = {"simple_legacy.pt", "legacy_with_offsets.pt", "legacy_uncloned_views.pt",
                                      "broken.pt"};
    for (size_t i = 0; i < BASE_COUNT(bad); i++) {
        char path[1024];
        snprintf(path, sizeof(path), "%s/%s", dir, bad[i]);
        if (!base_file_exists(path))
            continue;
        CHECK_EQ(io_weights_open(path, &w), MIEN_ERR_DATA);
        CHECK_SAYS(bad[i]);
        CHECK_SAYS("byte");
    }
}

static void refused(const char *name, const char *says)
{
    struct io_weights *w;
    support_last[0] = '\0';
    CHECK_EQ(io_weights_open(small(name), &w), MIEN_ERR_DATA);
    CHECK(w == NULL);
    CHECK_SAYS(name);
    CHECK_SAYS("byte");
    CHECK_SAYS(says);
}

/* Files of make_pt.py, each wrong in one way. */
static void test_refusals(void)
{
    struct io_weights *w;
    refused("legacy.pt", "before 1.6");
    refused("system.pt", "posix.system");
    refused("builtins.pt", "eval");
    refused("deflated.pt", "compressed");
    refused("big_endian.pt", "little-endian");
    refused("beyond.pt", "beyond its storage");
    refused("short.pt", "bytes, but tensor");
    refused("gone.pt", "not in the archive");
    refused("twice.pt", "second data.pkl");
    refused("no_pickle.pt", "without data.pkl");
    refused("checksum.pt", "checksum");
    refused("opcode.pt", "opcode");
    CHECK_EQ(io_weights_open(small("nothing.pt"), &w), MIEN_ERR_DATA);
    CHECK_SAYS("the whole is a numpy.core.multiarray._reconstruct, which Mien does not make");
    CHECK_EQ(open_bytes("", 0, &w), MIEN_ERR_DATA);
    CHECK_SAYS("byte 0");
    CHECK_EQ(open_bytes("PK\3\4", 4, &w), MIEN_ERR_DATA);
    CHECK_SAYS("no end of the directory");
    CHECK_EQ(open_bytes("<html>", 6, &w), MIEN_ERR_DATA);
    CHECK_SAYS("neither");
    CHECK_EQ(io_weights_open(support_file("not-there.pt"), &w), MIEN_ERR_DATA);
    CHECK_EQ(io_weights_open(support_scratch(), &w), MIEN_ERR_DATA);
    CHECK_SAYS("no weights here");
}

/* Any outcome but a crash; what opens is read as well. */
static void survive(const char *data, size_t length)
{
    struct io_weights *w;
    float values[64];
    if (open_bytes(data, length, &w) != MIEN_OK) {
        CHECK_SAYS("made.pt");
        return;
    }
    for (size_t i = 0; i < io_weights_count(w); i++) {
        const struct io_tensor *t = io_weights_at(w, i);
        (void)!io_tensor_read_f32(t, 0, t->count < 64 ? t->count : 64, values);
        (void)!io_tensor_read_f32(t, t->count > 64 ? t->count - 64 : 0, t->count < 64 ? t->count : 64, values);
    }
    io_weights_close(&w);
}

/* Every truncation fails; random changes do no harm. Checksums would hide most of the pickle from the changes, so half
 * of the rounds put 0 there, which means none. */
static void test_damage(const char *name, uint32_t rounds)
{
    struct io_weights *w;
    struct base_rng rng = base_rng_make(7, name, 0, 0);
    if (!load(small(name)))
        return;
    for (size_t n = 0; n < size; n++) {
        CHECK_EQ(open_bytes(bytes, n, &w), MIEN_ERR_DATA);
        CHECK_SAYS("byte");
    }
    char *copy = base_alloc(size, 1);
    for (uint32_t round = 0; copy && round < rounds; round++) {
        memcpy(copy, bytes, size);
        for (size_t i = 0; round % 2 && i + 20 < size; i++)
            if (memcmp(copy + i, "PK\1\2", 4) == 0)
                memset(copy + i + 16, 0, 4);
        for (uint32_t flips = 1 + round % 4; flips > 0; flips--)
            copy[base_rng_u32(&rng) % size] ^= (char)(1u << base_rng_u32(&rng) % 8);
        if (round % 8 == 7) /* a whole byte: other opcodes are farther than one bit */
            copy[base_rng_u32(&rng) % size] = (char)base_rng_u32(&rng);
        survive(copy, size);
    }
    base_free(copy);
}

/* The published check value; and long data, which goes by tables, against the same data in short pieces. */
static void test_checksum(void)
{
    static unsigned char data[40001];
    uint32_t pieces = 0;
    CHECK_EQ(base_crc32(0, "123456789", 9), 0xCBF43926);
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (unsigned char)(i * i >> 3);
    for (size_t i = 0; i < sizeof(data); i += 1000)
        pieces = base_crc32(pieces, data + i, i + 1000 <= sizeof(data) ? 1000 : sizeof(data) - i);
    CHECK_EQ(base_crc32(0, data, sizeof(data)), pieces);
}

int main(void)
{
    support_capture();
    test_checksum();
    test_views();
    test_script();
    test_opaque();
    test_refusals();
    test_fixtures();
    test_damage("views.pt", 2500);
    test_damage("script.pt", 2500);
    test_damage("opaque2.pt", 1500);
    test_damage("opaque5.pt", 1500);
    base_free(bytes);
    support_clean();
    return check_result();
}
