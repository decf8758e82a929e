/* preprocess.h: from decoded pixels to the input of CLIP's image tower. */
#ifndef DATA_PREPROCESS_H
#define DATA_PREPROCESS_H

#include "data/image.h"
#include "data/resize.h"

enum data_resize { DATA_RESIZE_PIL, DATA_RESIZE_TORCH };

struct data_preprocess {
    uint32_t size; /* the shorter side becomes this */
    uint32_t crop; /* side R of the centre square that is cut out; <= size */
    enum data_resize resize;
    float mean[3], std[3]; /* of x = pixel / 255 */
    bool rgb_first;        /* alpha is dropped before the resize (Hugging Face); else after it (OpenAI's code) */
};

/* CLIP's values for an image side of R pixels. */
void data_preprocess_default(uint32_t side, struct data_preprocess *out);

/* All of a picture, or a part of it, with all of its channels. */
struct data_view data_view_of(const struct data_image *image);
struct data_view data_view_part(const struct data_image *image, struct data_window part);

/* data_image_params.draft for pictures that are prepared so; 0, none, with DATA_RESIZE_TORCH, which looks at single
 * pixels of the whole picture. */
uint32_t data_preprocess_draft(const struct data_preprocess *p);

/* Of RGB, or RGB and alpha, Pillow's resize by p's alpha rule: `window` of w x h to out [window.height, window.width,
 * 3]. All pictures that are resized in 8 bits are resized here. */
enum mien_status data_resize_rgb(const struct data_view *view, const struct data_preprocess *p, uint32_t w, uint32_t h,
                                 struct data_window window, struct data_scratch *scratch, unsigned char *out);

/* Resize and centre crop: out [R, R, 3]. The longer side becomes int(size * long / short), the crop starts at
 * round((d - R) / 2), halves to even. A picture whose longer side would exceed 2^20 is MIEN_ERR_DATA. With
 * DATA_RESIZE_TORCH results are rounded and clamped here. `scratch` may be NULL. */
enum mien_status data_preprocess_u8(const struct data_image *image, const struct data_preprocess *p,
                                    struct data_scratch *scratch, unsigned char *out);

/* out [3, R, R] = (pixel / 255 - mean) / std from pixels [R, R, 3]. */
void data_normalise(const unsigned char *pixels, const struct data_preprocess *p, float *out);

/* MIEN_ERR_DATA, with the picture's name, when its longer side would exceed 2^20: the one thing that those below say
 * without a name. */
enum mien_status data_preprocess_check(const char *name, const struct data_image *image,
                                       const struct data_preprocess *p);

/* Both: out [3, R, R]. With DATA_RESIZE_TORCH nothing is rounded or clamped between, as on torch tensors. */
enum mien_status data_preprocess_image(const struct data_image *image, const struct data_preprocess *p, float *out);

#endif
