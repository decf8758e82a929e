/* csv.h: tables with a header line, separated by commas, tabs or semicolons (RFC 4180 quoting), as pandas, open_clip
 * and Excel write them. */
#ifndef DATA_CSV_H
#define DATA_CSV_H

#include "base/base.h"

struct data_csv {
    const char *path;
    const char **cells; /* [rows, columns], row by row; the header is not among them */
    uint32_t *lines;    /* line in the file where each row begins */
    const char **names; /* [columns] without blanks around them; "" = a column without a name */
    uint32_t columns;
    size_t rows;
    struct base_arena arena;
};

/* Reads all of it. `separator` 0: of comma, tab and semicolon that which stands most often in the header, or what a
 * first line "sep=;" says, as Excel has it. Lines end with \n, \r\n or \r; a quoted field may hold separators, line
 * ends and doubled quotes; blanks around a field are no part of it unless they are quoted; lines of nothing but
 * separators, and empty fields beyond the header's, are passed over; a byte-order mark is skipped. MIEN_ERR_DATA with
 * path and line: another number of fields than the header's, a quote out of place, not UTF-8, a NUL, no header, a name
 * twice. */
enum mien_status data_csv_read(const char *path, char separator, struct data_csv *out);
/* The same of a text [size] in memory, which is copied; `path` for messages. */
enum mien_status data_csv_parse(const char *path, const char *text, size_t size, char separator, struct data_csv *out);
void data_csv_clear(struct data_csv *csv);

/* Column of that name, else the first of that name in letters of either case, or -1. */
int data_csv_column(const struct data_csv *csv, const char *name);
const char *data_csv_cell(const struct data_csv *csv, size_t row, int column);

/* A whole number of at least 0 from a cell; MIEN_ERR_DATA naming path, line and column. */
enum mien_status data_csv_u32(const struct data_csv *csv, size_t row, int column, uint32_t *out);

#endif
