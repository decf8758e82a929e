/* config.h: a training configuration: the JSON of the contract as a struct, with every default in one table. Keys that
 * are unknown, and keys or choices that this version cannot serve, are refused by name. */
#ifndef TRAIN_CONFIG_H
#define TRAIN_CONFIG_H

#include "io/model_dir.h"

enum train_balance { TRAIN_BALANCE_NONE, TRAIN_BALANCE_LABEL };
enum train_resize { TRAIN_RESIZE_PIL, TRAIN_RESIZE_TORCH };
enum train_text { TRAIN_TEXT_BOTH, TRAIN_TEXT_GLOBAL, TRAIN_TEXT_SUMMARY, TRAIN_TEXT_CAPTION, TRAIN_TEXT_LABEL };
enum train_local { TRAIN_LOCAL_POOLED, TRAIN_LOCAL_NONE, TRAIN_LOCAL_SENTENCE, TRAIN_LOCAL_FILIP };
enum train_schedule { TRAIN_COSINE, TRAIN_CONSTANT, TRAIN_MULTISTEP };

struct train_config {
    struct {
        const char *init;           /* a model directory, or NULL = from scratch */
        struct io_clip_config clip; /* scratch: vocabulary and special ids follow the tokenizer */
        cJSON *clip_json;           /* as the file gives it, or NULL */
        const char *tokenizer;      /* a directory, or NULL */
        uint32_t vocab;             /* without one: size of the vocabulary to learn */
    } model;
    struct {
        const char *train, *val; /* manifests; val may be NULL */
        bool shuffle;
        uint32_t balance; /* enum train_balance */
        uint32_t workers;
        double max_bad; /* share of samples */
        struct {
            double crop_scale[2]; /* of the area; {1,1} = none */
            double flip;          /* probability */
            double rotate;        /* degrees, to each side */
            double jitter;        /* of brightness and contrast */
        } augment;
        uint32_t resize; /* enum train_resize */
    } data;
    struct {
        uint32_t text;        /* enum train_text */
        uint32_t local;       /* enum train_local */
        bool local_is_chosen; /* the file says so: the default depends on the data */
    } loss;
    struct {
        double lr, betas[2], eps, weight_decay, clip_norm;
        uint32_t schedule;   /* enum train_schedule */
        int32_t warmup;      /* steps; -1 = 5 % of the run */
        uint32_t milestones; /* how many */
        uint32_t milestone[16];
        double gamma;
    } optim;
    struct {
        const char *dir;
        const char *dump_grads; /* file for the gradients of step 1, or NULL */
        uint32_t steps, epochs, batch, seed, log_every;
    } run;
    struct base_arena arena; /* strings */
    cJSON *json;             /* resolved: what the run directory keeps */
};

/* Reads a file and `sets`, "key=value" with dotted keys (value: JSON, or a plain word as a string), count of them.
 * A path of the file is relative to the file, one of a set to the working directory; here they are all the latter.
 * MIEN_ERR_ARG or MIEN_ERR_DATA names file, key and what to do. */
enum mien_status train_config_read(const char *path, const char *const *sets, size_t count, struct train_config **out);
void train_config_destroy(struct train_config **config);

#endif
