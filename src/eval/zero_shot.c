/* zero_shot.c: every labelled image of a split classified by the sentences of its data set's labels. */
#include "eval/bootstrap.h"
#include "eval/map.h"
#include "use/rows.h"

#include <stdlib.h>
#include <string.h>

enum { LABEL_MAX = 512 };

struct task {
    struct mien_model *model;
    const struct mien_zero_shot_params *params;
    struct use_rows rows;
    struct base_arena arena;
    const char **classes; /* sorted */
    size_t class_count;
    uint32_t *truth, *prediction; /* [count] indices into classes */
    bool *ok;                     /* [count] the image could be read */
    float *embeds;                /* [count, E] */
    float *class_embeds;          /* [class_count, E] */
    struct use_confusion confusion;
    uint64_t bad;
};

/* ---- classes ---- */

static bool is_usable(const struct data_row *row)
{
    return row->label_count > 0;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A row's class: its label, or "a and b", in whichever order the row names them. */
static const char *class_of(struct task *t, size_t i)
{
    char text[LABEL_MAX];
    const struct data_row *row = &t->rows.manifest->rows[t->rows.rows[i]];
    return row->label_count == 1 ? row->labels[0]
                                 : base_arena_strdup(&t->arena, data_row_label(row, text, sizeof(text)));
}

static enum mien_status list_classes(struct task *t)
{
    enum mien_status status = MIEN_OK;
    size_t count = t->rows.count, kept = 0;
    const char **names = base_arena_array(&t->arena, count, sizeof(*names));
    t->classes = base_arena_array(&t->arena, count, sizeof(*t->classes));
    t->truth = base_arena_array(&t->arena, count, sizeof(*t->truth));
    FAIL_IF(!names || !t->classes || !t->truth, MIEN_ERR_NOMEM, "out of host memory for labels");
    for (size_t i = 0; i < count; i++) {
        names[i] = class_of(t, i);
        FAIL_IF_NULL(names[i], "labels");
        t->classes[i] = names[i];
    }
    qsort(t->classes, count, sizeof(*t->classes), by_text);
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || strcmp(t->classes[kept - 1], t->classes[i]) != 0)
            t->classes[kept++] = t->classes[i];
    }
    t->class_count = kept;
    for (size_t i = 0; i < count; i++) {
        const char **found = bsearch(&names[i], t->classes, kept, sizeof(*t->classes), by_text);
        t->truth[i] = (uint32_t)(found - t->classes);
    }
fail:
    return status;
}

/* Some row that has the class. */
static const struct data_row *row_of_class(const struct task *t, uint32_t class)
{
    size_t i = 0;
    while (t->truth[i] != class)
        i++;
    return &t->rows.manifest->rows[t->rows.rows[i]];
}

/* One class: the mean of its labels' embeddings, out [E]; of unit length where embeddings are averaged. */
static enum mien_status embed_class(struct task *t, uint32_t class, float *out)
{
    enum mien_status status = MIEN_OK;
    const struct data_row *row = row_of_class(t, class);
    uint32_t width = t->model->nn->config.embed;
    struct mien_label *labels = base_alloc(row->label_count, sizeof(*labels));
    float *each = base_alloc((size_t)row->label_count * width, sizeof(*each));
    size_t count = 0;
    FAIL_IF(!labels || !each, MIEN_ERR_NOMEM, "out of host memory for the classes' embeddings");
    for (const char *name = NULL; (name = data_row_label_after(row, name));)
        labels[count++].name = name;
    TRY(use_embed_labels(t->model, labels, count, &t->params->labels, each));
    use_mean(each, count, width, out);
    if (t->params->labels.average == MIEN_AVERAGE_EMBEDS)
        nn_normalise_rows(out, 1, width);
fail:
    base_free(labels);
    base_free(each);
    return status;
}

static enum mien_status embed_classes(struct task *t)
{
    enum mien_status status = MIEN_OK;
    uint32_t width = t->model->nn->config.embed;
    t->class_embeds = base_arena_array(&t->arena, t->class_count * width, sizeof(*t->class_embeds));
    FAIL_IF_NULL(t->class_embeds, "the classes' embeddings");
    for (uint32_t c = 0; c < t->class_count; c++)
        TRY(embed_class(t, c, t->class_embeds + (size_t)c * width));
fail:
    return status;
}

/* ---- classification ---- */

static uint32_t nearest_class(const struct task *t, const float *embed)
{
    uint32_t width = t->model->nn->config.embed, best = 0;
    double most = 0;
    for (uint32_t c = 0; c < t->class_count; c++) {
        double dot = use_dot(embed, t->class_embeds + (size_t)c * width, width);
        if (c == 0 || dot > most) {
            most = dot;
            best = c;
        }
    }
    return best;
}

static enum mien_status classify(struct task *t)
{
    enum mien_status status = MIEN_OK;
    size_t count = t->rows.count;
    uint32_t width = t->model->nn->config.embed;
    t->embeds = base_arena_array(&t->arena, count * width, sizeof(*t->embeds));
    t->ok = base_arena_array(&t->arena, count, sizeof(*t->ok));
    t->prediction = base_arena_array(&t->arena, count, sizeof(*t->prediction));
    FAIL_IF(!t->embeds || !t->ok || !t->prediction, MIEN_ERR_NOMEM, "out of host memory for %zu embeddings", count);
    TRY(use_embed_rows(t->model, &t->rows, t->params->progress, t->params->user, t->embeds, t->ok));
    for (size_t i = 0; i < count; i++) {
        t->prediction[i] = nearest_class(t, t->embeds + i * width);
        if (t->ok[i])
            use_confusion_add(&t->confusion, t->truth[i], t->prediction[i]);
        else
            t->bad++;
    }
fail:
    return status;
}

/* ---- result ---- */

static enum mien_status make_map(struct task *t, struct mien_zero_shot *r)
{
    enum mien_status status = MIEN_OK;
    uint32_t width = t->model->nn->config.embed;
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
        r->map[kept++] = (struct mien_map_point){0, 0, t->truth[i], t->prediction[i]};
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
    r->classes = base_alloc(t->class_count, sizeof(*r->classes));
    r->recall = base_alloc(t->class_count, sizeof(*r->recall));
    r->recall_interval = base_alloc(t->class_count, sizeof(*r->recall_interval));
    FAIL_IF(!r->classes || !r->recall || !r->recall_interval, MIEN_ERR_NOMEM, "out of host memory for a result");
    r->class_count = t->class_count;
    for (uint32_t c = 0; c < t->class_count; c++) {
        r->classes[c] = use_copy_text(t->classes[c]);
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
    r->bad = t->bad;
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
    TRY(embed_classes(&task));
    TRY(use_confusion_create((uint32_t)task.class_count, &task.confusion));
    TRY(classify(&task));
    TRY(make_result(&task, out));
fail:
    use_confusion_destroy(&task.confusion);
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
