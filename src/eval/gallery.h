/* gallery.h: captions and the pictures that are most like them, as data and in a chapter. */
#ifndef EVAL_GALLERY_H
#define EVAL_GALLERY_H

#include "eval/eval.h"

/* Pairs of a picture or clip and a text. */
struct eval_pairs {
    const struct use_rows *rows;
    const float *images, *texts; /* [rows->count,width] of unit length */
    const char *const *whole;    /* [rows->count] a pair's text in words */
    const uint32_t *group;       /* [rows->count] pairs whose texts are one to the model have the same number */
    uint32_t width;
};

/* The key `gallery`: up to 6 captions, evenly spaced, no two of them one to the model, each with the rank of the best
 * of its own pictures and the 6 pictures most like it, the nearest first (ties: the earlier row). */
enum mien_status eval_put_gallery(struct base_json *out, const struct eval_pairs *pairs);

/* Captions with their pictures, the right ones marked. Nothing where the result has no such key. */
void eval_chapter_gallery(struct mien_page *page, const cJSON *result);

#endif
