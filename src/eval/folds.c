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
    bool known = !split;
    f->how = "split";
    f->count = 1;
    for (size_t s = 0; s < BASE_COUNT(names) && tested == 0; s++) {
        if (split && strcmp(split, names[s]) != 0)
            continue;
        known = true;
        f->split = names[s];
        for (size_t i = 0; i < f->rows.count; i++) {
            f->test[i] = row_at(f, i)->split == kinds[s] ? 0 : EVAL_NOWHERE;
            tested += f->test[i] == 0;
        }
    }
    FAIL_IF(!known, MIEN_ERR_ARG, "split %s: what is fitted to the train split is tested on test or val", split);
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

enum mien_status eval_folds_read(const char *manifest, const char *columns, const char *how, const char *split,
                                 bool (*usable)(const struct data_row *row), const char *what, struct eval_folds *out)
{
    enum mien_status status = MIEN_OK;
    *out = (struct eval_folds){0};
    out->rows.columns = columns;
    TRY(use_rows_read(manifest, "all", usable, what, &out->rows));
    out->test = base_arena_array(&out->arena, out->rows.count, sizeof(*out->test));
    out->train = base_arena_array(&out->arena, out->rows.count, sizeof(*out->train));
    FAIL_IF(!out->test || !out->train, MIEN_ERR_NOMEM, "out of host memory for folds");
    FAIL_IF(how && strcmp(how, "split") != 0 && strcmp(how, "fold") != 0 && strcmp(how, "subject") != 0, MIEN_ERR_ARG,
            "--folds %s: it is one of: split, fold, subject", how);
    if (how ? strcmp(how, "split") == 0 : !has_folds(out))
        TRY(by_split(out, split));
    else
        TRY(by_fold(out, how && strcmp(how, "subject") == 0));
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

enum mien_status eval_folds_embed(struct eval_folds *f, struct mien_model *model,
                                  const struct mien_embed_params *params)
{
    enum mien_status status = MIEN_OK;
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
    TRY(use_embed_rows_raw(model, &f->rows, params, f->raw, f->ok));
fail:
    return status;
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
    struct eval_spread out = {NAN, NAN};
    double sum = 0, square = 0;
    for (size_t i = 0; i < count; i++)
        sum += values[i];
    if (count)
        out.mean = sum / (double)count;
    for (size_t i = 0; i < count; i++)
        square += (values[i] - out.mean) * (values[i] - out.mean);
    if (count > 1)
        out.deviation = sqrt(square / (double)(count - 1));
    return out;
}
