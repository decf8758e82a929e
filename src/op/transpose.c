/* transpose.c: exchange of the last two dimensions. */
#include "args/transpose.h"
#include "op/part.h"

enum { TILE = 32, TILE_INVOCATIONS = 128 };

static void reference(const struct op_call *call)
{
    const float *x = call->in_data[0];
    float *y = call->out_data[0];
    size_t n_count = tensor_shape_width(&call->in[0]), m_count = tensor_shape_width(&call->out[0]);
    size_t batch = tensor_shape_count(&call->in[0]) / (m_count * n_count);
    for (size_t b = 0; b < batch; b++, x += m_count * n_count, y += m_count * n_count) {
        for (size_t m = 0; m < m_count; m++) {
            for (size_t n = 0; n < n_count; n++)
                y[n * m_count + m] = x[m * n_count + n];
        }
    }
}

static void grad(struct op_recorder *recorder, const struct op_use *use, op_value *din)
{
    din[0] = OP_RECORD(recorder, &op_transpose, NULL, use->dout[0]);
}

/* Matrices [b, b + batch), their rows [m, m + rows), columns [n, n + cols). */
struct box {
    uint64_t b, batch, m, rows, n, cols;
};

static void add_box(struct op_plan *plan, bool tiled, struct box box)
{
    const struct op_call *call = plan->call;
    uint64_t n_count = tensor_shape_width(&call->in[0]), m_count = tensor_shape_width(&call->out[0]);
    uint64_t size = m_count * n_count, between = (box.batch - 1) * size;
    struct op_part in =
        op_part_of(box.b * size + box.m * n_count + box.n, between + (box.rows - 1) * n_count + box.cols);
    struct op_part out =
        op_part_of(box.b * size + box.n * m_count + box.m, between + (box.cols - 1) * m_count + box.rows);
    struct transpose_args args = {.count = (uint32_t)(box.batch * box.rows * box.cols),
                                  .m = (uint32_t)box.rows,
                                  .n = (uint32_t)box.cols,
                                  .in_stride = (uint32_t)n_count,
                                  .out_stride = (uint32_t)m_count,
                                  .in_skip = in.skip,
                                  .out_skip = out.skip};
    bool software = plan->caps->class_ == VK_CLASS_SOFTWARE;
    bool quads = (m_count | n_count | box.rows | box.cols | in.skip | out.skip) % 4 == 0;
    uint32_t local = tiled ? TILE_INVOCATIONS : software ? op_vector_lanes(plan->caps) : 64, items = software ? 16 : 1;
    uint64_t invocations = base_div_up(args.count / (quads ? 16 : 1), items * 4ull);
    if (tiled)
        invocations = box.batch * base_div_up(box.rows, TILE) * base_div_up(box.cols, TILE) * local;
    struct op_dispatch *d = op_plan_items(plan, tiled ? "transpose_fwd_tile" : "transpose_fwd", local, invocations);
    if (!tiled) {
        op_dispatch_spec(d, 3, items);
        op_dispatch_spec(d, 8, quads);
    }
    op_part_bind(d, OP_IN, 0, OP_READ, in);
    op_part_bind(d, OP_OUT, 0, OP_WRITE, out);
    OP_PUSH(d, args);
}

/* In parts that fit into a binding: whole matrices, or boxes of a large one. */
static void plan_as(struct op_plan *plan, bool tiled)
{
    const struct op_call *call = plan->call;
    uint64_t n_count = tensor_shape_width(&call->in[0]), m_count = tensor_shape_width(&call->out[0]);
    uint64_t all = tensor_shape_count(&call->in[0]) / (m_count * n_count);
    uint64_t batch = op_part_rows(plan->caps, m_count * n_count);
    uint64_t rows = batch ? m_count : op_part_rows(plan->caps, n_count);
    uint64_t cols = batch ? n_count : op_part_rows(plan->caps, m_count);
    if (op_plan_too_large(plan, rows == 0 || cols == 0, BASE_MAX(m_count, n_count)))
        return;
    batch = BASE_MAX(batch, 1);
    for (uint64_t b = 0; b < all; b += batch) {
        for (uint64_t m = 0; m < m_count; m += rows) {
            for (uint64_t n = 0; n < n_count; n += cols) {
                struct box box = {.b = b,
                                  .batch = BASE_MIN(batch, all - b),
                                  .m = m,
                                  .rows = BASE_MIN(rows, m_count - m),
                                  .n = n,
                                  .cols = BASE_MIN(cols, n_count - n)};
                add_box(plan, tiled, box);
            }
        }
    }
}

static void plan_tile(struct op_plan *plan)
{
    plan_as(plan, true);
}

static void plan_plain(struct op_plan *plan)
{
    plan_as(plan, false);
}

/* Shared memory is main memory on the others. */
static bool fits_tile(const struct vk_caps *caps, const struct op_call *call)
{
    (void)call;
    return caps->class_ == VK_CLASS_DESKTOP;
}

static const struct op_variant variants[] = {
    {.name = "transpose_fwd_tile", .fits = fits_tile, .steps = plan_tile},
    {.name = "transpose_fwd", .steps = plan_plain},
    {0},
};

static const struct op_case cases[] = {
    {.name = "1x1", .in = {{1, 1}}, .grad = true},
    {.name = "2x3x5", .in = {{2, 3, 5}}, .grad = true},
    {.name = "1x513", .in = {{1, 513}}},
    {.name = "513x1", .in = {{513, 1}}},
    {.name = "33x127", .in = {{3, 33, 127}}},
    {.name = "squares", .in = {{3, 20, 44}}},
    {.name = "heads", .in = {{2, 3, 50, 64}}},
    {.name = "projection", .in = {{512, 768}}, .bench = true},
    {.name = "tokens", .in = {{16, 50, 128}}, .bench = true},
    {.name = "tokens_l14", .in = {{1, 257, 1024}}},
    {0},
};

const struct op_desc op_transpose = {
    .name = "transpose",
    .signature = "x[...,M,N] -> y[...,N,M]",
    .summary = "y = x with its last two dimensions exchanged",
    .reference = reference,
    .grad = grad,
    .variants = variants,
    .cases = cases,
    .tolerance = {0}, /* a copy */
};
