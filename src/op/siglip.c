/* siglip.c: the sigmoid loss with learnable temperature and bias, of scores A[N,N] that are given, or the products of
 * embeddings u, v [N,E] ("stream", of which only a slab is in memory at a time). Z = exp(q) A + b; each pair (i, j) is
 * judged by itself: loss = sum_ij (w_i + w_j) softplus(-sign_ij Z_ij) / (2 sum w), which without weights is
 * (1/N) sum_ij softplus(-sign_ij Z_ij). Signs are +1 (positive), -1 (negative) and 0 (left out); absent ones are +1 on
 * the diagonal and -1 elsewhere. Streams mine them by similarity (contrast.h): a mined pair of either direction is a
 * positive, unless the kind is `ignore`. What has weight 0 is left out altogether: rows, columns and their count.
 * G = dloss/dZ = -(w_i + w_j) sign sigmoid(-sign Z) / (2 sum w); dA = exp(q) G, dq = sum of G (Z - b), db = sum of G,
 * du = dA v, dv = dA^T u. Signs and weights count as constants. */
#include "op/contrast.h"

#include <math.h>

/* ---- references -------------------------------------------------------------------------------------------------- */

static enum mien_status host_open(struct contrast_host *host, const struct op_call *call, float *lines,
                                  float *positives)
{
    enum mien_status status = contrast_host_open(host, call);
    uint32_t at = contrast_input(call, "sign");
    const float *sign = at == OP_NONE ? NULL : call->in_data[at];
    if (status == MIEN_OK && host->width)
        contrast_each_line(host, contrast_add_signs, lines, positives);
    for (size_t i = 0; status == MIEN_OK && !host->width && i < (size_t)host->n * host->n; i++)
        host->sign[i] = sign ? sign[i] : i % (host->n + 1) == 0 ? 1 : -1;
    return status;
}

/* (w_i + w_j) / (2 sum w) of a pair that counts. */
static double share_of(const struct contrast_host *host, uint32_t i, uint32_t j)
{
    double row = contrast_weight(host, i), column = contrast_weight(host, j);
    bool there = row > 0 && column > 0 && host->sign[(size_t)i * host->n + j] != 0;
    return there ? host->scale * (row + column) : 0;
}

static void reference(const struct op_call *call)
{
    struct contrast_host host;
    bool stream = call->out_count > 1;
    if (host_open(&host, call, stream ? call->out_data[1] : NULL, stream ? call->out_data[2] : NULL) == MIEN_OK) {
        for (uint32_t i = 0; i < host.n; i++) {
            for (uint32_t j = 0; j < host.n; j++) {
                double sign = (double)host.sign[(size_t)i * host.n + j];
                double x = -sign * (host.s * contrast_score(&host, i, j) + host.b);
                host.sum += share_of(&host, i, j) * (fmax(x, 0) + log1p(exp(-fabs(x))));
            }
        }
        *(float *)call->out_data[0] = (float)host.sum;
    }
    contrast_host_close(&host);
}

static void bwd_reference(const struct op_call *call)
{
    struct contrast_host host;
    if (host_open(&host, call, NULL, NULL) == MIEN_OK) {
        for (uint32_t i = 0; i < host.n; i++) {
            for (uint32_t j = 0; j < host.n; j++) {
                size_t at = (size_t)i * host.n + j;
                double z = host.s * contrast_score(&host, i, j), sign = (double)host.sign[at];
                double g = -share_of(&host, i, j) * sign / (1 + exp(sign * (z + host.b)));
                host.dq += g * z;
                host.db += g;
                host.g[at] = host.s * g;
            }
        }
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
    OP_RECORD_INTO(din, 3, recorder, &op_siglip_bwd, use->attr, use->in[0], use->in[1], use->in[2], use->dout[0],
                   input(use, 3), input(use, 4));
}

static void stream_grad(struct op_recorder *recorder, const struct op_use *use, op_value *din)
{
    OP_RECORD_INTO(din, 4, recorder, &op_siglip_stream_bwd, use->attr, use->in[0], use->in[1], use->in[2], use->in[3],
                   input(use, 4), input(use, 5), use->out[1], use->dout[0]);
}

/* ---- plan -------------------------------------------------------------------------------------------------------- */

static void steps(struct op_plan *plan)
{
    static const char *const given[] = {"sign", "w", NULL};
    static const char *const shader[2][2] = {{"siglip_fwd_part", "siglip_fwd_part_stream"},
                                             {"siglip_bwd", "siglip_bwd_stream"}};
    struct contrast c;
    contrast_begin(&c, plan);
    if (c.stream && !c.backward)
        contrast_mine(&c, (struct op_where){OP_OUT, 1, 0});
    contrast_begin_walk(&c, plan->caps->class_ == VK_CLASS_SOFTWARE ? 128 : 32, 2);
    while (contrast_next_slab(&c)) {
        struct op_dispatch *d = contrast_walk(&c, shader[c.backward][c.stream], given, 2);
        if (c.backward)
            contrast_gradient(&c, d);
        else
            contrast_end_walk(&c);
    }
    uint32_t first = c.backward ? c.stream ? 2 : 1 : 0;
    struct op_dispatch *d = contrast_add(&c, "siglip_sum", &c.args, sizeof(c.args), 0);
    op_bind_at(d, c.part, 0, 2ull * c.args.count, OP_READ);
    op_dispatch_bind(d, OP_OUT, first, OP_WRITE);
    op_dispatch_bind(d, OP_OUT, c.backward ? first + 1 : first, OP_WRITE);
    op_dispatch_spec(d, 8, c.backward);
    if (c.stream && !c.backward)
        contrast_positives(&c, 2);
}

static const struct op_variant variants[] = {{.name = "siglip_fwd_part", .steps = steps}, {0}};
static const struct op_variant bwd_variants[] = {{.name = "siglip_bwd", .steps = steps}, {0}};
static const struct op_variant stream_variants[] = {{.name = "siglip_fwd_part_stream", .steps = steps}, {0}};
static const struct op_variant stream_bwd_variants[] = {{.name = "siglip_bwd_stream", .steps = steps}, {0}};

/* ---- given scores ------------------------------------------------------------------------------------------------ */

#define GIVEN(n)                                                                                                       \
    {n, n}, {1},                                                                                                       \
    {                                                                                                                  \
        1                                                                                                              \
    }

/* clang-format off */
static const struct op_case cases[] = {
    {.name = "1", .in = {GIVEN(1)}},
    {.name = "5", .in = {GIVEN(5)}, .grad = true},
    {.name = "64", .in = {GIVEN(64)}, .bench = true},
    {.name = "127", .in = {GIVEN(127)}},
    {.name = "513", .in = {GIVEN(513)}},
    {.name = "1024", .in = {GIVEN(1024)}, .bench = true},
    {.name = "4096", .in = {GIVEN(4096)}, .bench = true, .slow = true},
    {.name = "given_1", .in = {GIVEN(1), {1, 1}, {1}}},
    {.name = "given_6", .in = {GIVEN(6), {6, 6}, {6}}, .grad = true},
    {.name = "signs_7", .in = {GIVEN(7), {7, 7}}, .grad = true},
    {.name = "signs_33", .in = {GIVEN(33), {33, 33}}},
    {.name = "weights_7", .in = {GIVEN(7), {0}, {7}}, .grad = true},
    {.name = "weights_127", .in = {GIVEN(127), {0}, {127}}},
    {.name = "given_33", .in = {GIVEN(33), {33, 33}, {33}}},
    {.name = "given_513", .in = {GIVEN(513), {513, 513}, {513}}},
    {.name = "given_4096", .in = {GIVEN(4096), {4096, 4096}, {4096}}, .bench = true, .slow = true},
    {0},
};
/* clang-format on */

const struct op_desc op_siglip = {
    .name = "siglip",
    .signature = "A[N,N] q[1] b[1] sign?[N,N] w?[N] -> loss[1]",
    .summary = "mean over rows of sum_j softplus(-sign Z), Z = exp(q) A + b, with signs +1, -1 and 0 = left out and "
               "weights w; N at most 4096",
    .constants = 1u << 3 | 1u << 4,
    .shapes = contrast_shapes,
    .reference = reference,
    .grad = grad,
    .variants = variants,
    .cases = cases,
    .fill = CONTRAST_FILL,
    .prepare = contrast_prepare,
    /* the error of Z, up to 100 in fp32, is a relative one of softplus: 100 * 6e-8 * 2 */
    .tolerance = {.abs = 1e-6, .rel = 2e-5, .nmse = 1e-11},
    .flops_per_element = 8,
};

const struct op_desc op_siglip_bwd = {
    .name = "siglip_bwd",
    .signature = "A[N,N] q[1] b[1] dloss[1] sign?[N,N] w?[N] -> dA[N,N] dq[1] db[1]",
    .summary = "the gradients of siglip: dA = exp(q) G, dq = sum of G (Z - b), db = sum of G, G = -sign "
               "sigmoid(-sign Z) dloss / N",
    .forward = {&op_siglip},
    .shapes = contrast_shapes,
    .reference = bwd_reference,
    .variants = bwd_variants,
    /* the error of Z, up to 100 in fp32, is a relative one of the sigmoid: 100 * 6e-8 * 2, and of exp */
    .tolerance = {.abs = 2e-6, .rel = 3e-5, .nmse = 1e-10},
    .flops_per_element = 8,
};

/* ---- from embeddings --------------------------------------------------------------------------------------------- */

#define PAIRS(n, e)                                                                                                    \
    {n, e}, {n, e}, {1},                                                                                               \
    {                                                                                                                  \
        1                                                                                                              \
    }
#define MINE(...) .attr = {.mining = {__VA_ARGS__}}
#define HARD(t, i, ...) MINE(.kind = OP_MINING_HARD, .text = t, .image = i, __VA_ARGS__)

/* clang-format off */
static const struct op_case stream_cases[] = {
    {.name = "1x1", .in = {PAIRS(1, 1)}},
    {.name = "6x4", .in = {PAIRS(6, 4)}, .grad = true},
    {.name = "7x5", .in = {PAIRS(7, 5)}},
    {.name = "weights_6x4", .in = {PAIRS(6, 4), {0}, {0}, {0}, {6}}, .grad = true},
    {.name = "hard_6x4", HARD(0.4f, 0.9f, .top_k = 2), .in = {PAIRS(6, 4), {6, 4}, {6, 4}}, .grad = true},
    {.name = "ignore_6x4", MINE(.kind = OP_MINING_IGNORE, .guide = OP_GUIDE_BOTH, .text = 0.4f),
     .in = {PAIRS(6, 4), {6, 4}, {6, 4}, {0}, {6}}, .grad = true},
    {.name = "127x33", .in = {PAIRS(127, 33)}},
    {.name = "256x512", .in = {PAIRS(256, 512)}, .bench = true},
    {.name = "513x64", .in = {PAIRS(513, 64)}},
    {.name = "1900x8", .in = {PAIRS(1900, 8)}},
    {.name = "same_130x16", MINE(.same_text = OP_SAME_TEXT_POSITIVE), .in = {PAIRS(130, 16), {0}, {0}, {130}}},
    {.name = "hard_127x64", HARD(0.8f, 0.9f, .top_k = 8), .in = {PAIRS(127, 64), {127, 64}, {127, 64}}},
    {.name = "soft_256x64",
     MINE(.kind = OP_MINING_SOFT, .top_k = 8, .text = 0.8f, .image = 0.9f, .weight = 0.3f, .tau = 0.05f,
          .same_text = OP_SAME_TEXT_IGNORE),
     .in = {PAIRS(256, 64), {256, 64}, {256, 16}, {256}, {256}}},
    {.name = "ignore_256x64", MINE(.kind = OP_MINING_IGNORE, .guide = OP_GUIDE_BOTH, .text = 0.5f),
     .in = {PAIRS(256, 64), {256, 64}, {256, 64}}},
    {.name = "hard_1900x8", HARD(0.9f, 0.5f, .top_k = 8), .in = {PAIRS(1900, 8), {1900, 16}, {1900, 4}}},
    {.name = "4096x128", .in = {PAIRS(4096, 128)}, .bench = true, .slow = true},
    {0},
};
/* clang-format on */

const struct op_desc op_siglip_stream = {
    .name = "siglip_stream",
    .signature = "u[N,E] v[N,E] q[1] b[1] text?[N,F] image?[N,G] id?:i32[N] w?[N] -> "
                 "loss[1] (lines[2,N,8] positives[2])",
    .summary = "siglip of A = u v^T, a slab of A at a time, with signs mined from the guides text and image and from "
               "ids, and mean numbers of positives; attr mining",
    .constants = 1u << 4 | 1u << 5 | 1u << 7,
    .shapes = contrast_shapes,
    .reference = reference,
    .grad = stream_grad,
    .variants = stream_variants,
    .cases = stream_cases,
    .fill = CONTRAST_FILL,
    .prepare = contrast_prepare,
    /* exp(q) a_ij, up to 100 times the rounding of a dot product of unit rows, 2e-7, is a relative error of softplus */
    .tolerance = {.abs = 1e-6, .rel = 4e-5, .nmse = 1e-11},
    .flops = contrast_flops,
};

const struct op_desc op_siglip_stream_bwd = {
    .name = "siglip_stream_bwd",
    .signature = "u[N,E] v[N,E] q[1] b[1] text?[N,F] image?[N,G] lines[2,N,8] dloss[1] -> "
                 "du[N,E] dv[N,E] dq[1] db[1]",
    .summary = "the gradients of siglip_stream; attr mining",
    .forward = {&op_siglip_stream},
    .shapes = contrast_shapes,
    .reference = bwd_reference,
    .variants = stream_bwd_variants,
    /* as forward: a relative error of the sigmoids, up to 100 * 2e-7 */
    .tolerance = {.abs = 4e-6, .rel = 6e-5, .nmse = 1e-10},
    .flops = contrast_flops,
};
