/* Manifests: every key, every refusal with its line; captions into levels; tables. */
#include "data/csv.h"
#include "data/manifest.h"

#include "io/support.h"

static struct data_manifest *read_text(const char *name, const char *text)
{
    struct data_manifest *m;
    CHECK_EQ(base_file_write(support_file(name), text, strlen(text)), MIEN_OK);
    CHECK_EQ(data_manifest_read(support_file(name), &m), MIEN_OK);
    return m;
}

static void test_all_keys(void)
{
    struct data_manifest *m = read_text(
        "m.jsonl",
        "\xEF\xBB\xBF{\"image\":\"a b/\xC3\xA9.png\",\"box\":[1,2,3,4],\"caption\":{\"global\":\"g\",\"local\":[\"l1\","
        "\"l2\"],\"summary\":\"s\"},\"label\":[\"happiness\",\"surprise\"],\"va\":[0.5,-1],\"au\":{\"AU12\":1},"
        "\"targets\":{\"t\":1.5,\"u\":2},\"question\":\"q\",\"options\":[\"x\",\"y\"],\"answer\":1,\"split\":\"train\","
        "\"fold\":3,\"subject\":\"id\",\"new\":{\"x\":[]}}\r\n"
        "\n  \n"
        "{\"frames\":\"dir\",\"box\":[-1.5,0.5,3,-2],\"split\":\"val\",\"subject\":7}\n"
        "{\"frames\":[\"a\",\"/b\"],\"split\":\"test\",\"label\":\"anger\"}\n"
        "{\"video\":\"/v.mp4\",\"caption\":\"One. Two! Three?\"}");
    if (!m)
        return;
    CHECK_EQ(m->count, 4);
    const struct data_row *r = m->rows;
    CHECK_STR(r[0].image, support_file("a b/\xC3\xA9.png"));
    CHECK(r[0].has_box && r[0].box[0] == 1 && r[0].box[3] == 4);
    CHECK(r[1].has_box && r[1].box[0] == -2 && r[1].box[1] == 0 && r[1].box[2] == 4 && r[1].box[3] == 0);
    CHECK_STR(r[0].caption.global, "g");
    CHECK_STR(r[0].caption.summary, "s");
    CHECK(r[0].caption.local_count == 2 && !r[0].caption.whole);
    CHECK_STR(r[0].caption.local[1], "l2");
    char label[64];
    CHECK_STR(data_row_label(&r[0], label, sizeof(label)), "happiness and surprise");
    CHECK_STR(data_row_label(&r[0], label, 12), "happiness a");
    const struct data_row compound = {.labels = (const char *const[]){"fear", "disgust", "fear", "awe"},
                                      .label_count = 4};
    CHECK_STR(data_row_label(&compound, label, sizeof(label)), "awe and disgust and fear");
    CHECK(r[0].has_va && r[0].va[1] == -1);
    CHECK(r[0].au_count == 1 && r[0].aus[0].value == 1 && r[0].target_count == 2);
    CHECK_STR(r[0].targets[1].name, "u");
    CHECK(r[0].option_count == 2 && r[0].answer == 1 && r[0].fold == 3 && r[0].split == DATA_SPLIT_TRAIN);
    CHECK_STR(r[0].subject, "id");
    CHECK_EQ(r[1].line, 4);
    CHECK_STR(r[1].frames_dir, support_file("dir"));
    CHECK_STR(r[1].subject, "7");
    CHECK(r[1].answer == -1 && r[1].fold == -1 && r[1].label_count == 0);
    CHECK_STR(data_row_label(&r[1], label, sizeof(label)), "");
    CHECK_EQ(r[2].frame_count, 2);
    CHECK_STR(r[2].frames[0], support_file("a"));
    CHECK_STR(r[2].frames[1], "/b");
    CHECK_STR(r[3].video, "/v.mp4");
    CHECK_STR(r[3].caption.global, "One.");
    CHECK_STR(r[3].caption.summary, "Three?");
    uint32_t *rows;
    size_t count;
    CHECK_EQ(data_manifest_select(m, DATA_SPLIT_TRAIN, true, &rows, &count), MIEN_OK);
    CHECK(count == 2 && rows[0] == 0 && rows[1] == 3);
    base_free(rows);
    CHECK_EQ(data_manifest_select(m, DATA_SPLIT_VAL, false, &rows, &count), MIEN_OK);
    CHECK(count == 1 && rows[0] == 1);
    base_free(rows);
    CHECK_EQ(data_manifest_select(m, DATA_SPLIT_NONE, true, &rows, &count), MIEN_OK);
    CHECK_EQ(count, 4);
    base_free(rows);
    data_manifest_destroy(&m);
    CHECK(m == NULL);
    data_manifest_destroy(&m);
}

static void refused(const char *line, const char *says)
{
    char text[600];
    struct data_manifest *m;
    snprintf(text, sizeof(text), "{\"image\":\"a\"}\n\n%s\n", line);
    CHECK_EQ(base_file_write(support_file("bad.jsonl"), text, strlen(text)), MIEN_OK);
    support_last[0] = '\0';
    CHECK_EQ(data_manifest_read(support_file("bad.jsonl"), &m), MIEN_ERR_DATA);
    CHECK(m == NULL);
    CHECK_SAYS("bad.jsonl:3");
    CHECK_SAYS(says);
}

static void test_refusals(void)
{
    refused("{\"image\":\"a\"", "JSON");
    refused("[]", "object");
    refused("[\n{\"image\":\"a\"}\n]", "not an array; pandas writes");
    refused("3", "object");
    refused("{\"image\":\"a\"} x", "JSON");
    refused("{\"image\":\"a\",\"image\":\"b\"}", "twice");
    refused("{\"image\":\"a\xff\"}", "UTF-8");
    refused("{}", "exactly one");
    refused("{\"image\":\"a\",\"video\":\"b\"}", "exactly one");
    refused("{\"image\":5}", "\"image\"");
    refused("{\"image\":null}", "\"image\"");
    refused("{\"image\":\"\"}", "exactly one");
    refused("{\"frames\":[]}", "exactly one");
    refused("{\"frames\":[null,\" \"],\"video\":\"\\t\"}", "exactly one");
    refused("{\"img\":\"a\"}", "\"img\" is not read, did you mean \"image\"?");
    refused("{\"frames\":[1]}", "not a string");
    refused("{\"frames\":1}", "\"frames\"");
    refused("{\"image\":\"a\",\"caption\":1}", "\"caption\"");
    refused("{\"image\":\"a\",\"caption\":{\"global\":1}}", "\"global\"");
    refused("{\"image\":\"a\",\"caption\":{\"local\":\"x\"}}", "\"local\"");
    refused("{\"image\":\"a\",\"caption\":{\"local\":[1]}}", "not a string");
    refused("{\"image\":\"a\",\"label\":1}", "\"label\"");
    refused("{\"image\":\"a\",\"label\":[1]}", "not a string");
    refused("{\"image\":\"a\",\"va\":[1]}", "2 numbers");
    refused("{\"image\":\"a\",\"va\":[1,\"x\"]}", "2 numbers");
    refused("{\"image\":\"a\",\"box\":[1,2,3]}", "4 numbers");
    refused("{\"image\":\"a\",\"box\":[1,2,3,\"4\"]}", "4 numbers");
    refused("{\"image\":\"a\",\"box\":[1,2,3,NaN]}", "JSON");
    refused("{\"image\":\"a\",\"box\":\"1,2,3,4\"}", "\"box\"");
    refused("{\"image\":\"a\",\"au\":{\"AU1\":\"x\"}}", "not a number");
    refused("{\"image\":\"a\",\"targets\":[1]}", "\"targets\"");
    refused("{\"image\":\"a\",\"targets\":{\"t\":1e39}}", "\"t\" is 1e+39, beyond the range");
    refused("{\"image\":\"a\",\"au\":{\"AU1\":-1e300}}", "\"AU1\" is -1e+300, beyond the range");
    refused("{\"image\":\"a\",\"va\":[0,1e39]}", "\"va\" is beyond the range");
    refused("{\"image\":\"a\",\"answer\":0}", "options");
    refused("{\"image\":\"a\",\"options\":[\"x\"],\"answer\":-1}", "\"answer\"");
    refused("{\"image\":\"a\",\"split\":\"dev\"}", "train, val or test");
    refused("{\"image\":\"a\",\"split\":1}", "\"split\"");
    refused("{\"image\":\"a\",\"fold\":\"x\"}", "\"fold\"");
    refused("{\"image\":\"a\",\"va\":[null,0.5]}", "2 numbers");
    refused("{\"image\":\"a\",\"box\":[1,2,null,4]}", "4 numbers");
    refused("{\"image\":\"a\",\"subject\":[1]}", "\"subject\"");
    struct data_manifest *m;
    CHECK_EQ(base_file_write(support_file("none.jsonl"), "\n", 1), MIEN_OK);
    CHECK_EQ(data_manifest_read(support_file("none.jsonl"), &m), MIEN_ERR_DATA);
    CHECK_SAYS("no sample");
    CHECK_EQ(data_manifest_read(support_file("missing.jsonl"), &m), MIEN_ERR_DATA);
    CHECK_EQ(data_manifest_read(support_scratch(), &m), MIEN_ERR_DATA);
}

/* JSONTestSuite, each file as one line of a manifest: no crash; n_ files are refused. */
static void test_json_suite(void)
{
    const char *dir = support_shared("fixtures/json/test_parsing");
    char **names, kept[1024];
    size_t count;
    if (!base_file_is_dir(dir)) {
        printf("skipped: JSONTestSuite: no %s\n", MIEN_SHARED_DIR);
        return;
    }
    snprintf(kept, sizeof(kept), "%s", dir);
    CHECK_EQ(base_dir_list(kept, &names, &count), MIEN_OK);
    for (size_t i = 0; i < count; i++) {
        struct data_manifest *m;
        enum mien_status status = data_manifest_read(support_path(kept, names[i]), &m);
        CHECK_EQ(status, MIEN_ERR_DATA); /* even a valid one is no sample */
        data_manifest_destroy(&m);
    }
    CHECK(count > 100);
    base_dir_list_free(&names, &count);
}

static void check_split(const char *text, const char *global, uint32_t locals, const char *summary)
{
    struct base_arena arena = {0};
    struct data_caption c;
    CHECK_EQ(data_caption_split(&arena, text, &c), MIEN_OK);
    CHECK_EQ(c.local_count, locals);
    if (global)
        CHECK_STR(c.global, global);
    else
        CHECK(!c.global);
    if (summary)
        CHECK_STR(c.summary, summary);
    else
        CHECK(!c.summary);
    base_arena_clear(&arena);
}

static void test_captions(void)
{
    check_split("", NULL, 0, NULL);
    check_split("  \n", NULL, 0, NULL);
    check_split("a happy face", "a happy face", 0, NULL);
    check_split(" A happy face.  ", "A happy face.", 0, NULL);
    check_split("One. Two.", "One.", 0, "Two.");
    check_split("One?! \"Two.\" Three 3.5 cm... Four", "One?!", 2, "Four");
    check_split("AU1.5 is up.It counts as one", "AU1.5 is up.It counts as one", 0, NULL);
    struct data_caption c = {.global = "A face, LEFT side"};
    CHECK(data_caption_has_side(&c));
    c.global = "an upright, cleft, bright face";
    CHECK(!data_caption_has_side(&c));
    const char *local[] = {"the mouth", "the right-hand corner"};
    c.local = local;
    c.local_count = 2;
    CHECK(data_caption_has_side(&c));
    struct base_arena arena = {0};
    c.summary = "Sum.";
    CHECK_STR(data_caption_text(&arena, &c), "an upright, cleft, bright face the mouth the right-hand corner Sum.");
    c = (struct data_caption){0};
    CHECK(data_caption_text(&arena, &c) == NULL);
    c.whole = "w";
    CHECK_STR(data_caption_text(&arena, &c), "w");
    base_arena_clear(&arena);
}

static void csv_refused(const char *text, const char *says)
{
    struct data_csv csv;
    CHECK_EQ(base_file_write(support_file("bad.csv"), text, strlen(text)), MIEN_OK);
    CHECK_EQ(data_csv_read(support_file("bad.csv"), ',', &csv), MIEN_ERR_DATA);
    CHECK_SAYS(says);
    CHECK(csv.cells == NULL);
}

static void test_tables(void)
{
    struct data_csv csv;
    static const char text[] = "\xEF\xBB\xBF"
                               "a,\"b\"\"c\",n\r\n\r\n1,\"x,\ny\",12\n2,,-3\n\"\",\"\",\"\"";
    CHECK_EQ(base_file_write(support_file("t.csv"), text, sizeof(text) - 1), MIEN_OK);
    CHECK_EQ(data_csv_read(support_file("t.csv"), ',', &csv), MIEN_OK);
    CHECK(csv.columns == 3 && csv.rows == 2); /* the last line holds nothing */
    CHECK_EQ(data_csv_column(&csv, "b\"c"), 1);
    CHECK_EQ(data_csv_column(&csv, "zz"), -1);
    if (csv.rows == 2) {
        uint32_t n;
        CHECK_STR(data_csv_cell(&csv, 0, 1), "x,\ny");
        CHECK_STR(data_csv_cell(&csv, 1, 1), "");
        CHECK_EQ(csv.lines[0], 3);
        CHECK_EQ(csv.lines[1], 5);
        CHECK(data_csv_u32(&csv, 0, 2, &n) == MIEN_OK && n == 12);
        CHECK_EQ(data_csv_u32(&csv, 1, 2, &n), MIEN_ERR_DATA);
        CHECK_SAYS("t.csv:5");
    }
    data_csv_clear(&csv);
    csv_refused("", "header");
    csv_refused("a,a\n", "twice");
    csv_refused("a,b\n1\n", "bad.csv:2");
    csv_refused("a,b\n1,2\n\n1,2,3\n", "bad.csv:4");
    csv_refused("a\n\"x", "no end");
    csv_refused("a\n\"x\"y\n", "after a closing quote");
    struct data_manifest *m = read_text("m.tsv", "title\tfilepath\tlabel\tsplit\nA face. Sad.\ta.png\tsadness\tval\n"
                                                 "\tb.png\t\t\n");
    if (m) {
        CHECK_EQ(m->count, 2);
        CHECK_STR(m->rows[0].caption.summary, "Sad.");
        CHECK_STR(m->rows[0].image, support_file("a.png"));
        CHECK(m->rows[0].split == DATA_SPLIT_VAL && m->rows[0].label_count == 1);
        CHECK(m->rows[1].split == DATA_SPLIT_NONE && m->rows[1].label_count == 0 && !m->rows[1].caption.global);
    }
    data_manifest_destroy(&m);
    CHECK_EQ(base_file_write(support_file("x.csv"), "path\na\n", 7), MIEN_OK);
    CHECK_EQ(data_manifest_read(support_file("x.csv"), &m), MIEN_ERR_DATA);
    CHECK_SAYS("filepath");
    CHECK_EQ(base_file_write(support_file("y.csv"), "filepath,split\na,dev\n", 21), MIEN_OK);
    CHECK_EQ(data_manifest_read(support_file("y.csv"), &m), MIEN_ERR_DATA);
    CHECK_SAYS("y.csv:2");
}

int main(void)
{
    support_capture();
    test_all_keys();
    test_refusals();
    test_json_suite();
    test_captions();
    test_tables();
    support_clean();
    return check_result();
}
