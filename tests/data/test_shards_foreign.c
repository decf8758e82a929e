/* Shards that others have written: what of their members and objects becomes a row, by which names; what is refused. */
#include "data/shards_made.h"

static enum mien_status print_row(void *user, const struct data_row *row)
{
    const char *slash = strrchr(row->image ? row->image : row->frames[0], '/');
    char label[64];
    size_t n = strlen(user);
    snprintf((char *)user + n, 2048 - n, "%s+%u|%s|%s|%s\n", slash, row->frame_count,
             row->caption.whole    ? row->caption.whole
             : row->caption.global ? row->caption.global
                                   : "-",
             row->caption.summary ? row->caption.summary : "-", data_row_label(row, label, sizeof(label)));
    return MIEN_OK;
}

static void test_foreign(void)
{
    static const struct member members[] = {
        /* img2dataset */
        {"00000.png", NULL},
        {"00000.txt", "not this one"},
        {"00000.json", "{\"caption\":\"A man. He smiles.\",\"url\":\"http://x/y.jpg\",\"key\":\"00000\",\"status\":"
                       "\"success\",\"error_message\":null,\"width\":8,\"image\":\"elsewhere.gif\",\"exif\":\"{}\"}"},
        /* a text and a class, in letters of either case; blanks, hidden files and what has no ending */
        {"00001.TXT", "\xEF\xBB\xBF"
                      "A face.\r\n"},
        {"00001.PNG", NULL},
        {"00001.cls", "3\n"},
        {"00001.npy", "of no use"},
        {"._00002.png", "what macOS adds"},
        {"README", "x"},
        /* paths, and keys with a dot in a directory */
        {"v1.0/a.png", NULL},
        {"v1.0/a.json", "{\"split\":\"train\",\"caption\":null,\"label\":\"joy\"}"},
        {"v1.0/a.caption", "Of a."},
        {"v1.0/b.png", NULL},
        {"v1.0/b.json", "{\"split\":\"test\"}"},
        /* frames: several pictures, in the order of numbers; one that says so */
        {"c.10.png", NULL},
        {"c.9.png", NULL},
        {"d.0.png", NULL},
        {"d.json", "{\"frames\":[\"d.0.png\"]}"},
        {"e.txt", "no picture"},
    };
    char got[2048] = "";
    png_size = picture(1, png);
    write_tar("foreign.tar", members, BASE_COUNT(members));
    struct data_shards *shards = open_shards("foreign.tar");
    CHECK_EQ(data_shards_each(shards, print_row, got), MIEN_OK);
    CHECK_EQ(support_warnings, 0);
    CHECK_STR(got, "/00000.png+0|A man. He smiles.|He smiles.|\n"
                   "/00001.png+0|A face.|-|3\n"
                   "/a.png+0|Of a.|-|joy\n"
                   "/c.9.png+2|-|-|\n"
                   "/d.0.png+1|-|-|\n"
                   "/e.(no jpg, jpeg, png or webp)+0|no picture|-|\n");
    CHECK_EQ(shards->samples, 6);
    data_shards_close(&shards);
}

static void check_refused(const struct member *members, size_t count, const char *part)
{
    uint64_t seen = 0;
    write_tar("refused.tar", members, count);
    struct data_shards *shards = open_shards("refused.tar");
    CHECK_EQ(data_shards_each(shards, count_row, &seen), MIEN_ERR_DATA);
    CHECK(strstr(support_last, "refused.tar") && strstr(support_last, part));
    if (!strstr(support_last, part))
        fprintf(stderr, "it said: %s\n", support_last);
    data_shards_close(&shards);
}

static void test_refused(void)
{
    static const struct member twice[] = {{"a.png", NULL}, {"a.txt", "x"}, {"a.png", NULL}},
                               wrong[] = {{"a.png", NULL}, {"a.json", "{\"va\":[1]}"}},
                               broken[] = {{"a.png", NULL}, {"b.png", NULL}, {"b.json", "{\"va\":"}},
                               torn[] = {{"a.png", NULL}, {"b.png", NULL}, {"b.json", "{\"split\":\"val\","}},
                               list[] = {{"a.png", NULL}, {"a.json", "[1]"}},
                               latin[] = {{"a.png", NULL}, {"a.txt", "caf\xe9"}},
                               split[] = {{"a.png", NULL}, {"a.json", "{\"split\":\"dev\"}"}},
                               escaped[] = {{"a.png", NULL}, {"a.json", "{\"spl\\u0069t\":\"val\"}"}},
                               none[] = {{"README", "x"}};
    check_refused(twice, 3, "byte 2048: the sample a has two members .png");
    check_refused(wrong, 2, "a, byte 0: \"va\"");
    check_refused(broken, 3, "b, byte 1024");
    check_refused(torn, 3, "b, byte 1024");
    check_refused(list, 2, "a, byte 0: its .json is no object");
    check_refused(latin, 2, "a, byte 0");
    check_refused(split, 2, "\"split\" is \"dev\"");
    check_refused(escaped, 2, "a, byte 0: \"split\" is written with escapes");
    check_refused(none, 1, "no sample of the train split");
    struct data_manifest *m = NULL;
    CHECK_EQ(data_manifest_read(support_file("refused.tar"), &m), MIEN_ERR_DATA);
    CHECK(strstr(support_last, "data.train of a training alone") != NULL);
}

/* Keys by other names, two of which change their places; classes as numbers; samples of other splits by its name. */
static void test_columns(void)
{
    static const struct member members[] = {
        {"0.png", NULL},
        {"0.json", "{\"TEXT\":\"Of TEXT.\",\"caption\":\"no\",\"class\":3,\"part\":\"train\",\"split\":\"test\"}"},
        {"1.png", NULL},
        {"1.json", "{\"TEXT\":\"x\",\"part\":\"val\"}"},
        {"2.png", NULL},
        {"2.txt", "Of txt."},
        {"2.json", "{\"caption\":\"no\",\"class\":\"joy\"}"},
    };
    static const struct member turned[] = {{"0.png", NULL}, {"0.json", "{\"caption\":\"joy\",\"label\":\"A text.\"}"}};
    struct data_shards *shards = NULL;
    char got[2048] = "";
    write_tar("columns.tar", members, BASE_COUNT(members));
    CHECK_EQ(data_shards_open(support_file("columns.tar"), "caption=TEXT,label=class,split=part", &shards), MIEN_OK);
    CHECK_EQ(data_shards_each(shards, print_row, got), MIEN_OK);
    CHECK_STR(got, "/0.png+0|Of TEXT.|-|3\n"
                   "/2.png+0|Of txt.|-|joy\n");
    data_shards_close(&shards);
    write_tar("turned.tar", turned, BASE_COUNT(turned));
    got[0] = 0;
    CHECK_EQ(data_shards_open(support_file("turned.tar"), "caption=label,label=caption", &shards), MIEN_OK);
    CHECK_EQ(data_shards_each(shards, print_row, got), MIEN_OK);
    CHECK_STR(got, "/0.png+0|A text.|-|joy\n");
    data_shards_close(&shards);
    CHECK_EQ(data_shards_open(support_file("turned.tar"), "image=jpg", &shards), MIEN_ERR_ARG);
    CHECK(strstr(support_last, "pictures of shards are members") != NULL && !shards);
    CHECK_EQ(data_shards_open(support_file("turned.tar"), "words=text", &shards), MIEN_ERR_ARG);
}

/* A key that looks like one of Mien's is named once, however many samples have it, and however often they are read. */
static void test_near(void)
{
    static const struct member members[] = {{"0.png", NULL},
                                            {"0.json", "{\"caption\":\"x\",\"lable\":\"joy\"}"},
                                            {"1.png", NULL},
                                            {"1.json", "{\"caption\":\"y\",\"lable\":\"joy\"}"}};
    uint64_t seen = 0;
    write_tar("near.tar", members, BASE_COUNT(members));
    struct data_shards *shards = open_shards("near.tar");
    support_warnings = 0;
    CHECK_EQ(data_shards_each(shards, count_row, &seen), MIEN_OK);
    CHECK_EQ(data_shards_each(shards, count_row, &seen), MIEN_OK);
    CHECK(seen == 4 && support_warnings == 1);
    data_shards_close(&shards);
}

int main(void)
{
    support_capture();
    test_foreign();
    test_near();
    test_refused();
    test_columns();
    support_clean();
    return check_result();
}
