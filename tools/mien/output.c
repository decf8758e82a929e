/* output.c: what is told of an output before the work that makes it. */
#include "command.h"

#include "base/system.h"

int output_check(const struct command *command, const char *path)
{
    const char *why = base_output_trouble(path);
    return why ? complain(command, 1, "%s: cannot be written: %s", path, why) : 0;
}
