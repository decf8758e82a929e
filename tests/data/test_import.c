/* The FER+ importer: wording, votes, splits, paths, refusals. */
#include "mien/data.h"

#include "data/ferplus.h"
#include "data/png.h"
#include "data/wording.h"
#include "io/support.h"

static const char header[] =
    "filepath,label,split,votes_neutral,votes_happiness,votes_surprise,votes_sadness,votes_anger,votes_disgust,"
    "votes_fear,votes_contempt,votes_unknown\n";

/* Every emotion, every share, with and without a second one: both sentences name the right ones. */
static void test_wording(void)
{
    struct base_arena arena = {0};
    int wrong = 0, distinct = 0;
    uint64_t seen[4096] = {0};
    for (int top = 0; top < FERPLUS_EMOTIONS; top++) {
        for (int second = 0; second < FERPLUS_EMOTIONS; second++) {
            for (uint32_t share = 4; share <= 10; share++) {
                struct ferplus_rating rating = {.total = 10, .top = (enum ferplus_emotion)top};
                struct data_caption c;
                struct base_rng rng = base_rng_make(7, "wording", (uint64_t)(top * 8 + second), share);
                rating.votes[second] += BASE_MIN(10 - share, share - 1);
                rating.votes[top] += top == second ? 10 - rating.votes[top] : share;
                CHECK_EQ(ferplus_caption(&rating, true, &rng, &arena, &c), MIEN_OK);
                bool named = names_emotion(c.global, top) && names_emotion(c.summary, top);
                if (top != second && rating.votes[second] >= 2)
                    named = named && names_emotion(c.global, second) && names_emotion(c.summary, second);
                bool good = named && well_formed(c.global) && well_formed(c.summary) && c.local_count == 4;
                for (uint32_t i = 0; i < c.local_count; i++)
                    good = good && well_formed(c.local[i]) && names_emotion(c.local[i], top);
                good = good && !data_caption_has_side(&c);
                if (!good)
                    fprintf(stderr, "%d %d %u: %s | %s | %s\n", top, second, share, c.global, c.summary, c.local[0]);
                wrong += !good;
                uint64_t h = 5381;
                for (const char *p = c.global; *p; p++)
                    h = h * 33 + (unsigned char)*p;
                distinct += seen[h % 4096] != h;
                seen[h % 4096] = h;
            }
        }
    }
    CHECK_EQ(wrong, 0);
    CHECK(distinct > 300); /* of 448 */
    base_arena_clear(&arena);
}

static void put(const char *name, const char *text)
{
    CHECK_EQ(base_file_write(support_file(name), text, strlen(text)), MIEN_OK);
}

static enum mien_status import(const char *rows, struct mien_import_summary *summary)
{
    char text[4096];
    struct mien_import_params p = {
        .size = sizeof p, .name = "ferplus", .root = support_file("root"), .manifest = support_file("out.jsonl")};
    snprintf(text, sizeof(text), "%s%s", header, rows);
    put("root/labels.csv", text);
    support_last[0] = '\0';
    return mien_import(&p, summary);
}

static void test_import(void)
{
    struct mien_import_summary s = {sizeof s};
    struct data_manifest *m = NULL;
    CHECK_EQ(base_dir_create(support_file("root/train/x y")), MIEN_OK);
    put("root/train/x y/a.png", "");
    put("root/train/b.png", "");
    put("root/train/c.png", "");
    int warnings = support_warnings;
    CHECK_EQ(import("train/x y/a.png,happiness,train,1,8,0,0,0,0,0,1,0\n"
                    "train/b.png,anger,train,0,0,0,4,4,0,0,0,2\n" /* a tie: the label decides */
                    "train/c.png,,train,0,0,0,0,0,0,0,0,9\n"      /* unrated */
                    "val/d.png,fear,val,0,0,0,0,0,0,9,0,0\n",     /* not there */
                    &s),
             MIEN_OK);
    CHECK(s.samples == 2 && s.train == 2 && s.val == 0 && s.missing == 1 && s.unrated == 1);
    CHECK_EQ(support_warnings, warnings + 1);
    CHECK_EQ(data_manifest_read(support_file("out.jsonl"), &m), MIEN_OK);
    if (!m)
        return;
    char label[32];
    CHECK_STR(data_row_label(&m->rows[0], label, sizeof(label)), "happiness");
    CHECK_STR(data_row_label(&m->rows[1], label, sizeof(label)), "anger");
    CHECK_STR(m->rows[0].image, support_file("root/train/x y/a.png"));
    CHECK(base_file_exists(m->rows[0].image));
    CHECK(m->rows[0].split == DATA_SPLIT_TRAIN && m->rows[0].caption.local_count == 0);
    CHECK(names_emotion(m->rows[1].caption.global, FERPLUS_ANGER));
    CHECK(names_emotion(m->rows[1].caption.global, FERPLUS_SADNESS));
    data_manifest_destroy(&m);
    char *first, *again;
    size_t n, k;
    CHECK_EQ(base_file_read(support_file("out.jsonl"), 0, &first, &n), MIEN_OK);
    CHECK(strstr(first, "\"votes\":{\"neutral\":1,\"happiness\":8"));
    /* another order and fewer rows: the same line for the same file */
    CHECK_EQ(import("train/b.png,anger,train,0,0,0,4,4,0,0,0,2\n", &s), MIEN_OK);
    CHECK_EQ(base_file_read(support_file("out.jsonl"), 0, &again, &k), MIEN_OK);
    CHECK(strstr(first, again) != NULL);
    base_free(first);
    base_free(again);
    /* beside the pictures paths are plain */
    struct mien_import_params p = {.size = sizeof p,
                                   .name = "ferplus",
                                   .root = support_file("root"),
                                   .manifest = support_file("root/m.jsonl"),
                                   .local = true};
    CHECK_EQ(mien_import(&p, NULL), MIEN_OK);
    CHECK_EQ(data_manifest_read(support_file("root/m.jsonl"), &m), MIEN_OK);
    CHECK(m && m->rows[0].caption.local_count == 4 && base_file_exists(m->rows[0].image));
    data_manifest_destroy(&m);
}

/* The control: the same captions on other images of the same split; labels and votes stay. */
static void test_shuffled(void)
{
    char rows[4096] = "", label[32];
    struct data_manifest *m = NULL;
    struct mien_import_summary s = {sizeof s};
    int moved = 0, fear = 0;
    for (int i = 0; i < 24; i++) { /* happiness and anger in train, fear in val */
        char line[128], file[64];
        snprintf(file, sizeof(file), "root/train/s%02d.png", i);
        put(file, "");
        snprintf(line, sizeof(line), "train/s%02d.png,,%s,0,%d,0,0,%d,0,%d,0,0\n", i, i < 16 ? "train" : "val",
                 i < 8 ? 9 : 0, i >= 8 && i < 16 ? 9 : 0, i >= 16 ? 9 : 0);
        strcat(rows, line);
    }
    CHECK_EQ(import(rows, &s), MIEN_OK); /* writes labels.csv */
    struct mien_import_params p = {.size = sizeof p,
                                   .name = "ferplus",
                                   .root = support_file("root"),
                                   .manifest = support_file("s.jsonl"),
                                   .shuffle_captions = true};
    CHECK_EQ(mien_import(&p, &s), MIEN_OK);
    CHECK_EQ(data_manifest_read(support_file("s.jsonl"), &m), MIEN_OK);
    for (uint32_t i = 0; m && i < m->count; i++) {
        const char *own = data_row_label(&m->rows[i], label, sizeof(label));
        CHECK_STR(own, i < 8 ? "happiness" : i < 16 ? "anger" : "fear");
        enum ferplus_emotion other = i < 8 ? FERPLUS_ANGER : FERPLUS_HAPPINESS;
        moved += i < 16 && names_emotion(m->rows[i].caption.global, other);
        fear += names_emotion(m->rows[i].caption.global, FERPLUS_FEAR);
    }
    CHECK(moved >= 4 && moved <= 12 && moved % 2 == 0); /* as many one way as the other */
    CHECK_EQ(fear, 8);
    data_manifest_destroy(&m);
}

static void refused(const char *rows, const char *says)
{
    struct mien_import_summary s = {sizeof s};
    unlink(support_file("out.jsonl"));
    CHECK_EQ(import(rows, &s), MIEN_ERR_DATA);
    CHECK_SAYS(says);
    CHECK(s.samples == 0 && !base_file_exists(support_file("out.jsonl"))); /* nothing half-written */
}

static void test_refusals(void)
{
    struct mien_import_summary s = {sizeof s};
    refused("train/b.png,anger,train,0,0,0,4,x,0,0,0,2\n", "labels.csv:2");
    refused("train/b.png,anger,train,0,0,0,4,-1,0,0,0,2\n", "votes_anger");
    refused("train/b.png,anger,train,0,0,0,4,99999999,0,0,0,2\n", "beyond reason");
    refused("train/b.png,anger,train,0,0,0,4\n", "labels.csv:2");
    refused("train/b.png,joy,train,0,0,0,4,4,0,0,0,2\n", "\"joy\"");
    refused("train/b.png,anger,dev,0,0,0,4,4,0,0,0,2\n", "train, val or test");
    refused("train/b.png,anger,,0,0,0,4,4,0,0,0,2\n", "split is empty");
    refused(",anger,train,0,0,0,4,4,0,0,0,2\n", "filepath is empty");
    refused("", "none of the 0");
    refused("nowhere.png,anger,train,0,0,0,4,4,0,0,0,2\n", "none of the 1");
    struct mien_import_params p = {
        .size = sizeof p, .name = "ferplus", .root = support_file("root"), .manifest = support_file("out.jsonl")};
    put("root/labels.csv", "filepath,split,votes_neutral\na,train,1\n");
    CHECK_EQ(mien_import(&p, &s), MIEN_ERR_DATA);
    CHECK_SAYS("votes_happiness");
    put("root/labels.csv", "split,votes_neutral\n");
    CHECK_EQ(mien_import(&p, &s), MIEN_ERR_DATA);
    CHECK_SAYS("filepath");
    CHECK_EQ(base_dir_create(support_file("empty")), MIEN_OK);
    p.root = support_file("empty");
    CHECK_EQ(mien_import(&p, &s), MIEN_ERR_DATA);
    CHECK_SAYS("fer2013new.csv is missing");
    CHECK_SAYS("labels.csv");
    p.root = support_file("nowhere");
    CHECK_EQ(mien_import(&p, &s), MIEN_ERR_DATA);
    p.name = "ferplsu";
    CHECK_EQ(mien_import(&p, &s), MIEN_ERR_ARG);
    CHECK_SAYS("did you mean \"ferplus\"");
    p.name = NULL;
    CHECK_EQ(mien_import(&p, &s), MIEN_ERR_ARG);
    CHECK_EQ(mien_import(NULL, NULL), MIEN_ERR_ARG);
    p.name = "ferplus";
    p.root = support_file("root");
    put("root/labels.csv", header);
    p.manifest = support_file("no/where/out.jsonl");
    CHECK(mien_import(&p, &s) != MIEN_OK);
}

/* The real data set: counts, captions that name the label, no file missing. */
static void test_faces(void)
{
    struct mien_import_summary s = {sizeof s};
    struct data_manifest *m = NULL;
    struct mien_import_params p = {
        .size = sizeof p, .name = "ferplus", .root = support_shared("faces"), .manifest = support_file("faces.jsonl")};
    if (!base_file_exists(support_shared("faces/labels.csv"))) {
        printf("skipped: the real faces: no %s\n", MIEN_SHARED_DIR);
        return;
    }
    CHECK_EQ(mien_import(&p, &s), MIEN_OK);
    CHECK(s.samples == 8998 && s.train == 7752 && s.val == 1246 && s.missing == 0);
    CHECK_EQ(data_manifest_read(p.manifest, &m), MIEN_OK);
    size_t wrong = 0;
    for (size_t i = 0; m && i < m->count; i++) {
        const struct data_row *row = &m->rows[i];
        int e = 0;
        while (strcmp(ferplus_names[e], row->labels[0]) != 0)
            e++;
        wrong += !names_emotion(row->caption.global, e) || !well_formed(row->caption.global) ||
                 !well_formed(row->caption.summary) || !strstr(row->image, row->labels[0]);
    }
    CHECK_EQ(wrong, 0);
    data_manifest_destroy(&m);
}

int main(void)
{
    support_capture();
    test_wording();
    test_import();
    test_shuffled();
    test_refusals();
    test_faces();
    support_clean();
    return check_result();
}
