/* What data sets' lists, tables and arrays hold. The first line of an input is the number of a file of the trees below;
 * the rest is that file. What is imported must be a manifest. */
#include "data/manifest.h"
#include "mien/data.h"

#include "fuzz/fuzz.h"

static const struct {
    const char *name, *file;
    const char *pictures[2]; /* that it may name */
    const char *other[2];    /* a file that it needs beside it, and what that holds */
} trees[] = {
    {"rafdb", "EmoLabel/list_patition_label.txt", {"Image/aligned/train_1_aligned.jpg"}, {0}},
    {"dfew", "EmoLabel_DataSplit/test(single-labeled)/set_1.csv", {"Clip/clip_224x224/00001/1.jpg"}, {0}},
    {"mafw", "Train & Test Set/single/with_caption/set_1/test.txt", {"data/frames/00001/1.png"}, {0}},
    {"affectnet", "train_set/annotations/1_exp.npy", {"train_set/images/1.jpg"}, {0}},
    {"affectnet", "training.csv", {"1/a.jpg"}, {0}},
    {"affwild2", "A/VA_E/Train_Set/v.txt", {"cropped_aligned/v/00001.jpg", "cropped_aligned/v/2.jpg"}, {0}},
    {"affwild2", "A/AU_D/Train_Set/v.txt", {"cropped_aligned/v/00001.jpg"}, {"A/EXPR_C/Train_Set/v.txt", "Fear\n0\n"}},
    {"affwild2", "training_set_annotations.txt", {"cropped_aligned/v/00001.jpg"}, {0}},
    {"ckplus",
     "FACS/S1/1/S1_1_1_facs.txt",
     {"cohn-kanade-images/S1/1/S1_1_1.png"},
     {"Emotion/S1/1/S1_1_1_emotion.txt", "3.0"}},
    {"faba", "eval/eval_au_anno.json", {"eval/images/a.jpg"}, {0}},
    {"facexbench", "benchmark/a_mcq.json", {"benchmark/images/a.png"}, {0}},
    {"face-human-bench", "test/json/en/face_expression_basic.json", {"test/a.png", "test/b.png"}, {0}},
    {"captions", "metadata.csv", {"a.png"}, {0}},
    {"captions", "metadata.jsonl", {"a.png"}, {0}},
    {"jaffe", "README_FIRST.txt", {"KL.DI1.9.png"}, {0}},
};

/* A file below tree number `at`, with the directories that it lies in. */
static void put(size_t at, const char *name, const void *data, size_t size)
{
    char path[256];
    snprintf(path, sizeof(path), "tree%zu/%s", at, name);
    char *dir = base_path_dir(path);
    if (dir && base_dir_create(dir) == MIEN_OK)
        (void)fuzz_file(path, data, size);
    base_free(dir);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct data_manifest *manifest = NULL;
    size_t at = 0, used = 0;
    char root[32];
    for (; used < size && data[used] >= '0' && data[used] <= '9' && at < 100; used++)
        at = 10 * at + (size_t)(data[used] - '0');
    if (used == 0 || used == size || data[used] != '\n' || at >= BASE_COUNT(trees))
        return 0;
    mien_log_set(fuzz_silent, NULL, MIEN_LOG_SILENT);
    put(at, trees[at].file, data + used + 1, size - used - 1);
    for (size_t i = 0; i < 2 && trees[at].pictures[i]; i++)
        put(at, trees[at].pictures[i], "\x89PNG\r\n\x1a\n", 8);
    if (trees[at].other[0])
        put(at, trees[at].other[0], trees[at].other[1], strlen(trees[at].other[1]));
    snprintf(root, sizeof(root), "tree%zu", at);
    const struct mien_import_params params = {
        .size = sizeof(params), .name = trees[at].name, .root = root, .manifest = "out.jsonl", .captions = true};
    if (mien_import(&params, NULL) == MIEN_OK && data_manifest_read("out.jsonl", &manifest) != MIEN_OK) {
        fprintf(stderr, "%s: what was imported is no manifest\n", trees[at].name);
        __builtin_trap();
    }
    data_manifest_destroy(&manifest);
    return 0;
}
