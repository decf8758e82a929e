/* frames.c: a clip as a directory of pictures. */
#include "data/frames.h"

#include <stdlib.h>
#include <string.h>

bool data_is_frame(const char *name)
{
    static const char *const endings[] = {".png", ".jpg", ".jpeg", NULL};
    return name[0] != '.' && base_path_ends(name, endings);
}

static int by_number(const void *a, const void *b)
{
    return data_natural_order(*(const char *const *)a, *(const char *const *)b);
}

enum mien_status data_frames_list(struct base_arena *arena, const char *dir, const char ***paths, size_t *count)
{
    enum mien_status status = MIEN_OK;
    char **names = NULL;
    size_t name_count = 0, kept = 0;
    *paths = NULL;
    *count = 0;
    FAIL_IF(!base_file_is_dir(dir), MIEN_ERR_DATA, "%s: no such directory of frames", dir);
    TRY(base_dir_list(dir, &names, &name_count));
    *paths = base_arena_array(arena, name_count + 1, sizeof(**paths));
    FAIL_IF_NULL(*paths, "the names of frames");
    for (size_t i = 0; i < name_count; i++) {
        if (!data_is_frame(names[i]))
            continue;
        (*paths)[kept] = base_arena_printf(arena, "%s/%s", dir, names[i]);
        FAIL_IF_NULL((*paths)[kept], "the names of frames");
        kept++;
    }
    FAIL_IF(kept == 0, MIEN_ERR_DATA, "%s: no frame; a clip is a directory of .png or .jpg files", dir);
    *count = kept;
    qsort(*paths, kept, sizeof(**paths), by_number); /* all in one directory: as their names */
fail:
    base_dir_list_free(&names, &name_count);
    if (status != MIEN_OK)
        *paths = NULL;
    return status;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t digits_of(const char *text)
{
    return strspn(text, "0123456789");
}

int data_natural_order(const char *a, const char *b)
{
    const char *x = a, *y = b;
    while (*x && *y) {
        if (is_digit(*x) && is_digit(*y)) {
            x += strspn(x, "0");
            y += strspn(y, "0");
            size_t n = digits_of(x), k = digits_of(y);
            int order = n != k ? (n < k ? -1 : 1) : memcmp(x, y, n);
            if (order)
                return order;
            x += n;
            y += k;
        } else if (*x != *y) {
            break;
        } else {
            x++;
            y++;
        }
    }
    int order = (unsigned char)*x - (unsigned char)*y;
    return order ? order : strcmp(a, b);
}

size_t data_frames_pick(size_t total, size_t want, size_t i)
{
    return total <= want ? i : (size_t)(((uint64_t)i * 2 + 1) * total / ((uint64_t)want * 2));
}
