/* import_sample.c: what importers do with a sample: its labels by name, its files, its fold, whether it is new. */
#include "data/face_caption.h"
#include "data/frames.h"
#include "data/import_rule.h"

#include <stdlib.h>
#include <string.h>

/* ---- labels ---- */

/* The noun of mien synth, or the set's own; and what data sets call it. */
static const char *const nouns[][2] = {
    {"happiness", " happy hap ha happily "},
    {"sadness", " sad sa sadly "},
    {"surprise", " surprised su "},
    {"fear", " fearful fea fe afraid "},
    {"disgust", " disgusted dis di "},
    {"anger", " angry ang an "},
    {"neutral", " neu ne neutrality "},
    {"contempt", " contemptuous "},
    {"calm", " "},
    {"anxiety", " anxious "},
    {"helplessness", " helpless "},
    {"disappointment", " disappointed "},
    {"other", " others "},
};

static const char *noun_of(const char *word, size_t size)
{
    char low[IMPORT_WORD];
    if (size == 0 || size + 3 > sizeof(low))
        return NULL;
    low[0] = ' ';
    for (size_t i = 0; i < size; i++)
        low[i + 1] = word[i] >= 'A' && word[i] <= 'Z' ? (char)(word[i] + 32) : word[i];
    memcpy(low + size + 1, " ", 2);
    for (size_t i = 0; i < BASE_COUNT(nouns); i++)
        if (strstr(nouns[i][1], low) || (strlen(nouns[i][0]) == size && strncmp(nouns[i][0], low + 1, size) == 0))
            return nouns[i][0];
    return NULL;
}

/* The word of a number in a list; NULL: there is none. */
static const char *word_at(const char *list, long at, size_t *size)
{
    for (; at > 0 && *list; at--)
        list += strcspn(list, " "), list += *list == ' ';
    *size = strcspn(list, " ");
    return at == 0 && *size ? list : NULL;
}

enum mien_status import_labels(struct import *in, const char *numbers, int base, const char *text,
                               const char *const **out, uint32_t *count)
{
    enum mien_status status = MIEN_OK;
    size_t size = strlen(text);
    const char *word = text, **labels = base_arena_array(&in->row_arena, size + 16, sizeof(*labels));
    *count = 0;
    *out = labels;
    FAIL_IF_NULL(labels, "labels");
    if (numbers && size && size < 5 && strspn(text, "0123456789") == size)
        word = word_at(numbers, strtol(text, NULL, 10) - base, &size);
    for (const char *end = word ? word + size : NULL; word && word <= end;) {
        size_t length = BASE_MIN(strcspn(word, "_+"), (size_t)(end - word));
        labels[*count] = noun_of(word, length);
        if (!labels[*count]) {
            *count = 0;
            break;
        }
        ++*count;
        word += length + 1;
    }
fail:
    return status;
}

/* ---- entries that stand in a list twice ---- */

static uint64_t hash_of(const char *text)
{
    uint64_t h = 14695981039346656037u; /* FNV-1a */
    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * 1099511628211u;
    return h;
}

static void insert(const char **table, size_t size, const char *entry)
{
    size_t at = hash_of(entry) % size;
    while (table[at])
        at = (at + 1) % size;
    table[at] = entry;
}

static enum mien_status make_room(struct import *in)
{
    enum mien_status status = MIEN_OK;
    size_t size = in->seen_size ? 2 * in->seen_size : 1024;
    const char **table = base_alloc(size, sizeof(*table));
    FAIL_IF_NULL(table, "an import");
    for (size_t i = 0; i < in->seen_size; i++)
        if (in->seen[i])
            insert(table, size, in->seen[i]);
    base_free(in->seen);
    in->seen = table;
    in->seen_size = size;
fail:
    return status;
}

enum mien_status import_seen(struct import *in, const char *entry, bool *seen)
{
    enum mien_status status = MIEN_OK;
    if (2 * in->seen_count >= in->seen_size)
        TRY(make_room(in));
    size_t at = hash_of(entry) % in->seen_size;
    while (in->seen[at] && strcmp(in->seen[at], entry) != 0)
        at = (at + 1) % in->seen_size;
    *seen = in->seen[at] != NULL;
    if (!*seen) {
        in->seen[at] = base_arena_strdup(&in->seen_arena, entry);
        FAIL_IF_NULL(in->seen[at], "an import");
        in->seen_count++;
    }
fail:
    return status;
}

void import_forget(struct import *in)
{
    base_free(in->seen);
    in->seen = NULL;
    in->seen_size = in->seen_count = 0;
    base_arena_clear(&in->seen_arena);
}

/* ---- files ---- */

#define CONVERT                                                                                                        \
    "convert all such pictures, beside the originals: find ROOT -iregex '.*\\.\\(tiff?\\|bmp\\|gif\\|webp\\)' -exec "  \
    "ffmpeg -v error -n -i {} {}.png \\;"

/* A picture of another format is taken as it was converted: PATH.png. */
static enum mien_status picture(struct import *in, const char *path, const char **out, bool *found)
{
    enum mien_status status = MIEN_OK;
    enum import_kind kind;
    TRY(import_look(in, path, &kind));
    *out = path;
    *found = kind != IMPORT_MISSING;
    if (kind != IMPORT_FOREIGN)
        return MIEN_OK;
    *out = base_arena_printf(&in->row_arena, "%s.png", path);
    FAIL_IF_NULL(*out, "an import");
    TRY(import_look(in, *out, &kind));
    FAIL_IF(kind == IMPORT_MISSING, MIEN_ERR_DATA, "%s%s%s/%s: no PNG or JPEG; " CONVERT, in->where ? in->where : "",
            in->where ? ": " : "", in->top, path);
fail:
    return status;
}

/* Of a directory of frames the first picture, which is looked at for all. */
static enum mien_status frames(struct import *in, const char *path, bool *found)
{
    enum mien_status status = MIEN_OK;
    enum import_kind kind;
    char **names = NULL;
    size_t count = 0;
    *found = false;
    TRY(import_names(in, path, &names, &count));
    for (size_t i = 0; i < count && !*found; i++) {
        if (!data_is_frame(names[i]))
            continue;
        const char *frame = base_arena_printf(&in->row_arena, "%s/%s", path, names[i]);
        FAIL_IF_NULL(frame, "an import");
        TRY(import_look(in, frame, &kind));
        *found = true;
    }
fail:
    base_dir_list_free(&names, &count);
    return status;
}

enum mien_status import_source(struct import *in, const char *path, struct data_row *row, bool *found)
{
    static const char *const endings[] = {".mp4", ".avi", ".flv", ".mov", ".mkv", ".webm", ".mpg", ".wmv", NULL};
    enum mien_status status = MIEN_OK;
    enum import_kind kind;
    bool is_dir;
    *found = false;
    TRY(import_is_dir(in, path, &is_dir));
    row->image = row->video = row->frames_dir = NULL;
    if (is_dir) {
        row->frames_dir = path;
        TRY(frames(in, path, found));
    } else if (base_path_ends(path, endings)) {
        row->video = path;
        TRY(import_look(in, path, &kind));
        *found = kind != IMPORT_MISSING;
    } else {
        TRY(picture(in, path, &row->image, found));
    }
fail:
    return status;
}

/* ---- captions ---- */

enum mien_status import_caption(struct import *in, struct data_row *row)
{
    enum mien_status status = MIEN_OK;
    const char *path = row->image ? row->image : row->video ? row->video : row->frames_dir; /* not its line in a list */
    struct base_rng rng = base_rng_make(in->params->seed, path ? path : "", 0, 0);
    struct data_caption own = row->caption, made;
    const struct face_facts facts = {.labels = row->labels,
                                     .label_count = row->label_count,
                                     .has_va = row->has_va,
                                     .va = {row->has_va ? row->va[0] : 0, row->has_va ? row->va[1] : 0},
                                     .aus = row->aus,
                                     .au_count = row->au_count};
    if (!in->params->captions)
        return MIEN_OK;
    if (own.whole)
        TRY(data_caption_split(&in->row_arena, own.whole, &own));
    TRY(face_caption(&facts, true, &rng, &in->row_arena, &made));
    if (!made.global) /* nothing is known but what somebody wrote */
        goto fail;
    row->caption = (struct data_caption){.global = own.global ? own.global : made.global,
                                         .summary = own.summary ? own.summary : made.summary,
                                         .local = own.local_count ? own.local : made.local,
                                         .local_count = own.local_count ? own.local_count : made.local_count};
fail:
    return status;
}

/* ---- rows ---- */

void import_set_fold(const struct import *in, int32_t fold, struct data_row *row)
{
    int32_t asked = (int32_t)in->params->fold;
    row->fold = asked ? 0 : fold;
    row->split = asked == 0 ? DATA_SPLIT_NONE : asked == fold ? DATA_SPLIT_TEST : DATA_SPLIT_TRAIN;
}

enum mien_status import_labelled(struct import *in, const struct data_row *row, cJSON *more)
{
    const struct import_layout *l = in->layout;
    bool fewer = l->classes && in->params->classes && in->params->classes < l->classes;
    for (uint32_t i = 0; fewer && i < row->label_count; i++) {
        if (strcmp(row->labels[i], l->dropped) != 0)
            continue;
        in->summary->left_out++;
        cJSON_Delete(more);
        base_arena_clear(&in->row_arena);
        return MIEN_OK;
    }
    return import_row(in, row, more);
}

enum mien_status import_no_layout(const struct import *in)
{
    return base_fail(MIEN_ERR_DATA, "%s: nothing of the layout of \"%s\" is there, which is: %s", in->top,
                     in->layout->info.name, in->layout->info.layout);
}
