/* mine.c: targets for infonce, or signs for siglip, from similarities [N,N] (contrast.h says which). [N,N] tensors are
 * each bound whole: N as far as those losses go, 4,096; the streaming losses mine by themselves beyond it. */
#include "op/contrast.h"

#include <string.h>

/* With attr.mining.signs there is one matrix, so that positives[2] comes after it. */
static enum mien_status shapes(struct op_call *call, const char *label)
{
    call->out_count = 1;
    if (!call->attr.mining.signs)
        call->out[call->out_count++] = call->out[0];
    call->out[call->out_count++] = SHAPE_F32(2);
    return contrast_shapes(call, label);
}

/* The targets of an anchor as they are; an absent one has only itself. */
static void keep_targets(struct contrast_host *host, bool column, uint32_t anchor, const struct contrast_ends *ends)
{
    float *out = host->call->out_data[column];
    bool absent = contrast_weight(host, anchor) == 0;
    (void)ends;
    for (uint32_t j = 0; j < host->n; j++) {
        double q = host->q[j];
        size_t at = column ? (size_t)j * host->n + anchor : (size_t)anchor * host->n + j;
        out[at] = absent && q > 0 ? j == anchor : (float)q;
    }
}

static void reference(const struct op_call *call)
{
    struct contrast_host host;
    bool signs = call->attr.mining.signs;
    if (contrast_host_open(&host, call) == MIEN_OK) {
        contrast_each_line(&host, signs ? contrast_add_signs : keep_targets, NULL, call->out_data[signs ? 1 : 2]);
        if (signs)
            memcpy(call->out_data[0], host.sign, tensor_shape_bytes(&call->out[0]));
    }
    contrast_host_close(&host);
}

static void steps(struct op_plan *plan)
{
    struct contrast c;
    bool signs = plan->call->attr.mining.signs;
    contrast_begin(&c, plan);
    contrast_mine(&c, op_plan_scratch(plan, 64ull * c.n));
    struct mine_args args = {.n = c.n, .rows = c.n > 1024 ? c.n / 32 : 32, .scale = c.args.scale, .tau = c.args.tau};
    struct op_dispatch *d = contrast_add(&c, "mine_targets", &args, sizeof(args), c.n * base_div_up(c.n, args.rows));
    op_dispatch_bind(d, OP_OUT, 0, OP_WRITE);
    op_dispatch_bind(d, OP_OUT, signs ? 0 : 1, OP_WRITE);
    op_bind_at(d, c.lines, 0, 16ull * c.n, OP_READ);
    contrast_bind_guide(&c, d, false, c.n);
    contrast_bind_guide(&c, d, true, c.n);
    contrast_spec(&c, d);
    op_dispatch_spec(d, 12, signs);
    op_plan_cut(plan, (double)c.n * c.n * 2 * CONTRAST_TARGET);
    contrast_positives(&c, signs ? 1 : 2);
}

static const struct op_variant variants[] = {{.name = "mine_targets", .steps = steps}, {0}};

#define MINE(text_, image_, ...) .attr = {.mining = {.text = text_, .image = image_, __VA_ARGS__}}
#define BOTH(n)                                                                                                        \
    {n, n},                                                                                                            \
    {                                                                                                                  \
        n, n                                                                                                           \
    }

/* clang-format off */
static const struct op_case cases[] = {
    {.name = "one", MINE(0.9f, 0.95f, .kind = OP_MINING_HARD), .in = {BOTH(1)}},
    {.name = "none_7", MINE(0.9f, 0.95f, .kind = OP_MINING_NONE), .in = {BOTH(7)}},
    {.name = "hard_33", MINE(0.9f, 0.95f, .kind = OP_MINING_HARD), .in = {BOTH(33)}},
    {.name = "hard_top3_65", MINE(0.9f, 0.95f, .kind = OP_MINING_HARD, .top_k = 3), .in = {BOTH(65)}},
    {.name = "hard_top40_127",
     MINE(0.0f, 0.95f, .kind = OP_MINING_HARD, .guide = OP_GUIDE_TEXT, .top_k = 40),
     .in = {{127, 127}}},
    {.name = "hard_both_127",
     MINE(0.6f, 0.95f, .kind = OP_MINING_HARD, .guide = OP_GUIDE_BOTH, .top_k = 8),
     .in = {BOTH(127)}},
    {.name = "soft_127",
     MINE(0.9f, 0.95f, .kind = OP_MINING_SOFT, .guide = OP_GUIDE_IMAGE, .top_k = 8, .weight = 0.3f, .tau = 0.05f),
     .in = {{0}, {127, 127}}},
    {.name = "soft_all_65",
     MINE(-2, -2, .kind = OP_MINING_SOFT, .weight = 1, .tau = 0.5f),
     .in = {BOTH(65)}},
    {.name = "ignore_65", MINE(0.9f, 0.95f, .kind = OP_MINING_IGNORE, .top_k = 5), .in = {BOTH(65)}},
    {.name = "same_65", MINE(0.9f, 0.95f, .same_text = OP_SAME_TEXT_POSITIVE), .in = {{0}, {0}, {65}}},
    {.name = "same_hard_65",
     MINE(0.9f, 0.95f, .kind = OP_MINING_HARD, .top_k = 4, .same_text = OP_SAME_TEXT_POSITIVE),
     .in = {BOTH(65), {65}, {65}}},
    {.name = "same_soft_65",
     MINE(0.9f, 0.95f, .kind = OP_MINING_SOFT, .weight = 0.4f, .tau = 0.1f, .same_text = OP_SAME_TEXT_IGNORE),
     .in = {BOTH(65), {65}, {65}}},
    {.name = "same_ignore_65",
     MINE(0.9f, 0.95f, .kind = OP_MINING_IGNORE, .top_k = 4, .same_text = OP_SAME_TEXT_POSITIVE),
     .in = {BOTH(65), {65}, {65}}},
    {.name = "signs_65",
     MINE(0.9f, 0.95f, .kind = OP_MINING_HARD, .top_k = 4, .same_text = OP_SAME_TEXT_IGNORE, .signs = true),
     .in = {BOTH(65), {65}, {65}}},
    {.name = "signs_ignore_33",
     MINE(0.9f, 0.95f, .kind = OP_MINING_IGNORE, .signs = true),
     .in = {BOTH(33)}},
    {.name = "1024",
     MINE(0.9f, 0.95f, .kind = OP_MINING_SOFT, .top_k = 8, .weight = 0.3f, .tau = 0.05f),
     .in = {BOTH(1024)},
     .bench = true},
    {.name = "4096",
     MINE(0.9f, 0.95f, .kind = OP_MINING_SOFT, .top_k = 8, .weight = 0.3f, .tau = 0.05f),
     .in = {BOTH(4096)},
     .bench = true,
     .slow = true},
    {.name = "signs_4096",
     MINE(0.9f, 0.95f, .kind = OP_MINING_HARD, .top_k = 8, .same_text = OP_SAME_TEXT_IGNORE, .signs = true),
     .in = {BOTH(4096), {4096}, {4096}},
     .slow = true},
    {0},
};
/* clang-format on */

const struct op_desc op_mine = {
    .name = "mine",
    .signature = "text?[N,N] image?[N,N] id?:i32[N] w?[N] -> Qr[N,N] Qc? positives?",
    .summary =
        "row and column targets of pairs that are similar, or with attr.mining.signs their signs alone [N,N], and "
        "mean numbers of positives[2], from similarities of texts and of images, ids and weights; attr mining",
    .constants = 1u << 0 | 1u << 1 | 1u << 3,
    .shapes = shapes,
    .reference = reference,
    .no_grad = "targets are constants: nothing flows back through the similarities",
    .variants = variants,
    .cases = cases,
    .fill = CONTRAST_FILL,
    .prepare = contrast_prepare,
    /* shares are exp(x), x down to -40 only where they are nothing; one division, sums of at most N shares */
    .tolerance = {.abs = 1e-6, .rel = 5e-6, .nmse = 1e-12},
    .flops_per_element = 40,
};
