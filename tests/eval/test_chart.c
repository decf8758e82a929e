/* Charts of whatever numbers: few ticks, labels that differ, no number that is none. */
#include "check.h"
#include "eval/page.h"

#include <float.h>
#include <math.h>
#include <string.h>

static uint32_t count_of(const char *text, const char *part)
{
    uint32_t count = 0;
    for (const char *at = text; at && (at = strstr(at, part)) != NULL; at += strlen(part))
        count++;
    return count;
}

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

/* Values that differ by little have labels that differ, within the room that they have. */
static void test_labels(void)
{
    static const double x[MOST] = {1, 2, 3, 4, 5, 6, 7, 8};
    static const double y[MOST] = {2.658951, 2.658952, 2.658953, 2.658954, 2.658955, 2.658956, 2.658957, 2.658958};
    struct mien_page page = {0};
    const struct page_line line = {"y", x, y, MOST};
    page_chart(&page, "a chart", &line, 1);
    const char *body = page.text.data ? page.text.data : "";
    CHECK(count_of(body, ">2.658952</text>") == 1 && count_of(body, ">2.658954</text>") == 1);
    CHECK(count_of(body, "textLength=\"52\"") >= 2);
    base_text_clear(&page.text);
}

int main(void)
{
    test_charts();
    test_labels();
    return check_result();
}
