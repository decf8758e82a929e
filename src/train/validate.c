/* validate.c: evaluation during training: images of data.val are embedded once, and give the contrastive loss
 * (val_loss.c) and the zero-shot scores. */
#include "train/validate.h"

#include "data/row_files.h"
#include "use/rows.h"
#include "use/scorer.h"
#include "train/trainer.h"
#include "train/val_loss.h"

#include <math.h>
#include <string.h>

struct train_val {
    const struct trainer *t;
    struct mien_model *model; /* over the trainer's parts, with an encoder of its own */
    struct use_rows rows;
    struct base_arena arena;
    struct train_val_loss *loss;
    struct use_classes classes;
    int32_t *truth;  /* [count] */
    uint32_t *order; /* [count] places in rows in the order of embedding: those with a label first */
    size_t labelled;
    float *images; /* [count,E] of unit length */
    float *raw;    /* the same before, where the model has a head */
    bool *ok;
    size_t cut; /* texts that were longer than the context, in all evaluations */
    bool cut_named;
};

/* ---- rows ---- */

/* Rows with a label are embedded first: in the batches in which evaluation embeds them, so that scores agree to the
 * bit.
 */
static enum mien_status list_classes(struct train_val *v)
{
    enum mien_status status = MIEN_OK;
    size_t count = v->rows.count, others = 0;
    TRY(use_classes_list(v->rows.manifest, NULL, 0, &v->classes));
    TRY(use_classes_check(&v->classes, v->model->tokenizer, v->model->nn->config.text.context));
    v->truth = base_arena_array(&v->arena, count, sizeof(*v->truth));
    v->order = base_arena_array(&v->arena, count, sizeof(*v->order));
    FAIL_IF(!v->truth || !v->order, MIEN_ERR_NOMEM, "out of host memory for labels");
    TRY(use_classes_of(&v->classes, v->rows.manifest, v->rows.rows, count, v->truth));
    for (size_t i = 0; i < count; i++)
        v->labelled += v->truth[i] != USE_NO_CLASS;
    for (size_t i = 0, first = 0; i < count; i++)
        v->order[v->truth[i] != USE_NO_CLASS ? first++ : v->labelled + others++] = (uint32_t)i;
fail:
    return status;
}

/* Whether the rows have something to measure by; a run that waits for better scores needs it. */
static enum mien_status check_measures(const struct train_val *v)
{
    const struct train_config *c = v->t->config;
    if ((v->classes.count > 1 && v->labelled > 0) || v->raw || train_val_loss_measures(v->loss))
        return MIEN_OK;
    if (c->run.patience)
        return base_fail(MIEN_ERR_DATA,
                         "%s: the rows of data.val have neither labels of two classes nor two captions: run.patience "
                         "has nothing to measure by; add them, or set run.patience to 0",
                         c->data.val);
    LOG_WARN("%s: the rows of data.val have neither labels of two classes nor two captions: nothing can be measured, "
             "and no best model is kept; add them, or leave data.val out",
             c->data.val);
    return MIEN_OK;
}

enum mien_status train_val_open(const struct trainer *t, struct train_val **out)
{
    enum mien_status status = MIEN_OK;
    const struct use_parts parts = train_model_parts(t);
    struct train_val *v = base_alloc(1, sizeof(*v));
    *out = NULL;
    FAIL_IF_NULL(v, "an evaluation");
    v->t = t;
    TRY(use_model_over(&parts, &v->model));
    v->model->cut = &v->cut;
    v->rows.columns = t->config->data.columns;
    v->rows.quiet = true; /* it has been read before training */
    TRY(use_rows_read(t->config->data.val, "val", NULL, "row", &v->rows));
    TRY(data_rows_find(v->rows.manifest, v->rows.pack, v->rows.rows, v->rows.count, t->config->data.max_bad, "data.val",
                       NULL));
    TRY(train_describe(t->config, v->rows.manifest));
    TRY(list_classes(v));
    v->images = base_alloc(v->rows.count * t->model->config.embed, sizeof(float));
    v->ok = base_alloc(v->rows.count, sizeof(*v->ok));
    if (t->model->config.head.kind)
        v->raw = base_alloc(v->rows.count * t->model->config.embed, sizeof(float));
    FAIL_IF(!v->images || !v->ok || (t->model->config.head.kind && !v->raw), MIEN_ERR_NOMEM,
            "out of host memory for embeddings");
    TRY(train_val_loss_open(t, &v->rows, &v->loss));
    TRY(check_measures(v));
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
    mien_model_destroy(&(*val)->model);
    train_val_loss_close(&(*val)->loss);
    use_classes_clear(&(*val)->classes);
    use_rows_clear(&(*val)->rows);
    base_arena_clear(&(*val)->arena);
    base_free((*val)->images);
    base_free((*val)->raw);
    base_free((*val)->ok);
    base_free(*val);
    *val = NULL;
}

const char *train_val_measure(const struct train_val *v)
{
    if (v->classes.count >= 2 && !train_head_alone(v->t->config))
        return "uar";
    return v->raw ? "head" : "loss";
}

/* ---- zero-shot ---- */

static enum mien_status zero_shot(struct train_val *v, struct train_scores *out)
{
    enum mien_status status = MIEN_OK;
    struct use_scorer scorer = {0};
    struct use_confusion confusion = {0};
    out->war = out->uar = NAN;
    if (v->classes.count < 2 || train_head_alone(v->t->config))
        return MIEN_OK;
    const struct mien_labels_params labels = {.size = sizeof(labels), .descriptions = v->t->config->data.descriptions};
    TRY(use_scorer_create(v->model, &v->classes, labels.descriptions ? &labels : NULL, &scorer));
    TRY(use_scorer_run(&scorer, &(struct use_scored){v->images, v->ok, v->truth, v->rows.count}, NULL, &confusion));
    out->war = use_war(&confusion);
    out->uar = use_uar(&confusion);
fail:
    use_confusion_destroy(&confusion);
    use_scorer_clear(&scorer);
    return status;
}

/* ---- pictures ---- */

/* Rows [first, first + count) of the order of embedding. */
static enum mien_status embed_part(struct train_val *v, size_t first, size_t count)
{
    enum mien_status status = MIEN_OK;
    size_t width = v->model->nn->config.embed;
    const struct mien_embed_params params = {0};
    struct use_rows part = v->rows;
    float *embeds = base_alloc(count * width + 1, sizeof(*embeds));
    bool *ok = base_alloc(count + 1, sizeof(*ok));
    part.count = count;
    part.rows = base_alloc(count + 1, sizeof(*part.rows));
    FAIL_IF(!part.rows || !embeds || !ok, MIEN_ERR_NOMEM, "out of host memory for pictures");
    for (size_t i = 0; i < count; i++)
        part.rows[i] = v->rows.rows[v->order[first + i]];
    TRY(use_embed_rows_raw(v->model, &part, &params, embeds, ok));
    for (size_t i = 0; i < count; i++) {
        if (v->raw)
            memcpy(v->raw + v->order[first + i] * width, embeds + i * width, width * sizeof(*embeds));
        nn_normalise_rows(embeds + i * width, 1, (uint32_t)width);
        memcpy(v->images + v->order[first + i] * width, embeds + i * width, width * sizeof(*embeds));
        v->ok[v->order[first + i]] = ok[i];
    }
fail:
    base_free(part.rows);
    base_free(embeds);
    base_free(ok);
    return status;
}

enum mien_status train_val_run(struct train_val *v, struct train_scores *out)
{
    enum mien_status status = MIEN_OK;
    enum mien_log_level before = base_log_soften(MIEN_LOG_WARN); /* a picture that is gone does not end the run */
    *out = (struct train_scores){.head = NAN};
    TRY(use_model_refresh(v->model));
    TRY(embed_part(v, 0, v->labelled));
    TRY(embed_part(v, v->labelled, v->rows.count - v->labelled));
    for (size_t i = 0; i < v->rows.count; i++)
        out->images += v->ok[i];
    TRY(train_val_loss_run(v->loss, v->model, v->images, v->ok, &out->loss));
    TRY(zero_shot(v, out));
    if (v->raw)
        TRY(train_head_score(v->model, v->rows.manifest, v->rows.rows, v->rows.count, v->raw, v->ok, &out->head));
    if (v->cut && !v->cut_named) /* the same ones each time */
        LOG_WARN("%s: %zu texts of the val split are longer than the model's %u tokens and were cut there",
                 v->t->config->data.val, v->cut, v->t->model->config.text.context);
    v->cut_named = true;
fail:
    base_log_soften(before);
    return status;
}
