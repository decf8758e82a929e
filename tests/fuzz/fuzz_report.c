/* What a report is made of: the result of an evaluation or an ablation, then a run's log. The page is printed whole; of
 * runs it has two. */
#include "mien/eval.h"

#include "base/base.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mien_result *result = NULL;
    struct mien_page *page = NULL;
    double value;
    const uint8_t *first = data;
    size_t length = fuzz_part(&data, &size);
    fuzz_file("result.json", first, length);
    (void)base_dir_create("run");
    fuzz_file("run/log.jsonl", data, size);
    if (mien_page_create(NULL, &page) == MIEN_OK) {
        if (mien_result_read("result.json", &result) == MIEN_OK) {
            (void)mien_result_number(result, "confusion.0.1", &value);
            (void)mien_page_add_result(page, result);
        }
        (void)mien_page_add_file(page, "result.json");
        (void)mien_page_add_run(page, "run");
        (void)mien_page_add_run(page, "run");
        (void)mien_page_html(page);
    }
    mien_result_destroy(&result);
    mien_page_destroy(&page);
    return 0;
}
