/* head.c: a head's targets from the rows, its loss in a step's graph, its score on data.val. */
#include "train/head.h"

#include "train/trainer.h"
#include "use/classes.h"
#include "use/head.h"
#include "use/metrics.h"

#include <math.h>
#include <string.h>

/* ---- in a step ---- */

void train_head_inputs(const struct train_head *head, struct graph *graph, uint32_t batch, struct train_head_in *out)
{
    *out = (struct train_head_in){OP_NONE, OP_NONE, OP_NONE, OP_NONE};
    if (head->kind == IO_HEAD_CLASSES)
        out->classes = graph_input(graph, "classes", SHAPE_I32(batch));
    if (head->kind != IO_HEAD_REGRESSION)
        return;
    out->values = graph_input(graph, "targets", SHAPE_F32(batch, head->targets));
    if (head->missing) {
        out->mask = graph_input(graph, "target_mask", SHAPE_F32(batch, head->targets));
        out->scale = graph_input(graph, "target_scale", SHAPE_F32(1));
    }
}

op_value train_head_record(struct nn_scope *scope, const struct train_head *head, const struct train_head_in *in,
                           op_value raw)
{
    static const struct op_desc *const ops[] = {
        [TRAIN_HEAD_MSE] = &op_mse, [TRAIN_HEAD_RMSE] = &op_rmse, [TRAIN_HEAD_CCC] = &op_ccc};
    struct graph *graph = scope->graph;
    op_value said = nn_head(scope, raw);
    if (head->kind == IO_HEAD_CLASSES)
        return GRAPH_OP(graph, &op_cross_entropy, NULL, said, in->classes, OP_NONE);
    if (in->mask != OP_NONE)
        said = GRAPH_OP(graph, &op_multiply, NULL, said, in->mask);
    op_value loss = GRAPH_OP(graph, ops[head->loss], NULL, said, in->values);
    return in->scale == OP_NONE ? loss : GRAPH_OP(graph, &op_multiply, NULL, loss, in->scale);
}

static void fill_values(const struct trainer *t, const struct train_step *p, uint32_t slot,
                        const struct data_batch *batch)
{
    const struct train_head *head = &t->recipe.head;
    const struct train_head_in *in = &p->in.head;
    float *values = graph_program_input(p->program, slot, in->values);
    float *mask = in->mask == OP_NONE ? NULL : graph_program_input(p->program, slot, in->mask);
    size_t n = head->targets, there = 0;
    for (uint32_t i = 0; i < batch->count; i++) {
        const float *truth = t->head_truth + batch->rows[i] * n;
        for (size_t k = 0; k < n; k++) {
            bool has = isfinite(truth[k]);
            there += has;
            values[i * n + k] = has ? truth[k] : 0;
            if (mask)
                mask[i * n + k] = has ? 1 : 0;
        }
    }
    if (mask) {
        double scale = there ? (double)(batch->count * n) / (double)there : 0;
        *(float *)graph_program_input(p->program, slot, in->scale) =
            (float)(head->loss == TRAIN_HEAD_RMSE ? sqrt(scale) : scale);
    }
}

void train_head_fill(struct trainer *t, const struct train_step *p, uint32_t slot, const struct data_batch *batch)
{
    if (t->recipe.head.kind == IO_HEAD_REGRESSION)
        fill_values(t, p, slot, batch);
    if (t->recipe.head.kind != IO_HEAD_CLASSES)
        return;
    int32_t *classes = graph_program_input(p->program, slot, p->in.head.classes);
    for (uint32_t i = 0; i < batch->count; i++)
        classes[i] = (int32_t)t->head_truth[batch->rows[i]];
}

/* ---- targets ---- */

static enum mien_status put_name(struct io_head_config *head, const char *name)
{
    if (head->targets == IO_HEAD_TARGETS_MAX || strlen(name) >= IO_HEAD_NAME_MAX)
        return base_fail(MIEN_ERR_ARG, "model.head: at most %d targets with names of at most %d bytes are possible",
                         IO_HEAD_TARGETS_MAX, IO_HEAD_NAME_MAX - 1);
    strcpy(head->name[head->targets++], name);
    return MIEN_OK;
}

/* The names that the configuration gives, else those of the rows. */
static enum mien_status name_targets(struct trainer *t)
{
    enum mien_status status = MIEN_OK;
    const struct train_config *c = t->config;
    struct io_head_config *head = &t->head_config;
    struct base_arena arena = {0};
    const char *const *names = c->model.head.target;
    size_t count = c->model.head.targets;
    if (count == 0)
        TRY(use_target_names(t->manifest, t->rows, t->row_count, &arena, &names, &count));
    FAIL_IF(count == 0, MIEN_ERR_DATA, "%s: no row of the train split has \"targets\", which model.head is to learn",
            t->manifest->path);
    for (size_t i = 0; i < count; i++)
        TRY(put_name(head, names[i]));
fail:
    base_arena_clear(&arena);
    return status;
}

/* By mean and deviation over the train split. */
static enum mien_status standardise(struct trainer *t)
{
    enum mien_status status = MIEN_OK;
    struct io_head_config *head = &t->head_config;
    size_t n = head->targets;
    for (size_t k = 0; k < n; k++) {
        double sum = 0, square = 0;
        size_t there = 0;
        for (size_t i = 0; i < t->row_count; i++) {
            double value = (double)t->head_truth[t->rows[i] * n + k];
            sum += isfinite(value) ? value : 0;
            there += isfinite(value);
        }
        FAIL_IF(there == 0, MIEN_ERR_DATA, "%s: no row of the train split has a target \"%s\"", t->manifest->path,
                head->name[k]);
        head->mean[k] = sum / (double)there;
        for (size_t i = 0; i < t->row_count; i++) {
            double off = (double)t->head_truth[t->rows[i] * n + k] - head->mean[k];
            square += isfinite(off) ? off * off : 0;
        }
        head->std[k] = square > 0 ? sqrt(square / (double)there) : 1;
        for (size_t i = 0; i < t->row_count; i++) {
            float *value = &t->head_truth[t->rows[i] * n + k];
            *value = (float)(((double)*value - head->mean[k]) / head->std[k]);
        }
    }
fail:
    return status;
}

static enum mien_status read_targets(struct trainer *t)
{
    enum mien_status status = MIEN_OK;
    struct io_head_config *head = &t->head_config;
    TRY(name_targets(t));
    t->head_truth = base_alloc(t->manifest->count * head->targets, sizeof(*t->head_truth));
    FAIL_IF_NULL(t->head_truth, "targets");
    for (size_t i = 0; i < t->manifest->count; i++) {
        for (uint32_t k = 0; k < head->targets; k++) {
            double value = NAN;
            (void)use_row_target(&t->manifest->rows[i], head->name[k], &value);
            t->head_truth[i * head->targets + k] = value;
        }
    }
    TRY(standardise(t));
fail:
    return status;
}

/* Names that were given and that no row has: nothing is learnt of them. */
static void warn_of_absent(const struct trainer *t, const int32_t *truth)
{
    for (uint32_t c = 0; c < t->head_config.targets; c++) {
        size_t i = 0;
        while (i < t->manifest->count && truth[i] != (int32_t)c)
            i++;
        if (i == t->manifest->count)
            LOG_WARN("%s: no row has the label \"%s\" of model.head.targets; correct it, or leave it out",
                     t->manifest->path, t->head_config.name[c]);
    }
}

static enum mien_status read_classes(struct trainer *t)
{
    enum mien_status status = MIEN_OK;
    const struct train_config *c = t->config;
    struct use_classes classes = {0};
    uint32_t *all = NULL;
    int32_t *truth = NULL;
    size_t count = t->manifest->count;
    TRY(use_classes_list(t->manifest, c->model.head.targets ? c->model.head.target : NULL, c->model.head.targets,
                         &classes));
    FAIL_IF(classes.count < 2, MIEN_ERR_DATA, "%s: has %u labels; model.head classes needs two to tell apart",
            t->manifest->path, classes.count);
    for (uint32_t i = 0; i < classes.count; i++)
        TRY(put_name(&t->head_config, classes.list[i].name));
    all = base_alloc(count, sizeof(*all));
    truth = base_alloc(count, sizeof(*truth));
    t->head_truth = base_alloc(count, sizeof(*t->head_truth));
    FAIL_IF(!all || !truth || !t->head_truth, MIEN_ERR_NOMEM, "out of host memory for labels");
    for (size_t i = 0; i < count; i++)
        all[i] = (uint32_t)i;
    TRY(use_classes_of(&classes, t->manifest, all, count, truth));
    for (size_t i = 0; i < count; i++)
        t->head_truth[i] = (float)truth[i];
    warn_of_absent(t, truth);
fail:
    use_classes_clear(&classes);
    base_free(all);
    base_free(truth);
    return status;
}

/* Whether a row has all that the head is to learn from it. */
static bool is_whole(const struct trainer *t, uint32_t row)
{
    if (t->head_config.kind == IO_HEAD_CLASSES)
        return t->head_truth[row] >= 0;
    for (uint32_t k = 0; k < t->head_config.targets; k++)
        if (!isfinite(t->head_truth[(size_t)row * t->head_config.targets + k]))
            return false;
    return true;
}

static bool says_nothing(const struct trainer *t, uint32_t row)
{
    if (t->head_config.kind == IO_HEAD_CLASSES)
        return t->head_truth[row] < 0;
    for (uint32_t k = 0; k < t->head_config.targets; k++)
        if (isfinite(t->head_truth[(size_t)row * t->head_config.targets + k]))
            return false;
    return true;
}

/* With the head alone rows without a target teach nothing. */
static void drop_rows(struct trainer *t)
{
    size_t kept = 0;
    if (t->recipe.head.weight > 0)
        return;
    for (size_t i = 0; i < t->row_count; i++)
        if (!says_nothing(t, t->rows[i]))
            t->rows[kept++] = t->rows[i];
    if (kept < t->row_count)
        LOG_WARN("%s: %zu of %zu samples have nothing that model.head is to learn; they are left out",
                 t->manifest->path, t->row_count - kept, t->row_count);
    t->row_count = kept;
}

enum mien_status train_head_survey(struct trainer *t)
{
    enum mien_status status = MIEN_OK;
    const struct train_config *c = t->config;
    struct train_head *head = &t->recipe.head;
    if (c->model.head.kind == IO_HEAD_NONE)
        return MIEN_OK;
    t->head_config = (struct io_head_config){.kind = c->model.head.kind, .hidden = c->model.head.hidden};
    for (uint32_t i = 0; i < IO_HEAD_TARGETS_MAX; i++)
        t->head_config.std[i] = 1;
    TRY(c->model.head.kind == IO_HEAD_CLASSES ? read_classes(t) : read_targets(t));
    *head = (struct train_head){.kind = c->model.head.kind,
                                .targets = t->head_config.targets,
                                .loss = c->model.head.loss,
                                .weight = (float)c->model.head.weight};
    drop_rows(t);
    FAIL_IF(t->row_count == 0, MIEN_ERR_DATA,
            "%s: no row of the train split has a label that model.head knows; see its targets", t->manifest->path);
    for (size_t i = 0; i < t->row_count; i++)
        head->missing = head->missing || !is_whole(t, t->rows[i]);
    FAIL_IF(head->missing && head->kind == IO_HEAD_REGRESSION && head->loss == TRAIN_HEAD_CCC, MIEN_ERR_DATA,
            "%s: some rows lack targets; model.head.loss ccc compares whole columns: use mse or rmse, or give all",
            t->manifest->path);
fail:
    return status;
}

/* ---- on data.val ---- */

static enum mien_status score_classes(const struct io_head_config *c, const struct data_manifest *manifest,
                                      const uint32_t *rows, size_t count, const double *said, const bool *ok,
                                      double *out)
{
    enum mien_status status = MIEN_OK;
    struct use_classes classes = {0};
    struct use_confusion confusion = {0};
    const char *names[IO_HEAD_TARGETS_MAX];
    int32_t *truth = base_alloc(count + 1, sizeof(*truth));
    for (uint32_t i = 0; i < c->targets; i++)
        names[i] = c->name[i];
    FAIL_IF_NULL(truth, "labels");
    TRY(use_classes_list(manifest, names, c->targets, &classes));
    TRY(use_classes_of(&classes, manifest, rows, count, truth));
    TRY(use_confusion_create(c->targets, &confusion));
    for (size_t i = 0; i < count; i++) {
        uint32_t best = 0;
        if (!ok[i] || truth[i] == USE_NO_CLASS)
            continue;
        for (uint32_t k = 1; k < c->targets; k++)
            best = said[i * c->targets + k] > said[i * c->targets + best] ? k : best;
        use_confusion_add(&confusion, (uint32_t)truth[i], best);
    }
    *out = use_uar(&confusion);
fail:
    use_confusion_destroy(&confusion);
    use_classes_clear(&classes);
    base_free(truth);
    return status;
}

static enum mien_status score_targets(const struct io_head_config *c, const struct data_manifest *manifest,
                                      const uint32_t *rows, size_t count, const double *said, const bool *ok,
                                      double *out)
{
    enum mien_status status = MIEN_OK;
    double *pair = base_alloc(2 * count + 1, sizeof(*pair));
    double sum = 0;
    uint32_t used = 0;
    FAIL_IF_NULL(pair, "targets");
    for (uint32_t k = 0; k < c->targets; k++) {
        size_t n = 0;
        for (size_t i = 0; i < count; i++) {
            double value;
            if (!ok[i] || !use_row_target(&manifest->rows[rows[i]], c->name[k], &value))
                continue;
            pair[2 * n] = said[i * c->targets + k];
            pair[2 * n++ + 1] = value;
        }
        if (n == 0)
            continue;
        sum += use_agreement_of(pair, pair + 1, n, 2).ccc;
        used++;
    }
    *out = used ? sum / used : NAN;
fail:
    base_free(pair);
    return status;
}

enum mien_status train_head_score(const struct mien_model *model, const struct data_manifest *manifest,
                                  const uint32_t *rows, size_t count, const float *raw, const bool *ok, double *out)
{
    enum mien_status status = MIEN_OK;
    const struct io_head_config *c = &model->nn->config.head;
    double *said = base_alloc(count * c->targets + 1, sizeof(*said));
    *out = NAN;
    FAIL_IF_NULL(said, "predictions");
    TRY(use_head_run(model, raw, count, said));
    if (c->kind == IO_HEAD_CLASSES)
        TRY(score_classes(c, manifest, rows, count, said, ok, out));
    else
        TRY(score_targets(c, manifest, rows, count, said, ok, out));
fail:
    base_free(said);
    return status;
}
