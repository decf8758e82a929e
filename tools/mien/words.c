/* words.c: lists separated by commas. */
#include "command.h"

#include <stdlib.h>
#include <string.h>

static bool add_line(struct words *t, const char *text, size_t length)
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

int labels_split(const struct command *command, const char *text, struct words *out)
{
    *out = (struct words){0};
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

void words_free(struct words *t)
{
    for (size_t i = 0; i < t->count; i++)
        free((char *)(uintptr_t)t->lines[i]);
    free(t->lines);
    *t = (struct words){0};
}
