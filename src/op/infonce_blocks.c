/* infonce_blocks.c: infonce_stream in blocks of anchors, so that several devices can share it: each makes some rows of
 * the scores and some columns, in memory of [count,N] at most, and gets the gradients of its own u and v, whole.
 *
 *   mine_block         lines (contrast.h) of some pairs, by similarity; no gradient
 *   infonce_block      lse, loss and slope of some rows' anchors (attr.axis 0: images) or columns' (1: texts); no
 *                      gradient
 *   infonce_blocks     the loss of all, from what the blocks have made of all pairs, [2N,8] and [2N,4]
 *   infonce_block_bwd  du of some rows, or dv of some
 *
 * A block is attr.count pairs from attr.first on; it begins at a multiple of 256 bytes in u, v and the guides. With the
 * slope of an anchor, sum of (P - Q) Z over its candidates, dq is a sum over anchors, as the loss is. Both are made of
 * all of them in one order: they have the same bits whatever the blocks are, but that matmul may add up otherwise in
 * blocks of another size. infonce_blocks gives gradients of pairs attr.first .. + attr.count in blocks of attr.rows,
 * and zeros for all others. */
#include "op/contrast_cases.h"

#include <math.h>

/* ---- references -------------------------------------------------------------------------------------------------- */

struct block_host {
    struct contrast_host host; /* first: it is what contrast_each_line hands over */
    float *sums;               /* of the line at hand, [4]; NULL = not wanted */
    uint32_t first, count;     /* lines that are wanted; count 0 = all */
};

static double z_of(const struct contrast_host *host, bool column, uint32_t anchor, uint32_t candidate, double own)
{
    return host->s *
           ((column ? contrast_score(host, candidate, anchor) : contrast_score(host, anchor, candidate)) - own);
}

/* lse, loss and slope of a line. */
static void add_line(struct contrast_host *host, bool column, uint32_t anchor, const struct contrast_ends *ends)
{
    struct block_host *of = (struct block_host *)host;
    uint32_t line = column ? host->n + anchor : anchor;
    double top = 0, total = 0, turn = 0, aim = 0, own = contrast_score(host, anchor, anchor);
    (void)ends;
    if (of->count && (line < of->first || line >= of->first + of->count))
        return;
    for (uint32_t j = 0; j < host->n; j++) {
        if (j == anchor || host->q[j] < 0)
            continue;
        double z = z_of(host, column, anchor, j, own), peak = fmax(top, z);
        total = total * exp(top - peak) + exp(z - peak);
        turn = turn * exp(top - peak) + exp(z - peak) * z;
        top = peak;
        aim += host->q[j] * z;
    }
    double whole = top > 0 ? top + log(exp(-top) + total) : log1p(total);
    bool there = contrast_weight(host, anchor) > 0;
    float *sums = of->sums + 4 * (size_t)(line - of->first);
    sums[0] = (float)whole;
    sums[1] = (float)(there ? whole - aim : 0);
    sums[2] = (float)(there ? turn / (exp(-top) + total) - aim : 0);
    sums[3] = 0;
}

static void block_reference(const struct op_call *call)
{
    const struct op_attr *attr = &call->attr;
    struct block_host of = {0};
    if (contrast_host_open(&of.host, call) == MIEN_OK) {
        of.sums = call->out_data[0];
        of.first = attr->first + (attr->axis ? of.host.n : 0);
        of.count = attr->count;
        contrast_each_line(&of.host, add_line, NULL, NULL);
    }
    contrast_host_close(&of.host);
}

static void no_line(struct contrast_host *host, bool column, uint32_t anchor, const struct contrast_ends *ends)
{
    (void)host;
    (void)column;
    (void)anchor;
    (void)ends;
}

static void mine_reference(const struct op_call *call)
{
    struct contrast_host host;
    size_t n = call->in[0].dim[0], width = 8, first = call->attr.first * width, count = call->attr.count * width;
    float *lines = base_alloc(2 * n * width, sizeof(*lines));
    if (contrast_host_open(&host, call) == MIEN_OK && lines) {
        contrast_each_line(&host, no_line, lines, NULL);
        for (size_t i = 0; i < count; i++) {
            ((float *)call->out_data[0])[i] = lines[first + i];
            ((float *)call->out_data[1])[i] = lines[n * width + first + i];
        }
    }
    contrast_host_close(&host);
    base_free(lines);
}

/* Loss and slope of all pairs, from [2N,4]. */
static void add_up(const struct op_call *call, const float *lines, const float *sums)
{
    double total[2] = {0}, positives[2] = {0}, weights = 0, there = 0;
    size_t n = call->in[0].dim[0];
    for (size_t i = 0; i < n; i++) {
        double w = (double)lines[8 * i + 1];
        weights += w;
        there += w > 0;
        for (size_t side = 0; side < 2; side++) {
            const float *of = sums + 4 * (side * n + i);
            total[0] += w > 0 ? w * (double)of[1] : 0;
            total[1] += w > 0 ? w * (double)of[2] : 0;
            positives[side] += (double)lines[8 * (side * n + i) + 7];
        }
    }
    *(float *)call->out_data[0] = (float)(weights > 0 ? total[0] / (2 * weights) : 0);
    *(float *)call->out_data[2] = (float)(weights > 0 ? total[1] / (2 * weights) : 0);
    for (size_t side = 0; side < 2; side++)
        ((float *)call->out_data[1])[side] = (float)(positives[side] / fmax(there, 1));
}

/* Made of u, v and q once more, which gradients are of: kernels read the sums that are given. */
static void total_reference(const struct op_call *call)
{
    struct block_host of = {.sums = base_alloc(8 * (size_t)call->in[0].dim[0], sizeof(float))};
    if (contrast_host_open(&of.host, call) == MIEN_OK && of.sums) {
        contrast_each_line(&of.host, add_line, NULL, NULL);
        add_up(call, call->in_data[contrast_input(call, "lines")], of.sums);
    }
    contrast_host_close(&of.host);
    base_free(of.sums);
}

static void add_gradient(struct contrast_host *host, bool column, uint32_t anchor, const struct contrast_ends *ends)
{
    const float *sums = host->call->in_data[contrast_input(host->call, "sums")];
    double lse = (double)sums[4 * (size_t)(column ? host->n + anchor : anchor)], w = contrast_weight(host, anchor);
    double own = contrast_score(host, anchor, anchor);
    for (uint32_t j = 0; j < host->n && w > 0; j++) {
        double z = z_of(host, column, anchor, j, own);
        double g = j == anchor ? expm1(-lse) - ends->rest : host->q[j] < 0 ? 0 : exp(z - lse) - host->q[j];
        host->g[column ? (size_t)j * host->n + anchor : (size_t)anchor * host->n + j] += host->s * host->scale * w * g;
    }
}

static void bwd_reference(const struct op_call *call)
{
    struct contrast_host host;
    bool side = call->attr.axis == 1;
    float *out = call->out_data[0];
    if (contrast_host_open(&host, call) == MIEN_OK) {
        const float *other = side ? host.a : host.v;
        size_t n = host.n, width = host.width;
        contrast_each_line(&host, add_gradient, NULL, NULL);
        for (size_t i = call->attr.first; i < (size_t)call->attr.first + call->attr.count; i++) {
            for (size_t e = 0; e < width; e++) {
                double sum = 0;
                for (size_t j = 0; j < n; j++)
                    sum += host.g[side ? j * n + i : i * n + j] * (double)other[j * width + e];
                *out++ = (float)sum;
            }
        }
    }
    contrast_host_close(&host);
}

/* ---- gradients --------------------------------------------------------------------------------------------------- */

static op_value block_bwd(struct op_recorder *recorder, const struct op_use *use, const struct op_attr *attr)
{
    const op_value *in = use->in;
    return OP_RECORD(recorder, &op_infonce_block_bwd, attr, in[0], in[1], in[2], in[3], in[4], in[5], in[6],
                     use->dout[0]);
}

static void grad(struct op_recorder *recorder, const struct op_use *use, op_value *din)
{
    contrast_record_sides(recorder, use, block_bwd, din);
    if (use->wants[2])
        din[2] = OP_RECORD(recorder, &op_multiply, NULL, use->dout[0], use->out[2]);
}

/* ---- plans ------------------------------------------------------------------------------------------------------- */

/* Lines [first, first + count) into an output. */
static void give_lines(struct op_plan *plan, struct op_where lines, uint32_t n, uint32_t first, uint32_t output)
{
    const struct op_call call = {.op = &op_slice,
                                 .attr = {.first = first, .count = plan->call->attr.count},
                                 .in_count = 1,
                                 .in = {SHAPE_F32(2 * n, 8)}};
    const struct op_where out = {OP_OUT, output, 0};
    op_plan_inner(plan, &call, &lines, &out, (struct op_where){OP_SCRATCH, 1, 0});
}

static void mine_steps(struct op_plan *plan)
{
    struct contrast c;
    contrast_begin(&c, plan);
    struct op_where lines = op_plan_scratch(plan, 64ull * c.n);
    contrast_mine(&c, lines);
    give_lines(plan, lines, c.n, c.from, 0);
    give_lines(plan, lines, c.n, c.n + c.from, 1);
}

static void block_steps(struct op_plan *plan)
{
    struct contrast c;
    contrast_begin(&c, plan);
    bool software = plan->caps->class_ == VK_CLASS_SOFTWARE;
    uint64_t least = base_div_up(c.n, 8 * op_most_rounds(plan->caps)); /* blocks of 8 */
    c.args.row_slices = (uint32_t)(software ? least : BASE_MIN(32, base_div_up(c.n, 8)));
    const struct op_where part = op_plan_scratch(plan, 16ull * c.args.row_slices * c.n);
    while (contrast_next_slab(&c)) {
        uint64_t pairs = (uint64_t)c.args.rows * c.n;
        struct op_dispatch *d = contrast_add(&c, "infonce_fwd_part_block", &c.args, sizeof(c.args),
                                             (uint64_t)c.args.rows * c.args.row_slices);
        op_bind_at(d, c.scores, 0, pairs, OP_READ);
        contrast_bind_input(&c, d, "q", 0, 1);
        contrast_bind_guide(&c, d, false, c.args.rows);
        op_bind_at(d, c.lines, 0, 16ull * c.n, OP_READ);
        contrast_spec(&c, d);
        op_bind_at(d, part, 0, 4ull * c.args.row_slices * c.n, OP_READ | OP_WRITE);
        op_plan_cut(plan, (double)pairs * (CONTRAST_PAIR + CONTRAST_TARGET));
    }
    c.args.first = c.from;
    c.args.rows = c.end - c.from;
    struct op_dispatch *d = contrast_add(&c, "infonce_block_join", &c.args, sizeof(c.args), c.args.rows);
    op_bind_at(d, part, 0, 4ull * c.args.row_slices * c.n, OP_READ);
    op_bind_at(d, c.lines, 0, 16ull * c.n, OP_READ);
    op_dispatch_bind(d, OP_OUT, 0, OP_WRITE);
}

static void total_steps(struct op_plan *plan)
{
    const struct op_call *call = plan->call;
    struct contrast c = {.plan = plan, .call = call, .n = contrast_pairs(call), .lanes = op_group_lanes(plan->caps)};
    c.lines = (struct op_where){OP_IN, contrast_input(call, "lines"), 0};
    c.args.n = c.n;
    struct op_dispatch *d = contrast_add(&c, "infonce_total", &c.args, sizeof(c.args), 0);
    op_bind_at(d, c.lines, 0, 16ull * c.n, OP_READ);
    contrast_bind_input(&c, d, "sums", 0, 8ull * c.n);
    op_dispatch_bind(d, OP_OUT, 0, OP_WRITE);
    op_dispatch_bind(d, OP_OUT, 2, OP_WRITE);
    contrast_positives(&c, 1);
}

static void bwd_steps(struct op_plan *plan)
{
    static const char *const given[] = {NULL};
    struct contrast c;
    contrast_begin(&c, plan);
    contrast_begin_walk(&c, plan->caps->class_ == VK_CLASS_SOFTWARE ? 128 : 32, 1);
    while (contrast_next_slab(&c)) {
        struct op_dispatch *d = contrast_walk(&c, "infonce_bwd_block", given, 1);
        contrast_bind_input(&c, d, "sums", 0, 8ull * c.n);
        contrast_gradient(&c, d);
    }
}

static const struct op_variant mine_variants[] = {{.name = "mine_lines", .steps = mine_steps}, {0}};
static const struct op_variant block_variants[] = {{.name = "infonce_fwd_part_block", .steps = block_steps}, {0}};
static const struct op_variant total_variants[] = {{.name = "infonce_total", .steps = total_steps}, {0}};
static const struct op_variant bwd_variants[] = {{.name = "infonce_bwd_block", .steps = bwd_steps}, {0}};

/* ---- descriptors ------------------------------------------------------------------------------------------------- */

static void prepare(struct op_call *call, struct base_rng *rng)
{
    struct block_host of = {0};
    uint32_t sums = contrast_input(call, "sums"), n = call->in[0].dim[0];
    float *unused = sums == OP_NONE ? base_alloc(8 * (size_t)n, sizeof(*unused)) : NULL;
    contrast_block_lines(call, rng);
    of.sums = sums == OP_NONE ? unused : call->in_data[sums];
    if (contrast_host_open(&of.host, call) == MIEN_OK && of.sums)
        contrast_each_line(&of.host, add_line, call->in_data[contrast_input(call, "lines")], NULL);
    contrast_host_close(&of.host);
    base_free(unused);
}

#define PAIRS(n, e)                                                                                                    \
    {n, e}, {n, e},                                                                                                    \
    {                                                                                                                  \
        1                                                                                                              \
    }
#define SUMS(n)                                                                                                        \
    LINES(n),                                                                                                          \
    {                                                                                                                  \
        2 * (n), 4                                                                                                     \
    }
/* clang-format off */
static const struct op_case mine_cases[] = {
    {.name = "all_7", AT(0, 0, 7, NOTHING), .in = {{7, 5}, {7, 5}}},
    {.name = "hard_8", AT(0, 4, 4, HARD), .in = {{8, 16}, {8, 16}, {8, 16}, {8, 16}}},
    {.name = "soft_130", AT(0, 64, 33, SOFT),
     .in = {{130, 16}, {130, 16}, {130, 16}, {130, 4}, {130}, {130}}},
    {.name = "ignore_256", AT(0, 128, 128, IGNORE), .in = {{256, 64}, {256, 64}, {256, 64}, {256, 64}, {256}}},
    {.name = "hard_1900", AT(0, 64, 900, HARD), .in = {{1900, 8}, {1900, 8}, {1900, 16}, {1900, 4}}, .bench = true},
    {0},
};

static const struct op_case block_cases[] = {
    {.name = "all_7x5", AT(0, 0, 7, NOTHING), .in = {PAIRS(7, 5), {0}, {0}, LINES(7)}},
    {.name = "images_8x16", AT(0, 4, 4, NOTHING), .in = {PAIRS(8, 16), {0}, {0}, LINES(8)}},
    {.name = "texts_8x16", AT(1, 4, 4, NOTHING), .in = {PAIRS(8, 16), {0}, {0}, LINES(8)}},
    {.name = "hard_images_9x16", AT(0, 4, 4, HARD), .in = {PAIRS(9, 16), {9, 16}, {9, 64}, LINES(9)}},
    {.name = "hard_texts_9x16", AT(1, 4, 4, HARD), .in = {PAIRS(9, 16), {9, 16}, {9, 64}, LINES(9)}},
    {.name = "soft_images_130x64", AT(0, 64, 33, SOFT), .in = {PAIRS(130, 64), {130, 64}, {130, 16}, LINES(130)}},
    {.name = "soft_texts_130x64", AT(1, 64, 33, SOFT), .in = {PAIRS(130, 64), {130, 64}, {130, 16}, LINES(130)}},
    {.name = "ignore_texts_257x64", AT(1, 128, 129, IGNORE),
     .in = {PAIRS(257, 64), {257, 64}, {257, 64}, LINES(257)}},
    {.name = "1900x8", AT(1, 64, 900, NOTHING), .in = {PAIRS(1900, 8), {0}, {0}, LINES(1900)}},
    {.name = "4096x128", AT(0, 1024, 1024, NOTHING), .in = {PAIRS(4096, 128), {0}, {0}, LINES(4096)}, .bench = true,
     .slow = true},
    {0},
};

/* attr.rows: of each block */
static const struct op_case total_cases[] = {
    {.name = "7x5", .attr = {.count = 7, .rows = 7}, .in = {PAIRS(7, 5), {0}, {0}, SUMS(7)}, .grad = true},
    {.name = "two_of_7x16", .attr = {.count = 7, .rows = 4}, .in = {PAIRS(7, 16), {0}, {0}, SUMS(7)}, .grad = true},
    {.name = "hard_6x4", .attr = {.count = 6, .rows = 6, .mining = {HARD}},
     .in = {PAIRS(6, 4), {6, 4}, {6, 4}, SUMS(6)}, .grad = true},
    {.name = "one_of_8x16", AT(0, 4, 4, NOTHING), .in = {PAIRS(8, 16), {0}, {0}, SUMS(8)}},
    {.name = "513x64", AT(0, 128, 128, NOTHING), .in = {PAIRS(513, 64), {0}, {0}, SUMS(513)}},
    {.name = "4096x8", .attr = {.count = 64, .rows = 64}, .in = {PAIRS(4096, 8), {0}, {0}, SUMS(4096)}, .slow = true},
    {0},
};

static const struct op_case bwd_cases[] = {
    {.name = "texts_7x5", AT(1, 0, 7, NOTHING), .in = {PAIRS(7, 5), {0}, {0}, SUMS(7), {1}}},
    {.name = "images_8x16", AT(0, 4, 4, NOTHING), .in = {PAIRS(8, 16), {0}, {0}, SUMS(8), {1}}},
    {.name = "hard_images_9x16", AT(0, 4, 4, HARD), .in = {PAIRS(9, 16), {9, 16}, {9, 64}, SUMS(9), {1}}},
    {.name = "hard_texts_9x16", AT(1, 4, 4, HARD), .in = {PAIRS(9, 16), {9, 16}, {9, 64}, SUMS(9), {1}}},
    {.name = "soft_images_130x64", AT(0, 64, 33, SOFT), .in = {PAIRS(130, 64), {130, 64}, {130, 16}, SUMS(130), {1}}},
    {.name = "soft_texts_130x64", AT(1, 64, 33, SOFT), .in = {PAIRS(130, 64), {130, 64}, {130, 16}, SUMS(130), {1}}},
    {.name = "ignore_texts_257x64", AT(1, 128, 129, IGNORE),
     .in = {PAIRS(257, 64), {257, 64}, {257, 64}, SUMS(257), {1}}},
    {.name = "1900x8", AT(1, 64, 900, NOTHING), .in = {PAIRS(1900, 8), {0}, {0}, SUMS(1900), {1}}},
    {.name = "4096x128", AT(0, 1024, 1024, NOTHING), .in = {PAIRS(4096, 128), {0}, {0}, SUMS(4096), {1}}, .bench = true,
     .slow = true},
    {0},
};
/* clang-format on */

const struct op_desc op_mine_block = {
    .name = "mine_block",
    .signature = "u[N,E] v[N,E] text?[N,F] image?[N,G] id?:i32[N] w?[N] -> rows[count,8] columns[count,8]",
    .summary =
        "lines of pairs attr first .. + count of infonce_stream: own score, weight, id, and what is mined by the "
        "guides text and image among all pairs; attr mining",
    .shapes = contrast_shapes,
    .reference = mine_reference,
    .no_grad = "targets are constants: nothing flows back through the similarities",
    .variants = mine_variants,
    .cases = mine_cases,
    .fill = CONTRAST_FILL,
    .prepare = contrast_prepare,
    /* a dot product of unit rows, 4e-7; shares as mine has them */
    .tolerance = {.abs = 1e-6, .rel = 5e-6, .nmse = 1e-11},
    .flops = contrast_flops,
};

const struct op_desc op_infonce_block = {
    .name = "infonce_block",
    .signature = "u[N,E] v[N,E] q[1] text?[N,F] image?[N,G] lines[2N,8] -> sums[count,4]",
    .summary =
        "of anchors attr first .. + count of infonce_stream (attr axis 0: images, 1: texts) lse, loss, slope = sum "
        "of (P - Q) Z over the candidates, and 0; attr mining",
    .shapes = contrast_block_shapes,
    .reference = block_reference,
    .no_grad = "infonce_blocks has the gradients",
    .variants = block_variants,
    .cases = block_cases,
    .fill = CONTRAST_FILL,
    .prepare = prepare,
    /* exp(q) (a_ij - a_ii), up to 100 times the rounding of two dot products of unit rows, 4e-7; in the slope that of
     * an exponential, too, times Z up to some tens */
    .tolerance = {.abs = 2e-4, .rel = 4e-5, .nmse = 1e-11},
    .flops = contrast_flops,
};

const struct op_desc op_infonce_blocks = {
    .name = "infonce_blocks",
    .signature = "u[N,E] v[N,E] q[1] text?[N,F] image?[N,G] lines[2N,8] sums[2N,4] -> loss[1] (positives[2] slope[1])",
    .summary =
        "the loss of infonce_stream from what mine_block and infonce_block have made of all pairs, with gradients "
        "of pairs attr first .. + count in blocks of attr rows; attr mining",
    .constants = 1u << 3 | 1u << 4 | 1u << 5 | 1u << 6,
    .shapes = contrast_block_shapes,
    .reference = total_reference,
    .grad = grad,
    .variants = total_variants,
    .cases = total_cases,
    .fill = CONTRAST_FILL,
    .prepare = prepare,
    /* sums of a few thousand losses and slopes, up to some tens each, in lanes */
    .tolerance = {.abs = 2e-5, .rel = 1e-5, .nmse = 1e-11},
    .flops_per_element = 1,
};

const struct op_desc op_infonce_block_bwd = {
    .name = "infonce_block_bwd",
    .signature = "u[N,E] v[N,E] q[1] text?[N,F] image?[N,G] lines[2N,8] sums[2N,4] dloss[1] -> dx[count,E]",
    .summary =
        "the gradient of infonce_blocks for rows attr first .. + count of u (attr axis 0) or of v (1); attr mining",
    .forward = {&op_infonce_blocks},
    .shapes = contrast_block_shapes,
    .reference = bwd_reference,
    .variants = bwd_variants,
    .cases = bwd_cases,
    .fill = CONTRAST_FILL,
    .prepare = prepare,
    /* as infonce_stream_bwd */
    .tolerance = {.abs = 4e-6, .rel = 6e-5, .nmse = 1e-10},
    .flops = contrast_flops,
};
