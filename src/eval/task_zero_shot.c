/* task_zero_shot.c: every labelled image of a split classified by the sentences of its data set's labels. */
#include "eval/confusion.h"
#include "eval/map.h"
#include "eval/mistakes.h"
#include "eval/timelines.h"
#include "use/scorer.h"

struct task {
    struct mien_model *model;
    const struct mien_eval_params *params;
    struct use_rows rows;
    struct base_arena arena;
    struct use_classes classes;
    struct use_scorer scorer;
    int32_t *truth;       /* [count] */
    uint32_t *prediction; /* [count] */
    bool *ok;             /* [count] the image could be read */
    float *embeds;        /* [count,E] */
    struct use_confusion confusion;
};

static bool is_usable(const struct data_row *row)
{
    return row->label_count > 0;
}

/* ---- classes ---- */

/* Rows of other classes than those that were asked for go. */
static void drop_others(struct task *t)
{
    size_t kept = 0;
    for (size_t i = 0; i < t->rows.count; i++) {
        if (t->truth[i] == USE_NO_CLASS)
            continue;
        t->rows.rows[kept] = t->rows.rows[i];
        t->truth[kept++] = t->truth[i];
    }
    if (kept < t->rows.count)
        LOG_INFO("%s: %zu rows of other labels are left out", t->params->manifest, t->rows.count - kept);
    t->rows.count = kept;
}

static enum mien_status list_classes(struct task *t)
{
    enum mien_status status = MIEN_OK;
    const struct mien_eval_params *p = t->params;
    TRY(use_classes_list(t->rows.manifest, p->classes, p->class_count, &t->classes));
    FAIL_IF(t->classes.count == 0, MIEN_ERR_ARG, "an empty list of classes");
    t->truth = base_arena_array(&t->arena, t->rows.count, sizeof(*t->truth));
    FAIL_IF_NULL(t->truth, "labels");
    TRY(use_classes_of(&t->classes, t->rows.manifest, t->rows.rows, t->rows.count, t->truth));
    drop_others(t);
    FAIL_IF(t->rows.count == 0, MIEN_ERR_DATA, "%s: no row in split %s has one of the %u labels that were asked for",
            p->manifest, t->rows.split, t->classes.count);
    TRY(use_scorer_create(t->model, &t->classes, p->labels, &t->scorer));
fail:
    return status;
}

/* ---- classification ---- */

static enum mien_status classify(struct task *t)
{
    enum mien_status status = MIEN_OK;
    size_t count = t->rows.count;
    const struct mien_embed_params params = eval_embed_params(t->params);
    t->embeds = base_arena_array(&t->arena, count * t->scorer.width, sizeof(*t->embeds));
    t->ok = base_arena_array(&t->arena, count, sizeof(*t->ok));
    t->prediction = base_arena_array(&t->arena, count, sizeof(*t->prediction));
    FAIL_IF(!t->embeds || !t->ok || !t->prediction, MIEN_ERR_NOMEM, "out of host memory for %zu embeddings", count);
    TRY(use_embed_rows(t->model, &t->rows, &params, t->embeds, t->ok));
    TRY(use_scorer_run(&t->scorer, &(struct use_scored){t->embeds, t->ok, t->truth, count}, t->prediction,
                       &t->confusion));
fail:
    return status;
}

/* ---- the task ---- */

static enum mien_status put_result(struct task *t, struct base_json *out)
{
    enum mien_status status = MIEN_OK;
    uint64_t n = use_confusion_total(&t->confusion);
    const struct use_scored samples = {t->embeds, t->ok, t->truth, t->rows.count};
    const struct mien_embed_params params = eval_embed_params(t->params);
    const struct eval_points points = {t->embeds, t->ok, t->truth, t->prediction, t->rows.count, t->scorer.width};
    const char **names = base_arena_array(&t->arena, t->classes.count, sizeof(*names));
    FAIL_IF_NULL(names, "a result");
    for (uint32_t c = 0; c < t->classes.count; c++)
        names[c] = t->classes.list[c].name;
    eval_put_head(out, &t->rows, n, t->rows.count - n);
    TRY(eval_put_confusion(out, names, &t->confusion, t->params->seed));
    TRY(eval_put_mistakes(out, t->model, &t->rows, &t->scorer, &samples, t->prediction));
    TRY(eval_put_timelines(out, t->model, &t->rows, &t->scorer, &samples, t->prediction, &params));
    TRY(eval_put_map(out, &points));
fail:
    return status;
}

static enum mien_status run(struct mien_model *model, const struct mien_eval_params *params, struct base_json *out)
{
    enum mien_status status = MIEN_OK;
    struct task task = {.model = model, .params = params};
    task.rows.columns = params->columns;
    TRY(use_rows_read(params->manifest, params->split, is_usable, "image or clip with a label", &task.rows));
    TRY(list_classes(&task));
    TRY(classify(&task));
    TRY(put_result(&task, out));
fail:
    use_confusion_destroy(&task.confusion);
    use_scorer_clear(&task.scorer);
    use_classes_clear(&task.classes);
    base_arena_clear(&task.arena);
    use_rows_clear(&task.rows);
    return status;
}

static void print(struct base_text *out, const cJSON *result)
{
    eval_print_confusion(out, result);
    base_text_print(out, "zero-shot UAR %.3f WAR %.3f\n", eval_member(result, "uar"), eval_member(result, "war"));
}

static void chapter(struct mien_page *page, const cJSON *result)
{
    eval_chapter_confusion(page, result);
    eval_chapter_mistakes(page, result);
    eval_chapter_timelines(page, result);
    eval_chapter_map(page, result);
}

static const char *const options[] = {"labels", "templates", "descriptions", "average", NULL};

static const struct eval_metric metrics[] = {{"uar", "UAR", 0}, {"war", "WAR", 0}, {0}};

const struct eval_task eval_task_zero_shot = {
    .info = {.name = "zero-shot",
             .summary =
                 "each image goes to the label whose sentences are most like it (several labels of a row are one "
                 "compound class; the classes are all labels of the manifest, whatever the split, or those given): "
                 "confusion matrix (rows: truth), recall per class, WAR (accuracy) and UAR (mean recall), with 95 % "
                 "bootstrap intervals; training chooses best/ by the same UAR",
             .options = options},
    .title = "Zero-shot classification",
    .metrics = metrics,
    .run = run,
    .check = eval_check_confusion,
    .print = print,
    .headline = eval_headline_confusion,
    .chapter = chapter,
};
