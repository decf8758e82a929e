/* selftest.h: kernels prove themselves before they serve. Whoever plans calls for a device shows each plan here; what
 * has not run on this device and driver before computes a small problem through the very pipelines of the plan, and is
 * held against the op's reference. What fails serves no more: caps->refused, which op_choose honours.
 * Where and when: vk_device_trials. */
#ifndef CHECK_SELFTEST_H
#define CHECK_SELFTEST_H

#include "op/op.h"

/* Reads what is known of the device, the first time. */
enum mien_status check_selftest_begin(struct vk_device *device);

/* Tries what is not proven among the plan's kernels. *again: one has failed, a warning has said so, and the plan is to
 * be made anew. MIEN_ERR_DRIVER: the last variant of an op failed; MIEN_ERR_DEVICE_LOST: a kernel did not end in time,
 * or lost the device; both name it. Others: the trial could not be made. */
enum mien_status check_selftest(struct vk_device *device, const struct op_call *call, const struct op_plan *plan,
                                bool *again);

/* Behind the last plan, also after a failure: lets other processes try. */
void check_selftest_end(struct vk_device *device);

/* ---- problem.c: a small problem for a kernel --------------------------------------------------------------------- */

/* A call, with host data, whose plan by `variant` holds the dispatch's pipeline. */
struct check_problem {
    const struct op_variant *variant;
    struct op_case own; /* made from a call where no case of the op will do */
    struct op_call call;
    struct op_plan plan;
};

/* `d` is of the plan of `call`. A case of d's op, or else the call made smaller. MIEN_ERR_FAILED: there is none, which
 * is a fault of this program. */
enum mien_status check_problem_make(const struct vk_caps *caps, const struct op_call *call, const struct op_plan *plan,
                                    const struct op_dispatch *d, struct check_problem *out);
/* The call as it is, with inputs and without reference values, for timing. MIEN_ERR_SHAPE: a case cannot say it. */
enum mien_status check_problem_whole(const struct op_call *call, struct check_problem *out);
void check_problem_clear(struct check_problem *problem);
bool check_same_pipeline(const struct op_dispatch *a, const struct op_dispatch *b);

#endif
