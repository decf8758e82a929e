/* mien/data.h: data sets. Needs no GPU.
 * Threads: all functions may run side by side, as long as they write different files; a tokenizer is not changed by its
 * use. Lifetime: what a function is given is borrowed during the call, unless it is said otherwise. */
#ifndef MIEN_DATA_H
#define MIEN_DATA_H

#include "mien/common.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- data sets of others ---- */

/* A layout that mien_import reads. Static storage. */
struct mien_import_info {
    const char *name;    /* "ferplus" */
    const char *summary; /* what the data set is, and what becomes of it */
    const char *layout;  /* what the root holds */
    const char *source;  /* where the data set comes from */
};

/* The layout number `index` from 0 on; NULL after the last. Thread-safe. */
MIEN_API const struct mien_import_info *mien_import_describe(size_t index);

/* Name, root and manifest are needed. Strings are UTF-8 and borrowed during the call. */
struct mien_import_params {
    size_t size;
    const char *name;      /* which layout `root` has: the name of one that mien_import_describe knows */
    const char *root;      /* the data set's directory, or one that holds nothing else like it */
    const char *manifest;  /* file to write; its directory must exist */
    uint64_t seed;         /* of the wording of captions, where the importer writes them */
    bool pack;             /* writes MANIFEST.pack too: all pictures decoded, which training reads instead of the files;
                              it is ignored, with a warning, once the manifest has changed */
    bool local;            /* captions get local sentences too, one per region of the face */
    bool shuffle_captions; /* a control: captions are handed round among the images of a split, labels stay; a model
                              trained on them must stay at chance */
    mien_progress_fn progress; /* of samples (total 0), then of pictures of the pack; may be NULL. Cancelled: no
                                  manifest; or, while packing, a manifest without a pack */
    void *user;
    uint32_t fold;       /* K of the layout's folds: what it tests is test, the others train; 0 = all rows, without a
                            split, carry the fold that tests them */
    uint32_t classes;    /* 0 = all; one fewer than the layout has leaves one class out, as mien_import says */
    const char *frames;  /* of a labelled sequence: "last" (NULL is that), "last3" or "clip" */
    const char *neutral; /* "first": the first frame of a labelled sequence is a sample of neutral; NULL or "none" */
    bool captions; /* rows get captions in three levels, from their labels, action units, valence and arousal; what a
                      caption of the set's own has of these levels stays */
    uint64_t shard_size; /* "shards": samples of each; 0 = 1000 */
};

struct mien_import_summary {
    size_t size;
    uint64_t samples;          /* rows written */
    uint64_t train, val, test; /* of these, by split */
    uint64_t missing;          /* samples whose file is not there: left out */
    uint64_t unrated;          /* samples without a usable rating: left out */
    uint64_t passed_over;      /* files that are no pictures, where a layout takes all pictures of a directory */
    uint64_t packed;           /* pictures in the pack */
    uint64_t pack_bytes;       /* its size */
    uint64_t duplicates;       /* entries that stand in a list twice: kept once */
    uint64_t left_out;         /* what the layout's users leave out: clips that are broken in the original, classes that
                                  were not asked for, questions on several pictures */
    uint64_t shards;           /* "shards": files written */
};

/* Turns a data set's official layout into a manifest (JSON Lines) whose paths are relative to it. The manifest appears
 * whole or not at all. The same files, paths and seed give the same bytes. A root that holds only some of the splits is
 * accepted. Nothing is decoded, unless for the pack. summary may be NULL; it is zeroed on failure.
 * MIEN_ERR_ARG: unknown name (the nearest known one is named), or an option that the layout does not take;
 * MIEN_ERR_DATA: the root lacks the layout's files, or one is malformed (file and line) or a pointer of Git LFS, a list
 * or a link leads out of the root, a name is not UTF-8, or no sample is there; MIEN_ERR_IO: a file cannot be read, the
 * manifest cannot be written. Thread-safe. Not promised: that another version words captions in the same way.
 *
 * "ferplus": root/fer2013new.csv as Microsoft publishes it, with the pictures of Usage Training (train), PublicTest
 * (val) and PrivateTest (test) in FER2013Train/, FER2013Valid/ and FER2013Test/, below root or root/data. label = the
 * emotion with most of the ten votes, single votes left out, the first of equals; rows without, and those that are
 * mostly unknown or no face, are left out as unrated. Else root/labels.csv with the columns filepath (below root),
 * split (train, val, test), votes_<emotion> for neutral, happiness, surprise, sadness, anger, disgust, fear, contempt,
 * and, if there, label (which decides ties); other columns are ignored. label = the emotion with most votes. Captions
 * are written from the votes: their share as intensity, a second emotion where it has a fair share. "folder":
 * root/SPLIT/LABEL/ with SPLIT train, val or test, as far as they are there, or root/LABEL/, whose rows have no split.
 * The PNG and JPEG files in it, told by their first bytes, are samples of that label, in natural order; other files and
 * directories are passed over and counted, hidden ones (".x") without being counted. "shards": root is a manifest, its
 * pictures and texts become tar files in WebDataset's layout, numbered at the one %d, %06d or the like of `manifest`;
 * MIEN_ERR_ARG where one of them is there already, MIEN_ERR_DATA for a row with a video. All of them appear, or none.
 *
 * All others: the layouts that mien_import_describe tells, as their publishers have them; labels are the nouns of
 * mien_emotion_name and the set's own further ones. A compound is a list of labels. Published test parts are test;
 * where only a validation part is public and the literature tests on it, that is. Where a layout has folds, `fold` says
 * what becomes of them; subjects are kept. Broken entries are MIEN_ERR_DATA with file and line. Pictures that are TIFF,
 * BMP, GIF or WebP are taken as PNG from FILE.png beside them; where that is not there, MIEN_ERR_DATA with the command
 * that makes them all. */
MIEN_API enum mien_status mien_import(const struct mien_import_params *params, struct mien_import_summary *summary);

/* ---- pictures ---- */

/* What decodes pictures in this build: "PNG by stb_image, JPEG by libjpeg-turbo 2.1.5". With libjpeg-turbo JPEG has
 * Pillow's pixels to the bit; without, "JPEG by stb_image", up to 3 of 255 levels from them. Static storage.
 * Thread-safe. */
MIEN_API const char *mien_picture_decoders(void);

/* ---- boxes ---- */

/* A detector's box (x, y, width, height in pixels, any finite numbers) in whole pixels, rounded outwards: from
 * floor(x) to ceil(x + width), and likewise down. A width or height of 0 says that the box holds nothing. What sticks
 * out of the picture is cut off where the picture is read. MIEN_ERR_ARG: a number that is not finite; out is then 0.
 * Thread-safe. */
MIEN_API enum mien_status mien_box_round(const double box[4], int32_t out[4]);

/* ---- files of texts ---- */

/* Lines without their ends. */
struct mien_texts {
    const char *const *lines; /* [count] */
    size_t count;
};

enum { MIEN_EMPTY_LINES = 1 }; /* empty lines are texts too: lines[i] is line i + 1 of the file */

/* Reads a file of texts, one a line: sentences to embed, templates of labels. A byte-order mark and carriage returns at
 * line ends are no part of them; lines of blanks are passed over unless flags has MIEN_EMPTY_LINES. The caller owns
 * *out. MIEN_ERR_DATA: there is no such file, no line in it, or one that is not UTF-8 or holds a zero byte (path and
 * line); MIEN_ERR_IO. Thread-safe. */
MIEN_API enum mien_status mien_texts_read(const char *path, uint32_t flags, struct mien_texts **out);

/* Frees the texts. */
MIEN_API void mien_texts_destroy(struct mien_texts **texts);

/* ---- tokens ---- */

/* A model directory's tokenizer: CLIP's byte-level byte-pair encoding. */
struct mien_tokenizer;

struct mien_tokenizer_params {
    size_t size;
    /* With dir NULL: the directory's files, in memory, where other files are passed over. Borrowed during the call. */
    const struct mien_file *files;
    size_t file_count;
};

/* From vocab.json and merges.txt, tokenizer.json, or bpe_simple_vocab_16e6.txt.gz, of a model directory, with its added
 * tokens; the context is config.json's, or 77 where there is no such file. params may be NULL. The caller owns *out.
 * MIEN_ERR_DATA: a file is missing or malformed (path, or "memory: merges.txt", and line or key), tokenizer.json is not
 * CLIP's, or the tokenizer does not fit config.json; MIEN_ERR_ARG: both a directory and files, or neither; a
 * file without name or bytes; two of one name. Thread-safe. */
MIEN_API enum mien_status mien_tokenizer_open(const char *dir, const struct mien_tokenizer_params *params,
                                              struct mien_tokenizer **out);

/* Frees the tokenizer; no other thread may be using it. */
MIEN_API void mien_tokenizer_destroy(struct mien_tokenizer **tokenizer);

/* Most tokens of a text, start and end included. */
MIEN_API uint32_t mien_tokenizer_context(const struct mien_tokenizer *tokenizer);

/* Ids of a UTF-8 text from start to end token, unpadded, at most context of them, into ids [context]; *count says how
 * many. A longer text is cut as CLIP cuts it (the last id stays the end token); *cut (may be NULL) says so.
 * MIEN_ERR_ARG: not UTF-8. Thread-safe: the tokenizer is not changed. */
MIEN_API enum mien_status mien_tokenizer_encode(const struct mien_tokenizer *tokenizer, const char *text, int32_t *ids,
                                                size_t *count, bool *cut);

/* ---- synthetic faces: drawn, not photographed; nobody's picture is in them ---- */

/* The facial action units (FACS) that they have: X(number, name). */
#define MIEN_AU_LIST(X)                                                                                                \
    X(1, "inner brow raiser")                                                                                          \
    X(2, "outer brow raiser")                                                                                          \
    X(4, "brow lowerer")                                                                                               \
    X(5, "upper lid raiser")                                                                                           \
    X(6, "cheek raiser")                                                                                               \
    X(7, "lid tightener")                                                                                              \
    X(9, "nose wrinkler")                                                                                              \
    X(10, "upper lip raiser")                                                                                          \
    X(12, "lip corner puller")                                                                                         \
    X(14, "dimpler")                                                                                                   \
    X(15, "lip corner depressor")                                                                                      \
    X(17, "chin raiser")                                                                                               \
    X(20, "lip stretcher")                                                                                             \
    X(23, "lip tightener")                                                                                             \
    X(24, "lip pressor")                                                                                               \
    X(25, "lips part")                                                                                                 \
    X(26, "jaw drop")                                                                                                  \
    X(27, "mouth stretch")                                                                                             \
    X(43, "eyes closed")

enum mien_au {
#define MIEN_AU_ENUM(number, name) MIEN_AU##number,
    MIEN_AU_LIST(MIEN_AU_ENUM)
#undef MIEN_AU_ENUM
        MIEN_AU_COUNT
};

enum mien_emotion {
    MIEN_NEUTRAL,
    MIEN_HAPPINESS,
    MIEN_SURPRISE,
    MIEN_SADNESS,
    MIEN_ANGER,
    MIEN_DISGUST,
    MIEN_FEAR,
    MIEN_CONTEMPT,
    MIEN_EMOTION_COUNT
};

enum { MIEN_AU_MOST = 32 }; /* room for action units of later versions */

/* One face. With size set and the rest 0 it is subject 0 at rest. */
struct mien_synth_face {
    size_t size;
    uint64_t seed, subject;  /* together: who it is */
    uint64_t shot;           /* with them: pose, light, background, blur, noise */
    double au[MIEN_AU_MOST]; /* by enum mien_au: 0 (absent) .. 1 (the strongest, FACS level E); 0 beyond the last */
    double one_sided;        /* 0 = both sides alike .. 1 = AU10, 12 and 14 on one side only */
    bool studio;             /* even light, plain background, no blur or noise, the pose below instead of the shot's */
    double yaw, pitch, roll; /* radians, each within 0.6; studio only */
};

/* Draws a face into rgb [side, side, 3], 8 bits each; side is 16 to 1024. The same face and side give the same bytes on
 * every compiler and processor with IEEE arithmetic. MIEN_ERR_ARG: side, an action unit outside 0..1 or an angle out of
 * range; MIEN_ERR_NOMEM. rgb holds nothing of use after a failure. Thread-safe. */
MIEN_API enum mien_status mien_synth_draw(const struct mien_synth_face *face, uint32_t side, unsigned char *rgb);

/* Draws action units for an emotion after the published FACS prototypes: which of them appear is random, by (seed,
 * index). intensity: 0..1. Sets face->au and face->one_sided. MIEN_ERR_ARG: emotion or intensity out of range.
 * Thread-safe. */
MIEN_API enum mien_status mien_synth_express(enum mien_emotion emotion, double intensity, uint64_t seed, uint64_t index,
                                             struct mien_synth_face *face);

/* "neutral", "happiness", ...; NULL outside the enum. */
MIEN_API const char *mien_emotion_name(enum mien_emotion emotion);

/* `out` and `count` are needed. */
struct mien_synth_params {
    size_t size;
    const char *out;  /* directory to make; one that is there already may hold neither manifest.jsonl nor pictures */
    uint64_t count;   /* samples, 1 to 10,000,000 */
    uint32_t side;    /* pixels, 16 to 1024; 0 = 64 */
    uint64_t seed;    /* another one: other people, other faces */
    bool video;       /* clips of frames instead of pictures */
    uint32_t frames;  /* of a clip, 4 to 1000; 0 = 16 */
    bool contempt;    /* the eighth emotion too */
    bool single;      /* no blends of two emotions (default: one sample in eight) */
    uint32_t threads; /* 0 = one per processor; the result does not depend on it */
    mien_progress_fn progress; /* of samples; may be NULL */
    void *user;
    bool compound; /* each emotion that blends with others does (neutral and contempt do not); not with single */
    bool phases;   /* of clips: movement begins and ends at times of each clip's own, and rows say when */
    uint32_t session_clips; /* of clips: how many there are of each subject, 1 to 10000, with rated symptoms; 0 = one of
                             * each emotion, and no rating */
};

struct mien_synth_summary {
    size_t size;
    uint64_t samples, subjects;
    uint64_t train, val, test; /* samples by split */
};

/* Makes a data set of captioned faces: out/manifest.jsonl beside out/images/ (or out/clips/, a directory of frames
 * each). Sample i is a function of seed, i and the other parameters but `count`: a larger set begins with the smaller
 * one. Seven samples in a row (eight with contempt) show one subject with each emotion once; of ten subjects eight are
 * train, one val, one test. A row holds image or frames, caption (global, local, summary: written from the action units
 * that were drawn), label (two for a blend), va, au, subject, split and targets: `intensity` 0..1, and for clips
 * `flat_affect` 0..6, a made-up symptom that makes movement weaker and slower. Blinks of clips are not counted as AU43.
 * With `phases` a clip's row has onset, apex and offset, frames from 0: the first with a tenth of the clip's greatest
 * movement, the first with all of it, the last with a tenth; a clip without visible movement has none.
 * With `session_clips` symptoms are a subject's: `flat_affect` F (movement, and turns of the head, are weaker by 13 % a
 * point) and `slowing` S (onset takes 8 % of the clip and 4.5 % more a point, offset 12 % and 4 %), each uniform in
 * 0..6. `targets` hold what is known of them: the mean of two raters in whole points, each off by an error of standard
 * deviation 0.7, so that no reader of faces can agree with them fully (correlation at most about 0.95). People differ
 * besides: each moves 0.9 to 1.1 times as strongly as their symptom says. Emotions come in the subject's order again
 * and again; of ten subjects six are train, one val, three test. All of it appears at the end or, on failure, nothing
 * does. summary may be NULL. MIEN_ERR_ARG: a parameter out of range, or `out` holds a manifest or pictures;
 * MIEN_ERR_IO: cannot be written; MIEN_ERR_CANCELLED: progress said so. Thread-safe for different directories. */
MIEN_API enum mien_status mien_synth(const struct mien_synth_params *params, struct mien_synth_summary *summary);

#ifdef __cplusplus
}
#endif
#endif
