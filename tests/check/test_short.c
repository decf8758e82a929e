/* test_short.c: no dispatch outlasts what its class of devices allows (op_most_flops), by its own operations or, where
 * it tells none, its share of what is left of the op's: in all cases worth timing, and in calls as large as they may
 * be. Needs no device. */
#include "check/check.h"
#include "op/part.h"

#include "check.h"

static const struct {
    const struct op_desc *op;
    struct op_case given;
} large[] = {
#define PAIRS(n, e)                                                                                                    \
    {n, e}, {n, e},                                                                                                    \
    {                                                                                                                  \
        1                                                                                                              \
    }
#define GUIDED .kind = OP_MINING_SOFT, .top_k = 16, .text = 0.8f, .image = 0.8f, .weight = 0.5f, .tau = 0.1f
    {&op_infonce_stream, {.name = "32768x512", .in = {PAIRS(32768, 512)}}},
    {&op_infonce_stream,
     {.name = "mined_32768x512", .attr = {.mining = {GUIDED}}, .in = {PAIRS(32768, 512), {32768, 512}, {32768, 512}}}},
    {&op_infonce_stream,
     {.name = "mined_2048x512", .attr = {.mining = {GUIDED}}, .in = {PAIRS(2048, 512), {2048, 512}, {2048, 512}}}},
    {&op_siglip_stream, {.name = "32768x512", .in = {PAIRS(32768, 512), {1}}}},
    {&op_siglip_stream,
     {.name = "mined_32768x512",
      .attr = {.mining = {GUIDED}},
      .in = {PAIRS(32768, 512), {1}, {32768, 512}, {32768, 512}}}},
    {&op_mine, {.name = "top_16", .attr = {.mining = {GUIDED}}, .in = {{4096, 4096}, {4096, 4096}}}},
    {&op_filip_scores, {.name = "256x196x512x256x4", .in = {{256, 196, 512}, {256, 4, 512}}}},
    {&op_filip_scores, {.name = "2048x4x512x1024x4", .in = {{2048, 4, 512}, {1024, 4, 512}}}},
    {&op_pool_scores, {.name = "256x196x512x1024", .attr = {.tau = 0.07f}, .in = {{256, 196, 512}, {1024, 512}}}},
    {&op_attention, {.name = "l14_336", .attr = {.heads = 16}, .in = {{8, 577, 3072}}}},
    {&op_attention, {.name = "long", .attr = {.heads = 12}, .in = {{1, 4096, 2304}}}},
    {&op_attention, {.name = "plain", .attr = {.heads = 10}, .in = {{2, 1025, 3030}}}},
    {&op_matmul, {.name = "l14_336", .in = {{64, 577, 1024}, {1024, 4096}}}},
};

static void check_case(const struct vk_caps *caps, const struct check_case *c)
{
    struct op_call call;
    struct op_plan plan = {0};
    double known = 0, worst = 0, most = op_most_flops(caps);
    size_t unknown = 0;
    CHECK_EQ(check_case_call(c, &call), MIEN_OK);
    CHECK_EQ(op_make_plan(caps, &call, NULL, &plan), MIEN_OK);
    for (size_t i = 0; i < plan.count; i++) {
        known += plan.dispatch[i].flops;
        worst = BASE_MAX(worst, plan.dispatch[i].flops);
        unknown += plan.dispatch[i].flops <= 0;
    }
    double rest = BASE_MAX(op_call_flops(&call) - known, 0), share = unknown ? rest / (double)unknown : 0;
    if (BASE_MAX(worst, share) > most)
        printf("%s %s: %.3g operations in one of %zu dispatches, at most %.3g are meant\n", c->op->name, c->given->name,
               BASE_MAX(worst, share), plan.count, most);
    CHECK(BASE_MAX(worst, share) <= most);
    CHECK(unknown || rest <= 1e-6 * known); /* what is told is the whole */
    op_plan_clear(&plan);
}

static void check_gradients(const struct vk_caps *caps, const struct op_case *given, const struct op_desc *forward)
{
    for (const struct op_desc *const *op = op_list; *op; op++) {
        if ((*op)->forward[0] == forward)
            check_case(caps, &(struct check_case){.op = *op, .forward = forward, .given = given});
    }
}

int main(void)
{
    static const char *const devices[] = {"", "android-2025", "android-15"};
    for (size_t d = 0; d < BASE_COUNT(devices); d++) {
        struct vk_caps caps;
        vk_caps_typical(VK_CLASS_MOBILE, &caps);
        CHECK_EQ(vk_caps_clamp(&caps, devices[d]), MIEN_OK);
        CHECK_EQ(caps.class_, VK_CLASS_MOBILE);
        CHECK(op_most_flops(&caps) == 4e8); /* 20 ms at 20 GFLOP/s */
        for (const struct op_desc *const *op = op_list; *op; op++) {
            for (struct check_case c = {.op = *op}; check_case_next(&c);) {
                if (c.given->bench || c.given->slow)
                    check_case(&caps, &c);
            }
        }
        for (size_t i = 0; i < BASE_COUNT(large); i++) {
            check_case(&caps, &(struct check_case){.op = large[i].op, .given = &large[i].given});
            check_gradients(&caps, &large[i].given, large[i].op);
        }
    }
    return check_result();
}
