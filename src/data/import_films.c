/* import_films.c: data sets of clips with a label each, most with folds, as rules. */
#include "data/import_rule.h"

const struct import_layout import_afew = {
    .info = {.name = "afew",
             .summary = "AFEW: 7 emotions, clips of films; its validation part, on which it is tested, is test",
             .layout = "ROOT/train_afew/LABEL/*.avi, ROOT/val_afew/LABEL/*.avi; or folders of frames, "
                       "ROOT/AFEW_Face/train|validation/LABEL/CLIP/",
             .source = "https://users.cecs.anu.edu.au/~few_group/AFEW.html (a signed licence, for research)"},
    .marks = {"train_afew", "val_afew", "AFEW_Face", "train", "validation"},
    .run = import_by_rule,
    .rule = &(const struct import_rule){
        .tree = {{"train_afew/<label>/*.avi", DATA_SPLIT_TRAIN},
                 {"AFEW_Face/train/<label>/*", DATA_SPLIT_TRAIN},
                 {"train/<label>/*", DATA_SPLIT_TRAIN},
                 {"val_afew/<label>/*.avi", DATA_SPLIT_TEST},
                 {"AFEW_Face/validation/<label>/*", DATA_SPLIT_TEST},
                 {"validation/<label>/*", DATA_SPLIT_TEST}},
    }};

const struct import_layout import_dfew = {
    .info = {.name = "dfew",
             .summary = "DFEW: 7 emotions, 11,697 clips of films with one label; 5 folds",
             .layout = "ROOT/EmoLabel_DataSplit/train(single-labeled)|test(single-labeled)/set_1..5.csv; "
                       "ROOT/Clip/clip_224x224/00001/*.jpg (or clip_224x224_16f, jpg_256, clip_224x224_avi/00001.avi)",
             .source = "https://dfew-dataset.github.io (a signed agreement, for research)"},
    .marks = {"EmoLabel_DataSplit"},
    .folds = 5,
    .run = import_by_rule,
    .rule = &(const struct import_rule){
        .numbers = "happiness sadness neutral anger surprise disgust fear",
        .base = 1,
        .lists = {{"EmoLabel_DataSplit/train(single-labeled)/set_%d.csv", DATA_SPLIT_TRAIN},
                  {"EmoLabel_DataSplit/test(single-labeled)/set_%d.csv", DATA_SPLIT_TEST}},
        .places = {{"Clip/clip_224x224", "<five>"},
                   {"Clip/clip_224x224_16f", "<five>"},
                   {"Clip/jpg_256", "<five>"},
                   {"jpg_256", "<five>"},
                   {"Clip/clip_224x224_avi", "<five>.avi"}},
    }};

const struct import_layout import_ferv39k = {
    .info = {.name = "ferv39k",
             .summary = "FERV39k: 7 emotions, 38,935 clips in 22 scenes; train and test of all scenes",
             .layout =
                 "ROOT/4_setups/All_scenes/train_All.csv, test_All.csv; ROOT/2_ClipsforFaceCrop/SCENE/LABEL/0001/ "
                 "(also doubled, as its archives unpack)",
             .source = "https://wangyanckxx.github.io/Proj_CVPR2022_FERV39k.html (a signed agreement, for research)"},
    .marks = {"4_setups*", "2_ClipsforFaceCrop*"},
    .run = import_by_rule,
    .rule = &(const struct import_rule){
        .lists = {{"4_setups*/All_scenes/train_All.csv", DATA_SPLIT_TRAIN},
                  {"4_setups*/4_setups/All_scenes/train_All.csv", DATA_SPLIT_TRAIN},
                  {"4_setups*/All_scenes/test_All.csv", DATA_SPLIT_TEST},
                  {"4_setups*/4_setups/All_scenes/test_All.csv", DATA_SPLIT_TEST}},
        .places = {{"2_ClipsforFaceCrop*/2_ClipsforFaceCrop", "<name>"}, {"2_ClipsforFaceCrop*", "<name>"}},
    }};

#define MAFW_LISTS(kind)                                                                                               \
    {                                                                                                                  \
        {"Train*Test*Set/" kind "/with_caption*/set_%d/train.txt", DATA_SPLIT_TRAIN},                                  \
            {"Train*Test*Set/" kind "/no_caption*/set_%d/train.txt", DATA_SPLIT_TRAIN},                                \
            {"Train*Test*Set/" kind "/with_caption*/set_%d/test.txt", DATA_SPLIT_TEST},                                \
        {                                                                                                              \
            "Train*Test*Set/" kind "/no_caption*/set_%d/test.txt", DATA_SPLIT_TEST                                     \
        }                                                                                                              \
    }
#define MAFW_PLACES                                                                                                    \
    {                                                                                                                  \
        {"data/faces", "<stem>"}, {"data/frames", "<stem>"},                                                           \
        {                                                                                                              \
            "data/clips", "<name>"                                                                                     \
        }                                                                                                              \
    }
#define MAFW_LAYOUT(kind)                                                                                              \
    "ROOT/Train & Test Set/" kind "/with_caption|no_caption/set_1..5/train.txt, test.txt (or Train_Test_Set); "        \
    "ROOT/data/faces|frames/00001/*.png or ROOT/data/clips/00001.mp4"
#define MAFW_SOURCE "https://mafw-database.github.io/MAFW (a signed agreement, for research)"

const struct import_layout import_mafw = {
    .info = {.name = "mafw",
             .summary = "MAFW: 11 emotions, 9,172 clips with one label, captions of people in English; 5 folds",
             .layout = MAFW_LAYOUT("single"),
             .source = MAFW_SOURCE},
    .marks = {"Train*Test*Set"},
    .options = IMPORT_CAPTIONS,
    .folds = 5,
    .run = import_by_rule,
    .rule = &(const struct import_rule){.lists = MAFW_LISTS("single"), .places = MAFW_PLACES}};

const struct import_layout import_mafw_compound = {
    .info = {.name = "mafw-compound",
             .summary = "MAFW: 43 single and compound emotions, captions of people in English; 5 folds",
             .layout = MAFW_LAYOUT("compound"),
             .source = MAFW_SOURCE},
    .marks = {"Train*Test*Set"},
    .options = IMPORT_CAPTIONS,
    .folds = 5,
    .run = import_by_rule,
    .rule = &(const struct import_rule){.lists = MAFW_LISTS("compound"), .places = MAFW_PLACES}};

const struct import_layout import_cremad = {
    .info =
        {.name = "cremad",
         .summary =
             "CREMA-D: 6 emotions that 91 actors play, 7,438 clips, some with an intensity (1 to 3); 5 folds by actor",
         .layout = "ROOT/VideoFlash/1001_DFA_ANG_XX.flv and the like (or converted, .mp4)",
         .source = "https://github.com/CheyneyComputerScience/CREMA-D (git lfs; Open Database License)"},
    .marks = {"VideoFlash"},
    .folds = 5,
    .run = import_by_rule,
    .rule = &(const struct import_rule){
        .tree = {{"VideoFlash/<subject>_???_<label>_<number>.mp4", DATA_SPLIT_NONE},
                 {"VideoFlash/<subject>_???_<label>_<number>.flv", DATA_SPLIT_NONE}},
        .once = true,
        .without = "1076_MTI_NEU_XX 1076_MTI_SAD_XX 1064_TIE_SAD_XX 1064_IEO_DIS_MD",
        .last_subject = {1018, 1036, 1054, 1072, 1091},
        .levels = "LO MD HI",
    }};

const struct import_layout import_ravdess = {
    .info = {.name = "ravdess",
             .summary =
                 "RAVDESS: 8 emotions that 24 actors speak, 1,440 clips without sound (02-01; with sound, 01-01, "
                 "where that is missing); 6 folds by actor",
             .layout = "ROOT/Actor_01/02-01-06-01-02-01-12.mp4 and the like, also below Video_Speech_Actor_01/",
             .source = "https://zenodo.org/records/1188976 (free; CC BY-NC-SA 4.0)"},
    .marks = {"Actor_*", "Video_Speech_Actor_*"},
    .folds = 6,
    .run = import_by_rule,
    .rule = &(const struct import_rule){
        .numbers = "neutral calm happiness sadness anger fear disgust surprise",
        .base = 1,
        .tree = {{"Actor_#/02-01-<label>-<number>-#-#-<subject>.mp4", DATA_SPLIT_NONE},
                 {"Video_Speech_Actor_#/Actor_#/02-01-<label>-<number>-#-#-<subject>.mp4", DATA_SPLIT_NONE},
                 {"Actor_#/01-01-<label>-<number>-#-#-<subject>.mp4", DATA_SPLIT_NONE},
                 {"Video_Speech_Actor_#/Actor_#/01-01-<label>-<number>-#-#-<subject>.mp4", DATA_SPLIT_NONE}},
        .once = true,
        .key_from = 3,
        .last_subject = {4, 8, 12, 16, 20, 24},
        .levels = "01 02",
    }};

const struct import_layout import_enterface05 = {
    .info = {.name = "enterface05",
             .summary = "eNTERFACE'05: 6 emotions that 43 people play, 1,287 clips; 5 folds by subject",
             .layout = "ROOT/subject 1/LABEL/sentence 1/s1_an_1.avi and the like (also subject_1, sentence_1); what is "
                       "not cut into sentences (subject 6) is left out",
             .source = "http://www.enterface.net/results (free, for research)"},
    .marks = {"subject*"},
    .folds = 5,
    .run = import_by_rule,
    .rule = &(const struct import_rule){
        .tree = {{"subject?<subject>/<label>/sentence*/*.avi", DATA_SPLIT_NONE}},
        .last_subject = {10, 19, 28, 37, 44},
    }};
