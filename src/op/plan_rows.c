/* plan_rows.c: plans of row kernels, in parts that fit into a binding. */
#include "op/part.h"

#include <string.h>

/* Offsets of bindings are multiples of 256 bytes: with 64 rows a part begins at one, whatever the width. */
enum { ROW_STEP = 64 };

uint64_t op_part_limit(const struct vk_caps *caps, const struct op_row_bind *bind, uint32_t count, uint64_t rows)
{
    uint64_t width = 1;
    for (uint32_t b = 0; b < count; b++)
        width = BASE_MAX(width, bind[b].width);
    uint64_t most = caps->max_range / (width * 4);
    return most >= rows ? rows : most / ROW_STEP * ROW_STEP;
}

void op_dispatch_bind_part(struct op_dispatch *d, const struct op_row_bind *bind, uint32_t count, uint64_t first,
                           uint64_t rows)
{
    for (uint32_t b = 0; b < count; b++) {
        uint64_t bytes = (uint64_t)bind[b].width * 4;
        op_dispatch_bind_range(d, bind[b].place, bind[b].index, bind[b].access, first * bytes, rows * bytes);
    }
}

static void shape_workgroups(struct op_dispatch *d, const struct vk_caps *caps, enum op_row_tech tech, uint64_t rows)
{
    bool software = caps->class_ == VK_CLASS_SOFTWARE;
    uint32_t local = 1, per_group = 1;
    switch (tech) {
    case OP_ROW_GROUP:
        local = 64;
        break;
    case OP_ROW_SUBGROUP:
        local = caps->subgroup_size;
        break;
    case OP_ROW_SERIAL:
        local = per_group = 8; /* a software driver's vector */
        break;
    case OP_ROW_ELEMENT:
        /* a software driver pays for each workgroup: long runs in vectors of its own size */
        local = software ? 8 : 128;
        op_dispatch_spec(d, 3, software ? 64 : 4);
        per_group = local * d->spec[3] * 4;
        break;
    }
    op_dispatch_spec(d, 0, local);
    op_dispatch_groups_1d(d, caps, base_div_up(rows, per_group));
}

uint64_t op_most_rounds(const struct vk_caps *caps)
{
    return caps->type == VK_TYPE_SOFTWARE ? 60000 : (uint64_t)1 << 40;
}

/* Whether an invocation gets through its share of a row, which it goes over up to four times. */
static enum mien_status check_rounds(const struct vk_caps *caps, const struct op_rows *r)
{
    uint64_t lanes = r->tech == OP_ROW_GROUP ? 64 : r->tech == OP_ROW_SUBGROUP ? caps->subgroup_size : 1;
    uint64_t width = 1, most = op_most_rounds(caps) / 4 * lanes;
    for (uint32_t b = 0; b < r->bind_count; b++)
        width = BASE_MAX(width, r->bind[b].width);
    if (r->tech == OP_ROW_ELEMENT || width <= most)
        return MIEN_OK;
    return base_fail(MIEN_ERR_UNSUPPORTED,
                     "%s: rows of %llu elements; on software drivers, which end long loops, at most %llu are supported",
                     r->shader, (unsigned long long)width, (unsigned long long)most);
}

enum mien_status op_plan_rows(struct op_plan *plan, const struct vk_caps *caps, const struct op_rows *r)
{
    enum mien_status status = MIEN_OK;
    uint64_t limit = op_part_limit(caps, r->bind, r->bind_count, r->rows);
    TRY(check_rounds(caps, r));
    FAIL_IF(limit == 0, MIEN_ERR_UNSUPPORTED, "%s: 64 rows do not fit into a binding of %llu bytes on %s", r->shader,
            (unsigned long long)caps->max_range, caps->name);
    for (uint64_t first = 0; first < r->rows; first += limit) {
        struct op_dispatch *d = op_plan_add(plan);
        FAIL_IF_NULL(d, "a plan");
        uint32_t part[2] = {(uint32_t)BASE_MIN(limit, r->rows - first), (uint32_t)first};
        d->shader = r->shader;
        shape_workgroups(d, caps, r->tech, part[0]);
        for (uint32_t o = 0; o < r->option_count; o++)
            op_dispatch_spec(d, 8 + o, r->option[o]);
        op_dispatch_bind_part(d, r->bind, r->bind_count, first, part[0]);
        op_dispatch_push(d, r->args, r->args_size);
        memcpy(d->push, part, sizeof(part));
    }
    return MIEN_OK;
fail:
    return status;
}

struct op_dispatch *op_plan_span(struct op_plan *plan, const struct vk_caps *caps, const char *shader, uint64_t rows,
                                 uint32_t width, uint32_t take, uint64_t rounds)
{
    /* a software driver pays per workgroup and runs 4 to 16 invocations at a time */
    bool software = caps->class_ == VK_CLASS_SOFTWARE;
    uint32_t span = software ? 8 : 32, local = software ? 128 : 64;
    uint64_t slab = BASE_MAX(op_most_rounds(caps) / rounds, 1) * take * span, slabs = 1;
    struct op_dispatch *d = op_plan_add(plan);
    if (!d)
        return NULL;
    d->shader = shader;
    op_dispatch_spec(d, 0, local);
    op_dispatch_spec(d, 4, span);
    if (width > slab) {
        op_dispatch_spec(d, 5, (uint32_t)slab);
        slabs = base_div_up(width, slab);
    }
    op_dispatch_groups_1d(d, caps, base_div_up(rows * slabs, local / span));
    return d;
}

bool op_fits_subgroup(const struct vk_caps *caps, const struct op_call *call)
{
    (void)caps;
    return tensor_shape_width(&call->in[0]) <= OP_SUBGROUP_WIDTH;
}

bool op_fits_serial(const struct vk_caps *caps, const struct op_call *call)
{
    /* lavapipe ends an invocation's loops after 65,535 rounds in all, and kernels go over a row a few times */
    return caps->class_ == VK_CLASS_SOFTWARE && tensor_shape_width(&call->in[0]) <= 8192 &&
           tensor_shape_rows(&call->in[0]) >= 16;
}
