/* Scores against values worked out by hand. */
#include "check.h"

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

int main(void)
{
    mien_log_set(NULL, NULL, MIEN_LOG_SILENT);
    test_rank();
    test_unbalanced();
    test_absent_class();
    test_empty();
    return check_result();
}
