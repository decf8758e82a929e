/* radar.c: values on axes around a middle, as SVG. */
#include "eval/page.h"

#include <math.h>

enum { WIDTH = 390, HEIGHT = 270, RADIUS = 104, GAP = 9, CIRCLES = 4, NAMES_MOST = 24 };
static const double letter = 6.5; /* its mean width */

struct point {
    double x, y;
};

/* On axis i of `axes`, clockwise from the top, `radius` from the middle. */
static struct point point_at(size_t i, size_t axes, double radius)
{
    double angle = 2 * acos(-1) * (double)i / (double)axes;
    return (struct point){WIDTH / 2.0 + radius * sin(angle), HEIGHT / 2.0 - radius * cos(angle)};
}

/* A value on its axis; what is below 0 lies in the middle. */
static struct point place(double value, double top, size_t i, size_t axes)
{
    return point_at(i, axes, RADIUS * fmin(fmax(value / top, 0), 1));
}

static void draw_axes(struct mien_page *page, const char *const *names, size_t axes)
{
    for (int c = 1; c <= CIRCLES; c++)
        page_print(page, "<circle class=\"axis\" cx=\"%d\" cy=\"%d\" r=\"%d\"/>", WIDTH / 2, HEIGHT / 2,
                   RADIUS * c / CIRCLES);
    for (size_t i = 0; i < axes; i++) {
        struct point end = point_at(i, axes, RADIUS), at = point_at(i, axes, RADIUS + GAP);
        double aside = at.x - WIDTH / 2.0;
        bool is_middle = fabs(aside) < 1;
        /* the names at the top and at the bottom stand further out, so that their neighbours have room */
        double down = is_middle ? (at.y < HEIGHT / 2.0 ? -5 : 12) : 4;
        double room = is_middle ? WIDTH : WIDTH / 2.0 - fabs(aside);
        page_print(page, "<path class=\"axis\" d=\"M%d %dL%.1f %.1f\"/><text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">",
                   WIDTH / 2, HEIGHT / 2, end.x, end.y, at.x, at.y + down,
                   is_middle   ? "middle"
                   : aside > 0 ? "start"
                               : "end");
        if (axes > NAMES_MOST)
            page_print(page, "%zu", i + 1);
        else
            page_short(page, names[i], (uint32_t)fmax(room / letter, 1));
        page_print(page, "</text>");
    }
}

/* From value to value, with gaps where there is none; closed where there are all. */
static void draw_line(struct mien_page *page, const struct page_ring *ring, const double *tops, size_t axes,
                      size_t index)
{
    size_t first = 0;
    bool open = false;
    while (first < axes && isfinite(ring->values[first]))
        first++;
    bool whole = first == axes;
    page_print(page, "<path class=\"curve k%zu\" style=\"stroke:var(--c%zu)%s\" d=\"", index % 3, index % PAGE_COLOURS,
               index > 0 ? ""
               : whole   ? ";stroke-width:2.6;fill:var(--c0);fill-opacity:.12"
                         : ";stroke-width:2.6");
    for (size_t k = 0; k < axes; k++) {
        size_t i = (first + k) % axes;
        if (!isfinite(ring->values[i])) {
            open = false;
            continue;
        }
        struct point at = place(ring->values[i], tops[i], i, axes);
        page_print(page, "%c%.1f %.1f", open ? 'L' : 'M', at.x, at.y);
        open = true;
    }
    page_print(page, "%s\"/>", whole ? "Z" : "");
}

/* A dot a value, and how far it may be off along the axis. */
static void draw_values(struct mien_page *page, const struct page_ring *ring, const double *tops, size_t axes,
                        size_t index)
{
    for (size_t i = 0; i < axes; i++) {
        double value = ring->values[i], error = ring->errors[i];
        if (!isfinite(value))
            continue;
        struct point at = place(value, tops[i], i, axes), low = place(value - error, tops[i], i, axes),
                     high = place(value + error, tops[i], i, axes);
        if (error > 0)
            page_print(page, "<path style=\"stroke:var(--c%zu)\" d=\"M%.1f %.1fL%.1f %.1f\"/>", index % PAGE_COLOURS,
                       low.x, low.y, high.x, high.y);
        page_print(page, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%s\" style=\"fill:var(--c%zu)\"/>", at.x, at.y,
                   index ? "1.8" : "3", index % PAGE_COLOURS);
    }
}

double page_radar_top(double most)
{
    double step = most > 0.1 ? 0.1 : 0.02;
    return most > 0 ? fmin(ceil(most * 1.04 / step) * step, 1) : 1;
}

void page_radar(struct mien_page *page, const char *title, const char *const *names, const double *tops, size_t axes,
                const struct page_ring *rings, size_t count)
{
    page_print(page, "<figure class=\"radar\"><svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"", WIDTH, HEIGHT);
    page_text(page, title);
    page_print(page, "; the table has its numbers\">");
    draw_axes(page, names, axes);
    for (size_t r = count; r-- > 0;) { /* the first on top */
        draw_line(page, &rings[r], tops, axes, r);
        draw_values(page, &rings[r], tops, axes, r);
    }
    page_print(page, "</svg><figcaption>");
    page_text(page, title);
    page_print(page, "<br>");
    for (size_t r = 0; r < count; r++)
        page_key(page, rings[r].name, r);
    page_print(page, "</figcaption></figure>\n");
}
