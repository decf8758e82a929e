/* FER+ as Microsoft publishes it; and that no importer leaves its root. */
#include "mien/data.h"

#include "data/manifest.h"
#include "io/support.h"

static const char head[] =
    "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF\r\n";

static void put(const char *name, const char *text)
{
    CHECK_EQ(base_file_write(support_file(name), text, strlen(text)), MIEN_OK);
}

static void put_picture(const char *name)
{
    put(name, "\x89PNG\r\n\x1a\n");
}

static enum mien_status import(const char *name, const char *root, struct mien_import_summary *s)
{
    struct mien_import_params p = {
        .size = sizeof p, .name = name, .root = support_file(root), .manifest = support_file("out.jsonl")};
    *s = (struct mien_import_summary){sizeof *s};
    unlink(support_file("out.jsonl"));
    support_last[0] = '\0';
    enum mien_status status = mien_import(&p, s);
    CHECK_EQ(status == MIEN_OK, base_file_exists(support_file("out.jsonl")));
    return status;
}

static enum mien_status import_rows(const char *root, const char *rows, struct mien_import_summary *s)
{
    char text[2048], list[64];
    snprintf(text, sizeof(text), "%s%s", head, rows);
    snprintf(list, sizeof(list), "%s/fer2013new.csv", root);
    put(list, text);
    return import("ferplus", root, s);
}

static void make_folders(void)
{
    static const char *const dirs[] = {"fer/FER2013Train", "fer/data/FER2013Train", "fer/data/FER2013Valid",
                                       "fer/FER2013Test"};
    for (size_t i = 0; i < BASE_COUNT(dirs); i++)
        CHECK_EQ(base_dir_create(support_file(dirs[i])), MIEN_OK);
    put_picture("fer/FER2013Train/fer0000001.png");
    put_picture("fer/FER2013Train/fer0000002.png");
    put_picture("fer/FER2013Train/fer0000003.png");
    put_picture("fer/FER2013Train/fer0000004.png");
    put_picture("fer/data/FER2013Train/fer0000005.png");
    put_picture("fer/data/FER2013Valid/fer0028638.png");
    put_picture("fer/FER2013Test/fer0032220.png");
    put("fer/FER2013Train/label.csv", "fer0000002.png,\"(0, 0, 48, 48)\",0,9,0,0,0,0,0,0,0,0\n"); /* decides nothing */
    put("fer/labels.csv", "filepath,split\n");                                                    /* nor does this */
}

static void test_official(void)
{
    static const struct {
        const char *image, *label;
        enum data_split split;
    } want[] = {{"fer/FER2013Train/fer0000002.png", "neutral", DATA_SPLIT_TRAIN},
                {"fer/FER2013Train/fer0000003.png", "happiness", DATA_SPLIT_TRAIN},
                {"fer/data/FER2013Train/fer0000005.png", "contempt", DATA_SPLIT_TRAIN},
                {"fer/data/FER2013Valid/fer0028638.png", "fear", DATA_SPLIT_VAL},
                {"fer/FER2013Test/fer0032220.png", "surprise", DATA_SPLIT_TEST}};
    struct mien_import_summary s;
    struct data_manifest *m = NULL;
    CHECK_EQ(import_rows("fer",
                         "Training,fer0000002.png,4,0,0,1,3,2,0,0,0,0\r\n" /* no majority: the most */
                         "Training,fer0000003.png,0,3,3,1,1,1,1,0,0,0\r\n" /* the first of equals */
                         "Training,fer0000001.png,1,1,1,1,1,1,1,1,1,1\r\n" /* single votes: none */
                         "Training,fer0000004.png,1,0,0,0,1,2,0,0,6,0\r\n" /* unknown */
                         "Training,,0,0,0,0,0,0,0,0,0,10\r\n"              /* no face, no picture */
                         "Training,fer0000005.png,0,0,0,0,0,0,0,7,0,3\r\n" /* below data/ */
                         "Training,fer0000009.png,9,0,0,0,0,0,0,0,0,0\r\n" /* not there */
                         "PublicTest,fer0028638.png,0,0,4,1,0,0,5,0,0,0\r\n"
                         "PrivateTest,fer0032220.png,0,0,8,0,0,0,2,0,0,0\r\n",
                         &s),
             MIEN_OK);
    CHECK(s.samples == 5 && s.train == 3 && s.val == 1 && s.test == 1 && s.missing == 1 && s.unrated == 3);
    CHECK_EQ(data_manifest_read(support_file("out.jsonl"), &m), MIEN_OK);
    CHECK(m && m->count == BASE_COUNT(want));
    for (size_t i = 0; m && i < BASE_COUNT(want) && i < m->count; i++) {
        CHECK_STR(m->rows[i].image, support_file(want[i].image));
        CHECK_STR(m->rows[i].labels[0], want[i].label);
        CHECK_EQ(m->rows[i].split, want[i].split);
        CHECK(m->rows[i].caption.global && m->rows[i].caption.summary);
    }
    data_manifest_destroy(&m);
    CHECK_EQ(import_rows("fer", "Training,fer0000002.png,4,0,0,1,3,2,0,0,0\r\n", &s), MIEN_ERR_DATA);
    CHECK_SAYS("fer2013new.csv:2");
    CHECK_EQ(import_rows("fer", "Train,fer0000002.png,4,0,0,1,3,2,0,0,0,0\r\n", &s), MIEN_ERR_DATA);
    CHECK_SAYS("fer2013new.csv:2: Usage is \"Train\"");
    CHECK_EQ(import_rows("fer", "Training,fer0000002.png,4,0,0,-1,3,2,0,0,0,0\r\n", &s), MIEN_ERR_DATA);
    CHECK_SAYS("sadness");
    put("fer/fer2013new.csv", "Usage,Image name,neutral\n");
    CHECK_EQ(import("ferplus", "fer", &s), MIEN_ERR_DATA);
    CHECK_SAYS("happiness");
    CHECK_EQ(import("ferplus", "fer/FER2013Train", &s), MIEN_ERR_DATA);
    CHECK_SAYS("fer2013new.csv is missing");
}

/* Lists that name files outside, and links that lead there. */
static void test_guard(void)
{
    static const char *const names[] = {"../../outside.png", "../../../../../../dev/zero", "..",
                                        "a/../../../outside.png", "/dev/zero"};
    struct mien_import_summary s;
    char row[256];
    put_picture("outside.png");
    for (size_t i = 0; i < BASE_COUNT(names); i++) {
        snprintf(row, sizeof(row), "Training,fer0000002.png,9,0,0,0,0,0,0,0,0,0\nTraining,%s,9,0,0,0,0,0,0,0,0,0\n",
                 names[i]);
        if (names[i][0] == '/') /* a folder stands before it: just not there */
            CHECK_EQ(import_rows("fer", row, &s), MIEN_OK);
        else
            CHECK_EQ(import_rows("fer", row, &s), MIEN_ERR_DATA);
        if (names[i][0] != '/') {
            CHECK_SAYS("fer2013new.csv:3: ");
            CHECK_SAYS("leads out of");
        }
    }
    unlink(support_file("fer/fer2013new.csv"));
    put("fer/labels.csv",
        "filepath,split,votes_neutral,votes_happiness,votes_surprise,votes_sadness,votes_anger,votes_disgust,"
        "votes_fear,votes_contempt\n/dev/zero,train,1,0,0,0,0,0,0,0\n");
    CHECK_EQ(import("ferplus", "fer", &s), MIEN_ERR_DATA);
    CHECK_SAYS("labels.csv:2: /dev/zero: leads out of");

    CHECK_EQ(base_dir_create(support_file("f/train/joy")), MIEN_OK);
    CHECK_EQ(base_dir_create(support_file("away/fear")), MIEN_OK);
    put_picture("f/train/joy/1.png");
    put_picture("f/kept.png");
    put_picture("away/fear/1.png");
    CHECK(symlink("../../kept.png", support_file("f/train/joy/2.png")) == 0); /* inside: as any other */
    CHECK_EQ(import("folder", "f", &s), MIEN_OK);
    CHECK_EQ(s.samples, 2);
    static const struct {
        const char *to, *link;
    } links[] = {{"../../../outside.png", "f/train/joy/3.png"},
                 {"../../away/fear", "f/train/fear"},
                 {"../away", "f/val"},
                 {"/dev/zero", "f/train/joy/4.png"}};
    for (size_t i = 0; i < BASE_COUNT(links); i++) {
        CHECK(symlink(links[i].to, support_file(links[i].link)) == 0);
        CHECK_EQ(import("folder", "f", &s), MIEN_ERR_DATA);
        CHECK_SAYS("a link leads out of");
        unlink(support_file(links[i].link));
    }
    CHECK(symlink("nowhere", support_file("f/train/joy/5.png")) == 0);
    CHECK_EQ(import("folder", "f", &s), MIEN_OK);
    CHECK_EQ(s.samples, 2);
    CHECK(symlink("f", support_file("g")) == 0); /* the root itself may be a link */
    CHECK_EQ(import("folder", "g", &s), MIEN_OK);
    CHECK_EQ(s.samples, 2);
}

int main(void)
{
    support_capture();
    make_folders();
    test_official();
    test_guard();
    support_clean();
    return check_result();
}
