/* result.c: the rows together: JSON, CSV, and what people want to know of them. */
#include "check/check.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void check_row_public(const struct check_row *row, char needs[CHECK_NEEDS_SIZE], char reason[CHECK_REASON_SIZE],
                      struct mien_check_row *out)
{
    check_needs_text(row->needs, needs, CHECK_NEEDS_SIZE);
    check_row_reason(row, reason, CHECK_REASON_SIZE);
    *out = (struct mien_check_row){.size = sizeof(*out),
                                   .op = row->op,
                                   .variant = row->variant,
                                   .case_name = row->case_name,
                                   .dtype = row->dtype,
                                   .needs = needs,
                                   .mask = row->mask,
                                   .status = check_row_status(row),
                                   .reason = reason,
                                   .error = check_row_error(row),
                                   .ms = row->ms};
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

static void json_text(struct base_text *text, const char *key, const char *value)
{
    base_text_print(text, "\"%s\":\"", key);
    for (const char *c = value; *c; c++) {
        if ((unsigned char)*c < 0x20)
            base_text_print(text, "\\u%04x", (unsigned)(unsigned char)*c);
        else
            base_text_print(text, *c == '"' || *c == '\\' ? "\\%c" : "%c", *c);
    }
    base_text_add(text, "\"", 1);
}

static void json_row(struct base_text *text, const struct check_row *row, bool bench)
{
    char needs[CHECK_NEEDS_SIZE], reason[CHECK_REASON_SIZE];
    struct mien_check_row shown;
    check_row_public(row, needs, reason, &shown);
    const char *const keys[] = {"op", "variant", "case", "dtype", "status", "needs", "mask", "reason"};
    const char *const texts[] = {
        shown.op, shown.variant, shown.case_name, shown.dtype, mien_check_status_name(shown.status),
        needs,    shown.mask,    reason};
    for (size_t i = 0; i < BASE_COUNT(keys); i++) {
        if (i < 5 || texts[i][0]) {
            base_text_add(text, i ? "," : "{", 1);
            json_text(text, keys[i], texts[i]);
        }
    }
    if (isnan(shown.error))
        base_text_print(text, ",\"error\":null");
    else
        base_text_print(text, ",\"error\":%.2g", shown.error);
    base_text_print(text, ",\"ms\":%.3g", shown.ms);
    if (bench && row->microseconds > 0)
        base_text_print(text, ",\"nmse\":%.3g,\"us\":%.6g,\"gflops\":%.6g,\"gbps\":%.6g,\"vs_plain\":%.4g", row->nmse,
                        row->microseconds, row->gflops, row->gbytes, row->vs_plain);
    base_text_print(text, "}");
}

static void make_json(struct mien_check_result *r, const char *head)
{
    base_text_print(&r->json, "{\"head\":%s,\n\"rows\":[", head);
    for (size_t i = 0; i < r->count; i++) {
        base_text_print(&r->json, i ? ",\n" : "\n");
        json_row(&r->json, &r->rows[i], r->bench);
    }
    base_text_print(&r->json, "\n]}\n");
}

/* ---- the summary ------------------------------------------------------------------------------------------------- */

static void count_rows(struct mien_check_result *r, const char *name, uint32_t flag)
{
    size_t counts[MIEN_CHECK_STATUSES] = {0};
    for (size_t i = 0; i < r->count; i++) {
        if (flag ? r->rows[i].needs & flag : !r->rows[i].needs)
            counts[check_row_status(&r->rows[i])]++;
    }
    base_text_print(&r->summary, "%-18s %7zu %7zu %7zu\n", name, counts[MIEN_CHECK_PASS], counts[MIEN_CHECK_FAIL],
                    counts[MIEN_CHECK_SKIP]);
}

static void by_capability(struct mien_check_result *r)
{
    base_text_print(&r->summary, "%-18s %7s %7s %7s\n", "kernels that need", "passed", "failed", "skipped");
    count_rows(r, "nothing (plain)", 0);
    for (uint32_t bit = 0; bit < VK_CAP_COUNT; bit++) {
        char word[CHECK_NEEDS_SIZE];
        check_needs_text(UINT32_C(1) << bit, word, sizeof(word));
        count_rows(r, word, UINT32_C(1) << bit);
    }
}

/* Each reason once, with how many rows have it. */
static void skips(struct mien_check_result *r)
{
    for (size_t i = 0; i < r->count; i++) {
        size_t same = 0;
        bool known = false;
        for (size_t k = 0; k < r->count && r->rows[i].result == CHECK_SKIPPED; k++) {
            bool equal = r->rows[k].result == CHECK_SKIPPED && strcmp(r->rows[k].note, r->rows[i].note) == 0;
            known = known || (equal && k < i);
            same += equal;
        }
        if (same && !known)
            base_text_print(&r->summary, "%zu skipped: %s\n", same, r->rows[i].note);
    }
}

static void failures(struct mien_check_result *r)
{
    bool any = false;
    for (size_t i = 0; i < r->count; i++) {
        const struct check_row *row = &r->rows[i];
        if (check_row_status(row) != MIEN_CHECK_FAIL)
            continue;
        base_text_print(&r->summary, any ? "" : "failures, and what repeats each alone:\n");
        any = true;
        char reason[CHECK_REASON_SIZE];
        check_row_reason(row, reason, sizeof(reason));
        base_text_print(&r->summary, "%s %s %s: %s\n", row->op, row->case_name, row->variant, reason);
        if (r->repeat)
            base_text_print(&r->summary, "    %s --op %s --case '%s' --mask '%s'\n", r->repeat, row->op, row->case_name,
                            row->mask);
    }
}

static void make_summary(struct mien_check_result *r)
{
    by_capability(r);
    skips(r);
    failures(r);
    base_text_print(&r->summary, "%zu passed, %zu failed, %zu skipped", mien_check_count(r, MIEN_CHECK_PASS),
                    mien_check_count(r, MIEN_CHECK_FAIL), mien_check_count(r, MIEN_CHECK_SKIP));
}

enum mien_status check_result_finish(struct mien_check_result *r)
{
    enum mien_status status = MIEN_OK;
    char *head = base_json_print(r->head, false);
    FAIL_IF_NULL(head, "a check's result");
    make_json(r, head);
    base_text_print(&r->csv, "%s", check_csv_head);
    for (size_t i = 0; i < r->count; i++)
        check_row_csv(&r->rows[i], &r->csv);
    make_summary(r);
    TRY(r->json.status);
    TRY(r->csv.status);
    TRY(r->summary.status);
fail:
    base_free(head);
    return status;
}
