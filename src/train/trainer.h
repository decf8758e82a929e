/* trainer.h: inside train: a run in progress. */
#ifndef TRAIN_TRAINER_H
#define TRAIN_TRAINER_H

#include "base/sha256.h"
#include "data/loader.h"
#include "dist/dist.h"
#include "mien/train.h"
#include "train/config.h"
#include "train/log.h"
#include "train/schedule.h"
#include "train/step.h"
#include "train/validate.h"
#include "use/features.h"
#include "use/parts.h"

enum { TRAIN_IN_FLIGHT_MAX = 2, TRAIN_RATE_STEPS = 8 };

/* A step that the device has been given. */
struct train_flight {
    struct train_step *program;
    uint32_t slot;
    uint64_t step; /* from 1 */
    double lr;
};

enum { TRAIN_DATA_KEY = 17 }; /* letters, with the 0 */

/* What a run knows of its past besides weights and moments: state.json. */
struct train_state {
    uint64_t step;       /* updates done */
    uint64_t samples;    /* that the run was begun with; 0 = not known */
    double first_loss;   /* of the first step that had one */
    uint32_t collapsing; /* steps in a row with too many positives */
    bool collapse_warned;
    uint64_t evaluated;        /* the step that was evaluated last */
    uint64_t best_step;        /* 0 = none */
    double best;               /* its uar, or minus its loss where there are no labels */
    uint32_t worse;            /* evaluations since then */
    char data[TRAIN_DATA_KEY]; /* train_data_key that the run was begun with; "" = not known */
};

struct trainer {
    struct vk_device *device;
    struct train_config *config;
    struct mien_ranks *ranks;    /* NULL = alone */
    uint32_t *shares;            /* [ranks] images of each by run.shares; NULL = equal ones */
    bool pretends;               /* exchange is left out: a dry run of one rank of recipe.ranks */
    struct train_timing *timing; /* or NULL */
    bool flushes;                /* the device adds as dist_sum's `flush` says */
    float *kept;                 /* of a bucket, while it is summed */
    size_t kept_capacity;
    struct base_lock *lock;  /* on the run directory; NULL in a dry run */
    char *own_dir, *made_in; /* the directory; the nearest one that was there before it */
    /* data */
    struct data_manifest *manifest; /* of shards: theirs, without rows */
    struct data_shards *shards;     /* or NULL */
    uint32_t *rows;                 /* to train on; NULL of shards */
    size_t row_count;
    char data_key[TRAIN_DATA_KEY]; /* of the texts, labels, numbers and boxes of the rows to train on, in order */
    enum data_text level_text[2];  /* of the global levels */
    struct data_tokenizer *tokenizer;
    struct io_preprocess preprocess;
    struct data_loader *loader;
    struct use_features features; /* of a frozen image tower */
    uint32_t frames;              /* of a clip, as model.init says; 0 = it does not */
    struct io_head_config head_config;
    float *head_truth;       /* [manifest rows,targets] standardised, NaN where there is none; or [rows] classes, -1 */
    struct train_same *same; /* scratch [batch] */
    /* model */
    struct nn_model *model, *initial; /* initial: mining.source frozen */
    struct train_param *rules;
    struct train_moments moments;
    struct train_recipe recipe;
    struct graph_cache *programs;
    cJSON *variants;       /* {"op shapes": variant} of all programs so far */
    struct vk_tuned tuned; /* the device's table of kernels when the run was begun */
    bool other_variants;   /* than the checkpoint's: told */
    uint32_t made;         /* programs so far */
    /* the run */
    char *from; /* the checkpoint that it goes on from, or NULL */
    struct train_state state;
    struct train_rate rate;
    struct train_hyper hyper;
    uint64_t steps, mining_from; /* of the whole run; updates before mining begins */
    bool few_texts_warned;       /* a step had fewer than two */
    uint32_t begun_with[2];      /* run.steps and run.epochs of the run that goes on */
    struct train_log *log;
    bool evaluates;                                  /* data.val, between steps */
    struct train_val *val;                           /* of rank 0; NULL = no evaluation */
    uint64_t eval_every;                             /* steps */
    struct train_flight flight[TRAIN_IN_FLIGHT_MAX]; /* oldest first */
    uint32_t in_flight;
    const struct train_step *last;         /* the program given last */
    double began, ended[TRAIN_RATE_STEPS]; /* when the steps began; when the last of them ended, by step */
    uint64_t began_at;                     /* updates done then */
    double saved;                          /* when the last checkpoint was written, or the steps began */
    uint64_t saved_at;                     /* its updates */
    bool cancelled;                        /* progress said so */
    const struct mien_train_params *params;
    struct mien_train_summary summary;
};

/* The configuration, and the run directory as this process's own. Needs no device. */
enum mien_status train_begin(const struct mien_train_params *params, struct trainer *trainer);
/* Everything else that a run needs: checks, data, tokenizer, model, what the run directory holds. */
enum mien_status train_prepare(struct vk_device *device, struct trainer *trainer);
/* What run.precision auto comes to on a device, where the model's widths allow 16 bits: bf16 on a GPU with matrix units
 * for it, f16 where they take f16 alone, f32 elsewhere, on software drivers always. */
enum train_precision train_precision_auto(const struct vk_caps *caps);
void train_clear(struct trainer *trainer);

/* The model under training as a model directory has it; the trainer's own. */
struct use_parts train_model_parts(const struct trainer *t);

/* ---- several processes (ranks.c) ---- */

/* Whether this is rank 0, which alone writes files and evaluates. */
bool train_leads(const struct trainer *t);
/* run.micro_batch becomes a rank's share of run.batch; or trainer->shares is made of run.shares. MIEN_ERR_ARG: it is
 * another, there are no equal shares, or run.shares is not for these ranks. */
enum mien_status train_ranks_shares(struct trainer *t);
/* This rank's images of a batch. */
struct train_range train_ranks_own(const struct trainer *t);
/* The checkpoint to go on from and its state, as rank 0 has found them. */
enum mien_status train_ranks_start(struct trainer *t);
/* With device and configuration as they will be used. MIEN_ERR_ARG: ranks have other data, configurations or versions
 * of Mien; warns of other devices. */
enum mien_status train_ranks_agree(struct trainer *t);
/* A step of a program in stages, whose inputs are filled; its last stage is under way then. */
enum mien_status train_ranks_step(struct trainer *t, struct train_step *p, uint32_t slot);
/* data_loader_params.agree: each rank knows the samples of its share. */
enum mien_status train_ranks_samples(void *trainer, uint32_t *samples);
/* t->state as rank 0 has it. */
enum mien_status train_ranks_state(struct trainer *t);
/* Whether the device takes numbers below the smallest normal one as 0 (flush.c). */
enum mien_status train_flushes(struct vk_device *device, bool *out);

/* The least that each part of a step has taken, seconds. */
struct train_timing {
    bool exchange;  /* that is timed, by all ranks at once; else the stages */
    double *stage;  /* [stages] */
    double *bucket; /* [buckets] */
    double gather[TRAIN_ROUNDS_MAX];
};
/* How many take part, planned ones too. */
uint32_t train_ranks_count(const struct trainer *t);
/* Steps of one of several ranks, timed: summary.scaling (scale.c). */
enum mien_status train_scale(struct trainer *t);

/* ---- rows (rows.c, describe.c, data_key.c) ---- */

/* One row after another; without the files' names: a data set may have been moved. */
void train_data_key_add(struct base_sha256 *hash, const struct data_row *row);
void train_data_key_end(struct base_sha256 *hash, char out[TRAIN_DATA_KEY]);
/* The rows to train on, in order. */
enum mien_status train_each_row(struct trainer *t, data_row_fn fn, void *user);
/* MIEN_ERR_ARG: the configuration asks for what needs all rows at once, which data.train as shards does not have. */
enum mien_status train_check_shards(const struct train_config *config);

/* The manifests; the rows to train on and their texts, targets and looks. Needs no device. */
enum mien_status train_open_data(struct trainer *t);
extern const enum data_text train_text_kinds[]; /* by enum train_text */
/* Sentences of data.descriptions as the rows' label_text. MIEN_ERR_DATA: the file has another form. */
enum mien_status train_describe(const struct train_config *config, struct data_manifest *manifest);

/* ---- pictures and clips (look.c) ---- */

/* recipe.look of so many clips among the rows, and what these cannot have. */
enum mien_status train_look_survey(struct trainer *t, size_t clips);
/* MIEN_ERR_DATA: data.balance is label and no row of the train split has one. */
enum mien_status train_check_balance(const struct trainer *t);
/* Whether towers are frozen where optim.groups is silent. */
bool train_frozen_towers(const struct trainer *t);
/* With model and rules: features, where the image tower does not change. */
enum mien_status train_look_open(struct trainer *t);

/* All steps. */
enum mien_status train_loop(struct trainer *trainer);
/* Some steps, at least one, up to `last`, which may lie beyond the run, or until `seconds` have passed, for timing. */
enum mien_status train_some(struct trainer *trainer, uint64_t last, double seconds);

/* The program of a batch's shape, compiled where it is not there. */
enum mien_status train_program_of(struct trainer *t, const struct data_batch *batch, uint64_t step,
                                  struct train_step **out);

/* The programs of the first batches, compiled; nothing is run. */
enum mien_status train_plan_steps(struct trainer *t);
/* A dry run: the summary's plan, by some steps whose results nobody keeps (plan.c). */
enum mien_status train_measure(struct trainer *t);

/* ---- evaluation (best.c) ---- */

bool train_evaluates(const struct trainer *t, uint64_t step);
/* Scores on data.val into the log; the best model so far into best/: the highest UAR, or the lowest loss where data.val
 * has no two labels; the first of equal ones. No step may be in flight. */
enum mien_status train_evaluate(struct trainer *t);
bool train_is_out_of_patience(const struct trainer *t);
void train_tell_best(struct trainer *t); /* the summary */

/* ---- kernels (variants.c) ---- */

/* Adds a program's variants to the run's; warns once where one differs from what the checkpoint says. */
enum mien_status train_note_variants(struct trainer *t, struct graph_program *program);
/* Before anything is planned: from now on the device chooses kernels by the table of the run's beginning, which is that
 * of the checkpoint to go on from where it was written on the same device and driver, else the device's present one. */
enum mien_status train_keep_tuned(struct trainer *t);
/* The variants of a checkpoint; warns when it is another device's. */
enum mien_status train_read_variants(struct trainer *t, const char *checkpoint);

/* ---- batches (batch.c) ---- */

/* One text of a batch, for finding equal ones. */
struct train_same {
    uint64_t hash;
    uint32_t row;
};

/* Warns once of a batch whose levels have fewer than two texts that differ: it teaches nothing. */
void train_watch_texts(struct trainer *t, const struct data_batch *batch, uint64_t step);
void train_fill_inputs(struct trainer *t, struct train_step *p, uint32_t slot, const struct data_batch *batch);

/* ---- the run directory (rundir.c) ---- */

/* MIEN_ERR_ARG when the directory holds a run. */
enum mien_status train_check_fresh(const char *dir);
/* The resolved configuration against that of the run to go on with, which must agree except in what a run may change.
 */
enum mien_status train_check_agrees(struct trainer *t);
/* run.precision of the run to go on with, in *out, which stays where there is no such run; f32 of versions that knew no
 * other. */
enum mien_status train_begun_precision(const struct trainer *t, uint32_t *out);
/* Creates it; config.json, log.jsonl with the steps done. */
enum mien_status train_open_run(struct trainer *t);
/* Makes a directory the run's own, with a lock; it is made where it is not there. MIEN_ERR_ARG when another process has
 * it. */
enum mien_status train_own(struct trainer *t, const char *dir);
/* Gives it back; what was made and stayed empty is removed. */
void train_disown(struct trainer *t);
/* Removes what killed runs have left and puts back what they have moved aside; names what older versions left. */
enum mien_status train_recover(const char *dir);

/* ---- before the first step (places.c) ---- */

/* MIEN_ERR_ARG: the path is so long that not all that lies in it could be named. */
enum mien_status train_check_length(const char *dir);
/* Begins what will be written, and gives it up: the model, the best one, a checkpoint, gradients. MIEN_ERR_IO. */
enum mien_status train_check_places(const struct trainer *t);
/* Whether the disk has room for one checkpoint. MIEN_ERR_IO when not. */
enum mien_status train_check_room(const struct trainer *t);

/* ---- files (save.c, checkpoint.c) ---- */

/* The gradients of a step's run that has ended: of every trained parameter under its name, zeros where the loss does
 * not depend on it. */
enum mien_status train_save_grads(const struct trainer *trainer, const struct train_flight *flight, const char *path);
/* The model as a model directory, into an existing one. */
enum mien_status train_write_model(const struct trainer *t, uint64_t steps, const char *dir);
/* The same, whole or not at all. */
enum mien_status train_save_model(const struct trainer *trainer, uint64_t steps, const char *dir);

/* checkpoints/step-N/ of the present state; then drops old ones. No step may be in flight. */
enum mien_status train_checkpoint(struct trainer *t);
/* The newest whole checkpoint of the run directory: its path (base_free) and state, or NULL where there is none.
 * Damaged ones are named and passed over; MIEN_ERR_DATA when all are. */
enum mien_status train_find_checkpoint(const char *dir, char **path, struct train_state *state);
/* The moments of a checkpoint, into those of the run. */
enum mien_status train_load_moments(struct trainer *t, const char *path);

#endif
