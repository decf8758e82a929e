/* Importers of pictures with a label each: trees as their sources state them, with what goes wrong in such trees. */
#include "data/import_tree.h"

static void test_rafdb(void)
{
    const struct mien_import_params p = {.name = "rafdb"};
    tree_files("raf/basic/Image/aligned", "train_00001_aligned.jpg train_00002_aligned.jpg train_00003_aligned.jpg "
                                          "test_0001_aligned.jpg");
    tree_files("raf/basic/Image/aligned/aligned", "test_0002_aligned.jpg"); /* as some copies nest them */
    tree_files("raf/basic/Image/original", "train_00009.jpg");              /* no stand-in for an aligned one */
    tree_put("raf/basic/EmoLabel/list_patition_label.txt", "\xef\xbb\xbf"
                                                           "train_00001.jpg 5\r\n"
                                                           "train_00002.jpg 1\r\n"
                                                           "train_00003.jpg 4\r\n"
                                                           "train_00003.jpg 4\r\n" /* twice: once */
                                                           "train_00003.jpg 7\r\n" /* of another class: kept */
                                                           "train_00009.jpg 2\r\n" /* not there */
                                                           "test_0001.jpg 6\r\n"
                                                           "test_0002.jpg 3\r\n"
                                                           "\r\n\n");
    static const char rows[] =
        "{\"image\":\"basic/Image/aligned/train_00001_aligned.jpg\",\"label\":\"sadness\",\"split\":\"train\"}\n"
        "{\"image\":\"basic/Image/aligned/train_00002_aligned.jpg\",\"label\":\"surprise\",\"split\":\"train\"}\n"
        "{\"image\":\"basic/Image/aligned/train_00003_aligned.jpg\",\"label\":\"happiness\",\"split\":\"train\"}\n"
        "{\"image\":\"basic/Image/aligned/train_00003_aligned.jpg\",\"label\":\"neutral\",\"split\":\"train\"}\n"
        "{\"image\":\"basic/Image/aligned/test_0001_aligned.jpg\",\"label\":\"anger\",\"split\":\"test\"}\n"
        "{\"image\":\"basic/Image/aligned/aligned/test_0002_aligned.jpg\",\"label\":\"disgust\",\"split\":\"test\"}\n";
    tree_expect(p, "raf", rows, 1, 1, 0);
    CHECK(tree_summary.train == 4 && tree_summary.test == 2);
    tree_import(p, "raf/basic"); /* the tree's own top */
    CHECK_EQ(tree_summary.samples, 6);
    tree_put("raf/basic/EmoLabel/list_patition_label.txt", "train_00001.jpg 5\ntrain_00002.jpg 8\n");
    tree_refuse(p, "raf", MIEN_ERR_DATA, "list_patition_label.txt:2: label \"8\" is none of the set's");
    tree_put("raf/basic/EmoLabel/list_patition_label.txt", "train_00001.jpg 5\ntrain_00002.jpg 0\n");
    tree_refuse(p, "raf", MIEN_ERR_DATA, "list_patition_label.txt:2: label \"0\"");
    tree_put("raf/basic/EmoLabel/list_patition_label.txt", "train_00001.jpg 5\n\ntrain_00002.jpg\n");
    tree_refuse(p, "raf", MIEN_ERR_DATA, "list_patition_label.txt:3: a name and a label were expected");
    tree_put("raf/basic/EmoLabel/list_patition_label.txt", "val_00001.jpg 5\n");
    tree_refuse(p, "raf", MIEN_ERR_DATA, "list_patition_label.txt:1: \"val_00001.jpg\"");
    tree_put("raf/basic/EmoLabel/list_patition_label.txt", "../../../train_00001.jpg 5\n");
    tree_refuse(p, "raf", MIEN_ERR_DATA, "list_patition_label.txt:1: ");
    tree_put("raf/basic/EmoLabel/list_patition_label.txt", "train_00001.jpg 5\n");
    tree_put("raf/basic/Image/aligned/train_00001_aligned.jpg", "version https://git-lfs.github.com/spec/v1\noid 1\n");
    tree_refuse(p, "raf", MIEN_ERR_DATA, "Git LFS");
    tree_put("raf/basic/EmoLabel/list_patition_label.txt", "train_00008.jpg 5\n");
    tree_refuse(p, "raf", MIEN_ERR_DATA, "none of the 1");
    /* the other form */
    tree_files("kaggle/DATASET", "train/1/train_1_aligned.jpg train/10/x.jpg test/4/test_1_aligned.jpg");
    tree_expect(p, "kaggle",
                "{\"image\":\"DATASET/train/1/train_1_aligned.jpg\",\"label\":\"surprise\",\"split\":\"train\"}\n"
                "{\"image\":\"DATASET/test/4/test_1_aligned.jpg\",\"label\":\"happiness\",\"split\":\"test\"}\n",
                0, 0, 0);
    CHECK_EQ(tree_summary.passed_over, 1);
}

static void test_compound(void)
{
    tree_files("rafc/compound/Image/aligned", "train_0001_aligned.jpg test_098_aligned.jpg");
    tree_put("rafc/compound/EmoLabel/list_patition_label.txt", "train_0001.jpg 1\ntest_098.jpg 11\n");
    tree_put("rafc/basic/EmoLabel/list_patition_label.txt", "train_00001.jpg 1\n"); /* beside it: another set */
    tree_expect((struct mien_import_params){.name = "rafdb-compound"}, "rafc",
                "{\"image\":\"compound/Image/aligned/train_0001_aligned.jpg\",\"label\":[\"happiness\",\"surprise\"],"
                "\"split\":\"train\"}\n"
                "{\"image\":\"compound/Image/aligned/test_098_aligned.jpg\",\"label\":[\"disgust\",\"surprise\"],"
                "\"split\":\"test\"}\n",
                0, 0, 0);
}

/* Numbers of one would be read as numbers of the other. */
static void test_siblings(void)
{
    tree_refuse((struct mien_import_params){.name = "rafdb"}, "rafc/compound", MIEN_ERR_DATA, "this is another set");
    tree_refuse((struct mien_import_params){.name = "rafdb-compound"}, "rafc/basic", MIEN_ERR_DATA, "another set");
    tree_refuse((struct mien_import_params){.name = "rafdb-compound"}, "raf", MIEN_ERR_DATA,
                "another set"); /* basic alone */
}

static void test_sfew(void)
{
    const struct mien_import_params p = {.name = "sfew"};
    tree_files("sfew", "Train/Train_Aligned_Faces/Angry/Airheads_000519240_00000005.png "
                       "train/Train_Aligned_Faces/Happy/A~&~(B)_2_10.png Train/Train_Aligned_Faces/Odd/x.png "
                       "Val/Val_Aligned_Faces_new/Surprise/C_1_1.PNG Test/Test_Aligned_Faces/D_1_1.png "
                       "Val/Val_Aligned_Faces_new/Fear/Thumbs.db");
    tree_expect(p, "sfew",
                "{\"image\":\"Train/Train_Aligned_Faces/Angry/Airheads_000519240_00000005.png\",\"label\":\"anger\","
                "\"split\":\"train\"}\n"
                "{\"image\":\"train/Train_Aligned_Faces/Happy/A & (B)_2_10.png\",\"label\":\"happiness\","
                "\"split\":\"train\"}\n"
                "{\"image\":\"Val/Val_Aligned_Faces_new/Surprise/C_1_1.PNG\",\"label\":\"surprise\","
                "\"split\":\"test\"}\n",
                0, 0, 0);
    CHECK_EQ(tree_summary.passed_over, 2); /* Odd, Thumbs.db */
    tree_put("nothing/x.txt", "");
    tree_refuse(p, "nothing", MIEN_ERR_DATA, "nothing of the layout of \"sfew\" is there, which is: ROOT/Train/");
    tree_refuse((struct mien_import_params){.name = "sfew", .fold = 1}, "sfew", MIEN_ERR_ARG, "has no folds");
    tree_refuse((struct mien_import_params){.name = "sfew", .classes = 6}, "sfew", MIEN_ERR_ARG, "option classes");
    tree_refuse((struct mien_import_params){.name = "sfew", .frames = "last"}, "sfew", MIEN_ERR_ARG, "frames");
}

static void test_jaffe(void)
{
    const struct mien_import_params p = {.name = "jaffe"}, second = {.name = "jaffe", .fold = 2};
    tree_files("jaffe/jaffe", "KA.AN1.39.tiff KA.AN1.39.tiff.png KL.DI10.9.tiff KL.DI10.9.png YM.SU3.60.tif");
    tree_put("jaffe/jaffe/README_FIRST.txt", "of KL-DI10\r\n# HAP SAD SUR ANG DIS FEA PIC\r\n---\r\n"
                                             " 7 1.5 2.25 1 2 4.5 3 KL-DI10\r\n8\t1 1 1 1 1 1\tKL-DI1\r\n");
    tree_refuse(p, "jaffe", MIEN_ERR_DATA, "YM.SU3.60.tif: no PNG or JPEG; convert all such pictures");
    tree_files("jaffe/jaffe", "YM.SU3.60.tif.png"); /* as the command that it names makes it */
    tree_expect(
        p, "jaffe",
        "{\"image\":\"jaffe/KL.DI10.9.png\",\"label\":\"disgust\",\"targets\":{\"happiness\":1.5,"
        "\"sadness\":2.25,\"surprise\":1,\"anger\":2,\"disgust\":4.5,\"fear\":3},\"subject\":\"KL\",\"fold\":2}\n"
        "{\"image\":\"jaffe/KA.AN1.39.tiff.png\",\"label\":\"anger\",\"subject\":\"KA\",\"fold\":1}\n"
        "{\"image\":\"jaffe/YM.SU3.60.tif.png\",\"label\":\"surprise\",\"subject\":\"YM\",\"fold\":10}\n",
        0, 0, 0);
    tree_expect(second, "jaffe",
                "{\"image\":\"jaffe/KL.DI10.9.png\",\"label\":\"disgust\",\"targets\":{\"happiness\":1.5,"
                "\"sadness\":2.25,\"surprise\":1,\"anger\":2,\"disgust\":4.5,\"fear\":3},\"subject\":\"KL\","
                "\"split\":\"test\"}\n"
                "{\"image\":\"jaffe/KA.AN1.39.tiff.png\",\"label\":\"anger\",\"subject\":\"KA\",\"split\":\"train\"}\n"
                "{\"image\":\"jaffe/YM.SU3.60.tif.png\",\"label\":\"surprise\",\"subject\":\"YM\","
                "\"split\":\"train\"}\n",
                0, 0, 0);
    tree_refuse((struct mien_import_params){.name = "jaffe", .fold = 11}, "jaffe", MIEN_ERR_ARG, "folds 1 to 10");
}

int main(void)
{
    support_capture();
    test_rafdb();
    test_compound();
    test_siblings();
    test_sfew();
    test_jaffe();
    support_clean();
    return check_result();
}
