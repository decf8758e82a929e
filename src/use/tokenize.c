/* tokenize.c: a model directory's tokenizer alone: no device, no weights. */
#include "data/tokenizer.h"
#include "io/model_dir.h"
#include "mien/data.h"
#include "use/parts.h"

#include <string.h>

enum { USUAL_CONTEXT = 77 };

struct mien_tokenizer {
    struct data_tokenizer *bpe;
    uint32_t context;
};

/* Tokenizer and, where there is a config.json, the context; they must fit each other. */
static enum mien_status read_files(const struct base_source *source, struct mien_tokenizer *t)
{
    enum mien_status status = MIEN_OK;
    struct io_clip_config config;
    char *path = base_source_path(source, "config.json");
    FAIL_IF_NULL(path, "config.json");
    t->context = USUAL_CONTEXT;
    bool has_config = base_source_has(source, path);
    if (has_config)
        TRY(io_clip_config_read_from(source, &config, NULL));
    TRY(data_tokenizer_load_from(source, &t->bpe));
    if (has_config) {
        TRY(use_tokenizer_check(t->bpe, &config, base_source_name(source)));
        t->context = config.text.context;
    }
fail:
    base_free(path);
    return status;
}

enum mien_status mien_tokenizer_open(const char *dir, const struct mien_tokenizer_params *given,
                                     struct mien_tokenizer **out)
{
    enum mien_status status = MIEN_OK;
    struct mien_tokenizer *made = NULL;
    struct mien_tokenizer_params params;
    struct base_source source;
    NEED(out);
    *out = NULL;
    TRY(SIZED_READ(&params, given));
    TRY(base_source_make(dir, params.files, params.file_count, &source));
    made = base_alloc(1, sizeof(*made));
    FAIL_IF_NULL(made, "a tokenizer");
    TRY(read_files(&source, made));
    *out = made;
    return MIEN_OK;
fail:
    mien_tokenizer_destroy(&made);
    return status;
}

void mien_tokenizer_destroy(struct mien_tokenizer **tokenizer)
{
    if (!tokenizer || !*tokenizer)
        return;
    data_tokenizer_destroy(&(*tokenizer)->bpe);
    base_free(*tokenizer);
    *tokenizer = NULL;
}

uint32_t mien_tokenizer_context(const struct mien_tokenizer *tokenizer)
{
    return tokenizer ? tokenizer->context : 0;
}

enum mien_status mien_tokenizer_encode(const struct mien_tokenizer *tokenizer, const char *text, int32_t *ids,
                                       size_t *count, bool *cut)
{
    enum mien_status status = MIEN_OK;
    struct data_ids list = {0};
    NEED(count);
    *count = 0;
    NEED(tokenizer && text && ids);
    TRY(data_tokenizer_encode_row(tokenizer->bpe, text, tokenizer->context, &list, cut));
    memcpy(ids, list.ids, list.count * sizeof(*ids));
    *count = list.count;
fail:
    base_free(list.ids);
    return status;
}
