/* mien/bench.h: how fast a device is at what Mien does with it: kernels at the shapes of models, towers, whole training
 * steps, each beside what the device can do at most.
 *
 *   struct mien_gpu *gpu;
 *   struct mien_bench *bench;
 *   mien_gpu_create(&(struct mien_gpu_params){sizeof(struct mien_gpu_params), .pipeline_cache = MIEN_OFF}, &gpu);
 *   mien_bench_run(gpu, &(struct mien_bench_params){sizeof(struct mien_bench_params), .quick = true}, &bench);
 *   puts(mien_bench_json(bench));
 *   mien_bench_destroy(&bench);
 *
 * Threads: mien_bench_run belongs to the thread of its gpu; a result is independent of it and belongs to one thread at
 * a time. */
#ifndef MIEN_BENCH_H
#define MIEN_BENCH_H

#include "mien/gpu.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Strings are read during the call only. */
struct mien_bench_params {
    size_t size;
    const char *only;          /* rows whose name matches, with * and ?; NULL = all. The peaks are measured always */
    bool quick;                /* under a minute on a software driver: the smallest case of each kernel, small towers */
    mien_progress_fn progress; /* counts rows made ready, and samples; may be NULL */
    void *user;
    bool slow; /* also what takes longer than seconds a run on a software driver */
};

/* What was measured: a head about device and program, and rows. */
struct mien_bench;

enum mien_bench_outcome {
    MIEN_BENCH_DONE,
    MIEN_BENCH_FAILED,  /* its results were wrong, or it could not run: no time; reason says why */
    MIEN_BENCH_SKIPPED, /* reason says why */
};

/* What the device is at its limit in: the longer of flops at the rate of the measured multiply-adds, and bytes at the
 * rate of the measured copies. */
enum mien_bench_bound { MIEN_BENCH_UNBOUND, MIEN_BENCH_FMA, MIEN_BENCH_COPY };

enum mien_bench_change {
    MIEN_BENCH_NOT_COMPARED, /* no comparison was asked for, or the row is new, or was and is not timed */
    MIEN_BENCH_SAME,         /* within the noise */
    MIEN_BENCH_FASTER,
    MIEN_BENCH_SLOWER, /* a regression */
    MIEN_BENCH_BROKEN, /* a regression: timed before, and failed now */
};

/* One thing that was timed. Texts are never NULL and live as long as the result. Numbers are 0 where there are none. */
struct mien_bench_row {
    size_t size;
    const char *name;    /* "matmul/nn_768", "tower/small-b8/image", "step/small-b8", "step/small-b8/bf16" (activations
                            in 16 bits: run.precision), "peak/fma" */
    const char *kind;    /* "peak", "kernel", "tower", "step" */
    const char *variant; /* of a kernel: which one the device was given */
    const char *reason;  /* why there is no time */
    enum mien_bench_outcome outcome;
    enum mien_bench_bound bound; /* what share is of */
    double ms;                   /* the median over the samples */
    double least_ms;             /* the least */
    double spread;               /* the middle half of the samples: third quartile minus first, as a share of ms */
    double gflops, gbps;         /* by the ops' own count of work, at ms: 10^9 operations and bytes a second */
    double share;                /* of this device's measured peak, at ms: 1 = what the bound allows; more is possible
                                    on matrix units, whose own peak is not measured */
    double flops, bytes;         /* of one run */
    double error;                /* of a kernel: the largest, as a share of what is tolerated */
    double compile_ms; /* what the first run took beyond a later one: pipelines and the driver's compiler; near
                          0 where rows before it, or the driver's own cache, had them */
    uint64_t memory;   /* device memory, bytes: tensors; parameters, activations, inputs */
    uint32_t dispatches, barriers; /* of one run */
    uint32_t samples;
    /* with mien_bench_compare */
    enum mien_bench_change change;
    double before_ms;
    double ratio; /* ms / before_ms */
    double noise; /* the ratio beyond which a difference counts, minus 1: both spreads and 5 %; the least times must
                     differ, too, by 5 % */
};

struct mien_bench_head {
    size_t size;
    const char *mien;                                                     /* version */
    const char *kernels;                                                  /* digest of all kernels, hexadecimal */
    const char *device, *driver, *api, *type, *tiles, *features, *masked; /* as mien_gpu_info has them */
    uint32_t driver_version, subgroup_size;
    bool quick;
    double fma_gflops;       /* peak of fused multiply-adds in fp32, two operations each */
    double copy_gbps;        /* peak of a copy, bytes read and bytes written, over all sizes measured */
    const char *matrix_unit; /* what it multiplies, or that there is none; its peak is not measured */
    double dispatch_us;      /* of an empty dispatch behind another, without a barrier between */
    double barrier_us;       /* what a barrier between the two adds */
    double submit_us;        /* of one empty dispatch, from the submission to the end of the wait for it */
};

/* Measures. Each kernel is timed only after its results were held against its reference, twice with equal bits; towers
 * and steps after two runs gave finite and equal numbers. Samples are taken in rounds over the rows, as many of which
 * as memory allows take part at once, so that a drift of the machine is shared by all. Kernels are timed on the
 * device's clock where it has one, several runs at a time with a barrier between; towers and steps on the host's, from
 * submission to the end of the wait. What would take too long on a software device is skipped. compile_ms means most on
 * a gpu opened with pipeline_cache MIEN_OFF, and where the driver keeps no cache of its own.
 * A row that fails is a row of the result. The caller owns *out. MIEN_ERR_ARG: no row is called as `only` says;
 * MIEN_ERR_CANCELLED; MIEN_ERR_DEVICE_LOST and other faults that end everything. */
MIEN_API enum mien_status mien_bench_run(struct mien_gpu *gpu, const struct mien_bench_params *params,
                                         struct mien_bench **out);
MIEN_API void mien_bench_destroy(struct mien_bench **bench);

MIEN_API enum mien_status mien_bench_describe(const struct mien_bench *bench, struct mien_bench_head *head);
MIEN_API uint32_t mien_bench_count(const struct mien_bench *bench); /* rows */
/* MIEN_ERR_ARG: there is no such row. */
MIEN_API enum mien_status mien_bench_row_at(const struct mien_bench *bench, uint32_t index, struct mien_bench_row *row);

/* One object on one line, {"head": {...}, "rows": [...]}, with the names above; a table with a line of titles; lines
 * for people. They live until the next call with the result that is no mien_bench_json, _csv or _text. "" when memory
 * ran out. */
MIEN_API const char *mien_bench_json(struct mien_bench *bench);
MIEN_API const char *mien_bench_csv(struct mien_bench *bench);
MIEN_API const char *mien_bench_text(struct mien_bench *bench);

/* Reads what mien_bench_json gave from a file. The caller owns *out. MIEN_ERR_DATA: it is not there, or no such
 * object. */
MIEN_API enum mien_status mien_bench_read(const char *path, struct mien_bench **out);

/* Compares rows by name: fills change, before_ms, ratio and noise of `now`, which its texts then show; *regressions
 * (may be NULL) is the number of rows that are slower beyond the noise, or broken. Rows that only one of the two has
 * are no regression. */
MIEN_API enum mien_status mien_bench_compare(struct mien_bench *now, const struct mien_bench *before,
                                             uint32_t *regressions);

#ifdef __cplusplus
}
#endif
#endif
