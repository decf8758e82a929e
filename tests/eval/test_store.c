/* Embeddings of a collection kept in a file: the bits of embedding afresh, for what is as it was, and for nothing else.
 */
#include "check.h"

#include "base/capture.h"
#include "io/safetensors.h"
#include "eval/look.h"
#include "use/store.h"
#include "use/tiny_model.h"

enum { E = 10, N = 8 };
static const char collection[] = "{\"image\":\"0.png\",\"label\":\"anger\",\"caption\":\"a face\"}\n"
                                 "{\"image\":\"1.png\",\"label\":\"joy\",\"caption\":\"a joy\"}\n"
                                 "{\"frames\":\"clip\",\"label\":\"joy\",\"caption\":\"a clip\"}\n"
                                 "{\"image\":\"2.png\",\"label\":\"sorrow\",\"caption\":\"a sorrow\"}\n"
                                 "{\"frames\":[\"3.png\",\"4.png\"],\"label\":\"anger\",\"caption\":\"anger\"}\n"
                                 "{\"image\":\"0.png\",\"box\":[1,1,8,8],\"label\":\"joy\",\"caption\":\"a box\"}\n"
                                 "{\"image\":\"5.png\",\"label\":\"sorrow\",\"caption\":\"five\"}\n"
                                 "{\"image\":\"6.png\",\"label\":\"joy\",\"caption\":\"six\"}\n";

static struct mien_input inputs[N], listed[2];
static char manifest[512];

static void copy(const char *from, const char *to)
{
    char *data = NULL;
    size_t size = 0;
    CHECK_EQ(base_file_read(tiny_path(from), 0, &data, &size), MIEN_OK);
    CHECK(tiny_write(to, data, size));
    base_free(data);
}

static void make_collection(void)
{
    static char paths[9][512];
    static const char *const names[9] = {"0.png", "1.png", "2.png", "3.png", "4.png", "5.png", "6.png", "clip", ""};
    CHECK_EQ(base_dir_create(tiny_path("clip")), MIEN_OK);
    copy("7.png", "clip/2.png");
    copy("8.png", "clip/10.png");
    copy("9.png", "clip/11.png");
    CHECK(tiny_write("c.jsonl", collection, strlen(collection)));
    snprintf(manifest, sizeof(manifest), "%s", tiny_path("c.jsonl"));
    for (int i = 0; i < 8; i++)
        snprintf(paths[i], sizeof(paths[i]), "%s/%s", tiny_dir, names[i]);
    listed[0].path = paths[3];
    listed[1].path = paths[4];
    inputs[0].path = paths[0];
    inputs[1].path = paths[1];
    inputs[2].directory = paths[7];
    inputs[3].path = paths[2];
    inputs[4] = (struct mien_input){.frames = listed, .frame_count = 2};
    inputs[5] = (struct mien_input){.path = paths[0], .has_box = true, .box = {1, 1, 8, 8}};
    inputs[6].path = paths[5];
    inputs[7].path = paths[6];
}

static enum mien_status make(const char *name, uint32_t flags, struct mien_store **out)
{
    const struct mien_embed_params embed = {.size = sizeof embed, .flags = flags};
    const struct mien_store_params p = {.size = sizeof p, .manifest = manifest, .embed = &embed};
    struct mien_store *made = NULL;
    CHECK_EQ(mien_store_create(model, &p, &made), MIEN_OK);
    CHECK_EQ(mien_store_write(made, tiny_path(name), NULL, 0), MIEN_OK);
    mien_store_destroy(&made);
    return mien_store_read(model, tiny_path(name), out);
}

/* Embeds the inputs with a store; how many it said were not there. */
static size_t embed_with(const struct mien_store *store, struct mien_embed_params params, float *out)
{
    size_t missing = 0;
    params.size = sizeof params;
    params.store = store;
    capture_start();
    CHECK_EQ(mien_model_embed(model, inputs, N, &params, out), MIEN_OK);
    CHECK(captured_count == 0 || sscanf(captured, "%zu of 8 inputs are not in", &missing) == 1 || params.ok);
    return missing;
}

static void test_bits(struct mien_store *store)
{
    float fresh[N * E], kept[N * E];
    struct mien_store_entry entry = {sizeof entry};
    size_t pictures = 0, clips = 0;
    CHECK_EQ(mien_model_embed(model, inputs, N, NULL, fresh), MIEN_OK);
    CHECK_EQ(embed_with(store, (struct mien_embed_params){0}, kept), 0);
    CHECK(memcmp(fresh, kept, sizeof(kept)) == 0);
    while (mien_store_at(store, pictures + clips, &entry)) {
        static const size_t order[N] = {0, 1, 3, 5, 6, 7, 2, 4};
        CHECK(entry.embed && memcmp(entry.embed, fresh + order[pictures + clips] * E, E * sizeof(float)) == 0);
        ++*(entry.is_clip ? &clips : &pictures);
    }
    CHECK(pictures == 6 && clips == 2);
    CHECK(entry.path && strcmp(entry.path + strlen(entry.path) - 6, "/3.png") == 0); /* a list's first frame */
}

/* Another way of looking is another embedding; what is as it was is not asked for again. */
static void test_changes(struct mien_store *store)
{
    float fresh[N * E], kept[N * E];
    struct mien_clip_frames clips[2][N] = {0};
    struct mien_embed_params two = {.size = sizeof two, .frames = 2, .clips = clips[0]};
    CHECK_EQ(mien_model_embed(model, inputs, N, &two, fresh), MIEN_OK);
    two.clips = clips[1];
    CHECK_EQ(embed_with(store, two, kept), 1); /* the folder of three frames; the list has two */
    CHECK(memcmp(fresh, kept, sizeof(kept)) == 0);
    CHECK(memcmp(clips[0], clips[1], sizeof(clips[0])) == 0 && clips[1][2].there == 3 && clips[1][4].used == 2);
    CHECK_EQ(embed_with(store, (struct mien_embed_params){.flags = MIEN_NO_EXIF}, kept), N);
    CHECK_EQ(embed_with(store, (struct mien_embed_params){.flags = MIEN_JPEG_DRAFT}, kept), N);
    inputs[5].box[2] = 7;
    CHECK_EQ(mien_model_embed(model, inputs, N, NULL, fresh), MIEN_OK);
    CHECK_EQ(embed_with(store, (struct mien_embed_params){0}, kept), 1);
    CHECK(memcmp(fresh, kept, sizeof(kept)) == 0);
    inputs[5].box[2] = 8;
    copy("6.png", "kept.png");
    copy("10.png", "6.png"); /* another picture, of the same size */
    copy("11.png", "clip/10.png");
    CHECK_EQ(mien_model_embed(model, inputs, N, NULL, fresh), MIEN_OK);
    CHECK_EQ(embed_with(store, (struct mien_embed_params){0}, kept), 2);
    CHECK(memcmp(fresh, kept, sizeof(kept)) == 0 && strstr(captured, "clip)"));
    copy("kept.png", "6.png"); /* the same bytes at another time */
    copy("8.png", "clip/10.png");
    CHECK_EQ(embed_with(store, (struct mien_embed_params){0}, kept), 0);
    inputs[7].path = tiny_path("kept.png"); /* and in another place */
    CHECK_EQ(embed_with(store, (struct mien_embed_params){0}, kept), 0);
    inputs[7].path = inputs[6].path;
    CHECK_EQ(embed_with(store, (struct mien_embed_params){0}, kept), 0);
}

/* One that has gone is bad, stored or not; order, ok and progress are those of all inputs. */
static bool count_done(void *user, uint64_t done, uint64_t total)
{
    uint64_t *last = user;
    CHECK(done >= *last && total == N);
    *last = done;
    return true;
}

static void test_gone(struct mien_store *store)
{
    float kept[N * E], zero[E] = {0};
    bool ok[N];
    uint64_t done = 0;
    const char *before = inputs[3].path;
    inputs[3].path = tiny_path("gone.png");
    embed_with(store, (struct mien_embed_params){.ok = ok, .progress = count_done, .user = &done}, kept);
    for (size_t i = 0; i < N; i++)
        CHECK_EQ(ok[i], i != 3);
    CHECK(done == N && memcmp(kept + 3 * E, zero, sizeof(zero)) == 0);
    const struct mien_embed_params strict = {.size = sizeof strict, .store = store};
    CHECK_EQ(mien_model_embed(model, inputs, N, &strict, kept), MIEN_ERR_DATA);
    inputs[3].path = before;
}

static void test_raw(void)
{
    float fresh[N * E], kept[N * E];
    struct mien_embed_params raw = {.size = sizeof raw, .flags = MIEN_RAW};
    struct mien_store *store = NULL, *unit = NULL;
    CHECK_EQ(make("raw.st", MIEN_RAW, &store), MIEN_OK);
    CHECK_EQ(mien_model_embed(model, inputs, N, NULL, fresh), MIEN_OK);
    CHECK_EQ(embed_with(store, (struct mien_embed_params){0}, kept), 0);
    CHECK(memcmp(fresh, kept, sizeof(kept)) == 0);
    CHECK_EQ(mien_model_embed(model, inputs, N, &raw, fresh), MIEN_OK);
    CHECK_EQ(embed_with(store, raw, kept), 0);
    CHECK(memcmp(fresh, kept, sizeof(kept)) == 0);
    CHECK_EQ(make("unit.st", 0, &unit), MIEN_OK);
    raw.store = unit;
    CHECK_EQ(mien_model_embed(model, inputs, N, &raw, kept), MIEN_ERR_ARG);
    mien_store_destroy(&unit);
    mien_store_destroy(&store);
}

/* What is stored is what is used: a row that was changed in the file shows in searches and evaluations. */
static void test_uses(void)
{
    const char *const text = "joy";
    struct mien_store *store = NULL;
    struct mien_embed_params embed = {.size = sizeof embed};
    const struct mien_search_params p = {
        .size = sizeof p, .manifest = manifest, .texts = &text, .text_count = 1, .embed = &embed};
    struct mien_search *found[2] = {NULL, NULL};
    CHECK_EQ(make("u.st", 0, &store), MIEN_OK);
    CHECK_EQ(mien_search(model, &p, &found[0]), MIEN_OK);
    embed.store = store;
    CHECK_EQ(mien_search(model, &p, &found[1]), MIEN_OK);
    for (size_t i = 0; found[0] && found[1] && i < N; i++)
        CHECK(found[0]->matches[i].score == found[1]->matches[i].score &&
              found[0]->matches[i].line == found[1]->matches[i].line);
    mien_search_destroy(&found[1]);
    float *rows = store ? (float *)(uintptr_t)store->data : NULL;
    CHECK_EQ(mien_model_embed_texts(model, &text, 1, 0, rows + 5 * E), MIEN_OK); /* the picture of line 8 */
    CHECK_EQ(mien_search(model, &p, &found[1]), MIEN_OK);
    CHECK(found[1] && found[1]->matches[0].line == 8 && found[1]->matches[0].score > 0.99999);
    for (int task = 0; task < 2; task++) {
        struct mien_eval_params e = {.size = sizeof e, .task = task ? "retrieval" : "zero-shot"};
        struct mien_result *with = NULL, *without = NULL;
        e.manifest = manifest;
        CHECK_EQ(mien_eval(model, &e, &without), MIEN_OK);
        e.store = store;
        CHECK_EQ(mien_eval(model, &e, &with), MIEN_OK);
        CHECK(strcmp(mien_result_json(with), mien_result_json(without)) != 0);
        mien_result_destroy(&with);
        mien_store_destroy(&store);
        CHECK_EQ(mien_store_read(model, tiny_path("u.st"), &store), MIEN_OK);
        e.store = store;
        CHECK_EQ(mien_eval(model, &e, &with), MIEN_OK);
        CHECK_STR(mien_result_json(with), mien_result_json(without));
        memcpy(store->data + 5 * E, store->data, E * sizeof(float));
        mien_result_destroy(&with);
        mien_result_destroy(&without);
    }
    mien_search_destroy(&found[0]);
    mien_search_destroy(&found[1]);
    mien_store_destroy(&store);
}

/* ---- files ---- */

static void test_files(void)
{
    char *a = NULL, *b = NULL;
    size_t size[2] = {0, 0};
    struct mien_store *store = NULL;
    CHECK_EQ(make("a.st", 0, &store), MIEN_OK);
    mien_store_destroy(&store);
    copy("0.png", "0.png"); /* touched */
    CHECK_EQ(make("b.st", 0, &store), MIEN_OK);
    CHECK_EQ(base_file_read(tiny_path("a.st"), 0, &a, &size[0]), MIEN_OK);
    CHECK_EQ(base_file_read(tiny_path("b.st"), 0, &b, &size[1]), MIEN_OK);
    CHECK(size[0] == size[1] && memcmp(a, b, size[0]) == 0);
    base_free(a);
    base_free(b);
    mien_store_destroy(&store);
}

/* A number that has changed is as good as any other, but for the checksum: a bit, zeros, 1e30. */
static void test_damage(void)
{
    static const unsigned char forms[3][4] = {{0x01, 0x00, 0x80, 0x3E}, {0}, {0xCA, 0xF2, 0x49, 0x71}};
    struct mien_store *store = NULL;
    char *data = NULL;
    size_t size = 0;
    CHECK_EQ(make("whole.st", 0, &store), MIEN_OK);
    mien_store_destroy(&store);
    CHECK_EQ(base_file_read(tiny_path("whole.st"), 0, &data, &size), MIEN_OK);
    for (size_t i = 0; i < 3 && size > 64; i++) {
        memcpy(data + size - 40, forms[i], sizeof(forms[i]));
        CHECK(tiny_write("damaged.st", data, size));
        capture_start();
        CHECK_EQ(mien_store_read(model, tiny_path("damaged.st"), &store), MIEN_ERR_DATA);
        CHECK(captured_once("damaged.st: damaged: ") && !store);
    }
    base_free(data);
}

static void refuse(const char *meta, const float *rows, size_t count, const char *words)
{
    struct mien_store *store = NULL;
    struct io_tensor_out tensor = {
        .name = "image_embeds", .dtype = IO_F32, .rank = 2, .dims = {count, E}, .data = rows};
    const char *const pairs[] = {"mien.embeddings", meta, NULL};
    CHECK_EQ(io_safetensors_write(tiny_path("bad.st"), &tensor, 1, meta ? pairs : NULL, NULL, NULL), MIEN_OK);
    capture_start();
    CHECK_EQ(mien_store_read(model, tiny_path("bad.st"), &store), MIEN_ERR_DATA);
    CHECK(captured_once(words) && strstr(captured, "bad.st") && !store);
}

static void test_refusals(void)
{
    static const float rows[2 * E] = {1, 0, 0, [E] = NAN};
    static const char row[] = "{\"path\":\"x\",\"size\":1,\"key\":\"00112233445566778899aabbccddeeff\"}";
    unsigned char key[USE_KEY];
    char hex[2 * USE_KEY + 1], meta[2][600];
    CHECK_EQ(use_model_key(model, key), MIEN_OK);
    for (int k = 0; k < USE_KEY; k++)
        snprintf(hex + 2 * k, 3, "%02x", key[k]);
    refuse(NULL, rows, 1, "mien embed");
    refuse("[", rows, 1, "bad.st");
    refuse("{\"version\":2}", rows, 1, "version 2");
    refuse("{\"version\":1,\"model\":\"00112233445566778899aabbccddeeff\"}", rows, 1, "another model");
    snprintf(meta[0], sizeof(meta[0]), "{\"version\":1,\"model\":\"%s\",\"images\":[%s,%s]}", hex, row, row);
    refuse(meta[0], rows, 1, "2 rows");
    refuse(meta[0], rows, 2, "not a finite number");
    snprintf(meta[1], sizeof(meta[1]), "{\"version\":1,\"model\":\"%s\",\"images\":[{\"key\":\"xyz\"}]}", hex);
    refuse(meta[1], rows, 1, "hexadecimal");
}

/* Weights, preprocessing and precision make another model of the same directory. */
static void test_models(struct mien_store *store)
{
    unsigned char key[USE_KEY], other[USE_KEY];
    const struct mien_model_params half = {.size = sizeof half, .precision = MIEN_F16};
    const struct mien_embed_params params = {.size = sizeof params, .store = store};
    struct mien_model *second = NULL;
    float out[E];
    CHECK_EQ(use_model_key(model, key), MIEN_OK);
    CHECK_EQ(mien_model_open(gpu, tiny_path("model"), NULL, &second), MIEN_OK);
    CHECK_EQ(use_model_key(second, other), MIEN_OK);
    CHECK(memcmp(key, other, USE_KEY) == 0);
    second->has_key = false;
    second->preprocess.mean[1] += 0.001F;
    CHECK_EQ(use_model_key(second, other), MIEN_OK);
    CHECK(memcmp(key, other, USE_KEY) != 0);
    CHECK_EQ(mien_model_embed(second, inputs, 1, &params, out), MIEN_ERR_ARG);
    mien_model_destroy(&second);
    CHECK_EQ(mien_model_open(gpu, tiny_path("model"), &half, &second), MIEN_OK);
    CHECK_EQ(use_model_key(second, other), MIEN_OK);
    CHECK(memcmp(key, other, USE_KEY) != 0);
    mien_model_destroy(&second);
}

int main(void)
{
    struct mien_store *store = NULL;
    capture_start();
    if (mien_gpu_create(NULL, &gpu) != MIEN_OK)
        CHECK_SKIP("no Vulkan device: %s", captured);
    if (!tiny_make())
        CHECK_SKIP("no temporary directory");
    CHECK(tiny_model_make(gpu));
    CHECK_EQ(mien_model_open(gpu, tiny_path("model"), NULL, &model), MIEN_OK);
    if (model) {
        make_collection();
        CHECK_EQ(make("c.st", 0, &store), MIEN_OK);
        test_bits(store);
        test_gone(store);
        test_models(store);
        test_changes(store);
        test_raw();
        test_uses();
        test_files();
        test_damage();
        test_refusals();
    }
    mien_store_destroy(&store);
    mien_model_destroy(&model);
    mien_gpu_destroy(&gpu);
    tiny_remove();
    return check_result();
}
