/* weights.c: one table of tensors over safetensors files or one PyTorch archive. */
#include "io/weights.h"

#include "base/base.h"
#include "io/pt.h"

#include <stdlib.h>
#include <string.h>

enum { HEAD = 64 }; /* bytes that tell what a file is */

struct io_weights {
    struct base_source source; /* without a directory, which `path` has */
    char *path;
    enum io_weights_form form;
    struct io_safetensors **files;
    size_t file_count, file_room;
    struct pt *archives;
    size_t archive_count, archive_room;
    char **paths; /* of the archives */
    size_t path_room;
    const struct io_tensor **tensors; /* sorted by name */
    size_t count;
};

/* The files that a directory may hold its weights in, most wanted first. */
static const char *const places[] = {"model.safetensors",           "model.safetensors.index.json",
                                     "pytorch_model.bin",           "pytorch_model.bin.index.json",
                                     "open_clip_model.safetensors", "open_clip_pytorch_model.bin"};

/* The first of those places in a directory or memory, or the very file that is named in place of a directory. */
static enum mien_status locate(const struct base_source *source, char **out)
{
    static const char *const endings[] = {".safetensors", ".pt", ".pth", ".bin", ".ckpt", ".json", NULL};
    enum mien_status status = MIEN_OK;
    const char *path = base_source_name(source);
    if (!source->files && (base_file_is_dir(path) || (!base_file_exists(path) && !base_path_ends(path, endings))))
        TRY(base_source_check_dir(path, "weights are a file, or a directory that holds them"));
    if (!source->files && !base_file_is_dir(path)) {
        *out = base_path_join("", path);
        FAIL_IF_NULL(*out, path);
        return MIEN_OK;
    }
    for (size_t i = 0; i < BASE_COUNT(places); i++) {
        *out = base_source_path(source, places[i]);
        FAIL_IF_NULL(*out, path);
        if (base_source_has(source, *out))
            return MIEN_OK;
        base_free(*out);
        *out = NULL;
    }
    FAIL_IF(true, MIEN_ERR_DATA, "%s: no weights here; %s or %s is needed", path, places[0], places[2]);
fail:
    return status;
}

static enum mien_status add_safetensors(struct io_weights *w, const char *path)
{
    enum mien_status status = MIEN_OK;
    TRY(base_grow(&w->files, &w->file_room, w->file_count + 1, sizeof(*w->files)));
    TRY(io_safetensors_open_from(&w->source, path, &w->files[w->file_count]));
    w->file_count++;
fail:
    return status;
}

static enum mien_status add_archive(struct io_weights *w, const char *path)
{
    enum mien_status status = MIEN_OK;
    char *kept = base_path_join("", path);
    FAIL_IF_NULL(kept, path);
    TRY(base_grow(&w->paths, &w->path_room, w->archive_count + 1, sizeof(*w->paths)));
    TRY(base_grow(&w->archives, &w->archive_room, w->archive_count + 1, sizeof(*w->archives)));
    TRY(pt_open(&w->source, kept, &w->archives[w->archive_count]));
    w->form = w->archives[w->archive_count].scripted ? IO_WEIGHTS_TORCHSCRIPT : IO_WEIGHTS_TORCH;
    w->paths[w->archive_count++] = kept;
    return MIEN_OK;
fail:
    base_free(kept);
    return status;
}

static bool ends_in(const char *text, const char *end)
{
    size_t a = strlen(text), b = strlen(end);
    return a >= b && strcmp(text + a - b, end) == 0;
}

/* By content; a file that is neither goes to the reader that its name asks for, for the message. */
static enum mien_status add_file(struct io_weights *w, const char *path)
{
    enum mien_status status = MIEN_OK;
    struct base_in *in = NULL;
    unsigned char head[HEAD];
    TRY(base_source_in(&w->source, path, &in));
    size_t size = (size_t)BASE_MIN(base_in_size(in), (uint64_t)HEAD);
    TRY(base_in_read(in, 0, head, size));
    bool zipped = zip_is(head, size), legacy = pt_is_legacy(head, size);
    bool torch = ends_in(path, ".pt") || ends_in(path, ".pth") || ends_in(path, ".bin") || ends_in(path, ".ckpt");
    if (legacy || (torch && !zipped))
        TRY(pt_refuse(path, head, size));
    TRY(zipped ? add_archive(w, path) : add_safetensors(w, path));
fail:
    base_in_close(&in);
    return status;
}

static enum mien_status refuse_outside(const char *path, const char *name)
{
    if (strchr(name, '/') || strchr(name, '\\') || name[0] == '\0' || name[0] == '.')
        return base_fail(MIEN_ERR_DATA, "%s: \"%s\" is not the name of a file beside it", path, name);
    return MIEN_OK;
}

/* Opens every file that the index names, once. */
static enum mien_status open_files(struct io_weights *w, const cJSON *map)
{
    enum mien_status status = MIEN_OK;
    const cJSON *item, *before;
    char *dir = base_path_dir(w->path), *path = NULL;
    FAIL_IF_NULL(dir, w->path);
    cJSON_ArrayForEach(item, map)
    {
        FAIL_IF(!cJSON_IsString(item), MIEN_ERR_DATA, "%s: weight_map: the file of \"%s\" is not a text", w->path,
                item->string);
        bool known = false;
        for (before = map->child; before != item && !known; before = before->next)
            known = strcmp(before->valuestring, item->valuestring) == 0;
        if (known)
            continue;
        TRY(refuse_outside(w->path, item->valuestring));
        base_free(path);
        path =
            w->source.files ? base_source_path(&w->source, item->valuestring) : base_path_join(dir, item->valuestring);
        FAIL_IF_NULL(path, w->path);
        FAIL_IF(!base_source_has(&w->source, path), MIEN_ERR_DATA,
                "%s: %s, which it names, is not there; fetch all parts of the model", w->path, path);
        TRY(add_file(w, path));
    }
fail:
    base_free(dir);
    base_free(path);
    return status;
}

/* Each tensor that the index names must be there, and no other. */
static enum mien_status check_index(const struct io_weights *w, const cJSON *map)
{
    enum mien_status status = MIEN_OK;
    const cJSON *item;
    size_t named = 0;
    cJSON_ArrayForEach(item, map)
    {
        FAIL_IF(!io_weights_find(w, item->string), MIEN_ERR_DATA, "%s: tensor \"%s\" is not in %s", w->path,
                item->string, item->valuestring);
        named++;
    }
    FAIL_IF(named != w->count, MIEN_ERR_DATA, "%s: it names %zu tensors, the files hold %zu", w->path, named, w->count);
fail:
    return status;
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const struct io_tensor *const *)a)->name, (*(const struct io_tensor *const *)b)->name);
}

static enum mien_status gather(struct io_weights *w)
{
    enum mien_status status = MIEN_OK;
    size_t total = 0;
    for (size_t i = 0; i < w->archive_count; i++)
        total += w->archives[i].count;
    for (size_t i = 0; i < w->file_count; i++)
        total += io_safetensors_count(w->files[i]);
    w->tensors = base_alloc(total + 1, sizeof(*w->tensors));
    FAIL_IF_NULL(w->tensors, w->path);
    for (size_t i = 0; i < w->archive_count; i++)
        for (size_t j = 0; j < w->archives[i].count; j++)
            w->tensors[w->count++] = &w->archives[i].tensors[j];
    for (size_t i = 0; i < w->file_count; i++)
        for (size_t j = 0; j < io_safetensors_count(w->files[i]); j++)
            w->tensors[w->count++] = io_safetensors_at(w->files[i], j);
    qsort(w->tensors, w->count, sizeof(*w->tensors), by_name);
    for (size_t i = 1; i < w->count; i++)
        FAIL_IF(by_name(&w->tensors[i - 1], &w->tensors[i]) == 0, MIEN_ERR_DATA, "%s: two tensors are named \"%s\"",
                w->path, w->tensors[i]->name);
fail:
    return status;
}

static enum mien_status open_index(struct io_weights *w)
{
    enum mien_status status = MIEN_OK;
    cJSON *json = NULL;
    const cJSON *map = NULL;
    TRY(base_source_json(&w->source, w->path, &json));
    TRY(base_json_object(json, "weight_map", w->path, &map));
    FAIL_IF(!map || !map->child, MIEN_ERR_DATA, "%s: no weight_map; an index of files of weights was expected",
            w->path);
    TRY(open_files(w, map));
    TRY(gather(w));
    TRY(check_index(w, map));
fail:
    cJSON_Delete(json);
    return status;
}

static enum mien_status open_file(struct io_weights *w)
{
    enum mien_status status = MIEN_OK;
    TRY(add_file(w, w->path));
    TRY(gather(w));
fail:
    return status;
}

enum mien_status io_weights_open(const char *path, struct io_weights **out)
{
    return io_weights_open_from(&(struct base_source){.dir = path}, out);
}

enum mien_status io_weights_open_from(const struct base_source *source, struct io_weights **out)
{
    enum mien_status status = MIEN_OK;
    *out = NULL;
    struct io_weights *w = base_alloc(1, sizeof(*w));
    FAIL_IF_NULL(w, base_source_name(source));
    w->source = (struct base_source){.files = source->files, .file_count = source->file_count};
    TRY(locate(source, &w->path));
    TRY(ends_in(w->path, ".index.json") ? open_index(w) : open_file(w));
    *out = w;
    return MIEN_OK;
fail:
    io_weights_close(&w);
    return status;
}

void io_weights_close(struct io_weights **weights)
{
    if (!weights || !*weights)
        return;
    struct io_weights *w = *weights;
    for (size_t i = 0; i < w->file_count; i++)
        io_safetensors_close(&w->files[i]);
    base_free(w->files);
    for (size_t i = 0; i < w->archive_count; i++) {
        pt_close(&w->archives[i]);
        base_free(w->paths[i]);
    }
    base_free(w->archives);
    base_free(w->paths);
    base_free(w->tensors);
    base_free(w->path);
    base_free(w);
    *weights = NULL;
}

enum io_weights_form io_weights_form(const struct io_weights *weights)
{
    return weights->form;
}

const char *io_weights_path(const struct io_weights *weights)
{
    return weights->path;
}

size_t io_weights_count(const struct io_weights *weights)
{
    return weights->count;
}

const struct io_tensor *io_weights_at(const struct io_weights *weights, size_t index)
{
    return index < weights->count ? weights->tensors[index] : NULL;
}

const struct io_tensor *io_weights_find(const struct io_weights *weights, const char *name)
{
    struct io_tensor tensor = {.name = name};
    const struct io_tensor *key = &tensor;
    const struct io_tensor **found =
        bsearch(&key, weights->tensors, weights->count, sizeof(*weights->tensors), by_name);
    return found ? *found : NULL;
}

const char *io_weights_opaque(const struct io_weights *weights, const char *name)
{
    for (size_t i = 0; i < weights->archive_count; i++)
        for (size_t j = 0; j < weights->archives[i].opaque_count; j++)
            if (strcmp(weights->archives[i].opaque[j].name, name) == 0)
                return weights->archives[i].opaque[j].class;
    return NULL;
}
