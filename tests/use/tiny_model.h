/* tiny_model.h: an untrained model directory beside the tiny data set, for tests of what uses a model. */
#ifndef TESTS_EVAL_TINY_MODEL_H
#define TESTS_EVAL_TINY_MODEL_H

#include "mien/model.h"
#include "train/tiny.h"
#include "use/parts.h"

static struct mien_gpu *gpu;
static struct mien_model *model;

static const char *const labels[] = {"anger", "joy", "sorrow"};

/* A model directory with random weights that are larger than at a start from scratch, so that its answers differ; with
 * a head where that is not NULL. */
static inline bool tiny_model_make_headed(struct mien_gpu *on, const char *name, const struct io_head_config *head)
{
    const char *const corpus[] = {"a face of anger and joy", "a face of sorrow and joy and anger", "face face sorrow"};
    enum mien_status status = MIEN_OK;
    struct use_parts parts = {0};
    struct io_clip_config c;
    io_clip_config_default(&c);
    c.vision.tower = c.text.tower = (struct io_tower_config){12, 24, 1, 2, IO_ACT_GELU, 1e-5};
    c.vision.image = TINY_SIDE;
    c.vision.patch = 4;
    c.text.context = 24;
    c.embed = 10;
    if (head)
        c.head = *head;
    io_preprocess_default(TINY_SIDE, &parts.preprocess);
    TRY(base_dir_create(tiny_path(name)));
    TRY(data_bpe_train(corpus, 3, 540, &parts.tokenizer));
    c.text.vocab = data_tokenizer_vocab(parts.tokenizer);
    c.text.bos = (uint32_t)data_tokenizer_bos(parts.tokenizer);
    c.text.eos = c.text.pad = (uint32_t)data_tokenizer_eos(parts.tokenizer);
    TRY(nn_model_create(vk_gpu_device(on), &c, MIEN_F32, &parts.nn));
    TRY(nn_model_init(parts.nn, 11));
    TRY(use_parts_write(&parts, NULL, tiny_path(name)));
fail:
    use_parts_clear(&parts);
    return status == MIEN_OK;
}

static inline bool tiny_model_make(struct mien_gpu *on)
{
    return tiny_model_make_headed(on, "model", NULL);
}

#endif
