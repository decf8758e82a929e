/* task_leave_one_out.c: rows of a class that training has not seen (data.leave_out), among all classes' sentences. */
#include "eval/confusion.h"
#include "use/scorer.h"

#include <string.h>

struct task {
    struct mien_model *model;
    const struct mien_eval_params *params;
    struct use_rows rows;
    struct base_arena arena;
    struct use_classes classes;
    struct use_scorer scorer;
    struct use_confusion confusion;
    const char *name; /* of the class */
};

static bool is_usable(const struct data_row *row)
{
    return row->label_count > 0;
}

/* The name of the class as a list of classes has it: "b and a" is "a and b". */
static enum mien_status name_class(struct task *t)
{
    enum mien_status status = MIEN_OK;
    struct use_classes one = {0};
    TRY(use_classes_list(t->rows.manifest, &t->params->class_name, 1, &one));
    t->name = base_arena_strdup(&t->arena, one.list[0].name);
    FAIL_IF_NULL(t->name, "a class");
fail:
    use_classes_clear(&one);
    return status;
}

/* Rows of the class alone stay. */
static enum mien_status keep_class(struct task *t, int32_t *truth, uint32_t *class)
{
    enum mien_status status = MIEN_OK;
    size_t kept = 0;
    *class = 0;
    while (*class < t->classes.count && strcmp(t->classes.list[*class].name, t->name) != 0)
        ++*class;
    FAIL_IF(*class == t->classes.count, MIEN_ERR_ARG, "%s: no class \"%s\"; see --labels, or the manifest's labels",
            t->params->manifest, t->name);
    for (size_t i = 0; i < t->rows.count; i++) {
        if (truth[i] != (int32_t) * class)
            continue;
        t->rows.rows[kept] = t->rows.rows[i];
        truth[kept++] = truth[i];
    }
    t->rows.count = kept;
    FAIL_IF(kept == 0, MIEN_ERR_DATA, "%s: no row of class \"%s\" in split %s", t->params->manifest, t->name,
            t->rows.split);
fail:
    return status;
}

static enum mien_status measure(struct task *t, struct base_json *out)
{
    enum mien_status status = MIEN_OK;
    const struct mien_eval_params *p = t->params;
    const struct mien_embed_params params = eval_embed_params(p);
    int32_t *truth = base_arena_array(&t->arena, t->rows.count, sizeof(*truth));
    uint32_t class;
    FAIL_IF_NULL(truth, "labels");
    TRY(use_classes_list(t->rows.manifest, p->classes, p->class_count, &t->classes));
    TRY(use_classes_of(&t->classes, t->rows.manifest, t->rows.rows, t->rows.count, truth));
    TRY(name_class(t));
    TRY(keep_class(t, truth, &class));
    TRY(use_scorer_create(t->model, &t->classes, p->labels, &t->scorer));
    size_t count = t->rows.count;
    float *embeds = base_arena_array(&t->arena, count * t->scorer.width, sizeof(*embeds));
    bool *ok = base_arena_array(&t->arena, count, sizeof(*ok));
    const char **names = base_arena_array(&t->arena, t->classes.count, sizeof(*names));
    FAIL_IF(!embeds || !ok || !names, MIEN_ERR_NOMEM, "out of host memory for %zu embeddings", count);
    TRY(use_embed_rows(t->model, &t->rows, &params, embeds, ok));
    TRY(use_scorer_run(&t->scorer, &(struct use_scored){embeds, ok, truth, count}, NULL, &t->confusion));
    for (uint32_t c = 0; c < t->classes.count; c++)
        names[c] = t->classes.list[c].name;
    uint64_t n = use_confusion_total(&t->confusion);
    eval_put_head(out, &t->rows, n, count - n);
    base_put_text(out, "class", t->name);
    base_put_number(out, "class_recall", use_recall(&t->confusion, class));
    base_put_number(out, "chance", 1.0 / t->classes.count);
    TRY(eval_put_confusion(out, names, &t->confusion, p->seed));
fail:
    return status;
}

static enum mien_status ready(const struct mien_eval_params *params)
{
    if (params->class_name && params->class_name[0])
        return MIEN_OK;
    return base_fail(MIEN_ERR_ARG, "leave-one-out: the class that training left out is needed (--class NAME, the "
                                   "data.leave_out of training)");
}

static enum mien_status run(struct mien_model *model, const struct mien_eval_params *params, struct base_json *out)
{
    enum mien_status status = MIEN_OK;
    struct task task = {.model = model, .params = params};
    task.rows.columns = params->columns;
    TRY(use_rows_read(params->manifest, params->split, is_usable, "image or clip with a label", &task.rows));
    TRY(measure(&task, out));
fail:
    use_confusion_destroy(&task.confusion);
    use_scorer_clear(&task.scorer);
    use_classes_clear(&task.classes);
    base_arena_clear(&task.arena);
    use_rows_clear(&task.rows);
    return status;
}

static enum mien_status check(const char *where, const cJSON *result)
{
    if (!cJSON_IsString(cJSON_GetObjectItemCaseSensitive(result, "class")))
        return base_fail(MIEN_ERR_DATA, "%s: no \"class\"", where);
    return eval_check_confusion(where, result);
}

static void print(struct base_text *out, const cJSON *result)
{
    const char *class = eval_word(cJSON_GetObjectItemCaseSensitive(result, "class"));
    eval_print_bad(out, result);
    base_text_print(out, "split %s, n %.0f of %s, chance %.3f\n",
                    eval_word(cJSON_GetObjectItemCaseSensitive(result, "split")), eval_member(result, "n"), class,
                    eval_member(result, "chance"));
    base_text_print(out, "leave-one-out %s recall %.3f\n", class, eval_member(result, "class_recall"));
}

static void headline(struct mien_page *page, const cJSON *result)
{
    eval_card(page, "Recall of the class left out", eval_member(result, "class_recall"),
              eval_interval_of(result, "war")); /* all rows are of it */
    page_card(page, "Chance", eval_member(result, "chance"), 3, "");
}

static const char *const options[] = {"class", "labels", "templates", "descriptions", "average", NULL};

static const struct eval_metric metrics[] = {{"class_recall", "recall", 0}, {0}};

const struct eval_task eval_task_leave_one_out = {
    .info = {.name = "leave-one-out",
             .summary =
                 "of the rows of one class (--class), which training has not seen (data.leave_out): how many are "
                 "recognised among all classes",
             .options = options},
    .title = "A class left out",
    .metrics = metrics,
    .ready = ready,
    .run = run,
    .check = check,
    .print = print,
    .headline = headline,
    .chapter = eval_chapter_confusion,
};
