/* raw.h: the tiny model's raw embeddings of the tiny pictures, and manifests over them. */
#ifndef TESTS_EVAL_RAW_H
#define TESTS_EVAL_RAW_H

#include "base/base.h"

#include "base/capture.h"
#include "use/look.h"
#include "use/tiny_model.h"
#include "eval/look.h"
#include "mien/eval.h"

enum { RAW_WIDTH = 10 };
static float raw[TINY_IMAGES][RAW_WIDTH];

/* The rest of a manifest's row about picture i, "" = no row. */
typedef const char *(*raw_row_fn)(int i, char *buffer, size_t size);

static inline bool raw_manifest(const char *name, raw_row_fn row)
{
    struct base_text text = {0};
    for (int i = 0; i < TINY_IMAGES; i++) {
        char buffer[256];
        const char *rest = row(i, buffer, sizeof(buffer));
        if (rest[0])
            base_text_print(&text, "{\"image\":\"%d.png\",%s}\n", i, rest);
    }
    bool ok = text.status == MIEN_OK && tiny_write(name, text.data, text.size);
    base_text_clear(&text);
    return ok;
}

/* The model in `model`, the embeddings in `raw`; false, with what failed captured, when that cannot be. */
static inline bool raw_begin(void)
{
    capture_start();
    if (mien_gpu_create(NULL, &gpu) != MIEN_OK || !tiny_make() || !tiny_model_make(gpu) ||
        mien_model_open(gpu, tiny_path("model"), NULL, &model) != MIEN_OK)
        return false;
    for (int i = 0; i < TINY_IMAGES; i++) {
        char name[32];
        snprintf(name, sizeof(name), "%d.png", i);
        if (embed_file(model, tiny_path(name), MIEN_RAW, raw[i]) != MIEN_OK)
            return false;
    }
    return true;
}

static inline void raw_end(void)
{
    mien_model_destroy(&model);
    mien_gpu_destroy(&gpu);
    tiny_remove();
}

/* A result that is written, read again and made a page of gives the same JSON and lines; the page holds `words`. */
static inline bool raw_round_trip(const struct mien_result *result, const char *words)
{
    struct mien_result *again = NULL;
    struct mien_page *page = NULL;
    bool ok = mien_result_write(result, tiny_path("again.json")) == MIEN_OK &&
              mien_result_read(tiny_path("again.json"), &again) == MIEN_OK &&
              strcmp(mien_result_json(again), mien_result_json(result)) == 0 &&
              strcmp(mien_result_summary(again), mien_result_summary(result)) == 0 &&
              mien_page_create(NULL, &page) == MIEN_OK && mien_page_add_result(page, again) == MIEN_OK &&
              strstr(mien_page_html(page), words);
    mien_page_destroy(&page);
    mien_result_destroy(&again);
    return ok;
}

#endif
