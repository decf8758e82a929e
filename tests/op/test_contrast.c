/* test_contrast.c: what the contrastive losses promise beyond their references: bits and invariances. */
#include "contrast_kit.h"

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

/* ---- from embeddings ----------------------------------------------------------------------------------------------
 */

struct stream_result {
    float loss, dq, positives[2];
    float *lse, *lines, *du, *dv;
};

static struct op_call stream_forward(struct pairs *p, struct stream_result *r)
{
    struct tensor_shape rows = SHAPE_F32(p->n, p->width), none = {0};
    struct tensor_shape ids = p->ids ? SHAPE_I32(p->n) : none, w = p->w ? SHAPE_F32(p->n) : none;
    return (struct op_call){.op = &op_infonce_stream,
                            .attr = {.mining = p->mining},
                            .in_count = 7,
                            .in = {rows, rows, SHAPE_F32(1), rows, rows, ids, w},
                            .in_data = {p->u, p->v, &p->q, p->text, p->image, p->ids, p->w},
                            .out_data = {&r->loss, r->lse, r->lines, r->positives}};
}

static struct op_call stream_backward(struct pairs *p, struct stream_result *r)
{
    struct tensor_shape rows = SHAPE_F32(p->n, p->width), one = SHAPE_F32(1);
    return (struct op_call){.op = &op_infonce_stream_bwd,
                            .attr = {.mining = p->mining},
                            .in_count = 8,
                            .in = {rows, rows, one, rows, rows, SHAPE_F32(2, p->n), SHAPE_F32(2, p->n, 8), one},
                            .in_data = {p->u, p->v, &p->q, p->text, p->image, r->lse, r->lines, &p->dloss},
                            .out_data = {r->du, r->dv, &r->dq}};
}

static struct stream_result make_stream_result(const struct pairs *p)
{
    size_t count = (size_t)p->n * p->width, n = p->n;
    return (struct stream_result){
        .lse = floats(2 * n), .lines = floats(16 * n), .du = floats(count), .dv = floats(count)};
}

static struct stream_result run_pairs(struct on_device *gpu, struct pairs *p)
{
    struct stream_result r = make_stream_result(p);
    struct op_call fwd = stream_forward(p, &r), bwd = stream_backward(p, &r);
    CHECK_EQ(on_device_run(gpu, &fwd, NULL), MIEN_OK);
    CHECK_EQ(on_device_run(gpu, &bwd, NULL), MIEN_OK);
    return r;
}

/* The loss and the gradients by way of the score matrix and given targets are those of the stream. */
static void check_entries_agree(struct on_device *gpu, struct pairs *p)
{
    size_t square = (size_t)p->n * p->n;
    struct batch b = {.n = p->n, .q = p->q, .dloss = p->dloss, .w = p->w};
    float positives[2];
    b.a = product(gpu, p, p->u, p->v);
    b.qr = floats(square);
    b.qc = floats(square);
    run_mine(gpu, p, b.qr, b.qc, positives);
    struct result given = run_scores(gpu, &b);
    struct stream_result r = run_pairs(gpu, p);
    CHECK_NEAR(r.loss, given.loss, 2e-6 * given.loss);
    CHECK_NEAR(r.dq, given.dq, 1e-5 * fmax(fabs(given.dq), 1e-2));
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

/* A threshold that nothing reaches gives the plain loss and its gradients, bit for bit, in both entries. */
static void test_unreached(struct on_device *gpu, uint32_t n)
{
    struct pairs p = make_pairs(n, 16);
    struct stream_result plain = run_pairs(gpu, &p);
    struct batch b = {.n = n, .q = p.q, .dloss = p.dloss, .a = product(gpu, &p, p.u, p.v)};
    struct result plain_scores = run_scores(gpu, &b);
    float positives[2];
    b.qr = floats((size_t)n * n);
    b.qc = floats((size_t)n * n);
    for (uint32_t kind = OP_MINING_HARD; kind <= OP_MINING_IGNORE; kind++) {
        size_t count = (size_t)n * p.width;
        p.mining = (struct op_mining){.kind = (enum op_mining_kind)kind,
                                      .top_k = 8,
                                      .text = 1.001f,
                                      .image = 1.001f,
                                      .weight = 0.3f,
                                      .tau = 0.05f};
        struct stream_result r = run_pairs(gpu, &p);
        CHECK(memcmp(&r.loss, &plain.loss, 4) == 0);
        CHECK(memcmp(&r.dq, &plain.dq, 4) == 0);
        CHECK(memcmp(r.lse, plain.lse, 8 * n) == 0);
        CHECK(memcmp(r.du, plain.du, 4 * count) == 0);
        CHECK(memcmp(r.dv, plain.dv, 4 * count) == 0);
        CHECK(r.positives[0] == 1 && r.positives[1] == 1);
        run_mine(gpu, &p, b.qr, b.qc, positives);
        for (size_t i = 0; i < (size_t)n * n; i++)
            CHECK(b.qr[i] == (i % (n + 1) == 0) && b.qc[i] == (i % (n + 1) == 0));
        struct result scores = run_scores(gpu, &b);
        check_same_bits(&plain_scores, &scores, n);
    }
}

/* A threshold that all reach makes every target 1/N. Rows of soft targets sum to 1; equal thresholds on one guide make
 * a symmetric mask. */
static void test_targets(struct on_device *gpu)
{
    enum { N = 70 };
    struct pairs p = make_pairs(N, 8);
    float *qr = floats(N * N), *qc = floats(N * N), positives[2];
    p.mining = (struct op_mining){.kind = OP_MINING_HARD, .text = -1.01f, .image = -1.01f};
    run_mine(gpu, &p, qr, qc, positives);
    for (uint32_t i = 0; i < N * N; i++) {
        CHECK_NEAR(qr[i], 1.0 / N, 1e-7);
        CHECK_NEAR(qc[i], 1.0 / N, 1e-7);
    }
    CHECK_EQ(positives[0], N);
    p.mining =
        (struct op_mining){.kind = OP_MINING_SOFT, .guide = OP_GUIDE_BOTH, .text = 0.2f, .weight = 0.3f, .tau = 0.05f};
    run_mine(gpu, &p, qr, qc, positives);
    CHECK(positives[0] > 3 && positives[0] == positives[1]);
    for (uint32_t i = 0; i < N; i++) {
        double sum[2] = {0};
        for (uint32_t j = 0; j < N; j++) {
            sum[0] += qr[i * N + j];
            sum[1] += qc[j * N + i];
            CHECK((qr[i * N + j] > 0) == (qr[j * N + i] > 0));
            CHECK(qr[i * N + j] == qc[j * N + i]);
        }
        CHECK_NEAR(sum[0], 1, 1e-6);
        CHECK_NEAR(sum[1], 1, 1e-6);
    }
}

/* Mines from one matrix of similarities for both directions; targets into qr and qc. */
static void mine_from(struct on_device *gpu, struct op_mining mining, uint32_t n, float *s, int32_t *ids, float *qr,
                      float *qc)
{
    float positives[2];
    struct tensor_shape square = SHAPE_F32(n, n), none = {0};
    struct op_call call = {.op = &op_mine,
                           .attr = {.mining = mining},
                           .in_count = 3,
                           .in = {square, square, ids ? SHAPE_I32(n) : none},
                           .in_data = {s, s, ids},
                           .out_data = {qr, qc, positives}};
    CHECK_EQ(on_device_run(gpu, &call, NULL), MIEN_OK);
}

/* The threshold itself is reached, the next smaller float is not; among equals top_k takes the lower indices. */
static void test_edges(struct on_device *gpu)
{
    enum { N = 9 };
    float *s = floats(N * N), *qr = floats(N * N), *qc = floats(N * N);
    struct op_mining m = {.kind = OP_MINING_HARD, .text = 0.9f, .image = 0.9f};
    for (uint32_t i = 0; i < N * N; i++)
        s[i] = i % (N + 1) == 0 ? 1 : nextafterf(0.9f, 0);
    s[0 * N + 5] = s[5 * N + 0] = 0.9f;
    mine_from(gpu, m, N, s, NULL, qr, qc);
    for (uint32_t i = 0; i < N; i++) {
        for (uint32_t j = 0; j < N; j++) {
            bool pair = (i == 0 && j == 5) || (i == 5 && j == 0), alone = i != 0 && i != 5;
            float want = pair ? 0.5f : i != j ? 0 : alone ? 1 : 0.5f;
            CHECK(qr[i * N + j] == want && qc[i * N + j] == want);
        }
    }
    m.top_k = 3;
    m.text = m.image = 0.5f;
    s[0 * N + 5] = s[5 * N + 0] = s[1];
    mine_from(gpu, m, N, s, NULL, qr, qc);
    for (uint32_t i = 0; i < N; i++) {
        for (uint32_t j = 0; j < N; j++) { /* the three lowest besides the anchor */
            bool positive = i == j || j < (i < 3 ? 4 : 3);
            CHECK(qr[i * N + j] == (positive ? 0.25f : 0) && qc[j * N + i] == qr[i * N + j]);
        }
    }
}

/* Pairs 1 and 4 have the same text, dissimilar at first; 2 and 3 are similar. */
static void test_same_text(struct on_device *gpu)
{
    enum { N = 6 };
    float *s = floats(N * N), *qr = floats(N * N), *qc = floats(N * N);
    int32_t ids[N] = {0, 7, 2, 3, 7, 5};
    struct op_mining m = {.kind = OP_MINING_HARD, .text = 0.9f, .image = 0.9f};
    for (uint32_t i = 0; i < N; i++)
        s[i * N + i] = 1;
    s[2 * N + 3] = s[3 * N + 2] = 0.95f;
    for (uint32_t rule = OP_SAME_TEXT_NEGATIVE; rule <= OP_SAME_TEXT_IGNORE; rule++) {
        static const float want[] = {0, 0.5f, -1};
        m.same_text = (enum op_same_text)rule;
        mine_from(gpu, m, N, s, ids, qr, qc);
        CHECK(qr[1 * N + 4] == want[rule] && qr[4 * N + 1] == want[rule]);
        CHECK(qc[1 * N + 4] == want[rule] && qc[4 * N + 1] == want[rule]);
        CHECK(qr[1 * N + 1] == (rule == OP_SAME_TEXT_POSITIVE ? 0.5f : 1));
        CHECK(qr[2 * N + 3] == 0.5f && qr[2 * N + 2] == 0.5f && qr[0] == 1 && qr[1 * N + 2] == 0);
    }
    s[1 * N + 4] = s[4 * N + 1] = 0.99f; /* similar too: still left out, or a positive as any other */
    mine_from(gpu, m, N, s, ids, qr, qc);
    CHECK(qr[1 * N + 4] == -1 && qc[1 * N + 4] == -1 && qr[1 * N + 1] == 1);
    m.same_text = OP_SAME_TEXT_NEGATIVE;
    mine_from(gpu, m, N, s, ids, qr, qc);
    CHECK(qr[1 * N + 4] == 0.5f && qc[1 * N + 4] == 0.5f);
}

/* Embeddings all alike: ln N, whatever is mined; all similar: the loss with uniform targets. */
static void test_uniform(struct on_device *gpu)
{
    enum { N = 90 };
    struct pairs p = make_pairs(N, 8), alike = p;
    struct batch b = {.n = N, .q = p.q, .dloss = p.dloss, .a = product(gpu, &p, p.u, p.v)};
    alike.u = floats((size_t)N * 8);
    for (uint32_t i = 0; i < N * 8; i++)
        alike.u[i] = p.u[i % 8];
    alike.v = alike.u;
    for (uint32_t kind = OP_MINING_NONE; kind <= OP_MINING_SOFT; kind++) {
        alike.mining = (struct op_mining){
            .kind = (enum op_mining_kind)kind, .text = 0.3f, .image = 0.3f, .top_k = 4, .weight = 0.5f, .tau = 0.1f};
        struct stream_result r = run_pairs(gpu, &alike);
        CHECK_NEAR(r.loss, log(N), 1e-6 * log(N));
        CHECK_NEAR(r.dq, 0, 1e-6);
    }
    p.mining = (struct op_mining){.kind = OP_MINING_HARD, .text = -1.01f, .image = -1.01f};
    b.qr = b.qc = floats(N * N);
    for (uint32_t i = 0; i < N * N; i++)
        b.qr[i] = 1.0f / N;
    struct result given = run_scores(gpu, &b);
    struct stream_result r = run_pairs(gpu, &p);
    CHECK(r.positives[0] == N && r.positives[1] == N);
    CHECK_NEAR(r.loss, given.loss, 2e-6 * given.loss);
    check_products(&p, given.da, r.du, r.dv);
}

/* Similarities that are no round numbers, over several slabs: both directions and the backward pass must see the same
 * bits, or candidates at the cut get lost. */
static void test_slabs(struct on_device *gpu)
{
    struct pairs p = make_pairs(2200, 8);
    struct stream_result want = make_stream_result(&p);
    p.mining = (struct op_mining){.kind = OP_MINING_HARD, .top_k = 5, .text = -2, .image = -2};
    struct stream_result got = run_pairs(gpu, &p);
    struct op_call fwd = stream_forward(&p, &want), bwd = stream_backward(&p, &want);
    CHECK_EQ(op_call_shapes(&fwd, NULL), MIEN_OK);
    CHECK_EQ(op_call_shapes(&bwd, NULL), MIEN_OK);
    fwd.op->reference(&fwd);
    bwd.op->reference(&bwd);
    CHECK(got.positives[0] == 6 && got.positives[1] == 6);
    CHECK_NEAR(got.loss, want.loss, 1e-6 * want.loss);
    CHECK(distance(got.du, want.du, (size_t)p.n * p.width) < 1e-5);
    CHECK(distance(got.dv, want.dv, (size_t)p.n * p.width) < 1e-5);
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
    test_entries(&gpu);
    test_unreached(&gpu, 60);
    test_unreached(&gpu, 131);
    test_targets(&gpu);
    test_edges(&gpu);
    test_same_text(&gpu);
    test_uniform(&gpu);
    test_slabs(&gpu);
    base_arena_clear(&arena);
    on_device_close(&gpu);
    return check_result();
}
