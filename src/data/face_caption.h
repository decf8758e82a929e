/* face_caption.h: inside data: captions written from what a data set says of a face. */
#ifndef DATA_FACE_CAPTION_H
#define DATA_FACE_CAPTION_H

#include "base/base.h"
#include "data/manifest.h"

/* What is known; what is not stays 0. */
struct face_facts {
    const char *const *labels; /* emotions, the leading one first */
    uint32_t label_count;
    double share, second_share; /* of the votes for the first two labels; share 0: nobody counted */
    bool has_va;
    double va[2];                 /* valence, arousal, each -1 .. 1 */
    const struct data_value *aus; /* action units: 0 .. 1, or levels up to 5; NULL: nothing is said of them */
    uint32_t au_count;
};

/* A caption in three levels; all draws come from rng, strings are in the arena. Global: the emotion, its intensity
 * (from votes, or valence and arousal, else none is claimed) and a second emotion; else the mood; else the movements.
 * Local, where asked for: a sentence for each action unit that is present, or on what such a face tends to show where
 * nothing is said of units; one on the mood. Summary: all of it in short. Nothing known: no caption. */
enum mien_status face_caption(const struct face_facts *facts, bool local, struct base_rng *rng,
                              struct base_arena *arena, struct data_caption *out);

#endif
