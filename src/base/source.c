/* source.c: files of a directory or of memory. */
#include "base/source.h"

#include "base/base.h"

#include <string.h>

static const char prefix[] = "memory: "; /* of the path of a file in memory: no name on the disk */

static const struct mien_file *find(const struct mien_file *files, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(files[i].name, name) == 0)
            return &files[i];
    return NULL;
}

enum mien_status base_source_make(const char *dir, const struct mien_file *files, size_t file_count,
                                  struct base_source *out)
{
    enum mien_status status = MIEN_OK;
    *out = (struct base_source){.dir = dir, .files = files, .file_count = file_count};
    FAIL_IF(!dir == !files || (file_count && !files), MIEN_ERR_ARG,
            "a model is opened from either a directory or files in memory");
    for (size_t i = 0; i < file_count; i++) {
        FAIL_IF(!files[i].name || (!files[i].bytes && files[i].size), MIEN_ERR_ARG,
                "file %zu in memory lacks its name or its bytes", i);
        FAIL_IF(find(files, i, files[i].name), MIEN_ERR_ARG, "two files in memory are named %s", files[i].name);
    }
    if (dir)
        TRY(base_source_check_dir(dir, "a model is a directory with config.json"));
fail:
    return status;
}

/* A run of `mien train` holds its models one level below. */
static enum mien_status refuse_run(const char *path)
{
    if (!base_file_exists_in(path, "log.jsonl") || base_file_exists_in(path, "model.safetensors"))
        return MIEN_OK;
    if (base_file_is_dir_in(path, "model"))
        return base_fail(MIEN_ERR_DATA, "%s: the directory of a run, not of a model; give %s/model", path, path);
    if (base_file_is_dir_in(path, "checkpoints"))
        return base_fail(MIEN_ERR_DATA,
                         "%s: the directory of a run that has not ended; give one of %s/checkpoints, or end it by "
                         "mien train --resume %s",
                         path, path, path);
    return MIEN_OK;
}

enum mien_status base_source_check_dir(const char *path, const char *what)
{
    static const char *const members[] = {"/config.json",    "/model.safetensors",        "/vocab.json", "/merges.txt",
                                          "/tokenizer.json", "/preprocessor_config.json", NULL};
    static const char *const weights[] = {".safetensors", ".pt", ".pth", ".bin", ".ckpt", NULL};
    if (base_file_is_dir(path))
        return refuse_run(path);
    if (!base_file_exists(path))
        return base_fail(
            MIEN_ERR_DATA,
            "%s: no such directory; %s. Mien fetches nothing: where this is a name of the Hugging Face Hub, "
            "download it (huggingface-cli download NAME --local-dir DIR) and give the directory",
            path, what);
    if (base_path_ends(path, members))
        return base_fail(MIEN_ERR_DATA, "%s: a file of a directory; %s: give the directory itself", path, what);
    if (base_path_ends(path, weights))
        return base_fail(MIEN_ERR_DATA, "%s: a file; %s: make one of it with mien convert %s DIR", path, what, path);
    return base_fail(MIEN_ERR_DATA, "%s: a file; %s", path, what);
}

const char *base_source_name(const struct base_source *source)
{
    return source->files ? "memory" : source->dir;
}

char *base_source_path(const struct base_source *source, const char *name)
{
    if (!source->files)
        return base_path_join(source->dir, name);
    size_t size = sizeof(prefix) + strlen(name);
    char *path = base_alloc(size, 1);
    if (path)
        snprintf(path, size, "%s%s", prefix, name);
    return path;
}

static const struct mien_file *find_path(const struct base_source *source, const char *path)
{
    return find(source->files, source->file_count, path + strlen(prefix));
}

bool base_source_has(const struct base_source *source, const char *path)
{
    return source->files ? find_path(source, path) != NULL : base_file_exists(path);
}

static enum mien_status find_file(const struct base_source *source, const char *path, const struct mien_file **out)
{
    *out = find_path(source, path);
    return *out ? MIEN_OK : base_fail(MIEN_ERR_DATA, "%s: not among the files given", path);
}

enum mien_status base_source_in(const struct base_source *source, const char *path, struct base_in **out)
{
    const struct mien_file *file;
    *out = NULL;
    if (!source->files)
        return base_in_open(path, out);
    enum mien_status status = find_file(source, path, &file);
    return status == MIEN_OK ? base_in_memory(path, file->bytes, file->size, out) : status;
}

enum mien_status base_source_read(const struct base_source *source, const char *path, size_t max_size, char **data,
                                  size_t *size)
{
    enum mien_status status = MIEN_OK;
    const struct mien_file *file;
    if (!source->files)
        return base_file_read(path, max_size, data, size);
    *data = NULL;
    *size = 0;
    TRY(find_file(source, path, &file));
    FAIL_IF(max_size && file->size > max_size, MIEN_ERR_DATA, "%s: longer than the %zu bytes allowed here", path,
            max_size);
    *data = base_alloc(file->size + 1, 1);
    FAIL_IF_NULL(*data, path);
    if (file->size)
        memcpy(*data, file->bytes, file->size);
    *size = file->size;
fail:
    return status;
}

enum mien_status base_source_json(const struct base_source *source, const char *path, cJSON **out)
{
    enum mien_status status = MIEN_OK;
    char *text = NULL;
    size_t size = 0, skip = 0;
    *out = NULL;
    TRY(base_source_read(source, path, 0, &text, &size));
    TRY(base_text_check(path, text, size, &skip));
    TRY(base_json_parse(text + skip, size - skip, path, out));
fail:
    base_free(text);
    return status;
}
