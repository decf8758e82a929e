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
    struct tensor scaler; /* f32 [8], args/optim.h: of loss scaling; range.block NULL where the loss is not scaled */
};

/* Zeros. */
enum mien_status train_moments_create(const struct nn_model *model, const struct train_param *rules,
                                      const struct train_optimizer *optimizer, struct train_moments *out);
/* From now on the loss is scaled (op_loss_scale), from the first scale on. */
enum mien_status train_scaler_create(struct train_moments *moments);
void train_moments_destroy(struct train_moments *moments);

#endif
