/* zip.c: end record, central directory, local headers. Numbers are little endian. */
#include "io/zip.h"

#include <stdlib.h>
#include <string.h>

enum { END_SIZE = 22, END64_SIZE = 56, LOCATOR_SIZE = 20, ENTRY_SIZE = 46, LOCAL_SIZE = 30, MAX_COMMENT = 65535 };
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
    return at <= zip->map.size && size <= zip->map.size - at;
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

/* Where the central directory lies. */
struct directory {
    uint64_t at, size, count;
};

/* The end record: the last place whose comment ends with the file. */
static enum mien_status find_end(const struct zip *zip, uint64_t *at)
{
    const unsigned char *d = zip->map.data;
    uint64_t size = zip->map.size;
    for (uint64_t back = END_SIZE; back <= size && back <= END_SIZE + MAX_COMMENT; back++) {
        *at = size - back;
        if (little(d + *at, 4) == END_SIGN && little(d + *at + 20, 2) == back - END_SIZE)
            return MIEN_OK;
    }
    return bad(zip, size, "no end of the directory found");
}

/* The 64-bit end record, when the locator in front of the end record at `end` leads to one. */
static enum mien_status read_end64(const struct zip *zip, uint64_t end, struct directory *dir)
{
    enum mien_status status = MIEN_OK;
    const unsigned char *d = zip->map.data;
    if (end < LOCATOR_SIZE || little(d + end - LOCATOR_SIZE, 4) != LOCATOR_SIGN)
        return MIEN_OK;
    uint64_t at = little(d + end - LOCATOR_SIZE + 8, 8);
    FAIL_IF(!inside(zip, at, END64_SIZE) || little(d + at, 4) != END64_SIGN, MIEN_ERR_DATA,
            "%s: byte %llu: no 64-bit end record there, where byte %llu points; the zip archive is damaged", zip->path,
            (unsigned long long)at, (unsigned long long)(end - LOCATOR_SIZE));
    dir->count = little(d + at + 32, 8);
    dir->size = little(d + at + 40, 8);
    dir->at = little(d + at + 48, 8);
fail:
    return status;
}

static enum mien_status find_directory(const struct zip *zip, struct directory *dir)
{
    enum mien_status status = MIEN_OK;
    const unsigned char *d = zip->map.data;
    uint64_t end = 0;
    TRY(find_end(zip, &end));
    if (little(d + end + 4, 2) != 0 || little(d + end + 6, 2) != 0)
        return bad(zip, end + 4, "an archive in several parts");
    dir->count = little(d + end + 10, 2);
    dir->size = little(d + end + 12, 4);
    dir->at = little(d + end + 16, 4);
    TRY(read_end64(zip, end, dir));
    if (!inside(zip, dir->at, dir->size))
        return bad(zip, end, "the directory lies outside the file");
    if (dir->count > dir->size / ENTRY_SIZE)
        return bad(zip, end, "more members than the directory has room for");
fail:
    return status;
}

/* Sizes and offset that the entry left to its ZIP64 extra field; in this order, each only when it is missing. */
static enum mien_status read_extra(const struct zip *zip, uint64_t at, uint64_t size, uint64_t *const wanted[3])
{
    const unsigned char *d = zip->map.data;
    for (uint64_t end = at + size; at + 4 <= end;) {
        uint64_t length = little(d + at + 2, 2), p = at + 4;
        if (length > end - p)
            return bad(zip, at, "an extra field goes beyond its entry");
        if (little(d + at, 2) == ZIP64_EXTRA) {
            for (int i = 0; i < 3; i++) {
                if (*wanted[i] != IN_EXTRA)
                    continue;
                if (at + 4 + length - p < 8)
                    return bad(zip, at, "a ZIP64 field is too short");
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
    const unsigned char *d = zip->map.data;
    if (!inside(zip, at, LOCAL_SIZE) || little(d + at, 4) != LOCAL_SIGN)
        return bad(zip, at, "no member begins here");
    uint64_t name = little(d + at + 26, 2), extra = little(d + at + 28, 2);
    if (!inside(zip, at + LOCAL_SIZE, name + extra) || name != strlen(m->name) ||
        memcmp(d + at + LOCAL_SIZE, m->name, name) != 0)
        return bad(zip, at, "the member has another name in the directory");
    m->offset = at + LOCAL_SIZE + name + extra;
    return MIEN_OK;
}

/* One entry of the directory at *at, which moves behind it. */
static enum mien_status read_entry(struct zip *zip, uint64_t *at, uint64_t end, struct zip_member *m)
{
    enum mien_status status = MIEN_OK;
    const unsigned char *d = zip->map.data + *at;
    uint64_t packed, offset;
    if (end - *at < ENTRY_SIZE || little(d, 4) != ENTRY_SIGN)
        return bad(zip, *at, "an entry of the directory was expected");
    uint64_t name = little(d + 28, 2), extra = little(d + 30, 2), comment = little(d + 32, 2);
    if (name + extra + comment > end - *at - ENTRY_SIZE)
        return bad(zip, *at, "an entry goes beyond the directory");
    if (little(d + 8, 2) & ENCRYPTED)
        return bad(zip, *at, "an encrypted member");
    if (memchr(d + ENTRY_SIZE, 0, name))
        return bad(zip, *at, "a name with a zero byte");
    m->method = (uint16_t)little(d + 10, 2);
    m->crc = (uint32_t)little(d + 16, 4);
    packed = little(d + 20, 4);
    m->size = little(d + 24, 4);
    offset = little(d + 42, 4);
    m->name = base_arena_strndup(&zip->arena, (const char *)d + ENTRY_SIZE, name);
    FAIL_IF_NULL(m->name, zip->path);
    uint64_t *const wanted[3] = {&m->size, &packed, &offset};
    TRY(read_extra(zip, *at + ENTRY_SIZE + name, extra, wanted));
    TRY(read_local(zip, offset, m));
    if (!inside(zip, m->offset, packed))
        return bad(zip, *at, "a member goes beyond the end of the file");
    if (m->method == 0 && packed != m->size)
        return bad(zip, *at, "a stored member with two sizes");
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
    TRY(base_source_map(source, path, &out->map));
    TRY(find_directory(out, &dir));
    out->members = base_arena_array(&out->arena, (size_t)dir.count + 1, sizeof(*out->members));
    FAIL_IF_NULL(out->members, path);
    for (uint64_t at = dir.at; out->count < dir.count; out->count++)
        TRY(read_entry(out, &at, dir.at + dir.size, &out->members[out->count]));
    TRY(check_members(out));
    return MIEN_OK;
fail:
    zip_close(out);
    return status;
}

void zip_close(struct zip *zip)
{
    base_map_close(&zip->map);
    base_arena_clear(&zip->arena);
    *zip = (struct zip){0};
}

struct zip_member *zip_find(const struct zip *zip, const char *name)
{
    struct zip_member key = {.name = name};
    return zip->count == 0 ? NULL : bsearch(&key, zip->members, zip->count, sizeof(key), by_name);
}

enum mien_status zip_read(const struct zip *zip, struct zip_member *m, const unsigned char **data)
{
    *data = NULL;
    if (m->method != 0)
        return base_fail(MIEN_ERR_DATA,
                         "%s: byte %llu: %s is compressed (method %u); PyTorch stores its tensors as they are: save "
                         "the file again with torch.save",
                         zip->path, (unsigned long long)m->offset, m->name, m->method);
    /* 0 stands where PyTorch was told to leave checksums out (torch.serialization.set_crc32_options) */
    if (!m->checked && m->crc != 0 && base_crc32(0, zip->map.data + m->offset, (size_t)m->size) != m->crc)
        return base_fail(MIEN_ERR_DATA, "%s: byte %llu: the checksum of %s does not fit; the file is damaged",
                         zip->path, (unsigned long long)m->offset, m->name);
    m->checked = true;
    *data = zip->map.data + m->offset;
    return MIEN_OK;
}
