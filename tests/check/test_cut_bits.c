/* test_cut_bits.c: what is cut into short dispatches (op_plan_cut) gives the bits of what is not, in all of the ops'
 * cases that are small. */
#include "check/check.h"
#include "op/on_device.h"

enum { MOST_ELEMENTS = 10000, SHORT = 20000 };

static struct on_device gpu;

/* The call's outputs on the device as it is masked. */
static bool run_as(const struct vk_caps *caps, struct op_call *call)
{
    gpu.as = caps;
    bool ok = on_device_run(&gpu, call, NULL) == MIEN_OK;
    gpu.as = NULL;
    return ok;
}

static size_t dispatches(const struct vk_caps *caps, const struct check_case *c)
{
    struct op_call call;
    struct op_plan plan = {0};
    size_t count = 0;
    if (check_case_call(c, &call) == MIEN_OK && op_make_plan(caps, &call, NULL, &plan) == MIEN_OK)
        count = plan.count;
    op_plan_clear(&plan);
    return count;
}

static bool same_bits(const struct vk_caps *whole, const struct vk_caps *cut, const struct check_case *c)
{
    enum mien_status status = MIEN_OK;
    struct op_call call = {0}, again = {0};
    bool same = false;
    TRY(check_call_make(c, &call));
    TRY(check_call_fill(&call, c, CHECK_NORMAL, 7));
    again = call;
    for (uint32_t o = 0; o < call.out_count; o++) {
        again.out_data[o] = base_alloc(1, tensor_shape_bytes(&call.out[o]));
        FAIL_IF_NULL(again.out_data[o], "an output");
    }
    same = run_as(whole, &call) && run_as(cut, &again);
    for (uint32_t o = 0; same && o < call.out_count; o++)
        same = memcmp(call.out_data[o], again.out_data[o], tensor_shape_bytes(&call.out[o])) == 0;
    for (uint32_t o = 0; o < call.out_count; o++)
        base_free(again.out_data[o]);
fail:
    CHECK_EQ(status, MIEN_OK);
    check_call_clear(&call);
    return same;
}

/* How many cases of the op were cut. */
static uint32_t test_op(const struct vk_caps *whole, const struct vk_caps *cut, const struct op_desc *op)
{
    uint32_t count = 0;
    for (struct check_case c = {.op = op}; check_case_next(&c);) {
        if (check_case_elements(&c) > MOST_ELEMENTS || dispatches(whole, &c) == dispatches(cut, &c))
            continue;
        bool same = same_bits(whole, cut, &c);
        if (!same)
            printf("%s %s, class %s: other bits\n", op->name, c.given->name, vk_class_name(whole->class_));
        CHECK(same);
        count++;
    }
    return count;
}

int main(void)
{
    static const struct op_desc *const cut_ops[] = {
        &op_attention,   &op_attention_bwd,      &op_filip_scores_bwd, &op_infonce, &op_infonce_bwd,
        &op_mine,        &op_infonce_stream,     &op_siglip_stream,    &op_siglip,  &op_siglip_bwd,
        &op_pool_scores, &op_infonce_stream_bwd, &op_pool_scores_bwd,  &op_matmul,  &op_siglip_stream_bwd,
    };
    static const char *const classes[] = {"class=mobile", "class=desktop", "class=software"};
    if (!on_device_open(&gpu))
        CHECK_SKIP("no device");
    for (size_t i = 0; i < BASE_COUNT(classes); i++) {
        struct vk_caps whole = *vk_device_caps(gpu.device), cut;
        char text[64];
        CHECK_EQ(vk_caps_clamp(&whole, classes[i]), MIEN_OK);
        cut = whole;
        snprintf(text, sizeof text, "flops=%d", SHORT);
        CHECK_EQ(vk_caps_clamp(&cut, text), MIEN_OK);
        for (size_t o = 0; o < BASE_COUNT(cut_ops); o++)
            CHECK(test_op(&whole, &cut, cut_ops[o]) > 0);
    }
    on_device_close(&gpu);
    return check_result();
}
