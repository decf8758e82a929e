/* unfold.c: images as rows of patches, so that a convolution whose stride is its kernel is a matmul. */
#include "args/unfold.h"
#include "op/part.h"

/* y[B, gh*gw, C*P*P]: patches row by row, each in the order channel, y, x. */
static enum mien_status shapes(struct op_call *call, const char *label)
{
    const uint32_t *dim = call->in[0].dim, side = call->attr.patch;
    if (side == 0 || dim[2] < side || dim[3] < side)
        return op_shape_error(call, label, 0, "images[B,C,H,W] of at least one patch, attr patch above 0");
    call->out[0] = SHAPE_F32(dim[0], (dim[2] / side) * (dim[3] / side), dim[1] * side * side);
    return MIEN_OK;
}

static void reference(const struct op_call *call)
{
    const uint32_t *dim = call->in[0].dim, side = call->attr.patch;
    const float *images = call->in_data[0];
    float *y = call->out_data[0];
    for (size_t b = 0; b < dim[0]; b++)
        for (uint32_t row = 0; row < dim[2] / side; row++)
            for (uint32_t column = 0; column < dim[3] / side; column++)
                for (uint32_t c = 0; c < dim[1]; c++)
                    for (uint32_t i = 0; i < side * side; i++)
                        *y++ = images[((b * dim[1] + c) * dim[2] + row * side + i / side) * dim[3] + column * side +
                                      i % side];
}

static void plan(struct op_plan *plan)
{
    const struct op_call *call = plan->call;
    const uint32_t *dim = call->in[0].dim, side = call->attr.patch;
    bool software = plan->caps->class_ == VK_CLASS_SOFTWARE;
    uint32_t run = software ? side : 1;
    uint64_t image = (uint64_t)dim[1] * dim[2] * dim[3]; /* never smaller than its patches */
    uint64_t patches = (uint64_t)call->out[0].dim[1] * call->out[0].dim[2], most = op_part_rows(plan->caps, image);
    if (op_plan_too_large(plan, most == 0, image))
        return;
    for (uint64_t first = 0; first < dim[0]; first += most) {
        uint64_t batches = BASE_MIN(most, dim[0] - first);
        struct op_part from = op_part_of(first * image, batches * image);
        struct op_part to = op_part_of(first * patches, batches * patches);
        struct unfold_args args = {.count = (uint32_t)(batches * patches / run),
                                   .channels = dim[1],
                                   .height = dim[2],
                                   .width = dim[3],
                                   .side = side,
                                   .down = dim[2] / side,
                                   .across = dim[3] / side,
                                   .in_skip = from.skip,
                                   .out_skip = to.skip};
        struct op_dispatch *d = op_plan_items(plan, "unfold_fwd", software ? 32 : 64, args.count);
        op_dispatch_spec(d, 3, run);
        op_part_bind(d, OP_IN, 0, OP_READ, from);
        op_part_bind(d, OP_OUT, 0, OP_WRITE, to);
        OP_PUSH(d, args);
    }
}

static const struct op_variant variants[] = {{.name = "unfold_fwd", .steps = plan}, {0}};

static const struct op_case cases[] = {
    {.name = "one", .attr = {.patch = 1}, .in = {{1, 1, 1, 1}}},
    {.name = "ragged", .attr = {.patch = 3}, .in = {{2, 3, 11, 7}}},
    {.name = "pixels", .attr = {.patch = 1}, .in = {{3, 2, 5, 4}}},
    {.name = "wide", .attr = {.patch = 127}, .in = {{1, 1, 127, 513}}},
    {.name = "small", .attr = {.patch = 8}, .in = {{64, 3, 48, 48}}, .bench = true},
    {.name = "b32", .attr = {.patch = 32}, .in = {{4, 3, 224, 224}}, .bench = true},
    {.name = "l14", .attr = {.patch = 14}, .in = {{1, 3, 224, 224}}},
    {0},
};

const struct op_desc op_unfold = {
    .name = "unfold",
    .signature = "images[B,C,H,W] -> y",
    .summary =
        "y[B,G,C*P*P] = patches, row by row, no overlap; attr patch = P; pixels past the last whole patch are left out",
    .shapes = shapes,
    .reference = reference,
    .no_grad = "images are inputs",
    .variants = variants,
    .cases = cases,
    .tolerance = {0}, /* a copy */
};
