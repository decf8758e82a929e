/* concat.c: joining tensors along a dimension, and taking and placing parts of one: concat, slice, pad. All are moves
 * of blocks: with `outer` the product of the dimensions before the axis and `inner` of those behind it, a tensor is a
 * matrix [outer, dim[axis] * inner], and a part of the axis is a run of columns. */
#include "args/block.h"
#include "op/part.h"

#include <string.h>

/* A tensor as such a matrix. */
struct matrix {
    uint64_t rows, width, inner;
};

static struct matrix matrix_of(const struct tensor_shape *shape, uint32_t axis)
{
    struct matrix m = {.rows = 1, .inner = 1};
    for (uint32_t d = 0; d < axis; d++)
        m.rows *= shape->dim[d];
    for (uint32_t d = axis + 1; d < shape->rank; d++)
        m.inner *= shape->dim[d];
    m.width = shape->dim[axis] * m.inner;
    return m;
}

/* Where a block lies: columns from `column` on of a matrix of `stride` columns. */
struct side {
    enum op_place place;
    uint32_t index;
    uint64_t stride, column;
};

/* ---- blocks on the host ------------------------------------------------------------------------------------------ */

static void move(const float *x, struct side from, float *y, struct side to, uint64_t rows, uint64_t width)
{
    for (uint64_t r = 0; r < rows; r++)
        memcpy(y + r * to.stride + to.column, x + r * from.stride + from.column, width * sizeof(*y));
}

/* ---- blocks as dispatches ---------------------------------------------------------------------------------------- */

/* What stands at rows [first, first + rows), columns [column, column + width) of a side. */
static struct op_part part_of(struct side side, uint64_t first, uint64_t rows, uint64_t column, uint64_t width)
{
    return op_part_of(first * side.stride + side.column + column, (rows - 1) * side.stride + width);
}

/* One dispatch; from = NULL: zeros. */
static void add_part(struct op_plan *plan, const struct side *from, struct side to, const uint64_t box[4])
{
    struct op_part in = {0}, out = part_of(to, box[0], box[1], box[2], box[3]);
    uint64_t odd = box[3] | to.stride | out.skip;
    if (from) {
        in = part_of(*from, box[0], box[1], box[2], box[3]);
        odd |= from->stride | in.skip;
    }
    uint32_t unit = odd % 4 == 0 ? 4 : 1;
    struct block_args args = {.count = (uint32_t)(box[1] * box[3] / unit),
                              .width = (uint32_t)box[3] / unit,
                              .in_stride = from ? (uint32_t)from->stride / unit : 0,
                              .out_stride = (uint32_t)to.stride / unit,
                              .in_skip = in.skip / unit,
                              .out_skip = out.skip / unit};
    bool software = plan->caps->class_ == VK_CLASS_SOFTWARE;
    uint32_t items = software ? 16 : 1;
    struct op_dispatch *d =
        op_plan_items(plan, from ? "slice_fwd" : "pad_fwd", software ? op_vector_lanes(plan->caps) : 128,
                      base_div_up(args.count, items * 4));
    op_dispatch_spec(d, 3, items);
    op_dispatch_round(d, plan->caps, 4);
    op_dispatch_spec(d, 8, unit == 4);
    if (from)
        op_part_bind(d, from->place, from->index, OP_READ, in);
    op_part_bind(d, to.place, to.index, OP_WRITE, out);
    OP_PUSH(d, args);
}

/* The block [rows, width] in parts that fit into a binding: runs of rows, or where one row does not fit, of columns. */
static void add_block(struct op_plan *plan, const struct side *from, struct side to, uint64_t rows, uint64_t width)
{
    uint64_t stride = from ? BASE_MAX(from->stride, to.stride) : to.stride;
    uint64_t most_rows = op_part_rows(plan->caps, stride), most = op_part_rows(plan->caps, 1) / 64 * 64;
    if (most_rows > 0)
        most = width;
    for (uint64_t first = 0; first < rows && width > 0; first += BASE_MAX(most_rows, 1)) {
        for (uint64_t column = 0; column < width; column += most) {
            const uint64_t box[] = {first, BASE_MIN(BASE_MAX(most_rows, 1), rows - first), column,
                                    BASE_MIN(most, width - column)};
            add_part(plan, from, to, box);
        }
    }
}

static double moved_bytes(const struct op_call *call)
{
    return 2.0 * (double)tensor_shape_bytes(&call->out[0]);
}

static enum mien_status axis_error(const struct op_call *call, const char *label)
{
    return base_fail(MIEN_ERR_ARG, "%s%s%s: attr axis %u should be a dimension of input 0, which has %u",
                     call->op->name, label ? " at " : "", label ? label : "", call->attr.axis, call->in[0].rank);
}

/* ---- concat ------------------------------------------------------------------------------------------------------ */

enum { CONCAT_MOST = 4 };

static bool fits_beside(const struct tensor_shape *a, const struct tensor_shape *b, uint32_t axis)
{
    bool same = a->rank == b->rank;
    for (uint32_t d = 0; d < a->rank && same; d++)
        same = d == axis || a->dim[d] == b->dim[d];
    return same;
}

static enum mien_status concat_shapes(struct op_call *call, const char *label)
{
    uint32_t axis = call->attr.axis;
    if (axis >= call->in[0].rank)
        return axis_error(call, label);
    call->out[0] = call->in[0];
    for (uint32_t i = 1; i < CONCAT_MOST && call->in[i].rank; i++) {
        if (!fits_beside(&call->in[0], &call->in[i], axis))
            return op_shape_error(call, label, i, "of the shape of input 0 but for attr axis");
        call->out[0].dim[axis] += call->in[i].dim[axis];
    }
    if (!call->in[2].rank && call->in[3].rank)
        return op_shape_error(call, label, 2, "given, as input 3 is");
    return MIEN_OK;
}

static void concat_reference(const struct op_call *call)
{
    struct side to = {.stride = matrix_of(&call->out[0], call->attr.axis).width};
    for (uint32_t i = 0; i < CONCAT_MOST && call->in[i].rank; i++) {
        struct matrix m = matrix_of(&call->in[i], call->attr.axis);
        move(call->in_data[i], (struct side){.stride = m.width}, call->out_data[0], to, m.rows, m.width);
        to.column += m.width;
    }
}

static void concat_grad(struct op_recorder *recorder, const struct op_use *use, op_value *din)
{
    struct op_attr attr = {.axis = use->attr->axis};
    for (uint32_t i = 0; i < use->in_count && use->in[i] != OP_NONE; i++) {
        attr.count = recorder->shape(recorder, use->in[i]).dim[attr.axis];
        if (use->wants[i])
            din[i] = OP_RECORD(recorder, &op_slice, &attr, use->dout[0]);
        attr.first += attr.count;
    }
}

static void concat_plan(struct op_plan *plan)
{
    const struct op_call *call = plan->call;
    struct side to = {.place = OP_OUT, .stride = matrix_of(&call->out[0], call->attr.axis).width};
    for (uint32_t i = 0; i < CONCAT_MOST && call->in[i].rank; i++) {
        struct matrix m = matrix_of(&call->in[i], call->attr.axis);
        struct side from = {.place = OP_IN, .index = i, .stride = m.width};
        add_block(plan, &from, to, m.rows, m.width);
        to.column += m.width;
    }
}

static const struct op_variant concat_variants[] = {{.name = "slice_fwd", .steps = concat_plan}, {0}};

static const struct op_case concat_cases[] = {
    {.name = "1+1", .in = {{1}, {1}}, .grad = true},
    {.name = "last", .attr = {.axis = 1}, .in = {{3, 2}, {3, 5}}, .grad = true},
    {.name = "three", .attr = {.axis = 1}, .in = {{2, 1, 3}, {2, 4, 3}, {2, 2, 3}}, .grad = true},
    {.name = "four", .in = {{1, 513}, {3, 513}, {2, 513}, {1, 513}}},
    {.name = "odd", .attr = {.axis = 2}, .in = {{7, 3, 127, 3}, {7, 3, 1, 3}}},
    {.name = "quads", .attr = {.axis = 1}, .in = {{33, 4, 8}, {33, 1, 8}, {33, 127, 8}}},
    {.name = "class", .attr = {.axis = 1}, .in = {{16, 1, 128}, {16, 36, 128}}, .bench = true},
    {.name = "class_l14", .attr = {.axis = 1}, .in = {{1, 1, 1024}, {1, 256, 1024}}},
    {.name = "features", .attr = {.axis = 1}, .in = {{64, 512}, {64, 513}}, .bench = true},
    {0},
};

const struct op_desc op_concat = {
    .name = "concat",
    .signature = "a b c? d? -> y",
    .summary = "y = the inputs side by side along attr axis",
    .shapes = concat_shapes,
    .reference = concat_reference,
    .grad = concat_grad,
    .variants = concat_variants,
    .cases = concat_cases,
    .tolerance = {0}, /* a copy */
};

/* ---- slice ------------------------------------------------------------------------------------------------------- */

static enum mien_status slice_shapes(struct op_call *call, const char *label)
{
    const struct op_attr *attr = &call->attr;
    if (attr->axis >= call->in[0].rank)
        return axis_error(call, label);
    if (attr->count == 0 || (uint64_t)attr->first + attr->count > call->in[0].dim[attr->axis])
        return op_shape_error(call, label, 0, "at least attr first + count long along attr axis, and count above 0");
    call->out[0] = call->in[0];
    call->out[0].dim[attr->axis] = attr->count;
    return MIEN_OK;
}

static void slice_reference(const struct op_call *call)
{
    struct matrix x = matrix_of(&call->in[0], call->attr.axis), y = matrix_of(&call->out[0], call->attr.axis);
    struct side from = {.stride = x.width, .column = call->attr.first * x.inner}, to = {.stride = y.width};
    move(call->in_data[0], from, call->out_data[0], to, y.rows, y.width);
}

static void slice_grad(struct op_recorder *recorder, const struct op_use *use, op_value *din)
{
    uint32_t axis = use->attr->axis;
    struct op_attr attr = {.axis = axis, .first = use->attr->first};
    attr.rows = recorder->shape(recorder, use->in[0]).dim[axis];
    din[0] = OP_RECORD(recorder, &op_pad, &attr, use->dout[0]);
}

static void slice_plan(struct op_plan *plan)
{
    const struct op_call *call = plan->call;
    struct matrix x = matrix_of(&call->in[0], call->attr.axis), y = matrix_of(&call->out[0], call->attr.axis);
    struct side from = {.place = OP_IN, .stride = x.width, .column = call->attr.first * x.inner};
    add_block(plan, &from, (struct side){.place = OP_OUT, .stride = y.width}, y.rows, y.width);
}

static const struct op_variant slice_variants[] = {{.name = "slice_fwd", .steps = slice_plan}, {0}};

static const struct op_case slice_cases[] = {
    {.name = "1", .attr = {.count = 1}, .in = {{1}}, .grad = true},
    {.name = "middle", .attr = {.axis = 1, .first = 1, .count = 2}, .in = {{3, 5, 2}}, .grad = true},
    {.name = "end", .attr = {.axis = 1, .first = 4, .count = 1}, .in = {{3, 5}}, .grad = true},
    {.name = "rows", .attr = {.first = 3, .count = 127}, .in = {{131, 513}}},
    {.name = "columns", .attr = {.axis = 1, .first = 1, .count = 511}, .in = {{131, 513}}},
    {.name = "one_column", .attr = {.axis = 1, .first = 512, .count = 1}, .in = {{131, 513}}},
    {.name = "patches", .attr = {.axis = 1, .first = 1, .count = 49}, .in = {{16, 50, 128}}, .bench = true},
    {.name = "patches_l14", .attr = {.axis = 1, .first = 1, .count = 256}, .in = {{1, 257, 1024}}},
    {0},
};

const struct op_desc op_slice = {
    .name = "slice",
    .signature = "x -> y",
    .summary = "y = attr count indices of x from attr first on, along attr axis",
    .shapes = slice_shapes,
    .reference = slice_reference,
    .grad = slice_grad,
    .variants = slice_variants,
    .cases = slice_cases,
    .tolerance = {0}, /* a copy */
    .bytes = moved_bytes,
};

/* ---- pad: the gradient of slice ---------------------------------------------------------------------------------- */

static enum mien_status pad_shapes(struct op_call *call, const char *label)
{
    const struct op_attr *attr = &call->attr;
    if (attr->axis >= call->in[0].rank)
        return axis_error(call, label);
    if ((uint64_t)attr->first + call->in[0].dim[attr->axis] > attr->rows)
        return op_shape_error(call, label, 0, "at most attr rows - first long along attr axis");
    call->out[0] = call->in[0];
    call->out[0].dim[attr->axis] = attr->rows;
    return MIEN_OK;
}

static void pad_reference(const struct op_call *call)
{
    struct matrix x = matrix_of(&call->in[0], call->attr.axis), y = matrix_of(&call->out[0], call->attr.axis);
    struct side from = {.stride = x.width}, to = {.stride = y.width, .column = call->attr.first * x.inner};
    memset(call->out_data[0], 0, tensor_shape_bytes(&call->out[0]));
    move(call->in_data[0], from, call->out_data[0], to, x.rows, x.width);
}

static void pad_grad(struct op_recorder *recorder, const struct op_use *use, op_value *din)
{
    uint32_t axis = use->attr->axis;
    struct op_attr attr = {.axis = axis, .first = use->attr->first};
    attr.count = recorder->shape(recorder, use->in[0]).dim[axis];
    din[0] = OP_RECORD(recorder, &op_slice, &attr, use->dout[0]);
}

static void pad_plan(struct op_plan *plan)
{
    const struct op_call *call = plan->call;
    struct matrix x = matrix_of(&call->in[0], call->attr.axis), y = matrix_of(&call->out[0], call->attr.axis);
    uint64_t begin = call->attr.first * x.inner, end = begin + x.width;
    struct side from = {.place = OP_IN, .stride = x.width}, to = {.place = OP_OUT, .stride = y.width};
    add_block(plan, NULL, to, y.rows, begin);
    to.column = begin;
    add_block(plan, &from, to, y.rows, x.width);
    to.column = end;
    add_block(plan, NULL, to, y.rows, y.width - end);
}

static const struct op_variant pad_variants[] = {{.name = "pad_fwd", .steps = pad_plan}, {0}};

static const struct op_case pad_cases[] = {
    {.name = "same", .attr = {.rows = 1}, .in = {{1}}, .grad = true},
    {.name = "middle", .attr = {.axis = 1, .first = 1, .rows = 5}, .in = {{3, 2, 2}}, .grad = true},
    {.name = "rows", .attr = {.first = 3, .rows = 131}, .in = {{127, 513}}},
    {.name = "columns", .attr = {.axis = 1, .first = 1, .rows = 513}, .in = {{131, 511}}},
    {.name = "patches", .attr = {.axis = 1, .first = 1, .rows = 50}, .in = {{16, 49, 128}}, .bench = true},
    {.name = "patches_l14", .attr = {.axis = 1, .first = 1, .rows = 257}, .in = {{1, 256, 1024}}},
    {0},
};

const struct op_desc op_pad = {
    .name = "pad",
    .signature = "x -> y",
    .summary = "y = zeros, attr rows long along attr axis, with x from attr first on: the gradient of slice",
    .shapes = pad_shapes,
    .reference = pad_reference,
    .grad = pad_grad,
    .variants = pad_variants,
    .cases = pad_cases,
    .tolerance = {0}, /* a copy */
};
