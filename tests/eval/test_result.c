/* Results as data and pages about them; no device is needed. */
#include "check.h"

#include "base/capture.h"
#include "eval/eval.h"
#include "eval/look.h"
#include "train/tiny.h"

#include <math.h>
#include <time.h>

static const char zero_shot[] =
    "{\"task\":\"zero-shot\",\"n\":3,\"war\":0.5,\"uar\":null,\"classes\":[\"a<b\",\"c\"],\"confusion\":[[1,0],[1,1]],"
    "\"recall\":[1,0.5]}";

static struct mien_result *read_text(const char *text, enum mien_status want)
{
    struct mien_result *r = NULL;
    CHECK(tiny_write("x.json", text, strlen(text)));
    CHECK_EQ(mien_result_read("x.json", &r), want);
    return r;
}

static void test_values(void)
{
    struct mien_result *r = read_text(zero_shot, MIEN_OK);
    double x = 7;
    CHECK(mien_result_number(r, "confusion.1.0", &x) && x == 1);
    CHECK(mien_result_number(r, "war", &x) && x == 0.5);
    CHECK(!mien_result_number(r, "uar", &x) && isnan(x)); /* null */
    static const char *const nowhere[] = {
        "wa", "war.x", "confusion", "confusion.2.0", "confusion.-1.0", "confusion.x", "confusion.1.", "confusion.1x.0",
        "",   "."};
    for (size_t i = 0; i < BASE_COUNT(nowhere); i++)
        CHECK(!mien_result_number(r, nowhere[i], &x) && isnan(x) && !mien_result_text(r, nowhere[i]));
    CHECK(!mien_result_number(r, NULL, NULL) && !mien_result_number(NULL, "n", &x));
    CHECK_STR(look_text(r, "classes.0"), "a<b");
    CHECK(mien_result_count(r, "classes") == 2 && mien_result_count(r, "nothing") == 0);
    CHECK(r && strcmp(mien_result_json(r), zero_shot) == 0);
    CHECK(r && strstr(mien_result_summary(r), "zero-shot UAR nan WAR 0.500")); /* keys are missing: no crash */
    mien_result_destroy(&r);
    mien_result_destroy(&r);
}

static void test_refusals(void)
{
    capture_start();
    read_text("[1]", MIEN_ERR_DATA);
    CHECK(captured_once("not a JSON object"));
    capture_start();
    read_text("{\"n\":1}", MIEN_ERR_DATA);
    CHECK(captured_once("no key \"task\""));
    capture_start();
    read_text("{\"task\":\"poetry\"}", MIEN_ERR_DATA);
    CHECK(captured_once("poetry"));
    capture_start();
    read_text("{\"task\":\"zero-shot\"}", MIEN_ERR_DATA);
    CHECK(captured_once("a row of counts for each"));
    capture_start();
    read_text("{\"task\":\"retrieval\",\"image_text\":{}}", MIEN_ERR_DATA);
    CHECK(captured_once("text_image"));
    capture_start();
    read_text("{\"task\":\"zero-shot\",\"n\":nan}", MIEN_ERR_DATA);
    CHECK(captured_once("x.json"));
    CHECK_EQ(mien_result_read(NULL, NULL), MIEN_ERR_ARG);
}

/* A chapter that fails leaves the page as it was; a page may be looked at and go on. */
static void test_page(void)
{
    struct mien_result *good = read_text(zero_shot, MIEN_OK);
    struct mien_page *page = NULL;
    CHECK_EQ(mien_page_create(NULL, &page), MIEN_OK);
    CHECK_EQ(mien_page_add_result(page, good), MIEN_OK);
    char *first = base_alloc(strlen(mien_page_html(page)) + 1, 1);
    strcpy(first, mien_page_html(page));
    capture_start();
    CHECK_EQ(mien_page_add_run(page, "nowhere"), MIEN_ERR_DATA);
    CHECK_STR(mien_page_html(page), first);
    CHECK_EQ(mien_page_write(page, "first.html"), MIEN_OK);
    CHECK_EQ(mien_page_add_result(page, good), MIEN_OK);
    const char *twice = mien_page_html(page);
    const char *chapter = strstr(twice, "Zero-shot classification");
    CHECK(chapter && strstr(chapter + 1, "Zero-shot classification") && strlen(twice) > strlen(first));
    CHECK(strstr(strstr(twice, "</html>") + 1, "</html>") == NULL);
    mien_page_destroy(&page);
    CHECK_EQ(mien_page_add_result(NULL, good), MIEN_ERR_ARG);
    CHECK(mien_page_html(NULL) == NULL);
    base_free(first);
    mien_result_destroy(&good);
}

/* Results of fitted tasks with values that are none, of another kind, or missing: shown as such. */
static void test_odd_values(void)
{
    static const char *const odd[] = {
        "{\"task\":\"few-shot\",\"shots\":[{\"shots\":1,\"uar\":null},{\"shots\":2,\"uar\":\"x\"}]}",
        "{\"task\":\"regression\",\"targets\":[\"<a>\",7],\"pcc\":[null,{}],\"ccc\":[0,\"x\"],\"mae\":[1,2],"
        "\"rmse\":[1,1e300],\"pcc_interval\":[[1]],\"ccc_interval\":7}",
        "{\"task\":\"au\",\"units\":[\"<a>\",null],\"f1\":[null,0.5],\"f1_interval\":[[null,1],[0,1]],"
        "\"positives\":[0,{}],\"predicted\":[1,\"x\"],\"f1_mean\":\"high\"}",
        "{\"task\":\"choice\",\"accuracy\":null}",
        "{\"task\":\"leave-one-out\",\"class\":\"<a>\",\"classes\":[\"<a>\"],\"confusion\":[[0]]}",
        "{\"task\":\"linear-probe\",\"fold_count\":\"x\",\"classes\":[\"<a>\"],\"confusion\":[[0]]}",
        "{\"task\":\"suite\",\"results\":[{\"task\":\"choice\",\"accuracy\":1,\"name\":\"<a>\"},"
        "{\"task\":\"few-shot\",\"shots\":[]}]}",
        "{\"task\":\"suite\",\"suite\":7,\"skipped\":[7,{},{\"name\":\"<a>\"}],\"results\":["
        "{\"task\":\"choice\",\"accuracy\":null,\"name\":7,\"published\":null},"
        "{\"task\":\"regression\",\"targets\":[],\"pcc_mean\":-0.5,\"manifest\":\"<a>\",\"pcc\":[],\"ccc\":[],\"mae\":["
        "],"
        "\"rmse\":[],\"published\":[{\"model\":\"<a>\",\"value\":-1,\"error\":1,\"source\":\"<a>\"}]},"
        "{\"task\":\"few-shot\",\"shots\":[],\"published\":[]},"
        "{\"task\":\"choice\",\"accuracy\":1e300,\"accuracy_interval\":[7]}]}"};
    for (size_t i = 0; i < BASE_COUNT(odd); i++) {
        struct mien_result *r = read_text(odd[i], MIEN_OK);
        struct mien_page *page = NULL;
        CHECK_EQ(mien_page_create(NULL, &page), MIEN_OK);
        CHECK_EQ(mien_page_add_result(page, r), MIEN_OK);
        const char *html = mien_page_html(page);
        CHECK(html && !strstr(html, "<a>") && !strstr(html, "nan") && mien_result_summary(r)[0]);
        mien_page_destroy(&page);
        mien_result_destroy(&r);
    }
    static const struct {
        const char *text, *words;
    } missing[] = {{"{\"task\":\"few-shot\"}", "shots"},
                   {"{\"task\":\"few-shot\",\"shots\":[{\"shots\":1},7]}", "shots"},
                   {"{\"task\":\"regression\",\"targets\":[\"a\"],\"pcc\":[]}", "\"pcc\" do not fit"},
                   {"{\"task\":\"au\",\"units\":[\"a\"],\"f1\":[0,1]}", "\"f1\" do not fit"},
                   {"{\"task\":\"choice\"}", "accuracy"},
                   {"{\"task\":\"leave-one-out\"}", "class"},
                   {"{\"task\":\"suite\"}", "results"},
                   {"{\"task\":\"suite\",\"results\":[{\"task\":\"suite\"}]}", "results.0"},
                   {"{\"task\":\"suite\",\"results\":[{\"task\":\"choice\",\"accuracy\":1,\"metric\":\"uar\"}]}",
                    "results.0: \"metric\" is \"uar\""},
                   {"{\"task\":\"suite\",\"results\":[{\"task\":\"choice\",\"accuracy\":1,\"published\":[{}]}]}",
                    "results.0: published.0: \"model\" is missing"}};
    for (size_t i = 0; i < BASE_COUNT(missing); i++) {
        capture_start();
        CHECK(!read_text(missing[i].text, MIEN_ERR_DATA) && captured_once(missing[i].words));
    }
}

/* Every entry's figure from a paper of its own, all of them named; from one, once. */
static void test_sources(void)
{
    enum { COUNT = 40 };
    for (int own = 0; own < 2; own++) {
        struct base_text text = {0};
        struct mien_page *page = NULL;
        for (int i = 0; i < COUNT; i++)
            base_text_print(&text,
                            "%s{\"task\":\"choice\",\"accuracy\":1,\"published\":[{\"model\":\"A\",\"value\":0,"
                            "\"error\":0,\"source\":\"paper %d\"}]}",
                            i ? "," : "{\"task\":\"suite\",\"results\":[", own ? i : 0);
        base_text_print(&text, "]}");
        struct mien_result *r = read_text(text.data, MIEN_OK);
        CHECK_EQ(mien_page_create(NULL, &page), MIEN_OK);
        CHECK_EQ(mien_page_add_result(page, r), MIEN_OK);
        int named = 0;
        for (const char *at = mien_page_html(page); (at = strstr(at, ">paper ")); at++)
            named++;
        CHECK_EQ(named, own ? COUNT : 1);
        mien_page_destroy(&page);
        mien_result_destroy(&r);
        base_text_clear(&text);
    }
}

/* A file of many targets takes time in proportion. */
static void test_many_targets(void)
{
    enum { COUNT = 100000 };
    static const char *const lists[] = {"targets", "pcc", "ccc", "mae", "rmse"};
    struct base_text text = {0};
    base_text_print(&text, "{\"task\":\"regression\"");
    for (size_t k = 0; k < BASE_COUNT(lists); k++) {
        base_text_print(&text, ",\"%s\":[1", lists[k]);
        for (int i = 1; i < COUNT; i++)
            base_text_add(&text, ",1", 2);
        base_text_add(&text, "]", 1);
    }
    base_text_add(&text, "}", 1);
    struct timespec from, to;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
    struct mien_result *r = read_text(text.data, MIEN_OK);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
    CHECK(to.tv_sec - from.tv_sec < 10); /* by index of a list it would be minutes */
    mien_result_destroy(&r);
    base_text_clear(&text);
}

static void test_table(void)
{
    size_t count = 0;
    for (const struct mien_eval_info *info; (info = mien_eval_describe(count)); count++) {
        const struct eval_task *task = NULL;
        CHECK(info->name && *info->summary && info->options);
        CHECK_EQ(eval_find_task(info->name, "a test", MIEN_ERR_DATA, &task), MIEN_OK);
        CHECK(task && task->metrics && task->metrics[0].place && task->metrics[0].name); /* of a suite's table */
    }
    CHECK(count >= 2);
}

int main(void)
{
    capture_start();
    if (!tiny_make())
        CHECK_SKIP("no temporary directory");
    test_table();
    test_values();
    test_refusals();
    test_page();
    test_odd_values();
    test_sources();
    test_many_targets();
    tiny_remove();
    return check_result();
}
