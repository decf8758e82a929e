/* moments.h: what the optimiser keeps of every parameter that it trains. */
#ifndef TRAIN_MOMENTS_H
#define TRAIN_MOMENTS_H

#include "train/groups.h"

/* Named tensors like the parameters themselves: what a checkpoint keeps. AdamW has two, SGD one (its velocity); frozen
 * parameters have none (range.block NULL). */
struct train_moments {
    struct vk_device *device;
    uint32_t count; /* of the model's parameters */
    struct tensor *first, *second;
};

/* Zeros. */
enum mien_status train_moments_create(const struct nn_model *model, const struct train_param *rules,
                                      enum train_optimizer optimizer, struct train_moments *out);
void train_moments_destroy(struct train_moments *moments);

#endif
