/* synth.h: inside data: the parts of the synthetic-face generator. */
#ifndef DATA_SYNTH_H
#define DATA_SYNTH_H

#include "data/synth_paint.h"
#include "mien/data.h"

/* Who it is. Lengths are in face units: the eyes at y = 0, the chin near y = 1.2, the cheeks near x = 0.85. */
struct synth_identity {
    double age, soft; /* 0..1 each; soft: from angular features to round ones */
    double head_width, jaw_width, chin_width, chin_length;
    double eye_x, eye_width, eye_height, eye_tilt, lash;
    double brow_height, brow_arch, brow_tilt, brow_thick;
    double nose_length, nose_width;
    double mouth_y, mouth_width, lip_upper, lip_lower;
    double folds; /* of the cheeks, at rest */
    uint32_t hair_style;
    double hairline, parting;
    bool glasses, beard, moustache, stubble, freckles, mole;
    double mole_x, mole_y;
    struct synth_colour skin, hair, brow, iris, lips, frame;
};

enum synth_hair {
    SYNTH_SHORT,
    SYNTH_PARTED,
    SYNTH_LONG,
    SYNTH_FRINGE,
    SYNTH_CURLY,
    SYNTH_BALD,
    SYNTH_BUN,
    SYNTH_HAIRS
};

/* How it is seen. */
struct synth_scene {
    double yaw, pitch, roll, shift_x, shift_y, zoom;
    double light_x, light_y, light, warmth, exposure;
    double gaze_x, gaze_y;
    double blur, noise; /* blur: of the picture's side */
    struct synth_colour back, back_low;
    uint64_t back_seed;
};

void synth_identity_draw(uint64_t seed, uint64_t subject, struct synth_identity *out);
void synth_scene_draw(uint64_t seed, uint64_t subject, uint64_t shot, struct synth_scene *out);

/* A face under way. */
struct synth_drawing {
    struct synth_paint *paint;
    const struct synth_identity *id;
    const struct synth_scene *scene;
    const double *au;
    double one_sided;
    double jaw;                       /* how far the chin has gone down */
    double unit, cx, cy;              /* pixels per face unit, the origin in pixels */
    double yaw[2], pitch[2], roll[2]; /* cosine, sine */
    struct synth_colour line;         /* folds and contours */
    struct synth_colour dark;         /* shades */
    struct synth_colour light;        /* where light falls */
};

/* Face units to pixels; `lift` = height above the head's surface. */
struct synth_point synth_project(const struct synth_drawing *d, double x, double y, double lift);
/* A point of the head's outline, which keeps its width when the head turns. */
struct synth_point synth_project_rim(const struct synth_drawing *d, double x, double y);

/* Smooth line, shape and patch in face units on the head's surface. */
void synth_line(const struct synth_drawing *d, const struct synth_point *points, int count, double ends, double middle,
                double soft, struct synth_colour c, double alpha);
void synth_shape(const struct synth_drawing *d, const struct synth_point *points, int count, struct synth_colour c,
                 double alpha);
void synth_patch(const struct synth_drawing *d, double x, double y, double rx, double ry, double turn,
                 struct synth_colour c, double alpha);

void synth_draw_back(const struct synth_drawing *d);  /* behind the head */
void synth_draw_head(const struct synth_drawing *d);  /* head, ears, shading, beard */
void synth_draw_folds(const struct synth_drawing *d); /* what the action units do to the skin */
void synth_draw_eyes(const struct synth_drawing *d);
void synth_draw_brows(const struct synth_drawing *d);
void synth_draw_nose(const struct synth_drawing *d);
void synth_draw_mouth(const struct synth_drawing *d);
void synth_draw_hair(const struct synth_drawing *d); /* before the forehead */
void synth_draw_glasses(const struct synth_drawing *d);

/* mien_synth_draw in a scene of one's own; `grain` tells the noise of one picture from that of another. */
enum mien_status synth_draw(const struct mien_synth_face *face, const struct synth_scene *scene, uint64_t grain,
                            uint32_t size, unsigned char *rgb);

const char *synth_au_key(enum mien_au au);  /* "AU12" */
const char *synth_au_name(enum mien_au au); /* "lip corner puller" */

/* Valence and arousal of an emotion. */
void synth_affect(enum mien_emotion emotion, double intensity, double va[2]);
/* Both expressions at once; only the action units of `out` are set. */
void synth_blend(const struct mien_synth_face *a, const struct mien_synth_face *b, struct mien_synth_face *out);

/* An action unit on one side of the face (-1, 1). */
double synth_side(const struct synth_drawing *d, enum mien_au au, int side);

#endif
