/* pool.h: parts of image rows, for scores of every sentence with every patch: [n,G,M] of n images at a time. */
#ifndef OP_POOL_H
#define OP_POOL_H

#include "op/inner.h"

/* How an op over P[N,G,E] and s[M,E] is cut. Scratch 0 holds what op_plan_scratch gives out, scratch 1 that of inner
 * ops.
 */
struct pool {
    struct op_plan *plan;
    uint32_t images, patches, width; /* N, G, E */
    uint32_t texts;                  /* M: sentences in all */
    uint32_t step;                   /* images of a part */
};

/* P and s are inputs 0 and 1; `columns` the outputs per image: parts begin at multiples of 256 bytes in P and in a
 * tensor [N,columns]. False, and the plan has failed, for more patches or parts than a device can take. */
bool pool_begin(struct pool *p, struct op_plan *plan, uint32_t columns);
/* Elements from image `first` on of a tensor with so many per image. */
struct op_where pool_part(enum op_place place, uint32_t index, uint32_t first, uint64_t per_image);
void pool_product(struct pool *p, const struct op_product *product);
/* dots[n,G,M] = P_i . s_j of images first .. first + n. */
void pool_dots(struct pool *p, uint32_t first, uint32_t n, struct op_where dots);

/* Tests: patches and sentences as towers make them: unit rows of one image near each other, sentences near some. With
 * attr.value, which the ops do not read, the last image's are zeros. */
void pool_fill(struct op_call *call, struct base_rng *rng);

#endif
