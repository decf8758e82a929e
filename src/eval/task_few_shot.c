/* task_few_shot.c: a linear classifier from a few samples of each class, drawn several times. */
#include "eval/probing.h"

#include <math.h>
#include <string.h>

enum { SHOTS_MAX = 5, SEEDS_MAX = 100, SEEDS_USUAL = 5 };
static const uint32_t usual[SHOTS_MAX] = {1, 2, 4, 8, 16};

/* `shots` samples of each class (all of one that has fewer), drawn by the seed: their rows into drawn; how many. */
static size_t draw(const struct eval_samples *s, uint32_t shots, uint64_t seed, uint32_t *order, uint32_t *drawn)
{
    struct base_rng rng = base_rng_make(seed, "few-shot", shots, s->count);
    size_t n = 0;
    for (size_t i = 0; i < s->count; i++)
        order[i] = s->rows[i];
    base_rng_shuffle(&rng, order, s->count);
    for (uint32_t c = 0; c < s->classes; c++) {
        uint32_t have = 0;
        for (size_t i = 0; i < s->count && have < shots; i++) {
            if (s->truth[order[i]] != (int32_t)c)
                continue;
            drawn[n++] = order[i];
            have++;
        }
    }
    return n;
}

/* UAR and WAR of each seed. */
static enum mien_status run_shots(struct eval_probing *p, const struct eval_samples *all, uint32_t shots,
                                  uint32_t seeds, uint64_t seed, double *uar, double *war)
{
    enum mien_status status = MIEN_OK;
    struct use_confusion confusion = {0};
    uint32_t *order = base_alloc(2 * all->count + 1, sizeof(*order));
    FAIL_IF_NULL(order, "a draw");
    for (uint32_t k = 0; k < seeds; k++) {
        struct eval_samples few = *all;
        few.rows = order + all->count;
        few.count = draw(all, shots, seed + k, order, order + all->count);
        memset(p->weights, 0, (size_t)few.classes * (few.width + 1) * sizeof(*p->weights));
        TRY(eval_logistic_fit(&few, 1, p->weights));
        TRY(use_confusion_create(few.classes, &confusion));
        eval_probing_test(p, 0, &confusion);
        uar[k] = use_uar(&confusion);
        war[k] = use_war(&confusion);
        use_confusion_destroy(&confusion);
    }
fail:
    use_confusion_destroy(&confusion);
    base_free(order);
    return status;
}

/* Rows that are tested and have a class. */
static uint64_t count_tested(const struct eval_probing *p)
{
    size_t n = eval_folds_tested(&p->folds, 0, p->tested);
    uint64_t kept = 0;
    for (size_t i = 0; i < n; i++)
        kept += p->truth[p->tested[i]] != USE_NO_CLASS;
    return kept;
}

static enum mien_status few_shot_check(const struct mien_eval_params *params)
{
    enum mien_status status = MIEN_OK;
    FAIL_IF(params->seeds > SEEDS_MAX, MIEN_ERR_ARG, "few-shot: %u seeds; at most %d", params->seeds, SEEDS_MAX);
    TRY(eval_probing_check(params));
fail:
    return status;
}

static enum mien_status run(struct mien_model *model, const struct mien_eval_params *params, struct base_json *out)
{
    enum mien_status status = MIEN_OK;
    struct eval_probing p = {0};
    struct base_json list = base_json_list_begin();
    double uar[SEEDS_MAX], war[SEEDS_MAX];
    uint32_t seeds = params->seeds ? params->seeds : SEEDS_USUAL, kinds = params->shots ? 1 : SHOTS_MAX;
    TRY(eval_probing_open(model, params, &p));
    FAIL_IF(p.folds.count > 1, MIEN_ERR_ARG, "%s: few-shot takes the train split; rows have folds only",
            params->manifest);
    struct eval_samples all = eval_probing_samples(&p, 0);
    eval_folds_head(&p.folds, count_tested(&p), out);
    base_put_number(out, "seeds", seeds);
    base_put_number(out, "chance", 1.0 / p.classes.count);
    for (uint32_t i = 0; i < kinds; i++) {
        uint32_t shots = params->shots ? params->shots : usual[i];
        struct base_json row = base_json_object_begin();
        enum mien_status one = run_shots(&p, &all, shots, seeds, params->seed, uar, war);
        struct eval_spread u = eval_spread_of(uar, seeds), w = eval_spread_of(war, seeds);
        base_put_number(&row, "shots", shots);
        base_put_number(&row, "uar", u.mean);
        base_put_number(&row, "uar_deviation", u.deviation);
        base_put_number(&row, "war", w.mean);
        base_put_number(&row, "war_deviation", w.deviation);
        base_put_numbers(&row, "uar_of_seed", uar, seeds);
        base_add_tree(&list, &row);
        TRY(one);
    }
    base_put_tree(out, "shots", &list);
fail:
    cJSON_Delete(list.tree);
    eval_probing_close(&p);
    return status;
}

static enum mien_status check(const char *where, const cJSON *result)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(result, "shots"), *row = NULL;
    bool whole = cJSON_IsArray(list);
    cJSON_ArrayForEach(row, list) whole = whole && isfinite(eval_member(row, "shots"));
    return whole ? MIEN_OK : base_fail(MIEN_ERR_DATA, "%s: no list of \"shots\" with numbers of \"shots\"", where);
}

static void print(struct base_text *out, const cJSON *result)
{
    const cJSON *row = NULL;
    bool first = true;
    base_text_print(out, "%5s %7s %10s %7s %10s\n", "shots", "UAR", "deviation", "WAR", "deviation");
    cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(result, "shots"))
        base_text_print(out, "%5.0f %7.3f %10.3f %7.3f %10.3f\n", eval_member(row, "shots"), eval_member(row, "uar"),
                        eval_member(row, "uar_deviation"), eval_member(row, "war"), eval_member(row, "war_deviation"));
    eval_print_bad(out, result);
    base_text_print(out, "split %s, n %.0f, %.0f draws each, chance %.3f\n",
                    eval_word(cJSON_GetObjectItemCaseSensitive(result, "split")), eval_member(result, "n"),
                    eval_member(result, "seeds"), eval_member(result, "chance"));
    base_text_print(out, "few-shot UAR ");
    cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(result, "shots"))
    {
        base_text_print(out, "%s%.3f of %.0f", first ? "" : ", ", eval_member(row, "uar"), eval_member(row, "shots"));
        first = false;
    }
    base_text_print(out, "\n");
}

static void headline(struct mien_page *page, const cJSON *result)
{
    const cJSON *row = NULL;
    char name[48];
    cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(result, "shots"))
    {
        snprintf(name, sizeof(name), "UAR, %.0f shots", eval_member(row, "shots"));
        page_card(page, name, eval_member(row, "uar"), 3, "");
    }
}

static void chapter(struct mien_page *page, const cJSON *result)
{
    const cJSON *row = NULL;
    page_print(
        page,
        "<div "
        "class=\"wide\"><table><tr><th>Shots</th><th>UAR</th><th>deviation</th><th>WAR</th><th>deviation</th></tr>\n");
    cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(result, "shots"))
    {
        static const char *const keys[] = {"uar", "uar_deviation", "war", "war_deviation"};
        page_print(page, "<tr><th scope=\"row\">%.0f</th>", eval_member(row, "shots"));
        for (size_t k = 0; k < BASE_COUNT(keys); k++) {
            page_print(page, "<td>");
            page_number(page, eval_member(row, keys[k]), 3);
            page_print(page, "</td>");
        }
        page_print(page, "</tr>\n");
    }
    page_print(page, "</table></div>\n");
}

static const char *const options[] = {"labels", "shots", "seeds", NULL};

static const struct eval_metric metrics[] = {{"shots.0.uar", "UAR", 0}, {"shots.0.war", "WAR", 0}, {0}};

const struct eval_task eval_task_few_shot = {
    .info = {.name = "few-shot",
             .summary =
                 "logistic regression (C = 1) on frozen raw embeddings of 1, 2, 4, 8 and 16 samples of each class "
                 "of the train split, drawn with several seeds: mean and deviation on the asked split",
             .options = options},
    .title = "Few-shot classification",
    .metrics = metrics,
    .ready = few_shot_check,
    .run = run,
    .check = check,
    .print = print,
    .headline = headline,
    .chapter = chapter,
};
