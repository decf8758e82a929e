/* Which rank a process is: what Open MPI, MPICH, Slurm and others say in the environment; which device it takes. */
#include "base/capture.h"
#include "check.h"

#include "dist/dist.h"
#include "mien/gpu.h"

#include <stdlib.h>

static const char *const names[] = {"OMPI_COMM_WORLD_RANK",
                                    "OMPI_COMM_WORLD_SIZE",
                                    "OMPI_COMM_WORLD_LOCAL_RANK",
                                    "PMI_RANK",
                                    "PMI_SIZE",
                                    "MPI_LOCALRANKID",
                                    "SLURM_PROCID",
                                    "SLURM_NTASKS",
                                    "SLURM_LOCALID",
                                    "RANK",
                                    "WORLD_SIZE",
                                    "LOCAL_RANK"};

static void clear(void)
{
    for (size_t i = 0; i < BASE_COUNT(names); i++)
        unsetenv(names[i]);
}

static void say(size_t launcher, const char *rank, const char *count, const char *local)
{
    const char *const values[] = {rank, count, local};
    for (size_t i = 0; i < 3; i++) {
        if (values[i])
            setenv(names[3 * launcher + i], values[i], 1);
    }
}

static void found(uint32_t rank, uint32_t count, uint32_t local, const char *by)
{
    struct dist_place place;
    CHECK_EQ(dist_place_find(&place), MIEN_OK);
    CHECK_EQ(place.rank, rank);
    CHECK_EQ(place.count, count);
    CHECK_EQ(place.local, local);
    CHECK_STR(place.started_by, by);
    clear();
}

static void refused(const char *part)
{
    struct dist_place place;
    capture_start();
    CHECK_EQ(dist_place_find(&place), MIEN_ERR_ARG);
    CHECK(captured_once(part));
    mien_log_set(NULL, NULL, MIEN_LOG_WARN);
    clear();
}

/* The local-th rank of a machine takes device `index` of four. */
static void takes(const struct mien_gpu_info *infos, uint32_t best, uint32_t local, uint32_t index, const char *warning)
{
    uint32_t found = 99;
    capture_start();
    CHECK_EQ(dist_device_choose(infos, 4, best, 8 + local, local, &found), MIEN_OK);
    CHECK_EQ(found, index);
    CHECK(*warning ? captured_once(warning) : captured_count == 0);
    mien_log_set(NULL, NULL, MIEN_LOG_WARN);
}

/* A machine of a software driver and three discrete devices, of which one cannot be used. */
static void test_devices(void)
{
    struct mien_gpu_info infos[4] = {
        {.type = "software"}, {.type = "discrete"}, {.type = "discrete", .missing = "timelines"}, {.type = "discrete"}};
    uint32_t found = 0;
    takes(infos, 1, 0, 1, "");
    takes(infos, 1, 1, 3, "");
    takes(infos, 1, 2, 1, "rank 10 is number 3 of its machine, which has 2 devices of type discrete");
    takes(infos, 1, 3, 3, "it shares one");
    takes(infos, 0, 0, 0, "");
    takes(infos, 0, 5, 0, ""); /* software: as many as one likes */
    snprintf(infos[1].missing, sizeof(infos[1].missing), "timelines");
    snprintf(infos[3].missing, sizeof(infos[3].missing), "timelines");
    capture_start();
    CHECK_EQ(dist_device_choose(infos, 4, 1, 0, 0, &found), MIEN_ERR_NO_DEVICE);
    CHECK(captured_once("none of the 4 devices of this machine can be used: timelines"));
    mien_log_set(NULL, NULL, MIEN_LOG_WARN);
}

int main(void)
{
    static const char *const by[] = {"Open MPI", "MPICH", "Slurm", "RANK"};
    clear();
    test_devices();
    found(0, 1, 0, "");
    for (size_t i = 0; i < BASE_COUNT(by); i++) {
        say(i, "5", "8", "1");
        found(5, 8, 1, by[i]);
        say(i, "5", "8", NULL);
        found(5, 8, 5, by[i]);
        say(i, "5", NULL, "1"); /* a job's, without a number of ranks */
        found(0, 1, 0, "");
        say(i, "8", "8", "1");
        refused(names[3 * i]);
        say(i, "-1", "8", "1");
        refused(names[3 * i]);
        say(i, "0", "eight", "0");
        refused(names[3 * i + 1]);
        say(i, "0", "0", "0");
        refused("=0");
    }
    say(2, "0", "4", "0"); /* mpirun in a job of Slurm's */
    say(0, "1", "2", "1");
    found(1, 2, 1, "Open MPI");
    say(1, "", "", "");
    found(0, 1, 0, "");
    return check_result();
}
