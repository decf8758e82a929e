/* local_none.c: no local branch. */
#include "train/loss.h"

const struct train_local train_local_none = {
    .word = {"none", "no local branch"},
};
