/* synth_set.h: inside data: the samples of a synthetic data set: what each shows and what is said about it. */
#ifndef DATA_SYNTH_SET_H
#define DATA_SYNTH_SET_H

#include "data/manifest.h"
#include "data/synth.h"

/* When a clip's movement comes and goes, in shares of its length. */
struct synth_course {
    double rise, fall;  /* how long onset and offset take */
    double first, last; /* where all of it has its place: 0 and 1, or less of the clip */
};

struct synth_sample {
    uint64_t index, subject;
    enum data_split split;
    enum mien_emotion emotions[2];
    uint32_t emotion_count; /* 2 = a blend */
    double intensity;       /* 0 for neutral */
    double va[2];
    double flat;                 /* clips: flat affect, 0..6; of a session, what drives the face, not its rating */
    struct mien_synth_face face; /* clips: at the apex */
    struct synth_course course;  /* clips */
    double rated[2];             /* sessions: flat affect and slowing as the raters saw them, 0..6 in half points */
};

/* Sample `index`; a pure function of seed, index and params->contempt, single, compound, video, phases and
 * session_clips. */
enum mien_status synth_sample_draw(const struct mien_synth_params *params, uint64_t index, struct synth_sample *out);

/* Frame `frame` of `count`: face and scene of that moment. */
void synth_sample_frame(const struct synth_sample *sample, uint32_t frame, uint32_t count, struct mien_synth_face *face,
                        struct synth_scene *scene);

/* The frames in which at least a tenth of the clip's greatest movement is seen, first and last, and the first of the
 * greatest; false where no unit is strong enough to be told of (SYNTH_SAYS). */
struct synth_phases {
    uint32_t onset, apex, offset;
};
bool synth_sample_phases(const struct synth_sample *sample, uint32_t count, struct synth_phases *out);

/* Sessions (synth_session.c): what drives a subject's face: flat affect into s->flat, slowing into the course, one's
 * own expressiveness into *strength; and what two raters say of both. */
void synth_session_draw(uint64_t seed, struct synth_sample *s, double *strength);
enum data_split synth_session_split(uint64_t subject);

/* The three levels, from sample->face.au (what was drawn at its strongest) and the labels. Strings come from the
 * arena. */
enum mien_status synth_caption(const struct synth_sample *sample, bool video, uint64_t seed, struct base_arena *arena,
                               struct data_caption *out);

enum { SYNTH_FRAMES_MAX = 1000 };
enum { SYNTH_SAYS = 15 }; /* percent: a weaker action unit goes without a word */

/* Whether the unit leads in the emotion's prototype. */
bool synth_belongs(enum mien_emotion emotion, enum mien_au au);

#endif
