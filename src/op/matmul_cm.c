/* matmul_cm.c: matmul on matrix units (VK_KHR_cooperative_matrix), for calls whose attr.precision lets operands be
 * rounded. The kernel is shaders/matmul/matmul_fwd_cm.comp. */
#include "args/formats.h"
#include "op/matmul.h"

enum { DEPTH = 32, MOST_THREADS = 256 };

/* Subgroups, and matrices of C of each; about what share of its peak a GPU reaches inside a tile, as RADV's code for
 * Navi 31 suggests (tests/bench/LOG.md). */
static const struct cm_tile {
    uint32_t subgroups, rows, cols;
    double speed;
} tiles[] = {{8, 4, 4, 0.67}, {8, 2, 4, 0.57}, {8, 2, 2, 0.49}, {4, 2, 2, 0.43}};

enum { ACROSS = 2 };

/* Where the size can be chosen, 32: of wider subgroups each lane would hold more copies of the same operands. */
static uint32_t lanes_of(const struct vk_caps *caps)
{
    return caps->subgroup_min <= 32 && caps->subgroup_max >= 32 && caps->subgroup_size > 32 ? 32 : caps->subgroup_size;
}

static struct matmul_tile shape_of(const struct vk_caps *caps, const struct vk_matrix *matrix, const struct cm_tile *c,
                                   struct matmul_tile t)
{
    t.lanes = lanes_of(caps);
    uint32_t subgroups = BASE_MIN(c->subgroups, MOST_THREADS / t.lanes);
    t.matrix = *matrix;
    t.rows = c->rows;
    t.cols = c->cols;
    t.across = ACROSS;
    t.depth = DEPTH;
    t.local_x = subgroups * t.lanes;
    t.m = subgroups / ACROSS * t.rows * matrix->m;
    t.n = ACROSS * t.cols * matrix->n;
    return t;
}

static bool holds(const struct vk_caps *caps, const struct matmul_tile *t)
{
    uint32_t halves = (t->m + t->n) * (t->depth / 4 + 2) * 8;
    uint32_t floats = t->local_x / t->lanes * t->matrix.m * t->cols * t->matrix.n * 4;
    uint32_t sums = t->rows * t->cols * t->matrix.m * t->matrix.n / t->lanes; /* registers */
    return BASE_MAX(halves, floats) <= caps->max_shared && t->local_x <= caps->max_invocations &&
           2 * sums <= caps->max_registers;
}

/* The tile that leaves least idle; local_x 0: the device holds none. */
static struct matmul_tile choose(const struct vk_caps *caps, const struct matmul_size *s,
                                 const struct vk_matrix *matrix, const struct matmul_tile *given)
{
    struct matmul_tile best = {0};
    double most = 0;
    for (size_t i = 0; i < BASE_COUNT(tiles); i++) {
        struct matmul_tile t = shape_of(caps, matrix, &tiles[i], *given);
        double speed = tiles[i].speed * matmul_used(caps, s, t.m, t.n, t.fill, t.least);
        if (holds(caps, &t) && speed > most) {
            most = speed;
            best = t;
        }
    }
    return best;
}

static bool fits(const struct vk_caps *caps, const struct op_call *call, enum mien_dtype precision,
                 const struct vk_matrix *matrix)
{
    if (call->attr.precision != precision || caps->class_ != VK_CLASS_DESKTOP || !matrix->m)
        return false;
    struct matmul_size s = matmul_size_of(call);
    return choose(caps, &s, matrix, &(struct matmul_tile){.fill = 1, .least = 1}).local_x > 0;
}

bool matmul_fits_cm(const struct vk_caps *caps, const struct op_call *call)
{
    return fits(caps, call, MIEN_F16, &caps->coopmat);
}

bool matmul_fits_cm_bf16(const struct vk_caps *caps, const struct op_call *call)
{
    return fits(caps, call, MIEN_BF16, &caps->coopmat_bf16);
}

void matmul_cm_specialise(const struct op_call *call, const struct matmul_tile *t, struct op_dispatch *d)
{
    enum { FORMATS = 15 };
    const uint32_t spec[][2] = {{6, t->across},    {7, t->lanes},     {12, t->matrix.m},
                                {13, t->matrix.n}, {14, t->matrix.k}, {FORMATS, 0}};
    for (uint32_t i = 0; i < BASE_COUNT(spec); i++)
        op_dispatch_spec(d, spec[i][0], spec[i][1]);
    op_dispatch_formats(d, call, FORMATS);
    if (t->unit == 4)
        op_dispatch_spec(d, FORMATS, d->spec[FORMATS] | FORMATS_WIDE);
    d->subgroup_size = t->lanes;
}

void matmul_plan_cm(struct op_plan *plan)
{
    bool bf16 = plan->call->attr.precision == MIEN_BF16;
    struct matmul_tile t = matmul_tile_for(plan, bf16 ? "matmul_fwd_cm_bf16" : "matmul_fwd_cm");
    struct matmul_size s = matmul_size_of(plan->call);
    t = choose(plan->caps, &s, bf16 ? &plan->caps->coopmat_bf16 : &plan->caps->coopmat, &t);
    t.unit = matmul_fits_vec4(plan->caps, plan->call) ? 4 : 1;
    matmul_plan_tiles(plan, t);
}
