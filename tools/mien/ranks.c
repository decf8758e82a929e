/* ranks.c: a command that mpirun or srun has started several times. */
#include "command.h"

#include "base/system.h"

#include <stdio.h>
#include <stdlib.h>

/* "rank 2: message": what all have to say rank 0 says. */
static void say_as_rank(void *user, enum mien_log_level level, const char *message)
{
    const struct ranks *r = user;
    (void)level;
    fprintf(stderr, "mien: rank %u: %s\n", r->info.rank, message);
}

static enum mien_status choose_device(struct ranks *r, struct common *common)
{
    uint32_t index = 0;
    const char *given = common->device ? common->device : base_env("MIEN_DEVICE");
    if (given && *given)
        return MIEN_OK;
    enum mien_status status = mien_ranks_device(r->ranks, common->caps, &index);
    snprintf(r->device, sizeof(r->device), "%u", index);
    common->device = r->device;
    return status;
}

enum mien_status ranks_open(struct ranks *r, struct common *common)
{
    *r = (struct ranks){.info = {sizeof r->info}};
    enum mien_status status = mien_ranks_open(&r->ranks);
    mien_ranks_describe(r->ranks, &r->info);
    common->ranks = r->ranks;
    if (status != MIEN_OK || !r->ranks)
        return status;
    if (r->info.rank > 0) {
        mien_log_set(say_as_rank, r, MIEN_LOG_WARN); /* that it shares a device is known to this rank alone */
        common->quiet = true;
        if (common->trace) {
            snprintf(r->trace, sizeof(r->trace), "%.4000s.rank%u", common->trace, r->info.rank);
            common->trace = r->trace;
        }
    } else if (!common->quiet) {
        fprintf(stderr, "mien: %u ranks by %s (%s)\n", r->info.count, r->info.started_by, r->info.engine);
    }
    status = choose_device(r, common);
    if (r->info.rank > 0)
        mien_log_set(say_as_rank, r, MIEN_LOG_ERROR);
    return status;
}

void ranks_speak(struct ranks *r)
{
    if (r->info.rank > 0)
        mien_log_set(say_as_rank, r, MIEN_LOG_WARN);
}

bool ranks_lead(const struct ranks *r)
{
    return r->info.rank == 0;
}

int ranks_close(struct ranks *r, int exit_status)
{
    if (r->ranks && exit_status != 0 && exit_status < 128)
        mien_ranks_abort(r->ranks, exit_status);
    mien_ranks_close(&r->ranks);
    mien_log_set(NULL, NULL, MIEN_LOG_WARN);
    return exit_status;
}
