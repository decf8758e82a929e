/* One picture has one embedding, bit for bit, on every way in: by path, bytes or pixels, as a clip of one frame, alone
 * or among others, as a row of a manifest (evaluation, validation), in a search, in training's loader, from a pack. */
#include "check.h"

#include "base/capture.h"
#include "data/jpeg.h"
#include "data/loader.h"
#include "data/png.h"
#include "train/tiny.h"
#include "use/look.h"
#include "use/rows.h"
#include "use/tiny_model.h"

enum { W = 20, H = 16, E = 10, KINDS = 14, AMONG = 45 };

/* ---- the pictures ---- */

struct kind {
    const char *file;
    uint32_t channels; /* of the pixels as this test decodes them: 4 where there is alpha */
    bool has_box;
    int32_t box[4];
};

static const struct kind kinds[KINDS] = {
    {"rgb.png", 3, false, {0}},
    {"rgba.png", 4, false, {0}},
    {"grey.png", 3, false, {0}},
    {"palette.png", 4, false, {0}},
    {"deep.png", 4, false, {0}},      /* 16 bits a channel */
    {"veil.png", 4, false, {0}},      /* grey and alpha */
    {"deep_grey.png", 3, false, {0}}, /* 16 bits */
    {"deep_veil.png", 4, false, {0}},
    {"turned.png", 3, false, {0}},
    {"boxed.png", 4, true, {3, 2, 11, 9}},
    {"both.png", 4, true, {1, 4, 13, 14}}, /* turned, then cut: 16 wide, 20 high */
    {"cmyk.jpg", 3, false, {0}},
    {"turned.jpg", 3, true, {2, 1, 10, 12}},
    {"exact.png", 4, false, {0}}, /* its shorter side is the model's: no resize */
};

static unsigned char noise[W * H * 8], file[8192];

static bool write_png(const char *name, uint32_t w, uint32_t h, uint32_t channels, int orientation)
{
    return tiny_write(name, file, png_make(w, h, channels, noise, orientation, file));
}

/* PNG of any colour type, rows [h, row bytes] from `noise`. */
static bool write_typed(const char *name, unsigned char depth, unsigned char type, size_t row)
{
    static unsigned char raw[8192];
    unsigned char head[13] = {0, 0, 0, W, 0, 0, 0, H, depth, type}, colours[24], alphas[8];
    size_t n = 8, length = (row + 1) * H;
    uint32_t a = 1, b = 0;
    memcpy(raw,
           (const unsigned char[]){0x78, 1, 1, (unsigned char)length, (unsigned char)(length >> 8),
                                   (unsigned char)~length, (unsigned char)(~length >> 8)},
           7);
    for (uint32_t y = 0; y < H; y++) {
        raw[7 + y * (row + 1)] = 0;
        for (size_t x = 0; x < row; x++)
            raw[8 + y * (row + 1) + x] = type == 3 ? noise[y * row + x] % 8 : noise[y * row + x];
    }
    for (size_t i = 0; i < length; i++) {
        a = (a + raw[7 + i]) % 65521;
        b = (b + a) % 65521;
    }
    png_be32(raw + 7 + length, b << 16 | a);
    for (size_t i = 0; i < 24; i++)
        colours[i] = noise[i + 100];
    for (size_t i = 0; i < 8; i++)
        alphas[i] = (unsigned char)(i * 36);
    memcpy(file, "\x89PNG\r\n\x1a\n", 8);
    n += png_chunk(file + n, "IHDR", head, 13);
    if (type == 3) {
        n += png_chunk(file + n, "PLTE", colours, 24);
        n += png_chunk(file + n, "tRNS", alphas, 8);
    }
    n += png_chunk(file + n, "IDAT", raw, (uint32_t)length + 11);
    n += png_chunk(file + n, "IEND", NULL, 0);
    return tiny_write(name, file, n);
}

static void make_pictures(void)
{
    struct base_rng rng = base_rng_make(5, "one picture", 0, 0);
    signed char blocks[3 * 2 * 4];
    for (size_t i = 0; i < sizeof(noise); i++)
        noise[i] = (unsigned char)base_rng_below(&rng, 256);
    for (size_t i = 0; i < sizeof(blocks); i++)
        blocks[i] = (signed char)((int)base_rng_below(&rng, 200) - 100);
    CHECK(write_png("rgb.png", W, H, 3, 0) && write_png("rgba.png", W, H, 4, 0) && write_png("grey.png", W, H, 1, 0));
    CHECK(write_typed("palette.png", 8, 3, W) && write_typed("deep.png", 16, 6, W * 8));
    CHECK(write_typed("veil.png", 8, 4, W * 2) && write_typed("deep_grey.png", 16, 0, W * 2) &&
          write_typed("deep_veil.png", 16, 4, W * 4));
    CHECK(write_png("turned.png", W, H, 3, 6) && write_png("boxed.png", W, H, 4, 0));
    CHECK(write_png("both.png", W, H, 4, 8) && write_png("exact.png", TINY_SIDE + 3, TINY_SIDE, 4, 0));
    CHECK(tiny_write("cmyk.jpg", file, jpeg_make(3, 2, 4, blocks, 0, file)));
    CHECK(tiny_write("turned.jpg", file, jpeg_make(3, 2, 3, blocks, 6, file)));
}

static struct mien_input input_of(const struct kind *k)
{
    struct mien_input input = {.path = k->file, .has_box = k->has_box};
    memcpy(input.box, k->box, sizeof(input.box));
    return input;
}

/* ---- ways ---- */

static float want[KINDS][E];

static void check_same(const struct kind *k, const char *way, const float *got)
{
    bool same = memcmp(got, want[k - kinds], sizeof(want[0])) == 0;
    if (!same)
        fprintf(stderr, "%s %s: another embedding\n", k->file, way);
    CHECK(same);
}

static void check_input(const struct kind *k, const char *way, struct mien_input input)
{
    float got[E];
    input.has_box = k->has_box;
    memcpy(input.box, k->box, sizeof(input.box));
    CHECK_EQ(mien_model_embed(model, &input, 1, NULL, got), MIEN_OK);
    check_same(k, way, got);
}

/* Decoded pixels, in each form that holds them, with gaps between the rows. */
static void check_pixels(const struct kind *k)
{
    static const unsigned char order[][4] = {{0, 1, 2, 0}, {0, 1, 2, 3}, {2, 1, 0, 3}, {2, 1, 0, 3}};
    static const char *const names[] = {"RGB", "RGBA", "BGRA", "BGRX"};
    struct data_image image = {0};
    const struct data_image_params keep = {.keep_alpha = true};
    CHECK_EQ(data_image_read(k->file, &keep, &image), MIEN_OK);
    CHECK_EQ(image.channels, k->channels);
    for (int f = 0; f < 4; f++) {
        bool alpha = f == MIEN_PIXELS_RGBA || f == MIEN_PIXELS_BGRA;
        uint32_t step = f ? 4 : 3;
        size_t stride = image.width * step + 5;
        unsigned char *pixels = base_alloc(stride, image.height);
        if (alpha != (image.channels == 4) && !model->preprocess.rgb_first) {
            base_free(pixels);
            continue; /* alpha counts there: it must be given, and only where there is some */
        }
        for (size_t y = 0; pixels && y < image.height; y++)
            for (size_t x = 0; x < image.width; x++)
                for (uint32_t c = 0; c < step; c++) {
                    const unsigned char *from = image.pixels + (y * image.width + x) * image.channels;
                    pixels[y * stride + x * step + c] = order[f][c] < image.channels ? from[order[f][c]] : 77;
                }
        check_input(k, names[f],
                    (struct mien_input){.pixels = pixels,
                                        .width = image.width,
                                        .height = image.height,
                                        .stride = stride,
                                        .format = (enum mien_pixel_format)f});
        base_free(pixels);
    }
    data_image_free(&image);
}

static void check_direct(const struct kind *k)
{
    char *bytes = NULL, dir[64], copy[80];
    size_t size = 0;
    struct mien_input frame = input_of(k);
    CHECK_EQ(base_file_read(k->file, 0, &bytes, &size), MIEN_OK);
    check_input(k, "as bytes", (struct mien_input){.bytes = bytes, .byte_count = size});
    check_pixels(k);
    check_input(k, "as a clip", (struct mien_input){.frames = &frame, .frame_count = 1});
    snprintf(dir, sizeof(dir), "dir-%s", k->file);
    snprintf(copy, sizeof(copy), "%s/%s", dir, k->file);
    CHECK_EQ(base_dir_create(dir), MIEN_OK);
    CHECK_EQ(base_file_write(copy, bytes, size), MIEN_OK);
    check_input(k, "as a folder", (struct mien_input){.directory = dir});
    base_free(bytes);
}

/* Each at many places of one call, among clips of several frames. */
static void check_among(void)
{
    struct mien_input inputs[AMONG], frames[3];
    static float got[AMONG][E];
    for (int i = 0; i < 3; i++)
        frames[i] = input_of(&kinds[i]);
    for (int i = 0; i < AMONG; i++)
        inputs[i] = i % 7 == 3 ? (struct mien_input){.frames = frames, .frame_count = 3} : input_of(&kinds[i % KINDS]);
    CHECK_EQ(mien_model_embed(model, inputs, AMONG, NULL, got[0]), MIEN_OK);
    for (int i = 0; i < AMONG; i++)
        if (i % 7 != 3)
            check_same(&kinds[i % KINDS], "among others", got[i]);
}

/* ---- manifests ---- */

static void write_manifest(void)
{
    char text[4096];
    size_t n = 0;
    for (const struct kind *k = kinds; k < kinds + KINDS; k++) {
        n += (size_t)snprintf(text + n, sizeof(text) - n, "{\"image\":\"%s\",\"caption\":\"a face\"", k->file);
        if (k->has_box)
            n += (size_t)snprintf(text + n, sizeof(text) - n, ",\"box\":[%d,%d,%d,%d]", k->box[0], k->box[1], k->box[2],
                                  k->box[3]);
        n += (size_t)snprintf(text + n, sizeof(text) - n, "}\n");
    }
    CHECK(tiny_write("kinds.jsonl", text, n));
}

static void check_rows(const char *way)
{
    static float got[KINDS][E];
    bool ok[KINDS];
    struct use_rows all = {0};
    CHECK_EQ(use_rows_read("kinds.jsonl", "all", NULL, "row", &all), MIEN_OK);
    CHECK_EQ(use_embed_rows(model, &all, &(struct mien_embed_params){0}, got[0], ok), MIEN_OK);
    for (int i = 0; i < KINDS; i++) {
        struct data_image image;
        CHECK_EQ(data_pack_image(all.pack, (uint32_t)i, &image), strcmp(way, "packed row") == 0);
        check_same(&kinds[i], way, got[i]);
    }
    use_rows_clear(&all);
}

static void check_search(void)
{
    const char *const text = "a face of joy";
    const struct mien_search_params params = {
        .size = sizeof params, .manifest = "kinds.jsonl", .texts = &text, .text_count = 1};
    struct mien_search *r = NULL;
    float embed[E];
    CHECK_EQ(mien_model_embed_texts(model, &text, 1, 0, embed), MIEN_OK);
    CHECK_EQ(mien_search(model, &params, &r), MIEN_OK);
    for (size_t i = 0; r && i < r->count; i++)
        CHECK(r->matches[i].score == use_dot(embed, want[r->matches[i].line - 1], E));
    CHECK(r && r->count == KINDS);
    mien_search_destroy(&r);
}

/* What training sees without augmentation, through the image tower. */
static void check_loader(const char *way)
{
    static float got[KINDS][E];
    uint32_t rows[KINDS];
    struct data_manifest *manifest = NULL;
    struct data_loader *loader = NULL;
    const struct data_batch *batch = NULL;
    CHECK_EQ(data_manifest_read("kinds.jsonl", &manifest), MIEN_OK);
    for (uint32_t i = 0; i < KINDS; i++)
        rows[i] = i;
    const struct data_loader_params params = {.manifest = manifest,
                                              .rows = rows,
                                              .row_count = KINDS,
                                              .tokenizer = model->tokenizer,
                                              .preprocess = model->preprocess,
                                              .context = 24,
                                              .batch = KINDS};
    CHECK_EQ(data_loader_create(&params, &loader), MIEN_OK);
    if (loader && data_loader_next(loader, &batch) == MIEN_OK) {
        CHECK_EQ(nn_encode_images(model->encoder, batch->images, KINDS, got[0]), MIEN_OK);
        nn_normalise_rows(got[0], KINDS, E);
        for (int i = 0; i < KINDS; i++)
            check_same(&kinds[i], way, got[i]);
        data_batch_release(loader, &batch);
    }
    CHECK(loader != NULL);
    data_loader_destroy(&loader);
    data_manifest_destroy(&manifest);
}

static void check_packed(void)
{
    struct data_manifest *manifest = NULL;
    struct data_pack_summary summary;
    CHECK_EQ(data_manifest_read("kinds.jsonl", &manifest), MIEN_OK);
    CHECK_EQ(data_pack_write(manifest, NULL, NULL, &summary), MIEN_OK);
    CHECK_EQ(summary.pictures, KINDS);
    data_manifest_destroy(&manifest);
    check_rows("packed row");
    check_loader("in training, packed");
    CHECK_EQ(unlink("kinds.jsonl.pack"), 0);
}

/* ---- work ---- */

/* What the towers have computed since the last call. */
static size_t rows_done(void)
{
    static uint64_t before;
    uint64_t now = nn_encoder_rows(model->encoder), rows = now - before;
    before = now;
    return (size_t)rows;
}

/* Every way computes what it is asked for: no batch is filled up. */
static void check_work(void)
{
    static const struct mien_label names[] = {{.name = "joy"}, {.name = "sorrow"}, {.name = "anger"}};
    static const char *const templates[] = {"a face of {}", "{}", "a {} face"};
    const struct mien_labels_params by = {.size = sizeof by, .templates = templates, .template_count = 3};
    struct mien_input inputs[AMONG], frames[5];
    static float got[AMONG][E];
    struct mien_labels *made = NULL;
    for (int i = 0; i < AMONG; i++)
        inputs[i] = input_of(&kinds[i % KINDS]);
    memcpy(frames, inputs, sizeof(frames));
    (void)rows_done();
    for (size_t count = 1; count <= AMONG; count += 4) {
        CHECK_EQ(mien_model_embed(model, inputs, count, NULL, got[0]), MIEN_OK);
        CHECK_EQ(rows_done(), count);
    }
    inputs[1] = (struct mien_input){.frames = frames, .frame_count = 5}; /* their mean: no temporal transformer */
    CHECK_EQ(mien_model_embed(model, inputs, 33, NULL, got[0]), MIEN_OK);
    CHECK_EQ(rows_done(), 32 + 5);
    CHECK_EQ(mien_labels_create(model, names, 3, &by, &made), MIEN_OK);
    CHECK_EQ(rows_done(), 9);
    mien_labels_destroy(&made);
    check_rows("row");
    CHECK_EQ(rows_done(), KINDS);
    check_search();
    CHECK_EQ(rows_done(), KINDS + 2); /* the sentence twice */
}

/* ---- models ---- */

static void check_model(const char *dir)
{
    CHECK_EQ(mien_model_open(gpu, dir, NULL, &model), MIEN_OK);
    if (!model)
        return;
    for (const struct kind *k = kinds; k < kinds + KINDS; k++) {
        const struct mien_input input = input_of(k);
        CHECK_EQ(mien_model_embed(model, &input, 1, NULL, want[k - kinds]), MIEN_OK);
    }
    for (const struct kind *k = kinds; k < kinds + KINDS; k++)
        check_direct(k);
    check_among();
    check_rows("row");
    check_search();
    check_work();
    check_loader("in training");
    check_packed();
    mien_model_destroy(&model);
}

/* The same weights with another rule for alpha, or another resize. */
static void make_variant(const char *dir, bool rgb_first, bool torch)
{
    struct use_parts parts;
    CHECK_EQ(use_parts_read(vk_gpu_device(gpu), &(struct base_source){.dir = tiny_path("model")},
                            &(struct nn_extras){.precision = MIEN_F32}, &parts),
             MIEN_OK);
    parts.preprocess.rgb_first = rgb_first;
    parts.preprocess.torch_resize = torch;
    CHECK_EQ(base_dir_create(dir), MIEN_OK);
    CHECK_EQ(use_parts_write(&parts, NULL, dir), MIEN_OK);
    use_parts_clear(&parts);
}

int main(void)
{
    float early[KINDS][E];
    capture_start();
    if (mien_gpu_create(NULL, &gpu) != MIEN_OK)
        CHECK_SKIP("no Vulkan device: %s", captured);
    if (!tiny_make())
        CHECK_SKIP("no temporary directory");
    make_pictures();
    write_manifest();
    CHECK(tiny_model_make(gpu));
    make_variant("late", false, false);
    make_variant("torch", false, true);
    check_model(tiny_path("model"));
    memcpy(early, want, sizeof(want));
    check_model("late");
    for (int i = 0; i < KINDS; i++) /* the rule makes a difference where there is alpha, and a resize */
        CHECK_EQ(memcmp(early[i], want[i], sizeof(want[0])) != 0, kinds[i].channels == 4 && i != KINDS - 1);
    check_model("torch");
    CHECK_EQ(captured_count, 0);
    mien_gpu_destroy(&gpu);
    tiny_remove();
    return check_result();
}
