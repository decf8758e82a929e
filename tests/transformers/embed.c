/* roundtrip_embed DIR INPUT TEXTS OUTPUT: what Mien makes of a model directory, for roundtrip.py to compare.
 * INPUT: pixels [B,3,R,R], normalised, F32; TEXTS: one a line. OUTPUT: image_embeds [B,E], text_embeds [N,E], not of
 * unit length, and ids [N,context], -1 behind the end. Exit status 77 without a Vulkan device. */
#include "data/tokenizer.h"
#include "io/safetensors.h"
#include "nn/encoder.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_TEXTS = 64 };

struct work {
    struct vk_instance *instance;
    struct vk_device *device;
    struct nn_model *model;
    struct nn_encoder *encoder;
    struct data_tokenizer *tokenizer;
    struct io_safetensors *input;
    struct data_ids ids[MOST_TEXTS];
    struct nn_text texts[MOST_TEXTS];
    uint32_t text_count;
    int32_t *rows;
    float *pixels, *images, *sentences;
};

static enum mien_status open_device(struct work *w)
{
    enum mien_status status = MIEN_OK;
    uint32_t index;
    TRY(vk_instance_create(NULL, &w->instance));
    TRY(vk_instance_choose(w->instance, NULL, &index));
    TRY(vk_device_create(w->instance, index, NULL, &w->device));
fail:
    return status;
}

static enum mien_status read_texts(struct work *w, const char *path)
{
    enum mien_status status = MIEN_OK;
    char *text = NULL;
    size_t size;
    uint32_t context = w->model->config.text.context;
    TRY(base_file_read(path, 0, &text, &size));
    for (char *line = text, *end; (end = strchr(line, '\n')) && w->text_count < MOST_TEXTS; line = end + 1) {
        struct data_ids *ids = &w->ids[w->text_count];
        *end = '\0';
        TRY(data_tokenizer_encode_row(w->tokenizer, line, context, ids, NULL));
        w->texts[w->text_count++] = (struct nn_text){ids->ids, (uint32_t)ids->count};
    }
fail:
    base_free(text);
    return status;
}

static enum mien_status compute(struct work *w, uint32_t batch)
{
    enum mien_status status = MIEN_OK;
    const struct io_tensor *pixels = io_safetensors_find(w->input, "pixels");
    uint32_t width = w->model->config.embed, context = w->model->config.text.context;
    w->pixels = base_alloc(pixels->count, sizeof(float));
    w->images = base_alloc((size_t)batch * width, sizeof(float));
    w->sentences = base_alloc((size_t)w->text_count * width, sizeof(float));
    w->rows = base_alloc((size_t)w->text_count * context, sizeof(int32_t));
    FAIL_IF(!w->pixels || !w->images || !w->sentences || !w->rows, MIEN_ERR_NOMEM, "out of host memory");
    TRY(io_tensor_read_f32(pixels, 0, pixels->count, w->pixels));
    TRY(nn_encode_images(w->encoder, w->pixels, batch, w->images));
    TRY(nn_encode_texts(w->encoder, w->texts, w->text_count, w->sentences));
    for (uint32_t i = 0; i < w->text_count; i++)
        for (uint32_t j = 0; j < context; j++)
            w->rows[i * context + j] = j < w->texts[i].length ? w->texts[i].ids[j] : -1;
fail:
    return status;
}

static enum mien_status run(struct work *w, char **argv)
{
    enum mien_status status = MIEN_OK;
    TRY(nn_model_load(w->device, argv[1], NULL, &w->model));
    TRY(nn_encoder_create(w->model, &w->encoder));
    TRY(data_tokenizer_load(argv[1], &w->tokenizer));
    TRY(io_safetensors_open(argv[2], &w->input));
    TRY(read_texts(w, argv[3]));
    const struct io_tensor *pixels = io_safetensors_find(w->input, "pixels");
    FAIL_IF(!pixels || pixels->rank != 4, MIEN_ERR_DATA, "%s: pixels [B,3,R,R] are needed", argv[2]);
    uint64_t batch = pixels->dims[0], width = w->model->config.embed, context = w->model->config.text.context;
    TRY(compute(w, (uint32_t)batch));
    struct io_tensor_out out[] = {{"image_embeds", IO_F32, 2, {batch, width}, w->images},
                                  {"text_embeds", IO_F32, 2, {w->text_count, width}, w->sentences},
                                  {"ids", IO_I32, 2, {w->text_count, context}, w->rows}};
    TRY(io_safetensors_write(argv[4], out, BASE_COUNT(out), NULL, NULL, NULL));
fail:
    return status;
}

int main(int argc, char **argv)
{
    static struct work w;
    if (argc != 5) {
        fprintf(stderr, "roundtrip_embed DIR INPUT TEXTS OUTPUT\n");
        return 2;
    }
    int result = open_device(&w) == MIEN_OK ? mien_status_exit_code(run(&w, argv)) : 77;
    for (uint32_t i = 0; i < w.text_count; i++)
        base_free(w.ids[i].ids);
    base_free(w.pixels);
    base_free(w.images);
    base_free(w.sentences);
    base_free(w.rows);
    io_safetensors_close(&w.input);
    data_tokenizer_destroy(&w.tokenizer);
    nn_encoder_destroy(&w.encoder);
    nn_model_destroy(&w.model);
    vk_device_destroy(&w.device);
    vk_instance_destroy(&w.instance);
    return result;
}
