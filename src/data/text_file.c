/* text_file.c: files of texts, one a line (mien/data.h). */
#include "base/base.h"
#include "data/manifest.h"
#include "mien/data.h"

#include <string.h>

struct texts {
    struct mien_texts public; /* first */
    const char **lines;
    size_t capacity;
    char *file; /* what lines point into */
};

static enum mien_status add_line(struct texts *t, char *line, size_t length, uint32_t flags)
{
    enum mien_status status = MIEN_OK;
    if (length && line[length - 1] == '\r')
        length--;
    line[length] = 0; /* where the line's end was */
    if (!(flags & MIEN_EMPTY_LINES) && data_is_blank(line))
        return MIEN_OK;
    TRY(base_grow(&t->lines, &t->capacity, t->public.count + 1, sizeof(*t->lines)));
    t->lines[t->public.count++] = line;
fail:
    return status;
}

enum mien_status mien_texts_read(const char *path, uint32_t flags, struct mien_texts **out)
{
    enum mien_status status = MIEN_OK;
    struct texts *t = NULL;
    struct mien_texts *made = NULL;
    size_t size = 0, skip = 0;
    NEED(out);
    *out = NULL;
    NEED(path);
    FAIL_IF(flags & ~(uint32_t)MIEN_EMPTY_LINES, MIEN_ERR_ARG,
            "mien_texts_read: flags are 0x%x; that of version %s is MIEN_EMPTY_LINES", flags, mien_version());
    t = base_alloc(1, sizeof(*t));
    FAIL_IF_NULL(t, "texts");
    made = &t->public;
    TRY(base_file_read(path, 0, &t->file, &size));
    TRY(base_text_check(path, t->file, size, &skip));
    char *at = t->file + skip, *end = t->file + size, *next;
    for (; at < end; at = next) {
        char *stop = memchr(at, '\n', (size_t)(end - at));
        next = stop ? stop + 1 : end;
        TRY(add_line(t, at, (size_t)((stop ? stop : end) - at), flags));
    }
    FAIL_IF(made->count == 0, MIEN_ERR_DATA, "%s: no line; write one text a line", path);
    made->lines = t->lines;
    *out = made;
    return MIEN_OK;
fail:
    mien_texts_destroy(&made);
    return status;
}

void mien_texts_destroy(struct mien_texts **texts)
{
    if (!texts || !*texts)
        return;
    struct texts *t = (struct texts *)*texts;
    base_free(t->lines);
    base_free(t->file);
    base_free(t);
    *texts = NULL;
}
