/* mien/data.h: data sets. Needs no GPU. */
#ifndef MIEN_DATA_H
#define MIEN_DATA_H

#include "mien/common.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A zeroed struct with name, root and manifest means the defaults. Strings are UTF-8 and borrowed during the call. */
struct mien_import_params {
    const char *name;      /* which layout `root` has: one of mien_import_names */
    const char *root;      /* the data set's directory */
    const char *manifest;  /* file to write; its directory must exist */
    uint64_t seed;         /* of the wording of captions, where the importer writes them */
    bool pack;             /* writes MANIFEST.pack too: all pictures decoded, which training reads instead of the files;
                              it is ignored, with a warning, once the manifest has changed */
    bool local;            /* captions get local sentences too, one per region of the face */
    bool shuffle_captions; /* a control: captions are handed round among the images of a split, labels stay; a model
                              trained on them must stay at chance */
};

struct mien_import_summary {
    uint64_t samples;          /* rows written */
    uint64_t train, val, test; /* of these, by split */
    uint64_t missing;          /* samples whose file is not there: left out */
    uint64_t unrated;          /* samples without a usable rating: left out */
    uint64_t packed;           /* pictures in the pack */
    uint64_t pack_bytes;       /* its size */
};

/* Turns a data set's official layout into a manifest (JSON Lines) whose paths are relative to it. The manifest appears
 * whole or not at all. The same files, paths and seed give the same bytes. A root that holds only some of the splits is
 * accepted. summary may be NULL.
 * MIEN_ERR_ARG: unknown name (the nearest known one is named); MIEN_ERR_DATA: the root lacks the layout's files, or one
 * is malformed (file and line), or no sample is there; MIEN_ERR_IO: the manifest cannot be written.
 * Thread-safe. Not promised: that another version words captions in the same way.
 *
 * "ferplus": root/labels.csv with the columns filepath (below root), split (train, val, test), votes_<emotion> for
 * neutral, happiness, surprise, sadness, anger, disgust, fear, contempt, and, if there, label (which decides ties);
 * other columns are ignored. label = the emotion with most votes. Captions are written from the votes: their share as
 * intensity, a second emotion where it has a fair share. */
MIEN_API enum mien_status mien_import(const struct mien_import_params *params, struct mien_import_summary *summary);

/* Names of the layouts, ended by NULL; static storage. */
MIEN_API const char *const *mien_import_names(void);

/* ---- tokens ---- */

/* A model directory's tokenizer: CLIP's byte-level byte-pair encoding. */
struct mien_tokenizer;

/* From vocab.json and merges.txt, or bpe_simple_vocab_16e6.txt.gz, of a model directory; the context is config.json's,
 * or 77 where there is no such file. The caller owns *out. MIEN_ERR_DATA: a file is missing or malformed (path and line
 * or key). */
MIEN_API enum mien_status mien_tokenizer_open(const char *dir, struct mien_tokenizer **out);
MIEN_API void mien_tokenizer_destroy(struct mien_tokenizer **tokenizer);

/* Most tokens of a text, start and end included. */
MIEN_API uint32_t mien_tokenizer_context(const struct mien_tokenizer *tokenizer);

/* Ids of a UTF-8 text from start to end token, unpadded, at most context of them, into ids [context]; *count says how
 * many. A longer text is cut as CLIP cuts it (the last id stays the end token); *cut (may be NULL) says so. Malformed
 * UTF-8 counts as U+FFFD. Thread-safe: the tokenizer is not changed. */
MIEN_API enum mien_status mien_tokenizer_encode(const struct mien_tokenizer *tokenizer, const char *text, int32_t *ids,
                                                size_t *count, bool *cut);

#ifdef __cplusplus
}
#endif
#endif
