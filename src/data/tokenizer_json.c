/* tokenizer_json.c: tokenizer.json (the format of the library tokenizers), as far as it is CLIP's, and the added tokens
 * of all files that have some. */
#include "data/bpe.h"

#include <string.h>

#define CLIP_WORDS "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+"
#define CLIP_MARKERS "<\\|startoftext\\|>|<\\|endoftext\\|>|"

/* ---- whether it is CLIP's ---- */

static const char *type_of(const cJSON *item)
{
    const char *type = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "type"));
    return type ? type : "none";
}

static bool is_text(const cJSON *object, const char *key, const char *want)
{
    const char *have = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    return have && strcmp(have, want) == 0;
}

static enum mien_status not_clip(const char *path, const char *what, const char *have, const char *want)
{
    return base_fail(MIEN_ERR_DATA, "%s: the %s is %s; a CLIP tokenizer has %s, and no other can be used", path, what,
                     have, want);
}

/* NFC, white space to one blank, lower case. */
static enum mien_status check_normalizer(const cJSON *json, const char *path)
{
    static const char want[] = "NFC, Replace of \\s+ and Lowercase";
    const cJSON *normalizer = cJSON_GetObjectItemCaseSensitive(json, "normalizer"), *item = NULL;
    unsigned seen = 0;
    if (strcmp(type_of(normalizer), "Sequence") != 0)
        return not_clip(path, "normalizer", type_of(normalizer), want);
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(normalizer, "normalizers"))
    {
        const cJSON *pattern = cJSON_GetObjectItemCaseSensitive(item, "pattern");
        if (strcmp(type_of(item), "NFC") == 0)
            seen |= 1;
        else if (strcmp(type_of(item), "Lowercase") == 0)
            seen |= 2;
        else if (strcmp(type_of(item), "Replace") == 0 && is_text(pattern, "Regex", "\\s+") &&
                 is_text(item, "content", " "))
            seen |= 4;
        else
            return not_clip(path, "normalizer", type_of(item), want);
    }
    return seen == 7 ? MIEN_OK : not_clip(path, "normalizer", "a part of it", want);
}

static enum mien_status check_split(const cJSON *split, const char *path)
{
    enum mien_status status = MIEN_OK;
    bool invert = false;
    const cJSON *pattern = cJSON_GetObjectItemCaseSensitive(split, "pattern");
    TRY(base_json_bool(split, "invert", path, &invert));
    if (!is_text(pattern, "Regex", CLIP_WORDS) && !is_text(pattern, "Regex", CLIP_MARKERS CLIP_WORDS))
        return not_clip(path, "pre_tokenizer", "a Split by another expression", "Split by " CLIP_WORDS);
    if (!is_text(split, "behavior", "Removed") || !invert)
        return not_clip(path, "pre_tokenizer", "a Split that keeps other parts", "behavior Removed, invert true");
fail:
    return status;
}

static enum mien_status check_pre_tokenizer(const cJSON *json, const char *path)
{
    static const char want[] = "Split and ByteLevel";
    enum mien_status status = MIEN_OK;
    const cJSON *pre = cJSON_GetObjectItemCaseSensitive(json, "pre_tokenizer");
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(pre, "pretokenizers");
    const cJSON *split = cJSON_GetArrayItem(list, 0), *bytes = cJSON_GetArrayItem(list, 1);
    bool prefix = true;
    if (strcmp(type_of(pre), "Sequence") != 0)
        return not_clip(path, "pre_tokenizer", type_of(pre), want);
    if (cJSON_GetArraySize(list) != 2 || strcmp(type_of(split), "Split") != 0)
        return not_clip(path, "pre_tokenizer", type_of(split), want);
    if (strcmp(type_of(bytes), "ByteLevel") != 0)
        return not_clip(path, "pre_tokenizer", type_of(bytes), want);
    TRY(check_split(split, path));
    TRY(base_json_bool(bytes, "add_prefix_space", path, &prefix));
    if (prefix)
        return not_clip(path, "pre_tokenizer", "ByteLevel with add_prefix_space", "none");
fail:
    return status;
}

/* Byte-pair encoding whose words end with </w>, without further rules. */
static enum mien_status check_model(const cJSON *model, const char *path)
{
    static const char *const off[] = {"fuse_unk", "byte_fallback", "ignore_merges"};
    enum mien_status status = MIEN_OK;
    const cJSON *prefix = cJSON_GetObjectItemCaseSensitive(model, "continuing_subword_prefix");
    double dropout = 0;
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(model, "dropout");
    if (cJSON_GetObjectItemCaseSensitive(model, "type") && strcmp(type_of(model), "BPE") != 0)
        return not_clip(path, "model", type_of(model), "BPE");
    if (!is_text(model, "end_of_word_suffix", "</w>"))
        return not_clip(path, "model", "without the end_of_word_suffix </w>", "it");
    if (cJSON_IsString(prefix) && prefix->valuestring[0])
        return not_clip(path, "model", "one with a continuing_subword_prefix", "none");
    for (size_t i = 0; i < BASE_COUNT(off); i++) {
        bool on = false;
        TRY(base_json_bool(model, off[i], path, &on));
        if (on)
            return not_clip(path, "model", off[i], "it set to false");
    }
    if (item && !cJSON_IsNull(item))
        TRY(base_json_number(model, "dropout", path, &dropout));
    if (dropout > 0)
        return not_clip(path, "model", "one with dropout", "none");
fail:
    return status;
}

/* ---- vocabulary and merges ---- */

static enum mien_status read_merge(struct data_tokenizer *t, const cJSON *item, const char *path, size_t number)
{
    enum mien_status status = MIEN_OK;
    const char *a = cJSON_GetStringValue(item), *b = NULL;
    size_t a_size = 0;
    uint32_t first, second;
    if (a) { /* "a b" */
        b = strchr(a, ' ');
        a_size = b ? (size_t)(b - a) : 0;
        b = b ? b + 1 : NULL;
    } else if (cJSON_GetArraySize(item) == 2) { /* ["a", "b"] */
        a = cJSON_GetStringValue(cJSON_GetArrayItem(item, 0));
        b = cJSON_GetStringValue(cJSON_GetArrayItem(item, 1));
        a_size = a ? strlen(a) : 0;
    }
    FAIL_IF(!a || !b || a_size == 0 || !*b || strchr(b, ' '), MIEN_ERR_DATA,
            "%s: merge %zu of \"merges\" must be \"a b\" or [\"a\", \"b\"]", path, number);
    TRY(bpe_intern(t, a, a_size, &first));
    TRY(bpe_intern(t, b, strlen(b), &second));
    TRY(bpe_add_merge(t, first, second));
fail:
    return status;
}

enum mien_status bpe_read_json(struct data_tokenizer *t, const struct base_source *source, const char *path)
{
    enum mien_status status = MIEN_OK;
    cJSON *json = NULL;
    const cJSON *model = NULL, *vocab = NULL, *merges = NULL, *item = NULL;
    size_t number = 1;
    TRY(base_source_json(source, path, &json));
    TRY(base_json_object(json, "model", path, &model));
    FAIL_IF(!model, MIEN_ERR_DATA, "%s: no \"model\"; this is not a tokenizer of the library tokenizers", path);
    TRY(check_model(model, path));
    TRY(check_normalizer(json, path));
    TRY(check_pre_tokenizer(json, path));
    TRY(base_json_object(model, "vocab", path, &vocab));
    TRY(base_json_array(model, "merges", path, &merges));
    FAIL_IF(!vocab || !merges, MIEN_ERR_DATA, "%s: \"vocab\" or \"merges\" of the model is missing", path);
    TRY(bpe_read_vocab(t, vocab, path));
    cJSON_ArrayForEach(item, merges) TRY(read_merge(t, item, path, number++));
fail:
    cJSON_Delete(json);
    return status;
}

/* ---- added tokens ---- */

/* {"content": ..., "lstrip": ..., ...}; `token` comes with what stands without the keys. */
static enum mien_status add_object(struct data_tokenizer *t, const cJSON *item, struct bpe_added token)
{
    enum mien_status status = MIEN_OK;
    TRY(base_json_string(item, "content", token.file, &token.content));
    FAIL_IF(!token.content, MIEN_ERR_DATA, "%s: an added token has no \"content\"", token.file);
    TRY(base_json_bool(item, "special", token.file, &token.special));
    token.normalized = !token.special;
    TRY(base_json_bool(item, "normalized", token.file, &token.normalized));
    TRY(base_json_bool(item, "single_word", token.file, &token.single_word));
    TRY(base_json_bool(item, "lstrip", token.file, &token.lstrip));
    TRY(base_json_bool(item, "rstrip", token.file, &token.rstrip));
    TRY(bpe_add_token(t, &token));
fail:
    return status;
}

/* {"49408": {"content": ...}, ...} of tokenizer_config.json. */
static enum mien_status add_decoder(struct data_tokenizer *t, const cJSON *json, const char *path)
{
    enum mien_status status = MIEN_OK;
    const cJSON *list = NULL, *item = NULL;
    TRY(base_json_object(json, "added_tokens_decoder", path, &list));
    cJSON_ArrayForEach(item, list)
    {
        struct bpe_added token = {.file = path};
        size_t digits = strspn(item->string, "0123456789");
        FAIL_IF(digits == 0 || digits > 8 || item->string[digits], MIEN_ERR_DATA,
                "%s: \"%s\" in \"added_tokens_decoder\" is no id", path, item->string);
        for (const char *c = item->string; *c; c++)
            token.id = token.id * 10 + (*c - '0');
        TRY(add_object(t, item, token));
    }
fail:
    return status;
}

/* [{"id": 49408, "content": ...}, ...] of tokenizer.json. */
static enum mien_status add_list(struct data_tokenizer *t, const cJSON *json, const char *path)
{
    enum mien_status status = MIEN_OK;
    const cJSON *list = NULL, *item = NULL;
    TRY(base_json_array(json, "added_tokens", path, &list));
    cJSON_ArrayForEach(item, list)
    {
        struct bpe_added token = {.file = path};
        TRY(bpe_read_id(cJSON_GetObjectItemCaseSensitive(item, "id"), path, "an added token", &token.id));
        TRY(add_object(t, item, token));
    }
fail:
    return status;
}

/* {"<my-face>": 49408, ...} of added_tokens.json. */
static enum mien_status add_plain(struct data_tokenizer *t, const cJSON *json, const char *path)
{
    enum mien_status status = MIEN_OK;
    const cJSON *item = NULL;
    FAIL_IF(!cJSON_IsObject(json), MIEN_ERR_DATA, "%s: an object of token: id was expected", path);
    cJSON_ArrayForEach(item, json)
    {
        struct bpe_added token = {.file = path, .content = item->string, .normalized = true};
        TRY(bpe_read_id(item, path, item->string, &token.id));
        TRY(bpe_add_token(t, &token));
    }
fail:
    return status;
}

/* A special token by its name, or {"content": ...}: it must be there, for transformers would give it an id that the
 * model has no row for. */
static enum mien_status add_named(struct data_tokenizer *t, const cJSON *item, const char *path)
{
    enum mien_status status = MIEN_OK;
    const cJSON *content = cJSON_IsObject(item) ? cJSON_GetObjectItemCaseSensitive(item, "content") : item;
    FAIL_IF(!cJSON_IsString(content), MIEN_ERR_DATA, "%s: a special token must be a text or have \"content\"", path);
    uint32_t symbol = bpe_find(t, content->valuestring, strlen(content->valuestring));
    FAIL_IF(symbol == UINT32_MAX || t->symbols[symbol].id < 0, MIEN_ERR_DATA,
            "%s: the special token \"%s\" has no id in vocabulary or added tokens", path, content->valuestring);
    struct bpe_added token = {
        .file = path, .content = content->valuestring, .id = t->symbols[symbol].id, .special = true};
    TRY(cJSON_IsObject(item) ? add_object(t, item, token) : bpe_add_token(t, &token));
fail:
    return status;
}

/* Lists of further special tokens, and the start and end token, which are CLIP's or none. */
static enum mien_status add_special(struct data_tokenizer *t, const cJSON *json, const char *path)
{
    static const char *const lists[] = {"additional_special_tokens", "extra_special_tokens"};
    static const char *const markers[][2] = {{"bos_token", BPE_BOS}, {"eos_token", BPE_EOS}};
    enum mien_status status = MIEN_OK;
    const cJSON *item = NULL;
    for (size_t i = 0; i < BASE_COUNT(lists); i++)
        cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(json, lists[i])) TRY(add_named(t, item, path));
    for (size_t i = 0; i < BASE_COUNT(markers); i++) {
        item = cJSON_GetObjectItemCaseSensitive(json, markers[i][0]);
        item = cJSON_IsObject(item) ? cJSON_GetObjectItemCaseSensitive(item, "content") : item;
        FAIL_IF(cJSON_IsString(item) && strcmp(item->valuestring, markers[i][1]) != 0, MIEN_ERR_DATA,
                "%s: \"%s\" is \"%s\"; a CLIP tokenizer has %s, and no other can be used", path, markers[i][0],
                item->valuestring, markers[i][1]);
    }
fail:
    return status;
}

enum mien_status bpe_read_added(struct data_tokenizer *t, const struct base_source *source)
{
    typedef enum mien_status (*reader)(struct data_tokenizer *, const cJSON *, const char *);
    static const struct {
        const char *name;
        reader read;
    } files[] = {{"tokenizer_config.json", add_decoder}, /* of two that differ in flags the first counts */
                 {"tokenizer.json", add_list},
                 {"added_tokens.json", add_plain},
                 {"tokenizer_config.json", add_special},
                 {"special_tokens_map.json", add_special}};
    enum mien_status status = MIEN_OK;
    cJSON *json = NULL;
    char *path = NULL;
    for (size_t i = 0; i < BASE_COUNT(files); i++) {
        path = base_source_path(source, files[i].name);
        FAIL_IF_NULL(path, "a tokenizer");
        if (base_source_has(source, path)) {
            TRY(base_source_json(source, path, &json));
            TRY(files[i].read(t, json, path));
        }
        cJSON_Delete(json);
        base_free(path);
        json = NULL;
        path = NULL;
    }
    TRY(bpe_sort_added(t));
fail:
    cJSON_Delete(json);
    base_free(path);
    return status;
}
