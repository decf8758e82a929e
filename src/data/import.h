/* import.h: inside data: importers, which turn data sets' official layouts into manifests. An importer is a descriptor
 * `const struct import_layout import_<name> = {...};` in a file import_*.c, which the build finds. Most are rules
 * (import_rule.h) in a table; others read the layout's lists themselves and hand every sample to import_row. The rest
 * is done here. */
#ifndef DATA_IMPORT_H
#define DATA_IMPORT_H

#include "data/manifest.h"
#include "mien/data.h"

struct import;
struct import_rule;

/* What a layout takes of mien_import_params beside name, root, manifest, seed and pack. */
enum {
    IMPORT_CAPTIONS = 1, /* shuffle_captions */
    IMPORT_LOCAL = 2,    /* local */
    IMPORT_SEQUENCE = 4, /* frames, neutral */
};

struct import_layout {
    struct mien_import_info info;
    const char *marks[8]; /* names in the layout's top directory, or patterns with '*', any of which tells it */
    unsigned options;     /* IMPORT_* */
    uint32_t folds;       /* how many there are; 0 = it has none */
    uint32_t classes;     /* 0, or how many there are where one fewer may be asked for, */
    const char *dropped;  /* which is without this label */
    const struct import_rule *rule; /* import_rule.h, for import_by_rule */
    enum mien_status (*run)(struct import *in);
    enum mien_status (*whole)(struct import *in); /* in place of run where the root is no directory or the output no
                                                     manifest: does all itself */
};

struct import {
    const struct import_layout *layout;
    const struct mien_import_params *params;
    struct mien_import_summary *summary; /* run counts missing, unrated and passed_over, import_row the rest */
    const char *top;                     /* the root, or the one directory in it that holds a mark */
    const char *where;                   /* "list:line" that is being read, for messages; may be NULL */
    bool marked;                         /* one is there */
    struct base_arena arena;             /* of the import */
    struct base_arena row_arena;         /* of one row: import_row clears it */
    /* private to import.c */
    char *from_manifest; /* top as the manifest's directory sees it */
    char *real_root;     /* without links and dots */
    struct base_out *out;
    cJSON **held; /* rows whose captions are still to be handed round */
    size_t held_count, held_capacity;
    const char **seen; /* [seen_size] entries by their hashes: import_seen */
    size_t seen_count, seen_size;
    struct base_arena seen_arena;
};

/* The guard of all that an importer looks at: a path below the top, joined to it. Lists and links may not lead out of
 * the root: MIEN_ERR_DATA, with in->where, for an absolute path, one with a part "..", and one that a link takes
 * elsewhere. Free *out with base_free. Whether something is there is another question. */
enum mien_status import_path(const struct import *in, const char *path, char **out);

/* What the first bytes of a file below the top tell; nothing is decoded. MIEN_ERR_DATA: as import_path, or a pointer of
 * Git LFS in place of the file; MIEN_ERR_IO: it cannot be read. */
enum import_kind {
    IMPORT_MISSING,
    IMPORT_OTHER,
    IMPORT_PICTURE,
    IMPORT_FOREIGN /* a picture that must be converted */
};
enum mien_status import_look(const struct import *in, const char *path, enum import_kind *out);

/* One sample. Paths of `row` are relative to the top; fold 0 and an empty list of options are none. `more`: further
 * keys of its object (may be NULL), which is taken over. MIEN_ERR_DATA: not UTF-8. */
enum mien_status import_row(struct import *in, const struct data_row *row, cJSON *more);

/* With the option captions: the levels that the row's caption lacks, from its labels, units, valence and arousal, in
 * the row's arena. */
enum mien_status import_caption(struct import *in, struct data_row *row);

/* MIEN_ERR_DATA as import_path. */
enum mien_status import_is_dir(const struct import *in, const char *path, bool *out);

/* Names of a directory below the top ("" = the top), in natural order, hidden ones (".x") left out. Free with
 * base_dir_list_free. */
enum mien_status import_names(const struct import *in, const char *path, char ***names, size_t *count);

#endif
