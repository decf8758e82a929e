/* encoder.c: forward programs of the two towers, kept by shape. */
#include "nn/encoder.h"
#include "nn/internal.h"

enum { MOST_PROGRAMS = 16, LARGEST_BATCH = 32 };

/* One compiled tower. length 0 = the image tower. */
struct entry {
    uint32_t batch, length;
    uint64_t used; /* the call that used it last */
    struct graph_program *program;
    op_value in, eot, out;
};

struct nn_encoder {
    struct nn_model *model;
    struct entry entries[MOST_PROGRAMS];
    uint32_t count;
    uint64_t calls;
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

static enum mien_status compile(struct nn_encoder *encoder, struct entry *entry)
{
    enum mien_status status = MIEN_OK;
    const struct io_clip_config *c = &encoder->model->config;
    struct graph *graph = NULL;
    struct nn_scope scope = {0};
    char label[64];
    snprintf(label, sizeof(label), entry->length ? "text [%u,%u]" : "images [%u]", entry->batch, entry->length);
    TRY(graph_create(&graph));
    TRY(nn_scope_open(&scope, graph, encoder->model, false));
    if (entry->length) {
        entry->in = graph_input(graph, "ids", SHAPE_I32(entry->batch, entry->length));
        entry->eot = graph_input(graph, "eot", SHAPE_I32(entry->batch));
        entry->out = nn_text_tower(&scope, entry->in, entry->eot);
    } else {
        entry->in = graph_input(graph, "pixels", SHAPE_F32(entry->batch, 3, c->vision.image, c->vision.image));
        entry->out = nn_image_tower(&scope, entry->in);
    }
    graph_output(graph, entry->out);
    TRY(graph_compile(graph, encoder->model->device, &(struct graph_compile_params){.label = label}, &entry->program));
fail:
    nn_scope_close(&scope);
    graph_destroy(&graph);
    return status;
}

/* The program of a shape, compiled when it is new; the least recently used one gives way when there are too many. */
static enum mien_status get(struct nn_encoder *encoder, uint32_t batch, uint32_t length, struct entry **out)
{
    struct entry *entry = NULL, *oldest = &encoder->entries[0];
    *out = NULL;
    encoder->calls++;
    for (uint32_t i = 0; i < encoder->count; i++) {
        entry = &encoder->entries[i];
        if (entry->batch == batch && entry->length == length) {
            entry->used = encoder->calls;
            *out = entry;
            return MIEN_OK;
        }
        if (entry->used < oldest->used)
            oldest = entry;
    }
    if (encoder->count < MOST_PROGRAMS) {
        entry = &encoder->entries[encoder->count];
    } else { /* the last one moves into the hole */
        graph_program_destroy(&oldest->program);
        *oldest = encoder->entries[--encoder->count];
        entry = &encoder->entries[encoder->count];
    }
    *entry = (struct entry){.batch = batch, .length = length, .used = encoder->calls};
    enum mien_status status = compile(encoder, entry);
    if (status != MIEN_OK)
        return status;
    encoder->count++;
    *out = entry;
    return MIEN_OK;
}

/* Batch sizes are powers of two, so that few programs serve all counts. */
static uint32_t batch_for(uint32_t count)
{
    uint32_t batch = 1;
    while (batch < count && batch < LARGEST_BATCH)
        batch *= 2;
    return batch;
}

/* Runs slot 0 and copies the first `count` rows. */
static enum mien_status finish(struct nn_encoder *encoder, struct entry *entry, uint32_t count, float *out)
{
    enum mien_status status = graph_program_run(entry->program);
    if (status == MIEN_OK)
        memcpy(out, graph_program_output(entry->program, 0, entry->out),
               (size_t)count * encoder->model->config.embed * sizeof(*out));
    return status;
}

enum mien_status nn_encode_images(struct nn_encoder *encoder, const float *pixels, uint32_t count, float *out)
{
    enum mien_status status = MIEN_OK;
    const struct io_clip_config *c = &encoder->model->config;
    size_t image = (size_t)3 * c->vision.image * c->vision.image;
    for (uint32_t first = 0, n; first < count; first += n) {
        struct entry *entry;
        n = BASE_MIN(count - first, (uint32_t)LARGEST_BATCH);
        TRY(get(encoder, batch_for(n), 0, &entry));
        float *in = graph_program_input(entry->program, 0, entry->in);
        memcpy(in, pixels + first * image, n * image * sizeof(*in));
        memset(in + n * image, 0, (entry->batch - n) * image * sizeof(*in));
        TRY(finish(encoder, entry, n, out + (size_t)first * c->embed));
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
        n = BASE_MIN(count - first, (uint32_t)LARGEST_BATCH);
        for (uint32_t i = 0; i < n; i++) {
            uint32_t length = texts[first + i].length;
            FAIL_IF(length == 0 || length > c->text.context, MIEN_ERR_ARG,
                    "a text of %u tokens cannot be encoded: the model takes 1 to %u", length, c->text.context);
            longest = BASE_MAX(longest, length);
        }
        TRY(get(encoder, batch_for(n), nn_text_length(c, longest), &entry));
        int32_t *ids = graph_program_input(entry->program, 0, entry->in);
        int32_t *eot = graph_program_input(entry->program, 0, entry->eot);
        for (uint32_t b = 0; b < entry->batch; b++) { /* a batch that is not full repeats its first text */
            int32_t *row = ids + (size_t)b * entry->length;
            const struct nn_text *text = &texts[first + (b < n ? b : 0)];
            TRY(put_text(c, text, row, entry->length));
            eot[b] = (int32_t)nn_eot_position(c, row, text->length);
        }
        TRY(finish(encoder, entry, n, out + (size_t)first * c->embed));
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
