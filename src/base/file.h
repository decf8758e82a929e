/* file.h: files. Every path is UTF-8. Outputs appear whole or not at all: they are written under a temporary name in
 * the same directory, flushed to the disk and renamed. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/system.h" /* base_file_exists, base_file_is_dir */
#include "mien/common.h"

#include <stdio.h>

/* The whole file in malloc'ed memory with a zero byte after it (not counted in *size); free with base_free.
 * MIEN_ERR_DATA when it cannot be opened or is no regular file (a directory, pipe, socket or device is not opened:
 * nothing waits here), MIEN_ERR_IO when reading fails; logged with the path.
 * max_size 0 = no limit; a longer file is MIEN_ERR_DATA. */
enum mien_status base_file_read(const char *path, size_t max_size, char **data, size_t *size);

/* MIEN_ERR_DATA, with what to do about it, when the content is a pointer of Git LFS in place of the file `path`.
 * base_file_read, base_in_open and base_in_memory ask it of whatever they read. */
enum mien_status base_refuse_pointer(const char *path, const void *data, size_t size);

/* The first `room` bytes of a file, or all of a shorter one: *size of them in head. Errors as above. */
enum mien_status base_file_head(const char *path, void *head, size_t room, size_t *size);

/* Bytes that are read in pieces, at any place: of a regular file, or of memory. Files are not mapped: one that becomes
 * shorter is an error where its bytes are asked for, and would be a signal there. */
struct base_in;
enum mien_status base_in_open(const char *path, struct base_in **out);
/* Of data [size], which must outlive it. `name` stands in messages. */
enum mien_status base_in_memory(const char *name, const void *data, size_t size, struct base_in **out);
uint64_t base_in_size(const struct base_in *in); /* when it was opened */
/* Fills data [size]. MIEN_ERR_DATA when the file ends before; MIEN_ERR_IO. Thread-safe. */
enum mien_status base_in_read(const struct base_in *in, uint64_t offset, void *data, size_t size);
void base_in_close(struct base_in **in); /* accepts NULL; clears */

/* An output file under construction. */
struct base_out;
enum mien_status base_out_open(const char *path, struct base_out **out);
/* The same for files that Mien names itself (caches, packs, what lies in a run directory): a link of that name is
 * replaced, and what it leads to stays as it is. Where the user names the output it is followed. */
enum mien_status base_out_open_own(const char *path, struct base_out **out);
enum mien_status base_out_write(struct base_out *out, const void *data, size_t size);
enum mien_status base_out_printf(struct base_out *out, const char *fmt, ...) MIEN_PRINTF(2, 3);
enum mien_status base_out_commit(struct base_out **out); /* fsync, rename, fsync of the directory; clears *out */
void base_out_abandon(struct base_out **out);            /* removes the temporary file; accepts NULL */

/* The end of a regular file that is there already, or is made, never through a link: what is written stands in it at
 * once when it is flushed, and on the disk with `to_disk`. base_out_abandon closes it and leaves what was flushed. */
enum mien_status base_out_append(const char *path, struct base_out **out);
enum mien_status base_out_flush(struct base_out *out, bool to_disk);

/* All of the above in one call. */
enum mien_status base_file_write(const char *path, const void *data, size_t size);
enum mien_status base_file_write_own(const char *path, const void *data, size_t size);

/* A new file in a directory that is itself under construction: written in place, not flushed to the disk (thousands of
 * flushes take minutes). Removed on failure. MIEN_ERR_IO, also when it is there already. */
enum mien_status base_file_write_part(const char *path, const void *data, size_t size);

enum mien_status base_dir_create(const char *path); /* with parents; existing is fine */

/* Names in a directory, sorted by bytes, without "." and "..": malloc'ed array of malloc'ed strings. */
enum mien_status base_dir_list(const char *path, char ***names, size_t *count);
void base_dir_list_free(char ***names, size_t *count);
enum mien_status base_dir_remove(const char *path); /* recursive; missing is fine */
bool base_dir_remove_empty(const char *path);       /* false, and nothing is logged, when it holds something */
enum mien_status base_rename(const char *from, const char *to); /* and fsync of the directory */

/* "dir/name", or name itself when it is absolute; malloc'ed, free with base_free; NULL when out of memory. */
char *base_path_join(const char *dir, const char *name);
/* The absolute path without links and dots; the last part need not exist. Free *out with base_free. MIEN_ERR_DATA when
 * what it is to lie in is not there. */
enum mien_status base_path_absolute(const char *path, char **out);
/* The way from a directory to `to` ("../faces", "." for itself); both must exist. Symbolic links are resolved. Free
 * *out with base_free. MIEN_ERR_DATA when one is not there. */
enum mien_status base_path_relative(const char *from_dir, const char *to, char **out);
/* The same of two absolute paths, by their letters alone: neither need exist. NULL when out of memory. */
char *base_path_way(const char *from_dir, const char *to);
/* The directory part ("." when there is none); malloc'ed. */
char *base_path_dir(const char *path);
/* Whether the path ends with one of `endings` (".png", ...; NULL-ended), in letters of either case. */
bool base_path_ends(const char *path, const char *const *endings);

#endif
