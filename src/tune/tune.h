/* tune.h: inside tune: a parent starts children (the same program once more) that own the device; the first says which
 * calls there are, the next ones measure them. */
#ifndef TUNE_TUNE_H
#define TUNE_TUNE_H

#include "check/check.h"
#include "mien/tune.h"
#include "op/choice.h"

enum { TUNE_LINE = 1024, TUNE_MOST_CALLS = 512, TUNE_MOST_SETS = 64 };

/* ---- result.c ---- */

/* As struct mien_tune_row. */
struct tune_row {
    struct vk_choice choice; /* call, variant, tile, gain; why = the reason */
    char rule[64];
    enum mien_tune_outcome outcome;
    double ms;
    uint32_t choices, lost;
    double work; /* what a run of the program spends on it, about */
};

struct mien_tune_result {
    char device[256], driver[256], *file;
    bool in_time; /* every row was looked at */
    struct tune_row *rows;
    size_t count, capacity;
    struct base_text json, text;
};

void tune_row_public(const struct tune_row *row, struct mien_tune_row *out);
/* The file of the device that params name: its caps without masks; result->device, driver, file. */
enum mien_status tune_find(const struct mien_gpu_params *params, struct mien_tune_result *result, struct vk_caps *caps);

/* ---- child.c: options as words, lines ---- */

struct tune_options {
    const char *device, *caps, *cache_dir, *model, *config, *only, *precision;
    const char *sets[TUNE_MOST_SETS];
    size_t set_count;
    const char *calls[TUNE_MOST_CALLS]; /* to measure; none: the child says which there are */
    size_t call_count;
    size_t from;             /* the first of them */
    double seconds, timeout; /* left for all; of one choice */
    bool again;
};
/* The word that cannot be used, or NULL. */
const char *tune_options_parse(const char *const *words, struct tune_options *out);
/* The words that it makes `options` of, behind `first`; ended by NULL, in the arena. NULL when memory ran out. */
const char **tune_options_words(const struct tune_options *options, const char *const *first, struct base_arena *arena);

/* A child at work. */
struct tune_child {
    struct tune_options options;
    struct mien_gpu *gpu;
    struct vk_device *device;
    struct check_context context;
    struct vk_tuned known; /* what the table's file holds */
    void (*line)(void *user, const char *line);
    void *user;
    char error[MIEN_ERROR_SIZE]; /* the last one logged */
};
void tune_say(const struct tune_child *child, const char *fmt, ...) MIEN_PRINTF(2, 3);

/* ---- calls.c ---- */

/* Says "@call WORK CHOICES RULE TEXT" for each call that has more than one choice. */
enum mien_status tune_calls(struct tune_child *child);

/* ---- measure.c ---- */

/* The choices of a call that give different plans, the rule's first. */
struct tune_choices {
    struct op_choice choice[OP_MAX_CHOICES];
    struct op_plan plan[OP_MAX_CHOICES];
    uint32_t count;
};
/* Those that the device's limits refuse are left out. */
void tune_choices_make(const struct vk_caps *caps, const struct op_call *call, struct tune_choices *out);
void tune_choices_clear(struct tune_choices *choices);

/* Says "@begin CALL KEY VARIANT TILE" before each choice, and then "@best CALL KEY VARIANT TILE GAIN MS LOST" or "@skip
 * CALL why"; "@out" when time is over. MIEN_ERR_TIMEOUT, MIEN_ERR_DEVICE_LOST: the choice that was begun is lost. */
enum mien_status tune_measure(struct tune_child *child);

#endif
