/* confusion.c: what tasks that classify share. */
#include "eval/confusion.h"

#include <math.h>

/* ---- keys ---- */

static void put_interval(struct base_json *out, const char *key, struct eval_interval interval)
{
    base_put_numbers(out, key, (const double[]){interval.low, interval.high}, 2);
}

static void put_matrix(struct base_json *out, const struct use_confusion *c)
{
    struct base_json rows = base_json_list_begin();
    for (size_t t = 0; t < c->classes; t++) {
        struct base_json row = base_json_list_begin();
        for (size_t p = 0; p < c->classes; p++)
            base_add_number(&row, (double)c->counts[t * c->classes + p]);
        base_add_tree(&rows, &row);
    }
    base_put_tree(out, "confusion", &rows);
}

static void put_recall(struct base_json *out, const struct use_confusion *c, const struct eval_interval *intervals)
{
    struct base_json values = base_json_list_begin(), pairs = base_json_list_begin();
    for (uint32_t i = 0; i < c->classes; i++) {
        base_add_number(&values, use_recall(c, i));
        base_add_numbers(&pairs, (const double[]){intervals[i].low, intervals[i].high}, 2);
    }
    base_put_tree(out, "recall", &values);
    base_put_tree(out, "recall_interval", &pairs);
}

enum mien_status eval_put_confusion(struct base_json *out, const char *const *names, const struct use_confusion *c,
                                    uint64_t seed)
{
    enum mien_status status = MIEN_OK;
    struct eval_interval war, uar, *recall = base_alloc(c->classes, sizeof(*recall));
    FAIL_IF_NULL(recall, "intervals");
    TRY(eval_confusion_intervals(c, seed, &war, &uar, recall));
    base_put_number(out, "war", use_war(c));
    base_put_number(out, "uar", use_uar(c));
    base_put_number(out, "present", use_present(c));
    put_interval(out, "war_interval", war);
    put_interval(out, "uar_interval", uar);
    base_put_texts(out, "classes", names, c->classes);
    put_recall(out, c, recall);
    put_matrix(out, c);
fail:
    base_free(recall);
    return status;
}

/* ---- what a file must hold ---- */

/* As many rows of as many counts as there are classes: what is printed is no larger than what is shown. */
static bool is_square(const cJSON *classes, const cJSON *confusion)
{
    const cJSON *row = NULL, *cell = NULL;
    int n = cJSON_GetArraySize(classes);
    if (cJSON_GetArraySize(confusion) != n)
        return false;
    cJSON_ArrayForEach(row, confusion)
    {
        if (!cJSON_IsArray(row) || cJSON_GetArraySize(row) != n)
            return false;
        cJSON_ArrayForEach(cell, row)
        {
            if (!cJSON_IsNumber(cell) || !(cell->valuedouble >= 0 && cell->valuedouble <= 1e15))
                return false;
        }
    }
    return true;
}

enum mien_status eval_check_confusion(const char *where, const cJSON *result)
{
    enum mien_status status = MIEN_OK;
    const cJSON *classes = NULL, *confusion = NULL;
    TRY(base_json_array(result, "classes", where, &classes));
    TRY(base_json_array(result, "confusion", where, &confusion));
    FAIL_IF(!classes || !is_square(classes, confusion), MIEN_ERR_DATA,
            "%s: \"confusion\" does not hold a row of counts for each of the \"classes\"", where);
fail:
    return status;
}

/* ---- lines ---- */

static void print_class(struct base_text *out, const cJSON *result, int class)
{
    const cJSON *name = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(result, "classes"), class);
    const cJSON *row = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(result, "confusion"), class), *count = NULL;
    const cJSON *recall = cJSON_GetObjectItemCaseSensitive(result, "recall");
    const cJSON *interval = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(result, "recall_interval"), class);
    double support = 0;
    cJSON_ArrayForEach(count, row) support += count->valuedouble;
    base_text_print(out, "%-14s %6.0f %7.3f  %.3f to %.3f", eval_word(name), support, eval_element(recall, class),
                    eval_element(interval, 0), eval_element(interval, 1));
    cJSON_ArrayForEach(count, row) base_text_print(out, " %4.0f", count->valuedouble);
    base_text_print(out, "\n");
}

void eval_print_confusion(struct base_text *out, const cJSON *result)
{
    struct eval_interval war = eval_interval_of(result, "war"), uar = eval_interval_of(result, "uar");
    int classes = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(result, "classes"));
    base_text_print(out, "%-14s %6s %7s  %-14s predicted as, in this order\n", "class", "n", "recall", "95 % interval");
    for (int c = 0; c < classes; c++)
        print_class(out, result, c);
    eval_print_bad(out, result);
    base_text_print(out, "split %s, n %.0f, 95 %% intervals: UAR %.3f to %.3f, WAR %.3f to %.3f\n",
                    eval_word(cJSON_GetObjectItemCaseSensitive(result, "split")), eval_member(result, "n"), uar.low,
                    uar.high, war.low, war.high);
}

/* ---- a chapter ---- */

static void draw_matrix(struct mien_page *page, const cJSON *classes, const cJSON *confusion)
{
    const cJSON *class = NULL, *row = NULL, *cell = NULL;
    int t = 0;
    page_element(page, "h3", "Confusion matrix");
    page_print(page, "<div class=\"wide\"><table><tr><th class=\"l\">truth \\ predicted</th>");
    cJSON_ArrayForEach(class, classes) page_element(page, "th", eval_word(class));
    page_print(page, "</tr>\n");
    cJSON_ArrayForEach(row, confusion)
    {
        double total = 0;
        cJSON_ArrayForEach(cell, row) total += cell->valuedouble;
        page_print(page, "<tr><th class=\"l\">");
        page_text(page, eval_word(cJSON_GetArrayItem(classes, t++)));
        page_print(page, "</th>");
        cJSON_ArrayForEach(cell, row)
            page_print(page, "<td class=\"cell\" style=\"background:rgba(var(--mark),%.2f)\">%.0f</td>",
                       total > 0 ? 0.85 * cell->valuedouble / total : 0, cell->valuedouble);
        page_print(page, "</tr>\n");
    }
    page_print(page, "</table></div>\n");
}

/* Bars with whiskers. */
static void draw_recall(struct mien_page *page, const cJSON *json, const cJSON *classes)
{
    enum { BAR = 320, ROW = 22, NAME = 150 };
    int n = cJSON_GetArraySize(classes);
    const cJSON *recall = cJSON_GetObjectItemCaseSensitive(json, "recall");
    const cJSON *intervals = cJSON_GetObjectItemCaseSensitive(json, "recall_interval");
    page_element(page, "h3", "Recall of each class");
    page_print(page, "<svg width=\"%d\" height=\"%d\" role=\"img\">", NAME + BAR + 70, n * ROW + 10);
    for (int c = 0; c < n; c++) {
        const cJSON *interval = cJSON_GetArrayItem(intervals, c);
        double value = eval_element(recall, c), low = eval_element(interval, 0), high = eval_element(interval, 1);
        int y = 6 + c * ROW;
        page_print(page, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">", NAME - 8, y + 13);
        page_text(page, eval_word(cJSON_GetArrayItem(classes, c)));
        page_print(page, "</text>");
        if (!(value >= 0 && value <= 1))
            continue;
        page_print(page, "<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"14\" fill=\"rgba(var(--mark),.6)\"/>", NAME,
                   y + 2, BAR * value);
        if (low >= 0 && high <= 1)
            page_print(page, "<path stroke=\"currentColor\" d=\"M%.1f %dH%.1f\"/>", NAME + BAR * low, y + 9,
                       NAME + BAR * high);
        page_print(page, "<text x=\"%.1f\" y=\"%d\">%.2f</text>", NAME + BAR * fmax(value, high <= 1 ? high : 0) + 6,
                   y + 13, value);
    }
    page_print(page, "</svg>\n");
}

void eval_chapter_confusion(struct mien_page *page, const cJSON *result)
{
    const cJSON *classes = cJSON_GetObjectItemCaseSensitive(result, "classes");
    page_print(page, "<div class=\"cards\">\n");
    eval_card(page, "UAR, mean recall", eval_member(result, "uar"), eval_interval_of(result, "uar"));
    eval_card(page, "WAR, accuracy", eval_member(result, "war"), eval_interval_of(result, "war"));
    eval_card(page, "chance", 1.0 / fmax(1, cJSON_GetArraySize(classes)), EVAL_NO_INTERVAL);
    page_print(page, "</div>\n");
    draw_matrix(page, classes, cJSON_GetObjectItemCaseSensitive(result, "confusion"));
    draw_recall(page, result, classes);
}
