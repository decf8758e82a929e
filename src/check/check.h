/* check.h: the parts of check_ops. A parent process starts a child (the same program with --child) that owns the
 * device and works through units in order; the parent reads its reports from a pipe, kills it when a unit outlasts its
 * time, and starts another at the next unit.
 *
 * A unit is one op, one case and one distinct plan (the plans that differ under some capability mask). With --grad a
 * unit is one op and one case. The order of units depends on the lists and the device alone. */
#ifndef CHECK_CHECK_H
#define CHECK_CHECK_H

#include "op/hazard.h"
#include "op/signature.h"

#include <stdio.h>

/* What a test program checks: the library's ops, or ones planted to see whether they are caught. */
struct check_suite {
    const struct op_desc *const *ops; /* NULL-ended */
    const struct op_shader *shaders;  /* looked up before the library's; ended by a NULL name; may be NULL */
};

struct check_options {
    const char *op_glob, *case_glob, *mask, *device;
    uint64_t seed;
    bool grad, bench, full, csv, json, list, verbose, smallest;
    uint64_t max_elements; /* only cases whose inputs hold no more; 0 = all */
    double timeout;        /* seconds a unit may take */
    /* child only */
    bool child;
    uint32_t from;               /* first unit to run */
    double flop_rate, byte_rate; /* per second, from calibration; 0 = not yet known */
};

enum check_result { CHECK_PASS, CHECK_FAIL, CHECK_SKIPPED, CHECK_HANG, CHECK_CRASH, CHECK_RESULTS };

/* One line of the report. */
struct check_row {
    uint32_t unit;
    enum check_result result;
    char op[32], case_name[32], variant[48], mask[96];
    double worst, nmse;                            /* largest error in tolerances; largest NMSE */
    double microseconds, gflops, gbytes, vs_plain; /* with --bench; 0 = not timed */
    char note[400];
};

/* ---- row.c: rows as text, CSV, JSON and on the pipe -------------------------------------------------------------- */

void check_row_print(const struct check_options *options, const struct check_row *row, FILE *out);
void check_table_head(const struct check_options *options, FILE *out);
void check_table_end(const struct check_options *options, const uint32_t counts[CHECK_RESULTS], FILE *out);
void check_row_send(const struct check_row *row, FILE *out); /* child to parent */
bool check_row_receive(char *line, struct check_row *row);   /* false = not a row; line is cut up */
const char *check_result_word(enum check_result result);

/* ---- child.c: the device's side ---------------------------------------------------------------------------------- */

struct check_context {
    const struct check_options *options;
    const struct check_suite *suite;
    struct vk_instance *instance;
    struct vk_device *device;
    struct vk_caps caps; /* of the device, as clamped by MIEN_CAPS */
    FILE *report;        /* where rows go */
    double flop_rate, byte_rate;
    char error[400]; /* the last error logged, for the row's note */
};

/* Works through the units and writes rows to `report`; returns the exit status of the process. */
int check_child(const struct check_options *options, const struct check_suite *suite, FILE *report);
const struct op_shader *check_shader(const struct check_context *context, const char *name);
bool check_glob(const char *pattern, const char *name); /* * and ?; NULL matches all */
/* Sets the row's note and returns false. */
bool check_fail(struct check_row *row, const char *fmt, ...) MIEN_PRINTF(2, 3);

/* ---- masks.c: capability masks ----------------------------------------------------------------------------------- */

struct check_mask {
    struct vk_caps caps;
    char text[96]; /* as for --mask and vk_caps_clamp; "" = nothing masked */
};
enum { CHECK_MAX_MASKS = 64 };
/* From nothing allowed to all that caps has, for each device class and for the floor's limits. */
uint32_t check_masks_make(const struct vk_caps *caps, struct check_mask masks[CHECK_MAX_MASKS]);
/* The one mask that --mask names. */
enum mien_status check_mask_parse(const struct vk_caps *caps, const char *text, struct check_mask *out);
/* Whether two plans run the same commands. */
bool check_plan_equal(const struct op_plan *a, const struct op_plan *b);

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
    CHECK_LARGE,  /* N(0,1) * 1e4 */
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

/* got against call->out_data[o]; adds to the row's worst and nmse; false and a note when out of tolerance. */
bool check_compare(const struct op_call *call, uint32_t o, const void *got, struct check_row *row);

/* ---- spirv.c: what a module says about itself -------------------------------------------------------------------- */

/* The dispatch against its shader: qualifiers, bindings, push constants, shared memory, capabilities. `plain` = its
 * variant has no needs. */
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

/* ---- run.c: a plan on the device --------------------------------------------------------------------------------- */

struct check_run; /* memory with guard zones, pipelines and a recording */
enum mien_status check_run_create(struct check_context *context, const struct op_call *call, const struct op_plan *plan,
                                  uint32_t repeat, struct check_run **out);
void check_run_destroy(struct check_run **run);
/* Uploads call->in_data, runs, downloads; checks guards and inputs; *outputs [out_count] point into the run. */
bool check_run_once(struct check_run *run, const struct op_call *call, const void **outputs, struct check_row *row);
/* Runs without looking at results; seconds per repetition of the plan, on the device's clock where it has one. */
enum mien_status check_run_time(struct check_run *run, double *seconds);

/* A very slow driver: per second. */
#define CHECK_SLOW_FLOPS 3e8
#define CHECK_SLOW_BYTES 1e9

/* ---- bench.c, grad.c --------------------------------------------------------------------------------------------- */

/* Rates of the device; those of a very slow driver when it cannot be measured (the cases will say why). */
void check_calibrate(struct check_context *context);
bool check_bench(struct check_context *context, struct op_call *call, const struct op_plan *plan,
                 const struct vk_caps *caps, struct check_row *row);
bool check_gradient(const struct check_options *options, const struct check_case *c, struct check_row *row);

#endif
