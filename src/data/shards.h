/* shards.h: a data set as tar files in WebDataset's layout, read in their order; nothing is kept of its samples.
 *
 * A sample is what stands together under one key: a member's path up to the first dot of its last part. What follows
 * the dot says what a member is: its last word jpg, jpeg, png or webp a picture; json an object with the keys of a
 * manifest's row, image, frames and video apart; txt, text or caption the caption where the object has none; cls the
 * label, likewise; a label that is a number is its word. Everything else is passed over. A sample is a clip when its
 * object has "frames", or when it has several pictures; its frames are these, in the natural order of their names. */
#ifndef DATA_SHARDS_H
#define DATA_SHARDS_H

#include "base/sha256.h"
#include "data/manifest.h"
#include "data/tar.h"

struct data_shards {
    struct data_manifest manifest; /* without rows; its path, for messages, is what was opened */
    const char *const *paths;      /* [count] */
    uint32_t count;
    const char **columns; /* [MANIFEST_COLUMNS] what the objects call the keys; NULL: as they are called */
    /* of the samples to train on, as data_shards_each has found them: */
    uint64_t samples;
    unsigned char places[BASE_SHA256_SIZE]; /* a checksum of their shards and of the sizes of their pictures */
};

/* Whether a path of data.train means shards: it ends as a tar file, compressed or not, does. */
bool data_is_shards(const char *path);

/* "x-{000000..000012}.tar", with any number of {a..b} and {a,b}; or one tar file. columns: as of a table,
 * "caption=text", or NULL. MIEN_ERR_ARG: braces or columns that are none; MIEN_ERR_DATA: a shard that is not there;
 * nothing is read yet. */
enum mien_status data_shards_open(const char *pattern, const char *columns, struct data_shards **out);
void data_shards_close(struct data_shards **shards);

/* All samples whose split is train or absent, in the order of shards and members; texts are read, pictures are not.
 * Sets `samples` and `places`. MIEN_ERR_DATA: a damaged archive (path and byte), an object of a wrong form (path and
 * key). Stops with what fn returns. */
typedef enum mien_status (*data_row_fn)(void *user, const struct data_row *row);
enum mien_status data_shards_each(struct data_shards *shards, data_row_fn fn, void *user);

/* ---- inside data ---- */

enum { DATA_SHARD_JSON = 64 << 20 }; /* bytes of an object, a text or a label, at most */

/* A sample: bytes [offset, offset + size) of a shard. */
struct shard_place {
    uint32_t shard;
    uint64_t offset, size;
};

struct shard_member {
    const char *name; /* what follows the key's dot, in small letters */
    uint64_t data, size;
};

/* One sample's members, while a walk stands there. */
struct shard_sample {
    struct shard_place place;
    const char *key;
    struct shard_member *members;
    size_t count, capacity;
    struct base_arena arena;
};

/* Samples in the order of shards `order` (NULL: as they are). */
struct shard_walk {
    const struct data_shards *shards;
    const uint32_t *order;
    uint32_t at; /* place in the order */
    struct base_in *in;
    struct tar_reader tar;
    struct tar_member next; /* the first member of the next sample; no name: none has been read */
    bool pending;
    bool tells; /* of shards that end too early */
};

/* The next sample to train on; count 0 after the last. */
enum mien_status shard_walk_next(struct shard_walk *walk, struct shard_sample *out);
void shard_walk_clear(struct shard_walk *walk);
void shard_sample_clear(struct shard_sample *sample);

/* The bytes of a sample, malloc'ed. */
enum mien_status shard_read(const struct data_shards *shards, const struct shard_place *place, char **bytes);
/* A sample's bytes, which must outlive it, as a row in the manifest's arena. */
enum mien_status shard_row(const struct data_shards *shards, const struct shard_place *place, const char *bytes,
                           struct data_manifest *m, struct data_row *row);

/* A member's content; none of a picture where texts alone are read. */
struct shard_content {
    const char *name;
    struct data_bytes bytes;
};
bool shard_is_meta(const char *name); /* what texts alone are */
/* What messages call a sample that begins at a byte. */
void shard_where(char *text, size_t size, const char *shard, const char *key, uint64_t byte);
/* The row of a sample's members. `byte`: where it begins; quiet: unknown keys are not named. */
enum mien_status shard_make_row(const struct data_shards *shards, const char *shard, const char *key, uint64_t byte,
                                const struct shard_content *content, size_t count, bool quiet, struct data_manifest *m,
                                struct data_row *row);
/* Length of a member's key: its path up to the first dot of the last part; 0 = it has none, or is hidden. */
size_t shard_key(const char *name);
/* What follows it, in small letters. NULL when out of memory. */
const char *shard_member_name(struct base_arena *arena, const char *name);

#endif
