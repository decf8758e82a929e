/* loader_internal.h: inside data: the loader's parts. */
#ifndef DATA_LOADER_INTERNAL_H
#define DATA_LOADER_INTERNAL_H

#include "data/loader.h"
#include "data/pack.h"
#include "data/sampler.h"
#include "data/stream.h"

enum slot_state { SLOT_FREE, SLOT_FILLING, SLOT_READY, SLOT_BORROWED };

/* Tokens of one text, start and end token included; count 0 = the row has none. */
struct text_ref {
    size_t start;
    uint32_t count;
};

/* The tokens of a row of a shard. */
struct item_texts {
    struct data_ids ids;
    struct text_ref fixed[2];
    struct text_ref *sentences; /* [count] */
    size_t capacity, count;
};

/* One sample of a batch of shards. */
struct loader_item {
    struct stream_sample sample; /* as the stream gave it; while the slot is FILLING nobody changes it */
    char *read;                  /* its bytes, where the stream kept none */
    struct data_manifest made;   /* the arena of `row` */
    struct data_row row;         /* of this sample or, where it is bad, of its replacement */
    struct item_texts texts;
};

/* One batch. While FILLING each claimed sample's part belongs to who claimed it; the rest is guarded by the mutex. */
struct slot {
    enum slot_state state;
    uint32_t claimed, done;  /* samples */
    uint64_t place;          /* of the first sample in its epoch */
    uint32_t *samples;       /* [B] indices into the loader's rows */
    uint32_t *rows;          /* [B] indices into the manifest */
    float *images, *weights; /* images: or features */
    int32_t *tokens, *eot;
    int32_t *kinds;            /* [B] */
    uint32_t *places;          /* [B,T] frames of the samples, where they are clips */
    struct loader_item *items; /* [B] of shards, else NULL */
    struct data_batch batch;
};

struct worker {
    struct data_loader *loader;
    struct base_thread *thread;
    struct data_augment_work work;
};

struct loader_texts {
    struct data_ids ids;
    struct text_ref *fixed;     /* [samples, global_levels] */
    uint32_t global_levels;     /* 1 or 2 */
    uint32_t levels;            /* with the local ones */
    enum data_text kinds[2];    /* of the global ones */
    struct text_ref *sentences; /* of all samples */
    size_t sentence_capacity;
    size_t *first_sentence; /* [samples + 1] */
    uint32_t longest;       /* tokens */
    uint32_t *pick;         /* [most sentences of a row] scratch */
    int32_t empty[2];       /* start, end */
};

/* The frames of a sample. */
struct loader_clip {
    const char *const *paths; /* [total]; a video has none */
    uint32_t total;           /* 0: it is bad, unless it is a video */
};

struct data_loader {
    struct data_loader_params p;
    struct data_image_params decoding; /* of pictures; boxes are the rows' */
    uint32_t *rows;
    uint64_t batches; /* per epoch */
    struct loader_texts texts;
    struct sampler sampler;
    struct stream stream; /* of shards, in place of rows, sampler, may_flip, pack, clips, cached and bad */
    struct shard_place *bad_places;
    size_t bad_capacity;
    bool differ; /* of shards: texts do */
    bool *may_flip;
    struct data_pack *pack;    /* decoded pictures, or NULL */
    struct loader_clip *clips; /* [samples], where frames are decoded; else NULL */
    struct base_arena paths;   /* of their frames */

    struct base_mutex *mutex; /* guards all below */
    struct base_cond *ready, *wanted;
    struct data_image *cached; /* [samples]; pixels NULL = not there; never changed once there */
    uint64_t cached_bytes;
    bool *bad;
    uint32_t bad_count;
    struct slot *slots;
    struct worker *workers; /* [workers + 1]: the last is the caller's */
    uint64_t next_fill, next_take;
    uint32_t in_flight;
    bool stop, paused, opening;
    enum mien_status status;
};

/* Prepares sample `index` of a slot. Not locked. */
enum mien_status loader_sample(struct data_loader *l, struct slot *slot, uint32_t index,
                               struct data_augment_work *work);

/* What other shares of a slot have: their samples, as all agree, and their texts. By the caller's thread, not locked.
 */
enum mien_status loader_others(struct data_loader *l, struct slot *slot);

/* T: frames of a sample. */
uint32_t loader_frames(const struct data_loader *l);
/* Floats of a sample in slot.images. */
size_t loader_sample_size(const struct data_loader *l);
/* Where a sample of a slot lies; those of other shares have no place. */
float *loader_place(const struct data_loader *l, const struct slot *slot, uint32_t index);
bool loader_is_own(const struct data_loader *l, uint32_t index);
/* Lists the frames of all clips. */
enum mien_status loader_clips_create(struct data_loader *l);
/* A sample's frames or features into its place. MIEN_ERR_DATA: it is bad. Not locked. */
enum mien_status loader_clip_fill(struct data_loader *l, struct slot *slot, uint32_t index, uint32_t sample,
                                  struct data_augment_work *work);
enum mien_status loader_features_fill(struct data_loader *l, struct slot *slot, uint32_t index, uint32_t sample);

/* What a sample is: of shards the row of slot->items[index], else of the loader's row `sample`. */
const struct data_row *loader_row(const struct data_loader *l, const struct slot *slot, uint32_t index,
                                  uint32_t sample);
bool loader_may_flip(const struct data_loader *l, const struct slot *slot, uint32_t index, uint32_t sample);

/* ---- shards (loader_shards.c) ---- */

enum mien_status loader_items_create(const struct data_loader *l, struct slot *slot);
void loader_items_free(const struct data_loader *l, struct slot *slot);
/* The samples of a batch, in their order, from the disk. By one thread at a time, not locked. */
enum mien_status loader_items_open(struct data_loader *l, struct slot *slot, uint32_t epoch, uint64_t place);
/* Row and tokens of items[index] from the bytes of items[from]. Not locked. */
enum mien_status loader_item_load(struct data_loader *l, struct slot *slot, uint32_t index, uint32_t from);
/* Levels, lengths and cuts of the texts of all samples, in two passes over the shards. */
enum mien_status loader_shards_survey(struct data_loader *l, uint32_t *cuts);

/* The text of one level of a row, or NULL. */
const char *loader_level_text(struct base_arena *arena, const struct data_row *row, enum data_text text, char *buffer,
                              size_t size);
/* Appends a text's tokens to ids; NULL has none. */
enum mien_status loader_add_text(const struct data_loader *l, struct data_ids *ids, const char *text,
                                 struct text_ref *ref, uint32_t *cuts);
/* MIEN_ERR_DATA: no row has the text that is asked for, or no local sentence. */
enum mien_status loader_refuse_texts(const struct data_loader *l);

/* All texts as tokens. */
enum mien_status loader_texts_create(struct data_loader *l);
void loader_texts_clear(struct data_loader *l);
/* The texts of a batch, into its slot. Called by the caller's thread only. */
void loader_texts_fill(struct data_loader *l, struct slot *slot);

#endif
