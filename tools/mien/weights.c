/* weights.c: where the weights that come with Mien are. */
#include "command.h"

#include "base/system.h"

#include <stdio.h>

#define WEIGHTS "synthetic-faces"

/* Below the directory of the program: where `cmake --install` puts them, and where they lie beside a build. */
static const char *const places[] = {"../share/mien/weights/" WEIGHTS, "../../../weights/" WEIGHTS};

const char *default_model(void)
{
    static char path[4096];
    char dir[3072];
    if (!base_program_dir(dir, sizeof(dir)))
        return NULL;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, places[i]);
        if (base_file_is_dir(path))
            return path;
    }
    return NULL;
}
