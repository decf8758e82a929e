/* siglip_blocks.c: siglip_stream in blocks of anchors, so that several devices can share it, as infonce_blocks.c has it
 * for the softmax: each pair of an image and a text counts once, in the row of its image.
 *
 *   siglip_block       of some images' rows the losses of their pairs, dloss/dq and dloss/db; no gradient
 *   siglip_blocks      the loss of all, from what the blocks have made of all images, [N,4]
 *   siglip_block_bwd   du of some rows, or (attr.axis 1) dv of some columns
 *
 * Lines come from mine_block. */
#include "op/contrast_cases.h"

#include <math.h>

/* ---- references -------------------------------------------------------------------------------------------------- */

/* With signs. */
static enum mien_status host_open(struct contrast_host *host, const struct op_call *call)
{
    enum mien_status status = contrast_host_open(host, call);
    if (status == MIEN_OK)
        contrast_each_line(host, contrast_add_signs, NULL, NULL);
    return status;
}

struct pair {
    double loss, g, z; /* z: without b */
};

static struct pair pair_of(const struct contrast_host *host, uint32_t i, uint32_t j)
{
    double row = contrast_weight(host, i), column = contrast_weight(host, j);
    double sign = (double)host->sign[(size_t)i * host->n + j];
    double share = row > 0 && column > 0 && sign != 0 ? host->scale * (row + column) : 0;
    double z = host->s * contrast_score(host, i, j), x = -sign * (z + host->b);
    return (struct pair){share * (fmax(x, 0) + log1p(exp(-fabs(x)))), -share * sign / (1 + exp(-x)), z};
}

/* Rows [first, first + count) into sums [count,4]. */
static void add_rows(const struct contrast_host *host, uint32_t first, uint32_t count, float *sums)
{
    for (uint32_t i = first; i < first + count; i++, sums += 4) {
        double loss = 0, slope = 0, rise = 0;
        for (uint32_t j = 0; j < host->n; j++) {
            struct pair pair = pair_of(host, i, j);
            loss += pair.loss;
            slope += pair.g * pair.z;
            rise += pair.g;
        }
        sums[0] = (float)loss;
        sums[1] = (float)slope;
        sums[2] = (float)rise;
        sums[3] = 0;
    }
}

static void block_reference(const struct op_call *call)
{
    struct contrast_host host;
    if (host_open(&host, call) == MIEN_OK)
        add_rows(&host, call->attr.first, call->attr.count, call->out_data[0]);
    contrast_host_close(&host);
}

/* Made of u, v, q and b once more, which gradients are of: kernels read the sums that are given. */
static void total_reference(const struct op_call *call)
{
    struct contrast_host host;
    const float *lines = call->in_data[contrast_input(call, "lines")];
    double loss = 0, slope = 0, rise = 0, there = 0, positives[2] = {0};
    if (host_open(&host, call) == MIEN_OK) {
        for (uint32_t i = 0; i < host.n; i++) {
            for (uint32_t j = 0; j < host.n; j++) {
                struct pair pair = pair_of(&host, i, j);
                loss += pair.loss;
                slope += pair.g * pair.z;
                rise += pair.g;
            }
            there += contrast_weight(&host, i) > 0;
            positives[0] += (double)lines[8 * (size_t)i + 7];
            positives[1] += (double)lines[8 * ((size_t)host.n + i) + 7];
        }
        *(float *)call->out_data[0] = (float)loss;
        ((float *)call->out_data[1])[0] = (float)(positives[0] / fmax(there, 1));
        ((float *)call->out_data[1])[1] = (float)(positives[1] / fmax(there, 1));
        *(float *)call->out_data[2] = (float)slope;
        *(float *)call->out_data[3] = (float)rise;
    }
    contrast_host_close(&host);
}

static void bwd_reference(const struct op_call *call)
{
    struct contrast_host host;
    bool side = call->attr.axis == 1;
    float *out = call->out_data[0];
    double *sum = base_alloc(call->in[0].dim[1], sizeof(*sum));
    if (host_open(&host, call) == MIEN_OK && sum) {
        const float *other = side ? host.a : host.v;
        for (uint32_t i = call->attr.first; i < call->attr.first + call->attr.count; i++) {
            for (uint32_t e = 0; e < host.width; e++)
                sum[e] = 0;
            for (uint32_t j = 0; j < host.n; j++) {
                double g = host.s * (side ? pair_of(&host, j, i) : pair_of(&host, i, j)).g;
                for (uint32_t e = 0; e < host.width; e++)
                    sum[e] += g * (double)other[(size_t)j * host.width + e];
            }
            for (uint32_t e = 0; e < host.width; e++)
                *out++ = (float)sum[e];
        }
    }
    contrast_host_close(&host);
    base_free(sum);
}

/* ---- gradients --------------------------------------------------------------------------------------------------- */

static op_value block_bwd(struct op_recorder *recorder, const struct op_use *use, const struct op_attr *attr)
{
    const op_value *in = use->in;
    return OP_RECORD(recorder, &op_siglip_block_bwd, attr, in[0], in[1], in[2], in[3], in[4], in[5], in[6],
                     use->dout[0]);
}

static void grad(struct op_recorder *recorder, const struct op_use *use, op_value *din)
{
    contrast_record_sides(recorder, use, block_bwd, din);
    for (uint32_t i = 2; i < 4; i++) {
        if (use->wants[i])
            din[i] = OP_RECORD(recorder, &op_multiply, NULL, use->dout[0], use->out[i]);
    }
}

/* ---- plans ------------------------------------------------------------------------------------------------------- */

static void block_steps(struct op_plan *plan)
{
    struct contrast c;
    contrast_begin(&c, plan);
    uint64_t least = base_div_up(c.n, op_most_rounds(plan->caps));
    bool software = plan->caps->class_ == VK_CLASS_SOFTWARE;
    contrast_begin_walk(&c, 1, 0);
    c.args.row_slices = (uint32_t)(software ? BASE_MAX(least, 1) : BASE_MIN(32, base_div_up(c.n, 8)));
    const struct op_where part = op_plan_scratch(plan, 16ull * c.args.row_slices * c.n);
    while (contrast_next_slab(&c)) {
        uint64_t pairs = (uint64_t)c.args.rows * c.n;
        struct op_dispatch *d =
            contrast_add(&c, "siglip_block", &c.args, sizeof(c.args), (uint64_t)c.args.rows * c.args.row_slices);
        op_bind_at(d, c.scores, 0, pairs, OP_READ);
        op_bind_at(d, c.scale, 0, 3, OP_READ);
        op_bind_at(d, c.lines, 0, 16ull * c.n, OP_READ);
        contrast_bind_guide(&c, d, false, c.args.rows);
        contrast_bind_guide(&c, d, true, c.args.rows);
        contrast_spec(&c, d);
        op_bind_at(d, part, 0, 4ull * c.args.row_slices * c.n, OP_READ | OP_WRITE);
        op_plan_cut(plan, (double)pairs * (2 * CONTRAST_PAIR + 2 * CONTRAST_TARGET));
    }
    c.args.first = c.from;
    c.args.rows = c.end - c.from;
    struct op_dispatch *d = contrast_add(&c, "siglip_block_join", &c.args, sizeof(c.args), c.args.rows);
    op_bind_at(d, part, 0, 4ull * c.args.row_slices * c.n, OP_READ);
    op_dispatch_bind(d, OP_OUT, 0, OP_WRITE);
}

static void total_steps(struct op_plan *plan)
{
    const struct op_call *call = plan->call;
    struct contrast c = {.plan = plan, .call = call, .n = contrast_pairs(call), .lanes = op_group_lanes(plan->caps)};
    c.lines = (struct op_where){OP_IN, contrast_input(call, "lines"), 0};
    c.args.n = c.n;
    struct op_dispatch *d = contrast_add(&c, "siglip_total", &c.args, sizeof(c.args), 0);
    contrast_bind_input(&c, d, "sums", 0, 4ull * c.n);
    op_dispatch_bind(d, OP_OUT, 0, OP_WRITE);
    op_dispatch_bind(d, OP_OUT, 2, OP_WRITE);
    op_dispatch_bind(d, OP_OUT, 3, OP_WRITE);
    contrast_positives(&c, 1);
}

static void bwd_steps(struct op_plan *plan)
{
    static const char *const given[] = {NULL};
    struct contrast c;
    contrast_begin(&c, plan);
    contrast_begin_walk(&c, plan->caps->class_ == VK_CLASS_SOFTWARE ? 128 : 32, 2);
    while (contrast_next_slab(&c)) {
        struct op_dispatch *d = contrast_walk(&c, "siglip_bwd_stream", given, 2);
        contrast_gradient(&c, d);
    }
}

static const struct op_variant block_variants[] = {{.name = "siglip_block", .steps = block_steps}, {0}};
static const struct op_variant total_variants[] = {{.name = "siglip_total", .steps = total_steps}, {0}};
static const struct op_variant bwd_variants[] = {{.name = "siglip_bwd_stream", .steps = bwd_steps}, {0}};

/* ---- descriptors ------------------------------------------------------------------------------------------------- */

static void prepare(struct op_call *call, struct base_rng *rng)
{
    struct contrast_host host;
    uint32_t sums = contrast_input(call, "sums");
    contrast_block_lines(call, rng);
    if (contrast_host_open(&host, call) == MIEN_OK) {
        contrast_each_line(&host, contrast_add_signs, call->in_data[contrast_input(call, "lines")], NULL);
        if (sums != OP_NONE)
            add_rows(&host, 0, host.n, call->in_data[sums]);
    }
    contrast_host_close(&host);
}

#define PAIRS(n, e)                                                                                                    \
    {n, e}, {n, e}, {1},                                                                                               \
    {                                                                                                                  \
        1                                                                                                              \
    }
#define SUMS(n)                                                                                                        \
    LINES(n),                                                                                                          \
    {                                                                                                                  \
        n, 4                                                                                                           \
    }
/* clang-format off */
static const struct op_case block_cases[] = {
    {.name = "all_7x5", AT(0, 0, 7, NOTHING), .in = {PAIRS(7, 5), {0}, {0}, LINES(7)}},
    {.name = "half_8x16", AT(0, 4, 4, NOTHING), .in = {PAIRS(8, 16), {0}, {0}, LINES(8)}},
    {.name = "hard_9x16", AT(0, 4, 4, HARD), .in = {PAIRS(9, 16), {9, 16}, {9, 64}, LINES(9)}},
    {.name = "soft_130x64", AT(0, 64, 33, SOFT), .in = {PAIRS(130, 64), {130, 64}, {130, 16}, LINES(130)}},
    {.name = "ignore_257x64", AT(0, 128, 129, IGNORE), .in = {PAIRS(257, 64), {257, 64}, {257, 64}, LINES(257)}},
    {.name = "1900x8", AT(0, 64, 900, NOTHING), .in = {PAIRS(1900, 8), {0}, {0}, LINES(1900)}},
    {.name = "4096x128", AT(0, 1024, 1024, NOTHING), .in = {PAIRS(4096, 128), {0}, {0}, LINES(4096)}, .bench = true,
     .slow = true},
    {0},
};

/* attr.rows: of each block */
static const struct op_case total_cases[] = {
    {.name = "two_of_7x16", .attr = {.count = 7, .rows = 4}, .in = {PAIRS(7, 16), {0}, {0}, SUMS(7)}, .grad = true},
    {.name = "hard_6x4", .attr = {.count = 6, .rows = 6, .mining = {HARD}},
     .in = {PAIRS(6, 4), {6, 4}, {6, 4}, SUMS(6)}, .grad = true},
    {.name = "one_of_8x16", AT(0, 4, 4, NOTHING), .in = {PAIRS(8, 16), {0}, {0}, SUMS(8)}},
    {.name = "513x64", AT(0, 128, 128, NOTHING), .in = {PAIRS(513, 64), {0}, {0}, SUMS(513)}},
    {0},
};

static const struct op_case bwd_cases[] = {
    {.name = "texts_7x5", AT(1, 0, 7, NOTHING), .in = {PAIRS(7, 5), {0}, {0}, LINES(7), {1}}},
    {.name = "images_8x16", AT(0, 4, 4, NOTHING), .in = {PAIRS(8, 16), {0}, {0}, LINES(8), {1}}},
    {.name = "hard_images_9x16", AT(0, 4, 4, HARD), .in = {PAIRS(9, 16), {9, 16}, {9, 64}, LINES(9), {1}}},
    {.name = "hard_texts_9x16", AT(1, 4, 4, HARD), .in = {PAIRS(9, 16), {9, 16}, {9, 64}, LINES(9), {1}}},
    {.name = "soft_texts_130x64", AT(1, 64, 33, SOFT), .in = {PAIRS(130, 64), {130, 64}, {130, 16}, LINES(130), {1}}},
    {.name = "ignore_texts_257x64", AT(1, 128, 129, IGNORE),
     .in = {PAIRS(257, 64), {257, 64}, {257, 64}, LINES(257), {1}}},
    {.name = "1900x8", AT(1, 64, 900, NOTHING), .in = {PAIRS(1900, 8), {0}, {0}, LINES(1900), {1}}},
    {.name = "4096x128", AT(0, 1024, 1024, NOTHING), .in = {PAIRS(4096, 128), {0}, {0}, LINES(4096), {1}},
     .bench = true, .slow = true},
    {0},
};
/* clang-format on */

const struct op_desc op_siglip_block = {
    .name = "siglip_block",
    .signature = "u[N,E] v[N,E] q[1] b[1] text?[N,F] image?[N,G] lines[2N,8] -> sums[count,4]",
    .summary = "of images attr first .. + count of siglip_stream the sums over their pairs of loss, G (Z - b) and G, "
               "G = dloss/dZ, and 0; attr mining",
    .shapes = contrast_block_shapes,
    .reference = block_reference,
    .no_grad = "siglip_blocks has the gradients",
    .variants = block_variants,
    .cases = block_cases,
    .fill = CONTRAST_FILL,
    .prepare = prepare,
    /* as siglip_stream and its gradient: relative errors of softplus and sigmoid, of sums that may cancel */
    .tolerance = {.abs = 4e-6, .rel = 6e-5, .nmse = 1e-11},
    .flops = contrast_flops,
};

const struct op_desc op_siglip_blocks = {
    .name = "siglip_blocks",
    .signature = "u[N,E] v[N,E] q[1] b[1] text?[N,F] image?[N,G] lines[2N,8] sums[N,4] -> "
                 "loss[1] (positives[2] slope[1] rise[1])",
    .summary =
        "the loss of siglip_stream from what mine_block and siglip_block have made of all pairs, with gradients of "
        "pairs attr first .. + count in blocks of attr rows; attr mining",
    .constants = 1u << 4 | 1u << 5 | 1u << 6 | 1u << 7,
    .shapes = contrast_block_shapes,
    .reference = total_reference,
    .grad = grad,
    .variants = total_variants,
    .cases = total_cases,
    .fill = CONTRAST_FILL,
    .prepare = prepare,
    /* sums in pairs of floats of what siglip_block gives */
    .tolerance = {.abs = 1e-6, .rel = 1e-5, .nmse = 1e-11},
    .flops_per_element = 1,
};

const struct op_desc op_siglip_block_bwd = {
    .name = "siglip_block_bwd",
    .signature = "u[N,E] v[N,E] q[1] b[1] text?[N,F] image?[N,G] lines[2N,8] dloss[1] -> dx[count,E]",
    .summary =
        "the gradient of siglip_blocks for rows attr first .. + count of u (attr axis 0) or of v (1); attr mining",
    .forward = {&op_siglip_blocks},
    .shapes = contrast_block_shapes,
    .reference = bwd_reference,
    .variants = bwd_variants,
    .cases = bwd_cases,
    .fill = CONTRAST_FILL,
    .prepare = prepare,
    /* as siglip_stream_bwd */
    .tolerance = {.abs = 4e-6, .rel = 6e-5, .nmse = 1e-10},
    .flops = contrast_flops,
};
