/* encoder.c: forward programs of the towers, kept by shape. */
#include "nn/encoder.h"
#include "nn/internal.h"

/* A batch is as large as what is left to do, up to the largest: rows computed in vain would take longer than recording
 * one more program, whose kernels are mostly those of other sizes. MOST_ROWS bounds the memory of programs that differ
 * in their batch alone. */
enum { MOST_PROGRAMS = 16, LARGEST_BATCH = 32, MOST_ROWS = 2 * LARGEST_BATCH, MOST_EXPECTED = 2 };

enum kind { IMAGES, TEXTS, CLIPS };

/* One compiled tower. */
struct entry {
    enum kind kind;
    uint32_t batch, length; /* tokens of a text, frames of a clip */
    uint64_t used;          /* the call that used it last */
    struct graph_program *program;
    op_value in, eot, out;
};

/* Programs keep memory of their own: graph_cache's shared slab grows in the order in which shapes come, beside the one
 * it replaces, and nn_encoder_plan promises the peak to the byte for any order. */
struct nn_encoder {
    struct nn_model *model;
    struct entry entries[MOST_PROGRAMS];
    uint32_t count;
    uint64_t calls, rows;
    struct entry expected[MOST_EXPECTED]; /* begun with the next program that is compiled */
    uint32_t expected_count;
};

enum mien_status nn_encoder_create(struct nn_model *model, struct nn_encoder **out)
{
    *out = base_alloc(1, sizeof(**out));
    if (!*out)
        return base_fail(MIEN_ERR_NOMEM, "out of host memory for an encoder");
    (*out)->model = model;
    return MIEN_OK;
}

void nn_encoder_destroy(struct nn_encoder **encoder)
{
    if (!encoder || !*encoder)
        return;
    for (uint32_t i = 0; i < (*encoder)->count; i++)
        graph_program_destroy(&(*encoder)->entries[i].program);
    base_free(*encoder);
    *encoder = NULL;
}

uint64_t nn_encoder_rows(const struct nn_encoder *encoder)
{
    return encoder->rows;
}

static void record(struct nn_scope *scope, struct graph *graph, struct entry *entry)
{
    const struct io_clip_config *c = &scope->model->config;
    scope->same_order = true; /* what a picture gives does not depend on those beside it */
    if (entry->kind == TEXTS) {
        entry->in = graph_input(graph, "ids", SHAPE_I32(entry->batch, entry->length));
        entry->eot = graph_input(graph, "eot", SHAPE_I32(entry->batch));
        entry->out = nn_text_tower(scope, entry->in, entry->eot);
    } else if (entry->kind == CLIPS) {
        entry->in = graph_input(graph, "frames", SHAPE_F32(entry->batch, entry->length, c->embed));
        entry->out = nn_temporal_tower(scope, entry->in);
    } else {
        entry->in = graph_input(graph, "pixels", SHAPE_F32(entry->batch, 3, c->vision.image, c->vision.image));
        entry->out = nn_image_tower(scope, entry->in);
    }
    graph_output(graph, entry->out);
}

static bool is_like(const struct entry *a, const struct entry *b)
{
    return a->kind == b->kind && a->length == b->length;
}

static struct entry *find(struct nn_encoder *encoder, const struct entry *want)
{
    for (struct entry *entry = encoder->entries; entry < encoder->entries + encoder->count; entry++) {
        if (is_like(entry, want) && entry->batch == want->batch)
            return entry;
    }
    return NULL;
}

/* A tower's graph. */
struct recorded {
    struct graph *graph;
    struct nn_scope scope;
};

static enum mien_status open_graph(struct nn_encoder *encoder, struct entry *entry, struct recorded *out)
{
    enum mien_status status = MIEN_OK;
    TRY(graph_create(&out->graph));
    TRY(nn_scope_open(&out->scope, out->graph, encoder->model, false));
    record(&out->scope, out->graph, entry);
fail:
    return status;
}

static enum mien_status compile(struct nn_encoder *encoder, struct entry *entry)
{
    static const char *const names[] = {"images", "texts", "clips"};
    enum mien_status status = MIEN_OK;
    struct recorded graphs[1 + MOST_EXPECTED] = {{0}};
    struct graph *ahead[MOST_EXPECTED];
    struct graph_compile_params params = {.ahead = ahead};
    uint32_t count = 0;
    char label[64];
    snprintf(label, sizeof(label), entry->length ? "%s [%u,%u]" : "%s [%u]", names[entry->kind], entry->batch,
             entry->length);
    params.label = label;
    TRY(open_graph(encoder, entry, &graphs[count++]));
    for (struct entry *e = encoder->expected; e < encoder->expected + encoder->expected_count; e++) {
        if (find(encoder, e) || (is_like(e, entry) && e->batch == entry->batch))
            continue;
        TRY(open_graph(encoder, e, &graphs[count++]));
        ahead[params.ahead_count++] = graphs[count - 1].graph;
    }
    TRY(graph_compile(graphs[0].graph, encoder->model->device, &params, &entry->program));
fail:
    encoder->expected_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        nn_scope_close(&graphs[i].scope);
        graph_destroy(&graphs[i].graph);
    }
    return status;
}

static uint32_t rows_like(const struct nn_encoder *encoder, const struct entry *want)
{
    uint32_t rows = 0;
    for (uint32_t i = 0; i < encoder->count; i++)
        rows += is_like(&encoder->entries[i], want) ? encoder->entries[i].batch : 0;
    return rows;
}

/* Ends the least recently used program of those like `want`, or of all; the last one moves into the hole. */
static void end_oldest(struct nn_encoder *encoder, const struct entry *want)
{
    struct entry *oldest = NULL;
    for (struct entry *entry = encoder->entries; entry < encoder->entries + encoder->count; entry++) {
        if ((!want || is_like(entry, want)) && (!oldest || entry->used < oldest->used))
            oldest = entry;
    }
    graph_program_destroy(&oldest->program);
    *oldest = encoder->entries[--encoder->count];
}

/* The program of a shape, compiled when it is new. */
static enum mien_status get(struct nn_encoder *encoder, enum kind kind, uint32_t batch, uint32_t length,
                            struct entry **out)
{
    const struct entry want = {.kind = kind, .batch = batch, .length = length, .used = ++encoder->calls};
    struct entry *entry = find(encoder, &want);
    *out = entry;
    if (entry) {
        entry->used = want.used;
        return MIEN_OK;
    }
    while (rows_like(encoder, &want) + batch > MOST_ROWS)
        end_oldest(encoder, &want);
    if (encoder->count == MOST_PROGRAMS)
        end_oldest(encoder, NULL);
    entry = &encoder->entries[encoder->count];
    *entry = want;
    enum mien_status status = compile(encoder, entry);
    if (status != MIEN_OK)
        return status;
    encoder->count++;
    *out = entry;
    return MIEN_OK;
}

static uint32_t batch_for(uint32_t count)
{
    return BASE_MIN(count, (uint32_t)LARGEST_BATCH);
}

void nn_encoder_expect_images(struct nn_encoder *encoder, uint64_t count)
{
    const uint32_t batches[MOST_EXPECTED] = {count < LARGEST_BATCH ? 0 : LARGEST_BATCH,
                                             (uint32_t)(count % LARGEST_BATCH)};
    encoder->expected_count = 0;
    for (uint32_t i = 0; i < MOST_EXPECTED; i++) {
        if (batches[i])
            encoder->expected[encoder->expected_count++] = (struct entry){.kind = IMAGES, .batch = batches[i]};
    }
}

/* ---- plans ---- */

static enum mien_status plan(const struct nn_model *model, const struct vk_caps *caps, struct entry *entry,
                             struct graph_program_stats *stats)
{
    enum mien_status status = MIEN_OK;
    struct graph *graph = NULL;
    struct nn_scope scope = {0};
    TRY(graph_create(&graph));
    TRY(nn_scope_open(&scope, graph, model, false));
    record(&scope, graph, entry);
    TRY(graph_plan(graph, caps, NULL, stats));
fail:
    nn_scope_close(&scope);
    graph_destroy(&graph);
    return status;
}

/* The weights on the device, and what carries them there. */
static void plan_weights(const struct nn_model *model, const struct vk_caps *caps, struct nn_memory *out)
{
    uint64_t largest = 0;
    for (uint32_t i = 0; i < model->stack_count; i++)
        out->parameters += base_round_up(tensor_shape_bytes(&model->stacks[i].value.shape), caps->align);
    for (uint32_t i = 0; i < model->count; i++)
        largest = BASE_MAX(largest, tensor_shape_bytes(&model->params[i].value.shape));
    out->device += out->parameters;
    out->host += vk_staging_bytes(caps, largest);
}

enum mien_status nn_encoder_plan(const struct io_clip_config *config, enum mien_dtype precision,
                                 const struct vk_caps *caps, uint32_t images, uint32_t texts, uint32_t length,
                                 struct nn_memory *out)
{
    enum mien_status status = MIEN_OK;
    struct nn_model model = {.config = *config, .precision = precision};
    struct graph_program_stats stats[2] = {{0}};
    *out = (struct nn_memory){0};
    TRY(nn_precision_check(precision));
    TRY(io_clip_config_check(config, "model configuration"));
    TRY(nn_params_list(&model));
    FAIL_IF(texts && (length == 0 || length > config->text.context), MIEN_ERR_ARG,
            "a plan for texts of %u tokens: the model takes 1 to %u", length, config->text.context);
    plan_weights(&model, caps, out);
    if (images)
        TRY(plan(&model, caps, &(struct entry){.kind = IMAGES, .batch = batch_for(images)}, &stats[IMAGES]));
    if (texts)
        TRY(plan(&model, caps,
                 &(struct entry){.kind = TEXTS, .batch = batch_for(texts), .length = nn_text_length(config, length)},
                 &stats[TEXTS]));
    out->images = stats[IMAGES].device_bytes;
    out->texts = stats[TEXTS].device_bytes;
    out->image_flops = stats[IMAGES].flops;
    out->text_flops = stats[TEXTS].flops;
    out->device += out->images + out->texts;
    out->host += stats[IMAGES].host_bytes + stats[TEXTS].host_bytes;
fail:
    base_free(model.params);
    base_free(model.stacks);
    base_free(model.order);
    base_arena_clear(&model.arena);
    return status;
}

/* Runs slot 0 and copies its rows. */
static enum mien_status finish(struct nn_encoder *encoder, struct entry *entry, float *out)
{
    enum mien_status status = graph_program_run(entry->program);
    encoder->rows += entry->batch;
    if (status == MIEN_OK)
        memcpy(out, graph_program_output(entry->program, 0, entry->out),
               (size_t)entry->batch * encoder->model->config.embed * sizeof(*out));
    return status;
}

enum mien_status nn_encode_images(struct nn_encoder *encoder, const float *pixels, uint32_t count, float *out)
{
    enum mien_status status = MIEN_OK;
    const struct io_clip_config *c = &encoder->model->config;
    size_t image = (size_t)3 * c->vision.image * c->vision.image;
    for (uint32_t first = 0, n; first < count; first += n) {
        struct entry *entry;
        n = batch_for(count - first);
        TRY(get(encoder, IMAGES, n, 0, &entry));
        float *in = graph_program_input(entry->program, 0, entry->in);
        memcpy(in, pixels + first * image, n * image * sizeof(*in));
        TRY(finish(encoder, entry, out + (size_t)first * c->embed));
    }
fail:
    return status;
}

/* Writes a text into a row of `length` ids, padded. */
static enum mien_status put_text(const struct io_clip_config *c, const struct nn_text *text, int32_t *row,
                                 uint32_t length)
{
    for (uint32_t i = 0; i < length; i++) {
        row[i] = i < text->length ? text->ids[i] : (int32_t)c->text.pad;
        if (row[i] < 0 || (uint32_t)row[i] >= c->text.vocab)
            return base_fail(MIEN_ERR_ARG,
                             "token id %d is outside the vocabulary of %u; does the tokenizer belong to "
                             "this model?",
                             row[i], c->text.vocab);
    }
    return MIEN_OK;
}

enum mien_status nn_encode_texts(struct nn_encoder *encoder, const struct nn_text *texts, uint32_t count, float *out)
{
    enum mien_status status = MIEN_OK;
    const struct io_clip_config *c = &encoder->model->config;
    for (uint32_t first = 0, n; first < count; first += n) {
        struct entry *entry;
        uint32_t longest = 1;
        n = batch_for(count - first);
        for (uint32_t i = 0; i < n; i++) {
            uint32_t length = texts[first + i].length;
            FAIL_IF(length == 0 || length > c->text.context, MIEN_ERR_ARG,
                    "a text of %u tokens cannot be encoded: the model takes 1 to %u", length, c->text.context);
            longest = BASE_MAX(longest, length);
        }
        TRY(get(encoder, TEXTS, n, nn_text_length(c, longest), &entry));
        int32_t *ids = graph_program_input(entry->program, 0, entry->in);
        int32_t *eot = graph_program_input(entry->program, 0, entry->eot);
        for (uint32_t b = 0; b < n; b++) {
            int32_t *row = ids + (size_t)b * entry->length;
            TRY(put_text(c, &texts[first + b], row, entry->length));
            eot[b] = (int32_t)nn_eot_position(c, row, texts[first + b].length);
        }
        TRY(finish(encoder, entry, out + (size_t)first * c->embed));
    }
fail:
    return status;
}

/* frames [length,E] -> their mean [E] */
static void mean_frame(const float *frames, uint32_t length, uint32_t embed, float *out)
{
    for (uint32_t i = 0; i < embed; i++) {
        double sum = 0;
        for (uint32_t t = 0; t < length; t++)
            sum += frames[(size_t)t * embed + i];
        out[i] = (float)(sum / length);
    }
}

enum mien_status nn_encode_clips(struct nn_encoder *encoder, const float *frames, uint32_t count, uint32_t length,
                                 float *out)
{
    enum mien_status status = MIEN_OK;
    const struct io_clip_config *c = &encoder->model->config;
    size_t clip = (size_t)length * c->embed;
    FAIL_IF(length == 0, MIEN_ERR_ARG, "a clip of no frames has no embedding");
    FAIL_IF(c->temporal.layers && length >= c->temporal.max_frames, MIEN_ERR_ARG,
            "a clip of %u frames cannot be encoded: the model takes 1 to %u; choose fewer of its frames", length,
            c->temporal.max_frames - 1);
    if (!c->temporal.layers) {
        for (uint32_t i = 0; i < count; i++)
            mean_frame(frames + i * clip, length, c->embed, out + (size_t)i * c->embed);
        return MIEN_OK;
    }
    for (uint32_t first = 0, n; first < count; first += n) {
        struct entry *entry;
        n = batch_for(count - first);
        TRY(get(encoder, CLIPS, n, length, &entry));
        float *in = graph_program_input(entry->program, 0, entry->in);
        memcpy(in, frames + first * clip, n * clip * sizeof(*in));
        TRY(finish(encoder, entry, out + (size_t)first * c->embed));
    }
fail:
    return status;
}

void nn_normalise_rows(float *rows, uint32_t count, uint32_t width)
{
    for (uint32_t r = 0; r < count; r++, rows += width) {
        double sum = 0;
        for (uint32_t i = 0; i < width; i++)
            sum += (double)rows[i] * rows[i];
        double scale = 1 / fmax(sqrt(sum), 1e-12);
        for (uint32_t i = 0; i < width; i++)
            rows[i] = (float)(rows[i] * scale);
    }
}
