/* classes.h: the classes of a data set: its labels, each alone or several together. */
#ifndef USE_CLASSES_H
#define USE_CLASSES_H

#include "data/manifest.h"
#include "use/use.h"

/* One class: a label, or a compound of several, which has no order: its labels stand in the order of their bytes, each
 * once. */
struct use_class {
    const char *name;         /* "fear", "anger and joy" */
    const char *const *words; /* its labels [count] */
    uint32_t count;
};

struct use_classes {
    struct use_class *list;
    uint32_t count;
    const char **words; /* [word_count] the labels of all of them, sorted, each once */
    size_t word_count;
    struct base_arena arena;
};

enum { USE_NO_CLASS = -1 };

/* The classes of all of a manifest's rows, whatever their split, in the order of their bytes; or, where `given` is not
 * NULL, those names in that order ("b and a" is "a and b"). Labels are borrowed from the manifest. */
enum mien_status use_classes_list(const struct data_manifest *manifest, const char *const *given, size_t given_count,
                                  struct use_classes *out);
void use_classes_clear(struct use_classes *classes);

/* The class of each of rows [count] (indices into the manifest) into truth [count]; USE_NO_CLASS for a row without a
 * label or of none of the classes. */
enum mien_status use_classes_of(const struct use_classes *classes, const struct data_manifest *manifest,
                                const uint32_t *rows, size_t count, int32_t *truth);

/* MIEN_ERR_ARG, with both names, when two labels are the same to the tokenizer. */
enum mien_status use_classes_check(const struct use_classes *classes, const struct data_tokenizer *tokenizer,
                                   uint32_t context);

/* Embeddings out [count,E]: of a class, the mean of those of its labels, as params (NULL: Mien's templates) makes them;
 * of unit length where embeddings are averaged. */
enum mien_status use_classes_embed(const struct use_classes *classes, struct mien_model *model,
                                   const struct mien_labels_params *params, float *out);

#endif
