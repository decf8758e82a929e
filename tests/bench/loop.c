/* loop.c: a plain threaded matrix product: rows in fours, k, then columns, vectorised by the compiler. Compiled with
 * -O3 -march=native and free contraction (CMakeLists.txt), whatever the rest of the build does. */
#include "loop.h"

#include "base/base.h"

#include <string.h>

enum { ROWS = 4, TASK = 16 }; /* rows per pass over b, rows per task */

struct product {
    uint32_t m, n, k;
    const float *a, *b;
    float *c;
};

static void four_rows(const struct product *p, uint32_t i)
{
    uint32_t n = p->n, k = p->k;
    const float *a = p->a + (uint64_t)i * k;
    float *restrict c0 = p->c + (uint64_t)i * n, *restrict c1 = c0 + n, *restrict c2 = c1 + n, *restrict c3 = c2 + n;
    memset(c0, 0, ROWS * n * sizeof(*c0));
    for (uint32_t l = 0; l < k; l++) {
        const float *restrict b = p->b + (uint64_t)l * n;
        float v0 = a[l], v1 = a[k + l], v2 = a[2 * (uint64_t)k + l], v3 = a[3 * (uint64_t)k + l];
        for (uint32_t j = 0; j < n; j++) {
            c0[j] += v0 * b[j];
            c1[j] += v1 * b[j];
            c2[j] += v2 * b[j];
            c3[j] += v3 * b[j];
        }
    }
}

static void one_row(const struct product *p, uint32_t i)
{
    const float *a = p->a + (uint64_t)i * p->k;
    float *restrict c = p->c + (uint64_t)i * p->n;
    memset(c, 0, p->n * sizeof(*c));
    for (uint32_t l = 0; l < p->k; l++) {
        const float *restrict b = p->b + (uint64_t)l * p->n;
        for (uint32_t j = 0; j < p->n; j++)
            c[j] += a[l] * b[j];
    }
}

static void task(void *user, uint32_t t)
{
    const struct product *p = user;
    uint32_t i = t * TASK, end = BASE_MIN(i + TASK, p->m);
    for (; i + ROWS <= end; i += ROWS)
        four_rows(p, i);
    for (; i < end; i++)
        one_row(p, i);
}

void loop_matmul(uint32_t m, uint32_t n, uint32_t k, const float *a, const float *b, float *c)
{
    struct product p = {m, n, k, a, b, c};
    base_parallel_for(0, (m + TASK - 1) / TASK, task, &p);
}
