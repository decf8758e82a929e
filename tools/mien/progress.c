/* progress.c: done/total, rate and time left, on standard error; and results on standard output. */
#include "command.h"

#include "base/clock.h"
#include "base/number.h"
#include "base/system.h"

#include <stdio.h>
#include <string.h>

void progress_begin(struct progress *progress, const char *what, bool quiet)
{
    *progress = (struct progress){.what = what, .quiet = quiet, .terminal = base_is_terminal(BASE_STDERR)};
    progress->began = base_clock_seconds();
    progress->last = progress->began;
}

/* On one line: a bar that wraps would not be overwritten by the next. */
static void show_bar(const struct progress *p, uint64_t done, uint64_t total, const char *text)
{
    enum { WIDTH = 24 };
    char bar[WIDTH + 1], line[512];
    uint32_t columns = base_terminal_width(BASE_STDERR);
    uint64_t full = total ? done * WIDTH / total : 0;
    for (uint64_t i = 0; i < WIDTH; i++)
        bar[i] = i < full ? '#' : '.';
    bar[WIDTH] = 0;
    snprintf(line, sizeof(line), "%s [%s] %s", p->what, bar, text);
    fprintf(stderr, "\r%.*s\033[K", columns > 1 ? (int)columns - 1 : (int)sizeof(line), line);
    fflush(stderr);
}

void progress_show(struct progress *p, uint64_t done, uint64_t total, const char *unit, const char *note)
{
    double t = base_clock_seconds(), elapsed = t - p->began;
    bool last = done >= total;
    char text[256];
    if (p->quiet || (!last && t - p->last < (p->terminal ? 0.2 : 10.0)) || done == p->last_done)
        return;
    if (!p->terminal && elapsed < 2) /* over before anybody could wonder: no line in a log */
        return;
    p->last = t;
    p->last_done = done;
    double rate = elapsed > 0 ? (double)done / elapsed : 0, left = rate > 0 ? (double)(total - done) / rate : 0;
    snprintf(text, sizeof(text), "%llu/%llu %s, %.1f/s, %d:%02d left%s%s", (unsigned long long)done,
             (unsigned long long)total, unit, rate, (int)left / 60, (int)left % 60, *note ? ", " : "", note);
    if (p->terminal)
        show_bar(p, done, total, text);
    else
        fprintf(stderr, "%s: %s\n", p->what, text);
}

void progress_clear(struct progress *p)
{
    if (p->quiet || !p->terminal || !p->last_done || !base_is_terminal(BASE_STDOUT))
        return;
    fprintf(stderr, "\r\033[K");
    p->last_done = 0;
}

void progress_end(struct progress *p)
{
    if (!p->quiet && p->terminal && p->last_done)
        fprintf(stderr, "\n");
}

void print_json_number(double value, int digits)
{
    char text[BASE_NUMBER_SIZE];
    fputs(base_number_text(value, digits, text), stdout);
}

void print_json_string(const char *text)
{
    putchar('"');
    for (const unsigned char *c = (const unsigned char *)text; *c;) {
        size_t length = utf8_length((const char *)c);
        if (length == 0)
            fputs("\xEF\xBF\xBD", stdout); /* U+FFFD: file names may be any bytes, JSON may not */
        else if (*c == '"' || *c == '\\')
            printf("\\%c", *c);
        else if (*c < 0x20)
            printf("\\u%04x", *c);
        else
            fwrite(c, 1, length, stdout);
        c += length ? length : 1;
    }
    putchar('"');
}
