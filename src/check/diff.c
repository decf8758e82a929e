/* diff.c: two results side by side. Rows are put together by op, variant, case and type: capability masks are a
 * device's own, so that the same kernel may stand under other masks there. Of rows that fall together the worst one
 * counts. */
#include "check/check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Below this share of the tolerance an error may grow: it is rounding, which differs between compilers. */
static const double small_error = 0.25;
static const double small_ms = 2; /* times differ by so much for any reason */

struct group {
    const struct check_row *row; /* the worst */
    enum mien_check_status status;
    double error, ms; /* the largest; the sum of those that ran */
    size_t count;
};

struct mien_check_difference {
    struct base_text text, json;
    size_t regressions;
};

struct diff {
    const struct mien_check_result *result[2];
    struct group *group[2]; /* sorted */
    size_t count[2];
    double factor_error, factor_ms; /* factor_ms 0 = times are not compared */
    bool same_device;
    struct mien_check_difference *out;
    struct base_json rows; /* list */
};

/* ---- groups ------------------------------------------------------------------------------------------------------ */

static int compare_keys(const struct check_row *a, const struct check_row *b)
{
    int order = strcmp(a->op, b->op);
    order = order ? order : strcmp(a->case_name, b->case_name);
    order = order ? order : strcmp(a->variant, b->variant);
    return order ? order : strcmp(a->dtype, b->dtype);
}

static int by_key(const void *a, const void *b)
{
    return compare_keys(((const struct group *)a)->row, ((const struct group *)b)->row);
}

/* Worse comes first: a failure, then a skip. */
static int badness(enum mien_check_status status)
{
    return status == MIEN_CHECK_FAIL ? 2 : status == MIEN_CHECK_SKIP;
}

static void merge(struct group *into, const struct group *more)
{
    if (badness(more->status) > badness(into->status)) {
        into->row = more->row;
        into->status = more->status;
    }
    into->error = fmax(into->error, more->error); /* NaN: nothing was compared */
    into->ms += more->ms;
    into->count += more->count;
}

static enum mien_status make_groups(struct diff *d, int side)
{
    enum mien_status status = MIEN_OK;
    const struct mien_check_result *r = d->result[side];
    struct group *list = base_alloc(r->count + 1, sizeof(*list));
    size_t used = 0;
    FAIL_IF_NULL(list, "a comparison");
    for (size_t i = 0; i < r->count; i++)
        list[i] = (struct group){.row = &r->rows[i],
                                 .status = check_row_status(&r->rows[i]),
                                 .error = check_row_error(&r->rows[i]),
                                 .ms = r->rows[i].ms,
                                 .count = 1};
    qsort(list, r->count, sizeof(*list), by_key);
    for (size_t i = 0; i < r->count; i++) {
        if (used > 0 && by_key(&list[used - 1], &list[i]) == 0)
            merge(&list[used - 1], &list[i]);
        else
            list[used++] = list[i];
    }
    d->group[side] = list;
    d->count[side] = used;
fail:
    return status;
}

/* ---- heads ------------------------------------------------------------------------------------------------------- */

/* A member of a head as text; "" when it is not there. */
static void head_text(const struct mien_check_result *r, const char *key, char *text, size_t size)
{
    const cJSON *item = base_json_member(r->head, key);
    if (cJSON_IsString(item))
        snprintf(text, size, "%s", item->valuestring);
    else if (cJSON_IsNumber(item))
        snprintf(text, size, "%.17g", item->valuedouble);
    else
        text[0] = 0;
}

static bool head_equal(const struct diff *d, const char *key)
{
    char a[1024], b[1024];
    head_text(d->result[0], key, a, sizeof(a));
    head_text(d->result[1], key, b, sizeof(b));
    return strcmp(a, b) == 0;
}

static void heads(struct diff *d)
{
    static const char *const keys[] = {"mien",   "tier", "op",   "case",  "mask",     "caps",   "seed",    "device",
                                       "driver", "api",  "type", "tiles", "features", "masked", "disabled"};
    for (size_t i = 0; i < BASE_COUNT(keys); i++) {
        char a[1024], b[1024];
        head_text(d->result[0], keys[i], a, sizeof(a));
        head_text(d->result[1], keys[i], b, sizeof(b));
        bool equal = strcmp(a, b) == 0;
        if (equal && a[0])
            base_text_print(&d->out->text, "%-9s A, B  %s\n", keys[i], a);
        else if (!equal)
            base_text_print(&d->out->text, "%-9s A     %s\n%-9s B     %s\n", keys[i], a, "", b);
    }
}

/* Names of kernels whose modules differ, or that only one of the two has. */
static void kernels(struct diff *d)
{
    size_t count = 0, shown = 0;
    struct base_json names = base_json_list_begin();
    for (int side = 0; side < 2; side++) {
        const cJSON *here = base_json_member(d->result[side]->head, "kernels");
        const cJSON *there = base_json_member(d->result[!side]->head, "kernels");
        for (const cJSON *k = here ? here->child : NULL; k; k = k->next) {
            const cJSON *other = there ? base_json_member(there, k->string) : NULL;
            bool same = cJSON_IsString(k) && cJSON_IsString(other) && strcmp(k->valuestring, other->valuestring) == 0;
            if (same || (side == 1 && other))
                continue;
            base_text_print(&d->out->text, "%s%s", count++ ? " " : "kernels that differ: ", k->string);
            base_add(&names, cJSON_CreateString(k->string));
            shown++;
        }
    }
    base_text_print(&d->out->text, shown ? "\n" : "");
    cJSON *list = base_json_end(&names);
    char *text = list ? base_json_print(list, false) : NULL;
    base_text_print(&d->out->json, ",\"kernels\":%s", text ? text : "[]");
    base_free(text);
    cJSON_Delete(list);
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

static void add_side(struct base_json *row, const char *key, const struct group *g)
{
    struct base_json side = base_json_object_begin();
    char reason[CHECK_REASON_SIZE];
    if (!g)
        return;
    check_row_reason(g->row, reason, sizeof(reason));
    base_put_text(&side, "status", mien_check_status_name(g->status));
    base_put_text(&side, "reason", reason[0] ? reason : NULL);
    base_put_number(&side, "error", g->error);
    base_put_number(&side, "ms", g->ms);
    base_put_tree(row, key, &side);
}

static void side_text(const struct group *g, char *text, size_t size)
{
    char reason[CHECK_REASON_SIZE] = "";
    if (!g) {
        snprintf(text, size, "not there");
        return;
    }
    check_row_reason(g->row, reason, sizeof(reason));
    if (isnan(g->error))
        snprintf(text, size, "%s%s%s", mien_check_status_name(g->status), reason[0] ? ": " : "", reason);
    else
        snprintf(text, size, "%s, error %.2g, %.3g ms%s%s", mien_check_status_name(g->status), g->error, g->ms,
                 reason[0] ? ": " : "", reason);
}

static void tell(struct diff *d, const char *kind, bool regression, const struct group *a, const struct group *b)
{
    const struct check_row *row = (a ? a : b)->row;
    char left[600], right[600];
    struct base_json json = base_json_object_begin();
    side_text(a, left, sizeof(left));
    side_text(b, right, sizeof(right));
    base_text_print(&d->out->text, "%s: %s %s %s %s: %s\n    A %s\n    B %s\n",
                    regression ? "REGRESSION" : "difference", row->op, row->case_name, row->variant, row->dtype, kind,
                    left, right);
    base_put_text(&json, "kind", kind);
    base_put(&json, "regression", cJSON_CreateBool(regression));
    base_put_text(&json, "op", row->op);
    base_put_text(&json, "case", row->case_name);
    base_put_text(&json, "variant", row->variant);
    base_put_text(&json, "dtype", row->dtype);
    add_side(&json, "a", a);
    add_side(&json, "b", b);
    base_add_tree(&d->rows, &json);
    d->out->regressions += regression;
}

/* What A has run and B has not is no fault of a B that lacks the capability, is another device, or was asked for less.
 */
static bool could_run(const struct diff *d, const struct check_row *row)
{
    char features[CHECK_NEEDS_SIZE];
    head_text(d->result[1], "features", features, sizeof(features));
    bool asked = head_equal(d, "tier") && head_equal(d, "op") && head_equal(d, "case") && head_equal(d, "mask");
    return d->same_device && asked && (row->needs & ~check_needs_parse(features)) == 0;
}

static void compare_pair(struct diff *d, const struct group *a, const struct group *b)
{
    if (!b || (a && a->status == MIEN_CHECK_PASS && b->status == MIEN_CHECK_SKIP)) {
        if (a->status == MIEN_CHECK_PASS)
            tell(d, b ? "is skipped now" : "is not there", could_run(d, a->row), a, b);
        return;
    }
    if (!a) {
        if (b->status == MIEN_CHECK_FAIL)
            tell(d, "fails, and is new", true, a, b);
        return;
    }
    if (b->status == MIEN_CHECK_FAIL && a->status != MIEN_CHECK_FAIL)
        tell(d, "fails", true, a, b);
    else if (b->status == MIEN_CHECK_FAIL)
        tell(d, "fails in both", false, a, b);
    else if (b->status != a->status)
        tell(d, "is better", false, a, b);
    else if (b->error > small_error && b->error > d->factor_error * a->error)
        tell(d, "the error has grown", true, a, b);
    else if (d->factor_ms > 0 && a->count == b->count && a->ms > 0 && b->ms > d->factor_ms * a->ms &&
             b->ms > a->ms + small_ms)
        tell(d, "it has become slower", true, a, b);
}

static void compare_all(struct diff *d)
{
    size_t i = 0, k = 0;
    while (i < d->count[0] || k < d->count[1]) {
        int order = i == d->count[0] ? 1 : k == d->count[1] ? -1 : by_key(&d->group[0][i], &d->group[1][k]);
        compare_pair(d, order <= 0 ? &d->group[0][i] : NULL, order >= 0 ? &d->group[1][k] : NULL);
        i += order <= 0;
        k += order >= 0;
    }
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static enum mien_status add_head(struct diff *d, int side)
{
    enum mien_status status = MIEN_OK;
    char *head = base_json_print(d->result[side]->head, false);
    FAIL_IF_NULL(head, "a comparison");
    base_text_print(&d->out->json, "%s\"%s\":", side ? "," : "{", side ? "b" : "a");
    base_text_add(&d->out->json, head, strlen(head));
fail:
    base_free(head);
    return status;
}

static enum mien_status write_all(struct diff *d)
{
    enum mien_status status = MIEN_OK;
    cJSON *rows = NULL;
    char *text = NULL;
    TRY(add_head(d, 0));
    TRY(add_head(d, 1));
    heads(d);
    kernels(d);
    compare_all(d);
    rows = base_json_end(&d->rows);
    text = rows ? base_json_print(rows, false) : NULL;
    FAIL_IF_NULL(text, "a comparison");
    base_text_print(&d->out->json, ",\"regressions\":%zu,\"rows\":", d->out->regressions);
    base_text_add(&d->out->json, text, strlen(text));
    base_text_print(&d->out->json, "}\n");
    base_text_print(&d->out->text, "%zu and %zu rows of %zu and %zu kinds; %zu regressions", d->result[0]->count,
                    d->result[1]->count, d->count[0], d->count[1], d->out->regressions);
    TRY(d->out->json.status);
    TRY(d->out->text.status);
fail:
    base_free(text);
    cJSON_Delete(rows);
    return status;
}

enum mien_status mien_check_compare(const struct mien_check_result *a, const struct mien_check_result *b,
                                    const struct mien_check_compare_params *given, struct mien_check_difference **out)
{
    enum mien_status status = MIEN_OK;
    struct mien_check_compare_params params;
    struct diff d = {.result = {a, b}, .rows = base_json_list_begin()};
    char type[32];
    NEED(out);
    *out = NULL;
    NEED(a);
    NEED(b);
    TRY(SIZED_READ(&params, given));
    FAIL_IF(!(params.error_factor >= 0) || !(params.ms_factor >= 0), MIEN_ERR_ARG,
            "mien_check_compare: factors of %g and %g; above 0 is wanted", params.error_factor, params.ms_factor);
    d.out = base_alloc(1, sizeof(*d.out));
    FAIL_IF_NULL(d.out, "a comparison");
    head_text(b, "type", type, sizeof(type));
    d.same_device = head_equal(&d, "vendor_id") && head_equal(&d, "device_id") && head_equal(&d, "type");
    d.factor_error = params.error_factor > 0 ? params.error_factor : 2;
    d.factor_ms = params.ms_factor > 0 ? params.ms_factor : d.same_device && strcmp(type, "software") != 0 ? 2 : 0;
    TRY(make_groups(&d, 0));
    TRY(make_groups(&d, 1));
    TRY(write_all(&d));
    *out = d.out;
    d.out = NULL;
fail:
    cJSON_Delete(base_json_end(&d.rows));
    base_free(d.group[0]);
    base_free(d.group[1]);
    mien_check_difference_destroy(&d.out);
    return status;
}

size_t mien_check_regressions(const struct mien_check_difference *difference)
{
    return difference ? difference->regressions : 0;
}

const char *mien_check_difference_json(const struct mien_check_difference *difference)
{
    return difference && difference->json.data ? difference->json.data : "";
}

const char *mien_check_difference_text(const struct mien_check_difference *difference)
{
    return difference && difference->text.data ? difference->text.data : "";
}

void mien_check_difference_destroy(struct mien_check_difference **difference)
{
    if (!difference || !*difference)
        return;
    base_text_clear(&(*difference)->text);
    base_text_clear(&(*difference)->json);
    base_free(*difference);
    *difference = NULL;
}
