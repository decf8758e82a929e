/* The class list and the zero-shot scorer, without a device. */
#include "check.h"

#include "base/capture.h"
#include "train/tiny.h"
#include "use/scorer.h"

#include <time.h>

static struct data_manifest *manifest;

static const char rows[] = "{\"image\":\"0.png\",\"label\":\"joy\",\"split\":\"val\"}\n"
                           "{\"image\":\"1.png\",\"label\":[\"fear\",\"anger\"],\"split\":\"train\"}\n"
                           "{\"image\":\"2.png\",\"caption\":\"nothing\"}\n"
                           "{\"image\":\"3.png\",\"label\":[\"anger\",\"fear\",\"anger\"]}\n"
                           "{\"image\":\"4.png\",\"label\":\"anger\",\"split\":\"test\"}\n"
                           "{\"image\":\"5.png\",\"label\":[\"joy\"]}\n"
                           "{\"image\":\"6.png\",\"label\":\"black and white\"}\n"
                           "{\"image\":\"7.png\",\"label\":\"Joy\"}\n";
static const uint32_t all[] = {0, 1, 2, 3, 4, 5, 6, 7};

/* All labels whatever the split; a compound has no order and names no label twice. */
static void test_list(void)
{
    static const char *const names[] = {"Joy", "anger", "anger and fear", "black and white", "joy"};
    static const int32_t want[] = {4, 2, -1, 2, 1, 4, 3, 0};
    struct use_classes c;
    int32_t truth[8];
    CHECK_EQ(use_classes_list(manifest, NULL, 0, &c), MIEN_OK);
    CHECK_EQ(c.count, 5);
    for (uint32_t i = 0; i < c.count && i < 5; i++)
        CHECK_STR(c.list[i].name, names[i]);
    CHECK(c.list[2].count == 2 && strcmp(c.list[2].words[0], "anger") == 0 && strcmp(c.list[2].words[1], "fear") == 0);
    CHECK_EQ(c.list[3].count, 1); /* one label, though it reads like two */
    CHECK_EQ(c.word_count, 5);    /* Joy anger "black and white" fear joy */
    CHECK_EQ(use_classes_of(&c, manifest, all, 8, truth), MIEN_OK);
    for (int i = 0; i < 8; i++)
        CHECK_EQ(truth[i], want[i]);
    use_classes_clear(&c);
}

/* In the order given; compounds in any order; one that no row has is a class all the same. */
static void test_given(void)
{
    const char *const given[] = {"joy", "fear and anger", "shame and awe", "black and white"};
    const char *const twice[] = {"fear and anger", "joy", "anger and fear"}, *const none[] = {"joy", ""};
    static const int32_t want[] = {0, 1, -1, 1, -1, 0, 3, -1};
    struct use_classes c;
    int32_t truth[8];
    CHECK_EQ(use_classes_list(manifest, given, 4, &c), MIEN_OK);
    CHECK_EQ(c.count, 4);
    CHECK_STR(c.list[1].name, "anger and fear");
    CHECK_STR(c.list[2].name, "awe and shame");
    CHECK(c.list[2].count == 2 && c.list[3].count == 1);
    CHECK_EQ(use_classes_of(&c, manifest, all, 8, truth), MIEN_OK);
    for (int i = 0; i < 8; i++)
        CHECK_EQ(truth[i], want[i]);
    use_classes_clear(&c);
    capture_start();
    CHECK_EQ(use_classes_list(manifest, twice, 3, &c), MIEN_ERR_ARG);
    CHECK(captured_once("\"anger and fear\" is named twice") && c.count == 0);
    CHECK_EQ(use_classes_list(manifest, none, 2, &c), MIEN_ERR_ARG);
}

/* Labels that differ in capitals only are the same to the model. */
static void test_check(void)
{
    const char *const good[] = {"joy", "anger and fear"};
    const char *const corpus[] = {"a face of joy and anger"};
    struct data_tokenizer *tokenizer = NULL;
    struct use_classes c;
    CHECK_EQ(data_bpe_train(corpus, 1, 530, &tokenizer), MIEN_OK);
    CHECK_EQ(use_classes_list(manifest, NULL, 0, &c), MIEN_OK);
    capture_start();
    CHECK_EQ(use_classes_check(&c, tokenizer, 24), MIEN_ERR_ARG);
    CHECK(captured_once("\"Joy\"") && strstr(captured, "\"joy\""));
    use_classes_clear(&c);
    CHECK_EQ(use_classes_list(manifest, good, 2, &c), MIEN_OK);
    CHECK_EQ(use_classes_check(&c, tokenizer, 24), MIEN_OK);
    use_classes_clear(&c);
    data_tokenizer_destroy(&tokenizer);
}

static void same(const struct data_tokenizer *t, const struct mien_label *labels, size_t count,
                 const struct mien_labels_params *params, const char *says)
{
    capture_start();
    CHECK_EQ(use_check_labels(t, 24, labels, count, params), says ? MIEN_ERR_ARG : MIEN_OK);
    CHECK(!says || captured_once(says));
}

/* Labels that are one after cleaning, after the cut, or by their sentences. */
static void test_same(void)
{
    static const char *const long_hole = "a a a a a a a a a a a a a a a a a a a a {}", *const hole = "{}";
    static const char *const one[] = {"happy", "glad"}, *const other[] = {"Glad", " happy "}, *const third[] = {"glad"};
    const struct mien_labels_params late = {.templates = &long_hole, .template_count = 1};
    const struct mien_labels_params plain = {.templates = &hole, .template_count = 1};
    const struct mien_label capitals[] = {{.name = "fear"}, {.name = "joy"}, {.name = " JOY"}};
    const struct mien_label forms[] = {{.name = "caf\xC3\xA9"}, {.name = "cafe\xCC\x81"}};
    const struct mien_label quotes[] = {{.name = "he's"}, {.name = "he\xE2\x80\x99s"}};
    const struct mien_label two[] = {{.name = "abcdefgh"}, {.name = "abcdefgi"}};
    const struct mien_label texts[] = {{.name = "joy", .texts = one, .text_count = 2},
                                       {.name = "bliss", .texts = other, .text_count = 2}};
    const struct mien_label fewer[] = {texts[0], {.name = "bliss", .texts = third, .text_count = 1}};
    char first[80], second[80];
    struct data_tokenizer *t = NULL;
    CHECK_EQ(data_bpe_train(NULL, 0, 514, &t), MIEN_OK);
    same(t, capitals, 3, &plain, "\"joy\" and \" JOY\" are the same");
    same(t, forms, 2, &plain, "\"caf\xC3\xA9\"");
    same(t, quotes, 2, NULL, "\"he's\"");
    same(t, two, 2, &plain, NULL);
    same(t, two, 2, NULL, NULL);
    same(t, two, 2, &late, "\"abcdefgh\" and \"abcdefgi\" are the same to the model (the same tokens in all their");
    same(t, texts, 2, NULL, "\"joy\" and \"bliss\" are the same to the model (the same tokens in all their");
    same(t, fewer, 2, NULL, NULL);
    memset(first, 'a', 40); /* cut at 24 tokens, two names are one */
    snprintf(first + 40, 40, "b");
    memset(second, 'a', 40);
    snprintf(second + 40, 40, "c");
    const struct mien_label cut[] = {{.name = first}, {.name = second}};
    same(t, cut, 2, &plain, "are the same to the model");
    data_tokenizer_destroy(&t);
}

/* Which of many names stands there twice takes their number, not its square. */
static void test_many(void)
{
    enum { MANY = 40000, ROOM = 24 };
    char *text = base_alloc(MANY, ROOM);
    const char **names = base_alloc(MANY, sizeof(*names));
    struct use_classes c;
    for (int i = 0; i < MANY; i++) {
        snprintf(text + (size_t)i * ROOM, ROOM, "label%06d", i);
        names[i] = text + (size_t)i * ROOM;
    }
    clock_t began = clock();
    CHECK_EQ(use_classes_list(manifest, names, MANY, &c), MIEN_OK);
    double seconds = (double)(clock() - began) / CLOCKS_PER_SEC;
    printf("%d names in %.3f s\n", MANY, seconds);
    CHECK(seconds < 2); /* 0.05 s; comparing all pairs took 9 s */
    CHECK_EQ(c.count, MANY);
    use_classes_clear(&c);
    names[MANY - 1] = "label012345";
    capture_start();
    CHECK_EQ(use_classes_list(manifest, names, MANY, &c), MIEN_ERR_ARG);
    CHECK(captured_once("\"label012345\" is named twice"));
    base_free(names);
    base_free(text);
}

/* Nearest class by cosine, ties to the first; what could not be read or has no class is not counted. */
static void test_scorer(void)
{
    float classes[] = {1, 0, 0, 1, 0, 1};
    const float embeds[] = {1, 0, 0, 1, 0.6f, 0.8f, 0, 1, 1, 0};
    const bool ok[] = {true, true, true, false, true};
    const int32_t truth[] = {0, 0, 1, 1, -1};
    static const uint64_t want[] = {1, 1, 0, 0, 1, 0, 0, 0, 0};
    struct use_classes list = {.count = 3};
    struct use_scorer scorer = {.classes = &list, .width = 2, .embeds = classes};
    struct use_confusion confusion;
    uint32_t prediction[5];
    CHECK_EQ(use_scorer_run(&scorer, &(struct use_scored){embeds, ok, truth, 5}, prediction, &confusion), MIEN_OK);
    for (int i = 0; i < 9; i++)
        CHECK_EQ(confusion.counts[i], want[i]);
    CHECK(prediction[1] == 1 && prediction[2] == 1 && prediction[4] == 0);
    CHECK_EQ(use_present(&confusion), 2);
    CHECK_NEAR(use_uar(&confusion), 0.75, 0);
    use_confusion_destroy(&confusion);
}

int main(void)
{
    capture_start();
    if (!tiny_make())
        CHECK_SKIP("no temporary directory");
    CHECK(tiny_write("m.jsonl", rows, strlen(rows)));
    CHECK_EQ(data_manifest_read(tiny_path("m.jsonl"), &manifest), MIEN_OK);
    if (manifest) {
        test_list();
        test_given();
        test_check();
        test_same();
        test_many();
    }
    test_scorer();
    data_manifest_destroy(&manifest);
    tiny_remove();
    return check_result();
}
