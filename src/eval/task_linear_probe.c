/* task_linear_probe.c: how much of the classes a linear classifier finds in frozen features. */
#include "eval/probing.h"

#include <math.h>
#include <string.h>

/* One score of each fold. */
struct scores {
    double *war, *uar, *c; /* [folds] */
};

static enum mien_status run_folds(struct eval_probing *p, struct scores *s, struct use_confusion *all)
{
    enum mien_status status = MIEN_OK;
    struct use_confusion one = {0};
    for (uint32_t k = 0; k < p->folds.count; k++) {
        struct eval_samples samples = eval_probing_samples(p, k);
        FAIL_IF(samples.count < 2, MIEN_ERR_DATA, "%s: fold %u has %zu samples to fit to", p->folds.rows.manifest->path,
                k + 1, samples.count);
        TRY(eval_logistic_sweep(&samples, &s->c[k], p->weights));
        TRY(use_confusion_create(p->classes.count, &one));
        eval_probing_test(p, k, &one);
        s->war[k] = use_war(&one);
        s->uar[k] = use_uar(&one);
        for (size_t i = 0; i < (size_t)p->classes.count * p->classes.count; i++)
            all->counts[i] += one.counts[i];
        use_confusion_destroy(&one);
    }
fail:
    use_confusion_destroy(&one);
    return status;
}

static enum mien_status put(struct eval_probing *p, const struct scores *s, const struct use_confusion *all,
                            uint64_t seed, struct base_json *out)
{
    enum mien_status status = MIEN_OK;
    struct eval_spread war = eval_spread_of(s->war, p->folds.count), uar = eval_spread_of(s->uar, p->folds.count);
    if (strcmp(p->folds.how, "subject") == 0) { /* few rows each: scored together */
        war = (struct eval_spread){use_war(all), (double)NAN};
        uar = (struct eval_spread){use_uar(all), (double)NAN};
    }
    eval_folds_head(&p->folds, use_confusion_total(all), out);
    base_put_numbers(out, "fold_war", s->war, p->folds.count);
    base_put_numbers(out, "fold_uar", s->uar, p->folds.count);
    base_put_numbers(out, "c", s->c, p->folds.count);
    base_put_number(out, "war_mean", war.mean);
    base_put_number(out, "uar_mean", uar.mean);
    base_put_number(out, "war_deviation", war.deviation);
    base_put_number(out, "uar_deviation", uar.deviation);
    TRY(eval_put_confusion(out, p->names, all, seed));
fail:
    return status;
}

static enum mien_status run(struct mien_model *model, const struct mien_eval_params *params, struct base_json *out)
{
    enum mien_status status = MIEN_OK;
    struct eval_probing p = {0};
    struct use_confusion all = {0};
    struct scores s = {0};
    TRY(eval_probing_open(model, params, &p));
    s.war = base_arena_array(&p.folds.arena, 3 * (size_t)p.folds.count, sizeof(double));
    FAIL_IF_NULL(s.war, "scores");
    s.uar = s.war + p.folds.count;
    s.c = s.uar + p.folds.count;
    TRY(use_confusion_create(p.classes.count, &all));
    TRY(run_folds(&p, &s, &all));
    TRY(put(&p, &s, &all, params->seed, out));
fail:
    use_confusion_destroy(&all);
    eval_probing_close(&p);
    return status;
}

static void print(struct base_text *out, const cJSON *result)
{
    double folds = eval_member(result, "fold_count");
    eval_print_confusion(out, result);
    if (folds > 1 && isfinite(eval_member(result, "uar_deviation")))
        base_text_print(out, "%.0f folds: UAR %.3f +- %.3f, WAR %.3f +- %.3f\n", folds, eval_member(result, "uar_mean"),
                        eval_member(result, "uar_deviation"), eval_member(result, "war_mean"),
                        eval_member(result, "war_deviation"));
    base_text_print(out, "linear probe UAR %.3f WAR %.3f\n", eval_member(result, "uar_mean"),
                    eval_member(result, "war_mean"));
}

static const char *const options[] = {"labels", "folds", NULL};

static const struct eval_metric metrics[] = {{"uar_mean", "UAR", 0}, {"war_mean", "WAR", 0}, {0}};

const struct eval_task eval_task_linear_probe = {
    .info = {.name = "linear-probe",
             .summary =
                 "multinomial logistic regression on frozen raw embeddings of the train split, its penalty chosen "
                 "on every fifth sample of it; scores on the asked split, or by folds with mean and deviation",
             .options = options},
    .title = "Linear probe",
    .metrics = metrics,
    .ready = eval_probing_check,
    .run = run,
    .check = eval_check_confusion,
    .print = print,
    .headline = eval_headline_confusion,
    .chapter = eval_chapter_confusion,
};
