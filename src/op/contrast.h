/* contrast.h: what the contrastive losses share: pairs (image i, text i), which candidates of an anchor are positives
 * because they are similar to it, and passes over slabs of the scores A[N,N]: given, or made from embeddings
 * ("stream"). Inputs are found by their names in the op's signature:
 *   A; u, v     scores [N,N]; or embeddings [N,E], whose products they are
 *   q, b        Z = exp(q) A, for siglip + b
 *   Qr, Qc      targets of rows and of columns; sign: +1, -1, 0 = left out; w: weights of the pairs
 *   text, image guides: embeddings, or for `mine` similarities [N,N]; id: equal for pairs with the same text, 0 .. 2^24
 *   lines, lse  what the forward pass has left, weights and ids among it
 *
 * Mining (op_mining). Rows are images as anchors, their candidates texts; columns the other way round. An anchor's
 * candidates j other than itself are mined when S_ij >= threshold, S the guide's similarities, and when they are among
 * the top_k most similar, ties to the lower index. Hard and soft: they become positives; ignore: they are left out.
 * same_text adds positives, or leaves out, whatever the kind. A pair of weight 0 is left out everywhere.
 *   hard (and same_text's positives)  q = 1 / |P|, P the positives with the anchor's own
 *   soft                              q = weight softmax over P of S / tau, + 1 - weight for the anchor's own
 * S are cosines, at most 1 in size, and symmetric bit for bit. Nothing flows back through S. */
#ifndef OP_CONTRAST_H
#define OP_CONTRAST_H

#include "args/contrast.h"
#include "args/mine.h"
#include "op/inner.h"

/* N. */
uint32_t contrast_pairs(const struct op_call *call);
/* The place of the input called so, OP_NONE when the op has none or it is absent. */
uint32_t contrast_input(const struct op_call *call, const char *name);
/* All inputs are left to contrast_prepare. */
#define CONTRAST_FILL                                                                                                  \
    {                                                                                                                  \
        OP_FILL_PREPARE, OP_FILL_PREPARE, OP_FILL_PREPARE, OP_FILL_PREPARE, OP_FILL_PREPARE, OP_FILL_PREPARE,          \
            OP_FILL_PREPARE, OP_FILL_PREPARE                                                                           \
    }
/* The parts of the ops' descriptors that are the same for all. */
enum mien_status contrast_shapes(struct op_call *call, const char *label);
/* The same where lines hold the ids. */
enum mien_status contrast_lines_shapes(struct op_call *call, const char *label);
void contrast_prepare(struct op_call *call, struct base_rng *rng);
double contrast_flops(const struct op_call *call);

/* ---- blocks (contrast_block.c) ----------------------------------------------------------------------------------- */

/* Of ops over pairs attr.first .. + attr.count, whose lines hold the ids. */
enum mien_status contrast_block_shapes(struct op_call *call, const char *label);
/* Tests: contrast_prepare, dloss, and weights (where N is odd) and ids into the lines, which are to be finished. */
void contrast_block_lines(struct op_call *call, struct base_rng *rng);
/* The gradient of a block of u (attr.axis 0) or v (1). */
typedef op_value contrast_block_bwd(struct op_recorder *recorder, const struct op_use *use, const struct op_attr *attr);
/* Gradients of inputs u and v: those of pairs attr.first .. + attr.count in blocks of attr.rows, zeros for others. */
void contrast_record_sides(struct op_recorder *recorder, const struct op_use *use, contrast_block_bwd *bwd,
                           op_value *din);

/* ---- on the host (references) ------------------------------------------------------------------------------------ */

struct contrast_guide {
    const float *data;
    uint32_t width; /* of an embedding; 0 = data is the matrix of similarities */
};

struct contrast_host {
    const struct op_call *call;
    uint32_t n, width;          /* width: E, 0 = scores are given */
    bool siglip;                /* there is b */
    double s, b;                /* exp(q); 0 where there is none */
    const float *a, *v;         /* scores; or embeddings, u and v */
    const float *target[2], *w; /* given; may be NULL */
    const float *lines;         /* of a backward pass, else NULL */
    const int32_t *id;          /* may be NULL */
    struct contrast_guide text, image;
    struct contrast_ranked *ranked; /* [N] */
    double *q;                      /* [N] targets of the anchor at hand; below 0 = left out */
    float *sign;                    /* siglip: [N,N] */
    /* what a loss adds up */
    double sum, dq, db, scale; /* scale: dloss / (2 sum w) */
    double *g;                 /* backward: dloss/dA [N,N] */
};

/* What args/mine.h says of a line, but its pair's own score, weight and id. */
struct contrast_ends {
    double cut, last, factor, rest, positives;
};

/* From a call with data; without what a backward pass needs where there is no dloss. MIEN_ERR_NOMEM. */
enum mien_status contrast_host_open(struct contrast_host *host, const struct op_call *call);
void contrast_host_close(struct contrast_host *host);
double contrast_weight(const struct contrast_host *host, uint32_t pair); /* max(w, 0), or 1 */
double contrast_weight_sum(const struct contrast_host *host);
double contrast_score(const struct contrast_host *host, uint32_t row, uint32_t column);
/* Calls each(host, column, anchor, ends) for all rows and then all columns as anchors, with host->q made. Stores
 * lines[2,N,8] and positives[2], which may be NULL. */
typedef void contrast_each(struct contrast_host *host, bool column, uint32_t anchor, const struct contrast_ends *ends);
void contrast_each_line(struct contrast_host *host, contrast_each *each, float *lines, float *positives);
/* An `each` that makes host->sign: a positive of either side is one, else what either leaves out is. */
void contrast_add_signs(struct contrast_host *host, bool column, uint32_t anchor, const struct contrast_ends *ends);
/* host->g into output 0, dA; or by products into outputs 0 and 1, du and dv. Then dq, and db where it is an output. */
void contrast_give_gradients(const struct contrast_host *host);

/* ---- on the device ----------------------------------------------------------------------------------------------- */

/* Operations of kernels over the scores, an exponential as eight: what their dispatches are cut by. */
enum {
    CONTRAST_PAIR = 32,   /* Z of a pair, what its loss or gradient is made of, and sums */
    CONTRAST_TARGET = 20, /* whether it is mined, and its share */
};

/* The plan of one op; scratch 0 holds what op_plan_scratch gives out, scratch 1 that of inner ops. */
struct contrast {
    struct op_plan *plan;
    const struct op_call *call;
    uint32_t n;
    bool stream, backward;     /* scores are made here; there is a dloss */
    bool similarities;         /* the guides are matrices */
    bool weights;              /* there are weights, or lines that hold them */
    bool block, side;          /* only anchors first .. end, which are rows; side: they are texts, so rows are too */
    uint32_t from, end;        /* rows of all slabs */
    uint32_t slab;             /* rows of a slab; it begins at a multiple of 256 bytes in every tensor of rows */
    uint32_t lanes;            /* of a reduction over all pairs */
    struct op_where scores;    /* A or a slab of it */
    struct op_where lines;     /* [2,N,8], args/mine.h */
    struct op_where guide[2];  /* similarities of a slab, for rows and for columns; the same for one guide */
    struct op_where scale;     /* [3], contrast_scale.comp */
    struct op_where part;      /* contrast_walk's partial sums */
    struct contrast_args args; /* first, rows: the slab at hand */
};

/* Where attr.count is above 0, the block of that many anchors from attr.first on alone, with attr.axis 1 those of the
 * texts' side: the scores are then v u^T. */
void contrast_begin(struct contrast *c, struct op_plan *plan);
/* Makes the lines and finishes them by mining; with similarities c->guide is then there. */
void contrast_mine(struct contrast *c, struct op_where lines);
/* Makes c->scale, and room for partial sums of so many floats by a kernel that walks slice_rows rows of a column. */
void contrast_begin_walk(struct contrast *c, uint32_t slice_rows, uint32_t floats);
/* Goes to the next slab, the first at first, and makes its scores and similarities. False when there is none. */
bool contrast_next_slab(struct contrast *c);
/* The kernel over the slab (walk.glsl); `given`: the inputs that say what is wanted of the scores where they are
 * given, NULL-ended, which are options of the kernel. What it binds beyond walk.glsl's is bound by the caller. */
struct op_dispatch *contrast_walk(struct contrast *c, const char *shader, const char *const given[], uint32_t floats);
/* What comes behind all binds of it. */
void contrast_end_walk(struct contrast *c);
/* What becomes of the scores' gradient: bound as dA, or with c->stream multiplied into du and dv; ends the walk. */
void contrast_gradient(struct contrast *c, struct op_dispatch *walk);
/* The output [2] = mean |P| of rows and of columns. */
void contrast_positives(struct contrast *c, uint32_t output);

/* A dispatch over `count` invocations; 0 = one workgroup that reduces. */
struct op_dispatch *contrast_add(struct contrast *c, const char *shader, const void *args, uint32_t args_size,
                                 uint64_t count);
/* Binds a part of the input called so; where it is absent a single element of another one, which is not read. */
void contrast_bind_input(const struct contrast *c, struct op_dispatch *d, const char *name, uint64_t first,
                         uint64_t count);
/* Weights for kernels over weight.glsl, and their stride. */
void contrast_bind_weights(const struct contrast *c, struct op_dispatch *d);
void contrast_bind_guide(const struct contrast *c, struct op_dispatch *d, bool column, uint64_t rows);
/* Specialises a kernel over mine.glsl. */
void contrast_spec(const struct contrast *c, struct op_dispatch *d);

#endif
