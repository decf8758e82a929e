/* Conversion: a tiny model under each project's names becomes the tensors that Hugging Face's names ask for; positions
 * resized as PyTorch resizes them; what cannot be converted says why. */
#include "io/convert.h"

#include "io/positions.h"
#include "io/support.h"

enum { WIDTH = 64, EMBED = 24, VOCAB = 40, CONTEXT = 24, PATCH = 4, IMAGE = 12, MLP = 100, LAYERS = 2, FRAMES = 9 };
enum { TOKENS = (IMAGE / PATCH) * (IMAGE / PATCH) + 1, INNER = 8 * 3, MOST = 128 };

struct piece {
    char name[160];
    uint32_t rank;
    uint64_t dims[4];
    float *values;
    enum io_dtype dtype;
};

/* The model under OpenAI's names, and what Hugging Face's should be. */
static struct piece source[MOST], want[MOST];
static size_t source_count, want_count;

static uint64_t count_of(const struct piece *p)
{
    uint64_t n = 1;
    for (uint32_t i = 0; i < p->rank; i++)
        n *= p->dims[i];
    return n;
}

static struct piece *add(struct piece *pieces, size_t *count, const char *name, uint32_t rank, uint64_t a, uint64_t b,
                         uint64_t c, uint64_t d)
{
    struct piece *p = &pieces[(*count)++];
    *p = (struct piece){.rank = rank, .dims = {a, b, c, d}, .dtype = IO_F32};
    snprintf(p->name, sizeof(p->name), "%s", name);
    p->values = base_alloc(count_of(p), sizeof(float));
    return p;
}

/* A source tensor of random halves, so that F16 and F32 files say the same. */
static struct piece *draw(const char *name, uint32_t rank, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    struct piece *p = add(source, &source_count, name, rank, a, b, c, d);
    struct base_rng rng = base_rng_make(3, name, 0, 0);
    for (uint64_t i = 0; i < count_of(p); i++)
        p->values[i] = base_f16_to_f32(base_f16_of((float)base_rng_normal(&rng)));
    return p;
}

/* Elements [first, first+n) of p under another name. */
static void expect(const char *name, const struct piece *p, uint64_t first, uint32_t rank, uint64_t a, uint64_t b)
{
    struct piece *w = add(want, &want_count, name, rank, a, b, p->dims[2], p->dims[3]);
    memcpy(w->values, p->values + first, count_of(w) * sizeof(float));
}

static void same(const char *name, const struct piece *p)
{
    expect(name, p, 0, p->rank, p->dims[0], p->dims[1]);
}

static void turned(const char *name, const struct piece *p)
{
    struct piece *w = add(want, &want_count, name, 2, p->dims[1], p->dims[0], 1, 1);
    for (uint64_t i = 0; i < p->dims[0]; i++)
        for (uint64_t j = 0; j < p->dims[1]; j++)
            w->values[j * p->dims[0] + i] = p->values[i * p->dims[1] + j];
}

static void pair(const char *from, const char *to, uint64_t out, uint64_t in)
{
    char a[160], b[160];
    snprintf(a, sizeof(a), "%s.weight", from);
    snprintf(b, sizeof(b), "%s.weight", to);
    same(b, draw(a, in ? 2 : 1, out, in ? in : 1, 1, 1));
    snprintf(a, sizeof(a), "%s.bias", from);
    snprintf(b, sizeof(b), "%s.bias", to);
    same(b, draw(a, 1, out, 1, 1, 1));
}

static void block(const char *from, const char *to)
{
    static const char *const letters[] = {"q", "k", "v"};
    char a[160], b[160];
#define PAIR(x, y, out, in)                                                                                            \
    (snprintf(a, sizeof(a), "%s.%s", from, x), snprintf(b, sizeof(b), "%s.%s", to, y), pair(a, b, out, in))
    PAIR("ln_1", "layer_norm1", WIDTH, 0);
    PAIR("ln_2", "layer_norm2", WIDTH, 0);
    PAIR("attn.out_proj", "self_attn.out_proj", WIDTH, WIDTH);
    PAIR("mlp.c_fc", "mlp.fc1", MLP, WIDTH);
    PAIR("mlp.c_proj", "mlp.fc2", WIDTH, MLP);
    snprintf(a, sizeof(a), "%s.attn.in_proj_weight", from);
    struct piece *w = draw(a, 2, 3 * WIDTH, WIDTH, 1, 1);
    snprintf(a, sizeof(a), "%s.attn.in_proj_bias", from);
    struct piece *bias = draw(a, 1, 3 * WIDTH, 1, 1, 1);
    for (uint64_t i = 0; i < 3; i++) {
        snprintf(b, sizeof(b), "%s.self_attn.%s_proj.weight", to, letters[i]);
        expect(b, w, i * WIDTH * WIDTH, 2, WIDTH, WIDTH);
        snprintf(b, sizeof(b), "%s.self_attn.%s_proj.bias", to, letters[i]);
        expect(b, bias, i * WIDTH, 1, WIDTH, 1);
    }
}

static void make_model(void)
{
    char a[160], b[160];
    same("vision_model.embeddings.patch_embedding.weight", draw("visual.conv1.weight", 4, WIDTH, 3, PATCH, PATCH));
    same("vision_model.embeddings.class_embedding", draw("visual.class_embedding", 1, WIDTH, 1, 1, 1));
    same("vision_model.embeddings.position_embedding.weight",
         draw("visual.positional_embedding", 2, TOKENS, WIDTH, 1, 1));
    pair("visual.ln_pre", "vision_model.pre_layrnorm", WIDTH, 0);
    pair("visual.ln_post", "vision_model.post_layernorm", WIDTH, 0);
    turned("visual_projection.weight", draw("visual.proj", 2, WIDTH, EMBED, 1, 1));
    same("text_model.embeddings.token_embedding.weight", draw("token_embedding.weight", 2, VOCAB, WIDTH, 1, 1));
    same("text_model.embeddings.position_embedding.weight", draw("positional_embedding", 2, CONTEXT, WIDTH, 1, 1));
    pair("ln_final", "text_model.final_layer_norm", WIDTH, 0);
    turned("text_projection.weight", draw("text_projection", 2, WIDTH, EMBED, 1, 1));
    same("logit_scale", draw("logit_scale", 0, 1, 1, 1, 1));
    for (int i = 0; i < LAYERS; i++) {
        snprintf(a, sizeof(a), "visual.transformer.resblocks.%d", i);
        snprintf(b, sizeof(b), "vision_model.encoder.layers.%d", i);
        block(a, b);
        snprintf(a, sizeof(a), "transformer.resblocks.%d", i);
        snprintf(b, sizeof(b), "text_model.encoder.layers.%d", i);
        block(a, b);
    }
}

/* ---- files ---- */

/* How a file is written: what stands before names, and which tensor is left out, added or changed. */
struct recipe {
    const char *prefix, *text, *without, *with, *misshapen;
    bool scalars;       /* OpenAI's input_resolution and so on */
    const char *second; /* a prefix: zeros in all the same shapes under it */
    bool emoclip;       /* temporal tensors and a second logit_scale */
    bool integers;      /* one tensor has a type that weights have not */
    enum io_dtype dtype;
};

static struct io_tensor_out outs[MOST];
static char names[MOST][200];
static uint16_t *halves[MOST];
static size_t outs_count;

static struct io_tensor_out *put_out(const char *prefix, const char *name, uint32_t rank, const uint64_t *dims,
                                     const void *data)
{
    struct io_tensor_out *o = &outs[outs_count];
    snprintf(names[outs_count], sizeof(names[0]), "%.39s%.160s", prefix, name);
    *o = (struct io_tensor_out){.name = names[outs_count++], .dtype = IO_F32, .rank = rank, .data = data};
    for (uint32_t i = 0; i < rank; i++)
        o->dims[i] = dims[i];
    return o;
}

static void put_half(struct io_tensor_out *o, const struct piece *p, enum io_dtype dtype)
{
    size_t at = (size_t)(o - outs);
    halves[at] = base_alloc(count_of(p), sizeof(uint16_t));
    for (uint64_t i = 0; i < count_of(p); i++)
        halves[at][i] = base_f16_of(p->values[i]);
    o->dtype = dtype;
    o->data = halves[at];
}

/* The temporal transformer of EmoCLIP: 1 layer, 8 heads of 3, mlp 5. */
static void put_temporal(const char *prefix)
{
    static float zeros[4096];
    for (size_t i = 0; i < BASE_COUNT(zeros); i++)
        zeros[i] = (float)i / 64;
#define TEMPORAL(name, ...)                                                                                            \
    put_out(prefix, "temporal." name, sizeof((uint64_t[]){__VA_ARGS__}) / 8, (uint64_t[]){__VA_ARGS__}, zeros)
#define LAYER "temporal_transformer.layers.0."
    TEMPORAL("cls_token", 1, 1, EMBED);
    TEMPORAL("pos_embedding", 1, FRAMES, EMBED);
    TEMPORAL(LAYER "0.fn.norm.weight", EMBED);
    TEMPORAL(LAYER "0.fn.norm.bias", EMBED);
    TEMPORAL(LAYER "0.fn.fn.to_qkv.weight", 3 * INNER, EMBED);
    TEMPORAL(LAYER "0.fn.fn.to_out.0.weight", EMBED, INNER);
    TEMPORAL(LAYER "0.fn.fn.to_out.0.bias", EMBED);
    TEMPORAL(LAYER "1.fn.norm.weight", EMBED);
    TEMPORAL(LAYER "1.fn.norm.bias", EMBED);
    TEMPORAL(LAYER "1.fn.fn.net.0.weight", 5, EMBED);
    TEMPORAL(LAYER "1.fn.fn.net.0.bias", 5);
    TEMPORAL(LAYER "1.fn.fn.net.3.weight", EMBED, 5);
    TEMPORAL(LAYER "1.fn.fn.net.3.bias", EMBED);
}

static void put_second(const char *prefix)
{
    static const float zeros[3 * WIDTH * MLP];
    for (size_t i = 0; i < source_count; i++)
        put_out(prefix, source[i].name, source[i].rank, source[i].dims, zeros);
}

static void put_pieces(const struct recipe *r)
{
    char name[200];
    for (size_t i = 0; i < source_count; i++) {
        const struct piece *p = &source[i];
        bool text = strncmp(p->name, "visual.", 7) != 0 && strcmp(p->name, "logit_scale") != 0;
        snprintf(name, sizeof(name), "%s%s", text && r->text ? r->text : "", p->name);
        if (r->without && strcmp(p->name, r->without) == 0)
            continue;
        struct io_tensor_out *o = put_out(r->prefix ? r->prefix : "", name, p->rank, p->dims, p->values);
        if (r->misshapen && strcmp(p->name, r->misshapen) == 0)
            o->dims[0]--;
        if (r->dtype == IO_F16)
            put_half(o, p, IO_F16);
        if (r->integers && strcmp(p->name, "text_projection") == 0)
            o->dtype = IO_I32;
    }
}

static const char *write_file(const char *file, const struct recipe *r)
{
    static const int64_t number = 12;
    static const float own_scale = 1.5f;
    const char *path = support_file(file), *prefix = r->prefix ? r->prefix : "";
    outs_count = 0;
    put_pieces(r);
    if (r->second)
        put_second(r->second);
    if (r->scalars)
        for (int i = 0; i < 3; i++)
            put_out(prefix, (const char *const[]){"input_resolution", "context_length", "vocab_size"}[i], 0, NULL,
                    &number)
                ->dtype = IO_I64;
    if (r->emoclip) {
        put_temporal("module.");
        put_out("module.", "logit_scale", 0, NULL, &own_scale);
    }
    if (r->with)
        put_out(prefix, r->with, 0, NULL, &own_scale);
    CHECK_EQ(io_safetensors_write(path, outs, outs_count, NULL, NULL, NULL), MIEN_OK);
    for (size_t i = 0; i < MOST; i++) {
        base_free(halves[i]);
        halves[i] = NULL;
    }
    return path;
}

static const char *target(void)
{
    const char *dir = support_file("out");
    CHECK_EQ(base_dir_remove(dir), MIEN_OK);
    CHECK_EQ(base_dir_create(dir), MIEN_OK);
    return dir;
}

/* Converts and opens the result; NULL on failure. */
static struct io_weights *convert(const char *path, const struct io_convert_wish *wish, struct io_clip_config *config)
{
    struct io_conversion *c = NULL;
    struct io_weights *w = NULL;
    support_last[0] = '\0';
    CHECK_EQ(io_conversion_open(path, wish, &c), MIEN_OK);
    if (c) {
        const char *dir = target();
        CHECK_EQ(io_conversion_write(c, dir, NULL, NULL), MIEN_OK);
        CHECK_EQ(io_clip_config_read(dir, config, NULL), MIEN_OK);
        CHECK_EQ(io_weights_open(dir, &w), MIEN_OK);
    }
    if (!w)
        fprintf(stderr, "%s: %s\n", path, support_last);
    io_conversion_close(&c);
    return w;
}

/* Every wanted tensor but those named is there, exactly; `count` tensors in all. */
static void check_wanted(const struct io_weights *w, size_t count, const char *but_a, const char *but_b)
{
    static float got[3 * WIDTH * MLP];
    CHECK_EQ(w ? io_weights_count(w) : 0, count);
    for (size_t i = 0; w && i < want_count; i++) {
        const struct piece *p = &want[i];
        const struct io_tensor *t = io_weights_find(w, p->name);
        if ((but_a && strcmp(p->name, but_a) == 0) || (but_b && strcmp(p->name, but_b) == 0))
            continue;
        if (!t)
            fprintf(stderr, "no tensor %s\n", p->name);
        CHECK(t && t->rank == p->rank && t->count == count_of(p) && t->count <= BASE_COUNT(got));
        if (!t || t->count > BASE_COUNT(got))
            continue;
        CHECK_EQ(io_tensor_read_f32(t, 0, t->count, got), MIEN_OK);
        CHECK(memcmp(got, p->values, t->count * sizeof(float)) == 0 && memcmp(t->dims, p->dims, 8 * t->rank) == 0);
    }
}

static void check_sizes(const struct io_clip_config *c, enum io_act act)
{
    CHECK_EQ(c->vision.tower.width, WIDTH);
    CHECK_EQ(c->vision.tower.layers, LAYERS);
    CHECK_EQ(c->vision.tower.heads, 1);
    CHECK_EQ(c->vision.tower.mlp, MLP);
    CHECK_EQ(c->vision.tower.act, act);
    CHECK_EQ(c->vision.patch, PATCH);
    CHECK_EQ(c->vision.image, IMAGE);
    CHECK_EQ(c->text.tower.width, WIDTH);
    CHECK_EQ(c->text.tower.act, act);
    CHECK_EQ(c->text.context, CONTEXT);
    CHECK_EQ(c->text.vocab, VOCAB);
    CHECK_EQ(c->text.eos, VOCAB - 1);
    CHECK_EQ(c->text.bos, VOCAB - 2);
    CHECK_EQ(c->embed, EMBED);
}

static void test_namings(void)
{
    struct io_convert_wish plain = {0};
    struct io_clip_config c;
    struct io_weights *w;
    int warnings = support_warnings;
    w = convert(write_file("a.safetensors", &(struct recipe){.scalars = true, .dtype = IO_F16}), &plain, &c);
    check_wanted(w, want_count, NULL, NULL);
    check_sizes(&c, IO_ACT_QUICK_GELU);
    io_weights_close(&w);
    CHECK_EQ(support_warnings, warnings);
    w = convert(write_file("b.safetensors", &(struct recipe){0}), &plain, &c);
    check_wanted(w, want_count, NULL, NULL);
    io_weights_close(&w);
    CHECK_EQ(support_warnings, warnings + 1); /* the activation is taken for OpenAI's, and said so */
    w = convert(write_file("c.safetensors", &(struct recipe){.prefix = "module._orig_mod.", .text = "text."}),
                &(struct io_convert_wish){.act = "gelu"}, &c);
    check_wanted(w, want_count, NULL, NULL);
    check_sizes(&c, IO_ACT_GELU);
    io_weights_close(&w);
    w = convert(write_file("d.safetensors", &(struct recipe){.prefix = "module.backbone.", .emoclip = true}), &plain,
                &c);
    check_wanted(w, want_count + 13, "logit_scale", NULL);
    check_sizes(&c, IO_ACT_QUICK_GELU);
    CHECK(c.temporal.layers == 1 && c.temporal.heads == 8 && c.temporal.head_dim == 3 && c.temporal.mlp == 5);
    CHECK_EQ(c.temporal.max_frames, FRAMES);
    float scale = 0;
    if (w)
        CHECK_EQ(io_tensor_read_f32(io_weights_find(w, "logit_scale"), 0, 1, &scale), MIEN_OK);
    CHECK(scale == 1.5f); /* its own, not its backbone's */
    io_weights_close(&w);
}

/* What a sigmoid loss adds is kept, in all namings. */
static void test_logit_bias(void)
{
    struct io_convert_wish gelu = {.act = "gelu"};
    struct io_clip_config c;
    float bias = 0;
    const char *path = write_file("g.safetensors", &(struct recipe){.prefix = "module.", .with = "logit_bias"});
    struct io_weights *w = convert(path, &gelu, &c);
    check_wanted(w, want_count + 1, NULL, NULL);
    CHECK(c.scalars == 1 && io_clip_scalar(&c, "logit_bias"));
    CHECK(w && io_tensor_read_f32(io_weights_find(w, "logit_bias"), 0, 1, &bias) == MIEN_OK && bias == 1.5f);
    io_weights_close(&w);
    CHECK_EQ(base_dir_remove(support_file("biased")), MIEN_OK);
    CHECK_EQ(base_rename(support_file("out"), support_file("biased")), MIEN_OK);
    w = convert(support_file("biased"), &gelu, &c);
    check_wanted(w, want_count + 1, NULL, NULL);
    io_weights_close(&w);
}

/* Of a checkpoint's two models: the trained one before its average, "state_dict" before others, and that is said; where
 * names do not tell, neither. */
static void test_two_models(void)
{
    static const char *const pairs[][2] = {{"state_dict.", "state_dict_ema."},
                                           {"state_dict.model.", "state_dict.ema_model.module."},
                                           {"model.", "model_ema."},
                                           {"", "ema."},
                                           {"state_dict.module.", "teacher."}};
    struct io_convert_wish gelu = {.act = "gelu"};
    struct io_conversion *conversion;
    struct io_clip_config c;
    for (size_t i = 0; i < BASE_COUNT(pairs); i++) {
        int warnings = support_warnings;
        struct io_weights *w = convert(
            write_file("two.safetensors", &(struct recipe){.prefix = pairs[i][0], .second = pairs[i][1]}), &gelu, &c);
        check_wanted(w, want_count, NULL, NULL);
        CHECK_EQ(support_warnings, warnings + 1);
        io_weights_close(&w);
    }
    const char *path = write_file("two.safetensors", &(struct recipe){.prefix = "student.", .second = "teacher."});
    CHECK_EQ(io_conversion_open(path, &gelu, &conversion), MIEN_ERR_DATA);
    CHECK_SAYS("two models: tensors student.visual.conv1.weight and teacher.visual.conv1.weight");
}

static void test_open_clip_config(void)
{
    struct io_convert_wish plain = {0};
    struct io_clip_config c;
    struct io_conversion *conversion;
    const char *json = support_file("open_clip_config.json");
    static const char good[] = "{\"model_cfg\":{\"embed_dim\":24,\"quick_gelu\":false,\"vision_cfg\":{\"head_width\":"
                               "32},\"text_cfg\":{\"heads\":4}},\"preprocess_cfg\":{\"mean\":[0.5,0.5,0.5],"
                               "\"interpolation\":\"bicubic\"}}";
    const char *path = write_file("e.safetensors", &(struct recipe){.prefix = "module."});
    CHECK_EQ(io_conversion_open(path, &plain, &conversion), MIEN_ERR_ARG);
    CHECK_SAYS("--act");
    CHECK_EQ(base_file_write(json, good, sizeof(good) - 1), MIEN_OK);
    struct io_weights *w = convert(path, &plain, &c);
    check_wanted(w, want_count, NULL, NULL);
    CHECK_EQ(c.vision.tower.act, IO_ACT_GELU);
    CHECK_EQ(c.vision.tower.heads, 2);
    CHECK_EQ(c.text.tower.heads, 4);
    io_weights_close(&w);
    struct io_preprocess p;
    CHECK_EQ(io_preprocess_read(support_file("out"), IMAGE, &p), MIEN_OK);
    CHECK(p.mean[1] == 0.5f && p.std[0] == 0.26862954f);
    static const char bad[] = "{\"model_cfg\":{\"vision_cfg\":{\"pool_type\":\"avg\"}}}";
    CHECK_EQ(base_file_write(json, bad, sizeof(bad) - 1), MIEN_OK);
    CHECK_EQ(io_conversion_open(path, &plain, &conversion), MIEN_ERR_DATA);
    CHECK_SAYS("pool_type");
    remove(json);
}

/* Other sizes, other types; Hugging Face's own directory as the source of the second step. */
static void test_wishes(void)
{
    static const char vision[] = "vision_model.embeddings.position_embedding.weight";
    static const char text[] = "text_model.embeddings.position_embedding.weight";
    const char *path = write_file("f.safetensors", &(struct recipe){.scalars = true});
    struct io_clip_config c;
    struct io_preprocess p;
    float *expected = base_alloc(1000 * WIDTH, sizeof(float)), *got = base_alloc(1000 * WIDTH, sizeof(float));
    struct io_weights *w = convert(path, &(struct io_convert_wish){.context = 36, .image = 20}, &c);
    check_wanted(w, want_count, vision, text);
    CHECK(c.text.context == 36 && c.vision.image == 20);
    CHECK_EQ(io_preprocess_read(support_file("out"), 20, &p), MIEN_OK);
    CHECK(p.crop == 20 && p.size == 20);
    if (w && expected && got) {
        for (size_t i = 0; i < want_count; i++) {
            const struct io_tensor *t = io_weights_find(w, want[i].name);
            if (strcmp(want[i].name, vision) == 0)
                CHECK_EQ(io_positions_grid(want[i].values, 3, 5, WIDTH, expected), MIEN_OK);
            else if (strcmp(want[i].name, text) == 0)
                io_positions_text(want[i].values, CONTEXT, 36, WIDTH, expected);
            else
                continue;
            CHECK_EQ(io_tensor_read_f32(t, 0, t->count, got), MIEN_OK);
            CHECK(memcmp(got, expected, t->count * sizeof(float)) == 0);
        }
    }
    io_weights_close(&w);
    CHECK_EQ(base_dir_remove(support_file("hf")), MIEN_OK);
    CHECK_EQ(base_rename(support_file("out"), support_file("hf")), MIEN_OK);
    w = convert(support_file("hf"), &(struct io_convert_wish){.dtype = IO_F16}, &c);
    check_wanted(w, want_count, vision, text); /* random halves: F16 holds them all */
    CHECK(c.text.context == 36 && c.vision.image == 20);
    CHECK(w && io_weights_find(w, "logit_scale")->dtype == IO_F16);
    io_weights_close(&w);
    w = convert(support_file("hf"), &(struct io_convert_wish){.dtype = IO_BF16}, &c);
    CHECK(w && io_weights_find(w, "logit_scale")->dtype == IO_BF16);
    io_weights_close(&w);
    base_free(expected);
    base_free(got);
}

static void refused(enum mien_status status, const struct recipe *r, const struct io_convert_wish *wish,
                    const char *says)
{
    struct io_conversion *c;
    support_last[0] = '\0';
    CHECK_EQ(io_conversion_open(write_file("bad.safetensors", r), wish, &c), status);
    CHECK(c == NULL);
    CHECK_SAYS(says);
    io_conversion_close(&c);
}

static void test_refusals(void)
{
    struct io_convert_wish plain = {0};
    struct io_conversion *c;
    refused(MIEN_ERR_DATA, &(struct recipe){.without = "visual.conv1.weight"}, &plain, "neither visual.conv1");
    refused(MIEN_ERR_DATA, &(struct recipe){.without = "ln_final.bias"}, &plain, "ln_final.bias is missing");
    refused(MIEN_ERR_DATA, &(struct recipe){.without = "text_projection"}, &plain, "text_projection is missing");
    refused(MIEN_ERR_DATA, &(struct recipe){.without = "logit_scale"}, &plain, "logit_scale is missing");
    refused(MIEN_ERR_DATA, &(struct recipe){.with = "logit_base"}, &plain, "logit_base is not part");
    refused(MIEN_ERR_DATA, &(struct recipe){.with = "visual.attnpool.positional_embedding"}, &plain, "ResNet");
    refused(MIEN_ERR_DATA, &(struct recipe){.misshapen = "visual.positional_embedding"}, &plain, "a square of patches");
    refused(MIEN_ERR_DATA, &(struct recipe){.misshapen = "ln_final.weight"}, &plain, "has shape [63]");
    refused(MIEN_ERR_DATA, &(struct recipe){.integers = true}, &plain, "I32");
    refused(MIEN_ERR_ARG, &(struct recipe){0}, &(struct io_convert_wish){.act = "relu"}, "relu");
    refused(MIEN_ERR_ARG, &(struct recipe){0}, &(struct io_convert_wish){.image = 14}, "take 12");
    refused(MIEN_ERR_ARG, &(struct recipe){0}, &(struct io_convert_wish){.context = 2}, "2 tokens");
    refused(MIEN_ERR_ARG, &(struct recipe){0}, &(struct io_convert_wish){.dtype = IO_I64}, "I64");
    refused(MIEN_ERR_ARG, &(struct recipe){.text = "text."}, &plain, "--act");
    CHECK_EQ(io_conversion_open(support_file("nowhere"), &plain, &c), MIEN_ERR_DATA);
    CHECK_EQ(io_conversion_open(MIEN_SOURCE_DIR "/tests/io/pt/array.pt", &plain, &c), MIEN_ERR_DATA);
    CHECK_SAYS(
        "array.pt: tensor visual.positional_embedding is missing: there is a numpy.core.multiarray._reconstruct");
}

/* PyTorch's interpolate. Both sides compute in double and round once; the weights' order of summing differs. */
static void test_positions(void)
{
    struct io_safetensors *file;
    static float in[300 * 3], out[700 * 3], wanted[700 * 3];
    int compared = 0;
    CHECK_EQ(io_safetensors_open(MIEN_SOURCE_DIR "/tests/io/positions.safetensors", &file), MIEN_OK);
    for (size_t i = 0; file && i < io_safetensors_count(file); i++) {
        const struct io_tensor *t = io_safetensors_at(file, i);
        char from_name[32];
        unsigned from, to;
        bool grid = sscanf(t->name, "grid.%u.%u", &from, &to) == 2;
        if (!grid && sscanf(t->name, "text.%u.%u", &from, &to) != 2)
            continue;
        snprintf(from_name, sizeof(from_name), "%s.%u", grid ? "grid" : "text", from);
        const struct io_tensor *source_rows = io_safetensors_find(file, from_name);
        CHECK(source_rows && t->count <= BASE_COUNT(wanted) && source_rows->count <= BASE_COUNT(in));
        CHECK_EQ(io_tensor_read_f32(source_rows, 0, source_rows->count, in), MIEN_OK);
        CHECK_EQ(io_tensor_read_f32(t, 0, t->count, wanted), MIEN_OK);
        if (grid)
            CHECK_EQ(io_positions_grid(in, from, to, 3, out), MIEN_OK);
        else
            io_positions_text(in, from, to, 3, out);
        double most = 0;
        for (uint64_t j = 0; j < t->count; j++)
            most = check_larger(most, fabs((double)out[j] - (double)wanted[j]));
        CHECK_NEAR(most, 0, 1e-6); /* values up to 4: two units in the last place */
        compared++;
    }
    CHECK_EQ(compared, 11);
    io_safetensors_close(&file);
}

int main(void)
{
    support_capture();
    make_model();
    test_positions();
    test_namings();
    test_logit_bias();
    test_two_models();
    test_open_clip_config();
    test_wishes();
    test_refusals();
    for (size_t i = 0; i < MOST; i++) {
        base_free(source[i].values);
        base_free(want[i].values);
    }
    support_clean();
    return check_result();
}
