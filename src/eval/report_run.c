/* report_run.c: a training run: curves and configuration. */
#include "eval/eval.h"

#include <math.h>
#include <string.h>

/* Rows of log.jsonl of one kind, as columns. */
enum { KEYS = 12 };
static const char *const step_keys[KEYS] = {
    "step",        "loss",          "loss_global",    "loss_local",      "lr", "grad_norm",
    "logit_scale", "samples_per_s", "positives.text", "positives.image", NULL};
static const char *const eval_keys[KEYS] = {"step", "loss", "war", "uar", NULL};

struct columns {
    double *values[KEYS];
    size_t count, capacity[KEYS];
};

static void columns_clear(struct columns *c)
{
    for (size_t k = 0; k < KEYS; k++)
        base_free(c->values[k]);
    *c = (struct columns){0};
}

/* "a.b" is member b of the object a. */
static double lookup(const cJSON *row, const char *key)
{
    char outer[32];
    const char *dot = strchr(key, '.');
    if (!dot)
        return eval_member(row, key);
    snprintf(outer, sizeof(outer), "%.*s", (int)(dot - key), key);
    return eval_member(cJSON_GetObjectItemCaseSensitive(row, outer), dot + 1);
}

static enum mien_status add_row(struct columns *c, const char *const *keys, const cJSON *row)
{
    for (size_t k = 0; k < KEYS && keys[k]; k++) {
        enum mien_status status = base_grow(&c->values[k], &c->capacity[k], c->count + 1, sizeof(double));
        if (status != MIEN_OK)
            return status;
        c->values[k][c->count] = lookup(row, keys[k]);
    }
    c->count++;
    return MIEN_OK;
}

static enum mien_status read_line(const char *line, size_t size, const char *where, struct columns *steps,
                                  struct columns *evals)
{
    enum mien_status status = MIEN_OK;
    cJSON *row = NULL;
    const char *kind = "";
    TRY(base_json_parse(line, size, where, &row));
    FAIL_IF(!cJSON_IsObject(row), MIEN_ERR_DATA, "%s: not a JSON object", where);
    TRY(base_json_string(row, "kind", where, &kind));
    if (strcmp(kind, "step") == 0)
        TRY(add_row(steps, step_keys, row));
    else if (strcmp(kind, "eval") == 0)
        TRY(add_row(evals, eval_keys, row));
fail:
    cJSON_Delete(row);
    return status;
}

static enum mien_status read_log(const char *path, struct columns *steps, struct columns *evals)
{
    enum mien_status status = MIEN_OK;
    char *text = NULL, where[1100];
    size_t size = 0, line = 1;
    TRY(base_file_read(path, 0, &text, &size));
    for (size_t at = 0; at < size; line++) {
        size_t length = strcspn(text + at, "\n");
        snprintf(where, sizeof(where), "%s:%zu", path, line);
        if (length)
            TRY(read_line(text + at, length, where, steps, evals));
        at += length + 1;
    }
fail:
    base_free(text);
    return status;
}

/* ---- curves ---- */

struct curve {
    const char *title;
    int keys[3]; /* indices of columns, -1 = none */
};

/* Whether a column says anything: values that are not all the same, not all those of the column before. */
static bool is_telling(const struct columns *c, int key, int before)
{
    bool varies = false, differs = before < 0;
    for (size_t i = 0; i < c->count; i++) {
        double value = c->values[key][i];
        if (!isfinite(value))
            continue;
        varies |= value != c->values[key][0];
        differs |= before >= 0 && value != c->values[before][i];
    }
    return differs && (varies || c->count == 1);
}

static void draw(struct mien_page *page, const struct columns *c, const char *const *names, const struct curve *curves,
                 size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct page_line lines[3];
        size_t n = 0;
        for (size_t k = 0; k < 3 && curves[i].keys[k] >= 0; k++) {
            int key = curves[i].keys[k];
            if (is_telling(c, key, k > 0 && curves[i].keys[0] == 1 ? 1 : -1))
                lines[n++] = (struct page_line){names[key], c->values[0], c->values[key], c->count};
        }
        page_chart(page, curves[i].title, lines, n);
    }
}

static void draw_curves(struct mien_page *page, const struct columns *steps, const struct columns *evals)
{
    static const struct curve of_steps[] = {{"loss over steps", {1, 2, 3}},
                                            {"learning rate", {4, -1}},
                                            {"gradient norm before clipping", {5, -1}},
                                            {"logit scale (log)", {6, -1}},
                                            {"samples per second", {7, -1}},
                                            {"mined positives of a sample, itself included", {8, 9, -1}}};
    static const struct curve of_evals[] = {{"validation: recall", {2, 3, -1}}, {"validation: loss", {1, -1}}};
    page_print(page, "<div class=\"charts\">\n");
    if (steps->count)
        draw(page, steps, step_keys, of_steps, BASE_COUNT(of_steps));
    if (evals->count)
        draw(page, evals, eval_keys, of_evals, BASE_COUNT(of_evals));
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
        page_print(page, "<tr><td class=\"l\">");
        page_text(page, key);
        page_print(page, "</td><td class=\"l\">");
        page_text(page, value ? value : "");
        page_print(page, "</td></tr>\n");
        base_free(value);
    }
}

static enum mien_status config_table(struct mien_page *page, const char *path)
{
    cJSON *json = NULL;
    if (!base_file_exists(path))
        return MIEN_OK;
    enum mien_status status = base_json_read(path, &json);
    if (status != MIEN_OK)
        return status;
    page_print(page, "<details><summary>configuration</summary><table>\n");
    print_config(page, json, "");
    page_print(page, "</table></details>\n");
    cJSON_Delete(json);
    return MIEN_OK;
}

enum mien_status page_run(struct mien_page *page, const char *dir)
{
    enum mien_status status = MIEN_OK;
    struct columns steps = {0}, evals = {0};
    char *log = base_path_join(dir, "log.jsonl"), *config = base_path_join(dir, "config.json");
    FAIL_IF(!log || !config, MIEN_ERR_NOMEM, "out of host memory for a path");
    FAIL_IF(!base_file_exists(log), MIEN_ERR_DATA, "%s: no log.jsonl; a run directory is what `mien train` writes",
            dir);
    TRY(read_log(log, &steps, &evals));
    page_print(page, "<h2>Run ");
    page_text(page, dir);
    page_print(page, "</h2>\n");
    if (steps.count && isfinite(steps.values[0][steps.count - 1]))
        page_print(page, "<p>%.0f steps, last loss %.4f</p>\n", steps.values[0][steps.count - 1],
                   steps.values[1][steps.count - 1]);
    draw_curves(page, &steps, &evals);
    TRY(config_table(page, config));
fail:
    columns_clear(&steps);
    columns_clear(&evals);
    base_free(log);
    base_free(config);
    return status;
}
