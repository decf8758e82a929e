/* log.h: a run's log.jsonl: one JSON object a line, flushed line by line so that it can be followed; beside it, where
 * asked for, the same for TensorBoard (events.h). */
#ifndef TRAIN_LOG_H
#define TRAIN_LOG_H

#include "base/base.h"

struct train_log;

/* dir/log.jsonl with the rows of the first `steps` steps that it holds (0 = empty); what follows them, and a last line
 * that is not whole, is dropped. With `events` dir's event file is made anew of these rows, whatever it held: bytes of
 * another run's end, or half a record after a kill, cannot stay in it. */
enum mien_status train_log_open(const char *dir, uint64_t steps, bool events, struct train_log **out);
void train_log_close(struct train_log **log);
enum mien_status train_log_flush(struct train_log *log); /* to the disk */

/* What a step was; each value is of before its update, or of the update itself. */
struct train_log_step {
    uint64_t step; /* from 1 */
    double loss, loss_global, loss_local, lr, grad_norm, logit_scale;
    bool has_head; /* there is one */
    double loss_head;
    double positives[2];        /* texts, images */
    const float *similarity[2]; /* texts, images: numbers of pairs by cosine in bins from -1 to 1; NULL = not counted */
    uint32_t bins;
    double loss_scale; /* 0 = the loss is not scaled */
    uint64_t skipped;  /* steps left out so far, with this one */
    double samples_per_s;
};
enum mien_status train_log_write(struct train_log *log, const struct train_log_step *step);

/* An evaluation after `step` updates; scores that are not finite are left out. */
enum mien_status train_log_eval(struct train_log *log, uint64_t step, double loss, double war, double uar, double head,
                                uint64_t n);

#endif
