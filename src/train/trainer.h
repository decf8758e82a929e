/* trainer.h: inside train: a run in progress. */
#ifndef TRAIN_TRAINER_H
#define TRAIN_TRAINER_H

#include "data/loader.h"
#include "mien/train.h"
#include "train/config.h"
#include "train/log.h"
#include "train/schedule.h"
#include "train/step.h"

enum { TRAIN_PROGRAMS_MAX = 16, TRAIN_IN_FLIGHT_MAX = 2, TRAIN_RATE_STEPS = 8 };

/* A step that the device has been given. */
struct train_flight {
    struct train_step *program;
    uint32_t slot;
    uint64_t step; /* from 1 */
    double lr;
};

struct trainer {
    struct vk_device *device;
    struct train_config *config;
    /* data */
    struct data_manifest *manifest;
    uint32_t *rows; /* to train on */
    size_t row_count;
    struct data_tokenizer *tokenizer;
    struct io_preprocess preprocess;
    struct data_loader *loader;
    /* model */
    struct nn_model *model;
    struct train_moments moments;
    struct train_step programs[TRAIN_PROGRAMS_MAX];
    uint32_t program_count;
    /* the run */
    struct train_rate rate;
    struct train_hyper hyper;
    uint64_t steps; /* of the whole run */
    struct train_log *log;
    struct train_flight flight[TRAIN_IN_FLIGHT_MAX]; /* oldest first */
    uint32_t in_flight;
    double began, ended[TRAIN_RATE_STEPS]; /* when the steps began; when the last of them ended, by step */
    const struct mien_train_params *params;
    struct mien_train_summary summary;
};

/* Everything that a run needs, from its configuration: checks, data, tokenizer, model, run directory. */
enum mien_status train_prepare(struct vk_device *device, const struct mien_train_params *params,
                               struct trainer *trainer);
void train_clear(struct trainer *trainer);

/* All steps. */
enum mien_status train_loop(struct trainer *trainer);

/* The gradients of a step's run that has ended, every parameter's under its name, zeros where the loss does not depend
 * on it. */
enum mien_status train_save_grads(const struct trainer *trainer, const struct train_flight *flight, const char *path);

/* The model as a model directory, whole or not at all. */
enum mien_status train_save_model(const struct trainer *trainer, uint64_t steps, const char *dir);

#endif
