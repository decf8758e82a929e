/* matmul_cm.c: matmul on matrix units (VK_KHR_cooperative_matrix), for calls whose attr.precision lets operands be
 * rounded. The kernel is shaders/matmul/matmul_fwd_cm.comp. */
#include "op/matmul.h"

enum { DEPTH = 16, MOST_THREADS = 256 };

static const char *const kernels[][2] = {
    {"matmul_fwd_cm_odd", "matmul_fwd_cm"},
    {"matmul_fwd_cm_bf16_odd", "matmul_fwd_cm_bf16"},
};

/* Subgroups, of them side by side, and matrices of C of each; about what share of its peak a GPU reaches inside a tile
 * with one workgroup on each core, as RADV's code for Navi 31 suggests (tests/bench/LOG.md). */
static const struct cm_tile {
    uint32_t subgroups, across, rows, cols;
    double speed;
} tiles[] = {{8, 2, 4, 4, 0.68}, {8, 2, 3, 4, 0.66}, {8, 2, 2, 4, 0.62},
             {4, 1, 2, 7, 0.63}, {8, 2, 2, 2, 0.51}, {4, 2, 2, 2, 0.45}};

static struct matmul_tile shape_of(const struct vk_caps *caps, const struct vk_matrix *matrix, const struct cm_tile *c,
                                   struct matmul_tile t)
{
    t.lanes = op_matrix_lanes(caps);
    uint32_t subgroups = BASE_MIN(c->subgroups, MOST_THREADS / t.lanes);
    t.matrix = *matrix;
    t.rows = c->rows;
    t.cols = c->cols;
    t.across = c->across;
    t.depth = DEPTH;
    t.local_x = subgroups * t.lanes;
    t.m = subgroups / t.across * t.rows * matrix->m;
    t.n = t.across * t.cols * matrix->n;
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

/* Workgroups that take their turn together: one on each core, or, where a workgroup's subgroups lie on two (RDNA), on
 * each pair. */
static uint32_t turn_of(const struct vk_caps *caps, uint32_t fill)
{
    bool pairs = caps->subgroup_size >= 64 && caps->subgroup_min < 64;
    return BASE_MAX(pairs ? fill / 2 : fill, 1);
}

/* How well a tile serves: by its speed, and by what it leaves idle, in the last turn too. */
static double worth(const struct vk_caps *caps, const struct matmul_size *s, const struct cm_tile *c,
                    const struct matmul_tile *t)
{
    struct matmul_load load = {t->fill, t->least, turn_of(caps, t->fill)};
    return holds(caps, t) ? c->speed * matmul_used(caps, s, t->m, t->n, &load) : 0;
}

/* The tile that leaves least idle; local_x 0: the device holds none. */
static struct matmul_tile choose(const struct vk_caps *caps, const struct matmul_size *s,
                                 const struct vk_matrix *matrix, const struct matmul_tile *given)
{
    struct matmul_tile best = {0};
    double most = 0;
    for (size_t i = 0; i < BASE_COUNT(tiles); i++) {
        struct matmul_tile t = shape_of(caps, matrix, &tiles[i], *given);
        double w = worth(caps, s, &tiles[i], &t);
        if (w > most) {
            most = w;
            best = t;
        }
    }
    return best;
}

static const struct vk_matrix *matrix_of(const struct vk_caps *caps, const struct op_call *call)
{
    return call->attr.precision == MIEN_BF16 ? &caps->coopmat_bf16 : &caps->coopmat;
}

static struct matmul_tile rule(const struct vk_caps *caps, const struct op_call *call)
{
    struct matmul_size s = matmul_size_of(call);
    return choose(caps, &s, matrix_of(caps, call),
                  &(struct matmul_tile){.fill = op_busy_groups(caps), .least = matmul_least_steps(caps)});
}

static bool fits(const struct vk_caps *caps, const struct op_call *call, enum mien_dtype precision)
{
    return call->attr.precision == precision && caps->class_ == VK_CLASS_DESKTOP && matrix_of(caps, call)->m > 0 &&
           rule(caps, call).local_x > 0;
}

bool matmul_fits_cm(const struct vk_caps *caps, const struct op_call *call)
{
    return fits(caps, call, MIEN_F16);
}

bool matmul_fits_cm_bf16(const struct vk_caps *caps, const struct op_call *call)
{
    return fits(caps, call, MIEN_BF16);
}

/* Named by their sides: matrices of a subgroup do not tell two of them apart. */
uint32_t matmul_tiles_cm(const struct vk_caps *caps, const struct op_call *call, struct op_tile out[OP_MAX_TILES])
{
    struct matmul_size s = matmul_size_of(call);
    struct matmul_tile by_rule = rule(caps, call);
    _Static_assert(4 * BASE_COUNT(tiles) <= OP_MAX_TILES, "matmul_add_tiles adds up to four");
    uint32_t count = 0;
    for (size_t i = 0; i < BASE_COUNT(tiles); i++) {
        struct matmul_tile t = shape_of(caps, matrix_of(caps, call), &tiles[i], (struct matmul_tile){0});
        bool same = t.m == by_rule.m && t.n == by_rule.n;
        struct op_tile tile = {.rows = same ? 0 : t.m, .cols = same ? 0 : t.n};
        if (holds(caps, &t))
            count += matmul_add_tiles(caps, &s, tile, t.m, t.n, &out[count]);
    }
    return count;
}

/* Where the size cannot be required it is constant, and full in workgroups of a multiple. */
void matmul_cm_specialise(const struct op_plan *plan, const struct matmul_tile *t, struct op_dispatch *d)
{
    enum { FORMATS = 15 };
    const uint32_t spec[][2] = {{6, t->across},    {7, t->lanes},     {12, t->matrix.m},
                                {13, t->matrix.n}, {14, t->matrix.k}, {FORMATS, 0}};
    for (uint32_t i = 0; i < BASE_COUNT(spec); i++)
        op_dispatch_spec(d, spec[i][0], spec[i][1]);
    op_dispatch_formats(d, plan->call, FORMATS);
    d->subgroup_size = plan->caps->features & VK_CAP_SUBGROUP_FULL ? t->lanes : 0;
}

void matmul_plan_cm(struct op_plan *plan)
{
    const struct vk_caps *caps = plan->caps;
    const struct vk_matrix *matrix = matrix_of(caps, plan->call);
    bool fours = matmul_fits_vec4(caps, plan->call);
    struct matmul_tile t = matmul_tile_for(plan, kernels[plan->call->attr.precision == MIEN_BF16][fours]), given = t;
    struct matmul_size s = matmul_size_of(plan->call);
    t = choose(caps, &s, matrix, &given);
    for (size_t i = 0; i < BASE_COUNT(tiles) && plan->tile.rows; i++) {
        struct matmul_tile other = shape_of(caps, matrix, &tiles[i], given);
        if (other.m == plan->tile.rows && other.n == plan->tile.cols)
            t = other;
    }
    t.unit = fours ? 4 : 1;
    matmul_plan_tiles(plan, t);
}
