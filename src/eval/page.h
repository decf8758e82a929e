/* page.h: inside eval: pieces of a self-contained HTML page (mien/eval.h). A failure sticks in the page's text. */
#ifndef EVAL_PAGE_H
#define EVAL_PAGE_H

#include "base/base.h"
#include "mien/eval.h"

/* Where a page's first part stands: what was found comes before how it was trained. */
enum page_part { PAGE_RESULTS, PAGE_RUNS, PAGE_PARTS };

struct run;

/* What a model scores on some data: of each evaluation, for page_models. */
struct page_score {
    char *data, *model;        /* what they are called; base_alloc'ed */
    const char *task, *metric; /* static */
    double value, low, high;   /* with its interval; NaN where there is none */
    uint32_t chapter;          /* about it */
};

struct mien_page {
    struct base_text text;              /* chapters */
    struct base_text front[PAGE_PARTS]; /* what opens the page: headline figures of each chapter */
    struct base_text names[PAGE_PARTS]; /* of the models and runs, for the heading where there is no title */
    struct base_text contents;          /* links to the chapters */
    uint32_t links;                     /* in `contents` */
    struct base_text whole;             /* all of it, for mien_page_html */
    char *title;                        /* or NULL */
    uint32_t chapters;
    struct run **runs; /* [run_count] that were added, for page_runs; their own (eval/run.h) */
    size_t run_count, run_capacity;
    struct page_score *scores; /* [score_count], for page_models */
    size_t score_count, score_capacity;
    const char *home;         /* of the result that is being added: where its evaluation ran; NULL: not known */
    const char *dir;          /* of the file that it came from; NULL: none. Both for its pictures' paths */
    uint32_t pictures, found; /* of the chapter under way: asked for, and shown */
};

/* Everything before and after the chapters: the whole page into page->whole. */
void page_make(struct mien_page *page);

void page_print(struct mien_page *page, const char *fmt, ...) MIEN_PRINTF(2, 3); /* as it is */
/* Escaped, for text and attributes; what cannot be shown (control characters, malformed UTF-8) as U+FFFD, and no more
 * than the first few thousand letters. */
void page_text(struct mien_page *page, const char *text);
/* The same, kept apart from what stands around it (its direction of writing), the first `most` letters. */
void page_words(struct mien_page *page, const char *text, uint32_t most);
void page_short(struct mien_page *page, const char *text, uint32_t most);       /* not kept apart */
enum { PAGE_TIGHT = 36, PAGE_LABEL = 80, PAGE_CAPTION = 600, PAGE_PATH = 200 }; /* letters */
void page_element(struct mien_page *page, const char *tag, const char *text);   /* <tag>text</tag>; text may be NULL */
/* With `digits` after the point; a dash where it is not finite. */
void page_number(struct mien_page *page, double value, int digits);
void page_count(struct mien_page *page, double value); /* a whole number, with commas */

/* A copy of the picture (box may be NULL) of `side` pixels at most, with the file's name as alternative text; words
 * instead where there is none, of what cannot be shown (a video) or been found. */
enum { PAGE_SIDE = 96 };
void page_image(struct mien_page *page, const char *path, const int32_t *box, uint32_t side);
/* After a chapter's pictures: says when some were not found. */
void page_images_end(struct mien_page *page);

/* An entry of the list of chapters: to the id `letter` and the number of the chapter that is being written; `name`
 * (NULL: none) tells it from others of its title. */
void page_link(struct mien_page *page, char letter, const char *title, const char *name);

/* ---- the page's opening: what is printed between these goes there ---- */

/* `title` names the chapter that is being written; `name` what it is about (a run, a model), for the heading. */
void page_front_begin(struct mien_page *page, enum page_part part, const char *title, const char *name);
void page_front_end(struct mien_page *page, enum page_part part);
void page_card(struct mien_page *page, const char *name, double value, int digits, const char *note);
/* A fact: <dt>name</dt><dd>...</dd>; its value is printed between. */
void page_fact_begin(struct mien_page *page, const char *name);
void page_fact_end(struct mien_page *page);

/* Of a path what tells it from others: its last part, with the one before where that says little ("model"); "" for
 * none. In `buffer`. */
const char *page_name_of(const char *path, char *buffer, size_t size);

/* ---- charts ---- */

/* A line of a chart: y over x, not finite values left out. */
struct page_line {
    const char *name;
    const double *x, *y;
    size_t count;
    size_t colour; /* 1 and more: so that a thing has one in several charts; 0: by its place among the lines */
};
/* Lines over common axes, as SVG. Long lines are drawn as means of up to 300 buckets. Without a value: nothing. */
void page_chart(struct mien_page *page, const char *title, const struct page_line *lines, size_t count);
/* The same of scores, from 0 to 1. */
void page_scores(struct mien_page *page, const char *title, const struct page_line *lines, size_t count);
void page_key(struct mien_page *page, const char *name, size_t index); /* the line's name behind a piece of it */

/* A line around a radar: on each axis a value, NaN where there is none, and how far it may be off. */
struct page_ring {
    const char *name;
    const double *values, *errors; /* [axes] */
};
/* Rings [rings] over axes that run from 0 in the middle to tops[i], as SVG; the first stands out. Of more than 24 axes
 * the numbers, from 1 on, stand in place of the names. */
void page_radar(struct mien_page *page, const char *title, const char *const *names, const double *tops, size_t axes,
                const struct page_ring *rings, size_t count);

double page_radar_top(double most); /* where an axis ends: a round number a little above the highest value */

/* A chapter about a run: curves of log.jsonl and the configuration. */
void page_run(struct mien_page *page, const struct run *run);
/* What opens a page with several runs, as it is written: their figures, the settings that differ, curves over each
 * other. */
void page_runs(struct mien_page *page);
/* What opens a page with several models that were evaluated on the same data: their scores beside each other. Whether
 * there are such. */
bool page_has_models(const struct mien_page *page);
void page_models(struct mien_page *page);
void page_duration(struct mien_page *page, double seconds); /* "3 min 20 s"; a dash where it is not known */

/* Colours that tell classes apart: the style sheet has them as var(--c0), ..., for light and for dark. */
enum { PAGE_COLOURS = 10 };

extern const char *const page_style[]; /* ended by NULL */

#endif
