/* cast.c: f32, f16 and bf16 from one another, to nearest, ties to even. 16-bit elements stand two in a word; ranges of
 * tensors are bound in whole words, and the unused half of the last one is written as 0. */
#include "args/cast.h"
#include "op/half.h"

#include <math.h>
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

/* ---- the definition: formats by their numbers -------------------------------------------------------------------- */

struct format {
    int exponent_bits, fraction_bits;
};

static const struct format format_f16 = {5, 10}, format_bf16 = {8, 7};

static uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, 4);
    return bits;
}

static float float_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, 4);
    return x;
}

static uint16_t encode(float x, struct format f)
{
    uint32_t sign = bits_of(x) >> 31 << 15, infinity = ((1u << f.exponent_bits) - 1) << f.fraction_bits;
    int bias = (1 << (f.exponent_bits - 1)) - 1, exponent;
    if (isnan(x)) /* quiet, with what fits of the payload */
        return (uint16_t)(sign | infinity | 1u << (f.fraction_bits - 1) |
                          (bits_of(x) & 0x7fffff) >> (23 - f.fraction_bits));
    if (isinf(x))
        return (uint16_t)(sign | infinity);
    frexp(x, &exponent); /* |x| in [2^(exponent-1), 2^exponent) */
    int unit = (x != 0 && exponent > 2 - bias ? exponent - 1 : 1 - bias) - f.fraction_bits;
    double units = nearbyint(ldexp(fabs((double)x), -unit)); /* ties to even */
    /* From the least normal number on, units count from 2^fraction_bits: the exponent's field begins at 1; a carry
     * moves on to the next exponent and at last to infinity. */
    uint32_t code = (uint32_t)(units + ldexp(unit + f.fraction_bits + bias - 1, f.fraction_bits));
    return (uint16_t)(sign | (code < infinity ? code : infinity));
}

static float decode(uint16_t h, struct format f)
{
    uint32_t fraction = h & ((1u << f.fraction_bits) - 1), all = (1u << f.exponent_bits) - 1;
    uint32_t exponent = h >> f.fraction_bits & all, sign = (uint32_t)(h >> 15) << 31;
    int bias = (1 << (f.exponent_bits - 1)) - 1;
    if (exponent == all)
        return float_of(sign | 0x7f800000 | (fraction ? 0x400000 | fraction << (23 - f.fraction_bits) : 0));
    double units = exponent ? fraction + ldexp(1, f.fraction_bits) : fraction;
    double value = ldexp(units, (exponent ? (int)exponent : 1) - bias - f.fraction_bits);
    return float_of(sign | bits_of((float)value));
}

uint16_t op_half_of(float x, enum mien_dtype dtype)
{
    return encode(x, dtype == MIEN_F16 ? format_f16 : format_bf16);
}

float op_load(const void *data, uint64_t i, enum mien_dtype dtype)
{
    if (dtype == MIEN_F32)
        return ((const float *)data)[i];
    return decode(((const uint16_t *)data)[i], dtype == MIEN_F16 ? format_f16 : format_bf16);
}

static void reference(const struct op_call *call)
{
    enum mien_dtype from = call->in[0].dtype, to = call->out[0].dtype;
    uint64_t count = tensor_shape_count(&call->in[0]);
    for (uint64_t i = 0; i < count; i++) {
        float x = op_load(call->in_data[0], i, from);
        if (to == MIEN_F32)
            memcpy((float *)call->out_data[0] + i, &x, 4);
        else
            ((uint16_t *)call->out_data[0])[i] = op_half_of(x, to);
    }
}

static void grad(struct op_recorder *recorder, const struct op_use *use, op_value *din)
{
    struct op_attr attr = {.dtype = recorder->shape(recorder, use->in[0]).dtype};
    din[0] = OP_RECORD(recorder, &op_cast, &attr, use->dout[0]);
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
        struct op_dispatch *d = op_plan_items(plan, "cast_fwd", software ? 8 : 128, runs);
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
