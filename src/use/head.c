/* head.c: targets of rows; a head on the host, where a few hundred numbers an image are not worth a kernel. */
#include "use/head.h"

#include <stdlib.h>
#include <string.h>

/* ---- rows ---- */

static bool find_value(const struct data_value *values, uint32_t count, const char *name, double *out)
{
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(values[i].name, name) == 0) {
            *out = values[i].value;
            return true;
        }
    }
    return false;
}

bool use_row_target(const struct data_row *row, const char *name, double *out)
{
    static const char *const va[] = {"valence", "arousal"};
    if (find_value(row->targets, row->target_count, name, out))
        return true;
    for (size_t i = 0; row->has_va && i < BASE_COUNT(va); i++) {
        if (strcmp(name, va[i]) == 0) {
            *out = row->va[i];
            return true;
        }
    }
    return find_value(row->aus, row->au_count, name, out);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

enum mien_status use_target_names(const struct data_manifest *manifest, const uint32_t *rows, size_t count,
                                  struct base_arena *arena, const char *const **names, size_t *name_count)
{
    enum mien_status status = MIEN_OK;
    size_t total = 0, kept = 0;
    const char **list;
    for (size_t i = 0; i < count; i++)
        total += manifest->rows[rows[i]].target_count;
    list = base_arena_array(arena, total + 1, sizeof(*list));
    FAIL_IF_NULL(list, "names of targets");
    total = 0;
    for (size_t i = 0; i < count; i++) {
        const struct data_row *row = &manifest->rows[rows[i]];
        for (uint32_t k = 0; k < row->target_count; k++)
            list[total++] = row->targets[k].name;
    }
    qsort(list, total, sizeof(*list), by_text);
    for (size_t i = 0; i < total; i++)
        if (kept == 0 || strcmp(list[kept - 1], list[i]) != 0)
            list[kept++] = list[i];
    *names = list;
    *name_count = kept;
fail:
    return status;
}

/* ---- public ---- */

const char *mien_model_target(const struct mien_model *model, size_t index)
{
    return model && index < model->nn->config.head.targets ? model->nn->config.head.name[index] : NULL;
}

enum mien_status mien_model_predict(struct mien_model *model, const float *raw, size_t count, float *out)
{
    enum mien_status status = MIEN_OK;
    double *said = NULL;
    NEED(model && (count == 0 || (raw && out)));
    size_t n = count * model->nn->config.head.targets;
    said = base_alloc(n + 1, sizeof(*said));
    FAIL_IF_NULL(said, "predictions");
    TRY(use_head_run(model, raw, count, said));
    for (size_t i = 0; i < n; i++)
        out[i] = (float)said[i];
fail:
    base_free(said);
    return use_ended(model, status);
}

/* ---- the head ---- */

struct head {
    uint32_t embed, hidden, targets;
    float *w0, *b0, *w2, *b2;
    double *inner; /* [hidden] */
};

static enum mien_status read_param(const struct nn_model *nn, const char *name, float **out)
{
    enum mien_status status = MIEN_OK;
    const struct nn_param *param = &nn->params[nn_param_find(nn, name)];
    *out = base_alloc(tensor_shape_count(&param->value.shape), sizeof(**out));
    FAIL_IF_NULL(*out, name);
    TRY(nn_model_values(nn, param, *out));
fail:
    return status;
}

/* y = w x + b, w [rows,width] */
static double row_of(const float *w, const float *b, uint32_t row, uint32_t width, const double *x)
{
    double sum = (double)b[row];
    for (uint32_t k = 0; k < width; k++)
        sum += (double)w[(size_t)row * width + k] * x[k];
    return sum;
}

static void run_one(const struct head *h, const struct io_head_config *c, const double *x, double *out)
{
    for (uint32_t i = 0; i < h->hidden; i++) {
        double y = row_of(h->w0, h->b0, i, h->embed, x);
        h->inner[i] = y > 0 ? y : 0;
    }
    for (uint32_t i = 0; i < h->targets; i++) {
        double y = row_of(h->w2, h->b2, i, h->hidden, h->inner);
        out[i] = c->kind == IO_HEAD_REGRESSION ? y * c->std[i] + c->mean[i] : y;
    }
}

enum mien_status use_head_run(const struct mien_model *model, const float *raw, size_t count, double *out)
{
    enum mien_status status = MIEN_OK;
    const struct nn_model *nn = model->nn;
    const struct io_head_config *c = &nn->config.head;
    struct head h = {.embed = nn->config.embed, .hidden = c->hidden, .targets = c->targets};
    double *x = NULL;
    FAIL_IF(c->kind == IO_HEAD_NONE, MIEN_ERR_ARG, "the model has no head; train one with model.head");
    x = base_alloc((size_t)h.embed + h.hidden, sizeof(*x));
    FAIL_IF_NULL(x, "a head");
    h.inner = x + h.embed;
    TRY(read_param(nn, "head.0.weight", &h.w0));
    TRY(read_param(nn, "head.0.bias", &h.b0));
    TRY(read_param(nn, "head.2.weight", &h.w2));
    TRY(read_param(nn, "head.2.bias", &h.b2));
    for (size_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < h.embed; k++)
            x[k] = (double)raw[i * h.embed + k];
        run_one(&h, c, x, out + i * h.targets);
    }
fail:
    base_free(x);
    base_free(h.w0);
    base_free(h.b0);
    base_free(h.w2);
    base_free(h.b2);
    return status;
}
