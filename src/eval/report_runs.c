/* report_runs.c: several training runs side by side: figures, the settings that differ, curves over each other. */
#include "eval/run.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

enum { KEYS_MOST = 1000, KEY_SIZE = 256 };

/* ---- what is set beside each other ---- */

/* Two runs of one name are told apart by their paths. */
static const char *name_of(const struct mien_page *page, size_t i)
{
    for (size_t k = 0; k < page->run_count; k++)
        if (k != i && strcmp(page->runs[k]->facts.name, page->runs[i]->facts.name) == 0)
            return page->runs[i]->dir;
    return page->runs[i]->facts.name;
}

/* A row begins with what it is about; `of` prints a run's cell. */
typedef void (*cell_fn)(struct mien_page *page, const struct run *run);

static void put_row(struct mien_page *page, const char *name, cell_fn of)
{
    page_print(page, "<tr><th scope=\"row\" class=\"l\">%s</th>", name);
    for (size_t i = 0; i < page->run_count; i++) {
        page_print(page, "<td>");
        of(page, page->runs[i]);
        page_print(page, "</td>");
    }
    page_print(page, "</tr>\n");
}

/* ---- figures ---- */

static double last_of(const struct run_columns *c, int key)
{
    return c->count ? c->values[key][c->count - 1] : (double)NAN;
}

static double best_uar(const struct run *run)
{
    size_t best = run_best(&run->evals, VAL_UAR);
    return best == SIZE_MAX ? (double)NAN : run->evals.values[VAL_UAR][best];
}

static void cell_uar(struct mien_page *page, const struct run *run)
{
    double value = best_uar(run), most = value;
    for (size_t i = 0; i < page->run_count; i++)
        most = fmax(most, best_uar(page->runs[i]));
    page_print(page, "%s", value == most ? "<b>" : "");
    page_number(page, value, 3);
    page_print(page, "%s", value == most ? "</b>" : "");
}

static void cell_war(struct mien_page *page, const struct run *run)
{
    size_t best = run_best(&run->evals, VAL_UAR);
    page_number(page, best == SIZE_MAX ? (double)NAN : run->evals.values[VAL_WAR][best], 3);
}

static void cell_best_step(struct mien_page *page, const struct run *run)
{
    size_t best = run_best(&run->evals, VAL_UAR);
    page_count(page, best == SIZE_MAX ? (double)NAN : run->evals.values[VAL_NUMBER][best]);
}

static void cell_loss(struct mien_page *page, const struct run *run)
{
    page_number(page, last_of(&run->steps, STEP_LOSS), 3);
}

static void cell_steps(struct mien_page *page, const struct run *run)
{
    page_count(page, last_of(&run->steps, STEP_NUMBER));
}

static void cell_duration(struct mien_page *page, const struct run *run)
{
    page_print(page, "<span class=\"whole\">");
    page_duration(page, run->facts.seconds);
    page_print(page, "</span>");
}

static void cell_rate(struct mien_page *page, const struct run *run)
{
    page_count(page, last_of(&run->steps, STEP_NUMBER) * run->facts.batch / run->facts.seconds);
}

static void cell_parameters(struct mien_page *page, const struct run *run)
{
    page_count(page, run->facts.parameters);
}

static void cell_samples(struct mien_page *page, const struct run *run)
{
    page_count(page, run->facts.samples);
}

static void cell_device(struct mien_page *page, const struct run *run)
{
    page_words(page, run->facts.device[0] ? run->facts.device : "\xe2\x80\x93", PAGE_LABEL);
}

static void cell_data(struct mien_page *page, const struct run *run)
{
    page_words(page, run->facts.data[0] ? run->facts.data : "\xe2\x80\x93", PAGE_LABEL);
}

/* In the table where it is not one of all runs, else below it. */
static bool is_one(const struct mien_page *page, size_t offset)
{
    const char *first = (const char *)&page->runs[0]->facts + offset;
    for (size_t i = 1; i < page->run_count; i++)
        if (strcmp(first, (const char *)&page->runs[i]->facts + offset) != 0)
            return false;
    return true;
}

static const struct {
    const char *row, *fact;
    size_t offset;
    cell_fn of;
} words[] = {{"data", "Data", offsetof(struct run_facts, data), cell_data},
             {"device", "Device", offsetof(struct run_facts, device), cell_device}};

static void put_words(struct mien_page *page, bool common)
{
    for (size_t k = 0; k < BASE_COUNT(words); k++) {
        if (is_one(page, words[k].offset) != common)
            continue;
        if (!common) {
            put_row(page, words[k].row, words[k].of);
            continue;
        }
        page_fact_begin(page, words[k].fact);
        words[k].of(page, page->runs[0]);
        page_fact_end(page);
    }
}

static void put_figures(struct mien_page *page)
{
    put_row(page, "best UAR, validation", cell_uar);
    put_row(page, "WAR at that step", cell_war);
    put_row(page, "that step", cell_best_step);
    put_row(page, "last loss", cell_loss);
    put_row(page, "steps", cell_steps);
    put_row(page, "duration, steps alone", cell_duration);
    put_row(page, "samples a second", cell_rate);
    put_row(page, "training samples", cell_samples);
    put_row(page, "parameters", cell_parameters);
    put_words(page, false);
}

/* ---- settings ---- */

struct keys {
    char (*list)[KEY_SIZE]; /* [KEYS_MOST] "loss.local.kind" */
    size_t count;
};

static void add_key(struct keys *keys, const char *key)
{
    for (size_t i = 0; i < keys->count; i++)
        if (strcmp(keys->list[i], key) == 0)
            return;
    if (keys->count < KEYS_MOST)
        snprintf(keys->list[keys->count++], KEY_SIZE, "%s", key);
}

static void add_keys(struct keys *keys, const cJSON *json, const char *prefix)
{
    for (const cJSON *item = json ? json->child : NULL; item; item = item->next) {
        char key[KEY_SIZE];
        int length = snprintf(key, sizeof(key), "%s%s%s", prefix, *prefix ? "." : "", item->string ? item->string : "");
        if (cJSON_IsObject(item) && item->child)
            add_keys(keys, item, key);
        else if (length < KEY_SIZE)
            add_key(keys, key);
    }
}

/* A name is no setting. */
static bool differs(const struct mien_page *page, const char *key)
{
    const cJSON *first = eval_find(page->runs[0]->config, key);
    for (size_t i = 1; i < page->run_count; i++) {
        const cJSON *other = eval_find(page->runs[i]->config, key);
        if ((first || other) && !cJSON_Compare(first, other, true))
            return strcmp(key, "run.dir") != 0;
    }
    return false;
}

static void put_value(struct mien_page *page, const cJSON *value)
{
    if (!value || cJSON_IsString(value)) {
        page_words(page, value ? value->valuestring : "\xe2\x80\x93", PAGE_LABEL);
        return;
    }
    char *text = base_json_print(value, false);
    if (!text && page->text.status == MIEN_OK)
        page->text.status = base_fail(MIEN_ERR_NOMEM, "out of host memory for a page");
    page_words(page, text ? text : "", PAGE_LABEL);
    base_free(text);
}

/* It may break after its points. */
static void put_key(struct mien_page *page, const char *key)
{
    char part[KEY_SIZE];
    for (size_t length; *key; key += length) {
        length = strcspn(key, ".");
        length += key[length] == '.';
        snprintf(part, sizeof(part), "%.*s", (int)length, key);
        page_short(page, part, PAGE_LABEL);
        page_print(page, "<wbr>");
    }
}

static void put_setting(struct mien_page *page, const char *key)
{
    page_print(page, "<tr><th scope=\"row\" class=\"l\">");
    put_key(page, key);
    page_print(page, "</th>");
    for (size_t i = 0; i < page->run_count; i++) {
        page_print(page, "<td>");
        put_value(page, eval_find(page->runs[i]->config, key));
        page_print(page, "</td>");
    }
    page_print(page, "</tr>\n");
}

static void put_settings(struct mien_page *page)
{
    struct keys keys = {base_alloc(KEYS_MOST, KEY_SIZE), 0};
    size_t shown = 0;
    if (!keys.list) {
        page->text.status = base_fail(MIEN_ERR_NOMEM, "out of host memory for a page");
        return;
    }
    for (size_t i = 0; i < page->run_count; i++)
        add_keys(&keys, page->runs[i]->config, "");
    for (size_t k = 0; k < keys.count; k++) {
        if (!differs(page, keys.list[k]))
            continue;
        if (shown++ == 0)
            page_print(page,
                       "<tr class=\"group\"><th scope=\"rowgroup\" class=\"l\" colspan=\"%zu\"><span>Settings that "
                       "differ</span></th></tr>\n",
                       page->run_count + 1);
        put_setting(page, keys.list[k]);
    }
    base_free(keys.list);
}

/* ---- the whole ---- */

static void put_table(struct mien_page *page)
{
    page_print(page, "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Runs side by side\"><table "
                     "class=\"runs\"><thead><tr><td></td>");
    for (size_t i = 0; i < page->run_count; i++) {
        page_print(page, "<th scope=\"col\"><a href=\"#c%u\">", page->runs[i]->chapter);
        page_words(page, name_of(page, i), PAGE_LABEL);
        page_print(page, "</a></th>");
    }
    page_print(page, "</tr></thead><tbody>\n");
    put_figures(page);
    put_settings(page);
    page_print(page, "</tbody></table></div>\n<dl class=\"facts\">\n");
    put_words(page, true);
    page_print(page, "</dl>\n");
}

static void put_chart(struct mien_page *page, const char *title, int step_key, int eval_key)
{
    struct page_line lines[PAGE_COLOURS];
    size_t count = BASE_MIN(page->run_count, (size_t)PAGE_COLOURS);
    for (size_t i = 0; i < count; i++) {
        const struct run *run = page->runs[i];
        const struct run_columns *c = eval_key ? &run->evals : &run->steps;
        lines[i] =
            (struct page_line){name_of(page, i), c->values[0], c->values[eval_key ? eval_key : step_key], c->count};
    }
    page_chart(page, title, lines, count);
}

void page_runs(struct mien_page *page)
{
    page_print(page, "<section class=\"front\"><h2 id=\"runs\">Training runs side by side</h2>\n");
    put_table(page);
    if (page->run_count > PAGE_COLOURS)
        page_print(page, "<p class=\"soft\">The curves are those of the first %d runs.</p>\n", PAGE_COLOURS);
    page_print(page, "<div class=\"charts after\">\n");
    put_chart(page, "loss over steps", STEP_LOSS, 0);
    put_chart(page, "validation: UAR over steps", 0, VAL_UAR);
    put_chart(page, "validation: WAR over steps", 0, VAL_WAR);
    put_chart(page, "validation: loss over steps", 0, VAL_LOSS);
    put_chart(page, "learning rate over steps", STEP_LR, 0);
    put_chart(page, "samples per second over steps", STEP_RATE, 0);
    page_print(page, "</div></section>\n");
}
