/* Rows as people write them: what is absent, keys that are none, tables of every form. */
#include "data/csv.h"
#include "data/manifest.h"

#include "io/support.h"

static char warned[4096]; /* all warnings since `read` */
static int warnings;

static void sink(void *user, enum mien_log_level level, const char *message)
{
    size_t used = strlen(warned);
    support_sink(user, level, message);
    if (level != MIEN_LOG_WARN)
        return;
    warnings++;
    snprintf(warned + used, sizeof(warned) - used, "%s\n", message);
}

static enum mien_status read_as(const char *name, const char *text, size_t size, const char *columns,
                                struct data_manifest **out)
{
    warned[0] = support_last[0] = '\0';
    warnings = 0;
    CHECK_EQ(base_file_write(support_file(name), text, size), MIEN_OK);
    return data_manifest_read_as(support_file(name), columns, false, out);
}

static struct data_manifest *read_text(const char *name, const char *text)
{
    struct data_manifest *m;
    CHECK_EQ(read_as(name, text, strlen(text), NULL, &m), MIEN_OK);
    return m;
}

static bool is_bare(const struct data_row *r)
{
    return r->image && !r->caption.whole && !r->caption.global && !r->caption.summary && r->caption.local_count == 0 &&
           r->label_count == 0 && !r->has_va && !r->has_box && r->au_count == 0 && r->target_count == 0 &&
           !r->question && r->option_count == 0 && r->answer == -1 && r->split == DATA_SPLIT_NONE && r->fold == -1 &&
           !r->subject && !r->video && !r->frames_dir && r->frame_count == 0;
}

/* null, "" and blanks, of every key, are as if the key were not there. */
static void test_absent(void)
{
    static const char *const nothing[] = {"null", "\"\"", "\" \"", "\"\\t\\r\\n\"", "\"\\u00a0\\u3000\""};
    static const char *const lists[] = {"[]", "[null]", "[\"\",null,\"  \"]", "{}"};
    static const char *const keys[] = {"video", "frames",   "caption", "label",  "va",    "au",   "targets",
                                       "box",   "question", "options", "answer", "split", "fold", "subject"};
    char text[600];
    for (size_t k = 0; k < BASE_COUNT(keys); k++)
        for (size_t i = 0; i < BASE_COUNT(nothing) + BASE_COUNT(lists); i++) {
            bool is_list = i >= BASE_COUNT(nothing);
            const char *value = is_list ? lists[i - BASE_COUNT(nothing)] : nothing[i];
            snprintf(text, sizeof(text), "{\"image\":\"a\",\"%s\":%s}\n", keys[k], value);
            struct data_manifest *m = read_text("m.jsonl", text);
            CHECK(m && m->count == 1 && is_bare(&m->rows[0]));
            data_manifest_destroy(&m);
        }
    static const char rows[] = "{\"image\":\"a\",\"caption\":{\"global\":\"\",\"local\":null,\"summary\":\" "
                               "\"},\"au\":{\"AU1\":null},\"targets\":"
                               "{\"t\":\"\"}}\n"
                               "{\"image\":null,\"video\":\"\",\"frames\":[\"\",\"b\",null,\"c\"],\"label\":[\"\","
                               "\"joy\",null],\"au\":{\"AU1\":"
                               "null,\"AU2\":1},\"options\":[\"x\",null,\"y\"],\"answer\":2,\"caption\":{\"global\":"
                               "\"g\",\"local\":[\"\",\"l\","
                               "\"\\n\"]}}\n"
                               "{\"image\":\"a\",\"options\":[\"x\",\"\"],\"answer\":1}\n";
    struct data_manifest *m = read_text("m.jsonl", rows);
    if (m && m->count == 3) {
        const struct data_row *r = m->rows;
        CHECK(is_bare(&r[0]));
        CHECK(!r[1].image && !r[1].video && r[1].frame_count == 2);
        CHECK_STR(r[1].frames[1], support_file("c"));
        CHECK_EQ(r[1].label_count, 1);
        CHECK_STR(r[1].labels[0], "joy");
        CHECK(r[1].au_count == 1 && r[1].aus[0].value == 1);
        CHECK(r[1].option_count == 2 && r[1].answer == 1); /* it still is y */
        CHECK(r[1].caption.local_count == 1 && !r[1].caption.summary);
        CHECK_STR(r[1].caption.local[0], "l");
        CHECK(r[2].option_count == 1 && r[2].answer == -1);
    }
    data_manifest_destroy(&m);
    CHECK_EQ(warnings, 0);
}

/* Keys near a known one are named, each once; other keys are nobody's business. */
static void test_near(void)
{
    struct data_manifest *m = read_text(
        "m.jsonl", "{\"image\":\"a\",\"captions\":\"x\",\"labels\":\"y\",\"votes\":{\"joy\":3},\"source\":\"z\"}\n"
                   "{\"image\":\"a\",\"captions\":\"x\",\"labels\":\"y\",\"Split\":\"val\",\"au12\":0}\n"
                   "{\"image\":\"a\",\"path\":\"/a\",\"caption\":{\"global\":\"g\",\"sumary\":\"s\"}}\n");
    CHECK_EQ(warnings, 4);
    CHECK(strstr(warned, "m.jsonl:1: \"captions\" is not read; did you mean \"caption\"?"));
    CHECK(strstr(warned, "m.jsonl:1: \"labels\" is not read; did you mean \"label\"?"));
    CHECK(strstr(warned, "m.jsonl:2: \"Split\" is not read; did you mean \"split\"?"));
    CHECK(strstr(warned, "m.jsonl:3: \"sumary\" in \"caption\" is not read; did you mean \"summary\"?"));
    data_manifest_destroy(&m);
    warnings = 0;
    CHECK_EQ(data_manifest_read_as(support_file("m.jsonl"), NULL, true, &m), MIEN_OK); /* quiet: it was said before */
    CHECK_EQ(warnings, 0);
    data_manifest_destroy(&m);
    static const char *const sources[] = {"img", "file_name", "filepath", "path", "Image", "imgae"};
    for (size_t i = 0; i < BASE_COUNT(sources); i++) {
        char text[200], says[200];
        snprintf(text, sizeof(text), "{\"%s\":\"a\"}", sources[i]);
        snprintf(says, sizeof(says), "\"%s\" is not read, did you mean \"image\"?", sources[i]);
        CHECK_EQ(read_as("m.jsonl", text, strlen(text), NULL, &m), MIEN_ERR_DATA);
        CHECK_SAYS(says);
    }
}

/* The two faces of all forms below. */
static void check_two(const char *name, const char *text, size_t size, const char *columns)
{
    struct data_manifest *m;
    CHECK_EQ(read_as(name, text, size, columns, &m), MIEN_OK);
    if (m) {
        CHECK_EQ(m->count, 2);
        CHECK_STR(m->rows[0].image, support_file("a.png"));
        CHECK_STR(m->rows[0].caption.whole, "she smiles, a little");
        CHECK_STR(m->rows[1].image, support_file("b c.jpg"));
        CHECK_STR(m->rows[1].caption.whole, "frowns");
    } else {
        fprintf(stderr, "%s: %s\n", name, support_last);
    }
    CHECK_EQ(warnings, 0);
    data_manifest_destroy(&m);
}

static void test_forms(void)
{
    static const struct {
        const char *name, *text, *columns;
    } forms[] = {
        {"comma.csv", "filepath,title\na.png,\"she smiles, a little\"\nb c.jpg,frowns\n", NULL},
        {"tab.csv", "filepath\ttitle\na.png\tshe smiles, a little\nb c.jpg\tfrowns\n", NULL},
        {"semi.csv", "filepath;title\na.png;she smiles, a little\nb c.jpg;frowns", NULL},
        {"UP.CSV", "FILEPATH;Title\r\na.png;she smiles, a little\r\nb c.jpg;frowns\r\n", NULL},
        {"t.txt", "\"filepath\"\t\"title\"\na.png\tshe smiles, a little\nb c.jpg\tfrowns\n", NULL},
        {"noending", "title;filepath\nshe smiles, a little;a.png\nfrowns;b c.jpg\n", NULL},
        {"comma.tsv", "filepath,title\na.png,\"she smiles, a little\"\nb c.jpg,frowns\n", NULL},
        {"mac.csv", "filepath;title\ra.png;she smiles, a little\rb c.jpg;frowns\r", NULL},
        {"bom.csv", "\xEF\xBB\xBF\"filepath\";title\r\na.png;she smiles, a little\r\nb c.jpg;frowns\r\n", NULL},
        {"sep.csv", "sep=;\r\nfilepath;title\r\na.png;she smiles, a little\r\nb c.jpg;frowns\r\n", NULL},
        {"excel.csv", "filepath;title;;\na.png;she smiles, a little;;\nb c.jpg;frowns;;\n;;;\n;;;\n", NULL},
        {"more.csv", "filepath;title\na.png;she smiles, a little;;;\n;\nb c.jpg;frowns;\n", NULL},
        {"blanks.csv", "filepath, title\n a.png , \"she smiles, a little\" \nb c.jpg\t,  frowns \n", NULL},
        {"index.csv", ";filepath;title\n0;a.png;she smiles, a little\n1;b c.jpg;frowns\n", NULL}, /* pandas' index */
        {"keys.csv", " image ; caption\na.png;she smiles, a little\nb c.jpg;frowns\n", NULL},
        {"named.csv", "id;where;what\n7;a.png;she smiles, a little\n8;b c.jpg;frowns\n", "image=where,caption=what"},
        {"other.csv", "image;title;caption\na.png;no;she smiles, a little\nb c.jpg;no;frowns\n", "caption=CAPTION"},
        {"cr.jsonl",
         "{\"image\":\"a.png\",\"caption\":\"she smiles, a little\"}\r\r\n{\"image\":\"b c.jpg\",\"caption\":"
         "\"frowns\"}\r",
         NULL},
        {"json.txt",
         "\n {\"image\":\"a.png\",\"caption\":\"she smiles, a little\"}\n{\"image\":\"b c.jpg\","
         "\"caption\":\"frowns\"}",
         NULL},
    };
    for (size_t i = 0; i < BASE_COUNT(forms); i++)
        check_two(forms[i].name, forms[i].text, strlen(forms[i].text), forms[i].columns);
}

static void refused(const char *text, size_t size, const char *columns, enum mien_status want, const char *says)
{
    struct data_manifest *m;
    CHECK_EQ(read_as("bad.csv", text, size, columns, &m), want);
    CHECK(m == NULL);
    CHECK_SAYS(says);
}
#define REFUSED(text, columns, want, says) refused(text, sizeof(text) - 1, columns, want, says)

static void test_columns(void)
{
    struct data_manifest *m;
    REFUSED("image_path,title\na.png,x\n", NULL, MIEN_ERR_DATA, "--column image=image_path");
    REFUSED("where;what\na.png;x\n", NULL, MIEN_ERR_DATA, "the header has \"where\", \"what\"");
    REFUSED("filepath,title\na.png,x\n", "image=path", MIEN_ERR_DATA, "no column \"path\"");
    REFUSED("filepath,title\na.png,x\n", "picture=path", MIEN_ERR_ARG, "\"picture\" is no key");
    REFUSED("filepath,title\na.png,x\n", "image", MIEN_ERR_ARG, "key=column");
    REFUSED("filepath,title\na.png,x\n", "image=a,image=b", MIEN_ERR_ARG, "given twice");
    REFUSED("filepath,title\na.png,x\n,y\n", NULL, MIEN_ERR_DATA, "bad.csv:3: exactly one");
    REFUSED("filepath,title\na.png,x\nb.png\n", NULL, MIEN_ERR_DATA, "bad.csv:3: 1 fields, the header has 2");
    REFUSED("filepath,title\na.png,x,y\n", NULL, MIEN_ERR_DATA, "bad.csv:2: 3 fields");
    REFUSED("filepath,box\na.png,\"1,2,3\"\n", NULL, MIEN_ERR_DATA, "bad.csv:2: \"box\" needs 4 numbers");
    REFUSED("filepath,box\na.png,1 2 3 nan\n", NULL, MIEN_ERR_DATA, "bad.csv:2: \"box\" holds something");
    REFUSED("filepath,fold\na.png,1.5\n", NULL, MIEN_ERR_DATA, "bad.csv:2: \"fold\" is \"1.5\"");
    REFUSED("\xFF\xFE"
            "f\0i\0",
            NULL, MIEN_ERR_DATA, "UTF-16");
    static const char all[] = "filepath,label,split,fold,subject,box,va,text,Emotion\n"
                              "a.png,joy,val,2.0,7,\"[-1.5, 2, 3, 4]\",0.5 -1,x,y\n"
                              "b.png,\" \",,,\xC2\xA0,,\t,,\n";
    CHECK_EQ(read_as("all.csv", all, sizeof(all) - 1, NULL, &m), MIEN_OK);
    CHECK_EQ(warnings, 1); /* "text"; there is a label */
    CHECK(strstr(warned, "column \"text\" is not read; if it is the caption, say --column caption=text"));
    if (m && m->count == 2) {
        const struct data_row *r = m->rows;
        CHECK_STR(r[0].labels[0], "joy");
        CHECK(r[0].split == DATA_SPLIT_VAL && r[0].fold == 2 && r[0].line == 2);
        CHECK_STR(r[0].subject, "7");
        CHECK(r[0].has_box && r[0].box[0] == -2 && r[0].box[2] == 4 && r[0].box[3] == 4);
        CHECK(r[0].has_va && r[0].va[0] == 0.5 && r[0].va[1] == -1);
        CHECK(is_bare(&r[1]));
    }
    data_manifest_destroy(&m);
    static const char quoted[] = "filepath, label,split\n\" a.png\", \" joy\" , train \n";
    CHECK_EQ(read_as("quoted.csv", quoted, sizeof(quoted) - 1, NULL, &m), MIEN_OK);
    if (m) { /* within quotes blanks are meant */
        CHECK_STR(m->rows[0].image, support_file(" a.png"));
        CHECK_STR(m->rows[0].labels[0], " joy");
        CHECK_EQ(m->rows[0].split, DATA_SPLIT_TRAIN);
    }
    data_manifest_destroy(&m);
    static const char both[] = "filepath,title,caption\na.png,t,c\n";
    CHECK_EQ(read_as("both.csv", both, sizeof(both) - 1, NULL, &m), MIEN_OK);
    CHECK(warnings == 1 && strstr(warned, "\"caption\" is read"));
    CHECK(m && strcmp(m->rows[0].caption.whole, "c") == 0);
    data_manifest_destroy(&m);
}

int main(void)
{
    mien_log_set(sink, NULL, MIEN_LOG_WARN);
    test_absent();
    test_near();
    test_forms();
    test_columns();
    support_clean();
    return check_result();
}
