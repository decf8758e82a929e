/* pack.h: a data set's pictures, decoded, in one file beside the manifest (MANIFEST.pack), for sets whose decoding
 * would starve the GPU.
 *
 * Layout, little-endian: the pixels, rows without padding; then for each row u64 offset, u32 width, u32 height (0 = the
 * picture could not be read), u32 channels, u32 CRC-32 of the pixels, u64 size of the picture's file, i64 seconds and
 * i64 nanoseconds of its last change; at the end "MIENPACK", u32 version, u32 rows, u64 manifest size, u32 manifest
 * CRC-32, u32 CRC-32 of the table. Pictures are turned as their EXIF says and cut to their box; alpha is
 * kept (4 channels), so that a pack serves every model's rule for it: from pack or file a picture's bits are the same.
 */
#ifndef DATA_PACK_H
#define DATA_PACK_H

#include "data/image.h"
#include "data/manifest.h"

struct data_pack;

struct data_pack_summary {
    uint32_t pictures, bad;
    uint64_t bytes; /* of the file */
};

/* Decodes all pictures on all processors and writes the pack; it appears whole or not at all. Pictures that cannot be
 * read are named in the log and marked. progress (of rows) may be NULL. */
enum mien_status data_pack_write(const struct data_manifest *manifest, mien_progress_fn progress, void *user,
                                 struct data_pack_summary *summary);

/* Opens a manifest's pack. *out stays NULL when there is none, and with a warning when it is damaged or of another
 * version of the manifest: the pictures are then read from their files. */
enum mien_status data_pack_open(const struct data_manifest *manifest, struct data_pack **out);
void data_pack_close(struct data_pack **pack);

/* The picture of a manifest's row, to be freed. False when it is not there, damaged or cut off, or of a file
 * that has changed since; one that has gone is served all the same. */
bool data_pack_image(const struct data_pack *pack, uint32_t row, struct data_image *image);
/* Whether the pack (NULL: none) holds the row's picture, so that its file may be gone. */
bool data_pack_has(const struct data_pack *pack, uint32_t row);

#endif
