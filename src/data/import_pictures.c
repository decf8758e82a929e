/* import_pictures.c: data sets of pictures with a label each, as rules. */
#include "data/import_lines.h"
#include "data/import_read.h"
#include "data/import_rule.h"

#include <string.h>

#define RAFDB                                                                                                          \
    "RAF-DB's authors, for research: http://www.whdeng.cn/raf/model1.html (e-mail from an institute's address)"

const struct import_layout import_rafdb = {
    .info = {.name = "rafdb",
             .summary = "RAF-DB, basic: 7 emotions, aligned faces of 100x100; train and test",
             .layout = "ROOT/EmoLabel/list_patition_label.txt and ROOT/Image/aligned/*_aligned.jpg, with ROOT basic or "
                       "what holds it; or ROOT/DATASET/train|test/1..7/*.jpg",
             .source = RAFDB},
    .marks = {"EmoLabel", "basic", "DATASET"},
    .run = import_by_rule,
    .rule = &(const struct import_rule){
        .numbers = "surprise fear disgust happiness sadness anger neutral",
        .base = 1,
        .lists = {{"EmoLabel/list_patition_label.txt", DATA_SPLIT_NONE},
                  {"basic/EmoLabel/list_patition_label.txt", DATA_SPLIT_NONE}},
        .split_by_name = true,
        .sibling = "compound",
        .places = {{"Image/aligned", "<stem>_aligned.jpg"},
                   {"Image/aligned/aligned", "<stem>_aligned.jpg"},
                   {"basic/Image/aligned", "<stem>_aligned.jpg"},
                   {"basic/Image/aligned/aligned", "<stem>_aligned.jpg"}},
        .tree = {{"DATASET/train/<label>/*.jpg", DATA_SPLIT_TRAIN}, {"DATASET/test/<label>/*.jpg", DATA_SPLIT_TEST}},
    }};

const struct import_layout import_rafdb_compound = {
    .info = {.name = "rafdb-compound",
             .summary = "RAF-DB, compound: 11 pairs of emotions, a label of two words each; train and test",
             .layout = "ROOT/EmoLabel/list_patition_label.txt and ROOT/Image/aligned/*_aligned.jpg, with ROOT compound "
                       "or what holds it",
             .source = RAFDB},
    .marks = {"EmoLabel", "compound"},
    .run = import_by_rule,
    .rule = &(const struct import_rule){
        .numbers = "happiness+surprise happiness+disgust sadness+fear sadness+anger sadness+surprise sadness+disgust "
                   "fear+anger fear+surprise anger+surprise anger+disgust disgust+surprise",
        .base = 1,
        .lists = {{"EmoLabel/list_patition_label.txt", DATA_SPLIT_NONE},
                  {"compound/EmoLabel/list_patition_label.txt", DATA_SPLIT_NONE}},
        .split_by_name = true,
        .sibling = "basic",
        .places = {{"Image/aligned", "<stem>_aligned.jpg"},
                   {"Image/aligned/aligned", "<stem>_aligned.jpg"},
                   {"compound/Image/aligned", "<stem>_aligned.jpg"},
                   {"compound/Image/aligned/aligned", "<stem>_aligned.jpg"}},
    }};

const struct import_layout import_sfew = {
    .info = {.name = "sfew",
             .summary = "SFEW 2.0: 7 emotions, frames of films; its validation part, on which it is tested, is test",
             .layout = "ROOT/Train/Train_Aligned_Faces/LABEL/*.png, ROOT/Val/Val_Aligned_Faces/LABEL/*.png (or "
                       "Val_Aligned_Faces_new), also without Train/ and Val/",
             .source = "https://users.cecs.anu.edu.au/~few_group/AFEW.html (a signed licence, for research)"},
    .marks = {"Train", "Val", "Train_Aligned_Faces*", "Val_Aligned_Faces*"},
    .run = import_by_rule,
    .rule = &(const struct import_rule){
        .tree = {{"Train/Train_Aligned_Faces*/<label>/*.??g", DATA_SPLIT_TRAIN},
                 {"Train_Aligned_Faces*/<label>/*.??g", DATA_SPLIT_TRAIN},
                 {"Val/Val_Aligned_Faces*/<label>/*.??g", DATA_SPLIT_TEST},
                 {"Val_Aligned_Faces*/<label>/*.??g", DATA_SPLIT_TEST}},
    }};

/* How much of each emotion people saw, 1 to 5, by the table in README_FIRST.txt: "1 2.87 2.52 2.10 1.97 1.97 2.06
 * KM-NE1" is of KM.NE1.*; separated by blanks or commas. */
static enum mien_status rate_jaffe(struct import *in, const char *name, struct data_row *row)
{
    enum { NUMBER, SCORES, PICTURE = 7 };
    static const char *const tables[] = {"README_FIRST.txt", "semantic-ratings.csv", NULL};
    static const char *const names[] = {"happiness", "sadness", "surprise", "anger", "disgust", "fear"};
    enum mien_status status = MIEN_OK;
    const char *path;
    char *text = NULL, want[8];
    snprintf(want, sizeof(want), "%.2s-%.*s", name, (int)BASE_MIN(strcspn(name + 3, "."), (size_t)4), name + 3);
    TRY(import_first(in, tables, &path));
    if (path)
        TRY(import_text_read(in, path, &text));
    for (char *line = text, *next; line; line = next) {
        char *end = strchr(line, '\n'), *picture;
        next = end ? end + 1 : NULL;
        if (end)
            *end = 0;
        line[strcspn(line, "\r")] = 0;
        picture = strstr(line, want);
        if (!picture || picture[strlen(want)] || line[strspn(line, "0123456789. ,\t")] != *want)
            continue;
        double values[PICTURE];
        size_t count;
        struct data_value *targets = base_arena_array(&in->row_arena, BASE_COUNT(names), sizeof(*targets));
        FAIL_IF_NULL(targets, "an import");
        *picture = 0;
        in->where = path;
        TRY(import_numbers(in, line, values, PICTURE, &count));
        for (size_t i = 0; count == PICTURE && i < BASE_COUNT(names); i++)
            targets[i] = (struct data_value){names[i], values[SCORES + i]};
        row->targets = count == PICTURE ? targets : NULL;
        row->target_count = count == PICTURE ? BASE_COUNT(names) : 0;
    }
fail:
    in->where = NULL;
    base_free(text);
    return status;
}

const struct import_layout import_jaffe = {
    .info = {.name = "jaffe",
             .summary = "JAFFE: 7 emotions and how much of each people saw, 213 pictures of 10 women, TIFF (converted "
                        "beside); a fold a subject",
             .layout = "ROOT/KA.AN1.39.tiff and the like, each converted to KA.AN1.39.tiff.png; or KA.AN1.39.png",
             .source = "https://zenodo.org/records/14974867 (ask there, for research; not to be passed on)"},
    .marks = {"??.???.#.*"},
    .folds = 10,
    .run = import_by_rule,
    .rule = &(const struct import_rule){
        .tree = {{"<subject>.<label>#.#.png", DATA_SPLIT_NONE},
                 {"<subject>.<label>#.#.jpg", DATA_SPLIT_NONE},
                 {"<subject>.<label>#.#.tiff", DATA_SPLIT_NONE},
                 {"<subject>.<label>#.#.tif", DATA_SPLIT_NONE}},
        .once = true,
        .subjects = "KA KL KM KR MK NA NM TM UY YM",
        .rate = rate_jaffe,
    }};
