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
    uint32_t claimed, done; /* samples */
    uint64_t place;         /* of the first sample in its epoch */
    uint32_t *samples;      /* [B] indices into the loader's rows */
    uint32_t *rows;         /* [B] indices into the manifest */
    float *images, *weights;
    int32_t *tokens, *eot;
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

struct data_loader {
    struct data_loader_params p;
    uint32_t *rows;
    uint64_t batches; /* per epoch */
    struct loader_texts texts;
    struct sampler sampler;
    bool *may_flip;
    struct data_pack *pack; /* decoded pictures, or NULL */

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

/* All texts as tokens. */
enum mien_status loader_texts_create(struct data_loader *l);
void loader_texts_clear(struct data_loader *l);
/* The texts of a batch, into its slot. Called by the caller's thread only. */
void loader_texts_fill(struct data_loader *l, struct slot *slot);

#endif
