/* Importers of clips with a label each, and their folds: trees as their sources state them. */
#include "data/import_tree.h"

static void test_dfew(void)
{
    const struct mien_import_params all = {.name = "dfew"}, first = {.name = "dfew", .fold = 1};
    tree_files("dfew/Clip/clip_224x224_16f",
               "00001/1.jpg 00001/2.jpg 00001/10.jpg 00002/1.jpg 11697/1.jpg 00004/x.txt");
    tree_put("dfew/EmoLabel_DataSplit/train(single-labeled)/set_1.csv",
             "\xef\xbb\xbfvideo_name,label\r\n1,1\r\n2,4\r\n2,4\r\n");
    tree_put("dfew/EmoLabel_DataSplit/test(single-labeled)/set_1.csv", "label,video_name\n7,11697\n3,4\n");
    tree_put("dfew/EmoLabel_DataSplit/train(single-labeled)/set_2.csv", "video_name,label\n11697,7\n2,4\n");
    tree_put("dfew/EmoLabel_DataSplit/test(single-labeled)/set_2.csv", "video_name,label\n1,1\n");
    tree_expect(all, "dfew",
                "{\"frames\":\"Clip/clip_224x224_16f/11697\",\"label\":\"fear\",\"fold\":1}\n"
                "{\"frames\":\"Clip/clip_224x224_16f/00001\",\"label\":\"happiness\",\"fold\":2}\n",
                1, 0, 0); /* 4 has no picture */
    tree_expect(first, "dfew",
                "{\"frames\":\"Clip/clip_224x224_16f/00001\",\"label\":\"happiness\",\"split\":\"train\"}\n"
                "{\"frames\":\"Clip/clip_224x224_16f/00002\",\"label\":\"anger\",\"split\":\"train\"}\n"
                "{\"frames\":\"Clip/clip_224x224_16f/11697\",\"label\":\"fear\",\"split\":\"test\"}\n",
                1, 1, 0);
    tree_refuse((struct mien_import_params){.name = "dfew", .fold = 3}, "dfew", MIEN_ERR_DATA, "nothing of the layout");
    tree_refuse((struct mien_import_params){.name = "dfew", .fold = 6}, "dfew", MIEN_ERR_ARG, "folds 1 to 5");
    tree_put("dfew/EmoLabel_DataSplit/test(single-labeled)/set_2.csv", "video_name,label\n1,1\n2,8\n");
    tree_refuse(all, "dfew", MIEN_ERR_DATA, "set_2.csv:3: label \"8\" is none");
    tree_put("dfew/EmoLabel_DataSplit/test(single-labeled)/set_2.csv", "video_name,label\n../1,1\n");
    tree_refuse(all, "dfew", MIEN_ERR_DATA, "set_2.csv:2: \"../1\" is no number of a clip");
    tree_put("dfew/EmoLabel_DataSplit/test(single-labeled)/set_2.csv", "video,label\n1,1\n");
    tree_refuse(all, "dfew", MIEN_ERR_DATA, "no column \"video_name\"");
}

static void test_ferv39k(void)
{
    const struct mien_import_params p = {.name = "ferv39k"};
    tree_files("ferv/2_ClipsforFaceCrop-002/2_ClipsforFaceCrop", "Action/Happy/0267/1.jpg Crime~&~(X)/Sad/0010/1.jpg");
    tree_files("ferv/2_ClipsforFaceCrop-001/2_ClipsforFaceCrop", "Daily/Fear/0001/1.jpg");
    tree_put("ferv/4_setups/All_scenes/train_All.csv",
             "Action/Happy/0267 Happy\r\nDaily/Fear/0001 Fear\r\nDaily/Fear/0002 Fear\r\n");
    tree_put("ferv/4_setups/All_scenes/test_All.csv", "Crime & (X)/Sad/0010 Sad");
    tree_expect(p, "ferv",
                "{\"frames\":\"2_ClipsforFaceCrop-002/2_ClipsforFaceCrop/Action/Happy/0267\",\"label\":\"happiness\","
                "\"split\":\"train\"}\n"
                "{\"frames\":\"2_ClipsforFaceCrop-001/2_ClipsforFaceCrop/Daily/Fear/0001\",\"label\":\"fear\","
                "\"split\":\"train\"}\n"
                "{\"frames\":\"2_ClipsforFaceCrop-002/2_ClipsforFaceCrop/Crime & (X)/Sad/0010\",\"label\":\"sadness\","
                "\"split\":\"test\"}\n",
                1, 0, 0);
    tree_put("ferv/4_setups/All_scenes/test_All.csv", "Action/Happy/0267 Happy\nAction/Happy/0267 Joy\n");
    tree_refuse(p, "ferv", MIEN_ERR_DATA, "test_All.csv:2: label \"Joy\"");
    unlink(support_file("ferv/4_setups/All_scenes/test_All.csv")); /* one split alone is fine */
    tree_import(p, "ferv");
    CHECK(tree_summary.train == 2 && tree_summary.test == 0);
}

static void test_mafw(void)
{
    const struct mien_import_params p = {.name = "mafw", .fold = 1}, all = {.name = "mafw"};
    tree_files("mafw/data", "clips/00025.mp4 clips/03352.mp4 frames/00151/00151_1.png");
    /* the sentence in Chinese is GBK; so are the quotes of the English one */
    tree_put("mafw/Train & Test Set/single/with_caption/set_1/train.txt",
             "03352.mp4\thappiness\t\xd2\xbb\xb8\xf6\xc5\xae\xba\xa2\tA girl says \xa1\xb0yes\xa1\xb1. She smiles.\r\n"
             "00025.mp4 \t neutral \t-\t-\r\n");
    tree_put("mafw/Train & Test Set/single/no_caption/set_1/test.txt", "00151.mp4 helplessness\n");
    tree_put("mafw/Train & Test Set/single/no_caption/set_1/train.txt", "00025.mp4 contempt\n"); /* stands behind */
    tree_put("mafw/Train & Test Set/single/no_caption/set_2/test.txt", "03352.mp4 happiness\n00025.mp4 neutral\n");
    tree_expect(p, "mafw",
                "{\"video\":\"data/clips/03352.mp4\",\"caption\":\"A girl says \xe2\x80\x9cyes\xe2\x80\x9d. She "
                "smiles.\",\"label\":\"happiness\",\"split\":\"train\"}\n"
                "{\"video\":\"data/clips/00025.mp4\",\"label\":\"neutral\",\"split\":\"train\"}\n"
                "{\"frames\":\"data/frames/00151\",\"label\":\"helplessness\",\"split\":\"test\"}\n",
                0, 0, 0);
    tree_expect(all, "mafw",
                "{\"frames\":\"data/frames/00151\",\"label\":\"helplessness\",\"fold\":1}\n"
                "{\"video\":\"data/clips/03352.mp4\",\"label\":\"happiness\",\"fold\":2}\n"
                "{\"video\":\"data/clips/00025.mp4\",\"label\":\"neutral\",\"fold\":2}\n",
                0, 0, 0);
    tree_put("mafw/Train & Test Set/single/no_caption/set_2/test.txt", "03352.mp4 happiness\n00025.mp4\xff neutral\n");
    tree_refuse(all, "mafw", MIEN_ERR_DATA, "set_2/test.txt:2: neither UTF-8 nor GBK");
    tree_files("mafwc/data", "faces/00025/1.png");
    tree_put("mafwc/Train_Test_Set/compound/no_caption_new/set_3/test.txt", "00025.mp4 sadness_surprise\n");
    tree_expect((struct mien_import_params){.name = "mafw-compound"}, "mafwc",
                "{\"frames\":\"data/faces/00025\",\"label\":[\"sadness\",\"surprise\"],\"fold\":3}\n", 0, 0, 0);
}

static void test_afew(void)
{
    tree_files("afew", "train_afew/Angry/000046280.avi train_afew/Happy/012345678.avi val_afew/Sad/000000001.avi "
                       "val_afew/Sad/readme.txt");
    tree_expect((struct mien_import_params){.name = "afew"}, "afew",
                "{\"video\":\"train_afew/Angry/000046280.avi\",\"label\":\"anger\",\"split\":\"train\"}\n"
                "{\"video\":\"train_afew/Happy/012345678.avi\",\"label\":\"happiness\",\"split\":\"train\"}\n"
                "{\"video\":\"val_afew/Sad/000000001.avi\",\"label\":\"sadness\",\"split\":\"test\"}\n",
                0, 0, 0);
    CHECK_EQ(tree_summary.passed_over, 1);
    tree_files("afew2/AFEW_Face", "train/Anger/1/1.png validation/Fear/2/1.png validation/Fear/3/x.txt "
                                  "validation/Fear/notes.txt validation/Fear/Thumbs.db");
    tree_expect((struct mien_import_params){.name = "afew"}, "afew2",
                "{\"frames\":\"AFEW_Face/train/Anger/1\",\"label\":\"anger\",\"split\":\"train\"}\n"
                "{\"frames\":\"AFEW_Face/validation/Fear/2\",\"label\":\"fear\",\"split\":\"test\"}\n",
                1, 0, 0);
    CHECK_EQ(tree_summary.passed_over, 2); /* files beside clips */
}

static void test_actors(void)
{
    tree_files("crema/VideoFlash", "1001_DFA_ANG_XX.flv 1019_IEO_HAP_LO.flv 1091_TSI_NEU_XX.flv 1076_MTI_NEU_XX.flv "
                                   "1091_TSI_ODD_XX.flv");
    tree_expect((struct mien_import_params){.name = "cremad"}, "crema",
                "{\"video\":\"VideoFlash/1001_DFA_ANG_XX.flv\",\"label\":\"anger\",\"subject\":\"1001\",\"fold\":1}\n"
                "{\"video\":\"VideoFlash/1019_IEO_HAP_LO.flv\",\"label\":\"happiness\",\"targets\":{\"intensity\":1},"
                "\"subject\":\"1019\",\"fold\":2}\n"
                "{\"video\":\"VideoFlash/1091_TSI_NEU_XX.flv\",\"label\":\"neutral\",\"subject\":\"1091\","
                "\"fold\":5}\n",
                0, 0, 1);
    CHECK_EQ(tree_summary.passed_over, 1); /* no emotion of its */
    tree_put("crema/VideoFlash/1001_DFA_DIS_XX.flv", "version https://git-lfs.github.com/spec/v1\noid sha256:1\n");
    tree_refuse((struct mien_import_params){.name = "cremad"}, "crema", MIEN_ERR_DATA, "git lfs pull");

    tree_files("ravdess", "Actor_01/02-01-06-01-02-01-01.mp4 Actor_01/01-01-06-01-02-01-01.mp4 "
                          "Actor_01/02-02-01-01-01-01-01.mp4 Actor_01/03-01-01-01-01-01-01.wav "
                          "Actor_05/01-01-02-02-01-01-05.mp4");
    tree_expect((struct mien_import_params){.name = "ravdess", .fold = 2}, "ravdess",
                "{\"video\":\"Actor_01/02-01-06-01-02-01-01.mp4\",\"label\":\"fear\",\"targets\":{\"intensity\":1},"
                "\"subject\":\"01\",\"split\":\"train\"}\n"
                "{\"video\":\"Actor_05/01-01-02-02-01-01-05.mp4\",\"label\":\"calm\",\"targets\":{\"intensity\":2},"
                "\"subject\":\"05\",\"split\":\"test\"}\n",
                0, 0, 0);

    tree_files("en/enterface database",
               "subject~1/anger/sentence~1/s1_an_1.avi subject~11/fear/sentence~5/s11_fe_5.avi "
               "subject~6/anger/s6_an.avi subject_44/sadness/sentence_2/s44_sa_2.avi");
    tree_expect((struct mien_import_params){.name = "enterface05"}, "en",
                "{\"video\":\"enterface database/subject 1/anger/sentence 1/s1_an_1.avi\",\"label\":\"anger\","
                "\"subject\":\"1\",\"fold\":1}\n"
                "{\"video\":\"enterface database/subject 11/fear/sentence 5/s11_fe_5.avi\",\"label\":\"fear\","
                "\"subject\":\"11\",\"fold\":2}\n"
                "{\"video\":\"enterface database/subject_44/sadness/sentence_2/s44_sa_2.avi\",\"label\":\"sadness\","
                "\"subject\":\"44\",\"fold\":5}\n",
                0, 0, 0);
}

int main(void)
{
    support_capture();
    test_dfew();
    test_ferv39k();
    test_mafw();
    test_afew();
    test_actors();
    support_clean();
    return check_result();
}
