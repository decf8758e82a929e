/* rows.h: result files of vendor_compile, and what their rows may not be. */
#ifndef VENDOR_ROWS_H
#define VENDOR_ROWS_H

#include "base/base.h"

struct row {
    char key[256]; /* shader, specialisation, required subgroup size: one pipeline */
    char name[256];
    char shader[80];
    double registers, occupancy, spills, instructions; /* -1: not given */
    double alone;                                      /* loads in main loops that wait alone (isa.h); -1: not known */
    double share;                                      /* of peak by the model, %; -1: no multiply-adds */
    double share_scalar;                               /* the same where scalar loads take time; -1: there are none */
    double lanes, group_waves;                         /* what it was told */
};

/* A product that is judged by name (shapes.h), and its pipelines. */
struct shape {
    char name[80];
    size_t rows[8];
    size_t count;
};
struct result {
    char device[256], driver[256], class_[32];
    struct row *rows;
    struct shape *shapes;
    size_t count, capacity, shape_count, shape_capacity;
};

enum mien_status result_read(const char *path, struct result *out);
void result_clear(struct result *r);
const struct row *result_find(const struct result *r, const char *key);

/* limits.c: whether a pipeline keeps within what is asked of all of a device's; prints a FAIL for each that it does
 * not.
 */
bool limits_keep(const char *device, const struct row *row);
/* The same for all rows of files, for what products must reach, and for the list of kernels that may have loads that
 * wait alone on desktops: "KERNEL LOADS  # reason" in each line, sorted, without the suffix of a dtype; other lines
 * begin with #. A pipeline that has more such loads fails, and a kernel of which none in any file has so many. */
enum mien_status limits_check(const char *list_path, char *const *paths, size_t count, bool *good);

/* table.c: the shapes of a result as a table in Markdown between two marks in a file: *good = that is what stands
 * there. `write` puts it there. */
enum mien_status table_check(const char *path, const char *result_path, bool write, bool *good);

#endif
