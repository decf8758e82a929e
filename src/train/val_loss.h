/* val_loss.h: the loss of the model under training on data.val. */
#ifndef TRAIN_VAL_LOSS_H
#define TRAIN_VAL_LOSS_H

#include "train/trainer.h"
#include "use/rows.h"

/* The texts of the rows at each global level, and room for their embeddings. */
struct train_val_loss;

/* rows is borrowed. */
enum mien_status train_val_loss_open(const struct trainer *t, const struct use_rows *rows, struct train_val_loss **out);
void train_val_loss_close(struct train_val_loss **loss);

/* Whether there are texts to tell apart: two rows of one level. */
bool train_val_loss_measures(const struct train_val_loss *loss);

/* The mean over the global levels, without mining, in batches of run.batch in the manifest's order; NaN where no row
 * has a text. images [rows->count,E] of unit length, of which those count that are `ok`. */
enum mien_status train_val_loss_run(struct train_val_loss *loss, struct mien_model *model, const float *images,
                                    const bool *ok, double *out);

#endif
