/* rows.h: inside use: which rows of a manifest a protocol uses, and the unit embeddings of their images or clips. */
#ifndef USE_ROWS_H
#define USE_ROWS_H

#include "use/use.h"

/* A manifest with the rows of the split that was asked for. */
struct use_rows {
    struct data_manifest *manifest;
    uint32_t *rows; /* [count] indices into the manifest, in its order */
    size_t count;
    const char *split; /* "train", "val", "test", "all" */
};

/* Reads a manifest and keeps the rows of `split` that are usable; split NULL = the first of test, val and all that has
 * such rows. `what` names them for messages ("image or clip with a label"). MIEN_ERR_ARG: an unknown split;
 * MIEN_ERR_DATA: the manifest is bad, or there is no such row. */
enum mien_status use_rows_read(const char *manifest, const char *split, bool (*usable)(const struct data_row *row),
                               const char *what, struct use_rows *out);
void use_rows_clear(struct use_rows *rows);

typedef void (*use_progress_fn)(void *user, size_t done, size_t total);

/* Unit embeddings of all rows' images, and of clips by 32 frames of each, into out [count, E]; ok[i] says which could
 * be read. */
enum mien_status use_embed_rows(struct mien_model *model, const struct use_rows *rows, use_progress_fn progress,
                                void *user, float *out, bool *ok);

/* a . b, summed in double. */
double use_dot(const float *a, const float *b, uint32_t width);
/* The mean of rows [count, width]: out [width]. */
void use_mean(const float *rows, size_t count, uint32_t width, float *out);

char *use_copy_text(const char *text); /* base_alloc'ed; NULL when out of memory */

#endif
