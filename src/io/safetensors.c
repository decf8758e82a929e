/* safetensors.c: reading, checked. */
#include "io/safetensors.h"

#include "base/base.h"
#include "io/st_header.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_HEADER = 100 * 1000 * 1000 }; /* bytes; the format's own limit */

struct io_safetensors {
    struct base_in *in;
    struct st_header header; /* entries sorted by name */
    char *path;
};

const char *io_dtype_name(enum io_dtype dtype)
{
    static const char *const names[] = {
#define IO_DTYPE_NAME(name, size) #name,
        IO_DTYPE_LIST(IO_DTYPE_NAME)
#undef IO_DTYPE_NAME
    };
    return (unsigned)dtype < IO_DTYPE_COUNT ? names[dtype] : "?";
}

size_t io_dtype_size(enum io_dtype dtype)
{
    static const size_t sizes[] = {
#define IO_DTYPE_SIZE(name, size) size,
        IO_DTYPE_LIST(IO_DTYPE_SIZE)
#undef IO_DTYPE_SIZE
    };
    return (unsigned)dtype < IO_DTYPE_COUNT ? sizes[dtype] : 0;
}

/* count and bytes from dims; false on overflow. */
static bool measure(struct io_tensor *tensor)
{
    uint64_t count = 1, size = io_dtype_size(tensor->dtype);
    for (uint32_t i = 0; i < tensor->rank; i++) {
        uint64_t d = tensor->dims[i];
        if (d != 0 && count > UINT64_MAX / d)
            return false;
        count *= d;
    }
    if (count > UINT64_MAX / size)
        return false;
    tensor->count = count;
    tensor->bytes = count * size;
    return true;
}

static int by_range(const void *a, const void *b)
{
    const struct st_entry *x = *(const struct st_entry *const *)a, *y = *(const struct st_entry *const *)b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return x->end < y->end ? -1 : x->end > y->end;
}

/* The ranges, in order, must join without hole or overlap from 0 to `buffer`; each as long as its shape says. */
static enum mien_status check_ranges(const char *path, struct st_header *header, uint64_t buffer)
{
    enum mien_status status = MIEN_OK;
    uint64_t at = 0;
    struct st_entry **order = base_alloc(header->count + 1, sizeof(*order));
    FAIL_IF_NULL(order, path);
    for (size_t i = 0; i < header->count; i++)
        order[i] = &header->entries[i];
    if (header->count > 0)
        qsort(order, header->count, sizeof(*order), by_range);
    for (size_t i = 0; i < header->count; i++) {
        struct st_entry *e = order[i];
        FAIL_IF(e->begin != at || e->end < e->begin, MIEN_ERR_DATA,
                "%s: tensor \"%s\" has bytes %llu to %llu where %llu should begin (hole, overlap or reversed range)",
                path, e->tensor.name, (unsigned long long)e->begin, (unsigned long long)e->end, (unsigned long long)at);
        FAIL_IF(!measure(&e->tensor), MIEN_ERR_DATA, "%s: the size of tensor \"%s\" overflows", path, e->tensor.name);
        FAIL_IF(e->tensor.bytes != e->end - e->begin, MIEN_ERR_DATA,
                "%s: tensor \"%s\" needs %llu bytes by dtype and shape, its data_offsets give %llu", path,
                e->tensor.name, (unsigned long long)e->tensor.bytes, (unsigned long long)(e->end - e->begin));
        at = e->end;
    }
    FAIL_IF(at != buffer, MIEN_ERR_DATA, "%s: the tensors take %llu bytes, the file holds %llu (cut off or extended)",
            path, (unsigned long long)at, (unsigned long long)buffer);
fail:
    base_free(order);
    return status;
}

static uint64_t load_u64(const unsigned char *p)
{
    uint64_t v = 0;
    for (int i = 7; i >= 0; i--)
        v = v << 8 | p[i];
    return v;
}

static enum mien_status open_checked(struct io_safetensors *f)
{
    enum mien_status status = MIEN_OK;
    unsigned char head[8];
    char *text = NULL;
    uint64_t size = base_in_size(f->in);
    FAIL_IF(size < 8, MIEN_ERR_DATA, "%s: %llu bytes, too short for safetensors", f->path, (unsigned long long)size);
    TRY(base_in_read(f->in, 0, head, sizeof(head)));
    uint64_t length = load_u64(head);
    FAIL_IF(length > MAX_HEADER, MIEN_ERR_DATA,
            "%s: a header of %llu bytes is announced, 100,000,000 are allowed; not safetensors?", f->path,
            (unsigned long long)length);
    FAIL_IF(length > size - 8, MIEN_ERR_DATA, "%s: the header goes beyond the end of the file (cut off?)", f->path);
    text = base_alloc((size_t)length + 1, 1);
    FAIL_IF_NULL(text, f->path);
    TRY(base_in_read(f->in, 8, text, (size_t)length));
    TRY(st_header_parse(text, (size_t)length, f->path, &f->header));
    TRY(check_ranges(f->path, &f->header, size - 8 - length));
    for (size_t i = 0; i < f->header.count; i++) {
        f->header.entries[i].tensor.in = f->in;
        f->header.entries[i].tensor.offset = 8 + length + f->header.entries[i].begin;
        f->header.entries[i].tensor.file = f->path;
    }
fail:
    base_free(text);
    return status;
}

enum mien_status io_safetensors_open(const char *path, struct io_safetensors **out)
{
    return io_safetensors_open_from(&(struct base_source){0}, path, out);
}

enum mien_status io_safetensors_open_from(const struct base_source *source, const char *path,
                                          struct io_safetensors **out)
{
    enum mien_status status = MIEN_OK;
    *out = NULL;
    struct io_safetensors *f = base_alloc(1, sizeof(*f));
    FAIL_IF_NULL(f, path);
    f->path = base_alloc(strlen(path) + 1, 1);
    FAIL_IF_NULL(f->path, path);
    strcpy(f->path, path);
    TRY(base_source_in(source, path, &f->in));
    TRY(open_checked(f));
    *out = f;
    return MIEN_OK;
fail:
    io_safetensors_close(&f);
    return status;
}

void io_safetensors_close(struct io_safetensors **file)
{
    if (!file || !*file)
        return;
    st_header_clear(&(*file)->header);
    base_in_close(&(*file)->in);
    base_free((*file)->path);
    base_free(*file);
    *file = NULL;
}

size_t io_safetensors_count(const struct io_safetensors *file)
{
    return file->header.count;
}

const struct io_tensor *io_safetensors_at(const struct io_safetensors *file, size_t index)
{
    return index < file->header.count ? &file->header.entries[index].tensor : NULL;
}

const struct io_tensor *io_safetensors_find(const struct io_safetensors *file, const char *name)
{
    size_t low = 0, high = file->header.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, file->header.entries[middle].tensor.name);
        if (order == 0)
            return &file->header.entries[middle].tensor;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const char *io_safetensors_metadata(const struct io_safetensors *file, const char *key)
{
    for (size_t i = 0; i < file->header.pair_count; i++)
        if (strcmp(file->header.pairs[i].key, key) == 0)
            return file->header.pairs[i].value;
    return NULL;
}
