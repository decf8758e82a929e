/* manifest.h: what a data set holds: JSON Lines, one object per sample, paths relative to the file. */
#ifndef DATA_MANIFEST_H
#define DATA_MANIFEST_H

#include "base/base.h"

enum data_split { DATA_SPLIT_NONE, DATA_SPLIT_TRAIN, DATA_SPLIT_VAL, DATA_SPLIT_TEST };

/* A caption's levels; a missing one is NULL or has count 0. */
struct data_caption {
    const char *whole; /* as given when it was one string */
    const char *global, *summary;
    const char *const *local;
    uint32_t local_count;
};

struct data_value {
    const char *name;
    double value;
};

/* A file's content in memory. */
struct data_bytes {
    const void *data;
    size_t size;
};

/* One sample. Strings are UTF-8 and live as long as the manifest. */
struct data_row {
    uint32_t line;
    const char *image;              /* path, joined to the manifest's directory; or NULL */
    const char *video;              /* likewise */
    const char *frames_dir;         /* likewise */
    const char *const *frames;      /* paths, likewise */
    uint32_t frame_count;           /* of `frames` */
    const struct data_bytes *bytes; /* of the image, or of each of `frames`, whose paths are names then; NULL: files */
    const char *where;              /* for messages, of a row that stands in no line of the manifest; else NULL */
    bool has_box, has_va;
    int32_t box[4]; /* x, y, width, height in pixels, as mien_box_round gives them: clipped where the picture is read */
    struct data_caption caption;
    const char *const *labels; /* several = a compound */
    uint32_t label_count;
    const char *label_text; /* a sentence in place of the label's word, where training has one; else NULL */
    double va[2];           /* valence, arousal */
    const struct data_value *aus, *targets; /* NULL = none; "au": {} is not: no unit is present */
    uint32_t au_count, target_count;
    const char *question; /* multiple choice */
    const char *const *options;
    uint32_t option_count;
    int32_t answer; /* index into options, -1 = none */
    enum data_split split;
    int32_t fold;        /* -1 = none */
    const char *subject; /* or NULL */
    const char *more;    /* keys that are none, as an object's text, where data_manifest_read_more was asked; or NULL */
};

struct data_manifest {
    const char *path;
    struct data_row *rows;
    size_t count;
    struct base_arena arena;
};

/* Reads all of it: JSON Lines, or a table (csv.h), told by the first character. Both have one rule: null, "" and blanks
 * are absent, in lists too. Unknown keys and columns are ignored; one that is near a known one is named once in the
 * log. A table has columns named as the keys image (or filepath), video, frames, box, caption (or title), label, va,
 * split, fold and subject, in letters of either case; boxes and va are numbers with commas, semicolons or blanks
 * between them. MIEN_ERR_DATA with path and line: not JSON, a known key with a wrong type, not exactly one of image,
 * frames and video. Files that the rows name are not looked at. */
enum mien_status data_manifest_read(const char *path, struct data_manifest **out);
/* With columns of other names, "image=path,caption=text" (NULL: none; JSON Lines have none); `quiet`: nothing is
 * named, for one that has been read before. MIEN_ERR_ARG: malformed columns. */
enum mien_status data_manifest_read_as(const char *path, const char *columns, bool quiet, struct data_manifest **out);
/* With row->more, for those who hand rows on: of JSON Lines. */
enum mien_status data_manifest_read_more(const char *path, struct data_manifest **out);
/* MIEN_ERR_ARG: not such columns. */
enum mien_status data_columns_check(const char *columns);
void data_manifest_destroy(struct data_manifest **manifest);

/* Rows of a split, in order: indices into rows, malloc'ed (base_free). `absent_too`: also those without a split (as
 * training and validation take them). DATA_SPLIT_NONE with absent_too = all rows. None is no error. */
enum mien_status data_manifest_select(const struct data_manifest *manifest, enum data_split split, bool absent_too,
                                      uint32_t **rows, size_t *count);

/* The label of a row that follows `before` in the order of bytes, NULL = the first; NULL when there is none. A compound
 * has no order: its labels are walked in this one, each once. */
const char *data_row_label_after(const struct data_row *row, const char *before);

/* The words of a row's labels joined by " and ", in the order above, in `buffer`; "" when there is none. */
const char *data_row_label(const struct data_row *row, char *buffer, size_t size);

/* The same whole, however long: in the arena, or borrowed from the row. NULL when out of memory. */
const char *data_row_class(struct base_arena *arena, const struct data_row *row);

/* A row as one object of a manifest, paths as they are; what it lacks is left out (fold 0 and an answer without options
 * too). The caller owns it; NULL when out of memory. */
cJSON *data_row_json(const struct data_row *row);

/* Splits one caption into levels: the first sentence is global, the last the summary, those between are local; a single
 * one is global only. A sentence ends after . ! ? (or several of them) before white space or the end, and after the
 * stops of full width anywhere, with the quotes and brackets that close it; but not after an abbreviation ("approx.",
 * caption.c lists them), a single letter ("J. Smith", "e.g."), or inside a number. Strings come from the arena. */
enum mien_status data_caption_split(struct base_arena *arena, const char *text, struct data_caption *out);

/* Whether any level names a side ("left", "right", also in "leftmost", "right-hand"): a mirrored picture would make it
 * wrong. */
bool data_caption_has_side(const struct data_caption *caption);

/* All levels as one text in the arena: `whole`, or global, local sentences and summary joined by spaces. NULL when
 * there is none or memory is out. */
const char *data_caption_text(struct base_arena *arena, const struct data_caption *caption);

/* Whether a text is absent by the one rule: there is nothing but white space, as Unicode has it. */
bool data_is_blank(const char *text);

/* inside data */
enum mien_status manifest_split(const char *where, const char *word, enum data_split *out);
const char *manifest_path(struct data_manifest *m, const char *dir, const char *name);

#endif
