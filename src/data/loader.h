/* loader.h: training batches, prepared ahead by worker threads. Which samples a batch holds and how each is changed are
 * pure functions of seed, epoch and place: the same for any number of workers, and after a resume. */
#ifndef DATA_LOADER_H
#define DATA_LOADER_H

#include "data/augment.h"
#include "data/clips.h"
#include "data/shards.h"
#include "data/texts.h"

struct data_loader;

struct data_loader_params {
    const struct data_manifest *manifest; /* must outlive the loader, as must all below */
    const uint32_t *rows;                 /* the samples, indices into the manifest, in order; copied */
    size_t row_count;
    struct data_shards *shards; /* counted; else NULL. Samples come from these: manifest is &shards->manifest, rows is
                                   NULL, row_count is shards->samples; no features, no balance, no pack, no cache */
    uint32_t shuffle_buffer;    /* of shards, with shuffle: samples that are drawn from; at least 1 */
    const struct data_tokenizer *tokenizer;
    struct data_preprocess preprocess;
    struct data_augment augment;
    struct data_clips clips; /* count 0: every row must be a picture. Else rows are clips or pictures, which count as
                                clips of one frame; augmentation is drawn once for all frames of a clip */
    const struct data_features *features; /* NULL: pictures are decoded; else nothing is, and augment is not used */
    bool ignore_exif;
    bool jpeg_draft; /* JPEG is decoded smaller where that is near enough (data_image_params.draft); no pack is used */
    enum data_text text;
    enum data_pick pick; /* local sentences besides: how each is chosen */
    uint32_t sentences;  /* how many per picture; 0 = none */
    uint32_t context;    /* tokens, the model's */
    uint32_t batch;      /* B */
    bool shuffle;        /* a new order every epoch; else the order of `rows` */
    bool balance;        /* every label is drawn equally often in an epoch (rows without one count as one label) */
    uint32_t workers;    /* threads; 0 = the caller's own, in data_loader_next */
    uint32_t depth;      /* batches prepared ahead; 0 = 3 */
    uint64_t seed;
    uint32_t share_first, share_count; /* only the pictures of so many places of each batch are prepared, from the first
                                          on; count 0 = all. Others prepare the rest */
    /* Of shares: fills in the samples at the other places, which bad pictures may have changed there, as numbers that
     * every loader of these params understands; NULL = as they were drawn. By the thread of data_loader_next. */
    enum mien_status (*agree)(void *user, uint32_t *samples);
    void *user;
    double max_bad;       /* share of the samples that may be bad before loading fails */
    uint64_t cache_bytes; /* decoded pictures kept in memory, at most; 0 = 512 MiB */
};

/* Borrowed until data_batch_release. B = count. */
struct data_batch {
    uint64_t step;  /* batches before this one since the first epoch's first */
    uint32_t epoch; /* from 0 */
    uint32_t count; /* B */
    const float
        *images; /* [B, 3, R, R]; of clips [B, T, 3, R, R]; NULL with features. Of a share: [share_count, ...] */
    const float *features; /* [B, T, E]; NULL without; likewise */
    uint32_t first;        /* the place of the first of them */
    const int32_t *kinds;  /* [B] 0 = a clip, 1 = a picture */
    const uint32_t *rows;  /* [B] indices into the manifest; NULL of shards */
    uint32_t levels;       /* texts per picture: global and/or summary (or the one chosen), then local sentences */
    uint32_t length;       /* L: of the batch's longest text, rounded up to 8, at most the context */
    const int32_t *tokens; /* [levels * B, L]: all texts of level 0, then of level 1, ... */
    const int32_t *eot;    /* [levels * B] */
    const float *weights;  /* [levels * B] 1, or 0 where the row lacks that level (its text is then empty) */
};

/* Tokenises all texts and starts the workers. Pictures come from the manifest's pack (pack.h) where there is one.
 * Rows whose files are not there are named and left out now. MIEN_ERR_DATA: no row has the text that is asked for, a
 * row has no image though clips are not asked for, or more files than max_bad allows are missing; MIEN_ERR_ARG: fewer
 * samples than one batch, or videos whose frames are drawn at random. Texts longer than the context are counted in one
 * warning. */
enum mien_status data_loader_create(const struct data_loader_params *params, struct data_loader **out);
/* Whether any level has two texts that differ, as tokens: else nothing tells one picture from another. */
bool data_loader_texts_differ(const struct data_loader *loader);
void data_loader_destroy(struct data_loader **loader); /* stops the workers; batches become invalid */

uint64_t data_loader_batches_per_epoch(const struct data_loader *loader); /* an incomplete last one is dropped */
uint32_t data_loader_levels(const struct data_loader *loader);            /* levels of every batch */
uint32_t data_loader_global_levels(const struct data_loader *loader);     /* of these, not local ones */
uint32_t data_loader_longest(const struct data_loader *loader); /* tokens of the longest text, cut to context */

/* The next batch is that of `step`; what was prepared is dropped. For resuming: before the first next, or between. No
 * batch may be borrowed. */
enum mien_status data_loader_seek(struct data_loader *loader, uint64_t step);

/* Waits for the next batch. A bad sample (missing or damaged file) is named in the log, counted once and replaced by
 * another one drawn for its place. MIEN_ERR_DATA when more than max_bad of the samples are bad. Allocates nothing once
 * the cache is warm, but for decoding. At most depth - 1 batches may be borrowed at a time. */
enum mien_status data_loader_next(struct data_loader *loader, const struct data_batch **out);
void data_batch_release(struct data_loader *loader, const struct data_batch **batch);

/* Samples found bad so far. */
uint32_t data_loader_bad(const struct data_loader *loader);

#endif
