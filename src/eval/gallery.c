/* gallery.c: captions and the pictures that are most like them. */
#include "eval/gallery.h"

#include "use/metrics.h"

#include <math.h>

enum { CAPTIONS = 6, PICTURES = 6 };

/* ---- as data ---- */

static void put_picture(const struct eval_pairs *p, size_t j, double score, bool right, struct base_json *list)
{
    const struct data_row *row = &p->rows->manifest->rows[p->rows->rows[j]];
    struct base_json picture = base_json_object_begin();
    eval_put_sample(&picture, row);
    base_put_number(&picture, "score", round(score * 1e6) / 1e6);
    base_put(&picture, "right", cJSON_CreateBool(right));
    base_add_tree(list, &picture);
}

/* The nearest that is not shown yet; scores of those that are shown are NaN. */
static size_t nearest(const double *scores, size_t count)
{
    size_t best = SIZE_MAX;
    for (size_t j = 0; j < count; j++)
        if (isfinite(scores[j]) && (best == SIZE_MAX || scores[j] > scores[best]))
            best = j;
    return best;
}

/* scores [count] is scratch. */
static enum mien_status put_caption(const struct eval_pairs *p, size_t i, double *scores, struct base_json *list)
{
    enum mien_status status = MIEN_OK;
    struct base_json caption = base_json_object_begin(), pictures = base_json_list_begin();
    size_t count = p->rows->count, shown = BASE_MIN(count, (size_t)PICTURES);
    double rank = 0;
    for (size_t j = 0; j < count; j++)
        scores[j] = use_dot(p->texts + i * p->width, p->images + j * p->width, p->width);
    TRY(use_rank(scores, p->group, count, i, &rank));
    for (size_t k = 0; k < shown; k++) {
        size_t j = nearest(scores, count);
        if (j == SIZE_MAX)
            break;
        put_picture(p, j, scores[j], p->group[j] == p->group[i], &pictures);
        scores[j] = (double)NAN;
    }
    base_put_text(&caption, "text", p->whole[i]);
    base_put_number(&caption, "rank", rank);
    base_put_tree(&caption, "pictures", &pictures);
    base_add_tree(list, &caption);
fail:
    cJSON_Delete(status == MIEN_OK ? NULL : caption.tree);
    cJSON_Delete(status == MIEN_OK ? NULL : pictures.tree);
    return status;
}

enum mien_status eval_put_gallery(struct base_json *out, const struct eval_pairs *p)
{
    enum mien_status status = MIEN_OK;
    struct base_json list = base_json_list_begin();
    size_t count = p->rows->count, most = BASE_MIN(count, (size_t)CAPTIONS), shown = 0;
    uint32_t groups[CAPTIONS];
    double *scores = base_alloc(count, sizeof(*scores));
    FAIL_IF_NULL(scores, "a gallery");
    for (size_t k = 0; k < most; k++) {
        size_t i = (2 * k + 1) * count / (2 * most); /* the middles of equal parts */
        bool has_been = false;
        for (size_t g = 0; g < shown; g++)
            has_been |= groups[g] == p->group[i];
        if (has_been)
            continue;
        groups[shown++] = p->group[i];
        TRY(put_caption(p, i, scores, &list));
    }
    base_put_tree(out, "gallery", &list);
fail:
    cJSON_Delete(list.tree);
    base_free(scores);
    return status;
}

/* ---- in a chapter ---- */

static void draw_picture(struct mien_page *page, const cJSON *picture)
{
    bool right = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(picture, "right"));
    page_print(page, "<li%s>", right ? " class=\"hit\"" : "");
    eval_picture(page, picture);
    page_print(page, "<span>");
    page_number(page, eval_member(picture, "score"), 3);
    page_print(page, "%s</span></li>\n", right ? " \xe2\x9c\x93" : "");
}

static void draw_caption(struct mien_page *page, const cJSON *caption, double count)
{
    const cJSON *text = cJSON_GetObjectItemCaseSensitive(caption, "text"), *picture = NULL;
    double rank = eval_member(caption, "rank");
    int n = 0;
    if (!cJSON_IsString(text))
        return;
    page_print(page, "<li><p>");
    page_words(page, text->valuestring, PAGE_CAPTION);
    if (rank > 0 && rank < 1e15) {
        page_print(page, " <span class=\"soft\">its own at rank %.15g of ", rank);
        page_count(page, count);
        page_print(page, "</span>");
    }
    page_print(page, "</p><ol class=\"gallery\">\n");
    cJSON_ArrayForEach(picture, cJSON_GetObjectItemCaseSensitive(caption, "pictures"))
    {
        if (n++ < PICTURES && cJSON_IsString(cJSON_GetObjectItemCaseSensitive(picture, "image")))
            draw_picture(page, picture);
    }
    page_print(page, "</ol></li>\n");
}

void eval_chapter_gallery(struct mien_page *page, const cJSON *result)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(result, "gallery"), *caption = NULL;
    int n = 0;
    if (cJSON_GetArraySize(list) == 0)
        return;
    page_element(page, "h3", "Captions and the faces nearest to them");
    page_print(page, "<p class=\"soft\">The nearest first, with the cosine of the angle between caption and picture; "
                     "framed and ticked: pictures that have this caption.</p>\n<ul class=\"captions\">\n");
    cJSON_ArrayForEach(caption, list)
    {
        if (n++ < CAPTIONS)
            draw_caption(page, caption, eval_member(result, "n"));
    }
    page_print(page, "</ul>\n");
}
