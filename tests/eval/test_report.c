/* Reports of whatever numbers a log or a result holds: the page ends, is small, and shows numbers only. */
#include "check.h"

#include "base/capture.h"
#include "eval/page.h"
#include "mien/eval.h"

#include <float.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

static char root[] = "/tmp/mien-report-XXXXXX";

static const char *in_root(const char *name)
{
    static char path[2][512];
    static int next;
    next = (next + 1) % 2;
    snprintf(path[next], sizeof(path[next]), "%s/%s", root, name);
    return path[next];
}

static void put(const char *name, const char *text)
{
    CHECK_EQ(base_file_write(in_root(name), text, strlen(text)), MIEN_OK);
}

/* The page, when it was written; free with base_free. */
static char *page_of(const char *input, enum mien_status expected)
{
    char *text = NULL, *path = base_path_join(root, input);
    const char *const inputs[] = {path};
    size_t size = 0;
    CHECK_EQ(base_dir_remove(in_root("page.html")), MIEN_OK);
    capture_start();
    CHECK_EQ(mien_report(inputs, 1, in_root("page.html")), expected);
    if (expected == MIEN_OK)
        CHECK_EQ(base_file_read(in_root("page.html"), 1 << 20, &text, &size), MIEN_OK);
    base_free(path);
    return text;
}

static uint32_t count_of(const char *text, const char *part)
{
    uint32_t count = 0;
    for (const char *at = text; at && (at = strstr(at, part)) != NULL; at += strlen(part))
        count++;
    return count;
}

/* ---- charts ---- */

enum { MOST = 8 };

/* One line: its page has few ticks and no number that is none. */
static void check_chart(const double *x, const double *y, size_t count, bool drawn)
{
    struct mien_page page = {0};
    const struct page_line line = {"y", x, y, count};
    page_chart(&page, "a chart", &line, 1);
    const char *body = page.text.data ? page.text.data : "";
    uint32_t ticks = count_of(body, "<text");
    CHECK(page.text.status == MIEN_OK && page.text.size < 20000 && strstr(body, "nan") == NULL &&
          strstr(body, "inf") == NULL);
    CHECK(drawn ? ticks >= 4 && ticks <= 24 : ticks == 0);
    if (drawn && (ticks < 4 || ticks > 24))
        fprintf(stderr, "%u ticks: x %g to %g, y %g to %g\n", ticks, x[0], x[count - 1], y[0], y[count - 1]);
    base_text_clear(&page.text);
}

static void test_charts(void)
{
    static const double usual[MOST] = {1, 2, 3, 4, 5, 6, 7, 8};
    static const double odd[][MOST] = {
        {1e17, 1e17 + 16, 1e17 + 32, 1e17 + 48, 1e17 + 64, 1e17 + 80, 1e17 + 96, 1e17 + 112},
        {-1e17, -1e17 + 16, -1e17 + 32, -1e17 + 48, -1e17 + 64, -1e17 + 80, -1e17 + 96, -1e17 + 112},
        {DBL_TRUE_MIN, 2 * DBL_TRUE_MIN, 3 * DBL_TRUE_MIN, 0, 0, 0, 0, 0},
        {DBL_MIN, 2 * DBL_MIN, 0, 0, 0, 0, 0, 0},
        {1e-200, 2e-200, 3e-200, 4e-200, 5e-200, 6e-200, 7e-200, 8e-200},
        {-1e290, 1e290, 0, 1, 2, 3, 4, 5},
        {7, 7, 7, 7, 7, 7, 7, 7},
        {-7, -7, -7, -7, -7, -7, -7, -7},
        {0, 0, 0, 0, 0, 0, 0, 0},
        {1e289, 1e289, 1e289, 1e289, 1e289, 1e289, 1e289, 1e289},
        {1, 1 + DBL_EPSILON, 1, 1, 1, 1, 1, 1},
        {-3, -2, -1, 0, 1, 2, 3, 4},
        {1, DBL_MAX, -DBL_MAX, INFINITY, -INFINITY, NAN, 2, 3},
        {9007199254740992.0, 9007199254740994.0, 1, 2, 3, 4, 5, 6},
    };
    static const double none[MOST] = {NAN, NAN, INFINITY, -INFINITY, DBL_MAX, -DBL_MAX, NAN, NAN};
    check_chart(usual, usual, MOST, true);
    for (size_t i = 0; i < BASE_COUNT(odd); i++) {
        check_chart(odd[i], usual, MOST, true);
        check_chart(usual, odd[i], MOST, true);
        for (size_t k = 0; k < BASE_COUNT(odd); k++)
            check_chart(odd[i], odd[k], MOST, true);
        check_chart(odd[i], usual, 1, true);
    }
    check_chart(none, usual, MOST, false);
    check_chart(usual, none, MOST, false);
    check_chart(usual, usual, 0, false);
}

/* ---- runs and results ---- */

static void test_log(void)
{
    static const char row[] = "{\"kind\":\"step\",\"step\":%s,\"loss\":%s,\"lr\":%s}\n";
    static const char *const values[] = {"100000000000000000", "100000000000000016", "-1e308", "1e308",
                                         "4.9e-324",           "\"seven\"",          "7.5",    "0"};
    char log[4096];
    size_t at = 0;
    CHECK_EQ(base_dir_create(in_root("run")), MIEN_OK);
    for (size_t i = 0; i < BASE_COUNT(values); i++)
        at += (size_t)snprintf(log + at, sizeof(log) - at, row, values[i], values[(i + 1) % BASE_COUNT(values)],
                               values[(i + 3) % BASE_COUNT(values)]);
    put("run/log.jsonl", log);
    char *text = page_of("run", MIEN_OK);
    CHECK(text && strstr(text, "loss over steps") && strlen(text) < 60000);
    base_free(text);
    put("run/log.jsonl", "{\"kind\":\"step\"}\n{\"kind\":\"eval\",\"step\":1e300}\n");
    text = page_of("run", MIEN_OK);
    CHECK(text && !strstr(text, "nan"));
    base_free(text);
}

static void test_result(void)
{
    static const char form[] = "{\"task\":\"zero-shot\",\"n\":3,\"classes\":[\"a\",\"b\"],\"confusion\":%s,"
                               "\"recall\":[1e300,-2],\"recall_interval\":[[0,1e300],[0.1,0.2]],"
                               "\"map\":[[0,0,1e300],[1e300,0,0],[0,0,-1],[0.5,0.5,1]]}";
    static const char *const bad[] = {"[[1,2]]",           "[[],[]]",           "[[1,2],[3]]",
                                      "[[1,2],[3,\"x\"]]", "[[1,2],[3,1e300]]", "[1,2]"};
    char json[1024];
    snprintf(json, sizeof(json), form, "[[1,2],[3,4]]");
    put("z.json", json);
    char *text = page_of("z.json", MIEN_OK);
    CHECK(text && count_of(text, "<circle") == 1 && count_of(text, "class=\"cell\"") == 4);
    base_free(text);
    for (size_t i = 0; i < BASE_COUNT(bad); i++) {
        snprintf(json, sizeof(json), form, bad[i]);
        put("z.json", json);
        CHECK(page_of("z.json", MIEN_ERR_DATA) == NULL);
        CHECK(captured_once("confusion"));
    }
}

int main(void)
{
    const struct rlimit most = {16 << 20, 16 << 20}; /* one that does not end fills no disk */
    if (!mkdtemp(root)) {
        perror(root);
        return 1;
    }
    CHECK_EQ(setrlimit(RLIMIT_FSIZE, &most), 0);
    alarm(60);
    test_charts();
    test_log();
    test_result();
    CHECK_EQ(base_dir_remove(root), MIEN_OK);
    return check_result();
}
