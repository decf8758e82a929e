/* import_lines.h: inside data: lists of samples as texts: a name and a label a line, of a table or not. */
#ifndef DATA_IMPORT_LINES_H
#define DATA_IMPORT_LINES_H

#include "data/import.h"

struct import_line {
    const char *name, *label;
    const char *text; /* a sentence about it, or NULL */
};

typedef enum mien_status (*import_line_fn)(struct import *in, const struct import_line *line, void *user);

/* All lines of a list below the top; in->where is path and line meanwhile. Fields are separated by tabs where the line
 * has one (name, label, a sentence in Chinese, one in English), else by blanks, the label last; with a header
 * "video_name" and "label" it is a table (csv.h). Lines end with \n or \r\n; a byte-order mark and empty lines are
 * passed over; what is not UTF-8 is read as GBK. MIEN_ERR_DATA: a line without a label, or neither encoding. */
enum mien_status import_lines_read(struct import *in, const char *path, import_line_fn fn, void *user);

/* A text file below the top, in malloc'ed memory, as UTF-8 without a byte-order mark; free *text with base_free. */
enum mien_status import_text_read(struct import *in, const char *path, char **text);

#endif
