/* attention_plan.c: attention and its gradient as dispatches of the fused forms; attention_plain.c has the plain one.
 * Five forms:
 *   cm          fused, on matrix units, 16-bit tensors (attention_cm.c)
 *   sg          fused; a lane owns a query or key row in registers (software drivers)
 *   row         the same for desktop GPUs of many registers
 *   tile        fused; a workgroup owns 32 rows, tiles in shared memory (desktop, mobile)
 *   plain       scores and weights of a chunk of (batch, head) pairs in scratch, between strided matmuls; any shape
 * In row and tile the kernel for dq keeps the weights of a chunk of pairs in scratch memory for the one for dk and dv,
 * or, where those of one pair are too many, the other one of tile recomputes them. The fused forms take head dims that
 * are multiples of 4, up to 128 (row: 64). Batches beyond one storage-buffer range are split.
 */
#include "args/attention.h"
#include "op/attention.h"

struct attention_part attention_part_at(const struct vk_caps *caps, const struct attention_size *s, uint32_t first)
{
    uint64_t row = (uint64_t)s->tokens * s->width, element = mien_dtype_size(s->dtype);
    /* The row kernels know that each vec4 of a range, of 16-bit elements too, comes before the 2^28th (FARTHEST). Up to
     * 127 elements stand before the first one wanted. */
    uint64_t fit = BASE_MIN(op_part_rows(caps, 3 * row), (((uint64_t)1 << 30) - 128) / (3 * row));
    uint32_t batches = (uint32_t)BASE_MIN(fit, (uint64_t)s->batch - first);
    uint64_t lse = (uint64_t)s->heads * s->tokens;
    return (struct attention_part){.batches = batches,
                                   .qkv = op_part_of_sized(3 * first * row, 3 * batches * row, element),
                                   .rows = op_part_of_sized(first * row, batches * row, element),
                                   .lse = op_part_of(first * lse, batches * lse)};
}

/* ---- fused ------------------------------------------------------------------------------------------------------- */

/* rounds: of an invocation's loops, per key or query of the other side */
static bool fits_fused(const struct vk_caps *caps, const struct op_call *call, uint32_t rounds)
{
    struct attention_size s = attention_size_of(call);
    return (uint64_t)s.tokens * rounds <= op_most_rounds(caps) && s.dim % 4 == 0 && s.dim <= 128 &&
           attention_part_at(caps, &s, 0).batches > 0;
}

bool attention_fits_sg(const struct vk_caps *caps, const struct op_call *call)
{
    return caps->class_ == VK_CLASS_SOFTWARE && caps->subgroup_size >= 4 && caps->subgroup_size <= 16 &&
           fits_fused(caps, call, 1);
}

bool attention_fits_sg_texel(const struct vk_caps *caps, const struct op_call *call)
{
    bool fits = attention_fits_sg(caps, call);
    for (uint32_t i = 0; i < OP_MAX_IN; i++)
        fits = fits && (i == ATTENTION_LSE || call->in[i].rank == 0 || op_fits_texels(caps, &call->in[i]));
    return fits;
}

bool attention_fits_tile(const struct vk_caps *caps, const struct op_call *call)
{
    return caps->class_ != VK_CLASS_SOFTWARE && fits_fused(caps, call, 6);
}

/* The row kernels hold two or three rows of the head dim, 192 registers at 64. A compiler known for GPUs whose widest
 * subgroup has 32 lanes (NVIDIA) holds many loaded rows beside them, and spills. */
bool attention_fits_row(const struct vk_caps *caps, const struct op_call *call)
{
    uint32_t lanes = caps->features & VK_CAP_SUBGROUP_FULL ? caps->subgroup_max : caps->subgroup_size;
    return caps->class_ == VK_CLASS_DESKTOP && caps->max_registers >= 256 && lanes > 1 && lanes != 32 &&
           caps->least_barrier <= 64 && attention_size_of(call).dim <= 64 && fits_fused(caps, call, 1);
}

/* How a fused form cuts the rows of a head. */
struct form {
    uint32_t local, rows; /* invocations and rows of a workgroup */
    uint32_t subgroup;    /* lanes of a subgroup, 0 = does not matter */
    uint32_t tail;        /* how many of the last rows a workgroup shares at a time (attention/tail.glsl), 0 = none */
    uint32_t tail_keys;   /* what it has room for */
};

/* Keys that are kept come in multiples of this, where they are. */
enum { TILE_KEYS = 32 };

static struct form form_sg(const struct vk_caps *caps)
{
    return (struct form){.local = caps->subgroup_size, .rows = caps->subgroup_size, .subgroup = caps->subgroup_size};
}

/* Of the last rows, behind whole blocks of the form's, a few are shared: up to a quarter of a block. None where their
 * weights have no room: of row as many workgroups are to run as registers allow, and tile's shared memory is full. */
static struct form with_tail(struct form form, const struct attention_size *s, uint32_t multiple)
{
    enum { TOGETHER = 2, ROOM = 320 }; /* of any T the same, so that a small problem is one of the same pipeline */
    uint32_t last = s->tokens % form.rows, keys = (uint32_t)base_round_up(BASE_MIN(s->tokens, ROOM + 1u), multiple);
    if (s->tokens >= form.rows && last <= form.rows / 4)
        form.tail = BASE_MIN(BASE_MIN(last, TOGETHER), ROOM / keys);
    form.tail_keys = form.tail ? ROOM / form.tail : 0;
    return form;
}

/* What a pair costs by the model of a Navi 31 (tests/bench/LOG.md): a workgroup of 32 lanes as much as three quarters
 * of one of 64, and a row that a workgroup shares a sixteenth of that. */
static uint32_t row_cost(const struct attention_size *s, uint32_t rows)
{
    struct form form = with_tail((struct form){.rows = rows}, s, ATTENTION_KEYS);
    uint32_t tail = form.tail ? s->tokens % rows : 0;
    return (uint32_t)base_div_up(s->tokens - tail, rows) * (rows == 64 ? 16 : 12) + tail;
}

/* The shaders have barriers, if only for the last rows. */
static bool may_32(const struct vk_caps *caps)
{
    return caps->subgroup_min <= 32 && caps->least_barrier <= 32;
}

static uint32_t row_rule(const struct vk_caps *caps, const struct attention_size *s)
{
    return may_32(caps) && row_cost(s, 32) < row_cost(s, 64) ? 32 : 64;
}

static struct form form_row(const struct op_plan *plan, const struct attention_size *s)
{
    const struct vk_caps *caps = plan->caps;
    uint32_t rows = plan->tile.rows ? plan->tile.rows : row_rule(caps, s);
    bool may = caps->subgroup_min <= rows && rows <= caps->subgroup_max;
    return with_tail((struct form){.local = rows, .rows = rows, .subgroup = may ? rows : 0}, s, ATTENTION_KEYS);
}

/* The other of 32 and 64 rows, where the device can run it. */
uint32_t attention_tiles_row(const struct vk_caps *caps, const struct op_call *call, struct op_tile out[OP_MAX_TILES])
{
    struct attention_size s = attention_size_of(call);
    out[0] = (struct op_tile){.rows = row_rule(caps, &s) == 64 ? 32 : 64};
    return out[0].rows == 64 || caps->least_barrier <= 32;
}

static struct form form_tile(const struct attention_size *s)
{
    return with_tail((struct form){.local = 128, .rows = 32}, s, TILE_KEYS);
}

double attention_flops(const struct attention_size *s, uint32_t pairs, double products)
{
    return products * 2 * pairs * s->tokens * (double)s->tokens * s->dim;
}

static struct op_dispatch *add_blocks(struct op_plan *plan, const struct attention_size *s, struct form form,
                                      const char *shader, uint32_t groups)
{
    struct op_dispatch *d = op_plan_items(plan, shader, form.local, (uint64_t)groups * form.local);
    op_dispatch_spec(d, 3, s->dim / 4);
    op_dispatch_spec(d, 4, form.rows);
    op_dispatch_spec(d, 5, form.tail);
    op_dispatch_spec(d, 6, form.tail_keys);
    op_dispatch_spec(d, 8, s->causal);
    if (plan->caps->features & VK_CAP_SUBGROUP_FULL)
        d->subgroup_size = form.subgroup;
    return d;
}

/* A dispatch over the row blocks of a part, without binds. */
static struct op_dispatch *add_fused(struct op_plan *plan, const struct attention_size *s, struct form form,
                                     const char *shader, const struct attention_part *part)
{
    uint32_t groups = (uint32_t)base_div_up(s->tokens, form.rows) * s->heads * part->batches;
    struct attention_args args = {.groups = groups,
                                  .tokens = s->tokens,
                                  .heads = s->heads,
                                  .width4 = s->width / 4,
                                  .skip4 = part->rows.skip / 4,
                                  .skip_qkv4 = part->qkv.skip / 4,
                                  .skip = part->lse.skip,
                                  .scale = (float)s->scale};
    struct op_dispatch *d = add_blocks(plan, s, form, shader, groups);
    OP_PUSH(d, args);
    return d;
}

static void plan_fwd(struct op_plan *plan, struct form form, const char *shader)
{
    struct attention_size s = attention_size_of(plan->call);
    for (uint32_t first = 0; first < s.batch;) {
        struct attention_part part = attention_part_at(plan->caps, &s, first);
        struct op_dispatch *d = add_fused(plan, &s, form, shader, &part);
        op_part_bind(d, OP_IN, 0, OP_READ, part.qkv);
        op_part_bind(d, OP_OUT, 0, OP_WRITE, part.rows);
        op_part_bind(d, OP_OUT, 1, OP_WRITE, part.lse);
        attention_formats(d, plan->call);
        op_plan_cut(plan, attention_flops(&s, part.batches * s.heads, 2));
        first += part.batches;
    }
}

void attention_plan_fwd_sg(struct op_plan *plan)
{
    plan_fwd(plan, form_sg(plan->caps), "attention_fwd_sg");
}

void attention_plan_fwd_sg_texel(struct op_plan *plan)
{
    plan_fwd(plan, form_sg(plan->caps), "attention_fwd_sg_texel");
}

void attention_plan_fwd_row(struct op_plan *plan)
{
    struct attention_size s = attention_size_of(plan->call);
    plan_fwd(plan, form_row(plan, &s), "attention_fwd_row");
}

void attention_plan_fwd_tile(struct op_plan *plan)
{
    struct attention_size s = attention_size_of(plan->call);
    plan_fwd(plan, form_tile(&s), "attention_fwd_tile");
}

void attention_bind_with_delta(struct op_dispatch *d, const struct attention_part *part, uint32_t delta)
{
    op_part_bind(d, OP_IN, ATTENTION_QKV, OP_READ, part->qkv);
    op_part_bind(d, OP_IN, ATTENTION_LSE, OP_READ, part->lse);
    op_part_bind(d, OP_IN, ATTENTION_DO, OP_READ, part->rows);
    op_part_bind(d, OP_SCRATCH, delta, OP_READ, part->lse);
}

/* Binds qkv, o, lse and do, which the kernels that make delta themselves have in this order. */
static void bind_without_delta(struct op_dispatch *d, const struct attention_part *part)
{
    op_part_bind(d, OP_IN, ATTENTION_QKV, OP_READ, part->qkv);
    op_part_bind(d, OP_IN, ATTENTION_O, OP_READ, part->rows);
    op_part_bind(d, OP_IN, ATTENTION_LSE, OP_READ, part->lse);
    op_part_bind(d, OP_IN, ATTENTION_DO, OP_READ, part->rows);
}

static void add_kv(struct op_plan *plan, const struct attention_size *s, struct form form, const char *shader,
                   const struct attention_part *part)
{
    struct op_dispatch *d = add_fused(plan, s, form, shader, part);
    attention_bind_with_delta(d, part, 0);
    op_part_bind(d, OP_OUT, 0, OP_WRITE, part->qkv);
    attention_formats(d, plan->call);
    op_plan_cut(plan, attention_flops(s, part->batches * s->heads, 4));
}

static void plan_bwd_sg(struct op_plan *plan, const char *q, const char *kv)
{
    struct attention_size s = attention_size_of(plan->call);
    struct form form = form_sg(plan->caps);
    plan->scratch[0] = (uint64_t)s.batch * s.heads * s.tokens * 4; /* delta [B,H,T] */
    for (uint32_t first = 0; first < s.batch;) {
        struct attention_part part = attention_part_at(plan->caps, &s, first);
        struct op_dispatch *d = add_fused(plan, &s, form, q, &part);
        bind_without_delta(d, &part);
        op_part_bind(d, OP_OUT, 0, OP_WRITE, part.qkv);
        op_part_bind(d, OP_SCRATCH, 0, OP_WRITE, part.lse);
        attention_formats(d, plan->call);
        op_plan_cut(plan, attention_flops(&s, part.batches * s.heads, 3));
        add_kv(plan, &s, form, kv, &part);
        first += part.batches;
    }
}

void attention_plan_bwd_sg(struct op_plan *plan)
{
    plan_bwd_sg(plan, "attention_bwd_q_sg", "attention_bwd_kv_sg");
}

void attention_plan_bwd_sg_texel(struct op_plan *plan)
{
    plan_bwd_sg(plan, "attention_bwd_q_sg_texel", "attention_bwd_kv_sg_texel");
}

/* ---- row and tile, backward -------------------------------------------------------------------------------------- */

/* Most that is kept at a time, (weight, gradient) of each query and key: fills the widest GPUs, stays in large caches.
 */
enum { KEPT_BYTES = 64 << 20 };

/* How a form makes the gradients. `keys`: what is kept of a query has room for a multiple of them. */
struct gradient {
    struct form form;
    const char *q, *kv;
    uint32_t keys;
    bool delta; /* by a dispatch before */
};

static struct gradient gradient_tile(const struct attention_size *s)
{
    return (struct gradient){form_tile(s), "attention_bwd_q_tile", "attention_bwd_kv_kept", TILE_KEYS, true};
}

/* Pairs whose weights can be kept, of `bytes` each. */
static uint64_t kept_pairs(const struct vk_caps *caps, const struct attention_size *s, uint32_t keys, uint64_t *bytes)
{
    *bytes = base_round_up(s->tokens, keys) * s->tokens * 8;
    return BASE_MIN(caps->max_range, (uint64_t)KEPT_BYTES) / *bytes;
}

static bool keeps(const struct vk_caps *caps, const struct op_call *call, uint32_t keys)
{
    struct attention_size s = attention_size_of(call);
    uint64_t bytes;
    return kept_pairs(caps, &s, keys, &bytes) > 0;
}

/* Where all subgroups have 64 lanes (AMD's before RDNA) f16 rows of more than 48 columns spill while they are unpacked.
 */
bool attention_fits_bwd_row(const struct vk_caps *caps, const struct op_call *call)
{
    struct attention_size s = attention_size_of(call);
    bool unpacked = s.dtype == MIEN_F16 && s.dim > 48 && caps->subgroup_min > 32;
    return !unpacked && attention_fits_row(caps, call) && keeps(caps, call, ATTENTION_KEYS);
}

bool attention_fits_kept(const struct vk_caps *caps, const struct op_call *call)
{
    return attention_fits_tile(caps, call) && keeps(caps, call, TILE_KEYS);
}

static struct op_dispatch *add_pairs(const struct attention_chunk *c, const struct gradient *g, const char *shader)
{
    const struct attention_size *s = &c->size;
    struct attention_pairs_args args = {.groups = (uint32_t)base_div_up(s->tokens, g->form.rows) * c->pairs,
                                        .tokens = s->tokens,
                                        .keys = (uint32_t)base_round_up(s->tokens, g->keys),
                                        .heads = s->heads,
                                        .width4 = s->width / 4,
                                        .pair0 = c->pair0,
                                        .skip4 = c->part.rows.skip / 4,
                                        .skip_qkv4 = c->part.qkv.skip / 4,
                                        .skip = c->part.lse.skip,
                                        .scale = (float)s->scale};
    struct op_dispatch *d = add_blocks(c->plan, s, g->form, shader, args.groups);
    OP_PUSH(d, args);
    return d;
}

static void add_q(const struct attention_chunk *c, const struct gradient *g, bool keep)
{
    struct op_dispatch *d = add_pairs(c, g, g->q);
    if (g->delta) {
        attention_bind_with_delta(d, &c->part, 0);
        op_dispatch_spec(d, 9, keep);
    } else {
        bind_without_delta(d, &c->part);
    }
    op_part_bind(d, OP_OUT, 0, OP_WRITE, c->part.qkv);
    if (keep)
        op_dispatch_bind(d, OP_SCRATCH, 1, OP_WRITE);
    else
        op_part_bind(d, OP_OUT, 0, OP_WRITE, c->part.qkv); /* not written by this name */
    attention_formats(d, c->plan->call);
    op_plan_cut(c->plan, attention_flops(&c->size, c->pairs, 3));
}

static void add_kept(const struct attention_chunk *c, const struct gradient *g)
{
    struct op_dispatch *d = add_pairs(c, g, g->kv);
    op_part_bind(d, OP_IN, ATTENTION_QKV, OP_READ, c->part.qkv);
    op_part_bind(d, OP_IN, ATTENTION_DO, OP_READ, c->part.rows);
    op_dispatch_bind(d, OP_SCRATCH, 1, OP_READ);
    op_part_bind(d, OP_OUT, 0, OP_WRITE, c->part.qkv);
    attention_formats(d, c->plan->call);
    op_plan_cut(c->plan, attention_flops(&c->size, c->pairs, 2));
}

static void plan_bwd(struct op_plan *plan, const struct gradient *g, bool keep)
{
    struct attention_chunk c = {.plan = plan, .size = attention_size_of(plan->call)};
    const struct attention_size *s = &c.size;
    uint64_t bytes, most = kept_pairs(plan->caps, s, g->keys, &bytes);
    plan->scratch[0] = g->delta ? (uint64_t)s->batch * s->heads * s->tokens * 4 : 0; /* [B,H,T] */
    for (uint32_t first = 0; first < s->batch; first += c.part.batches) {
        c.part = attention_part_at(plan->caps, s, first);
        uint32_t pairs = c.part.batches * s->heads;
        uint32_t even = keep ? (uint32_t)base_div_up(pairs, base_div_up(pairs, most)) : pairs;
        if (g->delta)
            attention_plan_delta(&c, 0);
        for (c.pair0 = 0; c.pair0 < pairs; c.pair0 += c.pairs) {
            c.pairs = BASE_MIN(even, pairs - c.pair0);
            add_q(&c, g, keep);
            if (keep)
                add_kept(&c, g);
        }
        if (keep)
            plan->scratch[1] = BASE_MAX(plan->scratch[1], even * bytes);
        else
            add_kv(plan, s, g->form, "attention_bwd_kv_tile", &c.part);
    }
}

void attention_plan_bwd_row(struct op_plan *plan)
{
    struct attention_size s = attention_size_of(plan->call);
    struct form form = form_row(plan, &s);
    struct gradient g = {form, "attention_bwd_q_row", "attention_bwd_kv_row", ATTENTION_KEYS, false};
    plan_bwd(plan, &g, true);
}

void attention_plan_bwd_kept(struct op_plan *plan)
{
    struct attention_size s = attention_size_of(plan->call);
    struct gradient g = gradient_tile(&s);
    plan_bwd(plan, &g, true);
}

void attention_plan_bwd_tile(struct op_plan *plan)
{
    struct attention_size s = attention_size_of(plan->call);
    struct gradient g = gradient_tile(&s);
    plan_bwd(plan, &g, false);
}
