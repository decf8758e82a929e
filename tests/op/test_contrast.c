/* test_contrast.c: what the contrastive losses and mining promise beyond their references: bits and invariances. */
#include "contrast_kit.h"

/* All scores alike: the loss is ln N, each row of the gradient sums to 0. */
static void test_alike(struct on_device *gpu)
{
    enum { N = 100 };
    struct batch b = make_scores(N);
    for (uint32_t i = 0; i < N * N; i++)
        b.a[i] = 0.25f;
    run(gpu, infonce.given, &b);
    CHECK_NEAR(b.loss, log(N), 1e-6);
    CHECK_NEAR(b.dq, 0, 1e-7);
    for (uint32_t i = 0; i < N; i++) {
        double sum = 0;
        for (uint32_t j = 0; j < N; j++)
            sum += b.da[i * N + j];
        CHECK_NEAR(sum, 0, 1e-6);
    }
}

/* Embeddings all alike: ln N, whatever is mined; all similar: the loss with uniform targets. */
static void test_uniform(struct on_device *gpu)
{
    enum { N = 90 };
    struct batch b = make_pairs(N, 8), alike = b, given = b;
    alike.u = alike.v = floats((size_t)N * 8);
    for (uint32_t i = 0; i < N * 8; i++)
        alike.u[i] = b.u[i % 8];
    for (uint32_t kind = OP_MINING_NONE; kind <= OP_MINING_SOFT; kind++) {
        alike.mining = (struct op_mining){
            .kind = (enum op_mining_kind)kind, .text = 0.3f, .image = 0.3f, .top_k = 4, .weight = 0.5f, .tau = 0.1f};
        run(gpu, infonce.stream, &alike);
        CHECK_NEAR(alike.loss, log(N), 1e-6 * log(N));
        CHECK_NEAR(alike.dq, 0, 1e-6);
    }
    b.mining = (struct op_mining){.kind = OP_MINING_HARD, .text = -1.01f, .image = -1.01f};
    given.a = product(gpu, &b, b.u, b.v);
    given.qr = given.qc = floats(N * N);
    for (uint32_t i = 0; i < N * N; i++)
        given.qr[i] = 1.0f / N;
    run(gpu, infonce.given, &given);
    run(gpu, infonce.stream, &b);
    CHECK(b.positives[0] == N && b.positives[1] == N);
    CHECK_NEAR(b.loss, given.loss, 2e-6 * given.loss);
    check_products(&b, given.da);
}

/* ---- mining ------------------------------------------------------------------------------------------------------ */

/* A threshold that all reach makes every target 1/N. Rows of soft targets sum to 1; equal thresholds on one guide make
 * a symmetric mask. */
static void test_targets(struct on_device *gpu)
{
    enum { N = 70 };
    struct batch b = make_pairs(N, 8), m;
    b.mining = (struct op_mining){.kind = OP_MINING_HARD, .text = -1.01f, .image = -1.01f};
    m = by_matrices(gpu, &infonce, &b);
    for (uint32_t i = 0; i < N * N; i++) {
        CHECK_NEAR(m.qr[i], 1.0 / N, 1e-7);
        CHECK_NEAR(m.qc[i], 1.0 / N, 1e-7);
    }
    CHECK_EQ(m.positives[0], N);
    b.mining =
        (struct op_mining){.kind = OP_MINING_SOFT, .guide = OP_GUIDE_BOTH, .text = 0.2f, .weight = 0.3f, .tau = 0.05f};
    m = by_matrices(gpu, &infonce, &b);
    CHECK(m.positives[0] > 3 && m.positives[0] == m.positives[1]);
    for (uint32_t i = 0; i < N; i++) {
        double sum[2] = {0};
        for (uint32_t j = 0; j < N; j++) {
            sum[0] += m.qr[i * N + j];
            sum[1] += m.qc[j * N + i];
            CHECK((m.qr[i * N + j] > 0) == (m.qr[j * N + i] > 0));
            CHECK(m.qr[i * N + j] == m.qc[j * N + i]);
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

int main(void)
{
    struct on_device gpu;
    if (!on_device_open(&gpu))
        CHECK_SKIP("no Vulkan device");
    test_loss(&gpu, &infonce);
    test_alike(&gpu);
    test_uniform(&gpu);
    test_targets(&gpu);
    test_edges(&gpu);
    test_same_text(&gpu);
    base_arena_clear(&arena);
    on_device_close(&gpu);
    return check_result();
}
