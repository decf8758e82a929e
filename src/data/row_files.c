/* row_files.c: asks the file system for the files of rows. */
#include "data/row_files.h"

struct search {
    const struct data_manifest *manifest;
    const struct data_pack *pack;
    const uint32_t *rows;
    size_t count;
    const char **gone; /* [count] the path that names nothing, or NULL */
};

enum { BLOCK = 512, THREADS = 8 }; /* as many questions at once as a file server likes */

/* The first path of a row that names nothing, or NULL. */
static const char *missing_of(const struct search *s, uint32_t index)
{
    const struct data_row *row = &s->manifest->rows[index];
    const char *path = row->image ? row->image : row->video ? row->video : row->frames_dir;
    if (path)
        return data_pack_has(s->pack, index) || base_file_exists(path) ? NULL : path;
    for (uint32_t i = 0; i < row->frame_count; i++) {
        if (!base_file_exists(row->frames[i]))
            return row->frames[i];
    }
    return NULL;
}

static void look_up(void *user, uint32_t block)
{
    struct search *s = user;
    size_t end = BASE_MIN(((size_t)block + 1) * BLOCK, s->count);
    for (size_t i = (size_t)block * BLOCK; i < end; i++)
        s->gone[i] = missing_of(s, s->rows[i]);
}

static enum mien_status judge(const struct search *s, double most, const char *what, bool *missing)
{
    enum mien_status status = MIEN_OK;
    const struct data_manifest *m = s->manifest;
    size_t bad = 0, first = 0;
    for (size_t i = 0; i < s->count; i++) {
        if (s->gone[i] && bad++ == 0)
            first = i;
    }
    FAIL_IF((double)bad > most * (double)s->count, MIEN_ERR_DATA,
            "%s: %zu of %zu samples of %s are bad, more than data.max_bad (%g of all) allows: their files are not "
            "there, the first one's (line %u) is %s; paths are relative to the manifest. Put the files there, or "
            "remove the rows",
            m->path, bad, s->count, what, most, m->rows[s->rows[first]].line, s->gone[first]);
    for (size_t i = first, told = 0; told < bad; i++) {
        if (!s->gone[i])
            continue;
        LOG_WARN("%s:%u: %s: no such file; sample left out (%zu bad so far)", m->path, m->rows[s->rows[i]].line,
                 s->gone[i], ++told);
        if (missing)
            missing[i] = true;
    }
fail:
    return status;
}

enum mien_status data_rows_find(const struct data_manifest *manifest, const struct data_pack *pack,
                                const uint32_t *rows, size_t count, double most, const char *what, bool *missing)
{
    enum mien_status status = MIEN_OK;
    struct search s = {.manifest = manifest, .pack = pack, .rows = rows, .count = count};
    double began = base_clock_seconds();
    s.gone = base_alloc(count + 1, sizeof(*s.gone));
    FAIL_IF_NULL(s.gone, "a list of files");
    base_parallel_for(THREADS, (uint32_t)((count + BLOCK - 1) / BLOCK), look_up, &s);
    LOG_DEBUG("%s: looked for the files of %zu samples in %.3f s", manifest->path, count, base_clock_seconds() - began);
    TRY(judge(&s, most, what, missing));
fail:
    base_free(s.gone);
    return status;
}
