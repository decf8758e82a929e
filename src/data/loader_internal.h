/* loader_internal.h: inside data: the loader's parts. */
#ifndef DATA_LOADER_INTERNAL_H
#define DATA_LOADER_INTERNAL_H

#include "data/loader.h"
#include "data/pack.h"
#include "data/sampler.h"

enum slot_state { SLOT_FREE, SLOT_FILLING, SLOT_READY, SLOT_BORROWED };

/* One batch. While FILLING each claimed sample's part belongs to who claimed it; the rest is guarded by the mutex. */
struct slot {
    enum slot_state state;
    uint32_t claimed, done;  /* samples */
    uint64_t place;          /* of the first sample in its epoch */
    uint32_t *samples;       /* [B] indices into the loader's rows */
    uint32_t *rows;          /* [B] indices into the manifest */
    float *images, *weights; /* images: or features */
    int32_t *tokens, *eot;
    int32_t *kinds;   /* [B] */
    uint32_t *places; /* [B,T] frames of the samples, where they are clips */
    struct data_batch batch;
};

struct worker {
    struct data_loader *loader;
    struct base_thread *thread;
    struct data_augment_work work;
};

/* Tokens of one text, start and end token included; count 0 = the row has none. */
struct text_ref {
    size_t start;
    uint32_t count;
};

struct loader_texts {
    struct data_ids ids;
    struct text_ref *fixed;     /* [samples, global_levels] */
    uint32_t global_levels;     /* 1 or 2 */
    uint32_t levels;            /* with the local ones */
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
    uint32_t *rows;
    uint64_t batches; /* per epoch */
    struct loader_texts texts;
    struct sampler sampler;
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
    bool stop, paused;
    enum mien_status status;
};

/* Prepares sample `index` of a slot. Not locked. */
enum mien_status loader_sample(struct data_loader *l, struct slot *slot, uint32_t index,
                               struct data_augment_work *work);

/* T: frames of a sample. */
uint32_t loader_frames(const struct data_loader *l);
/* Floats of a sample in slot.images. */
size_t loader_sample_size(const struct data_loader *l);
/* Lists the frames of all clips. */
enum mien_status loader_clips_create(struct data_loader *l);
/* A sample's frames or features into its place. MIEN_ERR_DATA: it is bad. Not locked. */
enum mien_status loader_clip_fill(struct data_loader *l, struct slot *slot, uint32_t index, uint32_t sample,
                                  struct data_augment_work *work);
enum mien_status loader_features_fill(struct data_loader *l, struct slot *slot, uint32_t index, uint32_t sample);

/* All texts as tokens. */
enum mien_status loader_texts_create(struct data_loader *l);
void loader_texts_clear(struct data_loader *l);
/* The texts of a batch, into its slot. Called by the caller's thread only. */
void loader_texts_fill(struct data_loader *l, struct slot *slot);

#endif
