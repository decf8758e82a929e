/* sums.c: checksums of a directory's files. */
#include "base/sums.h"

#include "base/base.h"
#include "base/crc64.h"
#include "base/stamp.h"

#include <stdio.h>
#include <string.h>

enum { PIECE = 1 << 20 };

struct item {
    const char *name;
    const char *line; /* as the list has it */
    uint64_t crc, size;
};

static enum mien_status sum_one(const char *dir, struct item *item, unsigned char *piece)
{
    enum mien_status status = MIEN_OK;
    struct base_in *in = NULL;
    char *path = base_path_join(dir, item->name);
    FAIL_IF_NULL(path, dir);
    TRY(base_in_open(path, &in));
    for (uint64_t at = 0; at < base_in_size(in); at += PIECE) {
        size_t size = (size_t)BASE_MIN((uint64_t)PIECE, base_in_size(in) - at);
        TRY(base_in_read(in, at, piece, size));
        item->crc = base_crc64(item->crc, piece, size);
        item->size += size;
    }
fail:
    base_in_close(&in);
    base_free(path);
    return status;
}

static enum mien_status sum_all(const char *dir, struct item *items, size_t count)
{
    enum mien_status status = MIEN_OK;
    unsigned char *piece = base_alloc(PIECE, 1);
    FAIL_IF_NULL(piece, dir);
    for (size_t i = 0; i < count; i++)
        TRY(sum_one(dir, &items[i], piece));
fail:
    base_free(piece);
    return status;
}

/* What stands before the name in an item's line, and the last line. Nothing here asks for memory, so that no lack of it
 * looks like damage. */
enum { LINE = 64 };

static int print_begin(char line[LINE], const struct item *item)
{
    return snprintf(line, LINE, "%016llx  %llu  ", (unsigned long long)item->crc, (unsigned long long)item->size);
}

static int print_end(char line[LINE], const char *list, size_t length)
{
    return snprintf(line, LINE, "%016llx  end\n", (unsigned long long)base_crc64(0, list, length));
}

static bool is_listed(const char *dir, const char *name)
{
    struct base_stamp stamp;
    return strcmp(name, BASE_SUMS_NAME) != 0 && base_file_stamp_in(dir, name, &stamp) &&
           !base_file_is_dir_in(dir, name);
}

enum mien_status base_sums_write(const char *dir)
{
    enum mien_status status = MIEN_OK;
    char **names = NULL, *path = base_path_join(dir, BASE_SUMS_NAME);
    size_t entries = 0, count = 0;
    struct item *items = NULL;
    struct base_text text = {0};
    char line[LINE];
    FAIL_IF_NULL(path, dir);
    TRY(base_dir_list(dir, &names, &entries));
    items = base_alloc(entries + 1, sizeof(*items));
    FAIL_IF_NULL(items, dir);
    for (size_t i = 0; i < entries; i++) {
        if (is_listed(dir, names[i]))
            items[count++].name = names[i];
    }
    TRY(sum_all(dir, items, count));
    for (size_t i = 0; i < count; i++) {
        base_text_add(&text, line, (size_t)print_begin(line, &items[i]));
        base_text_print(&text, "%s\n", items[i].name);
    }
    TRY(text.status);
    base_text_add(&text, line, (size_t)print_end(line, text.data ? text.data : "", text.size));
    TRY(text.status);
    TRY(base_file_write_own(path, text.data, text.size));
fail:
    base_dir_list_free(&names, &entries);
    base_text_clear(&text);
    base_free(items);
    base_free(path);
    return status;
}

/* Whether the last line is the sum of all before it; *length: without that line. */
static bool is_whole(const char *list, size_t size, size_t *length)
{
    char line[LINE];
    size_t last = size > 0 ? size - 1 : 0;
    while (last > 0 && list[last - 1] != '\n')
        last--;
    size_t end = (size_t)print_end(line, list, last);
    *length = last;
    return size == last + end && memcmp(line, list + last, end) == 0;
}

/* Cuts the list, which is whole, into lines and their names. */
static enum mien_status read_items(const char *path, char *list, size_t length, struct item **items, size_t *count)
{
    enum mien_status status = MIEN_OK;
    size_t room = 0;
    for (char *line = list, *next; line < list + length; line = next) {
        next = memchr(line, '\n', (size_t)(list + length - line));
        *next++ = 0;
        char *name = strstr(line, "  ") ? strstr(strstr(line, "  ") + 2, "  ") : NULL;
        FAIL_IF(!name || strchr(name + 2, '/'), MIEN_ERR_DATA, "%s: is no list of checksums", path);
        TRY(base_grow(items, &room, *count + 1, sizeof(**items)));
        (*items)[(*count)++] = (struct item){.name = name + 2, .line = line};
    }
fail:
    return status;
}

static bool is_same(const struct item *item)
{
    char line[LINE];
    size_t begin = (size_t)print_begin(line, item);
    return strncmp(line, item->line, begin) == 0 && strcmp(item->line + begin, item->name) == 0;
}

enum mien_status base_sums_check(const char *dir, bool *found)
{
    enum mien_status status = MIEN_OK;
    char *path = base_path_join(dir, BASE_SUMS_NAME), *list = NULL;
    size_t size = 0, length = 0, count = 0;
    struct item *items = NULL;
    *found = false;
    FAIL_IF_NULL(path, dir);
    if (!base_file_exists(path))
        goto fail;
    *found = true;
    TRY(base_file_read(path, 0, &list, &size));
    FAIL_IF(!is_whole(list, size, &length), MIEN_ERR_DATA, "%s: is damaged: its own checksum is wrong", path);
    TRY(read_items(path, list, length, &items, &count));
    TRY(sum_all(dir, items, count));
    for (size_t i = 0; i < count; i++)
        FAIL_IF(!is_same(&items[i]), MIEN_ERR_DATA,
                "%s/%s: is damaged: size or checksum differ from what was written (" BASE_SUMS_NAME ")", dir,
                items[i].name);
fail:
    base_free(path);
    base_free(list);
    base_free(items);
    return status;
}
