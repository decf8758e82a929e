/* val_loss.c: the loss on data.val, from embeddings on the host. */
#include "train/val_loss.h"

#include <math.h>
#include <string.h>

struct train_val_loss {
    const struct trainer *t;
    const struct use_rows *rows;
    struct base_arena arena;
    const char **text[2]; /* [count] of each global level; NULL = the row has none */
    /* of one level, those that there are: */
    const char **texts;
    size_t *place; /* whose row each is */
    float *embeds; /* [count,E] of unit length */
};

static const char *row_text(struct base_arena *arena, const struct data_row *row, enum data_text text)
{
    char buffer[256];
    switch (text) {
    case DATA_TEXT_SUMMARY:
        return row->caption.summary;
    case DATA_TEXT_CAPTION:
        return data_caption_text(arena, &row->caption);
    case DATA_TEXT_LABEL:
        if (row->label_text)
            return row->label_text;
        return row->label_count ? base_arena_strdup(arena, data_row_label(row, buffer, sizeof(buffer))) : NULL;
    default:
        return row->caption.global;
    }
}

static enum mien_status read_texts(struct train_val_loss *l)
{
    enum mien_status status = MIEN_OK;
    for (uint32_t k = 0; k < l->t->recipe.objective.global_levels; k++) {
        l->text[k] = base_arena_array(&l->arena, l->rows->count, sizeof(*l->text[k]));
        FAIL_IF_NULL(l->text[k], "texts");
        for (size_t i = 0; i < l->rows->count; i++)
            l->text[k][i] = row_text(&l->arena, &l->rows->manifest->rows[l->rows->rows[i]], l->t->level_text[k]);
    }
    TRY(base_arena_status(&l->arena));
fail:
    return status;
}

enum mien_status train_val_loss_open(const struct trainer *t, const struct use_rows *rows, struct train_val_loss **out)
{
    enum mien_status status = MIEN_OK;
    struct train_val_loss *l = base_alloc(1, sizeof(*l));
    *out = NULL;
    FAIL_IF_NULL(l, "an evaluation");
    l->t = t;
    l->rows = rows;
    TRY(read_texts(l));
    l->texts = base_arena_array(&l->arena, rows->count, sizeof(*l->texts));
    l->place = base_arena_array(&l->arena, rows->count, sizeof(*l->place));
    l->embeds = base_alloc(rows->count * t->model->config.embed, sizeof(*l->embeds));
    FAIL_IF(!l->texts || !l->place || !l->embeds, MIEN_ERR_NOMEM, "out of host memory for texts");
    *out = l;
    return MIEN_OK;
fail:
    train_val_loss_close(&l);
    return status;
}

void train_val_loss_close(struct train_val_loss **loss)
{
    if (!loss || !*loss)
        return;
    base_arena_clear(&(*loss)->arena);
    base_free((*loss)->embeds);
    base_free(*loss);
    *loss = NULL;
}

bool train_val_loss_measures(const struct train_val_loss *l)
{
    for (uint32_t k = 0; k < l->t->recipe.objective.global_levels; k++) {
        size_t texts = 0;
        for (size_t i = 0; i < l->rows->count; i++)
            texts += l->text[k][i] != NULL;
        if (texts > 1)
            return true;
    }
    return false;
}

/* ---- the loss's formula ---- */

/* Pairs of text first + i and its image. */
struct pairs {
    struct train_host_term term; /* first, so that a term is its pairs */
    const struct train_val_loss *l;
    const float *images;
    uint32_t width;
    size_t first;
    double scale, scalars[IO_SCALARS_MAX];
};

static double score(const struct train_host_term *term, uint32_t image, uint32_t text)
{
    const struct pairs *p = (const struct pairs *)(const void *)term;
    return p->scale * use_dot(p->images + p->l->place[p->first + image] * p->width,
                              p->l->embeds + (p->first + text) * p->width, p->width);
}

static enum mien_status scalar(const struct nn_model *model, const char *name, double *out)
{
    float value = 0;
    enum mien_status status = tensor_download(model->device, &model->params[nn_param_find(model, name)].value, &value);
    *out = (double)value;
    return status;
}

/* The loss's parameters as they are now. */
static enum mien_status read_scalars(const struct train_val_loss *l, struct pairs *p)
{
    enum mien_status status = MIEN_OK;
    const struct io_scalar *scalars = l->t->recipe.objective.loss->scalars;
    TRY(scalar(l->t->model, "logit_scale", &p->scale));
    p->scale = exp(p->scale);
    for (uint32_t i = 0; scalars && scalars[i].name[0]; i++)
        TRY(scalar(l->t->model, scalars[i].name, &p->scalars[i]));
    p->term.scalars = p->scalars;
fail:
    return status;
}

/* Embeds the texts of a level of the rows whose image could be read; *sum over `*count` pairs. */
static enum mien_status level_loss(struct train_val_loss *l, uint32_t level, struct mien_model *model,
                                   const float *images, const bool *ok, double *sum, size_t *count)
{
    enum mien_status status = MIEN_OK;
    struct pairs p = {
        .term = {.config = l->t->config, .score = score}, .l = l, .images = images, .width = l->t->model->config.embed};
    *sum = 0;
    *count = 0;
    for (size_t i = 0; i < l->rows->count; i++) {
        if (!ok[i] || !l->text[level][i])
            continue;
        l->place[*count] = i;
        l->texts[(*count)++] = l->text[level][i];
    }
    TRY(mien_model_embed_texts(model, l->texts, *count, 0, l->embeds));
    TRY(read_scalars(l, &p));
    for (p.first = 0; p.first < *count; p.first += p.term.count) {
        p.term.count = (uint32_t)BASE_MIN(*count - p.first, (size_t)l->t->config->run.batch);
        *sum += l->t->recipe.objective.loss->on_host(&p.term);
    }
fail:
    return status;
}

enum mien_status train_val_loss_run(struct train_val_loss *l, struct mien_model *model, const float *images,
                                    const bool *ok, double *out)
{
    enum mien_status status = MIEN_OK;
    uint32_t levels = l->t->recipe.objective.global_levels, used = 0;
    double total = 0;
    for (uint32_t k = 0; k < levels; k++) {
        size_t count = 0;
        double sum = 0;
        TRY(level_loss(l, k, model, images, ok, &sum, &count));
        total += count ? sum / (double)count : 0;
        used += count > 0;
    }
    *out = used ? total / used : NAN;
fail:
    return status;
}
