/* The tokenizer against CLIP's own ids (shared golden files), by hand, learnt, saved and read back. */
#include "data/tokenizer.h"

#include "io/support.h"

static struct data_tokenizer *clip; /* from the shared merge list; NULL when missing */

static void check_ids(const struct data_tokenizer *t, const char *text, const cJSON *expected)
{
    struct data_ids ids = {0};
    CHECK_EQ(data_tokenizer_encode(t, text, strlen(text), &ids), MIEN_OK);
    bool same = (int)ids.count == cJSON_GetArraySize(expected);
    for (size_t i = 0; same && i < ids.count; i++)
        same = ids.ids[i] == cJSON_GetArrayItem(expected, (int)i)->valueint;
    if (!same) {
        fprintf(stderr, "\"%s\":", text);
        for (size_t i = 0; i < ids.count; i++)
            fprintf(stderr, " %d", ids.ids[i]);
        fprintf(stderr, "\n");
    }
    CHECK(same);
    base_free(ids.ids);
}

/* The golden files hold U+0000, which ends a C string and so cannot be given to cJSON's users; base_json refuses or
 * keeps it, so the text is taken from the raw file when that happens: see test_nul. */
static void test_golden(void)
{
    cJSON *json = NULL;
    char *text;
    size_t size;
    if (!clip)
        return;
    CHECK_EQ(base_file_read(support_shared("tokenizer/golden.json"), 0, &text, &size), MIEN_OK);
    char *nul = text ? strstr(text, "\\u0000") : NULL; /* one case: "\u0000nul" */
    if (nul)
        memcpy(nul, "\\u0001", 6);
    CHECK_EQ(base_json_parse(text, size, "golden.json", &json), MIEN_OK);
    const cJSON *item;
    int cases = 0;
    cJSON_ArrayForEach(item, json)
    {
        const char *input = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "text"));
        const cJSON *ids = cJSON_GetObjectItemCaseSensitive(item, "ids_mien");
        if (!ids)
            ids = cJSON_GetObjectItemCaseSensitive(item, "ids_without_ftfy");
        if (!ids)
            ids = cJSON_GetObjectItemCaseSensitive(item, "ids");
        if (input && input[0] != 1) {
            check_ids(clip, input, ids);
        } else if (input) {
            struct data_ids got = {0};
            CHECK_EQ(data_tokenizer_encode(clip, "\0nul", 4, &got), MIEN_OK);
            CHECK_EQ(got.count, cJSON_GetArraySize(ids));
            for (size_t i = 0; i < got.count; i++)
                CHECK_EQ(got.ids[i], cJSON_GetArrayItem(ids, (int)i)->valueint);
            base_free(got.ids);
        }
        cases++;
    }
    CHECK(cases >= 100);
    cJSON_Delete(json);
    base_free(text);
}

static void test_context(void)
{
    cJSON *json = NULL;
    const cJSON *item;
    if (!clip)
        return;
    CHECK_EQ(base_json_read(support_shared("tokenizer/golden_context77.json"), &json), MIEN_OK);
    cJSON_ArrayForEach(item, json)
    {
        const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "text"));
        const cJSON *tokens = cJSON_GetObjectItemCaseSensitive(item, "tokens77");
        const cJSON *raises = cJSON_GetObjectItemCaseSensitive(item, "raises_without_truncate");
        int eot = cJSON_GetObjectItemCaseSensitive(item, "eot_index")->valueint;
        struct data_ids row = {0};
        bool cut = false;
        CHECK_EQ(data_tokenizer_encode_row(clip, text, 77, &row, &cut), MIEN_OK);
        CHECK_EQ(row.count, eot + 1);
        CHECK_EQ(cut, cJSON_IsTrue(raises));
        for (size_t i = 0; i < row.count; i++)
            CHECK_EQ(row.ids[i], cJSON_GetArrayItem(tokens, (int)i)->valueint);
        base_free(row.ids);
    }
    cJSON_Delete(json);
}

static const char *const corpus[] = {"a happy face, smiling happily",
                                     "an unhappy face",
                                     "it's a sad face!",
                                     "the saddest face &amp; the happiest",
                                     "na\xC3\xAFve 100% <3",
                                     "",
                                     NULL};

static void same_ids(const struct data_tokenizer *a, const struct data_tokenizer *b, const char *text)
{
    struct data_ids x = {0}, y = {0};
    CHECK_EQ(data_tokenizer_encode(a, text, strlen(text), &x), MIEN_OK);
    CHECK_EQ(data_tokenizer_encode(b, text, strlen(text), &y), MIEN_OK);
    CHECK_EQ(x.count, y.count);
    CHECK(x.count == y.count && (x.count == 0 || memcmp(x.ids, y.ids, x.count * sizeof(*x.ids)) == 0));
    base_free(x.ids);
    base_free(y.ids);
}

/* The text that ids stand for, through the symbols: every byte must come back. */
static void test_lossless(const struct data_tokenizer *t, const char *text, const char *symbols)
{
    struct data_ids ids = {0};
    char joined[512] = "";
    CHECK_EQ(data_tokenizer_encode(t, text, strlen(text), &ids), MIEN_OK);
    for (size_t i = 0; i < ids.count; i++)
        strcat(joined, data_tokenizer_symbol(t, (uint32_t)ids.ids[i]));
    CHECK_STR(joined, symbols);
    base_free(ids.ids);
}

static void test_trained(void)
{
    struct data_tokenizer *t = NULL, *again = NULL, *back = NULL;
    size_t n = BASE_COUNT(corpus) - 1;
    CHECK_EQ(data_bpe_train(corpus, n, 526, &t), MIEN_OK);
    CHECK_EQ(data_bpe_train(corpus, n, 526, &again), MIEN_OK);
    if (!t || !again)
        return;
    CHECK_EQ(data_tokenizer_vocab(t), 526);
    CHECK_EQ(data_tokenizer_bos(t), 524);
    CHECK_EQ(data_tokenizer_eos(t), 525);
    CHECK_EQ(data_tokenizer_pad(t), 525);
    CHECK_STR(data_tokenizer_symbol(t, 0), "!");
    CHECK_STR(data_tokenizer_symbol(t, 256), "!</w>");
    CHECK_STR(data_tokenizer_symbol(t, 188), "\xC4\x80"); /* byte 0 is U+0100 */
    for (uint32_t id = 0; id < 526; id++)
        CHECK_STR(data_tokenizer_symbol(t, id), data_tokenizer_symbol(again, id));
    CHECK(data_tokenizer_symbol(t, 526) == NULL);
    test_lossless(t, "A  Happy\tface's", "a</w>happy</w>face</w>'s</w>");
    test_lossless(t, "\xC3\xAF 42", "\xC3\x83\xC2\xAF</w>4</w>2</w>");
    CHECK_EQ(data_tokenizer_save(t, support_scratch(), 32), MIEN_OK);
    CHECK_EQ(data_tokenizer_load(support_scratch(), &back), MIEN_OK);
    for (size_t i = 0; back && i < n; i++)
        same_ids(t, back, corpus[i]);
    if (back) {
        same_ids(t, back, "never seen: \xF0\x9F\x98\x80 \"quoted\\\" words");
        CHECK_EQ(data_tokenizer_vocab(back), 526);
        CHECK_EQ(data_tokenizer_pad(back), 525);
    }
    data_tokenizer_destroy(&back);
    data_tokenizer_destroy(&again);
    data_tokenizer_destroy(&t);
    CHECK(t == NULL);
    data_tokenizer_destroy(&t);
    CHECK_EQ(data_bpe_train(corpus, n, 60000, &t), MIEN_OK); /* pairs run out */
    CHECK(t && data_tokenizer_vocab(t) < 600);
    data_tokenizer_destroy(&t);
    CHECK_EQ(data_bpe_train(corpus, n, 513, &t), MIEN_ERR_ARG);
    CHECK_EQ(data_bpe_train(NULL, 0, 514, &t), MIEN_OK);
    CHECK(t && data_tokenizer_vocab(t) == 514);
    struct data_ids row = {0};
    bool cut = false;
    CHECK_EQ(data_tokenizer_encode_row(t, "abc", 1, &row, &cut), MIEN_ERR_ARG);
    CHECK_EQ(data_tokenizer_encode_row(t, "abc", 4, &row, &cut), MIEN_OK);
    CHECK(row.count == 4 && cut && row.ids[3] == 513 && row.ids[0] == 512);
    base_free(row.ids);
    data_tokenizer_destroy(&t);
}

/* The whole of CLIP's tokenizer through vocab.json and back. */
static void test_clip_round_trip(void)
{
    struct data_tokenizer *back = NULL;
    if (!clip)
        return;
    CHECK_EQ(data_tokenizer_vocab(clip), 49408);
    CHECK_EQ(data_tokenizer_pad(clip), 0);
    CHECK_EQ(data_tokenizer_save(clip, support_scratch(), 77), MIEN_OK);
    double start = base_clock_seconds();
    CHECK_EQ(data_tokenizer_load(support_scratch(), &back), MIEN_OK);
    printf("reading 49,408 tokens: %.3f s\n", base_clock_seconds() - start);
    if (!back)
        return;
    CHECK_EQ(data_tokenizer_vocab(back), 49408);
    CHECK_EQ(data_tokenizer_pad(back), data_tokenizer_eos(back)); /* "!" would be padding to transformers */
    for (size_t i = 0; corpus[i]; i++)
        same_ids(clip, back, corpus[i]);
    same_ids(clip, back, "\xCE\x9F\xCE\x94\xCE\x9F\xCE\xA3 supercalifragilistic \xF0\x9F\x98\x80");
    data_tokenizer_destroy(&back);
}

static void put(const char *name, const char *text)
{
    CHECK_EQ(base_file_write(support_file(name), text, strlen(text)), MIEN_OK);
}

static void load_refused(const char *says)
{
    struct data_tokenizer *t;
    support_last[0] = '\0';
    CHECK_EQ(data_tokenizer_load(support_scratch(), &t), MIEN_ERR_DATA);
    CHECK(t == NULL);
    CHECK_SAYS(says);
}

static void test_refusals(void)
{
    base_dir_remove(support_scratch());
    base_dir_create(support_scratch());
    load_refused("no tokenizer here");
    put("bpe_simple_vocab_16e6.txt.gz", "not gzip");
    load_refused("gzip");
    put("vocab.json", "{\"a\":-1}");
    load_refused("whole number");
    put("vocab.json", "{\"a\":1.5}");
    load_refused("whole number");
    put("vocab.json", "[]");
    load_refused("object");
    put("vocab.json", "{\"a\":0,\"b\":1}");
    load_refused("merges.txt");
    put("merges.txt", "#version: 0.2\na b\nab\n");
    load_refused("merges.txt:3");
    put("merges.txt", "#version: 0.2\na b c\n");
    load_refused("merges.txt:2");
    put("merges.txt", "a \n");
    load_refused("merges.txt:1");
    put("merges.txt", "a b\r\n\n");
    load_refused("<|startoftext|>");
    put("vocab.json", "{\"a\":0,\"b\":0,\"<|startoftext|>\":1,\"<|endoftext|>\":2}");
    load_refused("same id");
    put("vocab.json", "{\"ab</w>\":3,\"a\":0,\"b</w>\":5,\"<|startoftext|>\":1,\"<|endoftext|>\":2}");
    put("merges.txt", "a b</w>\n");
    put("tokenizer_config.json", "{\"pad_token\":{\"content\":\"zz\"}}");
    load_refused("pad token");
    put("tokenizer_config.json", "{\"pad_token\":{\"content\":\"a\"}}");
    struct data_tokenizer *t = NULL;
    CHECK_EQ(data_tokenizer_load(support_scratch(), &t), MIEN_OK);
    if (t) { /* gaps in the ids, most bytes unknown */
        struct data_ids ids = {0};
        CHECK_EQ(data_tokenizer_vocab(t), 6);
        CHECK_EQ(data_tokenizer_pad(t), 0);
        CHECK_EQ(data_tokenizer_encode(t, "ab ac", 5, &ids), MIEN_OK);
        CHECK(ids.count == 3 && ids.ids[0] == 3 && ids.ids[1] == 0 && ids.ids[2] == 2);
        CHECK(data_tokenizer_symbol(t, 4) == NULL);
        base_free(ids.ids);
    }
    data_tokenizer_destroy(&t);
}

/* OpenAI's merge list in memory: the same tokens as from the file. */
static void test_memory_gzip(void)
{
    static const char text[] = "a joyful face, na\xc3\xafve and 42!";
    struct data_tokenizer *t = NULL;
    struct data_ids want = {0}, got = {0};
    char *data = NULL;
    struct mien_file file = {.name = "bpe_simple_vocab_16e6.txt.gz"};
    const struct base_source source = {.files = &file, .file_count = 1};
    if (!clip)
        return;
    CHECK_EQ(base_file_read(support_shared("tokenizer/bpe_simple_vocab_16e6.txt.gz"), 0, &data, &file.size), MIEN_OK);
    file.bytes = data;
    CHECK_EQ(data_tokenizer_load_from(&source, &t), MIEN_OK);
    if (t) {
        CHECK_EQ(data_tokenizer_encode(clip, text, strlen(text), &want), MIEN_OK);
        CHECK_EQ(data_tokenizer_encode(t, text, strlen(text), &got), MIEN_OK);
        CHECK(got.count > 5 && got.count == want.count && !memcmp(got.ids, want.ids, got.count * sizeof(*got.ids)));
    }
    data_tokenizer_destroy(&t);
    file.size /= 2;
    CHECK_EQ(data_tokenizer_load_from(&source, &t), MIEN_ERR_DATA);
    CHECK_SAYS("memory: bpe_simple_vocab_16e6.txt.gz");
    base_free(want.ids);
    base_free(got.ids);
    base_free(data);
}

/* A copy of the merge list with one bit flipped, or cut off, is refused. */
static void test_damaged_gzip(void)
{
    char *data;
    size_t size;
    struct data_tokenizer *t;
    if (!clip)
        return;
    base_dir_remove(support_scratch());
    base_dir_create(support_scratch());
    const char *path = support_file("bpe_simple_vocab_16e6.txt.gz");
    CHECK_EQ(base_file_read(support_shared("tokenizer/bpe_simple_vocab_16e6.txt.gz"), 0, &data, &size), MIEN_OK);
    for (size_t at = 3; at < size; at += size / 7) {
        data[at] ^= 4;
        CHECK_EQ(base_file_write(path, data, size), MIEN_OK);
        enum mien_status status = data_tokenizer_load(support_scratch(), &t);
        CHECK(status == MIEN_ERR_DATA || at < 10); /* the head's time and system carry no meaning */
        data_tokenizer_destroy(&t);
        data[at] ^= 4;
    }
    CHECK_EQ(base_file_write(path, data, size / 2), MIEN_OK);
    CHECK_EQ(data_tokenizer_load(support_scratch(), &t), MIEN_ERR_DATA);
    CHECK_EQ(base_file_write(path, data, 17), MIEN_OK);
    CHECK_EQ(data_tokenizer_load(support_scratch(), &t), MIEN_ERR_DATA);
    base_free(data);
}

int main(void)
{
    support_capture();
    if (!base_file_exists(support_shared("tokenizer/golden.json")))
        printf("skipped: CLIP's golden cases: no %s\n", MIEN_SHARED_DIR);
    else
        CHECK_EQ(data_tokenizer_load(support_shared("tokenizer"), &clip), MIEN_OK);
    test_golden();
    test_context();
    test_trained();
    test_clip_round_trip();
    test_refusals();
    test_damaged_gzip();
    test_memory_gzip();
    data_tokenizer_destroy(&clip);
    support_clean();
    return check_result();
}
