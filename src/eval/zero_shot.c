/* zero_shot.c: every labelled image of a split classified by the sentences of its data set's labels. */
#include "eval/bootstrap.h"
#include "eval/map.h"
#include "use/rows.h"
#include "use/scorer.h"

#include <string.h>

struct task {
    struct mien_model *model;
    const struct mien_zero_shot_params *params;
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
    const struct mien_zero_shot_params *p = t->params;
    TRY(use_classes_list(t->rows.manifest, p->classes, p->class_count, &t->classes));
    FAIL_IF(t->classes.count == 0, MIEN_ERR_ARG, "mien_eval_zero_shot: an empty list of classes");
    t->truth = base_arena_array(&t->arena, t->rows.count, sizeof(*t->truth));
    FAIL_IF_NULL(t->truth, "labels");
    TRY(use_classes_of(&t->classes, t->rows.manifest, t->rows.rows, t->rows.count, t->truth));
    drop_others(t);
    FAIL_IF(t->rows.count == 0, MIEN_ERR_DATA, "%s: no row in split %s has one of the %u labels that were asked for",
            p->manifest, t->rows.split, t->classes.count);
    TRY(use_scorer_create(t->model, &t->classes, &p->labels, &t->scorer));
fail:
    return status;
}

/* ---- classification ---- */

static enum mien_status classify(struct task *t)
{
    enum mien_status status = MIEN_OK;
    size_t count = t->rows.count;
    const struct mien_embed_params params = {
        .frames = t->params->frames, .progress = t->params->progress, .user = t->params->user};
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

/* ---- result ---- */

static enum mien_status make_map(struct task *t, struct mien_zero_shot *r)
{
    enum mien_status status = MIEN_OK;
    uint32_t width = t->scorer.width;
    size_t points = BASE_MIN(t->rows.count, (size_t)MIEN_MAP_POINTS), kept = 0;
    float *rows = base_arena_array(&t->arena, points * width, sizeof(*rows));
    float *xy = base_arena_array(&t->arena, points * 2, sizeof(*xy));
    r->map = base_alloc(points, sizeof(*r->map));
    FAIL_IF(!rows || !xy || !r->map, MIEN_ERR_NOMEM, "out of host memory for a map");
    for (size_t p = 0; p < points; p++) {
        size_t i = p * t->rows.count / points;
        if (!t->ok[i])
            continue;
        memcpy(rows + kept * width, t->embeds + i * width, width * sizeof(*rows));
        r->map[kept++] = (struct mien_map_point){0, 0, (uint32_t)t->truth[i], t->prediction[i]};
    }
    r->map_count = kept;
    TRY(eval_map(rows, kept, width, xy));
    for (size_t p = 0; p < kept; p++) {
        r->map[p].x = xy[2 * p];
        r->map[p].y = xy[2 * p + 1];
    }
fail:
    return status;
}

static enum mien_status fill_classes(const struct task *t, struct mien_zero_shot *r)
{
    enum mien_status status = MIEN_OK;
    size_t count = t->classes.count;
    r->classes = base_alloc(count, sizeof(*r->classes));
    r->recall = base_alloc(count, sizeof(*r->recall));
    r->recall_interval = base_alloc(count, sizeof(*r->recall_interval));
    FAIL_IF(!r->classes || !r->recall || !r->recall_interval, MIEN_ERR_NOMEM, "out of host memory for a result");
    r->class_count = count;
    for (uint32_t c = 0; c < count; c++) {
        r->classes[c] = use_copy_text(t->classes.list[c].name);
        FAIL_IF_NULL(r->classes[c], "a result");
        r->recall[c] = use_recall(&t->confusion, c);
    }
fail:
    return status;
}

static enum mien_status make_result(struct task *t, struct mien_zero_shot **out)
{
    enum mien_status status = MIEN_OK;
    struct mien_zero_shot *r = base_alloc(1, sizeof(*r));
    FAIL_IF_NULL(r, "a result");
    TRY(fill_classes(t, r));
    r->n = use_confusion_total(&t->confusion);
    r->bad = t->rows.count - r->n;
    r->present = use_present(&t->confusion);
    r->war = use_war(&t->confusion);
    r->uar = use_uar(&t->confusion);
    TRY(eval_confusion_intervals(&t->confusion, t->params->seed, &r->war_interval, &r->uar_interval,
                                 r->recall_interval));
    TRY(make_map(t, r));
    r->confusion = t->confusion.counts; /* handed over */
    t->confusion.counts = NULL;
    strncpy(r->split, t->rows.split, sizeof(r->split) - 1);
    *out = r;
    return MIEN_OK;
fail:
    mien_zero_shot_destroy(&r);
    return status;
}

enum mien_status mien_eval_zero_shot(struct mien_model *model, const struct mien_zero_shot_params *params,
                                     struct mien_zero_shot **out)
{
    enum mien_status status = MIEN_OK;
    struct task task = {.model = model, .params = params};
    FAIL_IF(!model || !params || !params->manifest || !out, MIEN_ERR_ARG,
            "mien_eval_zero_shot: a model, a manifest and a place for the result are needed");
    *out = NULL;
    TRY(use_rows_read(params->manifest, params->split, is_usable, "image or clip with a label", &task.rows));
    TRY(list_classes(&task));
    TRY(classify(&task));
    TRY(make_result(&task, out));
fail:
    use_confusion_destroy(&task.confusion);
    use_scorer_clear(&task.scorer);
    use_classes_clear(&task.classes);
    base_arena_clear(&task.arena);
    use_rows_clear(&task.rows);
    return status;
}

void mien_zero_shot_destroy(struct mien_zero_shot **result)
{
    if (!result || !*result)
        return;
    for (size_t c = 0; (*result)->classes && c < (*result)->class_count; c++)
        base_free((*result)->classes[c]);
    base_free((*result)->classes);
    base_free((*result)->recall);
    base_free((*result)->recall_interval);
    base_free((*result)->confusion);
    base_free((*result)->map);
    base_free(*result);
    *result = NULL;
}
