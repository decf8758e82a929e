/* csv.h: comma- or tab-separated tables with a header line (RFC 4180 quoting). */
#ifndef DATA_CSV_H
#define DATA_CSV_H

#include "base/base.h"

struct data_csv {
    const char *path;
    const char **cells; /* [rows, columns], row by row; the header is not among them */
    uint32_t *lines;    /* line in the file where each row begins */
    const char **names; /* [columns] */
    uint32_t columns;
    size_t rows;
    struct base_arena arena;
};

/* Reads all of it. Lines end with \n or \r\n; a quoted field may hold separators, line ends and doubled quotes; empty
 * lines are passed over; a byte-order mark is skipped. MIEN_ERR_DATA with path and line: another number of fields than
 * the header's, a quote out of place, a NUL, no header, a name twice. */
enum mien_status data_csv_read(const char *path, char separator, struct data_csv *out);
void data_csv_clear(struct data_csv *csv);

/* Column of that name, or -1. */
int data_csv_column(const struct data_csv *csv, const char *name);
const char *data_csv_cell(const struct data_csv *csv, size_t row, int column);

/* A whole number of at least 0 from a cell; MIEN_ERR_DATA naming path, line and column. */
enum mien_status data_csv_u32(const struct data_csv *csv, size_t row, int column, uint32_t *out);

#endif
