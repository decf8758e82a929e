/* foz.h: a reader of Fossilize databases that shares nothing with the writer: the container by its description in
 * ValveSoftware/Fossilize's fossilize_db.cpp, names by fossilize.cpp's hashing, from what the JSON says. Every function
 * returns what is wrong, or NULL. */
#ifndef TESTS_CHECK_FOZ_H
#define TESTS_CHECK_FOZ_H

#include "base/base.h"

#include <stdlib.h>
#include <string.h>

enum { FOZ_APPLICATION, FOZ_SET = 2, FOZ_LAYOUT, FOZ_MODULE, FOZ_PIPELINE = 7, FOZ_LINK, FOZ_KINDS = 11 };

struct foz_record {
    unsigned kind;
    uint64_t hash;
    cJSON *json;     /* the whole content */
    cJSON *info;     /* what stands under the hash; the content itself where nothing does */
    uint32_t *words; /* of a module */
    size_t count;
};

struct foz {
    struct foz_record *records;
    size_t count, capacity, of_kind[FOZ_KINDS];
};

/* ---- small parts ---- */

static inline uint32_t foz_u32(const unsigned char *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static inline uint32_t foz_crc(const unsigned char *data, size_t size)
{
    uint32_t crc = ~0u;
    while (size--) {
        crc ^= *data++;
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
    }
    return ~crc;
}

static inline uint64_t foz_mix(uint64_t hash, uint64_t value)
{
    return hash * 1099511628211ull ^ value;
}

static inline uint64_t foz_mix64(uint64_t hash, uint64_t value)
{
    return foz_mix(foz_mix(hash, value & 0xffffffffu), value >> 32);
}

static inline uint64_t foz_mix_text(uint64_t hash, const char *text)
{
    hash = foz_mix(hash, 255);
    for (; *text; text++)
        hash = foz_mix(hash, (unsigned char)*text);
    return hash;
}

static const uint64_t foz_start = 14695981039346656037ull;

/* A member that is a whole number; 2^53 where it is missing or none. */
static inline uint64_t foz_number(const cJSON *object, const char *key)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(object, key);
    double value = cJSON_IsNumber(member) ? member->valuedouble : -1;
    return value >= 0 && value == (double)(uint64_t)value ? (uint64_t)value : 1ull << 53;
}

static inline const char *foz_text(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    return text ? text : "";
}

/* 16 hexadecimal digits. */
static inline uint64_t foz_hex(const char *text)
{
    return strlen(text) == 16 && strspn(text, "0123456789abcdef") == 16 ? strtoull(text, NULL, 16) : 0;
}

static inline const struct foz_record *foz_find(const struct foz *foz, unsigned kind, uint64_t hash)
{
    for (size_t i = 0; i < foz->count; i++)
        if (foz->records[i].kind == kind && foz->records[i].hash == hash)
            return &foz->records[i];
    return NULL;
}

/* Bytes of base64 text; -1: it is none, or there are more than `room`. */
static inline long foz_base64(const char *text, unsigned char *out, size_t room)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t length = strlen(text), size = 0;
    size_t padding = length && text[length - 1] == '=' ? (length > 1 && text[length - 2] == '=' ? 2 : 1) : 0;
    uint32_t bits = 0;
    if (length % 4)
        return -1;
    for (size_t i = 0; i < length - padding; i++) {
        const char *digit = strchr(digits, text[i]);
        if (!digit)
            return -1;
        bits = bits << 6 | (uint32_t)(digit - digits);
        if (i % 4 == 0)
            continue;
        if (size == room)
            return -1;
        out[size++] = (unsigned char)(bits >> (6 - 2 * (i % 4)));
    }
    return (long)size;
}

/* ---- names ---- */

static inline uint64_t foz_hash_application(const cJSON *json)
{
    const cJSON *app = cJSON_GetObjectItemCaseSensitive(json, "applicationInfo");
    const cJSON *features = cJSON_GetObjectItemCaseSensitive(json, "physicalDeviceFeatures");
    uint64_t hash = foz_mix(foz_start, foz_number(app, "applicationVersion"));
    hash = foz_mix(foz_mix(hash, foz_number(app, "apiVersion")), foz_number(app, "engineVersion"));
    hash = foz_mix_text(foz_mix_text(hash, foz_text(app, "applicationName")), foz_text(app, "engineName"));
    return foz_mix64(foz_mix64(foz_start, hash), foz_mix(foz_start, foz_number(features, "robustBufferAccess")));
}

static inline uint64_t foz_hash_set(const cJSON *info)
{
    const cJSON *bindings = cJSON_GetObjectItemCaseSensitive(info, "bindings"), *b;
    uint64_t hash = foz_mix(foz_start, (uint64_t)cJSON_GetArraySize(bindings));
    hash = foz_mix(hash, foz_number(info, "flags"));
    cJSON_ArrayForEach(b, bindings)
    {
        hash = foz_mix(foz_mix(hash, foz_number(b, "binding")), foz_number(b, "descriptorCount"));
        hash = foz_mix(foz_mix(hash, foz_number(b, "descriptorType")), foz_number(b, "stageFlags"));
    }
    return hash;
}

static inline uint64_t foz_hash_layout(const cJSON *info)
{
    const cJSON *sets = cJSON_GetObjectItemCaseSensitive(info, "setLayouts");
    const cJSON *ranges = cJSON_GetObjectItemCaseSensitive(info, "pushConstantRanges"), *item;
    uint64_t hash = foz_mix(foz_start, (uint64_t)cJSON_GetArraySize(sets));
    cJSON_ArrayForEach(item, sets) hash = foz_mix64(hash, foz_hex(cJSON_GetStringValue(item)));
    hash = foz_mix(hash, (uint64_t)cJSON_GetArraySize(ranges));
    cJSON_ArrayForEach(item, ranges)
    {
        hash = foz_mix(foz_mix(hash, foz_number(item, "stageFlags")), foz_number(item, "size"));
        hash = foz_mix(hash, foz_number(item, "offset"));
    }
    return foz_mix(hash, foz_number(info, "flags"));
}

static inline uint64_t foz_hash_module(const struct foz_record *r)
{
    uint64_t hash = foz_start;
    for (size_t i = 0; i < r->count; i++)
        hash = foz_mix(hash, r->words[i]);
    return foz_mix(hash, foz_number(r->info, "flags"));
}

static inline uint64_t foz_hash_pipeline(const cJSON *info)
{
    const cJSON *stage = cJSON_GetObjectItemCaseSensitive(info, "stage"), *item;
    const cJSON *spec = cJSON_GetObjectItemCaseSensitive(stage, "specializationInfo");
    unsigned char data[256];
    long size = foz_base64(foz_text(spec, "data"), data, sizeof data);
    uint64_t hash = foz_mix64(foz_start, foz_hex(foz_text(info, "layout")));
    hash = foz_mix(foz_mix(hash, foz_number(info, "flags")), 0);
    hash = foz_mix64(hash, foz_hex(foz_text(stage, "module")));
    hash = foz_mix_text(hash, foz_text(stage, "name"));
    hash = foz_mix(foz_mix(hash, foz_number(stage, "flags")), foz_number(stage, "stage"));
    if (!spec)
        hash = foz_mix(hash, 0);
    for (long i = 0; spec && i < size; i++)
        hash = foz_mix(hash, data[i]);
    if (spec) {
        const cJSON *entries = cJSON_GetObjectItemCaseSensitive(spec, "mapEntries");
        hash = foz_mix(foz_mix64(hash, foz_number(spec, "dataSize")), (uint64_t)cJSON_GetArraySize(entries));
        cJSON_ArrayForEach(item, entries)
        {
            hash = foz_mix64(foz_mix(hash, foz_number(item, "offset")), foz_number(item, "size"));
            hash = foz_mix(hash, foz_number(item, "constantID"));
        }
    }
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(stage, "pNext")) hash =
        foz_mix(foz_mix(hash, foz_number(item, "sType")), foz_number(item, "requiredSubgroupSize"));
    return hash;
}

static inline uint64_t foz_hash_link(const cJSON *link)
{
    uint64_t hash = foz_mix64(foz_start, foz_hex(foz_text(link, "application")));
    return foz_mix64(foz_mix(hash, foz_number(link, "tag")), foz_hex(foz_text(link, "hash")));
}

static inline uint64_t foz_hash(const struct foz_record *r)
{
    switch (r->kind) {
    case FOZ_APPLICATION:
        return foz_hash_application(r->json);
    case FOZ_SET:
        return foz_hash_set(r->info);
    case FOZ_LAYOUT:
        return foz_hash_layout(r->info);
    case FOZ_MODULE:
        return foz_hash_module(r);
    case FOZ_PIPELINE:
        return foz_hash_pipeline(r->info);
    default:
        return foz_hash_link(r->info);
    }
}

/* ---- records ---- */

/* What has been read before, where it must be. */
static inline const char *foz_references(const struct foz *foz, const struct foz_record *r)
{
    const cJSON *stage = cJSON_GetObjectItemCaseSensitive(r->info, "stage"), *set;
    if (r->kind == FOZ_LINK && !foz_find(foz, FOZ_APPLICATION, foz_hex(foz_text(r->info, "application"))))
        return "a link names an application info that is not there";
    cJSON_ArrayForEach(set, cJSON_GetObjectItemCaseSensitive(r->info, "setLayouts"))
    {
        if (!foz_find(foz, FOZ_SET, foz_hex(cJSON_GetStringValue(set))))
            return "a pipeline layout names a set layout that is not there";
    }
    if (r->kind == FOZ_PIPELINE && !foz_find(foz, FOZ_LAYOUT, foz_hex(foz_text(r->info, "layout"))))
        return "a pipeline names a layout that is not there";
    if (r->kind == FOZ_PIPELINE && !foz_find(foz, FOZ_MODULE, foz_hex(foz_text(stage, "module"))))
        return "a pipeline names a module that is not there";
    return NULL;
}

static inline const char *foz_words(struct foz_record *r, const unsigned char *data, size_t size)
{
    size_t at = 0;
    r->count = foz_number(r->info, "codeSize") / 4;
    if (foz_number(r->info, "varintOffset") != 0 || foz_number(r->info, "varintSize") != size || r->count > 5 * size)
        return "a module's sizes do not fit its content";
    r->words = base_alloc(r->count, sizeof *r->words);
    for (size_t i = 0; i < r->count; i++) {
        uint32_t shift = 0;
        do {
            if (at == size || shift >= 32)
                return "a module's words do not decode";
            r->words[i] |= (uint32_t)(data[at] & 127) << shift;
            shift += 7;
        } while (data[at++] & 128);
    }
    return at == size ? NULL : "a module's words end before its content";
}

static inline const char *foz_content(struct foz_record *r, const unsigned char *data, size_t size)
{
    static const char *const groups[FOZ_KINDS] = {[FOZ_SET] = "setLayouts",
                                                  [FOZ_LAYOUT] = "pipelineLayouts",
                                                  [FOZ_MODULE] = "shaderModules",
                                                  [FOZ_PIPELINE] = "computePipelines"};
    const unsigned char *zero = memchr(data, 0, size);
    size_t length = zero ? (size_t)(zero - data) : size;
    const char *end;
    r->json = cJSON_ParseWithLengthOpts((const char *)data, length, &end, 0);
    if (!r->json || end != (const char *)data + length)
        return "a record's content is no JSON";
    if (foz_number(r->json, "version") != 6)
        return "a record's JSON is not of version 6";
    r->info = r->json;
    if (r->kind == FOZ_LINK)
        r->info = cJSON_GetObjectItemCaseSensitive(r->json, "link");
    if (groups[r->kind]) {
        r->info = cJSON_GetObjectItemCaseSensitive(r->json, groups[r->kind]);
        r->info = r->info ? r->info->child : NULL;
        if (!r->info || r->info->next || foz_hex(r->info->string) != r->hash)
            return "a record's content is not that of its name";
    }
    if (!!zero != (r->kind == FOZ_MODULE))
        return "a zero byte where none belongs, or none where one does";
    return zero ? foz_words(r, zero + 1, size - length - 1) : NULL;
}

/* The record at *at. */
static inline const char *foz_record(struct foz *foz, const unsigned char *data, size_t size, size_t *at)
{
    char name[41] = "";
    size_t left = size - *at;
    if (left < 56)
        return "the file ends within a record's head";
    memcpy(name, data + *at, 40);
    if (strspn(name, "0123456789abcdef") != 40 ||
        base_grow(&foz->records, &foz->capacity, foz->count + 1, sizeof *foz->records) != MIEN_OK)
        return "a record's name is not of 40 hexadecimal digits";
    struct foz_record *r = &foz->records[foz->count];
    const unsigned char *head = data + *at + 40, *content = head + 16;
    *r = (struct foz_record){.hash = foz_hex(name + 24)};
    name[24] = '\0';
    r->kind = (unsigned)strtoul(name + 16, NULL, 16);
    if (strspn(name, "0") < 16 || strspn(name + 16, "0") < 7)
        return "a record's kind is too large";
    if (r->kind != FOZ_APPLICATION && r->kind != FOZ_SET && r->kind != FOZ_LAYOUT && r->kind != FOZ_MODULE &&
        r->kind != FOZ_PIPELINE && r->kind != FOZ_LINK)
        return "a record of a kind that does not belong here";
    if (foz_u32(head) > left - 56 || foz_u32(head + 4) != 1 || foz_u32(head + 12) != foz_u32(head))
        return "a record's sizes are wrong, or it is compressed";
    if (foz_u32(head + 8) != foz_crc(content, foz_u32(head)))
        return "a record's checksum is wrong";
    if (foz_find(foz, r->kind, r->hash))
        return "a record stands twice";
    foz->count++; /* from here on foz_clear frees it */
    foz->of_kind[r->kind]++;
    const char *wrong = foz_content(r, content, foz_u32(head));
    wrong = wrong ? wrong : foz_references(foz, r);
    *at += 56 + foz_u32(head);
    return wrong ? wrong : foz_hash(r) == r->hash ? NULL : "a record's name is not its hash";
}

static inline const char *foz_read(const void *file, size_t size, struct foz *foz)
{
    const unsigned char *data = file;
    const char *wrong = NULL;
    *foz = (struct foz){0};
    if (size < 16 || memcmp(data,
                            "\x81"
                            "FOSSILIZEDB\0\0\0\6",
                            16) != 0)
        return "no Fossilize database of version 6";
    for (size_t at = 16; at < size && !wrong;)
        wrong = foz_record(foz, data, size, &at);
    if (!wrong && foz->of_kind[FOZ_APPLICATION] != 1)
        wrong = "not one application info";
    if (!wrong && foz->of_kind[FOZ_LINK] != foz->count - foz->of_kind[FOZ_LINK] - 1)
        wrong = "not one link for each record";
    return wrong;
}

static inline void foz_clear(struct foz *foz)
{
    for (size_t i = 0; i < foz->count; i++) {
        cJSON_Delete(foz->records[i].json);
        base_free(foz->records[i].words);
    }
    base_free(foz->records);
    *foz = (struct foz){0};
}

#endif
