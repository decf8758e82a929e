/* tensor_values.c: the elements of tensors as numbers, and that all are finite. */
#include "io/safetensors.h"

#include "base/base.h"

#include <math.h>
#include <string.h>

/* Where element `index`, counted row by row, lies. */
static uint64_t place_of(const struct io_tensor *tensor, uint64_t index)
{
    uint64_t place = 0;
    for (uint32_t i = tensor->rank; i-- > 0;) {
        place += index % tensor->dims[i] * tensor->strides[i];
        index /= tensor->dims[i];
    }
    return place;
}

static enum mien_status check_range(const struct io_tensor *t, uint64_t first, uint64_t count)
{
    if (first > t->count || count > t->count - first)
        return base_fail(MIEN_ERR_ARG, "%s: tensor \"%s\": elements %llu to %llu asked of %llu", t->file, t->name,
                         (unsigned long long)first, (unsigned long long)(first + count), (unsigned long long)t->count);
    return MIEN_OK;
}

/* Elements that lie here and there: where they lie together, all between the first and the last at once; one by one
 * else, so that no more is read than the whole tensor has. */
static enum mien_status gather(const struct io_tensor *tensor, uint64_t first, uint64_t count, unsigned char *out)
{
    enum { LOOSE = 16 };
    enum mien_status status = MIEN_OK;
    size_t size = io_dtype_size(tensor->dtype);
    uint64_t low = UINT64_MAX, high = 0;
    unsigned char *span = NULL;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t place = place_of(tensor, first + i);
        low = BASE_MIN(low, place);
        high = BASE_MAX(high, place);
    }
    if (count > 0 && (high - low) / LOOSE < count) {
        span = base_alloc(high - low + 1, size);
        FAIL_IF_NULL(span, tensor->name);
        TRY(base_in_read(tensor->in, tensor->offset + low * size, span, (size_t)(high - low + 1) * size));
    }
    for (uint64_t i = 0; i < count; i++) {
        uint64_t place = place_of(tensor, first + i);
        if (span)
            memcpy(out + i * size, span + (place - low) * size, size);
        else
            TRY(base_in_read(tensor->in, tensor->offset + place * size, out + i * size, size));
    }
fail:
    base_free(span);
    return status;
}

enum mien_status io_tensor_read(const struct io_tensor *tensor, uint64_t first, uint64_t count, void *out)
{
    enum mien_status status = MIEN_OK;
    size_t size = io_dtype_size(tensor->dtype);
    TRY(check_range(tensor, first, count));
    TRY(tensor->strides ? gather(tensor, first, count, out)
                        : base_in_read(tensor->in, tensor->offset + first * size, out, (size_t)count * size));
fail:
    return status;
}

/* Halves in the second half of out [count] become floats in all of it. */
static void widen(enum io_dtype dtype, uint64_t count, float *out)
{
    enum { PIECE = 1024 };
    const unsigned char *halves = (const unsigned char *)out + 2 * count;
    uint16_t from[PIECE]; /* a copy, so that the compiler knows that what is written is not read again */
    for (uint64_t at = 0; at < count; at += PIECE) {
        uint64_t n = BASE_MIN((uint64_t)PIECE, count - at);
        memcpy(from, halves + 2 * at, 2 * n);
        if (dtype == IO_F16) {
            for (uint64_t i = 0; i < n; i++)
                out[at + i] = base_f16_to_f32(from[i]);
        } else {
            for (uint64_t i = 0; i < n; i++)
                out[at + i] = base_bf16_to_f32(from[i]);
        }
    }
}

enum mien_status io_tensor_read_raw(const struct io_tensor *tensor, uint64_t first, uint64_t count, float *out)
{
    enum mien_status status = MIEN_OK;
    TRY(check_range(tensor, first, count));
    FAIL_IF(tensor->dtype != IO_F32 && tensor->dtype != IO_F16 && tensor->dtype != IO_BF16, MIEN_ERR_DATA,
            "%s: tensor \"%s\" is %s; F32, F16 or BF16 can be read as weights", tensor->file, tensor->name,
            io_dtype_name(tensor->dtype));
    if (tensor->dtype == IO_F32)
        return io_tensor_read(tensor, first, count, out);
    TRY(io_tensor_read(tensor, first, count, (unsigned char *)out + 2 * count));
    widen(tensor->dtype, count, out);
fail:
    return status;
}

enum mien_status io_tensor_read_f32(const struct io_tensor *tensor, uint64_t first, uint64_t count, float *out)
{
    enum mien_status status = io_tensor_read_raw(tensor, first, count, out);
    return status == MIEN_OK ? io_check_finite(tensor->file, tensor->name, first, out, count) : status;
}

/* ---- finite ---- */

static enum mien_status not_finite(const char *file, const char *tensor, uint64_t element, bool nan)
{
    return base_fail(MIEN_ERR_DATA,
                     "%s: tensor %s: element %llu is %s, not a finite number; the training that made it diverged, or "
                     "the file is damaged: take an earlier or another copy",
                     file, tensor, (unsigned long long)element, nan ? "NaN" : "infinite");
}

/* Without a branch for each element: weights are gigabytes. */
static bool all_finite(const float *values, uint64_t count)
{
    uint32_t bad = 0;
    for (uint64_t i = 0; i < count; i++)
        bad |= (base_bits_of(values[i]) & 0x7F800000) == 0x7F800000;
    return bad == 0;
}

uint64_t io_first_not_finite(const float *values, uint64_t count)
{
    uint64_t i = 0;
    if (all_finite(values, count))
        return count;
    while (isfinite(values[i]))
        i++;
    return i;
}

enum mien_status io_check_finite(const char *file, const char *tensor, uint64_t first, const float *values,
                                 uint64_t count)
{
    uint64_t i = io_first_not_finite(values, count);
    return i == count ? MIEN_OK : not_finite(file, tensor, first + i, isnan(values[i]));
}

/* io_check_finite of halves of a format whose exponent has these bits. */
static enum mien_status check_halves(const struct io_tensor *t, uint64_t first, const uint16_t *halves, uint64_t count)
{
    const uint16_t exponent = t->dtype == IO_F16 ? 0x7C00 : 0x7F80;
    uint32_t bad = 0;
    uint64_t i = 0;
    for (i = 0; i < count; i++)
        bad |= (halves[i] & exponent) == exponent;
    if (!bad)
        return MIEN_OK;
    for (i = 0; (halves[i] & exponent) != exponent;)
        i++;
    return not_finite(t->file, t->name, first + i, (halves[i] & 0x7FFF) > exponent);
}

enum mien_status io_tensor_read_checked(const struct io_tensor *tensor, uint64_t first, uint64_t count, void *out)
{
    enum mien_status status = MIEN_OK;
    if (tensor->dtype != IO_F16 && tensor->dtype != IO_BF16)
        return io_tensor_read_f32(tensor, first, count, out);
    TRY(io_tensor_read(tensor, first, count, out));
    TRY(check_halves(tensor, first, out, count));
fail:
    return status;
}

enum mien_status io_check_logit_scale(const char *file, double value)
{
    if (fabs(value) <= IO_LOGIT_SCALE_MOST)
        return MIEN_OK;
    return base_fail(MIEN_ERR_DATA,
                     "%s: logit_scale is %g; it is the natural logarithm of the factor of the scores (CLIP's: 2.66 to "
                     "4.61), and %d either way is the most%s",
                     file, value, IO_LOGIT_SCALE_MOST,
                     value > 0 && value < 1e4 ? "; was the factor itself stored?" : "");
}

/* The first of all values whose magnitude is not at most `most`; count = none. NaN is not. */
static uint64_t first_beyond(float most, const float *values, uint64_t count)
{
    uint32_t limit = base_bits_of(most), beyond = 0;
    for (uint64_t i = 0; i < count; i++)
        beyond |= (base_bits_of(values[i]) & 0x7FFFFFFF) > limit;
    if (!beyond)
        return count;
    for (uint64_t i = 0; i < count; i++) {
        if (!(fabsf(values[i]) <= most))
            return i;
    }
    return count;
}

enum mien_status io_narrow(const char *file, const char *tensor, enum io_dtype dtype, const float *values,
                           uint64_t count, void *out)
{
    enum { PIECE = 1024 };
    const float most = dtype == IO_F16 ? 65504.0f : 0x1.FEp127f;
    uint64_t bad = first_beyond(most, values, count);
    uint16_t to[PIECE]; /* before it goes to `out`, which may be where the values lie */
    if (bad < count)
        return base_fail(MIEN_ERR_DATA, "%s: tensor %s: the value %g is beyond what %s holds; use %s", file, tensor,
                         (double)values[bad], dtype == IO_F16 ? "f16" : "bf16",
                         dtype == IO_F16 ? "bf16 or f32" : "f32");
    for (uint64_t at = 0; at < count; at += PIECE) {
        uint64_t n = BASE_MIN((uint64_t)PIECE, count - at);
        if (dtype == IO_F16) {
            for (uint64_t i = 0; i < n; i++)
                to[i] = base_f16_of(values[at + i]);
        } else {
            for (uint64_t i = 0; i < n; i++)
                to[i] = base_bf16_of(values[at + i]);
        }
        memcpy((char *)out + 2 * at, to, 2 * n);
    }
    return MIEN_OK;
}
