/* siglip.h: what siglip.c and siglip_stream.c share: a call on the host, and the dispatches around the kernels that go
 * over the scores. */
#ifndef OP_SIGLIP_H
#define OP_SIGLIP_H

#include "args/siglip.h"
#include "op/contrast.h"

/* ---- on the host ------------------------------------------------------------------------------------------------- */

struct siglip_host {
    uint32_t n;
    double s, b; /* Z = s A + b */
    double *a;   /* [N,N], to be filled */
    float *sign; /* [N,N], to be filled: +1, -1, 0 = left out */
    double *w;   /* [N], to be filled */
};

/* MIEN_ERR_NOMEM. */
enum mien_status siglip_host_open(struct siglip_host *host, uint32_t n, float q, float b);
void siglip_host_close(struct siglip_host *host);
double siglip_host_loss(const struct siglip_host *host);
/* dloss/dA of an element; adds what it gives to dq and db. `scale` = dloss / (2 sum w), or 0 without weight. */
double siglip_host_gradient(const struct siglip_host *host, double scale, uint32_t i, uint32_t j, double dq_db[2]);
double siglip_host_scale(const struct siglip_host *host, float dloss);

/* Tests: b, where some of Z is above 0 and most below. */
float siglip_draw_b(uint32_t n, struct base_rng *rng);

/* ---- on the device ----------------------------------------------------------------------------------------------- */

struct siglip {
    struct contrast c;
    struct siglip_args args;
    struct op_where scale, part; /* scratch: [3], vec2 [slices,N] */
};

/* Where the weights are, for siglip_begin: stride 0 = none (bound, not read), 1 = w[N], 8 = lines[2,N,8]. */
struct siglip_weights {
    struct op_where where;
    uint32_t stride;
};

/* Needs c set; q is the input, b the next one, dloss an input or OP_NONE. Makes the scale. */
enum mien_status siglip_begin(struct siglip *s, uint32_t q, uint32_t dloss, struct siglip_weights weights);
/* A dispatch over the slab in args; bind the kernel's buffers, then siglip_bind_part. */
struct op_dispatch *siglip_add(struct siglip *s, const char *shader, struct op_where scores, uint32_t access);
void siglip_bind_part(const struct siglip *s, struct op_dispatch *d);
/* Outputs x, and y unless it is OP_NONE, from the partial sums. */
enum mien_status siglip_end(struct siglip *s, uint32_t x, uint32_t y);

#endif
