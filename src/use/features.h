/* features.h: embeddings of all frames of rows by a tower that does not change: made once, kept in a file. */
#ifndef USE_FEATURES_H
#define USE_FEATURES_H

#include "data/clips.h"
#include "io/safetensors.h"
#include "use/rows.h"

struct use_features {
    struct data_features data; /* raw embeddings of the rows' frames, for the loader */
    uint64_t *first;
    float *values;
};

/* Of rows' pictures and clips, of a clip at most `frames` at equal spacing (MIEN_ALL_FRAMES: all). They are taken from
 * `path` when that file was made from the same image tower, preparation, rows and files, by their sizes and times; else
 * they are made and written there (safetensors: features f32 [N,E], first i64 [rows+1]). A row that cannot be read is
 * named and has none. progress may be NULL. Free with use_features_clear. */
enum mien_status use_features_open(struct mien_model *model, const struct use_rows *rows, uint32_t frames,
                                   const char *path, mien_progress_fn progress, void *user, struct use_features *out);
void use_features_clear(struct use_features *features);

/* Whether a parameter is of the image tower. */
bool use_is_vision(const char *name);

#endif
