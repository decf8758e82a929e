/* classes.c: listing classes, finding a row's, embedding them. */
#include "use/classes.h"

#include "use/rows.h"

#include <stdlib.h>
#include <string.h>

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* ---- names ---- */

/* Sorts words [*count] and drops those that stand there twice. */
static void sort_words(const char **words, size_t *count)
{
    size_t kept = 0;
    qsort(words, *count, sizeof(*words), by_text);
    for (size_t i = 0; i < *count; i++)
        if (kept == 0 || strcmp(words[kept - 1], words[i]) != 0)
            words[kept++] = words[i];
    *count = kept;
}

/* Labels in any order as a class, in the arena; no name when memory is out. */
static struct use_class make_class(struct base_arena *arena, const char *const *labels, size_t count)
{
    size_t size = 1, at = 0;
    struct use_class class = {0};
    const char **words = base_arena_array(arena, count + 1, sizeof(*words));
    if (!words)
        return class;
    memcpy(words, labels, count * sizeof(*words));
    sort_words(words, &count);
    for (size_t i = 0; i < count; i++)
        size += strlen(words[i]) + sizeof(" and ");
    char *name = base_arena_alloc(arena, size);
    for (size_t i = 0; name && i < count; i++)
        at += (size_t)snprintf(name + at, size - at, "%s%s", i ? " and " : "", words[i]);
    return (struct use_class){name, words, (uint32_t)count};
}

/* "b and a" as a class. */
static struct use_class parse_class(struct base_arena *arena, const char *text)
{
    static const char joint[] = " and ";
    size_t count = 0, room = strlen(text) / strlen(joint) + 1;
    const char **words = base_arena_array(arena, room, sizeof(*words)), *end;
    for (; words && (end = strstr(text, joint)); text = end + strlen(joint))
        words[count++] = base_arena_strndup(arena, text, (size_t)(end - text));
    if (!words)
        return (struct use_class){0};
    words[count++] = base_arena_strdup(arena, text);
    for (size_t i = 0; i < count; i++)
        if (!words[i])
            return (struct use_class){0};
    return make_class(arena, words, count);
}

/* ---- the list ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct use_class *)a)->name, ((const struct use_class *)b)->name);
}

static const struct use_class *find_class(const struct use_class *sorted, size_t count, const char *name)
{
    return bsearch(&(struct use_class){.name = name}, sorted, count, sizeof(*sorted), by_name);
}

/* The classes of all rows, sorted. */
static enum mien_status list_rows(struct base_arena *arena, const struct data_manifest *manifest,
                                  struct use_class **list, uint32_t *count)
{
    enum mien_status status = MIEN_OK;
    size_t labelled = 0;
    *count = 0;
    *list = base_arena_array(arena, manifest->count + 1, sizeof(**list));
    FAIL_IF_NULL(*list, "labels");
    for (size_t i = 0; i < manifest->count; i++) {
        const struct data_row *row = &manifest->rows[i];
        if (row->label_count == 0)
            continue;
        (*list)[labelled] = make_class(arena, row->labels, row->label_count);
        FAIL_IF_NULL((*list)[labelled++].name, "labels");
    }
    qsort(*list, labelled, sizeof(**list), by_name);
    for (size_t i = 0; i < labelled; i++)
        if (*count == 0 || by_name(&(*list)[*count - 1], &(*list)[i]) != 0)
            (*list)[(*count)++] = (*list)[i];
fail:
    return status;
}

/* The names that were given; where the rows have such a class, its labels are theirs. */
static enum mien_status list_given(struct use_classes *classes, const char *const *given, size_t given_count)
{
    enum mien_status status = MIEN_OK;
    const struct use_class *known = classes->list;
    struct use_class *sorted = NULL;
    size_t known_count = classes->count;
    classes->count = (uint32_t)given_count;
    classes->list = base_arena_array(&classes->arena, given_count + 1, sizeof(*classes->list));
    FAIL_IF_NULL(classes->list, "labels");
    for (size_t i = 0; i < given_count; i++) {
        FAIL_IF(!given[i] || !given[i][0], MIEN_ERR_ARG, "class %zu has no name", i + 1);
        struct use_class class = parse_class(&classes->arena, given[i]);
        FAIL_IF_NULL(class.name, "labels");
        const struct use_class *found = find_class(known, known_count, class.name);
        classes->list[i] = found ? *found : class;
    }
    sorted = base_alloc(given_count + 1, sizeof(*sorted));
    FAIL_IF_NULL(sorted, "labels");
    if (given_count)
        memcpy(sorted, classes->list, given_count * sizeof(*sorted));
    qsort(sorted, given_count, sizeof(*sorted), by_name);
    for (size_t i = 1; i < given_count; i++)
        FAIL_IF(by_name(&sorted[i - 1], &sorted[i]) == 0, MIEN_ERR_ARG, "class \"%s\" is named twice; name it once",
                sorted[i].name);
fail:
    base_free(sorted);
    return status;
}

/* The labels of all classes, each once. */
static enum mien_status list_words(struct use_classes *classes)
{
    size_t count = 0;
    for (uint32_t c = 0; c < classes->count; c++)
        count += classes->list[c].count;
    classes->words = base_arena_array(&classes->arena, count + 1, sizeof(*classes->words));
    if (!classes->words)
        return base_fail(MIEN_ERR_NOMEM, "out of host memory for labels");
    for (uint32_t c = 0; c < classes->count; c++)
        for (uint32_t w = 0; w < classes->list[c].count; w++)
            classes->words[classes->word_count++] = classes->list[c].words[w];
    sort_words(classes->words, &classes->word_count);
    return MIEN_OK;
}

enum mien_status use_classes_list(const struct data_manifest *manifest, const char *const *given, size_t given_count,
                                  struct use_classes *out)
{
    enum mien_status status = MIEN_OK;
    *out = (struct use_classes){0};
    TRY(list_rows(&out->arena, manifest, &out->list, &out->count));
    if (given)
        TRY(list_given(out, given, given_count));
    TRY(list_words(out));
    return MIEN_OK;
fail:
    use_classes_clear(out);
    return status;
}

void use_classes_clear(struct use_classes *classes)
{
    base_arena_clear(&classes->arena);
    *classes = (struct use_classes){0};
}

/* ---- rows ---- */

/* The classes by name, each with its place in the list. */
struct place {
    struct use_class class; /* first, for by_name */
    uint32_t index;
};

enum mien_status use_classes_of(const struct use_classes *classes, const struct data_manifest *manifest,
                                const uint32_t *rows, size_t count, int32_t *truth)
{
    enum mien_status status = MIEN_OK;
    struct base_arena arena = {0};
    struct place *sorted = base_arena_array(&arena, (size_t)classes->count + 1, sizeof(*sorted)), *found;
    FAIL_IF_NULL(sorted, "labels");
    for (uint32_t c = 0; c < classes->count; c++)
        sorted[c] = (struct place){classes->list[c], c};
    qsort(sorted, classes->count, sizeof(*sorted), by_name);
    for (size_t i = 0; i < count; i++) {
        const struct data_row *row = &manifest->rows[rows[i]];
        truth[i] = USE_NO_CLASS;
        if (row->label_count == 0)
            continue;
        struct use_class class = make_class(&arena, row->labels, row->label_count);
        FAIL_IF_NULL(class.name, "labels");
        found = bsearch(&class, sorted, classes->count, sizeof(*sorted), by_name);
        truth[i] = found ? (int32_t)found->index : USE_NO_CLASS;
    }
fail:
    base_arena_clear(&arena);
    return status;
}

/* ---- texts ---- */

enum mien_status use_classes_check(const struct use_classes *classes, const struct data_tokenizer *tokenizer,
                                   uint32_t context)
{
    enum mien_status status = MIEN_OK;
    struct mien_label *labels = base_alloc(classes->word_count + 1, sizeof(*labels));
    FAIL_IF_NULL(labels, "labels");
    for (size_t i = 0; i < classes->word_count; i++)
        labels[i].name = classes->words[i];
    TRY(use_check_labels(tokenizer, context, labels, classes->word_count, NULL));
fail:
    base_free(labels);
    return status;
}

static const float *embed_of(const struct use_classes *classes, const char *word, const float *embeds, uint32_t width)
{
    const char *const *found = bsearch(&word, classes->words, classes->word_count, sizeof(word), by_text);
    return embeds + (size_t)(found - classes->words) * width;
}

/* The mean of a class's words, out [width]; embeds [word_count,width]. */
static void average(const struct use_classes *classes, const struct use_class *class, const float *embeds,
                    uint32_t width, bool unit, float *out)
{
    if (class->count == 1) {
        memcpy(out, embed_of(classes, class->words[0], embeds, width), width * sizeof(*out));
        return;
    }
    for (uint32_t k = 0; k < width; k++) {
        double sum = 0;
        for (uint32_t w = 0; w < class->count; w++)
            sum += (double)embed_of(classes, class->words[w], embeds, width)[k];
        out[k] = (float)(sum / class->count);
    }
    if (unit)
        nn_normalise_rows(out, 1, width);
}

enum mien_status use_classes_embed(const struct use_classes *classes, struct mien_model *model,
                                   const struct mien_labels_params *params, float *out)
{
    enum mien_status status = MIEN_OK;
    uint32_t width = model->nn->config.embed;
    size_t count = classes->word_count;
    bool unit = !params || params->average == MIEN_AVERAGE_EMBEDS;
    struct mien_label *labels = base_alloc(count + 1, sizeof(*labels));
    float *embeds = base_alloc((count + 1) * width, sizeof(*embeds));
    FAIL_IF(!labels || !embeds, MIEN_ERR_NOMEM, "out of host memory for the classes' embeddings");
    for (size_t i = 0; i < count; i++)
        labels[i].name = classes->words[i];
    TRY(use_embed_labels(model, labels, count, params, embeds));
    for (uint32_t c = 0; c < classes->count; c++)
        average(classes, &classes->list[c], embeds, width, unit, out + (size_t)c * width);
fail:
    base_free(labels);
    base_free(embeds);
    return status;
}
