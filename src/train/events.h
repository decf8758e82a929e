/* events.h: what log.jsonl holds, as TensorBoard reads it: TFRecords of Event messages, made of the log's rows. */
#ifndef TRAIN_EVENTS_H
#define TRAIN_EVENTS_H

#include "base/base.h"

/* Of the file beside log.jsonl. TensorBoard takes names with "tfevents" in them. */
#define TRAIN_EVENTS_NAME "events.out.tfevents.0.mien"

/* The record that such a file begins with: the version of its form. */
enum mien_status train_events_begin(struct base_out *out);

/* One record of a row of log.jsonl, `line` [size] without its end: its finite numbers as scalars (fp32), named
 * train/KEY in rows of kind "step", val/KEY in those of kind "eval", train/OBJECT/KEY inside an object. Nothing is
 * written where there are none. Left out are what depends on the time (samples_per_s) and the number of samples (n);
 * the record's time is its step, in seconds: equal rows give equal bytes. `path` of the log goes into messages;
 * MIEN_ERR_DATA when the line is no such row. */
enum mien_status train_events_row(struct base_out *out, const char *line, size_t size, const char *path);

#endif
