/* templates.c: a file of label sentences, and lists separated by commas. */
#include "command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool add_line(struct templates *t, const char *text, size_t length)
{
    const char **lines = realloc(t->lines, (t->count + 1) * sizeof(*lines));
    char *copy = malloc(length + 1);
    if (lines)
        t->lines = lines;
    if (!lines || !copy) {
        free(copy);
        return false;
    }
    memcpy(copy, text, length);
    copy[length] = 0;
    t->lines[t->count++] = copy;
    return true;
}

/* The whole file with a zero byte after it; NULL after a message, with the exit status in *result. */
static char *read_file(const struct command *command, const char *path, size_t *size, int *result)
{
    size_t room = 4096, got = 1;
    char *text = NULL, *more;
    FILE *file = fopen(path, "rb");
    *size = 0;
    *result = file ? 0 : complain(command, 4, "%s: %s", path, strerror(errno));
    while (file && got > 0 && *result == 0) {
        room += *size + 1 >= room ? room : 0;
        more = realloc(text, room);
        if (!more) {
            *result = complain(command, 1, "out of memory");
            break;
        }
        text = more;
        *size += got = fread(text + *size, 1, room - *size - 1, file);
        text[*size] = 0;
        if (ferror(file))
            *result = complain(command, 4, "%s: %s", path, strerror(errno));
    }
    if (file)
        fclose(file);
    if (*result == 0)
        return text;
    free(text);
    return NULL;
}

/* Appends a file's lines. A byte order mark and carriage returns are no part of them. */
static int read_lines(const struct command *command, const char *path, bool keep_empty, struct templates *out)
{
    int result = 0;
    size_t size, number = 1;
    char *text = read_file(command, path, &size, &result), *at = text, *end = text ? text + size : NULL;
    if (text && strncmp(at, "\xEF\xBB\xBF", 3) == 0)
        at += 3;
    for (; result == 0 && at < end; number++) {
        char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t length = strcspn(at, "\r\n");
        stop = stop ? stop : end;
        if (memchr(at, 0, (size_t)(stop - at)))
            result = complain(command, 4, "%s: line %zu: a zero byte; texts are UTF-8", path, number);
        else if ((length || keep_empty) && !add_line(out, at, length))
            result = complain(command, 1, "out of memory");
        at = stop + 1;
    }
    free(text);
    return result;
}

int templates_read(const struct command *command, const char *path, struct templates *out)
{
    *out = (struct templates){0};
    int result = read_lines(command, path, false, out);
    if (result == 0 && out->count == 0)
        return complain(command, 4, "%s: no line; write sentences such as \"a face showing {}.\"", path);
    return result;
}

int texts_read(const struct command *command, const char *path, struct templates *out)
{
    size_t before = out->count;
    int result = read_lines(command, path, true, out);
    if (result == 0 && out->count == before)
        return complain(command, 4, "%s: no line; write one text a line", path);
    return result;
}

int labels_split(const struct command *command, const char *text, struct templates *out)
{
    *out = (struct templates){0};
    for (const char *at = text;; at++) {
        size_t whole = strcspn(at, ","), skip = strspn(at, " "), length = skip < whole ? whole - skip : 0;
        while (length && at[skip + length - 1] == ' ')
            length--;
        if (!length)
            return complain(command, 2, "--labels %s: label %zu is empty; name each between two commas", text,
                            out->count + 1);
        if (!add_line(out, at + skip, length))
            return complain(command, 1, "out of memory");
        at += whole;
        if (!*at)
            return 0;
    }
}

void templates_free(struct templates *t)
{
    for (size_t i = 0; i < t->count; i++)
        free((char *)(uintptr_t)t->lines[i]);
    free(t->lines);
    *t = (struct templates){0};
}
