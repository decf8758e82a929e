/* eval.h: inside eval: tasks, which measure models, and what they share. A task is a file task_<name>.c with a
 * descriptor `const struct eval_task eval_task_<name> = {...};`, which the build finds. */
#ifndef EVAL_EVAL_H
#define EVAL_EVAL_H

#include "eval/bootstrap.h"
#include "eval/page.h"
#include "mien/eval.h"
#include "use/rows.h"

/* A value that can stand for an evaluation: where it is in the result (eval_find), what a table calls it, from where on
 * it counts. 1 is the best. */
struct eval_metric {
    const char *place, *name;
    double low;
};

struct eval_task {
    struct mien_eval_info info;
    const char *title;                 /* of its chapter: "Zero-shot classification" */
    const struct eval_metric *metrics; /* the usual one first; ended by one without a place */
    /* What can be refused before a model and a manifest are read, MIEN_ERR_ARG or MIEN_ERR_FAILED; may be NULL. */
    enum mien_status (*ready)(const struct mien_eval_params *params);
    /* Measures: puts keys of its own into `out` after task, model and device, first by eval_put_head. */
    enum mien_status (*run)(struct mien_model *model, const struct mien_eval_params *params, struct base_json *out);
    /* Whether a result that was read from a file holds what is needed below. MIEN_ERR_DATA, beginning with `where`. */
    enum mien_status (*check)(const char *where, const cJSON *result);
    /* A result as lines for people; its headline figures (page_card) and its chapter in a report. Values may be null:
     * NaN is printed then. */
    void (*print)(struct base_text *out, const cJSON *result);
    void (*headline)(struct mien_page *page, const cJSON *result);
    void (*chapter)(struct mien_page *page, const cJSON *result);
};

/* What a suite's result is (suite_result.c): no task that can be asked for; without headline and chapter. */
extern const struct eval_task eval_suite;

/* `code`, with a message that begins with `where`, when there is none of that name. */
enum mien_status eval_find_task(const char *name, const char *where, enum mien_status code,
                                const struct eval_task **out);

/* ---- what tasks share: keys, lines, parts of a chapter ---- */

/* How a task embeds rows: frames, progress, stored embeddings. */
struct mien_embed_params eval_embed_params(const struct mien_eval_params *params);
/* The keys that every result has: split, n (samples that count) and bad (those that could not be read). */
void eval_put_head(struct base_json *out, const struct use_rows *rows, uint64_t n, uint64_t bad);
/* The line about samples that could not be read, where there are any. */
void eval_print_bad(struct base_text *out, const cJSON *result);
/* A result's headline, and on what it was measured; in the opening of a page, and where the text stands. */
void eval_front(struct mien_page *page, const struct eval_task *task, const cJSON *result);
void eval_headline(struct mien_page *page, const struct eval_task *task, const cJSON *result);
/* <div>s of facts about model and device. */
void eval_model_facts(struct mien_page *page, const cJSON *result);
/* A score in large digits; an interval of NaN is left out. */
void eval_card(struct mien_page *page, const char *name, double value, struct eval_interval interval);
/* What a sample of a result is about: its keys `image` (path), `line` (of the manifest) and, where there is one, `box`.
 */
void eval_put_sample(struct base_json *out, const struct data_row *row);
/* The picture that it is about. */
void eval_picture(struct mien_page *page, const cJSON *sample);
/* Another picture of it, of `side` pixels at most: a frame. */
void eval_picture_of(struct mien_page *page, const char *path, const cJSON *sample, uint32_t side);

/* What stands at a place, as mien_result_number has it; NULL where nothing does. */
const cJSON *eval_find(const cJSON *result, const char *place);
/* Member of an object, element of an array: NaN for null and what is not there. */
double eval_member(const cJSON *object, const char *key);
double eval_element(const cJSON *array, int i);
/* The member `key`_interval; NaN where it is not there. */
struct eval_interval eval_interval_of(const cJSON *object, const char *key);
/* Lists of a result that belong together, walked at once: cJSON's lists have no index. */
enum { EVAL_WALK_MAX = 8 };
struct eval_walk {
    const cJSON *at[EVAL_WALK_MAX]; /* NULL after the last element, or where there is no such list */
};
struct eval_walk eval_walk_begin(const cJSON *result, const char *const *keys); /* keys end with NULL */
void eval_walk_on(struct eval_walk *walk);
/* NaN for what is no number. */
double eval_number(const cJSON *json);
/* A string; "?" for anything else. */
const char *eval_word(const cJSON *json);

#endif
