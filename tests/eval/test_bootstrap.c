/* Intervals of scores and the map of embeddings. */
#include "check.h"

#include "eval/bootstrap.h"
#include "eval/map.h"

static void test_quantiles(void)
{
    double values[] = {5, 1, (double)NAN, 3, 2, 4};
    struct eval_interval i = eval_middle(values, 6);
    CHECK_NEAR(i.low, 1.1, 1e-12); /* rank 0.025 * 4 of 1, 2, 3, 4, 5 */
    CHECK_NEAR(i.high, 4.9, 1e-12);
    i = eval_middle(values, 0);
    CHECK(isnan(i.low) && isnan(i.high));
}

/* The interval of a share p of n is about p +- 1.96 sqrt(p (1 - p) / n). */
static void test_share(void)
{
    enum { N = 400 };
    double hits[N];
    struct eval_interval a, b;
    for (int i = 0; i < N; i++)
        hits[i] = i % 4 == 0;
    CHECK_EQ(eval_mean_interval(hits, N, 1, &a), MIEN_OK);
    CHECK_NEAR(a.low, 0.25 - 0.0424, 0.008);
    CHECK_NEAR(a.high, 0.25 + 0.0424, 0.008);
    CHECK_EQ(eval_mean_interval(hits, N, 1, &b), MIEN_OK);
    CHECK(a.low == b.low && a.high == b.high); /* one seed, one result */
}

static void test_confusion(void)
{
    struct use_confusion c;
    struct eval_interval war, uar, recall[3];
    CHECK_EQ(use_confusion_create(3, &c), MIEN_OK);
    for (int i = 0; i < 300; i++)
        use_confusion_add(&c, 0, i % 4 == 0);
    for (int i = 0; i < 100; i++)
        use_confusion_add(&c, 1, 1);
    CHECK_EQ(eval_confusion_intervals(&c, 7, &war, &uar, recall), MIEN_OK);
    CHECK(war.low < 0.8125 && war.high > 0.8125 && war.high - war.low < 0.09 && war.high - war.low > 0.06);
    CHECK(uar.low < 0.875 && uar.high > 0.875);
    CHECK(recall[0].low < 0.75 && recall[0].high > 0.75);
    CHECK(recall[1].low == 1 && recall[1].high == 1); /* all right in every resample */
    CHECK(isnan(recall[2].low));                      /* no sample */
    use_confusion_destroy(&c);
}

/* Points along (3, 4) with a little along (4, -3). */
static void test_map(void)
{
    float rows[2 * 21], xy[2 * 21];
    for (int i = 0; i < 21; i++) {
        float along = (float)(i - 10), across = i % 2 ? 0.5f : -0.5f;
        rows[2 * i] = 3 * along + 4 * across + 7;
        rows[2 * i + 1] = 4 * along - 3 * across - 2;
    }
    CHECK_EQ(eval_map(rows, 21, 2, xy), MIEN_OK);
    for (int i = 0; i < 21; i++) {
        CHECK_NEAR(fabsf(xy[2 * i]), fabs(i - 10.0) / 10, 0.02);
        CHECK_NEAR(fabsf(xy[2 * i + 1]), 1, 0.15);
    }
    CHECK(xy[0] > 0 && xy[2 * 20] < 0); /* the first row is on the positive side */
    for (int i = 0; i < 42; i++)
        rows[i] = 1;
    CHECK_EQ(eval_map(rows, 21, 2, xy), MIEN_OK);
    CHECK(xy[0] == 0 && xy[41] == 0); /* no variance, no direction */
}

int main(void)
{
    test_quantiles();
    test_share();
    test_confusion();
    test_map();
    return check_result();
}
