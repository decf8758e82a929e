/* Several evaluations in one result: each as if it were run alone; bad lists refused before the first is run. */
#include "check.h"

#include "eval/raw.h"

#include "base/file.h"

static const char *rows(int i, char *b, size_t size)
{
    snprintf(b, size,
             "\"label\":\"%s\",\"au\":{\"AU12\":%d},\"targets\":{\"a\":%d},\"caption\":\"a face %d\",\"split\":\"%s\"",
             labels[i % 3], i % 2, i * 7 % 5, i, i < 14 ? "train" : "test");
    return b;
}

static bool write_suite(const char *text)
{
    return tiny_write("lists/suite.json", text, strlen(text));
}

/* The JSON of a result that is an element of another's. */
static char *part_of(const struct mien_result *suite, int index)
{
    cJSON *json = cJSON_Parse(mien_result_json(suite));
    char *text = base_json_print(cJSON_GetArrayItem(cJSON_GetObjectItem(json, "results"), index), false);
    cJSON_Delete(json);
    return text;
}

static void check_same(const struct mien_result *suite, int index, const struct mien_eval_params *params)
{
    struct mien_result *alone = NULL;
    char *text = part_of(suite, index);
    CHECK_EQ(mien_eval(model, params, &alone), MIEN_OK);
    if (text && alone)
        CHECK_STR(text, mien_result_json(alone));
    mien_result_destroy(&alone);
    base_free(text);
}

static void test_results(void)
{
    const char *const two[] = {"joy", "anger"}, *const templates[] = {"a face of {}"};
    const struct mien_eval_params common = {.size = sizeof common, .seed = 4};
    const struct mien_labels_params sentences = {
        .size = sizeof sentences, .templates = templates, .template_count = 1, .average = MIEN_AVERAGE_LOGITS};
    struct mien_eval_params params = {.size = sizeof params, .seed = 4, .manifest = "lists/../m.jsonl"};
    struct mien_result *r = NULL;
    CHECK(tiny_write("lists/words.txt", "a face of {}\n", 13));
    CHECK(
        write_suite("[{\"manifest\": \"../m.jsonl\", \"task\": \"zero-shot\", \"labels\": [\"joy\", \"anger\"],\n"
                    "  \"templates\": \"words.txt\", \"average\": \"logits\", \"split\": \"all\"},\n"
                    " {\"manifest\": \"../m.jsonl\", \"task\": \"regression\", \"compat\": \"emoclip\", \"seed\": 9},\n"
                    " {\"manifest\": \"../m.jsonl\", \"task\": \"retrieval\", \"level\": \"global\", \"limit\": 5},\n"
                    " {\"manifest\": \"../m.jsonl\", \"task\": \"au\", \"by\": \"sentence\", \"threshold\": 1},\n"
                    " {\"manifest\": \"../m.jsonl\", \"task\": \"leave-one-out\", \"class\": \"joy\"}]"));
    CHECK_EQ(mien_eval_suite_check("lists/suite.json", NULL), MIEN_OK);
    CHECK_EQ(mien_eval_suite(model, "lists/suite.json", &common, &r), MIEN_OK);
    CHECK(strcmp(look_text(r, "task"), "suite") == 0 && mien_result_count(r, "results") == 5);
    if (!r)
        return;
    params.task = "zero-shot";
    params.split = "all";
    params.classes = two;
    params.class_count = 2;
    params.labels = &sentences;
    check_same(r, 0, &params);
    params = (struct mien_eval_params){
        .size = sizeof params, .seed = 9, .manifest = params.manifest, .task = "regression", .emoclip = true};
    check_same(r, 1, &params);
    params = (struct mien_eval_params){
        .size = sizeof params, .seed = 4, .manifest = params.manifest, .task = "retrieval", .level = MIEN_TEXT_GLOBAL};
    params.limit = 5;
    check_same(r, 2, &params);
    params = (struct mien_eval_params){
        .size = sizeof params, .seed = 4, .manifest = params.manifest, .task = "au", .by = "sentence", .threshold = 1};
    check_same(r, 3, &params);
    params = (struct mien_eval_params){
        .size = sizeof params, .seed = 4, .manifest = params.manifest, .task = "leave-one-out", .class_name = "joy"};
    check_same(r, 4, &params);
    CHECK(look(r, "results.0.n") == 16 && strstr(mien_result_summary(r), "retrieval R@1"));
    CHECK(strstr(mien_result_summary(r), "leave-one-out joy recall"));
    CHECK(raw_round_trip(r, "Regression") && raw_round_trip(r, "Action units") && raw_round_trip(r, "Retrieval"));
    mien_result_destroy(&r);
}

/* Names stand in the table and on the page. */
static void test_names(void)
{
    struct mien_result *r = NULL;
    CHECK(write_suite("[{\"name\": \"My <set>\", \"manifest\": \"../m.jsonl\", \"task\": \"zero-shot\"}]"));
    CHECK_EQ(mien_eval_suite(model, "lists/suite.json", NULL, &r), MIEN_OK);
    CHECK(strstr(mien_result_summary(r), "My <set>") && strcmp(look_text(r, "results.0.name"), "My <set>") == 0);
    CHECK(raw_round_trip(r, "My &lt;set&gt;"));
    mien_result_destroy(&r);
}

#define FIGURE(model, value)                                                                                           \
    "{\"model\": \"" model "\", \"value\": " value ", \"error\": 0.01, \"source\": \"a <figure>\"}"

/* What is published goes into the result, the lines and the page; manifests that are not in the directory are named. */
static void test_published(void)
{
    const struct mien_eval_params common = {.size = sizeof common, .data = "lists/..", .class_name = "anger"};
    struct mien_result *r = NULL;
    CHECK(write_suite(
        "[{\"name\": \"<one>\", \"manifest\": \"m.jsonl\", \"task\": \"zero-shot\",\n"
        "  \"published\": [" FIGURE("A & B", "0.629") ", " FIGURE(
            "C",
            "0.4") "]},\n"
                   " {\"name\": \"two\", \"manifest\": \"m.jsonl\", \"task\": \"zero-shot\", \"metric\": \"war\"},\n"
                   " {\"name\": \"gone\", \"manifest\": \"gone.jsonl\", \"task\": \"au\"},\n"
                   " {\"manifest\": \"away.jsonl\", \"task\": \"choice\"},\n"
                   " {\"name\": \"three\", \"manifest\": \"m.jsonl\", \"task\": \"retrieval\", \"metric\":\n"
                   "  \"text_image.r5\", \"published\": [" FIGURE(
                       "C", "1") "]},\n"
                                 " {\"name\": \"four\", \"manifest\": \"m.jsonl\", \"task\": \"leave-one-out\"}]"));
    CHECK_EQ(mien_eval_suite_check("lists/suite.json", &common), MIEN_OK);
    CHECK_EQ(mien_eval_suite(model, "lists/suite.json", &common, &r), MIEN_OK);
    CHECK(mien_result_count(r, "results") == 4 && mien_result_count(r, "skipped") == 2);
    CHECK_STR(look_text(r, "skipped.0.name"), "gone");
    CHECK_STR(look_text(r, "skipped.1.manifest"), "away.jsonl");
    CHECK(look(r, "results.0.published.0.value") == 0.629 && look(r, "results.0.published.1.error") == 0.01);
    CHECK_STR(look_text(r, "results.0.published.0.source"), "a <figure>");
    CHECK_STR(look_text(r, "results.1.metric"), "war");
    CHECK_STR(look_text(r, "results.3.class"), "anger");
    CHECK(strstr(mien_result_summary(r), "published: A & B 0.629 +- 0.01, C 0.400 +- 0.01"));
    CHECK(strstr(mien_result_summary(r), "skipped, without a manifest (2): gone, away.jsonl"));
    CHECK(raw_round_trip(r, "A &amp; B</bdi>: <bdi>a &lt;figure&gt;"));
    CHECK(raw_round_trip(r, "R@5, text to image") && raw_round_trip(r, "class=\"radar\""));
    CHECK(raw_round_trip(r, "2 evaluations were skipped") && raw_round_trip(r, ">0.629<br>"));
    mien_result_destroy(&r);
}

/* The directory of manifests, and the class that has a use. */
static void test_data(void)
{
    struct mien_eval_params common = {.size = sizeof common, .data = "data", .class_name = "joy"};
    struct mien_result *r = NULL;
    CHECK(write_suite("[{\"manifest\": \"x.jsonl\", \"task\": \"au\"}, {\"manifest\": \"y\", \"task\": \"au\"}]"));
    capture_start();
    CHECK_EQ(mien_eval_suite_check("lists/suite.json", &common), MIEN_ERR_ARG);
    CHECK(captured_once("the class \"joy\" is for entries of leave-one-out"));
    common.class_name = NULL;
    capture_start();
    CHECK_EQ(mien_eval_suite(model, "lists/suite.json", &common, &r), MIEN_ERR_DATA);
    CHECK(captured_once("none of the manifests of its 2 entries is in data (x.jsonl, ...)") && !r);
    common.data = "lists/..";
    CHECK(tiny_write("lists/words.txt", "a face of {}\n", 13));
    CHECK(write_suite(
        "[{\"manifest\": \"m.jsonl\", \"task\": \"zero-shot\", \"templates\": \"words.txt\"},\n"
        " {\"manifest\": \"y\", \"task\": \"au\"}, {\"manifest\": \"x.jsonl\", \"task\": \"au\", \"name\": \"X\"}]"));
    capture_start();
    CHECK_EQ(mien_eval_suite(model, "lists/suite.json", &common, &r), MIEN_OK);
    CHECK(captured_once("2 of 3 entries are skipped, whose manifests are not in lists/..: y, X (x.jsonl)"));
    mien_result_destroy(&r);
    common.data = "nowhere";
    capture_start();
    CHECK_EQ(mien_eval_suite_check("lists/suite.json", &common), MIEN_ERR_DATA);
    CHECK(captured_once("nowhere: no such directory"));
    common = (struct mien_eval_params){.size = sizeof common, .task = "au", .manifest = "m.jsonl", .data = "data"};
    capture_start();
    CHECK_EQ(mien_eval_check(&common), MIEN_ERR_ARG);
    CHECK(captured_once("does not take the option data"));
}

/* The suites of this project can be begun where all their manifests are; how many entries, and figures of a model. */
static void check_own(const char *name, int entries, const char *whose, int figures)
{
    struct mien_eval_params common = {.size = sizeof common, .data = "own"};
    char path[512];
    const cJSON *one = NULL, *figure = NULL;
    cJSON *list = NULL;
    bool is_open = false;
    snprintf(path, sizeof(path), "%s/tools/suites/%s", MIEN_SOURCE_DIR, name);
    CHECK_EQ(base_json_read(path, &list), MIEN_OK);
    CHECK_EQ(cJSON_GetArraySize(list), entries);
    cJSON_ArrayForEach(one, list)
    {
        char manifest[256];
        const char *file = cJSON_GetStringValue(cJSON_GetObjectItem(one, "manifest"));
        snprintf(manifest, sizeof(manifest), "own/%s", file ? file : "");
        CHECK(raw_manifest(manifest, rows));
        is_open = is_open || strcmp(cJSON_GetStringValue(cJSON_GetObjectItem(one, "task")), "leave-one-out") == 0;
        cJSON_ArrayForEach(figure, cJSON_GetObjectItem(one, "published"))
        {
            const char *model_name = cJSON_GetStringValue(cJSON_GetObjectItem(figure, "model"));
            figures -= model_name && strcmp(model_name, whose) == 0;
        }
    }
    CHECK_EQ(figures, 0);
    cJSON_Delete(list);
    common.class_name = is_open ? "joy" : NULL;
    capture_start();
    CHECK_EQ(mien_eval_suite_check(path, &common), MIEN_OK);
    CHECK_STR(captured, "");
}

static void test_own(void)
{
    check_own("emocapclip.json", 20, "EmoCapCLIP", 20);
    check_own("emocapclip.json", 20, "EmoCLIP", 8);
    check_own("emocapclip-protocols.json", 4, "EmoCapCLIP", 0);
    check_own("emoclip-zero-shot.json", 4, "EmoCLIP", 4);
    check_own("emoclip-supervised.json", 4, "EmoCLIP", 2);
    check_own("emoclip-unseen.json", 4, "EmoCLIP", 0);
    check_own("emoclip-symptoms.json", 1, "EmoCLIP", 0);
}

/* A list whose second entry is `entry`: nothing is run, and the message names it. */
static void refused(const char *entry, enum mien_status status, const char *words)
{
    char text[512];
    struct mien_result *r = NULL;
    snprintf(text, sizeof(text), "[{\"manifest\": \"../m.jsonl\", \"task\": \"zero-shot\"}, %s]", entry);
    CHECK(write_suite(text));
    for (int run = 0; run < 2; run++) {
        capture_start();
        CHECK_EQ(run ? mien_eval_suite(model, "lists/suite.json", NULL, &r)
                     : mien_eval_suite_check("lists/suite.json", NULL),
                 status);
        CHECK(!r && captured_once(words) && strstr(captured, "lists/suite.json: entry 2"));
    }
}

#define PUBLISHED(list) "{\"manifest\": \"../m.jsonl\", \"task\": \"zero-shot\", \"published\": " list "}"

/* Figures that the metric cannot have, and lists that are none. */
static void test_refused_figures(void)
{
    struct base_text many = {0};
    struct base_arena arena = {0};
    refused(PUBLISHED("[" FIGURE("A", "62.9") "]"), MIEN_ERR_DATA,
            "entry: published.0: \"value\" is 62.9 (A); UAR is from 0 to 1");
    refused(PUBLISHED("[" FIGURE("A", "1") ", " FIGURE("A", "-0.1") "]"), MIEN_ERR_DATA,
            "published.1: \"value\" is -0.1");
    refused(PUBLISHED("[{\"model\": \"A\", \"value\": 0.5, \"source\": \"x\"}]"), MIEN_ERR_DATA,
            "\"error\" is missing (A)");
    refused(PUBLISHED("[{\"model\": \"A\", \"value\": 0.5, \"error\": 2, \"source\": \"x\"}]"), MIEN_ERR_DATA,
            "\"error\" is 2 (A)");
    refused(PUBLISHED("[{\"model\": \"A\", \"value\": 0.5, \"error\": 0}]"), MIEN_ERR_DATA, "\"source\" is missing");
    refused(PUBLISHED("[{\"value\": 0.5, \"error\": 0}]"), MIEN_ERR_DATA, "\"model\" is missing");
    refused(PUBLISHED("[{\"modle\": \"A\"}]"), MIEN_ERR_ARG, "modle");
    refused(PUBLISHED("[" FIGURE("A", "0.1") ", " FIGURE("B", "0.2") ", " FIGURE("A", "0.3") "]"), MIEN_ERR_DATA,
            "published.2: a second figure of A; keep one of them");
    refused(PUBLISHED("[7]"), MIEN_ERR_DATA, "published.0: not an object");
    refused(PUBLISHED("0.5"), MIEN_ERR_DATA, "published");
    refused("{\"manifest\": \"../m.jsonl\", \"task\": \"au\", \"metric\": \"uar\"}", MIEN_ERR_DATA,
            "\"metric\" is \"uar\"; of au it is one of: f1_mean");
    for (int i = 0; i < 9; i++)
        base_text_print(&many, "%s{\"model\":\"%d\",\"value\":0,\"error\":0,\"source\":\"x\"}", i ? "," : "", i);
    char *text = base_arena_printf(&arena, "[" PUBLISHED("[%s]") "]", many.data);
    CHECK(text && write_suite(text));
    capture_start();
    CHECK_EQ(mien_eval_suite_check("lists/suite.json", NULL), MIEN_ERR_DATA);
    CHECK(captured_once("more than 8 models"));
    base_arena_clear(&arena);
    base_text_clear(&many);
}

static void test_refused(void)
{
    struct mien_eval_params common = {.size = sizeof common, .task = "zero-shot"};
    struct mien_result *r = NULL;
    refused("{\"manifest\": \"../m.jsonl\", \"task\": \"poetry\"}", MIEN_ERR_ARG, "\"poetry\"");
    refused("{\"manifest\": \"../m.jsonl\", \"task\": \"au\", \"limit\": 3}", MIEN_ERR_ARG,
            "(au): the task \"au\" does not take the option limit");
    refused("{\"manifest\": \"../m.jsonl\", \"task\": \"au\", \"spilt\": \"test\"}", MIEN_ERR_ARG, "split");
    refused("{\"manifest\": \"../m.jsonl\", \"task\": \"au\", \"split\": \"dev\"}", MIEN_ERR_ARG, "dev");
    refused("{\"manifest\": \"../m.jsonl\", \"task\": \"au\", \"split\": \"val\"}", MIEN_ERR_DATA, "split val");
    refused("{\"manifest\": \"none.jsonl\", \"task\": \"au\"}", MIEN_ERR_DATA,
            "lists/none.jsonl: no such file; where the manifests of a suite are elsewhere");
    refused("{\"manifest\": \"../m.jsonl\"}", MIEN_ERR_DATA, "\"task\" is missing");
    refused("{\"task\": \"au\"}", MIEN_ERR_DATA, "\"manifest\" is missing");
    refused("{\"manifest\": \"../m.jsonl\", \"task\": \"au\", \"threshold\": \"high\"}", MIEN_ERR_DATA, "threshold");
    refused("{\"manifest\": \"../m.jsonl\", \"task\": \"zero-shot\", \"labels\": \"joy\"}", MIEN_ERR_DATA, "labels");
    refused("{\"manifest\": \"../m.jsonl\", \"task\": \"zero-shot\", \"labels\": []}", MIEN_ERR_DATA, "empty");
    refused("{\"manifest\": \"../m.jsonl\", \"task\": \"zero-shot\", \"templates\": \"no.txt\"}", MIEN_ERR_DATA,
            "no.txt");
    refused("{\"manifest\": \"../m.jsonl\", \"task\": \"regression\", \"compat\": \"x\"}", MIEN_ERR_DATA, "emoclip");
    refused("{\"manifest\": \"../m.jsonl\", \"task\": \"leave-one-out\"}", MIEN_ERR_ARG, "class");
    refused("3", MIEN_ERR_DATA, "not an object");
    CHECK(write_suite("{}"));
    capture_start();
    CHECK_EQ(mien_eval_suite_check("lists/suite.json", NULL), MIEN_ERR_DATA);
    CHECK(captured_once("a suite is a list"));
    CHECK(write_suite("[]"));
    CHECK_EQ(mien_eval_suite_check("lists/suite.json", NULL), MIEN_ERR_DATA);
    CHECK_EQ(mien_eval_suite_check("lists/none.json", NULL), MIEN_ERR_DATA);
    CHECK_EQ(mien_eval_suite_check(NULL, NULL), MIEN_ERR_ARG);
    capture_start();
    CHECK_EQ(mien_eval_suite(model, "lists/suite.json", &common, &r), MIEN_ERR_ARG);
    CHECK(captured_once("common") && !r);
    common = (struct mien_eval_params){.size = sizeof common, .task = "suite", .manifest = "m.jsonl"};
    CHECK_EQ(mien_eval(model, &common, &r), MIEN_ERR_ARG); /* is no task */
}

/* One that fails while it runs: no result, and a page that cannot take a chapter stays as it was. */
static void test_failing(void)
{
    static const char bad[] = "{\"task\":\"suite\",\"results\":[{\"task\":\"zero-shot\"}]}";
    static const char none[] = "{\"task\":\"suite\",\"results\":[]}";
    struct mien_result *r = NULL;
    CHECK(write_suite("[{\"manifest\": \"../m.jsonl\", \"task\": \"choice\"}]"));
    CHECK_EQ(mien_eval_suite(model, "lists/suite.json", NULL, &r), MIEN_ERR_DATA);
    CHECK(!r);
    CHECK(tiny_write("bad.json", bad, strlen(bad)) && tiny_write("none.json", none, strlen(none)));
    capture_start();
    CHECK_EQ(mien_result_read("bad.json", &r), MIEN_ERR_DATA);
    CHECK(captured_once("results.0") && !r);
    CHECK_EQ(mien_result_read("none.json", &r), MIEN_ERR_DATA);
}

int main(void)
{
    if (!raw_begin())
        CHECK_SKIP("no Vulkan device or no temporary directory: %s", captured);
    CHECK(raw_manifest("m.jsonl", rows));
    CHECK_EQ(base_dir_create("lists"), MIEN_OK);
    CHECK(base_dir_create("data") == MIEN_OK && base_dir_create("own") == MIEN_OK);
    test_results();
    test_names();
    test_published();
    test_data();
    test_own();
    test_refused();
    test_refused_figures();
    test_failing();
    raw_end();
    return check_result();
}
