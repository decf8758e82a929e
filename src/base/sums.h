/* sums.h: checksums of a directory's files, in a file of it: what tells later that none of their bits has changed.
 *
 * checksums.txt: a line for each file, "<CRC-64/XZ, 16 hexadecimal digits>  <bytes>  <name>", in order of names, and at
 * the end "<CRC-64/XZ of what stands before>  end". */
#ifndef BASE_SUMS_H
#define BASE_SUMS_H

#include "mien/common.h"

#define BASE_SUMS_NAME "checksums.txt"

/* Of all regular files in a directory, not of directories in it; each is read once more. MIEN_ERR_IO, MIEN_ERR_DATA. */
enum mien_status base_sums_write(const char *dir);

/* Reads all that the list names, and finds it as it was. *found is false where there is no list. MIEN_ERR_DATA, logged:
 * the list or the first file that is damaged or missing, by name. Files that came later are no matter. */
enum mien_status base_sums_check(const char *dir, bool *found);

#endif
