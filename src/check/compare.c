/* compare.c: an output against the reference. */
#include "check/check.h"

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

/* 16-bit outputs come from casts alone, which are exact. */
static bool compare_half(const struct op_call *call, uint32_t o, const uint16_t *got, struct check_row *row)
{
    const uint16_t *ref = call->out_data[o];
    uint64_t count = tensor_shape_count(&call->out[o]);
    for (uint64_t i = 0; i < count; i++) {
        char at[64];
        coordinates(&call->out[o], i, at, sizeof(at));
        if (got[i] != ref[i])
            return check_fail(row, "output %u at %s: expected bits 0x%04x, got 0x%04x", o, at, ref[i], got[i]);
    }
    return true;
}

/* The absolute tolerance is meant for outputs of unit size: it grows with the root mean square of the row, or of so
 * many rows that a single number that has cancelled (a row of one) does not set its own measure. */
static uint64_t scale_span(uint64_t width)
{
    return width * base_div_up(32, width);
}

static double span_tolerance(const struct op_tolerance *tolerance, const float *ref, uint64_t count)
{
    double square = 0;
    for (uint64_t j = 0; j < count; j++)
        square += (double)ref[j] * ref[j];
    return tolerance->abs * fmax(1, sqrt(square / (double)count)) + denormal_floor;
}

bool check_compare(const struct op_call *call, uint32_t o, const void *data, struct check_row *row)
{
    const struct op_tolerance *tolerance = &call->op->tolerance;
    if (call->out[o].dtype == MIEN_I32)
        return compare_i32(call, o, data, row);
    if (call->out[o].dtype != MIEN_F32)
        return compare_half(call, o, data, row);
    const float *got = data, *ref = call->out_data[o];
    uint64_t count = tensor_shape_count(&call->out[o]), first = count, bad = 0;
    uint64_t span = scale_span(tensor_shape_width(&call->out[o]));
    double square = 0, error = 0, absolute = 0;
    for (uint64_t i = 0; i < count; i++) {
        if (i % span == 0)
            absolute = span_tolerance(tolerance, ref + i, BASE_MIN(span, count - i));
        double d = fabs((double)got[i] - ref[i]), allowed = absolute + tolerance->rel * fabs((double)ref[i]);
        bool same = d <= allowed || memcmp(&got[i], &ref[i], sizeof(*ref)) == 0; /* infinities, NaN */
        if (!same && bad++ == 0)
            first = i;
        square += (double)ref[i] * ref[i];
        if (isfinite(d)) {
            row->worst = fmax(row->worst, d / allowed);
            error += d * d;
        }
    }
    if (bad) {
        char at[64];
        coordinates(&call->out[o], first, at, sizeof(at));
        return check_fail(row, "output %u: %llu of %llu wrong, first at %s (index %llu): expected %.9g, got %.9g", o,
                          (unsigned long long)bad, (unsigned long long)count, at, (unsigned long long)first, ref[first],
                          got[first]);
    }
    /* The ratio says nothing where all is zero or next to it, and little of a few numbers that may have cancelled:
     * those are judged one by one, above. */
    if (square / (double)count <= 1e-40 || count < least_for_nmse)
        return true;
    row->nmse = fmax(row->nmse, error / square);
    if (error / square > tolerance->nmse)
        return check_fail(row, "output %u: NMSE %.3g is above %.3g", o, error / square, tolerance->nmse);
    return true;
}
