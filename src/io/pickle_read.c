/* pickle_read.c: the values that stand in a pickle itself: numbers and texts. */
#include "io/pickle.h"

#include <string.h>

enum mien_status pickle_push(struct pickle *p, struct pickle_value *v)
{
    enum mien_status status = MIEN_OK;
    FAIL_IF_NULL(v, p->path);
    TRY(base_grow(&p->stack, &p->stack_room, p->depth + 1, sizeof(*p->stack)));
    p->stack[p->depth++] = v;
fail:
    return status;
}

enum mien_status pickle_take(struct pickle *p, size_t bytes, const unsigned char **out)
{
    if (bytes > p->size - p->at)
        return pickle_bad(p, "the pickle ends in the middle of a value (cut off?)");
    *out = p->data + p->at;
    p->at += bytes;
    return MIEN_OK;
}

enum mien_status pickle_number(struct pickle *p, int bytes, uint64_t *out)
{
    enum mien_status status = MIEN_OK;
    const unsigned char *d = NULL;
    *out = 0;
    TRY(pickle_take(p, (size_t)bytes, &d));
    while (bytes-- > 0)
        *out = *out << 8 | d[bytes];
fail:
    return status;
}

enum mien_status pickle_push_int(struct pickle *p, int64_t value)
{
    struct pickle_value *v = pickle_new(p, PICKLE_INT);
    if (v)
        v->as.integer = value;
    return pickle_push(p, v);
}

/* Bytes with their length before them; as text, or as a value that is passed over. */
static enum mien_status take_counted(struct pickle *p, int length_bytes, const unsigned char **out, uint64_t *length)
{
    enum mien_status status = MIEN_OK;
    TRY(pickle_number(p, length_bytes, length));
    if (*length > p->size - p->at)
        return pickle_bad(p, "a value of %llu bytes goes beyond the pickle", (unsigned long long)*length);
    TRY(pickle_take(p, (size_t)*length, out));
fail:
    return status;
}

enum mien_status pickle_skip_bytes(struct pickle *p, int length_bytes)
{
    enum mien_status status = MIEN_OK;
    const unsigned char *d = NULL;
    uint64_t length;
    TRY(take_counted(p, length_bytes, &d, &length));
    TRY(pickle_push(p, pickle_new(p, PICKLE_OPAQUE)));
fail:
    return status;
}

/* LONG1, LONG4: a length, then that many bytes of two's complement; long ones (states of random generators) are passed
 * over. */
enum mien_status pickle_read_long(struct pickle *p, int length_bytes)
{
    enum mien_status status = MIEN_OK;
    uint64_t length, value = 0;
    const unsigned char *d = NULL;
    TRY(take_counted(p, length_bytes, &d, &length));
    if (length > 8) {
        TRY(pickle_push(p, pickle_new(p, PICKLE_OPAQUE)));
        return MIEN_OK;
    }
    for (uint64_t i = 0; i < 8; i++) {
        unsigned char byte = i < length ? d[i] : length > 0 && (d[length - 1] & 0x80) ? 0xFF : 0;
        value |= (uint64_t)byte << (8 * i);
    }
    TRY(pickle_push_int(p, (int64_t)value));
fail:
    return status;
}

enum mien_status pickle_read_float(struct pickle *p)
{
    enum mien_status status = MIEN_OK;
    const unsigned char *d = NULL;
    uint64_t bits = 0;
    TRY(pickle_take(p, 8, &d)); /* big endian, alone among the format's numbers */
    for (int i = 0; i < 8; i++)
        bits = bits << 8 | d[i];
    struct pickle_value *v = pickle_new(p, PICKLE_FLOAT);
    if (v)
        memcpy(&v->as.real, &bits, sizeof(bits));
    TRY(pickle_push(p, v));
fail:
    return status;
}

enum mien_status pickle_read_text(struct pickle *p, int length_bytes)
{
    enum mien_status status = MIEN_OK;
    uint64_t length;
    const unsigned char *d = NULL;
    TRY(take_counted(p, length_bytes, &d, &length)); /* which the pickle's size bounds, 64 MiB */
    struct pickle_value *v = pickle_new(p, PICKLE_TEXT);
    FAIL_IF_NULL(v, p->path);
    v->as.text = base_arena_strndup(p->arena, (const char *)d, (size_t)length);
    v->length = (uint32_t)length;
    FAIL_IF_NULL(v->as.text, p->path);
    TRY(pickle_push(p, v));
fail:
    return status;
}

/* One line, without its end. */
enum mien_status pickle_read_line(struct pickle *p, const char **out)
{
    enum mien_status status = MIEN_OK;
    const unsigned char *d = p->data + p->at, *end = memchr(d, '\n', p->size - p->at);
    if (!end || end - d > 1000 || memchr(d, 0, (size_t)(end - d)))
        return pickle_bad(p, "a name has no end");
    *out = base_arena_strndup(p->arena, (const char *)d, (size_t)(end - d));
    FAIL_IF_NULL(*out, p->path);
    p->at += (size_t)(end - d) + 1;
fail:
    return status;
}
