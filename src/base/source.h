/* source.h: where the files of a model come from: a directory, or an application's memory. Readers ask for the path of
 * a name first, which is what their messages call the file, and then for what is there. */
#ifndef BASE_SOURCE_H
#define BASE_SOURCE_H

#include "base/file.h"
#include "base/json.h"

struct base_source {
    const char *dir;               /* not asked where there are files */
    const struct mien_file *files; /* [file_count] borrowed; NULL: files on the disk */
    size_t file_count;
};

/* MIEN_ERR_ARG unless either the directory or files are given, and each of these has its bytes and a name of its own;
 * MIEN_ERR_DATA when there is no such directory. */
enum mien_status base_source_make(const char *dir, const struct mien_file *files, size_t file_count,
                                  struct base_source *out);

/* MIEN_OK for a directory; else MIEN_ERR_DATA, which says what `path` is instead and what to do: a file of weights, a
 * file of a model directory, the directory of a run, a name of the Hugging Face Hub. `what` says who asks, as a
 * sentence's end. */
enum mien_status base_source_check_dir(const char *path, const char *what);

const char *base_source_name(const struct base_source *source); /* for messages: the directory, or "memory" */
/* "dir/name" or "memory: name"; free with base_free; NULL when out of memory. */
char *base_source_path(const struct base_source *source, const char *name);

/* As their namesakes in file.h and json.h. `path` is of base_source_path; where there are no files, any path. */
bool base_source_has(const struct base_source *source, const char *path);
enum mien_status base_source_read(const struct base_source *source, const char *path, size_t max_size, char **data,
                                  size_t *size);
enum mien_status base_source_json(const struct base_source *source, const char *path, cJSON **out);
/* Files in memory must outlive it. */
enum mien_status base_source_in(const struct base_source *source, const char *path, struct base_in **out);

#endif
