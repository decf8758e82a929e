/* manifest_internal.h: inside data: the parts of reading a manifest. */
#ifndef DATA_MANIFEST_INTERNAL_H
#define DATA_MANIFEST_INTERNAL_H

#include "data/manifest.h"

/* A key that is none, and what it looks like. */
struct manifest_unknown {
    const char *name, *near; /* near NULL: nothing */
    bool slip;               /* near by its letters; else another name of it */
    bool named;
};

struct manifest_reader {
    struct data_manifest *m;
    const char *dir;     /* of the manifest */
    const char *columns; /* of a table, as manifest_columns_parse takes them; may be NULL */
    bool quiet;
    bool more;        /* row->more is wanted */
    char where[1200]; /* "path:line", for messages */
    struct manifest_unknown unknown[32];
    size_t unknown_count;
};

/* An object as a row, which the caller has cleared but for its line. MIEN_ERR_DATA, with `where`. */
enum mien_status manifest_read_row(struct manifest_reader *reader, const cJSON *object, struct data_row *row);
/* A table's text [size] as rows. */
enum mien_status manifest_read_csv(struct manifest_reader *reader, const char *text, size_t size);

/* The key that an unknown one looks like: known by that name too, or, then *slip, some letters off. NULL: none. */
const char *manifest_near(const char *name, bool *slip);
bool manifest_is_key(const char *name);

/* The keys that a table's columns can be, ended by NULL. */
enum { MANIFEST_COLUMNS = 10 };
extern const char *const manifest_columns[MANIFEST_COLUMNS + 1];
/* "key=column,key=column" as names [MANIFEST_COLUMNS], NULL for those that are not given. MIEN_ERR_ARG. */
enum mien_status manifest_columns_parse(const char *text, struct base_arena *arena,
                                        const char *names[MANIFEST_COLUMNS]);

#endif
