/* encoding.h: the one rule for texts that come in: UTF-8 without zero bytes. */
#ifndef BASE_ENCODING_H
#define BASE_ENCODING_H

#include "mien/common.h"

/* Bytes of the well-formed UTF-8 character at text (RFC 3629: shortest form, no surrogates, at most U+10FFFF) when
 * `left` >= 1 bytes are there; 0 when there is none. */
size_t base_utf8_length(const char *text, size_t left);

/* Length of the longest beginning of text [size] that is UTF-8 without zero bytes: size where all of it is. */
size_t base_utf8_prefix(const char *text, size_t size);

/* A whole file's text [size]: MIEN_ERR_DATA with path and line when it is not UTF-8 or holds a zero byte; UTF-16 and
 * UTF-32 are named, with the remedy. *skip (may be NULL) is the length of the byte-order mark at its beginning, which
 * is no part of the text, or 0. */
enum mien_status base_text_check(const char *path, const char *text, size_t size, size_t *skip);

/* Text in GBK (GB 18030, which has it in it) as UTF-8, ended by a zero byte: *text [*size], malloc'ed by base_alloc, is
 * replaced. MIEN_ERR_DATA with path and line: it is neither, or the system has no such converter. */
enum mien_status base_text_from_gbk(const char *path, char **text, size_t *size);

/* A text that an application or a command line gives, ended by a zero byte: MIEN_ERR_ARG when it is not UTF-8. `what`
 * names it for the message ("a text", "template 2"). */
enum mien_status base_argument_check(const char *what, const char *text);

#endif
