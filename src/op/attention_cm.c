/* attention_cm.c: attention on matrix units (VK_KHR_cooperative_matrix), for calls whose attr.precision lets weights be
 * rounded, of tensors stored in that type. Not of f32: rounding queries and keys would put a score of 60 off by 0.02,
 * and its weight by as much. The kernels are shaders/attention/attention_*_cm.comp. */
#include "args/attention.h"
#include "op/attention.h"

enum { BLOCK = 32, MOST_DIM = 64, EIGHTS = 16 /* bytes */ };

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

/* As matmul's: 32 where the size can be chosen. Two subgroups at least, since all of them fetch; four share what is
 * fetched. */
static struct cut cut_fwd(const struct vk_caps *caps, const struct op_call *call)
{
    struct cut c = {.matrix = *matrix_of(caps, call), .lanes = op_matrix_lanes(caps)};
    c.r = c.matrix.m ? c.lanes / c.matrix.m : 0;
    c.subgroups = call->in[0].dim[1] <= 2 * c.lanes ? 2 : 4;
    c.rows = c.subgroups * c.r * c.matrix.m;
    return c;
}

/* Shared memory of a workgroup that holds blocks of the other side as they are and turned over. */
static uint32_t shared_of(const struct cut *c, uint32_t dim, uint32_t plain, uint32_t turned)
{
    return (plain * BLOCK * (dim / 8 + 1) + turned * dim * (BLOCK / 8 + 1) + c->rows * (BLOCK / 4 + 1)) * EIGHTS;
}

static bool fits(const struct vk_caps *caps, const struct op_call *call, enum mien_dtype precision)
{
    struct attention_size s = attention_size_of(call);
    struct cut c = cut_fwd(caps, call);
    return call->attr.precision == precision && s.dtype == precision && caps->class_ == VK_CLASS_DESKTOP && c.r > 0 &&
           c.lanes % c.matrix.m == 0 && 2 * c.matrix.n <= BLOCK && s.dim % 16 == 0 && s.dim <= MOST_DIM &&
           2 * s.dim <= caps->max_registers && shared_of(&c, s.dim, 1, 1) <= caps->max_shared &&
           c.subgroups * c.lanes <= caps->max_invocations && s.tokens <= op_most_rounds(caps) &&
           op_part_rows(caps, (uint64_t)s.tokens * s.width * 3) > 0;
}

bool attention_fits_cm(const struct vk_caps *caps, const struct op_call *call)
{
    return fits(caps, call, MIEN_F16);
}

bool attention_fits_cm_bf16(const struct vk_caps *caps, const struct op_call *call)
{
    return fits(caps, call, MIEN_BF16);
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
    struct cut c = cut_fwd(plan->caps, plan->call);
    for (uint32_t first = 0; first < s.batch;) {
        struct attention_part part = attention_part_at(plan->caps, &s, first);
        struct op_dispatch *d =
            add(plan, &c, s.dtype == MIEN_BF16 ? "attention_fwd_cm_bf16" : "attention_fwd_cm", &part);
        op_part_bind(d, OP_IN, 0, OP_READ, part.qkv);
        op_part_bind(d, OP_OUT, 0, OP_WRITE, part.rows);
        op_part_bind(d, OP_OUT, 1, OP_WRITE, part.lse);
        op_plan_cut(plan, attention_flops(&s, part.batches * s.heads, 2));
        first += part.batches;
    }
}
