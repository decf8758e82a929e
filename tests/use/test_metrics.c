/* Scores against values worked out by hand. */
#include "check.h"

#include "eval/golden.h"
#include "use/metrics.h"

static void fill(struct use_confusion *c, const uint64_t *counts)
{
    for (uint32_t t = 0; t < c->classes; t++)
        for (uint32_t p = 0; p < c->classes; p++)
            for (uint64_t i = 0; i < counts[t * c->classes + p]; i++)
                use_confusion_add(c, t, p);
}

static void test_unbalanced(void)
{
    /* recalls 8/10, 1/2, 0/1: WAR 9/13, UAR (0.8 + 0.5 + 0)/3 */
    const uint64_t counts[] = {8, 2, 0, 1, 1, 0, 0, 1, 0};
    struct use_confusion c;
    CHECK_EQ(use_confusion_create(3, &c), MIEN_OK);
    fill(&c, counts);
    CHECK_EQ(use_confusion_total(&c), 13);
    CHECK_EQ(use_confusion_support(&c, 0), 10);
    CHECK_NEAR(use_recall(&c, 1), 0.5, 0);
    CHECK_NEAR(use_war(&c), 9.0 / 13, 1e-15);
    CHECK_NEAR(use_uar(&c), 1.3 / 3, 1e-15);
    use_confusion_destroy(&c);
}

/* A class without samples does not enter the mean, even when it is predicted. */
static void test_absent_class(void)
{
    const uint64_t counts[] = {1, 0, 1, 0, 0, 0, 0, 0, 4};
    struct use_confusion c;
    CHECK_EQ(use_confusion_create(3, &c), MIEN_OK);
    fill(&c, counts);
    CHECK(isnan(use_recall(&c, 1)));
    CHECK_NEAR(use_uar(&c), 0.75, 0);
    CHECK_NEAR(use_war(&c), 5.0 / 6, 1e-15);
    use_confusion_destroy(&c);
}

static void test_empty(void)
{
    struct use_confusion c;
    CHECK_EQ(use_confusion_create(2, &c), MIEN_OK);
    CHECK(isnan(use_war(&c)));
    CHECK(isnan(use_uar(&c)));
    use_confusion_destroy(&c);
}

/* Two right answers of three groups; ties count half; NaN is never a rank. */
static void test_rank(void)
{
    const uint32_t group[] = {0, 1, 0, 2};
    double scores[] = {0.1, 0.5, 0.3, 0.3}, rank = 0;
    CHECK_EQ(use_rank(scores, group, 4, 0, &rank), MIEN_OK);
    CHECK_NEAR(rank, 2.5, 0);
    for (int i = 0; i < 4; i++) {
        double was = scores[i];
        rank = -1;
        scores[i] = i % 2 ? (double)NAN : (double)INFINITY;
        CHECK_EQ(use_rank(scores, group, 4, 0, &rank), MIEN_ERR_FAILED);
        CHECK_NEAR(rank, -1, 0);
        scores[i] = was;
    }
}

/* Against scikit-learn, SciPy and numpy (tests/golden/probes_reference.py): absent classes. */
static void test_recall(void)
{
    const cJSON *entry;
    int n = 0;
    cJSON_ArrayForEach(entry, member(golden, "recall"))
    {
        struct use_confusion c;
        double truth[16], said[16];
        size_t count = flatten(member(entry, "truth"), truth);
        CHECK_EQ(flatten(member(entry, "predicted"), said), count);
        CHECK_EQ(use_confusion_create(3, &c), MIEN_OK);
        for (size_t i = 0; i < count; i++)
            use_confusion_add(&c, (uint32_t)truth[i], (uint32_t)said[i]);
        CHECK_NEAR(use_war(&c), number(member(entry, "war")), 1e-9);
        CHECK_NEAR(use_uar(&c), number(member(entry, "uar")), 1e-9);
        use_confusion_destroy(&c);
        n++;
    }
    CHECK_EQ(n, 3);
}

static void test_f1(void)
{
    const cJSON *entry;
    int count = 0;
    cJSON_ArrayForEach(entry, member(golden, "f1"))
    {
        double truth[16], said[16], tp = 0, fp = 0, fn = 0;
        size_t n = flatten(member(entry, "truth"), truth);
        CHECK_EQ(flatten(member(entry, "predicted"), said), n);
        for (size_t i = 0; i < n; i++) {
            tp += said[i] == 1 && truth[i] == 1;
            fp += said[i] == 1 && truth[i] == 0;
            fn += said[i] == 0 && truth[i] == 1;
        }
        CHECK_NEAR(use_f1(tp, fp, fn), number(member(entry, "f1")), 1e-9);
        count++;
    }
    CHECK(count == 3 && isnan(use_f1(0, 4, 0)));
}

static void check_number(double ours, const cJSON *theirs)
{
    if (cJSON_IsNull(theirs))
        CHECK(isnan(ours));
    else
        CHECK_NEAR(ours, number(theirs), 1e-6);
}

/* Constants, ties, large means, tiny numbers. */
static void test_agreement(void)
{
    const cJSON *entry;
    int n = 0;
    cJSON_ArrayForEach(entry, member(golden, "agreement"))
    {
        double a[16], b[16];
        double pairs[32];
        size_t count = flatten(member(entry, "a"), a);
        CHECK_EQ(flatten(member(entry, "b"), b), count);
        for (size_t i = 0; i < count; i++) {
            pairs[2 * i] = a[i];
            pairs[2 * i + 1] = b[i];
        }
        struct use_agreement exact = use_agreement_of(pairs, pairs + 1, count, 2);
        struct use_agreement theirs = use_agreement_emoclip(pairs, pairs + 1, count, 2);
        check_number(exact.pcc, member(entry, "pcc"));
        check_number(exact.ccc, member(entry, "ccc"));
        check_number(exact.mae, member(entry, "mae"));
        check_number(exact.rmse, member(entry, "rmse"));
        check_number(theirs.pcc, member(entry, "pcc_emoclip"));
        check_number(theirs.ccc, member(entry, "ccc_emoclip"));
        CHECK(theirs.mae == exact.mae && theirs.rmse == exact.rmse);
        n++;
    }
    CHECK_EQ(n, 8);
    const double rounded[] = {3, 3 + 8e-16, 3 - 4e-16}, rising[] = {1, 2, 3};
    struct use_agreement flat = use_agreement_of(rounded, rising, 3, 1); /* a constant but for rounding */
    CHECK(isnan(flat.pcc) && flat.ccc == 0);
    const double none[2] = {0};
    struct use_agreement nothing = use_agreement_emoclip(none, none, 0, 1);
    CHECK(isnan(nothing.pcc) && isnan(nothing.ccc) && isnan(use_agreement_of(none, none, 0, 1).ccc));
}

int main(void)
{
    if (!golden_read())
        return 1;
    mien_log_set(NULL, NULL, MIEN_LOG_SILENT);
    test_rank();
    test_unbalanced();
    test_absent_class();
    test_empty();
    test_recall();
    test_f1();
    test_agreement();
    cJSON_Delete(golden);
    return check_result();
}
