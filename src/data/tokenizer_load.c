/* tokenizer_load.c: vocab.json + merges.txt, OpenAI's bpe_simple_vocab_16e6.txt.gz, and which of the forms is there. */
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

enum mien_status bpe_read_id(const cJSON *item, const char *path, const char *name, int32_t *id)
{
    double value = cJSON_IsNumber(item) ? item->valuedouble : -1;
    if (!(value >= 0 && value < MAX_ID) || value != (double)(int32_t)value)
        return base_fail(MIEN_ERR_DATA, "%s: the id of \"%s\" is not a whole number from 0 to %d", path, name,
                         MAX_ID - 1);
    *id = (int32_t)value;
    return MIEN_OK;
}

enum mien_status bpe_read_vocab(struct data_tokenizer *t, const cJSON *json, const char *path)
{
    enum mien_status status = MIEN_OK;
    const cJSON *item;
    FAIL_IF(!cJSON_IsObject(json), MIEN_ERR_DATA, "%s: an object of token: id was expected", path);
    t->file = base_arena_strdup(&t->arena, path);
    FAIL_IF_NULL(t->file, path);
    cJSON_ArrayForEach(item, json)
    {
        uint32_t symbol;
        TRY(bpe_intern(t, item->string, strlen(item->string), &symbol));
        TRY(bpe_read_id(item, path, item->string, &t->symbols[symbol].id));
    }
fail:
    return status;
}

static enum mien_status read_vocab(struct data_tokenizer *t, const struct base_source *source, const char *path)
{
    enum mien_status status = MIEN_OK;
    cJSON *json = NULL;
    TRY(base_source_json(source, path, &json));
    TRY(bpe_read_vocab(t, json, path));
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

/* What follows vocabulary and merges of Hugging Face's files. */
static enum mien_status finish_hf(struct data_tokenizer *t, const struct base_source *source, const char *path)
{
    enum mien_status status = MIEN_OK;
    bool found = false;
    char *map = base_source_path(source, "special_tokens_map.json");
    char *config = base_source_path(source, "tokenizer_config.json");
    FAIL_IF(!map || !config, MIEN_ERR_NOMEM, "%s: out of host memory for a tokenizer", path);
    TRY(bpe_read_added(t, source));
    TRY(bpe_finish(t, path));
    TRY(read_pad(t, source, map, &found));
    TRY(read_pad(t, source, config, &found));
fail:
    base_free(map);
    base_free(config);
    return status;
}

static enum mien_status load_hf(struct data_tokenizer *t, const struct base_source *source, const char *vocab)
{
    enum mien_status status = MIEN_OK;
    char *merges = base_source_path(source, "merges.txt");
    FAIL_IF_NULL(merges, vocab);
    TRY(read_vocab(t, source, vocab));
    TRY(read_merges(t, source, merges));
    TRY(finish_hf(t, source, vocab));
fail:
    base_free(merges);
    return status;
}

static enum mien_status load_json(struct data_tokenizer *t, const struct base_source *source, const char *path)
{
    enum mien_status status = MIEN_OK;
    TRY(bpe_read_json(t, source, path));
    TRY(finish_hf(t, source, path));
fail:
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
    t->file = base_arena_strdup(&t->arena, path);
    FAIL_IF_NULL(t->file, path);
    TRY(bpe_number(t));
    TRY(bpe_read_added(t, source));
    TRY(bpe_finish(t, path));
    t->pad = 0;
fail:
    base_free(packed);
    data_gunzip_free(text);
    return status;
}

/* The first of them that is there says which form a tokenizer has. */
static const struct form {
    const char *name;
    enum mien_status (*load)(struct data_tokenizer *t, const struct base_source *source, const char *path);
} forms[] = {{"vocab.json", load_hf}, {"tokenizer.json", load_json}, {"bpe_simple_vocab_16e6.txt.gz", load_openai}};

/* The form and the path of its file, which the caller frees; NULL where there is none. */
static enum mien_status find_form(const struct base_source *source, const struct form **form, char **path)
{
    *form = NULL;
    *path = NULL;
    for (size_t i = 0; i < BASE_COUNT(forms); i++) {
        *path = base_source_path(source, forms[i].name);
        if (!*path)
            return base_fail(MIEN_ERR_NOMEM, "out of host memory for a tokenizer");
        if (base_source_has(source, *path)) {
            *form = &forms[i];
            return MIEN_OK;
        }
        base_free(*path);
        *path = NULL;
    }
    return MIEN_OK;
}

bool data_tokenizer_there(const struct base_source *source)
{
    const struct form *form;
    char *path, *merges = base_source_path(source, "merges.txt");
    bool failed = find_form(source, &form, &path) != MIEN_OK || !merges; /* then reading it will say so */
    bool torn = merges && base_source_has(source, merges);               /* here too */
    base_free(path);
    base_free(merges);
    return form || failed || torn;
}

enum mien_status data_tokenizer_load(const char *dir, struct data_tokenizer **out)
{
    enum mien_status status = base_source_check_dir(dir, "a tokenizer is a directory with vocab.json and merges.txt");
    *out = NULL;
    return status == MIEN_OK ? data_tokenizer_load_from(&(struct base_source){.dir = dir}, out) : status;
}

enum mien_status data_tokenizer_load_from(const struct base_source *source, struct data_tokenizer **out)
{
    enum mien_status status = MIEN_OK;
    struct data_tokenizer *t = NULL;
    const struct form *form;
    char *path;
    *out = NULL;
    TRY(find_form(source, &form, &path));
    FAIL_IF(
        !form, MIEN_ERR_DATA,
        "%s: no tokenizer here; vocab.json with merges.txt, tokenizer.json, or bpe_simple_vocab_16e6.txt.gz, is needed",
        base_source_name(source));
    TRY(bpe_create(&t));
    TRY(form->load(t, source, path));
    *out = t;
    t = NULL;
fail:
    data_tokenizer_destroy(&t);
    base_free(path);
    return status;
}
