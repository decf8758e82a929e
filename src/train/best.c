/* best.c: evaluation between the steps: when it is due, which model so far is the best one, when patience ends. */
#include "train/trainer.h"

#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* What models are compared by: the more, the better. */
static double measure_of(const struct trainer *t, const struct train_scores *scores)
{
    const char *by = train_val_measure(t->val);
    return strcmp(by, "uar") == 0 ? scores->uar : strcmp(by, "head") == 0 ? scores->head : -scores->loss;
}

/* What best/ holds beside the model: of which step it is, and how good. */
static enum mien_status write_scores(const struct trainer *t, const struct train_scores *scores, const char *dir)
{
    enum mien_status status = MIEN_OK;
    struct base_json json = base_json_object_begin();
    const char *by = train_val_measure(t->val);
    base_put_number(&json, "step", (double)t->state.step);
    base_put_text(&json, "by", by);
    base_put_number(&json, "score", strcmp(by, "loss") == 0 ? scores->loss : measure_of(t, scores));
    base_put_number(&json, "loss", scores->loss);
    base_put_number(&json, "war", scores->war);
    base_put_number(&json, "uar", scores->uar);
    base_put_number(&json, "head", scores->head);
    base_put_number(&json, "n", (double)scores->images);
    cJSON *tree = base_json_end(&json);
    FAIL_IF_NULL(tree, "scores");
    TRY(io_write_json(dir, "eval.json", tree));
fail:
    cJSON_Delete(tree);
    return status;
}

static enum mien_status keep_best(struct trainer *t, const struct train_scores *scores)
{
    enum mien_status status = MIEN_OK;
    struct base_stage *stage = NULL;
    char *dir = base_path_join(t->config->run.dir, "best");
    FAIL_IF_NULL(dir, "a path");
    TRY(base_stage_open(dir, &stage));
    TRY(train_write_model(t, t->state.step, base_stage_dir(stage)));
    TRY(write_scores(t, scores, base_stage_dir(stage)));
    TRY(base_stage_replace(&stage));
fail:
    base_stage_abandon(&stage);
    base_free(dir);
    return status;
}

/* "; the best so far", "; the best is that of step 20 (1 of 3 without a better one)" */
static void describe_best(const struct trainer *t, bool better, char *out, size_t size)
{
    int used = better ? snprintf(out, size, "; the best so far") : 0;
    if (!better && t->state.best_step)
        used = snprintf(out, size, "; the best so far is that of step %llu", (unsigned long long)t->state.best_step);
    if (!better && t->config->run.patience)
        snprintf(out + used, size - (size_t)used, " (%u of run.patience %u without a better one)", t->state.worse,
                 t->config->run.patience);
}

/* "loss 1.2345, zero-shot WAR 0.500, UAR 0.500, head 0.700", as far as the rows have labels and targets */
static void describe_scores(const struct train_scores *scores, char *out, size_t size)
{
    int used = isfinite(scores->loss) ? snprintf(out, size, "loss %.4f, ", scores->loss) : 0;
    used += isfinite(scores->uar)
                ? snprintf(out + used, size - (size_t)used, "zero-shot WAR %.3f, UAR %.3f", scores->war, scores->uar)
                : snprintf(out + used, size - (size_t)used, "no labels of two classes");
    if (isfinite(scores->head))
        snprintf(out + used, size - (size_t)used, ", head %.3f", scores->head);
}

bool train_evaluates(const struct trainer *t, uint64_t step)
{
    return t->evaluates && step % t->eval_every == 0;
}

bool train_is_out_of_patience(const struct trainer *t)
{
    return t->evaluates && t->config->run.patience && t->state.worse >= t->config->run.patience;
}

static enum mien_status evaluate(struct trainer *t)
{
    enum mien_status status = MIEN_OK;
    struct train_state *s = &t->state;
    struct train_scores scores;
    char best[160] = "", said[160];
    TRY(train_val_run(t->val, &scores));
    TRY(train_log_eval(t->log, s->step, scores.loss, scores.war, scores.uar, scores.head, scores.images));
    s->evaluated = s->step;
    double value = measure_of(t, &scores);
    bool better = isfinite(value) && (!s->best_step || value > s->best); /* of equal ones the first stays */
    s->worse = better ? 0 : s->worse + 1;
    if (better) {
        s->best = value;
        s->best_step = s->step;
        TRY(keep_best(t, &scores));
    }
    describe_best(t, better, best, sizeof(best));
    describe_scores(&scores, said, sizeof(said));
    LOG_INFO("step %llu: on data.val %s%s", (unsigned long long)s->step, said, best);
    if (train_is_out_of_patience(t) && s->step < t->steps)
        LOG_INFO("step %llu: %u evaluations without a better one (run.patience): training ends early",
                 (unsigned long long)s->step, s->worse);
fail:
    return status;
}

enum mien_status train_evaluate(struct trainer *t)
{
    enum mien_status status = MIEN_OK;
    if (!t->evaluates || t->state.evaluated == t->state.step)
        return MIEN_OK;
    if (train_leads(t))
        TRY(evaluate(t));
    TRY(train_ranks_state(t)); /* patience ends all at once */
fail:
    return status;
}

void train_tell_best(struct trainer *t)
{
    if (!t->val || !t->state.best_step)
        return;
    t->summary.best_step = t->state.best_step;
    t->summary.best_score = t->state.best;
    snprintf(t->summary.best_by, sizeof(t->summary.best_by), "%s", train_val_measure(t->val));
    snprintf(t->summary.best, sizeof(t->summary.best), "%s/best", t->config->run.dir);
}
