/* default_weights.c: where the weights that come with Mien are. */
#include "base/base.h"
#include "mien/model.h"

#include <string.h>

#define WEIGHTS "synthetic-faces"

/* Below the directories of the library and the program: where `cmake --install` puts them, and beside a build. */
static const char *const beside_library[] = {"../share/mien/weights/", "../../share/mien/weights/", "../weights/",
                                             NULL};
static const char *const beside_program[] = {"../share/mien/weights/", "../../../weights/", NULL};

static bool is_there(const char *dir, const char *below, char *path, size_t size)
{
    int length = snprintf(path, size, "%s/%s" WEIGHTS, dir, below);
    return length > 0 && (size_t)length < size && base_file_is_dir(path);
}

/* The path is shown to users: it goes up by leaving names out. Both directories are without links (base/system.h). */
static bool is_below(const char *dir, const char *const *places, char *path, size_t size)
{
    char top[3072];
    for (; *places; places++) {
        const char *below = *places;
        char *slash = top;
        snprintf(top, sizeof(top), "%s", dir);
        for (; slash && strncmp(below, "../", 3) == 0; below += 3)
            if ((slash = strrchr(top, '/')) != NULL)
                *slash = 0;
        if (slash && is_there(top, below, path, size))
            return true;
    }
    return false;
}

enum mien_status mien_default_weights(const char *place, char *path, size_t size)
{
    enum mien_status status = MIEN_OK;
    char dir[3072];
    NEED(path && size);
    *path = 0;
    if (!place || !*place)
        place = base_env("MIEN_WEIGHTS_DIR");
    if (place && *place) {
        FAIL_IF(!is_there(place, "", path, size), MIEN_ERR_DATA,
                "%s: no directory " WEIGHTS " in it; name Mien's directory of weights", place);
        return MIEN_OK;
    }
    if (base_library_dir(dir, sizeof(dir)) && is_below(dir, beside_library, path, size))
        return MIEN_OK;
    if (base_program_dir(dir, sizeof(dir)) && is_below(dir, beside_program, path, size))
        return MIEN_OK;
    FAIL_IF(true, MIEN_ERR_DATA,
            "Mien's own weights are beside neither library nor program; name a model directory, or set "
            "MIEN_WEIGHTS_DIR");
fail:
    if (path && size)
        *path = 0;
    return status;
}
