/* A model whose files are in memory: the same bits as from its directory, no file opened, and what is missing or
 * damaged named. Every file lies in memory of its own size at an odd address, so that sanitizers see one byte too many.
 */
#include "check.h"
#include "device.h"

#include "base/capture.h"
#include "io/weights.h"
#include "mien/data.h"
#include "use/use.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define START MIEN_SOURCE_DIR "/tests/golden/train/start"
enum { E = 20, TEXTS = 3, SIDE = 24, CONTEXT = 24, FILES = 6 };

static const char *const names[FILES] = {"config.json", "model.safetensors",        "vocab.json",
                                         "merges.txt",  "preprocessor_config.json", "special_tokens_map.json"};
enum { CONFIG, WEIGHTS, VOCAB, MERGES, MAY_BE_MISSING };

static struct mien_file files[FILES];

/* A copy of the first `size` bytes; undone by drop. */
static const void *copy(const void *bytes, size_t size)
{
    char *room = malloc(size + 1);
    if (room)
        memcpy(room + 1, bytes, size);
    return room ? room + 1 : NULL;
}

static void drop(struct mien_file *file)
{
    if (file->bytes)
        free((char *)(uintptr_t)file->bytes - 1);
    file->bytes = NULL;
}

static bool read_files(void)
{
    for (int i = 0; i < FILES; i++) {
        char path[1024], *data = NULL;
        size_t size = 0;
        snprintf(path, sizeof(path), START "/%s", names[i]);
        if (base_file_read(path, 0, &data, &size) != MIEN_OK)
            return false;
        files[i] = (struct mien_file){.name = names[i], .bytes = copy(data, size), .size = size};
        base_free(data);
    }
    return true;
}

/* All but one (FILES: all). */
static size_t without(int left_out, struct mien_file *out)
{
    size_t count = 0;
    for (int i = 0; i < FILES; i++)
        if (i != left_out)
            out[count++] = files[i];
    return count;
}

static enum mien_status open_tokenizer(const struct mien_file *list, size_t count, struct mien_tokenizer **out)
{
    const struct mien_tokenizer_params params = {.size = sizeof params, .files = list, .file_count = count};
    return mien_tokenizer_open(NULL, &params, out);
}

static enum mien_status plan_of(const struct mien_file *list, size_t count, struct mien_model_plan *plan)
{
    const struct mien_model_params params = {.size = sizeof params, .files = list, .file_count = count};
    *plan = (struct mien_model_plan){.size = sizeof *plan};
    return mien_model_plan(NULL, NULL, &params, 4, 4, plan);
}

static enum mien_status open_model(struct mien_gpu *gpu, const struct mien_file *list, size_t count,
                                   struct mien_model **out)
{
    const struct mien_model_params params = {.size = sizeof params, .files = list, .file_count = count};
    return mien_model_open(gpu, NULL, &params, out);
}

/* ---- without a device ---- */

/* The process can open nothing more, and all the readers of a model's files do their work. */
static void test_no_file_is_opened(void)
{
    struct rlimit had, none;
    struct mien_tokenizer *tokenizer = NULL;
    struct mien_model_plan plan, same = {.size = sizeof same};
    struct io_weights *weights = NULL;
    struct base_source source;
    struct io_preprocess preprocess;
    int32_t ids[CONTEXT];
    size_t count = 0, size = 0;
    char *data = NULL;
    CHECK_EQ(mien_model_plan(START, NULL, NULL, 4, 4, &same), MIEN_OK);
    CHECK(getrlimit(RLIMIT_NOFILE, &had) == 0);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = had.rlim_max};
    CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
    CHECK_EQ(base_file_read(START "/config.json", 0, &data, &size), MIEN_ERR_DATA);
    CHECK_EQ(open_tokenizer(files, FILES, &tokenizer), MIEN_OK);
    CHECK_EQ(plan_of(files, FILES, &plan), MIEN_OK);
    CHECK_EQ(base_source_make(NULL, files, FILES, &source), MIEN_OK);
    CHECK_EQ(io_weights_open_from(&source, &weights), MIEN_OK);
    CHECK_EQ(io_preprocess_read_from(&source, SIDE, &preprocess), MIEN_OK);
    CHECK(setrlimit(RLIMIT_NOFILE, &had) == 0);
    CHECK(memcmp(&plan, &same, sizeof(plan)) == 0);
    CHECK(weights && strcmp(io_weights_path(weights), "memory: model.safetensors") == 0);
    CHECK_EQ(mien_tokenizer_context(tokenizer), CONTEXT);
    CHECK_EQ(mien_tokenizer_encode(tokenizer, "joy", ids, &count, NULL), MIEN_OK);
    CHECK(count > 2);
    io_weights_close(&weights);
    mien_tokenizer_destroy(&tokenizer);
}

/* Each file cut to each of `steps` lengths is refused by name. */
static void cut(int which, size_t most, size_t steps, enum mien_status (*use)(const struct mien_file *))
{
    const struct mien_file whole = files[which];
    for (size_t i = 0; i < steps; i++) {
        struct mien_file list[FILES];
        memcpy(list, files, sizeof(list));
        list[which].size = i * most / steps;
        list[which].bytes = copy(whole.bytes, list[which].size);
        capture_start();
        CHECK_EQ(use(list), MIEN_ERR_DATA);
        CHECK(captured_once("memory: ") && strstr(captured, names[which]));
        drop(&list[which]);
    }
}

static enum mien_status use_weights(const struct mien_file *list)
{
    struct base_source source;
    struct io_weights *weights = NULL;
    CHECK_EQ(base_source_make(NULL, list, FILES, &source), MIEN_OK);
    enum mien_status status = io_weights_open_from(&source, &weights);
    CHECK(weights == NULL);
    io_weights_close(&weights);
    return status;
}

static enum mien_status use_plan(const struct mien_file *list)
{
    struct mien_model_plan plan;
    return plan_of(list, FILES, &plan);
}

static enum mien_status use_tokenizer(const struct mien_file *list)
{
    struct mien_tokenizer *tokenizer = NULL;
    enum mien_status status = open_tokenizer(list, FILES, &tokenizer);
    CHECK(tokenizer == NULL);
    mien_tokenizer_destroy(&tokenizer);
    return status;
}

static enum mien_status use_preprocess_file(const struct mien_file *list)
{
    struct base_source source;
    struct io_preprocess preprocess;
    CHECK_EQ(base_source_make(NULL, list, FILES, &source), MIEN_OK);
    return io_preprocess_read_from(&source, SIDE, &preprocess);
}

/* JSON is whole only with its last brace; a newline may follow it. */
static void test_cut(void)
{
    cut(WEIGHTS, files[WEIGHTS].size, 301, use_weights);
    cut(WEIGHTS, 64, 64, use_weights);
    cut(CONFIG, files[CONFIG].size - 1, 97, use_plan);
    cut(CONFIG, files[CONFIG].size - 1, 97, use_tokenizer);
    cut(VOCAB, files[VOCAB].size - 1, 97, use_tokenizer);
    cut(4, files[4].size - 1, 97, use_preprocess_file);
    cut(5, files[5].size - 1, 97, use_tokenizer);
}

static void refused(const char *dir, const struct mien_file *list, size_t count, const char *says)
{
    const struct mien_tokenizer_params params = {.size = sizeof params, .files = list, .file_count = count};
    struct mien_tokenizer *tokenizer = NULL;
    capture_start();
    CHECK_EQ(mien_tokenizer_open(dir, &params, &tokenizer), MIEN_ERR_ARG);
    CHECK(captured_once(says) && tokenizer == NULL);
}

static void test_arguments(void)
{
    struct mien_file list[3] = {files[CONFIG], files[VOCAB], files[CONFIG]};
    struct mien_tokenizer *tokenizer = NULL;
    refused(START, files, FILES, "either a directory or files");
    refused(NULL, NULL, 0, "either a directory or files");
    refused(NULL, NULL, 2, "either a directory or files");
    refused(START, NULL, 2, "either a directory or files");
    refused(NULL, list, 3, "two files in memory are named config.json");
    list[2].name = NULL;
    refused(NULL, list, 3, "file 2 in memory");
    list[2] = (struct mien_file){.name = "README.md", .size = 1};
    refused(NULL, list, 3, "file 2 in memory");
    capture_start();
    CHECK_EQ(open_tokenizer(files, 0, &tokenizer), MIEN_ERR_DATA); /* a list, of none */
    CHECK(captured_once("memory: no tokenizer here"));
    list[0] = (struct mien_file){.name = "config.json"};
    capture_start();
    CHECK_EQ(open_tokenizer(list, 2, &tokenizer), MIEN_ERR_DATA);
    CHECK(captured_once("memory: config.json"));
}

/* ---- on a device ---- */

static void embed(struct mien_model *model, float out[(TEXTS + 1) * E])
{
    static const char *const texts[TEXTS] = {"a joyful face", "anger", ""};
    static unsigned char pixels[31 * 29 * 3];
    const struct mien_input image = {.pixels = pixels, .width = 31, .height = 29};
    for (size_t i = 0; i < sizeof(pixels); i++)
        pixels[i] = (unsigned char)(i * i / 7);
    CHECK_EQ(mien_model_embed_texts(model, texts, TEXTS, 0, out), MIEN_OK);
    CHECK_EQ(mien_model_embed(model, &image, 1, NULL, out + TEXTS * E), MIEN_OK);
}

/* In an empty directory, and with the files gone before the model is used. */
static void test_same_bits(struct mien_gpu *gpu)
{
    struct mien_model *from_dir = NULL, *from_memory = NULL;
    float want[(TEXTS + 1) * E], got[(TEXTS + 1) * E];
    struct mien_file list[FILES + 1] = {{.name = "README.md"}};
    memset(got, 0, sizeof(got));
    CHECK_EQ(mien_model_open(gpu, START, NULL, &from_dir), MIEN_OK);
    for (int i = 0; i < FILES; i++) {
        list[i + 1] = files[i];
        list[i + 1].bytes = copy(files[i].bytes, files[i].size);
    }
    CHECK_EQ(open_model(gpu, list, FILES + 1, &from_memory), MIEN_OK);
    for (int i = 1; i <= FILES; i++) {
        memset((char *)(uintptr_t)list[i].bytes, 0xa5, list[i].size);
        drop(&list[i]);
    }
    if (from_dir && from_memory) {
        embed(from_dir, want);
        embed(from_memory, got);
        CHECK(memcmp(want, got, sizeof(want)) == 0);
        CHECK(memcmp(want, want + E, E * sizeof(float)) != 0);
    }
    mien_model_destroy(&from_dir);
    mien_model_destroy(&from_memory);
}

static void test_missing(struct mien_gpu *gpu)
{
    struct mien_model *model = NULL;
    struct mien_file list[FILES];
    for (int i = 0; i < FILES; i++) {
        size_t count = without(i, list);
        bool needed = i < MAY_BE_MISSING;
        capture_start();
        CHECK_EQ(open_model(gpu, list, count, &model), needed ? MIEN_ERR_DATA : MIEN_OK);
        CHECK((model == NULL) == needed);
        if (i != 5) /* the padding token is then the end token */
            CHECK(captured_once("memory: ") && strstr(captured, names[i]));
        CHECK(!needed || strcmp(mien_gpu_error(gpu), captured) == 0);
        mien_model_destroy(&model);
    }
}

static void test_cut_weights(struct mien_gpu *gpu)
{
    struct mien_model *model = NULL;
    struct mien_file list[FILES];
    without(FILES, list);
    for (size_t left = 0; left < files[WEIGHTS].size; left += files[WEIGHTS].size / 5) {
        list[WEIGHTS].bytes = copy(files[WEIGHTS].bytes, left);
        list[WEIGHTS].size = left;
        capture_start();
        CHECK_EQ(open_model(gpu, list, FILES, &model), MIEN_ERR_DATA);
        CHECK(captured_once("memory: model.safetensors") && model == NULL);
        drop(&list[WEIGHTS]);
    }
}

/* Away from all of the source tree. */
static bool go_to_an_empty_directory(char dir[64])
{
    snprintf(dir, 64, "/tmp/mien-test-memory-%ld", (long)getpid());
    return base_dir_create(dir) == MIEN_OK && chdir(dir) == 0;
}

int main(void)
{
    char dir[64];
    struct mien_gpu *gpu = NULL;
    if (!read_files() || !go_to_an_empty_directory(dir))
        CHECK_SKIP("no temporary directory");
    capture_start();
    test_no_file_is_opened();
    test_cut();
    test_arguments();
    capture_start();
    if (gpu_open_public(&gpu)) {
        test_same_bits(gpu);
        test_missing(gpu);
        test_cut_weights(gpu);
        gpu_close_public(&gpu);
    } else {
        printf("no Vulkan device (%s): only the readers were tested\n", captured);
    }
    for (int i = 0; i < FILES; i++)
        drop(&files[i]);
    CHECK(base_dir_remove_empty(dir)); /* nothing was written either */
    return check_result();
}
