/* lists.c: the losses, local branches and optimisers that the build has found. */
#include "train/loss.h"

#define LOSS(name) &train_loss_##name,
#define LOCAL(name) &train_local_##name,
#define OPTIMIZER(name) &train_optimizer_##name,
const struct train_loss *const train_losses[] = {TRAIN_LOSS_LIST(LOSS) NULL};
const struct train_local *const train_locals[] = {TRAIN_LOCAL_LIST(LOCAL) NULL};
const struct train_optimizer *const train_optimizers[] = {TRAIN_OPTIMIZER_LIST(OPTIMIZER) NULL};

uint32_t train_locals_none(void)
{
    uint32_t i = 0;
    while (train_locals[i]->record)
        i++;
    return i;
}
