/* sized.h: public structs that begin with their own size, so that they can grow (mien/common.h). */
#ifndef BASE_SIZED_H
#define BASE_SIZED_H

#include "mien/common.h"

/* Fills *own from what the caller gave: as much of it as the caller's headers know, zeros beyond; NULL: zeros.
 * MIEN_ERR_ARG: a size that cannot be, or a value in what this version does not know. `function` and `name` are for the
 * message. */
enum mien_status base_sized_read(void *own, size_t own_size, const void *given, const char *function, const char *name);
#define SIZED_READ(own, given) base_sized_read((own), sizeof(*(own)), (given), __func__, #given)

/* Fills what the caller gave room for (NULL: none) from *own: as much as the caller's headers know. */
enum mien_status base_sized_write(void *given, const void *own, size_t own_size, const char *function,
                                  const char *name);
#define SIZED_WRITE(given, own) base_sized_write((given), (own), sizeof(*(own)), __func__, #given)

/* The first lines of a function with a result of that kind (NULL: none): zeros in it but for its size. */
enum mien_status base_sized_clear(void *given, const char *function, const char *name);
#define SIZED_CLEAR(given) base_sized_clear((given), __func__, #given)

/* The size that a caller's struct states, checked. */
enum mien_status base_sized_check(const void *given, size_t *size, const char *function, const char *name);

#endif
