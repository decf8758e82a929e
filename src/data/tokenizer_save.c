/* tokenizer_save.c: the files of transformers' CLIPTokenizer. */
#include "data/bpe.h"

#include <string.h>

static enum mien_status write_quoted(struct base_out *out, const char *text)
{
    enum mien_status status = MIEN_OK;
    TRY(base_out_write(out, "\"", 1));
    for (const char *p = text; *p; p++) { /* the byte alphabet has no control characters */
        if (*p == '"' || *p == '\\')
            TRY(base_out_write(out, "\\", 1));
        TRY(base_out_write(out, p, 1));
    }
    TRY(base_out_write(out, "\"", 1));
fail:
    return status;
}

static enum mien_status write_vocab(const struct data_tokenizer *t, struct base_out *out)
{
    enum mien_status status = MIEN_OK;
    const char *separator = "{";
    for (uint32_t id = 0; id < t->vocab; id++) {
        const char *symbol = data_tokenizer_symbol(t, id);
        if (!symbol)
            continue;
        TRY(base_out_printf(out, "%s", separator));
        TRY(write_quoted(out, symbol));
        TRY(base_out_printf(out, ":%u", id));
        separator = ",\n";
    }
    TRY(base_out_printf(out, "}\n"));
fail:
    return status;
}

static enum mien_status write_merges(const struct data_tokenizer *t, struct base_out *out)
{
    enum mien_status status = MIEN_OK;
    TRY(base_out_printf(out, "#version: 0.2\n"));
    for (size_t i = 0; i < t->merge_count; i++)
        TRY(base_out_printf(out, "%s %s\n", t->symbols[t->merges[i].a].text, t->symbols[t->merges[i].b].text));
fail:
    return status;
}

/* OpenAI's code pads with id 0, which is the symbol of "!". transformers would then take every "!" of a text for
 * padding, so the end token stands there, as in OpenAI's own files for it. What follows the end token changes no
 * embedding. */
static const char *pad_symbol(const struct data_tokenizer *t)
{
    bool letter = t->by_id[t->pad] <= 512; /* symbol + 1: the first 512 are the bytes */
    return letter ? BPE_EOS : data_tokenizer_symbol(t, (uint32_t)t->pad);
}

static enum mien_status write_map(const struct data_tokenizer *t, struct base_out *out)
{
    enum mien_status status = MIEN_OK;
    TRY(base_out_printf(out, "{\n  \"bos_token\": \"%s\",\n  \"eos_token\": \"%s\",\n  \"pad_token\": ", BPE_BOS,
                        BPE_EOS));
    TRY(write_quoted(out, pad_symbol(t)));
    TRY(base_out_printf(out, ",\n  \"unk_token\": \"%s\"\n}\n", BPE_EOS));
fail:
    return status;
}

static enum mien_status write_config(const struct data_tokenizer *t, struct base_out *out, uint32_t context)
{
    enum mien_status status = MIEN_OK;
    TRY(base_out_printf(out,
                        "{\n  \"add_prefix_space\": false,\n  \"bos_token\": \"%s\",\n  \"do_lower_case\": true,\n"
                        "  \"eos_token\": \"%s\",\n  \"errors\": \"replace\",\n  \"model_max_length\": %u,\n"
                        "  \"pad_token\": ",
                        BPE_BOS, BPE_EOS, context));
    TRY(write_quoted(out, pad_symbol(t)));
    TRY(base_out_printf(out, ",\n  \"tokenizer_class\": \"CLIPTokenizer\",\n  \"unk_token\": \"%s\"\n}\n", BPE_EOS));
fail:
    return status;
}

enum mien_status data_tokenizer_save(const struct data_tokenizer *tokenizer, const char *dir, uint32_t context)
{
    static const char *const names[] = {"vocab.json", "merges.txt", "special_tokens_map.json", "tokenizer_config.json"};
    enum mien_status status = MIEN_OK;
    struct base_out *out = NULL;
    char *path = NULL;
    for (size_t i = 0; i < BASE_COUNT(names); i++) {
        path = base_path_join(dir, names[i]);
        FAIL_IF_NULL(path, dir);
        TRY(base_out_open_own(path, &out));
        TRY(i == 0   ? write_vocab(tokenizer, out)
            : i == 1 ? write_merges(tokenizer, out)
            : i == 2 ? write_map(tokenizer, out)
                     : write_config(tokenizer, out, context));
        TRY(base_out_commit(&out));
        base_free(path);
        path = NULL;
    }
fail:
    base_out_abandon(&out);
    base_free(path);
    return status;
}
