/* augment.h: random changes to a training picture. */
#ifndef DATA_AUGMENT_H
#define DATA_AUGMENT_H

#include "base/base.h"
#include "data/preprocess.h"

/* All zero = none: the picture is prepared as in evaluation. */
struct data_augment {
    double crop_scale[2]; /* share of the area that a random crop keeps, sides 3:4 to 4:3, resized to R x R; both 0 or
                             both 1 = no random crop: shorter side and centre as in evaluation */
    double flip;          /* probability of a mirror image */
    double rotate;        /* degrees, drawn from -rotate to rotate; the border is repeated */
    double jitter;        /* brightness and contrast are drawn from 1 - jitter to 1 + jitter */
};

/* The contract's defaults: crop_scale 0.9 to 1, flip 0.5, rotate 6, jitter 0. */
void data_augment_default(struct data_augment *out);

/* What one thread keeps between pictures; zeroed = empty. */
struct data_augment_work {
    unsigned char *pixels;
    size_t capacity;
    struct data_scratch scratch;
};
void data_augment_work_free(struct data_augment_work *work);

/* data_image_params.draft for pictures that are changed and prepared so: the smallest crop keeps enough. */
uint32_t data_augment_draft(const struct data_augment *augment, const struct data_preprocess *p);

/* One picture to out [3, R, R], R = p->crop, normalised. The draws come from `rng` and depend on nothing
 * else; `may_flip` false keeps the sides but draws all the same. Allocates nothing once `work` has grown. Thread-safe
 * with work of its own. */
enum mien_status data_augment_image(const struct data_image *image, const struct data_preprocess *p,
                                    const struct data_augment *augment, bool may_flip, struct base_rng *rng,
                                    struct data_augment_work *work, float *out);

#endif
