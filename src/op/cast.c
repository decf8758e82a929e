/* cast.c: f32, f16 and bf16 from one another, to nearest, ties to even. 16-bit elements stand two in a word; ranges of
 * tensors are bound in whole words, and the unused half of the last one is written as 0. */
#include "args/cast.h"
#include "op/op.h"

#include <string.h>

static enum mien_status shapes(struct op_call *call, const char *label)
{
    enum mien_dtype to = call->attr.dtype;
    if (to != MIEN_F32 && to != MIEN_F16 && to != MIEN_BF16)
        return base_fail(MIEN_ERR_DTYPE, "cast%s%s: attr dtype should be f32, f16 or bf16", label ? " at " : "",
                         label ? label : "");
    call->out[0] = call->in[0];
    call->out[0].dtype = to;
    return MIEN_OK;
}

/* As 16-bit floats are read and written (half.h), which is the definition of this op. */
static void reference(const struct op_call *call)
{
    memcpy(call->out_data[0], call->in_data[0], 4 * tensor_shape_count(&call->in[0]));
}

static void grad(struct op_recorder *recorder, const struct op_use *use, op_value *din)
{
    din[0] = op_record_like(recorder, use->dout[0], use->in[0]);
}

/* ---- plan -------------------------------------------------------------------------------------------------------- */

static uint32_t kind_of(enum mien_dtype dtype)
{
    return dtype == MIEN_F32 ? CAST_F32 : dtype == MIEN_F16 ? CAST_F16 : CAST_BF16;
}

static void bind_run(struct op_dispatch *d, enum op_place place, uint32_t access, enum mien_dtype dtype, uint64_t first,
                     uint64_t count)
{
    uint64_t size = mien_dtype_size(dtype);
    op_dispatch_bind_range(d, place, 0, access, first * size, base_round_up(count * size, 4));
}

static void plan(struct op_plan *plan)
{
    const struct op_call *call = plan->call;
    bool software = plan->caps->class_ == VK_CLASS_SOFTWARE;
    uint32_t items = software ? 64 : 4;
    uint64_t count = tensor_shape_count(&call->in[0]), limit = plan->caps->max_range / 4 / 128 * 128;
    for (uint64_t first = 0; first < count; first += limit) {
        struct cast_args args = {.count = (uint32_t)BASE_MIN(limit, count - first)};
        uint64_t runs = base_div_up(base_div_up(args.count, 2), items);
        struct op_dispatch *d = op_plan_items(plan, "cast_fwd", software ? op_vector_lanes(plan->caps) : 128, runs);
        op_dispatch_spec(d, 3, items);
        op_dispatch_round(d, plan->caps, items);
        op_dispatch_spec(d, 8, kind_of(call->in[0].dtype));
        op_dispatch_spec(d, 9, kind_of(call->out[0].dtype));
        bind_run(d, OP_IN, OP_READ, call->in[0].dtype, first, args.count);
        bind_run(d, OP_OUT, OP_WRITE, call->out[0].dtype, first, args.count);
        OP_PUSH(d, args);
    }
}

static const struct op_variant variants[] = {{.name = "cast_fwd", .steps = plan}, {0}};

/* ---- tests ------------------------------------------------------------------------------------------------------- */

static const struct op_case cases[] = {
    {.name = "same", .attr = {.dtype = MIEN_F32, .value = 1}, .in = {{3, 5}}, .grad = true},
    {.name = "f32_f16_1", .attr = {.dtype = MIEN_F16}, .in = {{1}}},
    {.name = "f32_f16_127", .attr = {.dtype = MIEN_F16}, .in = {{127}}},
    {.name = "f32_f16", .attr = {.dtype = MIEN_F16}, .in = {{128, 513}}, .bench = true},
    {.name = "f32_bf16_3", .attr = {.dtype = MIEN_BF16}, .in = {{3}}},
    {.name = "f32_bf16", .attr = {.dtype = MIEN_BF16}, .in = {{128, 513}}, .bench = true},
    {.name = "f16_f32_1", .dtype = MIEN_F16, .in = {{1}}},
    {.name = "f16_f32", .dtype = MIEN_F16, .in = {{65537}}, .bench = true},
    {.name = "bf16_f32_3", .dtype = MIEN_BF16, .in = {{3}}},
    {.name = "bf16_f32", .dtype = MIEN_BF16, .in = {{65537}}, .bench = true},
    {.name = "f16_bf16", .attr = {.dtype = MIEN_BF16}, .dtype = MIEN_F16, .in = {{65537}}},
    {.name = "bf16_f16", .attr = {.dtype = MIEN_F16}, .dtype = MIEN_BF16, .in = {{65537}}},
    {.name = "f16_f16", .attr = {.dtype = MIEN_F16}, .dtype = MIEN_F16, .in = {{65537}}},
    {.name = "bf16_bf16", .attr = {.dtype = MIEN_BF16}, .dtype = MIEN_BF16, .in = {{65537}}},
    {0},
};

/* Where rules change, as floats' bits: 65504 to 2^16, around 2^-14, 2^-24 and 2^-25, the greatest and least numbers,
 * infinity, NaN of several payloads. */
static const uint32_t corner[] = {0x00000000, 0x477fe000, 0x477fefff, 0x477ff000, 0x477fffff, 0x47800000, 0x38800000,
                                  0x387fffff, 0x387fe000, 0x387fd000, 0x33800000, 0x33000000, 0x33000001, 0x32ffffff,
                                  0x33c00000, 0x7f7fffff, 0x7f7f8000, 0x7f7f7fff, 0x00000001, 0x00008000, 0x00018000,
                                  0x00007fff, 0x007fffff, 0x00800000, 0x7f800000, 0x7f800001, 0x7fc00000, 0x7f812345};

static uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, 4);
    return bits;
}

/* 32-bit inputs: corners of both signs, then any bits, among them ties and the exponents of f16. 16-bit inputs: every
 * pattern in turn. Cases with attr value, which the op does not read: normal numbers. */
static void prepare(struct op_call *call, struct base_rng *rng)
{
    uint64_t count = tensor_shape_count(&call->in[0]);
    uint32_t *word = call->in_data[0];
    uint16_t *half = call->in_data[0];
    for (uint64_t i = 0; i < count; i++) {
        uint32_t random = base_rng_u32(rng);
        if (call->in[0].dtype != MIEN_F32)
            half[i] = (uint16_t)(i * 40503 + 0x3c00);
        else if (call->attr.value > 0)
            word[i] = bits_of((float)base_rng_normal(rng));
        else if (i < 2 * BASE_COUNT(corner))
            word[i] = corner[i / 2] | (uint32_t)(i & 1) << 31;
        else if (i % 4 == 1)
            word[i] = (random & 0x8fffe000) + 0x30000000 + (random % 3 == 0 ? 0x1000 : 0);
        else
            word[i] = random % 3 == 0 ? (random & 0xffff0000) | 0x8000 : random;
    }
}

const struct op_desc op_cast = {
    .name = "cast",
    .signature = "x:half -> y",
    .summary = "y = x in attr dtype; both f32, f16 or bf16; to nearest, ties to even, NaN becomes quiet",
    .shapes = shapes,
    .reference = reference,
    .grad = grad,
    .variants = variants,
    .cases = cases,
    .fill = {OP_FILL_PREPARE},
    .prepare = prepare,
    .tolerance = {0}, /* exact: integer operations */
};
