/* embedding.c: rows of a table by index, and the gradient: a deterministic scatter-add. */
#include "args/embedding.h"
#include "args/rows.h"
#include "op/part.h"

#include <string.h>

static uint32_t clamp_id(int32_t id, uint32_t rows)
{
    if (id < 0)
        return 0;
    return (uint32_t)id < rows ? (uint32_t)id : rows - 1;
}

/* ---- embedding --------------------------------------------------------------------------------------------------- */

static void reference(const struct op_call *call)
{
    const float *table = call->in_data[0];
    const int32_t *ids = call->in_data[1];
    float *y = call->out_data[0];
    uint64_t width = call->in[0].dim[1];
    for (uint64_t i = 0; i < tensor_shape_count(&call->in[1]); i++) {
        uint64_t row = clamp_id(ids[i], call->in[0].dim[0]) * width;
        for (uint64_t k = 0; k < width; k++)
            y[i * width + k] = table[row + k];
    }
}

static void grad(struct op_recorder *recorder, const struct op_use *use, op_value *din)
{
    struct op_attr attr = {.rows = recorder->shape(recorder, use->in[0]).dim[0]};
    bool half = recorder->shape(recorder, use->in[0]).dtype != MIEN_F32; /* stored for inference: no gradient */
    if (!half)
        din[0] = OP_RECORD(recorder, &op_embedding_bwd, &attr, use->dout[0], use->in[1]);
}

static const char *const shader_of[] = {
    [MIEN_F32] = "embedding_fwd", [MIEN_F16] = "embedding_fwd.f16", [MIEN_BF16] = "embedding_fwd.bf16"};

/* Table and output may each exceed one range: every output part visits every table part. */
static void plan_fwd(struct op_plan *plan)
{
    const struct op_call *call = plan->call;
    uint32_t table = call->in[0].dim[0], width = call->in[0].dim[1];
    uint32_t count = (uint32_t)tensor_shape_count(&call->in[1]);
    uint32_t most = (uint32_t)BASE_MIN(op_part_rows(plan->caps, width), UINT32_MAX);
    uint64_t element = mien_dtype_size(call->in[0].dtype);
    uint32_t most_in = (uint32_t)BASE_MIN(op_part_rows_sized(plan->caps, width, element), UINT32_MAX);
    if (op_plan_too_large(plan, most == 0, width))
        return;
    for (uint64_t first = 0; first < count; first += most) {
        uint32_t rows = BASE_MIN(most, count - (uint32_t)first);
        struct op_part out = op_part_of(first * width, (uint64_t)rows * width);
        for (uint64_t from = 0; from < table; from += most_in) {
            uint32_t in_rows = BASE_MIN(most_in, table - (uint32_t)from);
            struct op_part in = op_part_of_sized(from * width, (uint64_t)in_rows * width, element);
            struct rows_args args = {.rows = rows,
                                     .width = width,
                                     .first = (uint32_t)first,
                                     .in_first = (uint32_t)from,
                                     .in_rows = in_rows,
                                     .in_skip = in.skip,
                                     .out_skip = out.skip,
                                     .limit = table};
            struct op_dispatch *d = op_plan_span(plan, shader_of[call->in[0].dtype], rows, width, 1, 1);
            op_part_bind(d, OP_IN, 0, OP_READ, in);
            op_dispatch_bind(d, OP_IN, 1, OP_READ);
            op_part_bind(d, OP_OUT, 0, OP_WRITE, out);
            OP_PUSH(d, args);
        }
    }
}

/* Half of the ids are one id, as padding is, the rest go beyond both ends of the table by up to 2. */
static void prepare(struct op_call *call, struct base_rng *rng)
{
    int32_t *ids = call->in_data[1];
    uint32_t rows = call->in[0].dim[0];
    for (uint64_t i = 0; i < tensor_shape_count(&call->in[1]); i++)
        ids[i] = base_rng_below(rng, 2) ? (int32_t)(rows / 3) : (int32_t)base_rng_below(rng, rows + 4) - 2;
}

static const struct op_variant variants[] = {{.name = "embedding_fwd", .steps = plan_fwd}, {0}};

static const struct op_case cases[] = {
    {.name = "one", .in = {{1, 1}, {1}}, .grad = true},
    {.name = "repeats", .in = {{5, 3}, {4, 7}}, .grad = true},
    {.name = "127x513", .in = {{127, 513}, {3, 50}}},
    {.name = "f16_one", .dtype = MIEN_F16, .in = {{1, 1}, {1}}},
    {.name = "f16_127x513", .dtype = MIEN_F16, .in = {{127, 513}, {3, 50}}},
    {.name = "bf16_127x513", .dtype = MIEN_BF16, .in = {{127, 513}, {3, 50}}},
    {.name = "f16_text_small", .dtype = MIEN_F16, .in = {{2048, 128}, {64, 32}}, .bench = true},
    {.name = "bf16_text_b32", .dtype = MIEN_BF16, .in = {{49408, 512}, {4, 77}}, .bench = true, .slow = true},
    {.name = "text_small", .in = {{2048, 128}, {64, 32}}, .bench = true},
    {.name = "text_b32", .in = {{49408, 512}, {4, 77}}, .bench = true, .slow = true},
    /* 152 MB: above the maxStorageBufferRange of many drivers, 128 MiB */
    {.name = "text_l14", .in = {{49408, 768}, {2, 77}}, .slow = true},
    {.name = "long_2x600011", .in = {{2, 600011}, {2}}},
    /* many ids of few rows, for the gradient's sums */
    {.name = "long_32x62003", .in = {{1, 62003}, {32}}, .slow = true},
    {.name = "chunks", .in = {{300, 3}, {1021}}},
    {.name = "text_long", .in = {{512, 8}, {256, 77}}, .bench = true},
    {.name = "text_1024", .in = {{512, 8}, {1024, 77}}, .bench = true},
    {0},
};

/* Only the rows that are asked for move. */
static double bytes(const struct op_call *call)
{
    return 2.0 * (double)tensor_shape_bytes(&call->out[0]) + (double)tensor_shape_bytes(&call->in[1]);
}

const struct op_desc op_embedding = {
    .name = "embedding",
    .signature = "table:half[V,D] ids:i32[...] -> y[...,D]",
    .summary = "y = the rows of table that ids name; ids outside 0..V-1 are clamped",
    .reference = reference,
    .grad = grad,
    .variants = variants,
    .cases = cases,
    .fill = {OP_FILL_NORMAL, OP_FILL_PREPARE},
    .prepare = prepare,
    .tolerance = {0}, /* a copy */
    .bytes = bytes,
};

/* ---- embedding_bwd ----------------------------------------------------------------------------------------------- */

/* Sums in double per column: the table's column is collected first, as floats cannot hold it. */
static void reference_bwd(const struct op_call *call)
{
    enum { SLAB = 64 };
    const float *dy = call->in_data[0];
    const int32_t *ids = call->in_data[1];
    float *dtable = call->out_data[0];
    uint64_t count = tensor_shape_count(&call->in[1]);
    uint32_t rows = call->attr.rows, width = call->out[0].dim[1];
    for (uint32_t row = 0; row < rows; row++, dtable += width) {
        memset(dtable, 0, width * sizeof(*dtable));
        for (uint32_t first = 0; first < width; first += SLAB) {
            double sum[SLAB] = {0};
            uint32_t columns = BASE_MIN(width - first, (uint32_t)SLAB);
            for (uint64_t i = 0; i < count; i++) {
                for (uint32_t c = 0; clamp_id(ids[i], rows) == row && c < columns; c++)
                    sum[c] += dy[i * width + first + c];
            }
            for (uint32_t c = 0; c < columns; c++)
                dtable[first + c] = (float)sum[c];
        }
    }
}

enum { FIRST_CHUNK = 256 }; /* ids that are ranked by comparing all */
enum { BLOCK = 32 };        /* sorted elements summed side by side; a serial sum is 2 * BLOCK + n / BLOCK long */

/* Ids sorted and summed at a time. They may all be one id, whose row one invocation sums in blocks: 32,768 rounds, and
 * lavapipe ends all loops of an invocation after 65,535. */
enum { MAX_IDS = 1 << 20 };

/* A run of ids and what the kernels need to know of it. */
struct scatter {
    struct op_plan *plan;
    struct embedding_args args;
    struct op_part ids, dy;
    uint32_t sorted; /* which half of scratch 0 holds the sorted (id, row) pairs */
};

static uint64_t half_bytes(uint32_t count)
{
    return base_round_up((uint64_t)count * 8, 256);
}

static void bind_half(struct op_dispatch *d, const struct scatter *s, uint32_t half, uint32_t access)
{
    op_dispatch_bind_range(d, OP_SCRATCH, 0, access, half * half_bytes(s->args.count), (uint64_t)s->args.count * 8);
}

static struct op_dispatch *add_items(const struct scatter *s, const char *shader, uint32_t count)
{
    struct op_dispatch *d = op_plan_items(s->plan, shader, 0, count);
    OP_PUSH(d, s->args);
    return d;
}

/* Ids are ranked within chunks, then chunks merged, EMBEDDING_FAN at a time: n log n work in log n dispatches. */
static void plan_sort(struct scatter *s)
{
    enum { OWN = 8 }; /* as in the shader */
    uint32_t count = s->args.count;
    s->args.chunk = FIRST_CHUNK;
    struct op_dispatch *d = add_items(s, "embedding_bwd_sort", (uint32_t)base_div_up(count, OWN));
    op_dispatch_round(d, s->plan->caps, 8);
    op_part_bind(d, OP_IN, 1, OP_READ, s->ids);
    bind_half(d, s, 0, OP_WRITE);
    for (s->sorted = 0; s->args.chunk < count; s->args.chunk *= EMBEDDING_FAN, s->sorted = !s->sorted) {
        d = add_items(s, "embedding_bwd_merge", count);
        bind_half(d, s, s->sorted, OP_READ);
        bind_half(d, s, !s->sorted, OP_WRITE);
    }
}

static struct op_dispatch *add_span(const struct scatter *s, const char *shader, uint32_t rows)
{
    /* four columns at a time; a table row's ids may all be one: what blocks leave at both ends, and whole blocks */
    uint64_t rounds = 2 * BLOCK + s->args.count / BLOCK + 2;
    struct op_dispatch *d = op_plan_span(s->plan, shader, rows, s->args.width, 4, rounds);
    op_dispatch_spec(d, 3, BLOCK);
    OP_PUSH(d, s->args);
    bind_half(d, s, s->sorted, OP_READ);
    op_part_bind(d, OP_IN, 0, OP_READ, s->dy);
    return d;
}

static void plan_sum(struct scatter *s, uint32_t most, bool more)
{
    uint32_t width = s->args.width, table = s->args.rows;
    struct op_dispatch *d = add_items(s, "embedding_bwd_start", table + 1);
    bind_half(d, s, s->sorted, OP_READ);
    op_plan_bind(s->plan, ">$2");
    add_span(s, "embedding_bwd_run", BASE_MAX(s->args.count / BLOCK, 1));
    op_plan_bind(s->plan, ">$1");
    for (uint64_t first = 0; first < table; first += most) {
        uint32_t rows = BASE_MIN(most, table - (uint32_t)first);
        struct op_part out = op_part_of(first * width, (uint64_t)rows * width);
        s->args.row_first = (uint32_t)first;
        s->args.row_count = rows;
        s->args.row_skip = out.skip;
        d = add_span(s, more ? "embedding_bwd_add" : "embedding_bwd", rows);
        op_plan_bind(s->plan, "<$2 <$1");
        op_part_bind(d, OP_OUT, 0, more ? OP_READ | OP_WRITE : OP_WRITE, out);
    }
}

/* Sorts the ids, then lets every table row gather its own: zeros and sums in one pass. A dy beyond one range is done
 * in runs of ids, each added to the last. */
static void plan_bwd(struct op_plan *plan)
{
    const struct op_call *call = plan->call;
    uint32_t count = (uint32_t)tensor_shape_count(&call->in[1]), width = call->out[0].dim[1];
    uint32_t most = (uint32_t)BASE_MIN(op_part_rows(plan->caps, BASE_MAX(width, 4)), MAX_IDS);
    if (op_plan_too_large(plan, most == 0, width))
        return;
    uint32_t longest = BASE_MIN(most, count);
    plan->scratch[0] = 2 * half_bytes(longest);
    plan->scratch[1] = BASE_MAX((uint64_t)longest / BLOCK, 1) * width * 4;
    plan->scratch[2] = ((uint64_t)call->attr.rows + 1) * 4;
    for (uint64_t first = 0; first < count; first += most) {
        uint32_t run = BASE_MIN(most, count - (uint32_t)first);
        struct scatter s = {
            .plan = plan, .ids = op_part_of(first, run), .dy = op_part_of(first * width, (uint64_t)run * width)};
        s.args = (struct embedding_args){
            .count = run, .id_skip = s.ids.skip, .rows = call->attr.rows, .width = width, .dy_skip = s.dy.skip};
        plan_sort(&s);
        plan_sum(&s, most, first > 0);
    }
}

static const struct op_variant variants_bwd[] = {{.name = "embedding_bwd", .steps = plan_bwd}, {0}};

static double flops_bwd(const struct op_call *call)
{
    return (double)tensor_shape_count(&call->in[0]);
}

const struct op_desc op_embedding_bwd = {
    .name = "embedding_bwd",
    .signature = "dy[...,D] ids:i32[...] -> dtable[rows,D]",
    .summary = "the gradient of embedding: for each row of the table the sum of dy where ids name it; attr rows = V",
    .forward = {&op_embedding},
    .reference = reference_bwd,
    .variants = variants_bwd,
    /* sums of n terms of either sign in fp32: 6e-8 sqrt(n) of the largest partial sum */
    .tolerance = {.abs = 1e-4, .rel = 1e-5, .nmse = 1e-11},
    .flops = flops_bwd,
};
