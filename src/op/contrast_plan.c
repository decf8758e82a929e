/* contrast_plan.c: mining and slabs as dispatches (contrast.h). A slab is a run of whole rows of the [N,N] matrices:
 * all that stands in memory of them at a time. */
#include "op/contrast.h"

enum { SLAB_BYTES = 12 << 20 }; /* of one matrix; up to three at a time */

static bool is_software(const struct contrast *c)
{
    return c->plan->caps->class_ == VK_CLASS_SOFTWARE;
}

static const struct op_mining *mining_of(const struct contrast *c)
{
    return &c->call->attr.mining;
}

static bool one_guide(const struct contrast *c)
{
    return mining_of(c)->guide != OP_GUIDE_CROSSMODAL;
}

static struct op_where input_at(const struct contrast *c, const char *name)
{
    return (struct op_where){OP_IN, contrast_input(c->call, name), 0};
}

static bool has(const struct contrast *c, const char *name)
{
    return contrast_input(c->call, name) != OP_NONE;
}

/* ---- dispatches -------------------------------------------------------------------------------------------------- */

struct op_dispatch *contrast_add(struct contrast *c, const char *shader, const void *args, uint32_t args_size,
                                 uint64_t count)
{
    struct op_dispatch *d = op_plan_items(c->plan, shader, count ? 0 : c->lanes, count ? count : c->lanes);
    op_dispatch_round(d, c->plan->caps, 4);
    op_dispatch_push(d, args, args_size);
    return d;
}

void contrast_bind_input(const struct contrast *c, struct op_dispatch *d, const char *name, uint64_t first,
                         uint64_t count)
{
    static const char *const other[] = {"dloss", "q", "text", "image", "id", "w", "u"};
    struct op_where where = input_at(c, name);
    bool there = where.index != OP_NONE;
    for (uint32_t i = 0; where.index == OP_NONE; i++)
        where = input_at(c, other[i]);
    op_bind_at(d, where, there ? first : 0, there ? count : 1, OP_READ);
}

void contrast_bind_weights(const struct contrast *c, struct op_dispatch *d)
{
    bool lines = c->lines.index != OP_NONE;
    if (lines)
        op_bind_at(d, c->lines, 0, 8ull * c->n, OP_READ);
    else
        contrast_bind_input(c, d, "w", 0, c->n);
    op_dispatch_spec(d, 8, lines ? 8 : c->weights);
}

void contrast_bind_guide(const struct contrast *c, struct op_dispatch *d, bool column, uint64_t rows)
{
    bool none = mining_of(c)->kind == OP_MINING_NONE; /* bound, never read */
    op_bind_at(d, none ? c->lines : c->guide[column], 0, none ? 4 : rows * c->n, OP_READ);
}

void contrast_spec(const struct contrast *c, struct op_dispatch *d)
{
    op_dispatch_spec(d, 8, mining_of(c)->kind);
    op_dispatch_spec(d, 9, mining_of(c)->same_text);
    op_dispatch_spec(d, 10, c->weights);
    op_dispatch_spec(d, 11, one_guide(c));
}

static void multiply(struct contrast *c, const struct op_product *product)
{
    op_plan_product(c->plan, product, (struct op_where){OP_SCRATCH, 1, 0});
}

/* ---- slabs ------------------------------------------------------------------------------------------------------- */

/* The least run of rows of a tensor that ends at a multiple of 256 bytes. */
static uint32_t row_step(uint32_t width)
{
    return 64 / BASE_MIN(64, width & (0 - width));
}

static uint32_t step_of(const struct contrast *c)
{
    static const char *const rows[] = {"u", "text", "image"};
    uint32_t step = 1;
    if (!c->stream) /* targets of columns want the whole; signs are by rows */
        return has(c, "b") ? row_step(c->n) : c->n;
    for (uint32_t i = 0; i < BASE_COUNT(rows); i++) {
        if (has(c, rows[i]))
            step = BASE_MAX(step, row_step(c->call->in[contrast_input(c->call, rows[i])].dim[1]));
    }
    return step;
}

/* Runs of 64 rows within SLAB_BYTES of scores, or one; where a binding does not hold that, of `step`. Given scores are
 * taken whole as far as a binding holds them. */
static void set_slab(struct contrast *c)
{
    uint64_t row = (uint64_t)c->n * 4, most = c->plan->caps->max_range / row, aim = c->stream ? SLAB_BYTES / row : most;
    uint32_t step = step_of(c);
    uint64_t rows = BASE_MIN(aim, most);
    uint32_t all = c->end - c->from;
    rows = rows >= 64 ? rows / 64 * 64 : BASE_MIN(64, most / step * step);
    c->slab = (uint32_t)BASE_MIN(most >= all && aim >= all ? all : rows, all);
    if (op_plan_refuse(c->plan, c->slab == 0 || c->from % step || (c->slab < all && c->slab % step),
                       "%u rows of %u scores exceed the %llu bytes that %s can bind", step, c->n,
                       (unsigned long long)c->plan->caps->max_range, c->plan->caps->name))
        c->slab = all;
}

/* Where the similarities will stand: the inputs themselves, or room for a slab. */
static void place_guides(struct contrast *c)
{
    enum op_mining_guide guide = mining_of(c)->guide;
    if (mining_of(c)->kind == OP_MINING_NONE)
        return;
    if (c->similarities && guide != OP_GUIDE_BOTH) {
        c->guide[0] = input_at(c, guide == OP_GUIDE_IMAGE ? "image" : "text");
        c->guide[1] = input_at(c, guide == OP_GUIDE_TEXT ? "text" : "image");
    } else {
        uint64_t bytes = (uint64_t)c->slab * c->n * 4;
        c->guide[0] = op_plan_scratch(c->plan, bytes);
        c->guide[1] = guide == OP_GUIDE_CROSSMODAL ? op_plan_scratch(c->plan, bytes) : c->guide[0];
    }
}

void contrast_begin(struct contrast *c, struct op_plan *plan)
{
    const struct op_call *call = plan->call;
    *c = (struct contrast){.plan = plan, .call = call, .n = contrast_pairs(call)};
    c->stream = has(c, "u");
    c->block = c->stream && call->attr.count > 0;
    c->side = c->block && call->attr.axis == 1;
    c->from = c->block ? call->attr.first : 0;
    c->end = c->block ? c->from + call->attr.count : c->n;
    c->backward = has(c, "dloss");
    c->similarities = !has(c, "q") && !c->stream;
    c->lines = input_at(c, "lines");
    c->weights = has(c, "w") || has(c, "lines");
    /* infonce's short sums on a software driver: each lane costs more than it adds */
    bool few = has(c, "A") && !has(c, "b") && is_software(c) && plan->caps->least_barrier <= 8;
    c->lanes = few ? 8 : op_group_lanes(plan->caps);
    set_slab(c);
    c->scores = c->stream ? op_plan_scratch(plan, (uint64_t)c->slab * c->n * 4) : input_at(c, "A");
    place_guides(c);
    c->args = (struct contrast_args){.n = c->n,
                                     .first = c->from,
                                     .line = c->side ? c->n : 0,
                                     .line2 = c->side ? 0 : c->n,
                                     .scale = mining_of(c)->guide == OP_GUIDE_BOTH ? 0.5f : 1,
                                     .tau = mining_of(c)->kind == OP_MINING_SOFT ? mining_of(c)->tau : 1};
}

/* y = x x^T, or y += it, of rows first .. first + rows. */
static void multiply_guide(struct contrast *c, const char *name, uint32_t first, uint32_t rows, bool add,
                           struct op_where y)
{
    uint32_t input = contrast_input(c->call, name), width = c->call->in[input].dim[1];
    multiply(c, &(struct op_product){.attr = {.trans_b = true, .same_order = true},
                                     .a_shape = SHAPE_F32(rows, width),
                                     .b_shape = SHAPE_F32(c->n, width),
                                     .a = {OP_IN, input, (uint64_t)first * width * 4},
                                     .b = {OP_IN, input, 0},
                                     .y = y,
                                     .add = add});
}

/* The sum of two given matrices. */
static void add_matrices(struct contrast *c)
{
    const struct op_where in[] = {input_at(c, "text"), input_at(c, "image")};
    struct op_call call = {.op = &op_add, .in_count = 2, .in = {c->call->in[in[0].index], c->call->in[in[1].index]}};
    op_plan_inner(c->plan, &call, in, &c->guide[0], (struct op_where){OP_SCRATCH, 1, 0});
}

static void make_similarities(struct contrast *c, uint32_t first, uint32_t rows)
{
    enum op_mining_guide guide = mining_of(c)->guide;
    if (mining_of(c)->kind == OP_MINING_NONE)
        return;
    if (c->similarities && guide == OP_GUIDE_BOTH)
        add_matrices(c);
    if (c->similarities)
        return;
    bool by_image = guide == OP_GUIDE_IMAGE || (guide == OP_GUIDE_CROSSMODAL && c->side);
    multiply_guide(c, by_image ? "image" : "text", first, rows, false, c->guide[0]);
    if (guide == OP_GUIDE_BOTH)
        multiply_guide(c, "image", first, rows, true, c->guide[0]);
    bool own = c->block && has(c, "q") && !has(c, "b") && !c->backward; /* infonce_block asks for its own lines alone */
    if (guide == OP_GUIDE_CROSSMODAL && !own)
        multiply_guide(c, c->side ? "text" : "image", first, rows, false, c->guide[1]);
}

/* Rows first .. first + rows of the next slab into args; false when there is none. */
static bool next_rows(const struct contrast *c, uint32_t *first, uint32_t *rows)
{
    *first += *rows;
    *rows = BASE_MIN(c->slab, c->end - *first);
    return *rows > 0;
}

bool contrast_next_slab(struct contrast *c)
{
    if (!next_rows(c, &c->args.first, &c->args.rows))
        return false;
    if (c->stream) {
        uint32_t width = c->call->in[0].dim[1];
        multiply(c, &(struct op_product){.attr = {.trans_b = true},
                                         .a_shape = SHAPE_F32(c->args.rows, width),
                                         .b_shape = SHAPE_F32(c->n, width),
                                         .a = {OP_IN, c->side ? 1 : 0, (uint64_t)c->args.first * width * 4},
                                         .b = {OP_IN, c->side ? 0 : 1, 0},
                                         .y = c->scores});
        make_similarities(c, c->args.first, c->args.rows);
    }
    return true;
}

/* ---- lines ------------------------------------------------------------------------------------------------------- */

static float threshold(const struct op_mining *m, bool column)
{
    return m->guide == OP_GUIDE_IMAGE || (m->guide == OP_GUIDE_CROSSMODAL && column) ? m->image : m->text;
}

static struct mine_args mine_args_of(const struct contrast *c)
{
    const struct op_mining *m = mining_of(c);
    return (struct mine_args){.n = c->n,
                              .scale = c->args.scale,
                              .tau = c->args.tau,
                              .weight = m->kind == OP_MINING_SOFT ? m->weight : 1,
                              .cut = threshold(m, false),
                              .cut2 = threshold(m, true)};
}

/* Pairs as candidates, thresholds, and for infonce the pairs' own scores. */
static void begin_lines(struct contrast *c)
{
    struct mine_args args = mine_args_of(c);
    bool own = c->stream && !has(c, "b");
    args.width = own ? c->call->in[0].dim[1] : 1;
    uint64_t part = own ? BASE_MIN(c->plan->caps->max_range / 4 / args.width / 64 * 64, c->n) : c->n;
    if (op_plan_refuse(c->plan, part == 0, "64 embeddings of %u exceed the %llu bytes that %s can bind", args.width,
                       (unsigned long long)c->plan->caps->max_range, c->plan->caps->name))
        return;
    for (; args.first < c->n; args.first += args.rows) {
        args.rows = (uint32_t)BASE_MIN(part, c->n - args.first);
        uint64_t first = (uint64_t)args.first * args.width, count = (uint64_t)args.rows * args.width;
        struct op_dispatch *d = contrast_add(c, "mine_lines", &args, sizeof(args), args.rows);
        contrast_bind_input(c, d, own ? "u" : "w", own ? first : 0, own ? count : 1);
        contrast_bind_input(c, d, own ? "v" : "w", own ? first : 0, own ? count : 1);
        contrast_bind_input(c, d, "id", 0, c->n);
        contrast_bind_input(c, d, "w", 0, c->n);
        op_bind_at(d, c->lines, 0, 16ull * c->n, OP_WRITE);
        op_dispatch_spec(d, 8, own);
        op_dispatch_spec(d, 9, has(c, "id"));
        op_dispatch_spec(d, 10, c->weights);
    }
}

/* ---- mining ------------------------------------------------------------------------------------------------------ */

/* How many partial results a line of a slab gives: enough invocations for a GPU, short loops everywhere. */
static uint32_t slices_of(const struct contrast *c)
{
    uint64_t least = base_div_up(c->n, 4 * op_most_rounds(c->plan->caps));
    return (uint32_t)(is_software(c) ? least : BASE_MAX(least, BASE_MIN(32, base_div_up(c->n, 32))));
}

/* Candidates ranked in one round: two registers each, and insertion holds most of them twice. */
static uint32_t most_ranked(const struct contrast *c)
{
    return is_software(c) ? MINE_MOST : MINE_MOST / 2;
}

/* The cut of each anchor: rounds of most_ranked candidates. */
static void add_top(struct contrast *c, struct mine_args args, struct op_where list)
{
    uint32_t left = BASE_MIN(mining_of(c)->top_k, c->n - 1);
    for (; left > 0; args.again = 1) {
        uint32_t top = BASE_MIN(left, most_ranked(c));
        uint64_t count = 2ull * args.rows * args.slices * top;
        struct op_dispatch *d = contrast_add(c, "mine_top", &args, sizeof(args), (uint64_t)args.rows * args.slices);
        contrast_bind_guide(c, d, args.line > 0, args.rows);
        op_bind_at(d, c->lines, 0, 16ull * c->n, OP_READ);
        op_bind_at(d, list, 0, count, OP_WRITE);
        op_dispatch_spec(d, 3, top);
        contrast_spec(c, d);
        op_plan_cut(c->plan, (double)args.rows * c->n * 8 * (top + 1.0)); /* an insertion goes over the list */
        d = contrast_add(c, "mine_top_join", &args, sizeof(args), args.rows);
        op_bind_at(d, list, 0, count, OP_READ);
        op_bind_at(d, c->lines, 0, 16ull * c->n, OP_READ | OP_WRITE);
        op_dispatch_spec(d, 3, top);
        left -= top;
    }
}

static void add_sums(struct contrast *c, const struct mine_args *args, struct op_where part)
{
    uint64_t lines = (uint64_t)args->rows * args->slices;
    struct op_dispatch *d = contrast_add(c, "mine_sum", args, sizeof(*args), lines);
    contrast_bind_guide(c, d, args->line > 0, args->rows);
    op_bind_at(d, c->lines, 0, 16ull * c->n, OP_READ);
    op_bind_at(d, part, 0, 4 * lines, OP_WRITE);
    contrast_spec(c, d);
    op_plan_cut(c->plan, (double)args->rows * c->n * CONTRAST_TARGET);
    d = contrast_add(c, "mine_sum_join", args, sizeof(*args), args->rows);
    op_bind_at(d, part, 0, 4 * lines, OP_READ);
    op_bind_at(d, c->lines, 0, 16ull * c->n, OP_READ | OP_WRITE);
}

void contrast_mine(struct contrast *c, struct op_where lines)
{
    const struct op_mining *m = mining_of(c);
    struct mine_args args = mine_args_of(c);
    bool both = one_guide(c) || m->kind == OP_MINING_NONE;
    uint64_t top = m->kind == OP_MINING_NONE ? 0 : BASE_MIN(BASE_MIN(m->top_k, c->n - 1), most_ranked(c));
    c->lines = lines;
    begin_lines(c);
    if (m->kind == OP_MINING_NONE && m->same_text != OP_SAME_TEXT_POSITIVE)
        return;
    args.slices = slices_of(c);
    struct op_where part = op_plan_scratch(c->plan, (uint64_t)c->slab * args.slices * BASE_MAX(16, 8 * top));
    args.first = c->from;
    while (next_rows(c, &args.first, &args.rows)) {
        make_similarities(c, args.first, args.rows);
        for (uint32_t column = 0; column < (both ? 1 : 2); column++) {
            args.line = column * c->n;
            args.line2 = both ? c->n : args.line;
            args.cut = threshold(m, column);
            if (top)
                add_top(c, args, part);
            add_sums(c, &args, part);
        }
    }
}

void contrast_positives(struct contrast *c, uint32_t output)
{
    struct mine_args args = {.n = c->n};
    struct op_dispatch *d = contrast_add(c, "mine_positives", &args, sizeof(args), 0);
    op_bind_at(d, c->lines, 0, 16ull * c->n, OP_READ);
    op_dispatch_bind(d, OP_OUT, output, OP_WRITE);
}

/* ---- passes over the scores -------------------------------------------------------------------------------------- */

void contrast_begin_walk(struct contrast *c, uint32_t slice_rows, uint32_t floats)
{
    c->args.slice_rows = slice_rows;
    c->args.count = (uint32_t)base_div_up(c->slab, slice_rows) * c->n;
    c->part = op_plan_scratch(c->plan, 4ull * floats * c->args.count);
    if (!c->stream && !c->weights && !has(c, "b")) {
        c->scale = input_at(c, "q"); /* infonce_bwd.comp makes it of this and of dloss */
        return;
    }
    c->scale = op_plan_scratch(c->plan, 12);
    struct op_dispatch *d = contrast_add(c, "contrast_scale", &c->args, sizeof(c->args), 0);
    contrast_bind_input(c, d, "q", 0, 1);
    contrast_bind_input(c, d, "b", 0, 1);
    contrast_bind_input(c, d, "dloss", 0, 1);
    contrast_bind_weights(c, d);
    op_bind_at(d, c->scale, 0, 3, OP_WRITE);
    op_dispatch_spec(d, 9, c->backward);
}

struct op_dispatch *contrast_walk(struct contrast *c, const char *shader, const char *const given[], uint32_t floats)
{
    uint64_t pairs = (uint64_t)c->args.rows * c->n, at = c->stream ? 0 : (uint64_t)c->args.first * c->n;
    uint64_t slices = base_div_up(c->args.rows, c->args.slice_rows) * c->n;
    struct op_dispatch *d = contrast_add(c, shader, &c->args, sizeof(c->args), slices);
    op_bind_at(d, c->scores, at, pairs, c->stream && c->backward ? OP_READ | OP_WRITE : OP_READ);
    op_bind_at(d, c->scale, 0, c->scale.place == OP_IN ? 1 : 3, OP_READ);
    if (c->stream) {
        op_bind_at(d, c->lines, 0, 16ull * c->n, OP_READ);
        contrast_bind_guide(c, d, false, c->args.rows);
        contrast_bind_guide(c, d, true, c->args.rows);
        contrast_spec(c, d);
    }
    for (uint32_t i = 0; given[i] && !c->stream; i++) {
        bool weights = given[i][0] == 'w';
        contrast_bind_input(c, d, given[i], weights ? 0 : at, weights ? c->n : pairs);
        op_dispatch_spec(d, 8 + i, has(c, given[i]));
    }
    op_bind_at(d, c->part, 0, floats * slices, OP_READ | OP_WRITE);
    return d;
}

void contrast_end_walk(struct contrast *c)
{
    op_plan_cut(c->plan, (double)c->args.rows * c->n * (CONTRAST_PAIR + (c->stream ? 2 * CONTRAST_TARGET : 0)));
}

void contrast_gradient(struct contrast *c, struct op_dispatch *walk)
{
    uint64_t first = c->args.first;
    if (!c->stream)
        op_bind_at(walk, (struct op_where){OP_OUT, 0, 0}, first * c->n, (uint64_t)c->args.rows * c->n, OP_WRITE);
    contrast_end_walk(c);
    if (!c->stream)
        return;
    uint32_t width = c->call->in[0].dim[1];
    struct tensor_shape g = SHAPE_F32(c->args.rows, c->n);
    multiply(c, &(struct op_product){.a_shape = g,
                                     .b_shape = SHAPE_F32(c->n, width),
                                     .a = c->scores,
                                     .b = {OP_IN, c->side ? 0 : 1, 0},
                                     .y = {OP_OUT, 0, (first - c->from) * width * 4}});
    if (c->block)
        return;
    multiply(c, &(struct op_product){.attr = {.trans_a = true},
                                     .a_shape = g,
                                     .b_shape = SHAPE_F32(c->args.rows, width),
                                     .a = c->scores,
                                     .b = {OP_IN, 0, first * width * 4},
                                     .y = {OP_OUT, 1, 0},
                                     .add = first > 0});
}
