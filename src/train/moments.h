/* moments.h: what the optimiser keeps of every parameter that it trains. */
#ifndef TRAIN_MOMENTS_H
#define TRAIN_MOMENTS_H

#include "train/groups.h"
#include "tensor/pack.h"
#include "train/loss.h"

/* Named tensors like the parameters themselves: what a checkpoint keeps. What an optimiser does not keep, and those of
 * frozen parameters, have range.block NULL. */
struct train_moments {
    struct vk_device *device;
    uint32_t count; /* of the model's parameters */
    struct tensor *first, *second;
    struct tensor_pack pack[TRAIN_MOMENTS_MAX]; /* their memory */
};

/* Zeros. */
enum mien_status train_moments_create(const struct nn_model *model, const struct train_param *rules,
                                      const struct train_optimizer *optimizer, struct train_moments *out);
void train_moments_destroy(struct train_moments *moments);

#endif
