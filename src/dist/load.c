/* load.c: the engine: a module beside the library, or, where it cannot be loaded or belongs to another MPI than the one
 * that has started this process, the one for the MPI 5 standard's ABI. */
#include "dist/dist.h"
#include "dist/engine.h"

#include <stdio.h>
#include <string.h>

#ifdef MIEN_HAVE_MPI
static const char absent[] = "the module is not there; reinstall mien";
#elif defined(MIEN_NO_MPI)
static const char absent[] = "this mien was built without MPI (-DMIEN_MPI=OFF); build it with MPI";
#else
static const char absent[] = "this mien was built where no MPI was found; install libopenmpi-dev or libmpich-dev, and "
                             "configure and build it again";
#endif

struct loading {
    char why[512]; /* the module of the build could not be had */
    const struct dist_engine *engine;
};

static const struct dist_engine *engine_of(void *module, const char *path, struct loading *l)
{
    dist_engine_get get = NULL;
    void *found = base_module_find(module, DIST_ENGINE_SYMBOL);
    if (found)
        memcpy(&get, &found, sizeof(get));
    const struct dist_engine *engine = get ? get() : NULL;
    if (engine && engine->version == DIST_ENGINE_VERSION)
        return engine;
    snprintf(l->why, sizeof(l->why), "%.300s is no module of this version of mien", path);
    return NULL;
}

/* A module of the library's directory, or the one that the environment names. */
static const struct dist_engine *load(const char *name, struct loading *l)
{
    char dir[1024], path[1200], why[400];
    const char *given = base_env("MIEN_MPI_MODULE");
    if (given && *given)
        snprintf(path, sizeof(path), "%.1100s", given);
    else if (base_library_dir(dir, sizeof(dir)))
        snprintf(path, sizeof(path), "%s/mien/%s.so", dir, name);
    else
        return NULL;
    if (!base_file_exists(path)) {
        snprintf(l->why, sizeof(l->why), "%s%s%.300s", given ? "MIEN_MPI_MODULE: no such file: " : absent,
                 given ? "" : "; looked for ", path);
        return NULL;
    }
    void *module = base_module_open(path, false, why, sizeof(why));
    if (module)
        return engine_of(module, path, l);
    snprintf(l->why, sizeof(l->why), "the MPI that it was built with cannot be loaded (%.300s); install it", why);
    return NULL;
}

/* Whether an MPI can be what has started this process. */
static bool suits(const struct dist_engine *engine, const struct dist_place *place)
{
    bool named = strcmp(place->started_by, "Open MPI") == 0 || strcmp(place->started_by, "MPICH") == 0;
    return !named || strcmp(engine->kind, place->started_by) == 0;
}

static const struct dist_engine *load_abi(void)
{
    static const char *const names[] = {"libmpi_abi.so.1", "libmpi_abi.so.0", "libmpi_abi.so"};
    struct loading l = {{0}, NULL};
    char why[400];
    for (size_t i = 0; i < BASE_COUNT(names); i++) {
        if (base_module_open(names[i], true, why, sizeof(why)))
            return load("mien-mpi-abi", &l);
    }
    return NULL;
}

enum mien_status dist_engine_load(const struct dist_place *place, const struct dist_engine **out)
{
    enum mien_status status = MIEN_OK;
    struct loading l = {{0}, NULL};
    const char *given = base_env("MIEN_MPI_MODULE");
    l.engine = load("mien-mpi", &l);
    if ((!l.engine || !suits(l.engine, place)) && !(given && *given)) {
        const struct dist_engine *abi = load_abi();
        l.engine = abi ? abi : l.engine;
    }
    FAIL_IF(!l.engine, MIEN_ERR_ARG, "started as rank %u of %u (%s), which needs MPI: %s", place->rank, place->count,
            place->started_by, l.why);
    *out = l.engine;
fail:
    return status;
}
