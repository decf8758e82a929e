/* Importers of numbers beside labels: AffectNet's two forms, CK+ with its action units, Aff-Wild2's three kinds. */
#include "data/import_tree.h"

/* ---- AffectNet ---- */

/* An array without dimensions, as NumPy saves one: descr "<U2", "<f8", ... */
static void put_npy(const char *name, const char *descr, const void *data, size_t size)
{
    char bytes[256] = "\x93NUMPY\x01\x00\x76\x00";
    int n = snprintf(bytes + 10, 118, "{'descr': '%s', 'fortran_order': False, 'shape': (), }", descr);
    memset(bytes + 10 + n, ' ', (size_t)(117 - n));
    bytes[127] = '\n';
    memcpy(bytes + 128, data, size);
    tree_put_bytes(name, bytes, 128 + size);
}

static void put_word(const char *name, const char *word)
{
    char wide[64] = "", descr[32];
    size_t size = strlen(word);
    for (size_t i = 0; i < size; i++)
        wide[4 * i] = word[i];
    snprintf(descr, sizeof(descr), "<U%zu", size);
    put_npy(name, descr, wide, 4 * size);
}

static void test_affectnet_arrays(void)
{
    const struct mien_import_params p = {.name = "affectnet"}, seven = {.name = "affectnet", .classes = 7};
    const int64_t six = 6;
    const double half = 0.5;
    const float low = -0.25f;
    const double wide[] = {INFINITY, NAN, 7e17, -7e17, 1e300, 1.5};
    tree_files("an/train_set/images", "10.jpg 9.jpg 11.jpg");
    tree_files("an/val_set/images", "2.jpg");
    put_word("an/train_set/annotations/9_exp.npy", "1");
    put_word("an/train_set/annotations/9_val.npy", "-0.125");
    put_word("an/train_set/annotations/9_aro.npy", "0.75");
    put_npy("an/train_set/annotations/10_exp.npy", "<i8", &six, 8);
    put_npy("an/train_set/annotations/10_val.npy", "<f8", &half, 8);
    put_npy("an/train_set/annotations/10_aro.npy", "<f4", &low, 4);
    put_npy("an/train_set/annotations/11_exp.npy", "|S1", "7", 1);
    put_word("an/train_set/annotations/12_exp.npy", "0"); /* no picture */
    put_word("an/val_set/annotations/2_exp.npy", "8");    /* none */
    tree_expect(p, "an",
                "{\"image\":\"train_set/images/9.jpg\",\"label\":\"happiness\",\"va\":[-0.125,0.75],"
                "\"split\":\"train\"}\n"
                "{\"image\":\"train_set/images/10.jpg\",\"label\":\"anger\",\"va\":[0.5,-0.25],\"split\":\"train\"}\n"
                "{\"image\":\"train_set/images/11.jpg\",\"label\":\"contempt\",\"split\":\"train\"}\n",
                1, 0, 0);
    CHECK_EQ(tree_summary.unrated, 1);
    CHECK_EQ(tree_import(seven, "an"), MIEN_OK);
    CHECK(tree_summary.samples == 2 && tree_summary.left_out == 1);
    tree_refuse((struct mien_import_params){.name = "affectnet", .classes = 6}, "an", MIEN_ERR_ARG,
                "classes 6; \"affectnet\" has 8, or 7 without contempt");
    put_word("an/val_set/annotations/2_exp.npy", "happy");
    tree_refuse(p, "an", MIEN_ERR_DATA, "2_exp.npy: \"happy\" is no number");
    tree_put("an/val_set/annotations/2_exp.npy", "\x93NUMPY\x01");
    tree_refuse(p, "an", MIEN_ERR_DATA, "2_exp.npy: no NumPy array of one number or text");
    put_npy("an/val_set/annotations/2_exp.npy", "<U900", "1", 1); /* longer than the file */
    tree_refuse(p, "an", MIEN_ERR_DATA, "no NumPy array of one");
    put_npy("an/val_set/annotations/2_exp.npy", ">i8", &six, 8);
    tree_refuse(p, "an", MIEN_ERR_DATA, "no NumPy array of one");
    put_word("an/val_set/annotations/2_exp.npy", "12");
    tree_refuse(p, "an", MIEN_ERR_DATA, "expression 12; a whole number from 0 to 10");
    for (size_t i = 0; i < BASE_COUNT(wide); i++) { /* no int holds these */
        put_npy("an/val_set/annotations/2_exp.npy", "<f8", &wide[i], 8);
        tree_refuse(p, "an", MIEN_ERR_DATA, isfinite(wide[i]) ? "whole number from 0 to 10" : "is no finite number");
    }
    put_word("an/val_set/annotations/2_exp.npy", "1");
    put_npy("an/val_set/annotations/2_val.npy", "<f8", &wide[0], 8);
    tree_refuse(p, "an", MIEN_ERR_DATA, "2_val.npy: inf is no finite number");
}

static void test_affectnet_tables(void)
{
    const struct mien_import_params p = {.name = "affectnet"};
    static const char train[] =
        "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,valence,arousal\r\n"
        "1/a.jpg,10,20,100,110,1.5;2.5;3,1,0.785714,-0.0550505\r\n"
        "1/a.jpg,10,20,100,110,1.5;2.5;3,1,0.785714,-0.0550505\r\n"
        "1/a.jpg,50,20,100,110,1.5;2.5;3,6,0.785714,-0.0550505\r\n" /* another face of the picture */
        "1/b.tif,0,0,50,50,1;2,5,-2,-2\r\n"
        "1/c.jpg,0,0,-1,-1,1;2,5,0,0\r\n"
        "1/d.jpg,0,0,9,9,1;2,0,0,0\r\n"
        "1/a.JPG,0,0,9,9,1;2,9,-2,-2\r\n";
    tree_files("am/Manually_Annotated_Images/1", "a.jpg b.tif b.tif.png c.jpg a.JPG");
    tree_files("am/Manually_Annotated_Images/2", "v.jpg");
    tree_put("am/Manually_Annotated_file_lists/training.csv", train);
    tree_put("am/Manually_Annotated_file_lists/validation.csv", "2/v.jpg,1,2,3,4,1;2,7,0.1,0.2\n");
    tree_expect(p, "am",
                "{\"image\":\"Manually_Annotated_Images/1/a.jpg\",\"box\":[10,20,100,110],\"label\":\"happiness\","
                "\"va\":[0.785714,-0.0550505],\"split\":\"train\"}\n"
                "{\"image\":\"Manually_Annotated_Images/1/a.jpg\",\"box\":[50,20,100,110],\"label\":\"anger\","
                "\"va\":[0.785714,-0.0550505],\"split\":\"train\"}\n"
                "{\"image\":\"Manually_Annotated_Images/1/b.tif.png\",\"box\":[0,0,50,50],\"label\":\"disgust\","
                "\"split\":\"train\"}\n"
                "{\"image\":\"Manually_Annotated_Images/2/v.jpg\",\"box\":[1,2,3,4],\"label\":\"contempt\","
                "\"va\":[0.1,0.2],\"split\":\"test\"}\n",
                1, 1, 1);
    CHECK_EQ(tree_summary.unrated, 1);
    tree_put("am/Manually_Annotated_file_lists/validation.csv", "2/v.jpg,1,2,3,4,1;2,7,high,0.2\n");
    tree_refuse(p, "am", MIEN_ERR_DATA, "validation.csv:1: \"high\" is no number");
    tree_put("am/Manually_Annotated_file_lists/validation.csv", "2/v.jpg,1,2,3,4,1;2,7,0,0.2\n2/w.jpg,1\n");
    tree_refuse(p, "am", MIEN_ERR_DATA, "validation.csv:");
    unlink(support_file("am/Manually_Annotated_Images/1/b.tif.png"));
    tree_refuse(p, "am", MIEN_ERR_DATA, "training.csv:5: ");
    CHECK_SAYS("ffmpeg -v error -n -i {} {}.png");
}

/* ---- CK+ ---- */

static void test_ckplus(void)
{
    const struct mien_import_params p = {.name = "ckplus"}, three = {.name = "ckplus", .frames = "last3", .fold = 2},
                                    clip = {.name = "ckplus", .frames = "clip"},
                                    neutral = {.name = "ckplus", .neutral = "first"};
    tree_files("ck/extended-cohn-kanade-images/cohn-kanade-images",
               "S005/001/S005_001_00000001.png S005/001/S005_001_00000002.png S005/001/S005_001_00000011.png "
               "S005/001/.DS_Store S005/002/S005_002_00000001.png S010/006/S010_006_00000001.png "
               "S010/006/S010_006_00000002.png");
    tree_put("ck/Emotion_labels/Emotion/S005/001/S005_001_00000011_emotion.txt", "   3.0000000e+00\n");
    tree_put("ck/Emotion_labels/Emotion/S010/006/S010_006_00000002_emotion.txt", "   5.0000000e+00\r\n");
    tree_put("ck/Emotion_labels/Emotion/S011/001/S011_001_00000009_emotion.txt", "   7.0000000e+00\n"); /* no frames */
    CHECK_EQ(base_dir_create(support_file("ck/Emotion_labels/Emotion/S005/002")), MIEN_OK); /* without a label */
    tree_put("ck/FACS_labels/FACS/S005/001/S005_001_00000011_facs.txt",
             "   9.0000000e+00   4.0000000e+00\n   1.7000000e+01   0.0000000e+00\n\n");
#define CK "extended-cohn-kanade-images/cohn-kanade-images/"
    tree_expect(p, "ck",
                "{\"image\":\"" CK "S005/001/S005_001_00000011.png\",\"label\":\"disgust\",\"au\":{\"AU9\":1,"
                "\"AU17\":1},\"subject\":\"S005\",\"fold\":1}\n"
                "{\"image\":\"" CK "S010/006/S010_006_00000002.png\",\"label\":\"happiness\",\"subject\":\"S010\","
                "\"fold\":2}\n",
                1, 0, 0);
    tree_import(three, "ck");
    CHECK(tree_summary.samples == 5 && tree_summary.train == 3 && tree_summary.test == 2);
    tree_expect(clip, "ck",
                "{\"frames\":\"" CK "S005/001\",\"label\":\"disgust\",\"au\":{\"AU9\":1,\"AU17\":1},"
                "\"subject\":\"S005\",\"fold\":1}\n"
                "{\"frames\":\"" CK "S010/006\",\"label\":\"happiness\",\"subject\":\"S010\",\"fold\":2}\n",
                1, 0, 0);
    tree_expect(neutral, "ck",
                "{\"image\":\"" CK "S005/001/S005_001_00000001.png\",\"label\":\"neutral\",\"subject\":\"S005\","
                "\"fold\":1}\n"
                "{\"image\":\"" CK "S005/001/S005_001_00000011.png\",\"label\":\"disgust\",\"au\":{\"AU9\":1,"
                "\"AU17\":1},\"subject\":\"S005\",\"fold\":1}\n"
                "{\"image\":\"" CK "S010/006/S010_006_00000001.png\",\"label\":\"neutral\",\"subject\":\"S010\","
                "\"fold\":2}\n"
                "{\"image\":\"" CK "S010/006/S010_006_00000002.png\",\"label\":\"happiness\",\"subject\":\"S010\","
                "\"fold\":2}\n",
                1, 0, 0);
    tree_refuse((struct mien_import_params){.name = "ckplus", .frames = "all"}, "ck", MIEN_ERR_ARG,
                "last, last3, clip");
    tree_put("ck/FACS_labels/FACS/S005/001/S005_001_00000011_facs.txt", "9 4\n17\n");
    tree_refuse(p, "ck", MIEN_ERR_DATA, "S005_001_00000011_facs.txt:2: a unit and its intensity");
    tree_put("ck/FACS_labels/FACS/S005/001/S005_001_00000011_facs.txt", "9 4\n1e12 0\n");
    tree_refuse(p, "ck", MIEN_ERR_DATA, "S005_001_00000011_facs.txt:2: action unit 1e+12; a whole number");
    tree_put("ck/FACS_labels/FACS/S005/001/S005_001_00000011_facs.txt", "9 4\n17 0\n 9.0e+0 2\n");
    tree_refuse(p, "ck", MIEN_ERR_DATA, "S005_001_00000011_facs.txt:3: AU9 again");
    tree_put("ck/Emotion_labels/Emotion/S010/006/S010_006_00000002_emotion.txt", "9\n");
    tree_put("ck/FACS_labels/FACS/S005/001/S005_001_00000011_facs.txt", "9 4\n");
    tree_refuse(p, "ck", MIEN_ERR_DATA, "S010_006_00000002_emotion.txt:1: emotion 9");
    tree_put("ck/Emotion_labels/Emotion/S010/006/S010_006_00000002_emotion.txt", "2.5\n");
    tree_refuse(p, "ck", MIEN_ERR_DATA, "S010_006_00000002_emotion.txt:1: emotion 2.5; a whole number");
    tree_put("ck/Emotion_labels/Emotion/S010/006/S010_006_00000002_emotion.txt", "");
    tree_refuse(p, "ck", MIEN_ERR_DATA, "S010_006_00000002_emotion.txt:1: \"\" is no number");
}

/* ---- Aff-Wild2 ---- */

static void test_affwild2(void)
{
    const struct mien_import_params p = {.name = "affwild2"}, seven = {.name = "affwild2", .classes = 7};
    tree_files("aw/cropped_aligned", "v-1/00001.jpg v-1/00002.jpg v-1/00004.jpg v-1/00005.jpg 2_left/1.jpg");
#define AW "aw/5th_ABAW_Annotations/"
    tree_put(AW "VA_Estimation_Challenge/Train_Set/v-1.txt",
             "valence,arousal\r\n0.5,-0.25\r\n-5,-5\r\n0.1,0.2\r\n-5,-5\r\n0.3,0.4\r\n");
    tree_put(AW "EXPR_Classification_Challenge/Train_Set/v-1.txt",
             "Neutral,Anger,Disgust,Fear,Happiness,Sadness,Surprise,Other\n4\n-1\n0\n-1\n7\n");
    tree_put(AW "AU_Detection_Challenge/Train_Set/.DS_Store", "");
    tree_put(AW "AU_Detection_Challenge/Validation_Set/v-1.txt", "AU1,AU2,AU25\n0,1,1\n-1,-1,-1\n");
    tree_put(AW "AU_Detection_Challenge/Validation_Set/2_left.txt", "AU1,AU2,AU25\n0,0,1");
    tree_expect(p, "aw",
                "{\"image\":\"cropped_aligned/v-1/00001.jpg\",\"label\":\"happiness\",\"va\":[0.5,-0.25],"
                "\"subject\":\"v-1\",\"split\":\"train\"}\n"
                "{\"image\":\"cropped_aligned/v-1/00005.jpg\",\"label\":\"other\",\"va\":[0.3,0.4],"
                "\"subject\":\"v-1\",\"split\":\"train\"}\n"
                "{\"image\":\"cropped_aligned/2_left/1.jpg\",\"au\":{\"AU1\":0,\"AU2\":0,\"AU25\":1},"
                "\"subject\":\"2_left\",\"split\":\"test\"}\n"
                "{\"image\":\"cropped_aligned/v-1/00001.jpg\",\"au\":{\"AU1\":0,\"AU2\":1,\"AU25\":1},"
                "\"subject\":\"v-1\",\"split\":\"test\"}\n",
                1, 0, 0);
    tree_import(seven, "aw");
    CHECK(tree_summary.samples == 3 && tree_summary.left_out == 1);
    tree_put(AW "AU_Detection_Challenge/Validation_Set/2_left.txt", "AU1,AU2,AU25\n0,0,1\n0,1\n");
    tree_refuse(p, "aw", MIEN_ERR_DATA, "2_left.txt:3: 2 numbers; 3 were expected");
    tree_put(AW "AU_Detection_Challenge/Validation_Set/2_left.txt", "AU1,AU2,AU25\n0,x,1\n");
    tree_refuse(p, "aw", MIEN_ERR_DATA, "2_left.txt:2: \"x\" is no number");
    static const char *const heads[] = {"AU1,AU2,AU1", "AU1,au2,AU4", "AU1,AU,AU4", "AU1,U,U"};
    for (size_t i = 0; i < BASE_COUNT(heads); i++) {
        tree_put(AW "AU_Detection_Challenge/Validation_Set/2_left.txt", heads[i]);
        tree_refuse(p, "aw", MIEN_ERR_DATA, "is no action unit, or stands there twice");
    }
    tree_put(AW "AU_Detection_Challenge/Validation_Set/2_left.txt", "AU1\n0\n");
    tree_put(AW "EXPR_Classification_Challenge/Train_Set/v-1.txt", "Neutral,Anger\n4\n");
    tree_refuse(p, "aw", MIEN_ERR_DATA, "v-1.txt:2: expression 4; a whole number from 0 to 1");
    tree_put(AW "EXPR_Classification_Challenge/Train_Set/v-1.txt", "Neutral,Anger\n0.5\n");
    tree_refuse(p, "aw", MIEN_ERR_DATA, "v-1.txt:2: expression 0.5; a whole number");
    /* the multi-task challenge: one list for all; frames without any value are none */
    tree_files("mt/cropped_aligned", "5/00001.jpg 5/00002.jpg");
    tree_put("mt/training_set_annotations.txt",
             "image,valence,arousal,expression,aus\n5/00001.jpg,0.5,-0.25,7,0,1,0,0,0,0,0,0,0,0,1,0\n"
             "5/00002.jpg,-5,-5,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1\r\n5/00003.jpg,0,0,0,1,1,1,1,1,1,1,1,1,1,1,1\n");
    tree_expect(p, "mt",
                "{\"image\":\"cropped_aligned/5/00001.jpg\",\"label\":\"other\",\"va\":[0.5,-0.25],\"au\":{\"AU1\":0,"
                "\"AU2\":1,\"AU4\":0,\"AU6\":0,\"AU7\":0,\"AU10\":0,\"AU12\":0,\"AU15\":0,\"AU23\":0,\"AU24\":0,"
                "\"AU25\":1,\"AU26\":0},\"subject\":\"5\",\"split\":\"train\"}\n",
                1, 0, 0);
    tree_put("mt/validation_set_annotations.txt", "image,valence\n5/00001.jpg,0.5,-0.25,8,0,1,0,0,0,0,0,0,0,0,1,0\n");
    tree_refuse(p, "mt", MIEN_ERR_DATA, "validation_set_annotations.txt:2: expression 8; a whole number from 0 to 7");
    tree_put("mt/validation_set_annotations.txt", "image,valence\n5/00001.jpg,0.5,-0.25,8,0,1\n");
    tree_refuse(p, "mt", MIEN_ERR_DATA, "validation_set_annotations.txt:2: 5 numbers; 15 were expected");
    /* the first challenge: seven expressions without a header */
    tree_files("aw1/cropped_aligned", "3/00001.jpg");
    tree_put("aw1/annotations/EXPR_Set/Training_Set/3.txt", "6\n");
    tree_expect(p, "aw1",
                "{\"image\":\"cropped_aligned/3/00001.jpg\",\"label\":\"surprise\",\"subject\":\"3\","
                "\"split\":\"train\"}\n",
                0, 0, 0);
}

int main(void)
{
    support_capture();
    test_affectnet_arrays();
    test_affectnet_tables();
    test_ckplus();
    test_affwild2();
    support_clean();
    return check_result();
}
