/* Action units on an untrained model: by sentence and by probe, against the same worked out here. */
#include "check.h"

#include "eval/raw.h"

#include "eval/probe.h"
#include "eval/units.h"

enum { UNITS = 5 };
/* Of unit 77 there is no sentence, and no test row has unit 9. */
static const char *const names[UNITS] = {"AU2", "AU9", "AU12", "AU25", "AU77"};
static double threshold;

/* Intensities from 0 to 5; picture 18 is at rest: "au" is empty. */
static int value_of(int i, int unit)
{
    if (i == 18)
        return 0;
    switch (unit) {
    case 0:
        return i % 3 * 2;
    case 1:
        return i < 8 ? i % 2 : 0;
    case 2:
        return i * 7 % 5;
    case 3:
        return i % 4 == 1 ? 5 : 0;
    default:
        return i % 2;
    }
}

/* Units in another order, zeros left out or not. */
static const char *by_split(int i, char *b, size_t size)
{
    int at = snprintf(b, size, i == 18 ? "\"au\":{" : "\"au\":{\"AU77\":%d", value_of(i, 4));
    for (int u = 3; u >= 0; u--)
        if (value_of(i, u) || i % 2)
            at += snprintf(b + at, size - (size_t)at, ",\"%s\":%d", names[u], value_of(i, u));
    snprintf(b + at, size - (size_t)at, "},\"split\":\"%s\"", i < 12 ? "train" : "test");
    return b;
}

static const char *no_split(int i, char *b, size_t size)
{
    by_split(i, b, size);
    *strstr(b, ",\"split\"") = 0;
    return b;
}

static bool has(int i, int unit)
{
    return value_of(i, unit) >= threshold;
}

/* F1 over rows from `first` on; NaN where none has the unit. */
static double f1_of(const bool *said, int first, int unit)
{
    double tp = 0, fp = 0, fn = 0;
    for (int i = first; i < TINY_IMAGES; i++) {
        tp += said[i] && has(i, unit);
        fp += said[i] && !has(i, unit);
        fn += !said[i] && has(i, unit);
    }
    return tp + fn > 0 ? 2 * tp / (2 * tp + fp + fn) : (double)NAN;
}

static void check_units(const struct mien_result *r, const double *expected)
{
    double mean = 0;
    int n = 0;
    CHECK_EQ(mien_result_count(r, "units"), UNITS);
    for (int u = 0; u < UNITS; u++) {
        char place[32];
        snprintf(place, sizeof(place), "units.%d", u);
        CHECK_STR(look_text(r, place), names[u]); /* by number, not by letter */
        snprintf(place, sizeof(place), "f1.%d", u);
        if (isnan(expected[u]))
            CHECK(isnan(look(r, place)));
        else
            CHECK_NEAR(look(r, place), expected[u], 1e-12);
        mean += isnan(expected[u]) ? 0 : expected[u];
        n += !isnan(expected[u]);
    }
    CHECK_NEAR(look(r, "f1_mean"), mean / n, 1e-12);
    CHECK(look(r, "f1_mean_interval.0") <= mean / n && look(r, "f1_mean_interval.1") >= mean / n);
}

/* Likeness to the sentence that the unit is there, less that to the other. */
static double score_of(int i, int unit)
{
    const struct eval_unit *known = eval_unit_find(names[unit]);
    const char *const texts[] = {known->present, known->absent};
    float embeds[2][RAW_WIDTH];
    double sum = 0, norm = 0;
    CHECK_EQ(mien_model_embed_texts(model, texts, 2, 0, embeds[0]), MIEN_OK);
    for (int k = 0; k < RAW_WIDTH; k++) {
        norm += (double)raw[i][k] * (double)raw[i][k];
        sum += (double)raw[i][k] * ((double)embeds[0][k] - (double)embeds[1][k]);
    }
    return sum / sqrt(norm);
}

static void test_sentence(void)
{
    struct mien_eval_params params = {.size = sizeof params, .task = "au", .manifest = "n.jsonl"};
    struct mien_result *r = NULL;
    bool said[TINY_IMAGES];
    double expected[UNITS] = {0};
    threshold = 0.5;
    CHECK(raw_manifest("n.jsonl", no_split));
    CHECK(raw_manifest("u.jsonl", by_split));
    expected[4] = (double)NAN;
    for (int u = 0; u < 4; u++) {
        for (int i = 0; i < TINY_IMAGES; i++)
            said[i] = score_of(i, u) > 0;
        expected[u] = f1_of(said, 0, u);
    }
    capture_start();
    CHECK_EQ(mien_eval(model, &params, &r), MIEN_OK); /* nothing to fit to */
    CHECK(strstr(captured, "no sentence for \"AU77\""));
    check_units(r, expected);
    CHECK(strcmp(look_text(r, "by"), "sentence") == 0 && look(r, "n") == TINY_IMAGES && look(r, "positives.4") == 12);
    CHECK(r && strstr(mien_result_summary(r), "not in the mean"));
    CHECK(raw_round_trip(r, "Action units"));
    mien_result_destroy(&r);

    params.manifest = "u.jsonl";
    params.by = "sentence";
    params.threshold = threshold = 2;
    for (int u = 0; u < 4; u++) { /* the cut with the best F1 on the train split, over all places between scores */
        double best = -1, cut = 0, scores[TINY_IMAGES];
        int positives = 0;
        for (int i = 0; i < TINY_IMAGES; i++)
            scores[i] = score_of(i, u);
        for (int i = 0; i < 12; i++)
            positives += has(i, u);
        for (int c = 0; c < 12 && positives; c++) {
            double tp = 0, fp = 0, below = -(double)INFINITY;
            for (int i = 0; i < 12; i++) {
                tp += scores[i] >= scores[c] && has(i, u);
                fp += scores[i] >= scores[c] && !has(i, u);
                below = scores[i] < scores[c] ? fmax(below, scores[i]) : below;
            }
            double f1 = 2 * tp / (tp + fp + positives), at = (below + scores[c]) / 2;
            if (f1 > best || (f1 == best && at < cut)) {
                best = f1;
                cut = at;
            }
        }
        for (int i = 0; i < TINY_IMAGES; i++)
            said[i] = scores[i] > cut;
        expected[u] = f1_of(said, 12, u);
    }
    CHECK_EQ(mien_eval(model, &params, &r), MIEN_OK);
    check_units(r, expected);
    CHECK(isnan(expected[1]) && look(r, "n") == 12 && look(r, "threshold") == 2);
    mien_result_destroy(&r);
}

static void test_probe(void)
{
    struct mien_eval_params params = {.size = sizeof params, .task = "au", .manifest = "u.jsonl"};
    struct mien_result *r = NULL;
    double expected[UNITS];
    threshold = 0.5;
    for (int u = 0; u < UNITS; u++) {
        int32_t truth[TINY_IMAGES];
        uint32_t rows[12];
        double c, w[2 * (RAW_WIDTH + 1)];
        bool said[TINY_IMAGES];
        for (int i = 0; i < TINY_IMAGES; i++)
            truth[i] = has(i, u);
        for (uint32_t i = 0; i < 12; i++)
            rows[i] = i;
        const struct eval_samples s = {
            .x = raw[0], .rows = rows, .truth = truth, .count = 12, .width = RAW_WIDTH, .classes = 2};
        CHECK_EQ(eval_logistic_sweep(&s, &c, w), MIEN_OK);
        for (int i = 0; i < TINY_IMAGES; i++)
            said[i] = eval_logistic_class(w, 2, RAW_WIDTH, raw[i]) == 1;
        expected[u] = f1_of(said, 12, u);
    }
    CHECK_EQ(mien_eval(model, &params, &r), MIEN_OK);
    check_units(r, expected);
    CHECK(strcmp(look_text(r, "by"), "probe") == 0 && isfinite(expected[4]) && isnan(expected[1]));
    mien_result_destroy(&r);
    params.manifest = "n.jsonl";
    params.by = "probe";
    capture_start();
    CHECK_EQ(mien_eval(model, &params, &r), MIEN_ERR_DATA);
    CHECK(captured_once("no rows to test on") && !r);
}

static void test_refused(void)
{
    struct mien_eval_params params = {.size = sizeof params, .task = "au", .manifest = "u.jsonl", .by = "magic"};
    struct mien_result *r = NULL;
    capture_start();
    CHECK_EQ(mien_eval_check(&params), MIEN_ERR_ARG);
    CHECK(captured_once("sentence, probe"));
    params.by = NULL;
    params.threshold = -1;
    CHECK_EQ(mien_eval_check(&params), MIEN_ERR_ARG);
    params.threshold = 0;
    params.manifest = "t.jsonl";
    capture_start();
    CHECK_EQ(mien_eval(model, &params, &r), MIEN_ERR_DATA);
    CHECK(captured_once("action units") && !r);
}

static void test_names(void)
{
    CHECK(eval_unit_number("AU12") == 12 && eval_unit_number("au06") == 6 && eval_unit_number("4") == 4);
    CHECK(eval_unit_number("AU12L") == 0 && eval_unit_number("smile") == 0 && eval_unit_number("AU") == 0);
    CHECK(eval_unit_find("AU12") && eval_unit_find("12") == eval_unit_find("au12") && !eval_unit_find("AU77"));
    for (uint32_t i = 0; i < 99; i++) { /* no unit's two sentences are one */
        char name[16];
        snprintf(name, sizeof(name), "AU%u", i);
        const struct eval_unit *unit = eval_unit_find(name);
        CHECK(!unit || (unit->number == i && strcmp(unit->present, unit->absent) != 0));
    }
}

int main(void)
{
    test_names();
    if (!raw_begin())
        CHECK_SKIP("no Vulkan device or no temporary directory: %s", captured);
    test_sentence();
    if (eval_logistic_available())
        test_probe();
    else
        fprintf(stderr, "skipped: by probe (built without liblbfgs)\n");
    test_refused();
    raw_end();
    return check_result();
}
