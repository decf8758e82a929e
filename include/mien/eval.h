/* mien/eval.h: how good a model is: evaluation tasks over a manifest, their results as data, and reports.
 *
 *   struct mien_eval_params params = {sizeof params, .task = "zero-shot", .manifest = "faces/manifest.jsonl"};
 *   struct mien_result *result;
 *   struct mien_page *page;
 *   double uar;
 *   mien_eval(model, &params, &result);
 *   mien_result_number(result, "uar", &uar);
 *   mien_page_create("My faces", &page);
 *   mien_page_add_result(page, result);
 *   mien_page_write(page, "report.html");
 *   mien_page_destroy(&page);
 *   mien_result_destroy(&result);
 *
 * Threads: mien_eval belongs to the thread of its model; a result is independent of the model and may be read by
 * several threads at once; a page belongs to one thread at a time. Lifetime: parameters are borrowed during the call;
 * results and pages live until they are destroyed. */
#ifndef MIEN_EVAL_H
#define MIEN_EVAL_H

#include "mien/model.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- results ---- */

/* What an evaluation found: one JSON object with at least `task`, `model` (its directory), `parameters` (how many it
 * has), `manifest`, `directory` (where the evaluation ran, when paths are relative to it), `device`, `split`, `n`
 * (samples) and `bad` (samples left out because a file could not be read; named in the log). A value that is undefined
 * is null. `x_interval` is [low, high]: the middle 95 % of x over 1,000 bootstrap resamples of the data (Efron 1979).
 *
 * Tasks that classify add `classes` (names), `present` (how many of them have samples), `confusion` (rows: truth),
 * `recall` of each class, `war` (weighted average recall = accuracy), `uar` (unweighted average recall: the mean over
 * the classes that have samples), their intervals, `mistakes`: up to 24 samples taken for another class, the surest
 * mistakes first, as {`image` (path, as below), `line` (of the manifest), `box` where the row has one, `truth`,
 * `prediction`, `scores` {class: probability} of the most likely classes and the true one}, and `map`: up to 600
 * samples in the plane of the two directions in which embeddings vary most, as [x, y, truth, prediction]. "retrieval"
 * adds `chance` (of R@1: the mean share of right answers), `image_text` (queries are images) and `text_image`, each
 * with `median` and `mean` rank, `r1`, `r5`, `r10` (share of queries with rank <= 1, 5, 10) and their intervals, and up
 * to 8 `examples`: `image` (path; of a clip its video, directory or first frame), `line`, `box`, `truth` (its own text)
 * and the `texts` most like it with their `scores` (cosine); and `gallery`: up to 6 captions as {`text`, `rank` (of the
 * best of its own pictures), `pictures`: the 6 most like it as {`image`, `line`, `box`, `score` (cosine), `right` (true
 * or false)}}. "zero-shot" of clips adds `timelines`: up to 6 clips, each cut into up to 16 equal parts that are scored
 * as clips of their own: {`image`, `line`, `box`, `truth`, `prediction` (of the whole), `frames` (that it has), `used`,
 * `pictures` (paths of some frames, unless it is a video), `at` (the parts' middles, frames counted from 1), `scores`
 * {class: a probability for each part}}, of the truth, the prediction and the highest others, 5 at most.
 *
 * "leave-one-out" adds to what classifying tasks add `class`, `class_recall` (the interval is war's: all rows are of
 * that class) and `chance`. "choice": `accuracy` with its interval, and `chance`. Tasks that may fit something add
 * `folds`
 * ("split", "fold", "subject") and `fold_count`; `split` is "all" where all rows are tested. "linear-probe": what
 * classifying tasks add, over all folds together; of each fold `fold_war`, `fold_uar` and `c`, the weight of the data
 * against the penalty; `war_mean`, `uar_mean` and `war_deviation`, `uar_deviation` (of a sample) over the folds; of
 * subjects, who are few rows each, the mean is that of all together and the deviation null. "few-shot": `seeds`,
 * `chance` and `shots`, a list of {`shots`, `uar`, `war` and their `_deviation` over the draws, `uar_of_seed`}.
 * "regression": `by`
 * ("head", "ridge"), `unit` ("row", "subject"), `targets` (names); of each target `pcc`, `ccc`, `mae`, `rmse` (means
 * over the folds; of subjects all together), `pcc_interval` and `ccc_interval` (units drawn again); their means over
 * the targets where they are numbers, `pcc_mean`, ..., with the folds' `pcc_deviation`, ...; where one of the two is
 * constant PCC is null and CCC 0. "au": `by` ("probe", "sentence"), `threshold`, `units` (names, by number); of each
 * `f1` with its interval, `positives` and `predicted` (rows); `f1_mean` with its interval. F1 of a unit without
 * positives, or without a sentence, is null and not in the mean. */
struct mien_result;

/* The object as one line of JSON, and as lines for people. They live as long as the result. */
MIEN_API const char *mien_result_json(const struct mien_result *result);
MIEN_API const char *mien_result_summary(const struct mien_result *result);

/* A value by its place: "uar", "image_text.r1", "confusion.0.2" (numbers index lists). False, and *out is NaN, where
 * there is no number: it is null, of another kind, or not there. */
MIEN_API bool mien_result_number(const struct mien_result *result, const char *place, double *out);
/* A text likewise ("split", "classes.0"); it lives as long as the result. NULL where there is none. */
MIEN_API const char *mien_result_text(const struct mien_result *result, const char *place);
/* Elements of the list or object at a place ("classes"); 0 where there is none. */
MIEN_API size_t mien_result_count(const struct mien_result *result, const char *place);

/* Writes the JSON and a newline; the file appears whole or not at all. MIEN_ERR_IO. */
MIEN_API enum mien_status mien_result_write(const struct mien_result *result, const char *path);

/* Reads what mien_result_write or `mien eval --json` wrote. The caller owns *out. MIEN_ERR_DATA: not such a file (path
 * and place), one of a task that this version does not know, or without what that task always writes. */
MIEN_API enum mien_status mien_result_read(const char *path, struct mien_result **out);

/* Frees the result. */
MIEN_API void mien_result_destroy(struct mien_result **result);

/* ---- tasks ---- */

/* What mien_eval can measure. Static storage. */
struct mien_eval_info {
    const char *name;           /* "zero-shot" */
    const char *summary;        /* what it does and finds */
    const char *const *options; /* that it takes beside those of all tasks, as `mien eval` calls them, ended by NULL:
                                   "labels" (classes), "templates", "descriptions", "average", "level", "limit",
                                   "class", "folds", "shots", "seeds", "sessions", "compat", "by", "threshold" */
};

/* The task number `index` from 0 on; NULL after the last. Thread-safe. */
MIEN_API const struct mien_eval_info *mien_eval_describe(size_t index);

/* Which of an image's texts stand for it. */
enum mien_text_level {
    MIEN_TEXT_CAPTION, /* all levels: the unit mean of the embeddings of all its sentences */
    MIEN_TEXT_GLOBAL,
    MIEN_TEXT_SUMMARY,
};

/* task and manifest are needed. All of it is borrowed during the call. */
struct mien_eval_params {
    size_t size;
    const char *task;          /* the name of one that mien_eval_describe knows */
    const char *manifest;      /* JSON Lines, see data.h */
    const char *split;         /* "train", "val", "test", "all"; rows without a split are of train and of val, as in a
                                  training's data.train and data.val. NULL = test, else val, else all: the first that
                                  rows of use name */
    uint32_t frames;           /* of a clip, at most; see mien_embed_params */
    uint64_t seed;             /* of what is drawn: the bootstrap */
    mien_progress_fn progress; /* of images and clips; may be NULL. Cancelled: no result */
    void *user;

    /* zero-shot */
    const char *const *classes; /* [class_count] names, "a and b" a compound; NULL = all labels of the manifest,
                                   whatever the split. Rows of other labels are then left out */
    size_t class_count;
    const struct mien_labels_params *labels; /* which sentences stand for a label; NULL = Mien's own templates */

    /* retrieval */
    enum mien_text_level level;
    size_t limit; /* at most so many images, evenly spaced in the split; 0 = 1,000: their ranks depend on the number */

    /* of a manifest that is a table: "image=path,caption=text", which column holds which key where they have other
       names; NULL = none has. MIEN_ERR_ARG: malformed */
    const char *columns;
    const struct mien_store *store; /* embeddings made before, see mien_embed_params; NULL: none. Tasks that fit, and
                                       heads, take raw ones */

    /* Further options of single tasks, each zero by default. */
    const char *class_name; /* leave-one-out: the class that training has not seen */
    const char *folds; /* linear-probe, regression, au: "split" (fitted to the train split), "fold" (the rows' numbers
                          under "fold") or "subject" (each subject by what was fitted to the others); NULL =
                          split, or fold where rows have folds and no test or val split */
    uint32_t shots, seeds; /* few-shot: samples of a class, 0 = 1, 2, 4, 8 and 16; draws, at most 100, 0 = 5 */
    bool sessions;         /* regression: predictions and truths are averaged over the rows of a subject */
    bool emoclip;          /* regression: PCC and CCC with the 1e-5 of EmoCLIP's code */
    const char *by;        /* au: "sentence" or "probe"; NULL = probe where there are rows to fit to, else sentence */
    double threshold;      /* au: from which value on a unit is present; 0 = 0.5 */
    const char *data;      /* of mien_eval_suite alone: the directory of the manifests */
};

/* Runs a task; the caller owns *out.
 *
 * "zero-shot" classifies every image and clip that has a label by its similarity to the labels' sentences
 * (mien_labels_create). A row with several labels (a compound emotion) is of the class "a and b", in
 * the order of their bytes whichever way round the row names them, whose embedding is the unit mean of its labels'
 * embeddings. Training chooses the best model on data.val by this `uar`.
 * "leave-one-out": zero-shot's recall of the rows of class_name alone, which training has not seen (data.leave_out).
 * "linear-probe": multinomial logistic regression on frozen raw embeddings, C of 0.001 to 1,000 by mean recall on every
 * fifth sample of each class of the train rows, held back; "few-shot": the same with C = 1 on a few samples of each
 * class. "regression": "targets", else valence and arousal, by the model's head (any split), else, or with folds, by
 * ridge regression on frozen raw embeddings. "au": a unit is present where its value is at or above threshold, and not
 * where a row does not name it; by a logistic regression a unit, or by whether a face is more like the sentence that it
 * is there than like the one that it is not, cut where F1 on the train rows is best, at 0 without such rows. "choice":
 * the option most like the picture, as "question option"; equal ones share the answer. "retrieval": how well images (or
 * clips) and their captions find each other. The rank of a query is that of the best right answer: 1 + how many wrong
 * ones score higher + half of those that score the same. Texts that are one to the model (the same tokens, as cut at
 * its context) are right for each other's images.
 *
 * MIEN_ERR_ARG: an unknown task (the nearest known one is named) or split, an option that the task does not take, a
 * class that is named twice, two classes whose names or sentences are the same tokens ("Joy" and "joy"; both are
 * named); MIEN_ERR_DATA: the manifest cannot be read, or has no row in the split that the task can use, or none to
 * fit to; MIEN_ERR_FAILED: linear-probe, few-shot, or au by probe, built without liblbfgs; others as in model.h.
 */
MIEN_API enum mien_status mien_eval(struct mien_model *model, const struct mien_eval_params *params,
                                    struct mien_result **out);

/* Whether there is such a task and it takes these options, which can be asked before a model is loaded. MIEN_ERR_ARG
 * and MIEN_ERR_FAILED as above. Thread-safe. */
MIEN_API enum mien_status mien_eval_check(const struct mien_eval_params *params);

/* A list of evaluations with one model, in one result. The file is a JSON list of objects: "manifest" and "task", and,
 * where they are wanted, "name" (what a table and a page call it), "split", "columns", "labels" (a list), "templates",
 * "descriptions", "average", "level", "limit", "class", "folds", "shots", "seeds", "sessions" (true), "compat", "by",
 * "threshold", "frame_count" and "seed", as `mien eval` has them; paths are relative to the file. "metric" is the place
 * of the value that stands for the evaluation ("war", "image_text.r5"; default: the task's first, such as "uar"), and
 * "published" what others have found, a list of {"model", "value" and "error" (in the metric's scale: 0.629, not
 * 62.9), "source"}, of at most 8 models in a suite, each once in an entry.
 *
 * All entries are checked before the first is run: MIEN_ERR_ARG or MIEN_ERR_DATA with the entry's number, from 1 on,
 * and task. Of `common` (NULL: none) frames, seed, progress, user and store count, for entries that do not say
 * otherwise; class_name, for entries of leave-one-out without "class"; and data: relative manifests are then looked for
 * in that directory, and an entry whose manifest is not there is skipped, as a warning says. MIEN_ERR_ARG: it has more;
 * MIEN_ERR_DATA: no manifest is there. The result has `task` "suite", `model`, `parameters`, `device`, `suite` (the
 * file), `results`: what mien_eval gives for each, in their order, with `name`, `metric` and `published`; and
 * `skipped`: a list of {`name` (where the entry has one), `task`, `manifest`}. The caller owns *out; when one
 * evaluation fails there is none. mien_result_read and reports take it: a table of all beside what is published, drawn
 * as a radar from three on, then a chapter for each. */
MIEN_API enum mien_status mien_eval_suite(struct mien_model *model, const char *path,
                                          const struct mien_eval_params *common, struct mien_result **out);

/* Whether a suite can be begun: as above, without a model. Thread-safe. */
MIEN_API enum mien_status mien_eval_suite_check(const char *path, const struct mien_eval_params *common);

/* ---- reports: need no GPU ---- */

/* A self-contained HTML page under construction: no script, no outside file. */
struct mien_page;

/* Pages open with the headline figures of what is added, with intervals, device, parameters, duration, data and number
 * of samples; of several runs with these side by side, the settings that differ, and curves over each other; of models
 * that were evaluated on the same data (task, metric, split; name or manifest) with their scores side by side. title
 * NULL = the names of the runs that are added, or of the models. The caller owns *out. */
MIEN_API enum mien_status mien_page_create(const char *title, struct mien_page **out);
MIEN_API void mien_page_destroy(struct mien_page **page);

/* A chapter about a training run, a directory with log.jsonl: curves and configuration. MIEN_ERR_DATA: it is none, or
 * is damaged (path, line); the page is then as it was, here and below. */
MIEN_API enum mien_status mien_page_add_run(struct mien_page *page, const char *dir);

/* A chapter about an evaluation: scores, confusion matrix, recall with intervals, embedding map, retrieval examples
 * and mistakes with small copies of their pictures, which are read from their files now: relative paths from the
 * `directory` of the result; where they lead nowhere, from the folder of the evaluation's file (mien_report), the
 * working directory, and the folders above that file. Of a directory the middle frame is shown, of a video none. What
 * cannot be read is counted in the log and on the page. */
MIEN_API enum mien_status mien_page_add_result(struct mien_page *page, const struct mien_result *result);

/* What mien_report takes: a run directory, a result of an evaluation or of a suite, or the ablation.json of
 * tools/recipes/ablation, whose chapter has a table for each data set: means and deviations over seeds, and each run.
 * MIEN_ERR_DATA: it is none of these, or is damaged (path, place). */
MIEN_API enum mien_status mien_page_add_file(struct mien_page *page, const char *path);

/* The page until now, whole; it lives until the next call for this page. NULL when memory has run out. */
MIEN_API const char *mien_page_html(struct mien_page *page);

/* Writes the page until now; the file appears whole or not at all. MIEN_ERR_IO. */
MIEN_API enum mien_status mien_page_write(struct mien_page *page, const char *path);

/* All of it in one call, about training runs (directories), evaluations and ablations (files), in their order.
 * MIEN_ERR_DATA: an input is none of these, or is damaged (path, line). */
MIEN_API enum mien_status mien_report(const char *const *inputs, size_t count, const char *path);

#ifdef __cplusplus
}
#endif
#endif
