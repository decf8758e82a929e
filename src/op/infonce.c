/* infonce.c: symmetric InfoNCE with a learnable temperature, of scores A[N,N] that are given, or the products of
 * embeddings u, v [N,E] ("stream", of which only a slab is in memory at a time). Z = exp(q) A.
 * Row i is an anchor and its candidates are the columns: lse_i = logsumexp_j Z_ij, loss_i = lse_i - sum_j Qr_ij Z_ij;
 * columns likewise with Qc [N,N], whose columns are targets. loss = sum_i w_i (row's + column's) / (2 sum w).
 * Absent targets are the identity, absent weights 1. A target's line sums to 1; below 0 it leaves the candidate out of
 * the denominator (never the anchor itself). A pair of weight 0 is left out altogether: the loss is that of the batch
 * without it. Streams mine their targets by similarity (contrast.h). Targets and weights count as constants.
 * With P the softmaxes and G_ij = dloss / (2 sum w) (w_i (Pr_ij - Qr_ij) + w_j (Pc_ij - Qc_ij)): dA = exp(q) G,
 * dq = sum of G Z, du = dA v, dv = dA^T u.
 * Everything is kept relative to the diagonal: a trained model's losses are small differences of large numbers, and
 * fp32 would lose them in Z and its logsumexp. With the identity given as targets and weights of 1 the bits are those
 * without. Given scores and targets are each bound whole, 64 MiB at the most N, 4,096. */
#include "op/contrast.h"

#include <math.h>

/* ---- references -------------------------------------------------------------------------------------------------- */

/* Z of a candidate relative to the anchor's own. */
static double z_of(const struct contrast_host *host, bool column, uint32_t anchor, uint32_t candidate, double own)
{
    return host->s *
           ((column ? contrast_score(host, candidate, anchor) : contrast_score(host, anchor, candidate)) - own);
}

static void add_loss(struct contrast_host *host, bool column, uint32_t anchor, const struct contrast_ends *ends)
{
    double top = 0, total = 0, aim = 0, own = contrast_score(host, anchor, anchor);
    float *lse = host->call->out_data[1];
    (void)ends;
    for (uint32_t j = 0; j < host->n; j++) {
        if (j == anchor || host->q[j] < 0)
            continue;
        double z = z_of(host, column, anchor, j, own), peak = fmax(top, z);
        total = total * exp(top - peak) + exp(z - peak);
        top = peak;
        aim += host->q[j] * z;
    }
    double whole = top > 0 ? top + log(exp(-top) + total) : log1p(total);
    lse[column ? host->n + anchor : anchor] = (float)whole;
    host->sum += contrast_weight(host, anchor) * (whole - aim);
}

static void reference(const struct op_call *call)
{
    struct contrast_host host;
    bool stream = call->out_count > 2;
    if (contrast_host_open(&host, call) == MIEN_OK) {
        contrast_each_line(&host, add_loss, stream ? call->out_data[2] : NULL, stream ? call->out_data[3] : NULL);
        *(float *)call->out_data[0] = (float)(host.scale * host.sum);
    }
    contrast_host_close(&host);
}

/* w (P - Q) of a line. Rows of P - Q sum to 0, so that for dq Z may be relative to the own one. */
static void add_gradient(struct contrast_host *host, bool column, uint32_t anchor, const struct contrast_ends *ends)
{
    const float *lses = host->call->in_data[contrast_input(host->call, "lse")];
    double lse = (double)lses[column ? host->n + anchor : anchor], w = contrast_weight(host, anchor);
    double own = contrast_score(host, anchor, anchor);
    for (uint32_t j = 0; j < host->n && w > 0; j++) {
        double z = z_of(host, column, anchor, j, own);
        double g = j == anchor ? expm1(-lse) - ends->rest : host->q[j] < 0 ? 0 : exp(z - lse) - host->q[j];
        g *= host->scale * w;
        host->dq += g * z;
        host->g[column ? (size_t)j * host->n + anchor : (size_t)anchor * host->n + j] += host->s * g;
    }
}

static void bwd_reference(const struct op_call *call)
{
    struct contrast_host host;
    if (contrast_host_open(&host, call) == MIEN_OK) {
        contrast_each_line(&host, add_gradient, NULL, NULL);
        contrast_give_gradients(&host);
    }
    contrast_host_close(&host);
}

static op_value input(const struct op_use *use, uint32_t i)
{
    return i < use->in_count ? use->in[i] : OP_NONE;
}

static void grad(struct op_recorder *recorder, const struct op_use *use, op_value *din)
{
    OP_RECORD_INTO(din, 2, recorder, &op_infonce_bwd, use->attr, use->in[0], use->in[1], use->out[1], use->dout[0],
                   input(use, 2), input(use, 3), input(use, 4));
}

static void stream_grad(struct op_recorder *recorder, const struct op_use *use, op_value *din)
{
    OP_RECORD_INTO(din, 3, recorder, &op_infonce_stream_bwd, use->attr, use->in[0], use->in[1], use->in[2],
                   input(use, 3), input(use, 4), use->out[1], use->out[2], use->dout[0]);
}

/* ---- plans ------------------------------------------------------------------------------------------------------- */

/* How many partial sums share a line. On a GPU neighbours read a row side by side; columns are side by side anyway and
 * are cut to keep it busy, on a software driver to stay within the pages that its caches hold. */
static void set_slices(struct contrast *c)
{
    bool software = c->plan->caps->class_ == VK_CLASS_SOFTWARE;
    uint64_t least = base_div_up(c->n, 8 * op_most_rounds(c->plan->caps)); /* blocks of 8 */
    c->args.row_slices = (uint32_t)(software ? least : BASE_MIN(32, base_div_up(c->n, 8)));
    c->args.col_slices = (uint32_t)base_div_up(c->slab, software && c->stream ? 256 : 64);
}

/* Partial sums of the slab's rows or of its columns. */
static void add_parts(struct contrast *c, bool column, struct op_where part)
{
    uint32_t slices = column ? c->args.col_slices : c->args.row_slices;
    uint64_t pairs = (uint64_t)c->args.rows * c->n, lines = column ? c->n : c->args.rows;
    c->args.by_column = column;
    struct op_dispatch *d = contrast_add(c, c->stream ? "infonce_fwd_part_stream" : "infonce_fwd_part", &c->args,
                                         sizeof(c->args), lines * slices);
    op_bind_at(d, c->scores, 0, pairs, OP_READ);
    contrast_bind_input(c, d, "q", 0, 1);
    if (c->stream) {
        contrast_bind_guide(c, d, column, c->args.rows);
        op_bind_at(d, c->lines, 0, 16ull * c->n, OP_READ);
        contrast_spec(c, d);
    } else {
        const char *targets = column ? "Qc" : "Qr";
        contrast_bind_input(c, d, targets, 0, pairs);
        contrast_bind_input(c, d, "w", 0, c->n);
        op_dispatch_spec(d, 8, contrast_input(c->call, targets) != OP_NONE);
        op_dispatch_spec(d, 9, c->weights);
    }
    op_bind_at(d, part, 0, 4ull * slices * c->n, OP_READ | OP_WRITE);
    op_plan_cut(c->plan, (double)pairs * (CONTRAST_PAIR + (c->stream ? CONTRAST_TARGET : 0)));
}

/* lse, the lines' losses and their mean. */
static void add_ends(struct contrast *c, const struct op_where part[2])
{
    struct op_where loss = op_plan_scratch(c->plan, 8ull * c->n);
    struct op_dispatch *d = contrast_add(c, "infonce_fwd_join", &c->args, sizeof(c->args), 2ull * c->n);
    op_bind_at(d, part[0], 0, 4ull * c->args.row_slices * c->n, OP_READ);
    op_bind_at(d, part[1], 0, 4ull * c->args.col_slices * c->n, OP_READ);
    op_dispatch_bind(d, OP_OUT, 1, OP_WRITE);
    op_bind_at(d, loss, 0, 2ull * c->n, OP_WRITE);
    d = contrast_add(c, "infonce_fwd", &c->args, sizeof(c->args), 0);
    op_bind_at(d, loss, 0, 2ull * c->n, OP_READ);
    contrast_bind_weights(c, d);
    op_dispatch_bind(d, OP_OUT, 0, OP_WRITE);
}

static void steps(struct op_plan *plan)
{
    struct contrast c;
    contrast_begin(&c, plan);
    if (c.stream)
        contrast_mine(&c, (struct op_where){OP_OUT, 2, 0});
    set_slices(&c);
    const struct op_where part[2] = {op_plan_scratch(plan, 16ull * c.args.row_slices * c.n),
                                     op_plan_scratch(plan, 16ull * c.args.col_slices * c.n)};
    while (contrast_next_slab(&c)) {
        add_parts(&c, false, part[0]);
        add_parts(&c, true, part[1]);
    }
    add_ends(&c, part);
    if (c.stream)
        contrast_positives(&c, 3);
}

static void bwd_steps(struct op_plan *plan)
{
    static const char *const given[] = {"Qr", "Qc", "w", NULL};
    struct contrast c;
    contrast_begin(&c, plan);
    bool software = plan->caps->class_ == VK_CLASS_SOFTWARE;
    contrast_begin_walk(&c, !c.stream ? (c.n > 1024 ? c.n / 32 : 32) : software ? 128 : 32, 1);
    while (contrast_next_slab(&c)) {
        struct op_dispatch *d = contrast_walk(&c, c.stream ? "infonce_bwd_stream" : "infonce_bwd", given, 1);
        contrast_bind_input(&c, d, "lse", 0, 2ull * c.n);
        contrast_gradient(&c, d);
    }
    struct op_dispatch *d = contrast_add(&c, "infonce_bwd_q", &c.args, sizeof(c.args), 0);
    op_bind_at(d, c.part, 0, c.args.count, OP_READ);
    op_dispatch_bind(d, OP_OUT, c.stream ? 2 : 1, OP_WRITE);
}

static const struct op_variant variants[] = {{.name = "infonce_fwd", .steps = steps}, {0}};
static const struct op_variant bwd_variants[] = {{.name = "infonce_bwd", .steps = bwd_steps}, {0}};
static const struct op_variant stream_variants[] = {{.name = "infonce_fwd_part_stream", .steps = steps}, {0}};
static const struct op_variant stream_bwd_variants[] = {{.name = "infonce_bwd_stream", .steps = bwd_steps}, {0}};

/* ---- given scores ------------------------------------------------------------------------------------------------ */

#define GIVEN(n)                                                                                                       \
    {n, n},                                                                                                            \
    {                                                                                                                  \
        1                                                                                                              \
    }

/* clang-format off */
static const struct op_case cases[] = {
    {.name = "1", .in = {GIVEN(1)}},
    {.name = "2", .in = {GIVEN(2)}, .grad = true},
    {.name = "5", .in = {GIVEN(5)}, .grad = true},
    {.name = "33", .in = {GIVEN(33)}},
    {.name = "64", .in = {GIVEN(64)}, .bench = true},
    {.name = "127", .in = {GIVEN(127)}},
    {.name = "513", .in = {GIVEN(513)}},
    {.name = "1024", .in = {GIVEN(1024)}, .bench = true},
    {.name = "4096", .in = {GIVEN(4096)}, .bench = true, .slow = true},
    {.name = "given_1", .in = {GIVEN(1), {1, 1}, {1, 1}, {1}}},
    {.name = "given_5", .in = {GIVEN(5), {5, 5}, {5, 5}, {5}}, .grad = true},
    {.name = "rows_7", .in = {GIVEN(7), {7, 7}}, .grad = true},
    {.name = "rows_33", .in = {GIVEN(33), {33, 33}}},
    {.name = "columns_6", .in = {GIVEN(6), {0}, {6, 6}}, .grad = true},
    {.name = "columns_33", .in = {GIVEN(33), {0}, {33, 33}}},
    {.name = "weights_7", .in = {GIVEN(7), {0}, {0}, {7}}, .grad = true},
    {.name = "weights_127", .in = {GIVEN(127), {0}, {0}, {127}}},
    {.name = "given_127", .in = {GIVEN(127), {127, 127}, {127, 127}, {127}}},
    {.name = "targets_513", .in = {GIVEN(513), {513, 513}, {513, 513}}},
    {.name = "given_1024", .in = {GIVEN(1024), {1024, 1024}, {1024, 1024}, {1024}}, .bench = true},
    {.name = "given_4096", .in = {GIVEN(4096), {4096, 4096}, {4096, 4096}, {4096}}, .bench = true, .slow = true},
    {0},
};
/* clang-format on */

const struct op_desc op_infonce = {
    .name = "infonce",
    .signature = "A[N,N] q[1] Qr?[N,N] Qc?[N,N] w?[N] -> loss[1] (lse[2,N])",
    .summary = "mean over rows and columns of logsumexp(Z) - sum of target Z, Z = exp(q) A, with targets Qr and Qc and "
               "weights w; lse relative to the diagonal; N at most 4096",
    .constants = 1u << 2 | 1u << 3 | 1u << 4,
    .shapes = contrast_shapes,
    .reference = reference,
    .grad = grad,
    .variants = variants,
    .cases = cases,
    .fill = CONTRAST_FILL,
    .prepare = contrast_prepare,
    /* exp(q) (a_ij - a_ii) up to 100 in fp32: 100 * 6e-8 * 2 absolute; sums and logarithms add less */
    .tolerance = {.abs = 2e-5, .rel = 1e-5, .nmse = 1e-11},
    .flops_per_element = 8,
};

const struct op_desc op_infonce_bwd = {
    .name = "infonce_bwd",
    .signature = "A[N,N] q[1] lse[2,N] dloss[1] Qr?[N,N] Qc?[N,N] w?[N] -> dA[N,N] dq[1]",
    .summary = "the gradients of infonce: dA = exp(q) G, dq = sum of G Z, G = dloss (row softmax - targets + column "
               "softmax - targets) / 2N",
    .forward = {&op_infonce},
    .shapes = contrast_shapes,
    .reference = bwd_reference,
    .variants = bwd_variants,
    /* softmax values carry their exponents' absolute error, up to 100 * 6e-8 * 2, as a relative one */
    .tolerance = {.abs = 2e-6, .rel = 3e-5, .nmse = 1e-10},
    .flops_per_element = 8,
};

/* ---- from embeddings --------------------------------------------------------------------------------------------- */

#define PAIRS(n, e)                                                                                                    \
    {n, e}, {n, e},                                                                                                    \
    {                                                                                                                  \
        1                                                                                                              \
    }
#define MINE(...) .attr = {.mining = {__VA_ARGS__}}

/* clang-format off */
static const struct op_case stream_cases[] = {
    {.name = "1x1", .in = {PAIRS(1, 1)}},
    {.name = "2x3", .in = {PAIRS(2, 3)}, .grad = true},
    {.name = "7x5", .in = {PAIRS(7, 5)}, .grad = true},
    {.name = "127x33", .in = {PAIRS(127, 33)}},
    {.name = "256x512", .in = {PAIRS(256, 512)}, .bench = true},
    {.name = "513x64", .in = {PAIRS(513, 64)}},
    {.name = "1900x8", .in = {PAIRS(1900, 8)}},
    {.name = "weights_7x4", .in = {PAIRS(7, 4), {0}, {0}, {0}, {7}}, .grad = true},
    {.name = "weights_129x12", .in = {PAIRS(129, 12), {0}, {0}, {0}, {129}}},
    {.name = "hard_6x4", MINE(.kind = OP_MINING_HARD, .top_k = 2, .text = 0.4f, .image = 0.4f),
     .in = {PAIRS(6, 4), {6, 4}, {6, 4}}, .grad = true},
    {.name = "soft_6x4",
     MINE(.kind = OP_MINING_SOFT, .guide = OP_GUIDE_TEXT, .text = 0.4f, .weight = 0.5f, .tau = 0.5f),
     .in = {PAIRS(6, 4), {6, 4}}, .grad = true},
    {.name = "ignore_6x4",
     MINE(.kind = OP_MINING_IGNORE, .guide = OP_GUIDE_BOTH, .top_k = 2, .text = 0.4f,
          .same_text = OP_SAME_TEXT_POSITIVE),
     .in = {PAIRS(6, 4), {6, 4}, {6, 4}, {6}, {6}}, .grad = true},
    {.name = "same_130x16", MINE(.same_text = OP_SAME_TEXT_POSITIVE), .in = {PAIRS(130, 16), {0}, {0}, {130}}},
    {.name = "hard_127x64", MINE(.kind = OP_MINING_HARD, .top_k = 8, .text = 0.8f, .image = 0.9f),
     .in = {PAIRS(127, 64), {127, 64}, {127, 64}}},
    {.name = "hard_top40_200x16",
     MINE(.kind = OP_MINING_HARD, .guide = OP_GUIDE_IMAGE, .top_k = 40, .image = -0.5f),
     .in = {PAIRS(200, 16), {0}, {200, 16}}},
    {.name = "soft_256x64",
     MINE(.kind = OP_MINING_SOFT, .top_k = 8, .text = 0.8f, .image = 0.9f, .weight = 0.3f, .tau = 0.05f,
          .same_text = OP_SAME_TEXT_IGNORE),
     .in = {PAIRS(256, 64), {256, 64}, {256, 16}, {256}, {256}}},
    {.name = "ignore_256x64", MINE(.kind = OP_MINING_IGNORE, .guide = OP_GUIDE_BOTH, .text = 0.5f),
     .in = {PAIRS(256, 64), {256, 64}, {256, 64}}},
    {.name = "soft_1900x8",
     MINE(.kind = OP_MINING_SOFT, .top_k = 8, .text = 0.9f, .image = 0.5f, .weight = 0.3f, .tau = 0.05f),
     .in = {PAIRS(1900, 8), {1900, 16}, {1900, 4}}},
    {.name = "4096x128", .in = {PAIRS(4096, 128)}, .bench = true, .slow = true},
    {0},
};
/* clang-format on */

const struct op_desc op_infonce_stream = {
    .name = "infonce_stream",
    .signature = "u[N,E] v[N,E] q[1] text?[N,F] image?[N,G] id?:i32[N] w?[N] -> "
                 "loss[1] (lse[2,N] lines[2,N,8] positives[2])",
    .summary =
        "infonce of A = u v^T, a slab of A at a time, with targets mined from the guides text and image and from "
        "ids, and mean numbers of positives; attr mining",
    .constants = 1u << 3 | 1u << 4 | 1u << 6,
    .shapes = contrast_shapes,
    .reference = reference,
    .grad = stream_grad,
    .variants = stream_variants,
    .cases = stream_cases,
    .fill = CONTRAST_FILL,
    .prepare = contrast_prepare,
    /* exp(q) (a_ij - a_ii), up to 100 times the rounding of two dot products of unit rows, 4e-7 */
    .tolerance = {.abs = 4e-5, .rel = 1e-5, .nmse = 1e-11},
    .flops = contrast_flops,
};

const struct op_desc op_infonce_stream_bwd = {
    .name = "infonce_stream_bwd",
    .signature = "u[N,E] v[N,E] q[1] text?[N,F] image?[N,G] lse[2,N] lines[2,N,8] dloss[1] -> du[N,E] dv[N,E] dq[1]",
    .summary = "the gradients of infonce_stream; attr mining",
    .forward = {&op_infonce_stream},
    .shapes = contrast_shapes,
    .reference = bwd_reference,
    .variants = stream_bwd_variants,
    /* softmax values carry their exponents' absolute error, up to 100 * 4e-7, as a relative one */
    .tolerance = {.abs = 4e-6, .rel = 6e-5, .nmse = 1e-10},
    .flops = contrast_flops,
};
