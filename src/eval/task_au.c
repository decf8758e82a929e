/* task_au.c: facial action units, several a face: F1 of each and their mean, by sentences or by probes. */
#include "eval/folds.h"
#include "eval/probe.h"
#include "eval/units.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct counts {
    double tp, fp, fn, present; /* present: also where nothing is said */
};

struct task {
    struct mien_model *model;
    const struct mien_eval_params *params;
    struct eval_folds folds;
    const char **names; /* [units] in the order of their numbers */
    uint32_t units;
    double threshold;
    bool probe;
    int32_t *truth; /* [units,rows] 1 = present */
    int8_t *said;   /* [units,rows] 1 = present, -1 = not tested, or nothing is said of the unit */
    uint32_t *rows; /* [rows] */
    size_t n;
};

static bool is_usable(const struct data_row *row)
{
    return row->aus != NULL; /* {} too: a face at rest is a sample */
}

static const struct data_row *row_at(const struct task *t, size_t i)
{
    return &t->folds.rows.manifest->rows[t->folds.rows.rows[i]];
}

/* ---- units and what rows have of them ---- */

static enum mien_status name_units(struct task *t)
{
    enum mien_status status = MIEN_OK;
    size_t total = 0, n = 0;
    for (size_t i = 0; i < t->folds.rows.count; i++)
        total += row_at(t, i)->au_count;
    t->names = base_arena_array(&t->folds.arena, total + 1, sizeof(*t->names));
    FAIL_IF_NULL(t->names, "action units");
    for (size_t i = 0; i < t->folds.rows.count; i++)
        for (uint32_t k = 0; k < row_at(t, i)->au_count; k++)
            t->names[n++] = row_at(t, i)->aus[k].name;
    FAIL_IF(n == 0, MIEN_ERR_DATA, "%s: \"au\" of all rows is empty", t->params->manifest);
    qsort(t->names, n, sizeof(*t->names), eval_unit_order);
    for (size_t i = 0; i < n; i++)
        if (t->units == 0 || strcmp(t->names[t->units - 1], t->names[i]) != 0)
            t->names[t->units++] = t->names[i];
fail:
    return status;
}

/* A unit that a row does not name is not present in it. */
static enum mien_status read_truth(struct task *t)
{
    size_t count = t->folds.rows.count;
    t->truth = base_arena_array(&t->folds.arena, t->units * count, sizeof(*t->truth));
    t->said = base_arena_array(&t->folds.arena, t->units * count, sizeof(*t->said));
    t->rows = base_arena_array(&t->folds.arena, count, sizeof(*t->rows));
    if (!t->truth || !t->said || !t->rows)
        return base_fail(MIEN_ERR_NOMEM, "out of host memory for action units of %zu rows", count);
    memset(t->said, -1, t->units * count);
    for (size_t i = 0; i < count; i++) {
        const struct data_row *row = row_at(t, i);
        for (uint32_t k = 0; k < row->au_count; k++) {
            const char **at = bsearch(&row->aus[k].name, t->names, t->units, sizeof(*t->names), eval_unit_order);
            t->truth[(size_t)(at - t->names) * count + i] = row->aus[k].value >= t->threshold;
        }
    }
    return MIEN_OK;
}

/* ---- by probe ---- */

/* What is trained on into t->rows; how many of a unit are present. */
static size_t list_trained(struct task *t, uint32_t fold, uint32_t unit, size_t *present)
{
    size_t n = eval_folds_trained(&t->folds, fold, t->rows);
    *present = 0;
    for (size_t i = 0; i < n; i++)
        *present += t->truth[unit * t->folds.rows.count + t->rows[i]] == 1;
    return n;
}

static enum mien_status probe_unit(struct task *t, uint32_t fold, uint32_t unit, double *weights)
{
    enum mien_status status = MIEN_OK;
    size_t count = t->folds.rows.count, present, n = list_trained(t, fold, unit, &present);
    uint32_t width = t->folds.width;
    double c;
    const struct eval_samples samples = {
        .x = t->folds.raw, .rows = t->rows, .truth = t->truth + unit * count, .count = n, .width = width, .classes = 2};
    bool both = present > 0 && present < n;
    if (both)
        TRY(eval_logistic_sweep(&samples, &c, weights));
    n = eval_folds_tested(&t->folds, fold, t->rows);
    for (size_t i = 0; i < n; i++)
        t->said[unit * count + t->rows[i]] =
            both ? (int8_t)eval_logistic_class(weights, 2, width, t->folds.raw + (size_t)t->rows[i] * width)
                 : (int8_t)(present > 0);
fail:
    return status;
}

/* ---- by sentence ---- */

struct scored {
    double score;
    int32_t truth;
};

static int by_score(const void *a, const void *b)
{
    double x = ((const struct scored *)a)->score, y = ((const struct scored *)b)->score;
    return (x > y) - (x < y);
}

/* Of the places between scores [n] the one that gives the best F1 when what is above it is present; the lowest of equal
 * ones; 0 where none is present. */
static double best_cut(struct scored *list, size_t n, size_t present)
{
    double best = -1, cut = 0, tp = (double)present, fp = (double)(n - present);
    if (present == 0)
        return 0;
    qsort(list, n, sizeof(*list), by_score);
    for (size_t i = 0; i < n; i++) { /* list[i] and all above it */
        if (i == 0 || list[i].score > list[i - 1].score) {
            double f1 = 2 * tp / (tp + fp + (double)present);
            if (f1 > best) {
                best = f1;
                cut = i ? (list[i].score + list[i - 1].score) / 2 : -(double)INFINITY;
            }
        }
        tp -= list[i].truth == 1;
        fp -= list[i].truth != 1;
    }
    return cut;
}

static enum mien_status cut_unit(struct task *t, uint32_t fold, uint32_t unit, const double *scores,
                                 struct scored *list)
{
    size_t count = t->folds.rows.count, present, n = list_trained(t, fold, unit, &present);
    for (size_t i = 0; i < n; i++)
        list[i] = (struct scored){scores[t->rows[i]], t->truth[unit * count + t->rows[i]]};
    double cut = n ? best_cut(list, n, present) : 0;
    n = eval_folds_tested(&t->folds, fold, t->rows);
    for (size_t i = 0; i < n; i++)
        t->said[unit * count + t->rows[i]] = scores[t->rows[i]] > cut;
    return MIEN_OK;
}

/* How much more a face is like the sentence that a unit is there than like the one that it is not. */
static enum mien_status score_unit(struct task *t, uint32_t unit, double *scores)
{
    enum mien_status status = MIEN_OK;
    uint32_t width = t->folds.width;
    const struct eval_unit *known = eval_unit_find(t->names[unit]);
    const char *const texts[] = {known->present, known->absent};
    float *embeds = base_alloc(3 * (size_t)width, sizeof(*embeds)), *image = embeds + 2 * (size_t)width;
    FAIL_IF_NULL(embeds, "sentences");
    TRY(mien_model_embed_texts(t->model, texts, 2, 0, embeds));
    for (size_t i = 0; i < t->folds.rows.count; i++) {
        if (!t->folds.ok[i])
            continue;
        memcpy(image, t->folds.raw + i * width, width * sizeof(*image));
        nn_normalise_rows(image, 1, width);
        scores[i] = use_dot(image, embeds, width) - use_dot(image, embeds + width, width);
    }
fail:
    base_free(embeds);
    return status;
}

/* ---- all units ---- */

static enum mien_status predict(struct task *t)
{
    enum mien_status status = MIEN_OK;
    size_t count = t->folds.rows.count;
    double *work = base_alloc(BASE_MAX(count, 2 * ((size_t)t->folds.width + 1)), sizeof(*work));
    struct scored *list = base_alloc(count + 1, sizeof(*list));
    FAIL_IF(!work || !list, MIEN_ERR_NOMEM, "out of host memory for action units");
    for (uint32_t u = 0; u < t->units; u++) {
        if (!t->probe && !eval_unit_find(t->names[u])) {
            LOG_WARN("%s: there is no sentence for \"%s\"; it is left out (--by probe takes any)", t->params->manifest,
                     t->names[u]);
            continue;
        }
        if (!t->probe)
            TRY(score_unit(t, u, work));
        for (uint32_t k = 0; k < t->folds.count; k++)
            TRY(t->probe ? probe_unit(t, k, u, work) : cut_unit(t, k, u, work, list));
    }
fail:
    base_free(work);
    base_free(list);
    return status;
}

/* ---- scores ---- */

/* F1 of each unit over rows [n] into f1 [units]; their mean. */
static double score_rows(const struct task *t, const uint32_t *rows, size_t n, struct counts *counts, double *f1)
{
    size_t count = t->folds.rows.count;
    for (uint32_t u = 0; u < t->units; u++) {
        struct counts c = {0};
        for (size_t i = 0; i < n; i++) {
            int said = t->said[u * count + rows[i]], truth = t->truth[u * count + rows[i]];
            c.tp += said == 1 && truth == 1;
            c.fp += said == 1 && truth == 0;
            c.fn += said == 0 && truth == 1;
            c.present += truth == 1;
        }
        counts[u] = c;
        f1[u] = use_f1(c.tp, c.fp, c.fn);
    }
    return eval_spread_of(f1, t->units).mean;
}

/* Rows that are tested and could be read into t->rows. */
static void list_tested(struct task *t)
{
    t->n = 0;
    for (size_t i = 0; i < t->folds.rows.count; i++)
        if (t->folds.test[i] != EVAL_NOWHERE && t->folds.ok[i])
            t->rows[t->n++] = (uint32_t)i;
}

static void put_units(const struct task *t, const struct counts *counts, const double *f1, double *drawn,
                      struct base_json *out)
{
    struct base_json present = base_json_list_begin(), said = base_json_list_begin(),
                     intervals = base_json_list_begin();
    for (uint32_t u = 0; u < t->units; u++) {
        struct eval_interval i = eval_middle(drawn + (size_t)u * EVAL_RESAMPLES, EVAL_RESAMPLES);
        base_add_number(&present, counts[u].present);
        base_add_number(&said, counts[u].tp + counts[u].fp);
        base_add_numbers(&intervals, (const double[]){i.low, i.high}, 2);
    }
    base_put_texts(out, "units", t->names, t->units);
    base_put_numbers(out, "f1", f1, t->units);
    base_put_tree(out, "f1_interval", &intervals);
    base_put_tree(out, "positives", &present);
    base_put_tree(out, "predicted", &said);
}

static enum mien_status put_scores(struct task *t, struct base_json *out)
{
    enum mien_status status = MIEN_OK;
    struct counts *counts = base_alloc(2 * (size_t)t->units, sizeof(*counts));
    double *f1 = base_alloc(2 * (size_t)t->units + (size_t)EVAL_RESAMPLES * (t->units + 1), sizeof(*f1));
    uint32_t *again = base_alloc(t->n + 1, sizeof(*again));
    struct base_rng rng = base_rng_make(t->params->seed, "bootstrap units", t->n, t->units);
    FAIL_IF(!counts || !f1 || !again, MIEN_ERR_NOMEM, "out of host memory for intervals");
    double *one = f1 + t->units, *drawn = one + t->units;
    double mean = score_rows(t, t->rows, t->n, counts, f1);
    for (size_t b = 0; b < EVAL_RESAMPLES; b++) {
        for (size_t i = 0; i < t->n; i++)
            again[i] = t->rows[base_rng_below(&rng, (uint32_t)t->n)];
        drawn[(size_t)t->units * EVAL_RESAMPLES + b] = score_rows(t, again, t->n, counts + t->units, one);
        for (uint32_t u = 0; u < t->units; u++)
            drawn[(size_t)u * EVAL_RESAMPLES + b] = one[u];
    }
    struct eval_interval interval = eval_middle(drawn + (size_t)t->units * EVAL_RESAMPLES, EVAL_RESAMPLES);
    base_put_number(out, "f1_mean", mean);
    base_put_numbers(out, "f1_mean_interval", (const double[]){interval.low, interval.high}, 2);
    put_units(t, counts, f1, drawn, out);
fail:
    base_free(counts);
    base_free(f1);
    base_free(again);
    return status;
}

static enum mien_status run(struct mien_model *model, const struct mien_eval_params *params, struct base_json *out)
{
    enum mien_status status = MIEN_OK;
    struct task t = {.model = model, .params = params};
    bool asked = params->by && strcmp(params->by, "probe") == 0, may = eval_logistic_available();
    t.threshold = params->threshold > 0 ? params->threshold : 0.5;
    TRY(eval_folds_read(params, asked ? EVAL_FIT : EVAL_FIT_MAY, is_usable, "image or clip with action units (\"au\")",
                        &t.folds));
    t.probe = asked || (!params->by && may && t.folds.fitted);
    TRY(eval_folds_embed(&t.folds, model, params));
    TRY(name_units(&t));
    TRY(read_truth(&t));
    TRY(predict(&t));
    list_tested(&t);
    FAIL_IF(t.n == 0, MIEN_ERR_DATA, "%s: no row that is tested could be read", params->manifest);
    eval_folds_head(&t.folds, t.n, out);
    base_put_text(out, "by", t.probe ? "probe" : "sentence");
    base_put_number(out, "threshold", t.threshold);
    TRY(put_scores(&t, out));
fail:
    eval_folds_clear(&t.folds);
    return status;
}

static enum mien_status ready(const struct mien_eval_params *p)
{
    enum mien_status status = MIEN_OK;
    FAIL_IF(p->by && strcmp(p->by, "sentence") != 0 && strcmp(p->by, "probe") != 0, MIEN_ERR_ARG,
            "--by %s: it is one of: sentence, probe", p->by);
    FAIL_IF(!(p->threshold >= 0) || isinf(p->threshold), MIEN_ERR_ARG, "--threshold: a number above 0");
    if (p->by && strcmp(p->by, "probe") == 0)
        TRY(eval_logistic_ready());
    TRY(eval_folds_check(p));
fail:
    return status;
}

/* ---- a result ---- */

static enum mien_status check(const char *where, const cJSON *result)
{
    static const char *const keys[] = {"f1", "f1_interval", "positives", "predicted"};
    const cJSON *units = cJSON_GetObjectItemCaseSensitive(result, "units");
    for (size_t i = 0; i < BASE_COUNT(keys); i++) {
        const cJSON *list = cJSON_GetObjectItemCaseSensitive(result, keys[i]);
        if (!cJSON_IsArray(units) || !cJSON_IsArray(list) || cJSON_GetArraySize(list) != cJSON_GetArraySize(units))
            return base_fail(MIEN_ERR_DATA, "%s: \"units\" and \"%s\" do not fit together", where, keys[i]);
    }
    return MIEN_OK;
}

enum { NAME, F1, INTERVAL, POSITIVES, PREDICTED };
static const char *const lists[] = {"units", "f1", "f1_interval", "positives", "predicted", NULL};

static int left_out(const cJSON *result)
{
    int n = 0;
    for (struct eval_walk w = eval_walk_begin(result, lists); w.at[NAME]; eval_walk_on(&w))
        n += isnan(eval_number(w.at[F1]));
    return n;
}

static void print(struct base_text *out, const cJSON *result)
{
    int out_of = left_out(result);
    base_text_print(out, "%-10s %7s %9s %9s\n", "unit", "F1", "positives", "predicted");
    for (struct eval_walk w = eval_walk_begin(result, lists); w.at[NAME]; eval_walk_on(&w))
        base_text_print(out, "%-10s %7.3f %9.0f %9.0f\n", eval_word(w.at[NAME]), eval_number(w.at[F1]),
                        eval_number(w.at[POSITIVES]), eval_number(w.at[PREDICTED]));
    eval_print_bad(out, result);
    if (out_of)
        base_text_print(out, "%d unit(s) without positives or without a sentence are not in the mean\n", out_of);
    base_text_print(out, "split %s, n %.0f, by %s, %.0f fold(s) by %s, present from %g on\n",
                    eval_word(cJSON_GetObjectItemCaseSensitive(result, "split")), eval_member(result, "n"),
                    eval_word(cJSON_GetObjectItemCaseSensitive(result, "by")), eval_member(result, "fold_count"),
                    eval_word(cJSON_GetObjectItemCaseSensitive(result, "folds")), eval_member(result, "threshold"));
    base_text_print(out, "au F1 %.3f\n", eval_member(result, "f1_mean"));
}

static void headline(struct mien_page *page, const cJSON *result)
{
    eval_card(page, "F1, mean of the units", eval_member(result, "f1_mean"), eval_interval_of(result, "f1_mean"));
}

static void chapter(struct mien_page *page, const cJSON *result)
{
    int out_of = left_out(result);
    page_print(page, "<div class=\"wide\"><table><tr><th "
                     "class=\"l\">Unit</th><th>F1</th><th>positives</th><th>predicted</th></tr>\n");
    for (struct eval_walk w = eval_walk_begin(result, lists); w.at[NAME]; eval_walk_on(&w)) {
        double low = eval_element(w.at[INTERVAL], 0), high = eval_element(w.at[INTERVAL], 1);
        page_print(page, "<tr><th scope=\"row\" class=\"l\">");
        page_words(page, eval_word(w.at[NAME]), PAGE_LABEL);
        page_print(page, "</th><td>");
        page_number(page, eval_number(w.at[F1]), 3);
        if (isfinite(low) && isfinite(high))
            page_print(page, " <span class=\"soft\">%.2f to %.2f</span>", low, high);
        page_print(page, "</td><td>");
        page_count(page, eval_number(w.at[POSITIVES]));
        page_print(page, "</td><td>");
        page_count(page, eval_number(w.at[PREDICTED]));
        page_print(page, "</td></tr>\n");
    }
    page_print(page, "</table></div>\n");
    if (out_of)
        page_print(page,
                   "<p class=\"soft\">%d unit(s) without positives or without a sentence are not in the "
                   "mean.</p>\n",
                   out_of);
}

static const char *const options[] = {"by", "threshold", "folds", NULL};

static const struct eval_metric metrics[] = {{"f1_mean", "F1", 0}, {0}};

const struct eval_task eval_task_au = {
    .info = {.name = "au",
             .summary =
                 "facial action units (\"au\", present from --threshold on): F1 of each and their mean, by a logistic "
                 "regression for each unit on frozen raw embeddings of the train split (--by probe), or by a sentence "
                 "that it is there against one that it is not (--by sentence), cut where the train split's F1 is best, "
                 "or at 0 without one; units without positives are null and not in the mean",
             .options = options},
    .title = "Action units",
    .metrics = metrics,
    .ready = ready,
    .run = run,
    .check = check,
    .print = print,
    .headline = headline,
    .chapter = chapter,
};
