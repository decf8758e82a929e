/* Importers of texts: FABA-Instruct's descriptions, questions with options, pictures with captions. */
#include "data/import_tree.h"

static void test_faba(void)
{
    const struct mien_import_params p = {.name = "faba"};
    tree_files("faba/FABAInstruct", "train/images/AffectNet/v2/1/a.jpg eval/images/AffectNet/v2/2/b.jpg");
    tree_put("faba/FABAInstruct/train/train_au_anno.json",
             "[{\"source\":\"AffectNet\",\"image\":\"FABAInstruct/train/images/AffectNet/v2/1/a.jpg\",\"id\":\"x\","
             "\"conversations\":[{\"from\":\"human\",\"value\":\"Which units? <image>\"},{\"from\":\"gpt\",\"value\":"
             "\"1. AU4 lowers the brows. 2. AU15 pulls the lips down, as AU4 does.\"}]},"
             "{\"image\":\"FABAInstruct/train/images/AffectNet/v2/1/a.jpg\",\"conversations\":[{\"from\":\"gpt\","
             "\"value\":\"A frown.\"}]}]"); /* another text of the picture; it names no unit */
    tree_put("faba/FABAInstruct/train/train_emotion_anno.json",
             "[{\"image\":\"FABAInstruct/train/images/AffectNet/v2/1/a.jpg\",\"conversations\":[{\"from\":\"human\","
             "\"value\":\"?\"},{\"from\":\"gpt\",\"value\":\"A calm face.\"}]}]");
    tree_put("faba/FABAInstruct/eval/eval_au_anno.json",
             "[{\"image\":\"FABAInstruct/eval/images/AffectNet/v2/2/b.jpg\",\"label\":\"4, 9, 15\",\"gpt4\":\"T.\"}]");
    tree_put("faba/FABAInstruct/eval/eval_emotion_anno.json",
             "[{\"image\":\"FABAInstruct/eval/images/AffectNet/v2/2/b.jpg\",\"label\":6,\"gpt4\":\"T.\"},\n"
             "{\"image\":\"FABAInstruct/eval/images/AffectNet/v2/2/b.jpg\",\"label\":6,\"gpt4\":\"T.\"},\n"
             "{\"image\":\"FABAInstruct/eval/images/c.jpg\",\"label\":\"Anger\",\"gpt4\":\"T.\"}]");
    tree_expect(p, "faba",
                "{\"image\":\"FABAInstruct/train/images/AffectNet/v2/1/a.jpg\",\"caption\":\"1. AU4 lowers the brows. "
                "2. AU15 pulls the lips down, as AU4 does.\",\"au\":{\"AU4\":1,\"AU15\":1},\"split\":\"train\"}\n"
                "{\"image\":\"FABAInstruct/train/images/AffectNet/v2/1/a.jpg\",\"caption\":\"A frown.\","
                "\"split\":\"train\"}\n"
                "{\"image\":\"FABAInstruct/train/images/AffectNet/v2/1/a.jpg\",\"caption\":\"A calm face.\","
                "\"split\":\"train\"}\n"
                "{\"image\":\"FABAInstruct/eval/images/AffectNet/v2/2/b.jpg\",\"caption\":\"T.\",\"au\":{\"AU4\":1,"
                "\"AU9\":1,\"AU15\":1},\"split\":\"test\"}\n"
                "{\"image\":\"FABAInstruct/eval/images/AffectNet/v2/2/b.jpg\",\"caption\":\"T.\",\"label\":\"fear\","
                "\"split\":\"test\"}\n",
                1, 1, 0);
    tree_put("faba/FABAInstruct/eval/eval_emotion_anno.json",
             "[{\"image\":\"c.jpg\",\"label\":6},\n {\n\"image\":\"d.jpg\",\"label\":7}]");
    tree_refuse(p, "faba", MIEN_ERR_DATA, "eval_emotion_anno.json:2: \"label\" is \"7\"");
    tree_put("faba/FABAInstruct/eval/eval_emotion_anno.json", "[{\"image\":\"c.jpg\",\"label\":2.5}]");
    tree_refuse(p, "faba", MIEN_ERR_DATA, "eval_emotion_anno.json:1: \"label\" is \"2.5\"");
    tree_put("faba/FABAInstruct/eval/eval_emotion_anno.json", "[{\"image\":\"c.jpg\",\"label\":[6]}]");
    tree_refuse(p, "faba", MIEN_ERR_DATA, "eval_emotion_anno.json:1: \"label\" must be");
    tree_put("faba/FABAInstruct/eval/eval_emotion_anno.json", "[{\"label\":6}]");
    tree_refuse(p, "faba", MIEN_ERR_DATA, "eval_emotion_anno.json:1: no \"image\"");
    tree_put("faba/FABAInstruct/eval/eval_emotion_anno.json", "[{\"label\":6}\n");
    tree_refuse(p, "faba", MIEN_ERR_DATA, "eval_emotion_anno.json: not valid JSON at line 2");
    tree_put("faba/FABAInstruct/eval/eval_emotion_anno.json", "[]");
    tree_put("faba/FABAInstruct/eval/eval_au_anno.json", "[{\"image\":\"c.jpg\",\"label\":\"4, nine, 1234\"}]");
    tree_refuse(p, "faba", MIEN_ERR_DATA, "eval_au_anno.json:1: \"label\" is");
}

#define FACEX_HEAD "{\"category\":\"attributes_expression\",\"sub-category\":\"expression\",\n\"questions\":{\n"

static void test_facexbench(void)
{
    const struct mien_import_params p = {.name = "facexbench"};
    tree_files("fx/benchmark/images/affectnet_single_mcq", "question_1.png");
    tree_put("fx/benchmark/affectnet_single_mcq.json", FACEX_HEAD
             "\"1\":{\"image_paths\":[\"images/affectnet_single_mcq/question_1.png\"],\"question_text\":\"Which?\","
             "\"options\":[\"fear\",\"sad\"],\"correct_answer_option\":\"B\",\"answer\":\"sad\"},\n"
             "\"2\":{\"image_paths\":[\"images/affectnet_single_mcq/question_2.png\"],\"question_text\":\"Which?\","
             "\"options\":[\"fear\",\"sad\"],\"correct_answer_option\":\"A\",\"answer\":\"fear\"},\n"
             "\"3\":{\"image_paths\":[\"a.png\",\"b.png\"],\"question_text\":\"Which?\",\"options\":[\"1\",\"2\"],"
             "\"correct_answer_option\":\"A\",\"answer\":\"1\"}}}");
    tree_put("fx/benchmark/age_mcq.json", "{\"sub-category\":\"age\",\"questions\":{}}");
    tree_expect(p, "fx",
                "{\"image\":\"benchmark/images/affectnet_single_mcq/question_1.png\",\"label\":\"sadness\","
                "\"question\":\"Which?\",\"options\":[\"fear\",\"sad\"],\"answer\":1,\"split\":\"test\"}\n",
                1, 0, 1);
    CHECK_EQ(tree_summary.passed_over, 1);
    tree_import(p, "fx/benchmark");
    CHECK_EQ(tree_summary.samples, 1);
    tree_put("fx/benchmark/affectnet_single_mcq.json", FACEX_HEAD
             "\"1\":{\"image_paths\":[\"x.png\"],\"options\":[\"fear\",\"sad\"],\"correct_answer_option\":\"C\"}}}");
    tree_refuse(p, "fx", MIEN_ERR_DATA, "affectnet_single_mcq.json:3: two options or more");
    tree_put("fx/benchmark/affectnet_single_mcq.json", FACEX_HEAD "\"1\":{\"image_paths\":[\"x.png\"]}}}");
    tree_refuse(p, "fx", MIEN_ERR_DATA, "affectnet_single_mcq.json:3: no \"options\"");
}

static void test_face_human_bench(void)
{
    const struct mien_import_params p = {.name = "face-human-bench"};
#define QA "{\"type\":\"x\",\"QA\":{\"question\":\"Which?\",\"options\":[\"A\",\"B\",\"C\"],\"answer\":0},\"image\":"
    tree_files("fhb/data/Face-Human-Bench/dev/image", "o1.png c1.png c2.png");
    tree_put("fhb/data/Face-Human-Bench/dev/json/en/face_expression_basic.json",
             "{\"data\":[\n" QA "{\"image_paths\":{\"original\":\"dev/image/o1.png\",\"cropped\":"
             "\"data/Face-Human-Bench/dev/image/c1.png\"}}},\n" QA
             "{\"image_paths\":{\"cropped\":\"dev/image/c2.png\"}}}]}");
    tree_put("fhb/data/Face-Human-Bench/test/json/en/face_expression_compound.json",
             "{\"data\":[\n" QA "{\"image_paths\":{\"cropped\":\"test/image/c3.png\"}}}]}");
    tree_expect(p, "fhb",
                "{\"image\":\"data/Face-Human-Bench/dev/image/o1.png\",\"question\":\"Which?\",\"options\":[\"A\","
                "\"B\",\"C\"],\"answer\":0,\"split\":\"val\"}\n"
                "{\"image\":\"data/Face-Human-Bench/dev/image/c1.png\",\"question\":\"Which?\",\"options\":[\"A\","
                "\"B\",\"C\"],\"answer\":0,\"split\":\"val\"}\n"
                "{\"image\":\"data/Face-Human-Bench/dev/image/c2.png\",\"question\":\"Which?\",\"options\":[\"C\","
                "\"A\",\"B\"],\"answer\":1,\"split\":\"val\"}\n",
                1, 0, 0);
    tree_put("fhb/data/Face-Human-Bench/test/json/en/face_expression_compound.json", "{\"data\":[\n{\"QA\":{}}]}");
    tree_refuse(p, "fhb", MIEN_ERR_DATA, "face_expression_compound.json:2: no \"image_paths\"");
}

static void test_captions(void)
{
    const struct mien_import_params p = {.name = "captions"};
    tree_files("cap", "train/a~b.jpg train/b.png train/c.png val/x.jpg");
    tree_put("cap/train/a b.txt", "\xef\xbb\xbf"
                                  "A smile. It is broad.\r\n");
    tree_put("cap/train/b.txt", " \n"); /* nothing is said */
    tree_put("cap/train/notes.txt", "of nothing");
    tree_put("cap/val/metadata.csv",
             "file_name,text\nx.jpg,\"A frown, deep.\"\ny.jpg,Gone.\nx.jpg,\"A frown, deep.\"\nx.jpg,Angry.\n");
    tree_expect(p, "cap",
                "{\"image\":\"train/a b.jpg\",\"caption\":\"A smile. It is broad.\",\"split\":\"train\"}\n"
                "{\"image\":\"val/x.jpg\",\"caption\":\"A frown, deep.\",\"split\":\"val\"}\n"
                "{\"image\":\"val/x.jpg\",\"caption\":\"Angry.\",\"split\":\"val\"}\n",
                1, 1, 0);
    CHECK_EQ(tree_summary.unrated, 2);
    tree_files("cap2/set", "i/1.png");
    tree_put("cap2/set/metadata.jsonl",
             "{\"file_name\":\"i/1.png\",\"text\":\"One.\"}\n\n{\"file_name\":\"i/1.png\"}\n");
    tree_expect(p, "cap2", "{\"image\":\"set/i/1.png\",\"caption\":\"One.\"}\n", 0, 0, 0);
    CHECK_EQ(tree_summary.unrated, 1);
    tree_put("cap2/set/metadata.jsonl", "{\"file_name\":\"i/1.png\",\"text\":\"One.\"}\n{\"text\":\"x\"}\n");
    tree_refuse(p, "cap2", MIEN_ERR_DATA, "metadata.jsonl:2: no \"file_name\"");
}

int main(void)
{
    support_capture();
    test_faba();
    test_facexbench();
    test_face_human_bench();
    test_captions();
    support_clean();
    return check_result();
}
