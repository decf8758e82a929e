/* Regression on an untrained model: what is predicted by ridge regression (test_probe.c holds that against
 * scikit-learn's) or by the head, worked out here, and every score by its definition. */
#include "check.h"

#include "eval/raw.h"

#include "eval/probe.h"
#include "use/use.h"

/* Targets a and b of picture i; "flat" is the same everywhere. */
static double target_of(int i, int target)
{
    return target == 0 ? 0.5 * (i % 3) + 0.1 * (i * 7 % 5) : target == 1 ? 100 + i : 3;
}

static const char *by_split(int i, char *b, size_t size)
{
    snprintf(b, size, "\"targets\":{\"a\":%.17g,\"b\":%.17g,\"flat\":3},\"split\":\"%s\"", target_of(i, 0),
             target_of(i, 1), i < 16 ? "train" : "test");
    return b;
}

/* Of picture 20 "b" is not known. Subjects of three rows, which are not neighbours. */
static const char *by_subject(int i, char *b, size_t size)
{
    int at = snprintf(b, size, "\"targets\":{\"a\":%.17g", target_of(i, 0));
    if (i != 20)
        at += snprintf(b + at, size - (size_t)at, ",\"b\":%.17g", target_of(i, 1));
    snprintf(b + at, size - (size_t)at, "},\"subject\":\"s%d\",\"fold\":%d", i % 8, 1 + i % 8 % 2);
    return b;
}

/* Predictions of rows where test[i] == fold, by ridge regression of the others that have all targets. */
static void predict(const int *test, int fold, int targets, double said[][3])
{
    static double values[TINY_IMAGES * 3];
    uint32_t rows[TINY_IMAGES];
    size_t n = 0;
    double strength, w[3 * (RAW_WIDTH + 1)];
    for (int i = 0; i < TINY_IMAGES; i++) {
        for (int k = 0; k < targets; k++)
            values[i * targets + k] = target_of(i, k);
        if (test[i] != fold && (targets == 3 || i != 20))
            rows[n++] = (uint32_t)i;
    }
    const struct eval_samples s = {
        .x = raw[0], .rows = rows, .value = values, .count = n, .width = RAW_WIDTH, .classes = (uint32_t)targets};
    CHECK_EQ(eval_ridge_sweep(&s, &strength, w), MIEN_OK);
    for (int i = 0; i < TINY_IMAGES; i++)
        for (int k = 0; k < targets && test[i] == fold; k++)
            said[i][k] = eval_linear(w, (uint32_t)k, RAW_WIDTH, raw[i]);
}

enum { PCC, CCC, MAE, RMSE };

/* The scores of n pairs by their textbook formulas; epsilon as EmoCLIP adds it. */
static void measure(const double *a, const double *b, int n, double epsilon, double out[4])
{
    double ma = 0, mb = 0, va = 0, vb = 0, ab = 0;
    out[MAE] = out[RMSE] = 0;
    for (int i = 0; i < n; i++) {
        ma += a[i] / n;
        mb += b[i] / n;
    }
    for (int i = 0; i < n; i++) {
        va += (a[i] - ma) * (a[i] - ma) / n;
        vb += (b[i] - mb) * (b[i] - mb) / n;
        ab += (a[i] - ma) * (b[i] - mb) / n;
        out[MAE] += fabs(a[i] - b[i]) / n;
        out[RMSE] += (a[i] - b[i]) * (a[i] - b[i]) / n;
    }
    out[RMSE] = sqrt(out[RMSE]);
    out[PCC] = n * ab / (n * sqrt(va * vb) + epsilon);
    out[CCC] = 2 * (epsilon > 0 ? out[PCC] * sqrt(va * vb) : ab) / (va + vb + (ma - mb) * (ma - mb) + epsilon);
}

static void check_target(const struct mien_result *r, int target, const double expected[4])
{
    static const char *const keys[] = {"pcc", "ccc", "mae", "rmse"};
    for (int m = 0; m < 4; m++) {
        char place[32];
        snprintf(place, sizeof(place), "%s.%d", keys[m], target);
        CHECK_NEAR(look(r, place), expected[m], 1e-6);
    }
}

static void test_split(void)
{
    struct mien_eval_params params = {.size = sizeof params, .task = "regression", .manifest = "r.jsonl"};
    struct mien_result *r = NULL, *again = NULL;
    int test[TINY_IMAGES];
    double said[TINY_IMAGES][3], a[8], b[8], expected[4], mean = 0;
    CHECK(raw_manifest("r.jsonl", by_split));
    for (int i = 0; i < TINY_IMAGES; i++)
        test[i] = i >= 16;
    predict(test, 1, 3, said);
    CHECK_EQ(mien_eval(model, &params, &r), MIEN_OK);
    CHECK(look(r, "n") == 8 && strcmp(look_text(r, "by"), "ridge") == 0 && mien_result_count(r, "targets") == 3);
    for (int k = 0; k < 2; k++) {
        for (int i = 16; i < TINY_IMAGES; i++) {
            a[i - 16] = said[i][k];
            b[i - 16] = target_of(i, k);
        }
        measure(a, b, 8, 0, expected);
        check_target(r, k, expected);
        mean += expected[PCC] / 2;
    }
    /* a constant: no correlation, a concordance of 0, and errors as they are; not in the mean */
    CHECK(isnan(look(r, "pcc.2")) && strstr(mien_result_json(r), ",null],\"pcc_interval\""));
    CHECK(look(r, "ccc.2") == 0 && look(r, "mae.2") < 1e-4);
    CHECK_NEAR(look(r, "pcc_mean"), mean, 1e-9);
    CHECK(look(r, "pcc_interval.0.0") < look(r, "pcc.0") && look(r, "pcc_interval.0.1") > look(r, "pcc.0"));
    CHECK(look(r, "ccc_interval.1.0") < look(r, "ccc.1") && look(r, "ccc_interval.1.1") > look(r, "ccc.1"));
    CHECK(isnan(look(r, "pcc_interval.2.0")) && look(r, "ccc_interval.2.1") == 0);
    CHECK(raw_round_trip(r, "<h2>Regression"));
    CHECK_EQ(mien_eval(model, &params, &again), MIEN_OK);
    CHECK(r && again && strcmp(mien_result_json(r), mien_result_json(again)) == 0);
    mien_result_destroy(&again);
    params.seed = 1;
    CHECK_EQ(mien_eval(model, &params, &again), MIEN_OK);
    CHECK(look(r, "pcc.0") == look(again, "pcc.0") && look(r, "pcc_interval.0.0") != look(again, "pcc_interval.0.0"));
    mien_result_destroy(&again);
    mien_result_destroy(&r);
    params.emoclip = true;
    CHECK_EQ(mien_eval(model, &params, &r), MIEN_OK);
    measure(a, b, 8, 1e-5, expected);
    check_target(r, 1, expected);
    CHECK(look(r, "pcc.2") == 0);
    mien_result_destroy(&r);
}

/* Each fold apart, or all subjects together; of sessions the means over a subject's rows. */
static void test_folds(void)
{
    struct mien_eval_params params = {.size = sizeof params, .task = "regression", .manifest = "s.jsonl"};
    struct mien_result *r = NULL;
    int test[TINY_IMAGES];
    double said[TINY_IMAGES][3], a[TINY_IMAGES], b[TINY_IMAGES], of_fold[2][4], expected[4];
    CHECK(raw_manifest("s.jsonl", by_subject));
    for (int i = 0; i < TINY_IMAGES; i++)
        test[i] = i % 8 % 2;
    for (int f = 0; f < 2; f++) {
        int n = 0;
        predict(test, f, 2, said);
        for (int i = 0; i < TINY_IMAGES; i++) {
            if (test[i] != f || i == 20)
                continue;
            a[n] = said[i][1];
            b[n++] = target_of(i, 1);
        }
        measure(a, b, n, 0, of_fold[f]);
    }
    for (int m = 0; m < 4; m++)
        expected[m] = (of_fold[0][m] + of_fold[1][m]) / 2;
    CHECK_EQ(mien_eval(model, &params, &r), MIEN_OK);
    check_target(r, 1, expected);
    CHECK(look(r, "n") == TINY_IMAGES && look(r, "fold_count") == 2 && isfinite(look(r, "mae_deviation")));
    mien_result_destroy(&r);

    params.folds = "subject";
    params.sessions = true;
    for (int i = 0; i < TINY_IMAGES; i++)
        test[i] = i % 8;
    for (int s = 0; s < 8; s++) {
        int n = 0;
        predict(test, s, 2, said);
        a[s] = b[s] = 0;
        for (int i = s; i < TINY_IMAGES; i += 8) {
            if (i == 20)
                continue;
            a[s] += said[i][1];
            b[s] += target_of(i, 1);
            n++;
        }
        a[s] /= n;
        b[s] /= n;
    }
    measure(a, b, 8, 0, expected);
    CHECK_EQ(mien_eval(model, &params, &r), MIEN_OK);
    check_target(r, 1, expected);
    CHECK(look(r, "n") == 8 && strcmp(look_text(r, "unit"), "subject") == 0 && look(r, "fold_count") == 8);
    CHECK(look(r, "ccc_interval.1.0") <= expected[CCC] && look(r, "ccc_interval.1.1") >= expected[CCC]);
    mien_result_destroy(&r);
}

/* ---- by the head ---- */

static const char *untrained(int i, char *b, size_t size)
{
    snprintf(b, size, "\"targets\":{\"a\":%.17g},\"va\":[0.1,%.17g]%s", target_of(i, 0), 0.01 * i,
             i < 12 ? "" : ",\"split\":\"test\"");
    return b;
}

static bool read_tensor(struct mien_model *of, const char *name, float *out)
{
    return nn_model_values(of->nn, &of->nn->params[nn_param_find(of->nn, name)], out) == MIEN_OK;
}

/* What a head of four says of picture i. */
static double head_of(const float *w0, const float *b0, const float *w2, const float *b2, int i, int target)
{
    double y = (double)b2[target];
    for (int h = 0; h < 4; h++) {
        double inner = (double)b0[h];
        for (int k = 0; k < RAW_WIDTH; k++)
            inner += (double)w0[h * RAW_WIDTH + k] * (double)raw[i][k];
        y += inner > 0 ? (double)w2[target * 4 + h] * inner : 0;
    }
    return target == 0 ? y * 2 + 10 : y * 0.5 - 1;
}

/* Nothing is fitted: no train split is needed, and any split may be asked for. */
static void test_head(void)
{
    const struct io_head_config head = {IO_HEAD_REGRESSION, 4, 2, {"a", "arousal"}, {10, -1}, {2, 0.5}};
    struct mien_eval_params params = {.size = sizeof params, .task = "regression", .manifest = "h.jsonl"};
    static const char *const splits[] = {NULL, "train", "all"};
    static const int first[] = {12, 0, 0}, last[] = {TINY_IMAGES, 12, TINY_IMAGES};
    struct mien_model *headed = NULL;
    struct mien_result *r = NULL;
    float w0[4 * RAW_WIDTH], b0[4], w2[8], b2[2];
    CHECK(tiny_model_make_headed(gpu, "headed", &head));
    CHECK_EQ(mien_model_open(gpu, tiny_path("headed"), NULL, &headed), MIEN_OK);
    CHECK(raw_manifest("h.jsonl", untrained));
    if (!headed)
        return;
    CHECK(read_tensor(headed, "head.0.weight", w0) && read_tensor(headed, "head.0.bias", b0) &&
          read_tensor(headed, "head.2.weight", w2) && read_tensor(headed, "head.2.bias", b2));
    for (int s = 0; s < 3; s++) {
        double a[TINY_IMAGES], b[TINY_IMAGES], expected[4];
        params.split = splits[s];
        CHECK_EQ(mien_eval(headed, &params, &r), MIEN_OK);
        for (int k = 0; k < 2; k++) {
            int n = 0;
            for (int i = first[s]; i < last[s]; i++) {
                a[n] = head_of(w0, b0, w2, b2, i, k);
                b[n++] = k ? 0.01 * i : target_of(i, 0);
            }
            measure(a, b, n, 0, expected);
            check_target(r, k, expected);
        }
        CHECK(look(r, "n") == last[s] - first[s] && strcmp(look_text(r, "by"), "head") == 0);
        mien_result_destroy(&r);
    }
    params.split = NULL;
    params.folds = "split"; /* asked for: what features hold, not what the head says */
    CHECK_EQ(mien_eval(headed, &params, &r), MIEN_OK);
    CHECK_STR(look_text(r, "by"), "ridge");
    mien_result_destroy(&r);
    mien_model_destroy(&headed);
}

int main(void)
{
    if (!raw_begin())
        CHECK_SKIP("no Vulkan device or no temporary directory: %s", captured);
    test_split();
    test_folds();
    test_head();
    raw_end();
    return check_result();
}
