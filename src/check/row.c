/* row.c: rows of the report. On the pipe a row is "@row" and its fields, separated by tabs. */
#include "check/check.h"

#include <stdlib.h>
#include <string.h>

const char *check_result_word(enum check_result result)
{
    static const char *const words[CHECK_RESULTS] = {"pass", "FAIL", "skip", "HANG", "CRASH"};
    return words[result];
}

void check_row_send(const struct check_row *row, FILE *out)
{
    char note[sizeof(row->note)];
    size_t n = 0;
    for (const char *c = row->note; *c; c++)
        note[n++] = (char)(*c == '\t' || *c == '\n' ? ' ' : *c == '"' ? '\'' : *c); /* fields of the pipe and of CSV */
    note[n] = '\0';
    fprintf(out, "@row\t%u\t%d\t%s\t%s\t%s\t%s\t%.17g\t%.17g\t%.17g\t%.17g\t%.17g\t%.17g\t%s\n", row->unit,
            (int)row->result, row->op, row->case_name, row->variant, row->mask, row->worst, row->nmse,
            row->microseconds, row->gflops, row->gbytes, row->vs_plain, note);
    fflush(out);
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

bool check_row_receive(char *line, struct check_row *row)
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
    double *numbers[] = {&row->worst, &row->nmse, &row->microseconds, &row->gflops, &row->gbytes, &row->vs_plain};
    for (size_t i = 0; i < BASE_COUNT(numbers); i++)
        *numbers[i] = strtod(field(&rest), NULL);
    take(&rest, row->note, sizeof(row->note));
    return row->result < CHECK_RESULTS;
}

void check_table_head(const struct check_options *options, FILE *out)
{
    if (options->csv)
        fprintf(out, "result,op,case,variant,mask,worst,nmse,microseconds,gflops,gbytes,vs_plain,note\n");
    else if (!options->json)
        fprintf(out, "%-5s %-20s %-14s %-26s %8s %8s%s  %s\n", "", "op", "case", "variant", "worst", "nmse",
                options->bench ? "       us    GF/s    GB/s vs-plain" : "", "mask");
}

static void json_text(FILE *out, const char *key, const char *text)
{
    fprintf(out, "\"%s\":\"", key);
    for (const char *c = text; *c; c++) {
        if (*c == '"' || *c == '\\')
            fputc('\\', out);
        fputc((unsigned char)*c < 0x20 ? ' ' : *c, out);
    }
    fputc('"', out);
}

/* JSON has no infinity: a number that is not finite is null. */
static void json_number(FILE *out, const char *key, double value)
{
    if (value - value == 0)
        fprintf(out, ",\"%s\":%.9g", key, value);
    else
        fprintf(out, ",\"%s\":null", key);
}

static void print_json(const struct check_row *row, FILE *out)
{
    fputc('{', out);
    json_text(out, "result", check_result_word(row->result));
    const char *const keys[] = {"op", "case", "variant", "mask", "note"};
    const char *const texts[] = {row->op, row->case_name, row->variant, row->mask, row->note};
    for (size_t i = 0; i < BASE_COUNT(keys); i++) {
        fputc(',', out);
        json_text(out, keys[i], texts[i]);
    }
    json_number(out, "worst", row->worst);
    json_number(out, "nmse", row->nmse);
    json_number(out, "microseconds", row->microseconds);
    json_number(out, "gflops", row->gflops);
    json_number(out, "gbytes", row->gbytes);
    json_number(out, "vs_plain", row->vs_plain);
    fputs("}\n", out);
}

void check_row_print(const struct check_options *options, const struct check_row *row, FILE *out)
{
    if (options->json) {
        print_json(row, out);
    } else if (options->csv) {
        fprintf(out, "%s,%s,%s,%s,\"%s\",%.4g,%.4g,%.6g,%.6g,%.6g,%.4g,\"%s\"\n", check_result_word(row->result),
                row->op, row->case_name, row->variant, row->mask, row->worst, row->nmse, row->microseconds, row->gflops,
                row->gbytes, row->vs_plain, row->note);
    } else {
        fprintf(out, "%-5s %-20s %-14s %-26s %8.2g %8.1e", check_result_word(row->result), row->op, row->case_name,
                row->variant, row->worst, row->nmse);
        if (options->bench && row->microseconds > 0)
            fprintf(out, " %8.1f %7.2f %7.2f %8.2f", row->microseconds, row->gflops, row->gbytes, row->vs_plain);
        else if (options->bench)
            fprintf(out, "%*s", 34, "");
        fprintf(out, "  %s%s%s\n", row->mask, row->note[0] ? "  " : "", row->note);
    }
    fflush(out);
}

void check_table_end(const struct check_options *options, const uint32_t counts[CHECK_RESULTS], FILE *out)
{
    if (options->csv || options->json)
        return;
    fprintf(out, "%u passed, %u failed, %u skipped, %u hung, %u crashed\n", counts[CHECK_PASS], counts[CHECK_FAIL],
            counts[CHECK_SKIPPED], counts[CHECK_HANG], counts[CHECK_CRASH]);
}
