/* report_run.c: a training run: curves and configuration. */
#include "eval/eval.h"
#include "io/safetensors.h"

#include <math.h>
#include <stdlib.h>
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

static enum mien_status config_table(struct mien_page *page, const char *path)
{
    cJSON *json = NULL;
    if (!base_file_exists(path))
        return MIEN_OK;
    enum mien_status status = base_json_read(path, &json);
    if (status != MIEN_OK)
        return status;
    page_print(page, "<details><summary>Configuration</summary><div class=\"wide\" tabindex=\"0\" role=\"region\" "
                     "aria-label=\"Configuration\"><table class=\"config\"><tbody>\n");
    print_config(page, json, "");
    page_print(page, "</tbody></table></div></details>\n");
    cJSON_Delete(json);
    return MIEN_OK;
}

/* ---- the opening ---- */

/* What is known of a run besides its curves. */
struct facts {
    char device[128], data[128], name[128];
    double parameters, samples, batch, seconds; /* NaN: not known */
};

/* A report is about what is there: what cannot be read is not known. But memory that has run out is no absence. */
static enum mien_status survived(enum mien_status status)
{
    return status == MIEN_ERR_NOMEM ? status : MIEN_OK;
}

/* The newest of checkpoints/step-N that has a state.json: its path, base_alloc'ed; NULL where there is none. */
static enum mien_status newest_state(const char *dir, char **found)
{
    enum mien_status status = MIEN_OK;
    char **names = NULL, *all = base_path_join(dir, "checkpoints"), *path = NULL;
    size_t count = 0;
    uint64_t best = 0;
    FAIL_IF_NULL(all, "a path");
    if (base_file_is_dir(all))
        TRY(base_dir_list(all, &names, &count));
    for (size_t i = 0; i < count; i++) {
        char *end = NULL, name[300];
        uint64_t step = strncmp(names[i], "step-", 5) == 0 ? strtoull(names[i] + 5, &end, 10) : 0;
        if (!end || *end || step < best)
            continue;
        snprintf(name, sizeof(name), "%s/state.json", names[i]);
        path = base_path_join(all, name);
        FAIL_IF_NULL(path, "a path");
        if (base_file_exists(path)) {
            base_free(*found);
            *found = path;
            path = NULL;
            best = step;
        }
        base_free(path);
        path = NULL;
    }
fail:
    base_dir_list_free(&names, &count);
    base_free(all);
    return status;
}

static enum mien_status read_state(const char *dir, struct facts *out)
{
    enum mien_status status = MIEN_OK;
    cJSON *json = NULL;
    char *path = NULL;
    TRY(newest_state(dir, &path));
    if (path)
        TRY(base_json_read(path, &json));
    const char *device = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "device"));
    snprintf(out->device, sizeof(out->device), "%s", device ? device : "");
    out->samples = eval_member(json, "samples");
fail:
    cJSON_Delete(json);
    base_free(path);
    return survived(status);
}

static enum mien_status count_parameters(const char *dir, const char *name, struct facts *out)
{
    enum mien_status status = MIEN_OK;
    struct io_safetensors *file = NULL;
    char *path = base_path_join(dir, name);
    FAIL_IF_NULL(path, "a path");
    if (!isnan(out->parameters) || !base_file_exists(path))
        goto fail;
    TRY(io_safetensors_open(path, &file));
    out->parameters = 0;
    for (size_t t = 0; t < io_safetensors_count(file); t++)
        out->parameters += (double)io_safetensors_at(file, t)->count;
fail:
    io_safetensors_close(&file);
    base_free(path);
    return survived(status);
}

static enum mien_status read_config(const char *dir, struct facts *out)
{
    enum mien_status status = MIEN_OK;
    cJSON *json = NULL;
    char *path = base_path_join(dir, "config.json");
    FAIL_IF_NULL(path, "a path");
    if (base_file_exists(path))
        TRY(base_json_read(path, &json));
    const cJSON *data = cJSON_GetObjectItemCaseSensitive(json, "data");
    out->batch = eval_member(cJSON_GetObjectItemCaseSensitive(json, "run"), "batch");
    page_name_of(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(data, "train")), out->data, sizeof(out->data));
fail:
    cJSON_Delete(json);
    base_free(path);
    return survived(status);
}

/* From the rates of the steps; those between two rows of the log are taken to have gone as fast as the second. */
static double seconds_of(const struct columns *steps, double batch)
{
    double sum = 0, before = 0;
    for (size_t i = 0; i < steps->count; i++) {
        double step = steps->values[0][i], rate = steps->values[7][i];
        if (!(step > before) || !(rate > 0))
            continue;
        sum += (step - before) * batch / rate;
        before = step;
    }
    return sum > 0 ? sum : (double)NAN;
}

/* The name of a run is that of its directory, also where that is given as "." */
static enum mien_status name_run(const char *dir, struct facts *out)
{
    enum mien_status status = MIEN_OK;
    char *whole = NULL;
    const char *end = strrchr(dir, '/');
    const char *last = end && end[1] ? end + 1 : dir;
    if (strcmp(last, ".") == 0 || strcmp(last, "..") == 0)
        status = base_path_absolute(dir, &whole);
    page_name_of(status == MIEN_OK && whole ? whole : dir, out->name, sizeof(out->name));
    base_free(whole);
    return survived(status);
}

static enum mien_status read_facts(const char *dir, const struct columns *steps, struct facts *out)
{
    enum mien_status status = MIEN_OK;
    const double unknown = (double)NAN;
    enum mien_log_level before = base_log_soften(MIEN_LOG_DEBUG);
    *out = (struct facts){.parameters = unknown, .samples = unknown, .batch = unknown, .seconds = unknown};
    TRY(name_run(dir, out));
    TRY(read_state(dir, out));
    TRY(count_parameters(dir, "model/model.safetensors", out));
    TRY(count_parameters(dir, "best/model.safetensors", out));
    TRY(read_config(dir, out));
    out->seconds = seconds_of(steps, out->batch);
fail:
    base_log_soften(before);
    return status == MIEN_OK ? MIEN_OK : base_fail(status, "%s: out of host memory for what the run was", dir);
}

/* The row with the largest value of a column; SIZE_MAX when there is none. */
static size_t best_of(const struct columns *c, int key)
{
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < c->count; i++)
        if (isfinite(c->values[key][i]) && (best == SIZE_MAX || c->values[key][i] > c->values[key][best]))
            best = i;
    return best;
}

static void print_cards(struct mien_page *page, const struct columns *steps, const struct columns *evals)
{
    char note[64];
    size_t best = best_of(evals, 3);
    page_print(page, "<dl class=\"cards\">\n");
    if (best != SIZE_MAX) {
        snprintf(note, sizeof(note), "at step %.0f", evals->values[0][best]);
        page_card(page, "Best UAR, validation", evals->values[3][best], 3, note);
    }
    if (steps->count) {
        size_t last = steps->count - 1;
        snprintf(note, sizeof(note), "%.4g at the first", steps->values[1][0]);
        page_card(page, "Last loss", steps->values[1][last], 3, isfinite(steps->values[1][0]) ? note : "");
        page_card(page, "Steps", steps->values[0][last], 0, "");
    }
    page_print(page, "</dl>\n");
}

static void print_duration(struct mien_page *page, double seconds)
{
    if (!(seconds < 1e9))
        return;
    uint64_t s = (uint64_t)(seconds + 0.5), hours = s / 3600, minutes = s / 60 % 60;
    page_fact_begin(page, "Duration");
    if (seconds < 10)
        page_print(page, "%.1f s", seconds);
    else if (hours)
        page_print(page, "%llu h %02llu min", (unsigned long long)hours, (unsigned long long)minutes);
    else if (minutes)
        page_print(page, "%llu min %02llu s", (unsigned long long)minutes, (unsigned long long)(s % 60));
    else
        page_print(page, "%llu s", (unsigned long long)s);
    page_print(page, ", steps alone");
    page_fact_end(page);
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

static enum mien_status open_page(struct mien_page *page, const char *dir, const struct columns *steps,
                                  const struct columns *evals)
{
    struct facts f;
    enum mien_status status = read_facts(dir, steps, &f);
    if (status != MIEN_OK)
        return base_fail(status, "out of host memory for a report on %s", dir);
    page_front_begin(page, PAGE_RUNS, "Training", f.name);
    print_cards(page, steps, evals);
    page_print(page, "<dl class=\"facts\">\n");
    print_fact(page, "Device", f.device);
    print_number(page, "Parameters", f.parameters);
    print_duration(page, f.seconds);
    print_fact(page, "Data", f.data);
    print_number(page, "Samples", f.samples);
    print_number(page, "Batch", f.batch);
    page_print(page, "</dl>\n");
    page_front_end(page, PAGE_RUNS);
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
    TRY(open_page(page, dir, &steps, &evals));
    page_print(page, "<h2>Training ");
    page_words(page, dir, PAGE_PATH);
    page_print(page, "</h2>\n");
    draw_curves(page, &steps, &evals);
    TRY(config_table(page, config));
fail:
    columns_clear(&steps);
    columns_clear(&evals);
    base_free(log);
    base_free(config);
    return status;
}
