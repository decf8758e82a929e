/* attention_cm.c: attention on matrix units (VK_KHR_cooperative_matrix), for calls whose attr.precision lets weights be
 * rounded, of tensors stored in that type. Not of f32: rounding queries and keys would put a score of 60 off by 0.02,
 * and its weight by as much. The kernels are shaders/attention/attention_*_cm.comp. */
#include "args/attention.h"
#include "op/attention.h"

enum { BLOCK = 32, MOST_DIM = 64, MOST_SHARING = 4 /* lanes, a row of a matrix */, EIGHTS = 16 /* bytes */ };

enum { FWD, BWD_Q, BWD_KV };
static const char *const kernels[][2] = {{"attention_fwd_cm", "attention_fwd_cm_bf16"},
                                         {"attention_bwd_q_cm", "attention_bwd_q_cm_bf16"},
                                         {"attention_bwd_kv_cm", "attention_bwd_kv_cm_bf16"}};

/* How a call is cut: lanes of a subgroup, subgroups of a workgroup, matrices of a subgroup's rows. */
struct cut {
    struct vk_matrix matrix;
    uint32_t lanes, subgroups, r;
    uint32_t rows; /* of a workgroup */
};

static const struct vk_matrix *matrix_of(const struct vk_caps *caps, const struct op_call *call)
{
    return call->attr.precision == MIEN_BF16 ? &caps->coopmat_bf16 : &caps->coopmat;
}

/* Forward as many rows as lanes, so that each has a maximum of its own; backward, where a row is held twice and its
 * gradients are, too, one matrix of them. Two subgroups at least, since all of them fetch; four share what is fetched.
 */
static struct cut cut_of(const struct vk_caps *caps, const struct op_call *call, bool backward)
{
    struct cut c = {.matrix = *matrix_of(caps, call), .lanes = op_matrix_lanes(caps)};
    c.r = !c.matrix.m ? 0 : backward ? 1 : c.lanes / c.matrix.m;
    uint32_t rows = c.r * c.matrix.m;
    c.subgroups = call->in[0].dim[1] <= 2 * rows ? 2 : 4;
    c.rows = c.subgroups * rows;
    return c;
}

/* Blocks of the other side that stand in shared memory as they are and turned over; eights beside them. */
struct blocks {
    uint32_t plain, turned, more;
};
static const struct blocks blocks_fwd = {1, 1, 0}, blocks_bwd_kv = {2, 2, BLOCK / 2}; /* of bwd_q there are fewer */

static uint32_t shared_of(const struct cut *c, uint32_t dim, const struct blocks *b)
{
    return (b->plain * BLOCK * (dim / 8 + 1) + b->turned * dim * (BLOCK / 8 + 1) + b->more +
            c->rows * (BLOCK / 4 + 1)) *
           EIGHTS;
}

static bool fits(const struct vk_caps *caps, const struct op_call *call, enum mien_dtype precision, bool backward)
{
    struct attention_size s = attention_size_of(call);
    struct cut c = cut_of(caps, call, backward);
    return call->attr.precision == precision && s.dtype == precision && caps->class_ == VK_CLASS_DESKTOP && c.r > 0 &&
           c.lanes % c.matrix.m == 0 && c.lanes / c.matrix.m <= MOST_SHARING && 2 * c.matrix.n <= BLOCK &&
           s.dim % 16 == 0 && s.dim <= MOST_DIM && 2 * s.dim <= caps->max_registers &&
           shared_of(&c, s.dim, backward ? &blocks_bwd_kv : &blocks_fwd) <= caps->max_shared &&
           c.subgroups * c.lanes <= caps->max_invocations && s.tokens <= op_most_rounds(caps) &&
           attention_part_at(caps, &s, 0).batches > 0;
}

bool attention_fits_cm(const struct vk_caps *caps, const struct op_call *call)
{
    return fits(caps, call, MIEN_F16, false);
}

bool attention_fits_cm_bf16(const struct vk_caps *caps, const struct op_call *call)
{
    return fits(caps, call, MIEN_BF16, false);
}

bool attention_fits_bwd_cm(const struct vk_caps *caps, const struct op_call *call)
{
    return fits(caps, call, MIEN_F16, true);
}

bool attention_fits_bwd_cm_bf16(const struct vk_caps *caps, const struct op_call *call)
{
    return fits(caps, call, MIEN_BF16, true);
}

/* A dispatch over the row blocks of a part, without binds. Where the size of a subgroup cannot be required it is
 * constant, and full in workgroups of a multiple. */
static struct op_dispatch *add(struct op_plan *plan, const struct cut *c, const char *shader,
                               const struct attention_part *part)
{
    struct attention_size s = attention_size_of(plan->call);
    struct attention_args args = {.groups = (uint32_t)base_div_up(s.tokens, c->rows) * s.heads * part->batches,
                                  .tokens = s.tokens,
                                  .heads = s.heads,
                                  .width4 = s.width / 4,
                                  .skip4 = part->rows.skip / 4,
                                  .skip_qkv4 = part->qkv.skip / 4,
                                  .skip = part->lse.skip,
                                  .scale = (float)s.scale};
    uint32_t local = c->subgroups * c->lanes;
    const uint32_t spec[][2] = {{3, s.dim},    {4, c->r},         {5, c->subgroups}, {7, c->lanes},
                                {8, s.causal}, {12, c->matrix.m}, {13, c->matrix.n}, {14, c->matrix.k}};
    struct op_dispatch *d = op_plan_items(plan, shader, local, (uint64_t)args.groups * local);
    for (uint32_t i = 0; i < BASE_COUNT(spec); i++)
        op_dispatch_spec(d, spec[i][0], spec[i][1]);
    d->subgroup_size = plan->caps->features & VK_CAP_SUBGROUP_FULL ? c->lanes : 0;
    OP_PUSH(d, args);
    return d;
}

void attention_plan_fwd_cm(struct op_plan *plan)
{
    struct attention_size s = attention_size_of(plan->call);
    struct cut c = cut_of(plan->caps, plan->call, false);
    for (uint32_t first = 0; first < s.batch;) {
        struct attention_part part = attention_part_at(plan->caps, &s, first);
        struct op_dispatch *d = add(plan, &c, kernels[FWD][s.dtype == MIEN_BF16], &part);
        op_part_bind(d, OP_IN, 0, OP_READ, part.qkv);
        op_part_bind(d, OP_OUT, 0, OP_WRITE, part.rows);
        op_part_bind(d, OP_OUT, 1, OP_WRITE, part.lse);
        op_plan_cut(plan, attention_flops(&s, part.batches * s.heads, 2));
        first += part.batches;
    }
}

static void add_bwd(const struct attention_chunk *chunk, const struct cut *c, uint32_t kernel, double products)
{
    const struct attention_size *s = &chunk->size;
    struct op_dispatch *d = add(chunk->plan, c, kernels[kernel][s->dtype == MIEN_BF16], &chunk->part);
    attention_bind_with_delta(d, &chunk->part, 0);
    op_part_bind(d, OP_OUT, 0, OP_WRITE, chunk->part.qkv);
    op_plan_cut(chunk->plan, attention_flops(s, chunk->part.batches * s->heads, products));
}

void attention_plan_bwd_cm(struct op_plan *plan)
{
    struct attention_chunk chunk = {.plan = plan, .size = attention_size_of(plan->call)};
    const struct attention_size *s = &chunk.size;
    struct cut c = cut_of(plan->caps, plan->call, true);
    plan->scratch[0] = (uint64_t)s->batch * s->heads * s->tokens * 4; /* delta [B,H,T] */
    for (uint32_t first = 0; first < s->batch; first += chunk.part.batches) {
        chunk.part = attention_part_at(plan->caps, s, first);
        attention_plan_delta(&chunk, 0);
        add_bwd(&chunk, &c, BWD_Q, 3);
        add_bwd(&chunk, &c, BWD_KV, 4);
    }
}
