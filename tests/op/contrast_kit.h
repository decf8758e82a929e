/* contrast_kit.h: batches of pairs for the tests of the contrastive losses, and what holds for both losses. */
#ifndef TESTS_OP_CONTRAST_KIT_H
#define TESTS_OP_CONTRAST_KIT_H

#include "on_device.h"
#include "op/signature.h"

/* Memory of a test, given back at its end. */
static struct base_arena arena;

static inline float *floats(size_t count)
{
    return base_arena_array(&arena, count, sizeof(float));
}

/* ---- calls ------------------------------------------------------------------------------------------------------- */

/* All that an op of the family may take or give, by the names of its signature; what is NULL is absent. */
struct batch {
    uint32_t n, width;
    struct op_mining mining;
    float q, b, dloss;
    float *a, *qr, *qc, *sign;         /* [N,N] */
    float *u, *v, *text, *image;       /* [N,E] */
    float *text_matrix, *image_matrix; /* [N,N] */
    float *w;                          /* [N] */
    int32_t *id;                       /* [N] */
    float loss, dq, db, positives[2];  /* results; those below are made by run() */
    float *lse, *lines, *da, *du, *dv;
};

struct named {
    const char *name;
    struct tensor_shape shape;
    void *data;
};

static inline const struct named *named_as(const struct named *list, const struct op_tensor *tensor)
{
    while (list->name && !op_tensor_named(tensor, list->name, strlen(list->name)))
        list++;
    return list;
}

/* Shapes and data of the batch for an op, forward or backward. */
static inline struct op_call call_of(const struct op_desc *op, struct batch *b)
{
    bool mine = op == &op_mine;
    struct tensor_shape square = SHAPE_F32(b->n, b->n), line = SHAPE_F32(b->n), one = SHAPE_F32(1);
    struct tensor_shape rows = SHAPE_F32(b->n, BASE_MAX(b->width, 1)), lse = SHAPE_F32(2, b->n);
    struct tensor_shape lines = SHAPE_F32(2, b->n, 8);
    const struct named list[] = {{"A", square, b->a},
                                 {"u", rows, b->u},
                                 {"v", rows, b->v},
                                 {"q", one, &b->q},
                                 {"b", one, &b->b},
                                 {"Qr", square, b->qr},
                                 {"Qc", square, b->qc},
                                 {"sign", square, b->sign},
                                 {"text", mine ? square : rows, mine ? b->text_matrix : b->text},
                                 {"image", mine ? square : rows, mine ? b->image_matrix : b->image},
                                 {"id", SHAPE_I32(b->n), b->id},
                                 {"w", line, b->w},
                                 {"lse", lse, b->lse},
                                 {"lines", lines, b->lines},
                                 {"dloss", one, &b->dloss},
                                 {"loss", one, &b->loss},
                                 {"positives", lse, b->positives},
                                 {"dA", square, b->da},
                                 {"du", rows, b->du},
                                 {"dv", rows, b->dv},
                                 {"dq", one, &b->dq},
                                 {"db", one, &b->db},
                                 {0}};
    struct op_signature signature;
    op_signature(op, &signature);
    struct op_call call = {.op = op, .attr = {.mining = b->mining}, .in_count = signature.in_count};
    for (uint32_t i = 0; i < signature.in_count; i++) {
        const struct named *of = named_as(list, &signature.in[i]);
        call.in[i] = of->data ? of->shape : (struct tensor_shape){0};
        call.in_data[i] = of->data;
    }
    for (uint32_t o = 0; o < signature.out_count; o++)
        call.out_data[o] = named_as(list, &signature.out[o])->data;
    return call;
}

/* One of the two losses. */
struct loss {
    const struct op_desc *given[2], *stream[2]; /* forward, backward */
};
static const struct loss infonce = {{&op_infonce, &op_infonce_bwd}, {&op_infonce_stream, &op_infonce_stream_bwd}};
static const struct loss siglip = {{&op_siglip, &op_siglip_bwd}, {&op_siglip_stream, &op_siglip_stream_bwd}};

/* Forward and backward on the device, or by the references where gpu is NULL. */
static inline void run(struct on_device *gpu, const struct op_desc *const ops[2], struct batch *b)
{
    size_t n = b->n, count = n * b->width;
    b->lse = floats(2 * n);
    b->lines = floats(16 * n);
    b->da = floats(n * n);
    b->du = floats(count + 1);
    b->dv = floats(count + 1);
    for (uint32_t pass = 0; pass < 2; pass++) {
        struct op_call call = call_of(ops[pass], b);
        CHECK_EQ(gpu ? on_device_run(gpu, &call, NULL) : op_call_shapes(&call, NULL), MIEN_OK);
        if (!gpu)
            op_reference(&call);
    }
}

/* ---- batches ----------------------------------------------------------------------------------------------------- */

static inline struct batch make_scores(uint32_t n)
{
    struct base_rng rng = base_rng_make(11, "scores", n, 0);
    struct batch b = {.n = n, .q = 2.75f, .b = -6, .dloss = 0.75f, .a = floats((size_t)n * n)};
    for (size_t i = 0; i < (size_t)n * n; i++)
        b.a[i] = (float)(0.2 * base_rng_normal(&rng) + (i % (n + 1) == 0 ? 0.5 : 0));
    return b;
}

static inline float *unit_rows(uint32_t n, uint32_t width, const char *name)
{
    struct base_rng rng = base_rng_make(3, name, n, width);
    float *x = floats((size_t)n * width);
    for (uint32_t i = 0; i < n; i++) {
        double square = 0;
        for (uint32_t e = 0; e < width; e++) {
            double value = base_rng_normal(&rng);
            x[(size_t)i * width + e] = (float)value;
            square += value * value;
        }
        for (uint32_t e = 0; e < width; e++)
            x[(size_t)i * width + e] = (float)(x[(size_t)i * width + e] / sqrt(square));
    }
    return x;
}

static inline struct batch make_pairs(uint32_t n, uint32_t width)
{
    return (struct batch){.n = n,
                          .width = width,
                          .q = 2.5f,
                          .b = -5,
                          .dloss = 1.25f,
                          .u = unit_rows(n, width, "u"),
                          .v = unit_rows(n, width, "v"),
                          .text = unit_rows(n, width, "text"),
                          .image = unit_rows(n, width, "image")};
}

/* x y^T of rows [N,E] */
static inline float *product(struct on_device *gpu, const struct batch *b, float *x, float *y)
{
    float *z = floats((size_t)b->n * b->n);
    struct op_call call = {.op = &op_matmul,
                           .attr = {.trans_b = true, .same_order = true},
                           .in_count = 2,
                           .in = {SHAPE_F32(b->n, b->width), SHAPE_F32(b->n, b->width)},
                           .in_data = {x, y},
                           .out_data = {z}};
    CHECK_EQ(on_device_run(gpu, &call, NULL), MIEN_OK);
    return z;
}

/* The same batch by way of matrices: its scores, and targets, or for siglip signs, mined from its similarities. */
static inline struct batch by_matrices(struct on_device *gpu, const struct loss *loss, struct batch *b)
{
    struct batch m = *b;
    float *first = floats((size_t)b->n * b->n), *second = floats((size_t)b->n * b->n);
    m.a = product(gpu, b, b->u, b->v);
    m.text_matrix = product(gpu, b, b->text, b->text);
    m.image_matrix = product(gpu, b, b->image, b->image);
    m.mining.signs = loss == &siglip;
    struct op_call call = call_of(&op_mine, &m);
    call.out_data[0] = first;
    call.out_data[1] = m.mining.signs ? m.positives : second;
    call.out_data[2] = m.positives;
    CHECK_EQ(on_device_run(gpu, &call, NULL), MIEN_OK);
    m.sign = first;
    m.qr = first;
    m.qc = second;
    return m;
}

static inline double distance(const float *x, const float *y, size_t count)
{
    double error = 0, square = 0;
    for (size_t i = 0; i < count; i++) {
        error += ((double)x[i] - y[i]) * ((double)x[i] - y[i]);
        square += (double)y[i] * y[i];
    }
    return sqrt(error / fmax(square, 1e-30));
}

/* Against du = da v, dv = da^T u. */
static inline void check_products(const struct batch *b, const float *da)
{
    size_t count = (size_t)b->n * b->width;
    float *want_du = floats(count), *want_dv = floats(count);
    for (uint32_t i = 0; i < b->n; i++) {
        for (uint32_t j = 0; j < b->n; j++) {
            for (uint32_t e = 0; e < b->width; e++) {
                want_du[i * b->width + e] += da[(size_t)i * b->n + j] * b->v[j * b->width + e];
                want_dv[j * b->width + e] += da[(size_t)i * b->n + j] * b->u[i * b->width + e];
            }
        }
    }
    CHECK(distance(b->du, want_du, count) < 1e-5);
    CHECK(distance(b->dv, want_dv, count) < 1e-5);
}

static inline void check_same_bits(const struct batch *x, const struct batch *y)
{
    size_t n = x->n, count = n * x->width;
    CHECK(memcmp(&x->loss, &y->loss, 4) == 0);
    CHECK(memcmp(&x->dq, &y->dq, 4) == 0);
    CHECK(memcmp(&x->db, &y->db, 4) == 0);
    CHECK(memcmp(x->lse, y->lse, 8 * n) == 0);
    CHECK(memcmp(x->da, y->da, 4 * n * n) == 0);
    CHECK(memcmp(x->du, y->du, 4 * count) == 0);
    CHECK(memcmp(x->dv, y->dv, 4 * count) == 0);
}

/* ---- of both losses ---------------------------------------------------------------------------------------------- */

/* The identity as targets or signs, and weights of 1, change no bit. */
static inline void test_identity(struct on_device *gpu, const struct loss *loss, uint32_t n)
{
    struct batch plain = make_scores(n), given = plain;
    run(gpu, loss->given, &plain);
    given.qr = floats((size_t)n * n);
    given.sign = floats((size_t)n * n);
    for (size_t i = 0; i < (size_t)n * n; i++) {
        given.qr[i] = i % (n + 1) == 0;
        given.sign[i] = i % (n + 1) == 0 ? 1 : -1;
    }
    run(gpu, loss->given, &given);
    check_same_bits(&plain, &given);
    given.qc = given.qr;
    given.w = floats(n);
    for (uint32_t i = 0; i < n; i++)
        given.w[i] = 1;
    run(gpu, loss->given, &given);
    check_same_bits(&plain, &given);
}

/* Pairs of weight 0 might as well not be in the batch, whatever their scores. */
static inline void test_absent(struct on_device *gpu, const struct loss *loss)
{
    enum { N = 40, KEPT = 27 };
    struct batch all = make_scores(N), few = make_scores(KEPT);
    all.w = floats(N);
    for (uint32_t i = 0, k = 0; i < N * N; i++) {
        bool kept = i / N % 3 != 2 && i % N % 3 != 2;
        all.w[i % N] = i % N % 3 != 2;
        if (kept)
            few.a[k++] = all.a[i];
        else
            all.a[i] = 30;
    }
    run(gpu, loss->given, &all);
    run(gpu, loss->given, &few);
    CHECK_NEAR(all.loss, few.loss, 1e-6 * few.loss);
    CHECK_NEAR(all.dq, few.dq, 1e-5 * fabs(few.dq));
    CHECK_NEAR(all.db, few.db, 1e-5 * fabs(few.db));
    for (uint32_t i = 0, k = 0; i < N * N; i++) {
        bool kept = i / N % 3 != 2 && i % N % 3 != 2;
        CHECK_NEAR(all.da[i], kept ? few.da[k] : 0, 1e-6);
        k += kept;
    }
}

/* The loss and the gradients by way of matrices are those of the stream. */
static inline void check_entries_agree(struct on_device *gpu, const struct loss *loss, struct batch *b)
{
    struct batch given = by_matrices(gpu, loss, b);
    run(gpu, loss->given, &given);
    run(gpu, loss->stream, b);
    CHECK_NEAR(b->loss, given.loss, 2e-6 * given.loss);
    CHECK_NEAR(b->dq, given.dq, 1e-5 * fmax(fabs(given.dq), 1e-2));
    CHECK_NEAR(b->db, given.db, 1e-5 * fmax(fabs(given.db), 1e-2));
    CHECK_EQ(b->positives[0] * 1e4, given.positives[0] * 1e4);
    CHECK_EQ(b->positives[1] * 1e4, given.positives[1] * 1e4);
    check_products(b, given.da);
}

/* Of every kind and guide, with ids, some alike, and weights, some 0, in some. */
static inline void test_entries(struct on_device *gpu, const struct loss *loss)
{
    struct batch b = make_pairs(150, 12);
    int32_t *id = base_arena_array(&arena, b.n, sizeof(*id));
    float *w = floats(b.n);
    for (uint32_t i = 0; i < b.n; i++) {
        id[i] = (int32_t)(i % 40);
        w[i] = i % 9 ? 0.5f + (float)(i % 3) : 0;
    }
    for (uint32_t kind = OP_MINING_NONE; kind <= OP_MINING_IGNORE; kind++) {
        for (uint32_t guide = OP_GUIDE_CROSSMODAL; guide <= OP_GUIDE_BOTH; guide++) {
            b.mining = (struct op_mining){.kind = (enum op_mining_kind)kind,
                                          .guide = (enum op_mining_guide)guide,
                                          .same_text = (enum op_same_text)((kind + guide) % 3),
                                          .top_k = guide % 2 ? 0 : 3,
                                          .text = 0.4f,
                                          .image = 0.3f,
                                          .weight = 0.4f,
                                          .tau = 0.2f};
            b.id = b.mining.same_text ? id : NULL;
            b.w = guide >= OP_GUIDE_IMAGE ? w : NULL;
            check_entries_agree(gpu, loss, &b);
        }
    }
}

/* A threshold that nothing reaches gives the plain loss and its gradients, bit for bit, in both entries. */
static inline void test_unreached(struct on_device *gpu, const struct loss *loss, uint32_t n)
{
    struct batch plain = make_pairs(n, 16), mined = plain, scores = plain;
    run(gpu, loss->stream, &plain);
    scores.a = product(gpu, &plain, plain.u, plain.v);
    run(gpu, loss->given, &scores);
    for (uint32_t kind = OP_MINING_HARD; kind <= OP_MINING_IGNORE; kind++) {
        mined.mining = (struct op_mining){.kind = (enum op_mining_kind)kind,
                                          .top_k = 8,
                                          .text = 1.001f,
                                          .image = 1.001f,
                                          .weight = 0.3f,
                                          .tau = 0.05f};
        run(gpu, loss->stream, &mined);
        check_same_bits(&plain, &mined);
        CHECK(mined.positives[0] == 1 && mined.positives[1] == 1);
        struct batch given = by_matrices(gpu, loss, &mined);
        for (size_t i = 0; i < (size_t)n * n; i++) {
            float own = i % (n + 1) == 0;
            CHECK(loss == &siglip ? given.sign[i] == 2 * own - 1 : given.qr[i] == own && given.qc[i] == own);
        }
        run(gpu, loss->given, &given);
        check_same_bits(&scores, &given);
    }
}

/* Similarities that are no round numbers, over several slabs: both directions and the backward pass must see the same
 * bits, or candidates at the cut get lost. */
static inline void test_slabs(struct on_device *gpu, const struct loss *loss)
{
    struct batch got = make_pairs(2200, 8);
    got.mining = (struct op_mining){.kind = OP_MINING_HARD, .top_k = 5, .text = -2, .image = -2};
    struct batch want = got;
    run(gpu, loss->stream, &got);
    run(NULL, loss->stream, &want);
    CHECK(got.positives[0] == 6 && got.positives[1] == 6);
    CHECK_NEAR(got.loss, want.loss, 2e-6 * want.loss);
    CHECK_NEAR(got.dq, want.dq, 1e-5 * fabs(want.dq));
    CHECK_NEAR(got.db, want.db, 1e-5 * fabs(want.db));
    CHECK(distance(got.du, want.du, (size_t)got.n * got.width) < 1e-5);
    CHECK(distance(got.dv, want.dv, (size_t)got.n * got.width) < 1e-5);
}

static inline void test_loss(struct on_device *gpu, const struct loss *loss)
{
    test_identity(gpu, loss, 33);
    test_identity(gpu, loss, 200);
    test_absent(gpu, loss);
    test_entries(gpu, loss);
    test_unreached(gpu, loss, 60);
    test_unreached(gpu, loss, 131);
    test_slabs(gpu, loss);
}

#endif
