/* report.c: pages about runs and evaluations (mien/eval.h): one chapter after the other. */
#include "eval/page.h"
#include "eval/result.h"

enum mien_status mien_page_create(const char *title, struct mien_page **out)
{
    enum mien_status status = MIEN_OK;
    struct mien_page *page = NULL;
    FAIL_IF(!out, MIEN_ERR_ARG, "mien_page_create: no place for the result");
    *out = NULL;
    page = base_alloc(1, sizeof(*page));
    FAIL_IF_NULL(page, "a page");
    page_begin(page, title ? title : "Mien report");
    TRY(page->text.status);
    page->body = page->text.size;
    *out = page;
    return MIEN_OK;
fail:
    mien_page_destroy(&page);
    return status;
}

void mien_page_destroy(struct mien_page **page)
{
    if (!page || !*page)
        return;
    base_text_clear(&(*page)->text);
    base_free(*page);
    *page = NULL;
}

/* Goes back to the end of the last whole chapter, also after a failure. */
static void rewind_to_body(struct mien_page *page)
{
    page->text.size = page->body;
    page->text.status = MIEN_OK;
}

/* After a chapter: it stays, or goes. */
static enum mien_status settle(struct mien_page *page, enum mien_status status)
{
    status = status == MIEN_OK ? page->text.status : status;
    if (status == MIEN_OK)
        page->body = page->text.size;
    else
        rewind_to_body(page);
    return status;
}

enum mien_status mien_page_add_run(struct mien_page *page, const char *dir)
{
    if (!page || !dir)
        return base_fail(MIEN_ERR_ARG, "mien_page_add_run: a page and a run directory are needed");
    rewind_to_body(page);
    return settle(page, page_run(page, dir));
}

enum mien_status mien_page_add_result(struct mien_page *page, const struct mien_result *result)
{
    if (!page || !result)
        return base_fail(MIEN_ERR_ARG, "mien_page_add_result: a page and a result are needed");
    rewind_to_body(page);
    result->task->chapter(page, result->json);
    return settle(page, MIEN_OK);
}

const char *mien_page_html(struct mien_page *page)
{
    if (!page)
        return NULL;
    rewind_to_body(page);
    page_end(page);
    return page->text.status == MIEN_OK ? page->text.data : NULL;
}

enum mien_status mien_page_write(struct mien_page *page, const char *path)
{
    if (!page || !path)
        return base_fail(MIEN_ERR_ARG, "mien_page_write: a page and a file are needed");
    return mien_page_html(page) ? base_file_write(path, page->text.data, page->text.size) : page->text.status;
}

static enum mien_status add_input(struct mien_page *page, const char *input)
{
    enum mien_status status = MIEN_OK;
    struct mien_result *result = NULL;
    FAIL_IF(!input, MIEN_ERR_ARG, "mien_report: an input is NULL");
    if (base_file_is_dir(input))
        return mien_page_add_run(page, input);
    TRY(mien_result_read(input, &result));
    TRY(mien_page_add_result(page, result));
fail:
    mien_result_destroy(&result);
    return status;
}

enum mien_status mien_report(const char *const *inputs, size_t count, const char *path)
{
    enum mien_status status = MIEN_OK;
    struct mien_page *page = NULL;
    FAIL_IF(!inputs || count == 0 || !path, MIEN_ERR_ARG,
            "mien_report: inputs (run directories, results of mien eval --json) and an output file are needed");
    TRY(mien_page_create(NULL, &page));
    for (size_t i = 0; i < count; i++)
        TRY(add_input(page, inputs[i]));
    TRY(mien_page_write(page, path));
fail:
    mien_page_destroy(&page);
    return status;
}
