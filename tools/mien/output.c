/* output.c: what is told of an output before the work that makes it, and texts as a terminal may have them. */
#include "command.h"

#include "base/shown.h"
#include "base/system.h"

#include <stdio.h>

int output_check(const struct command *command, const char *path)
{
    const char *why = base_output_trouble(path);
    return why ? complain(command, 1, "%s: cannot be written: %s", path, why) : 0;
}

void print_shown(const char *text)
{
    bool terminal = base_is_terminal(BASE_STDOUT);
    while (*text && terminal) {
        char one[BASE_SHOWN_MOST];
        bool line = *text == '\n';
        base_shown_next(&text, one);
        fputs(line ? "\n" : one, stdout);
    }
    fputs(text, stdout);
}
