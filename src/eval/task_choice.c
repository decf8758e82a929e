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
    double *right, chance; /* [count] 1 or 0 */
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

static enum mien_status answer(struct task *t, const struct data_row *row, const float *image)
{
    enum mien_status status = MIEN_OK;
    uint32_t width = t->model->nn->config.embed, best = 0;
    struct base_arena arena = {0};
    const char **texts = base_arena_array(&arena, row->option_count, sizeof(*texts));
    float *embeds = base_arena_array(&arena, (size_t)row->option_count * width, sizeof(*embeds));
    double most = -INFINITY;
    FAIL_IF(!texts || !embeds, MIEN_ERR_NOMEM, "out of host memory for options");
    for (uint32_t k = 0; k < row->option_count; k++)
        FAIL_IF_NULL(texts[k] = sentence(&arena, row, k), "options");
    TRY(mien_model_embed_texts(t->model, texts, row->option_count, 0, embeds));
    for (uint32_t k = 0; k < row->option_count; k++) {
        double score = use_dot(image, embeds + (size_t)k * width, width);
        if (score > most) {
            most = score;
            best = k;
        }
    }
    t->right[t->answered++] = best == (uint32_t)row->answer;
    t->chance += 1.0 / row->option_count;
fail:
    base_arena_clear(&arena);
    return status;
}

static enum mien_status run_task(struct task *t, struct base_json *out)
{
    enum mien_status status = MIEN_OK;
    const struct mien_eval_params *p = t->params;
    const struct mien_embed_params params = {
        .frames = p->frames, .progress = p->progress, .user = p->user, .store = p->store};
    size_t count = t->rows.count, width = t->model->nn->config.embed;
    float *images = base_arena_array(&t->arena, count * width, sizeof(*images));
    bool *ok = base_arena_array(&t->arena, count, sizeof(*ok));
    struct eval_interval interval;
    double sum = 0;
    t->right = base_arena_array(&t->arena, count, sizeof(*t->right));
    FAIL_IF(!images || !ok || !t->right, MIEN_ERR_NOMEM, "out of host memory for %zu embeddings", count);
    TRY(use_embed_rows(t->model, &t->rows, &params, images, ok));
    for (size_t i = 0; i < count; i++)
        if (ok[i])
            TRY(answer(t, &t->rows.manifest->rows[t->rows.rows[i]], images + i * width));
    for (size_t i = 0; i < t->answered; i++)
        sum += t->right[i];
    TRY(eval_mean_interval(t->right, t->answered, p->seed, &interval));
    eval_put_head(out, &t->rows, t->answered, count - t->answered);
    base_put_number(out, "accuracy", t->answered ? sum / (double)t->answered : NAN);
    base_put_numbers(out, "accuracy_interval", (const double[]){interval.low, interval.high}, 2);
    base_put_number(out, "chance", t->answered ? t->chance / (double)t->answered : NAN);
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

const struct eval_task eval_task_choice = {
    .info = {.name = "choice",
             .summary = "multiple-choice questions (\"question\", \"options\", \"answer\"): the option whose sentence "
                        "(question and option) is most like the picture or clip: accuracy",
             .options = options},
    .title = "Multiple choice",
    .run = run,
    .check = check,
    .print = print,
    .headline = headline,
    .chapter = chapter,
};
