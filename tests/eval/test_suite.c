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
    CHECK_EQ(mien_eval_suite_check("lists/suite.json"), MIEN_OK);
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

/* A list whose second entry is `entry`: nothing is run, and the message names it. */
static void refused(const char *entry, enum mien_status status, const char *words)
{
    char text[512];
    struct mien_result *r = NULL;
    snprintf(text, sizeof(text), "[{\"manifest\": \"../m.jsonl\", \"task\": \"zero-shot\"}, %s]", entry);
    CHECK(write_suite(text));
    for (int run = 0; run < 2; run++) {
        capture_start();
        CHECK_EQ(run ? mien_eval_suite(model, "lists/suite.json", NULL, &r) : mien_eval_suite_check("lists/suite.json"),
                 status);
        CHECK(!r && captured_once(words) && strstr(captured, "lists/suite.json: entry 2"));
    }
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
    refused("{\"manifest\": \"none.jsonl\", \"task\": \"au\"}", MIEN_ERR_DATA, "none.jsonl");
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
    CHECK_EQ(mien_eval_suite_check("lists/suite.json"), MIEN_ERR_DATA);
    CHECK(captured_once("a suite is a list"));
    CHECK(write_suite("[]"));
    CHECK_EQ(mien_eval_suite_check("lists/suite.json"), MIEN_ERR_DATA);
    CHECK_EQ(mien_eval_suite_check("lists/none.json"), MIEN_ERR_DATA);
    CHECK_EQ(mien_eval_suite_check(NULL), MIEN_ERR_ARG);
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
    test_results();
    test_names();
    test_refused();
    test_failing();
    raw_end();
    return check_result();
}
