/* The importer of pictures in a directory a label, and what importers share: the tree's top, options, rows. */
#include "mien/data.h"

#include "data/frames.h"
#include "data/manifest.h"
#include "data/png.h"
#include "io/support.h"

#include <unistd.h>

static const char jpeg[] = "\xff\xd8\xff\xe0 and so on";

static void put(const char *name, const char *text, size_t size)
{
    char *dir = base_path_dir(support_file(name));
    CHECK(dir && base_dir_create(dir) == MIEN_OK);
    CHECK_EQ(base_file_write(support_file(name), text, size), MIEN_OK);
    base_free(dir);
}

static void put_png(const char *name)
{
    unsigned char pixels[12] = {0}, png[512];
    put(name, (const char *)png, png_make(2, 2, 3, pixels, 0, png));
}

/* Imports root/ as a folder; the manifest, which the caller destroys, or NULL. */
static struct data_manifest *import(const char *root, enum mien_status want, struct mien_import_summary *s)
{
    struct data_manifest *m = NULL;
    struct mien_import_params p = {
        .size = sizeof p, .name = "folder", .root = support_file(root), .manifest = support_file("out.jsonl")};
    unlink(support_file("out.jsonl"));
    support_last[0] = '\0';
    CHECK_EQ(mien_import(&p, s), want);
    if (want == MIEN_OK)
        CHECK_EQ(data_manifest_read(p.manifest, &m), MIEN_OK);
    else
        CHECK(s->samples == 0 && !base_file_exists(p.manifest)); /* nothing half-written */
    return m;
}

static void test_splits(void)
{
    static const struct {
        const char *file, *label;
        enum data_split split;
    } rows[] = {{"set/train/anger/2.png", "anger", DATA_SPLIT_TRAIN},
                {"set/train/anger/10.png", "anger", DATA_SPLIT_TRAIN},
                {"set/train/joy/a.JPG", "joy", DATA_SPLIT_TRAIN},
                {"set/valid/joy/b.jpeg", "joy", DATA_SPLIT_VAL},
                {"set/test/big smile/x.png", "big smile", DATA_SPLIT_TEST}};
    struct mien_import_summary s = {sizeof s};
    put_png("set/train/anger/10.png");
    put_png("set/train/anger/2.png");
    put("set/train/joy/a.JPG", jpeg, sizeof(jpeg));
    put("set/valid/joy/b.jpeg", jpeg, sizeof(jpeg));
    put_png("set/test/big smile/x.png");
    put("set/train/anger/notes.txt", "no picture", 10); /* passed over */
    put("set/train/joy/broken.png", "", 0);             /* passed over */
    put("set/train/joy/clip/1.png", "", 0);             /* its directory is passed over */
    put("set/train/readme.md", "x", 1);                 /* passed over */
    put("set/extra/sorrow/1.png", "", 0);               /* no split: its directory is passed over */
    put("set/train/anger/.DS_Store", "x", 1);           /* hidden: not counted */
    for (int above = 0; above < 2; above++) {           /* the root itself, and the directory that holds it */
        if (above)
            CHECK_EQ(base_dir_create(support_file("holder")), MIEN_OK);
        if (above)
            CHECK_EQ(base_rename(support_file("set"), support_file("holder/set")), MIEN_OK);
        struct data_manifest *m = import(above ? "holder" : "set", MIEN_OK, &s);
        CHECK(s.samples == 5 && s.train == 3 && s.val == 1 && s.test == 1 && s.missing == 0);
        CHECK_EQ(s.passed_over, 5);
        for (size_t i = 0; m && i < m->count && i < BASE_COUNT(rows); i++) {
            char path[256];
            snprintf(path, sizeof(path), "%s%s", above ? "holder/" : "", rows[i].file);
            CHECK_STR(m->rows[i].image, support_file(path));
            CHECK_STR(m->rows[i].labels[0], rows[i].label);
            CHECK_EQ(m->rows[i].split, rows[i].split);
        }
        data_manifest_destroy(&m);
    }
}

static void test_plain(void)
{
    struct mien_import_summary s = {sizeof s};
    put_png("plain/joy/1.png");
    put_png("plain/fear/1.png");
    struct data_manifest *m = import("plain", MIEN_OK, &s);
    CHECK(s.samples == 2 && s.train == 0 && s.passed_over == 0);
    CHECK(m && m->rows[0].split == DATA_SPLIT_NONE && strcmp(m->rows[0].labels[0], "fear") == 0);
    data_manifest_destroy(&m);
}

static void test_refusals(void)
{
    static const char lfs[] = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n";
    struct mien_import_summary s = {sizeof s};
    put("none/joy/1.txt", "x", 1);
    import("none", MIEN_ERR_DATA, &s);
    CHECK_SAYS("no PNG or JPEG file");
    import("nowhere", MIEN_ERR_DATA, &s);
    CHECK_SAYS("no such directory");
    put("stub/joy/1.png", lfs, strlen(lfs));
    import("stub", MIEN_ERR_DATA, &s);
    CHECK_SAYS("git lfs pull");
    put_png("bytes/jo\xff/1.png");
    import("bytes", MIEN_ERR_DATA, &s);
    CHECK_SAYS("not UTF-8");
    struct mien_import_params p = {.size = sizeof p,
                                   .name = "folder",
                                   .root = support_file("plain"),
                                   .manifest = support_file("o.jsonl"),
                                   .local = true};
    CHECK_EQ(mien_import(&p, &s), MIEN_ERR_ARG);
    CHECK_SAYS("local");
    p.local = false;
    p.shuffle_captions = true;
    CHECK_EQ(mien_import(&p, &s), MIEN_ERR_ARG);
    CHECK_SAYS("no captions");
}

/* Two directories of one kind: neither is guessed. */
static void test_ambiguous(void)
{
    struct mien_import_summary s = {sizeof s};
    put_png("two/a/train/joy/1.png");
    put_png("two/b/train/joy/1.png");
    import("two", MIEN_ERR_DATA, &s);
    CHECK_SAYS("no PNG or JPEG file");
}

static void test_order(void)
{
    static const char *const sorted[] = {"", "1", "01", "2.png", "010", "10", "10a", "10b2", "10b10", "a", "a0", "b"};
    for (size_t i = 0; i < BASE_COUNT(sorted); i++)
        for (size_t k = 0; k < BASE_COUNT(sorted); k++) {
            int order = data_natural_order(sorted[i], sorted[k]);
            bool tie = (i == 1 && k == 2) || (i == 2 && k == 1) || (i == 4 && k == 5) || (i == 5 && k == 4);
            if (tie)
                CHECK_EQ(order < 0, strcmp(sorted[i], sorted[k]) < 0);
            else
                CHECK(i < k ? order < 0 : i > k ? order > 0 : order == 0);
        }
}

/* Every field, written and read again. */
static void test_row(void)
{
    static const char *const labels[] = {"joy", "surprise"}, *const options[] = {"yes", "no"},
                             *const local[] = {"eyes"};
    const struct data_value aus[] = {{"AU12", 0.5}}, targets[] = {{"x", -1.25}, {"y", 2}};
    const struct data_row row = {.video = "a.mp4",
                                 .has_box = true,
                                 .has_va = true,
                                 .box = {1, 2, 3, 4},
                                 .caption = {.global = "g", .local = local, .local_count = 1},
                                 .labels = labels,
                                 .label_count = 2,
                                 .va = {-0.5, 1},
                                 .aus = aus,
                                 .au_count = 1,
                                 .targets = targets,
                                 .target_count = 2,
                                 .question = "what?",
                                 .options = options,
                                 .option_count = 2,
                                 .answer = 1,
                                 .split = DATA_SPLIT_VAL,
                                 .fold = 3,
                                 .subject = "s1"};
    static const char want[] =
        "{\"video\":\"a.mp4\",\"box\":[1,2,3,4],\"caption\":{\"global\":\"g\",\"local\":[\"eyes\"]},\"label\":[\"joy\","
        "\"surprise\"],\"va\":[-0.5,1],\"au\":{\"AU12\":0.5},\"targets\":{\"x\":-1.25,\"y\":2},\"question\":\"what?\","
        "\"options\":[\"yes\",\"no\"],\"answer\":1,\"subject\":\"s1\",\"fold\":3,\"split\":\"val\"}";
    struct data_manifest *m = NULL;
    cJSON *json = data_row_json(&row);
    char *text = json ? base_json_print(json, false) : NULL;
    CHECK_STR(text ? text : "", want);
    put("row.jsonl", want, strlen(want));
    CHECK_EQ(data_manifest_read(support_file("row.jsonl"), &m), MIEN_OK);
    const struct data_row *r = m ? &m->rows[0] : NULL;
    CHECK(r && r->label_count == 2 && r->box[3] == 4 && r->answer == 1 && r->fold == 3 && r->targets[1].value == 2);
    data_manifest_destroy(&m);
    cJSON_Delete(json);
    base_free(text);
}

static void test_table(void)
{
    size_t count = 0;
    bool folder = false;
    for (const struct mien_import_info *info; (info = mien_import_describe(count)); count++) {
        CHECK(info->name && info->summary && info->layout && info->source);
        folder |= strcmp(info->name, "folder") == 0;
    }
    CHECK(count >= 2 && folder);
}

int main(void)
{
    support_capture();
    test_table();
    test_order();
    test_row();
    test_splits();
    test_plain();
    test_refusals();
    test_ambiguous();
    support_clean();
    return check_result();
}
