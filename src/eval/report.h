/* report.h: inside eval: what a report's chapters share. */
#ifndef EVAL_REPORT_H
#define EVAL_REPORT_H

#include "eval/page.h"

/* A chapter on a run directory: curves of log.jsonl and the configuration. */
enum mien_status report_run(struct page *page, const char *dir);

/* A chapter on an evaluation, an object of `mien eval --json` that was read from `path`. */
enum mien_status report_zero_shot(struct page *page, const char *path, const cJSON *result);
enum mien_status report_retrieval(struct page *page, const char *path, const cJSON *result);

/* Number `i` of an array; NaN for null and what is not there. */
double report_number(const cJSON *array, int i);
double report_member(const cJSON *object, const char *key);
/* "0.325 (0.289 to 0.363)", or without the interval when it is not there. */
void report_score(struct page *page, double value, const cJSON *interval);

#endif
