/* st_write.c: writing safetensors, streaming. Little-endian hosts only, as everywhere in Mien. */
#include "base/base.h"
#include "base/encoding.h"
#include "io/safetensors.h"

#include <stdlib.h>
#include <string.h>

enum { PIECE = 1 << 20 }; /* bytes asked of `fill` at a time */

struct item {
    const struct io_tensor_out *tensor;
    size_t index; /* in the caller's array */
    uint64_t bytes, offset;
};

/* The header under construction. */
struct text {
    char *data;
    size_t size, capacity;
};

static enum mien_status append(struct text *t, const char *data, size_t size)
{
    enum mien_status status = base_grow(&t->data, &t->capacity, t->size + size, 1);
    if (status == MIEN_OK && size > 0) {
        memcpy(t->data + t->size, data, size);
        t->size += size;
    }
    return status;
}

static enum mien_status append_text(struct text *t, const char *string)
{
    return append(t, string, strlen(string));
}

static enum mien_status append_number(struct text *t, uint64_t number)
{
    char digits[24];
    snprintf(digits, sizeof(digits), "%llu", (unsigned long long)number);
    return append_text(t, digits);
}

static enum mien_status append_quoted(struct text *t, const char *string)
{
    enum mien_status status = MIEN_OK;
    char escaped[8];
    TRY(append_text(t, "\""));
    for (const char *p = string; *p; p++) {
        unsigned char c = (unsigned char)*p;
        if (c == '"' || c == '\\')
            snprintf(escaped, sizeof(escaped), "\\%c", c);
        else if (c < 0x20)
            snprintf(escaped, sizeof(escaped), "\\u%04x", c);
        else
            snprintf(escaped, sizeof(escaped), "%c", c);
        TRY(append_text(t, escaped));
    }
    TRY(append_text(t, "\""));
fail:
    return status;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct item *)a)->tensor->name, ((const struct item *)b)->tensor->name);
}

/* Data order: larger elements first, so that every tensor stays aligned; then by name. */
static int by_layout(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    size_t sx = io_dtype_size(x->tensor->dtype), sy = io_dtype_size(y->tensor->dtype);
    return sx != sy ? (sx > sy ? -1 : 1) : by_name(a, b);
}

static enum mien_status measure(const char *path, struct item *item)
{
    const struct io_tensor_out *t = item->tensor;
    size_t length = strlen(t->name);
    if (base_utf8_prefix(t->name, length) != length || strcmp(t->name, "__metadata__") == 0)
        return base_fail(MIEN_ERR_ARG, "%s: \"%s\" can be no tensor's name: it is not UTF-8, or the format's own", path,
                         t->name);
    if (t->rank > IO_MAX_RANK || (unsigned)t->dtype >= IO_DTYPE_COUNT)
        return base_fail(MIEN_ERR_ARG, "%s: tensor \"%s\" has rank %u or a dtype that the format has not", path,
                         t->name, t->rank);
    item->bytes = io_dtype_size(t->dtype);
    for (uint32_t i = 0; i < t->rank; i++) {
        if (t->dims[i] != 0 && item->bytes > UINT64_MAX / 2 / t->dims[i])
            return base_fail(MIEN_ERR_ARG, "%s: the size of tensor \"%s\" overflows", path, t->name);
        item->bytes *= t->dims[i];
    }
    return MIEN_OK;
}

/* Fills items in data order, with offsets. */
static enum mien_status lay_out(const char *path, const struct io_tensor_out *tensors, size_t count, struct item *items)
{
    enum mien_status status = MIEN_OK;
    for (size_t i = 0; i < count; i++) {
        items[i] = (struct item){.tensor = &tensors[i], .index = i};
        TRY(measure(path, &items[i]));
    }
    if (count > 0)
        qsort(items, count, sizeof(*items), by_layout);
    uint64_t offset = 0;
    for (size_t i = 0; i < count; i++) {
        items[i].offset = offset;
        offset += items[i].bytes;
    }
fail:
    return status;
}

static enum mien_status append_metadata(struct text *t, const char *const *metadata)
{
    enum mien_status status = MIEN_OK;
    TRY(append_text(t, "{\"__metadata__\":{\"format\":\"pt\""));
    for (const char *const *m = metadata; m && m[0]; m += 2) {
        if (strcmp(m[0], "format") == 0)
            continue;
        TRY(append_text(t, ","));
        TRY(append_quoted(t, m[0]));
        TRY(append_text(t, ":"));
        TRY(append_quoted(t, m[1]));
    }
    TRY(append_text(t, "}"));
fail:
    return status;
}

static enum mien_status append_tensor(struct text *t, const struct item *item)
{
    enum mien_status status = MIEN_OK;
    TRY(append_text(t, ","));
    TRY(append_quoted(t, item->tensor->name));
    TRY(append_text(t, ":{\"dtype\":\""));
    TRY(append_text(t, io_dtype_name(item->tensor->dtype)));
    TRY(append_text(t, "\",\"shape\":["));
    for (uint32_t i = 0; i < item->tensor->rank; i++) {
        TRY(append_text(t, i > 0 ? "," : ""));
        TRY(append_number(t, item->tensor->dims[i]));
    }
    TRY(append_text(t, "],\"data_offsets\":["));
    TRY(append_number(t, item->offset));
    TRY(append_text(t, ","));
    TRY(append_number(t, item->offset + item->bytes));
    TRY(append_text(t, "]}"));
fail:
    return status;
}

/* The header's text, names sorted; `items` are left in order of names. */
static enum mien_status make_header(const char *path, struct item *items, size_t count, const char *const *metadata,
                                    struct text *t)
{
    enum mien_status status = MIEN_OK;
    if (count > 0)
        qsort(items, count, sizeof(*items), by_name);
    TRY(append_metadata(t, metadata));
    for (size_t i = 0; i < count; i++) {
        FAIL_IF(i > 0 && by_name(&items[i - 1], &items[i]) == 0, MIEN_ERR_ARG, "%s: two tensors are named \"%s\"", path,
                items[i].tensor->name);
        TRY(append_tensor(t, &items[i]));
    }
    TRY(append_text(t, "}"));
    while (t->size % 8 != 0)
        TRY(append_text(t, " "));
fail:
    return status;
}

static enum mien_status write_tensor(struct base_out *out, const struct item *item, io_fill_fn fill, void *user,
                                     unsigned char *piece)
{
    enum mien_status status = MIEN_OK;
    const unsigned char *data = item->tensor->data;
    for (uint64_t at = 0; at < item->bytes; at += PIECE) {
        size_t size = (size_t)BASE_MIN((uint64_t)PIECE, item->bytes - at);
        if (!data)
            TRY(fill(user, item->index, at, piece, size));
        TRY(base_out_write(out, data ? data + at : piece, size));
    }
fail:
    return status;
}

static enum mien_status write_all(const char *path, bool own, struct item *items, size_t count,
                                  const struct text *header, io_fill_fn fill, void *user)
{
    enum mien_status status = MIEN_OK;
    struct base_out *out = NULL;
    unsigned char length[8], *piece = base_alloc(PIECE, 1);
    FAIL_IF_NULL(piece, path);
    for (int i = 0; i < 8; i++)
        length[i] = (unsigned char)((uint64_t)header->size >> (8 * i));
    TRY(own ? base_out_open_own(path, &out) : base_out_open(path, &out));
    TRY(base_out_write(out, length, sizeof(length)));
    TRY(base_out_write(out, header->data, header->size));
    for (size_t i = 0; i < count; i++) {
        FAIL_IF(!items[i].tensor->data && !fill && items[i].bytes > 0, MIEN_ERR_ARG,
                "%s: tensor \"%s\" has neither data nor a function that gives it", path, items[i].tensor->name);
        TRY(write_tensor(out, &items[i], fill, user, piece));
    }
    TRY(base_out_commit(&out));
fail:
    base_out_abandon(&out);
    base_free(piece);
    return status;
}

static enum mien_status write_file(const char *path, bool own, const struct io_tensor_out *tensors, size_t count,
                                   const char *const *metadata, io_fill_fn fill, void *user)
{
    enum mien_status status = MIEN_OK;
    struct text header = {0};
    struct item *items = base_alloc(count + 1, sizeof(*items));
    FAIL_IF_NULL(items, path);
    TRY(lay_out(path, tensors, count, items));
    TRY(make_header(path, items, count, metadata, &header));
    if (count > 0)
        qsort(items, count, sizeof(*items), by_layout);
    TRY(write_all(path, own, items, count, &header, fill, user));
fail:
    base_free(items);
    base_free(header.data);
    return status;
}

enum mien_status io_safetensors_write(const char *path, const struct io_tensor_out *tensors, size_t count,
                                      const char *const *metadata, io_fill_fn fill, void *user)
{
    return write_file(path, false, tensors, count, metadata, fill, user);
}

enum mien_status io_safetensors_write_own(const char *path, const struct io_tensor_out *tensors, size_t count,
                                          const char *const *metadata, io_fill_fn fill, void *user)
{
    return write_file(path, true, tensors, count, metadata, fill, user);
}
