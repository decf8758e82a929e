/* Captions from labels, valence and arousal, action units: each level says what is known and no more. */
#include "data/face_caption.h"
#include "data/face_words.h"
#include "data/import_tree.h"
#include "data/wording.h"

static int written, wrong;

/* All sentences are sentences, name no side, and the levels are those that the facts have. */
static struct data_caption caption(struct base_arena *arena, const struct face_facts *f, uint64_t index)
{
    struct data_caption c;
    struct base_rng rng = base_rng_make(3, "face caption", index, 0);
    CHECK_EQ(face_caption(f, true, &rng, arena, &c), MIEN_OK);
    bool good = c.global && c.summary && well_formed(c.global) && well_formed(c.summary) && !data_caption_has_side(&c);
    for (uint32_t i = 0; i < c.local_count; i++)
        good = good && well_formed(c.local[i]);
    if (!good)
        fprintf(stderr, "%s | %s | %s\n", c.global, c.summary, c.local_count ? c.local[0] : "");
    written++;
    wrong += !good;
    return c;
}

static bool holds(const struct data_caption *c, const char *word)
{
    bool found = strstr(c->global, word) || strstr(c->summary, word);
    for (uint32_t i = 0; i < c->local_count; i++)
        found = found || strstr(c->local[i], word);
    return found;
}

static size_t count_words(const struct data_caption *c, const char *const words[], size_t count)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        n += holds(c, words[i]);
    return n;
}

static const char *const strong[] = {"unmistakabl", "slight",   "faint",    "moderate", "somewhat", "intense", "very ",
                                     "visibl",      "definite", "distinct", "viewers",  "majority", "opinions"};

/* Each emotion, and pairs of them: named in all levels; without numbers no intensity is claimed. */
static void test_labels(void)
{
    static const char *const own[] = {"calm", "anxiety", "helplessness", "disappointment", "other", "big smile"};
    struct base_arena arena = {0};
    size_t claims = 0, unnamed = 0;
    for (uint64_t k = 0; k < 40; k++) {
        for (int a = 0; a < FERPLUS_EMOTIONS; a++) {
            for (int b = 0; b < FERPLUS_EMOTIONS; b++) {
                const char *const labels[] = {ferplus_names[a], ferplus_names[b]};
                struct face_facts f = {.labels = labels, .label_count = a == b ? 1 : 2};
                struct data_caption c = caption(&arena, &f, k * 64 + (uint64_t)(a * 8 + b));
                claims += count_words(&c, strong, BASE_COUNT(strong));
                unnamed += !names_emotion(c.global, a) || !names_emotion(c.summary, a) || c.local_count != 4;
                unnamed += a != b && (!names_emotion(c.global, b) || !names_emotion(c.summary, b));
            }
        }
        for (size_t i = 0; i < BASE_COUNT(own); i++) {
            struct face_facts f = {.labels = &own[i], .label_count = 1};
            struct data_caption c = caption(&arena, &f, k);
            unnamed += i == 5 && (!strstr(c.global, "big smile") || !strstr(c.summary, "ig smile"));
            unnamed += i < 4 && c.local_count != 4;
        }
    }
    CHECK_EQ(claims, 0);
    CHECK_EQ(unnamed, 0);
    base_arena_clear(&arena);
}

static void test_words(void)
{
    struct face_words w;
    CHECK(face_words_find("joy", &w) && strcmp(w.nouns[0], "joy") == 0); /* the set's own word comes first */
    CHECK(face_words_find("happy", &w) && strcmp(w.nouns[0], "happiness") == 0);
    CHECK(face_words_find("calm", &w) && strcmp(w.adjectives[1], "serene") == 0); /* not neutrality */
    CHECK(face_words_find("neutral", &w) && strcmp(w.adjectives[0], "neutral") == 0);
    CHECK(!face_words_find("wink", &w) && strcmp(w.nouns[0], "wink") == 0 && !w.adjectives[0]);
    CHECK(face_unit_find("AU12") && face_unit_find("12") == face_unit_find("au12"));
    CHECK(!face_unit_find("AU99") && !face_unit_find("smile") && !face_unit_find("AU12L") && !face_unit_find(""));
}

/* Every unit has words; units that are present have a sentence each, others none; degrees where there are levels. */
static void test_units(void)
{
    struct base_arena arena = {0};
    char name[16];
    int units = 0;
    for (int n = 1; n < 70; n++) {
        snprintf(name, sizeof(name), "AU%d", n);
        const struct face_unit *unit = face_unit_find(name);
        units += unit != NULL;
        for (int step = 0; unit && step < 24; step++) {
            const struct data_value aus[] = {{"AU99", 1}, {name, (step + 1) / 24.0}, {"AU46", 0}};
            struct face_facts f = {.aus = aus, .au_count = 3};
            struct data_caption c = caption(&arena, &f, (uint64_t)(n * 100 + step));
            bool seen = aus[1].value >= 0.2;
            CHECK_EQ(c.local_count, seen ? 1 : 0);
            CHECK_EQ(holds(&c, unit->cue + 1), seen);
            if (step == 23)
                CHECK_EQ(count_words(&c, strong, BASE_COUNT(strong)), 0);
        }
    }
    CHECK_EQ(units, 27);
    const struct data_value graded[] = {{"AU12", 5}, {"AU6", 1.5}, {"AU1", 0.4}}; /* FACS levels are above 1 */
    const char *const label[] = {"happiness"};
    struct face_facts f = {.labels = label, .label_count = 1, .aus = graded, .au_count = 3};
    struct data_caption c = caption(&arena, &f, 1);
    CHECK_EQ(c.local_count, 3);
    CHECK(strstr(c.summary, "raised lip corners, raised inner brows and raised cheeks"));
    f = (struct face_facts){.aus = graded, .au_count = 0}; /* a face at rest is known to be */
    CHECK(holds(&(struct data_caption){.global = caption(&arena, &f, 2).global, .summary = "x"}, "rest") ||
          holds(&(struct data_caption){.global = caption(&arena, &f, 2).global, .summary = "x"}, "not move"));
    base_arena_clear(&arena);
}

/* The mood by its place; how strong an emotion is by how far that is from nothing. */
static void test_moods(void)
{
    static const struct {
        double va[2];
        const char *mood;
    } moods[] = {{{0.9, 0.7}, "very pleasant and highly aroused"},
                 {{-0.9, -0.7}, "very unpleasant and very still"},
                 {{0.3, -0.3}, "pleasant and calm"},
                 {{0, 0}, "neither pleasant nor unpleasant and even"}};
    struct base_arena arena = {0};
    const char *const happy[] = {"happiness"}, *const neutral[] = {"neutral"};
    static const char *const high[] = {"very ", "clear", "unmistakabl", "plainly", "strong", "intense"},
                             *const low[] = {"slight", "faint", "a little"};
    for (size_t i = 0; i < BASE_COUNT(moods); i++) {
        struct face_facts f = {.has_va = true, .va = {moods[i].va[0], moods[i].va[1]}};
        for (uint64_t k = 0; k < 20; k++) {
            struct data_caption c = caption(&arena, &f, k);
            CHECK(strstr(c.global, moods[i].mood) && strstr(c.summary, moods[i].mood) && c.local_count == 1);
        }
    }
    size_t strongly = 0, weakly = 0, mixed = 0;
    for (uint64_t k = 0; k < 100; k++) {
        struct face_facts f = {.labels = happy, .label_count = 1, .has_va = true, .va = {0.9, 0.3}};
        struct data_caption c = caption(&arena, &f, k);
        c.local_count = 0;
        strongly += count_words(&c, high, BASE_COUNT(high)) > 0;
        mixed += count_words(&c, low, BASE_COUNT(low)) > 0;
        f.va[0] = f.va[1] = 0.1;
        c = caption(&arena, &f, k);
        c.local_count = 0;
        weakly += count_words(&c, low, BASE_COUNT(low)) > 0;
        f.labels = neutral;
        c = caption(&arena, &f, k);
        mixed += strstr(c.global, "uncertain") != NULL; /* little is felt: quite neutral */
    }
    CHECK(strongly > 80 && weakly > 80 && mixed == 0);
    struct data_caption none;
    struct base_rng rng = base_rng_make(1, "x", 0, 0);
    CHECK_EQ(face_caption(&(struct face_facts){0}, true, &rng, &arena, &none), MIEN_OK);
    CHECK(!none.global && !none.summary && !none.local_count);
    base_arena_clear(&arena);
}

/* mien import --captions: on any set; the same seed gives the same bytes, another one other words; own texts stay. */
static void test_import(void)
{
    const struct mien_import_params p = {.name = "sfew", .captions = true};
    struct data_manifest *m = NULL;
    char *first = NULL, *again = NULL, *other = NULL;
    size_t size;
    char name[64];
    for (int i = 0; i < 30; i++) {
        snprintf(name, sizeof(name), "%s/F_%d_1.png", i % 2 ? "Angry" : "Happy", i);
        tree_files("s/Train/Train_Aligned_Faces", name);
    }
    CHECK_EQ(tree_import(p, "s"), MIEN_OK);
    CHECK_EQ(base_file_read(support_file("s/out.jsonl"), 0, &first, &size), MIEN_OK);
    CHECK_EQ(data_manifest_read(support_file("s/out.jsonl"), &m), MIEN_OK);
    size_t same = 0;
    for (size_t i = 0; m && i < m->count; i++) {
        const struct data_row *row = &m->rows[i];
        int e = strcmp(row->labels[0], "anger") == 0 ? FERPLUS_ANGER : FERPLUS_HAPPINESS;
        CHECK(names_emotion(row->caption.global, e) && names_emotion(row->caption.summary, e));
        CHECK_EQ(row->caption.local_count, 4);
        for (size_t k = 0; k < i; k++)
            same += strcmp(m->rows[k].caption.global, row->caption.global) == 0;
    }
    CHECK(same < 40); /* of 435 pairs */
    data_manifest_destroy(&m);
    CHECK_EQ(tree_import(p, "s"), MIEN_OK);
    CHECK_EQ(base_file_read(support_file("s/out.jsonl"), 0, &again, &size), MIEN_OK);
    CHECK_STR(again, first);
    CHECK_EQ(tree_import((struct mien_import_params){.name = "sfew", .captions = true, .seed = 1}, "s"), MIEN_OK);
    CHECK_EQ(base_file_read(support_file("s/out.jsonl"), 0, &other, &size), MIEN_OK);
    CHECK(strcmp(other, first) != 0);
    CHECK_EQ(tree_import((struct mien_import_params){.name = "sfew", .captions = true, .shuffle_captions = true}, "s"),
             MIEN_OK);
    tree_refuse((struct mien_import_params){.name = "sfew", .shuffle_captions = true}, "s", MIEN_ERR_ARG, "shuffled");
    base_free(first);
    base_free(again);
    base_free(other);

    tree_files("m/data/clips", "00001.mp4 00002.mp4");
    tree_put("m/Train & Test Set/single/with_caption/set_1/test.txt",
             "00001.mp4\tfear\t-\tA man backs off. He gasps. All of him says no.\n00002.mp4\tneutral\t-\t-\n");
    CHECK_EQ(tree_import((struct mien_import_params){.name = "mafw", .captions = true}, "m"), MIEN_OK);
    CHECK_EQ(data_manifest_read(support_file("m/out.jsonl"), &m), MIEN_OK);
    if (m) {
        CHECK_STR(m->rows[0].caption.global, "A man backs off.");
        CHECK_STR(m->rows[0].caption.summary, "All of him says no.");
        CHECK(m->rows[0].caption.local_count == 1 && strcmp(m->rows[0].caption.local[0], "He gasps.") == 0);
        CHECK(names_emotion(m->rows[1].caption.global, FERPLUS_NEUTRAL));
    }
    data_manifest_destroy(&m);
}

int main(void)
{
    support_capture();
    test_words();
    test_labels();
    test_units();
    test_moods();
    test_import();
    CHECK_EQ(wrong, 0);
    printf("%d captions\n", written);
    support_clean();
    return check_result();
}
