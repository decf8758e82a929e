/* compare.c: a result against an earlier one, row by row. */
#include "bench/bench.h"

#include <string.h>

/* What two runs on a quiet machine differ by at least. */
static const double least_noise = 0.05;

static const struct bench_row *find(const struct mien_bench *bench, const char *name)
{
    for (size_t i = 0; i < bench->count; i++) {
        if (strcmp(bench->rows[i].name, name) == 0)
            return &bench->rows[i];
    }
    return NULL;
}

static bool timed(const struct bench_row *row)
{
    return row->outcome == MIEN_BENCH_DONE && row->ms > 0;
}

static void compare_row(struct bench_row *now, const struct bench_row *before)
{
    now->change = MIEN_BENCH_NOT_COMPARED;
    now->before_ms = now->ratio = now->noise = 0;
    if (!before || !timed(before))
        return;
    now->before_ms = before->ms;
    if (now->outcome == MIEN_BENCH_FAILED)
        now->change = MIEN_BENCH_BROKEN;
    if (!timed(now))
        return;
    now->ratio = now->ms / before->ms;
    now->noise = now->spread + before->spread + least_noise;
    /* a busy machine moves medians; what has become slower is so at its best, too */
    double best = now->least_ms / before->least_ms;
    if (now->ratio > 1 + now->noise && best > 1 + least_noise)
        now->change = MIEN_BENCH_SLOWER;
    else if (now->ratio * (1 + now->noise) < 1 && best * (1 + least_noise) < 1)
        now->change = MIEN_BENCH_FASTER;
    else
        now->change = MIEN_BENCH_SAME;
}

enum mien_status mien_bench_compare(struct mien_bench *now, const struct mien_bench *before, uint32_t *regressions)
{
    enum mien_status status = MIEN_OK;
    uint32_t worse = 0;
    if (regressions)
        *regressions = 0;
    NEED(now);
    NEED(before);
    base_text_clear(&now->gone);
    base_text_clear(&now->json);
    base_text_clear(&now->csv);
    base_text_clear(&now->text);
    snprintf(now->against, sizeof(now->against), "%s", *before->head.device ? before->head.device : "?");
    for (size_t i = 0; i < now->count; i++) {
        compare_row(&now->rows[i], find(before, now->rows[i].name));
        worse += now->rows[i].change >= MIEN_BENCH_SLOWER;
    }
    for (size_t i = 0; i < before->count; i++) {
        if (!find(now, before->rows[i].name))
            base_text_print(&now->gone, "%s%s", now->gone.size ? ", " : "", before->rows[i].name);
    }
    TRY(now->gone.status);
    if (regressions)
        *regressions = worse;
fail:
    return status;
}
