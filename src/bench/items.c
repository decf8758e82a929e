/* items.c: the rows that are wanted: peaks, kernels at the shapes of models, towers and steps. */
#include "bench/bench.h"

#include <string.h>

/* Shapes of CLIP models that the ops do not have as cases of their own: B images of 50 tokens of ViT-B/32's width 768
 * through a block, one of ViT-B/16 (T 197) and of ViT-L/14 (T 257), texts of 77 tokens. */
#define TB .trans_b = true
#define TA .trans_a = true
static const struct op_case matmul_shapes[] = {
    {.name = "square_256", .in = {{256, 256}, {256, 256}}}, /* also for the slowest */
    {.name = "clip_nn_592x3072x768", .in = {{592, 768}, {768, 3072}}},
    {.name = "clip_nt_592x3072x768", .attr = {TB}, .in = {{592, 768}, {3072, 768}, {3072}}},
    {.name = "clip_nn_1600x768x768", .in = {{1600, 768}, {768, 768}}},
    {.name = "clip_nt_1600x768x768", .attr = {TB}, .in = {{1600, 768}, {768, 768}, {768}}},
    {.name = "clip_tn_1600x768x768", .attr = {TA}, .in = {{768, 1600}, {768, 768}}},
    {0},
};
/* On matrix units: as a ViT-B/32 has them in training (weights and the stream of residuals in f32), and all in 16 bits
 * where there is most to do. */
#define F16 .precision = MIEN_F16, .dtype = MIEN_F16
#define BF16 .precision = MIEN_BF16, .dtype = MIEN_BF16
static const struct op_case unit_shapes[] = {
    {.name = "f16_nt_1600x768x768", .attr = {TB, F16}, .dtype = MIEN_F16, .half = 1, .in = {{1600, 768}, {768, 768}}},
    {.name = "bf16_nt_1600x768x768",
     .attr = {TB, BF16},
     .dtype = MIEN_BF16,
     .half = 1,
     .in = {{1600, 768}, {768, 768}}},
    {.name = "f16_4096", .attr = {F16}, .dtype = MIEN_F16, .in = {{4096, 4096}, {4096, 4096}}},
    {.name = "bf16_4096", .attr = {BF16}, .dtype = MIEN_BF16, .in = {{4096, 4096}, {4096, 4096}}},
    {0},
};
#define QKV(b, t, d) .in = {{b, t, 3 * (d)}}
static const struct op_case attention_shapes[] = {
    {.name = "clip_8x50x768", .attr = {.heads = 12}, QKV(8, 50, 768)},
    {.name = "clip_8x77x512", .attr = {.heads = 8, .causal = true}, QKV(8, 77, 512)},
    {.name = "clip_8x197x768", .attr = {.heads = 12}, QKV(8, 197, 768)},
    {.name = "clip_8x257x1024", .attr = {.heads = 16}, QKV(8, 257, 1024)},
    {0},
};
static const struct op_case layernorm_shapes[] = {
    {.name = "clip_1600x768", .attr = {.eps = 1e-5f}, .in = {{1600, 768}, {768}, {768}}},
    {0},
};
static const struct op_case softmax_shapes[] = {
    {.name = "clip_8x12x197x197", .in = {{8, 12, 197, 197}}},
    {0},
};
static const struct op_case infonce_shapes[] = {
    {.name = "clip_256", .in = {{256, 256}, {1}}},
    {0},
};
static const struct op_case embedding_shapes[] = {
    {.name = "clip_64x77", .in = {{49408, 512}, {64, 77}}},
    {0},
};

static const struct {
    const struct op_desc *op, *gradient; /* also timed, by the rule of the first */
    const struct op_case *cases;
    bool on_units; /* only where there are any */
} shapes[] = {
    {&op_matmul, NULL, matmul_shapes},
    {&op_matmul, NULL, unit_shapes, true},
    {&op_attention, &op_attention_bwd, attention_shapes},
    {&op_layernorm, &op_layernorm_bwd, layernorm_shapes},
    {&op_softmax, &op_softmax_bwd, softmax_shapes},
    {&op_infonce, &op_infonce_bwd, infonce_shapes},
    {&op_embedding, NULL, embedding_shapes},
};

enum mien_status bench_item_add(struct bench_run *run, const struct bench_kind *kind, const char *name,
                                struct bench_item **out)
{
    enum mien_status status = MIEN_OK;
    struct bench_row *row;
    bool wanted = kind == &bench_peak || check_glob(run->params.only, name);
    *out = NULL;
    if (!wanted)
        return MIEN_OK;
    TRY(base_grow(&run->items, &run->capacity, run->count + 1, sizeof(*run->items)));
    TRY(bench_add_row(run->out, kind->name, name, &row));
    *out = &run->items[run->count++];
    **out = (struct bench_item){.bench = run, .kind = kind, .row = run->out->count - 1, .peak = kind == &bench_peak};
fail:
    return status;
}

bool bench_give_up(struct bench_item *item, enum mien_bench_outcome outcome, const char *fmt, ...)
{
    struct bench_row *row = bench_row_of(item);
    va_list args;
    va_start(args, fmt);
    vsnprintf(row->reason, sizeof(row->reason), fmt, args);
    va_end(args);
    row->outcome = outcome;
    return false;
}

bool bench_failed(struct bench_item *item)
{
    const char *error = item->bench->context.error;
    return bench_give_up(item, MIEN_BENCH_FAILED, "%s", *error ? error : "it could not run");
}

/* ---- peaks ------------------------------------------------------------------------------------------------------- */

/* Enough work to fill a device of the class, and little enough for a slow one. */
static enum mien_status add_peaks(struct bench_run *run)
{
    static const struct {
        uint32_t chains, rounds; /* of multiply-adds: elements, and rounds of FMA_STEPS */
        uint32_t copy[BENCH_SIZES];
    } classes[] = {
        [VK_CLASS_DESKTOP] = {1 << 21, 128, {1 << 18, 1 << 22, 1 << 25}},
        [VK_CLASS_MOBILE] = {1 << 18, 128, {1 << 17, 1 << 20, 1 << 23}},
        [VK_CLASS_SOFTWARE] = {1 << 15, 64, {1 << 16, 1 << 19, 1 << 22}},
    };
    enum mien_status status = MIEN_OK;
    const struct vk_caps *caps = &run->context.caps;
    struct bench_item *item;
    uint64_t most = caps->device_memory / 16 / sizeof(float);
    run->peak[0] = (struct op_case){.name = "fma",
                                    .attr = {.count = classes[caps->class_].rounds, .value = 1},
                                    .in = {{classes[caps->class_].chains}}};
    TRY(bench_item_add(run, &bench_peak, "peak/fma", &item));
    item->c = (struct check_case){.op = &op_fma, .given = &run->peak[0]};
    for (uint32_t i = 0; i < BENCH_SIZES; i++) {
        uint32_t elements = (uint32_t)BASE_MIN(classes[caps->class_].copy[i], most);
        char name[48];
        snprintf(name, sizeof(name), "peak/copy_%ukib", elements / 256);
        run->peak[1 + i] = (struct op_case){.name = "copy", .in = {{elements}}};
        TRY(bench_item_add(run, &bench_peak, name, &item));
        item->c = (struct check_case){.op = &op_copy, .given = &run->peak[1 + i]};
    }
    run->peaks = run->count;
fail:
    return status;
}

/* ---- kernels ----------------------------------------------------------------------------------------------------- */

static enum mien_status add_kernel(struct bench_run *run, const struct check_case *c)
{
    enum mien_status status = MIEN_OK;
    char name[96];
    struct bench_item *item;
    /* cases of a gradient op are called as those of its forward op, of which there may be two */
    bool mixed = c->forward && (c->op->cases || c->op->forward[1]);
    snprintf(name, sizeof(name), "%s/%s%s%s", c->op->name, mixed ? c->forward->name : "", mixed ? "." : "",
             c->given->name);
    TRY(bench_item_add(run, &bench_kernel, name, &item));
    if (item)
        item->c = *c;
fail:
    return status;
}

/* Whether `a` suits a quick run better than `b` (op NULL = none). */
static bool is_quicker(const struct check_case *a, const struct check_case *b)
{
    if (!b->op || a->given->slow != b->given->slow)
        return !b->op || b->given->slow;
    return check_case_elements(a) < check_case_elements(b);
}

/* Cases marked for it; with quick the smallest of each op. */
static enum mien_status add_cases(struct bench_run *run, const struct op_desc *op)
{
    enum mien_status status = MIEN_OK;
    struct check_case least = {0};
    for (struct check_case c = {.op = op}; check_case_next(&c);) {
        if (!c.given->bench)
            continue;
        if (!run->params.quick)
            TRY(add_kernel(run, &c));
        else if (is_quicker(&c, &least))
            least = c;
    }
    if (least.op)
        TRY(add_kernel(run, &least));
fail:
    return status;
}

static enum mien_status add_shapes(struct bench_run *run)
{
    enum mien_status status = MIEN_OK;
    for (size_t i = 0; i < BASE_COUNT(shapes); i++) {
        if (shapes[i].on_units && !(run->context.caps.features & VK_CAP_COOPMAT))
            continue;
        for (const struct op_case *given = shapes[i].cases; given->name; given++) {
            TRY(add_kernel(run, &(struct check_case){.op = shapes[i].op, .given = given}));
            if (shapes[i].gradient)
                TRY(add_kernel(
                    run, &(struct check_case){.op = shapes[i].gradient, .forward = shapes[i].op, .given = given}));
        }
    }
fail:
    return status;
}

enum mien_status bench_items_make(struct bench_run *run)
{
    enum mien_status status = MIEN_OK;
    TRY(add_peaks(run));
    for (const struct op_desc *const *op = op_list; *op; op++)
        TRY(add_cases(run, *op));
    TRY(add_shapes(run));
    TRY(bench_programs_add(run));
    FAIL_IF(run->params.only && run->count == run->peaks && !check_glob(run->params.only, "peak/fma") &&
                strncmp(run->params.only, "peak/", 5) != 0,
            MIEN_ERR_ARG, "no row is called as \"%s\"%s; names are like matmul/nn_768, tower/small-b8/image",
            run->params.only, run->params.quick ? " in the quick run" : "");
fail:
    return status;
}
