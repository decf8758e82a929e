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
    float *truth, *said; /* [rows,targets]; NaN where there is none */
    bool head;
    uint32_t scored; /* folds that are scored apart; of subjects, who are few rows each, all predictions together */
    double *scores;  /* [4 measures, scored, targets] */
};
enum { PCC, CCC, MAE, RMSE, MEASURES };
static const char *const measures[] = {"pcc", "ccc", "mae", "rmse"};

static bool is_usable(const struct data_row *row)
{
    return row->target_count > 0 || row->has_va;
}

static enum mien_status name_targets(struct task *t)
{
    static const char *const va[] = {"valence", "arousal"};
    enum mien_status status = MIEN_OK;
    const struct io_head_config *head = &t->model->nn->config.head;
    struct base_arena *arena = &t->folds.arena;
    t->head = head->kind == IO_HEAD_REGRESSION && !t->params->folds;
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
    if (!t->truth || !t->said || !t->scores)
        return base_fail(MIEN_ERR_NOMEM, "out of host memory for targets of %zu rows", count);
    for (size_t i = 0; i < count * n; i++) {
        double value = NAN;
        const struct data_row *row = &t->folds.rows.manifest->rows[t->folds.rows.rows[i / n]];
        (void)use_row_target(row, t->names[i % n], &value);
        t->truth[i] = (float)value;
        t->said[i] = NAN;
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
            t->said[rows[i] * t->targets + k] =
                (float)eval_linear(weights, k, width, t->folds.raw + (size_t)rows[i] * width);
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
static size_t pairs_of(const struct task *t, uint32_t fold, size_t target, const uint32_t *order, float *pairs)
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
            pairs[2 * n] = (float)(said / (double)rows);
            pairs[2 * n++ + 1] = (float)(truth / (double)rows);
            rows = 0;
            said = truth = 0;
        }
        if (i == t->folds.rows.count)
            break;
        size_t at = row * t->targets + target;
        if (t->folds.test[row] == EVAL_NOWHERE || (t->scored > 1 && t->folds.test[row] != fold) || !t->folds.ok[row] ||
            !isfinite(t->truth[at]) || !isfinite(t->said[at]))
            continue;
        said += (double)t->said[at];
        truth += (double)t->truth[at];
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
static struct use_agreement agreement(const struct task *t, const float *pairs, size_t n)
{
    struct use_agreement a = use_agreement_of(pairs, pairs + 1, n, 2);
    if (t->params->emoclip)
        a = use_agreement_emoclip(pairs, pairs + 1, n, 2);
    return a;
}

static enum mien_status score(struct task *t, uint64_t *n)
{
    enum mien_status status = MIEN_OK;
    uint32_t *order = order_rows(t);
    float *pairs = base_arena_array(&t->folds.arena, 2 * t->folds.rows.count + 2, sizeof(*pairs));
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
fail:
    return status;
}

/* The mean over the folds where it is a number: of target k; of all targets with the folds' deviation. */
static void put_measure(const struct task *t, size_t m, struct base_json *out)
{
    double of_target[IO_HEAD_TARGETS_MAX * 4], of_fold[4096];
    char name[32];
    size_t folds = BASE_MIN((size_t)t->scored, BASE_COUNT(of_fold)), used = 0;
    size_t targets = BASE_MIN(t->targets, BASE_COUNT(of_target));
    for (size_t k = 0; k < targets; k++) {
        double sum = 0;
        size_t n = 0;
        for (size_t f = 0; f < t->scored; f++) {
            double value = t->scores[((size_t)m * t->scored + f) * t->targets + k];
            sum += isfinite(value) ? value : 0;
            n += isfinite(value);
        }
        of_target[k] = n ? sum / (double)n : NAN;
    }
    for (size_t f = 0; f < folds; f++) {
        struct eval_spread all = eval_spread_of(&t->scores[((size_t)m * t->scored + f) * t->targets], t->targets);
        if (isfinite(all.mean))
            of_fold[used++] = all.mean;
    }
    struct eval_spread spread = eval_spread_of(of_fold, used);
    base_put_numbers(out, measures[m], of_target, targets);
    snprintf(name, sizeof(name), "%s_mean", measures[m]);
    base_put_number(out, name, spread.mean);
    snprintf(name, sizeof(name), "%s_deviation", measures[m]);
    base_put_number(out, name, spread.deviation);
}

static enum mien_status run(struct mien_model *model, const struct mien_eval_params *params, struct base_json *out)
{
    enum mien_status status = MIEN_OK;
    struct task t = {.model = model, .params = params};
    const struct mien_embed_params embed = {
        .frames = params->frames, .progress = params->progress, .user = params->user, .store = params->store};
    uint64_t n, bad = 0;
    TRY(eval_folds_read(params->manifest, params->columns, params->folds, params->split, is_usable,
                        "image or clip with targets", &t.folds));
    TRY(name_targets(&t));
    for (size_t i = 0; t.head && i < t.folds.rows.count; i++) /* nothing is fitted */
        t.folds.train[i] = false;
    TRY(eval_folds_embed(&t.folds, model, &embed));
    TRY(read_truth(&t));
    TRY(predict(&t));
    TRY(score(&t, &n));
    for (size_t i = 0; i < t.folds.rows.count; i++)
        bad += !t.folds.ok[i];
    base_put_text(out, "split", t.folds.split ? t.folds.split : "all");
    base_put_text(out, "folds", t.folds.how);
    base_put_number(out, "fold_count", t.folds.count);
    base_put_number(out, "n", (double)n);
    base_put_number(out, "bad", (double)bad);
    base_put_text(out, "by", t.head ? "head" : "ridge");
    base_put_text(out, "unit", params->sessions ? "subject" : "row");
    base_put_texts(out, "targets", t.names, t.targets);
    for (size_t m = 0; m < MEASURES; m++)
        put_measure(&t, m, out);
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

static void print(struct base_text *out, const cJSON *result)
{
    const cJSON *name = NULL;
    int i = 0;
    base_text_print(out, "%-20s %7s %7s %8s %8s\n", "target", "PCC", "CCC", "MAE", "RMSE");
    cJSON_ArrayForEach(name, cJSON_GetObjectItemCaseSensitive(result, "targets"))
    {
        base_text_print(out, "%-20s", eval_word(name));
        for (size_t m = 0; m < MEASURES; m++)
            base_text_print(out, m < MAE ? " %7.3f" : " %8.4f",
                            eval_element(cJSON_GetObjectItemCaseSensitive(result, measures[m]), i));
        base_text_print(out, "\n");
        i++;
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
    const cJSON *name = NULL;
    int i = 0;
    page_print(page, "<table><tr><th class=\"l\">Target</th><th>PCC</th><th>CCC</th><th>MAE</th><th>RMSE</th></tr>\n");
    cJSON_ArrayForEach(name, cJSON_GetObjectItemCaseSensitive(result, "targets"))
    {
        page_print(page, "<tr><th scope=\"row\" class=\"l\">");
        page_words(page, eval_word(name), PAGE_LABEL);
        page_print(page, "</th>");
        for (size_t m = 0; m < MEASURES; m++) {
            page_print(page, "<td>");
            page_number(page, eval_element(cJSON_GetObjectItemCaseSensitive(result, measures[m]), i), 3);
            page_print(page, "</td>");
        }
        page_print(page, "</tr>\n");
        i++;
    }
    page_print(page, "</table>\n");
}

static const char *const options[] = {"folds", "sessions", "compat", NULL};

const struct eval_task eval_task_regression = {
    .info = {.name = "regression",
             .summary =
                 "numbers (\"targets\", else valence and arousal) by the model's head, or, without one or by folds, "
                 "by ridge regression on frozen raw embeddings: PCC, CCC, MAE and RMSE of each, and their means",
             .options = options},
    .title = "Regression",
    .run = run,
    .check = check,
    .print = print,
    .headline = headline,
    .chapter = chapter,
};
