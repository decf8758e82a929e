/* result.c: a result as the application sees it. */
#include "bench/bench.h"

#include <string.h>

const char *const bench_outcome_words[] = {"done", "fail", "skip", NULL};
const char *const bench_bound_words[] = {"none", "fma", "copy", NULL};
const char *const bench_change_words[] = {"none", "same", "faster", "slower", "broken", NULL};

enum mien_status bench_add_row(struct mien_bench *bench, const char *kind, const char *name, struct bench_row **out)
{
    enum mien_status status = base_grow(&bench->rows, &bench->capacity, bench->count + 1, sizeof(*bench->rows));
    *out = NULL;
    if (status != MIEN_OK)
        return status;
    *out = &bench->rows[bench->count++];
    **out = (struct bench_row){0};
    snprintf((*out)->name, sizeof((*out)->name), "%s", name);
    snprintf((*out)->kind, sizeof((*out)->kind), "%s", kind);
    return MIEN_OK;
}

void mien_bench_destroy(struct mien_bench **bench)
{
    if (!bench || !*bench)
        return;
    base_text_clear(&(*bench)->gone);
    base_text_clear(&(*bench)->json);
    base_text_clear(&(*bench)->csv);
    base_text_clear(&(*bench)->text);
    base_free((*bench)->rows);
    base_free(*bench);
    *bench = NULL;
}

enum mien_status mien_bench_describe(const struct mien_bench *bench, struct mien_bench_head *head)
{
    enum mien_status status = MIEN_OK;
    NEED(head);
    TRY(SIZED_CLEAR(head));
    NEED(bench);
    const struct bench_head *h = &bench->head;
    const struct mien_bench_head own = {.size = sizeof(own),
                                        .quick = h->quick,
                                        .driver_version = h->driver_version,
                                        .subgroup_size = h->subgroup_size,
#define COPY(name) .name = h->name,
                                        BENCH_HEAD_TEXTS(COPY) BENCH_HEAD_NUMBERS(COPY)
#undef COPY
    };
    TRY(SIZED_WRITE(head, &own));
fail:
    return status;
}

uint32_t mien_bench_count(const struct mien_bench *bench)
{
    return bench ? (uint32_t)bench->count : 0;
}

enum mien_status mien_bench_row_at(const struct mien_bench *bench, uint32_t index, struct mien_bench_row *row)
{
    enum mien_status status = MIEN_OK;
    NEED(row);
    TRY(SIZED_CLEAR(row));
    NEED(bench);
    FAIL_IF(index >= bench->count, MIEN_ERR_ARG, "mien_bench_row_at: row %u of %zu", index, bench->count);
    const struct bench_row *r = &bench->rows[index];
    const struct mien_bench_row own = {.size = sizeof(own),
                                       .name = r->name,
                                       .kind = r->kind,
                                       .variant = r->variant,
                                       .reason = r->reason,
                                       .outcome = r->outcome,
                                       .bound = r->bound,
                                       .change = r->change,
                                       .before_ms = r->before_ms,
                                       .ratio = r->ratio,
                                       .noise = r->noise,
#define COPY(name) .name = r->name,
                                       BENCH_NUMBERS(COPY) BENCH_COUNTS(COPY)
#undef COPY
    };
    TRY(SIZED_WRITE(row, &own));
fail:
    return status;
}
