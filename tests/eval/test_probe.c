/* Logistic and ridge regression against scikit-learn's on committed features; F1 and spreads by hand. */
#include "check.h"

#include "eval/folds.h"
#include "eval/probe.h"
#include "eval/golden.h"

#include <stdlib.h>

enum { ROWS = 280, WIDTH = 8, CLASSES = 4, WEIGHTS = CLASSES * (WIDTH + 1) };
static float x[ROWS * WIDTH];
static double values[ROWS * 2];
static int32_t truth[ROWS], first[ROWS]; /* first: 1 where the class is 0 */
static uint32_t order[ROWS];
static size_t train;

static void read_data(void)
{
    static double list[ROWS * WIDTH];
    CHECK_EQ(flatten(member(golden, "x"), list), ROWS * WIDTH);
    for (size_t i = 0; i < ROWS * WIDTH; i++)
        x[i] = (float)list[i];
    CHECK_EQ(flatten(member(golden, "truth"), list), ROWS);
    for (size_t i = 0; i < ROWS; i++) {
        truth[i] = (int32_t)list[i];
        first[i] = truth[i] == 0;
        order[i] = (uint32_t)i;
    }
    CHECK_EQ(flatten(member(member(golden, "ridge"), "values"), list), ROWS * 2);
    for (size_t i = 0; i < ROWS * 2; i++)
        values[i] = list[i];
    train = (size_t)number(member(golden, "train"));
}

static struct eval_samples samples_of(const int32_t *classes, uint32_t class_count, const uint32_t *rows, size_t count)
{
    return (struct eval_samples){
        .x = x, .rows = rows, .truth = classes, .count = count, .width = WIDTH, .classes = class_count};
}

/* The objective as probe.h states it, in long double. */
static double objective(const struct eval_samples *s, double c, const double *w)
{
    long double sum = 0;
    for (uint32_t k = 0; k < s->classes; k++)
        for (uint32_t j = 0; j < WIDTH; j++)
            sum += (long double)w[k * (WIDTH + 1) + j] * w[k * (WIDTH + 1) + j] / 2;
    for (size_t i = 0; i < s->count; i++) {
        long double total = 0, own = 0;
        for (uint32_t k = 0; k < s->classes; k++) {
            long double z = w[k * (WIDTH + 1) + WIDTH];
            for (uint32_t j = 0; j < WIDTH; j++)
                z += (long double)w[k * (WIDTH + 1) + j] * s->x[s->rows[i] * WIDTH + j];
            total += expl(z);
            own = (int32_t)k == s->truth[s->rows[i]] ? z : own;
        }
        sum += c * (logl(total) - own);
    }
    return (double)sum;
}

/* What is predicted of the tested rows: the accuracy is within half a point of scikit-learn's. */
static void check_predicted(const double *w, const int32_t *classes, uint32_t class_count, const cJSON *predicted)
{
    double said[ROWS];
    int right = 0, theirs = 0, same = 0, n = (int)flatten(predicted, said);
    CHECK_EQ(n, ROWS - (int)train);
    for (int i = 0; i < n; i++) {
        int32_t ours = (int32_t)eval_logistic_class(w, class_count, WIDTH, x + (train + (size_t)i) * WIDTH);
        right += ours == classes[train + (size_t)i];
        theirs += (int32_t)said[i] == classes[train + (size_t)i];
        same += ours == (int32_t)said[i];
    }
    CHECK(abs(right - theirs) <= 0.005 * n);
    CHECK(same >= n - 1);
}

/* Weights up to what a constant added to all classes' intercepts changes: nothing, so they are centred. */
static void check_weights(const double *ours, const cJSON *list, uint32_t class_count, double tolerance)
{
    double theirs[WEIGHTS], mean[2] = {0};
    CHECK_EQ(flatten(list, theirs), class_count * (WIDTH + 1));
    for (uint32_t k = 0; k < class_count; k++) {
        mean[0] += ours[k * (WIDTH + 1) + WIDTH] / class_count;
        mean[1] += theirs[k * (WIDTH + 1) + WIDTH] / class_count;
    }
    for (uint32_t i = 0; i < class_count * (WIDTH + 1); i++) {
        bool intercept = i % (WIDTH + 1) == WIDTH;
        CHECK_NEAR(ours[i] - (intercept ? mean[0] : 0), theirs[i] - (intercept ? mean[1] : 0), tolerance);
    }
}

static void check_fit(const struct eval_samples *s, double c, const cJSON *entry)
{
    double w[WEIGHTS] = {0};
    CHECK_EQ(eval_logistic_fit(s, c, w), MIEN_OK);
    double found = objective(s, c, w), theirs = number(member(entry, "objective"));
    CHECK_NEAR(found, theirs, 1e-7 * theirs);
    check_weights(w, member(entry, "weights"), s->classes, 2e-3);
    check_predicted(w, s->truth, s->classes, member(entry, "predicted"));
}

static void test_logistic(void)
{
    const struct eval_samples all = samples_of(truth, CLASSES, order, train), two = samples_of(first, 2, order, train);
    const cJSON *entry;
    int n = 0;
    cJSON_ArrayForEach(entry, member(golden, "logistic"))
    {
        check_fit(&all, number(member(entry, "c")), entry);
        n++;
    }
    CHECK_EQ(n, 3);
    check_fit(&two, 1, member(golden, "binary"));
}

static void test_few(void)
{
    const cJSON *entry;
    int n = 0;
    cJSON_ArrayForEach(entry, member(golden, "few"))
    {
        double list[ROWS];
        uint32_t rows[ROWS];
        size_t count = flatten(member(entry, "rows"), list);
        for (size_t i = 0; i < count; i++)
            rows[i] = (uint32_t)list[i];
        const struct eval_samples few = samples_of(truth, CLASSES, rows, count);
        check_fit(&few, 1, entry);
        n++;
    }
    CHECK_EQ(n, 3);
}

static void test_sweep(void)
{
    const struct eval_samples all = samples_of(truth, CLASSES, order, train);
    const cJSON *entry = member(golden, "sweep");
    double c = 0, w[WEIGHTS];
    CHECK_EQ(eval_logistic_sweep(&all, &c, w), MIEN_OK);
    CHECK_NEAR(c, number(member(entry, "c")), 1e-12);
    check_predicted(w, truth, CLASSES, member(entry, "predicted"));
}

/* A class without samples, and one of a single one, do not stop a fit or the choice of C; the empty one is said of
 * nobody. */
static void test_rare_classes(void)
{
    static int32_t rare[ROWS];
    double c = 0, w[(CLASSES + 2) * (WIDTH + 1)];
    memcpy(rare, truth, sizeof(rare));
    rare[3] = CLASSES + 1;
    const struct eval_samples s = samples_of(rare, CLASSES + 2, order, train);
    CHECK_EQ(eval_logistic_sweep(&s, &c, w), MIEN_OK);
    CHECK(c > 1e-3 && c < 1e3);
    int right = 0;
    for (size_t i = 0; i < ROWS; i++) {
        uint32_t said = eval_logistic_class(w, CLASSES + 2, WIDTH, x + i * WIDTH);
        CHECK(said != CLASSES);
        right += said == (uint32_t)rare[i];
    }
    CHECK(right > 0.65 * ROWS);
}

static void test_ridge(void)
{
    const cJSON *entry = member(golden, "ridge");
    double strength = 0, w[2 * (WIDTH + 1)], theirs[2 * (WIDTH + 1)];
    const struct eval_samples s = {
        .x = x, .rows = order, .value = values, .count = train, .width = WIDTH, .classes = 2};
    CHECK_EQ(eval_ridge_sweep(&s, &strength, w), MIEN_OK);
    CHECK_NEAR(strength, number(member(entry, "strength")), 1e-15);
    CHECK_EQ(flatten(member(entry, "weights"), theirs), 2 * (WIDTH + 1));
    for (int i = 0; i < 2 * (WIDTH + 1); i++)
        CHECK_NEAR(w[i], theirs[i], 1e-6);
}

static void test_spread(void)
{
    const double values_of[] = {1, (double)NAN, 2, 6};
    struct eval_spread s = eval_spread_of(values_of, 4), one = eval_spread_of(values_of, 2),
                       none = eval_spread_of(values_of + 1, 1);
    CHECK_NEAR(s.mean, 3, 1e-15);
    CHECK_NEAR(s.deviation, sqrt(7), 1e-15);
    CHECK(one.mean == 1 && isnan(one.deviation) && isnan(none.mean));
}

int main(void)
{
    if (!golden_read())
        return 1;
    read_data();
    if (eval_logistic_available()) {
        test_logistic();
        test_few();
        test_sweep();
        test_rare_classes();
    } else {
        double c, w[WEIGHTS] = {0};
        const struct eval_samples all = samples_of(truth, CLASSES, order, train);
        mien_log_set(NULL, NULL, MIEN_LOG_SILENT);
        CHECK_EQ(eval_logistic_sweep(&all, &c, w), MIEN_ERR_FAILED);
        fprintf(stderr, "skipped: logistic regression (built without liblbfgs)\n");
    }
    test_ridge();
    test_spread();
    cJSON_Delete(golden);
    return check_result();
}
