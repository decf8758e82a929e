/* tiny.h: a data set of coloured squares in a temporary directory, and a model small enough to train in a test. */
#ifndef TESTS_TRAIN_TINY_H
#define TESTS_TRAIN_TINY_H

#include "base/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TINY_SIDE = 12, TINY_IMAGES = 24 };

static char tiny_dir[256];

static inline const char *tiny_path(const char *name)
{
    static char path[4][512];
    static int next;
    next = (next + 1) % 4;
    snprintf(path[next], sizeof(path[next]), "%s/%s", tiny_dir, name);
    return path[next];
}

static inline bool tiny_write(const char *name, const void *data, size_t size)
{
    return base_file_write(tiny_path(name), data, size) == MIEN_OK;
}

/* PNG's checksum of a chunk, and zlib's of the data. */
static inline uint32_t tiny_crc(const unsigned char *data, size_t size)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

static inline uint32_t tiny_adler(const unsigned char *data, size_t size)
{
    uint32_t a = 1, b = 0;
    for (size_t i = 0; i < size; i++) {
        a = (a + data[i]) % 65521;
        b = (b + a) % 65521;
    }
    return b << 16 | a;
}

static inline void tiny_u32(unsigned char *to, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        to[i] = (unsigned char)(value >> (24 - 8 * i));
}

static inline size_t tiny_chunk(unsigned char *to, const char *type, const unsigned char *data, size_t size)
{
    tiny_u32(to, (uint32_t)size);
    memcpy(to + 4, type, 4);
    memcpy(to + 8, data, size);
    tiny_u32(to + 8 + size, tiny_crc(to + 4, size + 4));
    return size + 12;
}

/* A PNG of one colour with some texture; its data are stored, not compressed. */
static inline bool tiny_image(const char *name, const unsigned char rgb[3], uint32_t seed)
{
    enum { ROW = 1 + 3 * TINY_SIDE, RAW = ROW * TINY_SIDE };
    static const unsigned char signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    unsigned char file[RAW + 128], zlib[RAW + 16], head[13] = {0};
    struct base_rng rng = base_rng_make(seed, "tiny", 0, 0);
    size_t at = sizeof(signature);
    for (size_t i = 0; i < RAW; i++)
        zlib[7 + i] = i % ROW ? (unsigned char)(rgb[(i % ROW - 1) % 3] + base_rng_below(&rng, 56)) : 0;
    const unsigned char stored[7] = {0x78, 0x01, 1, RAW & 255, RAW >> 8, ~RAW & 255, ~RAW >> 8 & 255};
    memcpy(zlib, stored, sizeof(stored));
    tiny_u32(zlib + 7 + RAW, tiny_adler(zlib + 7, RAW));
    tiny_u32(head, TINY_SIDE);
    tiny_u32(head + 4, TINY_SIDE);
    head[8] = 8; /* bits */
    head[9] = 2; /* RGB */
    memcpy(file, signature, sizeof(signature));
    at += tiny_chunk(file + at, "IHDR", head, sizeof(head));
    at += tiny_chunk(file + at, "IDAT", zlib, RAW + 11);
    at += tiny_chunk(file + at, "IEND", head, 0);
    return tiny_write(name, file, at);
}

/* Images 0.png..., t.jsonl and c.json; the directory becomes the working directory. False when the disk does not take
 * them. */
static inline bool tiny_make(void)
{
    static const unsigned char colours[3][3] = {{10, 10, 190}, {20, 190, 10}, {190, 20, 10}};
    static const char *const words[] = {"anger", "joy", "sorrow"};
    char manifest[TINY_IMAGES * 128], name[32];
    size_t at = 0;
    snprintf(tiny_dir, sizeof(tiny_dir), "%s/mien-test-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    if (!mkdtemp(tiny_dir))
        return false;
    for (uint32_t i = 0; i < TINY_IMAGES; i++) {
        snprintf(name, sizeof(name), "%u.png", i);
        if (!tiny_image(name, colours[i % 3], i))
            return false;
        at += (size_t)snprintf(manifest + at, sizeof(manifest) - at,
                               "{\"image\":\"%s\",\"caption\":\"a face of %s, number %u\",\"label\":\"%s\"}\n", name,
                               words[i % 3], i % 5, words[i % 3]);
    }
    static const char config[] =
        "{\"model\":{\"init\":\"scratch\",\"tokenizer\":{\"vocab\":540},\"config\":{\"projection_dim\":12,"
        "\"vision_config\":{\"hidden_size\":12,\"intermediate_size\":20,\"num_hidden_layers\":1,"
        "\"num_attention_heads\":2,\"image_size\":12,\"patch_size\":4},\"text_config\":{\"hidden_size\":12,"
        "\"intermediate_size\":20,\"num_hidden_layers\":1,\"num_attention_heads\":3,\"max_position_embeddings\":16}}},"
        "\"data\":{\"train\":\"t.jsonl\"},\"optim\":{\"lr\":0.003},"
        "\"run\":{\"dir\":\"run\",\"steps\":6,\"batch\":6,\"seed\":3}}";
    return tiny_write("t.jsonl", manifest, at) && tiny_write("c.json", config, strlen(config)) && chdir(tiny_dir) == 0;
}

static inline void tiny_remove(void)
{
    (void)base_dir_remove(tiny_dir);
}

#endif
