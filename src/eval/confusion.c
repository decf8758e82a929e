/* confusion.c: what tasks that classify share. */
#include "eval/confusion.h"

#include <math.h>
#include <stdlib.h>

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

/* ---- parts of a page ---- */

enum { MOST_MATRIX = 40, MOST_PAIRS = 40, MOST_BARS = 200, FLAT = 10 };

void eval_headline_confusion(struct mien_page *page, const cJSON *result)
{
    int classes = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(result, "classes"));
    char note[48];
    snprintf(note, sizeof(note), "one of %d classes", classes);
    eval_card(page, "UAR, mean recall", eval_member(result, "uar"), eval_interval_of(result, "uar"));
    eval_card(page, "WAR, accuracy", eval_member(result, "war"), eval_interval_of(result, "war"));
    page_card(page, "Chance", 1.0 / fmax(1, classes), 3, note);
}

static void class_name(struct mien_page *page, const cJSON *classes, int class)
{
    page_words(page, eval_word(cJSON_GetArrayItem(classes, class)), PAGE_LABEL);
}

static void matrix_head(struct mien_page *page, const cJSON *classes)
{
    const cJSON *class = NULL;
    const char *turn = cJSON_GetArraySize(classes) > FLAT ? "up" : "flat";
    page_print(page, "<thead><tr><th scope=\"col\">truth \\ predicted</th>");
    cJSON_ArrayForEach(class, classes)
    {
        page_print(page, "<th scope=\"col\"><span class=\"%s\">", turn);
        page_words(page, eval_word(class), PAGE_TIGHT);
        page_print(page, "</span></th>");
    }
    page_print(page, "</tr></thead>\n");
}

static void draw_matrix(struct mien_page *page, const cJSON *classes, const cJSON *confusion)
{
    const cJSON *row = NULL, *cell = NULL;
    int t = 0;
    page_element(page, "h3", "Confusion matrix");
    page_print(page,
               "<p class=\"soft\">samples; rows: truth, columns: prediction; the shade is the share of the row</p>"
               "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Confusion matrix\">"
               "<table class=\"matrix\">\n");
    matrix_head(page, classes);
    page_print(page, "<tbody>\n");
    cJSON_ArrayForEach(row, confusion)
    {
        double total = 0;
        cJSON_ArrayForEach(cell, row) total += cell->valuedouble;
        page_print(page, "<tr><th scope=\"row\">");
        page_words(page, eval_word(cJSON_GetArrayItem(classes, t++)), PAGE_TIGHT);
        page_print(page, "</th>");
        cJSON_ArrayForEach(cell, row)
        {
            double count = cell->valuedouble;
            if (count > 0)
                page_print(page, "<td class=\"cell\" style=\"background:rgba(var(--mark),%.2f)\">%.0f</td>",
                           0.5 * count / total, count);
            else
                page_print(page, "<td class=\"cell zero\">0</td>");
        }
        page_print(page, "</tr>\n");
    }
    page_print(page, "</tbody></table></div>\n");
}

/* ---- many classes ---- */

struct pair {
    double key; /* sorts, smallest first */
    int truth, prediction;
};

static int by_key(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return x->truth != y->truth ? x->truth - y->truth : x->prediction - y->prediction;
}

/* Puts `next` among the `most` smallest that are kept, sorted. */
static void keep(struct pair *kept, int *count, int most, struct pair next)
{
    int at = *count;
    if (at == most && by_key(&next, &kept[most - 1]) >= 0)
        return;
    at -= at == most;
    for (; at > 0 && by_key(&next, &kept[at - 1]) < 0; at--)
        kept[at] = kept[at - 1];
    kept[at] = next;
    *count += *count < most;
}

/* A matrix that nobody could read, as what is most often taken for what. */
static void draw_pairs(struct mien_page *page, const cJSON *classes, const cJSON *confusion)
{
    struct pair kept[MOST_PAIRS];
    const cJSON *row = NULL, *cell = NULL;
    int count = 0, t = 0;
    cJSON_ArrayForEach(row, confusion)
    {
        int p = 0;
        cJSON_ArrayForEach(cell, row)
        {
            if (p != t && cell->valuedouble > 0)
                keep(kept, &count, MOST_PAIRS, (struct pair){-cell->valuedouble, t, p});
            p++;
        }
        t++;
    }
    page_element(page, "h3", "Most often taken for another class");
    page_print(page,
               "<p class=\"soft\">%d classes are too many for a matrix on a page; the evaluation's file holds it."
               "</p><div class=\"wide\"><table><thead><tr><th scope=\"col\" class=\"l\">truth</th><th "
               "scope=\"col\" class=\"l\">taken for</th><th scope=\"col\">samples</th></tr></thead><tbody>\n",
               t);
    for (int i = 0; i < count; i++) {
        page_print(page, "<tr><th scope=\"row\" class=\"l\">");
        class_name(page, classes, kept[i].truth);
        page_print(page, "</th><td class=\"l\">");
        class_name(page, classes, kept[i].prediction);
        page_print(page, "</td><td>%.0f</td></tr>\n", -kept[i].key);
    }
    page_print(page, "</tbody></table></div>\n");
}

/* ---- recall of each class ---- */

static void draw_bar(struct mien_page *page, const cJSON *result, const cJSON *classes, int class)
{
    const cJSON *interval = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(result, "recall_interval"), class);
    double value = eval_element(cJSON_GetObjectItemCaseSensitive(result, "recall"), class);
    double low = eval_element(interval, 0), high = eval_element(interval, 1);
    page_print(page, "<tr><th scope=\"row\" class=\"l\">");
    class_name(page, classes, class);
    page_print(page, "</th><td>");
    bool drawn = value >= 0 && value <= 1, ranged = drawn && low >= 0 && high <= 1 && low <= high;
    if (drawn)
        page_print(page, "<div class=\"bar\"><i style=\"width:%.1f%%\"></i>", 100 * value);
    if (ranged)
        page_print(page, "<u style=\"left:%.1f%%;width:%.1f%%\"></u>", 100 * low, 100 * (high - low));
    page_print(page, "%s</td><td>", drawn ? "</div>" : "");
    page_number(page, drawn ? value : (double)NAN, 3);
    if (ranged)
        page_print(page, " <span class=\"soft\">%.2f to %.2f</span>", low, high);
    page_print(page, "</td></tr>\n");
}

static void draw_recall(struct mien_page *page, const cJSON *result, const cJSON *classes)
{
    struct pair kept[MOST_BARS];
    int n = cJSON_GetArraySize(classes), count = 0;
    const cJSON *recall = cJSON_GetObjectItemCaseSensitive(result, "recall");
    for (int c = 0; c < n; c++) {
        double value = eval_element(recall, c);
        if (n <= MOST_BARS || isfinite(value))
            keep(kept, &count, MOST_BARS, (struct pair){n <= MOST_BARS ? 0 : value, c, c});
    }
    page_element(page, "h3", "Recall of each class");
    if (n > MOST_BARS)
        page_print(page, "<p class=\"soft\">the lowest %d of %d</p>\n", count, n);
    page_print(page, "<table class=\"bars\"><thead><tr><th scope=\"col\" class=\"l\">class</th><th scope=\"col\" "
                     "class=\"l\">recall, 95 %% interval</th><td></td></tr></thead><tbody>\n");
    for (int i = 0; i < count; i++)
        draw_bar(page, result, classes, kept[i].truth);
    page_print(page, "</tbody></table>\n");
}

void eval_chapter_confusion(struct mien_page *page, const cJSON *result)
{
    const cJSON *classes = cJSON_GetObjectItemCaseSensitive(result, "classes");
    const cJSON *confusion = cJSON_GetObjectItemCaseSensitive(result, "confusion");
    if (cJSON_GetArraySize(classes) <= MOST_MATRIX)
        draw_matrix(page, classes, confusion);
    else
        draw_pairs(page, classes, confusion);
    draw_recall(page, result, classes);
}
