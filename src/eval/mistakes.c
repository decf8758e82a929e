/* mistakes.c: the surest mistakes of a classifier. */
#include "eval/mistakes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 24, SCORES = 3 };

struct mistake {
    double margin; /* probability of the prediction - of the truth */
    size_t row;
};

/* ---- as data ---- */

static int surest_first(const void *a, const void *b)
{
    const struct mistake *x = a, *y = b;
    if (x->margin != y->margin)
        return x->margin > y->margin ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

static double rounded(float score)
{
    return round((double)score * 1e6) / 1e6;
}

/* The truth's and the largest: as in `mien classify`, by the classes' names. */
static void put_scores(struct base_json *out, const struct use_classes *classes, uint32_t truth, float *scores)
{
    struct base_json object = base_json_object_begin();
    bool has_truth = false;
    for (uint32_t k = 0; k < SCORES && k < classes->count; k++) {
        uint32_t best = 0;
        for (uint32_t c = 1; c < classes->count; c++)
            best = scores[c] > scores[best] ? c : best;
        has_truth |= best == truth;
        base_put_number(&object, classes->list[best].name, rounded(scores[best]));
        scores[best] = -1; /* taken */
    }
    if (!has_truth)
        base_put_number(&object, classes->list[truth].name, rounded(scores[truth]));
    base_put_tree(out, "scores", &object);
}

static void put_mistake(struct base_json *list, const struct data_row *row, const struct use_classes *classes,
                        uint32_t truth, uint32_t prediction, float *scores)
{
    struct base_json object = base_json_object_begin();
    eval_put_sample(&object, row);
    base_put_text(&object, "truth", classes->list[truth].name);
    base_put_text(&object, "prediction", classes->list[prediction].name);
    put_scores(&object, classes, truth, scores);
    base_add_tree(list, &object);
}

enum mien_status eval_put_mistakes(struct base_json *out, struct mien_model *model, const struct use_rows *rows,
                                   const struct use_scorer *scorer, const struct use_scored *samples,
                                   const uint32_t *prediction)
{
    enum mien_status status = MIEN_OK;
    uint32_t classes = scorer->classes->count;
    struct base_json list = base_json_list_begin();
    struct base_arena arena = {0};
    size_t count = 0;
    struct mistake *all = base_arena_array(&arena, samples->count, sizeof(*all));
    float *scores = base_arena_array(&arena, classes, sizeof(*scores));
    FAIL_IF(!all || !scores, MIEN_ERR_NOMEM, "out of host memory for a list of mistakes");
    for (size_t i = 0; i < samples->count; i++) {
        if (!samples->ok[i] || samples->truth[i] == USE_NO_CLASS || (uint32_t)samples->truth[i] == prediction[i])
            continue;
        TRY(mien_model_scores(model, samples->embeds + i * scorer->width, scorer->embeds, classes, scores));
        all[count++] = (struct mistake){(double)scores[prediction[i]] - (double)scores[samples->truth[i]], i};
    }
    qsort(all, count, sizeof(*all), surest_first);
    for (size_t k = 0; k < BASE_MIN(count, (size_t)MOST); k++) {
        size_t i = all[k].row;
        TRY(mien_model_scores(model, samples->embeds + i * scorer->width, scorer->embeds, classes, scores));
        put_mistake(&list, &rows->manifest->rows[rows->rows[i]], scorer->classes, (uint32_t)samples->truth[i],
                    prediction[i], scores);
    }
    base_put_tree(out, "mistakes", &list);
fail:
    cJSON_Delete(list.tree);
    base_arena_clear(&arena);
    return status;
}

/* ---- in a chapter ---- */

static void draw_score(struct mien_page *page, const cJSON *score, const char *truth)
{
    bool right = strcmp(score->string, truth) == 0;
    page_print(page, "<div class=\"score%s\"><span>", right ? " hit" : "");
    page_words(page, score->string, PAGE_LABEL);
    page_print(page, "%s</span><span>", right ? " (true)" : "");
    page_number(page, cJSON_IsNumber(score) ? score->valuedouble : (double)NAN, 3);
    page_print(page, "</span></div>");
}

static void draw_mistake(struct mien_page *page, const cJSON *mistake)
{
    const cJSON *image = cJSON_GetObjectItemCaseSensitive(mistake, "image"), *score = NULL;
    const char *truth = eval_word(cJSON_GetObjectItemCaseSensitive(mistake, "truth"));
    int n = 0;
    if (!cJSON_IsString(image))
        return;
    page_print(page, "<li class=\"face\">");
    eval_picture(page, mistake);
    page_print(page, "<div><p>");
    page_words(page, truth, PAGE_LABEL);
    page_print(page, " taken for <b>");
    page_words(page, eval_word(cJSON_GetObjectItemCaseSensitive(mistake, "prediction")), PAGE_LABEL);
    page_print(page, "</b></p>");
    cJSON_ArrayForEach(score, cJSON_GetObjectItemCaseSensitive(mistake, "scores"))
    {
        if (score->string && n++ <= SCORES)
            draw_score(page, score, truth);
    }
    page_print(page, "<div class=\"soft path\">");
    page_words(page, image->valuestring, PAGE_PATH);
    page_print(page, "</div></div></li>\n");
}

void eval_chapter_mistakes(struct mien_page *page, const cJSON *result)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(result, "mistakes"), *mistake = NULL;
    int count = BASE_MIN(cJSON_GetArraySize(list), MOST), n = 0;
    double wrong = round(eval_member(result, "n") * (1 - eval_member(result, "war")));
    if (!cJSON_IsArray(list))
        return;
    page_element(page, "h3", "Taken for another class");
    if (count == 0) {
        page_element(page, "p", "Every sample was recognised.");
        return;
    }
    page_print(page, "<p class=\"soft\">The surest first");
    if (wrong > count) {
        page_print(page, ", %d of ", count);
        page_count(page, wrong);
    }
    page_print(page, ". Scores: probabilities of the classes that the model took for most likely, and of the true one."
                     "</p>\n<ul class=\"faces\">\n");
    cJSON_ArrayForEach(mistake, list)
    {
        if (n++ < count)
            draw_mistake(page, mistake);
    }
    page_print(page, "</ul>\n");
}
