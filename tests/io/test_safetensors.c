/* Reader against hand-made files and the shared fixtures; writer against the reader and against fixed bytes. */
#include "io/elements.h"
#include "io/safetensors.h"

#include "io/support.h"

/* A file from a header text and `size` data bytes 0, 1, 2, ...; `length` -1 = the header's true length. */
static const char *make(const char *header, size_t size, long long length)
{
    static unsigned char bytes[4096];
    uint64_t n = length < 0 ? strlen(header) : (uint64_t)length;
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(n >> (8 * i));
    memcpy(bytes + 8, header, strlen(header));
    for (size_t i = 0; i < size; i++)
        bytes[8 + strlen(header) + i] = (unsigned char)i;
    const char *path = support_file("made.safetensors");
    CHECK_EQ(base_file_write(path, bytes, 8 + strlen(header) + size), MIEN_OK);
    return path;
}

static void refused(const char *header, size_t size, const char *says)
{
    struct io_safetensors *file;
    support_last[0] = '\0';
    CHECK_EQ(io_safetensors_open(make(header, size, -1), &file), MIEN_ERR_DATA);
    CHECK(file == NULL);
    CHECK_SAYS(says);
    CHECK_SAYS("made.safetensors");
}

#define T(name, dtype, shape, from, to)                                                                                \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":[" shape "],\"data_offsets\":[" from "," to "]}"

static void test_refusals(void)
{
    refused("", 0, "'{' expected");
    refused(" {}", 0, "'{' expected");
    refused("{} x", 0, "after the header");
    refused("{} ", 1, "cut off or extended");
    refused("{" T("a", "F32", "1", "0", "4") "}", 3, "cut off or extended");
    refused("{" T("a", "F32", "1", "0", "4") "," T("a", "F32", "1", "4", "8") "}", 8, "two tensors");
    refused("{" T("a", "F32", "1", "0", "4") "," T("b", "F32", "1", "5", "9") "}", 9, "hole");
    refused("{" T("a", "F32", "2", "0", "8") "," T("b", "F32", "1", "4", "8") "}", 8, "overlap");
    refused("{" T("a", "F99", "1", "0", "4") "}", 4, "unknown dtype \"F99\"");
    refused("{" T("a", "F32", "2", "0", "4") "}", 4, "needs 8 bytes");
    refused("{" T("a", "F32", "1.0", "0", "4") "}", 4, "unsigned integer");
    refused("{" T("a", "F32", "-1", "0", "4") "}", 4, "unsigned integer");
    refused("{" T("a", "F32", "01", "0", "4") "}", 4, "unsigned integer");
    refused("{" T("a", "F32", "18446744073709551616", "0", "4") "}", 4, "2^64");
    refused("{" T("a", "F32", "4611686018427387905", "0", "4") "}", 4, "overflows");
    refused("{" T("a", "F32", "4294967296,4294967296", "0", "0") "}", 0, "overflows");
    refused("{" T("a", "U8", "1,1,1,1,1,1,1,1,1", "0", "1") "}", 1, "8 dimensions");
    refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "lacks");
    refused("{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "twice");
    refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", 4, "two numbers");
    refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],}}", 4, "string");
    refused("{\"a\\ud800\":{}}", 4, "surrogate");
    refused("{\"a\\q\":{}}", 4, "escape");
    refused("{\"a\xff\":{}}", 4, "UTF-8");
    refused("{\"a\n\":{}}", 4, "control");
    refused("{\"a", 4, "without end");
    refused("{\"a\\", 0, "without end");
    refused("{\"__metadata__\":{\"a\":1}}", 0, "string");
    refused("{\"__metadata__\":{},\"__metadata__\":{}}", 0, "two __metadata__");
    refused("{\"a\":{\"x\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", 0, "nested");
    struct io_safetensors *file;
    CHECK_EQ(io_safetensors_open(make("{}", 0, 3), &file), MIEN_ERR_DATA);
    CHECK_SAYS("beyond the end");
    CHECK_EQ(io_safetensors_open(make("{}", 0, 100000001), &file), MIEN_ERR_DATA);
    CHECK_SAYS("100,000,000");
    CHECK_EQ(io_safetensors_open(support_file("not-there"), &file), MIEN_ERR_DATA);
    CHECK_EQ(io_safetensors_open(support_scratch(), &file), MIEN_ERR_DATA);
    CHECK_EQ(base_file_write(support_file("empty"), "", 0), MIEN_OK);
    CHECK_EQ(io_safetensors_open(support_file("empty"), &file), MIEN_ERR_DATA);
    CHECK_SAYS("too short");
}

static void test_reading(void)
{
    struct io_safetensors *file;
    const char *header = "{" T("\\u0062\\ud83d\\ude00", "F16", "3", "0",
                               "6") ","
                                    "\"__metadata__\": {\"format\":\"pt\"} , "
                                    "\"a\":{\"new\":[1.5e3,{\"x\":null},true],\"shape\":[],\"dtype\":\"BF16\","
                                    "\"data_offsets\":[6,8]}}   ";
    CHECK_EQ(io_safetensors_open(make(header, 8, -1), &file), MIEN_OK);
    if (!file)
        return;
    CHECK_EQ(io_safetensors_count(file), 2);
    CHECK_STR(io_safetensors_at(file, 0)->name, "a");
    CHECK_STR(io_safetensors_metadata(file, "format"), "pt");
    CHECK(io_safetensors_metadata(file, "x") == NULL);
    CHECK(io_safetensors_find(file, "b") == NULL);
    const struct io_tensor *b = io_safetensors_find(file, "b\xF0\x9F\x98\x80"), *a = io_safetensors_find(file, "a");
    CHECK(a && b);
    if (a && b) {
        CHECK_EQ(a->rank, 0);
        CHECK_EQ(a->count, 1);
        CHECK_EQ(b->dims[0], 3);
        float f[3];
        CHECK_EQ(io_tensor_read_f32(b, 1, 2, f), MIEN_OK);
        CHECK(f[0] == base_f16_to_f32(0x0302) && f[1] == base_f16_to_f32(0x0504));
        CHECK_EQ(io_tensor_read_f32(a, 0, 1, f), MIEN_OK);
        CHECK(f[0] == base_bf16_to_f32(0x0706));
        CHECK_EQ(io_tensor_read_f32(b, 2, 2, f), MIEN_ERR_ARG);
        CHECK_EQ(io_tensor_read_f32(b, UINT64_MAX, 2, f), MIEN_ERR_ARG);
    }
    io_safetensors_close(&file);
    CHECK(file == NULL);
    io_safetensors_close(&file);
    io_safetensors_close(NULL);
}

/* Values that are no numbers, whatever their type, are refused by file, tensor and element; other types by file. */
static void test_not_finite(void)
{
    static const struct {
        const char *dtype;
        unsigned char bad[4];
        int size;
    } forms[] = {{"F32", {0, 0, 0xc0, 0x7f}, 4}, {"F32", {0, 0, 0x80, 0xff}, 4}, {"F16", {0, 0x7c}, 2},
                 {"F16", {1, 0xfc}, 2},          {"BF16", {0x80, 0x7f}, 2},      {"BF16", {0xc0, 0xff}, 2}};
    float values[3000];
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        static unsigned char data[3000 * 4];
        struct io_tensor_out out = {"w",
                                    strcmp(forms[i].dtype, "F32") == 0   ? IO_F32
                                    : strcmp(forms[i].dtype, "F16") == 0 ? IO_F16
                                                                         : IO_BF16,
                                    1,
                                    {3000},
                                    data};
        const char *path = support_file("not-finite");
        struct io_safetensors *file;
        memset(data, 0, sizeof(data));
        memcpy(data + 2222 * forms[i].size, forms[i].bad, (size_t)forms[i].size);
        CHECK_EQ(io_safetensors_write(path, &out, 1, NULL, NULL, NULL), MIEN_OK);
        CHECK_EQ(io_safetensors_open(path, &file), MIEN_OK);
        const struct io_tensor *t = io_safetensors_find(file, "w");
        CHECK_EQ(io_tensor_read_f32(t, 2000, 1000, values), MIEN_ERR_DATA);
        CHECK_SAYS("not-finite: tensor w: element 2222 is ");
        CHECK_EQ(io_tensor_read_checked(t, 2000, 1000, values), MIEN_ERR_DATA);
        CHECK_SAYS("element 2222 is ");
        CHECK_EQ(io_tensor_read_checked(t, 0, 2222, values), MIEN_OK);
        CHECK_EQ(io_tensor_read_raw(t, 2000, 1000, values), MIEN_OK);
        CHECK_EQ(io_first_not_finite(values, 1000), 222);
        CHECK_EQ(io_tensor_read_f32(t, 0, 2222, values), MIEN_OK);
        CHECK_EQ(io_first_not_finite(values, 1000), 1000);
        io_safetensors_close(&file);
    }
    double x = 1;
    struct io_tensor_out wide = {"w", IO_F64, 0, {0}, &x};
    struct io_safetensors *file;
    CHECK_EQ(io_safetensors_write(support_file("wide"), &wide, 1, NULL, NULL, NULL), MIEN_OK);
    CHECK_EQ(io_safetensors_open(support_file("wide"), &file), MIEN_OK);
    CHECK_EQ(io_tensor_read_f32(io_safetensors_find(file, "w"), 0, 1, values), MIEN_ERR_DATA);
    CHECK_SAYS("/wide: tensor \"w\" is F64");
    CHECK_EQ(io_tensor_read_checked(io_safetensors_find(file, "w"), 0, 1, values), MIEN_ERR_DATA);
    io_safetensors_close(&file);
    const float edge[] = {65504, 0x1.FEp127f, 65505, 3.4e38f, NAN};
    uint16_t half;
    CHECK_EQ(io_narrow("f", "t", IO_F16, &edge[0], 1, &half), MIEN_OK);
    CHECK_EQ(io_narrow("f", "t", IO_BF16, &edge[1], 1, &half), MIEN_OK);
    CHECK_EQ(half, 0x7F7F);
    CHECK_EQ(io_narrow("f", "t", IO_F16, &edge[2], 1, &half), MIEN_ERR_DATA);
    CHECK_EQ(io_narrow("f", "t", IO_BF16, &edge[3], 1, &half), MIEN_ERR_DATA);
    CHECK_EQ(io_narrow("f", "t", IO_BF16, &edge[4], 1, &half), MIEN_ERR_DATA);
}

/* Every half survives the way through f32; ties go to even. */
static void test_halves(void)
{
    int wrong = 0;
    for (uint32_t h = 0; h < 65536; h++) {
        float f = base_f16_to_f32((uint16_t)h), b = base_bf16_to_f32((uint16_t)h);
        bool nan16 = (h & 0x7C00) == 0x7C00 && (h & 1023), nanb = (h & 0x7F80) == 0x7F80 && (h & 127);
        wrong += nan16 ? !isnan(f) || !isnan(base_f16_to_f32(base_f16_of(f))) : base_f16_of(f) != h;
        wrong += nanb ? !isnan(b) || !isnan(base_bf16_to_f32(base_bf16_of(b))) : base_bf16_of(b) != h;
    }
    CHECK_EQ(wrong, 0);
    CHECK(base_f16_to_f32(0x3C00) == 1.0f && base_f16_to_f32(0x0001) == 0x1p-24f &&
          base_f16_to_f32(0x7BFF) == 65504.0f);
    CHECK_EQ(base_f16_of(65519.0f), 0x7BFF);
    CHECK_EQ(base_f16_of(65520.0f), 0x7C00);
    CHECK_EQ(base_f16_of(1.0f + 0x1p-11f), 0x3C00);
    CHECK_EQ(base_f16_of(1.0f + 3 * 0x1p-11f), 0x3C02);
    CHECK_EQ(base_f16_of(0x1p-25f), 0);
    CHECK_EQ(base_f16_of(-0x1.8p-24f), 0x8002);
    CHECK_EQ(base_bf16_of(1.0f + 0x1p-8f), 0x3F80);
    CHECK_EQ(base_bf16_of(1.0f + 3 * 0x1p-8f), 0x3F82);
    CHECK_EQ(base_bf16_of(3.4e38f), 0x7F80);
}

/* Many at once give the bits that one by one gives: every half, and floats between and around the halves. */
static void test_many_halves(void)
{
    enum { COUNT = 1 << 16 };
    static float values[COUNT];
    static uint16_t halves[COUNT];
    for (int d = 0; d < 2; d++) {
        enum io_dtype dtype = d ? IO_F16 : IO_BF16;
        struct io_safetensors *file;
        int wrong = 0;
        for (uint32_t h = 0; h < COUNT; h++)
            halves[h] = (uint16_t)h;
        struct io_tensor_out out = {"w", dtype, 1, {COUNT}, halves};
        CHECK_EQ(io_safetensors_write(support_file("halves"), &out, 1, NULL, NULL, NULL), MIEN_OK);
        CHECK_EQ(io_safetensors_open(support_file("halves"), &file), MIEN_OK);
        CHECK_EQ(io_tensor_read_raw(io_safetensors_find(file, "w"), 0, COUNT, values), MIEN_OK);
        for (uint32_t h = 0; h < COUNT; h++) {
            float one = d ? base_f16_to_f32((uint16_t)h) : base_bf16_to_f32((uint16_t)h);
            wrong += memcmp(&one, &values[h], 4) != 0;
        }
        CHECK_EQ(wrong, 0);
        io_safetensors_close(&file);
        for (uint32_t step = 1; step < 0x40000; step = step * 3 + 1) { /* from the least to the largest that fit */
            uint32_t count = 0, bits = step, end = d ? 0x477FE001 : 0x7F7F0001;
            for (; bits < end && count < COUNT; bits += end / COUNT + step, count++) {
                uint32_t signed_ = bits | (count & 1) << 31;
                memcpy(&values[count], &signed_, 4);
            }
            CHECK_EQ(io_narrow("f", "t", dtype, values, count, halves), MIEN_OK);
            for (uint32_t i = 0; i < count; i++)
                wrong += halves[i] != (d ? base_f16_of(values[i]) : base_bf16_of(values[i]));
            CHECK_EQ(io_narrow("f", "t", dtype, values, count, values), MIEN_OK); /* where the values lie */
            CHECK(memcmp(values, halves, 2 * count) == 0);
        }
        CHECK_EQ(wrong, 0);
    }
}

static enum mien_status fill(void *user, size_t index, uint64_t offset, void *buffer, size_t size)
{
    *(uint64_t *)user += size;
    for (size_t i = 0; i < size; i++)
        ((unsigned char *)buffer)[i] = (unsigned char)((offset + i) * 7 + index);
    return MIEN_OK;
}

static enum mien_status fill_fails(void *user, size_t index, uint64_t offset, void *buffer, size_t size)
{
    (void)user, (void)index, (void)buffer, (void)size;
    return offset > 0 ? MIEN_ERR_FAILED : MIEN_OK;
}

static void test_writing(void)
{
    const float x[2] = {1, -2};
    const int64_t ids[1] = {3};
    struct io_tensor_out tensors[] = {{"b\"\n", IO_F32, 1, {2}, x},
                                      {"z", IO_I64, 2, {1, 1}, ids},
                                      {"a", IO_U8, 1, {3 << 20}, NULL},
                                      {"none", IO_F32, 2, {0, 7}, NULL}};
    const char *metadata[] = {"format", "np", "k", "v\\", NULL};
    uint64_t filled = 0;
    const char *path = support_file("written.safetensors");
    CHECK_EQ(io_safetensors_write(path, tensors, 4, metadata, fill, &filled), MIEN_OK);
    CHECK_EQ(filled, 3 << 20);
    struct io_safetensors *file;
    CHECK_EQ(io_safetensors_open(path, &file), MIEN_OK);
    if (file) {
        const struct io_tensor *b = io_safetensors_find(file, "b\"\n"), *z = io_safetensors_find(file, "z"),
                               *a = io_safetensors_find(file, "a");
        CHECK(b && z && a && io_safetensors_count(file) == 4);
        struct base_arena arena = {0};
        CHECK(b && memcmp(elements_of(b, &arena), x, sizeof(x)) == 0 && b->offset % 4 == 0);
        CHECK(z && memcmp(elements_of(z, &arena), ids, sizeof(ids)) == 0 && z->offset % 8 == 0);
        const unsigned char *all = a ? elements_of(a, &arena) : NULL;
        int wrong = !all;
        for (uint32_t i = 0; all && i < a->bytes; i++)
            wrong += all[i] != (unsigned char)(i * 7 + 2);
        base_arena_clear(&arena);
        CHECK_EQ(wrong, 0);
        CHECK_STR(io_safetensors_metadata(file, "format"), "pt");
        CHECK_STR(io_safetensors_metadata(file, "k"), "v\\");
        io_safetensors_close(&file);
    }
    struct io_tensor_out twice[] = {tensors[0], tensors[0]}, big = {"big", IO_F32, 2, {1ull << 62, 8}, NULL};
    CHECK_EQ(io_safetensors_write(support_file("x"), twice, 2, NULL, fill, &filled), MIEN_ERR_ARG);
    CHECK_EQ(io_safetensors_write(support_file("x"), &big, 1, NULL, fill, &filled), MIEN_ERR_ARG);
    CHECK_EQ(io_safetensors_write(support_file("x"), tensors, 4, NULL, NULL, NULL), MIEN_ERR_ARG);
    CHECK_EQ(io_safetensors_write(support_file("x"), tensors, 4, NULL, fill_fails, NULL), MIEN_ERR_FAILED);
    CHECK(!base_file_exists(support_file("x")));
    CHECK(io_safetensors_write(support_file("no/such/dir"), tensors, 1, NULL, NULL, NULL) != MIEN_OK);
}

/* The exact bytes of a small file: what "equal runs give equal files" rests on. */
static void test_bytes(void)
{
    const float x[1] = {1};
    struct io_tensor_out tensors[] = {{"w", IO_F32, 0, {0}, x}};
    CHECK_EQ(io_safetensors_write(support_file("w"), tensors, 1, NULL, NULL, NULL), MIEN_OK);
    char *data;
    size_t size;
    CHECK_EQ(base_file_read(support_file("w"), 0, &data, &size), MIEN_OK);
    static const char text[] = "{\"__metadata__\":{\"format\":\"pt\"},\"w\":{\"dtype\":\"F32\",\"shape\":[],"
                               "\"data_offsets\":[0,4]}}";
    size_t padded = (sizeof(text) - 1 + 7) / 8 * 8;
    CHECK_EQ(size, 8 + padded + 4);
    if (data && size == 8 + padded + 4) {
        CHECK_EQ(data[0], padded);
        CHECK(memcmp(data + 8, text, sizeof(text) - 1) == 0);
        CHECK(data[8 + padded - 1] == ' ' || padded == sizeof(text) - 1);
        CHECK(memcmp(data + 8 + padded, "\0\0\x80\x3f", 4) == 0);
    }
    base_free(data);
    CHECK_EQ(io_safetensors_write(support_file("none"), NULL, 0, NULL, NULL, NULL), MIEN_OK);
    struct io_safetensors *file;
    CHECK_EQ(io_safetensors_open(support_file("none"), &file), MIEN_OK);
    io_safetensors_close(&file);
}

/* Every shared fixture is judged as its expect.csv says. */
static void test_fixtures(void)
{
    char *csv;
    size_t size;
    if (!base_file_exists(support_shared("fixtures/safetensors/expect.csv"))) {
        printf("skipped: fixtures: no %s\n", MIEN_SHARED_DIR);
        return;
    }
    CHECK_EQ(base_file_read(support_shared("fixtures/safetensors/expect.csv"), 0, &csv, &size), MIEN_OK);
    int judged = 0;
    char *save = NULL;
    for (char *line = strtok_r(csv, "\r\n", &save); line; line = strtok_r(NULL, "\r\n", &save)) {
        char name[256], expect[16], path[512];
        if (sscanf(line, "%255[^,],%15[^,]", name, expect) != 2 || strcmp(name, "file") == 0)
            continue;
        snprintf(path, sizeof(path), "%s/%s", support_shared("fixtures/safetensors"), name);
        struct io_safetensors *file;
        enum mien_status status = io_safetensors_open(path, &file);
        bool right = status == (strcmp(expect, "ok") == 0 ? MIEN_OK : MIEN_ERR_DATA);
        if (!right)
            fprintf(stderr, "%s: expected %s, status %d (%s)\n", name, expect, status, support_last);
        CHECK(right);
        judged++;
        io_safetensors_close(&file);
    }
    base_free(csv);
    CHECK(judged >= 18);
}

/* A file that becomes shorter while it is open: an error that says so, no signal. */
static void test_cut_while_open(void)
{
    static const float x[2000] = {1};
    float got[2000];
    struct io_tensor_out out = {"x", IO_F32, 1, {2000}, x};
    struct io_safetensors *file = NULL;
    const char *path = support_file("cut.safetensors");
    CHECK_EQ(io_safetensors_write(path, &out, 1, NULL, NULL, NULL), MIEN_OK);
    CHECK_EQ(io_safetensors_open(path, &file), MIEN_OK);
    if (!file)
        return;
    CHECK_EQ(io_tensor_read_f32(io_safetensors_at(file, 0), 0, 2000, got), MIEN_OK);
    CHECK_EQ(truncate(path, 4096), 0);
    CHECK_EQ(io_tensor_read_f32(io_safetensors_at(file, 0), 0, 100, got), MIEN_OK);
    CHECK_EQ(io_tensor_read_f32(io_safetensors_at(file, 0), 0, 2000, got), MIEN_ERR_DATA);
    CHECK(strstr(support_last, "cut.safetensors: ends before byte") != NULL);
    io_safetensors_close(&file);
}

int main(void)
{
    support_capture();
    test_refusals();
    test_reading();
    test_halves();
    test_many_halves();
    test_not_finite();
    test_writing();
    test_cut_while_open();
    test_bytes();
    test_fixtures();
    support_clean();
    return check_result();
}
