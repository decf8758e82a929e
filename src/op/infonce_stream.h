/* infonce_stream.h: what infonce_stream.c and infonce_stream_bwd.c share. */
#ifndef OP_INFONCE_STREAM_H
#define OP_INFONCE_STREAM_H

#include "args/infonce.h"
#include "op/contrast.h"

/* The inputs that both ops have; the forward op's guides, ids and weights. */
enum { STREAM_U, STREAM_V, STREAM_SCALE, STREAM_TEXT, STREAM_IMAGE, STREAM_IDS, STREAM_WEIGHTS };

/* Checks u, v [N,E] and q. */
enum mien_status infonce_stream_check(const struct op_call *call, const char *label);

/* A call on the host. */
struct infonce_stream {
    uint32_t n, width;
    double s; /* exp(q) */
    const float *u, *v;
    struct contrast_host host;
    double *z, *q; /* [n] each: a line relative to its own score, and its targets */
};
enum mien_status infonce_stream_open(struct infonce_stream *stream, const struct op_call *call,
                                     struct contrast_inputs inputs);
void infonce_stream_close(struct infonce_stream *stream);
/* Fills z and q of an anchor's line. */
struct contrast_ends infonce_stream_line(struct infonce_stream *stream, bool column, uint32_t anchor);
/* The forward reference: lse[2,N], lines[2,N,8], loss, positives[2]. */
void infonce_stream_forward(struct infonce_stream *stream, float *lse, float *lines, float *loss, float *positives);

/* Push constants of the kernels over slabs. */
struct infonce_args infonce_stream_args(const struct contrast *c);
/* The scores of rows first .. first + rows. */
enum mien_status infonce_stream_scores(struct contrast *c, uint32_t first, uint32_t rows, struct op_where scores);
/* Binds c->guide[column] of a slab. */
void infonce_stream_bind_guide(const struct contrast *c, struct op_dispatch *d, bool column, uint32_t rows);

/* du of the slab's rows into output 0, and dv += what they give into output 1, from the scores' gradient. */
enum mien_status infonce_stream_products(struct contrast *c, uint32_t first, uint32_t rows, struct op_where gradient);

/* Tests: u, v, q, and guides at input `text` and the next. */
void infonce_stream_fill(struct op_call *call, struct base_rng *rng, uint32_t text);

#endif
