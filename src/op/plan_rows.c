/* plan_rows.c: tensors by their names, and row kernels, in parts that fit into a binding. */
#include "args/elements.h"
#include "args/rows.h"
#include "op/part.h"
#include "op/signature.h"

#include <stdlib.h>
#include <string.h>

/* ---- names ------------------------------------------------------------------------------------------------------- */

/* The tensor of that name: an output before an input, where one is stored in the other. */
static const struct tensor_shape *find_tensor(const struct op_plan *plan, const char *name, size_t length,
                                              struct op_row_bind *bind)
{
    struct op_signature sig;
    op_signature(plan->call->op, &sig);
    for (uint8_t o = 0; o < sig.out_count; o++) {
        if (op_tensor_named(&sig.out[o], name, length)) {
            *bind = (struct op_row_bind){OP_OUT, o, sig.in_place >> o & 1 ? OP_READ | OP_WRITE : OP_WRITE, 0, 0};
            return &plan->call->out[o];
        }
    }
    for (uint8_t i = 0; i < sig.in_count; i++) {
        if (op_tensor_named(&sig.in[i], name, length)) {
            *bind = (struct op_row_bind){OP_IN, i, OP_READ, 0, 0};
            return &plan->call->in[i];
        }
    }
    return NULL;
}

/* Reads one name with its marks. `spare`: what is bound for an absent tensor. rows 0 = tensors are bound whole. */
static void take_bind(struct op_plan *plan, const char *at, const struct op_row_bind *spare, uint64_t rows,
                      struct op_row_bind *bind)
{
    uint8_t marked = 0;
    for (; *at == '<' || *at == '>'; at++)
        marked |= *at == '<' ? OP_READ : OP_WRITE;
    size_t length = strcspn(at, " *[");
    if (*at == '$') {
        uint8_t index = (uint8_t)(at[1] - '0');
        uint32_t width = at[length] == '[' ? (uint32_t)strtoul(at + length + 1, NULL, 10) : 0;
        *bind = (struct op_row_bind){OP_SCRATCH, index, marked, width, 4};
        plan->scratch[index] = BASE_MAX(plan->scratch[index], rows * width * 4);
        return;
    }
    const struct tensor_shape *shape = find_tensor(plan, at, length, bind);
    if (!shape)
        op_plan_fail(plan, MIEN_ERR_FAILED, "its kernel binds %.*s, which is not in its signature", (int)length, at);
    else if (!shape->rank)
        *bind = *spare;
    else if (rows && at[length] != '*')
        bind->width = (uint32_t)(tensor_shape_count(shape) / rows);
    if (shape && shape->rank)
        bind->size = (uint8_t)mien_dtype_size(shape->dtype);
    if (marked)
        bind->access = marked;
}

static uint32_t take_binds(struct op_plan *plan, const char *names, uint64_t rows,
                           struct op_row_bind bind[VK_MAX_BUFFERS])
{
    static const struct op_row_bind none;
    uint32_t count = 0;
    for (const char *at = names; *at && count < VK_MAX_BUFFERS; count++) {
        /* the first of all where it is only read: where others are read as texels it can be, too */
        const struct op_row_bind *spare = count == 0 ? &none : bind[0].access == OP_READ ? &bind[0] : &bind[count - 1];
        take_bind(plan, at, spare, rows, &bind[count]);
        at += strcspn(at, " ");
        at += strspn(at, " ");
    }
    return count;
}

static const struct tensor_shape *shape_of(const struct op_call *call, const struct op_row_bind *bind)
{
    return bind->place == OP_IN ? &call->in[bind->index] : &call->out[bind->index];
}

void op_plan_bind(struct op_plan *plan, const char *names)
{
    struct op_row_bind bind[VK_MAX_BUFFERS];
    struct op_dispatch *d = plan->status == MIEN_OK ? &plan->dispatch[plan->count - 1] : &plan->discarded;
    uint32_t count = take_binds(plan, names, 0, bind);
    for (uint32_t b = 0; b < count; b++) {
        uint64_t size = 0; /* all of it; of 16-bit elements the last whole word, too */
        if (bind[b].size == 2)
            size = base_round_up(tensor_shape_bytes(shape_of(plan->call, &bind[b])), 4);
        op_dispatch_bind_range(d, bind[b].place, bind[b].index, bind[b].access, 0, size);
    }
}

/* ---- parts ------------------------------------------------------------------------------------------------------- */

/* Offsets of bindings are multiples of 256 bytes: with 64 rows of floats a part begins at one, whatever the width. */
enum { ROW_STEP = 64 };

/* 2 where a tensor has 16-bit elements: parts of it are twice as many rows. */
static uint64_t per_float(const struct op_row_bind *bind, uint32_t count)
{
    uint64_t most = 1;
    for (uint32_t b = 0; b < count; b++)
        most = bind[b].width && bind[b].size == 2 ? 2 : most;
    return most;
}

static uint64_t widest(const struct op_row_bind *bind, uint32_t count)
{
    uint64_t width = 1;
    for (uint32_t b = 0; b < count; b++)
        width = BASE_MAX(width, bind[b].width);
    return width;
}

struct op_parts op_parts(struct op_plan *plan, const char *names, uint64_t rows, uint64_t step)
{
    struct op_parts p = {.plan = plan, .all = rows, .most = rows};
    p.count = take_binds(plan, names, rows, p.bind);
    uint64_t fit = plan->caps->max_range / (widest(p.bind, p.count) * 4);
    if (fit < rows) {
        step = BASE_MAX(step, ROW_STEP) * per_float(p.bind, p.count);
        p.most = fit / step * step;
        op_plan_refuse(plan, p.most == 0, "%llu rows of %llu elements do not fit into a binding of %llu bytes on %s",
                       (unsigned long long)step, (unsigned long long)widest(p.bind, p.count),
                       (unsigned long long)plan->caps->max_range, plan->caps->name);
    }
    return p;
}

bool op_parts_next(struct op_parts *p)
{
    p->first += p->rows;
    p->rows = BASE_MIN(p->most, p->all - p->first);
    return p->rows > 0;
}

void op_parts_bind(const struct op_parts *p, struct op_dispatch *d)
{
    for (uint32_t b = 0; b < p->count; b++) {
        const struct op_row_bind *bind = &p->bind[b];
        uint64_t bytes = (uint64_t)bind->width * bind->size;
        op_dispatch_bind_range(d, bind->place, bind->index, bind->access, p->first * bytes,
                               base_round_up(p->rows * bytes, 4));
    }
}

/* ---- row kernels ------------------------------------------------------------------------------------------------- */

static void shape_workgroups(struct op_dispatch *d, const struct vk_caps *caps, enum op_tech tech, uint64_t rows)
{
    bool software = caps->class_ == VK_CLASS_SOFTWARE;
    uint32_t local = 1, per_group = 1;
    switch (tech) {
    case OP_GROUP:
        local = op_group_lanes(caps);
        break;
    case OP_SUBGROUP:
        local = caps->subgroup_size;
        break;
    case OP_SERIAL:
        local = per_group = op_vector_lanes(caps);
        break;
    case OP_ELEMENTS:
        /* a software driver pays for each workgroup: long runs in vectors of its own size */
        local = software ? op_vector_lanes(caps) : 128;
        op_dispatch_spec(d, 3, software ? 64 : 4);
        op_dispatch_round(d, caps, 4);
        per_group = local * d->spec[3] * 4;
        break;
    case OP_SPAN:
        break;
    }
    op_dispatch_spec(d, 0, local);
    op_dispatch_groups_1d(d, caps, base_div_up(rows, per_group));
}

/* How a row kernel goes over rows of `width`: by quads or not, in one round or many (shaders/lib/row.glsl). A row of
 * one round stays in registers, which more than 8 quads would crowd out, or 4 where there are few (Intel spills). */
static void shape_rounds(struct op_dispatch *d, const struct vk_caps *caps, const struct op_variant *v, uint32_t width)
{
    bool quads = v->quads && width % 4 == 0;
    uint32_t lanes = v->tech == OP_GROUP ? op_group_lanes(caps) : caps->subgroup_size;
    uint64_t rounds = base_div_up(quads ? width / 4 : width, lanes), most = quads && caps->max_registers < 256 ? 4 : 8;
    if (v->quads)
        op_dispatch_spec(d, 8, quads);
    if ((v->tech != OP_GROUP && v->tech != OP_SUBGROUP) || caps->class_ == VK_CLASS_SOFTWARE)
        return;
    op_dispatch_round(d, caps, rounds <= most ? (uint32_t)rounds : quads ? 4 : 8);
    op_dispatch_spec(d, 7, rounds > most);
}

uint64_t op_most_rounds(const struct vk_caps *caps)
{
    return caps->type == VK_TYPE_SOFTWARE ? 60000 : (uint64_t)1 << 40;
}

/* Whether an invocation does not get through its share of a row, which it goes over up to four times. */
static bool too_long(struct op_plan *plan, enum op_tech tech, uint64_t width)
{
    const struct vk_caps *caps = plan->caps;
    uint64_t lanes = tech == OP_GROUP ? op_group_lanes(caps) : tech == OP_SUBGROUP ? caps->subgroup_size : 1;
    uint64_t most = op_most_rounds(caps) / 4 * lanes;
    return op_plan_refuse(
        plan, tech != OP_ELEMENTS && width > most,
        "rows of %llu elements; on software drivers, which end long loops, at most %llu are supported",
        (unsigned long long)width, (unsigned long long)most);
}

static uint64_t rows_of(const struct op_variant *v, const struct op_call *call)
{
    if (v->rows)
        return v->rows(call);
    return v->tech == OP_ELEMENTS ? tensor_shape_count(&call->out[0])
           : v->tech == OP_SPAN   ? call->out[0].dim[0]
                                  : tensor_shape_rows(&call->in[0]);
}

static void plan_rows(struct op_plan *plan, const struct op_variant *v)
{
    static const struct elements_args none;
    struct op_parts parts = op_parts(plan, v->bind, rows_of(v, plan->call), 0);
    if (too_long(plan, v->tech, widest(parts.bind, parts.count)))
        return;
    while (op_parts_next(&parts)) {
        struct op_dispatch *d = op_plan_kernel(plan, v->name);
        const arg_u32 part[2] = {(arg_u32)parts.rows, (arg_u32)parts.first};
        shape_workgroups(d, plan->caps, v->tech, parts.rows);
        op_parts_bind(&parts, d);
        OP_PUSH(d, none);
        if (v->args)
            v->args(plan->call, d);
        shape_rounds(d, plan->caps, v, tensor_shape_width(&plan->call->in[0]));
        memcpy(d->push, part, sizeof(part));
    }
}

/* ---- spans ------------------------------------------------------------------------------------------------------- */

struct op_dispatch *op_plan_span(struct op_plan *plan, const char *shader, uint64_t rows, uint32_t width, uint32_t take,
                                 uint64_t rounds)
{
    /* a software driver pays per workgroup and runs 4 to 16 invocations at a time */
    bool software = plan->caps->class_ == VK_CLASS_SOFTWARE;
    uint32_t span = software ? 8 : 32, local = software ? 128 : 64;
    uint64_t slab = BASE_MAX(op_most_rounds(plan->caps) / rounds, 1) * take * span, slabs = 1;
    struct op_dispatch *d = op_plan_kernel(plan, shader);
    op_dispatch_spec(d, 0, local);
    op_dispatch_spec(d, 4, span);
    if (width > slab) {
        op_dispatch_spec(d, 5, (uint32_t)slab);
        slabs = base_div_up(width, slab);
    } else if (!software) {
        op_dispatch_spec(d, 5, UINT32_MAX); /* SPAN_WHOLE */
    }
    op_dispatch_round(d, plan->caps, take == 1 && width > 4 * span ? 8 : 4);
    op_dispatch_groups_1d(d, plan->caps, base_div_up(rows * slabs, local / span));
    return d;
}

static uint32_t tokens_of(const struct tensor_shape *shape)
{
    return shape->rank == 3 ? shape->dim[1] : 0;
}

static void plan_spans(struct op_plan *plan, const struct op_variant *v)
{
    const struct op_call *call = plan->call;
    struct op_row_bind bind[VK_MAX_BUFFERS];
    uint64_t all = rows_of(v, call), rows = tensor_shape_rows(&call->out[0]) / all;
    uint32_t count = take_binds(plan, v->bind, all, bind);
    uint64_t most = op_part_rows(plan->caps, widest(bind, count));
    if (op_plan_too_large(plan, most == 0, widest(bind, count)))
        return;
    for (uint64_t first = 0; first < all; first += most) {
        uint64_t part = BASE_MIN(most, all - first);
        struct rows_args args = {.rows = (uint32_t)(part * rows),
                                 .width = tensor_shape_width(&call->out[0]),
                                 .first = (uint32_t)first,
                                 .tokens = BASE_MAX(tokens_of(&call->in[0]), tokens_of(&call->out[0]))};
        struct op_dispatch *d = op_plan_span(plan, v->name, args.rows, args.width, 1, 1);
        for (uint32_t b = 0; b < count; b++) {
            struct op_part range = op_part_of(first * bind[b].width, part * bind[b].width);
            op_part_bind(d, bind[b].place, bind[b].index, bind[b].access, range);
            if (bind[b].place == OP_IN && b == 0)
                args.in_skip = range.skip;
            else if (bind[b].place == OP_OUT)
                args.out_skip = range.skip;
        }
        OP_PUSH(d, args);
    }
}

void op_plan_row_kernel(struct op_plan *plan, const struct op_variant *variant)
{
    if (variant->tech == OP_SPAN)
        plan_spans(plan, variant);
    else
        plan_rows(plan, variant);
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
           (tensor_shape_rows(&call->in[0]) >= 16 || call->attr.same_order);
}
