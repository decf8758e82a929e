/* Multiple choice and the class left out, on an untrained model, against the same worked out here. */
#include "check.h"

#include "eval/raw.h"

static const char *const sentences[] = {"sorrow sorrow", "a face of anger", "a face of joy", "Sorrow  SORROW"};

/* Three options and a question; the picture's answer goes round. Of every fourth row option 3 is option 0 in other
 * bytes: the two tie. */
static const char *questions(int i, char *b, size_t size)
{
    int at = snprintf(b, size, "\"options\":[\"%s\",\"%s\",\"%s\"", sentences[0], sentences[1], sentences[2]);
    if (i % 4 == 0)
        at += snprintf(b + at, size - (size_t)at, ",\"%s\"", sentences[3]);
    at += snprintf(b + at, size - (size_t)at, "],\"answer\":%d", i % 3);
    if (i % 2)
        at += snprintf(b + at, size - (size_t)at, ",\"question\":\"joy or not?\"");
    return i == 5 ? "\"options\":[\"alone\"],\"answer\":0" : i == 6 ? "\"options\":[\"a\",\"b\"],\"label\":\"x\"" : b;
}

static double score_of(int i, int option)
{
    char text[128];
    const char *pointer = text;
    float image[RAW_WIDTH], embed[RAW_WIDTH];
    double sum = 0;
    snprintf(text, sizeof(text), "%s%s", i % 2 ? "joy or not? " : "", sentences[option]);
    CHECK_EQ(mien_model_embed_texts(model, &pointer, 1, 0, embed), MIEN_OK);
    snprintf(text, sizeof(text), "%d.png", i);
    CHECK_EQ(embed_file(model, tiny_path(text), 0, image), MIEN_OK);
    for (int k = 0; k < RAW_WIDTH; k++)
        sum += (double)image[k] * (double)embed[k];
    return sum;
}

static void test_choice(void)
{
    const struct mien_eval_params params = {.size = sizeof params, .task = "choice", .manifest = "q.jsonl"};
    struct mien_result *r = NULL;
    double right = 0, chance = 0;
    int n = 0, tied = 0;
    CHECK(raw_manifest("q.jsonl", questions));
    for (int i = 0; i < TINY_IMAGES; i++) {
        double score[3] = {score_of(i, 0), score_of(i, 1), score_of(i, 2)};
        int best = score[0] >= score[1] && score[0] >= score[2] ? 0 : score[1] >= score[2] ? 1 : 2;
        if (i == 5 || i == 6)
            continue;
        bool shared = best == 0 && i % 4 == 0;
        right += best == i % 3 ? shared ? 0.5 : 1 : 0;
        tied += shared && i % 3 == 0;
        chance += i % 4 == 0 ? 0.25 : 1.0 / 3;
        n++;
    }
    CHECK_EQ(mien_eval(model, &params, &r), MIEN_OK);
    CHECK_EQ(look(r, "n"), n);
    CHECK_NEAR(look(r, "accuracy"), right / n, 1e-12);
    CHECK_NEAR(look(r, "chance"), chance / n, 1e-12);
    CHECK(look(r, "accuracy_interval.0") <= right / n && look(r, "accuracy_interval.1") >= right / n);
    CHECK(tied > 0);
    CHECK(raw_round_trip(r, "Multiple choice"));
    mien_result_destroy(&r);
}

/* ---- a class left out ---- */

static const char *compounds(int i, char *b, size_t size)
{
    static const char *const both[] = {"[\"joy\",\"anger\"]", "[\"anger\",\"joy\"]", "\"sorrow\"", "\"joy\""};
    snprintf(b, size, "\"label\":%s,\"split\":\"%s\"", both[i % 4], i % 8 < 4 ? "test" : "train");
    return b;
}

/* What zero-shot says of the same rows. */
static void check_class(const char *manifest, const char *name, const char *asked, int row)
{
    struct mien_eval_params params = {.size = sizeof params, .task = "zero-shot", .manifest = manifest};
    struct mien_result *whole = NULL, *one = NULL;
    char place[48], other[48];
    double n = 0;
    CHECK_EQ(mien_eval(model, &params, &whole), MIEN_OK);
    params.task = "leave-one-out";
    params.class_name = asked;
    CHECK_EQ(mien_eval(model, &params, &one), MIEN_OK);
    snprintf(place, sizeof(place), "recall.%d", row);
    CHECK_NEAR(look(one, "class_recall"), look(whole, place), 1e-15);
    CHECK_STR(look_text(one, "class"), name);
    CHECK_EQ(mien_result_count(one, "classes"), 3);
    for (int k = 0; k < 3; k++) {
        snprintf(place, sizeof(place), "confusion.%d.%d", row, k);
        CHECK_EQ(look(one, place), look(whole, place));
        n += look(one, place);
        snprintf(other, sizeof(other), "confusion.%d.%d", (row + 1) % 3, k);
        CHECK_EQ(look(one, other), 0);
    }
    CHECK(look(one, "n") == n && look(one, "present") == 1);
    CHECK_NEAR(look(one, "chance"), 1.0 / 3, 1e-15);
    CHECK(raw_round_trip(one, "A class left out"));
    mien_result_destroy(&one);
    mien_result_destroy(&whole);
}

static void test_leave_one_out(void)
{
    struct mien_eval_params params = {.size = sizeof params, .task = "leave-one-out", .manifest = "t.jsonl"};
    struct mien_result *r = NULL;
    check_class("t.jsonl", "anger", "anger", 0);
    check_class("t.jsonl", "joy", "joy", 1);
    check_class("t.jsonl", "sorrow", "sorrow", 2);
    CHECK(raw_manifest("c.jsonl", compounds));
    check_class("c.jsonl", "anger and joy", "joy and anger", 0); /* a compound has no order */
    check_class("c.jsonl", "joy", "joy", 1);                     /* alone: not its compounds */
    capture_start();
    CHECK_EQ(mien_eval_check(&params), MIEN_ERR_ARG);
    CHECK(captured_once("--class NAME"));
    params.class_name = "awe";
    capture_start();
    CHECK_EQ(mien_eval(model, &params, &r), MIEN_ERR_ARG);
    CHECK(captured_once("no class \"awe\"") && !r);
    params.task = "zero-shot";
    capture_start();
    CHECK_EQ(mien_eval(model, &params, &r), MIEN_ERR_ARG);
    CHECK(captured_once("option class") && !r);
}

int main(void)
{
    if (!raw_begin())
        CHECK_SKIP("no Vulkan device or no temporary directory: %s", captured);
    test_choice();
    test_leave_one_out();
    raw_end();
    return check_result();
}
