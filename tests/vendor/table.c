/* table.c: what the kernels of large products would reach by the model, as a table for readers. */
#include "rows.h"

#include <stdio.h>
#include <string.h>

static const char begin_mark[] = "<!-- products: made by tests/vendor/run --update -->\n";
static const char end_mark[] = "<!-- end of products -->\n";

/* A pipeline's share and what it lives with; those without a multiply-add in a loop (sums of parts) are left out. */
static void print_shape(const struct result *r, const struct shape *s, struct base_text *out)
{
    const char *between = "";
    for (size_t i = 0; i < s->count; i++) {
        const struct row *row = &r->rows[s->rows[i]];
        if (row->share < 0)
            continue;
        base_text_print(out, "%s`%s` %.0f %%", between, row->shader, row->share);
        if (row->share_scalar >= 0)
            base_text_print(out, " [%.0f %%]", row->share_scalar);
        base_text_print(out, ", %.0f, %.0f x %.0f (%.0f)", row->registers, row->occupancy, row->lanes,
                        row->group_waves);
        between = "; ";
    }
}

/* Shapes that differ behind a comma share a line: "matmul 592x3072x768, B [K,N]". */
static void print_table(const struct result *r, struct base_text *out)
{
    base_text_print(out, "| product | kernel: share of peak [with scalar loads], VGPRs, waves a SIMD x lanes (of a "
                         "workgroup) |\n|---|---|\n");
    for (size_t i = 0; i < r->shape_count; i++) {
        const char *name = r->shapes[i].name, *before = i ? r->shapes[i - 1].name : "";
        size_t head = strcspn(name, ",");
        if (i && strcspn(before, ",") == head && strncmp(before, name, head) == 0)
            base_text_print(out, "; ");
        else
            base_text_print(out, "%s| %.*s | ", i ? " |\n" : "", (int)head, name);
        if (name[head])
            base_text_print(out, "%s: ", name + head + 2);
        print_shape(r, &r->shapes[i], out);
    }
    base_text_print(out, " |\n");
}

enum mien_status table_check(const char *path, const char *result_path, bool write, bool *good)
{
    enum mien_status status = MIEN_OK;
    struct result r = {0};
    struct base_text table = {0}, whole = {0};
    char *text = NULL;
    size_t size;
    TRY(result_read(result_path, &r));
    FAIL_IF(!r.shape_count, MIEN_ERR_DATA, "%s: tells no products; make it anew", result_path);
    TRY(base_file_read(path, 0, &text, &size));
    const char *begin = strstr(text, begin_mark), *end = begin ? strstr(begin, end_mark) : NULL;
    FAIL_IF(!end, MIEN_ERR_DATA, "%s: holds no lines %s%s", path, begin_mark, end_mark);
    begin += sizeof begin_mark - 1;
    print_table(&r, &table);
    TRY(table.status);
    *good = table.size == (size_t)(end - begin) && memcmp(table.data, begin, table.size) == 0;
    if (write && !*good) {
        base_text_add(&whole, text, (size_t)(begin - text));
        base_text_add(&whole, table.data, table.size);
        base_text_add(&whole, end, size - (size_t)(end - text));
        TRY(whole.status);
        TRY(base_file_write(path, whole.data, whole.size));
        *good = true;
    } else if (!*good) {
        printf("FAIL %s: its table is not what %s tells; that is:\n%s", path, result_path, table.data);
    }
fail:
    base_free(text);
    base_text_clear(&table);
    base_text_clear(&whole);
    result_clear(&r);
    return status;
}
