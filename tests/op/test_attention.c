/* test_attention.c: how attention is cut into dispatches, workgroups and lanes, from plans made without a device. */
#include "args/attention.h"
#include "check.h"
#include "op/attention.h"

/* An image of 577 patches is more than a mobile GPU should do at once: its gradient is cut by workgroups. */
static void test_pairs(void)
{
    struct op_call call = {.op = &op_attention_bwd, .in_count = 4, .attr.heads = 16};
    struct op_plan plan = {0};
    struct vk_caps caps;
    call.in[0] = SHAPE_F32(1, 577, 3 * 1024);
    call.in[1] = call.in[3] = SHAPE_F32(1, 577, 1024);
    call.in[2] = SHAPE_F32(1, 16, 577);
    vk_caps_typical(VK_CLASS_MOBILE, &caps);
    CHECK_EQ(op_call_shapes(&call, NULL), MIEN_OK);
    CHECK_EQ(op_make_plan(&caps, &call, NULL, &plan), MIEN_OK);
    for (size_t i = 1; i < plan.count; i++) /* the first makes delta */
        CHECK(plan.dispatch[i].flops > 0 && plan.dispatch[i].flops <= op_most_flops(&caps));
    CHECK_EQ(plan.count, 1 + 6 + 4); /* of three products, of two */
    op_plan_clear(&plan);
}

/* In each form at most a quarter of the lanes that own rows own none, at the lengths of CLIP's towers: a few rows
 * behind whole blocks are shared by a workgroup. */
static void test_lanes(void)
{
    static const uint32_t tokens[] = {33, 50, 65, 77, 197, 257};
    static const char *const shaders[] = {"attention_fwd_row", "attention_fwd_tile", "attention_fwd_tile",
                                          "attention_fwd_sg_texel"};
    static const enum vk_class classes[] = {VK_CLASS_DESKTOP, VK_CLASS_DESKTOP, VK_CLASS_MOBILE, VK_CLASS_SOFTWARE};
    for (size_t i = 0; i < BASE_COUNT(shaders) * BASE_COUNT(tokens); i++) {
        size_t form = i / BASE_COUNT(tokens);
        uint32_t rows = tokens[i % BASE_COUNT(tokens)];
        struct op_call call = {.op = &op_attention, .in_count = 1, .attr.heads = 12};
        struct op_plan plan = {0};
        struct vk_caps caps;
        struct attention_args args;
        call.in[0] = SHAPE_F32(2, rows, 3 * 768);
        vk_caps_typical(classes[form], &caps);
        if (form == 0) { /* as AMD's */
            caps.max_registers = 256;
            caps.subgroup_max = 64;
            caps.features |= VK_CAP_SUBGROUP_FULL;
        }
        CHECK_EQ(op_call_shapes(&call, NULL), MIEN_OK);
        CHECK_EQ(op_make_plan(&caps, &call, NULL, &plan), MIEN_OK);
        const struct op_dispatch *d = plan.dispatch;
        CHECK_STR(d->shader, shaders[form]);
        uint32_t block = d->spec[4], shared = d->spec[5] ? rows % block : 0;
        uint32_t lanes = (rows - shared + block - 1) / block * block;
        CHECK(4 * (rows - shared) >= 3 * lanes);
        memcpy(&args, d->push, sizeof(args));
        CHECK_EQ(args.groups, 2 * 12 * ((rows + block - 1) / block));
        op_plan_clear(&plan);
    }
}

/* The row kernels know that no part has more than 2^28 vec4s, nor fours of 16-bit elements. */
static void test_parts(void)
{
    enum { BATCHES = 300000000, MOST = 1 << 28 };
    struct op_call call = {.op = &op_attention, .attr = {.heads = 1, .dtype = MIEN_F16}, .in_count = 1};
    struct op_plan plan = {0};
    struct vk_caps caps;
    call.in[0] = SHAPE_F32(BATCHES, 1, 3 * 4);
    call.in[0].dtype = MIEN_F16;
    vk_caps_typical(VK_CLASS_DESKTOP, &caps);
    caps.max_range = UINT32_MAX;
    CHECK_EQ(op_call_shapes(&call, NULL), MIEN_OK);
    CHECK_EQ(op_make_plan(&caps, &call, NULL, &plan), MIEN_OK);
    CHECK_EQ(plan.count, 4);
    for (size_t i = 0; i < plan.count; i++)
        CHECK(plan.dispatch[i].bind[0].size / 8 <= MOST);
    op_plan_clear(&plan);
}

int main(void)
{
    test_pairs();
    test_lanes();
    test_parts();
    return check_result();
}
