/* contrast_kit.h: pairs of embeddings and what is made of them, for the tests of the contrastive losses. */
#ifndef TESTS_OP_CONTRAST_KIT_H
#define TESTS_OP_CONTRAST_KIT_H

#include "on_device.h"

/* Memory of a test, given back at its end. */
static struct base_arena arena;

static inline float *floats(size_t count)
{
    return base_arena_array(&arena, count, sizeof(float));
}

/* ---- pairs ---------------------------------------------------------------------------------------------------------
 */

struct pairs {
    uint32_t n, width;
    struct op_mining mining;
    float q, dloss;
    float *u, *v, *text, *image, *w; /* [N,E] each; w [N], may be NULL */
    int32_t *ids;                    /* [N], may be NULL */
};

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

static inline struct pairs make_pairs(uint32_t n, uint32_t width)
{
    return (struct pairs){.n = n,
                          .width = width,
                          .q = 2.5f,
                          .dloss = 1.25f,
                          .u = unit_rows(n, width, "u"),
                          .v = unit_rows(n, width, "v"),
                          .text = unit_rows(n, width, "text"),
                          .image = unit_rows(n, width, "image")};
}

/* ---- by way of matrices
 * ----------------------------------------------------------------------------------------------
 */

static inline float *product(struct on_device *gpu, const struct pairs *p, float *a, float *b)
{
    float *y = floats((size_t)p->n * p->n);
    struct op_call call = {.op = &op_matmul,
                           .attr = {.trans_b = true, .same_order = true},
                           .in_count = 2,
                           .in = {SHAPE_F32(p->n, p->width), SHAPE_F32(p->n, p->width)},
                           .in_data = {a, b},
                           .out_data = {y}};
    CHECK_EQ(on_device_run(gpu, &call, NULL), MIEN_OK);
    return y;
}

/* Targets [N,N] of rows and of columns, from matrices of similarities; signs [N,N] where qc is NULL. */
static inline void run_mine(struct on_device *gpu, struct pairs *p, float *qr, float *qc, float positives[2])
{
    struct tensor_shape square = SHAPE_F32(p->n, p->n), none = {0};
    struct tensor_shape ids = p->ids ? SHAPE_I32(p->n) : none, w = p->w ? SHAPE_F32(p->n) : none;
    struct op_call call = {
        .op = &op_mine,
        .attr = {.mining = p->mining},
        .in_count = 4,
        .in = {square, square, ids, w},
        .in_data = {product(gpu, p, p->text, p->text), product(gpu, p, p->image, p->image), p->ids, p->w},
        .out_data = {qr, qc ? qc : positives, positives}};
    call.attr.mining.signs = !qc;
    CHECK_EQ(on_device_run(gpu, &call, NULL), MIEN_OK);
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

/* Ids of the texts, some alike, and weights, some 0. */
static inline void draw_ids_and_weights(uint32_t n, int32_t **ids, float **w)
{
    *ids = base_arena_array(&arena, n, sizeof(**ids));
    *w = floats(n);
    for (uint32_t i = 0; i < n; i++) {
        (*ids)[i] = (int32_t)(i % 40);
        (*w)[i] = i % 9 ? 0.5f + (float)(i % 3) : 0;
    }
}

/* One of every kind and guide, with ids and weights in some. */
static inline void set_mining(struct pairs *p, uint32_t kind, uint32_t guide, int32_t *ids, float *w)
{
    p->mining = (struct op_mining){.kind = (enum op_mining_kind)kind,
                                   .guide = (enum op_mining_guide)guide,
                                   .same_text = (enum op_same_text)((kind + guide) % 3),
                                   .top_k = guide % 2 ? 0 : 3,
                                   .text = 0.4f,
                                   .image = 0.3f,
                                   .weight = 0.4f,
                                   .tau = 0.2f};
    p->ids = p->mining.same_text ? ids : NULL;
    p->w = guide >= OP_GUIDE_IMAGE ? w : NULL;
}

/* Against du = da v, dv = da^T u. */
static inline void check_products(const struct pairs *p, const float *da, const float *du, const float *dv)
{
    size_t count = (size_t)p->n * p->width;
    float *want_du = floats(count), *want_dv = floats(count);
    for (uint32_t i = 0; i < p->n; i++) {
        for (uint32_t j = 0; j < p->n; j++) {
            for (uint32_t e = 0; e < p->width; e++) {
                want_du[i * p->width + e] += da[(size_t)i * p->n + j] * p->v[j * p->width + e];
                want_dv[j * p->width + e] += da[(size_t)i * p->n + j] * p->u[i * p->width + e];
            }
        }
    }
    CHECK(distance(du, want_du, count) < 1e-5);
    CHECK(distance(dv, want_dv, count) < 1e-5);
}

#endif
