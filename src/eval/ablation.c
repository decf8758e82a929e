/* ablation.c: what each part of a method is worth: trainings that differ in one thing, with several seeds, as tables.
 *
 * {"ablation": [{"data": "drawn", "settings": {"steps": 350, ...}, "rows": [{"row": "global loss alone",
 * "uar": {"mean": 0.5, "deviation": 0.01}, "war": {...}, "positives": {...}, "runs": [{"seed": 0, "uar": 0.5}]}]}]} */
#include "eval/ablation.h"

#include <math.h>

enum { SETS = 16, ROWS = 64, RUNS = 64 };

static const cJSON *sets_of(const cJSON *json)
{
    return cJSON_GetObjectItemCaseSensitive(json, "ablation");
}

static const cJSON *rows_of(const cJSON *set)
{
    return cJSON_GetObjectItemCaseSensitive(set, "rows");
}

static const char *word_of(const cJSON *object, const char *key)
{
    return eval_word(cJSON_GetObjectItemCaseSensitive(object, key));
}

/* The mean or deviation of a score; NaN where there is none, or none that could be one. */
static double score_of(const cJSON *row, const char *score, const char *what)
{
    double value = eval_member(cJSON_GetObjectItemCaseSensitive(row, score), what);
    return fabs(value) <= 1e6 ? value : (double)NAN;
}

/* ---- what a file must hold ---- */

bool ablation_is(const cJSON *json)
{
    return sets_of(json) != NULL;
}

static enum mien_status check_set(const char *where, const cJSON *set, int number)
{
    enum mien_status status = MIEN_OK;
    const cJSON *row = NULL;
    int n = 0;
    FAIL_IF(!cJSON_IsString(cJSON_GetObjectItemCaseSensitive(set, "data")) || !cJSON_IsArray(rows_of(set)),
            MIEN_ERR_DATA,
            "%s: element %d of \"ablation\" is no data set: \"data\", a name, and a list \"rows\" are needed", where,
            number);
    cJSON_ArrayForEach(row, rows_of(set))
    {
        n++;
        FAIL_IF(!cJSON_IsString(cJSON_GetObjectItemCaseSensitive(row, "row")) ||
                    !cJSON_IsArray(cJSON_GetObjectItemCaseSensitive(row, "runs")),
                MIEN_ERR_DATA, "%s: row %d of \"%s\": \"row\", a name, and a list \"runs\" are needed", where, n,
                word_of(set, "data"));
    }
fail:
    return status;
}

enum mien_status ablation_check(const char *where, const cJSON *json)
{
    enum mien_status status = MIEN_OK;
    const cJSON *set = NULL;
    int n = 0;
    FAIL_IF(cJSON_GetArraySize(sets_of(json)) == 0 || !cJSON_IsArray(sets_of(json)), MIEN_ERR_DATA,
            "%s: \"ablation\" is no list of data sets; give the ablation.json of tools/recipes/ablation", where);
    cJSON_ArrayForEach(set, sets_of(json)) TRY(check_set(where, set, ++n));
fail:
    return status;
}

/* ---- a table ---- */

struct range {
    double low, high; /* of the UAR of all runs */
};

static struct range range_of(const cJSON *set)
{
    struct range r = {INFINITY, -INFINITY};
    const cJSON *row = NULL, *run = NULL;
    cJSON_ArrayForEach(row, rows_of(set))
    {
        cJSON_ArrayForEach(run, cJSON_GetObjectItemCaseSensitive(row, "runs"))
        {
            double uar = eval_member(run, "uar");
            if (uar >= 0 && uar <= 1)
                r = (struct range){fmin(r.low, uar), fmax(r.high, uar)};
        }
    }
    return r.high > r.low ? r : (struct range){0, 1};
}

static const cJSON *best_of(const cJSON *set)
{
    const cJSON *row = NULL, *best = NULL;
    cJSON_ArrayForEach(row, rows_of(set))
    {
        double mean = score_of(row, "uar", "mean");
        if (isfinite(mean) && (!best || mean > score_of(best, "uar", "mean")))
            best = row;
    }
    return best;
}

static void put_score(struct mien_page *page, const cJSON *row, const char *score, bool best)
{
    double deviation = score_of(row, score, "deviation");
    page_print(page, "<td>%s", best ? "<b>" : "");
    page_number(page, score_of(row, score, "mean"), 3);
    page_print(page, "%s", best ? "</b>" : "");
    if (isfinite(deviation))
        page_print(page, " <span class=\"soft\">\xc2\xb1%.3f</span>", deviation);
    page_print(page, "</td>");
}

/* A dot a run, a line at the mean. */
static void put_dots(struct mien_page *page, const cJSON *row, const struct range *r)
{
    const cJSON *run = NULL;
    double mean = score_of(row, "uar", "mean");
    int n = 0;
    page_print(page, "<td><div class=\"dots\">");
    if (mean >= r->low && mean <= r->high)
        page_print(page, "<u style=\"left:%.1f%%\"></u>", 100 * (mean - r->low) / (r->high - r->low));
    cJSON_ArrayForEach(run, cJSON_GetObjectItemCaseSensitive(row, "runs"))
    {
        double uar = eval_member(run, "uar");
        if (uar >= r->low && uar <= r->high && n++ < RUNS)
            page_print(page, "<i style=\"left:%.1f%%\"></i>", 100 * (uar - r->low) / (r->high - r->low));
    }
    page_print(page, "</div></td>");
}

static void put_row(struct mien_page *page, const cJSON *set, const cJSON *row, const struct range *r)
{
    const cJSON *first = rows_of(set)->child;
    double gain = score_of(row, "uar", "mean") - score_of(first, "uar", "mean");
    page_print(page, "<tr><th scope=\"row\" class=\"l\">");
    page_words(page, word_of(row, "row"), PAGE_LABEL);
    page_print(page, "</th>");
    put_score(page, row, "uar", row == best_of(set));
    page_print(page, "<td>");
    if (row != first && fabs(gain) <= 1)
        page_print(page, "%s%.3f", gain < 0 ? "\xe2\x88\x92" : "+", fabs(gain));
    page_print(page, "</td>");
    put_dots(page, row, r);
    put_score(page, row, "war", false);
    page_print(page, "<td>");
    page_number(page, score_of(row, "positives", "mean"), 2);
    page_print(page, "</td><td>%d</td></tr>\n", cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(row, "runs")));
}

static void put_settings(struct mien_page *page, const cJSON *set)
{
    const cJSON *settings = cJSON_GetObjectItemCaseSensitive(set, "settings");
    const cJSON *recipe = cJSON_GetObjectItemCaseSensitive(settings, "recipe"), *given = NULL;
    double steps = eval_member(settings, "steps"), faces = eval_member(settings, "faces");
    page_print(page, "<p class=\"soft\">");
    if (isfinite(steps)) {
        page_count(page, steps);
        page_print(page, " steps each");
    }
    if (isfinite(faces)) {
        page_print(page, " on ");
        page_count(page, faces);
        page_print(page, " faces");
    }
    if (cJSON_IsString(recipe)) {
        page_print(page, ", recipe ");
        page_words(page, recipe->valuestring, PAGE_LABEL);
    }
    cJSON_ArrayForEach(given, cJSON_GetObjectItemCaseSensitive(settings, "set"))
    {
        page_print(page, ", ");
        page_words(page, eval_word(given), PAGE_LABEL);
    }
    page_print(page, "</p>\n");
}

static void put_set(struct mien_page *page, const cJSON *set)
{
    const cJSON *row = NULL;
    struct range r = range_of(set);
    int n = 0;
    page_print(page, "<h3>Data: ");
    page_words(page, word_of(set, "data"), PAGE_LABEL);
    page_print(page, "</h3>\n");
    put_settings(page, set);
    page_print(page,
               "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Ablation\"><table class=\"ablation\">"
               "<thead><tr><th scope=\"col\" class=\"l\">setting</th><th scope=\"col\">UAR, validation</th>"
               "<th scope=\"col\">to the first row</th><th scope=\"col\" class=\"l\">runs, from %.3f to %.3f</th>"
               "<th scope=\"col\">WAR, validation</th><th scope=\"col\">positives</th><th scope=\"col\">runs</th></tr>"
               "</thead><tbody>\n",
               r.low, r.high);
    cJSON_ArrayForEach(row, rows_of(set))
    {
        if (n++ < ROWS)
            put_row(page, set, row, &r);
    }
    page_print(page, "</tbody></table></div>\n");
}

/* ---- the whole ---- */

static void put_front(struct mien_page *page, const cJSON *json)
{
    const cJSON *set = NULL;
    char name[96], note[160];
    int n = 0;
    page_front_begin(page, PAGE_RESULTS, "Ablation", "Ablation");
    page_print(page, "<dl class=\"cards\">\n");
    cJSON_ArrayForEach(set, sets_of(json))
    {
        const cJSON *best = best_of(set);
        if (!best || n++ >= SETS)
            continue;
        snprintf(name, sizeof(name), "Best UAR, %.80s", word_of(set, "data"));
        snprintf(note, sizeof(note), "%.80s; %.3f with %.60s", word_of(best, "row"),
                 score_of(rows_of(set)->child, "uar", "mean"), word_of(rows_of(set)->child, "row"));
        page_card(page, name, score_of(best, "uar", "mean"), 3,
                  best == rows_of(set)->child ? word_of(best, "row") : note);
    }
    page_print(page, "</dl>\n");
    page_front_end(page, PAGE_RESULTS);
}

void ablation_chapter(struct mien_page *page, const cJSON *json)
{
    const cJSON *set = NULL;
    int n = 0;
    put_front(page, json);
    page_element(page, "h2", "Ablation");
    page_print(page, "<p class=\"soft\">Trainings that differ in the setting alone, each with several seeds: mean and "
                     "deviation (of a sample) of what the last weights reach on the validation rows. Dots: runs; line: "
                     "their mean. Positives: pictures that count as right for a text, itself included.</p>\n");
    cJSON_ArrayForEach(set, sets_of(json))
    {
        if (n++ < SETS)
            put_set(page, set);
    }
}
