/* bench.h: inside bench: what is timed, and what came of it. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include "check/check.h"
#include "mien/bench.h"
#include "train/step.h"

/* ---- results (result.c, print.c, read.c, compare.c) ---- */

/* As struct mien_bench_row, which says what the members are. */
struct bench_row {
    char name[96], kind[12], variant[48], reason[400];
    enum mien_bench_outcome outcome;
    enum mien_bench_bound bound;
    double ms, least_ms, spread, gflops, gbps, share, flops, bytes, error, compile_ms;
    uint64_t memory;
    uint32_t dispatches, barriers, samples;
    enum mien_bench_change change;
    double before_ms, ratio, noise;
};

struct bench_head {
    char mien[16], kernels[20], device[256], driver[256], api[16], type[16], tiles[16], features[256], masked[256],
        matrix_unit[96];
    uint32_t driver_version, subgroup_size;
    bool quick;
    double fma_gflops, copy_gbps, dispatch_us, barrier_us, submit_us;
};

struct mien_bench {
    struct bench_head head;
    struct bench_row *rows; /* by base_grow */
    size_t count, capacity;
    char against[256];     /* the device that it was compared with; "" = it was not */
    struct base_text gone; /* names of rows that only the earlier result has, ", " between */
    struct base_text json, csv, text;
};

enum mien_status bench_add_row(struct mien_bench *bench, const char *kind, const char *name, struct bench_row **out);
extern const char *const bench_outcome_words[], *const bench_bound_words[], *const bench_change_words[];

/* Members that are numbers, by their names in JSON and as columns: X(name). */
#define BENCH_NUMBERS(X) X(ms) X(least_ms) X(spread) X(gflops) X(gbps) X(share) X(flops) X(bytes) X(error) X(compile_ms)
#define BENCH_COUNTS(X) X(memory) X(dispatches) X(barriers) X(samples)
#define BENCH_HEAD_TEXTS(X)                                                                                            \
    X(mien) X(kernels) X(device) X(driver) X(api) X(type) X(tiles) X(features) X(masked) X(matrix_unit)
#define BENCH_HEAD_NUMBERS(X) X(fma_gflops) X(copy_gbps) X(dispatch_us) X(barrier_us) X(submit_us)

/* ---- what is timed ---- */

enum { BENCH_ROUNDS = 9, BENCH_QUICK_ROUNDS = 5, BENCH_SIZES = 3 };

struct bench_model;
struct bench_item;

/* A kind of thing that is timed. An item that is ready holds memory until it is released. */
struct bench_kind {
    const char *name;
    /* Checks it and makes it ready to be timed, or sets the row's outcome. A failure that is not the row's own alone
     * (the device is lost) is returned; *ready stays false where there is nothing to time. */
    bool (*prepare)(struct bench_item *item);
    enum mien_status (*sample)(struct bench_item *item, double *seconds);
    void (*release)(struct bench_item *item);
};

enum bench_part { BENCH_IMAGE, BENCH_TEXT, BENCH_CLIP, BENCH_STEP, BENCH_PARTS };

struct bench_item {
    struct bench_run *bench;
    const struct bench_kind *kind;
    size_t row; /* its place in the result */
    bool ready, peak;
    struct check_case c; /* of a kernel */
    const struct bench_model *model;
    enum bench_part part;
    enum mien_dtype stored; /* of a step's activations: run.precision */
    struct kernel_state *kernel;
    struct program_state *program;
    double sample[BENCH_ROUNDS];
    uint32_t samples;
};

/* The model that towers and steps share. */
struct bench_fixture {
    const struct bench_model *of;
    struct nn_model *model;
    struct train_param *rules;
    struct train_moments moments, scaled; /* the same with a scale of the loss, for f16; that alone is its own */
};

struct bench_run {
    struct mien_bench *out;
    struct check_context context;
    struct mien_bench_params params;
    struct vk_device *device;
    struct bench_fixture fixture;
    struct bench_item *items;
    size_t count, capacity, peaks; /* of them, which come first, so many are peaks */
    struct op_case peak[1 + BENCH_SIZES];
    double best[1 + BENCH_SIZES]; /* least seconds of the peaks so far */
    uint32_t rounds;
    uint64_t done, total; /* progress */
};

/* items.c: the rows that are wanted. MIEN_ERR_ARG when there is none. */
enum mien_status bench_items_make(struct bench_run *run);
enum mien_status bench_item_add(struct bench_run *run, const struct bench_kind *kind, const char *name,
                                struct bench_item **out);
static inline struct bench_row *bench_row_of(const struct bench_item *item)
{
    return &item->bench->out->rows[item->row];
}
/* Sets the outcome and the reason; returns false. */
bool bench_give_up(struct bench_item *item, enum mien_bench_outcome outcome, const char *fmt, ...) MIEN_PRINTF(3, 4);
/* The same of a call that failed, whose message was kept. */
bool bench_failed(struct bench_item *item);

extern const struct bench_kind bench_peak, bench_kernel, bench_tower, bench_step; /* kernel.c, program.c */
enum mien_status bench_programs_add(struct bench_run *run);
void bench_fixture_clear(struct bench_fixture *fixture);

/* overhead.c: dispatch, barrier and submission, into the head. */
enum mien_status bench_measure_overhead(struct bench_run *run);

/* shares.c: rates and shares of all rows from their samples. */
void bench_finish(struct bench_run *run);

#endif
