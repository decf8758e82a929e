/* stamp.h: what tells that a file has changed since it was read. */
#ifndef BASE_STAMP_H
#define BASE_STAMP_H

#include <stdbool.h>
#include <stdint.h>

/* Size in bytes, and when it was written: seconds since 1970, and nanoseconds of them (0 where nobody keeps them). */
struct base_stamp {
    uint64_t size;
    int64_t seconds, nanoseconds;
};

/* False, and zeros, when there is no such file. */
bool base_file_stamp(const char *path, struct base_stamp *out);
/* The same of dir/name, without memory that could run out. */
bool base_file_stamp_in(const char *dir, const char *name, struct base_stamp *out);

#endif
