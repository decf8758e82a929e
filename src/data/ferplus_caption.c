/* ferplus_caption.c: what FER+'s raters saw, as captions: their votes are the intensity. */
#include "data/face_caption.h"
#include "data/ferplus.h"

const char *const ferplus_names[FERPLUS_EMOTIONS + 1] = {"neutral", "happiness", "surprise", "sadness", "anger",
                                                         "disgust", "fear",      "contempt", NULL};

enum mien_status ferplus_caption(const struct ferplus_rating *rating, bool local, struct base_rng *rng,
                                 struct base_arena *arena, struct data_caption *out)
{
    uint32_t most = 0;
    enum ferplus_emotion second = FERPLUS_NEUTRAL;
    for (int e = 0; e < FERPLUS_EMOTIONS; e++) {
        if (e != (int)rating->top && rating->votes[e] > most) {
            most = rating->votes[e];
            second = (enum ferplus_emotion)e;
        }
    }
    const char *const labels[] = {ferplus_names[rating->top], ferplus_names[second]};
    const struct face_facts facts = {.labels = labels,
                                     .label_count = 2,
                                     .share = (double)rating->votes[rating->top] / rating->total,
                                     .second_share = (double)most / rating->total};
    return face_caption(&facts, local, rng, arena, out);
}
