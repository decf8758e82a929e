/* run.h: inside eval: a training run as a report knows it, read from its directory. */
#ifndef EVAL_RUN_H
#define EVAL_RUN_H

#include "eval/eval.h"

/* Columns of the rows of log.jsonl: of each step, and of each evaluation. */
enum {
    STEP_NUMBER,
    STEP_LOSS,
    STEP_GLOBAL,
    STEP_LOCAL,
    STEP_LR,
    STEP_NORM,
    STEP_SCALE,
    STEP_RATE,
    STEP_TEXT,
    STEP_IMAGE
};
enum { VAL_NUMBER, VAL_LOSS, VAL_WAR, VAL_UAR };
enum { RUN_KEYS = 12 };
extern const char *const run_step_keys[RUN_KEYS], *const run_eval_keys[RUN_KEYS]; /* ended by NULL */

struct run_columns {
    double *values[RUN_KEYS]; /* [count] each; NaN where a row has no such number */
    size_t count, capacity[RUN_KEYS];
};

/* What is known of a run besides its curves. */
struct run_facts {
    char device[128], data[128], name[128];     /* "": not known */
    double parameters, samples, batch, seconds; /* NaN: not known */
};

struct run {
    char *dir;        /* as it was given */
    uint32_t chapter; /* of the page that it was added to */
    struct run_columns steps, evals;
    struct run_facts facts;
    cJSON *config; /* the resolved configuration; NULL: there is none */
};

/* MIEN_ERR_DATA: no log.jsonl, or it or config.json is damaged (path, line). The caller owns *out. */
enum mien_status run_read(const char *dir, struct run **out);
void run_destroy(struct run **run);

/* The row with the largest value of a column; SIZE_MAX when there is none. */
size_t run_best(const struct run_columns *c, int key);

#endif
