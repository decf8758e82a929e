/* tokenizer_save.c: the files of transformers' CLIPTokenizer. */
#include "data/bpe.h"

#include <string.h>

static enum mien_status write_quoted(struct base_out *out, const char *text)
{
    enum mien_status status = MIEN_OK;
    TRY(base_out_write(out, "\"", 1));
    for (const char *p = text; *p; p++) {
        if ((unsigned char)*p < 0x20) { /* of an added token; the byte alphabet has none */
            TRY(base_out_printf(out, "\\u%04x", (unsigned)*p));
            continue;
        }
        if (*p == '"' || *p == '\\')
            TRY(base_out_write(out, "\\", 1));
        TRY(base_out_write(out, p, 1));
    }
    TRY(base_out_write(out, "\"", 1));
fail:
    return status;
}

/* Whether a token is none of the vocabulary. */
static bool is_added_only(const struct data_tokenizer *t, uint32_t id)
{
    uint32_t added = t->symbols[t->by_id[id] - 1].added;
    return added && !t->added[added - 1].in_vocab;
}

static enum mien_status write_vocab(const struct data_tokenizer *t, struct base_out *out)
{
    enum mien_status status = MIEN_OK;
    const char *separator = "{";
    for (uint32_t id = 0; id < t->vocab; id++) {
        const char *symbol = data_tokenizer_symbol(t, id);
        if (!symbol || is_added_only(t, id))
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

/* Tokens that are none of the vocabulary, by their ids. */
static enum mien_status write_added(const struct data_tokenizer *t, struct base_out *out)
{
    enum mien_status status = MIEN_OK;
    const char *separator = "{";
    for (size_t i = 0; i < t->added_count; i++) {
        TRY(base_out_printf(out, "%s\n  ", separator));
        TRY(write_quoted(out, t->added[i].content));
        TRY(base_out_printf(out, ": %d", t->added[i].id));
        separator = ",";
    }
    TRY(base_out_printf(out, "\n}\n"));
fail:
    return status;
}

static enum mien_status write_decoder(const struct data_tokenizer *t, struct base_out *out)
{
    static const char *const words[] = {"false", "true"};
    enum mien_status status = MIEN_OK;
    const char *separator = "  \"added_tokens_decoder\": {";
    for (size_t i = 0; i < t->added_count; i++) {
        const struct bpe_added *a = &t->added[i];
        TRY(base_out_printf(out, "%s\n    \"%d\": {\"content\": ", separator, a->id));
        TRY(write_quoted(out, a->content));
        TRY(base_out_printf(out,
                            ", \"lstrip\": %s, \"normalized\": %s, \"rstrip\": %s, \"single_word\": %s, "
                            "\"special\": %s}",
                            words[a->lstrip], words[a->normalized], words[a->rstrip], words[a->single_word],
                            words[a->special]));
        separator = ",";
    }
    if (t->added_count > 0)
        TRY(base_out_printf(out, "\n  },\n"));
fail:
    return status;
}

static enum mien_status write_config(const struct data_tokenizer *t, struct base_out *out, uint32_t context)
{
    enum mien_status status = MIEN_OK;
    TRY(base_out_printf(out, "{\n  \"add_prefix_space\": false,\n"));
    TRY(write_decoder(t, out));
    TRY(base_out_printf(out,
                        "  \"bos_token\": \"%s\",\n  \"do_lower_case\": true,\n"
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
    static const char *const names[] = {"vocab.json", "merges.txt", "special_tokens_map.json", "tokenizer_config.json",
                                        "added_tokens.json"};
    enum mien_status status = MIEN_OK;
    struct base_out *out = NULL;
    char *path = NULL;
    for (size_t i = 0; i < BASE_COUNT(names) - (tokenizer->added_count == 0); i++) {
        path = base_path_join(dir, names[i]);
        FAIL_IF_NULL(path, dir);
        TRY(base_out_open_own(path, &out));
        TRY(i == 0   ? write_vocab(tokenizer, out)
            : i == 1 ? write_merges(tokenizer, out)
            : i == 2 ? write_map(tokenizer, out)
            : i == 3 ? write_config(tokenizer, out, context)
                     : write_added(tokenizer, out));
        TRY(base_out_commit(&out));
        base_free(path);
        path = NULL;
    }
fail:
    base_out_abandon(&out);
    base_free(path);
    return status;
}
