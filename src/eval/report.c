/* report.c: pages about runs and evaluations (mien/eval.h): one chapter after the other. */
#include "eval/ablation.h"
#include "eval/page.h"
#include "eval/result.h"
#include "eval/run.h"
#include "eval/suite.h"
#include "use/rows.h"

#include <string.h>

enum mien_status mien_page_create(const char *title, struct mien_page **out)
{
    enum mien_status status = MIEN_OK;
    struct mien_page *page = NULL;
    FAIL_IF(!out, MIEN_ERR_ARG, "mien_page_create: no place for the result");
    *out = NULL;
    page = base_alloc(1, sizeof(*page));
    FAIL_IF_NULL(page, "a page");
    if (title) {
        page->title = use_copy_text(title);
        FAIL_IF_NULL(page->title, "a page");
    }
    *out = page;
    return MIEN_OK;
fail:
    mien_page_destroy(&page);
    return status;
}

/* Keeps the first `count`. */
static void drop_scores(struct mien_page *page, size_t count)
{
    while (page->score_count > count) {
        struct page_score *last = &page->scores[--page->score_count];
        base_free(last->data);
        base_free(last->model);
    }
}

void mien_page_destroy(struct mien_page **page)
{
    if (!page || !*page)
        return;
    base_text_clear(&(*page)->text);
    base_text_clear(&(*page)->contents);
    base_text_clear(&(*page)->whole);
    for (int part = 0; part < PAGE_PARTS; part++) {
        base_text_clear(&(*page)->front[part]);
        base_text_clear(&(*page)->names[part]);
    }
    for (size_t i = 0; i < (*page)->run_count; i++)
        run_destroy(&(*page)->runs[i]);
    base_free((*page)->runs);
    drop_scores(*page, 0);
    base_free((*page)->scores);
    base_free((*page)->title);
    base_free(*page);
    *page = NULL;
}

/* ---- chapters: each stays whole, or leaves the page as it was ---- */

/* Every text of a page but the whole, and how long each was. */
enum { TEXTS = 2 + 2 * PAGE_PARTS };
struct mark {
    uint32_t links;
    size_t scores;
    size_t sizes[TEXTS];
};

static void list_texts(struct mien_page *page, struct base_text *texts[TEXTS])
{
    texts[0] = &page->text;
    texts[TEXTS - 1] = &page->contents;
    for (int part = 0; part < PAGE_PARTS; part++) {
        texts[1 + part] = &page->front[part];
        texts[1 + PAGE_PARTS + part] = &page->names[part];
    }
}

static struct mark mark_page(struct mien_page *page)
{
    struct mark mark = {.links = page->links, .scores = page->score_count};
    struct base_text *texts[TEXTS];
    list_texts(page, texts);
    for (int i = 0; i < TEXTS; i++)
        mark.sizes[i] = texts[i]->size;
    return mark;
}

static void restore(struct mien_page *page, const struct mark *mark)
{
    struct base_text *texts[TEXTS];
    list_texts(page, texts);
    page->links = mark->links;
    drop_scores(page, mark->scores);
    for (int i = 0; i < TEXTS; i++) {
        texts[i]->size = mark->sizes[i];
        texts[i]->status = MIEN_OK;
        if (texts[i]->data)
            texts[i]->data[texts[i]->size] = 0;
    }
}

static struct mark begin_chapter(struct mien_page *page, const char *dir)
{
    struct mark mark = mark_page(page);
    page->dir = dir;
    page->chapters++;
    page_print(page, "<section id=\"c%u\">", page->chapters);
    return mark;
}

static enum mien_status end_chapter(struct mien_page *page, const struct mark *mark, enum mien_status status)
{
    struct base_text *texts[TEXTS];
    page_print(page, "</section>\n");
    list_texts(page, texts);
    for (int i = 0; i < TEXTS; i++)
        status = status == MIEN_OK ? texts[i]->status : status;
    if (status != MIEN_OK)
        restore(page, mark);
    page->chapters -= status != MIEN_OK;
    page->dir = page->home = NULL;
    page->pictures = page->found = 0;
    return status;
}

enum mien_status mien_page_add_run(struct mien_page *page, const char *dir)
{
    enum mien_status status = MIEN_OK;
    struct run *run = NULL;
    FAIL_IF(!page || !dir, MIEN_ERR_ARG, "mien_page_add_run: a page and a run directory are needed");
    TRY(run_read(dir, &run));
    TRY(base_grow(&page->runs, &page->run_capacity, page->run_count + 1, sizeof(struct run *)));
    struct mark mark = begin_chapter(page, NULL);
    page_link(page, 'c', "Training", run->facts.name);
    page_run(page, run);
    TRY(end_chapter(page, &mark, MIEN_OK));
    run->chapter = page->chapters;
    page->runs[page->run_count++] = run;
    run = NULL;
fail:
    run_destroy(&run);
    return status;
}

/* What the result says of its model, to be set beside others. */
static enum mien_status add_score(struct mien_page *page, const struct eval_task *task, const cJSON *result)
{
    enum mien_status status = MIEN_OK;
    const struct eval_metric *metric = NULL;
    const char *model = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(result, "model"));
    const char *data = eval_entry_name(result),
               *split = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(result, "split"));
    struct base_text called = {0};
    char place[64];
    TRY(eval_metric_of(task, result, "a result", &metric));
    if (!model || !model[0] || strcmp(data, "?") == 0)
        goto fail;
    snprintf(place, sizeof(place), "%s_interval", metric->place);
    const cJSON *interval = eval_find(result, place);
    base_text_print(&called, "%s%s%s", data, split ? ", " : "", split ? split : "");
    TRY(called.status);
    TRY(base_grow(&page->scores, &page->score_capacity, page->score_count + 1, sizeof(*page->scores)));
    struct page_score *score = &page->scores[page->score_count++];
    *score = (struct page_score){.data = called.data,
                                 .model = use_copy_text(model),
                                 .task = task->info.name,
                                 .metric = metric->name,
                                 .value = eval_number(eval_find(result, metric->place)),
                                 .low = eval_element(interval, 0),
                                 .high = eval_element(interval, 1),
                                 .chapter = page->chapters};
    called = (struct base_text){0};
    FAIL_IF_NULL(score->model, "a page");
fail:
    base_text_clear(&called);
    return status;
}

/* What tells a chapter from others of its task: "model on data", of either what is known, in `buffer`. */
static const char *name_result(const cJSON *result, char *buffer, size_t size)
{
    const char *model = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(result, "model"));
    const char *data = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(result, "manifest"));
    char by[128], on[128];
    page_name_of(model, by, sizeof(by));
    page_name_of(data, on, sizeof(on));
    snprintf(buffer, size, "%s%s%s", by, by[0] && on[0] ? " on " : "", on);
    return buffer;
}

/* dir: of the file that the result was read from, or NULL. What is one of a suite does not open the page. */
static enum mien_status add_chapter(struct mien_page *page, const struct eval_task *task, const cJSON *result,
                                    const char *dir, bool in_suite)
{
    struct mark mark = begin_chapter(page, dir);
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(result, "name");
    char called[300] = "";
    page->home = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(result, "directory"));
    if (!in_suite) {
        page_link(page, 'c', task->title, name_result(result, called, sizeof(called)));
        eval_front(page, task, result);
    }
    page_element(page, "h2", task->title);
    if (cJSON_IsString(name))
        page_element(page, "p", name->valuestring);
    else if (called[0])
        page_element(page, "p", called);
    if (in_suite)
        eval_headline(page, task, result);
    task->chapter(page, result);
    page_images_end(page);
    return end_chapter(page, &mark, add_score(page, task, result));
}

static enum mien_status add_result(struct mien_page *page, const struct mien_result *result, const char *dir)
{
    enum mien_status status = MIEN_OK;
    const cJSON *one = NULL;
    struct mark mark = mark_page(page);
    uint32_t chapters = page->chapters;
    if (result->task != &eval_suite)
        return add_chapter(page, result->task, result->json, dir, false);
    eval_suite_front(page, result->json);
    cJSON_ArrayForEach(one, cJSON_GetObjectItemCaseSensitive(result->json, "results"))
    {
        const struct eval_task *task = NULL;
        TRY(eval_find_task(eval_word(cJSON_GetObjectItemCaseSensitive(one, "task")), "a suite", MIEN_ERR_DATA, &task));
        TRY(add_chapter(page, task, one, dir, true));
    }
    return MIEN_OK;
fail:
    restore(page, &mark);
    page->chapters = chapters;
    return status;
}

enum mien_status mien_page_add_result(struct mien_page *page, const struct mien_result *result)
{
    if (!page || !result)
        return base_fail(MIEN_ERR_ARG, "mien_page_add_result: a page and a result are needed");
    return add_result(page, result, NULL);
}

const char *mien_page_html(struct mien_page *page)
{
    if (!page)
        return NULL;
    page_make(page);
    return page->whole.status == MIEN_OK ? page->whole.data : NULL;
}

enum mien_status mien_page_write(struct mien_page *page, const char *path)
{
    if (!page || !path)
        return base_fail(MIEN_ERR_ARG, "mien_page_write: a page and a file are needed");
    return mien_page_html(page) ? base_file_write(path, page->whole.data, page->whole.size) : page->whole.status;
}

/* An ablation or a result. */
static enum mien_status add_file(struct mien_page *page, const char *path, cJSON *json)
{
    enum mien_status status = MIEN_OK;
    struct mien_result *result = NULL;
    char *dir = base_path_dir(path);
    if (ablation_is(json)) {
        TRY(ablation_check(path, json));
        struct mark mark = begin_chapter(page, dir);
        page_link(page, 'c', "Ablation", NULL);
        ablation_chapter(page, json);
        TRY(end_chapter(page, &mark, MIEN_OK));
    } else {
        cJSON *taken = json;
        json = NULL;
        TRY(eval_result_make(taken, path, &result));
        FAIL_IF_NULL(dir, "a path");
        TRY(add_result(page, result, dir));
    }
fail:
    mien_result_destroy(&result);
    base_free(dir);
    cJSON_Delete(json);
    return status;
}

enum mien_status mien_page_add_file(struct mien_page *page, const char *path)
{
    cJSON *json = NULL;
    if (!page || !path)
        return base_fail(MIEN_ERR_ARG, "mien_page_add_file: a page and a file are needed");
    if (base_file_is_dir(path))
        return mien_page_add_run(page, path);
    enum mien_status status = base_json_read(path, &json);
    return status == MIEN_OK ? add_file(page, path, json) : status;
}

enum mien_status mien_report(const char *const *inputs, size_t count, const char *path)
{
    enum mien_status status = MIEN_OK;
    struct mien_page *page = NULL;
    FAIL_IF(!inputs || count == 0 || !path, MIEN_ERR_ARG,
            "mien_report: inputs (run directories, results of mien eval --json) and an output file are needed");
    TRY(mien_page_create(NULL, &page));
    for (size_t i = 0; i < count; i++)
        TRY(mien_page_add_file(page, inputs[i]));
    TRY(mien_page_write(page, path));
fail:
    mien_page_destroy(&page);
    return status;
}
