/* Added tokens and tokenizer.json: against the ids of transformers (tests/golden/texts/added), saved and read back, and
 * what is refused by name. */
#include "data/tokenizer.h"

#include "io/support.h"

#define ADDED MIEN_SOURCE_DIR "/tests/golden/texts/added"

static cJSON *cases;

static void check_cases(const struct data_tokenizer *t)
{
    const cJSON *item, *ids;
    int count = 0;
    cJSON_ArrayForEach(item, cases)
    {
        const char *text = cJSON_GetStringValue(cJSON_GetArrayItem(item, 0));
        struct data_ids got = {0};
        size_t at = 0;
        bool same = true;
        CHECK_EQ(data_tokenizer_encode_row(t, text, 200, &got, NULL), MIEN_OK);
        cJSON_ArrayForEach(ids, cJSON_GetArrayItem(item, 1))
        {
            same = same && at < got.count && got.ids[at] == ids->valueint;
            at++;
        }
        same = same && at == got.count;
        if (!same)
            fprintf(stderr, "\"%s\"\n", text);
        CHECK(same);
        base_free(got.ids);
        count++;
    }
    CHECK(count > 100);
}

/* ---- files made from transformers' ---- */

static cJSON *tokenizer_json(void)
{
    cJSON *json = NULL;
    CHECK_EQ(base_json_read(ADDED "/tokenizer.json", &json), MIEN_OK);
    return json;
}

static void put_json(const char *name, const cJSON *json)
{
    char *text = base_json_print(json, false);
    CHECK_EQ(base_file_write(support_file(name), text, strlen(text)), MIEN_OK);
    base_free(text);
}

static void put(const char *name, const char *text)
{
    CHECK_EQ(base_file_write(support_file(name), text, strlen(text)), MIEN_OK);
}

static void begin(void)
{
    base_dir_remove(support_scratch());
    base_dir_create(support_scratch());
}

static struct data_tokenizer *load(void)
{
    struct data_tokenizer *t = NULL;
    CHECK_EQ(data_tokenizer_load(support_scratch(), &t), MIEN_OK);
    return t;
}

static void refused(const char *file, const char *says)
{
    struct data_tokenizer *t = NULL;
    support_last[0] = 0;
    CHECK_EQ(data_tokenizer_load(support_scratch(), &t), MIEN_ERR_DATA);
    CHECK(t == NULL);
    CHECK_SAYS(file);
    CHECK_SAYS(says);
}

/* vocab.json and merges.txt of the same tokenizer, without the added tokens. */
static void put_plain(void)
{
    cJSON *json = tokenizer_json();
    const cJSON *model = cJSON_GetObjectItemCaseSensitive(json, "model"), *merge;
    struct base_text merges = {0};
    put_json("vocab.json", cJSON_GetObjectItemCaseSensitive(model, "vocab"));
    base_text_print(&merges, "#version: 0.2\n");
    cJSON_ArrayForEach(merge, cJSON_GetObjectItemCaseSensitive(model, "merges"))
        base_text_print(&merges, "%s %s\n", cJSON_GetStringValue(cJSON_GetArrayItem(merge, 0)),
                        cJSON_GetStringValue(cJSON_GetArrayItem(merge, 1)));
    put("merges.txt", merges.data);
    base_text_clear(&merges);
    cJSON_Delete(json);
}

/* The added tokens as tokenizer_config.json has them. */
static void put_decoder(void)
{
    cJSON *json = tokenizer_json(), *config = cJSON_CreateObject();
    cJSON *decoder = cJSON_AddObjectToObject(config, "added_tokens_decoder");
    const cJSON *token;
    char id[16];
    cJSON_ArrayForEach(token, cJSON_GetObjectItemCaseSensitive(json, "added_tokens"))
    {
        snprintf(id, sizeof(id), "%d", cJSON_GetObjectItemCaseSensitive(token, "id")->valueint);
        cJSON_AddItemToObject(decoder, id, cJSON_Duplicate(token, true));
    }
    put_json("tokenizer_config.json", config);
    cJSON_Delete(config);
    cJSON_Delete(json);
}

/* ---- what is right ---- */

static void test_json(void)
{
    struct data_tokenizer *t = NULL;
    CHECK_EQ(data_tokenizer_load(ADDED, &t), MIEN_OK);
    if (!t)
        return;
    check_cases(t);
    CHECK_EQ(data_tokenizer_vocab(t), 710);
    CHECK_EQ(data_tokenizer_count(t), 710);
    CHECK_EQ(data_tokenizer_bos(t), 698);
    CHECK_EQ(data_tokenizer_pad(t), 699);
    CHECK_STR(data_tokenizer_symbol(t, 700), "<my-face>");
    CHECK(strstr(data_tokenizer_last_file(t), "tokenizer.json") != NULL);
    data_tokenizer_destroy(&t);
}

/* "a b" in place of ["a", "b"], as tokenizers wrote it before 0.20. */
static void test_old_merges(void)
{
    cJSON *json = tokenizer_json(), *strings = cJSON_CreateArray();
    const cJSON *pair;
    cJSON *model = cJSON_GetObjectItemCaseSensitive(json, "model");
    char text[256];
    cJSON_ArrayForEach(pair, cJSON_GetObjectItemCaseSensitive(model, "merges"))
    {
        snprintf(text, sizeof(text), "%s %s", cJSON_GetStringValue(cJSON_GetArrayItem(pair, 0)),
                 cJSON_GetStringValue(cJSON_GetArrayItem(pair, 1)));
        cJSON_AddItemToArray(strings, cJSON_CreateString(text));
    }
    cJSON_ReplaceItemInObjectCaseSensitive(model, "merges", strings);
    begin();
    put_json("tokenizer.json", json);
    cJSON_Delete(json);
    struct data_tokenizer *t = load();
    if (t)
        check_cases(t);
    data_tokenizer_destroy(&t);
}

static void test_decoder(void)
{
    begin();
    put_plain();
    put_decoder();
    struct data_tokenizer *t = load(), *back = NULL;
    if (!t)
        return;
    check_cases(t);
    CHECK(strstr(data_tokenizer_last_file(t), "tokenizer_config.json") != NULL);
    begin();
    CHECK_EQ(data_tokenizer_save(t, support_scratch(), 56), MIEN_OK);
    CHECK(base_file_exists(support_file("added_tokens.json")));
    back = load();
    if (back)
        check_cases(back);
    data_tokenizer_destroy(&back);
    data_tokenizer_destroy(&t);
}

static void check_ids(const struct data_tokenizer *t, const char *text, const int32_t *want, size_t count)
{
    struct data_ids got = {0};
    CHECK_EQ(data_tokenizer_encode(t, text, strlen(text), &got), MIEN_OK);
    CHECK(got.count == count && memcmp(got.ids, want, count * sizeof(*want)) == 0);
    base_free(got.ids);
}
#define IDS(t, text, ...)                                                                                              \
    check_ids(t, text, (const int32_t[]){__VA_ARGS__}, sizeof((int32_t[]){__VA_ARGS__}) / sizeof(int32_t))

/* added_tokens.json alone: found in the cleaned text. */
static void test_plain(void)
{
    struct data_tokenizer *t;
    begin();
    put_plain();
    put("added_tokens.json", "{\"<my-face>\": 700, \"O'Neil \xE2\x80\x9Cx\xE2\x80\x9D\": 701}");
    t = load();
    if (!t)
        return;
    IDS(t, "<my-face>", 700);
    IDS(t, "&lt;MY-Face&gt;<my-face>", 700, 700);
    IDS(t, "o\xE2\x80\x99neil  \"X\"", 701);
    CHECK_EQ(data_tokenizer_vocab(t), 702);
    CHECK(strstr(data_tokenizer_last_file(t), "added_tokens.json") != NULL);
    data_tokenizer_destroy(&t);
}

/* A special token of the vocabulary is whole wherever it stands, as it is written. */
static void test_named(void)
{
    struct data_tokenizer *t;
    begin();
    put_plain();
    put("special_tokens_map.json", "{\"additional_special_tokens\": [\"happ\", {\"content\": \"ab\"}]}");
    put("added_tokens.json", "{\"ab\": 700}");
    t = load();
    if (t)
        IDS(t, "xhapp ab", 343, 655, 700);
    data_tokenizer_destroy(&t);
    put("special_tokens_map.json", "{\"additional_special_tokens\": [\"<img>\"]}");
    refused("special_tokens_map.json", "\"<img>\" has no id");
}

/* ---- what is refused ---- */

static void test_conflicts(void)
{
    begin();
    put_plain();
    put("added_tokens.json", "{\"<a>\": 5}");
    refused("added_tokens.json", "the same id 5");
    put("added_tokens.json", "{\"face</w>\": 700}");
    refused("added_tokens.json", "\"face</w>\" has the id 700 here, and");
    put("added_tokens.json", "{\"<|endoftext|>\": 700}");
    refused("added_tokens.json", "and 699 in");
    put("added_tokens.json", "{\"<a>\": 700}");
    put("tokenizer_config.json", "{\"added_tokens_decoder\": {\"701\": {\"content\": \"<a>\"}}}");
    refused("added_tokens.json", "and 701 in");
    put("tokenizer_config.json", "{\"added_tokens_decoder\": {\"x\": {\"content\": \"<a>\"}}}");
    refused("tokenizer_config.json", "is no id");
    put("tokenizer_config.json", "{\"added_tokens_decoder\": {\"700\": {}}}");
    refused("tokenizer_config.json", "no \"content\"");
    put("tokenizer_config.json", "{\"eos_token\": \"</s>\"}");
    refused("tokenizer_config.json", "\"eos_token\" is \"</s>\"; a CLIP tokenizer has <|endoftext|>");
    put("tokenizer_config.json", "{}");
    put("added_tokens.json", "{\"<a>\": \"x\"}");
    refused("added_tokens.json", "whole number");
    put("added_tokens.json", "[]");
    refused("added_tokens.json", "an object of token: id");
}

/* tokenizer.json with another value at a place. */
static void changed(const char *outer, const char *inner, const char *value, const char *says)
{
    cJSON *json = tokenizer_json(), *item = NULL;
    cJSON *object = inner ? cJSON_GetObjectItemCaseSensitive(json, outer) : json;
    CHECK_EQ(base_json_parse(value, strlen(value), "value", &item), MIEN_OK);
    CHECK(cJSON_ReplaceItemInObjectCaseSensitive(object, inner ? inner : outer, item));
    begin();
    put_json("tokenizer.json", json);
    cJSON_Delete(json);
    refused("tokenizer.json", says);
}

#define NFC "{\"type\":\"NFC\"}"
#define LOWER "{\"type\":\"Lowercase\"}"
#define BLANKS "{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"\\\\s+\"},\"content\":\" \"}"
#define SEQUENCE(key, list) "{\"type\":\"Sequence\",\"" key "\":[" list "]}"
#define BYTES(prefix) "{\"type\":\"ByteLevel\",\"add_prefix_space\":" prefix "}"
#define SPLIT(words)                                                                                                   \
    "{\"type\":\"Split\",\"pattern\":{\"Regex\":\"" words "\"},\"behavior\":\"Removed\",\"invert\":true}"
#define CLIP "'s|'t|'re|'ve|'m|'ll|'d|[\\\\p{L}]+|[\\\\p{N}]|[^\\\\s\\\\p{L}\\\\p{N}]+"

static void test_not_clip(void)
{
    changed("normalizer", NULL, "{\"type\":\"BertNormalizer\"}", "the normalizer is BertNormalizer");
    changed("normalizer", NULL, "null", "the normalizer is none");
    changed("normalizer", NULL, SEQUENCE("normalizers", NFC "," BLANKS), "the normalizer is a part of it");
    changed("normalizer", NULL, SEQUENCE("normalizers", NFC "," BLANKS "," LOWER ",{\"type\":\"StripAccents\"}"),
            "the normalizer is StripAccents");
    changed("pre_tokenizer", NULL, "{\"type\":\"Whitespace\"}", "the pre_tokenizer is Whitespace");
    changed("pre_tokenizer", NULL, BYTES("false"), "the pre_tokenizer is ByteLevel");
    changed("pre_tokenizer", NULL, SEQUENCE("pretokenizers", SPLIT("\\\\w+") "," BYTES("false")),
            "a Split by another expression");
    changed("pre_tokenizer", NULL, SEQUENCE("pretokenizers", SPLIT(CLIP) "," BYTES("true")), "add_prefix_space");
    changed("model", "type", "\"Unigram\"", "the model is Unigram");
    changed("model", "end_of_word_suffix", "null", "without the end_of_word_suffix");
    changed("model", "continuing_subword_prefix", "\"##\"", "continuing_subword_prefix");
    changed("model", "byte_fallback", "true", "byte_fallback");
    changed("model", "dropout", "0.1", "dropout");
    changed("model", "merges", "[[\"a\"]]", "merge 1 of");
    changed("model", "merges", "[\"a b\",\"a b c\"]", "merge 2 of");
    changed("model", "vocab", "{\"a\":0.5}", "whole number");
    changed("model", NULL, "3", "\"model\" must be an object");
}

int main(void)
{
    support_capture();
    CHECK_EQ(base_json_read(ADDED "/cases.json", &cases), MIEN_OK);
    test_json();
    test_old_merges();
    test_decoder();
    test_plain();
    test_named();
    test_conflicts();
    test_not_clip();
    cJSON_Delete(cases);
    support_clean();
    return check_result();
}
