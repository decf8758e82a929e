/* mien/train.h: training by image-caption contrastive learning, from a configuration file to a model directory.
 * Threads: a training belongs to one thread at a time, and so does its gpu, which must outlive mien_training_run;
 * others may run beside it on gpus of their own. */
#ifndef MIEN_TRAIN_H
#define MIEN_TRAIN_H

#include "mien/gpu.h"
#include "mien/ranks.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The step that progress is told of. */
struct mien_train_now {
    double loss;
    double samples_per_s; /* over the last steps */
};

/* A config, or a run_dir, is needed. All of it is borrowed until the training is closed. */
struct mien_train_params {
    size_t size;
    const char *config;      /* configuration file, JSON; NULL with run_dir */
    const char *const *sets; /* "key=value" with dotted keys, changing the configuration; paths in them are relative to
                                the working directory */
    size_t set_count;
    mien_progress_fn progress; /* of steps, those before a resume among them; may be NULL. Cancelled: as `stop` */
    void *user;
    struct mien_train_now *now; /* filled before each call of progress; may be NULL */
    const volatile int *stop;   /* may be NULL; once non-zero training ends after the present step (a signal handler may
                                   set it) and a checkpoint is written */
    bool dry_run;               /* nothing is written; some steps are timed and summary->plan is filled */
    bool resume;                /* goes on from the run directory's newest whole checkpoint, or from the beginning when
                                   there is none; MIEN_ERR_DATA when all that there are are damaged */
    const char *run_dir;      /* without a config, with `resume`: the run directory to go on with, by the configuration
                                 that it holds */
    struct mien_ranks *ranks; /* processes that train together (mien/ranks.h), each by the same params; NULL: one. A
                                 run of R ranks gives, bit for bit, what one gives with run.micro_batch = run.batch / R
                                 (unequal run.shares: the same losses but for rounding); rank 0 alone writes. A rank
                                 that fails must end them all (mien_ranks_abort) */
    uint32_t planned_ranks; /* of a dry run: what one of so many ranks does is timed, and summary->scaling is filled; 0:
                               as many as there are */
    double bandwidth, latency; /* between ranks, bytes a second and seconds a message; bandwidth 0: both are measured
                                  between those that there are, MIEN_ERR_ARG where there are none */
};

/* What a run takes. Memory on the device is the sum of the bytes. */
struct mien_train_plan {
    uint64_t steps, trained; /* of the run; parameters that are not frozen */
    double flops_per_step;
    double seconds_per_step; /* measured here; times steps = the time expected. NaN: a step of more than 500 GFLOP on a
                                software driver is counted, and not timed: it would take minutes */
    uint64_t weight_bytes, optimizer_bytes;
    uint64_t activation_bytes; /* with gradients */
    uint64_t batch_bytes;      /* inputs, outputs, constants */
};

/* A step of several ranks, by what one of them takes here and a model of what is between them: messages of some latency
 * and bandwidth; an all-gather is ranks - 1 of them, an ordered sum 2 (ranks - 1) of an equal share. */
struct mien_train_scaling {
    uint32_t ranks, share; /* 0 = not asked for; images of each */
    double bandwidth, latency;
    double gather_bytes, gradient_bytes; /* features of a rank and what its blocks of losses give; summed gradients */
    double compute_seconds;              /* a rank's own, measured */
    double gather_seconds, sum_seconds;  /* exchange, by the model */
    double exposed_seconds;              /* of it, what is not hidden behind the backward pass */
    double step_seconds;                 /* compute and exposed */
    uint32_t hidden_ranks; /* with as many images each, exchange and the losses over all pairs cost less than a tenth
                              of a step up to so many ranks (a power of two, at most 65,536); 1 = of no two */
    double measured_gather_seconds, measured_sum_seconds; /* between the ranks that there are; else 0 */
};

struct mien_train_summary {
    size_t size;
    uint64_t steps; /* updates done, with those before a resume */
    uint64_t fresh; /* of them, those of this call */
    uint64_t parameters;
    double first_loss, last_loss; /* of the first and the last step that had one: a step that loss scaling leaves out
                                     may have none; last_loss is 0 when no step was left to do */
    double seconds;               /* in steps, without preparation */
    char run_dir[1024];           /* that of the run */
    char model[1024];             /* the directory that holds the final model; empty when stopped */
    char checkpoint[1024];        /* the last one written; empty when there is none */
    bool stopped;                 /* by `stop` or progress, before the last step */
    struct mien_train_plan plan;  /* of a dry run; else zeros */
    bool early;                   /* run.patience ended the run before its last step */
    uint64_t best_step;           /* whose model best/ holds; 0 = none: nothing was evaluated */
    double best_score;            /* its UAR on data.val; where there are no two labels, or a head is trained alone,
                                     what its head reaches (UAR, or mean CCC); without one minus its loss */
    char best[1024];              /* that directory; empty when there is none */
    char best_by[8];              /* "uar", "head" or "loss" */
    struct mien_train_scaling scaling; /* of a dry run of several ranks; else zeros */
};

/* A run that has begun: its configuration is read, its directory belongs to this process. One thread at a time. */
struct mien_training;

/* Reads the configuration and makes the run directory this process's own, before a device is needed: by a lock in it
 * (.mien-lock) that ends with mien_training_close, or with the process however it ends. A directory that is not there
 * is made; mien_training_close removes it again when nothing was written into it. Removed is what killed runs have left
 * under names that begin with ".mien-", nothing else. A dry run takes no directory.
 * MIEN_ERR_ARG: params lack a configuration; a key is unknown or not served; another process has the run directory; it
 * holds a run and `resume` is not set; or run_dir is no directory. MIEN_ERR_DATA: the file cannot be read. MIEN_ERR_IO:
 * the directory cannot be written. *out is NULL after a failure. */
MIEN_API enum mien_status mien_training_open(const struct mien_train_params *params, struct mien_training **out);

/* Trains, once. The run directory (run.dir) receives config.json, log.jsonl, checkpoints/step-N/, model/ and, where
 * data.val is evaluated, best/ (with eval.json, its step and scores). One device, driver, seed and data give the same
 * weights bit for bit, also across stops and resumes. MIEN_ERR_ARG: a configuration key disagrees with the run to be
 * resumed or with the data, nothing that matters is left to train, or this training has been run already;
 * MIEN_ERR_DATA: a file or manifest is bad, too many samples are or their files are not there (data.max_bad; told
 * before the first step), or no two texts differ; MIEN_ERR_IO: the run directory cannot be written; MIEN_ERR_FAILED:
 * the loss became infinite or not a number (the message names the step and the first bad tensor); MIEN_ERR_CANCELLED:
 * progress said so (the checkpoint is written, summary filled). After a failure the run directory keeps the log and the
 * checkpoints, and no model; where no step was done, it holds no run, and another may begin in it. summary may be NULL.
 */
MIEN_API enum mien_status mien_training_run(struct mien_training *training, struct mien_gpu *gpu,
                                            struct mien_train_summary *summary);

/* Gives the run directory back, frees, clears; accepts NULL. */
MIEN_API void mien_training_close(struct mien_training **training);

/* The three in one call; `gpu` is there before the run directory is looked at. Errors are theirs. */
MIEN_API enum mien_status mien_train(struct mien_gpu *gpu, const struct mien_train_params *params,
                                     struct mien_train_summary *summary);

/* The keys of a configuration, for people: `line` is called with each line of text (at most 120 columns, no newline),
 * which it must not keep. key: a dotted name ("optim.lr"): its meaning, values, range, unit, default and whether it may
 * change on resume; the name of an object ("loss", "loss.local"): its keys, one a row; NULL: all keys. MIEN_ERR_ARG: no
 * such key (the message has the nearest ones; nothing was given to `line`), or line is NULL. Thread-safe. */
MIEN_API enum mien_status mien_train_help(const char *key, void (*line)(void *user, const char *line), void *user);

#ifdef __cplusplus
}
#endif
#endif
