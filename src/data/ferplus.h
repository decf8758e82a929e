/* ferplus.h: inside data: captions from the votes of FER+'s raters. */
#ifndef DATA_FERPLUS_H
#define DATA_FERPLUS_H

#include "base/base.h"
#include "data/manifest.h"

enum ferplus_emotion {
    FERPLUS_NEUTRAL,
    FERPLUS_HAPPINESS,
    FERPLUS_SURPRISE,
    FERPLUS_SADNESS,
    FERPLUS_ANGER,
    FERPLUS_DISGUST,
    FERPLUS_FEAR,
    FERPLUS_CONTEMPT,
    FERPLUS_EMOTIONS
};

extern const char *const ferplus_names[FERPLUS_EMOTIONS + 1]; /* ended by NULL */

/* What the raters saw. */
struct ferplus_rating {
    uint32_t votes[FERPLUS_EMOTIONS], total; /* at least 1 */
    enum ferplus_emotion top;                /* most votes */
};

/* A caption in English from a rating; all draws come from rng. Strings are in the arena. `local`: sentences on what
 * such a face tends to show in each region. */
enum mien_status ferplus_caption(const struct ferplus_rating *rating, bool local, struct base_rng *rng,
                                 struct base_arena *arena, struct data_caption *out);

#endif
