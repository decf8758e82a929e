/* row.c: rows of the report: on the pipe "@row" and fields separated by tabs; lines of the table; CSV. */
#include "check/check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *result_word(enum check_result result)
{
    static const char *const words[CHECK_RESULTS] = {"pass", "FAIL", "skip", "HANG", "CRASH"};
    return words[result];
}

enum mien_check_status check_row_status(const struct check_row *row)
{
    return row->result == CHECK_PASS      ? MIEN_CHECK_PASS
           : row->result == CHECK_SKIPPED ? MIEN_CHECK_SKIP
                                          : MIEN_CHECK_FAIL;
}

double check_row_error(const struct check_row *row)
{
    return row->result == CHECK_PASS || (row->result == CHECK_FAIL && isfinite(row->worst) && row->worst > 0)
               ? row->worst
               : (double)NAN;
}

void check_row_reason(const struct check_row *row, char *text, size_t size)
{
    const char *kind = row->result == CHECK_HANG ? "hang: " : row->result == CHECK_CRASH ? "crash: " : "";
    snprintf(text, size, "%s%s", kind, row->note);
}

/* ---- the pipe ---------------------------------------------------------------------------------------------------- */

void check_row_pack(const struct check_row *row, char *line, size_t size)
{
    char note[sizeof(row->note)];
    size_t n = 0;
    for (const char *c = row->note; *c; c++)
        note[n++] = (char)((unsigned char)*c < ' ' ? ' ' : *c);
    note[n] = '\0';
    snprintf(line, size, "@row\t%u\t%d\t%s\t%s\t%s\t%s\t%s\t%u\t%.17g\t%.17g\t%.17g\t%.17g\t%.17g\t%.17g\t%.17g\t%s",
             row->unit, (int)row->result, row->op, row->case_name, row->variant, row->mask, row->dtype, row->needs,
             row->worst, row->nmse, row->ms, row->microseconds, row->gflops, row->gbytes, row->vs_plain, note);
}

/* The text up to the next tab; *rest moves behind it. */
static const char *field(char **rest)
{
    char *start = *rest, *tab = strchr(start, '\t');
    if (tab)
        *tab = '\0';
    *rest = tab ? tab + 1 : start + strlen(start);
    return start;
}

static void take(char **rest, char *out, size_t size)
{
    snprintf(out, size, "%s", field(rest));
}

bool check_row_unpack(char *line, struct check_row *row)
{
    memset(row, 0, sizeof(*row));
    if (strncmp(line, "@row\t", 5) != 0)
        return false;
    char *rest = line + 5;
    row->unit = (uint32_t)strtoul(field(&rest), NULL, 10);
    row->result = (enum check_result)atoi(field(&rest));
    take(&rest, row->op, sizeof(row->op));
    take(&rest, row->case_name, sizeof(row->case_name));
    take(&rest, row->variant, sizeof(row->variant));
    take(&rest, row->mask, sizeof(row->mask));
    take(&rest, row->dtype, sizeof(row->dtype));
    row->needs = (uint32_t)strtoul(field(&rest), NULL, 10);
    double *numbers[] = {&row->worst,  &row->nmse,   &row->ms,      &row->microseconds,
                         &row->gflops, &row->gbytes, &row->vs_plain};
    for (size_t i = 0; i < BASE_COUNT(numbers); i++)
        *numbers[i] = strtod(field(&rest), NULL);
    take(&rest, row->note, sizeof(row->note));
    return row->result < CHECK_RESULTS;
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

void check_table_head(bool bench, char *text, size_t size)
{
    snprintf(text, size, "%-5s %-20s %-14s %-26s %-5s %8s %9s%s  %s", "", "op", "case", "variant", "dtype", "error",
             "ms", bench ? "       us    GF/s    GB/s vs-plain" : "", "mask");
}

/* A number, or a dash where there is none. */
static void cell(char *text, size_t size, int width, int digits, double value, bool known)
{
    if (known)
        snprintf(text, size, "%*.*g", width, digits, value);
    else
        snprintf(text, size, "%*s", width, "-");
}

void check_row_text(const struct check_row *row, bool bench, char *text, size_t size)
{
    char error[24], ms[24], timed[64] = "";
    double share = check_row_error(row);
    cell(error, sizeof(error), 8, 2, share, !isnan(share));
    cell(ms, sizeof(ms), 9, 3, row->ms, row->ms > 0);
    if (bench && row->microseconds > 0)
        snprintf(timed, sizeof(timed), " %8.1f %7.2f %7.2f %8.2f", row->microseconds, row->gflops, row->gbytes,
                 row->vs_plain);
    else if (bench)
        snprintf(timed, sizeof(timed), "%*s", 34, "");
    snprintf(text, size, "%-5s %-20s %-14s %-26s %-5s %s %s%s  %s%s%s", result_word(row->result), row->op,
             row->case_name, row->variant, row->dtype, error, ms, timed, row->mask,
             row->mask[0] && row->note[0] ? "  " : "", row->note);
    for (size_t end = strlen(text); end > 0 && text[end - 1] == ' '; end--)
        text[end - 1] = '\0';
}

/* ---- CSV (RFC 4180) ---------------------------------------------------------------------------------------------- */

const char check_csv_head[] = "status,op,case,variant,dtype,error,nmse,ms,needs,mask,us,gflops,gbps,vs_plain,reason\n";

/* Empty where it is not known. */
static void csv_number(struct base_text *text, double value, bool known)
{
    if (known && isfinite(value))
        base_text_print(text, "%.6g", value);
    base_text_add(text, ",", 1);
}

static void csv_quoted(struct base_text *text, const char *value)
{
    base_text_add(text, "\"", 1);
    for (; *value; value++)
        base_text_add(text, *value == '"' ? "\"\"" : value, *value == '"' ? 2 : 1);
    base_text_add(text, "\"", 1);
}

void check_row_csv(const struct check_row *row, struct base_text *text)
{
    char reason[CHECK_REASON_SIZE], needs[CHECK_NEEDS_SIZE];
    double share = check_row_error(row);
    check_row_reason(row, reason, sizeof(reason));
    check_needs_text(row->needs, needs, sizeof(needs));
    base_text_print(text, "%s,%s,%s,%s,%s,", mien_check_status_name(check_row_status(row)), row->op, row->case_name,
                    row->variant, row->dtype);
    csv_number(text, share, !isnan(share));
    csv_number(text, row->nmse, !isnan(share));
    csv_number(text, row->ms, row->ms > 0);
    base_text_print(text, "%s,\"%s\",", needs, row->mask);
    csv_number(text, row->microseconds, row->microseconds > 0);
    csv_number(text, row->gflops, row->microseconds > 0);
    csv_number(text, row->gbytes, row->microseconds > 0);
    csv_number(text, row->vs_plain, row->microseconds > 0);
    csv_quoted(text, reason);
    base_text_add(text, "\n", 1);
}
