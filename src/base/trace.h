/* trace.h: a profile of a run as a file in Chrome's trace format, which Perfetto opens: spans on a few tracks. */
#ifndef BASE_TRACE_H
#define BASE_TRACE_H

#include "mien/common.h"

enum base_track {
    BASE_TRACK_HOST,   /* the caller's thread */
    BASE_TRACK_IMAGES, /* threads that read pictures; one block at a time */
    BASE_TRACK_GPU,
    BASE_TRACKS
};

/* Safe for several threads at a time. In all calls but open, a trace of NULL does nothing: that is how work that is not
 * traced costs nothing. */
struct base_trace;

/* Begins a file with room for `limit` spans; times count from now. MIEN_ERR_IO when it cannot be written there. */
enum mien_status base_trace_open(const char *path, uint32_t limit, struct base_trace **out);

/* The clock (base_clock_ns) for the beginning of a span; 0 without a trace. */
uint64_t base_trace_now(const struct base_trace *trace);
/* A span from `began` until now. `detail` may be NULL. Writes to the file; a failure is kept for close. */
void base_trace_span(struct base_trace *trace, enum base_track track, const char *name, const char *detail,
                     uint64_t began);
/* The same with both ends, in nanoseconds of base_clock_ns. */
void base_trace_span_at(struct base_trace *trace, enum base_track track, const char *name, const char *detail,
                        double began, double ended);

/* Ends the file, which appears whole now, and clears *trace. Spans beyond the limit are counted in a note at its end.
 * MIEN_ERR_IO, here or before: there is no file. Accepts a pointer to NULL. */
enum mien_status base_trace_close(struct base_trace **trace);

#endif
