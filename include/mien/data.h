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
    bool local;            /* captions get local sentences too, one per region of the face */
    bool shuffle_captions; /* a control: captions are handed round among the images of a split, labels stay; a model
                              trained on them must stay at chance */
};

struct mien_import_summary {
    uint64_t samples;          /* rows written */
    uint64_t train, val, test; /* of these, by split */
    uint64_t missing;          /* samples whose file is not there: left out */
    uint64_t unrated;          /* samples without a usable rating: left out */
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

#ifdef __cplusplus
}
#endif
#endif
