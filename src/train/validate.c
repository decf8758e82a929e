/* validate.c: evaluation during training: images of data.val are embedded once, and give the contrastive loss
 * (val_loss.c) and the zero-shot scores. */
#include "train/validate.h"

#include "use/metrics.h"
#include "use/rows.h"
#include "train/trainer.h"
#include "train/val_loss.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct train_val {
    const struct trainer *t;
    struct mien_model model; /* views of the trainer's parts, and an encoder of its own */
    struct use_rows rows;
    struct base_arena arena;
    struct train_val_loss *loss;
    const char **classes; /* sorted */
    uint32_t class_count;
    uint32_t *truth; /* [count] UINT32_MAX = no single label */
    float *images;   /* [count,E] of unit length */
    bool *ok;
    size_t cut; /* texts that were longer than the context, in all evaluations */
    bool cut_named;
};

/* ---- rows ---- */

static enum mien_status read_rows(struct train_val *v)
{
    enum mien_status status = MIEN_OK;
    const char *path = v->t->config->data.val;
    size_t kept = 0;
    TRY(data_manifest_read(path, &v->rows.manifest));
    TRY(data_manifest_select(v->rows.manifest, DATA_SPLIT_VAL, true, &v->rows.rows, &v->rows.count));
    for (size_t i = 0; i < v->rows.count; i++) {
        if (v->rows.manifest->rows[v->rows.rows[i]].image)
            v->rows.rows[kept++] = v->rows.rows[i];
    }
    v->rows.count = kept;
    FAIL_IF(kept == 0, MIEN_ERR_DATA, "%s: no image belongs to the val split; run.eval_every needs some", path);
fail:
    return status;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static enum mien_status list_classes(struct train_val *v)
{
    enum mien_status status = MIEN_OK;
    size_t labelled = 0;
    v->classes = base_arena_array(&v->arena, v->rows.count, sizeof(*v->classes));
    v->truth = base_arena_array(&v->arena, v->rows.count, sizeof(*v->truth));
    FAIL_IF(!v->classes || !v->truth, MIEN_ERR_NOMEM, "out of host memory for labels");
    for (size_t i = 0; i < v->rows.count; i++) {
        const struct data_row *row = &v->rows.manifest->rows[v->rows.rows[i]];
        if (row->label_count == 1)
            v->classes[labelled++] = row->labels[0];
    }
    qsort(v->classes, labelled, sizeof(*v->classes), by_text);
    for (size_t i = 0; i < labelled; i++) {
        if (v->class_count == 0 || strcmp(v->classes[v->class_count - 1], v->classes[i]) != 0)
            v->classes[v->class_count++] = v->classes[i];
    }
    for (size_t i = 0; i < v->rows.count; i++) {
        const struct data_row *row = &v->rows.manifest->rows[v->rows.rows[i]];
        const char **found = NULL;
        if (row->label_count == 1)
            found = bsearch(&row->labels[0], v->classes, v->class_count, sizeof(*v->classes), by_text);
        v->truth[i] = found ? (uint32_t)(found - v->classes) : UINT32_MAX;
    }
fail:
    return status;
}

enum mien_status train_val_open(const struct trainer *t, struct train_val **out)
{
    enum mien_status status = MIEN_OK;
    struct train_val *v = base_alloc(1, sizeof(*v));
    *out = NULL;
    FAIL_IF_NULL(v, "an evaluation");
    v->t = t;
    v->model = (struct mien_model){
        .device = t->device, .nn = t->model, .tokenizer = t->tokenizer, .preprocess = train_preprocess(t)};
    v->model.cut = &v->cut;
    TRY(nn_encoder_create(t->model, &v->model.encoder));
    TRY(read_rows(v));
    TRY(list_classes(v));
    v->images = base_alloc(v->rows.count * t->model->config.embed, sizeof(float));
    v->ok = base_alloc(v->rows.count, sizeof(*v->ok));
    FAIL_IF(!v->images || !v->ok, MIEN_ERR_NOMEM, "out of host memory for embeddings");
    TRY(train_val_loss_open(t, &v->rows, &v->loss));
    *out = v;
    return MIEN_OK;
fail:
    train_val_close(&v);
    return status;
}

void train_val_close(struct train_val **val)
{
    if (!val || !*val)
        return;
    nn_encoder_destroy(&(*val)->model.encoder);
    train_val_loss_close(&(*val)->loss);
    use_rows_clear(&(*val)->rows);
    base_arena_clear(&(*val)->arena);
    base_free((*val)->images);
    base_free((*val)->ok);
    base_free(*val);
    *val = NULL;
}

/* ---- zero-shot ---- */

static uint32_t nearest(const float *image, const float *classes, uint32_t count, uint32_t width)
{
    uint32_t best = 0;
    double most = -INFINITY;
    for (uint32_t c = 0; c < count; c++) {
        double cosine = use_dot(image, classes + (size_t)c * width, width);
        if (cosine > most)
            best = c;
        most = fmax(most, cosine);
    }
    return best;
}

static enum mien_status zero_shot(struct train_val *v, struct train_scores *out)
{
    enum mien_status status = MIEN_OK;
    uint32_t width = v->model.nn->config.embed;
    struct use_confusion confusion = {0};
    float *classes = NULL;
    out->war = out->uar = NAN;
    if (v->class_count < 2)
        return MIEN_OK;
    classes = base_alloc((size_t)v->class_count * width, sizeof(*classes));
    FAIL_IF_NULL(classes, "labels");
    TRY(mien_model_embed_labels(&v->model, v->classes, v->class_count, NULL, 0, classes));
    TRY(use_confusion_create(v->class_count, &confusion));
    for (size_t i = 0; i < v->rows.count; i++) {
        if (v->ok[i] && v->truth[i] != UINT32_MAX)
            use_confusion_add(&confusion, v->truth[i], nearest(v->images + i * width, classes, v->class_count, width));
    }
    out->war = use_war(&confusion);
    out->uar = use_uar(&confusion);
fail:
    use_confusion_destroy(&confusion);
    base_free(classes);
    return status;
}

enum mien_status train_val_run(struct train_val *v, struct train_scores *out)
{
    enum mien_status status = MIEN_OK;
    enum mien_log_level before = base_log_soften(MIEN_LOG_WARN); /* a picture that is gone does not end the run */
    *out = (struct train_scores){0};
    TRY(use_embed_rows(&v->model, &v->rows, NULL, NULL, v->images, v->ok));
    for (size_t i = 0; i < v->rows.count; i++)
        out->images += v->ok[i];
    TRY(train_val_loss_run(v->loss, &v->model, v->images, v->ok, &out->loss));
    TRY(zero_shot(v, out));
    if (v->cut && !v->cut_named) /* the same ones each time */
        LOG_WARN("%s: %zu texts of the val split are longer than the model's %u tokens and were cut there",
                 v->t->config->data.val, v->cut, v->t->model->config.text.context);
    v->cut_named = true;
fail:
    base_log_soften(before);
    return status;
}
