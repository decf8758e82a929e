/* groups.h: what the optimiser does with each parameter. */
#ifndef TRAIN_GROUPS_H
#define TRAIN_GROUPS_H

#include "nn/nn.h"
#include "train/config.h"

struct train_param {
    float lr_scale;
    bool frozen; /* no gradient, no moments, no update */
    bool decays; /* weight decay applies */
};

/* rules [model->count]: of each parameter, by optim.groups; the first group that matches a name wins. frozen_towers:
 * the towers are frozen but for what a group with "freeze": false names. MIEN_ERR_ARG: a pattern matches no parameter,
 * or all are frozen. */
enum mien_status train_groups_resolve(const struct nn_model *model, const struct train_config *config,
                                      bool frozen_towers, struct train_param *rules);

/* Whether any parameter of the stack is trained. */
bool train_stack_trained(const struct nn_model *model, const struct train_param *rules, uint32_t stack);

/* What is trained at one rate: a stack of parameters, or where their rules differ a parameter of one. */
struct train_trained {
    uint32_t stack, param;    /* param: the first */
    uint64_t first, elements; /* of the stack's */
    const char *name;
};
/* All of them as they lie in memory, into out [model->count]; their number. */
uint32_t train_trained_list(const struct nn_model *model, const struct train_param *rules, struct train_trained *out);

/* Whether weight decay applies to a parameter: not to vectors and scalars, nor to position and class embeddings. */
bool train_decays(const struct nn_param *param);

/* Whether a name matches a pattern: "*" stands for any characters, "?" for any one. */
bool train_matches(const char *pattern, const char *name);

#endif
