/* timelines.c: scores of the parts of clips. */
#include "eval/timelines.h"

#include "data/frames.h"

#include <math.h>
#include <string.h>

enum { CLIPS = 6, PARTS = 16, CLASSES = 5, PICTURES = 6, SIDE = 56 };

struct maker {
    struct mien_model *model;
    const struct use_rows *rows; /* of the clips alone */
    const struct use_scorer *scorer;
    const uint32_t *truth, *prediction; /* [rows->count] */
    struct mien_clip_frames *frames;    /* [rows->count] */
    struct base_json *list;
};

/* ---- as data ---- */

static bool is_clip(const struct data_row *row)
{
    return row->video || row->frames_dir || row->frame_count > 0;
}

/* Part k of `parts` equal ones of `total`. */
static size_t part(size_t total, size_t parts, size_t k)
{
    return k * total / parts;
}

/* scores [parts,classes] of the parts of a clip's frames [count,width]. */
static enum mien_status score_parts(const struct maker *m, const float *frames, size_t count, size_t parts,
                                    float *scores)
{
    enum mien_status status = MIEN_OK;
    size_t width = m->scorer->width;
    uint32_t classes = m->scorer->classes->count;
    float *embed = base_alloc(width, sizeof(*embed));
    FAIL_IF_NULL(embed, "a timeline");
    for (size_t k = 0; k < parts; k++) {
        size_t from = part(count, parts, k), to = part(count, parts, k + 1);
        TRY(nn_encode_clips(m->model->encoder, frames + from * width, 1, (uint32_t)(to - from), embed));
        nn_normalise_rows(embed, 1, (uint32_t)width);
        TRY(mien_model_scores(m->model, embed, m->scorer->embeds, classes, scores + k * classes));
    }
fail:
    base_free(embed);
    return status;
}

/* The truth, the prediction, then the classes whose largest score is largest: how many, at most CLASSES. */
static size_t choose(const struct maker *m, size_t i, const float *scores, size_t parts, uint32_t chosen[CLASSES])
{
    uint32_t classes = m->scorer->classes->count;
    size_t count = 0;
    chosen[count++] = m->truth[i];
    if (m->prediction[i] != m->truth[i])
        chosen[count++] = m->prediction[i];
    while (count < BASE_MIN(classes, (uint32_t)CLASSES)) {
        uint32_t best = UINT32_MAX;
        float most = -1;
        for (uint32_t c = 0; c < classes; c++) {
            bool taken = false;
            for (size_t k = 0; k < count; k++)
                taken |= chosen[k] == c;
            for (size_t k = 0; k < parts && !taken; k++) {
                best = scores[k * classes + c] > most ? c : best;
                most = scores[k * classes + c] > most ? scores[k * classes + c] : most;
            }
        }
        if (best == UINT32_MAX)
            break;
        chosen[count++] = best;
    }
    return count;
}

/* Some frames of a clip, evenly spaced; none of a video, whose frames are no files. */
static enum mien_status put_pictures(struct base_json *out, const struct data_row *row)
{
    enum mien_status status = MIEN_OK;
    struct base_arena arena = {0};
    const char *shown[PICTURES], **listed = NULL;
    const char *const *paths = row->frames;
    size_t count = row->frame_count;
    if (row->frames_dir) {
        TRY(data_frames_list(&arena, row->frames_dir, &listed, &count));
        paths = listed;
    }
    size_t most = BASE_MIN(count, (size_t)PICTURES);
    for (size_t k = 0; k < most; k++)
        shown[k] = paths[data_frames_pick(count, most, k)];
    if (most)
        base_put_texts(out, "pictures", shown, most);
fail:
    base_arena_clear(&arena);
    return status;
}

/* Where in the clip the middles of the parts lie: frames counted from 1, of those that the clip has. */
static void put_places(struct base_json *out, size_t count, size_t there, size_t parts)
{
    struct base_json at = base_json_list_begin();
    for (size_t k = 0; k < parts; k++) {
        double middle = (double)(part(count, parts, k) + part(count, parts, k + 1)) / 2;
        base_add_number(&at, round(1e3 * (middle * (double)there / (double)count + 0.5)) / 1e3);
    }
    base_put_tree(out, "at", &at);
}

static void put_scores(struct base_json *out, const struct maker *m, size_t i, const float *scores, size_t parts)
{
    struct base_json object = base_json_object_begin();
    uint32_t chosen[CLASSES], classes = m->scorer->classes->count;
    size_t count = choose(m, i, scores, parts, chosen);
    for (size_t c = 0; c < count; c++) {
        struct base_json values = base_json_list_begin();
        for (size_t k = 0; k < parts; k++)
            base_add_number(&values, round((double)scores[k * classes + chosen[c]] * 1e6) / 1e6);
        base_put_tree(&object, m->scorer->classes->list[chosen[c]].name, &values);
    }
    base_put_tree(out, "scores", &object);
}

/* A use_frames_fn. */
static enum mien_status put_clip(void *user, size_t i, const float *frames, uint32_t count)
{
    enum mien_status status = MIEN_OK;
    const struct maker *m = user;
    const struct data_row *row = &m->rows->manifest->rows[m->rows->rows[i]];
    size_t parts = BASE_MIN(count, (uint32_t)PARTS), there = m->frames[i].there ? (size_t)m->frames[i].there : count;
    struct base_json clip = base_json_object_begin();
    float *scores = base_alloc(parts * m->scorer->classes->count + 1, sizeof(*scores));
    FAIL_IF_NULL(scores, "a timeline");
    if (!frames || count == 0)
        goto fail;
    TRY(score_parts(m, frames, count, parts, scores));
    eval_put_sample(&clip, row);
    base_put_text(&clip, "truth", m->scorer->classes->list[m->truth[i]].name);
    base_put_text(&clip, "prediction", m->scorer->classes->list[m->prediction[i]].name);
    base_put_number(&clip, "frames", (double)there);
    base_put_number(&clip, "used", count);
    TRY(put_pictures(&clip, row));
    put_places(&clip, count, there, parts);
    put_scores(&clip, m, i, scores, parts);
    base_add_tree(m->list, &clip);
    clip.tree = NULL;
fail:
    cJSON_Delete(clip.tree);
    base_free(scores);
    return status;
}

/* Up to CLIPS of the clips that have been read: their places among the samples. How many. */
static size_t pick(const struct use_rows *rows, const struct use_scored *samples, size_t picked[CLIPS])
{
    size_t clips = 0, shown = 0, seen = 0;
    for (size_t pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < rows->count; i++) {
            if (!samples->ok[i] || samples->truth[i] == USE_NO_CLASS || !is_clip(&rows->manifest->rows[rows->rows[i]]))
                continue;
            if (pass == 0)
                clips++;
            else if (shown < CLIPS && seen++ == data_frames_pick(clips, CLIPS, shown))
                picked[shown++] = i;
        }
    }
    return shown;
}

enum mien_status eval_put_timelines(struct base_json *out, struct mien_model *model, const struct use_rows *rows,
                                    const struct use_scorer *scorer, const struct use_scored *samples,
                                    const uint32_t *prediction, const struct mien_embed_params *params)
{
    enum mien_status status = MIEN_OK;
    size_t picked[CLIPS], count = pick(rows, samples, picked);
    uint32_t of[CLIPS], truth[CLIPS], taken[CLIPS];
    bool ok[CLIPS];
    struct mien_clip_frames frames[CLIPS] = {{0}};
    struct use_rows some = {.manifest = rows->manifest, .rows = of, .count = count, .pack = rows->pack};
    struct base_json list = base_json_list_begin();
    struct maker maker = {model, &some, scorer, truth, taken, frames, &list};
    struct mien_embed_params own = *params;
    struct base_arena arena = {0};
    struct use_feed feed;
    if (count == 0)
        goto fail;
    for (size_t k = 0; k < count; k++) {
        of[k] = rows->rows[picked[k]];
        truth[k] = (uint32_t)samples->truth[picked[k]];
        taken[k] = prediction[picked[k]];
    }
    own.ok = ok;
    own.clips = frames;
    own.progress = NULL;
    own.store = NULL;
    TRY(use_rows_feed(&some, own.flags, &arena, &feed));
    TRY(use_embed_frames(model, &feed, &own, put_clip, &maker));
    base_put_tree(out, "timelines", &list);
    list.tree = NULL;
fail:
    cJSON_Delete(list.tree);
    base_arena_clear(&arena);
    return status;
}

/* ---- in a chapter ---- */

/* The number of a class among all, which is its colour; `other` where it is none of them. */
static size_t colour_of(const cJSON *result, const char *name, size_t other)
{
    const cJSON *class = NULL;
    size_t n = 0;
    cJSON_ArrayForEach(class, cJSON_GetObjectItemCaseSensitive(result, "classes"))
    {
        if (strcmp(eval_word(class), name) == 0)
            return n;
        n++;
    }
    return other;
}

static void copy(const cJSON *list, double *out, size_t count)
{
    const cJSON *value = list ? list->child : NULL;
    for (size_t k = 0; k < count; k++, value = value ? value->next : NULL)
        out[k] = eval_number(value);
}

static void draw_scores(struct mien_page *page, const cJSON *result, const cJSON *clip)
{
    const cJSON *at = cJSON_GetObjectItemCaseSensitive(clip, "at"), *score = NULL;
    double x[PARTS], y[CLASSES][PARTS];
    struct page_line lines[CLASSES];
    size_t parts = (size_t)BASE_MIN(cJSON_GetArraySize(at), PARTS), count = 0;
    copy(at, x, parts);
    cJSON_ArrayForEach(score, cJSON_GetObjectItemCaseSensitive(clip, "scores"))
    {
        if (count == CLASSES || !cJSON_IsArray(score) || !score->string)
            continue;
        copy(score, y[count], parts);
        for (size_t k = 0; k < parts; k++)
            y[count][k] = y[count][k] >= 0 && y[count][k] <= 1 ? y[count][k] : (double)NAN;
        lines[count] =
            (struct page_line){score->string, x, y[count], parts, 1 + colour_of(result, score->string, count)};
        count++;
    }
    page_scores(page, "scores over frames", lines, count);
}

static void draw_strip(struct mien_page *page, const cJSON *clip)
{
    const cJSON *pictures = cJSON_GetObjectItemCaseSensitive(clip, "pictures"), *picture = NULL;
    int n = 0;
    if (cJSON_GetArraySize(pictures) == 0)
        return;
    page_print(page, "<div class=\"strip\">");
    cJSON_ArrayForEach(picture, pictures)
    {
        if (n++ < PICTURES && cJSON_IsString(picture))
            eval_picture_of(page, picture->valuestring, clip, SIDE);
    }
    page_print(page, "</div>\n");
}

static void draw_clip(struct mien_page *page, const cJSON *result, const cJSON *clip)
{
    const char *truth = eval_word(cJSON_GetObjectItemCaseSensitive(clip, "truth"));
    const char *prediction = eval_word(cJSON_GetObjectItemCaseSensitive(clip, "prediction"));
    double used = eval_member(clip, "used"), there = eval_member(clip, "frames");
    bool right = strcmp(truth, prediction) == 0;
    page_print(page, "<li><p>");
    page_words(page, truth, PAGE_LABEL);
    page_print(page, right ? ", <span class=\"hit\">recognised</span>" : " taken for <b>");
    if (!right) {
        page_words(page, prediction, PAGE_LABEL);
        page_print(page, "</b>");
    }
    page_print(page, "</p>\n");
    draw_strip(page, clip);
    draw_scores(page, result, clip);
    page_print(page, "<div class=\"soft path\">");
    page_words(page, eval_word(cJSON_GetObjectItemCaseSensitive(clip, "image")), PAGE_PATH);
    page_print(page, ", ");
    page_count(page, there);
    page_print(page, " frames");
    if (used < there) {
        page_print(page, ", ");
        page_count(page, used);
        page_print(page, " of them used");
    }
    page_print(page, "</div></li>\n");
}

void eval_chapter_timelines(struct mien_page *page, const cJSON *result)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(result, "timelines"), *clip = NULL;
    int n = 0;
    if (cJSON_GetArraySize(list) == 0)
        return;
    page_element(page, "h3", "Clips from beginning to end");
    page_print(page,
               "<p class=\"soft\">Some clips, evenly spaced over the split, each cut into up to %d parts that are "
               "scored as clips of their own: probabilities of the true class, of the one that the whole clip was "
               "taken for, and of the highest others.</p>\n<ul class=\"clips\">\n",
               PARTS);
    cJSON_ArrayForEach(clip, list)
    {
        if (n++ < CLIPS)
            draw_clip(page, result, clip);
    }
    page_print(page, "</ul>\n");
}
