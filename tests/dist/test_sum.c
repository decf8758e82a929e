/* What a rank does of a sum: additions one after another, each rounded, also as devices do them that take numbers below
 * the smallest normal one as 0. One rank has nothing to exchange. */
#include "check.h"

#include "dist/dist.h"

static float bits(uint32_t word)
{
    float x;
    memcpy(&x, &word, sizeof(x));
    return x;
}

static uint32_t word(float x)
{
    uint32_t w;
    memcpy(&w, &x, sizeof(w));
    return w;
}

static void test_add(void)
{
    float small = bits(1), half = bits(0x00400000), least = bits(0x00800000);
    const float x[] = {1e8f, 1, small, half, -small, -0.0f, least, INFINITY};
    float y[] = {-1e8f, 1e8f, small, half, -small, -0.0f, -bits(0x00800001), -INFINITY}, z[BASE_COUNT(y)];
    memcpy(z, y, sizeof(z));
    dist_add(y, x, BASE_COUNT(y), false);
    dist_add(z, x, BASE_COUNT(z), true);
    CHECK(y[0] == 0 && y[1] == 1e8f && z[1] == 1e8f); /* 1 is lost in 1e8 */
    CHECK_EQ(word(y[2]), 2);
    CHECK_EQ(word(z[2]), 0);
    CHECK(y[3] == least);
    CHECK_EQ(word(z[3]), 0); /* each operand was none */
    CHECK_EQ(word(z[4]), 0x80000000);
    CHECK_EQ(word(y[5]), 0x80000000);
    CHECK_EQ(word(z[5]), 0x80000000);
    CHECK_EQ(word(y[6]), 0x80000001);
    CHECK_EQ(word(z[6]), 0x80000000); /* the sum is none */
    CHECK(isnan(y[7]) && isnan(z[7]));
}

static void test_alone(void)
{
    float values[] = {1, 2, 3}, all[3] = {0};
    bool flag = true, no = false;
    uint32_t other = 7;
    CHECK_EQ(dist_count(NULL), 1);
    CHECK_EQ(dist_rank(NULL), 0);
    CHECK_EQ(dist_sum(NULL, values, 3, false), MIEN_OK);
    CHECK(values[0] == 1 && values[2] == 3);
    CHECK_EQ(dist_gather(NULL, values, sizeof(values), all), MIEN_OK);
    CHECK(memcmp(all, values, sizeof(all)) == 0);
    CHECK_EQ(dist_broadcast(NULL, values, sizeof(values)), MIEN_OK);
    CHECK_EQ(dist_barrier(NULL), MIEN_OK);
    CHECK_EQ(dist_any(NULL, &flag), MIEN_OK);
    CHECK_EQ(dist_any(NULL, &no), MIEN_OK);
    CHECK(flag && !no);
    CHECK_EQ(dist_same(NULL, "a", 1, &other), MIEN_OK);
    CHECK_EQ(other, 0);
}

int main(void)
{
    test_add();
    test_alone();
    return check_result();
}
