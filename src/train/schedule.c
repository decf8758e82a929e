/* schedule.c: warm-up, then cosine, constant or steps. */
#include "train/schedule.h"

#include <math.h>

struct train_rate train_rate_make(const struct train_config *config, uint64_t steps, uint64_t per_epoch)
{
    struct train_rate rate = {.lr = config->optim.lr,
                              .schedule = config->optim.schedule,
                              .steps = steps,
                              .milestones = config->optim.milestones,
                              .gamma = config->optim.gamma};
    rate.warmup = config->optim.warmup_steps >= 0 ? (uint64_t)config->optim.warmup_steps : steps / 20; /* 5 % */
    rate.warmup = BASE_MIN(rate.warmup, steps);
    for (uint32_t i = 0; i < rate.milestones; i++)
        rate.milestone[i] = config->optim.milestone[i] * (config->run.steps ? 1 : per_epoch);
    return rate;
}

double train_rate_at(const struct train_rate *rate, uint64_t step)
{
    static const double pi = 3.14159265358979323846;
    double lr = rate->lr;
    if (step < rate->warmup)
        return lr * (double)(step + 1) / (double)rate->warmup;
    if (rate->schedule == TRAIN_COSINE) {
        double rest = (double)(rate->steps - rate->warmup);
        return 0.5 * (1 + cos(pi * (double)(step - rate->warmup) / rest)) * lr;
    }
    for (uint32_t i = 0; rate->schedule == TRAIN_MULTISTEP && i < rate->milestones; i++) {
        if (step >= rate->milestone[i])
            lr *= rate->gamma;
    }
    return lr;
}
