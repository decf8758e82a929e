/* task_regression.c: numbers of rows predicted by the model's head, or by ridge regression on frozen features. */
#include "eval/folds.h"

#include "eval/eval.h"
#include "eval/probe.h"
#include "use/head.h"
#include "use/metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct task {
    struct mien_model *model;
    const struct mien_eval_params *params;
    struct eval_folds folds;
    const char *const *names; /* [targets] */
    size_t targets;
    double *truth, *said; /* [rows,targets]; NaN where there is none */
    bool head;
    uint32_t scored; /* folds that are scored apart; of subjects, who are few rows each, all predictions together */
    double *scores;  /* [4 measures, scored, targets] */
    struct eval_interval *intervals; /* [PCC and CCC, targets] */
};
enum { PCC, CCC, MAE, RMSE, MEASURES };
static const char *const measures[] = {"pcc", "ccc", "mae", "rmse"};

static bool is_usable(const struct data_row *row)
{
    return row->target_count > 0 || row->has_va;
}

static bool is_usable_by_head(const struct data_row *row)
{
    return is_usable(row) || row->au_count > 0; /* a head may have learnt those too */
}

static enum mien_status name_targets(struct task *t)
{
    static const char *const va[] = {"valence", "arousal"};
    enum mien_status status = MIEN_OK;
    const struct io_head_config *head = &t->model->nn->config.head;
    struct base_arena *arena = &t->folds.arena;
    if (t->head) {
        const char **names = base_arena_array(arena, head->targets, sizeof(*names));
        FAIL_IF_NULL(names, "targets");
        for (uint32_t i = 0; i < head->targets; i++)
            names[i] = head->name[i];
        t->names = names;
        t->targets = head->targets;
        return MIEN_OK;
    }
    TRY(use_target_names(t->folds.rows.manifest, t->folds.rows.rows, t->folds.rows.count, arena, &t->names,
                         &t->targets));
    if (t->targets == 0) {
        t->names = va;
        t->targets = 2;
    }
fail:
    return status;
}

static enum mien_status read_truth(struct task *t)
{
    size_t count = t->folds.rows.count, n = t->targets;
    t->scored = strcmp(t->folds.how, "subject") == 0 ? 1 : t->folds.count;
    t->truth = base_arena_array(&t->folds.arena, count * n, sizeof(*t->truth));
    t->said = base_arena_array(&t->folds.arena, count * n, sizeof(*t->said));
    t->scores = base_arena_array(&t->folds.arena, (size_t)MEASURES * t->scored * n, sizeof(*t->scores));
    t->intervals = base_arena_array(&t->folds.arena, 2 * n, sizeof(*t->intervals));
    if (!t->truth || !t->said || !t->scores || !t->intervals)
        return base_fail(MIEN_ERR_NOMEM, "out of host memory for targets of %zu rows", count);
    for (size_t i = 0; i < count * n; i++) {
        double value = (double)NAN;
        const struct data_row *row = &t->folds.rows.manifest->rows[t->folds.rows.rows[i / n]];
        (void)use_row_target(row, t->names[i % n], &value);
        t->truth[i] = value;
        t->said[i] = (double)NAN;
    }
    return MIEN_OK;
}

/* ---- predictions ---- */

static bool is_whole(const struct task *t, uint32_t row)
{
    for (size_t k = 0; k < t->targets; k++)
        if (!isfinite(t->truth[row * t->targets + k]))
            return false;
    return true;
}

static enum mien_status predict_fold(struct task *t, uint32_t fold, uint32_t *rows, double *weights)
{
    enum mien_status status = MIEN_OK;
    size_t n = eval_folds_trained(&t->folds, fold, rows), kept = 0;
    uint32_t width = t->folds.width;
    double strength;
    for (size_t i = 0; i < n; i++)
        if (is_whole(t, rows[i]))
            rows[kept++] = rows[i];
    const struct eval_samples samples = {.x = t->folds.raw,
                                         .rows = rows,
                                         .value = t->truth,
                                         .count = kept,
                                         .width = width,
                                         .classes = (uint32_t)t->targets};
    FAIL_IF(kept < 3, MIEN_ERR_DATA, "%s: %zu rows with all targets are too few to fit to", t->params->manifest, kept);
    TRY(eval_ridge_sweep(&samples, &strength, weights));
    n = eval_folds_tested(&t->folds, fold, rows);
    for (size_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < t->targets; k++)
            t->said[rows[i] * t->targets + k] = eval_linear(weights, k, width, t->folds.raw + (size_t)rows[i] * width);
fail:
    return status;
}

static enum mien_status predict(struct task *t)
{
    enum mien_status status = MIEN_OK;
    uint32_t *rows = base_alloc(t->folds.rows.count + 1, sizeof(*rows));
    double *weights = base_alloc(t->targets * ((size_t)t->folds.width + 1), sizeof(*weights));
    FAIL_IF(!rows || !weights, MIEN_ERR_NOMEM, "out of host memory for a regression");
    if (t->head)
        TRY(use_head_run(t->model, t->folds.raw, t->folds.rows.count, t->said));
    for (uint32_t k = 0; !t->head && k < t->folds.count; k++)
        TRY(predict_fold(t, k, rows, weights));
fail:
    base_free(rows);
    base_free(weights);
    return status;
}

/* ---- scores ---- */

/* Pairs of a fold and target: said, truth; of sessions the means over rows of one subject. */
static size_t pairs_of(const struct task *t, uint32_t fold, size_t target, const uint32_t *order, double *pairs)
{
    size_t n = 0, rows = 0;
    const char *last = NULL;
    double said = 0, truth = 0;
    for (size_t i = 0; i <= t->folds.rows.count; i++) {
        uint32_t row = i < t->folds.rows.count ? order[i] : 0;
        const char *subject =
            i < t->folds.rows.count ? t->folds.rows.manifest->rows[t->folds.rows.rows[row]].subject : NULL;
        bool same = t->params->sessions && last && subject && strcmp(last, subject) == 0;
        if (rows && !same) { /* the one before is complete */
            pairs[2 * n] = said / (double)rows;
            pairs[2 * n++ + 1] = truth / (double)rows;
            rows = 0;
            said = truth = 0;
        }
        if (i == t->folds.rows.count)
            break;
        size_t at = row * t->targets + target;
        if (t->folds.test[row] == EVAL_NOWHERE || (t->scored > 1 && t->folds.test[row] != fold) || !t->folds.ok[row] ||
            !isfinite(t->truth[at]) || !isfinite(t->said[at]))
            continue;
        said += t->said[at];
        truth += t->truth[at];
        rows++;
        last = subject;
    }
    return n;
}

struct ordered {
    const char *subject;
    uint32_t row;
};

static int by_subject(const void *a, const void *b)
{
    const struct ordered *x = a, *y = b;
    int order = strcmp(x->subject ? x->subject : "", y->subject ? y->subject : "");
    return order ? order : (x->row > y->row) - (x->row < y->row);
}

/* Rows so that those of one subject stand together. */
static uint32_t *order_rows(struct task *t)
{
    size_t count = t->folds.rows.count;
    struct ordered *list = base_arena_array(&t->folds.arena, count, sizeof(*list));
    uint32_t *order = base_arena_array(&t->folds.arena, count, sizeof(*order));
    for (size_t i = 0; list && order && i < count; i++)
        list[i] = (struct ordered){t->folds.rows.manifest->rows[t->folds.rows.rows[i]].subject, (uint32_t)i};
    if (!list || !order)
        return NULL;
    if (t->params->sessions)
        qsort(list, count, sizeof(*list), by_subject);
    for (size_t i = 0; i < count; i++)
        order[i] = list[i].row;
    return order;
}

/* EmoCLIP's code adds 1e-5 to the denominators of PCC and CCC (its utils.py). */
static struct use_agreement agreement(const struct task *t, const double *pairs, size_t n)
{
    struct use_agreement a = use_agreement_of(pairs, pairs + 1, n, 2);
    if (t->params->emoclip)
        a = use_agreement_emoclip(pairs, pairs + 1, n, 2);
    return a;
}

/* Draws of as many pairs, with replacement: their PCC and CCC are added to sums [2, EVAL_RESAMPLES] and counted where
 * they are numbers. */
static void resample(const struct task *t, const double *pairs, size_t n, double *drawn, double *sums, uint32_t *counts)
{
    struct base_rng rng = base_rng_make(t->params->seed, "bootstrap pairs", n, 0);
    for (size_t b = 0; n && b < EVAL_RESAMPLES; b++) {
        for (size_t i = 0; i < n; i++)
            memcpy(drawn + 2 * i, pairs + 2 * (size_t)base_rng_below(&rng, (uint32_t)n), 2 * sizeof(*drawn));
        struct use_agreement a = agreement(t, drawn, n);
        const double values[] = {a.pcc, a.ccc};
        for (size_t m = 0; m < BASE_COUNT(values); m++) {
            sums[m * EVAL_RESAMPLES + b] += isnan(values[m]) ? 0 : values[m];
            counts[m * EVAL_RESAMPLES + b] += !isnan(values[m]);
        }
    }
}

/* Of each target: how far the mean over the folds moves when rows (subjects, of sessions) are drawn again. */
static enum mien_status find_intervals(struct task *t, const uint32_t *order, double *pairs)
{
    enum { VALUES = 2 * EVAL_RESAMPLES };
    enum mien_status status = MIEN_OK;
    double *drawn = base_alloc(2 * t->folds.rows.count + 2, sizeof(*drawn));
    double *sums = base_alloc(VALUES, sizeof(*sums));
    uint32_t *counts = base_alloc(VALUES, sizeof(*counts));
    FAIL_IF(!drawn || !sums || !counts, MIEN_ERR_NOMEM, "out of host memory for intervals");
    for (size_t k = 0; k < t->targets; k++) {
        memset(sums, 0, VALUES * sizeof(*sums));
        memset(counts, 0, VALUES * sizeof(*counts));
        for (uint32_t f = 0; f < t->scored; f++)
            resample(t, pairs, pairs_of(t, f, k, order, pairs), drawn, sums, counts);
        for (size_t i = 0; i < VALUES; i++)
            sums[i] = counts[i] ? sums[i] / counts[i] : (double)NAN;
        t->intervals[PCC * t->targets + k] = eval_middle(sums, EVAL_RESAMPLES);
        t->intervals[CCC * t->targets + k] = eval_middle(sums + EVAL_RESAMPLES, EVAL_RESAMPLES);
    }
fail:
    base_free(drawn);
    base_free(sums);
    base_free(counts);
    return status;
}

static enum mien_status score(struct task *t, uint64_t *n)
{
    enum mien_status status = MIEN_OK;
    uint32_t *order = order_rows(t);
    double *pairs = base_arena_array(&t->folds.arena, 2 * t->folds.rows.count + 2, sizeof(*pairs));
    FAIL_IF(!order || !pairs, MIEN_ERR_NOMEM, "out of host memory for scores");
    *n = 0;
    for (uint32_t f = 0; f < t->scored; f++) {
        size_t most = 0;
        for (size_t k = 0; k < t->targets; k++) {
            size_t count = pairs_of(t, f, k, order, pairs);
            struct use_agreement a = agreement(t, pairs, count);
            const double values[MEASURES] = {a.pcc, a.ccc, a.mae, a.rmse};
            for (size_t m = 0; m < MEASURES; m++)
                t->scores[((size_t)m * t->scored + f) * t->targets + k] = values[m];
            most = BASE_MAX(most, count);
        }
        *n += most;
    }
    FAIL_IF(*n == 0, MIEN_ERR_DATA, "%s: no row that is tested has a target that is predicted", t->params->manifest);
    TRY(find_intervals(t, order, pairs));
fail:
    return status;
}

/* The mean over the folds where it is a number: of each target; of all targets with the folds' deviation. */
static enum mien_status put_measure(const struct task *t, size_t m, struct base_json *out)
{
    enum mien_status status = MIEN_OK;
    size_t most = BASE_MAX(t->targets, (size_t)t->scored);
    double *values = base_alloc(2 * most, sizeof(*values)), *column = values + most;
    struct base_json intervals = base_json_list_begin();
    char name[32];
    FAIL_IF_NULL(values, "scores");
    for (size_t k = 0; k < t->targets; k++) {
        for (size_t f = 0; f < t->scored; f++)
            column[f] = t->scores[((size_t)m * t->scored + f) * t->targets + k];
        values[k] = eval_spread_of(column, t->scored).mean;
    }
    base_put_numbers(out, measures[m], values, t->targets);
    for (size_t k = 0; m <= CCC && k < t->targets; k++) {
        struct eval_interval i = t->intervals[m * t->targets + k];
        base_add_numbers(&intervals, (const double[]){i.low, i.high}, 2);
    }
    snprintf(name, sizeof(name), "%s_interval", measures[m]);
    if (m <= CCC)
        base_put_tree(out, name, &intervals);
    for (size_t f = 0; f < t->scored; f++)
        values[f] = eval_spread_of(&t->scores[((size_t)m * t->scored + f) * t->targets], t->targets).mean;
    struct eval_spread spread = eval_spread_of(values, t->scored);
    snprintf(name, sizeof(name), "%s_mean", measures[m]);
    base_put_number(out, name, spread.mean);
    snprintf(name, sizeof(name), "%s_deviation", measures[m]);
    base_put_number(out, name, spread.deviation);
fail:
    cJSON_Delete(intervals.tree);
    base_free(values);
    return status;
}

static enum mien_status run(struct mien_model *model, const struct mien_eval_params *params, struct base_json *out)
{
    enum mien_status status = MIEN_OK;
    struct task t = {.model = model, .params = params};
    uint64_t n = 0;
    t.head = model->nn->config.head.kind == IO_HEAD_REGRESSION && !params->folds;
    TRY(eval_folds_read(params, t.head ? EVAL_FIT_NOT : EVAL_FIT, t.head ? is_usable_by_head : is_usable,
                        "image or clip with targets", &t.folds));
    TRY(name_targets(&t));
    TRY(eval_folds_embed(&t.folds, model, params));
    TRY(read_truth(&t));
    TRY(predict(&t));
    TRY(score(&t, &n));
    eval_folds_head(&t.folds, n, out);
    base_put_text(out, "by", t.head ? "head" : "ridge");
    base_put_text(out, "unit", params->sessions ? "subject" : "row");
    base_put_texts(out, "targets", t.names, t.targets);
    for (size_t m = 0; m < MEASURES; m++)
        TRY(put_measure(&t, m, out));
fail:
    eval_folds_clear(&t.folds);
    return status;
}

/* ---- a result ---- */

static enum mien_status check(const char *where, const cJSON *result)
{
    const cJSON *targets = cJSON_GetObjectItemCaseSensitive(result, "targets");
    for (size_t m = 0; m < MEASURES; m++)
        if (!cJSON_IsArray(targets) ||
            cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(result, measures[m])) != cJSON_GetArraySize(targets))
            return base_fail(MIEN_ERR_DATA, "%s: \"targets\" and \"%s\" do not fit together", where, measures[m]);
    return MIEN_OK;
}

/* The first are those of `measures`. */
enum { NAME = MEASURES, RANGE };
static const char *const lists[] = {"pcc", "ccc", "mae", "rmse", "targets", "pcc_interval", "ccc_interval", NULL};

static void print(struct base_text *out, const cJSON *result)
{
    base_text_print(out, "%-20s %7s %7s %8s %8s\n", "target", "PCC", "CCC", "MAE", "RMSE");
    for (struct eval_walk w = eval_walk_begin(result, lists); w.at[NAME]; eval_walk_on(&w)) {
        base_text_print(out, "%-20s", eval_word(w.at[NAME]));
        for (size_t m = 0; m < MEASURES; m++)
            base_text_print(out, m < MAE ? " %7.3f" : " %8.4f", eval_number(w.at[m]));
        base_text_print(out, "\n");
    }
    eval_print_bad(out, result);
    base_text_print(out, "%s, n %.0f (%ss), %.0f fold(s) by %s\n",
                    eval_word(cJSON_GetObjectItemCaseSensitive(result, "by")), eval_member(result, "n"),
                    eval_word(cJSON_GetObjectItemCaseSensitive(result, "unit")), eval_member(result, "fold_count"),
                    eval_word(cJSON_GetObjectItemCaseSensitive(result, "folds")));
    base_text_print(out, "regression PCC %.3f CCC %.3f\n", eval_member(result, "pcc_mean"),
                    eval_member(result, "ccc_mean"));
}

static void headline(struct mien_page *page, const cJSON *result)
{
    page_card(page, "PCC, mean of the targets", eval_member(result, "pcc_mean"), 3, "");
    page_card(page, "CCC, mean of the targets", eval_member(result, "ccc_mean"), 3, "");
}

static void chapter(struct mien_page *page, const cJSON *result)
{
    page_print(page, "<div class=\"wide\"><table><tr><th class=\"l\">Target</th><th>PCC</th><th>CCC</th><th>MAE</th>"
                     "<th>RMSE</th></tr>\n");
    for (struct eval_walk w = eval_walk_begin(result, lists); w.at[NAME]; eval_walk_on(&w)) {
        page_print(page, "<tr><th scope=\"row\" class=\"l\">");
        page_words(page, eval_word(w.at[NAME]), PAGE_LABEL);
        page_print(page, "</th>");
        for (size_t m = 0; m < MEASURES; m++) {
            const cJSON *range = m < MAE ? w.at[RANGE + m] : NULL;
            double low = eval_element(range, 0), high = eval_element(range, 1);
            page_print(page, "<td>");
            page_number(page, eval_number(w.at[m]), 3);
            if (isfinite(low) && isfinite(high))
                page_print(page, " <span class=\"soft\">%.2f to %.2f</span>", low, high);
            page_print(page, "</td>");
        }
        page_print(page, "</tr>\n");
    }
    page_print(page, "</table></div>\n");
}

static const char *const options[] = {"folds", "sessions", "compat", NULL};

static const struct eval_metric metrics[] = {{"pcc_mean", "PCC", -1}, {"ccc_mean", "CCC", -1}, {0}};

const struct eval_task eval_task_regression = {
    .info = {.name = "regression",
             .summary =
                 "numbers (\"targets\", else valence and arousal) by the model's head, or, without one or by folds, "
                 "by ridge regression on frozen raw embeddings: PCC, CCC, MAE and RMSE of each, and their means",
             .options = options},
    .title = "Regression",
    .metrics = metrics,
    .ready = eval_folds_check,
    .run = run,
    .check = check,
    .print = print,
    .headline = headline,
    .chapter = chapter,
};
