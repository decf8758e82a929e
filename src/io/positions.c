/* positions.c: the formulas of io_positions_grid and io_positions_text. */
#include "io/positions.h"

#include "base/base.h"

#include <math.h>
#include <string.h>

enum { KEPT = 20, FACTOR = 4 }; /* Long-CLIP */

/* Keys' cubic with a = -0.5, as torch's antialiased resize (and Pillow's) has it. */
static double cubic(double x)
{
    const double a = -0.5;
    x = fabs(x);
    if (x < 1)
        return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

/* weights [to][from]: how much of each input an output takes; rows sum to 1. */
static void grid_weights(uint32_t from, uint32_t to, double *weights)
{
    double scale = (double)from / to, wide = scale > 1 ? scale : 1, support = 2 * wide;
    memset(weights, 0, (size_t)from * to * sizeof(*weights));
    for (uint32_t i = 0; i < to; i++) {
        double centre = scale * (i + 0.5), sum = 0, *row = weights + (size_t)i * from;
        long first = (long)(centre - support + 0.5), end = (long)(centre + support + 0.5);
        first = first < 0 ? 0 : first;
        end = end > (long)from ? (long)from : end;
        for (long j = first; j < end; j++) {
            row[j] = cubic(((double)j - centre + 0.5) / wide);
            sum += row[j];
        }
        for (long j = first; j < end; j++)
            row[j] /= sum;
    }
}

enum mien_status io_positions_grid(const float *in, uint32_t from, uint32_t to, uint32_t width, float *out)
{
    enum mien_status status = MIEN_OK;
    double *weights = base_alloc((size_t)from * to, sizeof(*weights));
    double *lines = base_alloc((size_t)from * to, sizeof(*lines)); /* [from][to]: one channel, resized along rows */
    FAIL_IF(!weights || !lines, MIEN_ERR_NOMEM, "out of host memory for a position embedding");
    grid_weights(from, to, weights);
    memcpy(out, in, width * sizeof(float));
    for (uint32_t c = 0; c < width; c++) {
        for (uint32_t y = 0; y < from; y++)
            for (uint32_t x = 0; x < to; x++) {
                double sum = 0;
                for (uint32_t k = 0; k < from; k++)
                    sum += weights[x * from + k] * in[(size_t)(1 + y * from + k) * width + c];
                lines[y * to + x] = sum;
            }
        for (uint32_t y = 0; y < to; y++)
            for (uint32_t x = 0; x < to; x++) {
                double sum = 0;
                for (uint32_t k = 0; k < from; k++)
                    sum += weights[y * from + k] * lines[k * to + x];
                out[(size_t)(1 + y * to + x) * width + c] = (float)sum;
            }
    }
fail:
    base_free(weights);
    base_free(lines);
    return status;
}

/* out = a + share * (b - a), rows */
static void mix(const float *a, const float *b, double share, uint32_t width, float *out)
{
    for (uint32_t c = 0; c < width; c++)
        out[c] = (float)((double)a[c] + share * ((double)b[c] - (double)a[c]));
}

/* Row 20+i becomes rows 20+4i..20+4i+3 on the way to row 21+i; the last four go on in the last direction. */
static void stretch(const float *in, uint32_t from, uint32_t width, float *out)
{
    memcpy(out, in, (size_t)KEPT * width * sizeof(float));
    for (uint32_t i = KEPT; i < from; i++) {
        const float *a = in + (size_t)i * width, *b = a + width, *before = a - width;
        float *to = out + (size_t)(KEPT + FACTOR * (i - KEPT)) * width;
        for (uint32_t k = 0; k < FACTOR; k++) {
            if (i + 1 < from)
                mix(a, b, (double)k / FACTOR, width, to + (size_t)k * width);
            else
                mix(a, before, -(double)k / FACTOR, width, to + (size_t)k * width);
        }
    }
}

void io_positions_text(const float *in, uint32_t from, uint32_t to, uint32_t width, float *out)
{
    if (from > KEPT && to == FACTOR * from - (FACTOR - 1) * KEPT) {
        stretch(in, from, width, out);
        return;
    }
    for (uint32_t i = 0; i < to; i++) {
        double at = fmax((i + 0.5) * from / to - 0.5, 0);
        uint32_t low = (uint32_t)at, high = low + 1 < from ? low + 1 : low;
        mix(in + (size_t)low * width, in + (size_t)high * width, at - low, width, out + (size_t)i * width);
    }
}
