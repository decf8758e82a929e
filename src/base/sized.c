/* sized.c: copies between a caller's struct and this version's. */
#include "base/sized.h"

#include "base/base.h"

#include <string.h>

enum { MOST = 65536 }; /* bytes of a struct: a larger size was never set */

enum mien_status base_sized_check(const void *given, size_t *size, const char *function, const char *name)
{
    enum mien_status status = MIEN_OK;
    memcpy(size, given, sizeof *size);
    FAIL_IF(*size < sizeof *size || *size > MOST || *size % _Alignof(size_t) != 0, MIEN_ERR_ARG,
            "%s: %s->size is %zu; set it, as {.size = sizeof x} does (mien/common.h)", function, name, *size);
fail:
    return status;
}

enum mien_status base_sized_read(void *own, size_t own_size, const void *given, const char *function, const char *name)
{
    enum mien_status status = MIEN_OK;
    const unsigned char *bytes = given;
    size_t size = own_size;
    memset(own, 0, own_size);
    if (given) {
        TRY(base_sized_check(given, &size, function, name));
        memcpy(own, given, BASE_MIN(size, own_size));
    }
    for (size_t i = own_size; given && i < size; i++)
        FAIL_IF(bytes[i], MIEN_ERR_ARG,
                "%s: %s sets something that version %s does not know (byte %zu); use a newer library, or leave it 0",
                function, name, mien_version(), i);
    memcpy(own, &own_size, sizeof own_size);
fail:
    return status;
}

enum mien_status base_sized_clear(void *given, const char *function, const char *name)
{
    enum mien_status status = MIEN_OK;
    size_t size = 0;
    if (!given)
        return MIEN_OK;
    TRY(base_sized_check(given, &size, function, name));
    memset((char *)given + sizeof size, 0, size - sizeof size);
fail:
    return status;
}

enum mien_status base_sized_write(void *given, const void *own, size_t own_size, const char *function, const char *name)
{
    enum mien_status status = MIEN_OK;
    size_t size = 0;
    if (!given)
        return MIEN_OK;
    TRY(base_sized_check(given, &size, function, name));
    memset(given, 0, size);
    memcpy(given, own, BASE_MIN(size, own_size));
    memcpy(given, &size, sizeof size);
fail:
    return status;
}
