/* folds.c: splits, folds and subjects as folds. */
#include "eval/folds.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct data_row *row_at(const struct eval_folds *f, size_t i)
{
    return &f->rows.manifest->rows[f->rows.rows[i]];
}

/* ---- which rows ---- */

static enum mien_status by_split(struct eval_folds *f, const char *split)
{
    static const char *const names[] = {"test", "val"};
    static const enum data_split kinds[] = {DATA_SPLIT_TEST, DATA_SPLIT_VAL};
    enum mien_status status = MIEN_OK;
    size_t tested = 0, trained = 0;
    f->how = "split";
    f->count = 1;
    for (size_t s = 0; s < BASE_COUNT(names) && tested == 0; s++) {
        if (split && strcmp(split, names[s]) != 0)
            continue;
        f->split = names[s];
        for (size_t i = 0; i < f->rows.count; i++) {
            f->test[i] = row_at(f, i)->split == kinds[s] ? 0 : EVAL_NOWHERE;
            tested += f->test[i] == 0;
        }
    }
    FAIL_IF(!f->split, MIEN_ERR_ARG, "split %s: what is fitted to the train split is tested on test or val", split);
    for (size_t i = 0; i < f->rows.count; i++) {
        enum data_split own = row_at(f, i)->split;
        f->train[i] = own == DATA_SPLIT_TRAIN || own == DATA_SPLIT_NONE;
        trained += f->train[i];
    }
    FAIL_IF(tested == 0 || trained == 0, MIEN_ERR_DATA,
            "%s: %s; give rows \"split\" train and test, or \"fold\" (--folds fold), or \"subject\" (--folds subject)",
            f->rows.manifest->path, tested ? "nothing of the train split to fit to" : "no rows to test on");
fail:
    return status;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Each name of `names` [rows.count] is a fold, in the order of bytes; rows without one are trained on only. */
static enum mien_status by_names(struct eval_folds *f, const char **names)
{
    enum mien_status status = MIEN_OK;
    size_t n = 0, kept = 0;
    const char **sorted = base_arena_array(&f->arena, f->rows.count + 1, sizeof(*sorted));
    FAIL_IF_NULL(sorted, "folds");
    for (size_t i = 0; i < f->rows.count; i++)
        if (names[i])
            sorted[n++] = names[i];
    qsort(sorted, n, sizeof(*sorted), by_name);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || strcmp(sorted[kept - 1], sorted[i]) != 0)
            sorted[kept++] = sorted[i];
    FAIL_IF(kept < 2, MIEN_ERR_DATA, "%s: rows of two different %ss are needed, %zu found", f->rows.manifest->path,
            f->how, kept);
    f->count = (uint32_t)kept;
    for (size_t i = 0; i < f->rows.count; i++) {
        const char **found = names[i] ? bsearch(&names[i], sorted, kept, sizeof(*sorted), by_name) : NULL;
        f->test[i] = found ? (uint32_t)(found - sorted) : EVAL_NOWHERE;
        f->train[i] = true;
    }
fail:
    return status;
}

static enum mien_status by_fold(struct eval_folds *f, bool subjects)
{
    enum mien_status status = MIEN_OK;
    const char **names = base_arena_array(&f->arena, f->rows.count + 1, sizeof(*names));
    FAIL_IF_NULL(names, "folds");
    f->how = subjects ? "subject" : "fold";
    for (size_t i = 0; i < f->rows.count; i++) {
        const struct data_row *row = row_at(f, i);
        names[i] = subjects || row->fold < 0 ? NULL : base_arena_printf(&f->arena, "%09d", row->fold);
        FAIL_IF(!subjects && row->fold >= 0 && !names[i], MIEN_ERR_NOMEM, "out of host memory for folds");
        if (subjects)
            names[i] = row->subject;
    }
    TRY(by_names(f, names));
fail:
    return status;
}

static bool has_folds(const struct eval_folds *f)
{
    bool folds = false, tests = false;
    for (size_t i = 0; i < f->rows.count; i++) {
        folds = folds || row_at(f, i)->fold >= 0;
        tests = tests || row_at(f, i)->split == DATA_SPLIT_TEST || row_at(f, i)->split == DATA_SPLIT_VAL;
    }
    return folds && !tests;
}

/* Whether a split can be tested by the rows of train. */
static bool has_both(const struct eval_folds *f, const char *split)
{
    bool trained = false, tested = false;
    for (size_t i = 0; i < f->rows.count; i++) {
        enum data_split own = row_at(f, i)->split;
        trained = trained || own == DATA_SPLIT_TRAIN || own == DATA_SPLIT_NONE;
        tested = tested || (own == DATA_SPLIT_TEST && (!split || strcmp(split, "test") == 0)) ||
                 (own == DATA_SPLIT_VAL && (!split || strcmp(split, "val") == 0));
    }
    return trained && tested;
}

static enum mien_status read_rows(struct eval_folds *f, const char *manifest, const char *split,
                                  bool (*usable)(const struct data_row *row), const char *what)
{
    enum mien_status status = MIEN_OK;
    TRY(use_rows_read(manifest, split, usable, what, &f->rows));
    f->test = base_arena_array(&f->arena, f->rows.count, sizeof(*f->test));
    f->train = base_arena_array(&f->arena, f->rows.count, sizeof(*f->train));
    FAIL_IF(!f->test || !f->train, MIEN_ERR_NOMEM, "out of host memory for folds");
fail:
    return status;
}

enum mien_status eval_folds_check(const struct mien_eval_params *p)
{
    enum mien_status status = MIEN_OK;
    const char *how = p->folds;
    FAIL_IF(how && strcmp(how, "split") != 0 && strcmp(how, "fold") != 0 && strcmp(how, "subject") != 0, MIEN_ERR_ARG,
            "--folds %s: it is one of: split, fold, subject", how);
    FAIL_IF(how && strcmp(how, "split") != 0 && p->split && strcmp(p->split, "all") != 0, MIEN_ERR_ARG,
            "--folds %s takes the rows of all splits; leave --split %s out", how, p->split);
fail:
    return status;
}

enum mien_status eval_folds_read(const struct mien_eval_params *p, enum eval_fit fit,
                                 bool (*usable)(const struct data_row *row), const char *what, struct eval_folds *out)
{
    enum mien_status status = MIEN_OK;
    *out = (struct eval_folds){.fitted = true};
    out->rows.columns = p->columns;
    TRY(eval_folds_check(p));
    if (fit != EVAL_FIT_NOT) {
        bool split_asked = p->folds && strcmp(p->folds, "split") == 0;
        TRY(read_rows(out, p->manifest, "all", usable, what));
        if (p->folds ? !split_asked : has_folds(out) && (!p->split || strcmp(p->split, "all") == 0)) {
            TRY(by_fold(out, p->folds && strcmp(p->folds, "subject") == 0));
            return MIEN_OK;
        }
        if (fit == EVAL_FIT || split_asked || has_both(out, p->split)) {
            TRY(by_split(out, p->split));
            return MIEN_OK;
        }
        eval_folds_clear(out);
        out->rows.columns = p->columns;
        out->rows.quiet = true;
    }
    out->fitted = false;
    TRY(read_rows(out, p->manifest, p->split, usable, what)); /* all in fold 0, nothing trained on */
    out->count = 1;
    out->how = "split";
    out->split = out->rows.split;
    return MIEN_OK;
fail:
    eval_folds_clear(out);
    return status;
}

void eval_folds_clear(struct eval_folds *f)
{
    use_rows_clear(&f->rows);
    base_arena_clear(&f->arena);
    *f = (struct eval_folds){0};
}

/* ---- features ---- */

enum mien_status eval_folds_embed(struct eval_folds *f, struct mien_model *model, const struct mien_eval_params *params)
{
    enum mien_status status = MIEN_OK;
    const struct mien_embed_params embed = eval_embed_params(params);
    size_t kept = 0;
    for (size_t i = 0; i < f->rows.count; i++) { /* what no fold looks at is not embedded */
        if (f->test[i] == EVAL_NOWHERE && !f->train[i])
            continue;
        f->rows.rows[kept] = f->rows.rows[i];
        f->test[kept] = f->test[i];
        f->train[kept++] = f->train[i];
    }
    f->rows.count = kept;
    f->width = model->nn->config.embed;
    f->raw = base_arena_array(&f->arena, kept * f->width, sizeof(*f->raw));
    f->ok = base_arena_array(&f->arena, kept, sizeof(*f->ok));
    FAIL_IF(!f->raw || !f->ok, MIEN_ERR_NOMEM, "out of host memory for %zu embeddings", kept);
    TRY(use_embed_rows_raw(model, &f->rows, &embed, f->raw, f->ok));
fail:
    return status;
}

uint64_t eval_folds_bad(const struct eval_folds *f)
{
    uint64_t bad = 0;
    for (size_t i = 0; i < f->rows.count; i++)
        bad += !f->ok[i];
    return bad;
}

void eval_folds_head(const struct eval_folds *f, uint64_t n, struct base_json *out)
{
    base_put_text(out, "split", f->split ? f->split : "all");
    base_put_text(out, "folds", f->how);
    base_put_number(out, "fold_count", f->count);
    base_put_number(out, "n", (double)n);
    base_put_number(out, "bad", (double)eval_folds_bad(f));
}

size_t eval_folds_tested(const struct eval_folds *f, uint32_t k, uint32_t *out)
{
    size_t n = 0;
    for (size_t i = 0; i < f->rows.count; i++)
        if (f->test[i] == k && f->ok[i])
            out[n++] = (uint32_t)i;
    return n;
}

size_t eval_folds_trained(const struct eval_folds *f, uint32_t k, uint32_t *out)
{
    size_t n = 0;
    for (size_t i = 0; i < f->rows.count; i++)
        if (f->train[i] && f->test[i] != k && f->ok[i])
            out[n++] = (uint32_t)i;
    return n;
}

struct eval_spread eval_spread_of(const double *values, size_t count)
{
    struct eval_spread out = {(double)NAN, (double)NAN};
    double sum = 0, square = 0;
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        sum += isnan(values[i]) ? 0 : values[i];
        n += !isnan(values[i]);
    }
    if (n)
        out.mean = sum / (double)n;
    for (size_t i = 0; i < count; i++)
        square += isnan(values[i]) ? 0 : (values[i] - out.mean) * (values[i] - out.mean);
    if (n > 1)
        out.deviation = sqrt(square / (double)(n - 1));
    return out;
}
