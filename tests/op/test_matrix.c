/* test_matrix.c: matmul and attention on matrix units: when they are chosen, what becomes of numbers that an operand's
 * type does not hold, and workgroups of any shape. */
#include "on_device.h"
#include "op/matmul.h"

#include <math.h>

static struct on_device gpu;

/* ---- the choice, without a device -------------------------------------------------------------------------------- */

static struct vk_caps with_units(void)
{
    struct vk_caps caps;
    vk_caps_typical(VK_CLASS_DESKTOP, &caps);
    caps.features |= VK_CAP_COOPMAT | VK_CAP_COOPMAT_BF16;
    caps.coopmat = caps.coopmat_bf16 = (struct vk_matrix){16, 16, 16};
    return caps;
}

static const char *chosen(const struct vk_caps *caps, enum mien_dtype precision)
{
    struct op_call call = {.op = &op_matmul,
                           .in_count = 2,
                           .attr = {.precision = precision},
                           .in = {SHAPE_F32(64, 64), SHAPE_F32(64, 64)}};
    CHECK_EQ(op_call_shapes(&call, NULL), MIEN_OK);
    return op_choose(caps, &call)->name;
}

static void test_choice(void)
{
    struct vk_caps caps = with_units();
    CHECK_STR(chosen(&caps, MIEN_F32), "matmul_fwd_slice"); /* whoever did not allow it gets fp32 */
    CHECK_STR(chosen(&caps, MIEN_F16), "matmul_fwd_cm");
    CHECK_STR(chosen(&caps, MIEN_BF16), "matmul_fwd_cm_bf16");
    caps.features &= ~(uint32_t)VK_CAP_COOPMAT_BF16;
    CHECK_STR(chosen(&caps, MIEN_BF16), "matmul_fwd_slice"); /* f16 would not hold its range */
    caps.class_ = VK_CLASS_SOFTWARE;
    CHECK(strcmp(chosen(&caps, MIEN_F16), "matmul_fwd_cm") != 0);
    caps = with_units();
    caps.max_shared = 4096;
    CHECK(strcmp(chosen(&caps, MIEN_F16), "matmul_fwd_cm") != 0);
    caps = with_units();
    CHECK_EQ(vk_caps_clamp(&caps, "-subgroup_full"), MIEN_OK); /* of one size: it need not be required */
    CHECK_STR(chosen(&caps, MIEN_F16), "matmul_fwd_cm");
    CHECK_EQ(vk_caps_clamp(&caps, "-subgroup"), MIEN_OK);
    CHECK_STR(chosen(&caps, MIEN_F16), "matmul_fwd_slice");
}

static const char *chosen_attention(const struct vk_caps *caps, enum mien_dtype dtype, enum mien_dtype precision,
                                    uint32_t dim)
{
    struct op_call call = {.op = &op_attention,
                           .in_count = 1,
                           .attr = {.heads = 2, .dtype = dtype, .precision = precision},
                           .in = {SHAPE_F32(1, 50, 6 * dim)}};
    call.in[0].dtype = dtype;
    CHECK_EQ(op_call_shapes(&call, NULL), MIEN_OK);
    return op_choose(caps, &call)->name;
}

/* Tensors in the type that weights may be rounded to, heads that come in whole matrices and fit registers and shared
 * memory. */
static void test_attention_choice(void)
{
    struct vk_caps caps = with_units();
    const char *otherwise = chosen_attention(&caps, MIEN_F16, MIEN_F32, 64);
    CHECK(strcmp(otherwise, "attention_fwd_cm") != 0); /* whoever did not allow it gets fp32 */
    CHECK_STR(chosen_attention(&caps, MIEN_F16, MIEN_F16, 64), "attention_fwd_cm");
    CHECK_STR(chosen_attention(&caps, MIEN_BF16, MIEN_BF16, 32), "attention_fwd_cm_bf16");
    CHECK_STR(chosen_attention(&caps, MIEN_F32, MIEN_F16, 64), otherwise); /* scores of rounded queries */
    CHECK_STR(chosen_attention(&caps, MIEN_BF16, MIEN_F16, 64), otherwise);
    CHECK(strncmp(chosen_attention(&caps, MIEN_F16, MIEN_F16, 40), "attention_fwd_cm", 16) != 0);
    CHECK(strncmp(chosen_attention(&caps, MIEN_F16, MIEN_F16, 80), "attention_fwd_cm", 16) != 0);
    caps.max_shared = 16384;
    CHECK_STR(chosen_attention(&caps, MIEN_F16, MIEN_F16, 64), otherwise);
    caps = with_units();
    caps.max_registers = 64;
    CHECK(strncmp(chosen_attention(&caps, MIEN_F16, MIEN_F16, 64), "attention_fwd_cm", 16) != 0);
    caps = with_units();
    caps.coopmat.m = 12; /* rows of a subgroup's lanes in no whole matrices */
    CHECK_STR(chosen_attention(&caps, MIEN_F16, MIEN_F16, 64), otherwise);
    caps = with_units();
    caps.features &= ~(uint32_t)VK_CAP_COOPMAT_BF16;
    CHECK_STR(chosen_attention(&caps, MIEN_BF16, MIEN_BF16, 64), otherwise);
}

/* Subgroups of 64 that could be of 32 are; the tile shrinks with the matrix. */
static void test_tile(void)
{
    struct vk_caps caps = with_units();
    caps.subgroup_size = caps.subgroup_max = 64;
    caps.subgroup_min = 32;
    caps.cores = 4;
    const uint32_t sizes[] = {1024, 192};
    for (uint32_t i = 0; i < BASE_COUNT(sizes); i++) {
        struct op_call call = {.op = &op_matmul,
                               .in_count = 2,
                               .attr = {.precision = MIEN_F16},
                               .in = {SHAPE_F32(sizes[i], 256), SHAPE_F32(256, sizes[i])}};
        struct op_plan plan = {0};
        CHECK_EQ(op_call_shapes(&call, NULL), MIEN_OK);
        CHECK_EQ(op_make_plan(&caps, &call, NULL, &plan), MIEN_OK);
        CHECK_EQ(plan.dispatch[0].subgroup_size, 32);
        CHECK_EQ(plan.dispatch[0].spec[0], i ? 128 : 256);
        op_plan_clear(&plan);
    }
}

/* The sides of the rule's tile, on a device of 96 cores in pairs: of products of a ViT-B/32, many or few of them. */
static void test_sides(void)
{
    static const struct {
        uint32_t m, n, k, tile_m, tile_n;
    } sizes[] = {{4096, 4096, 4096, 256, 128}, /* the fastest where there is enough */
                 {1600, 768, 768, 128, 112},   /* 91 of them: one turn, nearly full */
                 {592, 3072, 768, 128, 112},
                 {768, 3072, 1600, 192, 128}, /* 96 of them */
                 {800, 768, 768, 128, 64}};
    struct vk_caps caps = with_units();
    caps.subgroup_size = caps.subgroup_max = 64;
    caps.subgroup_min = 32;
    caps.cores = 96;
    for (uint32_t i = 0; i < BASE_COUNT(sizes); i++) {
        struct op_call call = {.op = &op_matmul,
                               .in_count = 2,
                               .attr = {.precision = MIEN_F16},
                               .in = {SHAPE_F32(sizes[i].m, sizes[i].k), SHAPE_F32(sizes[i].k, sizes[i].n)}};
        struct op_plan plan = {0};
        CHECK_EQ(op_call_shapes(&call, NULL), MIEN_OK);
        CHECK_EQ(op_make_plan(&caps, &call, NULL, &plan), MIEN_OK);
        const uint32_t *spec = plan.dispatch[0].spec; /* as shaders/matmul/matmul_fwd_cm.comp counts them */
        uint32_t rows = spec[3] * spec[12], cols = spec[4] * spec[13], across = spec[6];
        CHECK_EQ(spec[0] / spec[7] / across * rows, sizes[i].tile_m);
        CHECK_EQ(across * cols, sizes[i].tile_n);
        op_plan_clear(&plan);
    }
}

/* ---- numbers beyond f16 ------------------------------------------------------------------------------------------ */

/* The sum of `first` and seven zeros, by one product. */
static float through(float first, float factor)
{
    float a[8] = {first}, b[8] = {factor}, y = 0;
    struct op_call call = {.op = &op_matmul,
                           .in_count = 2,
                           .attr = {.precision = MIEN_F16},
                           .in = {SHAPE_F32(1, 8), SHAPE_F32(8, 1)},
                           .in_data = {a, b},
                           .out_data = {&y}};
    struct vk_caps caps = *vk_device_caps(gpu.device);
    CHECK_EQ(vk_caps_clamp(&caps, "class=desktop"), MIEN_OK);
    gpu.as = &caps;
    CHECK_EQ(op_call_shapes(&call, NULL), MIEN_OK);
    CHECK_STR(op_choose(&caps, &call)->name, "matmul_fwd_cm");
    CHECK_EQ(on_device_run(&gpu, &call, NULL), MIEN_OK);
    return y;
}

/* Infinity, not the largest number there is and not another one; what is small enough comes to nothing. */
static void test_range(void)
{
    CHECK(through(1, 3) == 3);
    CHECK(through(65504, 1) == 65504);
    CHECK(through(65519, 1) == 65504);
    CHECK(through(65520, 1) == INFINITY);
    CHECK(through(1e30f, 1) == INFINITY && through(-1e30f, 1) == -INFINITY);
    CHECK(through(1, 70000) == INFINITY);
    CHECK(through(INFINITY, 1) == INFINITY && isnan(through(NAN, 1)) && isnan(through(INFINITY, 0)));
    CHECK(through(40000, 40000) == 1.6e9f); /* products and sums are fp32 */
    CHECK(through(1e-9f, 1) == 0);
}

/* ---- workgroups of any shape ------------------------------------------------------------------------------------- */

/* Of plan_shape's tile: the more subgroups, the fewer loads has each invocation. */
static uint32_t subgroups, across, rows, cols;

static void plan_shape(struct op_plan *plan)
{
    struct matmul_tile t = matmul_tile_for(plan, "matmul_fwd_cm");
    t.matrix = plan->caps->coopmat;
    t.lanes = plan->caps->subgroup_size;
    t.rows = rows;
    t.cols = cols;
    t.across = across;
    t.depth = 16;
    t.local_x = subgroups * t.lanes;
    t.m = subgroups / t.across * t.rows * t.matrix.m;
    t.n = t.across * t.cols * t.matrix.n;
    t.unit = 4;
    matmul_plan_tiles(plan, t);
}

/* Of whole numbers, so that no order of sums and no rounding shows. */
static void test_shape(bool trans_a, bool trans_b)
{
    enum { M = 68, N = 36, K = 52 };
    static const struct op_variant only[] = {{.name = "matmul_fwd_cm", .rounds = true, .steps = plan_shape}, {0}};
    static float a[M * K], b[K * N], y[M * N];
    struct op_desc op = op_matmul;
    op.variants = only;
    struct op_call call = {
        .op = &op,
        .in_count = 2,
        .attr = {.precision = MIEN_F16, .trans_a = trans_a, .trans_b = trans_b},
        .in = {trans_a ? SHAPE_F32(K, M) : SHAPE_F32(M, K), trans_b ? SHAPE_F32(N, K) : SHAPE_F32(K, N)},
        .in_data = {a, b},
        .out_data = {y}};
    for (uint32_t i = 0; i < M * K; i++)
        a[i] = (float)(i * 7 % 11) - 5;
    for (uint32_t i = 0; i < K * N; i++)
        b[i] = (float)(i * 5 % 13) - 6;
    CHECK_EQ(on_device_run(&gpu, &call, NULL), MIEN_OK);
    uint32_t wrong = 0;
    for (uint32_t i = 0; i < M * N; i++) {
        uint32_t m = i / N, n = i % N;
        float sum = 0;
        for (uint32_t k = 0; k < K; k++)
            sum += a[trans_a ? k * M + m : m * K + k] * b[trans_b ? n * K + k : k * N + n];
        wrong += y[i] != sum;
    }
    if (wrong)
        printf("%u subgroups, %u across, %ux%u matrices, trans_a %d, trans_b %d: %u of %d wrong\n", subgroups, across,
               rows, cols, trans_a, trans_b, wrong, M * N);
    CHECK_EQ(wrong, 0);
}

static void test_forms(uint32_t side_by_side, uint32_t down, uint32_t right)
{
    across = side_by_side;
    rows = down;
    cols = right;
    for (int form = 0; form < 4; form++)
        test_shape(form & 1, form & 2);
}

/* A side that has fewer fours than the workgroup has invocations, too: 64 columns of 256 invocations. Then sides that
 * are no power of two, as matmul_cm.c has them. */
static void test_shapes(void)
{
    uint32_t lanes = vk_device_caps(gpu.device)->subgroup_size;
    gpu.as = NULL;
    for (subgroups = 2; subgroups * lanes <= 256; subgroups *= 2)
        test_forms(2, 2, 2);
    subgroups = 4;
    test_forms(1, 1, 7);
    test_forms(2, 3, 1);
}

int main(void)
{
    test_choice();
    test_attention_choice();
    test_tile();
    test_sides();
    if (check_failures)
        return check_result();
    if (!on_device_open(&gpu))
        CHECK_SKIP("no device");
    const struct vk_caps *caps = vk_device_caps(gpu.device);
    if (!(caps->features & VK_CAP_COOPMAT) || !(caps->features & VK_CAP_F16))
        CHECK_SKIP("no matrix units for f16 on %s", caps->name);
    test_range();
    test_shapes();
    on_device_close(&gpu);
    return check_result();
}
