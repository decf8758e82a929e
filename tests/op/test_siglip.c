/* test_siglip.c: what the sigmoid losses promise beyond their references, and the histogram of similarities. */
#include "contrast_kit.h"

/* Scores and bias of 0 give N ln 2. */
static void test_zeros(struct on_device *gpu, uint32_t n)
{
    struct batch b = make_scores(n);
    b.a = floats((size_t)n * n);
    b.b = 0;
    run(gpu, siglip.given, &b);
    CHECK_NEAR(b.loss, n * log(2), 1e-6 * n);
    CHECK_NEAR(b.db, (double)b.dloss * (n - 2) / 2, 1e-6 * n);
}

/* Pairs of sign 0 might as well not be in the batch: one is left. */
static void test_left_out(struct on_device *gpu)
{
    enum { N = 40 };
    struct batch b = make_scores(N);
    b.sign = floats(N * N);
    b.sign[3] = -1;
    run(gpu, siglip.given, &b);
    double z = exp((double)b.q) * b.a[3] + b.b;
    CHECK_NEAR(b.loss, log1p(exp(z)) / N, 1e-5 * b.loss);
    CHECK_NEAR(b.db, b.dloss / (1 + exp(-z)) / N, 1e-5 * fabs(b.db));
}

/* Bins begin at their lower edge; what lies beyond counts at the ends, NaN nowhere. */
static void test_histogram(struct on_device *gpu)
{
    float x[] = {-1, -0.5f, -0.25f, 0, 0.49f, 0.5f, 1, -7, 9, INFINITY, -INFINITY, NAN}, y[4];
    struct op_call call = {.op = &op_histogram,
                           .attr = {.count = 4, .low = -1, .high = 1},
                           .in_count = 1,
                           .in = {SHAPE_F32(BASE_COUNT(x))},
                           .in_data = {x},
                           .out_data = {y}};
    CHECK_EQ(on_device_run(gpu, &call, NULL), MIEN_OK);
    CHECK(y[0] == 3 && y[1] == 2 && y[2] == 2 && y[3] == 4);
    call.attr.count = 65;
    CHECK_EQ(on_device_run(gpu, &call, NULL), MIEN_ERR_SHAPE);
    call.attr = (struct op_attr){.count = 4, .low = 1, .high = 1};
    CHECK_EQ(on_device_run(gpu, &call, NULL), MIEN_ERR_SHAPE);
}

int main(void)
{
    struct on_device gpu;
    if (!on_device_open(&gpu))
        CHECK_SKIP("no Vulkan device");
    test_loss(&gpu, &siglip);
    test_zeros(&gpu, 33);
    test_zeros(&gpu, 200);
    test_left_out(&gpu);
    test_histogram(&gpu);
    base_arena_clear(&arena);
    on_device_close(&gpu);
    return check_result();
}
