/* encoding.c: other encodings, by the C library's iconv. */
#include "base/os_internal.h"

#include <iconv.h>

ptrdiff_t os_to_utf8(const char *encoding, const char *text, size_t size, char *out, size_t *room)
{
    iconv_t converter = iconv_open("UTF-8", encoding);
    char *from = (char *)(uintptr_t)text, *to = out;
    size_t left = size, free_room = *room;
    if (converter == (iconv_t)-1)
        return -1;
    iconv(converter, &from, &left, &to, &free_room);
    iconv_close(converter);
    *room -= free_room;
    return (ptrdiff_t)(size - left);
}
