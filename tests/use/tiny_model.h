/* tiny_model.h: an untrained model directory beside the tiny data set, for tests of what uses a model. */
#ifndef TESTS_EVAL_TINY_MODEL_H
#define TESTS_EVAL_TINY_MODEL_H

#include "data/tokenizer.h"
#include "mien/model.h"
#include "nn/nn.h"
#include "train/tiny.h"

static struct mien_gpu *gpu;
static struct mien_model *model;

static const char *const labels[] = {"anger", "joy", "sorrow"};

/* A model directory with random weights that are larger than at a start from scratch, so that its answers differ. */
static inline bool tiny_model_make(struct mien_gpu *on)
{
    const char *const corpus[] = {"a face of anger and joy", "a face of sorrow and joy and anger", "face face sorrow"};
    enum mien_status status = MIEN_OK;
    struct data_tokenizer *tokenizer = NULL;
    struct nn_model *nn = NULL;
    struct io_clip_config c;
    struct io_preprocess preprocess;
    io_clip_config_default(&c);
    c.vision.tower = c.text.tower = (struct io_tower_config){12, 24, 1, 2, IO_ACT_GELU, 1e-5};
    c.vision.image = TINY_SIDE;
    c.vision.patch = 4;
    c.text.context = 24;
    c.embed = 10;
    io_preprocess_default(TINY_SIDE, &preprocess);
    TRY(base_dir_create(tiny_path("model")));
    TRY(data_bpe_train(corpus, 3, 540, &tokenizer));
    c.text.vocab = data_tokenizer_vocab(tokenizer);
    c.text.bos = (uint32_t)data_tokenizer_bos(tokenizer);
    c.text.eos = c.text.pad = (uint32_t)data_tokenizer_eos(tokenizer);
    TRY(nn_model_create(vk_gpu_device(on), &c, MIEN_F32, &nn));
    TRY(nn_model_init(nn, 11));
    TRY(nn_model_save_weights(nn, tiny_path("model/model.safetensors")));
    TRY(io_clip_config_write(tiny_path("model"), &c, NULL));
    TRY(io_preprocess_write(tiny_path("model"), &preprocess));
    TRY(data_tokenizer_save(tokenizer, tiny_path("model"), c.text.context));
fail:
    data_tokenizer_destroy(&tokenizer);
    nn_model_destroy(&nn);
    return status == MIEN_OK;
}

#endif
