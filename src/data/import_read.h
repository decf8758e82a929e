/* import_read.h: inside data: what importers read beside lists of samples: numbers, NumPy's scalars, JSON. */
#ifndef DATA_IMPORT_READ_H
#define DATA_IMPORT_READ_H

#include "data/import.h"

/* A number as data sets write it, blanks around it aside; the text is [size]. MIEN_ERR_DATA with in->where: it is none.
 */
enum mien_status import_number(const struct import *in, const char *text, size_t size, double *out);

/* The numbers of a line, separated by blanks, commas or semicolons, at most `most`; *count says how many. */
enum mien_status import_numbers(const struct import *in, const char *line, double *out, size_t most, size_t *count);

/* A number as an int from least to most; MIEN_ERR_DATA with in->where and `what` it is: it is another, or not whole. */
enum mien_status import_whole(const struct import *in, const char *what, double number, int least, int most, int *out);

/* A file of NumPy below the top that holds one value: a number, or a text of one (AffectNet has "<U1"). *there is false
 * where there is no such file. MIEN_ERR_DATA: it holds something else. */
enum mien_status import_npy(const struct import *in, const char *path, double *out, bool *there);

/* A JSON file below the top, and its text, for lines; free with cJSON_Delete and base_free. */
enum mien_status import_json(struct import *in, const char *path, cJSON **json, char **text);
/* Where objects stand in a JSON text, one after another, for messages; begins with {text, depth, 1}, depth the number
 * of objects and lists around each. */
struct import_json_at {
    const char *at;
    int depth;
    unsigned line;
};
/* "path:line" of the next one, into where. */
void import_json_next(const struct import *in, const char *path, struct import_json_at *next, char where[1200]);

/* A file that a list names in a way of its own ("FABAInstruct/train/images/a.jpg"): as it stands, else without its
 * first directories, one after another, below the top or `place` in it; as import_source. */
enum mien_status import_suffix(struct import *in, const char *place, const char *path, struct data_row *row,
                               bool *found);

#endif
