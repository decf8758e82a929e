/* rows.h: inside use: which rows of a manifest a protocol uses, and what they are as inputs. */
#ifndef USE_ROWS_H
#define USE_ROWS_H

#include "use/stream.h"

/* A manifest with the rows of the split that was asked for. */
struct use_rows {
    struct data_manifest *manifest;
    uint32_t *rows; /* [count] indices into the manifest, in its order */
    size_t count;
    const char *split;      /* "train", "val", "test", "all" */
    struct data_pack *pack; /* of the manifest, or NULL */
    const char *columns;    /* of a table, as data_manifest_read_as has them; NULL = by their own names */
    bool quiet;             /* keys and columns that are not read have been named before */
};

/* Reads a manifest and keeps the rows of `split` that are usable (NULL: all are). Rows without a split belong to train
 * and to val. split NULL = the first of test, val and all of which such a row is, by its own word where it is test or
 * val. Looks at out->columns and out->quiet, which the caller has set, all else being zero. `what` names them for
 * messages ("image or clip with a label"). MIEN_ERR_ARG: an unknown split; MIEN_ERR_DATA: the manifest is bad, or there
 * is no such row. */
enum mien_status use_rows_read(const char *manifest, const char *split, bool (*usable)(const struct data_row *row),
                               const char *what, struct use_rows *out);
void use_rows_clear(struct use_rows *rows);

/* What a row's picture or clip is called: the picture, the video, the directory or the first frame. */
const char *use_row_path(const struct data_row *row);

/* The rows as a feed, in the arena; pictures come from the pack unless EXIF is to be ignored or drafts are
 * asked for. */
enum mien_status use_rows_feed(const struct use_rows *rows, uint32_t flags, struct base_arena *arena,
                               struct use_feed *out);

/* Unit embeddings of all rows' pictures and clips into out [count,E]; ok[i] says which could be read. Of params,
 * frames, MIEN_NO_EXIF, MIEN_JPEG_DRAFT, threads, max_pixels, progress and user are looked at. */
enum mien_status use_embed_rows(struct mien_model *model, const struct use_rows *rows,
                                const struct mien_embed_params *params, float *out, bool *ok);

/* The same before they have unit length: what heads and temporal modules take. nn_normalise_rows makes the above of
 * them, to the bit. */
enum mien_status use_embed_rows_raw(struct mien_model *model, const struct use_rows *rows,
                                    const struct mien_embed_params *params, float *out, bool *ok);

/* a . b, summed in double. */
double use_dot(const float *a, const float *b, uint32_t width);
/* The mean of rows [count, width]: out [width]. */
void use_mean(const float *rows, size_t count, uint32_t width, float *out);

char *use_copy_text(const char *text); /* base_alloc'ed; NULL when out of memory */

#endif
