/* report_eval.c: an evaluation: scores, confusion matrix, recall, map, examples. */
#include "eval/report.h"

#include <math.h>
#include <string.h>

static void print_card(struct page *page, const char *name, double value, const cJSON *interval)
{
    page_print(page, "<div class=\"card\">");
    page_text(page, name);
    page_print(page, "<b>%.3f</b>", value);
    if (cJSON_GetArraySize(interval) == 2)
        page_print(page, "<span class=\"soft\">%.3f to %.3f</span>", report_number(interval, 0),
                   report_number(interval, 1));
    page_print(page, "</div>\n");
}

static void print_line(struct page *page, const cJSON *json, const char *key, const char *before)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, key);
    if (!cJSON_IsString(item))
        return;
    page_print(page, "%s", before);
    page_text(page, item->valuestring);
}

static void print_heading(struct page *page, const char *title, const cJSON *json)
{
    page_element(page, "h2", title);
    page_print(page, "<p class=\"soft\">%.0f samples", report_member(json, "n"));
    print_line(page, json, "split", ", split ");
    print_line(page, json, "model", ", model ");
    print_line(page, json, "device", ", on ");
    page_print(page, "</p>\n");
}

/* ---- zero-shot ---- */

static const char *class_name(const cJSON *classes, int i)
{
    const cJSON *item = cJSON_GetArrayItem(classes, i);
    return cJSON_IsString(item) ? item->valuestring : "?";
}

static void print_confusion(struct page *page, const cJSON *classes, const cJSON *confusion)
{
    const cJSON *class = NULL, *row = NULL, *cell = NULL;
    int t = 0;
    page_element(page, "h3", "Confusion matrix");
    page_print(page, "<div class=\"wide\"><table><tr><th class=\"l\">truth \\ predicted</th>");
    cJSON_ArrayForEach(class, classes) page_element(page, "th", cJSON_IsString(class) ? class->valuestring : "?");
    page_print(page, "</tr>\n");
    cJSON_ArrayForEach(row, confusion)
    {
        double total = 0;
        cJSON_ArrayForEach(cell, row) total += cell->valuedouble;
        page_print(page, "<tr><th class=\"l\">");
        page_text(page, class_name(classes, t++));
        page_print(page, "</th>");
        cJSON_ArrayForEach(cell, row)
            page_print(page, "<td class=\"cell\" style=\"background:rgba(var(--mark),%.2f)\">%.0f</td>",
                       total > 0 ? 0.85 * cell->valuedouble / total : 0, cell->valuedouble);
        page_print(page, "</tr>\n");
    }
    page_print(page, "</table></div>\n");
}

/* As many rows of as many counts as there are classes: the table is no larger than what it shows. */
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

/* Bars with whiskers. */
static void print_recall(struct page *page, const cJSON *json, const cJSON *classes)
{
    enum { BAR = 320, ROW = 22, NAME = 150 };
    int n = cJSON_GetArraySize(classes);
    const cJSON *recall = cJSON_GetObjectItemCaseSensitive(json, "recall");
    const cJSON *intervals = cJSON_GetObjectItemCaseSensitive(json, "recall_interval");
    page_element(page, "h3", "Recall of each class");
    page_print(page, "<svg width=\"%d\" height=\"%d\" role=\"img\">", NAME + BAR + 70, n * ROW + 10);
    for (int c = 0; c < n; c++) {
        const cJSON *interval = cJSON_GetArrayItem(intervals, c);
        double value = report_number(recall, c), low = report_number(interval, 0), high = report_number(interval, 1);
        int y = 6 + c * ROW;
        page_print(page, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">", NAME - 8, y + 13);
        page_text(page, class_name(classes, c));
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

static void print_map(struct page *page, const cJSON *json, const cJSON *classes)
{
    enum { SIDE = 420 };
    const cJSON *point = NULL, *map = cJSON_GetObjectItemCaseSensitive(json, "map");
    if (cJSON_GetArraySize(map) < 3)
        return;
    page_element(page, "h3", "Map of the image embeddings");
    page_print(page, "<figure><svg width=\"%d\" height=\"%d\" role=\"img\">", SIDE, SIDE);
    cJSON_ArrayForEach(point, map)
    {
        double x = report_number(point, 0), y = report_number(point, 1), truth = report_number(point, 2);
        if (!(fabs(x) <= 1.01 && fabs(y) <= 1.01 && truth >= 0 && truth < cJSON_GetArraySize(classes)))
            continue;
        page_print(page, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\" fill-opacity=\".75\"/>",
                   SIDE / 2 * (1 + 0.96 * x), SIDE / 2 * (1 - 0.96 * y), page_colour((size_t)truth));
    }
    page_print(page, "</svg><figcaption>the two directions in which they vary most; colour = true class:");
    for (int c = 0; c < cJSON_GetArraySize(classes); c++) {
        page_print(page, " <span style=\"color:%s\">&#9679; ", page_colour((size_t)c));
        page_text(page, class_name(classes, c));
        page_print(page, "</span>");
    }
    page_print(page, "</figcaption></figure>\n");
}

enum mien_status report_zero_shot(struct page *page, const char *path, const cJSON *result)
{
    enum mien_status status = MIEN_OK;
    const cJSON *classes = NULL, *confusion = NULL;
    TRY(base_json_array(result, "classes", path, &classes));
    TRY(base_json_array(result, "confusion", path, &confusion));
    FAIL_IF(!classes || !is_square(classes, confusion), MIEN_ERR_DATA,
            "%s: \"confusion\" does not hold a row of counts for each of the \"classes\"", path);
    print_heading(page, "Zero-shot classification", result);
    page_print(page, "<div class=\"cards\">\n");
    print_card(page, "UAR, mean recall", report_member(result, "uar"),
               cJSON_GetObjectItemCaseSensitive(result, "uar_interval"));
    print_card(page, "WAR, accuracy", report_member(result, "war"),
               cJSON_GetObjectItemCaseSensitive(result, "war_interval"));
    print_card(page, "chance", 1.0 / fmax(1, cJSON_GetArraySize(classes)), NULL);
    page_print(page, "</div>\n");
    print_confusion(page, classes, confusion);
    print_recall(page, result, classes);
    print_map(page, result, classes);
fail:
    return status;
}

/* ---- retrieval ---- */

static void print_ranks(struct page *page, const char *name, const cJSON *ranks)
{
    static const char *const keys[] = {"r1", "r5", "r10"};
    page_print(page, "<tr><td class=\"l\">%s</td>", name);
    for (size_t k = 0; k < BASE_COUNT(keys); k++) {
        char interval[32];
        snprintf(interval, sizeof(interval), "%s_interval", keys[k]);
        page_print(page, "<td>");
        report_score(page, report_member(ranks, keys[k]), cJSON_GetObjectItemCaseSensitive(ranks, interval));
        page_print(page, "</td>");
    }
    page_print(page, "<td>%.1f</td><td>%.1f</td></tr>\n", report_member(ranks, "median"), report_member(ranks, "mean"));
}

static void print_example(struct page *page, const cJSON *example)
{
    const cJSON *image = cJSON_GetObjectItemCaseSensitive(example, "image");
    const cJSON *truth = cJSON_GetObjectItemCaseSensitive(example, "truth");
    const cJSON *texts = cJSON_GetObjectItemCaseSensitive(example, "texts"), *text = NULL;
    const cJSON *scores = cJSON_GetObjectItemCaseSensitive(example, "scores");
    int i = 0;
    if (!cJSON_IsString(image) || !cJSON_IsString(truth))
        return;
    page_print(page, "<div class=\"example\">");
    page_image(page, image->valuestring);
    page_print(page, "<div><span class=\"soft\">its own caption: ");
    page_text(page, truth->valuestring);
    page_print(page, "</span><ol>");
    cJSON_ArrayForEach(text, texts)
    {
        const char *words = cJSON_IsString(text) ? text->valuestring : "";
        page_print(page, "<li%s>", strcmp(words, truth->valuestring) == 0 ? " class=\"hit\"" : "");
        page_text(page, words);
        page_print(page, " <span class=\"soft\">%.3f</span></li>", report_number(scores, i++));
    }
    page_print(page, "</ol></div></div>\n");
}

enum mien_status report_retrieval(struct page *page, const char *path, const cJSON *result)
{
    enum mien_status status = MIEN_OK;
    const cJSON *image_text = NULL, *text_image = NULL, *examples = NULL, *example = NULL;
    TRY(base_json_object(result, "image_text", path, &image_text));
    TRY(base_json_object(result, "text_image", path, &text_image));
    TRY(base_json_array(result, "examples", path, &examples));
    FAIL_IF(!image_text || !text_image, MIEN_ERR_DATA, "%s: \"image_text\" or \"text_image\" is missing", path);
    print_heading(page, "Retrieval", result);
    page_print(page, "<table><tr><th class=\"l\">query</th><th>R@1</th><th>R@5</th><th>R@10</th><th>median rank</th>"
                     "<th>mean rank</th></tr>\n");
    print_ranks(page, "image, captions answer", image_text);
    print_ranks(page, "caption, images answer", text_image);
    page_print(page, "</table>\n<p class=\"soft\">chance of R@1: %.4f</p>\n", report_member(result, "chance"));
    page_element(page, "h3", "Faces and the captions nearest to them");
    cJSON_ArrayForEach(example, examples) print_example(page, example);
fail:
    return status;
}
