/* infonce.h: what infonce.c and infonce_bwd.c share: a call as plain numbers, its reference, its dispatches. */
#ifndef OP_INFONCE_H
#define OP_INFONCE_H

#include "args/infonce.h"
#include "op/op.h"

/* Scores with targets and weights; qr, qc and w may be NULL. Host data. */
struct infonce_scores {
    uint32_t n;
    double s;        /* exp(q) */
    const float *a;  /* [N,N] */
    const float *qr; /* [N,N] row targets */
    const float *qc; /* [N,N] column targets */
    const float *w;  /* [N] */
};

/* Checks A (input 0), q (input 1) and, at these inputs where they are there, Qr, Qc and w. */
enum mien_status infonce_check(const struct op_call *call, const char *label, uint32_t targets, uint32_t weights);

/* The line of an anchor: the target's q of a candidate other than itself, below 0 = left out; of itself 1 - rest. */
double infonce_target(const struct infonce_scores *scores, bool column, uint32_t anchor, uint32_t candidate);
double infonce_rest(const struct infonce_scores *scores, bool column, uint32_t anchor);
/* Z of a candidate relative to the anchor's own. */
double infonce_z(const struct infonce_scores *scores, bool column, uint32_t anchor, uint32_t candidate);
/* max(w, 0), 1 without weights; their sum. */
double infonce_weight(const struct infonce_scores *scores, uint32_t pair);
double infonce_weight_sum(const struct infonce_scores *scores);
/* The forward reference. */
void infonce_forward(const struct infonce_scores *scores, float *row_lse, float *col_lse, float *loss);

/* How the scores are cut among invocations. */
struct infonce_args infonce_sizes(const struct vk_caps *caps, uint32_t n);
/* A dispatch over `count` invocations; count 0 = one workgroup that reduces. */
struct op_dispatch *infonce_add(const struct vk_caps *caps, const char *shader, const struct infonce_args *args,
                                uint64_t count, struct op_plan *plan);
/* Binds an input, or `instead` where it is absent. */
void infonce_bind_optional(struct op_dispatch *d, const struct op_call *call, uint32_t input, uint32_t instead);

/* Tests: scores, their scale, and at these inputs, where they are there, targets and weights. */
void infonce_fill(struct op_call *call, struct base_rng *rng, uint32_t targets, uint32_t weights);

#endif
