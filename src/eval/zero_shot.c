/* zero_shot.c: every labelled image of a split classified by the sentences of its data set's labels. */
#include "eval/metrics.h"
#include "eval/model_use.h"
#include "mien/eval.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK = 128 }; /* images read and embedded at a time */

struct task {
    struct mien_model *model;
    const struct mien_zero_shot_params *params;
    struct data_manifest *manifest;
    uint32_t *rows; /* labelled images of the split */
    size_t count;
    uint32_t *truth; /* [count] index into classes */
    const char *split;
    const char **classes; /* sorted; borrowed from the manifest */
    size_t class_count;
    float *class_embeds; /* [class_count, E] */
    struct eval_confusion confusion;
    uint64_t bad;
};

/* ---- rows and classes ---- */

static bool is_usable(const struct data_row *row)
{
    return row->image && row->label_count == 1;
}

static enum mien_status select_split(struct task *t, enum data_split split, bool absent_too, const char *name)
{
    size_t kept = 0;
    enum mien_status status = data_manifest_select(t->manifest, split, absent_too, &t->rows, &t->count);
    if (status != MIEN_OK)
        return status;
    for (size_t i = 0; i < t->count; i++) {
        if (is_usable(&t->manifest->rows[t->rows[i]]))
            t->rows[kept++] = t->rows[i];
    }
    t->count = kept;
    t->split = name;
    return MIEN_OK;
}

static const struct {
    const char *name;
    enum data_split split;
    bool absent_too;
} splits[] = {{"test", DATA_SPLIT_TEST, false},
              {"val", DATA_SPLIT_VAL, false},
              {"all", DATA_SPLIT_NONE, true},
              {"train", DATA_SPLIT_TRAIN, false}};

/* The split that is asked for, or the first of test, val and all that has rows. */
static enum mien_status choose_rows(struct task *t)
{
    enum mien_status status = MIEN_OK;
    const char *want = t->params->split;
    bool known = !want;
    for (size_t i = 0; i < BASE_COUNT(splits) - (want ? 0 : 1) && t->count == 0; i++) {
        if (want && strcmp(want, splits[i].name) != 0)
            continue;
        known = true;
        base_free(t->rows);
        t->rows = NULL;
        TRY(select_split(t, splits[i].split, splits[i].absent_too, splits[i].name));
    }
    FAIL_IF(!known, MIEN_ERR_ARG, "unknown split \"%s\"; it is one of: train, val, test, all", want);
    FAIL_IF(t->count == 0, MIEN_ERR_DATA, "%s: no image with one label in split %s", t->manifest->path,
            want ? want : "test, val or all");
fail:
    return status;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static enum mien_status list_classes(struct task *t)
{
    enum mien_status status = MIEN_OK;
    size_t kept = 0;
    t->classes = base_alloc(t->count, sizeof(*t->classes));
    t->truth = base_alloc(t->count, sizeof(*t->truth));
    FAIL_IF(!t->classes || !t->truth, MIEN_ERR_NOMEM, "out of host memory for labels");
    for (size_t i = 0; i < t->count; i++)
        t->classes[i] = t->manifest->rows[t->rows[i]].labels[0];
    qsort(t->classes, t->count, sizeof(*t->classes), by_text);
    for (size_t i = 0; i < t->count; i++) {
        if (kept == 0 || strcmp(t->classes[kept - 1], t->classes[i]) != 0)
            t->classes[kept++] = t->classes[i];
    }
    t->class_count = kept;
    for (size_t i = 0; i < t->count; i++) {
        const char *label = t->manifest->rows[t->rows[i]].labels[0];
        const char **found = bsearch(&label, t->classes, kept, sizeof(*t->classes), by_text);
        t->truth[i] = (uint32_t)(found - t->classes);
    }
fail:
    return status;
}

/* ---- classification ---- */

/* Adds n images from `first` on to the confusion matrix; embeds [n, E] of unit length. */
static void count_block(struct task *t, size_t first, uint32_t n, const float *embeds, const bool *ok)
{
    uint32_t width = t->model->nn->config.embed;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t best = 0;
        double most = 0;
        for (uint32_t c = 0; c < t->class_count; c++) {
            double dot = 0;
            for (uint32_t k = 0; k < width; k++)
                dot += (double)embeds[(size_t)i * width + k] * (double)t->class_embeds[(size_t)c * width + k];
            if (c == 0 || dot > most) {
                most = dot;
                best = c;
            }
        }
        if (ok[i])
            eval_confusion_add(&t->confusion, t->truth[first + i], best);
        else
            t->bad++;
    }
}

static enum mien_status classify(struct task *t)
{
    enum mien_status status = MIEN_OK;
    const struct io_clip_config *c = &t->model->nn->config;
    size_t image = (size_t)3 * c->vision.image * c->vision.image;
    bool ok[BLOCK];
    float *pixels = base_alloc(BLOCK * image, sizeof(*pixels));
    float *embeds = base_alloc((size_t)BLOCK * c->embed, sizeof(*embeds));
    FAIL_IF(!pixels || !embeds, MIEN_ERR_NOMEM, "out of host memory for images");
    for (size_t first = 0; first < t->count; first += BLOCK) {
        uint32_t n = (uint32_t)BASE_MIN(t->count - first, (size_t)BLOCK);
        TRY(data_load_images(t->manifest, t->rows + first, n, &t->model->preprocess, false, 0, pixels, ok));
        TRY(nn_encode_images(t->model->encoder, pixels, n, embeds));
        nn_normalise_rows(embeds, n, c->embed);
        count_block(t, first, n, embeds, ok);
        if (t->params->progress)
            t->params->progress(t->params->user, first + n, t->count);
    }
fail:
    base_free(pixels);
    base_free(embeds);
    return status;
}

static enum mien_status embed_classes(struct task *t)
{
    t->class_embeds = base_alloc(t->class_count * t->model->nn->config.embed, sizeof(*t->class_embeds));
    if (!t->class_embeds)
        return base_fail(MIEN_ERR_NOMEM, "out of host memory for the classes' embeddings");
    return mien_model_embed_labels(t->model, t->classes, t->class_count, t->params->templates,
                                   t->params->template_count, t->class_embeds);
}

/* ---- result ---- */

static char *copy_text(const char *text)
{
    char *copy = base_alloc(strlen(text) + 1, 1);
    return copy ? strcpy(copy, text) : NULL;
}

static enum mien_status make_result(struct task *t, struct mien_zero_shot **out)
{
    enum mien_status status = MIEN_OK;
    struct mien_zero_shot *r = base_alloc(1, sizeof(*r));
    FAIL_IF_NULL(r, "a result");
    r->class_count = t->class_count;
    r->classes = base_alloc(t->class_count, sizeof(*r->classes));
    r->recall = base_alloc(t->class_count, sizeof(*r->recall));
    FAIL_IF(!r->classes || !r->recall, MIEN_ERR_NOMEM, "out of host memory for a result");
    for (uint32_t c = 0; c < t->class_count; c++) {
        r->classes[c] = copy_text(t->classes[c]);
        FAIL_IF_NULL(r->classes[c], "a result");
        r->recall[c] = eval_recall(&t->confusion, c);
    }
    r->n = eval_confusion_total(&t->confusion);
    r->bad = t->bad;
    r->war = eval_war(&t->confusion);
    r->uar = eval_uar(&t->confusion);
    r->confusion = t->confusion.counts; /* handed over */
    t->confusion.counts = NULL;
    strncpy(r->split, t->split, sizeof(r->split) - 1);
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
    TRY(data_manifest_read(params->manifest, &task.manifest));
    TRY(choose_rows(&task));
    TRY(list_classes(&task));
    TRY(embed_classes(&task));
    TRY(eval_confusion_create((uint32_t)task.class_count, &task.confusion));
    TRY(classify(&task));
    TRY(make_result(&task, out));
fail:
    eval_confusion_destroy(&task.confusion);
    base_free(task.class_embeds);
    base_free(task.truth);
    base_free(task.classes);
    base_free(task.rows);
    data_manifest_destroy(&task.manifest);
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
    base_free((*result)->confusion);
    base_free(*result);
    *result = NULL;
}
