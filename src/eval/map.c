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

void eval_chapter_map(struct mien_page *page, const cJSON *result)
{
    enum { SIDE = 420 };
    const cJSON *point = NULL, *map = cJSON_GetObjectItemCaseSensitive(result, "map");
    const cJSON *classes = cJSON_GetObjectItemCaseSensitive(result, "classes");
    if (cJSON_GetArraySize(map) < 3)
        return;
    page_element(page, "h3", "Map of the image embeddings");
    page_print(page, "<figure><svg width=\"%d\" height=\"%d\" role=\"img\">", SIDE, SIDE);
    cJSON_ArrayForEach(point, map)
    {
        double x = eval_element(point, 0), y = eval_element(point, 1), truth = eval_element(point, 2);
        if (!(fabs(x) <= 1.01 && fabs(y) <= 1.01 && truth >= 0 && truth < cJSON_GetArraySize(classes)))
            continue;
        page_print(page, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\" fill-opacity=\".75\"/>",
                   SIDE / 2 * (1 + 0.96 * x), SIDE / 2 * (1 - 0.96 * y), page_colour((size_t)truth));
    }
    page_print(page, "</svg><figcaption>the two directions in which they vary most; colour = true class:");
    for (int c = 0; c < cJSON_GetArraySize(classes); c++) {
        page_print(page, " <span style=\"color:%s\">&#9679; ", page_colour((size_t)c));
        page_text(page, eval_word(cJSON_GetArrayItem(classes, c)));
        page_print(page, "</span>");
    }
    page_print(page, "</figcaption></figure>\n");
}
