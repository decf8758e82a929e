/* words.c: texts from the command line: their encoding, lists separated by commas. */
#include "command.h"

#include <stdlib.h>
#include <string.h>

size_t utf8_length(const char *text)
{
    const unsigned char *c = (const unsigned char *)text;
    static const struct {
        unsigned char first, last, low, high; /* of the leading byte; of the one after it */
        size_t length;
    } forms[] = {{0x00, 0x7F, 0, 0, 1},       {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3},
                 {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3},
                 {0xF0, 0xF0, 0x90, 0xBF, 4}, {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4}};
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (c[0] < forms[i].first || c[0] > forms[i].last)
            continue;
        if (forms[i].length > 1 && (c[1] < forms[i].low || c[1] > forms[i].high))
            return 0;
        for (size_t k = 2; k < forms[i].length; k++)
            if (c[k] < 0x80 || c[k] > 0xBF)
                return 0;
        return forms[i].length;
    }
    return 0;
}

int check_utf8(const struct command *command, const char *option, const char *text)
{
    for (size_t at = 0, length; text[at]; at += length) {
        length = utf8_length(text + at);
        if (length == 0)
            return complain(command, 2, "%s: not UTF-8 (byte 0x%02X after \"%.*s\"); give the text in UTF-8", option,
                            (unsigned)(unsigned char)text[at], (int)(at < 60 ? at : 0), text);
    }
    return ARGS_RUN;
}

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
