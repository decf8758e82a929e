/* lock_internal.h: inside base: locks on files that are open anyway. */
#ifndef BASE_LOCK_INTERNAL_H
#define BASE_LOCK_INTERNAL_H

#include <stdbool.h>

/* Locks an open file until it is closed. False: somebody else holds it. */
bool base_fd_lock(int fd);
/* Removes a file whose lock nobody holds. False: somebody does, or it cannot be told, or the file cannot be removed. */
bool base_file_remove_unheld(const char *path);

#endif
