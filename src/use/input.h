/* input.h: inside use: from inputs to the pictures that the image tower sees, one after the other. */
#ifndef USE_INPUT_H
#define USE_INPUT_H

#include "data/pack.h"
#include "use/use.h"

/* What is embedded, in this order. */
struct use_feed {
    const struct mien_input *inputs;
    size_t count;
    const struct data_pack *pack; /* may be NULL: where pictures are decoded already, */
    const uint32_t *rows;         /* [count] that of input i as row rows[i] */
};

/* MIEN_ERR_ARG when one is not exactly one thing, or its pixels cannot be. */
enum mien_status use_check_flags(uint32_t flags, const char *function); /* MIEN_ERR_ARG: an unknown one is set */
enum mien_status use_check_inputs(const struct mien_input *inputs, size_t count);

/* What an input is called: its path, or "input 3". */
const char *use_input_name(const struct mien_input *input, size_t index, char *buffer, size_t size);

enum use_kind { USE_NOTHING, USE_PICTURE, USE_FRAME, USE_CLIP_END };

/* The next thing. A frame's path is good until the next clip begins. */
struct use_item {
    enum use_kind kind;
    size_t input;
    struct data_source source; /* of a picture or frame */
    bool has_box;
    int32_t box[4];
    struct data_image image; /* a video's frame, which is cut already; for data_image_free. Else empty */
    enum mien_status status; /* of a clip's end: why it is bad before that */
};

/* Where one is in a feed. Zeroed with feed, frames and params it stands at the beginning. */
struct use_cursor {
    const struct use_feed *feed;
    uint32_t frames; /* of a clip, at most; or MIEN_ALL_FRAMES */
    const struct mien_embed_params *params;
    size_t next; /* input */
    /* the clip under way, inputs[next - 1] */
    bool in_clip, ended;
    enum mien_status status;
    const char **paths;
    size_t total, count, at; /* frames that it has, that are used, that have come */
    struct data_video *video;
    struct base_arena arena; /* of the paths */
};

/* Failures come as a clip's end. */
void use_cursor_next(struct use_cursor *cursor, struct use_item *out);
/* No more of the clip under way, which is bad: its end comes next. */
void use_cursor_skip(struct use_cursor *cursor);
void use_cursor_clear(struct use_cursor *cursor);

#endif
