/* digest.c: checksums of models and inputs. */
#include "use/digest.h"

#include "base/sha256.h"
#include "data/frames.h"
#include "mien/data.h"

#include <string.h>

enum { MOST_PICTURE = 512 << 20 };

static void end(const struct base_sha256 *hash, unsigned char *out)
{
    unsigned char all[BASE_SHA256_SIZE];
    base_sha256_end(hash, all);
    memcpy(out, all, USE_KEY);
}

/* ---- inputs ---- */

/* A clip's frames and more follow each other: everything is preceded by its length. */
static void add_length(struct base_sha256 *hash, uint64_t size)
{
    unsigned char length[8];
    for (int i = 0; i < 8; i++)
        length[i] = (unsigned char)(size >> 8 * i);
    base_sha256_add(hash, length, sizeof(length));
}

static void add_bytes(struct base_sha256 *hash, struct use_key *key, const void *data, uint64_t size)
{
    add_length(hash, size);
    base_sha256_add(hash, data, (size_t)size);
    key->size += size;
}

static void add_number(struct base_sha256 *hash, int64_t value)
{
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)((uint64_t)value >> 8 * i);
    base_sha256_add(hash, bytes, sizeof(bytes));
}

static enum mien_status add_file(struct base_sha256 *hash, struct use_key *key, const char *path)
{
    char *data = NULL;
    size_t size = 0;
    enum mien_status status = base_file_read(path, MOST_PICTURE, &data, &size);
    if (status == MIEN_OK)
        add_bytes(hash, key, data, size);
    base_free(data);
    return status;
}

static enum mien_status add_video(struct base_sha256 *hash, struct use_key *key, const char *path)
{
    enum { PART = 1 << 20 };
    enum mien_status status = MIEN_OK;
    struct base_in *in = NULL;
    void *part = base_alloc(PART, 1);
    FAIL_IF_NULL(part, path);
    TRY(base_in_open(path, &in));
    uint64_t size = base_in_size(in);
    add_length(hash, size);
    for (uint64_t at = 0; at < size; at += PART) {
        size_t now = (size_t)BASE_MIN(size - at, (uint64_t)PART);
        TRY(base_in_read(in, at, part, now));
        base_sha256_add(hash, part, now);
    }
    key->size += size;
fail:
    base_in_close(&in);
    base_free(part);
    return status;
}

/* A picture or frame, with its box, or its clip's. Pixels have no key: MIEN_ERR_ARG, which nobody sees. */
static enum mien_status add_picture(struct base_sha256 *hash, struct use_key *key, const struct mien_input *in,
                                    const struct mien_input *clip)
{
    const struct mien_input *boxed = in->has_box ? in : clip;
    add_number(hash, boxed->has_box);
    for (int i = 0; boxed->has_box && i < 4; i++)
        add_number(hash, boxed->box[i]);
    if (in->path)
        return add_file(hash, key, in->path);
    if (!in->bytes)
        return MIEN_ERR_ARG;
    add_bytes(hash, key, in->bytes, in->byte_count);
    return MIEN_OK;
}

/* The frames that are used. */
static enum mien_status add_frames(struct base_sha256 *hash, struct use_key *key, const struct mien_input *in,
                                   uint32_t frames)
{
    enum mien_status status = MIEN_OK;
    struct base_arena arena = {0};
    const char **paths = NULL;
    size_t total = in->frame_count;
    if (in->directory)
        TRY(data_frames_list(&arena, in->directory, &paths, &total));
    size_t count = frames == MIEN_ALL_FRAMES ? total : BASE_MIN(total, (size_t)frames);
    status = count > 0 ? MIEN_OK : MIEN_ERR_DATA;
    key->frames = (struct mien_clip_frames){count, total};
    for (size_t i = 0; i < count; i++) {
        size_t at = data_frames_pick(total, count, i);
        const struct mien_input frame = in->directory ? (struct mien_input){.path = paths[at]} : in->frames[at];
        TRY(add_picture(hash, key, &frame, in));
    }
fail:
    base_arena_clear(&arena);
    return status;
}

struct use_key use_key_of(const struct mien_input *in, uint32_t frames, uint32_t flags)
{
    enum mien_status status = MIEN_OK;
    struct use_key key = {.known = false};
    struct base_sha256 hash = base_sha256_begin();
    bool is_clip = in->directory || in->frames || in->video;
    char said[256];
    const char *decoders = mien_picture_decoders(); /* another one may round another way */
    base_log_divert(said, sizeof(said));            /* a file that cannot be read is named where it is embedded */
    add_number(&hash, in->video ? 2 : is_clip ? 1 : 0);
    add_number(&hash, flags & (MIEN_NO_EXIF | MIEN_JPEG_DRAFT));
    base_sha256_add(&hash, decoders, strlen(decoders) + 1);
    if (in->video) {
        add_number(&hash, frames);
        add_number(&hash, in->has_box);
        for (int i = 0; in->has_box && i < 4; i++)
            add_number(&hash, in->box[i]);
        status = add_video(&hash, &key, in->video);
    } else {
        status = is_clip ? add_frames(&hash, &key, in, frames) : add_picture(&hash, &key, in, in);
    }
    base_log_divert(NULL, 0);
    key.known = status == MIEN_OK;
    key.no_memory = status == MIEN_ERR_NOMEM;
    end(&hash, key.bytes);
    return key;
}

struct work {
    const struct mien_input *inputs;
    uint32_t frames, flags;
    struct use_key *keys;
    size_t first;
};

static void make_key(void *user, uint32_t i)
{
    const struct work *work = user;
    size_t at = work->first + i;
    work->keys[at] = use_key_of(&work->inputs[at], work->frames, work->flags);
}

enum mien_status use_keys_of(const struct mien_input *inputs, size_t count, const struct mien_embed_params *params,
                             uint32_t frames, struct use_key *keys)
{
    enum { AT_ONCE = 1 << 20 };
    enum mien_status status = MIEN_OK;
    struct work work = {inputs, frames, params->flags, keys, 0};
    for (; work.first < count; work.first += AT_ONCE)
        base_parallel_for(params->threads, (uint32_t)BASE_MIN(count - work.first, (size_t)AT_ONCE), make_key, &work);
    for (size_t i = 0; i < count; i++)
        FAIL_IF(keys[i].no_memory, MIEN_ERR_NOMEM, "out of host memory for the checksum of a picture");
fail:
    return status;
}

/* ---- models ---- */

/* What config.json says that changes an embedding, and how pictures are prepared. */
static enum mien_status add_sizes(struct base_sha256 *hash, const struct mien_model *model)
{
    const struct io_clip_config *c = &model->nn->config;
    const struct io_tower_config *t = &c->vision.tower;
    const struct data_preprocess *p = &model->preprocess;
    struct base_text text = {0};
    base_text_print(&text, "mien embeddings 1; tower %u %u %u %u %d %.17g; image %u %u; temporal %u %u %u %u %u; ",
                    t->width, t->mlp, t->layers, t->heads, (int)t->act, t->eps, c->vision.image, c->vision.patch,
                    c->temporal.layers, c->temporal.heads, c->temporal.head_dim, c->temporal.mlp,
                    c->temporal.max_frames);
    base_text_print(&text, "embed %u; picture %u %u %d %d", c->embed, p->size, p->crop, (int)p->resize, p->rgb_first);
    for (int i = 0; i < 3; i++)
        base_text_print(&text, " %.9g %.9g", (double)p->mean[i], (double)p->std[i]);
    enum mien_status status = text.status;
    if (status == MIEN_OK)
        base_sha256_add(hash, text.data, text.size);
    base_text_clear(&text);
    return status;
}

/* Weights are gigabytes: pieces are digested on all processors, then their digests in order. */
enum { PIECE = 1 << 20 };

struct pieces {
    const unsigned char *data;
    uint64_t size;
    unsigned char (*digests)[BASE_SHA256_SIZE];
};

static void digest_piece(void *user, uint32_t i)
{
    const struct pieces *pieces = user;
    struct base_sha256 hash = base_sha256_begin();
    uint64_t at = (uint64_t)i * PIECE;
    base_sha256_add(&hash, pieces->data + at, (size_t)BASE_MIN(pieces->size - at, (uint64_t)PIECE));
    base_sha256_end(&hash, pieces->digests[i]);
}

static void add_pieces(struct base_sha256 *hash, struct pieces *pieces)
{
    uint32_t count = (uint32_t)((pieces->size + PIECE - 1) / PIECE);
    base_parallel_for(0, count, digest_piece, pieces);
    base_sha256_add(hash, pieces->digests, count * sizeof(*pieces->digests));
}

static enum mien_status add_weights(struct base_sha256 *hash, const struct mien_model *model)
{
    enum mien_status status = MIEN_OK;
    const struct nn_model *nn = model->nn;
    uint64_t most = 1;
    struct pieces pieces = {0};
    void *data = NULL;
    for (uint32_t i = 0; i < nn->count; i++)
        most = BASE_MAX(most, tensor_shape_bytes(&nn->params[i].value.shape));
    data = base_alloc((size_t)most, 1);
    pieces.digests = base_alloc((size_t)(most / PIECE + 1), sizeof(*pieces.digests));
    FAIL_IF(!data || !pieces.digests, MIEN_ERR_NOMEM, "out of host memory for a parameter");
    pieces.data = data;
    for (uint32_t i = 0; i < nn->count; i++) {
        const struct tensor *value = &nn->params[i].value;
        char shape[128];
        tensor_shape_text(&value->shape, shape, sizeof(shape));
        base_sha256_add(hash, nn->params[i].name, strlen(nn->params[i].name) + 1);
        base_sha256_add(hash, shape, strlen(shape) + 1);
        TRY(tensor_download(model->device, value, data));
        pieces.size = tensor_shape_bytes(&value->shape);
        add_pieces(hash, &pieces);
    }
fail:
    base_free(pieces.digests);
    base_free(data);
    return status;
}

enum mien_status use_model_key(struct mien_model *model, unsigned char *out)
{
    enum mien_status status = MIEN_OK;
    if (!model->has_key) {
        struct base_sha256 hash = base_sha256_begin();
        TRY(add_sizes(&hash, model));
        TRY(add_weights(&hash, model));
        end(&hash, model->key);
        model->has_key = true;
    }
    memcpy(out, model->key, USE_KEY);
fail:
    return status;
}
