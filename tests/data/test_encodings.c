/* Every reader of files with texts refuses what is not UTF-8, by file and line, and takes a byte-order mark. */
#include "data/csv.h"
#include "data/manifest.h"
#include "data/tokenizer.h"
#include "io/support.h"
#include "mien/data.h"

static enum mien_status read_manifest(const char *path)
{
    struct data_manifest *m = NULL;
    enum mien_status status = data_manifest_read(path, &m);
    data_manifest_destroy(&m);
    return status;
}

static enum mien_status read_table(const char *path)
{
    struct data_csv csv;
    enum mien_status status = data_csv_read(path, ',', &csv);
    data_csv_clear(&csv);
    return status;
}

static enum mien_status read_texts(const char *path)
{
    struct mien_texts *texts = NULL;
    enum mien_status status = mien_texts_read(path, 0, &texts);
    mien_texts_destroy(&texts);
    return status;
}

static enum mien_status read_json(const char *path)
{
    cJSON *json = NULL;
    enum mien_status status = base_json_read(path, &json);
    cJSON_Delete(json);
    return status;
}

/* The file among others that a tokenizer needs. */
static enum mien_status read_tokenizer(const char *path)
{
    struct data_tokenizer *t = NULL;
    (void)path;
    enum mien_status status = data_tokenizer_load(support_scratch(), &t);
    data_tokenizer_destroy(&t);
    return status;
}

static const struct reader {
    const char *file;
    enum mien_status (*read)(const char *path);
    const char *first, *second; /* two good lines, an ASCII text at the end of the second */
    const char *rest;
} readers[] = {
    {"m.jsonl", read_manifest, "{\"image\":\"a.png\"}\n", "{\"image\":\"b.png\",\"caption\":\"happy", "\"}\n"},
    {"m.csv", read_manifest, "filepath,title\n", "b.png,happy", "\n"},
    {"m.tsv", read_manifest, "filepath\ttitle\n", "b.png\thappy", "\n"},
    {"t.csv", read_table, "filepath,label\n", "b.png,happy", "\n"},
    {"t.txt", read_texts, "a face\n", "happy", "\n"},
    {"d.json", read_json, "{\n", "\"joy\":\"happy", "\"}\n"},
    {"merges.txt", read_tokenizer, "#version: 0.2\n", "a b", "\n"},
    {"vocab.json", read_tokenizer, "{\"<|startoftext|>\":0,\"<|endoftext|>\":1,\n", "\"a\":2,\"b\":3,\"ab", "\":4}\n"},
};

static char bytes[4096];
static size_t size;

static void add(const char *data, size_t count)
{
    memcpy(bytes + size, data, count);
    size += count;
}

/* `before` everything, and `inside` the text of line 2. */
static void build(const struct reader *r, const char *before, const char *inside, size_t inside_size)
{
    size = 0;
    add(before, strlen(before));
    add(r->first, strlen(r->first));
    add(r->second, strlen(r->second));
    add(inside, inside_size);
    add(r->rest, strlen(r->rest));
}

static void to_utf16(bool mark, bool big)
{
    char copy[4096];
    size_t count = size;
    memcpy(copy, bytes, size);
    size = 0;
    if (mark)
        add(big ? "\xFE\xFF" : "\xFF\xFE", 2);
    for (size_t i = 0; i < count; i++) {
        char pair[2] = {big ? 0 : copy[i], big ? copy[i] : 0};
        add(pair, 2);
    }
}

static void expect(const struct reader *r, enum mien_status want, const char *line, const char *says)
{
    const char *path = support_file(r->file);
    char where[64];
    CHECK_EQ(base_file_write(path, bytes, size), MIEN_OK);
    support_last[0] = 0;
    enum mien_status got = r->read(path);
    if (got != want)
        fprintf(stderr, "%s, %s: %d\n", r->file, says ? says : "good", (int)got);
    CHECK_EQ(got, want);
    if (!says)
        return;
    snprintf(where, sizeof(where), "%s%s", r->file, line);
    CHECK_SAYS(where);
    CHECK_SAYS(says);
}

static void check_reader(const struct reader *r)
{
    build(r, "", "", 0);
    expect(r, MIEN_OK, NULL, NULL);
    build(r, "\xEF\xBB\xBF", "", 0);
    expect(r, MIEN_OK, NULL, NULL);
    build(r, "", "\xE9", 1);
    expect(r, MIEN_ERR_DATA, ":2", "not UTF-8");
    build(r, "\xEF\xBB\xBF", "\xED\xA0\x80", 3);
    expect(r, MIEN_ERR_DATA, ":2", "not UTF-8");
    build(r, "", "\0", 1);
    expect(r, MIEN_ERR_DATA, ":2", "a zero byte");
    for (int kind = 0; kind < 4; kind++) {
        build(r, "", "", 0);
        to_utf16(kind & 1, kind & 2);
        expect(r, MIEN_ERR_DATA, ":1", "UTF-16");
    }
    build(r, "", "", 0); /* good again, for the readers of several files */
    expect(r, MIEN_OK, NULL, NULL);
}

int main(void)
{
    static const char merges[] = "a b\n",
                      vocab[] = "{\"<|startoftext|>\":0,\"<|endoftext|>\":1,\"a\":2,\"b\":3,\"ab\":4}";
    support_capture();
    CHECK_EQ(base_file_write(support_file("merges.txt"), merges, sizeof(merges) - 1), MIEN_OK);
    CHECK_EQ(base_file_write(support_file("vocab.json"), vocab, sizeof(vocab) - 1), MIEN_OK);
    for (size_t i = 0; i < BASE_COUNT(readers); i++)
        check_reader(&readers[i]);
    support_clean();
    return check_result();
}
