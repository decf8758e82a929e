/* contrast_plan.c: mining and slabs as dispatches (contrast.h). A slab is a run of whole rows of the [N,N] matrices:
 * all that stands in memory of them at a time. */
#include "op/contrast.h"

enum {
    SLAB_BYTES = 12 << 20, /* of one matrix; up to three at a time */
    MOST_ROUNDS = 60000,   /* of an invocation's loop: lavapipe ends it silently after 65,535 */
};

static bool is_software(const struct contrast *c)
{
    return c->caps->class_ == VK_CLASS_SOFTWARE;
}

static const struct op_mining *mining_of(const struct contrast *c)
{
    return &c->call->attr.mining;
}

/* The least run of rows of a tensor that ends at a multiple of 256 bytes. */
static uint32_t row_step(uint32_t width)
{
    return 64 / BASE_MIN(64, width & (0 - width));
}

/* Runs of 64 rows within `aim` bytes of scores, or one; where a binding does not hold that, of `step`. */
static enum mien_status set_slab(struct contrast *c, uint32_t step, uint64_t aim)
{
    uint64_t row = (uint64_t)c->n * 4, most = c->caps->max_range / row, rows = BASE_MIN(aim / row, most);
    rows = rows >= 64 ? rows / 64 * 64 : BASE_MIN(64, most / step * step);
    c->slab = (uint32_t)BASE_MIN(most >= c->n && aim / row >= c->n ? c->n : rows, c->n);
    if (c->slab == 0)
        return base_fail(MIEN_ERR_UNSUPPORTED, "%s: %u rows of %u scores exceed the %llu bytes that %s can bind",
                         c->call->op->name, step, c->n, (unsigned long long)c->caps->max_range, c->caps->name);
    return MIEN_OK;
}

enum mien_status contrast_begin(struct contrast *c, const struct vk_caps *caps, const struct op_call *call,
                                struct op_plan *plan, struct contrast_inputs inputs, uint32_t n, bool similarities)
{
    *c = (struct contrast){
        .caps = caps, .call = call, .plan = plan, .inputs = inputs, .n = n, .similarities = similarities};
    c->scale = call->attr.mining.guide == OP_GUIDE_BOTH ? 0.5f : 1;
    const uint32_t width[] = {call->in[0].rank ? call->in[0].dim[1] : 64,
                              call->in[inputs.text].rank ? call->in[inputs.text].dim[1] : 64,
                              call->in[inputs.image].rank ? call->in[inputs.image].dim[1] : 64};
    uint32_t step = row_step(width[0]);
    for (uint32_t i = 1; i < BASE_COUNT(width); i++)
        step = BASE_MAX(step, row_step(width[i]));
    return set_slab(c, similarities ? n : step, similarities ? UINT64_MAX : SLAB_BYTES);
}

enum mien_status contrast_begin_given(struct contrast *c, const struct vk_caps *caps, const struct op_call *call,
                                      struct op_plan *plan, uint32_t n)
{
    *c = (struct contrast){.caps = caps, .call = call, .plan = plan, .n = n, .scale = 1};
    return set_slab(c, row_step(n), UINT64_MAX);
}

struct op_where contrast_scratch(struct contrast *c, uint64_t bytes)
{
    struct op_where where = {OP_SCRATCH, 0, c->plan->scratch[0]};
    c->plan->scratch[0] += base_round_up(bytes, 256);
    return where;
}

struct op_dispatch *contrast_add(struct contrast *c, const char *shader, const void *args, uint32_t args_size,
                                 uint64_t count)
{
    /* one workgroup reduces up to millions of elements: enough lanes to keep its loops short */
    uint32_t local = is_software(c) && count ? 8 : 64;
    struct op_dispatch *d = op_plan_add(c->plan);
    if (!d)
        return NULL;
    d->shader = shader;
    op_dispatch_spec(d, 0, local);
    op_dispatch_push(d, args, args_size);
    op_dispatch_groups_1d(d, c->caps, count ? base_div_up(count, local) : 1);
    return d;
}

void contrast_bind(struct op_dispatch *d, struct op_where where, uint64_t first, uint64_t count, uint32_t access)
{
    op_dispatch_bind_range(d, where.place, where.index, access, where.offset + first * 4, count * 4);
}

void contrast_spec(const struct contrast *c, struct op_dispatch *d)
{
    op_dispatch_spec(d, 8, mining_of(c)->kind);
    op_dispatch_spec(d, 9, mining_of(c)->same_text);
    op_dispatch_spec(d, 10, c->weights);
}

enum mien_status contrast_multiply(struct contrast *c, const struct op_product *product)
{
    return op_plan_product(c->plan, c->caps, product, (struct op_where){OP_SCRATCH, 1, 0});
}

/* ---- lines --------------------------------------------------------------------------------------------------------
 */

bool contrast_one_guide(const struct op_mining *mining)
{
    return mining->guide != OP_GUIDE_CROSSMODAL;
}

/* The threshold of rows or columns. */
static float threshold(const struct op_mining *m, bool column)
{
    return m->guide == OP_GUIDE_IMAGE || (m->guide == OP_GUIDE_CROSSMODAL && column) ? m->image : m->text;
}

static struct mine_args args_of(const struct contrast *c)
{
    const struct op_mining *m = mining_of(c);
    return (struct mine_args){.n = c->n,
                              .scale = c->scale,
                              .tau = m->kind == OP_MINING_SOFT ? m->tau : 1,
                              .weight = m->kind == OP_MINING_SOFT ? m->weight : 1,
                              .cut = threshold(m, false),
                              .cut2 = threshold(m, true)};
}

/* An input, or where it is absent another that is there, for it will not be read. */
static void bind_input(struct op_dispatch *d, const struct contrast *c, uint32_t input)
{
    while (!c->call->in[input].rank)
        input = (input + 1) % c->call->in_count;
    op_dispatch_bind(d, OP_IN, input, OP_READ);
}

enum mien_status contrast_lines(struct contrast *c, uint32_t u, uint32_t v)
{
    struct mine_args args = args_of(c);
    const struct op_call *call = c->call;
    args.width = u == OP_NONE ? 1 : call->in[u].dim[1];
    c->weights = call->in[c->inputs.weights].rank != 0;
    uint64_t part = u == OP_NONE ? c->n : BASE_MIN(c->caps->max_range / 4 / args.width / 64 * 64, c->n);
    if (part == 0)
        return base_fail(MIEN_ERR_UNSUPPORTED, "%s: 64 embeddings of %u exceed the %llu bytes that %s can bind",
                         call->op->name, args.width, (unsigned long long)c->caps->max_range, c->caps->name);
    for (args.first = 0; args.first < c->n; args.first += args.rows) {
        args.rows = (uint32_t)BASE_MIN(part, c->n - args.first);
        struct op_dispatch *d = contrast_add(c, "mine_lines", &args, sizeof(args), args.rows);
        if (!d)
            return MIEN_ERR_NOMEM;
        for (uint32_t side = 0; side < 2; side++) {
            struct op_where of = {OP_IN, side == 0 ? u : v, 0};
            if (u != OP_NONE)
                contrast_bind(d, of, (uint64_t)args.first * args.width, (uint64_t)args.rows * args.width, OP_READ);
            else
                bind_input(d, c, c->inputs.weights);
        }
        bind_input(d, c, c->inputs.ids);
        bind_input(d, c, c->inputs.weights);
        contrast_bind(d, c->lines, 0, 16ull * c->n, OP_WRITE);
        op_dispatch_spec(d, 8, u != OP_NONE);
        op_dispatch_spec(d, 9, call->in[c->inputs.ids].rank != 0);
        op_dispatch_spec(d, 10, c->weights);
    }
    return MIEN_OK;
}

/* ---- similarities -------------------------------------------------------------------------------------------------
 */

static enum mien_status multiply_guide(struct contrast *c, uint32_t input, uint32_t first, uint32_t rows, bool add,
                                       struct op_where y)
{
    uint32_t width = c->call->in[input].dim[1];
    struct op_product p = {.attr = {.trans_b = true, .same_order = true},
                           .a_shape = SHAPE_F32(rows, width),
                           .b_shape = SHAPE_F32(c->n, width),
                           .a = {OP_IN, input, (uint64_t)first * width * 4},
                           .b = {OP_IN, input, 0},
                           .y = y,
                           .add = add};
    return contrast_multiply(c, &p);
}

/* The sum of two given matrices. */
static enum mien_status add_matrices(struct contrast *c)
{
    struct op_call call = {
        .op = &op_add, .in_count = 2, .in = {c->call->in[c->inputs.text], c->call->in[c->inputs.image]}};
    const struct op_where in[] = {{OP_IN, c->inputs.text, 0}, {OP_IN, c->inputs.image, 0}};
    return op_plan_inner(c->plan, c->caps, &call, in, &c->guide[0], (struct op_where){OP_SCRATCH, 1, 0});
}

/* Where the similarities will stand: the inputs themselves, or room for a slab. */
void contrast_place_guides(struct contrast *c)
{
    enum op_mining_guide guide = mining_of(c)->guide;
    if (mining_of(c)->kind == OP_MINING_NONE) {
        c->guide[0] = c->guide[1] = c->lines; /* bound, never read */
    } else if (c->similarities && guide != OP_GUIDE_BOTH) {
        uint32_t row = guide == OP_GUIDE_IMAGE ? c->inputs.image : c->inputs.text;
        uint32_t column = guide == OP_GUIDE_TEXT ? c->inputs.text : c->inputs.image;
        c->guide[0] = (struct op_where){OP_IN, row, 0};
        c->guide[1] = (struct op_where){OP_IN, column, 0};
    } else {
        uint64_t bytes = (uint64_t)c->slab * c->n * 4;
        c->guide[0] = contrast_scratch(c, bytes);
        c->guide[1] = guide == OP_GUIDE_CROSSMODAL ? contrast_scratch(c, bytes) : c->guide[0];
    }
}

enum mien_status contrast_similarities(struct contrast *c, uint32_t first, uint32_t rows)
{
    enum mien_status status = MIEN_OK;
    enum op_mining_guide guide = mining_of(c)->guide;
    if (mining_of(c)->kind == OP_MINING_NONE)
        return MIEN_OK;
    if (c->similarities)
        return guide == OP_GUIDE_BOTH ? add_matrices(c) : MIEN_OK;
    uint32_t row = guide == OP_GUIDE_IMAGE ? c->inputs.image : c->inputs.text;
    TRY(multiply_guide(c, row, first, rows, false, c->guide[0]));
    if (guide == OP_GUIDE_BOTH)
        TRY(multiply_guide(c, c->inputs.image, first, rows, true, c->guide[0]));
    if (guide == OP_GUIDE_CROSSMODAL)
        TRY(multiply_guide(c, c->inputs.image, first, rows, false, c->guide[1]));
fail:
    return status;
}

/* ---- mining -------------------------------------------------------------------------------------------------------
 */

/* How many partial results a line of a slab gives: enough invocations for a GPU, short loops everywhere. */
static uint32_t slices_of(const struct contrast *c)
{
    uint64_t least = base_div_up(c->n, 4ull * MOST_ROUNDS);
    return (uint32_t)(is_software(c) ? least : BASE_MAX(least, BASE_MIN(32, base_div_up(c->n, 32))));
}

static void bind_similarity(struct op_dispatch *d, const struct contrast *c, const struct mine_args *args)
{
    bool none = mining_of(c)->kind == OP_MINING_NONE;
    struct op_where where = args->line == 0 ? c->guide[0] : c->guide[1];
    contrast_bind(d, where, 0, none ? 16ull * c->n : (uint64_t)args->rows * c->n, OP_READ);
}

/* The cut of each anchor: rounds of MINE_MOST candidates. */
static enum mien_status add_top(struct contrast *c, struct mine_args args, struct op_where list)
{
    uint32_t left = BASE_MIN(mining_of(c)->top_k, c->n - 1);
    for (; left > 0; args.again = 1) {
        uint32_t top = BASE_MIN(left, MINE_MOST);
        struct op_dispatch *d = contrast_add(c, "mine_top", &args, sizeof(args), (uint64_t)args.rows * args.slices);
        if (!d)
            return MIEN_ERR_NOMEM;
        bind_similarity(d, c, &args);
        contrast_bind(d, c->lines, 0, 16ull * c->n, OP_READ);
        contrast_bind(d, list, 0, 2ull * args.rows * args.slices * top, OP_WRITE);
        op_dispatch_spec(d, 3, top);
        contrast_spec(c, d);
        d = contrast_add(c, "mine_top_join", &args, sizeof(args), args.rows);
        if (!d)
            return MIEN_ERR_NOMEM;
        contrast_bind(d, list, 0, 2ull * args.rows * args.slices * top, OP_READ);
        contrast_bind(d, c->lines, 0, 16ull * c->n, OP_READ | OP_WRITE);
        op_dispatch_spec(d, 3, top);
        left -= top;
    }
    return MIEN_OK;
}

static enum mien_status add_sums(struct contrast *c, const struct mine_args *args, struct op_where part)
{
    uint64_t count = 4ull * args->rows * args->slices;
    struct op_dispatch *d = contrast_add(c, "mine_sum", args, sizeof(*args), (uint64_t)args->rows * args->slices);
    if (!d)
        return MIEN_ERR_NOMEM;
    bind_similarity(d, c, args);
    contrast_bind(d, c->lines, 0, 16ull * c->n, OP_READ);
    contrast_bind(d, part, 0, count, OP_WRITE);
    contrast_spec(c, d);
    d = contrast_add(c, "mine_sum_join", args, sizeof(*args), args->rows);
    if (!d)
        return MIEN_ERR_NOMEM;
    contrast_bind(d, part, 0, count, OP_READ);
    contrast_bind(d, c->lines, 0, 16ull * c->n, OP_READ | OP_WRITE);
    return MIEN_OK;
}

enum mien_status contrast_mine(struct contrast *c)
{
    enum mien_status status = MIEN_OK;
    const struct op_mining *m = mining_of(c);
    struct mine_args args = args_of(c);
    args.slices = slices_of(c);
    bool both = contrast_one_guide(m) || m->kind == OP_MINING_NONE;
    uint64_t top = m->kind == OP_MINING_NONE ? 0 : BASE_MIN(BASE_MIN(m->top_k, c->n - 1), MINE_MOST);
    if (m->kind == OP_MINING_NONE && m->same_text != OP_SAME_TEXT_POSITIVE)
        return MIEN_OK;
    struct op_where part = contrast_scratch(c, (uint64_t)c->slab * args.slices * BASE_MAX(16, 8 * top));
    for (args.first = 0; args.first < c->n; args.first += args.rows) {
        args.rows = BASE_MIN(c->slab, c->n - args.first);
        TRY(contrast_similarities(c, args.first, args.rows));
        for (uint32_t column = 0; column < (both ? 1 : 2); column++) {
            args.line = column * c->n;
            args.line2 = both ? c->n : args.line;
            args.cut = column ? args.cut2 : args_of(c).cut;
            if (top)
                TRY(add_top(c, args, part));
            TRY(add_sums(c, &args, part));
        }
    }
fail:
    return status;
}

enum mien_status contrast_positives(struct contrast *c, struct op_where positives)
{
    struct mine_args args = args_of(c);
    struct op_dispatch *d = contrast_add(c, "mine_positives", &args, sizeof(args), 0);
    if (!d)
        return MIEN_ERR_NOMEM;
    contrast_bind(d, c->lines, 0, 16ull * c->n, OP_READ);
    contrast_bind(d, positives, 0, 2, OP_WRITE);
    return MIEN_OK;
}
