/* read.c: an earlier result from a file. */
#include "bench/bench.h"

#include <math.h>
#include <string.h>

/* A number that must be there; what is not finite was written as null and is none. */
static enum mien_status read_number(const cJSON *object, const char *key, const char *where, double *out)
{
    enum mien_status status = MIEN_OK;
    *out = NAN;
    TRY(base_json_number(object, key, where, out));
    FAIL_IF(!(*out >= 0), MIEN_ERR_DATA, "%s: no number \"%s\"; give what `mien bench --json` printed", where, key);
fail:
    return status;
}

static enum mien_status read_text(const cJSON *object, const char *key, const char *where, char *out, size_t size)
{
    enum mien_status status = MIEN_OK;
    const char *text = NULL;
    TRY(base_json_string(object, key, where, &text));
    FAIL_IF(!text, MIEN_ERR_DATA, "%s: no text \"%s\"; give what `mien bench --json` printed", where, key);
    snprintf(out, size, "%s", text);
fail:
    return status;
}

static enum mien_status read_head(const cJSON *object, const char *where, struct bench_head *h)
{
    enum mien_status status = MIEN_OK;
    char kind[16];
    TRY(read_text(object, "result", where, kind, sizeof(kind)));
    FAIL_IF(strcmp(kind, "mien bench") != 0, MIEN_ERR_DATA, "%s: a result of \"%s\", not of \"mien bench\"", where,
            kind);
#define READ(name) TRY(read_text(object, #name, where, h->name, sizeof(h->name)));
    BENCH_HEAD_TEXTS(READ)
#undef READ
    TRY(base_json_u32(object, "driver_version", where, &h->driver_version));
    TRY(base_json_u32(object, "subgroup_size", where, &h->subgroup_size));
    TRY(base_json_bool(object, "quick", where, &h->quick));
#define READ(name) TRY(read_number(object, #name, where, &h->name));
    BENCH_HEAD_NUMBERS(READ)
#undef READ
fail:
    return status;
}

static enum mien_status read_row(const cJSON *object, const char *where, struct mien_bench *bench)
{
    enum mien_status status = MIEN_OK;
    struct bench_row *r;
    uint32_t outcome = MIEN_BENCH_DONE, bound = MIEN_BENCH_UNBOUND;
    const char *reason = "";
    TRY(bench_add_row(bench, "", "", &r));
    TRY(read_text(object, "name", where, r->name, sizeof(r->name)));
    TRY(read_text(object, "kind", where, r->kind, sizeof(r->kind)));
    TRY(read_text(object, "variant", where, r->variant, sizeof(r->variant)));
    TRY(base_json_string(object, "reason", where, &reason));
    snprintf(r->reason, sizeof(r->reason), "%s", reason);
    TRY(base_json_choice(object, "outcome", where, bench_outcome_words, &outcome));
    TRY(base_json_choice(object, "bound", where, bench_bound_words, &bound));
    r->outcome = (enum mien_bench_outcome)outcome;
    r->bound = (enum mien_bench_bound)bound;
    if (r->outcome != MIEN_BENCH_DONE) /* without numbers */
        return MIEN_OK;
#define READ(name) TRY(read_number(object, #name, where, &r->name));
    BENCH_NUMBERS(READ)
#undef READ
    TRY(base_json_u64(object, "memory", where, &r->memory));
    TRY(base_json_u32(object, "dispatches", where, &r->dispatches));
    TRY(base_json_u32(object, "barriers", where, &r->barriers));
    TRY(base_json_u32(object, "samples", where, &r->samples));
fail:
    return status;
}

static enum mien_status read_all(const cJSON *tree, const char *path, struct mien_bench *bench)
{
    enum mien_status status = MIEN_OK;
    const cJSON *head = NULL, *rows = NULL, *row;
    FAIL_IF(!cJSON_IsObject(tree), MIEN_ERR_DATA, "%s: not an object; give what `mien bench --json` printed", path);
    TRY(base_json_object(tree, "head", path, &head));
    TRY(base_json_array(tree, "rows", path, &rows));
    FAIL_IF(!head || !rows || !rows->child, MIEN_ERR_DATA,
            "%s: no \"head\" and \"rows\", or no row; give what `mien bench --json` printed", path);
    TRY(read_head(head, path, &bench->head));
    cJSON_ArrayForEach(row, rows)
    {
        FAIL_IF(!cJSON_IsObject(row), MIEN_ERR_DATA, "%s: a row is not an object", path);
        TRY(read_row(row, path, bench));
    }
fail:
    return status;
}

enum mien_status mien_bench_read(const char *path, struct mien_bench **out)
{
    enum mien_status status = MIEN_OK;
    struct mien_bench *bench = NULL;
    cJSON *tree = NULL;
    NEED(out);
    *out = NULL;
    NEED(path);
    TRY(base_json_read(path, &tree));
    bench = base_alloc(1, sizeof(*bench));
    FAIL_IF_NULL(bench, "a result");
    TRY(read_all(tree, path, bench));
    *out = bench;
    bench = NULL;
fail:
    cJSON_Delete(tree);
    mien_bench_destroy(&bench);
    return status;
}
