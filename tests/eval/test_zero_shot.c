/* The public model and the zero-shot protocol on an untrained model: every number against the same worked out here. */
#include "check.h"

#include "base/capture.h"
#include "use/look.h"
#include "use/tiny_model.h"
#include "eval/look.h"

/* The best label of an image, by hand: mean of unit template embeddings, cosine, arg max. */
static uint32_t answer(const float *image, const char *const *templates, size_t template_count)
{
    double best = -2;
    uint32_t at = 0;
    for (uint32_t l = 0; l < 3; l++) {
        double mean[10] = {0}, norm = 0, dot = 0;
        for (size_t t = 0; t < template_count; t++) {
            char text[256];
            const char *text_pointer = text, *hole = strstr(templates[t], "{}");
            float embed[10];
            snprintf(text, sizeof(text), "%.*s%s%s", (int)(hole - templates[t]), templates[t], labels[l], hole + 2);
            CHECK_EQ(mien_model_embed_texts(model, &text_pointer, 1, 0, embed), MIEN_OK);
            for (int k = 0; k < 10; k++)
                mean[k] += (double)embed[k];
        }
        for (int k = 0; k < 10; k++)
            norm += mean[k] * mean[k];
        for (int k = 0; k < 10; k++)
            dot += mean[k] / sqrt(norm) * (double)image[k];
        if (dot > best) {
            best = dot;
            at = l;
        }
    }
    return at;
}

static void test_protocol(void)
{
    size_t template_count;
    const char *const *templates = mien_default_templates(&template_count);
    struct mien_eval_params params = {.size = sizeof params, .task = "zero-shot", .manifest = tiny_path("t.jsonl")};
    struct mien_result *r = NULL;
    uint64_t confusion[9] = {0}, right = 0;
    CHECK_EQ(mien_eval(model, &params, &r), MIEN_OK);
    if (!r)
        return;
    for (uint32_t i = 0; i < TINY_IMAGES; i++) {
        char name[32];
        float image[10];
        snprintf(name, sizeof(name), "%u.png", i);
        const char *file = tiny_path(name);
        CHECK_EQ(embed_file(model, file, 0, image), MIEN_OK);
        uint32_t guess = answer(image, templates, template_count);
        confusion[i % 3 * 3 + guess]++;
        right += guess == i % 3;
    }
    CHECK_EQ(look(r, "n"), TINY_IMAGES);
    CHECK_EQ(mien_result_count(r, "classes"), 3);
    for (uint32_t i = 0; i < 9; i++) {
        char place[32];
        snprintf(place, sizeof(place), "confusion.%u.%u", i / 3, i % 3);
        CHECK_EQ(look(r, place), confusion[i]);
        snprintf(place, sizeof(place), "classes.%u", i % 3);
        CHECK_STR(look_text(r, place), labels[i % 3]);
    }
    CHECK_NEAR(look(r, "war"), (double)right / TINY_IMAGES, 1e-12);
    CHECK_NEAR(look(r, "uar"), look(r, "war"), 1e-12); /* as many of each class */
    CHECK_STR(look_text(r, "split"), "all");
    mien_result_destroy(&r);
    CHECK(r == NULL);
}

/* What was taken for what: each wrong answer once, the surest first, with the probabilities that the model gives. */
static void test_mistakes(void)
{
    struct mien_eval_params params = {.size = sizeof params, .task = "zero-shot", .manifest = tiny_path("t.jsonl")};
    struct mien_result *r = NULL;
    struct mien_labels *scorer = NULL;
    const struct mien_label three[] = {{labels[0], NULL, 0, {0}}, {labels[1], NULL, 0, {0}}, {labels[2], NULL, 0, {0}}};
    double before = 2;
    CHECK_EQ(mien_eval(model, &params, &r), MIEN_OK);
    CHECK_EQ(mien_labels_create(model, three, 3, NULL, &scorer), MIEN_OK);
    size_t wrong = (size_t)round(TINY_IMAGES * (1 - look(r, "war")));
    CHECK(wrong > 3 && wrong <= 24 && mien_result_count(r, "mistakes") == wrong);
    for (size_t i = 0; i < mien_result_count(r, "mistakes"); i++) {
        char place[64];
        float image[10], scores[3];
        uint32_t truth = 3, guess = 3;
        snprintf(place, sizeof(place), "mistakes.%zu.image", i);
        CHECK_EQ(embed_file(model, look_text(r, place), 0, image), MIEN_OK);
        CHECK_EQ(mien_labels_scores(scorer, image, scores), MIEN_OK);
        for (uint32_t c = 0; c < 3; c++) {
            snprintf(place, sizeof(place), "mistakes.%zu.truth", i);
            truth = strcmp(look_text(r, place), labels[c]) == 0 ? c : truth;
            snprintf(place, sizeof(place), "mistakes.%zu.prediction", i);
            guess = strcmp(look_text(r, place), labels[c]) == 0 ? c : guess;
            snprintf(place, sizeof(place), "mistakes.%zu.scores.%s", i, labels[c]);
            CHECK_NEAR(look(r, place), scores[c], 1e-5);
        }
        snprintf(place, sizeof(place), "mistakes.%zu.line", i);
        CHECK(truth < 3 && guess < 3 && truth == ((uint32_t)look(r, place) - 1) % 3);
        if (truth < 3 && guess < 3) {
            double margin = (double)scores[guess] - (double)scores[truth];
            CHECK(margin >= 0 && margin <= before);
            before = margin;
        }
    }
    mien_labels_destroy(&scorer);
    mien_result_destroy(&r);
}

/* Part k of `parts` of a clip of 40 frames, of which 32 are used: frame f of the clip is picture f % TINY_IMAGES. */
static void check_part(const struct mien_result *r, struct mien_labels *scorer, int k)
{
    struct mien_input frames[2] = {{0}}, clip = {.frames = frames, .frame_count = 2};
    char place[64], names[2][32];
    float embed[10], scores[3];
    for (int f = 0; f < 2; f++) {
        snprintf(names[f], sizeof(names[f]), "%d.png", (2 * (2 * k + f) + 1) * 40 / 64 % TINY_IMAGES);
        frames[f].path = tiny_path(names[f]);
    }
    CHECK_EQ(mien_model_embed(model, &clip, 1, NULL, embed), MIEN_OK);
    CHECK_EQ(mien_labels_scores(scorer, embed, scores), MIEN_OK);
    for (uint32_t c = 0; c < 3; c++) {
        snprintf(place, sizeof(place), "timelines.0.scores.%s.%d", labels[c], k);
        CHECK_NEAR(look(r, place), scores[c], 1e-5);
    }
    snprintf(place, sizeof(place), "timelines.0.at.%d", k);
    CHECK_NEAR(look(r, place), (2 * k + 1) * 1.25 + 0.5, 1e-3);
}

/* Parts of a clip are scored as clips of their own; pictures and what cannot be read have no timeline. */
static void test_timelines(void)
{
    struct mien_eval_params params = {.size = sizeof params, .task = "zero-shot", .frames = 32};
    struct mien_result *r = NULL;
    struct mien_labels *scorer = NULL;
    const struct mien_label three[] = {{labels[0], NULL, 0, {0}}, {labels[1], NULL, 0, {0}}, {labels[2], NULL, 0, {0}}};
    char rows[4096];
    size_t at = (size_t)snprintf(rows, sizeof(rows), "{\"image\":\"0.png\",\"label\":\"joy\"}\n{\"frames\":[\"0.png\"");
    for (int f = 1; f < 40; f++)
        at += (size_t)snprintf(rows + at, sizeof(rows) - at, ",\"%d.png\"", f % TINY_IMAGES);
    at += (size_t)snprintf(rows + at, sizeof(rows) - at,
                           "],\"label\":\"anger\"}\n{\"frames\":\"none\",\"label\":\"joy\"}\n"
                           "{\"frames\":[\"1.png\",\"2.png\",\"3.png\"],\"label\":\"sorrow\"}\n");
    CHECK(tiny_write("clips.jsonl", rows, at));
    params.manifest = tiny_path("clips.jsonl");
    CHECK_EQ(mien_labels_create(model, three, 3, NULL, &scorer), MIEN_OK);
    CHECK_EQ(mien_eval(model, &params, &r), MIEN_OK);
    CHECK(look(r, "n") == 3 && look(r, "bad") == 1 && mien_result_count(r, "timelines") == 2);
    CHECK(look(r, "timelines.0.frames") == 40 && look(r, "timelines.0.used") == 32 && look(r, "timelines.0.line") == 2);
    CHECK(mien_result_count(r, "timelines.0.at") == 16 && mien_result_count(r, "timelines.0.pictures") == 6);
    for (int k = 0; k < 16; k++)
        check_part(r, scorer, k);
    CHECK_STR(look_text(r, "timelines.1.truth"), "sorrow");
    CHECK(mien_result_count(r, "timelines.1.at") == 3 && look(r, "timelines.1.at.0") == 1 &&
          look(r, "timelines.1.at.2") == 3 && mien_result_count(r, "timelines.1.scores.joy") == 3);
    mien_result_destroy(&r);
    mien_labels_destroy(&scorer);
    params.manifest = tiny_path("t.jsonl");
    CHECK_EQ(mien_eval(model, &params, &r), MIEN_OK);
    CHECK(r && !strstr(mien_result_json(r), "timelines"));
    mien_result_destroy(&r);
}

static void test_splits(void)
{
    static const char rows[] = "{\"image\":\"0.png\",\"label\":\"anger\",\"split\":\"train\"}\n"
                               "{\"image\":\"1.png\",\"label\":\"joy\",\"split\":\"val\"}\n"
                               "{\"image\":\"2.png\",\"label\":[\"joy\",\"anger\"],\"split\":\"val\"}\n"
                               "{\"image\":\"4.png\",\"label\":[\"anger\",\"joy\",\"anger\"],\"split\":\"val\"}\n"
                               "{\"image\":\"none.png\",\"label\":\"joy\",\"split\":\"val\"}\n"
                               "{\"image\":\"3.png\",\"caption\":\"no label\",\"split\":\"val\"}\n";
    struct mien_eval_params params = {.size = sizeof params, .task = "zero-shot", .manifest = tiny_path("split.jsonl")};
    struct mien_result *r = NULL;
    CHECK(tiny_write("split.jsonl", rows, strlen(rows)));
    CHECK_EQ(mien_eval(model, &params, &r), MIEN_OK); /* no test rows: val */
    CHECK(r && strcmp(look_text(r, "split"), "val") == 0 && look(r, "n") == 3 && look(r, "bad") == 1);
    CHECK(r && mien_result_count(r, "classes") == 3 &&
          look(r, "present") == 2); /* anger is a class though val has none of it */
    CHECK(r && strcmp(look_text(r, "classes.1"), "anger and joy") == 0); /* a compound has no order */
    CHECK(r && look(r, "confusion.1.0") + look(r, "confusion.1.1") + look(r, "confusion.1.2") == 2);
    CHECK(r && isnan(look(r, "recall.0")) && strstr(mien_result_json(r), "\"recall\":[null,"));
    CHECK_NEAR(look(r, "uar"), (look(r, "recall.1") + look(r, "recall.2")) / 2, 1e-15);
    mien_result_destroy(&r);
    params.split = "train";
    CHECK_EQ(mien_eval(model, &params, &r), MIEN_OK);
    CHECK(r && look(r, "n") == 1 && mien_result_count(r, "classes") == 3 && look(r, "present") == 1 &&
          strcmp(look_text(r, "classes.0"), "anger") == 0);
    mien_result_destroy(&r);
    capture_start();
    params.split = "test";
    CHECK_EQ(mien_eval(model, &params, &r), MIEN_ERR_DATA);
    CHECK(captured_once("split test"));
    params.split = "dev";
    CHECK_EQ(mien_eval(model, &params, &r), MIEN_ERR_ARG);
    CHECK(r == NULL);
}

static double n_of_split(const char *manifest, const char *split, const char *expected)
{
    struct mien_eval_params params = {
        .size = sizeof params, .task = "zero-shot", .manifest = tiny_path(manifest), .split = split};
    struct mien_result *r = NULL;
    double n = 0;
    CHECK_EQ(mien_eval(model, &params, &r), MIEN_OK);
    if (r)
        CHECK_STR(look_text(r, "split"), expected);
    n = r ? look(r, "n") : 0;
    mien_result_destroy(&r);
    return n;
}

/* Rows without a split are of train and of val, as a training has them; they do not make a manifest one of val. */
static void test_rows_without_split(void)
{
    static const char rows[] = "{\"image\":\"0.png\",\"label\":\"anger\",\"split\":\"train\"}\n"
                               "{\"image\":\"1.png\",\"label\":\"joy\"}\n"
                               "{\"image\":\"2.png\",\"label\":\"joy\",\"split\":\"\"}\n"
                               "{\"image\":\"3.png\",\"label\":\"anger\",\"split\":\"val\"}\n";
    CHECK(tiny_write("part.jsonl", rows, strlen(rows)));
    CHECK_EQ(n_of_split("part.jsonl", NULL, "val"), 3);
    CHECK_EQ(n_of_split("part.jsonl", "val", "val"), 3);
    CHECK_EQ(n_of_split("part.jsonl", "train", "train"), 3);
    CHECK_EQ(n_of_split("part.jsonl", "all", "all"), 4);
    CHECK(tiny_write("part.jsonl", rows, (size_t)(strrchr(rows, '{') - rows))); /* no row names val */
    CHECK_EQ(n_of_split("part.jsonl", NULL, "all"), 3);
    CHECK_EQ(n_of_split("part.jsonl", "val", "val"), 2);
}

/* Classes that are asked for, in that order; rows of others are left out. */
static void test_given(void)
{
    const char *const given[] = {"sorrow", "joy and anger", "joy"}, *const same[] = {"joy", "Joy"};
    const char *const unknown[] = {"awe", "shame"};
    struct mien_eval_params params = {.size = sizeof params,
                                      .task = "zero-shot",
                                      .manifest = tiny_path("split.jsonl"),
                                      .classes = given,
                                      .class_count = 3};
    struct mien_result *r = NULL;
    params.split = "all";
    CHECK_EQ(mien_eval(model, &params, &r), MIEN_OK);
    CHECK(r && mien_result_count(r, "classes") == 3 && look(r, "present") == 2 && look(r, "n") == 3 &&
          look(r, "bad") == 1);
    CHECK(r && strcmp(look_text(r, "classes.0"), "sorrow") == 0 &&
          strcmp(look_text(r, "classes.1"), "anger and joy") == 0);
    mien_result_destroy(&r);
    params.classes = same;
    params.class_count = 2;
    capture_start();
    CHECK_EQ(mien_eval(model, &params, &r), MIEN_ERR_ARG);
    CHECK(captured_once("\"Joy\"") && strstr(captured, "\"joy\"") && !r);
    params.classes = unknown;
    capture_start();
    CHECK_EQ(mien_eval(model, &params, &r), MIEN_ERR_DATA);
    CHECK(captured_once("split.jsonl") && !r);
    params.class_count = 0;
    CHECK_EQ(mien_eval(model, &params, &r), MIEN_ERR_ARG);
}

/* Options that a task does not take, tasks that are not there. */
static void test_options(void)
{
    struct mien_eval_params params = {
        .size = sizeof params, .task = "zero-shot", .manifest = tiny_path("t.jsonl"), .limit = 3};
    struct mien_result *r = NULL;
    capture_start();
    CHECK_EQ(mien_eval(model, &params, &r), MIEN_ERR_ARG);
    CHECK(captured_once("limit") && !r);
    params.limit = 0;
    params.task = "poetry";
    capture_start();
    CHECK_EQ(mien_eval(model, &params, &r), MIEN_ERR_ARG);
    CHECK(captured_once("zero-shot") && !r);
    params.task = NULL;
    CHECK_EQ(mien_eval(model, &params, &r), MIEN_ERR_ARG);
    CHECK_EQ(mien_eval(NULL, &params, &r), MIEN_ERR_ARG);
    CHECK_EQ(mien_eval(model, NULL, &r), MIEN_ERR_ARG);
}

/* All in memory: an evaluation becomes a page without a file or the command, and a file gives the same page. */
static void test_page(void)
{
    const struct mien_eval_params params = {
        .size = sizeof params, .task = "zero-shot", .manifest = tiny_path("t.jsonl")};
    struct mien_result *r = NULL, *again = NULL;
    struct mien_page *page = NULL, *other = NULL;
    CHECK_EQ(mien_eval(model, &params, &r), MIEN_OK);
    CHECK_EQ(mien_page_create("My <faces>", &page), MIEN_OK);
    CHECK_EQ(mien_page_add_result(page, r), MIEN_OK);
    const char *html = mien_page_html(page);
    CHECK(html && strstr(html, "<h1>My &lt;faces&gt;</h1>") && strstr(html, "Confusion matrix"));
    CHECK(html && strstr(html, "Map of the image embeddings") && strstr(html, tiny_path("model")));
    CHECK(html && strcmp(html + strlen(html) - 8, "</html>\n") == 0);
    CHECK_EQ(mien_result_write(r, tiny_path("r.json")), MIEN_OK);
    CHECK_EQ(mien_result_read(tiny_path("r.json"), &again), MIEN_OK);
    CHECK(again && r && strcmp(mien_result_json(again), mien_result_json(r)) == 0);
    CHECK(again && r && strcmp(mien_result_summary(again), mien_result_summary(r)) == 0);
    CHECK_EQ(mien_page_create("My <faces>", &other), MIEN_OK);
    CHECK_EQ(mien_page_add_result(other, again), MIEN_OK);
    CHECK(html && strcmp(html, mien_page_html(other)) == 0);
    mien_page_destroy(&other);
    mien_page_destroy(&page);
    mien_result_destroy(&again);
    mien_result_destroy(&r);
    CHECK(!page && !r);
}

static void test_texts(void)
{
    const char *const bad[] = {"a face"};
    float embeds[30], scores[3], raw[10], unit[10];
    double sum = 0, norm = 0;
    int32_t ids[24];
    size_t count;
    const char *text = "a face of joy";
    capture_start();
    CHECK_EQ(mien_model_embed_labels(model, labels, 3, bad, 1, embeds), MIEN_ERR_ARG);
    CHECK(captured_once("has no {}"));
    CHECK_EQ(mien_model_embed_labels(model, labels, 3, NULL, 0, embeds), MIEN_OK);
    mien_model_scores(model, embeds + 10, embeds, 3, scores);
    for (int i = 0; i < 3; i++)
        sum += (double)scores[i];
    CHECK_NEAR(sum, 1, 1e-6);
    CHECK(scores[1] > scores[0] && scores[1] > scores[2]); /* a label is most like itself */
    CHECK_EQ(mien_model_embed_texts(model, &text, 1, MIEN_RAW, raw), MIEN_OK);
    CHECK_EQ(mien_model_embed_texts(model, &text, 1, 0, unit), MIEN_OK);
    for (int k = 0; k < 10; k++)
        norm += (double)raw[k] * (double)raw[k];
    for (int k = 0; k < 10; k++)
        CHECK_NEAR(unit[k], (double)raw[k] / sqrt(norm), 1e-6);
    CHECK_EQ(mien_model_tokenize(model, text, ids, 24, &count), MIEN_OK);
    CHECK(count >= 6 && count <= 24);
    CHECK_EQ(mien_model_tokenize(model, text, ids, 2, &count), MIEN_ERR_ARG);
    CHECK_EQ(count, 0);
}

static void test_missing(void)
{
    struct mien_model *none = NULL;
    const char *file = tiny_path("nothing.png");
    float embed[10];
    capture_start();
    CHECK_EQ(mien_model_open(gpu, tiny_path("nowhere"), NULL, &none), MIEN_ERR_DATA);
    CHECK(none == NULL && captured_once("nowhere"));
    capture_start();
    CHECK_EQ(embed_file(model, file, 0, embed), MIEN_ERR_DATA);
    CHECK(captured_once("nothing.png"));
}

int main(void)
{
    capture_start();
    if (mien_gpu_create(NULL, &gpu) != MIEN_OK)
        CHECK_SKIP("no Vulkan device: %s", captured);
    if (!tiny_make())
        CHECK_SKIP("no temporary directory");
    CHECK(tiny_model_make(gpu));
    CHECK_EQ(mien_model_open(gpu, tiny_path("model"), NULL, &model), MIEN_OK);
    if (model) {
        test_protocol();
        test_mistakes();
        test_timelines();
        test_splits();
        test_rows_without_split();
        test_given();
        test_options();
        test_page();
        test_texts();
        test_missing();
    }
    mien_model_destroy(&model);
    mien_gpu_destroy(&gpu);
    tiny_remove();
    return check_result();
}
