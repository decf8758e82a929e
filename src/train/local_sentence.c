/* local_sentence.c: local sentences against images as a whole. */
#include "train/branch.h"

static op_value record(struct train_branch *b)
{
    return train_mean_loss(b, b->objective->global_levels, b->objective->slots, train_whole_loss);
}

const struct train_local train_local_sentence = {
    .word = {"sentence", "each sentence against the image as a whole"},
    .record = record,
};
