/* encoding.c: whether bytes are UTF-8, and what they are instead. */
#include "base/encoding.h"

#include "base/arena.h"
#include "base/os_internal.h"
#include "base/status.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

size_t base_utf8_length(const char *text, size_t left)
{
    const unsigned char *s = (const unsigned char *)text;
    unsigned low = 0x80, high = 0xBF; /* bounds of the second byte */
    size_t length;
    if (s[0] < 0x80)
        return 1;
    if (s[0] < 0xC2 || s[0] > 0xF4)
        return 0;
    length = s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;
    if (s[0] == 0xE0)
        low = 0xA0;
    else if (s[0] == 0xED)
        high = 0x9F;
    else if (s[0] == 0xF0)
        low = 0x90;
    else if (s[0] == 0xF4)
        high = 0x8F;
    if (left < length || s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if (s[i] < 0x80 || s[i] > 0xBF)
            return 0;
    return length;
}

size_t base_utf8_prefix(const char *text, size_t size)
{
    size_t at = 0, length;
    while (at < size && text[at] && (length = base_utf8_length(text + at, size - at)) > 0)
        at += length;
    return at;
}

/* UTF-16 shows without a mark as well: its zero bytes all are one half of a pair, and either they are many or there is
 * something else that UTF-8 does not have. NULL when it is not that. */
static const char *wide_without_mark(const char *text, size_t size)
{
    enum { SEEN = 4096 };
    size_t zeros[2] = {0}, seen = size < SEEN ? size : SEEN, bad = 0, length;
    for (size_t at = 0; at < seen; at++)
        zeros[at % 2] += text[at] == 0;
    for (size_t at = 0; at < seen && !bad; at += length) {
        length = base_utf8_length(text + at, size - at);
        bad = length == 0;
    }
    size_t most = zeros[0] + zeros[1];
    if (size % 2 != 0 || most == 0 || (zeros[0] > 0 && zeros[1] > 0) || (!bad && most * 4 < seen))
        return NULL;
    return zeros[1] > 0 ? "UTF-16LE" : "UTF-16BE";
}

/* The encoding that a mark or zero bytes give away, as iconv calls it, or NULL. */
static const char *wide_encoding(const char *text, size_t size)
{
    if (size >= 4 && (memcmp(text, "\xFF\xFE\0\0", 4) == 0 || memcmp(text, "\0\0\xFE\xFF", 4) == 0))
        return "UTF-32";
    if (size >= 2 && (memcmp(text, "\xFF\xFE", 2) == 0 || memcmp(text, "\xFE\xFF", 2) == 0))
        return "UTF-16";
    return wide_without_mark(text, size);
}

enum mien_status base_text_check(const char *path, const char *text, size_t size, size_t *skip)
{
    size_t good = base_utf8_prefix(text, size), line = 1;
    const char *wide;
    if (skip)
        *skip = size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    if (good == size)
        return MIEN_OK;
    wide = wide_encoding(text, size);
    if (wide)
        return base_fail(MIEN_ERR_DATA, "%s:1: %s, not UTF-8; save the file as UTF-8 (iconv -f %s -t UTF-8 does it)",
                         path, wide, wide);
    for (size_t at = 0; at < good; at++)
        line += text[at] == '\n';
    if (text[good] == 0)
        return base_fail(MIEN_ERR_DATA, "%s:%zu: a zero byte; texts are UTF-8 without one", path, line);
    return base_fail(MIEN_ERR_DATA, "%s:%zu: not UTF-8 (byte 0x%02X); save the file as UTF-8", path, line,
                     (unsigned)(unsigned char)text[good]);
}

enum mien_status base_text_from_gbk(const char *path, char **text, size_t *size)
{
    enum mien_status status = MIEN_OK;
    size_t room = 2 * *size, line = 1; /* four bytes of UTF-8 from two at most */
    char *out = base_alloc(room + 1, 1);
    FAIL_IF_NULL(out, path);
    ptrdiff_t used = os_to_utf8("GB18030", *text, *size, out, &room);
    for (ptrdiff_t at = 0; at < used; at++)
        line += (*text)[at] == '\n';
    FAIL_IF(used < 0, base_errno_status(MIEN_ERR_DATA),
            "%s: not UTF-8, and this system does not read GBK: %s (on Debian the package libc-gconv-modules-extra may "
            "help); save the file as UTF-8",
            path, strerror(errno));
    FAIL_IF((size_t)used < *size, MIEN_ERR_DATA, "%s:%zu: neither UTF-8 nor GBK; save the file as UTF-8", path, line);
    base_free(*text);
    *text = out;
    *size = room;
    out = NULL;
fail:
    base_free(out);
    return status;
}

enum mien_status base_argument_check(const char *what, const char *text)
{
    enum { SHOWN = 60 };
    size_t size = strlen(text), good = base_utf8_prefix(text, size), from = good;
    if (good == size)
        return MIEN_OK;
    while (from > 0 && (good - from < SHOWN || (text[from] & 0xC0) == 0x80))
        from--;
    return base_fail(MIEN_ERR_ARG, "%s is not UTF-8: byte 0x%02X after \"%.*s\"; give it in UTF-8", what,
                     (unsigned)(unsigned char)text[good], (int)(good - from), text + from);
}
