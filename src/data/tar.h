/* tar.h: tar archives, read member by member from any member on, and written. POSIX tar has been frozen since 2001 and
 * reading it in order is one page, while what shards need of it, going on at a member's byte, no archive library has:
 * so it is read here. Read are ustar, pax (path and size), GNU's long names and sizes, and the form of 1979. Refused
 * are compressed archives (with the command that unpacks them), links, sparse files and parts of other volumes. */
#ifndef DATA_TAR_H
#define DATA_TAR_H

#include "base/base.h"

enum { TAR_BLOCK = 512 };

struct tar_reader {
    const struct base_in *in; /* borrowed */
    const char *path;         /* for messages */
    uint64_t origin;          /* for messages: what stands before the first byte of `in` in the archive */
    uint64_t at;              /* of the next header */
    char *name;               /* of the last member */
    size_t name_capacity;
    bool cut; /* the file has ended without the blocks of zeros that end an archive: members may be missing */
};

/* A regular file in the archive. */
struct tar_member {
    const char *name; /* NULL: the archive has ended; the reader's, until the next call */
    uint64_t header;  /* the byte where it begins, with the headers that name it */
    uint64_t data;    /* where its content begins */
    uint64_t size;    /* of the content */
    uint64_t end;     /* where the next one begins */
};

/* From the byte `at` on, where a member begins. MIEN_ERR_DATA: empty, or compressed. Ended by tar_clear. */
enum mien_status tar_begin(const struct base_in *in, const char *path, uint64_t origin, uint64_t at,
                           struct tar_reader *out);
/* The next regular file; directories are passed over. Two zero bytes' blocks, one, or the file's end after a whole
 * member end the archive. MIEN_ERR_DATA with path and byte: a wrong checksum, a number that is none, a member that the
 * file's end cuts off, and what is refused above. */
enum mien_status tar_next(struct tar_reader *reader, struct tar_member *out);
void tar_clear(struct tar_reader *reader);

/* Writes a regular file: owner 0, mode 0644, time 0, so that the same files give the same bytes. The name has at most
 * 100 bytes. */
enum mien_status tar_write(struct base_out *out, const char *name, const void *data, size_t size);
/* The two blocks that end an archive. */
enum mien_status tar_write_end(struct base_out *out);

#endif
