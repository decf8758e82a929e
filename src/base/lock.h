/* lock.h: one owner among processes. A lock is a file that its owner keeps open under an advisory lock of the system:
 * it dies with its process, however that ends, and a file that is left behind means nothing. Two owners in one process
 * exclude each other as well. */
#ifndef BASE_LOCK_H
#define BASE_LOCK_H

#include "mien/common.h"

struct base_lock;

/* Takes the lock whose file is `path`; its directory must exist. *out is NULL with MIEN_OK, and nothing is logged,
 * where somebody else holds it (what that means only the caller knows); *owner is then that process's number, 0 where
 * it is not known. MIEN_ERR_IO: the file cannot be made. On a file system without locks it is taken all the same, and a
 * warning says so. */
enum mien_status base_lock_take(const char *path, struct base_lock **out, long *owner);

/* Removes the file, clears; accepts NULL. */
void base_lock_release(struct base_lock **lock);

#endif
