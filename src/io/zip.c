/* zip.c: end record, central directory, local headers. Numbers are little endian. */
#include "io/zip.h"

#include <stdlib.h>
#include <string.h>

enum { END_SIZE = 22, END64_SIZE = 56, LOCATOR_SIZE = 20, ENTRY_SIZE = 46, LOCAL_SIZE = 30, MAX_COMMENT = 65535 };
enum { MAX_DIRECTORY = 1 << 28, PIECE = 1 << 20 };
enum { END_SIGN = 0x06054b50, END64_SIGN = 0x06064b50, LOCATOR_SIGN = 0x07064b50 };
enum { ENTRY_SIGN = 0x02014b50, LOCAL_SIGN = 0x04034b50, ENCRYPTED = 1, ZIP64_EXTRA = 1 };
static const uint32_t IN_EXTRA = 0xFFFFFFFF; /* a number that stands in the ZIP64 extra field instead */

static uint64_t little(const unsigned char *p, int bytes)
{
    uint64_t v = 0;
    while (bytes-- > 0)
        v = v << 8 | p[bytes];
    return v;
}

/* Whether [at, at+size) lies in the file. */
static bool inside(const struct zip *zip, uint64_t at, uint64_t size)
{
    uint64_t all = base_in_size(zip->in);
    return at <= all && size <= all - at;
}

static enum mien_status bad(const struct zip *zip, uint64_t at, const char *what)
{
    return base_fail(MIEN_ERR_DATA, "%s: byte %llu: %s; the zip archive is damaged or cut off", zip->path,
                     (unsigned long long)at, what);
}

bool zip_is(const unsigned char *data, size_t size)
{
    return size >= 4 && (little(data, 4) == LOCAL_SIGN || little(data, 4) == END_SIGN);
}

/* Where the central directory lies, and its bytes. */
struct directory {
    uint64_t at, size, count;
    unsigned char *bytes; /* [size] */
};

/* The end record: the last place whose comment ends with the file. record [END_SIZE] */
static enum mien_status find_end(const struct zip *zip, uint64_t *at, unsigned char *record)
{
    enum mien_status status = MIEN_OK;
    uint64_t all = base_in_size(zip->in), size = BASE_MIN(all, (uint64_t)END_SIZE + MAX_COMMENT);
    unsigned char *tail = base_alloc((size_t)size + 1, 1);
    FAIL_IF_NULL(tail, zip->path);
    TRY(base_in_read(zip->in, all - size, tail, (size_t)size));
    status = MIEN_ERR_DATA;
    for (uint64_t back = END_SIZE; back <= size && status != MIEN_OK; back++) {
        const unsigned char *d = tail + size - back;
        if (little(d, 4) != END_SIGN || little(d + 20, 2) != back - END_SIZE)
            continue;
        *at = all - back;
        memcpy(record, d, END_SIZE);
        status = MIEN_OK;
    }
    if (status != MIEN_OK)
        status = bad(zip, all, "no end of the directory found");
fail:
    base_free(tail);
    return status;
}

/* The 64-bit end record, when the locator in front of the end record at `end` leads to one. */
static enum mien_status read_end64(const struct zip *zip, uint64_t end, struct directory *dir)
{
    enum mien_status status = MIEN_OK;
    unsigned char locator[LOCATOR_SIZE], d[END64_SIZE] = {0};
    if (end < LOCATOR_SIZE)
        return MIEN_OK;
    TRY(base_in_read(zip->in, end - LOCATOR_SIZE, locator, LOCATOR_SIZE));
    if (little(locator, 4) != LOCATOR_SIGN)
        return MIEN_OK;
    uint64_t at = little(locator + 8, 8);
    if (inside(zip, at, END64_SIZE))
        TRY(base_in_read(zip->in, at, d, END64_SIZE));
    FAIL_IF(little(d, 4) != END64_SIGN, MIEN_ERR_DATA,
            "%s: byte %llu: no 64-bit end record there, where byte %llu points; the zip archive is damaged", zip->path,
            (unsigned long long)at, (unsigned long long)(end - LOCATOR_SIZE));
    dir->count = little(d + 32, 8);
    dir->size = little(d + 40, 8);
    dir->at = little(d + 48, 8);
fail:
    return status;
}

static enum mien_status find_directory(const struct zip *zip, struct directory *dir)
{
    enum mien_status status = MIEN_OK;
    unsigned char d[END_SIZE];
    uint64_t end = 0;
    TRY(find_end(zip, &end, d));
    if (little(d + 4, 2) != 0 || little(d + 6, 2) != 0)
        return bad(zip, end + 4, "an archive in several parts");
    dir->count = little(d + 10, 2);
    dir->size = little(d + 12, 4);
    dir->at = little(d + 16, 4);
    TRY(read_end64(zip, end, dir));
    if (!inside(zip, dir->at, dir->size))
        return bad(zip, end, "the directory lies outside the file");
    if (dir->count > dir->size / ENTRY_SIZE)
        return bad(zip, end, "more members than the directory has room for");
    if (dir->size > MAX_DIRECTORY)
        return bad(zip, end, "a directory of more than 256 MiB");
    dir->bytes = base_alloc((size_t)dir->size + 1, 1);
    FAIL_IF_NULL(dir->bytes, zip->path);
    TRY(base_in_read(zip->in, dir->at, dir->bytes, (size_t)dir->size));
fail:
    return status;
}

/* Sizes and offset that the entry left to its ZIP64 extra field; in this order, each only when it is missing. */
static enum mien_status read_extra(const struct zip *zip, const struct directory *dir, uint64_t at, uint64_t size,
                                   uint64_t *const wanted[3])
{
    const unsigned char *d = dir->bytes;
    for (uint64_t end = at + size; at + 4 <= end;) {
        uint64_t length = little(d + at + 2, 2), p = at + 4;
        if (length > end - p)
            return bad(zip, dir->at + at, "an extra field goes beyond its entry");
        if (little(d + at, 2) == ZIP64_EXTRA) {
            for (int i = 0; i < 3; i++) {
                if (*wanted[i] != IN_EXTRA)
                    continue;
                if (at + 4 + length - p < 8)
                    return bad(zip, dir->at + at, "a ZIP64 field is too short");
                *wanted[i] = little(d + p, 8);
                p += 8;
            }
        }
        at += 4 + length;
    }
    return MIEN_OK;
}

/* The member's own header, which must agree about the name; sets offset to the bytes behind it. */
static enum mien_status read_local(const struct zip *zip, uint64_t at, struct zip_member *m)
{
    enum mien_status status = MIEN_OK;
    unsigned char d[LOCAL_SIZE];
    size_t length = strlen(m->name);
    char *own = NULL;
    if (!inside(zip, at, LOCAL_SIZE))
        return bad(zip, at, "no member begins here");
    TRY(base_in_read(zip->in, at, d, LOCAL_SIZE));
    if (little(d, 4) != LOCAL_SIGN)
        return bad(zip, at, "no member begins here");
    uint64_t name = little(d + 26, 2), extra = little(d + 28, 2);
    bool same = inside(zip, at + LOCAL_SIZE, name + extra) && name == length;
    if (same) {
        own = base_alloc(length + 1, 1);
        FAIL_IF_NULL(own, zip->path);
        TRY(base_in_read(zip->in, at + LOCAL_SIZE, own, length));
        same = memcmp(own, m->name, length) == 0;
    }
    m->offset = at + LOCAL_SIZE + name + extra;
    if (!same)
        status = bad(zip, at, "the member has another name in the directory");
fail:
    base_free(own);
    return status;
}

/* One entry of the directory at *at, counted from its beginning, which moves behind it. */
static enum mien_status read_entry(struct zip *zip, const struct directory *dir, uint64_t *at, struct zip_member *m)
{
    enum mien_status status = MIEN_OK;
    const unsigned char *d = dir->bytes + *at;
    uint64_t packed, offset, place = dir->at + *at;
    if (dir->size - *at < ENTRY_SIZE || little(d, 4) != ENTRY_SIGN)
        return bad(zip, place, "an entry of the directory was expected");
    uint64_t name = little(d + 28, 2), extra = little(d + 30, 2), comment = little(d + 32, 2);
    if (name + extra + comment > dir->size - *at - ENTRY_SIZE)
        return bad(zip, place, "an entry goes beyond the directory");
    if (little(d + 8, 2) & ENCRYPTED)
        return bad(zip, place, "an encrypted member");
    if (memchr(d + ENTRY_SIZE, 0, name))
        return bad(zip, place, "a name with a zero byte");
    m->method = (uint16_t)little(d + 10, 2);
    m->crc = (uint32_t)little(d + 16, 4);
    packed = little(d + 20, 4);
    m->size = little(d + 24, 4);
    offset = little(d + 42, 4);
    m->name = base_arena_strndup(&zip->arena, (const char *)d + ENTRY_SIZE, name);
    FAIL_IF_NULL(m->name, zip->path);
    uint64_t *const wanted[3] = {&m->size, &packed, &offset};
    TRY(read_extra(zip, dir, *at + ENTRY_SIZE + name, extra, wanted));
    TRY(read_local(zip, offset, m));
    if (!inside(zip, m->offset, packed))
        return bad(zip, place, "a member goes beyond the end of the file");
    if (m->method == 0 && packed != m->size)
        return bad(zip, place, "a stored member with two sizes");
    if (m->method != 0)
        m->size = packed; /* only where it lies matters */
    *at += ENTRY_SIZE + name + extra + comment;
fail:
    return status;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct zip_member *)a)->name, ((const struct zip_member *)b)->name);
}

static int by_offset(const void *a, const void *b)
{
    const struct zip_member *x = a, *y = b;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static enum mien_status check_members(struct zip *zip)
{
    struct zip_member *m = zip->members;
    if (zip->count == 0)
        return bad(zip, 0, "no members");
    qsort(m, zip->count, sizeof(*m), by_offset);
    for (size_t i = 1; i < zip->count; i++)
        if (m[i].offset < m[i - 1].offset + m[i - 1].size)
            return bad(zip, m[i].offset, "two members share bytes");
    qsort(m, zip->count, sizeof(*m), by_name);
    for (size_t i = 1; i < zip->count; i++)
        if (by_name(&m[i - 1], &m[i]) == 0)
            return bad(zip, m[i].offset, "two members of one name");
    return MIEN_OK;
}

enum mien_status zip_open(const struct base_source *source, const char *path, struct zip *out)
{
    enum mien_status status = MIEN_OK;
    struct directory dir = {0};
    *out = (struct zip){.path = path};
    TRY(base_source_in(source, path, &out->in));
    TRY(find_directory(out, &dir));
    out->members = base_arena_array(&out->arena, (size_t)dir.count + 1, sizeof(*out->members));
    FAIL_IF_NULL(out->members, path);
    for (uint64_t at = 0; out->count < dir.count; out->count++)
        TRY(read_entry(out, &dir, &at, &out->members[out->count]));
    TRY(check_members(out));
    base_free(dir.bytes);
    return MIEN_OK;
fail:
    base_free(dir.bytes);
    zip_close(out);
    return status;
}

void zip_close(struct zip *zip)
{
    base_in_close(&zip->in);
    base_arena_clear(&zip->arena);
    *zip = (struct zip){0};
}

struct zip_member *zip_find(const struct zip *zip, const char *name)
{
    struct zip_member key = {.name = name};
    return zip->count == 0 ? NULL : bsearch(&key, zip->members, zip->count, sizeof(key), by_name);
}

static enum mien_status sum(const struct zip *zip, const struct zip_member *m, uint32_t *crc)
{
    enum mien_status status = MIEN_OK;
    unsigned char *piece = base_alloc(PIECE, 1);
    *crc = 0;
    FAIL_IF_NULL(piece, zip->path);
    for (uint64_t at = 0; at < m->size; at += PIECE) {
        size_t size = (size_t)BASE_MIN((uint64_t)PIECE, m->size - at);
        TRY(base_in_read(zip->in, m->offset + at, piece, size));
        *crc = base_crc32(*crc, piece, size);
    }
fail:
    base_free(piece);
    return status;
}

enum mien_status zip_check(const struct zip *zip, struct zip_member *m)
{
    enum mien_status status = MIEN_OK;
    uint32_t crc = m->crc;
    FAIL_IF(m->method != 0, MIEN_ERR_DATA,
            "%s: byte %llu: %s is compressed (method %u); PyTorch stores its tensors as they are: save the file again "
            "with torch.save",
            zip->path, (unsigned long long)m->offset, m->name, m->method);
    /* 0 stands where PyTorch was told to leave checksums out (torch.serialization.set_crc32_options) */
    if (!m->checked && m->crc != 0)
        TRY(sum(zip, m, &crc));
    FAIL_IF(crc != m->crc, MIEN_ERR_DATA, "%s: byte %llu: the checksum of %s does not fit; the file is damaged",
            zip->path, (unsigned long long)m->offset, m->name);
    m->checked = true;
fail:
    return status;
}

enum mien_status zip_read(const struct zip *zip, struct zip_member *m, struct base_arena *arena,
                          const unsigned char **data)
{
    enum mien_status status = MIEN_OK;
    unsigned char *bytes = NULL;
    *data = NULL;
    TRY(zip_check(zip, m));
    bytes = base_arena_alloc(arena, (size_t)m->size + 1);
    FAIL_IF_NULL(bytes, zip->path);
    TRY(base_in_read(zip->in, m->offset, bytes, (size_t)m->size));
    *data = bytes;
fail:
    return status;
}
