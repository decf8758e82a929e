/* head.h: what a model's head is asked for, and what it says. */
#ifndef USE_HEAD_H
#define USE_HEAD_H

#include "data/manifest.h"
#include "use/use.h"

/* A row's value of a target: of its "targets", else "valence" and "arousal" of its "va", else an action unit of its
 * "au". False when it has none. */
bool use_row_target(const struct data_row *row, const char *name, double *out);

/* The names that "targets" of the rows [count] (indices into the manifest) have, in the order of bytes, each once, in
 * the arena. */
enum mien_status use_target_names(const struct data_manifest *manifest, const uint32_t *rows, size_t count,
                                  struct base_arena *arena, const char *const **names, size_t *name_count);

/* What the model's head says of raw embeddings [count,E]: out [count,targets], values in the targets' own units, or
 * logits of the classes. MIEN_ERR_ARG when the model has no head. Summed in double. */
enum mien_status use_head_run(const struct mien_model *model, const float *raw, size_t count, double *out);

#endif
