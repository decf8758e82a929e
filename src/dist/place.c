/* place.c: which rank this process is: what launchers put into the environment. */
#include "dist/dist.h"

#include <stdlib.h>

/* A launcher's own words come before the general ones, and mpirun's before those of the job that it runs in. */
static const struct {
    const char *started_by, *rank, *count, *local;
} launchers[] = {
    {"Open MPI", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"},
    {"MPICH", "PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID"},
    {"Slurm", "SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID"},
    {"RANK", "RANK", "WORLD_SIZE", "LOCAL_RANK"},
};

static bool number(const char *name, uint32_t *out)
{
    const char *text = base_env(name);
    char *end = NULL;
    if (!text || !*text)
        return false;
    long value = strtol(text, &end, 10);
    *out = value < 0 || value > INT32_MAX || *end ? UINT32_MAX : (uint32_t)value;
    return true;
}

enum mien_status dist_place_find(struct dist_place *out)
{
    enum mien_status status = MIEN_OK;
    *out = (struct dist_place){.count = 1, .started_by = ""};
    for (size_t i = 0; i < BASE_COUNT(launchers); i++) {
        struct dist_place found = {.started_by = launchers[i].started_by, .count_name = launchers[i].count};
        if (!number(launchers[i].rank, &found.rank) || !number(launchers[i].count, &found.count))
            continue;
        if (!number(launchers[i].local, &found.local))
            found.local = found.rank;
        FAIL_IF(found.count == UINT32_MAX || found.count == 0 || found.rank >= found.count || found.local == UINT32_MAX,
                MIEN_ERR_ARG, "the environment says rank %s=%s of %s=%s; unset both, or start it by mpirun",
                launchers[i].rank, base_env(launchers[i].rank), launchers[i].count, base_env(launchers[i].count));
        *out = found;
        break;
    }
fail:
    return status;
}
