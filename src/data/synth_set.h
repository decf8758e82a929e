/* synth_set.h: inside data: the samples of a synthetic data set: what each shows and what is said about it. */
#ifndef DATA_SYNTH_SET_H
#define DATA_SYNTH_SET_H

#include "data/manifest.h"
#include "data/synth.h"

struct synth_sample {
    uint64_t index, subject;
    enum data_split split;
    enum mien_emotion emotions[2];
    uint32_t emotion_count; /* 2 = a blend */
    double intensity;       /* 0 for neutral */
    double va[2];
    double flat;                 /* clips: flat affect, 0..6 */
    struct mien_synth_face face; /* clips: at the apex */
};

/* Sample `index`; a pure function of seed, index and params->contempt, single, video. */
enum mien_status synth_sample_draw(const struct mien_synth_params *params, uint64_t index, struct synth_sample *out);

/* Frame `frame` of `count`: face and scene of that moment. */
void synth_sample_frame(const struct synth_sample *sample, uint32_t frame, uint32_t count, struct mien_synth_face *face,
                        struct synth_scene *scene);

/* The three levels, from sample->face.au (what was drawn at its strongest) and the labels. Strings come from the
 * arena. */
enum mien_status synth_caption(const struct synth_sample *sample, bool video, uint64_t seed, struct base_arena *arena,
                               struct data_caption *out);

enum { SYNTH_SAYS = 15 }; /* percent: a weaker action unit goes without a word */

/* Whether the unit leads in the emotion's prototype. */
bool synth_belongs(enum mien_emotion emotion, enum mien_au au);

#endif
