/* store.h: inside use: embeddings of a collection (mien/model.h), found by the keys of what they are of. */
#ifndef USE_STORE_H
#define USE_STORE_H

#include "use/digest.h"

struct use_stored {
    char *path; /* in the arena; or NULL */
    struct use_key key;
    const float *row; /* [width]; NULL: bad */
    bool is_clip;
};

struct mien_store {
    char *name; /* the file that it was read from, base_alloc'ed; or NULL */
    unsigned char model[USE_KEY];
    bool raw; /* not of unit length */
    uint32_t width;
    struct use_stored *entries; /* [count], in the arena */
    size_t count;
    uint32_t *sorted; /* [known] entries with a key and a row, by their keys; in the arena */
    size_t known;
    float *data; /* base_alloc'ed */
    struct base_arena arena;
};

/* After entries are complete: makes `sorted`. */
enum mien_status use_store_sort(struct mien_store *store);
/* The entry of a key, or NULL. */
const struct use_stored *use_store_find(const struct mien_store *store, const struct use_key *key);

#endif
