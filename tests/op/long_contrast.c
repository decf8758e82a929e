/* long_contrast.c: the streaming losses at N = 16,384, E = 128, forward and backward, within 64 MiB of device memory
 * beyond inputs and outputs, against the host in double. `long_contrast N` takes another N, a multiple of 64.
 *
 * All embeddings are +-c, so that a similarity is a number of differing signs: the host counts bits, has only a few
 * different exponentials, and does all N^2 pairs in seconds. Those of the guides are exact in fp32, with many ties. */
#include "on_device.h"

#include <stdlib.h>

enum { WIDTH = 128, GUIDE_WIDTH = 64, TOP = 8, SAMPLES = 48, MOST_EXTRA = 64 << 20 };

static struct base_arena arena;

static void *memory(size_t count, size_t size)
{
    void *p = base_arena_array(&arena, count, size);
    if (!p) {
        fprintf(stderr, "out of memory\n");
        abort();
    }
    return p;
}

/* ---- rows of signs ---- */

struct signs {
    uint32_t used; /* dims that are not 0: 64 or 128 */
    uint64_t (*bit)[2];
    float *value; /* [N,WIDTH] */
};

static uint32_t count_bits(uint64_t x)
{
    x -= x >> 1 & 0x5555555555555555u;
    x = (x & 0x3333333333333333u) + (x >> 2 & 0x3333333333333333u);
    x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fu;
    return (uint32_t)(x * 0x0101010101010101u >> 56);
}

static uint32_t differing(const struct signs *a, uint32_t i, const struct signs *b, uint32_t j)
{
    uint32_t count = count_bits(a->bit[i][0] ^ b->bit[j][0]);
    return a->used > 64 ? count + count_bits(a->bit[i][1] ^ b->bit[j][1]) : count;
}

static double similarity_of(const struct signs *a, uint32_t count)
{
    return 1 - 2.0 * count / a->used;
}

static uint64_t draw_word(struct base_rng *rng)
{
    uint64_t word = 0;
    for (uint32_t i = 0; i < 4; i++)
        word = word << 16 | base_rng_below(rng, 1 << 16);
    return word;
}

static void flip(struct signs *x, uint32_t row, uint32_t times, struct base_rng *rng)
{
    for (uint32_t t = 0; t < times; t++) {
        uint32_t at = base_rng_below(rng, x->used);
        x->bit[row][at / 64] ^= (uint64_t)1 << at % 64;
    }
}

static void fill_values(struct signs *x, uint32_t n)
{
    float c = (float)(1 / sqrt((double)x->used));
    x->value = memory((size_t)n * WIDTH, sizeof(float));
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t e = 0; e < x->used; e++)
            x->value[(size_t)i * WIDTH + e] = x->bit[i][e / 64] >> e % 64 & 1 ? -c : c;
    }
}

/* Each row like a random one of `clusters` or of `from` (same row), with up to `flips` signs changed. */
static struct signs make_signs(uint32_t n, uint32_t used, uint32_t clusters, const struct signs *from, uint32_t flips,
                               const char *name)
{
    struct base_rng rng = base_rng_make(5, name, n, 0);
    struct signs x = {.used = used, .bit = memory(n, sizeof(*x.bit))};
    for (uint32_t i = 0; i < n; i++) {
        const struct signs *like = from ? from : &x;
        uint32_t row = from ? i : base_rng_below(&rng, BASE_MIN(BASE_MAX(i, 1), clusters));
        for (uint32_t w = 0; w < 2; w++)
            x.bit[i][w] = !from && i < clusters ? draw_word(&rng) : like->bit[row][w];
        flip(&x, i, base_rng_below(&rng, flips + 1), &rng);
    }
    fill_values(&x, n);
    return x;
}

/* ---- the host's side ---- */

struct batch {
    uint32_t n;
    struct signs u, v, text, image;
    struct op_mining mining;
    float q, b, dloss;    /* b: siglip's bias */
    struct line *line[2]; /* [N] of rows, of columns */
};

/* An anchor's candidates. */
struct line {
    uint32_t own;     /* differing signs of the pair itself */
    uint32_t mined;   /* how many, and which */
    uint32_t at[TOP]; /* nearest first, ties to the lower index */
    double target[TOP];
    double lse, aim, dq; /* relative to the own score; sum of q z; sum of (P - Q) z */
};

static double z_of(const struct batch *b, uint32_t own, uint32_t count)
{
    return exp((double)b->q) * (similarity_of(&b->u, count) - similarity_of(&b->u, own));
}

/* Sorted insertion; candidates come in rising order, so that equal ones stay behind. */
static void insert(struct line *l, uint32_t near[TOP], uint32_t count, uint32_t j)
{
    uint32_t k = l->mined < TOP ? l->mined++ : TOP;
    if (k == TOP && near[TOP - 1] <= count)
        return;
    for (k = k == TOP ? TOP - 1 : k; k > 0 && near[k - 1] > count; k--) {
        near[k] = near[k - 1];
        l->at[k] = l->at[k - 1];
    }
    near[k] = count;
    l->at[k] = j;
}

/* Targets of the mined from how near they are; below 0 = left out. */
static void set_targets(const struct batch *b, const struct signs *guide, struct line *l, const uint32_t near[TOP])
{
    const struct op_mining *m = &b->mining;
    double norm = 1;
    for (uint32_t k = 0; k < l->mined; k++) {
        double share = m->kind == OP_MINING_SOFT ? exp((similarity_of(guide, near[k]) - 1) / (double)m->tau) : 1;
        l->target[k] = share;
        norm += share;
    }
    for (uint32_t k = 0; k < l->mined; k++) {
        double weight = m->kind == OP_MINING_SOFT ? (double)m->weight : 1;
        l->target[k] = m->kind == OP_MINING_IGNORE ? -1 : l->target[k] * weight / norm;
    }
}

static void finish_line(const struct batch *b, uint32_t of[WIDTH + 1], bool column, uint32_t anchor, struct line *l)
{
    double total = 0;
    const struct signs *from = column ? &b->v : &b->u, *to = column ? &b->u : &b->v;
    for (uint32_t k = 0; k < l->mined; k++) {
        uint32_t count = differing(from, anchor, to, l->at[k]);
        if (l->target[k] < 0)
            of[count]--;
        else
            l->aim += l->target[k] * z_of(b, l->own, count);
    }
    of[l->own]--; /* itself */
    for (uint32_t count = 0; count <= WIDTH; count++)
        total += of[count] * exp(z_of(b, l->own, count));
    l->lse = log1p(total);
    for (uint32_t count = 0; count <= WIDTH; count++) {
        double z = z_of(b, l->own, count);
        l->dq += of[count] * exp(z - l->lse) * z;
    }
    l->dq -= l->aim;
}

static void make_line(const struct batch *b, bool column, uint32_t anchor, struct line *l)
{
    const struct op_mining *m = &b->mining;
    const struct signs *from = column ? &b->v : &b->u, *to = column ? &b->u : &b->v;
    const struct signs *guide = column ? &b->image : &b->text;
    uint32_t of[WIDTH + 1] = {0}, near[TOP] = {0};
    double threshold = (double)(column ? m->image : m->text);
    *l = (struct line){.own = differing(from, anchor, to, anchor)};
    for (uint32_t j = 0; j < b->n; j++) {
        of[differing(from, anchor, to, j)]++;
        uint32_t count = differing(guide, anchor, guide, j);
        if (m->kind != OP_MINING_NONE && j != anchor && similarity_of(guide, count) >= threshold)
            insert(l, near, count, j);
    }
    set_targets(b, guide, l, near);
    finish_line(b, of, column, anchor, l);
}

/* Loss and dq. */
static void infonce_host(const struct batch *b, double *loss, double *dq)
{
    *loss = *dq = 0;
    for (uint32_t side = 0; side < 2; side++) {
        for (uint32_t i = 0; i < b->n; i++) {
            const struct line *l = &b->line[side][i];
            *loss += (l->lse - l->aim) / (2.0 * b->n);
            *dq += (double)b->dloss * l->dq / (2.0 * b->n);
        }
    }
}

/* P - Q of a candidate. */
static double line_gradient(const struct batch *b, const struct line *l, uint32_t candidate, uint32_t count)
{
    double target = 0;
    for (uint32_t k = 0; k < l->mined; k++) {
        if (l->at[k] == candidate)
            target = l->target[k];
    }
    return target < 0 ? 0 : exp(z_of(b, l->own, count) - l->lse) - target;
}

/* The anchor's own. */
static double own_gradient(const struct line *l)
{
    double g = expm1(-l->lse);
    for (uint32_t k = 0; k < l->mined; k++)
        g += fmax(l->target[k], 0);
    return g;
}

/* dloss/dZ of pair (anchor, j) with the anchor on `side`. */
static double infonce_gradient(const struct batch *b, uint32_t side, uint32_t anchor, uint32_t j, uint32_t count)
{
    const struct line *mine = &b->line[side][anchor], *theirs = &b->line[!side][j];
    double g = j == anchor ? own_gradient(mine) + own_gradient(theirs)
                           : line_gradient(b, mine, j, count) + line_gradient(b, theirs, anchor, count);
    return g / (2.0 * b->n);
}

/* +1, -1, 0 = left out: what the anchor's side or the other has mined. */
static int sign_of(const struct batch *b, uint32_t side, uint32_t anchor, uint32_t j)
{
    const struct line *lines[] = {&b->line[side][anchor], &b->line[!side][j]};
    const uint32_t wanted[] = {j, anchor};
    for (uint32_t of = 0; of < 2; of++) {
        for (uint32_t k = 0; k < lines[of]->mined; k++) {
            if (lines[of]->at[k] == wanted[of])
                return b->mining.kind == OP_MINING_IGNORE && anchor != j ? 0 : 1;
        }
    }
    return anchor == j ? 1 : -1;
}

static double siglip_z(const struct batch *b, uint32_t count)
{
    return exp((double)b->q) * similarity_of(&b->u, count);
}

static double siglip_gradient(const struct batch *b, uint32_t side, uint32_t anchor, uint32_t j, uint32_t count)
{
    int sign = sign_of(b, side, anchor, j);
    return -sign / (1 + exp(sign * (siglip_z(b, count) + (double)b->b))) / b->n;
}

/* Loss, dq, db from how many pairs of each sign have how many differing signs. */
static void siglip_host(const struct batch *b, double result[3])
{
    static uint32_t of[3][WIDTH + 1];
    memset(of, 0, sizeof(of));
    memset(result, 0, 3 * sizeof(*result));
    for (uint32_t i = 0; i < b->n; i++) {
        for (uint32_t j = 0; j < b->n; j++)
            of[1 + sign_of(b, 0, i, j)][differing(&b->u, i, &b->v, j)]++;
    }
    for (int sign = -1; sign <= 1; sign += 2) {
        for (uint32_t count = 0; count <= WIDTH; count++) {
            double z = siglip_z(b, count), x = -sign * (z + (double)b->b), pairs = of[1 + sign][count];
            double g = -sign * (double)b->dloss / (1 + exp(-x)) * pairs / b->n;
            result[0] += pairs * (fmax(x, 0) + log1p(exp(-fabs(x)))) / b->n;
            result[1] += g * z;
            result[2] += g;
        }
    }
}

/* ---- both sides ---- */

struct result {
    float loss, dq, db, positives[2];
    float *lse, *lines, *du, *dv;
};

static struct result make_result(const struct batch *b)
{
    return (struct result){.lse = memory(2 * (size_t)b->n, sizeof(float)),
                           .lines = memory(16 * (size_t)b->n, sizeof(float)),
                           .du = memory((size_t)b->n * WIDTH, sizeof(float)),
                           .dv = memory((size_t)b->n * WIDTH, sizeof(float))};
}

static void run_infonce(struct on_device *gpu, struct batch *b, struct result *r, uint64_t extra[2])
{
    struct tensor_shape rows = SHAPE_F32(b->n, WIDTH), one = SHAPE_F32(1), none = {0};
    struct tensor_shape lse = SHAPE_F32(2, b->n), lines = SHAPE_F32(2, b->n, 8);
    struct tensor_shape guide = b->mining.kind == OP_MINING_NONE ? none : rows;
    struct op_call fwd = {.op = &op_infonce_stream,
                          .attr = {.mining = b->mining},
                          .in_count = 7,
                          .in = {rows, rows, one, guide, guide},
                          .in_data = {b->u.value, b->v.value, &b->q, b->text.value, b->image.value},
                          .out_data = {&r->loss, r->lse, r->lines, r->positives}};
    struct op_call bwd = {
        .op = &op_infonce_stream_bwd,
        .attr = {.mining = b->mining},
        .in_count = 8,
        .in = {rows, rows, one, guide, guide, lse, lines, one},
        .in_data = {b->u.value, b->v.value, &b->q, b->text.value, b->image.value, r->lse, r->lines, &b->dloss},
        .out_data = {r->du, r->dv, &r->dq}};
    CHECK_EQ(on_device_run(gpu, &fwd, &extra[0]), MIEN_OK);
    CHECK_EQ(on_device_run(gpu, &bwd, &extra[1]), MIEN_OK);
    for (uint32_t pass = 0; pass < 2; pass++) /* what stays between the passes */
        extra[pass] += tensor_shape_bytes(&lse) + tensor_shape_bytes(&lines);
}

typedef double gradient_of(const struct batch *b, uint32_t side, uint32_t anchor, uint32_t j, uint32_t count);

/* Rows of du (side 0) or dv, all over the batch. */
static void check_rows(const struct batch *b, const float *got, uint32_t side, gradient_of *gradient)
{
    double error = 0, square = 0;
    const struct signs *from = side ? &b->v : &b->u, *to = side ? &b->u : &b->v;
    for (uint32_t k = 0; k < SAMPLES; k++) {
        uint32_t i = (uint32_t)((uint64_t)k * (b->n - 1) / (SAMPLES - 1));
        double want[WIDTH] = {0};
        for (uint32_t j = 0; j < b->n; j++) {
            double g = exp((double)b->q) * (double)b->dloss * gradient(b, side, i, j, differing(from, i, to, j));
            for (uint32_t e = 0; e < WIDTH; e++)
                want[e] += g * (double)to->value[(size_t)j * WIDTH + e];
        }
        for (uint32_t e = 0; e < WIDTH; e++) {
            double d = (double)got[(size_t)i * WIDTH + e] - want[e];
            error += d * d;
            square += want[e] * want[e];
        }
    }
    printf("  d%c: relative error %.1e\n", side ? 'v' : 'u', sqrt(error / square));
    CHECK(square > 0 && error < 1e-10 * square);
}

/* exp(q) times the rounding of two dot products, and sums' */
static void check_lse(const struct batch *b, const float *lse)
{
    double worst = 0;
    for (uint32_t i = 0; i < 2 * b->n; i++) {
        double want = b->line[i / b->n][i % b->n].lse;
        worst = fmax(worst, fabs((double)lse[i] - want) / (1e-5 + 2e-6 * want));
    }
    CHECK(worst <= 1);
}

static void check_infonce(struct on_device *gpu, struct batch *b, const char *name)
{
    struct result r = make_result(b);
    double loss, dq, mined[2] = {0}, begin = base_clock_seconds();
    uint64_t extra[2] = {0};
    run_infonce(gpu, b, &r, extra);
    double device = base_clock_seconds() - begin;
    for (uint32_t side = 0; side < 2; side++) {
        for (uint32_t i = 0; i < b->n; i++) {
            make_line(b, side == 1, i, &b->line[side][i]);
            mined[side] += (double)b->line[side][i].mined / b->n;
        }
    }
    infonce_host(b, &loss, &dq);
    printf("infonce_stream %s, N %u, E %u: %.1f s on the device, %.1f MiB forward, %.1f MiB backward beyond inputs and "
           "outputs\n  loss %.7f, host %.7f; dq %.7g, host %.7g; %.3f and %.3f positives\n",
           name, b->n, WIDTH, device, (double)extra[0] / 1048576, (double)extra[1] / 1048576, (double)r.loss, loss,
           (double)r.dq, dq, (double)r.positives[0], (double)r.positives[1]);
    CHECK(extra[0] <= MOST_EXTRA && extra[1] <= MOST_EXTRA);
    CHECK_NEAR(r.loss, loss, 2e-6 * loss);
    CHECK_NEAR(r.dq, dq, 2e-5 * fabs(dq));
    check_lse(b, r.lse);
    for (uint32_t side = 0; side < 2; side++) {
        CHECK_NEAR(r.positives[side], 1 + mined[side], 1e-5);
        check_rows(b, side ? r.dv : r.du, side, infonce_gradient);
    }
}

static void run_siglip(struct on_device *gpu, struct batch *b, struct result *r, uint64_t extra[2])
{
    struct tensor_shape rows = SHAPE_F32(b->n, WIDTH), one = SHAPE_F32(1), none = {0};
    struct tensor_shape lines = SHAPE_F32(2, b->n, 8), guide = b->mining.kind == OP_MINING_NONE ? none : rows;
    struct op_call fwd = {.op = &op_siglip_stream,
                          .attr = {.mining = b->mining},
                          .in_count = 8,
                          .in = {rows, rows, one, one, guide, guide},
                          .in_data = {b->u.value, b->v.value, &b->q, &b->b, b->text.value, b->image.value},
                          .out_data = {&r->loss, r->lines, r->positives}};
    struct op_call bwd = {
        .op = &op_siglip_stream_bwd,
        .attr = {.mining = b->mining},
        .in_count = 8,
        .in = {rows, rows, one, one, guide, guide, lines, one},
        .in_data = {b->u.value, b->v.value, &b->q, &b->b, b->text.value, b->image.value, r->lines, &b->dloss},
        .out_data = {r->du, r->dv, &r->dq, &r->db}};
    CHECK_EQ(on_device_run(gpu, &fwd, &extra[0]), MIEN_OK);
    CHECK_EQ(on_device_run(gpu, &bwd, &extra[1]), MIEN_OK);
    for (uint32_t pass = 0; pass < 2; pass++)
        extra[pass] += tensor_shape_bytes(&lines);
}

/* After check_infonce, which has made the lines. */
static void check_siglip(struct on_device *gpu, struct batch *b, const char *name)
{
    struct result r = make_result(b);
    double want[3], begin = base_clock_seconds();
    uint64_t extra[2] = {0};
    run_siglip(gpu, b, &r, extra);
    double device = base_clock_seconds() - begin;
    siglip_host(b, want);
    printf("siglip_stream %s: %.1f s on the device, %.1f MiB forward, %.1f MiB backward beyond inputs and outputs\n"
           "  loss %.7g, host %.7g; dq %.7g, host %.7g; db %.7g, host %.7g\n",
           name, device, (double)extra[0] / 1048576, (double)extra[1] / 1048576, (double)r.loss, want[0], (double)r.dq,
           want[1], (double)r.db, want[2]);
    CHECK(extra[0] <= MOST_EXTRA && extra[1] <= MOST_EXTRA);
    CHECK_NEAR(r.loss, want[0], 2e-6 * want[0]);
    CHECK_NEAR(r.dq, want[1], 2e-5 * fabs(want[1]));
    CHECK_NEAR(r.db, want[2], 2e-5 * fabs(want[2]));
    for (uint32_t side = 0; side < 2; side++)
        check_rows(b, side ? r.dv : r.du, side, siglip_gradient);
}

int main(int argc, char **argv)
{
    struct on_device gpu;
    uint32_t n = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 16384;
    static const struct {
        const char *name;
        struct op_mining mining;
    } runs[] = {
        {"plain", {.kind = OP_MINING_NONE}},
        {"hard", {.kind = OP_MINING_HARD, .top_k = TOP, .text = 0.9f, .image = 0.92f}},
        {"soft", {.kind = OP_MINING_SOFT, .top_k = TOP, .text = 0.9f, .image = 0.92f, .weight = 0.3f, .tau = 0.05f}},
        {"ignore", {.kind = OP_MINING_IGNORE, .top_k = TOP, .text = 0.9f, .image = 0.92f}},
    };
    setenv("MIEN_WAIT_SECONDS", "1800", 0);
    if (!on_device_open(&gpu))
        CHECK_SKIP("no Vulkan device");
    struct batch b = {.n = n, .q = 3, .b = -9, .dloss = 0.75f};
    b.u = make_signs(n, WIDTH, n, NULL, 0, "u");
    b.v = make_signs(n, WIDTH, n, &b.u, 60, "v");
    b.text = make_signs(n, GUIDE_WIDTH, n / 16, NULL, 3, "text");
    b.image = make_signs(n, GUIDE_WIDTH, n / 8, NULL, 2, "image");
    for (uint32_t side = 0; side < 2; side++)
        b.line[side] = memory(n, sizeof(struct line));
    for (uint32_t i = 0; i < BASE_COUNT(runs); i++) {
        b.mining = runs[i].mining;
        check_infonce(&gpu, &b, runs[i].name);
        if (runs[i].mining.kind != OP_MINING_SOFT) /* whose positives are those of hard */
            check_siglip(&gpu, &b, runs[i].name);
    }
    base_arena_clear(&arena);
    on_device_close(&gpu);
    return check_result();
}
