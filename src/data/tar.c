/* tar.c: a member is a block of 512 bytes, its header, and its content, filled up to whole blocks. */
#include "data/tar.h"

#include <string.h>

enum {
    NAME = 0,
    NAME_SIZE = 100,
    MODE = 100,
    OWNER = 108,
    GROUP = 116,
    SIZE = 124,
    TIME = 136,
    SUM = 148,
    TYPE = 156,
    MAGIC = 257,
    PREFIX = 345,
    PREFIX_SIZE = 155,
};

/* What headers before a member's own say of it. */
struct extended {
    bool has_name, has_size;
    uint64_t size;
};

enum { MOST_EXTENDED = 1 << 20 }; /* bytes of a pax header or a long name */

static unsigned long long byte_of(const struct tar_reader *r, uint64_t at)
{
    return (unsigned long long)(r->origin + at);
}

/* ---- reading ---- */

enum mien_status tar_begin(const struct base_in *in, const char *path, uint64_t origin, uint64_t at,
                           struct tar_reader *out)
{
    static const struct {
        const char *magic, *name, *command;
        size_t size;
    } packed[] = {{"\x1f\x8b", "gzip", "gunzip", 2},
                  {"BZh", "bzip2", "bunzip2", 3},
                  {"\xfd"
                   "7zXZ",
                   "xz", "unxz", 5},
                  {"\x28\xb5\x2f\xfd", "zstd", "unzstd", 4},
                  {"PK\x03\x04", "zip", "funzip", 4}};
    enum mien_status status = MIEN_OK;
    char head[8] = {0};
    *out = (struct tar_reader){.in = in, .path = path, .origin = origin, .at = at};
    FAIL_IF(base_in_size(in) == 0, MIEN_ERR_DATA, "%s: is empty; a tar archive is expected", path);
    if (at == 0 && base_in_size(in) >= sizeof(head))
        TRY(base_in_read(in, 0, head, sizeof(head)));
    for (size_t i = 0; i < BASE_COUNT(packed); i++)
        FAIL_IF(memcmp(head, packed[i].magic, packed[i].size) == 0, MIEN_ERR_DATA,
                "%s: is compressed (%s); shards are read in place: unpack it by %s <%s >OTHER.tar", path,
                packed[i].name, packed[i].command, path);
fail:
    return status;
}

void tar_clear(struct tar_reader *r)
{
    base_free(r->name);
    *r = (struct tar_reader){0};
}

/* A field's number: octal digits between blanks and zeros or, as GNU has it, binary after a byte of 0x80. */
static bool number_of(const unsigned char *field, size_t size, uint64_t *out)
{
    size_t i = 0;
    *out = 0;
    if (field[0] == 0x80) {
        for (i = 1; i < size; i++) {
            if (*out >> 55)
                return false;
            *out = *out << 8 | field[i];
        }
        return true;
    }
    while (i < size && field[i] == ' ')
        i++;
    for (; i < size && field[i] >= '0' && field[i] <= '7'; i++)
        *out = *out << 3 | (uint64_t)(field[i] - '0');
    for (; i < size; i++)
        if (field[i] != ' ' && field[i] != 0)
            return false;
    return true;
}

/* Of all bytes, those of the sum as blanks; old programs took them for signed ones. */
static bool sum_fits(const unsigned char *block)
{
    uint64_t told;
    int64_t plain = 0, is_signed = 0;
    for (int i = 0; i < TAR_BLOCK; i++) {
        unsigned char byte = i >= SUM && i < SUM + 8 ? ' ' : block[i];
        plain += byte;
        is_signed += (signed char)byte;
    }
    return number_of(block + SUM, 8, &told) && ((int64_t)told == plain || (int64_t)told == is_signed);
}

static bool is_zero(const unsigned char *block)
{
    for (int i = 0; i < TAR_BLOCK; i++)
        if (block[i])
            return false;
    return true;
}

static enum mien_status keep_name(struct tar_reader *r, const char *name, size_t size)
{
    enum mien_status status = MIEN_OK;
    TRY(base_grow(&r->name, &r->name_capacity, size + 1, 1));
    memcpy(r->name, name, size);
    r->name[size] = 0;
fail:
    return status;
}

/* One "LENGTH KEY=VALUE\n" of a pax header's text, which `left` bytes follow. */
static enum mien_status read_record(struct tar_reader *r, const char *text, size_t left, struct extended *e,
                                    size_t *length)
{
    enum mien_status status = MIEN_OK;
    size_t digits = strspn(text, "0123456789"), size = 0;
    for (size_t i = 0; i < digits && size < MOST_EXTENDED; i++)
        size = size * 10 + (size_t)(text[i] - '0');
    const char *key = text + digits + 1;
    FAIL_IF(digits == 0 || text[digits] != ' ' || size > left || size < digits + 2 || text[size - 1] != '\n',
            MIEN_ERR_DATA, "%s: byte %llu: a pax header whose records have wrong lengths", r->path, byte_of(r, r->at));
    const char *equals = memchr(key, '=', size - digits - 1), *value = equals ? equals + 1 : NULL;
    *length = size;
    if (!equals)
        return MIEN_OK;
    FAIL_IF(strncmp(key, "GNU.sparse.", 11) == 0, MIEN_ERR_DATA,
            "%s: byte %llu: a sparse file; write the archive without --sparse", r->path, byte_of(r, r->at));
    if (strncmp(key, "path=", 5) == 0) {
        TRY(keep_name(r, value, (size_t)(text + size - 1 - value)));
        e->has_name = true;
    } else if (strncmp(key, "size=", 5) == 0) {
        e->size = 0;
        for (; *value >= '0' && *value <= '9' && !(e->size >> 58); value++)
            e->size = e->size * 10 + (uint64_t)(*value - '0');
        FAIL_IF(value != text + size - 1 || value == equals + 1, MIEN_ERR_DATA,
                "%s: byte %llu: a pax header whose size is no number", r->path, byte_of(r, r->at));
        e->has_size = true;
    }
fail:
    return status;
}

/* A pax header's text, or the long name of GNU's. */
static enum mien_status read_extended(struct tar_reader *r, char type, uint64_t data, uint64_t size, struct extended *e)
{
    enum mien_status status = MIEN_OK;
    char *text = NULL;
    FAIL_IF(size > MOST_EXTENDED, MIEN_ERR_DATA, "%s: byte %llu: a header of %llu bytes is beyond reason", r->path,
            byte_of(r, r->at), (unsigned long long)size);
    text = base_alloc(size + 1, 1);
    FAIL_IF_NULL(text, r->path);
    TRY(base_in_read(r->in, data, text, size));
    if (type == 'L') {
        TRY(keep_name(r, text, strlen(text)));
        e->has_name = true;
    }
    for (size_t at = 0, length = 0; type == 'x' && at < size; at += length)
        TRY(read_record(r, text + at, size - at, e, &length));
fail:
    base_free(text);
    return status;
}

/* The name in the header itself. */
static enum mien_status plain_name(struct tar_reader *r, const unsigned char *block)
{
    char name[PREFIX_SIZE + 1 + NAME_SIZE + 1] = "";
    const char *own = (const char *)block + NAME, *prefix = (const char *)block + PREFIX;
    bool split = memcmp(block + MAGIC, "ustar\0", 6) == 0 && *prefix;
    snprintf(name, sizeof(name), "%.*s%s%.*s", split ? PREFIX_SIZE : 0, prefix, split ? "/" : "", NAME_SIZE, own);
    return keep_name(r, name, strlen(name));
}

static enum mien_status refuse_type(const struct tar_reader *r, char type)
{
    const char *what = "is of a kind that shards do not hold";
    if (type == '1' || type == '2')
        what = "is a link, whose content stands elsewhere; write the archive by tar --dereference --hard-dereference";
    if (type == 'S')
        what = "is sparse; write the archive without --sparse";
    if (type == 'M')
        what = "goes on from another volume; write the archive in one";
    bool shown = type > ' ' && type < 127;
    return base_fail(MIEN_ERR_DATA, "%s: byte %llu: the member %s %s (type '%c')", r->path, byte_of(r, r->at), r->name,
                     what, shown ? type : '?');
}

/* The header at r->at: its type, place and size. *ended: there is none. */
static enum mien_status read_header(struct tar_reader *r, unsigned char *block, uint64_t *size, bool *ended)
{
    enum mien_status status = MIEN_OK;
    uint64_t left = base_in_size(r->in) - r->at;
    *ended = r->cut = left == 0;
    if (*ended)
        return MIEN_OK;
    FAIL_IF(left < TAR_BLOCK, MIEN_ERR_DATA, "%s: byte %llu: the file ends within a header; it was cut off", r->path,
            byte_of(r, r->at));
    TRY(base_in_read(r->in, r->at, block, TAR_BLOCK));
    *ended = is_zero(block);
    if (*ended)
        return MIEN_OK;
    FAIL_IF(!sum_fits(block), MIEN_ERR_DATA,
            "%s: byte %llu: no header of a tar archive, or a damaged one: the checksum "
            "is wrong",
            r->path, byte_of(r, r->at));
    FAIL_IF(!number_of(block + SIZE, 12, size), MIEN_ERR_DATA, "%s: byte %llu: the size of a member is no number",
            r->path, byte_of(r, r->at));
fail:
    return status;
}

enum mien_status tar_next(struct tar_reader *r, struct tar_member *out)
{
    enum mien_status status = MIEN_OK;
    unsigned char block[TAR_BLOCK];
    struct extended e = {0};
    uint64_t begin = r->at, size = 0;
    bool ended = false;
    *out = (struct tar_member){0};
    for (;;) {
        TRY(read_header(r, block, &size, &ended));
        if (ended)
            break;
        char type = (char)block[TYPE];
        bool head = type == 'x' || type == 'g' || type == 'L' || type == 'K';
        if (!head && e.has_size)
            size = e.size;
        if (!head && !e.has_name)
            TRY(plain_name(r, block));
        uint64_t data = r->at + TAR_BLOCK, left = base_in_size(r->in) - data;
        FAIL_IF(size > left, MIEN_ERR_DATA,
                "%s: byte %llu: a member of %llu bytes begins, of which %llu are there; the file was cut off", r->path,
                byte_of(r, r->at), (unsigned long long)size, (unsigned long long)left);
        uint64_t end = BASE_MIN(data + base_round_up(size, TAR_BLOCK), base_in_size(r->in));
        if (type == '0' || type == 0 || type == '7') {
            *out = (struct tar_member){.name = r->name, .header = begin, .data = data, .size = size, .end = end};
            r->at = end;
            break;
        }
        if (head && type != 'g')
            TRY(read_extended(r, type, data, size, &e));
        else if (type != 'g' && type != '5' && type != 'V')
            return refuse_type(r, type);
        if (!head)
            e = (struct extended){0};
        r->at = end;
        begin = head ? begin : end;
    }
fail:
    return status;
}

/* ---- writing ---- */

enum mien_status tar_write(struct base_out *out, const char *name, const void *data, size_t size)
{
    static const unsigned char zeros[TAR_BLOCK];
    enum mien_status status = MIEN_OK;
    unsigned char block[TAR_BLOCK] = {0};
    unsigned sum = 0;
    FAIL_IF(strlen(name) > NAME_SIZE, MIEN_ERR_ARG, "%s: too long a name for a shard", name);
    FAIL_IF((uint64_t)size >> 33, MIEN_ERR_ARG, "%s: %zu bytes are too many for a shard's member", name, size);
    memcpy(block + NAME, name, strlen(name));
    memcpy(block + MODE, "0000644", 8);
    memcpy(block + OWNER, "0000000", 8);
    memcpy(block + GROUP, "0000000", 8);
    snprintf((char *)block + SIZE, 12, "%011llo", (unsigned long long)size);
    memcpy(block + TIME, "00000000000", 12);
    memset(block + SUM, ' ', 8);
    block[TYPE] = '0';
    memcpy(block + MAGIC,
           "ustar\0"
           "00",
           8);
    for (int i = 0; i < TAR_BLOCK; i++)
        sum += block[i];
    snprintf((char *)block + SUM, 7, "%06o", sum);
    TRY(base_out_write(out, block, sizeof(block)));
    TRY(base_out_write(out, data, size));
    TRY(base_out_write(out, zeros, (size_t)(base_round_up(size, TAR_BLOCK) - size)));
fail:
    return status;
}

enum mien_status tar_write_end(struct base_out *out)
{
    static const unsigned char zeros[2 * TAR_BLOCK];
    return base_out_write(out, zeros, sizeof(zeros));
}
