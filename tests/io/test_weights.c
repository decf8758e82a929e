/* Weights in several files by their index, and which file of a directory is taken. */
#include "io/weights.h"

#include "io/support.h"

static const float values[4] = {1, 2, 3, 4};

static void put_file(const char *name, const char *tensor, size_t from)
{
    struct io_tensor_out out = {.name = tensor, .dtype = IO_F32, .rank = 1, .dims = {2}, .data = values + from};
    CHECK_EQ(io_safetensors_write(support_file(name), &out, 1, NULL, NULL, NULL), MIEN_OK);
}

static void put_index(const char *text)
{
    CHECK_EQ(base_file_write(support_file("model.safetensors.index.json"), text, strlen(text)), MIEN_OK);
}

static void refused(const char *index, const char *says)
{
    struct io_weights *w;
    put_index(index);
    support_last[0] = '\0';
    CHECK_EQ(io_weights_open(support_scratch(), &w), MIEN_ERR_DATA);
    CHECK(w == NULL);
    CHECK_SAYS(says);
}

static void test_several(void)
{
    struct io_weights *w;
    float got[2];
    put_file("one.safetensors", "b", 0);
    put_file("two.safetensors", "a", 2);
    put_index(
        "{\"metadata\":{\"total_size\":16},\"weight_map\":{\"b\":\"one.safetensors\",\"a\":\"two.safetensors\"}}");
    CHECK_EQ(io_weights_open(support_scratch(), &w), MIEN_OK);
    if (!w)
        return;
    CHECK_EQ(io_weights_form(w), IO_WEIGHTS_SAFETENSORS);
    CHECK_EQ(io_weights_count(w), 2);
    CHECK_STR(io_weights_at(w, 0)->name, "a");
    CHECK(io_weights_at(w, 2) == NULL && io_weights_find(w, "c") == NULL);
    CHECK_EQ(io_tensor_read_f32(io_weights_find(w, "a"), 0, 2, got), MIEN_OK);
    CHECK(got[0] == 3 && got[1] == 4);
    io_weights_close(&w);
    CHECK(w == NULL);
    io_weights_close(&w);
    io_weights_close(NULL);
}

static void test_index_refusals(void)
{
    refused("{\"weight_map\":{\"b\":\"one.safetensors\"", "JSON");
    refused("{}", "no weight_map");
    refused("{\"weight_map\":{}}", "no weight_map");
    refused("{\"weight_map\":[]}", "weight_map");
    refused("{\"weight_map\":{\"b\":1}}", "not a text");
    refused("{\"weight_map\":{\"b\":\"../one.safetensors\"}}", "beside it");
    refused("{\"weight_map\":{\"b\":\"/etc/passwd\"}}", "beside it");
    refused("{\"weight_map\":{\"b\":\"\"}}", "beside it");
    refused("{\"weight_map\":{\"b\":\"three.safetensors\"}}", "three.safetensors");
    refused("{\"weight_map\":{\"b\":\"one.safetensors\",\"c\":\"one.safetensors\"}}",
            "\"c\" is not in one.safetensors");
    put_file("three.safetensors", "b", 1);
    refused("{\"weight_map\":{\"b\":\"one.safetensors\",\"a\":\"three.safetensors\"}}", "two tensors are named \"b\"");
    put_file("three.safetensors", "x", 1);
    refused("{\"weight_map\":{\"b\":\"one.safetensors\",\"a\":\"two.safetensors\",\"x\":\"one.safetensors\"}}",
            "\"x\" is not in");
}

/* PyTorch's form in parts: part1.bin and part2.bin of make_opaque.py. */
static void test_parts_of_torch(void)
{
    static const char good[] = "{\"weight_map\":{\"a\":\"part1.bin\",\"b\":\"part1.bin\",\"c\":\"part2.bin\"}}";
    static const char *const bad[][2] = {
        {"{\"weight_map\":{\"a\":\"part1.bin\",\"b\":\"part3.bin\"}}", "part3.bin, which it names, is not there"},
        {"{\"weight_map\":{\"a\":\"../part1.bin\"}}", "\"../part1.bin\" is not the name of a file beside it"},
        {"{\"weight_map\":{\"a\":\"/tmp/part1.bin\"}}", "is not the name of a file beside it"},
        {"{\"weight_map\":{\"a\":\"part1.bin\",\"b\":\"part2.bin\"}}", "it names 2 tensors, the files hold 3"},
        {"{\"weight_map\":{\"a\":\"part1.bin\",\"d\":\"part2.bin\"}}", "\"d\" is not in part2.bin"}};
    const char *index = support_file("torch/pytorch_model.bin.index.json"), *dir = support_file("torch");
    struct io_weights *w = NULL;
    CHECK_EQ(base_dir_create(dir), MIEN_OK);
    for (int i = 1; i <= 2; i++) {
        char name[32], from[600], *data = NULL;
        size_t size = 0;
        snprintf(name, sizeof(name), "torch/part%d.bin", i);
        snprintf(from, sizeof(from), "%s/tests/io/pt/part%d.bin", MIEN_SOURCE_DIR, i);
        CHECK_EQ(base_file_read(from, 0, &data, &size), MIEN_OK);
        CHECK_EQ(base_file_write(support_file(name), data, size), MIEN_OK);
        base_free(data);
    }
    CHECK_EQ(base_file_write(index, good, sizeof(good) - 1), MIEN_OK);
    CHECK_EQ(io_weights_open(dir, &w), MIEN_OK);
    CHECK(w && io_weights_form(w) == IO_WEIGHTS_TORCH && io_weights_count(w) == 3);
    for (int i = 0; w && i < 3; i++) {
        const char name[] = {(char)('a' + i), 0};
        float got[2] = {0};
        CHECK_EQ(io_tensor_read_f32(io_weights_find(w, name), 0, 2, got), MIEN_OK);
        CHECK(got[0] == (float)name[0] && got[1] == (float)(i / 2));
    }
    io_weights_close(&w);
    for (size_t i = 0; i < BASE_COUNT(bad); i++) {
        CHECK_EQ(base_file_write(index, bad[i][0], strlen(bad[i][0])), MIEN_OK);
        CHECK_EQ(io_weights_open(dir, &w), MIEN_ERR_DATA);
        CHECK_SAYS("pytorch_model.bin.index.json");
        CHECK_SAYS(bad[i][1]);
    }
}

/* model.safetensors before the index before pytorch_model.bin. */
static void test_order(void)
{
    struct io_weights *w;
    put_file("model.safetensors", "alone", 0);
    CHECK_EQ(io_weights_open(support_scratch(), &w), MIEN_OK);
    CHECK(w && io_weights_find(w, "alone") && strstr(io_weights_path(w), "model.safetensors"));
    io_weights_close(&w);
    remove(support_file("model.safetensors"));
    remove(support_file("model.safetensors.index.json"));
    CHECK_EQ(io_weights_open(support_scratch(), &w), MIEN_ERR_DATA);
    CHECK_SAYS("model.safetensors or pytorch_model.bin is needed");
    CHECK_EQ(base_rename(support_file("one.safetensors"), support_file("pytorch_model.bin")), MIEN_OK);
    CHECK_EQ(io_weights_open(support_scratch(), &w), MIEN_ERR_DATA); /* the name asks for PyTorch's form */
    CHECK_SAYS("neither a PyTorch zip archive");
}

/* Several files in memory, and PyTorch's form there. */
static void test_memory(void)
{
    static const char index[] = "{\"weight_map\":{\"b\":\"one\",\"a\":\"two\"}}";
    struct io_weights *w = NULL;
    struct mien_file files[4] = {
        {"two", NULL, 0}, {"model.safetensors.index.json", index, sizeof(index) - 1}, {"one", NULL, 0}, {0}};
    char *data[3] = {NULL};
    float got[2] = {0};
    put_file("one", "b", 0);
    put_file("two", "a", 2);
    CHECK_EQ(base_file_read(support_file("two"), 0, &data[0], &files[0].size), MIEN_OK);
    CHECK_EQ(base_file_read(support_file("one"), 0, &data[1], &files[2].size), MIEN_OK);
    CHECK_EQ(base_file_read(MIEN_SOURCE_DIR "/tests/io/pt/views.pt", 0, &data[2], &files[3].size), MIEN_OK);
    files[0].bytes = data[0];
    files[2].bytes = data[1];
    CHECK_EQ(io_weights_open_from(&(struct base_source){.files = files, .file_count = 3}, &w), MIEN_OK);
    CHECK(w && io_weights_count(w) == 2 && io_tensor_read_f32(io_weights_find(w, "a"), 0, 2, got) == MIEN_OK);
    CHECK(got[0] == 3 && got[1] == 4);
    io_weights_close(&w);
    CHECK_EQ(io_weights_open_from(&(struct base_source){.files = files, .file_count = 2}, &w), MIEN_ERR_DATA);
    CHECK_SAYS("memory: one, which it names, is not there");
    files[3].name = "pytorch_model.bin";
    files[3].bytes = data[2];
    CHECK_EQ(io_weights_open_from(&(struct base_source){.files = files + 3, .file_count = 1}, &w), MIEN_OK);
    CHECK(w && io_weights_form(w) == IO_WEIGHTS_TORCH && io_weights_find(w, "state_dict.a"));
    io_weights_close(&w);
    for (int i = 0; i < 3; i++)
        base_free(data[i]);
}

int main(void)
{
    support_capture();
    test_several();
    test_index_refusals();
    test_order();
    test_memory();
    test_parts_of_torch();
    support_clean();
    return check_result();
}
