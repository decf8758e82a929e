/* tokenizer_load.c: vocab.json + merges.txt, or OpenAI's bpe_simple_vocab_16e6.txt.gz. */
#include "data/bpe.h"
#include "data/stb.h"

#include <string.h>

enum { CLIP_MERGES = 49152 - 256 - 2, MAX_ID = 1 << 24, MAX_TEXT = 1 << 28 };

/* "a b" -> one merge. */
static enum mien_status add_line(struct data_tokenizer *t, const char *path, size_t number, const char *line,
                                 size_t size)
{
    enum mien_status status = MIEN_OK;
    uint32_t a, b;
    const char *space = memchr(line, ' ', size);
    size_t first = space ? (size_t)(space - line) : 0;
    FAIL_IF(first == 0 || first + 1 >= size || memchr(space + 1, ' ', size - first - 1), MIEN_ERR_DATA,
            "%s:%zu: a merge is two symbols with one space between", path, number);
    TRY(bpe_intern(t, line, first, &a));
    TRY(bpe_intern(t, space + 1, size - first - 1, &b));
    TRY(bpe_add_merge(t, a, b));
fail:
    return status;
}

/* Lines skip+1.. (at most `max`) of a merge list; empty lines are passed over. */
static enum mien_status add_lines(struct data_tokenizer *t, const char *path, const char *text, size_t size,
                                  size_t skip, size_t max)
{
    enum mien_status status = MIEN_OK;
    size_t number = 1, taken = 0;
    for (size_t at = 0; at < size && taken < max; number++) {
        const char *end = memchr(text + at, '\n', size - at);
        size_t next = end ? (size_t)(end - text) + 1 : size, length = (end ? next - 1 : size) - at;
        if (length > 0 && text[at + length - 1] == '\r')
            length--;
        if (number > skip && length > 0) {
            TRY(add_line(t, path, number, text + at, length));
            taken++;
        }
        at = next;
    }
fail:
    return status;
}

static enum mien_status read_vocab(struct data_tokenizer *t, const struct base_source *source, const char *path)
{
    enum mien_status status = MIEN_OK;
    cJSON *json = NULL;
    const cJSON *item;
    TRY(base_source_json(source, path, &json));
    FAIL_IF(!cJSON_IsObject(json), MIEN_ERR_DATA, "%s: an object of token: id was expected", path);
    cJSON_ArrayForEach(item, json)
    {
        uint32_t symbol;
        double id = cJSON_IsNumber(item) ? item->valuedouble : -1;
        FAIL_IF(!(id >= 0 && id < MAX_ID) || id != (double)(int32_t)id, MIEN_ERR_DATA,
                "%s: the id of \"%s\" is not a whole number from 0 to %d", path, item->string, MAX_ID - 1);
        TRY(bpe_intern(t, item->string, strlen(item->string), &symbol));
        t->symbols[symbol].id = (int32_t)id;
    }
fail:
    cJSON_Delete(json);
    return status;
}

static enum mien_status read_merges(struct data_tokenizer *t, const struct base_source *source, const char *path)
{
    enum mien_status status = MIEN_OK;
    char *text = NULL;
    size_t size = 0, skip = 0;
    TRY(base_source_read(source, path, MAX_TEXT, &text, &size));
    TRY(base_text_check(path, text, size, &skip));
    bool version = size - skip >= 8 && memcmp(text + skip, "#version", 8) == 0;
    TRY(add_lines(t, path, text + skip, size - skip, version ? 1 : 0, SIZE_MAX));
fail:
    base_free(text);
    return status;
}

/* "pad_token": "<|endoftext|>" or {"content": "..."}; absent = the end token. */
static enum mien_status read_pad(struct data_tokenizer *t, const struct base_source *source, const char *path,
                                 bool *found)
{
    enum mien_status status = MIEN_OK;
    cJSON *json = NULL;
    if (*found || !base_source_has(source, path))
        return MIEN_OK;
    TRY(base_source_json(source, path, &json));
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, "pad_token");
    if (cJSON_IsObject(item))
        item = cJSON_GetObjectItemCaseSensitive(item, "content");
    if (cJSON_IsString(item)) {
        uint32_t symbol = bpe_find(t, item->valuestring, strlen(item->valuestring));
        FAIL_IF(symbol == UINT32_MAX || t->symbols[symbol].id < 0, MIEN_ERR_DATA,
                "%s: the pad token \"%s\" is not in the vocabulary", path, item->valuestring);
        t->pad = t->symbols[symbol].id;
        *found = true;
    }
fail:
    cJSON_Delete(json);
    return status;
}

static enum mien_status load_hf(struct data_tokenizer *t, const struct base_source *source, const char *vocab)
{
    enum mien_status status = MIEN_OK;
    bool found = false;
    char *merges = base_source_path(source, "merges.txt"), *map = base_source_path(source, "special_tokens_map.json");
    char *config = base_source_path(source, "tokenizer_config.json");
    FAIL_IF(!merges || !map || !config, MIEN_ERR_NOMEM, "%s: out of host memory for a tokenizer", vocab);
    TRY(read_vocab(t, source, vocab));
    TRY(read_merges(t, source, merges));
    TRY(bpe_finish(t, vocab));
    TRY(read_pad(t, source, map, &found));
    TRY(read_pad(t, source, config, &found));
fail:
    base_free(merges);
    base_free(map);
    base_free(config);
    return status;
}

static enum mien_status load_openai(struct data_tokenizer *t, const struct base_source *source, const char *path)
{
    enum mien_status status = MIEN_OK;
    char *packed = NULL, *text = NULL;
    size_t packed_size = 0, size = 0;
    TRY(base_source_read(source, path, MAX_TEXT, &packed, &packed_size));
    TRY(data_gunzip(path, packed, packed_size, &text, &size));
    TRY(add_lines(t, path, text, size, 1, CLIP_MERGES)); /* line 1 is a version; the list goes on unused */
    FAIL_IF(t->merge_count != CLIP_MERGES, MIEN_ERR_DATA, "%s: %zu merges, %d were expected; the file is cut off", path,
            t->merge_count, CLIP_MERGES);
    TRY(bpe_number(t));
    TRY(bpe_finish(t, path));
    t->pad = 0;
fail:
    base_free(packed);
    data_gunzip_free(text);
    return status;
}

enum mien_status data_tokenizer_load(const char *dir, struct data_tokenizer **out)
{
    return data_tokenizer_load_from(&(struct base_source){.dir = dir}, out);
}

enum mien_status data_tokenizer_load_from(const struct base_source *source, struct data_tokenizer **out)
{
    enum mien_status status = MIEN_OK;
    struct data_tokenizer *t = NULL;
    const char *dir = base_source_name(source);
    char *vocab = base_source_path(source, "vocab.json");
    char *packed = base_source_path(source, "bpe_simple_vocab_16e6.txt.gz");
    *out = NULL;
    FAIL_IF(!vocab || !packed, MIEN_ERR_NOMEM, "%s: out of host memory for a tokenizer", dir);
    TRY(bpe_create(&t));
    if (base_source_has(source, vocab))
        TRY(load_hf(t, source, vocab));
    else if (base_source_has(source, packed))
        TRY(load_openai(t, source, packed));
    else
        FAIL_IF(true, MIEN_ERR_DATA,
                "%s: no tokenizer here; vocab.json with merges.txt, or bpe_simple_vocab_16e6.txt.gz, is needed", dir);
    *out = t;
    t = NULL;
fail:
    data_tokenizer_destroy(&t);
    base_free(vocab);
    base_free(packed);
    return status;
}
