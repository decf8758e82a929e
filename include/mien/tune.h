/* mien/tune.h: which kernels are the fastest on this device, measured; what is found is kept and used from then on.
 *
 * For most operations there are several kernels, and several shapes of their tiles. Rules choose among them by the
 * device's kind and the sizes. mien_tune times all that could serve, for the sizes of a model or of a training, and
 * keeps the best of each in a file per device and driver beside the compiled kernels (mien_gpu_params.cache_dir,
 * MIEN_CACHE_DIR). Every mien_gpu that is opened later chooses by it (mien_gpu_params.tune, MIEN_TUNE=off to leave it
 * out; mien_gpu_info.tuned tells of it); sizes that it does not have are chosen by the rules.
 *
 * Bits: another kernel may add up in another order. Embeddings and scores do not change: for models in use a kernel is
 * taken only where it gives the bits of the rule's. The weights of a training are the same to the bit on the same
 * device and driver with the same seed, data and table; a run keeps the table that it was begun with, so that it may be
 * tuned between a stop and a resume.
 *
 * Measuring is the work of child processes: one that hangs or crashes costs one choice, which is kept as such and not
 * tried again. A choice is timed after it has passed the self-test (mien/gpu.h) in the form in which it would run, its
 * results at full size agree with those of the rule's, and the driver's compiler does not say that it spills more
 * registers. It is taken if it is faster by 5 % in two measurements, in which the two take turns.
 *
 * Threads: a call belongs to one thread, and so does a result. Children are no threads: nothing else of the process is
 * concerned. */
#ifndef MIEN_TUNE_H
#define MIEN_TUNE_H

#include "mien/gpu.h"
#include "mien/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

enum mien_tune_outcome {
    MIEN_TUNE_RULE,    /* nothing is faster than what the rules choose */
    MIEN_TUNE_FASTER,  /* another choice is */
    MIEN_TUNE_KNOWN,   /* measured earlier: variant, tile and gain are those of the table */
    MIEN_TUNE_SKIPPED, /* not measured; reason says why */
};

/* One operation on tensors of certain sizes. Texts are never NULL and live as long as the result, or, in `row` of the
 * parameters, during the call. */
struct mien_tune_row {
    size_t size;
    enum mien_tune_outcome outcome;
    const char *call;    /* "matmul trans_b : f32[400,192] f32[768,192] f32[768] -": operation, options, inputs */
    const char *rule;    /* the kernel that the rules choose */
    const char *variant; /* the kernel that serves from now on */
    const char *tile;    /* its tile where it is not the rules': "8x4", "8x4/3" (parts that a sum is cut into) */
    const char *reason;
    double ms;        /* one run by the rules; 0 = not measured */
    double gain;      /* how many times as fast; 1 by the rules */
    uint32_t choices; /* that there are, equal ones counted once */
    uint32_t lost;    /* of them: wrong, or came to no end */
};

/* Strings are read during the call only. */
struct mien_tune_params {
    size_t size;
    /* How this program is started once more as a child: the words, ended by NULL, behind which mien_tune appends its
     * own; main hands what follows them to mien_tune_child. {"tune", "--child", NULL} for `mien`. */
    const char *const *child;
    const char *device, *caps, *cache_dir; /* as in struct mien_gpu_params */
    /* The sizes: of a model directory in use; of a training by a configuration file (and settings "key=value"); of
     * both; of neither: those of the models that mien_bench_run times, in use and in training. */
    const char *model, *config;
    const char *const *sets;
    size_t set_count;
    enum mien_dtype precision; /* of a model in use, as in struct mien_model_params */
    const char *only;          /* operations whose name matches, with * and ?; NULL = all */
    bool list;                 /* measures nothing: rows tell what would be */
    bool again;                /* measures what the table has, too, and what was lost */
    double seconds;            /* all of it takes about so long at most, the heaviest calls first; 0 = 120 */
    double timeout;            /* a choice that takes longer hangs; 0 = 30 s */
    mien_progress_fn progress; /* counts calls; false ends it: what has been measured is kept. May be NULL */
    void (*row)(void *user, const struct mien_tune_row *row); /* each as it comes; may be NULL */
    void *user;
};

struct mien_tune_result;

/* Measures, and keeps what is found: the file is there, whole, after each call. The caller owns *out.
 * MIEN_ERR_ARG: a bad parameter, or another process tunes this device; MIEN_ERR_DATA: a model or configuration that
 * cannot be read; MIEN_ERR_IO: the table cannot be written; MIEN_ERR_NO_DEVICE, MIEN_ERR_DRIVER (a child died where no
 * kernel was measured); MIEN_ERR_CANCELLED. */
MIEN_API enum mien_status mien_tune(const struct mien_tune_params *params, struct mien_tune_result **out);
/* The work of a child; the exit status of its process. `line` takes what goes to standard output, a line at a time,
 * which must arrive at once (fflush). */
MIEN_API int mien_tune_child(const char *const *args, void (*line)(void *user, const char *line), void *user);

/* The table of a device as rows (outcome KNOWN; ms 0); only params->device and cache_dir count. The caller owns *out.
 * MIEN_ERR_DATA: the file is damaged, or another device's. */
MIEN_API enum mien_status mien_tune_read(const struct mien_gpu_params *params, struct mien_tune_result **out);
/* Removes the table of a device; MIEN_OK where there is none. */
MIEN_API enum mien_status mien_tune_clear(const struct mien_gpu_params *params);

MIEN_API uint32_t mien_tune_count(const struct mien_tune_result *result); /* rows */
/* MIEN_ERR_ARG: there is no such row. */
MIEN_API enum mien_status mien_tune_row_at(const struct mien_tune_result *result, uint32_t index,
                                           struct mien_tune_row *row);
/* One object on one line: {"head": {"device", "driver", "file", "in_time"}, "rows": [...]}, rows with the names above;
 * lines for people. They live as long as the result. "" when memory ran out. */
MIEN_API const char *mien_tune_json(struct mien_tune_result *result);
MIEN_API const char *mien_tune_text(struct mien_tune_result *result);
MIEN_API void mien_tune_destroy(struct mien_tune_result **result);

#ifdef __cplusplus
}
#endif
#endif
