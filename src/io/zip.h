/* zip.h: inside io: the directory of a zip archive, as PyTorch writes them. Stored members can be
 * read; compressed ones are known by name only. */
#ifndef IO_ZIP_H
#define IO_ZIP_H

#include "base/base.h"

struct zip_member {
    const char *name; /* UTF-8 */
    uint64_t offset;  /* of its bytes in the file, header left behind */
    uint64_t size;
    uint32_t crc;
    uint16_t method; /* 0 = stored; otherwise it cannot be read here */
    bool checked;    /* its checksum was found right */
};

struct zip {
    const char *path; /* borrowed */
    struct base_in *in;
    struct zip_member *members; /* sorted by name */
    size_t count;
    struct base_arena arena;
};

/* Does the file begin as a zip archive does? */
bool zip_is(const unsigned char *data, size_t size);

/* Opens the file and checks the directory: each member inside the file, under the name that its own header says, no two
 * of one name or over the same bytes; ZIP64 too. MIEN_ERR_DATA with path and byte. `path` must outlive the archive. */
enum mien_status zip_open(const struct base_source *source, const char *path, struct zip *out);
void zip_close(struct zip *zip);

/* NULL when there is none. */
struct zip_member *zip_find(const struct zip *zip, const char *name);
/* Verifies the checksum of a stored member, once; a compressed or damaged one is MIEN_ERR_DATA. */
enum mien_status zip_check(const struct zip *zip, struct zip_member *member);
/* The bytes of such a member, in the arena. */
enum mien_status zip_read(const struct zip *zip, struct zip_member *member, struct base_arena *arena,
                          const unsigned char **data);

#endif
