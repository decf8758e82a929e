/* mien/check.h: portability checks: every kernel that Mien may choose, held against its reference on a Vulkan device.
 *
 *   static void print(void *user, const char *line) { puts(line); fflush(stdout); }
 *   int main(int argc, char **argv)
 *   {
 *       static const char *const child[] = {"--child", NULL};
 *       if (argc > 1 && strcmp(argv[1], "--child") == 0)
 *           return mien_check_child((const char *const *)argv + 2, print, NULL);
 *       struct mien_check_params params = {sizeof params, .child = child, .tier = MIEN_CHECK_QUICK, .line = print};
 *       struct mien_check_result *result;
 *       if (mien_check(&params, &result) == MIEN_OK)
 *           puts(mien_check_summary(result));
 *       mien_check_destroy(&result);
 *   }
 *
 * A unit is one op, one case (shapes) and one way to run it (a kernel variant, as chosen under some capability mask).
 * Units run in child processes, so that one that hangs or crashes costs only itself.
 * Threads: a call and its result belong to one thread at a time. */
#ifndef MIEN_CHECK_H
#define MIEN_CHECK_H

#include "mien/common.h"

#ifdef __cplusplus
extern "C" {
#endif

enum mien_check_status { MIEN_CHECK_PASS, MIEN_CHECK_FAIL, MIEN_CHECK_SKIP, MIEN_CHECK_STATUSES };

/* "pass", "fail", "skip"; "unknown" for values outside the enum. Thread-safe. */
MIEN_API const char *mien_check_status_name(enum mien_check_status status);

/* How much is checked. */
enum mien_check_tier {
    MIEN_CHECK_STANDARD, /* all but what would take over a second a run on this device */
    MIEN_CHECK_QUICK,    /* small shapes, every op and every variant: what is left out does not depend on speed */
    MIEN_CHECK_FULL,     /* all */
};

/* One unit's outcome. Texts live during the callback, or as long as the result; never NULL. */
struct mien_check_row {
    size_t size;
    const char *op, *variant; /* variant "": none could be planned */
    const char *case_name;
    const char *dtype; /* of what is stored: "f32", "bf16", "f16" where one is */
    const char *needs; /* capabilities that the variant needs, separated by blanks; "" = it is plain */
    const char *mask;  /* the capability mask under which it is chosen; "" = nothing masked */
    enum mien_check_status status;
    const char *reason; /* of a failure or skip. "hang: ...", "crash: ..." where the child did not survive it */
    double error;       /* the largest, as a share of the tolerance: above 1 fails. NaN = nothing could be compared */
    double ms;          /* one run on the device's clock, the host's where it has none; 0 = it did not run */
};

/* `child` is needed. All is borrowed during the call. */
struct mien_check_params {
    size_t size;
    const char *const *child;  /* arguments with which the running program, started once more from its own file, calls
                                  mien_check_child with those that follow; ended by NULL */
    const char *device, *caps; /* as of mien_gpu_params; NULL = MIEN_DEVICE, MIEN_CAPS */
    enum mien_check_tier tier;
    const char *op, *case_name; /* only these (* and ? match); NULL = all */
    const char *mask;           /* one capability mask, as in rows, instead of the walk over all */
    uint64_t seed;              /* of the inputs; 0 = 1 */
    double timeout;             /* seconds that one unit may take; 0 = 60, with MIEN_CHECK_FULL 900 */
    uint32_t jobs;              /* children side by side; 0 = two on a software device, else one. At most 16 */
    const char *command;        /* what repeats a check on a command line, for the summary; NULL = "mien check" */
    void (*line)(void *user, const char *line); /* lines of a table for people, as they come; may be NULL */
    void (*row)(void *user, const struct mien_check_row *row); /* in the order of units; may be NULL */
    mien_progress_fn progress;                                 /* of units; may be NULL */
    void *user;
};

struct mien_check_result;

/* Checks. A row that fails is no failure of the call: mien_check_count tells. The caller owns *out.
 * MIEN_ERR_NO_DEVICE, MIEN_ERR_UNSUPPORTED: no device that Mien can use; MIEN_ERR_ARG: a bad capability list or mask,
 * or nothing of that name to check; MIEN_ERR_DRIVER: a child died before any unit began; MIEN_ERR_CANCELLED;
 * MIEN_ERR_FAILED: the program cannot be started once more; MIEN_ERR_NOMEM. */
MIEN_API enum mien_status mien_check(const struct mien_check_params *params, struct mien_check_result **out);

/* The child's side: runs what `args` (ended by NULL) say, which mien_check has written, and gives lines to `line`,
 * which writes each with a newline to standard output and flushes it. Returns the exit status for the program to end
 * with. Uses the process-wide log sink. */
MIEN_API int mien_check_child(const char *const *args, void (*line)(void *user, const char *line), void *user);

/* Names of ops (that match op; NULL = all), their variants and cases, as lines of text. MIEN_ERR_ARG: no op matches. */
MIEN_API enum mien_status mien_check_list(const char *op, void (*line)(void *user, const char *line), void *user);

/* ---- results ---- */

/* How many rows there are of a status. */
MIEN_API size_t mien_check_count(const struct mien_check_result *result, enum mien_check_status status);

/* The row number `index` from 0 on; false after the last. */
MIEN_API bool mien_check_row(const struct mien_check_result *result, size_t index, struct mien_check_row *row);

/* {"head": {...}, "rows": [...]}, one row a line, with a newline at the end. `head`: `mien` (its version), `tier`,
 * `seed`, what was selected (`op`, `case`, `mask`), `device`, `type`, `vendor_id`, `device_id`, `driver`,
 * `driver_version`, `api`, `tiles`, `features`, `masked`, `disabled`, `subgroup_size`, `limits`, and `kernels`: 16 hex
 * digits of the SHA-256 of each SPIR-V module. Rows: `op`, `variant`, `case`, `dtype`, `status`, `error` (null: nothing
 * was compared), `ms`, and, where not empty, `needs`, `mask`, `reason`. But for `ms`, equal runs give equal bytes with
 * MIEN_CHECK_QUICK and MIEN_CHECK_FULL. */
MIEN_API const char *mien_check_json(const struct mien_check_result *result);
/* The rows as CSV (RFC 4180) with a heading. */
MIEN_API const char *mien_check_csv(const struct mien_check_result *result);
/* Lines for people: by capability, what was skipped and why, how to repeat each failure, how many passed. */
MIEN_API const char *mien_check_summary(const struct mien_check_result *result);
/* All three live as long as the result. */

/* Reads what mien_check_json gave. MIEN_ERR_DATA: not such a file. The caller owns *out. */
MIEN_API enum mien_status mien_check_read(const char *path, struct mien_check_result **out);

MIEN_API void mien_check_destroy(struct mien_check_result **result);

/* ---- for those who write drivers ---- */

/* `fossil`, `shaders` or both are needed. All is borrowed during the call. */
struct mien_check_export_params {
    size_t size;
    const char *device, *caps; /* as of mien_gpu_params; NULL = MIEN_DEVICE, MIEN_CAPS */
    const char *op;            /* only these ops (* and ? match); NULL = all */
    const char *fossil;  /* a file to write, FILE.foz: a database of ValveSoftware/Fossilize (format version 6), which
                            fossilize-replay and Mesa's continuous integration build on any driver */
    const char *shaders; /* a directory to make: SHADER.HASH.spv of each pipeline, SPIR-V with the values of its
                            specialisation constants in their places, and index.jsonl, an object a line: `file`,
                            `pipeline` (its hash, also its name in the database), `op`, `variant` and `case` of its
                            first use, `chosen`, `shader`, `local_size` [3], `spec` (values of the constants 0, 1, ...),
                            `subgroup_size` that it requires (0 = the driver's choice), `full_subgroups`, `buffers`
                            (storage buffers at bindings 0, 1, ... of set 0), `push_size` in bytes */
};

struct mien_check_export_summary {
    size_t size;
    uint32_t pipelines; /* that differ */
    uint32_t chosen;    /* that the device would run; the others are of variants that it could */
    uint32_t refused;   /* plans and pipelines of such variants left out: they are beyond the device's limits */
};

/* Writes every pipeline that Mien would make on a device for the cases of its ops, as its driver would get it (chosen
 * variants and all others that its capabilities allow). The driver compiles nothing. Equal calls give equal bytes; each
 * file appears whole or not at all. `summary` may be NULL. MIEN_ERR_ARG: a name that does not end in .foz, a directory
 * that holds something, an op that is not there, a bad capability list; MIEN_ERR_NO_DEVICE, MIEN_ERR_UNSUPPORTED: no
 * device that Mien can use; MIEN_ERR_IO; MIEN_ERR_NOMEM. */
MIEN_API enum mien_status mien_check_export(const struct mien_check_export_params *params,
                                            struct mien_check_export_summary *summary);

/* ---- two results side by side ---- */

struct mien_check_compare_params {
    size_t size;
    double error_factor; /* an error that has grown by more is a regression, when it is above a quarter of the
                            tolerance; 0 = 2 */
    double ms_factor; /* a time that has grown by more, and by 2 ms, is one; 0 = 2 where both are of the same device and
                         it is no software device, whose times are those of all that runs beside it; else times are
                         not compared */
};

struct mien_check_difference;

/* What B does worse than A: two devices, drivers or versions. Rows belong together by op, variant, case and dtype; of
 * those that differ by their mask alone the worst counts. Regressions: it passed in A, or was not there, and fails in
 * B; it passed and is skipped or not there, where both are of the same device, were asked for the same and B has what
 * it needs; an error or a time that has grown. Other differences are told too, and kernels whose SPIR-V differs. params
 * may be NULL. The caller owns *out. MIEN_ERR_ARG, MIEN_ERR_NOMEM. */
MIEN_API enum mien_status mien_check_compare(const struct mien_check_result *a, const struct mien_check_result *b,
                                             const struct mien_check_compare_params *params,
                                             struct mien_check_difference **out);
MIEN_API size_t mien_check_regressions(const struct mien_check_difference *difference);
/* {"a": head, "b": head, "kernels": [names], "regressions": n, "rows": [{"kind", "regression", "op", "case", "variant",
 * "dtype", "a", "b"}]} with a newline at the end; and lines for people. They live as long as the difference. */
MIEN_API const char *mien_check_difference_json(const struct mien_check_difference *difference);
MIEN_API const char *mien_check_difference_text(const struct mien_check_difference *difference);
MIEN_API void mien_check_difference_destroy(struct mien_check_difference **difference);

#ifdef __cplusplus
}
#endif
#endif
