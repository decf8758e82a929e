/* weights.c: where the weights that come with Mien are. */
#include "command.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WEIGHTS "synthetic-faces"

/* Below the directory of the program: where `cmake --install` puts them, and where they lie beside a build. */
static const char *const places[] = {"../share/mien/weights/" WEIGHTS, "../../../weights/" WEIGHTS};

const char *default_model(void)
{
    static char path[4096];
    char program[3072];
    struct stat info;
    ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
    if (length <= 0)
        return NULL;
    program[length] = 0;
    char *slash = strrchr(program, '/');
    if (!slash)
        return NULL;
    *slash = 0;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", program, places[i]);
        if (stat(path, &info) == 0 && S_ISDIR(info.st_mode))
            return path;
    }
    return NULL;
}
