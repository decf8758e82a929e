/* schedule.h: the learning rate of a step. */
#ifndef TRAIN_SCHEDULE_H
#define TRAIN_SCHEDULE_H

#include "train/config.h"

/* What a schedule is made of, resolved for a run. */
struct train_rate {
    double lr;
    enum train_schedule schedule;
    uint64_t steps, warmup;
    uint64_t milestone[16]; /* in steps */
    uint32_t milestones;
    double gamma;
};

/* steps: of the whole run; per_epoch: steps of an epoch (milestones count epochs unless run.steps is set). */
struct train_rate train_rate_make(const struct train_config *config, uint64_t steps, uint64_t per_epoch);

/* The rate of step 0, 1, ...: lr (step+1)/W while step < W, then the schedule over the rest (open_clip's). */
double train_rate_at(const struct train_rate *rate, uint64_t step);

#endif
