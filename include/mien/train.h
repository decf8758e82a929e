/* mien/train.h: training by image-caption contrastive learning, from a configuration file to a model directory. */
#ifndef MIEN_TRAIN_H
#define MIEN_TRAIN_H

#include "mien/gpu.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mien_train_progress {
    uint64_t step, steps; /* updates done, of all */
    double loss;          /* of `step` */
    double samples_per_s; /* since the last call */
};
typedef void (*mien_train_progress_fn)(void *user, const struct mien_train_progress *progress);

/* A zeroed struct with a config means the defaults. Strings are borrowed during the call. */
struct mien_train_params {
    const char *config;      /* configuration file, JSON */
    const char *const *sets; /* "key=value" with dotted keys, changing the configuration; paths in them are relative to
                                the working directory */
    size_t set_count;
    mien_train_progress_fn progress; /* called from the calling thread after steps; may be NULL */
    void *user;
    const volatile int *stop; /* may be NULL; once non-zero training ends after the present step (a signal handler may
                                 set it) and a checkpoint is written */
    bool dry_run;             /* nothing is written; some steps are timed and summary->plan is filled */
    bool resume;              /* goes on from the run directory's newest whole checkpoint, or from the beginning when
                                 there is none */
};

/* What a run takes. Memory on the device is the sum of the bytes. */
struct mien_train_plan {
    uint64_t steps, trained; /* of the run; parameters that are not frozen */
    double flops_per_step;
    double seconds_per_step; /* measured here; times steps = the time expected */
    uint64_t weight_bytes, optimizer_bytes;
    uint64_t activation_bytes; /* with gradients */
    uint64_t batch_bytes;      /* inputs, outputs, constants */
};

struct mien_train_summary {
    uint64_t steps; /* updates done, with those before a resume */
    uint64_t fresh; /* of them, those of this call */
    uint64_t parameters;
    double first_loss, last_loss; /* of step 1 and of the last step; last_loss is 0 when no step was left to do */
    double seconds;               /* in steps, without preparation */
    char model[1024];             /* the directory that holds the final model; empty when stopped */
    char checkpoint[1024];        /* the last one written; empty when there is none */
    bool stopped;                 /* by `stop`, before the last step */
    struct mien_train_plan plan;  /* of a dry run; else zeros */
};

/* Trains. The run directory (run.dir) receives config.json, log.jsonl, checkpoints/step-N/ and model/. One device,
 * driver, seed and data give the same weights bit for bit, also across stops and resumes. MIEN_ERR_ARG: a configuration
 * key is unknown or not served, disagrees with the run to be resumed, or the run directory holds a run and resume is
 * not set; MIEN_ERR_DATA: a file or manifest is bad, or too many samples are (data.max_bad); MIEN_ERR_IO: the run
 * directory cannot be written; MIEN_ERR_FAILED: the loss became infinite or not a number (the message names the step
 * and the first bad tensor). After a failure the run directory keeps the log and the checkpoints, and no model. summary
 * may be NULL.
 */
MIEN_API enum mien_status mien_train(struct mien_gpu *gpu, const struct mien_train_params *params,
                                     struct mien_train_summary *summary);

#ifdef __cplusplus
}
#endif
#endif
