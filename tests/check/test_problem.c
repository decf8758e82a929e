/* test_problem.c: a small problem for a kernel goes through the same pipeline as the call for which the kernel was
 * chosen, whatever the device, and is small. Needs none. */
#include "check/selftest.h"

#include "op/signature.h"

#include "check.h"

struct big {
    const char *what;
    const struct op_desc *op;
    struct op_attr attr;
    uint32_t in[OP_MAX_IN][MIEN_MAX_RANK];
    enum mien_dtype dtype; /* of the second input; 0 = f32 */
};

/* Shapes as models have them, with sides that no case of the ops has. */
static const struct big calls[] = {
    {"a tower's projection", &op_matmul, .in = {{64, 197, 1536}, {1536, 1536}, {1536}}},
    {"into the hidden layer",
     &op_matmul,
     {.trans_b = true, .activation = OP_ACT_QUICK_GELU},
     {{64, 197, 1536}, {6144, 1536}, {6144}}},
    {"and back, in bf16", &op_matmul, {.trans_b = true}, {{64, 197, 6144}, {1536, 6144}, {1536}}, MIEN_BF16},
    {"a weight's gradient", &op_matmul, {.trans_a = true, .flatten = true}, {{12544, 1536}, {12544, 1536}}},
    {"one row", &op_matmul, {.trans_b = true}, {{1, 5000}, {1200, 5000}}},
    {"heads of 80", &op_attention, {.heads = 16}, {{8, 257, 3 * 1280}}},
    {"causal", &op_attention, {.heads = 12, .causal = true}, {{32, 77, 3 * 768}}},
    {"layernorm", &op_layernorm, {.eps = 1e-5f}, {{64, 257, 1664}, {1664}, {1664}}},
    {"softmax", &op_softmax, .in = {{2048, 2048}}},
    {"patches of 14", &op_unfold, {.patch = 14}, {{8, 3, 336, 336}}},
    {"a dictionary", &op_embedding, .in = {{49408, 768}, {32, 77}}},
};

static struct op_call call_of(const struct big *big)
{
    struct op_signature sig;
    op_signature(big->op, &sig);
    struct op_call call = {.op = big->op, .attr = big->attr, .in_count = sig.in_count};
    for (uint32_t i = 0; i < sig.in_count; i++) {
        uint32_t dims[MIEN_MAX_RANK + 1] = {0};
        memcpy(dims, big->in[i], sizeof(big->in[i]));
        enum mien_dtype dtype = sig.index_inputs >> i & 1 ? MIEN_I32 : i == 1 && big->dtype ? big->dtype : MIEN_F32;
        if (dims[0])
            call.in[i] = tensor_shape_make(dtype, dims);
    }
    return call;
}

static bool holds(const struct op_plan *plan, const struct op_dispatch *d)
{
    for (size_t i = 0; i < plan->count; i++) {
        if (check_same_pipeline(&plan->dispatch[i], d))
            return true;
    }
    return false;
}

static void test_call(const struct vk_caps *caps, const struct big *big)
{
    struct op_call call = call_of(big);
    struct op_plan plan = {0};
    CHECK_EQ(op_call_shapes(&call, big->what), MIEN_OK);
    CHECK_EQ(op_make_plan(caps, &call, NULL, &plan), MIEN_OK);
    for (size_t i = 0; i < plan.count; i++) {
        struct check_problem problem;
        bool before = false;
        for (size_t k = 0; k < i && !before; k++)
            before = check_same_pipeline(&plan.dispatch[k], &plan.dispatch[i]);
        if (before)
            continue;
        CHECK_EQ(check_problem_make(caps, &call, &plan, &plan.dispatch[i], &problem), MIEN_OK);
        CHECK(holds(&problem.plan, &plan.dispatch[i]));
        bool small = op_call_flops(&problem.call) <= 4e8;
        CHECK(small);
        if (!small)
            fprintf(stderr, "    %s, class %d, %s: %.3g operations\n", big->what, caps->class_, plan.dispatch[i].shader,
                    op_call_flops(&problem.call));
        check_problem_clear(&problem);
    }
    op_plan_clear(&plan);
}

/* A gradient's call that is made smaller has inputs as its forward op has them: pool_scores' are of unit length, and
 * others leave no digits of the gradient. */
static void test_inputs(void)
{
    struct vk_caps caps;
    struct op_call call = {.op = &op_pool_scores_bwd, .in_count = 3, .attr = {.tau = 0.07f}};
    struct op_plan plan = {0};
    const uint32_t dims[3][MIEN_MAX_RANK] = {{4, 36, 64}, {4, 64}, {4, 4}};
    size_t own = 0;
    for (uint32_t i = 0; i < 3; i++)
        call.in[i] = tensor_shape_make(MIEN_F32, dims[i]);
    vk_caps_typical(VK_CLASS_SOFTWARE, &caps);
    CHECK_EQ(op_call_shapes(&call, "pool"), MIEN_OK);
    CHECK_EQ(op_make_plan(&caps, &call, NULL, &plan), MIEN_OK);
    for (size_t i = 0; i < plan.count; i++) {
        struct check_problem problem;
        CHECK_EQ(check_problem_make(&caps, &call, &plan, &plan.dispatch[i], &problem), MIEN_OK);
        const float *patch = problem.call.in_data[0];
        double square = 0;
        for (uint32_t k = 0; problem.own.name && k < problem.call.in[0].dim[2]; k++)
            square += (double)patch[k] * patch[k];
        own += problem.own.name != NULL;
        CHECK(!problem.own.name || (square > 0.999 && square < 1.001));
        check_problem_clear(&problem);
    }
    CHECK(own > 0);
    op_plan_clear(&plan);
}

int main(void)
{
    struct vk_caps caps;
    test_inputs();
    for (int c = VK_CLASS_DESKTOP; c <= VK_CLASS_SOFTWARE; c++) {
        for (size_t i = 0; i < BASE_COUNT(calls); i++) {
            vk_caps_typical((enum vk_class)c, &caps);
            test_call(&caps, &calls[i]);
            caps.features = 0;
            caps.subgroup_size = 1;
            test_call(&caps, &calls[i]);
        }
    }
    return check_result();
}
