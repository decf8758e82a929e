/* A model in use (mien/model.h): pictures from files and memory, boxes, clips, labels, search, against the same worked
 * out step by step from the towers. */
#include "check.h"
#include "device.h"

#include "base/capture.h"
#include "data/frames.h"
#include "use/look.h"
#include "use/use.h"
#include "io/safetensors.h"
#include "mien/data.h"
#include "train/tiny.h"

#include <sys/resource.h>

#define START MIEN_SOURCE_DIR "/tests/golden/train/start"
enum { E = 20, MANY = 70 };

static struct mien_gpu *gpu;
static struct mien_model *model;

/* Results of different batch sizes: other programs, the same sums. */
#define NEAR 1e-5

static double worst(const float *a, const float *b, size_t count)
{
    double most = 0;
    for (size_t i = 0; i < count; i++)
        most = check_larger(most, fabs((double)a[i] - (double)b[i]));
    return most;
}

static struct mien_input file_image(uint32_t i)
{
    static char paths[TINY_IMAGES][512];
    char name[32];
    snprintf(name, sizeof(name), "%u.png", i % TINY_IMAGES);
    return (struct mien_input){.path = strcpy(paths[i % TINY_IMAGES], tiny_path(name))};
}

/* ---- pictures ---- */

/* The pixels of 0.png with rows further apart than needed. */
static struct mien_input padded_pixels(const struct data_image *image, size_t stride)
{
    unsigned char *pixels = base_alloc(stride * image->height, 1);
    for (uint32_t y = 0; pixels && y < image->height; y++)
        memcpy(pixels + y * stride, image->pixels + (size_t)y * image->width * 3, (size_t)image->width * 3);
    return (struct mien_input){.pixels = pixels, .width = image->width, .height = image->height, .stride = stride};
}

static void test_pixels(void)
{
    struct data_image image = {0};
    const char *path = tiny_path("0.png");
    float from_file[E], from_memory[E], boxed[E], cut[E];
    CHECK_EQ(data_image_read(path, NULL, &image), MIEN_OK);
    struct mien_input padded = padded_pixels(&image, 3 * TINY_SIDE + 5);
    CHECK_EQ(embed_file(model, path, 0, from_file), MIEN_OK);
    CHECK_EQ(mien_model_embed(model, &padded, 1, NULL, from_memory), MIEN_OK);
    CHECK(memcmp(from_file, from_memory, sizeof(from_file)) == 0);
    padded.has_box = true;
    memcpy(padded.box, (int32_t[4]){3, 4, 6, 5}, sizeof(padded.box));
    CHECK_EQ(mien_model_embed(model, &padded, 1, NULL, boxed), MIEN_OK);
    struct mien_input part = {.pixels = padded.pixels + 4 * padded.stride + 9, .width = 6, .height = 5};
    part.stride = padded.stride;
    CHECK_EQ(mien_model_embed(model, &part, 1, NULL, cut), MIEN_OK);
    CHECK(memcmp(boxed, cut, sizeof(cut)) == 0);
    CHECK(worst(boxed, from_memory, E) > 1e-4);
    struct mien_input box_of_file = {.path = path, .has_box = true};
    memcpy(box_of_file.box, padded.box, sizeof(padded.box));
    CHECK_EQ(mien_model_embed(model, &box_of_file, 1, NULL, cut), MIEN_OK);
    CHECK(memcmp(boxed, cut, sizeof(cut)) == 0);
    base_free((unsigned char *)(uintptr_t)padded.pixels);
    data_image_free(&image);
}

/* The same pixels in every format, packed and with a stride, whole and boxed, give the same bits. */
static void test_formats(void)
{
    static const int order[][4] = {[MIEN_PIXELS_RGB] = {0, 1, 2, -1},
                                   [MIEN_PIXELS_RGBA] = {0, 1, 2, 3},
                                   [MIEN_PIXELS_BGRA] = {2, 1, 0, 3},
                                   [MIEN_PIXELS_BGRX] = {2, 1, 0, 3}};
    enum { W = 13, H = 11, ROW = W * 4 + 9 };
    unsigned char pixels[H * ROW];
    float first[2][E], out[E];
    for (int format = 0; format <= MIEN_PIXELS_BGRX; format++)
        for (int turn = 0; turn < 4; turn++) { /* bit 0: a box; bit 1: a stride */
            size_t bytes = format == MIEN_PIXELS_RGB ? 3 : 4, stride = turn & 2 ? ROW : W * bytes;
            memset(pixels, 0xa5, sizeof(pixels));
            for (int y = 0; y < H; y++)
                for (int x = 0; x < W; x++)
                    for (size_t k = 0; k < bytes; k++)
                        pixels[(size_t)y * stride + (size_t)x * bytes + k] =
                            (unsigned char)(order[format][k] == 3 ? x * 5 : 40 * order[format][k] + 7 * x + 13 * y);
            struct mien_input image = {
                .pixels = pixels, .width = W, .height = H, .format = (enum mien_pixel_format)format};
            image.stride = turn & 2 ? stride : 0;
            image.has_box = turn & 1;
            memcpy(image.box, (int32_t[4]){2, 1, 8, 9}, sizeof(image.box));
            float *to = format == MIEN_PIXELS_RGB && turn < 2 ? first[turn] : out;
            CHECK_EQ(mien_model_embed(model, &image, 1, NULL, to), MIEN_OK);
            CHECK(memcmp(first[turn & 1], to, sizeof(out)) == 0);
        }
    CHECK(worst(first[0], first[1], E) > 1e-4);
    struct mien_input wrong = {
        .pixels = pixels, .width = W, .height = H, .format = MIEN_PIXELS_BGRA, .stride = W * 4 - 1};
    CHECK_EQ(mien_model_embed(model, &wrong, 1, NULL, out), MIEN_ERR_ARG);
    wrong = (struct mien_input){.pixels = pixels, .width = W, .height = H, .format = (enum mien_pixel_format)4};
    CHECK_EQ(mien_model_embed(model, &wrong, 1, NULL, out), MIEN_ERR_ARG);
    wrong = (struct mien_input){.pixels = pixels, .width = W, .height = H, .reserved = {[3] = 1}};
    CHECK_EQ(mien_model_embed(model, &wrong, 1, NULL, out), MIEN_ERR_ARG);
}

static size_t shown, shown_last;

static bool on_progress(void *user, uint64_t done, uint64_t total)
{
    CHECK(user == &shown && done > shown_last && done <= total);
    shown++;
    shown_last = done;
    return shown < 1000; /* "cancel" sets it */
}

/* Several blocks with bad files among them; every row is that of its own file. */
static void test_many(void)
{
    struct mien_input images[MANY];
    struct mien_embed_params params = {
        .size = sizeof params, .flags = MIEN_RAW, .progress = on_progress, .user = &shown};
    static float rows[MANY * E], one[E], zero[E];
    bool ok[MANY];
    for (uint32_t i = 0; i < MANY; i++)
        images[i] = file_image(i);
    images[33].path = tiny_path("none.png");
    images[69].path = tiny_path("t.jsonl");
    params.ok = ok;
    capture_start();
    shown = shown_last = 0;
    CHECK_EQ(mien_model_embed(model, images, MANY, &params, rows), MIEN_OK);
    CHECK_EQ(captured_count, 2);
    CHECK_EQ(shown_last, MANY);
    CHECK(shown >= 3);
    for (uint32_t i = 0; i < MANY; i++) {
        bool bad = i == 33 || i == 69;
        CHECK_EQ(ok[i], !bad);
        if (bad)
            CHECK(memcmp(rows + i * E, zero, sizeof(zero)) == 0);
        else if (i < TINY_IMAGES || i > 60) {
            CHECK_EQ(mien_model_embed(
                         model, &images[i], 1,
                         &(struct mien_embed_params){.size = sizeof(struct mien_embed_params), .flags = MIEN_RAW}, one),
                     MIEN_OK);
            CHECK(worst(one, rows + i * E, E) < NEAR);
        }
    }
    params.ok = NULL;
    params.progress = NULL;
    capture_start();
    CHECK_EQ(mien_model_embed(model, images, MANY, &params, rows), MIEN_ERR_DATA);
    CHECK(captured_once("none.png") && strstr(mien_last_error(), "none.png"));
    CHECK_EQ(mien_model_embed(model, NULL, 0, NULL, NULL), MIEN_OK);
    images[33] = images[0];
    params.progress = on_progress;
    shown = 999;
    shown_last = 0;
    capture_start();
    CHECK_EQ(mien_model_embed(model, images, 60, &params, rows), MIEN_ERR_CANCELLED);
    CHECK(captured_count == 0 && shown_last > 0 && shown_last < 60);
}

/* Bytes that this process has held at most, or 0 under a sanitizer, which keeps what is freed. */
static size_t most_memory(void)
{
#if defined(__SANITIZE_ADDRESS__)
    return 0;
#else
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? (size_t)usage.ru_maxrss * 1024 : 0;
#endif
}

/* Ten thousand files take no more memory than five hundred but for the list and the result. */
static void test_ten_thousand(void)
{
    enum { COUNT = 10000 };
    struct mien_input *images = calloc(COUNT, sizeof(*images));
    float *rows = calloc((size_t)COUNT * E, sizeof(*rows));
    if (!images || !rows)
        return;
    for (uint32_t i = 0; i < COUNT; i++)
        images[i] = i < TINY_IMAGES ? file_image(i) : images[i % TINY_IMAGES];
    memset(rows, 1, (size_t)COUNT * E * sizeof(*rows)); /* the result's pages are there already */
    CHECK_EQ(mien_model_embed(model, images, 500, NULL, rows), MIEN_OK);
    size_t before = most_memory();
    CHECK_EQ(mien_model_embed(model, images, COUNT, NULL, rows), MIEN_OK);
    CHECK(most_memory() - before < 4 << 20); /* 9,500 more pictures, decoded, would take 16 MB */
    CHECK(memcmp(rows, rows + (size_t)32 * TINY_IMAGES * E, E * sizeof(*rows)) == 0); /* the same file, the same bits */
    free(images);
    free(rows);
}

static void test_limits(void)
{
    struct mien_input image = file_image(0), none = {0}, thin = {.pixels = (const unsigned char *)"", .width = 4};
    struct mien_embed_params params = {.size = sizeof params, .max_pixels = TINY_SIDE * TINY_SIDE - 1};
    float out[E];
    capture_start();
    CHECK_EQ(mien_model_embed(model, &image, 1, &params, out), MIEN_ERR_DATA);
    CHECK(captured_once("limit"));
    CHECK_EQ(mien_model_embed(model, &none, 1, NULL, out), MIEN_ERR_ARG);
    CHECK_EQ(mien_model_embed(model, &thin, 1, NULL, out), MIEN_ERR_ARG);
    thin.height = 4;
    thin.stride = 11;
    capture_start();
    CHECK_EQ(mien_model_embed(model, &thin, 1, NULL, out), MIEN_ERR_ARG);
    CHECK(captured_once("stride of 11"));
    image.has_box = true;
    memcpy(image.box, (int32_t[4]){TINY_SIDE, 0, 5, 1}, sizeof(image.box));
    CHECK_EQ(mien_model_embed(model, &image, 1, NULL, out), MIEN_ERR_DATA);
    image.path = tiny_dir; /* a directory in place of a file */
    CHECK_EQ(mien_model_embed(model, &image, 1, NULL, out), MIEN_ERR_DATA);
    CHECK(tiny_write("empty.png", "", 0));
    image.path = tiny_path("empty.png");
    capture_start();
    CHECK_EQ(mien_model_embed(model, &image, 1, NULL, out), MIEN_ERR_DATA);
    CHECK(captured_once("empty"));
}

/* ---- clips ---- */

static void test_pick(void)
{
    CHECK_EQ(data_frames_pick(5, 32, 4), 4);
    CHECK_EQ(data_frames_pick(7, 1, 0), 3);
    CHECK_EQ(data_frames_pick(64, 32, 0), 1);
    CHECK_EQ(data_frames_pick(64, 32, 31), 63);
    CHECK_EQ(data_frames_pick(10, 3, 0), 1);
    CHECK_EQ(data_frames_pick(10, 3, 1), 5);
    CHECK_EQ(data_frames_pick(10, 3, 2), 8);
}

/* The clip's directory: eleven frames under names whose order is not that of making. */
static const char *const clip_names[] = {"clip/a.png",  "clip/a b.JPG", "clip/b.jpeg", "clip/\xc3\xa9.png",
                                         "clip/10.png", "clip/9.png",   "clip/c.png",  "clip/d.PNG",
                                         "clip/e.png",  "clip/f.png",   "clip/g.png"};
static const uint32_t in_order[] = {5, 4, 1, 0, 2, 6, 7, 8, 9, 10, 3}; /* 9 10 "a b" a b c d e f g e-acute */

static void make_clip(void)
{
    CHECK_EQ(base_dir_create(tiny_path("clip")), MIEN_OK);
    for (uint32_t i = 0; i < BASE_COUNT(clip_names); i++)
        CHECK(tiny_image(clip_names[i], (const unsigned char[3]){(unsigned char)(i * 16), 90, 160}, i + 50));
    CHECK(tiny_write("clip/.hidden.png", "x", 1) && tiny_write("clip/notes.txt", "x", 1));
}

/* Raw frames of the clip's order picks [n] -> frames [n,E] */
static void clip_frames(const uint32_t *picks, uint32_t n, float *frames)
{
    for (uint32_t i = 0; i < n; i++) {
        const char *path = tiny_path(clip_names[in_order[picks[i]]]);
        CHECK_EQ(embed_file(model, path, MIEN_RAW, frames + (size_t)i * E), MIEN_OK);
    }
}

static void test_clips(void)
{
    static const uint32_t all[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, three[] = {1, 5, 9};
    struct mien_input clip = {.directory = strcpy((char[512]){0}, tiny_path("clip"))};
    struct mien_embed_params params = {.size = sizeof params, .flags = MIEN_RAW};
    float frames[11 * E], want[E], got[E];
    clip_frames(all, 11, frames);
    CHECK_EQ(nn_encode_clips(model->encoder, frames, 1, 11, want), MIEN_OK);
    CHECK_EQ(mien_model_embed(model, &clip, 1, &params, got), MIEN_OK); /* fewer than 32: whole */
    CHECK(worst(want, got, E) < NEAR);
    params.frames = MIEN_ALL_FRAMES;
    CHECK_EQ(mien_model_embed(model, &clip, 1, &params, got), MIEN_OK);
    CHECK(worst(want, got, E) < NEAR);
    params.frames = 3;
    clip_frames(three, 3, frames);
    CHECK_EQ(nn_encode_clips(model->encoder, frames, 1, 3, want), MIEN_OK);
    CHECK_EQ(mien_model_embed(model, &clip, 1, &params, got), MIEN_OK);
    CHECK(worst(want, got, E) < NEAR);
    nn_normalise_rows(want, 1, E);
    params.flags = 0;
    CHECK_EQ(mien_model_embed(model, &clip, 1, &params, got), MIEN_OK);
    CHECK(worst(want, got, E) < NEAR);
}

static void test_bad_clips(void)
{
    bool ok[2];
    char nowhere[512], good[512], path[512];
    struct mien_input frames[2] = {{.path = path}, file_image(1)};
    struct mien_input clips[2] = {{.directory = nowhere}, {.directory = good}};
    struct mien_embed_params params = {.size = sizeof params, .ok = ok};
    float got[2 * E];
    strcpy(nowhere, tiny_path("nowhere"));
    strcpy(good, tiny_path("clip"));
    strcpy(path, tiny_path("none.png"));
    capture_start();
    CHECK_EQ(mien_model_embed(model, clips, 2, &params, got), MIEN_OK);
    CHECK(captured_once("nowhere") && !ok[0] && ok[1]);
    CHECK_EQ(mien_model_embed(model, clips, 2, NULL, got), MIEN_ERR_DATA);
    CHECK_EQ(base_dir_create(nowhere), MIEN_OK);
    capture_start();
    CHECK_EQ(mien_model_embed(model, clips, 1, NULL, got), MIEN_ERR_DATA);
    CHECK(captured_once("no frame"));
    clips[0] = (struct mien_input){.frames = frames, .frame_count = 2};
    capture_start();
    CHECK_EQ(mien_model_embed(model, clips, 1, NULL, got), MIEN_ERR_DATA);
    CHECK(captured_once("none.png"));
}

/* The start model with a temporal transformer of 2 layers: clips are no means any more. */
static void test_temporal(void)
{
    const struct io_temporal_config sizes = {.layers = 2, .heads = 2, .head_dim = 6, .mlp = 16, .max_frames = 12};
    struct mien_model *plain = model;
    struct nn_model *nn = NULL;
    struct mien_input clip = {.directory = strcpy((char[512]){0}, tiny_path("clip"))};
    float with[E], without[E];
    const char *dir = strcpy((char[512]){0}, tiny_path("temporal"));
    CHECK_EQ(nn_model_load(model->device, START, &(struct nn_extras){.temporal = &sizes, .seed = 5}, &nn), MIEN_OK);
    CHECK_EQ(base_dir_create(dir), MIEN_OK);
    CHECK_EQ(nn_model_save_weights(nn, tiny_path("temporal/model.safetensors")), MIEN_OK);
    CHECK_EQ(io_clip_config_write(dir, &nn->config, NULL), MIEN_OK);
    CHECK_EQ(data_tokenizer_save(model->tokenizer, dir, nn->config.text.context), MIEN_OK);
    nn_model_destroy(&nn);
    CHECK_EQ(mien_model_embed(model, &clip, 1, NULL, without), MIEN_OK);
    model = NULL;
    CHECK_EQ(mien_model_open(gpu, dir, NULL, &model), MIEN_OK);
    if (model) {
        test_clips();
        CHECK_EQ(mien_model_embed(model, &clip, 1, NULL, with), MIEN_OK);
        CHECK(worst(with, without, E) > 1e-3);
    }
    mien_model_destroy(&model);
    model = plain;
}

/* ---- texts and labels ---- */

static void test_long_texts(void)
{
    char text[4000] = "joy";
    const char *const texts[] = {"joy", text, text};
    float rows[3 * E];
    int32_t ids[24];
    size_t count;
    for (size_t i = 3; i + 4 < sizeof(text); i += 4)
        memcpy(text + i, " joy", 5);
    capture_start();
    CHECK_EQ(mien_model_embed_texts(model, texts, 3, 0, rows), MIEN_OK);
    CHECK(captured_once("2 of 3 texts are longer than the model's 24 tokens"));
    CHECK(memcmp(rows + E, rows + 2 * E, E * sizeof(float)) == 0);
    capture_start();
    CHECK_EQ(mien_model_tokenize(model, text, ids, 24, &count), MIEN_OK);
    CHECK(captured_once("was cut"));
    CHECK_EQ(count, 24);
    CHECK_EQ(ids[23], 102);
}

/* softmax over the mean of exp(scale) * cosine of each label's sentences; or over the cosine with their mean */
static void scores_by_hand(const char *const *const *texts, const size_t *counts, bool logits, const float *image,
                           double *out)
{
    double total = 0, scale = exp((double)model->logit_scale);
    for (size_t l = 0; l < 2; l++) {
        double mean[E] = {0}, norm = 0, dot = 0;
        for (size_t t = 0; t < counts[l]; t++) {
            float row[E];
            CHECK_EQ(mien_model_embed_texts(model, &texts[l][t], 1, 0, row), MIEN_OK);
            for (size_t k = 0; k < E; k++)
                mean[k] += (double)row[k] / (double)counts[l];
        }
        for (size_t k = 0; k < E; k++) {
            norm += mean[k] * mean[k];
            dot += mean[k] * (double)image[k];
        }
        out[l] = exp(scale * (logits ? dot : dot / sqrt(norm)));
        total += out[l];
    }
    out[0] /= total;
    out[1] /= total;
}

static void check_scores(const struct mien_label *labels, const struct mien_labels_params *params,
                         const char *const *const *texts, const size_t *counts)
{
    struct mien_labels *made = NULL;
    const char *path = tiny_path("4.png");
    float image[E], got[2];
    double want[2];
    CHECK_EQ(mien_labels_create(model, labels, 2, params, &made), MIEN_OK);
    CHECK_EQ(embed_file(model, path, 0, image), MIEN_OK);
    if (!made)
        return;
    mien_labels_scores(made, image, got);
    scores_by_hand(texts, counts, params->average == MIEN_AVERAGE_LOGITS, image, want);
    CHECK_NEAR(got[0], want[0], 1e-5);
    CHECK_NEAR(got[1], want[1], 1e-5);
    mien_labels_destroy(&made);
    CHECK(made == NULL);
}

static void test_labels(void)
{
    const char *const joy[] = {"plain joy", "a strong face of joy", "wide eyes"}, *const anger[] = {"hard cheeks"};
    const char *const templates[] = {"a face of {}", "{}, all {}"};
    const char *const joy_templates[] = {"a face of joy", "joy, all joy"};
    const char *const anger_templates[] = {"a face of anger", "anger, all anger"};
    struct mien_label given[] = {{"joy", joy, 3}, {"anger", anger, 1}}, named[] = {{.name = "joy"}, {.name = "anger"}};
    struct mien_labels_params params = {.size = sizeof params, .templates = templates, .template_count = 2};
    char file[512];
    strcpy(file, tiny_path("d.json"));
    for (int average = 0; average < 2; average++) {
        params.average = (enum mien_average)average;
        check_scores(given, &params, (const char *const *const[]){joy, anger}, (size_t[]){3, 1});
        check_scores(named, &params, (const char *const *const[]){joy_templates, anger_templates}, (size_t[]){2, 2});
    }
    CHECK(base_file_write(file, "{\"joy\":[\"plain joy\",\"a strong face of joy\",\"wide eyes\"],\"fear\":\"x\"}",
                          67) == MIEN_OK);
    params.descriptions = file;
    capture_start();
    check_scores(named, &params, (const char *const *const[]){joy, anger_templates}, (size_t[]){3, 2});
    CHECK(captured_once("no description of \"anger\""));
}

static void test_bad_labels(void)
{
    static const char *const files[] = {"[1]", "{\"joy\":3}", "{\"joy\":[]}", "{\"joy\":[\"a\",3]}", "{\"joy\":", ""};
    const struct mien_label label = {.name = "joy"}, empty = {"joy", &(const char *){"x"}, 0}, nameless = {0};
    const struct mien_label newer = {.name = "joy", .reserved = {[1] = 1}};
    char file[512];
    struct mien_labels *made = NULL;
    struct mien_labels_params params = {.size = sizeof params, .descriptions = file};
    strcpy(file, tiny_path("d.json"));
    for (size_t i = 0; i < BASE_COUNT(files); i++) {
        CHECK_EQ(base_file_write(file, files[i], strlen(files[i])), MIEN_OK);
        capture_start();
        CHECK_EQ(mien_labels_create(model, &label, 1, &params, &made), MIEN_ERR_DATA);
        CHECK(captured_once("d.json") && !made);
    }
    CHECK_EQ(mien_labels_create(model, &label, 0, NULL, &made), MIEN_ERR_ARG);
    CHECK_EQ(mien_labels_create(model, &empty, 1, NULL, &made), MIEN_ERR_ARG);
    CHECK_EQ(mien_labels_create(model, &nameless, 1, NULL, &made), MIEN_ERR_ARG);
    CHECK_EQ(mien_labels_create(model, &newer, 1, NULL, &made), MIEN_ERR_ARG);
}

/* ---- search, files, tokens ---- */

static void test_search(void)
{
    static const char rows[] = "{\"image\":\"0.png\"}\n\n{\"image\":\"none.png\"}\n{\"image\":\"0.png\"}\n"
                               "{\"frames\":\"clip\"}\n{\"video\":\"x.mp4\"}\n{\"frames\":[\"1.png\",\"2.png\"]}\n"
                               "{\"image\":\"3.png\",\"box\":[1,2,6,6]}\n";
    const char *const texts[] = {"joy", "a face of anger"};
    char manifest[512];
    struct mien_search_params params = {.size = sizeof params, .manifest = manifest, .texts = texts, .text_count = 2};
    struct mien_search *r = NULL;
    float text[E], image[E];
    strcpy(manifest, tiny_path("s.jsonl"));
    CHECK_EQ(base_file_write(manifest, rows, strlen(rows)), MIEN_OK);
    CHECK_EQ(mien_search(model, &params, &r), MIEN_OK);
    if (!r)
        return;
    CHECK(r->text_count == 2 && r->count == 5 && r->rows == 7 && r->bad == 2);
    CHECK_EQ(mien_model_embed_texts(model, texts + 1, 1, 0, text), MIEN_OK);
    for (size_t i = 0; i < r->count; i++) {
        const struct mien_match *m = &r->matches[r->count + i];
        double dot = 0;
        CHECK(i == 0 || m[-1].score >= m->score);
        if (m->line != 1)
            continue;
        CHECK(m[1].line == 4 && m[1].score == m->score); /* the same picture again: the earlier line first */
        CHECK_EQ(embed_file(model, m->path, 0, image), MIEN_OK);
        for (size_t k = 0; k < E; k++)
            dot += (double)image[k] * (double)text[k];
        CHECK_NEAR(m->score, dot, NEAR);
    }
    mien_search_destroy(&r);
    params.top = 2;
    CHECK_EQ(mien_search(model, &params, &r), MIEN_OK);
    CHECK(r && r->count == 2);
    mien_search_destroy(&r);
    CHECK_EQ(base_file_write(manifest, "{\"image\":\"none.png\"}\n", 21), MIEN_OK);
    CHECK_EQ(mien_search(model, &params, &r), MIEN_ERR_DATA);
    CHECK(r == NULL);
}

static void test_store(void)
{
    const float rows[6] = {1, 2, 3, 4, 5, 6};
    const struct mien_embeds sets[] = {{"b", rows, 2, 3}, {"a", rows, 0, 3}}, twice[] = {sets[0], sets[0]};
    struct io_safetensors *file = NULL;
    char path[512];
    strcpy(path, tiny_path("e.safetensors"));
    CHECK_EQ(mien_embeds_write(path, sets, 2), MIEN_OK);
    CHECK_EQ(io_safetensors_open(path, &file), MIEN_OK);
    const struct io_tensor *b = file ? io_safetensors_find(file, "b") : NULL;
    float got[6] = {0};
    CHECK(b && b->rank == 2 && b->dims[0] == 2 && b->dims[1] == 3 && io_tensor_read(b, 0, 6, got) == MIEN_OK);
    CHECK(memcmp(got, rows, sizeof(rows)) == 0);
    io_safetensors_close(&file);
    CHECK_EQ(mien_embeds_write(path, twice, 2), MIEN_ERR_ARG);
}

static void test_tokenizer(void)
{
    struct mien_tokenizer *t = NULL;
    int32_t ids[77], same[24];
    size_t count, same_count;
    bool cut = true;
    CHECK_EQ(mien_tokenizer_open(START, NULL, &t), MIEN_OK);
    if (!t)
        return;
    CHECK_EQ(mien_tokenizer_context(t), 24);
    CHECK_EQ(mien_tokenizer_encode(t, "a plain face", ids, &count, &cut), MIEN_OK);
    CHECK_EQ(mien_model_tokenize(model, "a plain face", same, 24, &same_count), MIEN_OK);
    CHECK(!cut && count == same_count && memcmp(ids, same, count * sizeof(*ids)) == 0);
    CHECK_EQ(mien_tokenizer_encode(t, "", ids, &count, NULL), MIEN_OK);
    CHECK(count == 2 && ids[0] == 101 && ids[1] == 102);
    mien_tokenizer_destroy(&t);
    CHECK_EQ(data_tokenizer_save(model->tokenizer, tiny_path("clip"), 24), MIEN_OK); /* without config.json */
    CHECK_EQ(mien_tokenizer_open(tiny_path("clip"), NULL, &t), MIEN_OK);
    CHECK_EQ(t ? mien_tokenizer_context(t) : 0, 77);
    mien_tokenizer_destroy(&t);
    capture_start();
    CHECK_EQ(mien_tokenizer_open(tiny_path("nowhere"), NULL, &t), MIEN_ERR_DATA);
    CHECK(captured_once("vocab.json") && t == NULL);
}

int main(void)
{
    capture_start();
    if (!gpu_open_public(&gpu))
        CHECK_SKIP("no Vulkan device: %s", captured);
    if (!tiny_make())
        CHECK_SKIP("no temporary directory");
    CHECK_EQ(mien_model_open(gpu, START, NULL, &model), MIEN_OK);
    if (model) {
        make_clip();
        test_pixels();
        test_formats();
        test_many();
        test_limits();
        test_ten_thousand();
        test_pick();
        test_clips();
        test_bad_clips();
        test_temporal();
        test_long_texts();
        test_labels();
        test_bad_labels();
        test_search();
        test_store();
        test_tokenizer();
    }
    mien_model_destroy(&model);
    gpu_close_public(&gpu);
    tiny_remove();
    return check_result();
}
