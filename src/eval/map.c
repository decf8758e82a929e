/* map.c: principal directions by power iteration. */
#include "eval/map.h"

#include <math.h>
#include <string.h>

enum { ROUNDS = 100, POINTS = 600 };

struct cloud {
    double *rows; /* [count, width], centred */
    size_t count;
    uint32_t width;
};

static void centre(struct cloud *c, const float *rows)
{
    for (uint32_t k = 0; k < c->width; k++) {
        double mean = 0;
        for (size_t i = 0; i < c->count; i++)
            mean += (double)rows[i * c->width + k] / (double)c->count;
        for (size_t i = 0; i < c->count; i++)
            c->rows[i * c->width + k] = (double)rows[i * c->width + k] - mean;
    }
}

static double dot(const double *a, const double *b, uint32_t width)
{
    double sum = 0;
    for (uint32_t k = 0; k < width; k++)
        sum += a[k] * b[k];
    return sum;
}

/* v [width] = X^T X v, of unit length; zeros when there is no variance. */
static void multiply(const struct cloud *c, double *v, double *next)
{
    memset(next, 0, c->width * sizeof(*next));
    for (size_t i = 0; i < c->count; i++) {
        const double *row = c->rows + i * c->width;
        double along = dot(row, v, c->width);
        for (uint32_t k = 0; k < c->width; k++)
            next[k] += along * row[k];
    }
    double norm = sqrt(dot(next, next, c->width));
    for (uint32_t k = 0; k < c->width; k++)
        v[k] = norm > 0 ? next[k] / norm : 0;
}

/* Takes the direction v out of all rows; their coordinates along it, scaled to [-1, 1], go to every second float. */
static void take_out(struct cloud *c, const double *v, float *out)
{
    double most = 0, sign = 0;
    for (size_t i = 0; i < c->count; i++) {
        double *row = c->rows + i * c->width, along = dot(row, v, c->width);
        for (uint32_t k = 0; k < c->width; k++)
            row[k] -= along * v[k];
        out[2 * i] = (float)along;
        most = fmax(most, fabs(along));
        if (sign == 0 && fabs(along) > 1e-9)
            sign = along > 0 ? 1 : -1;
    }
    for (size_t i = 0; most > 0 && i < c->count; i++)
        out[2 * i] = (float)((double)out[2 * i] / most * sign);
}

enum mien_status eval_map(const float *rows, size_t count, uint32_t width, float *xy)
{
    enum mien_status status = MIEN_OK;
    struct cloud cloud = {.count = count, .width = width};
    double *v = base_alloc(2 * (size_t)width + 1, sizeof(*v));
    cloud.rows = base_alloc(count * width + 1, sizeof(*cloud.rows));
    FAIL_IF(!v || !cloud.rows, MIEN_ERR_NOMEM, "out of host memory for a map of %zu embeddings", count);
    centre(&cloud, rows);
    for (uint32_t axis = 0; axis < 2; axis++) {
        for (uint32_t k = 0; k < width; k++)
            v[k] = 1.0 / (1 + k); /* any start that is not at a right angle to the direction */
        for (int round = 0; round < ROUNDS; round++)
            multiply(&cloud, v, v + width);
        take_out(&cloud, v, xy + axis);
    }
fail:
    base_free(cloud.rows);
    base_free(v);
    return status;
}

static double rounded(float x)
{
    return round((double)x * 1e4) / 1e4;
}

enum mien_status eval_put_map(struct base_json *out, const struct eval_points *p)
{
    enum mien_status status = MIEN_OK;
    size_t points = BASE_MIN(p->count, (size_t)POINTS), kept = 0;
    struct base_json list = base_json_list_begin();
    struct base_arena arena = {0};
    float *rows = base_arena_array(&arena, points * p->width, sizeof(*rows));
    float *xy = base_arena_array(&arena, points * 2, sizeof(*xy));
    size_t *at = base_arena_array(&arena, points, sizeof(*at));
    FAIL_IF(!rows || !xy || !at, MIEN_ERR_NOMEM, "out of host memory for a map");
    for (size_t k = 0; k < points; k++) {
        size_t i = k * p->count / points;
        if (!p->ok[i])
            continue;
        memcpy(rows + kept * p->width, p->embeds + i * p->width, p->width * sizeof(*rows));
        at[kept++] = i;
    }
    TRY(eval_map(rows, kept, p->width, xy));
    for (size_t k = 0; k < kept; k++) {
        const double point[] = {rounded(xy[2 * k]), rounded(xy[2 * k + 1]), p->truth[at[k]], p->prediction[at[k]]};
        base_add_numbers(&list, point, BASE_COUNT(point));
    }
    base_put_tree(out, "map", &list);
fail:
    cJSON_Delete(list.tree);
    base_arena_clear(&arena);
    return status;
}

/* ---- in a chapter ---- */

enum { SIDE = 420, SHAPES = 5, LEGEND = 60 };

/* Opens the element of a class's mark at a place. Classes differ in colour and, after as many as there are colours, in
 * shape. */
static void begin_mark(struct mien_page *page, double x, double y, int class, bool missed)
{
    static const char *const shapes[SHAPES] = {NULL, "m-3-3h6v6h-6z", "m0-4l3.6 6.4h-7.2z", "m0-4l4 4-4 4-4-4z",
                                               "m0 4l3.6-6.4h-7.2z"};
    const char *shape = shapes[class / PAGE_COLOURS % SHAPES];
    int colour = class % PAGE_COLOURS;
    if (shape)
        page_print(page, "<path d=\"M%.1f %.1f%s\"", x, y, shape);
    else
        page_print(page, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\"", x, y);
    if (missed)
        page_print(page, " class=\"mark miss\" style=\"stroke:var(--c%d)\">", colour);
    else
        page_print(page, " class=\"mark\" style=\"fill:var(--c%d)\">", colour);
}

static void end_mark(struct mien_page *page, int class)
{
    page_print(page, "</%s>", class / PAGE_COLOURS % SHAPES ? "path" : "circle");
}

static void draw_point(struct mien_page *page, const cJSON *point, const cJSON *classes)
{
    double x = eval_element(point, 0), y = eval_element(point, 1), truth = eval_element(point, 2);
    double prediction = eval_element(point, 3);
    int count = cJSON_GetArraySize(classes);
    if (!(fabs(x) <= 1.01 && fabs(y) <= 1.01 && truth >= 0 && truth < count))
        return;
    bool missed = prediction >= 0 && prediction < count && (int)prediction != (int)truth;
    begin_mark(page, SIDE / 2 * (1 + 0.96 * x), SIDE / 2 * (1 - 0.96 * y), (int)truth, missed);
    page_print(page, "<title>");
    page_short(page, eval_word(cJSON_GetArrayItem(classes, (int)truth)), PAGE_LABEL);
    if (missed) {
        page_print(page, " taken for ");
        page_short(page, eval_word(cJSON_GetArrayItem(classes, (int)prediction)), PAGE_LABEL);
    }
    page_print(page, "</title>");
    end_mark(page, (int)truth);
}

static void draw_legend(struct mien_page *page, const cJSON *classes)
{
    int count = cJSON_GetArraySize(classes);
    for (int c = 0; c < BASE_MIN(count, LEGEND); c++) {
        page_print(page, "<span class=\"key dot\"><svg viewBox=\"0 0 12 12\" aria-hidden=\"true\">");
        begin_mark(page, 6, 6, c, false);
        end_mark(page, c);
        page_print(page, "</svg>");
        page_words(page, eval_word(cJSON_GetArrayItem(classes, c)), PAGE_LABEL);
        page_print(page, "</span>");
    }
    if (count > LEGEND)
        page_print(page, "and %d more", count - LEGEND);
}

void eval_chapter_map(struct mien_page *page, const cJSON *result)
{
    const cJSON *point = NULL, *map = cJSON_GetObjectItemCaseSensitive(result, "map");
    const cJSON *classes = cJSON_GetObjectItemCaseSensitive(result, "classes");
    int n = 0;
    if (cJSON_GetArraySize(map) < 3)
        return;
    page_element(page, "h3", "Map of the image embeddings");
    page_print(page,
               "<figure><svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%d samples in the plane of the two "
               "directions in which their embeddings vary most, coloured by their true class\">",
               SIDE, SIDE, BASE_MIN(cJSON_GetArraySize(map), POINTS));
    cJSON_ArrayForEach(point, map)
    {
        if (n++ < POINTS)
            draw_point(page, point, classes);
    }
    page_print(page, "</svg><figcaption>The two directions in which embeddings vary most. Colour: true class; hollow: "
                     "taken for another.<div class=\"keys\">");
    draw_legend(page, classes);
    page_print(page, "</div></figcaption></figure>\n");
}
