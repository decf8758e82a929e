/* report_run.c: a training run in a report: curves and configuration. */
#include "eval/run.h"

#include <math.h>

/* ---- curves ---- */

struct curve {
    const char *title;
    int keys[3]; /* columns, -1 = none */
    bool level;  /* drawn also where all values are the same */
};

/* Whether a column says anything: not all of its values are those of the column before; and, but for scores, where a
 * level is a finding, they are not all the same. */
static bool is_telling(const struct run_columns *c, int key, int before, bool level)
{
    bool varies = level, differs = before < 0;
    for (size_t i = 0; i < c->count; i++) {
        double value = c->values[key][i];
        if (!isfinite(value))
            continue;
        varies |= value != c->values[key][0];
        differs |= before >= 0 && value != c->values[before][i];
    }
    return differs && (varies || c->count == 1);
}

static void draw(struct mien_page *page, const struct run_columns *c, const char *const *names,
                 const struct curve *curve)
{
    struct page_line lines[3];
    size_t n = 0;
    for (size_t k = 0; k < 3 && curve->keys[k] >= 0; k++) {
        int key = curve->keys[k], before = k > 0 && curve->keys[0] == STEP_LOSS && !curve->level ? STEP_LOSS : -1;
        if (is_telling(c, key, before, curve->level))
            lines[n++] = (struct page_line){names[key], c->values[0], c->values[key], c->count};
    }
    page_chart(page, curve->title, lines, n);
}

static void draw_curves(struct mien_page *page, const struct run *run)
{
    static const char *const of_steps[RUN_KEYS] = {
        [STEP_LOSS] = "total",       [STEP_GLOBAL] = "global", [STEP_LOCAL] = "local, unweighted",
        [STEP_LR] = "learning rate", [STEP_NORM] = "norm",     [STEP_SCALE] = "scale",
        [STEP_RATE] = "samples",     [STEP_TEXT] = "by text",  [STEP_IMAGE] = "by image"};
    static const char *const of_evals[RUN_KEYS] = {[VAL_LOSS] = "loss", [VAL_WAR] = "WAR", [VAL_UAR] = "UAR"};
    static const struct curve first = {"loss over steps", {STEP_LOSS, STEP_GLOBAL, STEP_LOCAL}, false};
    static const struct curve second = {"validation: UAR and WAR over steps", {VAL_UAR, VAL_WAR, -1}, true};
    static const struct curve third = {"validation: loss over steps", {VAL_LOSS, -1}, true};
    static const struct curve others[] = {
        {"learning rate", {STEP_LR, -1}, true},
        {"gradient norm before clipping", {STEP_NORM, -1}, false},
        {"logit scale (log)", {STEP_SCALE, -1}, false},
        {"samples per second", {STEP_RATE, -1}, false},
        {"mined positives of a sample, itself included", {STEP_TEXT, STEP_IMAGE, -1}, false}};
    page_print(page, "<div class=\"charts\">\n");
    if (run->steps.count)
        draw(page, &run->steps, of_steps, &first);
    if (run->evals.count) {
        draw(page, &run->evals, of_evals, &second);
        draw(page, &run->evals, of_evals, &third);
    }
    for (size_t i = 0; i < BASE_COUNT(others) && run->steps.count; i++)
        draw(page, &run->steps, of_steps, &others[i]);
    page_print(page, "</div>\n");
}

/* ---- configuration ---- */

static void print_config(struct mien_page *page, const cJSON *json, const char *prefix)
{
    for (const cJSON *item = json->child; item; item = item->next) {
        char key[256];
        snprintf(key, sizeof(key), "%s%s%s", prefix, *prefix ? "." : "", item->string ? item->string : "");
        if (cJSON_IsObject(item)) {
            print_config(page, item, key);
            continue;
        }
        char *value = base_json_print(item, false);
        if (!value && page->text.status == MIEN_OK)
            page->text.status = base_fail(MIEN_ERR_NOMEM, "out of host memory for a page");
        page_print(page, "<tr><th scope=\"row\" class=\"l\">");
        page_text(page, key);
        page_print(page, "</th><td class=\"l\">");
        page_text(page, value ? value : "");
        page_print(page, "</td></tr>\n");
        base_free(value);
    }
}

static void config_table(struct mien_page *page, const cJSON *config)
{
    if (!config)
        return;
    page_print(page, "<details><summary>Configuration</summary><div class=\"wide\" tabindex=\"0\" role=\"region\" "
                     "aria-label=\"Configuration\"><table class=\"config\"><tbody>\n");
    print_config(page, config, "");
    page_print(page, "</tbody></table></div></details>\n");
}

/* ---- the opening ---- */

static void print_cards(struct mien_page *page, const struct run_columns *steps, const struct run_columns *evals)
{
    char note[64];
    size_t best = run_best(evals, VAL_UAR);
    page_print(page, "<dl class=\"cards\">\n");
    if (best != SIZE_MAX) {
        snprintf(note, sizeof(note), "at step %.0f", evals->values[VAL_NUMBER][best]);
        page_card(page, "Best UAR, validation", evals->values[VAL_UAR][best], 3, note);
    }
    if (steps->count) {
        size_t last = steps->count - 1;
        snprintf(note, sizeof(note), "%.4g at the first", steps->values[STEP_LOSS][0]);
        page_card(page, "Last loss", steps->values[STEP_LOSS][last], 3,
                  isfinite(steps->values[STEP_LOSS][0]) ? note : "");
        page_card(page, "Steps", steps->values[STEP_NUMBER][last], 0, "");
    }
    page_print(page, "</dl>\n");
}

void page_duration(struct mien_page *page, double seconds)
{
    if (!(seconds < 1e9)) {
        page_number(page, (double)NAN, 0);
        return;
    }
    uint64_t s = (uint64_t)(seconds + 0.5), hours = s / 3600, minutes = s / 60 % 60;
    if (seconds < 10)
        page_print(page, "%.1f s", seconds);
    else if (hours)
        page_print(page, "%llu h %02llu min", (unsigned long long)hours, (unsigned long long)minutes);
    else if (minutes)
        page_print(page, "%llu min %02llu s", (unsigned long long)minutes, (unsigned long long)(s % 60));
    else
        page_print(page, "%llu s", (unsigned long long)s);
}

static void print_fact(struct mien_page *page, const char *name, const char *text)
{
    if (!text[0])
        return;
    page_fact_begin(page, name);
    page_words(page, text, PAGE_PATH);
    page_fact_end(page);
}

static void print_number(struct mien_page *page, const char *name, double value)
{
    if (!isfinite(value))
        return;
    page_fact_begin(page, name);
    page_count(page, value);
    page_fact_end(page);
}

static void open_page(struct mien_page *page, const struct run *run)
{
    const struct run_facts *f = &run->facts;
    page_front_begin(page, PAGE_RUNS, "Training", f->name);
    print_cards(page, &run->steps, &run->evals);
    page_print(page, "<dl class=\"facts\">\n");
    print_fact(page, "Device", f->device);
    print_number(page, "Parameters", f->parameters);
    if (f->seconds < 1e9) {
        page_fact_begin(page, "Duration");
        page_duration(page, f->seconds);
        page_print(page, ", steps alone");
        page_fact_end(page);
    }
    print_fact(page, "Data", f->data);
    print_number(page, "Samples", f->samples);
    print_number(page, "Batch", f->batch);
    page_print(page, "</dl>\n");
    page_front_end(page, PAGE_RUNS);
}

void page_run(struct mien_page *page, const struct run *run)
{
    open_page(page, run);
    page_print(page, "<h2>Training ");
    page_words(page, run->dir, PAGE_PATH);
    page_print(page, "</h2>\n");
    draw_curves(page, run);
    config_table(page, run->config);
}
