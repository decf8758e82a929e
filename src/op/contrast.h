/* contrast.h: what the contrastive losses share: pairs (image i, text i), which candidates of an anchor are positives
 * because they are similar to it, and dispatches over slabs of scores.
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

#include "args/mine.h"
#include "op/inner.h"
#include "op/op.h"

/* ---- inputs ------------------------------------------------------------------------------------------------------ */

/* Which inputs of an op are what. */
struct contrast_inputs {
    uint32_t text, image; /* guides: embeddings [N,E], or similarities [N,N] */
    uint32_t ids;         /* i32 [N]: equal for pairs with the same text; 0 .. 2^24 */
    uint32_t weights;     /* [N] */
};

/* Checks these inputs where they are there, and that those are there which `attr.mining` needs. */
enum mien_status contrast_check(const struct op_call *call, const char *label, struct contrast_inputs inputs,
                                uint32_t n, bool similarities);

/* Of a backward op: the guides where they are there, and lines[2,N,8] at inputs.ids. */
enum mien_status contrast_check_saved(const struct op_call *call, const char *label, struct contrast_inputs inputs,
                                      uint32_t n);

/* ---- on the host (references and tests) -------------------------------------------------------------------------- */

struct contrast_guide {
    const float *data;
    uint32_t width; /* of an embedding; 0 = data is the matrix of similarities */
};

struct contrast_host {
    uint32_t n;
    struct op_mining mining;
    struct contrast_guide text, image;
    const int32_t *ids; /* may be NULL, and so may w */
    const float *w;
    struct contrast_ranked *ranked; /* [n] */
};

/* From a call with data. MIEN_ERR_NOMEM. */
enum mien_status contrast_host_open(struct contrast_host *host, const struct op_call *call,
                                    struct contrast_inputs inputs, uint32_t n, bool similarities);
void contrast_host_close(struct contrast_host *host);
double contrast_weight(const struct contrast_host *host, uint32_t pair); /* max(w, 0), or 1 */
double contrast_weight_sum(const struct contrast_host *host);
/* What args/mine.h says of a line, but its pair's own score, weight and id. */
struct contrast_ends {
    double cut, last, factor, rest, positives;
};
/* Targets of an anchor's line into q[n]; below 0 = left out; q[anchor] its own. */
struct contrast_ends contrast_line(struct contrast_host *host, bool column, uint32_t anchor, double *q);
/* The same into a line of signs [N,N], +1, -1 and 0 = left out; first all rows, then all columns: a positive of either
 * side is one, else what either leaves out is. */
struct contrast_ends contrast_sign_line(struct contrast_host *host, bool column, uint32_t anchor, double *q,
                                        float *sign);
/* A line as args/mine.h lays it out. */
void contrast_save_line(const struct contrast_host *host, const struct contrast_ends *ends, double own, uint32_t anchor,
                        float line[8]);

/* Ids and weights of a backward op's host: it takes them from the lines as the kernels do; tests draw them. They must
 * live as long as the host. MIEN_ERR_NOMEM. */
struct contrast_saved {
    int32_t *ids;
    float *w;
};
enum mien_status contrast_host_load(struct contrast_host *host, const float *lines, struct contrast_saved *saved);
enum mien_status contrast_host_draw(struct contrast_host *host, struct base_rng *rng, struct contrast_saved *saved);
void contrast_saved_clear(struct contrast_saved *saved);

/* Tests: embeddings [N,E] of length 1 in clusters, E at least 4. Components are 0 or +- one power of two, so that all
 * similarities are exact in fp32, whatever the order of the sums, and often equal. */
void contrast_fill_guide(float *guide, uint32_t n, uint32_t width, struct base_rng *rng);
/* Tests: few different ids; weights 0, 0.5, 1, 1.5, not all 0. */
void contrast_fill_ids(int32_t *ids, uint32_t n, struct base_rng *rng);
void contrast_fill_weights(float *w, uint32_t n, struct base_rng *rng);

/* ---- on the device ----------------------------------------------------------------------------------------------- */

/* Plans of one op; scratch 0 holds what contrast_scratch gives out, scratch 1 that of inner ops. */
struct contrast {
    const struct vk_caps *caps;
    const struct op_call *call;
    struct op_plan *plan;
    struct contrast_inputs inputs;
    uint32_t n;
    bool similarities;        /* the guides are matrices */
    bool weights;             /* pairs of weight 0 are to be looked for */
    uint32_t slab;            /* rows of a slab; it begins at a multiple of 256 bytes in every tensor of rows */
    struct op_where lines;    /* [2,N,8], args/mine.h */
    struct op_where guide[2]; /* similarities of a slab, for rows and for columns; the same for one guide */
    float scale;              /* of the similarities */
};

enum mien_status contrast_begin(struct contrast *c, const struct vk_caps *caps, const struct op_call *call,
                                struct op_plan *plan, struct contrast_inputs inputs, uint32_t n, bool similarities);
/* The same for a given matrix of scores [N,N], bound a slab at a time. */
enum mien_status contrast_begin_given(struct contrast *c, const struct vk_caps *caps, const struct op_call *call,
                                      struct op_plan *plan, uint32_t n);
struct op_where contrast_scratch(struct contrast *c, uint64_t bytes);
/* Plans a product whose own scratch is the second of the plan. */
enum mien_status contrast_multiply(struct contrast *c, const struct op_product *product);
/* Begins the lines; u and v: inputs [N,E] for the pairs' own scores, or OP_NONE. */
enum mien_status contrast_lines(struct contrast *c, uint32_t u, uint32_t v);
/* Finds c->guide: inputs, or room for a slab of each. */
void contrast_place_guides(struct contrast *c);
/* Finishes the lines: cuts, normalisation, counts. */
enum mien_status contrast_mine(struct contrast *c);
/* Similarities of rows first .. first + rows into c->guide. */
enum mien_status contrast_similarities(struct contrast *c, uint32_t first, uint32_t rows);
bool contrast_one_guide(const struct op_mining *mining);
/* positives[2] = mean |P| of rows and of columns. */
enum mien_status contrast_positives(struct contrast *c, struct op_where positives);

/* A dispatch over `count` invocations; count 0 = one workgroup that reduces. NULL when out of memory. */
struct op_dispatch *contrast_add(struct contrast *c, const char *shader, const void *args, uint32_t args_size,
                                 uint64_t count);
/* Binds elements [first, first + count) of a tensor; count 0 = all from there. */
void contrast_bind(struct op_dispatch *d, struct op_where where, uint64_t first, uint64_t count, uint32_t access);
/* Specialises a kernel over mine/mine.glsl. */
void contrast_spec(const struct contrast *c, struct op_dispatch *d);

#endif
