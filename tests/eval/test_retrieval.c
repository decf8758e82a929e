/* Retrieval on an untrained model, against ranks worked out here; and the report of its result. */
#include "check.h"

#include "base/capture.h"
#include "use/look.h"
#include "use/tiny_model.h"
#include "eval/look.h"

#include <sys/resource.h>
#include <unistd.h>

enum { N = 12, E = 10 };
static const char *const words[] = {"anger", "joy", "sorrow"};

/* Twelve pairs; the global sentences of 0 and 6 (and so on) are the same to the model, in other bytes. */
static void write_pairs(void)
{
    char text[N * 200];
    size_t at = 0;
    for (int i = 0; i < N; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at,
                               "{\"image\":\"%d.png\",\"caption\":{\"global\":\"%s of %s %d\",\"local\":[\"eyes %s\"],"
                               "\"summary\":\"%s it is\"}}\n",
                               i, i < 6 ? "a face" : "A  FACE", words[i % 3], i % 6, words[(i + 1) % 3], words[i % 3]);
    CHECK(tiny_write("pairs.jsonl", text, at));
}

static double dot(const float *a, const float *b)
{
    double sum = 0;
    for (int k = 0; k < E; k++)
        sum += (double)a[k] * (double)b[k];
    return sum;
}

/* The rank of pair i's text for its image by the global sentences. */
static double rank_by_hand(float images[N][E], float texts[N][E], int i)
{
    double best = fmax(dot(images[i], texts[i]), dot(images[i], texts[(i + 6) % N])), rank = 1;
    for (int j = 0; j < N; j++) {
        double score = dot(images[i], texts[j]);
        if (j % 6 != i % 6)
            rank += score > best ? 1 : score == best ? 0.5 : 0;
    }
    return rank;
}

/* Caption number `at` of the gallery is that of pair i: the nearest pictures first, which of them have it, the rank of
 * the best of those. */
static void check_caption(const struct mien_result *r, float images[N][E], float texts[N][E], int at, int i)
{
    char place[64], text[64];
    double before = 2, rank = 0;
    snprintf(place, sizeof(place), "gallery.%d.text", at);
    snprintf(text, sizeof(text), "%s of %s %d", i < 6 ? "a face" : "A  FACE", words[i % 3], i % 6);
    CHECK_STR(look_text(r, place), text);
    for (int j = N; j-- > 0;) { /* the better of its own two */
        double own = fmax(dot(images[i], texts[i]), dot(images[(i + 6) % N], texts[i]));
        double score = dot(images[j], texts[i]);
        rank += j % 6 == i % 6 ? 0 : score > own ? 1 : score == own ? 0.5 : 0;
    }
    snprintf(place, sizeof(place), "gallery.%d.rank", at);
    CHECK_NEAR(look(r, place), rank + 1, 1e-9);
    for (int k = 0; k < 6; k++) {
        int nearer = 0;
        snprintf(place, sizeof(place), "gallery.%d.pictures.%d.line", at, k);
        int j = (int)look(r, place) - 1;
        CHECK(j >= 0 && j < N);
        snprintf(place, sizeof(place), "gallery.%d.pictures.%d.score", at, k);
        CHECK_NEAR(look(r, place), dot(images[j], texts[i]), 2e-6);
        for (int other = 0; other < N; other++)
            nearer += dot(images[other], texts[i]) > dot(images[j], texts[i]) + 2e-6;
        CHECK(look(r, place) <= before && nearer <= k);
        before = look(r, place);
        snprintf(place, sizeof(place), "\"line\":%d,\"score\":%.15g,\"right\":%s", j + 1, before,
                 j % 6 == i % 6 ? "true" : "false");
        CHECK(strstr(mien_result_json(r), place) != NULL);
    }
}

static void test_ranks(void)
{
    const struct mien_eval_params params = {
        .size = sizeof params, .task = "retrieval", .manifest = "pairs.jsonl", .level = MIEN_TEXT_GLOBAL};
    struct mien_result *r = NULL;
    float images[N][E], texts[N][E];
    double mean = 0, at5 = 0, at10 = 0;
    for (int i = 0; i < N; i++) {
        char name[32], text[64];
        const char *file, *sentence = text;
        snprintf(name, sizeof(name), "%d.png", i);
        snprintf(text, sizeof(text), "a face of %s %d", words[i % 3], i % 6);
        file = tiny_path(name);
        CHECK_EQ(embed_file(model, file, 0, images[i]), MIEN_OK);
        CHECK_EQ(mien_model_embed_texts(model, &sentence, 1, 0, texts[i]), MIEN_OK);
    }
    for (int i = 0; i < N; i++) {
        double rank = rank_by_hand(images, texts, i);
        mean += rank / N;
        at5 += (rank <= 5) / (double)N;
        at10 += (rank <= 10) / (double)N;
    }
    CHECK_EQ(mien_eval(model, &params, &r), MIEN_OK);
    if (!r)
        return;
    CHECK_EQ(look(r, "n"), N);
    CHECK_NEAR(look(r, "chance"), 2.0 / N, 1e-12);
    CHECK_NEAR(look(r, "image_text.mean"), mean, 1e-9);
    CHECK_NEAR(look(r, "image_text.r5"), at5, 1e-9);
    CHECK_NEAR(look(r, "image_text.r10"), at10, 1e-9);
    CHECK(look(r, "image_text.r5_interval.0") <= at5 && look(r, "image_text.r5_interval.1") >= at5);
    CHECK_EQ(mien_result_count(r, "examples"), 8);
    CHECK_EQ(mien_result_count(r, "examples.0.texts"), 3);
    CHECK(look(r, "examples.0.scores.0") >= look(r, "examples.0.scores.1"));
    CHECK(strcmp(look_text(r, "examples.0.texts.0"), look_text(r, "examples.0.texts.1")) != 0);
    CHECK(strstr(mien_result_summary(r), "retrieval R@1 "));
    CHECK_EQ(mien_result_count(r, "gallery"), 3); /* of the pairs 1, 3, 5, and 7, 9, 11, which have the same texts */
    for (int k = 0; k < 3; k++)
        check_caption(r, images, texts, k, 2 * k + 1);
    mien_result_destroy(&r);
    CHECK(r == NULL);
}

/* Whole captions: the unit mean of the embeddings of all sentences. */
static void test_caption(void)
{
    struct mien_eval_params params = {
        .size = sizeof params, .task = "retrieval", .manifest = "pairs.jsonl", .limit = 5};
    struct mien_result *r = NULL;
    CHECK_EQ(mien_eval(model, &params, &r), MIEN_OK);
    CHECK(look(r, "n") == 5 && strcmp(look_text(r, "examples.0.truth"), "a face of anger 0 eyes joy anger it is") == 0);
    mien_result_destroy(&r);
    capture_start();
    params.manifest = "t.jsonl"; /* its captions are one sentence, which is global */
    params.level = MIEN_TEXT_SUMMARY;
    CHECK_EQ(mien_eval(model, &params, &r), MIEN_ERR_DATA);
    CHECK(r == NULL && captured_once("no image or clip with a summary"));
}

/* A caption of many sentences takes memory as it is long, not as its square: 320 MB for this one. */
static void test_long_caption(void)
{
    enum { SENTENCES = 4000, MOST_KB = 100 << 10 };
    const struct mien_eval_params params = {.size = sizeof params, .task = "retrieval", .manifest = "long.jsonl"};
    struct mien_result *r = NULL;
    struct rusage before, after;
    size_t room = SENTENCES * 64 + 256, at = 0;
    char *text = base_alloc(room, 1);
    at += (size_t)sprintf(text, "{\"image\":\"0.png\",\"caption\":{\"global\":\"a face\",\"local\":[\"brows\"");
    for (int i = 0; i < SENTENCES; i++)
        at += (size_t)sprintf(text + at, ",\"the eyes are wide open and look here\"");
    at += (size_t)sprintf(text + at, "]}}\n{\"image\":\"1.png\",\"caption\":\"another face\"}\n");
    CHECK(tiny_write("long.jsonl", text, at));
    base_free(text);
    getrusage(RUSAGE_SELF, &before);
    CHECK_EQ(mien_eval(model, &params, &r), MIEN_OK);
    getrusage(RUSAGE_SELF, &after);
    CHECK(r && strncmp(look_text(r, "examples.0.truth"), "a face brows the eyes are wide open and look here the eyes",
                       58) == 0);
    CHECK(r && strlen(look_text(r, "examples.0.truth")) == 12 + SENTENCES * 37);
    printf("a caption of %d sentences: %ld kB\n", SENTENCES, after.ru_maxrss - before.ru_maxrss);
    CHECK(after.ru_maxrss - before.ru_maxrss < MOST_KB);
    mien_result_destroy(&r);
}

/* ---- report ---- */

static const char zero_shot[] =
    "{\"task\":\"zero-shot\",\"n\":3,\"war\":0.5,\"uar\":0.5,\"classes\":[\"a<b\",\"c\"],\"confusion\":[[1,0],[1,1]],"
    "\"recall\":[1,0.5],\"recall_interval\":[[1,1],[0,1]],\"map\":[[0,0,0,0],[1,1,1,0],[-1,0.5,1,1]]}";
static const char retrieval[] =
    "{\"task\":\"retrieval\",\"n\":1,\"chance\":1,\"image_text\":{\"r1\":1,\"r5\":1,\"r10\":1,\"median\":1,\"mean\":1},"
    "\"text_image\":{\"r1\":1,\"r5\":1,\"r10\":1,\"median\":1,\"mean\":1},\"examples\":[{\"image\":\"0.png\","
    "\"truth\":\"x & y\",\"texts\":[\"x & y\"],\"scores\":[0.5]}],\"gallery\":[{\"text\":\"<i>\",\"rank\":1,"
    "\"pictures\":[{\"image\":\"1.png\",\"score\":0.25,\"right\":true},{\"image\":\"0.png\",\"score\":0.125}]}]}";
static const char steps[] = "{\"kind\":\"step\",\"step\":1,\"loss\":3,\"lr\":0.1}\n"
                            "{\"kind\":\"step\",\"step\":2,\"loss\":2,\"lr\":0.05}\n"
                            "{\"kind\":\"eval\",\"step\":2,\"uar\":0.5,\"war\":0.4}\n";

static void test_report(void)
{
    const char *bad = NULL;

    char *page = NULL;
    size_t size = 0;
    CHECK_EQ(base_dir_create("run"), MIEN_OK);
    CHECK(tiny_write("run/log.jsonl", steps, strlen(steps)));
    CHECK(tiny_write("z.json", zero_shot, strlen(zero_shot)) && tiny_write("r.json", retrieval, strlen(retrieval)));
    CHECK_EQ(mien_report((const char *const[]){"run", "z.json", "r.json"}, 3, "page.html"), MIEN_OK);
    CHECK_EQ(base_file_read("page.html", 0, &page, &size), MIEN_OK);
    CHECK(page && strstr(page, "a&lt;b") && !strstr(page, "a<b"));
    CHECK(page && strstr(page, "x &amp; y") && strstr(page, "data:image/png;base64,iVBORw0KGgo"));
    CHECK(page && strstr(page, "<bdi>&lt;i&gt;</bdi>") && strstr(page, "its own at rank 1 of 1<"));
    CHECK(page && strstr(page, "<li class=\"hit\"><img") && strstr(page, "<span>0.250 \xe2\x9c\x93</span>"));
    CHECK(page && strstr(page, "<li><img") && strstr(page, "<span>0.125</span>"));
    CHECK(page && strstr(page, "loss over steps") && strstr(page, "Confusion matrix") && strstr(page, "</html>"));
    CHECK(page && !strstr(page, "<script") && !strstr(page, "http")); /* nothing from outside */
    base_free(page);
    CHECK(tiny_write("bad.json", "{\"task\":\"poetry\"}", 17));
    capture_start();
    bad = "bad.json";
    CHECK_EQ(mien_report(&bad, 1, "other.html"), MIEN_ERR_DATA);
    CHECK(captured_once("poetry") && !base_file_exists("other.html"));
    CHECK(tiny_write("run/log.jsonl", "{\"kind\":\"step\"}\nnonsense\n", 25));
    capture_start();
    bad = "run";
    CHECK_EQ(mien_report(&bad, 1, "other.html"), MIEN_ERR_DATA);
    CHECK(captured_once("log.jsonl:2") && !base_file_exists("other.html"));
}

/* A page made in another directory than the evaluation has its pictures; names of any bytes do not break it. */
static void test_elsewhere(void)
{
    struct mien_eval_params params = {.size = sizeof params, .task = "retrieval", .manifest = "pairs.jsonl"};
    struct mien_result *r = NULL, *again = NULL;
    struct mien_page *page = NULL;
    CHECK_EQ(base_dir_create("elsewhere"), MIEN_OK);
    CHECK_EQ(mien_eval(model, &params, &r), MIEN_OK);
    CHECK_EQ(mien_result_write(r, "elsewhere/r.json"), MIEN_OK);
    CHECK_EQ(chdir("elsewhere"), 0);
    CHECK_EQ(mien_result_read("r.json", &again), MIEN_OK);
    for (size_t i = 0; i < 2; i++) {
        CHECK_EQ(mien_page_create("\xff<\xc3", &page), MIEN_OK);
        CHECK_EQ(mien_page_add_result(page, i ? again : r), MIEN_OK);
        const char *html = mien_page_html(page);
        CHECK(html && strstr(html, "data:image/png;base64,") && !strstr(html, "no picture"));
        CHECK(html && strstr(html, "<h1>\xEF\xBF\xBD&lt;\xEF\xBF\xBD</h1>"));
        mien_page_destroy(&page);
    }
    CHECK_EQ(chdir(".."), 0);
    mien_result_destroy(&again);
    mien_result_destroy(&r);
}

int main(void)
{
    capture_start();
    if (!tiny_make())
        CHECK_SKIP("no temporary directory");
    test_report();
    capture_start();
    if (mien_gpu_create(NULL, &gpu) != MIEN_OK) {
        printf("skipped: what needs a Vulkan device: %s\n", captured);
    } else {
        CHECK(tiny_model_make(gpu));
        CHECK_EQ(mien_model_open(gpu, tiny_path("model"), NULL, &model), MIEN_OK);
        write_pairs();
    }
    if (model) {
        test_ranks();
        test_caption();
        test_long_caption();
        test_elsewhere();
    }
    mien_model_destroy(&model);
    mien_gpu_destroy(&gpu);
    tiny_remove();
    return check_result();
}
