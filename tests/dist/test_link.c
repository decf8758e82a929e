/* What exchange takes by the model: nothing alone, messages and bytes as counted by hand. */
#include "check.h"

#include "dist/dist.h"

int main(void)
{
    const struct dist_link link = {.latency = 1e-5, .summing = 1e9, .gathering = 2e9};
    CHECK(dist_gather_seconds(&link, 1, 1e6) == 0 && dist_sum_seconds(&link, 1, 1e6) == 0);
    CHECK_NEAR(dist_gather_seconds(&link, 4, 2e6), 3 * (1e-5 + 1e-3), 1e-12);
    CHECK_NEAR(dist_sum_seconds(&link, 2, 4e6), 2 * (1e-5 + 2e-3), 1e-12);
    CHECK_NEAR(dist_sum_seconds(&link, 4, 4e6), 6 * (1e-5 + 1e-3), 1e-12);
    CHECK_NEAR(dist_sum_seconds(&link, 1024, 1e9), 2046 * (1e-5 + 1e9 / 1024 / 1e9), 1e-9);
    return check_result();
}
