/* trace.c: spans as JSON, one event a line, written as they come: a long run keeps none of them in memory. */
#include "base/base.h"

#include <stdio.h>

enum { TEXT = 512 };

struct base_trace {
    struct base_out *out;
    struct base_mutex *mutex;
    uint64_t start;
    uint32_t limit;
    uint64_t spans; /* also those beyond the limit */
};

/* Two processes, since Perfetto draws a GPU's spans apart from a host's threads so. */
static const struct track {
    int pid, tid;
    const char *process, *name;
} tracks[BASE_TRACKS] = {
    [BASE_TRACK_HOST] = {1, 1, "host", "main"},
    [BASE_TRACK_IMAGES] = {1, 2, "host", "pictures"},
    [BASE_TRACK_GPU] = {2, 1, "GPU", "queue"},
};

/* The inside of a JSON string. What is not printable ASCII becomes '?': names come from Mien's own tables. */
static void escape(const char *text, char out[TEXT])
{
    size_t used = 0;
    for (; text && *text && used + 2 < TEXT; text++) {
        if (*text == '"' || *text == '\\')
            out[used++] = '\\';
        out[used++] = (char)(*text >= ' ' && *text <= '~' ? *text : '?');
    }
    out[used] = '\0';
}

static void write_head(struct base_trace *trace)
{
    base_out_printf(trace->out, "[\n");
    for (int i = 0; i < BASE_TRACKS; i++) {
        const struct track *t = &tracks[i];
        base_out_printf(trace->out,
                        "{\"name\":\"process_name\",\"ph\":\"M\",\"pid\":%d,\"args\":{\"name\":\"%s\"}},\n"
                        "{\"name\":\"thread_name\",\"ph\":\"M\",\"pid\":%d,\"tid\":%d,\"args\":{\"name\":\"%s\"}},\n",
                        t->pid, t->process, t->pid, t->tid, t->name);
    }
}

static void clear(struct base_trace **trace)
{
    struct base_trace *t = *trace;
    if (!t)
        return;
    base_out_abandon(&t->out);
    base_mutex_destroy(&t->mutex);
    base_free(t);
    *trace = NULL;
}

enum mien_status base_trace_open(const char *path, uint32_t limit, struct base_trace **out)
{
    enum mien_status status = MIEN_OK;
    struct base_trace *t = NULL;
    *out = NULL;
    t = base_alloc(1, sizeof(*t));
    FAIL_IF_NULL(t, "a trace");
    TRY(base_mutex_create(&t->mutex));
    TRY(base_out_open(path, &t->out));
    t->start = base_clock_ns();
    t->limit = limit;
    write_head(t);
    *out = t;
    return MIEN_OK;
fail:
    clear(&t);
    return status;
}

uint64_t base_trace_now(const struct base_trace *trace)
{
    return trace ? base_clock_ns() : 0;
}

void base_trace_span(struct base_trace *trace, enum base_track track, const char *name, const char *detail,
                     uint64_t began)
{
    if (trace)
        base_trace_span_at(trace, track, name, detail, (double)began, (double)base_clock_ns());
}

void base_trace_span_at(struct base_trace *trace, enum base_track track, const char *name, const char *detail,
                        double began, double ended)
{
    char what[TEXT], more[TEXT];
    if (!trace)
        return;
    escape(name, what);
    escape(detail, more);
    base_mutex_lock(trace->mutex);
    if (trace->spans++ < trace->limit)
        base_out_printf(trace->out,
                        "{\"name\":\"%s\",\"ph\":\"X\",\"ts\":%.3f,\"dur\":%.3f,\"pid\":%d,\"tid\":%d,"
                        "\"args\":{\"detail\":\"%s\"}},\n",
                        what, (began - (double)trace->start) * 1e-3, (ended - began) * 1e-3, tracks[track].pid,
                        tracks[track].tid, more);
    base_mutex_unlock(trace->mutex);
}

/* An instant event at the end: it also takes the place after the last comma. */
static void write_note(struct base_trace *trace)
{
    uint64_t lost = trace->spans > trace->limit ? trace->spans - trace->limit : 0;
    char note[128] = "end of the trace";
    if (lost)
        snprintf(note, sizeof(note), "%llu spans left out: a trace holds %u", (unsigned long long)lost, trace->limit);
    base_out_printf(trace->out, "{\"name\":\"%s\",\"ph\":\"i\",\"s\":\"g\",\"ts\":%.3f,\"pid\":1,\"tid\":1}\n]\n", note,
                    (double)(base_clock_ns() - trace->start) * 1e-3);
}

enum mien_status base_trace_close(struct base_trace **trace)
{
    struct base_trace *t = trace ? *trace : NULL;
    if (!t)
        return MIEN_OK;
    write_note(t);
    enum mien_status status = base_out_commit(&t->out);
    clear(trace);
    return status;
}
