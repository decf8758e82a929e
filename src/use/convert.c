/* convert.c: mien_convert: io's conversion, the tokenizer beside it, and a directory that appears at once. */
#include "data/tokenizer.h"
#include "io/convert.h"
#include "mien/model.h"
#include "use/parts.h"

#include <string.h>

static enum mien_status check_target(const char *dir)
{
    enum mien_status status = MIEN_OK;
    char **names = NULL;
    size_t count = 0;
    FAIL_IF(!dir[0], MIEN_ERR_ARG, "the directory to write has no name");
    if (!base_file_exists(dir))
        return MIEN_OK;
    FAIL_IF(!base_file_is_dir(dir), MIEN_ERR_ARG, "%s: is a file; name a directory that is still to be made", dir);
    TRY(base_dir_list(dir, &names, &count));
    FAIL_IF(count > 0, MIEN_ERR_ARG, "%s: holds something already; name a directory that is still to be made", dir);
fail:
    base_dir_list_free(&names, &count);
    return status;
}

/* From the directory that was named (then it must be there) or from beside the source. */
static enum mien_status load_tokenizer(const struct mien_convert_params *p, struct io_conversion *c,
                                       struct data_tokenizer **out)
{
    enum mien_status status = MIEN_OK;
    struct io_clip_config *config = &c->config;
    const char *dir = p->tokenizer ? p->tokenizer : c->dir;
    *out = NULL;
    if (!p->tokenizer && !data_tokenizer_there(&(struct base_source){.dir = dir})) {
        LOG_WARN("%s: no tokenizer beside it; %s will have none. Add vocab.json and merges.txt, or convert again with "
                 "--tokenizer DIR",
                 p->source, p->directory);
        return MIEN_OK;
    }
    TRY(data_tokenizer_load(dir, out));
    if (c->naming != IO_NAMING_HF) { /* nothing but the tokenizer says which ids begin and end a text */
        config->text.bos = (uint32_t)data_tokenizer_bos(*out);
        config->text.eos = (uint32_t)data_tokenizer_eos(*out);
    }
    TRY(use_tokenizer_check(*out, config, dir));
fail:
    if (status != MIEN_OK)
        data_tokenizer_destroy(out);
    return status;
}

/* Under another name first, renamed when all is there. */
static enum mien_status write_directory(const struct io_conversion *c, const struct data_tokenizer *tokenizer,
                                        const struct mien_convert_params *p)
{
    enum mien_status status = MIEN_OK;
    struct base_stage *stage = NULL;
    TRY(base_stage_open(p->directory, &stage));
    TRY(io_conversion_write(c, base_stage_dir(stage), p->progress, p->user));
    if (tokenizer)
        TRY(data_tokenizer_save(tokenizer, base_stage_dir(stage), c->config.text.context));
    TRY(base_stage_commit(&stage));
fail:
    base_stage_abandon(&stage);
    return status;
}

static enum mien_status parse_dtype(const char *word, enum io_dtype *out)
{
    static const char *const words[] = {"f32", "f16", "bf16"};
    static const enum io_dtype types[] = {IO_F32, IO_F16, IO_BF16};
    for (size_t i = 0; i < BASE_COUNT(words); i++)
        if (!word || strcmp(word, words[i]) == 0) {
            *out = types[i];
            return MIEN_OK;
        }
    return base_fail(MIEN_ERR_ARG, "weights cannot be stored as \"%s\"; f32, f16 or bf16", word);
}

static void summarise(const struct io_conversion *c, bool tokenizer, struct mien_convert_summary *out)
{
    static const char *const namings[] = {"Hugging Face", "OpenAI", "open_clip", "EmoCLIP"};
    *out = (struct mien_convert_summary){.size = sizeof(*out),
                                         .naming = namings[c->naming],
                                         .parameters = c->list.elements,
                                         .tensors = (uint32_t)c->list.count,
                                         .image = c->config.vision.image,
                                         .patch = c->config.vision.patch,
                                         .context = c->config.text.context,
                                         .temporal = c->config.temporal.layers > 0,
                                         .tokenizer = tokenizer};
    out->activation = c->config.vision.tower.act == IO_ACT_GELU ? "gelu" : "quick_gelu";
}

enum mien_status mien_convert(const struct mien_convert_params *given, struct mien_convert_summary *summary)
{
    enum mien_status status = MIEN_OK;
    struct io_conversion *c = NULL;
    struct data_tokenizer *tokenizer = NULL;
    struct mien_convert_params params;
    const struct mien_convert_params *p = &params;
    struct mien_convert_summary own = {.size = sizeof(own)};
    TRY(SIZED_CLEAR(summary));
    NEED(given);
    TRY(SIZED_READ(&params, given));
    FAIL_IF(!p->source || !p->directory, MIEN_ERR_ARG, "mien_convert: a source and a directory are needed");
    struct io_convert_wish wish = {.act = p->activation, .context = p->context, .image = p->image};
    TRY(parse_dtype(p->dtype, &wish.dtype));
    TRY(check_target(p->directory));
    TRY(io_conversion_open(p->source, &wish, &c));
    TRY(load_tokenizer(p, c, &tokenizer));
    TRY(write_directory(c, tokenizer, p));
    summarise(c, tokenizer != NULL, &own);
    TRY(SIZED_WRITE(summary, &own));
fail:
    data_tokenizer_destroy(&tokenizer);
    io_conversion_close(&c);
    return status;
}
