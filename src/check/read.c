/* read.c: a result from a file, as mien_check_json wrote it. */
#include "check/check.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static enum mien_status read_text(const cJSON *object, const char *key, const char *where, bool needed, char *out,
                                  size_t size)
{
    enum mien_status status = MIEN_OK;
    const char *text = NULL;
    TRY(base_json_string(object, key, where, &text));
    FAIL_IF(needed && !text, MIEN_ERR_DATA, "%s: a row has no \"%s\"; is it a result of mien check --json?", where,
            key);
    FAIL_IF(text && strlen(text) >= size, MIEN_ERR_DATA, "%s: \"%s\" of a row has more than %zu letters", where, key,
            size - 1);
    snprintf(out, size, "%s", text ? text : "");
fail:
    return status;
}

/* "hang: ..." and "crash: ..." are results of their own. */
static void read_result(const char *word, char *reason, struct check_row *row)
{
    row->result = strcmp(word, "pass") == 0 ? CHECK_PASS : strcmp(word, "skip") == 0 ? CHECK_SKIPPED : CHECK_FAIL;
    if (strncmp(reason, "hang: ", 6) == 0)
        row->result = CHECK_HANG;
    if (strncmp(reason, "crash: ", 7) == 0)
        row->result = CHECK_CRASH;
    snprintf(row->note, sizeof(row->note), "%s",
             reason + (row->result == CHECK_HANG    ? 6
                       : row->result == CHECK_CRASH ? 7
                                                    : 0));
}

static enum mien_status read_row(const cJSON *object, const char *where, struct check_row *row)
{
    enum mien_status status = MIEN_OK;
    static const char *const words[] = {"pass", "fail", "skip", NULL};
    char needs[CHECK_NEEDS_SIZE], reason[CHECK_REASON_SIZE];
    uint32_t word = UINT32_MAX;
    FAIL_IF(!cJSON_IsObject(object), MIEN_ERR_DATA, "%s: a row is no object", where);
    TRY(read_text(object, "op", where, true, row->op, sizeof(row->op)));
    TRY(read_text(object, "variant", where, true, row->variant, sizeof(row->variant)));
    TRY(read_text(object, "case", where, true, row->case_name, sizeof(row->case_name)));
    TRY(read_text(object, "dtype", where, true, row->dtype, sizeof(row->dtype)));
    TRY(read_text(object, "mask", where, false, row->mask, sizeof(row->mask)));
    TRY(read_text(object, "needs", where, false, needs, sizeof(needs)));
    TRY(read_text(object, "reason", where, false, reason, sizeof(reason)));
    for (uint32_t i = 0; words[i]; i++) {
        const cJSON *item = base_json_member(object, "status");
        if (cJSON_IsString(item) && strcmp(item->valuestring, words[i]) == 0)
            word = i;
    }
    FAIL_IF(word == UINT32_MAX, MIEN_ERR_DATA, "%s: the \"status\" of a row is none of: pass, fail, skip", where);
    row->needs = check_needs_parse(needs);
    row->worst = (double)NAN;
    TRY(base_json_number(object, "error", where, &row->worst));
    TRY(base_json_number(object, "ms", where, &row->ms));
    read_result(words[word], reason, row);
fail:
    return status;
}

static enum mien_status read_rows(struct mien_check_result *r, const cJSON *rows, const char *where)
{
    enum mien_status status = MIEN_OK;
    size_t count = (size_t)cJSON_GetArraySize(rows);
    FAIL_IF(!count, MIEN_ERR_DATA, "%s: \"rows\" is empty; a check has at least one", where);
    TRY(base_grow(&r->rows, &r->capacity, count, sizeof(*r->rows)));
    for (const cJSON *row = rows->child; row && r->count < count; row = row->next) {
        struct check_row *to = &r->rows[r->count];
        *to = (struct check_row){.unit = (uint32_t)r->count};
        TRY(read_row(row, where, to));
        r->count++;
    }
fail:
    return status;
}

enum mien_status mien_check_read(const char *path, struct mien_check_result **out)
{
    enum mien_status status = MIEN_OK;
    struct mien_check_result *r = NULL;
    cJSON *tree = NULL;
    const cJSON *head = NULL, *rows = NULL;
    NEED(out);
    *out = NULL;
    NEED(path);
    r = base_alloc(1, sizeof(*r));
    FAIL_IF_NULL(r, "a check's result");
    TRY(base_json_read(path, &tree));
    FAIL_IF(!cJSON_IsObject(tree), MIEN_ERR_DATA, "%s: no object; it is no result of mien check --json", path);
    TRY(base_json_object(tree, "head", path, &head));
    TRY(base_json_array(tree, "rows", path, &rows));
    FAIL_IF(!head || !rows || !cJSON_IsObject(base_json_member(head, "kernels")), MIEN_ERR_DATA,
            "%s: no \"head\" with \"kernels\", or no \"rows\"; it is no result of mien check --json", path);
    TRY(read_rows(r, rows, path));
    r->head = cJSON_DetachItemFromObjectCaseSensitive(tree, "head");
    TRY(check_result_finish(r));
    *out = r;
    r = NULL;
fail:
    cJSON_Delete(tree);
    mien_check_destroy(&r);
    return status;
}
