/* check.h: the harness of `mien check` and check_ops. A parent starts children (the same program once more) that own
 * the device and work through units in order; it reads their reports, kills one when a unit outlasts its time, and
 * starts another at the next unit.
 *
 * A unit is one op, one case and one distinct plan (the plans that differ under some capability mask). With `grad` a
 * unit is one op and one case. The order of units depends on the lists, the options and the device alone. */
#ifndef CHECK_CHECK_H
#define CHECK_CHECK_H

#include "mien/check.h"
#include "op/hazard.h"
#include "op/signature.h"

/* What is checked: the library's ops, or ones planted to see whether they are caught. */
struct check_suite {
    const struct op_desc *const *ops; /* NULL-ended */
    const struct op_shader *shaders;  /* looked up before the library's; ended by a NULL name; may be NULL */
};
extern const struct check_suite check_library; /* the library's */

struct check_options {
    const char *op_glob, *case_glob, *mask, *device, *caps; /* NULL = all; as the environment says */
    uint64_t seed;
    bool grad, bench, quick, full, verbose, smallest;
    uint64_t max_elements; /* only cases whose inputs hold no more; 0 = all */
    double timeout;        /* seconds a unit may take */
    /* child only */
    bool first;                  /* the one that tells what the device is and how many children suit it */
    uint32_t jobs;               /* children side by side; 0 = as many as suit the device */
    uint32_t share, from;        /* of the cases, those that fall to this one of the jobs; the first unit to run */
    double flop_rate, byte_rate; /* per second, from calibration; 0 = not yet known */
};

enum check_result { CHECK_PASS, CHECK_FAIL, CHECK_SKIPPED, CHECK_HANG, CHECK_CRASH, CHECK_RESULTS };

enum { CHECK_MASK_SIZE = 192, CHECK_NEEDS_SIZE = 160, CHECK_REASON_SIZE = 480, CHECK_LINE_SIZE = 8192 };

/* One line of the report. */
struct check_row {
    uint32_t unit;
    enum check_result result;
    char op[32], case_name[32], variant[48], mask[CHECK_MASK_SIZE], dtype[8];
    uint32_t needs;                                /* VK_CAP_* bits of the variant */
    double worst, nmse;                            /* largest error in tolerances; largest NMSE */
    double ms;                                     /* one run of the plan */
    double microseconds, gflops, gbytes, vs_plain; /* with `bench`; 0 = not timed */
    char note[400];
    char needs_text[CHECK_NEEDS_SIZE], reason[CHECK_REASON_SIZE]; /* for mien_check_row */
};

/* Where lines of text go, without their newline. */
typedef void (*check_line_fn)(void *user, const char *line);

/* ---- options.c --------------------------------------------------------------------------------------------------- */

/* Words "--op GLOB", ..., ended by NULL, into what *options holds (its defaults). NULL, or the word that cannot be used
 * there. Strings are borrowed from the words. */
const char *check_options_parse(const char *const *words, struct check_options *options);
void check_options_default(struct check_options *options);
enum { CHECK_MOST_WORDS = 48 };
/* The words that check_options_parse makes `options` of, behind words[0..count): ended by NULL; false when memory ran
 * out. */
bool check_options_words(const struct check_options *options, struct base_arena *arena, const char **words,
                         size_t count);
bool check_glob(const char *pattern, const char *name); /* * and ?; NULL matches all */

/* ---- row.c: rows on the pipe, as text and as CSV ----------------------------------------------------------------- */

void check_row_text(const struct check_row *row, bool bench, char *text, size_t size);
void check_table_head(bool bench, char *text, size_t size);
void check_row_csv(const struct check_row *row, struct base_text *text);
extern const char check_csv_head[];
void check_row_pack(const struct check_row *row, char *line, size_t size); /* child to parent */
bool check_row_unpack(char *line, struct check_row *row);                  /* false = not a row; line is cut up */
enum mien_check_status check_row_status(const struct check_row *row);
double check_row_error(const struct check_row *row); /* NaN = nothing was compared */
/* "hang: no answer within 60 s", "crash: ..." */
void check_row_reason(const struct check_row *row, char *text, size_t size);

/* ---- child.c: the device's side ---------------------------------------------------------------------------------- */

struct check_context {
    const struct check_options *options;
    const struct check_suite *suite;
    struct vk_instance *instance;
    struct vk_device *device;
    struct vk_caps caps; /* of the device, as clamped by MIEN_CAPS */
    check_line_fn say;   /* where rows go */
    void *user;
    uint32_t jobs;
    double flop_rate, byte_rate;
    bool filled;     /* the call in work holds CHECK_NORMAL inputs and their reference values */
    char error[400]; /* the last error logged, for the row's note */
};

/* Works through the units and says rows; returns the exit status of the process. */
int check_child(const struct check_options *options, const struct check_suite *suite, check_line_fn say, void *user);
const struct op_shader *check_shader(const struct check_context *context, const char *name);
/* Sets the row's note and returns false. */
bool check_fail(struct check_row *row, const char *fmt, ...) MIEN_PRINTF(2, 3);
/* One line to the parent. */
void check_say(const struct check_context *context, const char *fmt, ...) MIEN_PRINTF(2, 3);

/* ---- masks.c: capability masks ----------------------------------------------------------------------------------- */

struct check_mask {
    struct vk_caps caps;
    char text[CHECK_MASK_SIZE]; /* as for --mask and vk_caps_clamp; "" = nothing masked */
};
enum { CHECK_MAX_MASKS = 64 };
/* From nothing allowed to all that caps has, for each device class and for the floor's limits. */
uint32_t check_masks_make(const struct vk_caps *caps, struct check_mask masks[CHECK_MAX_MASKS]);
/* The one mask that --mask names. */
enum mien_status check_mask_parse(const struct vk_caps *caps, const char *text, struct check_mask *out);
/* Whether two plans run the same commands. */
bool check_plan_equal(const struct op_plan *a, const struct op_plan *b);
/* The bits' words, separated by blanks; and back. */
void check_needs_text(uint32_t features, char *text, size_t size);
uint32_t check_needs_parse(const char *text);

/* ---- parent.c, result.c ------------------------------------------------------------------------------------------ */

struct mien_check_result {
    cJSON *head;
    struct check_row *rows;
    size_t count, capacity;
    bool bench;
    char *repeat; /* see check_repeat; NULL = read from a file */
    struct base_text json, csv, summary;
};

struct check_parent {
    const struct check_suite *suite;
    const char *const *child; /* the words before the options of a child; NULL-ended */
    const char *command;      /* words that repeat a check on a command line: "mien check" */
    check_line_fn line;       /* the table as it comes; may be NULL */
    check_line_fn other;      /* lines of children that are no rows; may be NULL */
    void (*row)(void *user, const struct mien_check_row *row); /* may be NULL */
    mien_progress_fn progress;                                 /* may be NULL */
    void *user;
    uint32_t jobs; /* children side by side; 0 = two on a software device, else one */
};

/* All units, in children. A row that fails is no failure of this. */
enum mien_status check_all(const struct check_options *options, const struct check_parent *parent,
                           struct mien_check_result **out);
/* What a device says of itself, as JSON on one line, for the head. Free with base_free; NULL when out of memory. */
char *check_device_json(const struct vk_caps *caps);
/* result->head from it ("" = no device) and the options. */
enum mien_status check_head_make(struct mien_check_result *result, const struct check_options *options,
                                 const struct check_suite *suite, const char *device);
/* What a command line begins with that checks one row again, without its --op, --case and --mask; NULL when out of
 * memory. */
char *check_repeat(const char *command, const struct check_options *options);
/* json, csv and summary, when all rows are there. */
enum mien_status check_result_finish(struct mien_check_result *result);
/* A row for a caller, whose texts live in `needs`, `reason` and the row. */
void check_row_public(const struct check_row *row, char needs[CHECK_NEEDS_SIZE], char reason[CHECK_REASON_SIZE],
                      struct mien_check_row *out);
void check_list(const struct check_suite *suite, const char *op_glob, check_line_fn line, void *user);

/* ---- host.c: gradient rules on the host, and cases --------------------------------------------------------------- */

enum { CHECK_MAX_VALUES = 256 };

struct check_value {
    struct tensor_shape shape;
    void *data;
};

/* A recorder that runs references. Zeroed but for these: */
struct check_host {
    struct op_recorder recorder;
    const struct op_desc *wanted; /* recording ends where this op is met; NULL = none */
    bool shapes_only;             /* no data, nothing is run */
    struct op_call found;         /* that use of it; its data belong to the host */
    struct check_value value[CHECK_MAX_VALUES];
    uint32_t count;
    enum mien_status status;
};

/* Runs the call's gradient rule for all that check_wants. dout: the gradients of outputs that are no by-products. */
enum mien_status check_host_rule(struct check_host *host, const struct op_call *call, float *const dout[OP_MAX_OUT],
                                 op_value din[OP_MAX_IN]);
void check_host_clear(struct check_host *host);
bool check_wants(const struct op_call *call, uint32_t input); /* whether it has a gradient */

/* A case of an op: one of its own, or, of a gradient op, what the gradient rule of an op in op->forward records in one
 * of its cases. */
struct check_case {
    const struct op_desc *op;
    const struct op_desc *forward; /* NULL = its own */
    const struct op_case *given;   /* its name and what it is worth; of op or of forward */
};

/* From {.op = op} to the first case, then to the next; false behind the last. */
bool check_case_next(struct check_case *c);
/* The case's call: shapes, without data. */
enum mien_status check_case_call(const struct check_case *c, struct op_call *call);
uint64_t check_case_elements(const struct check_case *c); /* of all inputs */

/* ---- inputs.c: calls with host data ------------------------------------------------------------------------------ */

enum check_pattern {
    CHECK_NORMAL,
    CHECK_OFFSET,   /* N(0,1) + 100 */
    CHECK_CONSTANT, /* every row one value */
    CHECK_ZERO,
    CHECK_TINY,   /* denormals and values near them */
    CHECK_LARGE,  /* N(0,1) * 1e4; * 30 where f16 is stored */
    CHECK_SPARSE, /* one element in eight is not 0 */
    CHECK_PATTERNS
};
const char *check_pattern_name(enum check_pattern pattern);
/* Shapes of the case and memory for all. */
enum mien_status check_call_make(const struct check_case *c, struct op_call *call);
enum mien_status check_call_fill(struct op_call *call, const struct check_case *c, enum check_pattern pattern,
                                 uint64_t seed);
void check_call_clear(struct op_call *call);
bool check_call_pathological(const struct check_case *c); /* whether any input knows pathological patterns */

/* ---- compare.c --------------------------------------------------------------------------------------------------- */

/* got against call->out_data[o], as results of the variant may differ from it; adds to the row's worst and nmse; false
 * and a note when out of tolerance. */
bool check_compare(const struct op_call *call, const struct op_variant *variant, uint32_t o, const void *got,
                   struct check_row *row);

/* ---- spirv.c: what a module says about itself -------------------------------------------------------------------- */

/* The dispatch against its shader: qualifiers, bindings, push constants, shared memory, capabilities. `plain` = its
 * variant has neither needs nor a predicate. */
bool check_spirv(const struct op_shader *shader, const struct op_dispatch *d, const struct vk_caps *caps, bool plain,
                 struct check_row *row);

/* ---- pipelines.c: what ops ask of a driver's compiler ------------------------------------------------------------ */

/* One dispatch of the plan of a variant in a case. The names and the SPIR-V live as long as the program. */
struct check_pipeline {
    const char *op, *case_name, *variant;
    bool chosen; /* the variant is the one that the device would run in this case */
    struct vk_kernel kernel;
};
typedef enum mien_status (*check_pipeline_fn)(void *user, const struct check_pipeline *pipeline);

struct check_pipeline_counts {
    uint32_t plans, refused; /* refused: a variant that was not chosen is beyond the device's limits */
};

/* Visits every dispatch of every plan of the library's ops under caps, in the order of the lists, equal ones as often
 * as they occur; ends at the first error. No device is used. */
enum mien_status check_pipelines(const struct vk_caps *caps, const char *op_glob, check_pipeline_fn visit, void *user,
                                 struct check_pipeline_counts *counts);
/* Those of one case, which need not be in a list; adds to *counts. */
enum mien_status check_case_pipelines(const struct vk_caps *caps, const struct check_case *c, check_pipeline_fn visit,
                                      void *user, struct check_pipeline_counts *counts);

/* ---- export.c: for those who write drivers ----------------------------------------------------------------------- */

/* A pipeline and the first use of it; the first by a chosen variant, where there is one. */
struct check_export {
    struct check_pipeline first;
    struct vk_pipeline_form form;
    uint64_t hash; /* vk_fossil_hash */
};
struct check_exported {
    struct check_export *pipelines; /* each once, in the order of check_pipelines */
    size_t count;
    uint32_t refused; /* plans and pipelines of variants that are not chosen, beyond the device's limits */
};
/* Gathers what the device would make; MIEN_ERR_ARG where no op is named so. */
enum mien_status check_export_gather(const struct vk_device *device, const char *op_glob, struct check_exported *out);
void check_export_clear(struct check_exported *list);
/* A Fossilize database of them (vk_fossil_open). */
enum mien_status check_export_fossil(const struct check_exported *list, const char *path);
/* A directory with SHADER.HASH.spv of each, the module with its constants' values (vk_kernel_settle), and index.jsonl,
 * a line of JSON for each: file, pipeline (its hash), op, variant, case, chosen, shader, local_size [3], spec,
 * subgroup_size (0 = the driver's choice), full_subgroups, buffers, push_size. MIEN_ERR_ARG where the directory holds
 * something. */
enum mien_status check_export_shaders(const struct check_exported *list, const char *dir);

/* ---- run.c: a plan on the device --------------------------------------------------------------------------------- */

struct check_run; /* memory with guard zones, pipelines and a recording */
enum mien_status check_run_create(struct check_context *context, const struct op_call *call, const struct op_plan *plan,
                                  uint32_t repeat, struct check_run **out);
void check_run_destroy(struct check_run **run);
/* Uploads call->in_data, runs, downloads; checks guards and inputs; *outputs [out_count] point into the run. */
bool check_run_once(struct check_run *run, const struct op_call *call, const void **outputs, struct check_row *row);
/* Of the last time, whatever its results. */
enum mien_status check_run_status(const struct check_run *run);
/* Runs without looking at results; seconds per repetition of the plan, on the device's clock where it has one. */
enum mien_status check_run_time(struct check_run *run, double *seconds);
double check_run_seconds(const struct check_run *run); /* of the last run, likewise */

/* A very slow driver: per second. */
#define CHECK_SLOW_FLOPS 3e8
#define CHECK_SLOW_BYTES 1e9

/* ---- unit.c, walk.c ---------------------------------------------------------------------------------------------- */

extern const char check_short_of_memory[];
/* Runs one unit: the row's result, note and numbers. */
void check_unit(struct check_context *context, struct op_call *call, const struct check_case *c,
                const struct op_plan *plan, const struct vk_caps *caps, struct check_row *row);
/* All units that fall to this child; false when the device is lost. */
bool check_walk(struct check_context *context, const struct check_mask *masks, uint32_t mask_count);
/* How many units there are for all children together. Nothing is run. */
uint32_t check_walk_count(struct check_context *context, const struct check_mask *masks, uint32_t mask_count);

/* ---- bench.c, grad.c --------------------------------------------------------------------------------------------- */

/* Rates of the device; those of a very slow driver when it cannot be measured (the cases will say why). */
void check_calibrate(struct check_context *context);
bool check_bench(struct check_context *context, struct op_call *call, const struct op_plan *plan,
                 const struct vk_caps *caps, struct check_row *row);
bool check_gradient(const struct check_options *options, const struct check_case *c, struct check_row *row);

#endif
