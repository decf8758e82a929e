/* map.c: principal directions by power iteration. */
#include "eval/map.h"

#include <math.h>
#include <string.h>

enum { ROUNDS = 100 };

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
