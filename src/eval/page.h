/* page.h: inside eval: pieces of a self-contained HTML page (mien/eval.h). A failure sticks in the page's text. */
#ifndef EVAL_PAGE_H
#define EVAL_PAGE_H

#include "base/base.h"
#include "mien/eval.h"

struct mien_page {
    struct base_text text;
    size_t body; /* bytes of text that stand before the end of the page, which mien_page_html adds */
};

void page_begin(struct mien_page *page, const char *title);
void page_end(struct mien_page *page);

void page_print(struct mien_page *page, const char *fmt, ...) MIEN_PRINTF(2, 3); /* as it is */
void page_text(struct mien_page *page, const char *text);                        /* escaped */
void page_element(struct mien_page *page, const char *tag, const char *text);    /* <tag>text</tag> */
/* An <img> with the file's bytes inside; a word instead when it is no PNG or JPEG of at most 512 KiB. A relative path
 * is looked for in `directory` (may be NULL), then in the working directory. */
void page_image(struct mien_page *page, const char *directory, const char *path);

/* A line of a chart: y over x, not finite values left out. */
struct page_line {
    const char *name;
    const double *x, *y;
    size_t count;
};
/* Lines over common axes, as SVG. Long lines are drawn as means of up to 300 buckets. Without a value: nothing. */
void page_chart(struct mien_page *page, const char *title, const struct page_line *lines, size_t count);

/* A chapter about a run directory: curves of log.jsonl and the configuration. */
enum mien_status page_run(struct mien_page *page, const char *dir);

/* Colours that tell classes apart, for lines and points. */
const char *page_colour(size_t index);

#endif
