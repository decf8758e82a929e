/* probing.c: frozen features and their classes. */
#include "eval/probing.h"

static bool is_usable(const struct data_row *row)
{
    return row->label_count > 0;
}

static enum mien_status list_classes(struct eval_probing *p, const struct mien_eval_params *params)
{
    enum mien_status status = MIEN_OK;
    const struct use_rows *rows = &p->folds.rows;
    struct base_arena *arena = &p->folds.arena;
    TRY(use_classes_list(rows->manifest, params->classes, params->class_count, &p->classes));
    FAIL_IF(p->classes.count < 2, MIEN_ERR_DATA, "%s: %u classes; a probe needs two to tell apart", params->manifest,
            p->classes.count);
    p->truth = base_arena_array(arena, rows->count, sizeof(*p->truth));
    p->trained = base_arena_array(arena, rows->count, sizeof(*p->trained));
    p->tested = base_arena_array(arena, rows->count, sizeof(*p->tested));
    p->names = base_arena_array(arena, p->classes.count, sizeof(*p->names));
    FAIL_IF(!p->truth || !p->trained || !p->tested || !p->names, MIEN_ERR_NOMEM, "out of host memory for labels");
    for (uint32_t c = 0; c < p->classes.count; c++)
        p->names[c] = p->classes.list[c].name;
fail:
    return status;
}

enum mien_status eval_probing_open(struct mien_model *model, const struct mien_eval_params *params,
                                   struct eval_probing *out)
{
    enum mien_status status = MIEN_OK;
    *out = (struct eval_probing){0};
    TRY(eval_folds_read(params, EVAL_FIT, is_usable, "image or clip with a label", &out->folds));
    TRY(list_classes(out, params));
    TRY(eval_folds_embed(&out->folds, model, params));
    TRY(use_classes_of(&out->classes, out->folds.rows.manifest, out->folds.rows.rows, out->folds.rows.count,
                       out->truth));
    out->weights =
        base_arena_array(&out->folds.arena, (size_t)out->classes.count * (out->folds.width + 1), sizeof(*out->weights));
    FAIL_IF_NULL(out->weights, "a probe");
    return MIEN_OK;
fail:
    eval_probing_close(out);
    return status;
}

void eval_probing_close(struct eval_probing *p)
{
    use_classes_clear(&p->classes);
    eval_folds_clear(&p->folds);
    *p = (struct eval_probing){0};
}

struct eval_samples eval_probing_samples(const struct eval_probing *p, uint32_t fold)
{
    size_t n = eval_folds_trained(&p->folds, fold, p->trained), kept = 0;
    for (size_t i = 0; i < n; i++)
        if (p->truth[p->trained[i]] != USE_NO_CLASS)
            p->trained[kept++] = p->trained[i];
    return (struct eval_samples){.x = p->folds.raw,
                                 .rows = p->trained,
                                 .truth = p->truth,
                                 .count = kept,
                                 .width = p->folds.width,
                                 .classes = p->classes.count};
}

void eval_probing_test(const struct eval_probing *p, uint32_t fold, struct use_confusion *confusion)
{
    size_t n = eval_folds_tested(&p->folds, fold, p->tested);
    for (size_t i = 0; i < n; i++) {
        uint32_t row = p->tested[i];
        if (p->truth[row] != USE_NO_CLASS)
            use_confusion_add(confusion, (uint32_t)p->truth[row],
                              eval_logistic_class(p->weights, p->classes.count, p->folds.width,
                                                  p->folds.raw + (size_t)row * p->folds.width));
    }
}

enum mien_status eval_probing_check(const struct mien_eval_params *params)
{
    enum mien_status status = MIEN_OK;
    TRY(eval_logistic_ready());
    TRY(eval_folds_check(params));
fail:
    return status;
}
