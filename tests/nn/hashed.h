/* hashed.h: models whose weights, pixels and tokens come from a hash of their name and position. The rules are those of
 * tests/golden/make_sized.py. */
#ifndef TESTS_NN_HASHED_H
#define TESTS_NN_HASHED_H

#include "nn/nn.h"

#include <math.h>
#include <string.h>

static inline uint32_t hashed_name(const char *name)
{
    uint32_t h = 0x811C9DC5u;
    for (; *name; name++)
        h = (h ^ (unsigned char)*name) * 0x01000193u;
    return h;
}

static inline uint32_t hashed_at(uint32_t name, uint64_t i)
{
    uint32_t x = (uint32_t)i * 0x9E3779B1u + name;
    x = (x ^ x >> 16) * 0x85EBCA6Bu;
    x = (x ^ x >> 13) * 0xC2B2AE35u;
    return x ^ x >> 16;
}

static inline void hashed_fill(const char *name, uint64_t count, double spread, float offset, float *out)
{
    uint32_t h = hashed_name(name);
    float factor = (float)(spread / (1 << 23));
    for (uint64_t i = 0; i < count; i++) {
        float scaled = (float)((int32_t)(hashed_at(h, i) >> 8) - (1 << 23)) * factor;
        out[i] = scaled + offset;
    }
}

static inline bool hashed_ends(const char *name, const char *end)
{
    size_t length = strlen(name), tail = strlen(end);
    return length >= tail && strcmp(name + length - tail, end) == 0;
}

static inline void hashed_param(const struct nn_param *param, float *out)
{
    const struct tensor_shape *shape = &param->value.shape;
    const char *name = param->name;
    uint64_t count = tensor_shape_count(shape);
    if (param->is_scalar)
        out[0] = 2.5f; /* logit_scale */
    else if (strstr(name, "norm") && hashed_ends(name, ".weight"))
        hashed_fill(name, count, 0.2, 1, out);
    else if (hashed_ends(name, "position_embedding.weight") || hashed_ends(name, "token_embedding.weight") ||
             hashed_ends(name, "_embedding") || hashed_ends(name, "cls_token"))
        hashed_fill(name, count, 0.5, 0, out);
    else if (shape->rank == 1)
        hashed_fill(name, count, 0.1, 0, out);
    else
        hashed_fill(name, count, 1.5 / sqrt((double)(count / shape->dim[0])), 0, out);
}

static inline enum mien_status hashed_model(struct vk_device *device, const char *path, struct nn_model **model)
{
    enum mien_status status = MIEN_OK;
    struct io_clip_config config;
    float *values = NULL;
    cJSON *json = NULL;
    uint64_t largest = 0;
    TRY(base_json_read(path, &json));
    TRY(io_clip_config_parse(json, path, true, &config));
    TRY(nn_model_create(device, &config, MIEN_F32, model));
    for (uint32_t i = 0; i < (*model)->count; i++)
        largest = BASE_MAX(largest, tensor_shape_count(&(*model)->params[i].value.shape));
    values = base_alloc(largest, sizeof(*values));
    FAIL_IF_NULL(values, "weights");
    for (uint32_t i = 0; i < (*model)->count; i++) {
        hashed_param(&(*model)->params[i], values);
        TRY(tensor_upload(device, &(*model)->params[i].value, values));
    }
fail:
    base_free(values);
    cJSON_Delete(json);
    return status;
}

/* Images [batch,3,R,R] in runs of one value; freed with base_free. NULL when out of memory. */
static inline float *hashed_pixels(uint32_t size, uint32_t batch)
{
    enum { RUN = 3000 };
    uint64_t count = (uint64_t)batch * 3 * size * size;
    float *runs = base_alloc(count / RUN + 1, sizeof(*runs)), *pixels = base_alloc(count, sizeof(*pixels));
    if (runs && pixels) {
        hashed_fill("pixels", count / RUN + 1, 2, 0, runs);
        for (uint64_t i = 0; i < count; i++)
            pixels[i] = runs[i / RUN];
    }
    base_free(runs);
    return pixels;
}

/* Text `row` of so many tokens, start and end among them. */
static inline void hashed_text(const struct io_clip_config *c, uint32_t row, uint32_t length, int32_t *ids)
{
    char name[16];
    snprintf(name, sizeof(name), "text %u", row);
    for (uint32_t t = 0; t < length; t++)
        ids[t] = (int32_t)(hashed_at(hashed_name(name), t) % (c->text.vocab - 2));
    ids[0] = (int32_t)c->text.bos;
    ids[length - 1] = (int32_t)c->text.eos;
}

#endif
