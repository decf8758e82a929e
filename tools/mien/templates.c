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

/* Appends a file's lines. A byte order mark and carriage returns are no part of them. */
static int read_lines(const struct command *command, const char *path, bool keep_empty, struct templates *out)
{
    char *line = NULL;
    size_t capacity = 0;
    bool full = false, first = true;
    ssize_t got = 0;
    FILE *file = fopen(path, "r");
    if (!file)
        return complain(command, 4, "%s: %s", path, strerror(errno));
    while (!full && (got = getline(&line, &capacity, file)) >= 0) {
        size_t skip = first && strncmp(line, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0, length = strcspn(line + skip, "\r\n");
        first = false;
        full = (length || keep_empty) && !add_line(out, line + skip, length);
    }
    bool failed = ferror(file) != 0;
    int error = errno;
    free(line);
    fclose(file);
    if (failed)
        return complain(command, 4, "%s: %s", path, strerror(error));
    return full ? complain(command, 1, "out of memory") : 0;
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
