/* task_choice.c: multiple-choice questions: the option whose sentence is most like the picture. */
#include "eval/bootstrap.h"
#include "eval/eval.h"

#include <math.h>
#include <string.h>

struct task {
    struct mien_model *model;
    const struct mien_eval_params *params;
    struct use_rows rows;
    struct base_arena arena;
    double *right, chance; /* [count] */
    size_t answered;
};

static bool is_usable(const struct data_row *row)
{
    return row->option_count > 1 && row->answer >= 0 && (uint32_t)row->answer < row->option_count;
}

/* "question option", or the option alone where there is no question. */
static const char *sentence(struct base_arena *arena, const struct data_row *row, uint32_t option)
{
    return row->question ? base_arena_printf(arena, "%s %s", row->question, row->options[option])
                         : base_arena_strdup(arena, row->options[option]);
}

static const struct data_row *row_at(const struct task *t, size_t i)
{
    return &t->rows.manifest->rows[t->rows.rows[i]];
}

/* Embeddings of all options of all questions, in their order: out, in the arena. */
static enum mien_status embed_options(struct task *t, float **out)
{
    enum mien_status status = MIEN_OK;
    size_t count = 0, n = 0;
    for (size_t i = 0; i < t->rows.count; i++)
        count += row_at(t, i)->option_count;
    const char **texts = base_arena_array(&t->arena, count, sizeof(*texts));
    *out = base_arena_array(&t->arena, count * t->model->nn->config.embed, sizeof(**out));
    FAIL_IF(!texts || !*out, MIEN_ERR_NOMEM, "out of host memory for %zu options", count);
    for (size_t i = 0; i < t->rows.count; i++)
        for (uint32_t k = 0; k < row_at(t, i)->option_count; k++)
            FAIL_IF_NULL(texts[n++] = sentence(&t->arena, row_at(t, i), k), "options");
    TRY(mien_model_embed_texts(t->model, texts, count, 0, *out));
fail:
    return status;
}

/* How right: 1 or 0; where several options are as good as the best, the right one's share: their order is no answer. */
static double answer(const float *image, const float *options, const struct data_row *row, uint32_t width)
{
    double most = -(double)INFINITY;
    uint32_t best = 0;
    bool right = false;
    for (uint32_t k = 0; k < row->option_count; k++) {
        double score = use_dot(image, options + (size_t)k * width, width);
        if (score > most)
            best = 0, right = false;
        most = fmax(most, score);
        best += score == most;
        right = right || (score == most && k == (uint32_t)row->answer);
    }
    return right ? 1.0 / best : 0;
}

static enum mien_status run_task(struct task *t, struct base_json *out)
{
    enum mien_status status = MIEN_OK;
    const struct mien_embed_params params = eval_embed_params(t->params);
    size_t count = t->rows.count, width = t->model->nn->config.embed, at = 0;
    float *images = base_arena_array(&t->arena, count * width, sizeof(*images)), *options = NULL;
    bool *ok = base_arena_array(&t->arena, count, sizeof(*ok));
    struct eval_interval interval;
    double sum = 0;
    t->right = base_arena_array(&t->arena, count, sizeof(*t->right));
    FAIL_IF(!images || !ok || !t->right, MIEN_ERR_NOMEM, "out of host memory for %zu embeddings", count);
    TRY(embed_options(t, &options));
    TRY(use_embed_rows(t->model, &t->rows, &params, images, ok));
    for (size_t i = 0; i < count; at += row_at(t, i++)->option_count) {
        if (!ok[i])
            continue;
        t->right[t->answered] = answer(images + i * width, options + at * width, row_at(t, i), (uint32_t)width);
        t->chance += 1.0 / row_at(t, i)->option_count;
        sum += t->right[t->answered++];
    }
    TRY(eval_mean_interval(t->right, t->answered, t->params->seed, &interval));
    eval_put_head(out, &t->rows, t->answered, count - t->answered);
    base_put_number(out, "accuracy", t->answered ? sum / (double)t->answered : (double)NAN);
    base_put_numbers(out, "accuracy_interval", (const double[]){interval.low, interval.high}, 2);
    base_put_number(out, "chance", t->answered ? t->chance / (double)t->answered : (double)NAN);
fail:
    return status;
}

static enum mien_status run(struct mien_model *model, const struct mien_eval_params *params, struct base_json *out)
{
    enum mien_status status = MIEN_OK;
    struct task task = {.model = model, .params = params};
    task.rows.columns = params->columns;
    TRY(use_rows_read(params->manifest, params->split, is_usable, "image or clip with \"options\" and \"answer\"",
                      &task.rows));
    TRY(run_task(&task, out));
fail:
    base_arena_clear(&task.arena);
    use_rows_clear(&task.rows);
    return status;
}

static enum mien_status check(const char *where, const cJSON *result)
{
    if (cJSON_GetObjectItemCaseSensitive(result, "accuracy"))
        return MIEN_OK;
    return base_fail(MIEN_ERR_DATA, "%s: no \"accuracy\"", where);
}

static void print(struct base_text *out, const cJSON *result)
{
    struct eval_interval interval = eval_interval_of(result, "accuracy");
    eval_print_bad(out, result);
    base_text_print(out, "split %s, n %.0f, chance %.3f, 95 %% interval %.3f to %.3f\n",
                    eval_word(cJSON_GetObjectItemCaseSensitive(result, "split")), eval_member(result, "n"),
                    eval_member(result, "chance"), interval.low, interval.high);
    base_text_print(out, "choice accuracy %.3f\n", eval_member(result, "accuracy"));
}

static void headline(struct mien_page *page, const cJSON *result)
{
    eval_card(page, "Accuracy", eval_member(result, "accuracy"), eval_interval_of(result, "accuracy"));
    page_card(page, "Chance", eval_member(result, "chance"), 3, "");
}

static void chapter(struct mien_page *page, const cJSON *result)
{
    page_print(page, "<p>Of ");
    page_count(page, eval_member(result, "n"));
    page_print(page, " questions the option whose sentence is most like the picture was taken.</p>\n");
}

static const char *const options[] = {NULL};

static const struct eval_metric metrics[] = {{"accuracy", "accuracy", 0}, {0}};

const struct eval_task eval_task_choice = {
    .info = {.name = "choice",
             .summary = "multiple-choice questions (\"question\", \"options\", \"answer\"): the option whose sentence "
                        "(question and option) is most like the picture or clip: accuracy, where equal ones share the "
                        "answer",
             .options = options},
    .title = "Multiple choice",
    .metrics = metrics,
    .run = run,
    .check = check,
    .print = print,
    .headline = headline,
    .chapter = chapter,
};
