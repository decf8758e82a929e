/* lock_internal.h: inside base: locks on files that are open anyway. */
#ifndef BASE_LOCK_INTERNAL_H
#define BASE_LOCK_INTERNAL_H

#include <stdbool.h>

/* Locks an open file until it is closed. False: somebody else holds it. */
bool base_fd_lock(int fd);
/* Whether somebody holds the lock of a file, or it cannot be told; false where the file is not there. */
bool base_file_is_held(const char *path);

#endif
