/* compare.c: an output against the reference. */
#include "check/check.h"

#include "op/half.h"

#include <math.h>
#include <string.h>

/* Drivers may flush denormals to zero: differences below this are none. */
static const double denormal_floor = 1e-37;
static const uint64_t least_for_nmse = 64;

/* "[1,4]" of a flat index. */
static void coordinates(const struct tensor_shape *shape, uint64_t index, char *text, size_t size)
{
    uint32_t at[MIEN_MAX_RANK] = {0};
    for (uint32_t d = shape->rank; d-- > 0;) {
        at[d] = (uint32_t)(index % shape->dim[d]);
        index /= shape->dim[d];
    }
    size_t used = 0;
    for (uint32_t d = 0; d < shape->rank && used < size; d++)
        used += (size_t)snprintf(text + used, size - used, "%s%u", d ? "," : "[", at[d]);
    if (used < size)
        snprintf(text + used, size - used, "]");
}

static bool compare_i32(const struct op_call *call, uint32_t o, const int32_t *got, struct check_row *row)
{
    const int32_t *ref = call->out_data[o];
    uint64_t count = tensor_shape_count(&call->out[o]);
    for (uint64_t i = 0; i < count; i++) {
        char at[64];
        coordinates(&call->out[o], i, at, sizeof(at));
        if (got[i] != ref[i])
            return check_fail(row, "output %u at %s: expected %d, got %d", o, at, ref[i], got[i]);
    }
    return true;
}

/* The absolute tolerance is meant for outputs of unit size: it grows with the root mean square of the row, or of so
 * many rows that a single number that has cancelled (a row of one) does not set its own measure. */
static uint64_t scale_span(uint64_t width)
{
    return width * base_div_up(32, width);
}

/* What storing adds to a tolerance. Two values that round apart end one step apart: at most 2^-10 (f16) or 2^-7 (bf16)
 * of the value; below 2^-14 an f16's step is 2^-24. How often they do is their distance in steps, a few thousandths for
 * fp32's errors: of the whole, a twentieth of the elements, each half a step's square, is allowed, and a kernel that
 * rounds another way than to nearest is not. An exact op stays exact. */
struct storage {
    double abs, rel, nmse, infinity; /* the last: what infinity counts as, the step behind the greatest number */
    bool bits;                       /* all must be the same */
};

static struct storage storage_of(const struct op_tolerance *tolerance, enum mien_dtype dtype)
{
    static const struct storage kinds[MIEN_DTYPE_COUNT] = {
        [MIEN_F16] = {.abs = 0x1p-24, .rel = 0x1p-10, .nmse = 2e-8, .infinity = 0x1p16},
        [MIEN_BF16] = {.abs = 0, .rel = 0x1p-7, .nmse = 1.5e-6, .infinity = 0x1p128},
    };
    bool exact = tolerance->abs == 0 && tolerance->rel == 0 && dtype != MIEN_F32;
    return exact ? (struct storage){.bits = true} : kinds[dtype];
}

static double value_at(const void *data, uint64_t i, enum mien_dtype dtype, const struct storage *storage)
{
    double v = op_load(data, i, dtype);
    return isinf(v) && storage->infinity > 0 ? copysign(storage->infinity, v) : v;
}

static double span_tolerance(const struct op_call *call, uint32_t o, double tolerance, const struct storage *storage,
                             uint64_t first, uint64_t count)
{
    double square = 0;
    for (uint64_t j = first; j < first + count; j++) {
        double v = value_at(call->out_data[o], j, call->out[o].dtype, storage);
        square += v * v;
    }
    return tolerance * fmax(1, sqrt(square / (double)count)) + storage->abs + denormal_floor;
}

bool check_compare(const struct op_call *call, const struct op_variant *variant, uint32_t o, const void *got,
                   struct check_row *row)
{
    const struct op_tolerance *tolerance = op_tolerance_of(call, variant);
    enum mien_dtype dtype = call->out[o].dtype;
    if (dtype == MIEN_I32)
        return compare_i32(call, o, got, row);
    const struct storage storage = storage_of(tolerance, dtype);
    const void *ref = call->out_data[o];
    uint64_t size = mien_dtype_size(dtype), count = tensor_shape_count(&call->out[o]), first = count, bad = 0;
    uint64_t span = scale_span(tensor_shape_width(&call->out[o]));
    double square = 0, error = 0, absolute = 0, nmse = tolerance->nmse + storage.nmse;
    for (uint64_t i = 0; i < count; i++) {
        double want = value_at(ref, i, dtype, &storage), d = fabs(value_at(got, i, dtype, &storage) - want);
        if (i % span == 0)
            absolute = span_tolerance(call, o, tolerance->abs, &storage, i, BASE_MIN(span, count - i));
        double allowed = absolute + (tolerance->rel + storage.rel) * fabs(want);
        bool same = (d <= allowed && !storage.bits) || /* infinities, NaN: */
                    memcmp((const char *)got + i * size, (const char *)ref + i * size, size) == 0;
        if (!same && bad++ == 0)
            first = i;
        square += want * want;
        if (isfinite(d)) {
            row->worst = fmax(row->worst, d / allowed);
            error += d * d;
        }
    }
    if (bad) {
        char at[64];
        coordinates(&call->out[o], first, at, sizeof(at));
        return check_fail(row, "output %u: %llu of %llu wrong, first at %s (index %llu): expected %.9g, got %.9g", o,
                          (unsigned long long)bad, (unsigned long long)count, at, (unsigned long long)first,
                          (double)op_load(ref, first, dtype), (double)op_load(got, first, dtype));
    }
    /* The ratio says nothing where all is zero or next to it, and little of a few numbers that may have cancelled:
     * those are judged one by one, above. */
    if (square / (double)count <= 1e-40 || count < least_for_nmse)
        return true;
    row->nmse = fmax(row->nmse, error / square);
    if (error / square > nmse)
        return check_fail(row, "output %u: NMSE %.3g is above %.3g", o, error / square, nmse);
    return true;
}
