/* test_contrast.c: what the contrastive losses promise beyond their references: bits and invariances. */
#include "on_device.h"

/* Memory of a test, given back at its end. */
static struct base_arena arena;

static float *floats(size_t count)
{
    return base_arena_array(&arena, count, sizeof(float));
}

/* ---- on a given score matrix --------------------------------------------------------------------------------------
 */

struct result {
    float loss, dq;
    float *row_lse, *col_lse, *da;
};

struct batch {
    uint32_t n;
    float q, dloss;
    float *a, *qr, *qc, *w; /* the last three may be NULL */
};

static struct batch make_batch(uint32_t n)
{
    struct base_rng rng = base_rng_make(11, "scores", n, 0);
    struct batch b = {.n = n, .q = 3, .dloss = 0.75f, .a = floats((size_t)n * n)};
    for (size_t i = 0; i < (size_t)n * n; i++)
        b.a[i] = (float)(0.2 * base_rng_normal(&rng) + (i % (n + 1) == 0 ? 0.5 : 0));
    return b;
}

static struct result run_scores(struct on_device *gpu, struct batch *b)
{
    uint32_t n = b->n;
    struct result r = {.row_lse = floats(n), .col_lse = floats(n), .da = floats((size_t)n * n)};
    struct tensor_shape square = SHAPE_F32(n, n), line = SHAPE_F32(n), one = SHAPE_F32(1), none = {0};
    struct tensor_shape rows = b->qr ? square : none, cols = b->qc ? square : none, w = b->w ? line : none;
    struct op_call fwd = {.op = &op_infonce,
                          .in_count = 5,
                          .in = {square, one, rows, cols, w},
                          .in_data = {b->a, &b->q, b->qr, b->qc, b->w},
                          .out_data = {&r.loss, r.row_lse, r.col_lse}};
    CHECK_EQ(on_device_run(gpu, &fwd, NULL), MIEN_OK);
    struct op_call bwd = {.op = &op_infonce_bwd,
                          .in_count = 8,
                          .in = {square, one, line, line, one, rows, cols, w},
                          .in_data = {b->a, &b->q, r.row_lse, r.col_lse, &b->dloss, b->qr, b->qc, b->w},
                          .out_data = {r.da, &r.dq}};
    CHECK_EQ(on_device_run(gpu, &bwd, NULL), MIEN_OK);
    return r;
}

static void check_same_bits(const struct result *x, const struct result *y, uint32_t n)
{
    CHECK(memcmp(&x->loss, &y->loss, 4) == 0);
    CHECK(memcmp(&x->dq, &y->dq, 4) == 0);
    CHECK(memcmp(x->row_lse, y->row_lse, 4 * n) == 0);
    CHECK(memcmp(x->col_lse, y->col_lse, 4 * n) == 0);
    CHECK(memcmp(x->da, y->da, (size_t)4 * n * n) == 0);
}

/* The identity as targets and weights of 1 change no bit. */
static void test_identity(struct on_device *gpu, uint32_t n)
{
    struct batch b = make_batch(n);
    struct result plain = run_scores(gpu, &b);
    b.qr = floats((size_t)n * n);
    for (uint32_t i = 0; i < n; i++)
        b.qr[(size_t)i * n + i] = 1;
    struct result rows = run_scores(gpu, &b);
    check_same_bits(&plain, &rows, n);
    b.qc = b.qr;
    b.w = floats(n);
    for (uint32_t i = 0; i < n; i++)
        b.w[i] = 1;
    struct result all = run_scores(gpu, &b);
    check_same_bits(&plain, &all, n);
}

/* Pairs of weight 0 might as well not be in the batch, whatever their scores. */
static void test_absent(struct on_device *gpu)
{
    enum { N = 40, KEPT = 27 };
    struct batch all = make_batch(N), few = make_batch(KEPT);
    all.w = floats(N);
    for (uint32_t i = 0, ki = 0; i < N; i++) {
        all.w[i] = i % 3 != 2;
        for (uint32_t j = 0, kj = 0; j < N; j++) {
            float *score = &all.a[i * N + j];
            if (i % 3 == 2 || j % 3 == 2)
                *score = 30;
            else
                few.a[ki * KEPT + kj++] = *score;
        }
        ki += i % 3 != 2;
    }
    struct result x = run_scores(gpu, &all), y = run_scores(gpu, &few);
    CHECK_NEAR(x.loss, y.loss, 1e-6 * y.loss);
    CHECK_NEAR(x.dq, y.dq, 1e-5 * fabs(y.dq));
    for (uint32_t i = 0, k = 0; i < N * N; i++) {
        bool kept = i / N % 3 != 2 && i % N % 3 != 2;
        CHECK_NEAR(x.da[i], kept ? y.da[k] : 0, 1e-6);
        k += kept;
    }
}

/* All rows alike: the loss is ln N, each row of the gradient sums to 0. */
static void test_alike(struct on_device *gpu)
{
    enum { N = 100 };
    struct batch b = make_batch(N);
    for (uint32_t i = 0; i < N * N; i++)
        b.a[i] = 0.25f;
    struct result r = run_scores(gpu, &b);
    CHECK_NEAR(r.loss, log(N), 1e-6);
    CHECK_NEAR(r.dq, 0, 1e-7);
    for (uint32_t i = 0; i < N; i++) {
        double sum = 0;
        for (uint32_t j = 0; j < N; j++)
            sum += r.da[i * N + j];
        CHECK_NEAR(sum, 0, 1e-6);
    }
}

int main(void)
{
    struct on_device gpu;
    if (!on_device_open(&gpu))
        CHECK_SKIP("no Vulkan device");
    test_identity(&gpu, 33);
    test_identity(&gpu, 200);
    test_absent(&gpu);
    test_alike(&gpu);
    base_arena_clear(&arena);
    on_device_close(&gpu);
    return check_result();
}
