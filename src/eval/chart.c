/* chart.c: lines over axes, as SVG. */
#include "eval/page.h"

#include <math.h>
#include <stdio.h>

enum { WIDTH = 310, HEIGHT = 190, LEFT = 56, RIGHT = 8, TOP = 10, BOTTOM = 24, BUCKETS = 300, DASHES = 3, ROOM = 7 };

struct range {
    double low, high;
};

/* Whether a point can be drawn: numbers of foreign logs may be anything, and their differences must be numbers too. */
static bool is_drawn(const struct page_line *line, size_t i)
{
    static const double most = 1e290;
    return fabs(line->x[i]) <= most && fabs(line->y[i]) <= most;
}

static void widen(struct range *r, double value)
{
    r->low = fmin(r->low, value);
    r->high = fmax(r->high, value);
}

/* Whether values in the range differ by more than the last digits of a double. */
static bool has_width(const struct range *r)
{
    return r->high - r->low >= 1e-12 * fmax(fmax(fabs(r->low), fabs(r->high)), 1e-30);
}

static void measure(const struct page_line *lines, size_t count, struct range *x, struct range *y)
{
    *x = *y = (struct range){INFINITY, -INFINITY};
    for (size_t l = 0; l < count; l++) {
        for (size_t i = 0; i < lines[l].count; i++) {
            if (!is_drawn(&lines[l], i))
                continue;
            widen(x, lines[l].x[i]);
            widen(y, lines[l].y[i]);
        }
    }
    if (!has_width(y)) {
        y->low -= fabs(y->low) * 0.1 + 1e-9;
        y->high += fabs(y->high) * 0.1 + 1e-9;
    }
    if (!has_width(x))
        x->high = x->low + fmax(1, fabs(x->low) * 0.1);
}

/* Multiples of a step: `first` times it and so on. */
struct ticks {
    double step, first;
    int count;
};

/* The step is 1, 2 or 5 times a power of ten: some four of them over the range. */
static struct ticks ticks_of(const struct range *r)
{
    double raw = (r->high - r->low) / 4, power = pow(10, floor(log10(raw))), digit = raw / power;
    struct ticks t = {.step = (digit < 1.5 ? 1 : digit < 3.5 ? 2 : digit < 7.5 ? 5 : 10) * power};
    t.first = ceil(r->low / t.step);
    t.count = (int)fmin(floor(r->high / t.step + 1e-9) - t.first + 1, 16);
    return t;
}

static double place_x(const struct range *r, double x)
{
    return LEFT + (x - r->low) / (r->high - r->low) * (WIDTH - LEFT - RIGHT);
}

static double place_y(const struct range *r, double y)
{
    return HEIGHT - BOTTOM - (y - r->low) / (r->high - r->low) * (HEIGHT - TOP - BOTTOM);
}

/* What stands beside a tick: digits enough to tell it from the next one; squeezed where there are more than fit. */
static void draw_label(struct mien_page *page, double at, double value, double step)
{
    char text[32];
    double digits = floor(log10(fmax(fabs(value), step))) - floor(log10(step)) + 1;
    int length = snprintf(text, sizeof(text), "%.*g", (int)fmin(fmax(digits, 4), 15), value);
    page_print(page, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\"", LEFT - 4, at + 4);
    if (length > ROOM)
        page_print(page, " textLength=\"%d\" lengthAdjust=\"spacingAndGlyphs\"", LEFT - 4);
    page_print(page, ">%s</text>", text);
}

static void draw_axes(struct mien_page *page, const struct range *x, const struct range *y)
{
    struct ticks t = ticks_of(y);
    for (int i = 0; i < t.count; i++) {
        double v = (t.first + i) * t.step, at = place_y(y, v);
        page_print(page, "<path class=\"axis\" d=\"M%d %.1fH%d\"/>", LEFT, at, WIDTH - RIGHT);
        draw_label(page, at, v, t.step);
    }
    t = ticks_of(x);
    for (int i = 0; i < t.count; i++) {
        double v = (t.first + i) * t.step, at = place_x(x, v);
        page_print(page, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"%s\">%.6g</text>", at, HEIGHT - 8,
                   at > WIDTH - 24 ? "end" : "middle", v);
    }
}

/* The numbers of a line that are drawn: how many, the first, the last. */
static size_t extent(const struct page_line *line, size_t *first, size_t *last)
{
    size_t count = 0;
    for (size_t i = 0; i < line->count; i++) {
        if (!is_drawn(line, i))
            continue;
        *first = count ? *first : i;
        *last = i;
        count++;
    }
    return count;
}

static size_t colour_of(const struct page_line *line, size_t index)
{
    return line->colour ? line->colour - 1 : index;
}

static void draw_line(struct mien_page *page, const struct page_line *line, size_t index, const struct range *x,
                      const struct range *y)
{
    size_t buckets = BASE_MIN(line->count, (size_t)BUCKETS), first = 0, last = 0;
    bool open = false;
    if (extent(line, &first, &last) == 1) {
        page_print(page, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" style=\"fill:var(--c%zu)\"/>",
                   place_x(x, line->x[first]), place_y(y, line->y[first]), index % PAGE_COLOURS);
        return;
    }
    page_print(page, "<path class=\"curve k%zu\" style=\"stroke:var(--c%zu)\" d=\"", index % DASHES,
               index % PAGE_COLOURS);
    for (size_t b = 0; b < buckets; b++) {
        double sx = 0, sy = 0, n = 0;
        for (size_t i = b * line->count / buckets; i < (b + 1) * line->count / buckets; i++) {
            if (!is_drawn(line, i))
                continue;
            sx += line->x[i];
            sy += line->y[i];
            n++;
        }
        if (n == 0)
            continue;
        page_print(page, "%c%.1f %.1f", open ? 'L' : 'M', place_x(x, sx / n), place_y(y, sy / n));
        open = true;
    }
    page_print(page, "\"/>");
}

/* The chart in words, for those who do not see it. */
static void describe(struct mien_page *page, const char *title, const struct page_line *lines, size_t count)
{
    page_text(page, title);
    for (size_t l = 0; l < count; l++) {
        size_t first = 0, last = 0;
        if (extent(&lines[l], &first, &last) == 0)
            continue;
        page_print(page, "%s ", l ? ";" : ":");
        page_text(page, lines[l].name);
        page_print(page, " from %.4g at %.6g to %.4g at %.6g", lines[l].y[first], lines[l].x[first], lines[l].y[last],
                   lines[l].x[last]);
    }
}

void page_key(struct mien_page *page, const char *name, size_t index)
{
    page_print(page,
               "<span class=\"key\"><svg viewBox=\"0 0 24 12\" aria-hidden=\"true\"><path class=\"curve k%zu\" "
               "style=\"stroke:var(--c%zu)\" d=\"M0 6H24\"/></svg>",
               index % DASHES, index % PAGE_COLOURS);
    page_words(page, name, PAGE_LABEL);
    page_print(page, "</span>");
}

/* `fixed`: of y, where it is not the values'. */
static void draw(struct mien_page *page, const char *title, const struct page_line *lines, size_t count,
                 const struct range *fixed)
{
    struct range x, y;
    measure(lines, count, &x, &y);
    if (!isfinite(x.low) || !isfinite(y.low))
        return;
    y = fixed ? *fixed : y;
    page_print(page, "<figure><svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"", WIDTH, HEIGHT);
    describe(page, title, lines, count);
    page_print(page, "\">");
    draw_axes(page, &x, &y);
    for (size_t l = 0; l < count; l++)
        draw_line(page, &lines[l], colour_of(&lines[l], l), &x, &y);
    page_print(page, "</svg><figcaption>");
    page_text(page, title);
    page_print(page, "%s", count > 1 ? "<br>" : "");
    for (size_t l = 0; count > 1 && l < count; l++)
        page_key(page, lines[l].name, colour_of(&lines[l], l));
    page_print(page, "</figcaption></figure>\n");
}

void page_chart(struct mien_page *page, const char *title, const struct page_line *lines, size_t count)
{
    draw(page, title, lines, count, NULL);
}

void page_scores(struct mien_page *page, const char *title, const struct page_line *lines, size_t count)
{
    draw(page, title, lines, count, &(struct range){0, 1});
}
