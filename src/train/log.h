/* log.h: a run's log.jsonl: one JSON object a line, flushed line by line so that it can be followed. */
#ifndef TRAIN_LOG_H
#define TRAIN_LOG_H

#include "base/base.h"

struct train_log;

/* dir/log.jsonl, empty. */
enum mien_status train_log_open(const char *dir, struct train_log **out);
void train_log_close(struct train_log **log);

/* What a step was; each value is of before its update, or of the update itself. */
struct train_log_step {
    uint64_t step; /* from 1 */
    double loss, lr, grad_norm, logit_scale;
    double samples_per_s;
};
enum mien_status train_log_write(struct train_log *log, const struct train_log_step *step);

#endif
