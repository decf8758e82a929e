/* import_folder.c: pictures in a directory a label: ROOT/SPLIT/LABEL/x.png, or ROOT/LABEL/x.png. */
#include "data/import.h"

#include <string.h>

static const struct {
    const char *name;
    enum data_split split;
} splits[] = {{"train", DATA_SPLIT_TRAIN},
              {"val", DATA_SPLIT_VAL},
              {"valid", DATA_SPLIT_VAL},
              {"validation", DATA_SPLIT_VAL},
              {"test", DATA_SPLIT_TEST}};

/* The pictures of one label. */
static enum mien_status read_label(struct import *in, const char *dir, const char *label, enum data_split split)
{
    enum mien_status status = MIEN_OK;
    char **names = NULL;
    size_t count = 0;
    TRY(import_names(in, dir, &names, &count));
    for (size_t i = 0; i < count; i++) {
        struct data_row row = {.labels = &label, .label_count = 1, .split = split};
        enum import_kind kind;
        row.image = base_arena_printf(&in->row_arena, "%s/%s", dir, names[i]);
        FAIL_IF_NULL(row.image, "an import");
        TRY(import_look(in, row.image, &kind));
        in->summary->passed_over += kind != IMPORT_PICTURE;
        if (kind == IMPORT_PICTURE)
            TRY(import_row(in, &row, NULL));
    }
fail:
    base_dir_list_free(&names, &count);
    return status;
}

/* The labels of a split; dir "" = the top itself. */
static enum mien_status read_split(struct import *in, const char *dir, enum data_split split)
{
    enum mien_status status = MIEN_OK;
    char **names = NULL;
    size_t count = 0;
    TRY(import_names(in, dir, &names, &count));
    for (size_t i = 0; i < count; i++) {
        const char *inner = base_arena_printf(&in->arena, "%s%s%s", dir, *dir ? "/" : "", names[i]);
        FAIL_IF_NULL(inner, "an import");
        bool is_dir;
        TRY(import_is_dir(in, inner, &is_dir));
        if (is_dir)
            TRY(read_label(in, inner, names[i], split));
        else
            in->summary->passed_over++;
    }
fail:
    base_dir_list_free(&names, &count);
    return status;
}

static enum mien_status read_splits(struct import *in)
{
    enum mien_status status = MIEN_OK;
    char **names = NULL;
    size_t count = 0, used = 0;
    for (size_t s = 0; s < BASE_COUNT(splits); s++) {
        bool is_dir;
        TRY(import_is_dir(in, splits[s].name, &is_dir));
        if (!is_dir)
            continue;
        TRY(read_split(in, splits[s].name, splits[s].split));
        used++;
    }
    TRY(import_names(in, "", &names, &count));
    in->summary->passed_over += count - used;
fail:
    base_dir_list_free(&names, &count);
    return status;
}

static enum mien_status run(struct import *in)
{
    enum mien_status status = MIEN_OK;
    TRY(in->marked ? read_splits(in) : read_split(in, "", DATA_SPLIT_NONE));
    FAIL_IF(in->summary->samples == 0, MIEN_ERR_DATA,
            "%s: no PNG or JPEG file in the directory of a label; \"folder\" needs ROOT/SPLIT/LABEL/x.png with SPLIT "
            "train, val or test, or ROOT/LABEL/x.png",
            in->top);
fail:
    return status;
}

const struct import_layout import_folder = {
    .info = {.name = "folder",
             .summary = "pictures in a directory a label; labels are the directories' names",
             .layout =
                 "ROOT/SPLIT/LABEL/x.png or .jpg with SPLIT train, val (valid, validation) or test, as far as they "
                 "are there, or ROOT/LABEL/x.png",
             .source = "your own files"},
    .marks = {"train", "val", "valid", "validation", "test"},
    .run = run,
};
