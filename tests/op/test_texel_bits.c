/* test_texel_bits.c: a kernel that reads through the texture cache gives the bits of the one that does not: a resumed
 * run does not depend on which of them a device has. */
#include "on_device.h"

static struct on_device gpu;
static struct base_arena arena;

static float *numbers(uint64_t count, const char *name, bool empty)
{
    struct base_rng rng = base_rng_make(11, name, count, 0);
    float *x = base_arena_array(&arena, count, sizeof *x);
    CHECK(x != NULL);
    for (uint64_t i = 0; x && !empty && i < count; i++)
        x[i] = (float)(base_rng_uniform(&rng) * 2 - 1);
    return x;
}

/* The result of a product on the device as it is masked by `mask`, with subgroups of `lanes` (0 = its own) as far as
 * plans are made for it; *variant is what made it. */
static float *product(const struct op_call *like, const char *mask, uint32_t lanes, const char **variant)
{
    struct op_call call = *like;
    struct vk_caps caps = *vk_device_caps(gpu.device);
    CHECK(vk_caps_clamp(&caps, mask) == MIEN_OK);
    caps.subgroup_size = lanes ? lanes : caps.subgroup_size;
    gpu.as = &caps;
    CHECK(op_call_shapes(&call, "a test") == MIEN_OK);
    *variant = op_choose(&caps, &call)->name;
    call.out_data[0] = numbers(tensor_shape_count(&call.out[0]), "y", true);
    CHECK(on_device_run(&gpu, &call, NULL) == MIEN_OK);
    gpu.as = NULL;
    return call.out_data[0];
}

static void compare(const struct op_call *call, const char *mask, uint32_t lanes, const char *variant)
{
    char without[64], texel[64];
    const char *a = "", *b = "";
    snprintf(without, sizeof without, "-texel,%s", mask);
    snprintf(texel, sizeof texel, "%s_texel", variant);
    const float *x = product(call, mask, lanes, &a), *y = product(call, without, lanes, &b);
    CHECK_STR(a, texel);
    CHECK_STR(b, variant);
    CHECK(memcmp(x, y, tensor_shape_bytes(&call->out[0])) == 0);
}

static struct op_call call_of(uint32_t m, uint32_t n, uint32_t k, bool trans_a, bool trans_b)
{
    struct op_call call = {.op = &op_matmul, .in_count = 2, .attr = {.trans_a = trans_a, .trans_b = trans_b}};
    call.in[0] = (struct tensor_shape){.rank = 2, .dim = {trans_a ? k : m, trans_a ? m : k}};
    call.in[1] = (struct tensor_shape){.rank = 2, .dim = {trans_b ? n : k, trans_b ? k : n}};
    for (uint32_t i = 0; i < 2; i++)
        call.in_data[i] = numbers(tensor_shape_count(&call.in[i]), i ? "b" : "a", false);
    CHECK(op_call_shapes(&call, "a test") == MIEN_OK);
    return call;
}

static void test_forms(const char *mask, uint32_t lanes, const char *variant)
{
    static const uint32_t sizes[][3] = {{127, 132, 516}, {4, 8, 3000}, {64, 64, 64}};
    for (uint32_t i = 0; i < 4 * BASE_COUNT(sizes); i++) {
        const uint32_t *s = sizes[i / 4];
        bool trans_a = i & 1, trans_b = i & 2;
        struct op_call call = call_of(trans_a ? base_round_up(s[0], 4) : s[0], s[1], s[2], trans_a, trans_b);
        compare(&call, mask, lanes, variant);
        base_arena_clear(&arena);
    }
}

int main(void)
{
    if (!on_device_open(&gpu))
        CHECK_SKIP("no device");
    const struct vk_caps *caps = vk_device_caps(gpu.device);
    if (!(caps->features & VK_CAP_TEXEL))
        CHECK_SKIP("no texel buffers on %s", caps->name);
    if (caps->features & VK_CAP_SUBGROUP_SHUFFLE && caps->subgroup_size <= 16)
        test_forms("class=software", 0, "matmul_fwd_sg");
    test_forms("-subgroup,class=software", 0, "matmul_fwd_vec");
    test_forms("class=mobile", 64, "matmul_fwd_vec");
    base_arena_clear(&arena);
    on_device_close(&gpu);
    return check_result();
}
