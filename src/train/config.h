/* config.h: a training configuration: the JSON of the contract as a struct, with every default in one table. Keys that
 * are unknown, and keys or choices that this version cannot serve, are refused by name. */
#ifndef TRAIN_CONFIG_H
#define TRAIN_CONFIG_H

#include "io/model_dir.h"

enum train_balance { TRAIN_BALANCE_NONE, TRAIN_BALANCE_LABEL };
enum train_resize { TRAIN_RESIZE_PIL, TRAIN_RESIZE_TORCH };
enum train_text { TRAIN_TEXT_BOTH, TRAIN_TEXT_GLOBAL, TRAIN_TEXT_SUMMARY, TRAIN_TEXT_CAPTION, TRAIN_TEXT_LABEL };
enum train_pick { TRAIN_PICK_RANDOM, TRAIN_PICK_FIRST, TRAIN_PICK_ROTATE };
enum train_source { TRAIN_SOURCE_BATCH, TRAIN_SOURCE_FROZEN };
enum train_head_loss { TRAIN_HEAD_MSE, TRAIN_HEAD_RMSE, TRAIN_HEAD_CCC, TRAIN_HEAD_CE };
enum train_precision { TRAIN_PRECISION_F32, TRAIN_PRECISION_BF16, TRAIN_PRECISION_F16, TRAIN_PRECISION_AUTO };
enum train_schedule { TRAIN_COSINE, TRAIN_CONSTANT, TRAIN_MULTISTEP };

#define TRAIN_LR_NEW 1e-3 /* where only what is new is trained, on frozen towers */

/* Parameters that are treated alike: the first group whose pattern matches a name wins. */
struct train_group {
    const char *match; /* "*" = any characters, "?" = any one */
    double lr_scale;
    bool freeze; /* no gradient, no moments, no update */
    bool thaw;   /* "freeze": false stands there: trained even where towers are frozen unless named */
};

/* What the file leaves to the data or to other keys. */
struct train_chosen {
    bool local, same_text, resize, augment, lr, head_loss;
};

struct train_config {
    struct {
        const char *init;                   /* a model directory, or NULL = from scratch */
        struct io_clip_config clip;         /* scratch: vocabulary and special ids follow the tokenizer */
        cJSON *clip_json;                   /* as the file gives it, or NULL */
        const char *tokenizer;              /* a directory, or NULL */
        uint32_t vocab;                     /* without one: size of the vocabulary to learn */
        struct io_temporal_config temporal; /* layers 0 = none is asked for; a directory may have its own */
        struct {
            uint32_t kind; /* enum io_head_kind */
            uint32_t hidden, loss, targets;
            const char *const *target; /* [targets] names, in the arena; none: those of the rows */
            double weight;             /* beside the contrastive loss; 0 = the head alone */
        } head;
    } model;
    struct {
        const char *train, *val;  /* manifests, train may be shards; val may be NULL */
        const char *columns;      /* of tables, "image=path,caption=text"; NULL = by their own names */
        const char *leave_out;    /* a label whose rows leave training, or NULL */
        const char *descriptions; /* texts of labels, or NULL */
        bool shuffle;
        uint32_t shuffle_buffer; /* of shards: samples that are drawn from */
        uint32_t balance;        /* enum train_balance */
        uint32_t workers;
        bool jpeg_draft;
        double max_bad; /* share of samples */
        struct {
            double crop_scale[2]; /* of the area; {1,1} = none */
            double flip;          /* probability */
            double rotate;        /* degrees, to each side */
            double jitter;        /* of brightness and contrast */
        } augment;
        uint32_t resize; /* enum train_resize */
        struct {
            uint32_t count, stride;
            uint32_t sampling; /* enum data_sampling */
        } frames;              /* of a clip */
    } data;
    struct {
        uint32_t kind; /* of train_losses */
        uint32_t text; /* enum train_text */
        struct {
            uint32_t kind; /* of train_locals; not chosen: none where no row has local sentences */
            double weight;
            uint32_t sentences; /* of each image and step */
            uint32_t pick;      /* enum train_pick */
            double tau;         /* of the pooling */
        } local;
        struct {
            uint32_t kind, guide, same_text; /* as op_mining_kind, op_mining_guide, op_same_text */
            double threshold_text, threshold_image;
            uint32_t top_k;
            double weight, tau;   /* soft */
            int32_t warmup_steps; /* -1 = one epoch from scratch, 0 from a directory */
            uint32_t source;      /* enum train_source */
        } mining;
    } loss;
    struct {
        uint32_t kind; /* of train_optimizers */
        double lr, betas[2], eps, weight_decay, momentum, clip_norm;
        uint32_t schedule;    /* enum train_schedule */
        int32_t warmup_steps; /* -1 = 5 % of the run */
        uint32_t milestones;  /* how many */
        uint32_t milestone[16];
        double gamma;
        struct train_group *group; /* in the arena */
        uint32_t groups;
    } optim;
    struct {
        const char *dir;
        const char *dump_grads; /* file for the gradients of step 1, or NULL */
        uint32_t steps, epochs, batch, micro_batch, seed, log_every;
        bool recompute;
        uint32_t precision;        /* enum train_precision */
        uint32_t shares;           /* how many */
        const double *share;       /* of run.batch, by rank, in any unit; in the arena */
        int32_t eval_every;        /* steps; 0 = once an epoch where data.val is given, -1 = never */
        uint32_t patience;         /* evaluations without a better one that end the run; 0 = none do */
        uint32_t checkpoint_every; /* steps, 0 = never */
        double checkpoint_minutes; /* 0 = never */
        uint32_t keep;             /* checkpoints */
        bool tensorboard;          /* an event file beside the log */
    } run;
    struct train_chosen chosen;
    struct base_arena arena; /* strings */
    cJSON *json;             /* resolved: what the run directory keeps */
};

/* All defaults, as if a file named nothing. */
enum mien_status train_config_default(struct train_config **out);
/* Reads a file and `sets`, "key=value" with dotted keys (value: JSON, or a plain word as a string), count of them.
 * A path of the file is relative to the file, one of a set to the working directory; here they are all the latter.
 * MIEN_ERR_ARG or MIEN_ERR_DATA names file, key and what to do. */
enum mien_status train_config_read(const char *path, const char *const *sets, size_t count, struct train_config **out);
/* MIEN_ERR_ARG: the local branch cannot take so large a batch. Where loss.local.kind is left to the data this can only
 * be told with them. */
enum mien_status train_check_local(const struct train_config *config);
/* Whether a head is trained without the contrastive loss. */
bool train_head_alone(const struct train_config *config);
void train_config_destroy(struct train_config **config);

#endif
