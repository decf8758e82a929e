/* clips.h: which frames of a clip a training sample uses, and what they are. */
#ifndef DATA_CLIPS_H
#define DATA_CLIPS_H

#include "base/base.h"

enum data_sampling {
    DATA_SAMPLING_UNIFORM, /* at equal spacing, the same ones each time (data_frames_pick) */
    DATA_SAMPLING_RANDOM,  /* any, each at most once, in order */
    DATA_SAMPLING_EMOCLIP, /* every stride-th; of these `count` in a row from a random one on, beginning anew at the end
                            */
};

struct data_clips {
    uint32_t count; /* T: frames of a sample; 0 = samples are pictures */
    uint32_t stride;
    enum data_sampling sampling;
};

/* Places of the frames of one sample among `total` > 0 into out [count], drawn from rng. A clip with fewer than count
 * frames is stretched: uniform and random show frames several times, in order; emoclip runs through them once more from
 * the beginning and then back and forth, as NumPy's "reflect" padding does (EmoCLIP's DataLoaders/utils.py). */
void data_clips_sample(const struct data_clips *clips, uint32_t total, struct base_rng *rng, uint32_t *out);

/* Features of frames, made before training, in place of their pictures. */
struct data_features {
    uint32_t width;        /* E */
    const uint64_t *first; /* [rows + 1]: the frames of the i-th of the loader's rows are first[i] .. first[i + 1] - 1;
                              a row without frames is bad */
    const float *values;   /* [first[rows],E] */
};

#endif
