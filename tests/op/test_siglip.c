/* test_siglip.c: what the sigmoid losses promise beyond their references, and the histogram of similarities. */
#include "contrast_kit.h"

struct batch {
    uint32_t n;
    float q, b, dloss;
    float *a, *sign, *w; /* the last two may be NULL */
};

struct result {
    float loss, dq, db;
    float *da;
};

static struct batch make_batch(uint32_t n)
{
    struct base_rng rng = base_rng_make(11, "scores", n, 0);
    struct batch b = {.n = n, .q = 2.5f, .b = -6, .dloss = 0.75f, .a = floats((size_t)n * n)};
    for (size_t i = 0; i < (size_t)n * n; i++)
        b.a[i] = (float)(0.2 * base_rng_normal(&rng) + (i % (n + 1) == 0 ? 0.5 : 0));
    return b;
}

static struct result run_scores(struct on_device *gpu, struct batch *b)
{
    uint32_t n = b->n;
    struct result r = {.da = floats((size_t)n * n)};
    struct tensor_shape square = SHAPE_F32(n, n), one = SHAPE_F32(1), none = {0};
    struct tensor_shape sign = b->sign ? square : none, w = b->w ? SHAPE_F32(n) : none;
    struct op_call fwd = {.op = &op_siglip,
                          .in_count = 5,
                          .in = {square, one, one, sign, w},
                          .in_data = {b->a, &b->q, &b->b, b->sign, b->w},
                          .out_data = {&r.loss}};
    struct op_call bwd = {.op = &op_siglip_bwd,
                          .in_count = 6,
                          .in = {square, one, one, one, sign, w},
                          .in_data = {b->a, &b->q, &b->b, &b->dloss, b->sign, b->w},
                          .out_data = {r.da, &r.dq, &r.db}};
    CHECK_EQ(on_device_run(gpu, &fwd, NULL), MIEN_OK);
    CHECK_EQ(on_device_run(gpu, &bwd, NULL), MIEN_OK);
    return r;
}

static void check_same_bits(const struct result *x, const struct result *y, uint32_t n)
{
    CHECK(memcmp(&x->loss, &y->loss, 4) == 0);
    CHECK(memcmp(&x->dq, &y->dq, 4) == 0);
    CHECK(memcmp(&x->db, &y->db, 4) == 0);
    CHECK(memcmp(x->da, y->da, (size_t)4 * n * n) == 0);
}

/* The identity's signs and weights of 1 change no bit; scores and bias of 0 give N ln 2. */
static void test_identity(struct on_device *gpu, uint32_t n)
{
    struct batch b = make_batch(n);
    struct result plain = run_scores(gpu, &b);
    b.sign = floats((size_t)n * n);
    b.w = floats(n);
    for (size_t i = 0; i < (size_t)n * n; i++) {
        b.sign[i] = i % (n + 1) == 0 ? 1 : -1;
        b.w[i % n] = 1;
    }
    struct result given = run_scores(gpu, &b);
    check_same_bits(&plain, &given, n);
    b.a = floats((size_t)n * n);
    b.b = 0;
    given = run_scores(gpu, &b);
    CHECK_NEAR(given.loss, n * log(2), 1e-6 * n);
    CHECK_NEAR(given.db, (double)b.dloss * (n - 2) / 2, 1e-6 * n);
}

/* Pairs of weight 0 might as well not be in the batch, whatever their scores; nor might pairs of sign 0. */
static void test_absent(struct on_device *gpu)
{
    enum { N = 40, KEPT = 27 };
    struct batch all = make_batch(N), few = make_batch(KEPT);
    all.w = floats(N);
    for (uint32_t i = 0, k = 0; i < N * N; i++) {
        bool kept = i / N % 3 != 2 && i % N % 3 != 2;
        all.w[i % N] = i % N % 3 != 2;
        if (kept)
            few.a[k++] = all.a[i];
        else
            all.a[i] = 30;
    }
    struct result x = run_scores(gpu, &all), y = run_scores(gpu, &few);
    CHECK_NEAR(x.loss, y.loss, 1e-6 * y.loss);
    CHECK_NEAR(x.dq, y.dq, 1e-5 * fabs(y.dq));
    CHECK_NEAR(x.db, y.db, 1e-5 * fabs(y.db));
    for (uint32_t i = 0, k = 0; i < N * N; i++) {
        bool kept = i / N % 3 != 2 && i % N % 3 != 2;
        CHECK_NEAR(x.da[i], kept ? y.da[k] : 0, 1e-6);
        k += kept;
    }
    struct batch b = make_batch(N);
    b.sign = floats(N * N);
    b.sign[3] = -1;
    struct result one = run_scores(gpu, &b);
    double z = exp((double)b.q) * b.a[3] + b.b;
    CHECK_NEAR(one.loss, log1p(exp(z)) / N, 1e-5 * one.loss);
    CHECK_NEAR(one.db, b.dloss / (1 + exp(-z)) / N, 1e-5 * fabs(one.db));
}

/* ---- from embeddings ----------------------------------------------------------------------------------------------
 */

struct stream {
    float loss, dq, db, positives[2];
    float *lines, *du, *dv;
    struct op_call fwd, bwd;
};

static void make_stream(struct pairs *p, float *b, struct stream *r)
{
    size_t count = (size_t)p->n * p->width;
    struct tensor_shape rows = SHAPE_F32(p->n, p->width), one = SHAPE_F32(1), none = {0};
    struct tensor_shape ids = p->ids ? SHAPE_I32(p->n) : none, w = p->w ? SHAPE_F32(p->n) : none;
    *r = (struct stream){.lines = floats(16 * (size_t)p->n), .du = floats(count), .dv = floats(count)};
    r->fwd = (struct op_call){.op = &op_siglip_stream,
                              .attr = {.mining = p->mining},
                              .in_count = 8,
                              .in = {rows, rows, one, one, rows, rows, ids, w},
                              .in_data = {p->u, p->v, &p->q, b, p->text, p->image, p->ids, p->w},
                              .out_data = {&r->loss, r->lines, r->positives}};
    r->bwd = (struct op_call){.op = &op_siglip_stream_bwd,
                              .attr = {.mining = p->mining},
                              .in_count = 8,
                              .in = {rows, rows, one, one, rows, rows, SHAPE_F32(2, p->n, 8), one},
                              .in_data = {p->u, p->v, &p->q, b, p->text, p->image, r->lines, &p->dloss},
                              .out_data = {r->du, r->dv, &r->dq, &r->db}};
}

static void run_stream(struct on_device *gpu, struct stream *r)
{
    CHECK_EQ(on_device_run(gpu, &r->fwd, NULL), MIEN_OK);
    CHECK_EQ(on_device_run(gpu, &r->bwd, NULL), MIEN_OK);
}

/* The loss and the gradients by way of the score matrix and given signs are those of the stream. */
static void check_entries_agree(struct on_device *gpu, struct pairs *p)
{
    struct batch b = {.n = p->n, .q = p->q, .b = -4, .dloss = p->dloss, .w = p->w};
    struct stream r;
    float positives[2];
    b.a = product(gpu, p, p->u, p->v);
    b.sign = floats((size_t)p->n * p->n);
    run_mine(gpu, p, b.sign, NULL, positives);
    struct result given = run_scores(gpu, &b);
    make_stream(p, &b.b, &r);
    run_stream(gpu, &r);
    CHECK_NEAR(r.loss, given.loss, 2e-6 * given.loss);
    CHECK_NEAR(r.dq, given.dq, 1e-5 * fmax(fabs(given.dq), 1e-2));
    CHECK_NEAR(r.db, given.db, 1e-5 * fmax(fabs(given.db), 1e-2));
    CHECK_EQ(r.positives[0] * 1e4, positives[0] * 1e4);
    CHECK_EQ(r.positives[1] * 1e4, positives[1] * 1e4);
    check_products(p, given.da, r.du, r.dv);
}

static void test_entries(struct on_device *gpu)
{
    struct pairs p = make_pairs(150, 12);
    int32_t *ids;
    float *w;
    draw_ids_and_weights(p.n, &ids, &w);
    for (uint32_t kind = OP_MINING_NONE; kind <= OP_MINING_IGNORE; kind++) {
        for (uint32_t guide = OP_GUIDE_CROSSMODAL; guide <= OP_GUIDE_BOTH; guide++) {
            set_mining(&p, kind, guide, ids, w);
            check_entries_agree(gpu, &p);
        }
    }
}

/* A threshold that nothing reaches gives the plain loss and its gradients, bit for bit. */
static void test_unreached(struct on_device *gpu, uint32_t n)
{
    struct pairs p = make_pairs(n, 16);
    struct stream plain, r;
    float b = -5, positives[2], *sign = floats((size_t)n * n);
    make_stream(&p, &b, &plain);
    run_stream(gpu, &plain);
    for (uint32_t kind = OP_MINING_HARD; kind <= OP_MINING_IGNORE; kind++) {
        p.mining = (struct op_mining){
            .kind = (enum op_mining_kind)kind, .top_k = 8, .text = 1.001f, .image = 1.001f, .weight = 0.3f, .tau = 1};
        make_stream(&p, &b, &r);
        run_stream(gpu, &r);
        CHECK(memcmp(&r.loss, &plain.loss, 4) == 0 && memcmp(&r.dq, &plain.dq, 4) == 0 &&
              memcmp(&r.db, &plain.db, 4) == 0);
        CHECK(memcmp(r.du, plain.du, (size_t)n * 16 * 4) == 0 && memcmp(r.dv, plain.dv, (size_t)n * 16 * 4) == 0);
        run_mine(gpu, &p, sign, NULL, positives);
        for (size_t i = 0; i < (size_t)n * n; i++)
            CHECK(sign[i] == (i % (n + 1) == 0 ? 1 : -1));
    }
}

/* Similarities that are no round numbers, over several slabs: both directions and the backward pass must see the same
 * bits, or candidates at the cut get lost. */
static void test_slabs(struct on_device *gpu)
{
    struct pairs p = make_pairs(2200, 8);
    struct stream got, want;
    float b = -8;
    p.mining = (struct op_mining){.kind = OP_MINING_HARD, .top_k = 5, .text = -2, .image = -2};
    make_stream(&p, &b, &got);
    run_stream(gpu, &got);
    make_stream(&p, &b, &want);
    CHECK_EQ(op_call_shapes(&want.fwd, NULL), MIEN_OK);
    CHECK_EQ(op_call_shapes(&want.bwd, NULL), MIEN_OK);
    want.fwd.op->reference(&want.fwd);
    want.bwd.op->reference(&want.bwd);
    CHECK(got.positives[0] == 6 && got.positives[1] == 6);
    CHECK_NEAR(got.loss, want.loss, 2e-6 * want.loss);
    CHECK_NEAR(got.dq, want.dq, 1e-5 * fabs(want.dq));
    CHECK_NEAR(got.db, want.db, 1e-5 * fabs(want.db));
    CHECK(distance(got.du, want.du, (size_t)p.n * p.width) < 1e-5);
    CHECK(distance(got.dv, want.dv, (size_t)p.n * p.width) < 1e-5);
}

/* ---- the histogram ------------------------------------------------------------------------------------------------
 */

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
    test_identity(&gpu, 33);
    test_identity(&gpu, 200);
    test_absent(&gpu);
    test_entries(&gpu);
    test_unreached(&gpu, 60);
    test_unreached(&gpu, 131);
    test_slabs(&gpu);
    test_histogram(&gpu);
    base_arena_clear(&arena);
    on_device_close(&gpu);
    return check_result();
}
