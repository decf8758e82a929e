/* mine.c: targets for infonce, or signs for siglip, from similarities [N,N] (contrast.h says which). [N,N] tensors are
 * each bound whole: N as far as those losses go, 4,096; the streaming losses mine by themselves beyond it. */
#include "op/contrast.h"

#include <math.h>

enum { TEXT, IMAGE, IDS, WEIGHTS };
static const struct contrast_inputs inputs = {TEXT, IMAGE, IDS, WEIGHTS};

/* Any of the inputs tells N. */
static uint32_t rows_of(const struct op_call *call)
{
    for (uint32_t i = 0; i < 4; i++) {
        if (call->in[i].rank)
            return call->in[i].dim[0];
    }
    return 0;
}

static enum mien_status shapes(struct op_call *call, const char *label)
{
    uint32_t n = rows_of(call), o = 0;
    if (n == 0)
        return op_shape_error(call, label, TEXT, "there, or any other: an input must tell N");
    enum mien_status status = contrast_check(call, label, inputs, n, true);
    if (status != MIEN_OK)
        return status;
    call->out[o++] = SHAPE_F32(n, n);
    if (!call->attr.mining.signs)
        call->out[o++] = SHAPE_F32(n, n);
    call->out[o++] = SHAPE_F32(2);
    call->out_count = o;
    return MIEN_OK;
}

/* The targets of rows or columns as they are; an absent anchor has only itself. Mean |P|. */
static double targets(struct contrast_host *host, bool column, double *q, float *out)
{
    uint32_t n = host->n;
    double count = 0, there = 0;
    for (uint32_t i = 0; i < n; i++) {
        bool absent = contrast_weight(host, i) == 0;
        count += contrast_line(host, column, i, q).positives;
        there += !absent;
        for (uint32_t j = 0; j < n; j++)
            out[column ? (size_t)j * n + i : (size_t)i * n + j] = absent && q[j] > 0 ? i == j : (float)q[j];
    }
    return count / fmax(there, 1);
}

/* As targets, into signs. Rows come first. */
static double signs(struct contrast_host *host, bool column, double *q, float *out)
{
    double count = 0, there = 0;
    for (uint32_t i = 0; i < host->n; i++) {
        count += contrast_sign_line(host, column, i, q, out).positives;
        there += contrast_weight(host, i) > 0;
    }
    return count / fmax(there, 1);
}

static void reference(const struct op_call *call)
{
    struct contrast_host host;
    uint32_t n = rows_of(call);
    bool one = call->attr.mining.signs;
    float *positives = call->out_data[one ? 1 : 2];
    double *q = base_alloc(n, sizeof(*q));
    if (!q || contrast_host_open(&host, call, inputs, n, true) != MIEN_OK)
        goto fail;
    for (uint32_t column = 0; column < 2; column++)
        positives[column] = (float)(one ? signs : targets)(&host, column, q, call->out_data[one ? 0 : column]);
    contrast_host_close(&host);
fail:
    base_free(q);
}

static enum mien_status plan(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    enum mien_status status = MIEN_OK;
    struct contrast c;
    const struct op_mining *m = &call->attr.mining;
    uint32_t n = rows_of(call);
    TRY(contrast_begin(&c, caps, call, plan, inputs, n, true));
    c.lines = contrast_scratch(&c, 64ull * n);
    contrast_place_guides(&c);
    TRY(contrast_lines(&c, OP_NONE, OP_NONE));
    TRY(contrast_mine(&c));
    struct mine_args args = {
        .n = n, .rows = n > 1024 ? n / 32 : 32, .scale = c.scale, .tau = m->kind == OP_MINING_SOFT ? m->tau : 1};
    struct op_dispatch *d = contrast_add(&c, "mine_targets", &args, sizeof(args), n * base_div_up(n, args.rows));
    FAIL_IF_NULL(d, "a plan");
    uint64_t count = m->kind == OP_MINING_NONE ? 16ull * n : (uint64_t)n * n;
    contrast_bind(d, c.guide[0], 0, count, OP_READ);
    contrast_bind(d, c.guide[1], 0, count, OP_READ);
    contrast_bind(d, c.lines, 0, 16ull * n, OP_READ);
    op_dispatch_bind(d, OP_OUT, 0, OP_WRITE);
    op_dispatch_bind(d, OP_OUT, m->signs ? 0 : 1, OP_WRITE);
    contrast_spec(&c, d);
    op_dispatch_spec(d, 11, m->signs);
    TRY(contrast_positives(&c, (struct op_where){OP_OUT, m->signs ? 1 : 2, 0}));
fail:
    return status;
}

/* ---- tests ------------------------------------------------------------------------------------------------------- */

/* Symmetric, ones on the diagonal, in steps of 1/64, so that ties are common; one in five at 0.875 or above. */
static void fill_similarities(float *s, uint32_t n, struct base_rng *rng)
{
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t j = 0; j <= i; j++) {
            uint32_t near = base_rng_below(rng, 5) == 0, step = base_rng_below(rng, near ? 9 : 120);
            float value = i == j ? 1 : ((near ? 56.0f : -64.0f) + (float)step) / 64;
            s[(size_t)i * n + j] = s[(size_t)j * n + i] = value;
        }
    }
}

static void prepare(struct op_call *call, struct base_rng *rng)
{
    uint32_t n = rows_of(call);
    float *w = call->in_data[WEIGHTS];
    int32_t *ids = call->in_data[IDS];
    for (uint32_t i = TEXT; i <= IMAGE; i++) {
        if (call->in_data[i])
            fill_similarities(call->in_data[i], n, rng);
    }
    if (ids)
        contrast_fill_ids(ids, n, rng);
    if (w)
        contrast_fill_weights(w, n, rng);
}

static double flops(const struct op_call *call)
{
    double n = rows_of(call);
    return 40 * n * n;
}

static const struct op_variant variants[] = {{.name = "mine_targets", .plan = plan}, {0}};

#define MINE(text_, image_, ...) .attr = {.mining = {.text = text_, .image = image_, __VA_ARGS__}}
#define SQUARE(n)                                                                                                      \
    {                                                                                                                  \
        n, n                                                                                                           \
    }

static const struct op_case cases[] = {
    {.name = "one", MINE(0.9f, 0.95f, .kind = OP_MINING_HARD), .in = {SQUARE(1), SQUARE(1)}},
    {.name = "none_7", MINE(0.9f, 0.95f, .kind = OP_MINING_NONE), .in = {SQUARE(7), SQUARE(7)}},
    {.name = "hard_33", MINE(0.9f, 0.95f, .kind = OP_MINING_HARD), .in = {SQUARE(33), SQUARE(33)}},
    {.name = "hard_top3_65", MINE(0.9f, 0.95f, .kind = OP_MINING_HARD, .top_k = 3), .in = {SQUARE(65), SQUARE(65)}},
    {.name = "hard_top40_127",
     MINE(0.0f, 0.95f, .kind = OP_MINING_HARD, .guide = OP_GUIDE_TEXT, .top_k = 40),
     .in = {SQUARE(127)}},
    {.name = "hard_both_127",
     MINE(0.6f, 0.95f, .kind = OP_MINING_HARD, .guide = OP_GUIDE_BOTH, .top_k = 8),
     .in = {SQUARE(127), SQUARE(127)}},
    {.name = "soft_127",
     MINE(0.9f, 0.95f, .kind = OP_MINING_SOFT, .guide = OP_GUIDE_IMAGE, .top_k = 8, .weight = 0.3f, .tau = 0.05f),
     .in = {{0}, SQUARE(127)}},
    {.name = "soft_all_65",
     MINE(-2, -2, .kind = OP_MINING_SOFT, .weight = 1, .tau = 0.5f),
     .in = {SQUARE(65), SQUARE(65)}},
    {.name = "ignore_65", MINE(0.9f, 0.95f, .kind = OP_MINING_IGNORE, .top_k = 5), .in = {SQUARE(65), SQUARE(65)}},
    {.name = "same_65", MINE(0.9f, 0.95f, .same_text = OP_SAME_TEXT_POSITIVE), .in = {{0}, {0}, {65}}},
    {.name = "same_hard_65",
     MINE(0.9f, 0.95f, .kind = OP_MINING_HARD, .top_k = 4, .same_text = OP_SAME_TEXT_POSITIVE),
     .in = {SQUARE(65), SQUARE(65), {65}, {65}}},
    {.name = "same_soft_65",
     MINE(0.9f, 0.95f, .kind = OP_MINING_SOFT, .weight = 0.4f, .tau = 0.1f, .same_text = OP_SAME_TEXT_IGNORE),
     .in = {SQUARE(65), SQUARE(65), {65}, {65}}},
    {.name = "same_ignore_65",
     MINE(0.9f, 0.95f, .kind = OP_MINING_IGNORE, .top_k = 4, .same_text = OP_SAME_TEXT_POSITIVE),
     .in = {SQUARE(65), SQUARE(65), {65}, {65}}},
    {.name = "signs_65",
     MINE(0.9f, 0.95f, .kind = OP_MINING_HARD, .top_k = 4, .same_text = OP_SAME_TEXT_IGNORE, .signs = true),
     .in = {SQUARE(65), SQUARE(65), {65}, {65}}},
    {.name = "signs_ignore_33",
     MINE(0.9f, 0.95f, .kind = OP_MINING_IGNORE, .signs = true),
     .in = {SQUARE(33), SQUARE(33)}},
    {.name = "1024",
     MINE(0.9f, 0.95f, .kind = OP_MINING_SOFT, .top_k = 8, .weight = 0.3f, .tau = 0.05f),
     .in = {SQUARE(1024), SQUARE(1024)},
     .bench = true},
    {.name = "4096",
     MINE(0.9f, 0.95f, .kind = OP_MINING_SOFT, .top_k = 8, .weight = 0.3f, .tau = 0.05f),
     .in = {SQUARE(4096), SQUARE(4096)},
     .bench = true,
     .slow = true},
    {.name = "signs_4096",
     MINE(0.9f, 0.95f, .kind = OP_MINING_HARD, .top_k = 8, .same_text = OP_SAME_TEXT_IGNORE, .signs = true),
     .in = {SQUARE(4096), SQUARE(4096), {4096}, {4096}},
     .slow = true},
    {0},
};

const struct op_desc op_mine = {
    .name = "mine",
    .summary = "row and column targets [N,N] of pairs that are similar, and mean numbers of positives [2], from "
               "similarities of texts and of images [N,N], ids of the texts i32[N] and weights [N], all optional; attr "
               "mining",
    .in_count = 4,
    .out_count = 3,
    .optional = 0xf,
    .index_inputs = 1u << IDS,
    .constants = 1u << TEXT | 1u << IMAGE | 1u << WEIGHTS,
    .shapes = shapes,
    .reference = reference,
    .no_grad = "targets are constants: nothing flows back through the similarities",
    .variants = variants,
    .cases = cases,
    .fill = {OP_FILL_PREPARE, OP_FILL_PREPARE, OP_FILL_PREPARE, OP_FILL_PREPARE},
    .prepare = prepare,
    /* shares are exp(x), x down to -40 only where they are nothing; one division, sums of at most N shares */
    .tolerance = {.abs = 1e-6, .rel = 5e-6, .nmse = 1e-12},
    .flops = flops,
};
