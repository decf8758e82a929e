/* matmul_plan.c: matmul as dispatches. A product is cut into blocks, for any of these reasons: a tensor is larger than
 * one storage-buffer range; k is so long that one chain of sums would lose digits; there are too few output tiles to
 * fill the device (dW = X^T dY); one dispatch would outrun a watchdog. Blocks of m, n and the batch are independent
 * dispatches. Parts of k go side by side into scratch and are added in their order by a second kernel, which also does
 * the epilogue; when scratch cannot hold all parts this happens in rounds. */
#include "args/matmul.h"
#include "op/matmul.h"
#include "op/part.h"

enum {
    MAX_ADDS = 256,        /* additions to one sum: what bounds its error, see op_matmul.tolerance */
    MAX_ADDS_HALF = 1024,  /* the same where the sum is stored in 16 bits */
    MAX_SCRATCH = 1 << 26, /* bytes of partial matrices aimed at */
    MAX_BESIDE = 1 << 24,  /* of blocks that do not wait for each other's */
    MAX_PARTS = 2048,      /* per round: 16 elements of the sum kernel's invocations over all of them are 32,768 loops,
                            * and lavapipe ends an invocation after 65,535 */
};

/* Steps of k that parts are multiples of. */
static uint32_t steps_at_once(const struct matmul_tile *t)
{
    return t->run ? 4 * t->depth : 4;
}

/* How far the blocks reach. All but the last of each kind are this large. */
struct blocks {
    uint32_t batch, m, n;
    uint32_t part;  /* steps of k per part */
    uint32_t parts; /* parts per round */
    uint32_t k;     /* most steps of k per round: its rows of A and B lie in one range each */
};

/* One block: matrices z.., rows m0.., columns n0... */
struct block {
    uint32_t z, m0, n0;
    uint32_t batch, m, n;
    uint64_t scratch; /* where its partial matrices begin in scratch 0, bytes */
};

/* Whether y and pre are stored in 16 bits, which takes kernels that store four columns at once. */
static bool is_stored(const struct matmul_size *s)
{
    return s->dtype_y != MIEN_F32;
}

/* Ranges of y, pre, residual and slope begin at multiples of so many elements: then all skip as many (op_part). */
static uint64_t c_step(const struct matmul_size *s)
{
    return is_stored(s) || s->dtype_c != MIEN_F32 ? 128 : 64;
}

static uint32_t most_adds(const struct matmul_size *s)
{
    return is_stored(s) ? MAX_ADDS_HALF : MAX_ADDS;
}

static uint32_t least(uint64_t a, uint64_t b)
{
    return (uint32_t)BASE_MIN(a, b);
}

/* The length of a block: `size` when the limit allows, else whole tiles, else whole units; 0 = not even one unit. */
static uint32_t cut(uint64_t size, uint64_t limit, uint32_t tile, uint32_t unit)
{
    if (limit >= size)
        return (uint32_t)size;
    return (uint32_t)(limit >= tile ? limit / tile * tile : limit / unit * unit);
}

/* How large blocks may be by the ranges, which hold whole rows of A, B and C; false when one does not hold a few. */
static bool fit_ranges(const struct vk_caps *caps, const struct matmul_size *s, const struct matmul_tile *t,
                       struct blocks *b)
{
    uint64_t rows_a = op_part_rows_sized(caps, s->trans_a ? s->m : s->k, mien_dtype_size(s->dtype_a));
    uint64_t rows_b = op_part_rows_sized(caps, s->trans_b ? s->k : s->n, mien_dtype_size(s->dtype_b));
    uint64_t rows_c = (caps->max_range - BASE_MIN(4 * c_step(s), caps->max_range)) / (4 * s->n);
    uint64_t k = BASE_MIN(s->trans_a ? rows_a : s->k, s->trans_b ? s->k : rows_b);
    /* Blocks begin at multiples of a unit wherever they begin inside a row: m in A stored [K,M], k always. */
    b->m = cut(s->m, BASE_MIN(s->trans_a ? s->m : rows_a, rows_c), t->m, s->trans_a ? t->unit : 1);
    b->n = cut(s->n, s->trans_b ? rows_b : s->n, t->n, is_stored(s) ? 4 : t->unit);
    b->part = b->k = cut(s->k, k, steps_at_once(t), steps_at_once(t));
    return b->m > 0 && b->n > 0 && b->part > 0;
}

/* Whole matrices of the batch per block: 1 when a matrix is cut itself. */
static uint32_t fit_batch(const struct vk_caps *caps, const struct matmul_size *s, const struct blocks *b)
{
    uint64_t a = (uint64_t)s->m * s->k, bb = (uint64_t)s->k * s->n, c = (uint64_t)s->m * s->n;
    uint64_t largest = BASE_MAX(a, BASE_MAX(bb, c));
    if (b->m < s->m || b->n < s->n || b->part < s->k)
        return 1;
    uint64_t count = BASE_MIN(op_part_rows(caps, 1) / largest, s->batch);
    return least(BASE_MAX(count, 1), caps->max_groups[2]);
}

static struct blocks choose_blocks(const struct vk_caps *caps, const struct matmul_size *s, const struct matmul_tile *t,
                                   struct blocks b)
{
    b.m = least(b.m, (uint64_t)caps->max_groups[1] * t->m);
    b.n = least(b.n, (uint64_t)caps->max_groups[0] * t->n);
    b.batch = fit_batch(caps, s, &b);
    /* parts of k: short enough to keep the digits, and enough of them to fill the device */
    uint64_t tiles = base_div_up(b.m, t->m) * base_div_up(b.n, t->n) * b.batch;
    uint64_t longest = op_most_rounds(caps) / 4; /* a step of k is under four rounds */
    if (t->run)
        longest = BASE_MIN(most_adds(s) * t->run, BASE_MAX(MAX_ADDS * t->run, longest));
    else if (t->chain && is_stored(s)) /* chains add to what is stored: not there, where digits are lost */
        longest = most_adds(s) * t->chain;
    uint64_t parts = base_div_up(s->k, BASE_MIN(b.part, longest));
    parts = BASE_MAX(parts, t->parts ? t->parts : matmul_parts_to_fill(caps, s, t->fill, t->least, tiles));
    b.part = parts > 1 ? least(base_round_up(base_div_up(s->k, parts), steps_at_once(t)), b.part) : s->k;
    b.parts = (uint32_t)base_div_up(s->k, b.part);
    if (b.parts > 1) { /* partial matrices in scratch, in one range */
        uint64_t room = BASE_MIN((uint64_t)MAX_SCRATCH, caps->max_range) / 4;
        b.batch = least(b.batch, BASE_MAX(room / ((uint64_t)b.m * b.n * b.parts), 1));
        uint64_t fit = room / ((uint64_t)b.batch * b.m * b.n);
        fit = BASE_MIN(fit, caps->max_groups[2] / b.batch);
        if (b.k < s->k) /* else the last part may be a shorter one */
            fit = BASE_MIN(fit, b.k / b.part);
        b.parts = least(b.parts, BASE_MIN(BASE_MAX(fit, 1), MAX_PARTS));
    }
    if (t->flops > 0) {
        double row = 2.0 * b.batch * b.n * b.part * b.parts;
        if (b.batch > 1 && row * b.m > t->flops) {
            b.batch = least(BASE_MAX((uint64_t)(t->flops / (row * b.m) * b.batch), 1), b.batch);
            row = 2.0 * b.batch * b.n * b.part * b.parts;
        }
        if (b.batch == 1) {
            b.m = least(b.m, BASE_MAX((uint64_t)(t->flops / row) / t->m, 1) * t->m);
            b.n = least(b.n, BASE_MAX((uint64_t)(t->flops / (row * b.m) * b.n) / t->n, 1) * t->n);
        }
    }
    return b;
}

/* Rows [row, row + count) of the matrices z.. of a tensor [batch, rows, width], as one range. */
static struct op_part matrix_part(const struct block *b, uint32_t rows, uint32_t width, uint32_t row, uint32_t count,
                                  enum mien_dtype dtype)
{
    uint64_t first = (uint64_t)b->z * rows + row, all = (uint64_t)(b->batch - 1) * rows + count;
    return op_part_of_sized(first * width, all * width, mien_dtype_size(dtype));
}

/* C of a block, or what is shaped like it. Of rows m0.. up to m, all columns. */
static struct op_part c_part(const struct matmul_size *s, const struct block *b, enum mien_dtype dtype)
{
    uint64_t first = (uint64_t)b->z * s->m + b->m0, all = (uint64_t)(b->batch - 1) * s->m + b->m;
    return op_part_of_step(first * s->n, all * s->n, mien_dtype_size(dtype), c_step(s));
}

/* Kernels declare all six buffers; one that a dispatch has no use for is bound to a tensor that it has anyway. */
static void bind_again(struct op_dispatch *d, uint32_t binding, uint32_t access)
{
    d->bind[d->bind_count] = d->bind[binding];
    d->bind[d->bind_count++].access = (uint8_t)access;
}

static void bind_epilogue(struct op_dispatch *d, const struct matmul_size *s, const struct block *b, bool final)
{
    if (final && s->bias)
        op_dispatch_bind(d, OP_IN, MATMUL_BIAS, OP_READ);
    else
        bind_again(d, 0, OP_READ);
    if (final && (s->residual || s->slope))
        op_part_bind(d, OP_IN, s->slope ? MATMUL_SLOPE : MATMUL_RESIDUAL, OP_READ, c_part(s, b, s->dtype_c));
    else
        bind_again(d, 0, OP_READ);
    if (final && s->pre)
        op_part_bind(d, OP_OUT, 1, OP_WRITE, c_part(s, b, s->dtype_y));
    else
        bind_again(d, 2, OP_WRITE);
    uint32_t parts = (s->bias ? 1u : 0) | (s->residual ? 2u : 0) | (s->pre ? 4u : 0) | (s->slope ? 8u : 0);
    op_dispatch_spec(d, 10, final ? parts : 0);
    op_dispatch_spec(d, 11, final ? s->activation : OP_ACT_NONE);
}

/* One dispatch of the tile kernel: steps k0..k0+k of a block, in parts. One part alone goes to the outputs. */
static void add_main(struct op_plan *plan, const struct matmul_size *s, const struct matmul_tile *t,
                     const struct block *b, const struct blocks *bs, uint32_t k0, uint32_t k, bool direct)
{
    uint32_t lda = s->trans_a ? s->m : s->k, ldb = s->trans_b ? s->k : s->n;
    struct op_part pa =
        s->trans_a ? matrix_part(b, s->k, lda, k0, k, s->dtype_a) : matrix_part(b, s->m, lda, b->m0, b->m, s->dtype_a);
    struct op_part pb =
        s->trans_b ? matrix_part(b, s->n, ldb, b->n0, b->n, s->dtype_b) : matrix_part(b, s->k, ldb, k0, k, s->dtype_b);
    struct op_part pc = c_part(s, b, s->dtype_y);
    uint32_t parts = (uint32_t)base_div_up(k, bs->part), mn = b->m * b->n;
    struct matmul_args args = {
        .m = b->m,
        .n = b->n,
        .k = k,
        .lda = lda,
        .ldb = ldb,
        .ldc = direct ? s->n : b->n,
        .a = pa.skip + (s->trans_a ? b->m0 : k0),
        .b = pb.skip + (s->trans_b ? k0 : b->n0),
        .c = direct ? pc.skip + b->n0 : 0,
        .bias = b->n0,
        .a_batch = s->m * s->k,
        .b_batch = s->k * s->n,
        .c_batch = direct ? s->m * s->n : mn,
        .splits = parts,
        .part = direct ? (uint32_t)base_round_up(k, 4) : bs->part,
        .c_part = direct ? 0 : mn * b->batch,
    };
    struct op_dispatch *d = op_plan_kernel(plan, t->shader);
    op_part_bind(d, OP_IN, MATMUL_A, OP_READ, pa);
    op_part_bind(d, OP_IN, MATMUL_B, OP_READ, pb);
    uint32_t access = t->chain ? OP_READ | OP_WRITE : OP_WRITE;
    if (direct)
        op_part_bind(d, OP_OUT, 0, access, pc);
    else
        op_dispatch_bind_range(d, OP_SCRATCH, 0, access, b->scratch, 4ull * parts * mn * b->batch);
    const uint32_t spec[] = {t->local_x, t->local_y, 1, t->rows, t->cols, t->depth};
    if (t->chain)
        op_dispatch_spec(d, 6, args.part > most_adds(s) * t->chain ? most_adds(s) * t->chain : 0);
    for (uint32_t i = 0; i < BASE_COUNT(spec); i++)
        op_dispatch_spec(d, i, spec[i]);
    op_dispatch_spec(d, 8, s->trans_a);
    op_dispatch_spec(d, 9, s->trans_b);
    bind_epilogue(d, s, b, direct);
    if (t->lanes)
        matmul_cm_specialise(plan, t, d);
    else
        op_dispatch_formats(d, plan->call, 12);
    OP_PUSH(d, args);
    d->groups[0] = (uint32_t)base_div_up(b->n, t->n);
    d->groups[1] = (uint32_t)base_div_up(b->m, t->m);
    d->groups[2] = b->batch * parts;
    d->flops = 2.0 * b->batch * b->m * b->n * k;
}

/* The second kernel: round `round` of a block, `parts` partial matrices; the last round does the epilogue. Sums of
 * earlier rounds stand in scratch 1, in two slots taken in turns. */
static void add_sum(struct op_plan *plan, const struct matmul_size *s, const struct block *b, uint32_t unit,
                    uint32_t parts, uint32_t round, bool last)
{
    uint64_t count = (uint64_t)b->batch * b->m * b->n, slot = base_round_up(4 * count, 256);
    struct op_part pc = c_part(s, b, s->dtype_y);
    struct matmul_sum_args args = {
        .rows = b->batch * b->m,
        .n = b->n,
        .parts = parts,
        .stride = (uint32_t)count,
        .ldc = last ? s->n : b->n,
        .c = last ? pc.skip + b->n0 : 0,
        .bias = b->n0,
        .earlier = round > 0,
    };
    uint32_t items = plan->caps->class_ == VK_CLASS_SOFTWARE ? 16 : 1;
    struct op_dispatch *d = op_plan_items(plan, unit == 4 ? "matmul_sum_vec" : "matmul_sum", items > 1 ? 32 : 64,
                                          base_div_up(count / unit, items));
    op_dispatch_bind_range(d, OP_SCRATCH, 0, OP_READ, b->scratch, 4 * count * parts);
    if (round > 0)
        op_dispatch_bind_range(d, OP_SCRATCH, 1, OP_READ, (round - 1) % 2 * slot, 4 * count);
    else
        bind_again(d, 0, OP_READ);
    if (last)
        op_part_bind(d, OP_OUT, 0, OP_WRITE, pc);
    else
        op_dispatch_bind_range(d, OP_SCRATCH, 1, OP_WRITE, round % 2 * slot, 4 * count);
    op_dispatch_spec(d, 3, items);
    op_dispatch_round(d, plan->caps, unit == 4 ? 4 : 8);
    bind_epilogue(d, s, b, last);
    op_dispatch_formats(d, plan->call, 12);
    OP_PUSH(d, args);
    d->flops = (double)count * parts;
}

static void plan_block(struct op_plan *plan, const struct matmul_size *s, const struct matmul_tile *t,
                       const struct block *b, const struct blocks *bs)
{
    bool fours = t->unit == 4 || is_stored(s), stores = !is_stored(s) || t->unit == 4;
    if (bs->part >= s->k && stores) {
        add_main(plan, s, t, b, bs, 0, s->k, true);
        return;
    }
    uint32_t step = bs->part * bs->parts, round = 0; /* steps of k per round */
    uint64_t bytes = 4ull * b->batch * b->m * b->n;
    plan->scratch[0] = BASE_MAX(plan->scratch[0], b->scratch + bytes * bs->parts);
    if (step < s->k)
        plan->scratch[1] = BASE_MAX(plan->scratch[1], 2 * base_round_up(bytes, 256));
    for (uint32_t k0 = 0; k0 < s->k; k0 += step, round++) {
        uint32_t k = BASE_MIN(step, s->k - k0);
        add_main(plan, s, t, b, bs, k0, k, false);
        add_sum(plan, s, b, fours ? 4 : 1, (uint32_t)base_div_up(k, bs->part), round, k0 + k == s->k);
    }
}

void matmul_plan_tiles(struct op_plan *plan, struct matmul_tile t)
{
    struct matmul_size s = matmul_size_of(plan->call);
    struct blocks bs = {0};
    if (!t.m) {
        t.m = t.local_y * t.rows;
        t.n = t.local_x * t.cols * t.unit;
    }
    if (t.run && !fit_ranges(plan->caps, &s, &t, &bs)) { /* it may hold fewer rows than are taken at once */
        t.run /= t.depth;
        t.depth = 1;
    }
    if (op_plan_refuse(plan, !fit_ranges(plan->caps, &s, &t, &bs),
                       "a product of [%u,%u,%u]: the device's buffer range of %llu bytes does not hold four rows", s.m,
                       s.n, s.k, (unsigned long long)plan->caps->max_range))
        return;
    bs = choose_blocks(plan->caps, &s, &t, bs);
    uint64_t scratch = 0, bytes = base_round_up(4ull * bs.batch * bs.m * bs.n * bs.parts, 256); /* of a block */
    for (uint32_t z = 0; z < s.batch; z += bs.batch) {
        for (uint32_t m = 0; m < s.m; m += bs.m) {
            for (uint32_t n = 0; n < s.n; n += bs.n) {
                struct block b = {.z = z,
                                  .m0 = m,
                                  .n0 = n,
                                  .batch = BASE_MIN(bs.batch, s.batch - z),
                                  .m = BASE_MIN(bs.m, s.m - m),
                                  .n = BASE_MIN(bs.n, s.n - n),
                                  .scratch = scratch};
                plan_block(plan, &s, &t, &b, &bs);
                scratch = scratch + 2 * bytes <= MAX_BESIDE ? scratch + bytes : 0;
            }
        }
    }
}

/* ---- variants ---------------------------------------------------------------------------------------------------- */

/* By class: when to split k. */
struct matmul_tile matmul_tile_for(const struct op_plan *plan, const char *kernel)
{
    struct matmul_tile t = {
        .least = matmul_least_steps(plan->caps), .fill = op_busy_groups(plan->caps), .parts = plan->tile.parts};
    t.flops = op_most_flops(plan->caps);
    t.shader = kernel;
    t.depth = t.unit = t.cols = t.local_y = 1;
    return t;
}

bool matmul_fits_vec4(const struct vk_caps *caps, const struct op_call *call)
{
    (void)caps;
    struct matmul_size s = matmul_size_of(call);
    uint32_t a = s.trans_a ? s.m : s.k, b = s.trans_b ? s.k : s.n;
    return a % 4 == 0 && b % 4 == 0 && s.n % 4 == 0;
}

static bool fits_sg(const struct vk_caps *caps, const struct op_call *call)
{
    uint32_t lanes = caps->subgroup_size;
    return caps->class_ == VK_CLASS_SOFTWARE && (lanes == 4 || lanes == 8 || lanes == 16) &&
           matmul_fits_vec4(caps, call);
}

static bool fits_texels(const struct vk_caps *caps, const struct op_call *call)
{
    const struct tensor_shape *b = &call->in[MATMUL_B];
    static const uint32_t floats[] = {MATMUL_A, MATMUL_RESIDUAL, MATMUL_SLOPE}; /* b may have 16 bits */
    bool fits = tensor_shape_count(b) / 4 <= caps->max_texels;
    for (uint32_t i = 0; i < BASE_COUNT(floats); i++)
        fits = fits && (!call->in[floats[i]].rank || op_fits_texels(caps, &call->in[floats[i]]));
    return fits;
}

static bool fits_sg_texel(const struct vk_caps *caps, const struct op_call *call)
{
    return fits_sg(caps, call) && fits_texels(caps, call);
}

/* Mobile GPUs of wide subgroups (Adreno) read texels by way of their first cache, and buffers, the older ones, past it.
 */
static bool fits_vec_texel(const struct vk_caps *caps, const struct op_call *call)
{
    bool gains = caps->class_ == VK_CLASS_SOFTWARE || (caps->class_ == VK_CLASS_MOBILE && caps->subgroup_size >= 64);
    return gains && matmul_fits_vec4(caps, call) && fits_texels(caps, call);
}

static void plan_software(struct op_plan *plan, const char *kernel)
{
    struct matmul_tile t = matmul_tile_for(plan, kernel);
    struct matmul_size s = matmul_size_of(plan->call);
    uint32_t rule = matmul_software_rows(&s, plan->caps->subgroup_size);
    t.local_x = plan->caps->subgroup_size;
    t.rows = plan->tile.rows ? plan->tile.rows : rule;
    t.cols = plan->caps->subgroup_size == 4 ? 2 : 1;
    t.unit = 4;
    t.depth = matmul_software_fours(s.k, plan->caps->subgroup_size);
    t.run = 4 * t.depth;
    matmul_plan_tiles(plan, t);
}

/* ---- the tile of a desktop GPU: 256 invocations in 4 slices, see the shader ---- */

static bool fits_odd(const struct vk_caps *caps, const struct op_call *call)
{
    (void)call;
    return caps->class_ == VK_CLASS_DESKTOP && caps->max_invocations >= MATMUL_SLICE_THREADS &&
           caps->max_shared >= 32768;
}

static bool fits_slice(const struct vk_caps *caps, const struct op_call *call)
{
    return fits_odd(caps, call) && matmul_fits_vec4(caps, call);
}

static void plan_slices(struct op_plan *plan, const char *kernel, uint32_t unit)
{
    struct matmul_tile t = matmul_tile_for(plan, kernel);
    struct matmul_size s = matmul_size_of(plan->call);
    struct matmul_shape shape = plan->tile.rows ? matmul_slice_of(plan->tile.rows, plan->tile.cols)
                                                : matmul_slice_shape(plan->caps, &s, t.fill, t.least);
    t.rows = shape.rows;
    t.cols = shape.cols;
    t.m = shape.m;
    t.n = shape.n;
    t.local_x = MATMUL_SLICE_THREADS;
    t.depth = 4 * MATMUL_SLICES;
    t.unit = unit;
    t.chain = MATMUL_SLICES; /* a chain holds every fourth four steps */
    matmul_plan_tiles(plan, t);
}

static void plan_slice(struct op_plan *plan)
{
    plan_slices(plan, "matmul_fwd_slice", 4);
}

static void plan_odd(struct op_plan *plan)
{
    plan_slices(plan, "matmul_fwd_slice_odd", 1);
}

static void plan_strips(struct op_plan *plan, const char *kernel)
{
    struct matmul_tile t = matmul_tile_for(plan, kernel);
    struct op_tile tile = plan->tile.rows ? plan->tile : matmul_strip(plan->caps, 0);
    t.local_x = 8;
    t.local_y = matmul_strip_lanes(plan->caps);
    t.rows = tile.rows;
    t.cols = tile.cols;
    t.unit = t.run = 4;
    matmul_plan_tiles(plan, t);
}

static void plan_plain(struct op_plan *plan)
{
    struct matmul_tile t = matmul_tile_for(plan, "matmul_fwd");
    bool software = plan->caps->class_ == VK_CLASS_SOFTWARE;
    t.local_x = software ? 8 : 16;
    t.local_y = software ? 1 : 8;
    t.rows = software ? 8 : 4;
    t.cols = 4;
    t.run = RUN;
    matmul_plan_tiles(plan, t);
}

/* A texel has one type: B is of floats, or of words with two 16-bit floats in each. */
#define TEXEL(name) plan->call->in[MATMUL_B].dtype == MIEN_F32 ? name "_texel" : name "_texel_half"
#define STEPS(variant, by, kernel)                                                                                     \
    static void plan_##variant(struct op_plan *plan)                                                                   \
    {                                                                                                                  \
        by(plan, kernel);                                                                                              \
    }
STEPS(sg, plan_software, "matmul_fwd_sg")
STEPS(sg_texel, plan_software, TEXEL("matmul_fwd_sg"))
STEPS(vec, plan_strips, "matmul_fwd_vec")
STEPS(vec_texel, plan_strips, TEXEL("matmul_fwd_vec"))

const struct op_variant matmul_variants[] = {
    {.name = "matmul_fwd_cm",
     .needs = OP_MATRIX_UNITS | VK_CAP_F16,
     .rounds = true,
     .fits = matmul_fits_cm,
     .steps = matmul_plan_cm,
     .tiles = matmul_tiles_cm},
    {.name = "matmul_fwd_cm_bf16",
     .needs = OP_MATRIX_UNITS | VK_CAP_COOPMAT_BF16,
     .rounds = true,
     .fits = matmul_fits_cm_bf16,
     .steps = matmul_plan_cm,
     .tiles = matmul_tiles_cm},
    {.name = "matmul_fwd_sg_texel",
     .needs = VK_CAP_SUBGROUP_SHUFFLE | VK_CAP_TEXEL,
     .fits = fits_sg_texel,
     .steps = plan_sg_texel,
     .tiles = matmul_tiles_sg},
    {.name = "matmul_fwd_sg",
     .needs = VK_CAP_SUBGROUP_SHUFFLE,
     .fits = fits_sg,
     .steps = plan_sg,
     .tiles = matmul_tiles_sg},
    {.name = "matmul_fwd_slice", .fits = fits_slice, .steps = plan_slice, .tiles = matmul_tiles_slice},
    {.name = "matmul_fwd_slice_odd", .fits = fits_odd, .steps = plan_odd, .tiles = matmul_tiles_slice},
    {.name = "matmul_fwd_vec_texel",
     .needs = VK_CAP_TEXEL,
     .fits = fits_vec_texel,
     .steps = plan_vec_texel,
     .tiles = matmul_tiles_vec},
    {.name = "matmul_fwd_vec", .fits = matmul_fits_vec4, .steps = plan_vec, .tiles = matmul_tiles_vec},
    {.name = "matmul_fwd", .steps = plan_plain},
    {0},
};
