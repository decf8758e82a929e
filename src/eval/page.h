/* page.h: inside eval: pieces of a self-contained HTML page. Errors stick in the page: only page_end reports them. */
#ifndef EVAL_PAGE_H
#define EVAL_PAGE_H

#include "base/base.h"

struct page {
    struct base_out *out;
    enum mien_status status;
};

enum mien_status page_begin(struct page *page, const char *path, const char *title);
enum mien_status page_end(struct page *page); /* closes and renames; on failure nothing is there */

void page_print(struct page *page, const char *fmt, ...) MIEN_PRINTF(2, 3); /* as it is */
void page_text(struct page *page, const char *text);                        /* escaped */
void page_element(struct page *page, const char *tag, const char *text);    /* <tag>text</tag> */
/* An <img> with the file's bytes inside; a word instead when it is no PNG or JPEG of at most 512 KiB. */
void page_image(struct page *page, const char *path);

/* A line of a chart: y over x, not finite values left out. */
struct page_line {
    const char *name;
    const double *x, *y;
    size_t count;
};
/* Lines over common axes, as SVG. Long lines are drawn as means of up to 300 buckets. Without a value: nothing. */
void page_chart(struct page *page, const char *title, const struct page_line *lines, size_t count);

/* Colours that tell classes apart, for lines and points. */
const char *page_colour(size_t index);

#endif
